//! The kinds of tools, called through the library and through the program.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common"]
mod common {
    pub(crate) mod process;
    pub(crate) mod program;
    #[allow(dead_code, reason = "the heads of requests are read elsewhere")]
    pub(crate) mod raw_server;
    #[cfg(target_os = "linux")]
    pub(crate) mod scripted_mcp;
    pub(crate) mod toolbox;
}

mod agent;
mod catalog;
#[cfg(unix)]
mod code;
#[cfg(target_os = "linux")]
mod escapes;
#[cfg(target_os = "linux")]
mod family;
#[cfg(target_os = "linux")]
mod hostile;
mod http;
#[cfg(target_os = "linux")]
mod jail;
#[cfg(target_os = "linux")]
mod limits_children;
#[cfg(target_os = "linux")]
mod mcp;
#[cfg(target_os = "linux")]
mod mcp_questions;
#[cfg(target_os = "linux")]
mod mcp_tasks;
mod model;
mod open_api;
#[cfg(unix)]
mod parallel;
#[cfg(unix)]
mod process;
mod providers;
mod streaming;
