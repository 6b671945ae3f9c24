//! Code from a catalog or a plan, run in children of this program.
//!
//! A child takes one piece of work at a time and answers it; it stays alive for the next. Before its first
//! piece it limits its own memory, processor time and open files, and it has no environment, no files and no
//! network in the languages it speaks. Where a piece runs for ever, uses too much memory or brings the
//! interpreter down, the child dies and nothing else does.

mod child;
mod pool;
mod protocol;
mod python;

pub use child::serve;
pub use pool::{Program, Sandbox, Work, this_program_serves};
pub use protocol::Language;
