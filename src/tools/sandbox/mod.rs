//! Runs code from a catalog or a plan in child processes of this program.
//!
//! A child runs one request at a time and stays alive for the next. Before the first request it limits its own memory,
//! processor time and open files, and its languages have no access to the environment, files or the network. On Linux the
//! system refuses it these too, so that a fault of an interpreter opens no way out. Where code runs forever, uses too
//! much memory or crashes the interpreter, only the child ends.

mod child;
mod confinement;
mod conversation;
mod cpython;
mod ending;
mod idle;
mod log;
mod pool;
mod printer;
mod process;
mod program;
mod protocol;
mod python;
mod python_calls;
mod python_values;
mod ready;
mod shape;
mod tool_calls;
#[cfg(target_os = "linux")]
mod walls;
mod work;

pub(crate) use child::serve;
pub(crate) use cpython::{Setup, become_cpython};
pub(crate) use pool::Sandbox;
pub use program::Program;
pub(crate) use program::this_program_serves;
pub(crate) use protocol::Language;
pub(crate) use work::Work;
