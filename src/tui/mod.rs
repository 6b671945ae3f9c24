//! The dashboard: state in, cells out, commands back. It decides nothing about a run.

mod feed;
pub mod graph;
mod theme;

pub use feed::Feed;
pub use theme::{StatusLook, Theme};
