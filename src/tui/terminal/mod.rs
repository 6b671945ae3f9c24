//! The terminal: taking it over and giving it back, what it says, and the loop that every screen shares.

pub(crate) mod backend;
mod background;
mod clipboard;
mod frame_limiter;
pub(crate) mod guard;
mod input;
pub(crate) mod options;
mod outside;
pub(crate) mod screen;
pub(crate) mod signals;
pub(crate) mod surroundings;
