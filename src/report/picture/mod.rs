//! Pictures of a run for other programs: its graph in the languages of Mermaid and Graphviz, as an image, and in a page.

mod drawing;
mod page;
mod svg;
mod text_graph;

pub(crate) use page::html;
pub(crate) use text_graph::{dot, mermaid};

use crate::run::RunState;

/// The graph as an image that stands for itself.
pub(crate) fn svg(run: &RunState) -> String {
    svg::graph(&drawing::Drawing::of(run), true)
}
