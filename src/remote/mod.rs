//! Calls that are carried out on other machines.
//!
//! The scheduler stays here, and so does the journal. A call of a tool is sent to an engine of durable calls under the
//! name of its attempt; the engine passes it to a worker, which serves the tools of a catalog, and keeps the result. When
//! this process dies, the next one asks the engine about the same name.
//!
//! [`wire`] is what goes over the line, [`serve`] carries out a call with the tools of this machine, and [`restate`] is
//! the engine that there is now. Another one (Temporal) is a folder like it: an [`Executor`](crate::tools::Executor) and
//! a worker over the same two files.

pub mod restate;
pub mod serve;
pub mod wire;
