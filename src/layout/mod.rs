//! Geometry: where the nodes and edges of a DAG go, in cells. No colours, no states, no terminal.
