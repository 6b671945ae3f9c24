//! Parts of a screen that know nothing of any screen.

pub(crate) mod ansi;
pub(crate) mod frame;
pub(crate) mod header_segments;
pub(crate) mod hints;
pub(crate) mod json;
pub(crate) mod json_table;
pub(crate) mod overlay;
pub(crate) mod palette;
pub(crate) mod progress;
pub(crate) mod refresh_throttle;
pub(crate) mod text_page;
pub(crate) mod themes;
pub(crate) mod tree;
mod tree_search;
