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

// The benches and the tests of whole screens look into the state of the dashboard, which is no library.
#![allow(unnameable_types)]

pub mod batch;
mod dashboard;
#[cfg(test)]
mod fixture;
pub mod home;
mod input;
mod keymaps;
mod prompt;
mod resume_prompt;
mod terminal;
mod theme;
mod trust_prompt;
mod widgets;

pub use dashboard::app::{Left, run};
pub use dashboard::feed::Feed;
pub(crate) use dashboard::film::Film;
pub use dashboard::history::{
    EditsDiff, HistoryAnswer, HistoryQuery, PastRun, PricedEdit, RepairQuestion,
};
pub use dashboard::message::{Effect, Message};
pub use dashboard::panes::View;
pub use dashboard::panes::cost::CostPane;
pub use dashboard::panes::graph::{GraphPane, Level};
pub use dashboard::panes::pane::{Direction, Pane};
pub use dashboard::panes::pane_context::PaneContext;
pub use dashboard::panes::table::Table;
pub use dashboard::panes::timeline::Timeline;
pub use dashboard::state::comparison::{Runs, SideBySide};
pub use dashboard::state::correction::{Correction, PlanChange, RepairPrice};
pub use dashboard::state::editor::Editor;
pub use dashboard::state::inspector::{Inspector, Tab};
pub use dashboard::state::model::{Drag, Focus, Model, UnknownSteps};
pub use dashboard::state::overlay::{BarePage, Overlay, PlanEdit, Question, SaveEdits};
pub use dashboard::state::previewed::{Previewed, Previews};
pub use dashboard::state::repairing::Repairing;
pub use dashboard::state::search::Search;
pub use dashboard::state::step_names::StepNames;
pub use dashboard::state::structure::{Structure, StructureEdit};
pub use dashboard::state::tool_definition::ToolDefinition;
pub use dashboard::state::trying::{Tried, Trying};
pub use dashboard::update::update;
pub use dashboard::view::view;
pub use input::keymap::{KeyFault, KeySetting, KeySettings, Keymap, Keymaps};
pub use input::palette::Palette;
pub use keymaps::{keymaps, keys_as_settings};
pub(crate) use resume_prompt::{ResumeChoice, ResumePrompt, ask_to_resume};
pub use terminal::options::{Error, Options};
pub use terminal::screen::{
    Outcome, OutsideEnd, OutsideFile, OutsideProgram, TerminalEffect, TerminalEvent,
};
pub(crate) use terminal::signals::EndingSignals;
pub use terminal::surroundings::{Notify, Progress, Surroundings, TerminalStatus};
pub use theme::Theme;
pub use theme::choice::ThemeChoice;
pub(crate) use theme::color::{ColorMode, of_terminal as colours_of_terminal};
pub use theme::file::{
    ThemeError, ThemeFile, all as themes, find as find_theme, named as theme_named,
    names as theme_names,
};
pub(crate) use theme::look::AUTO as AUTO_THEME;
pub use theme::look::{Look, ThemeSource};
pub(crate) use trust_prompt::{TrustChoice, TrustItem, TrustPrompt, ask_for_trust};
