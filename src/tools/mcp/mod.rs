//! MCP servers: one connection to each, which all steps of a run share.
//!
//! A connection is opened at the first use, over the pipes of a program or over streamable HTTP, in the lifecycle that the
//! server speaks. It is opened again where it was lost: a call that had not been sent goes over the new one, and one that
//! had been sent fails. Nothing of the protocol library is known outside of this folder.

mod child;
mod connection;
mod failure;
mod following;
mod http;
mod link;
mod listed;
mod listeners;
mod oauth;
mod observed;
mod questions;
mod receiver;
mod result;
mod server;
mod servers;
mod settings;
mod snapshot;
mod stdio;
mod surroundings;
mod tasks;

pub(in crate::tools) use following::LookedUp;
pub(in crate::tools) use listed::ListedTool;
pub(in crate::tools) use server::{Made, Server};
pub(crate) use servers::Servers;
pub(in crate::tools) use settings::{Place, ServerSettings};
pub(in crate::tools) use surroundings::Surroundings;

/// A larger message of a server ends its connection, in bytes.
const MAX_MESSAGE: usize = 16 << 20;
