//! The terminal: taking it over and giving it back, what it says, and the loop that every screen shares.

mod frame_limiter;
mod guard;
pub(crate) mod options;
pub(crate) mod screen;
mod signals;
