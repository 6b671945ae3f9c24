//! A live run for other processes: HTTP over a socket.
//!
//! Every recorded run that is running listens on a Unix socket of its own, and on TCP where that is asked for. What is
//! served are the run's events and the commands that it takes, and nothing else: a command becomes a
//! [`RunCommand`](crate::run::RunCommand), as if it had been typed in the dashboard.
//!
//! ```text
//!  engine ──events──▶ EventLog ◀── viewers (server-sent events), RunSoFar (the fold)
//!    ▲                    ▲
//!    └── RunCommand ── VERBS ◀── POST /v1/commands
//! ```
//!
//! The server has a thread of its own. The engine appends to the event log and never waits for a reader.

mod access;
mod client;
mod error;
mod event_log;
#[cfg(test)]
mod fixture;
mod going_on;
mod listen;
mod live_status;
pub mod mcp;
mod patient;
mod plan_request;
mod reader;
mod routes;
mod run_so_far;
mod server;
mod socket;
mod stored;
mod stream;
mod verb;
mod verbs;

pub use client::{Client, ClientError, Events};
pub use error::ControlError;
pub use going_on::continuation;
pub use listen::{Door, Listen};
pub use live_status::LiveStatus;
pub(crate) use plan_request::PlanRequest;
pub use server::Server;
pub use verb::CommandRequest;
pub use verbs::preview;
