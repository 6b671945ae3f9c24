//! Calls that workers behind a Restate server carry out: with the real server, which nobody of this project wrote.
//!
//! `.ci/restate` installs the server from npm and runs these tests; by hand, `RESTATE_SERVER` names its program:
//! `RESTATE_SERVER=… cargo test --features restate --test restate`.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common"]
mod common {
    #[allow(dead_code, reason = "not every question is asked here")]
    pub(crate) mod ledger;
    #[allow(dead_code, reason = "not every helper is needed here")]
    pub(crate) mod process;
    #[allow(dead_code, reason = "not every helper is needed here")]
    pub(crate) mod program;
}

mod batch_kills;
mod batches;
mod calls;
mod cluster;
mod deaths;
mod kills;
mod refusals;
