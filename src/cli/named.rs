//! Whether a name on the command line stands for a batch.

use super::failure::Failure;
use crate::store::{BatchRecord, Store, StoreError};

/// The batch of this id or start of an id, where it is one and not a run. `last` is what was started last: a run, or the
/// batch to which it belongs.
pub(super) fn batch_named(name: &str) -> Result<Option<(Store, BatchRecord)>, Failure> {
    let store = Store::open()?;
    let batch = batch_in(&store, name)?;
    Ok(batch.map(|batch| (store, batch)))
}

fn batch_in(store: &Store, name: &str) -> Result<Option<BatchRecord>, Failure> {
    let batch = store.find_batch(name).ok();
    if name == "last" {
        let run = store.find(name)?;
        return Ok(match store.batch_of(&run)? {
            Some(batch) => Some(store.find_batch(&batch)?),
            None => None,
        });
    }
    if batch.as_ref().is_some_and(|batch| *batch.batch == *name) {
        return Ok(batch);
    }
    // The runs of a batch begin like it, since ids begin with the time; whoever looks for the run says what is wrong.
    Ok(match store.find(name) {
        Err(StoreError::NoSuchRun(_) | StoreError::Ambiguous { .. }) => batch,
        Ok(_) | Err(_) => None,
    })
}
