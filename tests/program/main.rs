//! The program from outside: its command line, its results, its store, its limits.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common"]
mod common {
    #[cfg(unix)]
    pub(crate) mod control;
    pub(crate) mod ledger;
    pub(crate) mod misread;
    pub(crate) mod model_server;
    pub(crate) mod process;
    pub(crate) mod program;
    #[allow(dead_code, reason = "not every kind of connection is needed here")]
    pub(crate) mod raw_server;
    pub(crate) mod samples;
    pub(crate) mod store;
}

#[cfg(target_os = "linux")]
mod answers;
#[cfg(target_os = "linux")]
mod approve;
#[cfg(unix)]
mod batch;
mod batch_figures;
mod batch_kill;
mod breakpoints;
mod bundles;
mod charges;
mod cli_input;
mod cli_model;
#[cfg(target_os = "linux")]
mod cli_output;
mod cli_retries;
mod cli_run;
mod cli_signals;
#[cfg(target_os = "linux")]
mod code_calls;
#[cfg(target_os = "linux")]
mod code_calls_again;
#[cfg(unix)]
mod control;
#[cfg(unix)]
mod control_stored;
mod engine_chaos;
mod expect;
mod export_cast;
mod export_pictures;
#[cfg(target_os = "linux")]
mod failure_to_success;
mod flaky;
#[cfg(target_os = "linux")]
mod hand_over;
mod handle_kill;
mod history_commands;
#[cfg(target_os = "linux")]
mod library;
#[cfg(target_os = "linux")]
mod library_dropped;
mod limits_billing;
mod limits_forecast;
mod limits_money;
mod limits_rates;
#[cfg(target_os = "linux")]
mod mcp;
#[cfg(unix)]
mod mcp_server;
mod mcp_server_tasks;
#[cfg(target_os = "linux")]
mod memory;
mod model_options;
mod models;
mod network;
#[cfg(target_os = "linux")]
mod oauth;
mod open;
mod open_follow;
mod planner;
#[cfg(target_os = "linux")]
mod planner_optimize;
mod plans_in;
mod previews;
mod prices;
mod raw_bodies;
mod recovery;
mod recovery_kill;
mod run_to;
mod samples_results;
mod save;
mod secrets;
mod secrets_consent;
mod secrets_on_resume;
mod store_cache;
mod store_cache_key;
mod store_commands;
mod store_failures;
mod store_fork;
mod store_journal;
mod store_kill;
mod store_paid;
mod store_resume;
mod streaming;
#[cfg(unix)]
mod structure;
mod telemetry;
mod telemetry_plan;
#[cfg(unix)]
mod telemetry_trace;
mod tool_definition;
mod tool_definition_live;
mod trust;
mod undo;
mod worker_calls;
