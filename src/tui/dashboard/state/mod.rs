//! What the dashboard knows: the run as its events tell it, and what the person looks at.

pub(crate) mod model;
pub(crate) mod player;
pub(crate) mod run_index;
pub(crate) mod time_travel;
