//! The DAG pane: drawing, panning and moving about in what `layout` worked out.
//!
//! ```text
//!  RunState ─▶ topology   which rows are nodes, their labels and edges; changes rarely
//!           ─▶ scene      geometry of a topology at a level of detail; worked out once and kept
//!           ─▶ camera     which part of it the pane shows
//!           ─▶ paint      cells: wires first, then what stands on them, styled by the state of this frame
//! ```

mod camera;
mod card;
mod pane;
mod scene;
mod text;
mod topology;
mod walk;
mod wires;

pub use pane::{Direction, GraphPane, Level};

#[cfg(test)]
mod tests;
