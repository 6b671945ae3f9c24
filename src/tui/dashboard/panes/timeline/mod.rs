//! The timeline: attempts as bars over time, in their slots or a step a line, and why nothing was done between
//! them.
//!
//! ```text
//!  RunState ─▶ index    attempts by slot and by start, the critical path; made again when the state changes
//!           ─▶ pieces   what a row waited for, as stretches of time; only for what is seen
//!  window   ─▶ scale    which time a cell shows, and the ticks
//!           ─▶ paint    cells
//! ```
//!
//! ```text
//!  slot│0         200ms      400ms      600ms
//!  path│━ extract ━━━━━━━━ ━━ items ━━━━━━━━━━━
//!     1│█extract 322ms██▌·█items 540ms████████
//!     2│··················█dates██████████████
//! ```

pub(crate) mod actions;
mod draw;
mod index;
mod paint;
mod pane;
mod pieces;
mod scale;
mod step_line;
mod strip;
mod style;

pub use pane::Timeline;
pub(crate) use pieces::waited;
pub(crate) use step_line::Waterfall;

use crate::tui::input::key::Key;

/// Its name.
pub(crate) const NAME: &str = "timeline";
/// The key that shows it.
pub(crate) const KEY: Key = Key::char('T');

#[cfg(test)]
mod tests;
