//! What the dashboard knows: the run as its events describe it, and what the user looks at.

pub(crate) mod break_line;
pub(crate) mod break_marks;
pub(crate) mod comparison;
pub(crate) mod editor;
pub(crate) mod group;
pub(crate) mod group_grid;
pub(crate) mod inspected;
pub(crate) mod inspector;
pub(crate) mod json_filter;
pub(crate) mod log_lines;
pub(crate) mod model;
pub(crate) mod overlay;
pub(crate) mod page_search;
pub(crate) mod player;
mod position;
pub(crate) mod presentation;
pub(crate) mod previewed;
pub(crate) mod run_index;
pub(crate) mod search;
pub(crate) mod setting_line;
pub(crate) mod step_look;
pub(crate) mod step_names;
pub(crate) mod strip;
pub(crate) mod tab;
pub(crate) mod time_travel;
pub(crate) mod tour;
pub(crate) mod trail;
