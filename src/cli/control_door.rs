//! Opens a run to other processes: its socket, and an address of the network where that is asked for.

use super::args::run::{JournalWhen, RunArgs};
use super::failure::Failure;
use super::output::note_line;
use crate::control::{Door, Listen, Server};
use crate::session::{LiveRun, PreparedRun};

/// Has a recorded run listen, and prints the token of the address that was asked for.
pub(super) fn prepare(
    run: PreparedRun,
    args: &RunArgs,
) -> Result<(PreparedRun, Option<Door>), Failure> {
    if args.record.journal == JournalWhen::Off {
        return match &args.listen {
            None => Ok((run, None)),
            Some(_) => Err(Failure::usage(
                "--listen needs a run that is recorded: leave out --journal off",
            )),
        };
    }
    let listen = Listen {
        address: args.listen.clone(),
        home: None,
    };
    let asked = args.listen.as_deref().unwrap_or("the socket of the run");
    let (run, door) = listen
        .prepare(run)
        .map_err(|error| Failure::usage(format!("{asked}: {error}")))?;
    if let Some(why) = door.trouble() {
        note_line(&format!(
            "other processes cannot reach this run: its socket cannot be opened: {why}"
        ));
    }
    if let Some((address, token)) = door.address() {
        note_line(&format!("listening on http://{address}, token {token}"));
    }
    Ok((run, Some(door)))
}

/// Serves a run that has started, until the server is dropped.
pub(super) fn open(door: Option<Door>, live: &LiveRun) -> Result<Option<Server>, Failure> {
    let server = door
        .map(|door| door.open(live.commands().clone(), live.started()))
        .transpose();
    server.map_err(|error| Failure::usage(format!("other processes cannot be served: {error}")))
}
