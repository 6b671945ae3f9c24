//! The terminal: taking it over and giving it back, what it says, and the loop that every screen shares.

mod backend;
mod frame_limiter;
mod guard;
mod input;
pub(crate) mod options;
pub(crate) mod screen;
pub(crate) mod signals;
