//! Where the calls of a run are carried out.

use super::failure::Failure;
use super::output::note_line;
use crate::remote::restate::{RestateAddress, RestateExecutor, RestateItems};
use crate::session::ItemEngine;
use crate::tools::Executor;
use std::collections::HashSet;
use std::sync::{Arc, Mutex};

/// The executor that `--on` names; `None` for this process.
///
/// # Errors
/// Where it is no address; where the engine cannot be used.
pub(super) async fn executor(on: Option<&str>) -> Result<Option<Arc<dyn Executor>>, Failure> {
    let Some((on, address)) = address(on)? else {
        return Ok(None);
    };
    let executor = RestateExecutor::connect(address).await;
    let executor = executor.map_err(|error| Failure::usage(format!("--on {on}: {error}")))?;
    Ok(Some(Arc::new(executor)))
}

/// The engine behind which the items of a batch are run; `None` for this process. What keeps items from being run is told
/// unless `quiet`.
///
/// # Errors
/// Where it is no address; where the engine cannot be used.
pub(super) async fn item_engine(
    on: Option<&str>,
    quiet: bool,
) -> Result<Option<Arc<dyn ItemEngine>>, Failure> {
    let Some((on, address)) = address(on)? else {
        return Ok(None);
    };
    let said = Mutex::new(HashSet::new());
    let note = move |words: &str| {
        // Many items wait for the same.
        let is_new = said
            .lock()
            .is_ok_and(|mut said| said.insert(words.to_owned()));
        if is_new && !quiet {
            note_line(words);
        }
    };
    let engine = RestateItems::connect(address, note).await;
    let engine = engine.map_err(|error| Failure::usage(format!("--on {on}: {error}")))?;
    Ok(Some(Arc::new(engine)))
}

fn address(on: Option<&str>) -> Result<Option<(&str, RestateAddress)>, Failure> {
    let Some(on) = on.filter(|on| *on != "local") else {
        return Ok(None);
    };
    let address = on
        .parse()
        .map_err(|fault| Failure::usage(format!("--on: {fault}")))?;
    Ok(Some((on, address)))
}
