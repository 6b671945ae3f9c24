//! Runs code from a catalog or a plan in child processes of this program.
//!
//! A child runs one request at a time and stays alive for the next. Before the first request it limits its own memory,
//! processor time and open files, and its languages have no access to the environment, files or the network. On Linux the
//! system refuses it these too, so that a fault of an interpreter opens no way out. Where code runs forever, uses too
//! much memory or crashes the interpreter, only the child ends.

mod child;
mod log;
mod pool;
mod protocol;
mod python;
#[cfg(target_os = "linux")]
mod walls;

pub(crate) use child::serve;
pub use pool::Program;
pub(crate) use pool::{Sandbox, Work, this_program_serves};
pub(crate) use protocol::Language;
