//! Finds the run that a command is about: a live one, on this machine or at an address, or a recorded one.

use super::failure::Failure;
use crate::control::Client;
use crate::run::{RunSummary, RunWord};
use crate::store::Store;
use std::sync::Arc;

/// The run that a command is about.
pub(super) enum Found {
    /// It is live.
    Live {
        /// Takes commands to it.
        client: Client,
        /// Its id, or its address.
        name: String,
        /// What is on record of it, for a run on this machine.
        recorded: Option<Box<RunSummary>>,
    },
    /// It is on record, and not live.
    Stored(Box<RunSummary>),
}

/// Finds a run by its id, the start of its id, `last`, or its address.
pub(super) fn find(name: &str, token: Option<&str>) -> Result<Found, Failure> {
    if name.starts_with("http://") || name.starts_with("https://") {
        let client = Client::at(name, token.map(str::to_owned));
        let client = client.map_err(|error| Failure::usage(format!("{name}: {error}")))?;
        return Ok(Found::Live {
            client,
            name: name.to_owned(),
            recorded: None,
        });
    }
    let store = Store::open()?;
    let run = store.find(name)?;
    let client = Client::of_run(store.home(), &run.run_id);
    match (client, run.status) {
        (Some(client), RunWord::Running) => Ok(Found::Live {
            client,
            name: run.run_id.to_string(),
            recorded: Some(Box::new(run)),
        }),
        (None, RunWord::Running) => Err(silent(&run.run_id)),
        _ => Ok(Found::Stored(Box::new(run))),
    }
}

fn silent(run_id: &Arc<str>) -> Failure {
    Failure::usage(format!(
        "run {run_id} is running and has no socket: it takes commands only in its own dashboard"
    ))
}
