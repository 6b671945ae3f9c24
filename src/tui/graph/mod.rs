//! The DAG pane: drawing, panning and moving about in what `layout` worked out.
//!
//! ```text
//!  RunState ─▶ topology   which rows are nodes, their labels and edges; changes rarely
//!           ─▶ scene      geometry of a topology at a level of detail; worked out once, by the studio,
//!                         on a thread of its own where it takes time
//!           ─▶ camera     which part of it the pane shows
//!           ─▶ paint      cells: wires first, then what stands on them, styled by the state of this frame
//! ```

mod aside;
mod camera;
mod card;
mod level;
mod paint;
mod pane;
mod scene;
mod studio;
mod text;
mod topology;
mod walk;
mod wires;

pub use level::{Direction, Level};
pub use pane::GraphPane;

#[cfg(test)]
mod tests;
