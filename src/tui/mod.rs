//! The dashboard: state in, cells out, commands back. It decides nothing about a run.
//!
//! ```text
//!  plandeck   receipt   offline      ● RUNNING 2.4s   $0.0021 of $0.10 ▇▒░░░░   5/9 ✔   1 ✖
//!  speedup 2.3×   efficiency 94%   slots ▮▮▮▯▯   span 1.0s        waiting on categorize (0.8s)
//! ╭ graph ─────────────────────────────────────────╮╭ ● categorize ───────────────────────╮
//! │            ╭───────────────╮                   ││ overview │ input │ output │ prompt …│
//! │            │ ✔ extract     │                   ││                                     │
//! │            ╰───────┬───────╯                   ││ tool       categorize_items  (model)│
//! ╰────────────────────────────────────────────────╯╰─────────────────────────────────────╯
//!  space pause   r retry   enter inspect   ? help   q quit
//! ```
//!
//! Events of a run come in through a [`Feed`] and are folded into a run state; [`update`] takes every message
//! and answers with effects, [`view`] draws the model, and [`run`] is the loop around both. The terminal is
//! held by a guard that gives it back whatever happens.

mod dashboard;
#[cfg(test)]
mod fixture;
pub mod home;
mod input;
mod resume_prompt;
mod terminal;
mod theme;
mod widgets;

pub use dashboard::app::{Left, run};
pub use dashboard::feed::Feed;
pub use dashboard::history::{HistoryAnswer, HistoryQuery, PastRun};
pub use dashboard::layout::Areas;
pub use dashboard::message::{Effect, Message};
pub use dashboard::panes::cost::CostPane;
pub use dashboard::panes::graph::{GraphPane, Level};
pub use dashboard::panes::pane::{Caption, Direction, FoldResult, Pane};
pub use dashboard::panes::pane_context::PaneContext;
pub use dashboard::panes::table::Table;
pub use dashboard::panes::timeline::Timeline;
pub use dashboard::panes::{Panes, View};
pub use dashboard::state::comparison::{Against, Pair, RunChoice, Runs, SideBySide};
pub use dashboard::state::editor::{Editor, Purpose};
pub use dashboard::state::inspector::{Inspector, Tab};
pub use dashboard::state::model::{Drag, Focus, Model, UnknownSteps};
pub use dashboard::state::overlay::{Overlay, Question};
pub use dashboard::state::palette::Palette;
pub use dashboard::state::player::Player;
pub use dashboard::state::run_index::RunIndex;
pub use dashboard::state::search::Search;
pub use dashboard::state::time_travel::TimeTravel;
pub use dashboard::update::update;
pub use dashboard::view::view;
pub use input::text_field::Field;
pub use resume_prompt::{ResumeChoice, ResumePrompt, ask_to_resume};
pub use terminal::options::{Error, Options};
pub use terminal::screen::{Outcome, TerminalEffect, TerminalEvent};
pub use terminal::signals::EndingSignals;
pub use theme::color::{ColorMode, Depth, choose as choose_theme, is_ascii_terminal};
pub use theme::file::{ThemeError, named as theme_named, names as theme_names};
pub use theme::{StatusStyle, Theme};
