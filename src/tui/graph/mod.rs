//! The DAG pane: drawing, panning and moving about in what `layout` worked out.
