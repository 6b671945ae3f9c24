//! The views of a run that stand in the pane beside the inspector, a folder each.

pub(crate) mod cost;
pub(crate) mod graph;
pub(crate) mod pane_context;
pub(crate) mod table;
pub(crate) mod timeline;
