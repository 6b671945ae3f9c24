//! The DAG pane: drawing, panning and moving about in what `layout` worked out.
//!
//! ```text
//!  RunState ─▶ rows       how the rows are called, and which are alike; changes rarely
//!           ─▶ topology   nodes and edges, with what is folded in one node
//!           ─▶ geometry   of a topology at a level of detail; worked out once, by the layout worker,
//!                         on a thread of its own where it takes time
//!           ─▶ camera     which part of it the pane shows
//!           ─▶ paint      cells: wires first, then what stands on them, styled by the state of this frame
//!           ─▶ minimap    the whole in a few cells, where the pane does not show all of it
//! ```

pub(crate) mod actions;
mod beside;
mod camera;
mod card;
mod detail;
mod draw;
mod folds;
mod geometry;
mod heat;
mod highlight;
mod layout_worker;
mod level;
mod live;
mod metrics;
mod minimap;
mod motion;
mod paint;
mod paint_node;
mod pane;
mod rows;
mod shape;
mod sidebar;
mod text;
mod topology;
mod walk;
mod wires;

pub use level::Level;
pub use pane::GraphPane;

use crate::tui::input::key::Key;

/// Its name.
pub(crate) const NAME: &str = "graph";
/// The key that shows it.
pub(crate) const KEY: Key = Key::char('D');

#[cfg(test)]
mod tests;
