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

mod act;
pub mod actions;
mod app;
mod archive;
mod colour;
mod compare;
mod cost;
mod editor;
mod feed;
mod field;
pub mod graph;
pub mod home;
mod json;
mod keys;
mod limiter;
mod live;
mod message;
mod model;
mod offer;
mod pace;
mod palette;
mod player;
mod scene;
mod search;
mod sight;
mod signals;
#[cfg(test)]
mod stage;
mod table;
mod terminal;
mod theme;
mod theme_file;
mod timeline;
mod travel;
mod update;
mod view;

pub use app::{Left, run};
pub use archive::{Answer, Inquiry, PastRun};
pub use colour::{ColourMode, Depth, choose as choose_theme, is_ascii_terminal};
pub use compare::{Against, Compare, Pair, Runs};
pub use cost::CostPane;
pub use editor::{Editor, Purpose};
pub use feed::Feed;
pub use field::{Field, lit};
pub use keys::Key;
pub use live::Live;
pub use message::{Effect, Message, Outcome};
pub use model::{Focus, Inspector, Model, Overlay, Question, Tab, View};
pub use offer::{Offer, Reply, offer};
pub use palette::Palette;
pub use player::Player;
pub use scene::{Error, Options};
pub use search::Search;
pub use sight::Sight;
pub use table::Table;
pub use theme::{StatusLook, Theme};
pub use theme_file::{ThemeError, named as theme_named, names as theme_names};
pub use timeline::Timeline;
pub use travel::Travel;
pub use update::update;
pub use view::{Areas, view};
