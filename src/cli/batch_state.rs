//! A batch as the store has it at present.

use super::failure::Failure;
use crate::run::BatchState;
use crate::store::{BatchCursor, BatchRecord, Store};

/// Runs that are read in one piece.
const PIECE: usize = 20_000;

/// Everything on record of a batch.
pub(super) fn batch_state(store: &Store, record: &BatchRecord) -> Result<BatchState, Failure> {
    let mut state = BatchState::default();
    state.begin(store.batch_header(record)?);
    let mut cursor = BatchCursor::new(&record.batch);
    loop {
        let records = cursor.read(store, PIECE)?;
        if records.is_empty() {
            return Ok(state);
        }
        for record in records {
            state.apply(record);
        }
    }
}
