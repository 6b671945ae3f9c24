//! The same verbs for agents: a server of the Model Context Protocol.
//!
//! Its tools do what the commands of the program do. A run that an agent starts is a process of its own that listens on a
//! socket, so that the user can attach to it, and that continues when the agent leaves.

mod answer;
mod arguments;
mod calls;
mod program;
mod serve;
mod server;
mod tasks;
mod tools;

pub use serve::{serve_http, serve_stdio};
