//! The journal of runs and the cache of outputs, in an embedded database.
//!
//! One file, `plandeck.db` under `PLANDECK_HOME`, holds every run: a row that a list of runs shows, what the
//! run was started with, its numbered events in rows of many, and large contents once by their hash. Any
//! number of processes may write and read it at once.
//!
//! [`Journal`] is an [`EventSink`](crate::engine::EventSink): a thread of its own writes the engine's events.
//! [`Store`] is the read side, for this process or another, while the run is running or long after.

mod batch_items;
mod batches;
mod blobs;
mod cache;
mod cache_reader;
mod codec;
mod connections;
mod error;
mod exchanges;
mod files;
mod hash_key;
mod journal;
mod message;
mod options;
mod pack;
mod packed_events;
mod presence;
mod prune;
mod read;
mod resume;
mod run_lock;
mod run_totals;
mod schema;
mod sent_runs;
mod writer;
mod writer_thread;

pub use batch_items::BatchCursor;
pub use batches::{
    BatchClaim, BatchMark, BatchRecord, BatchSummary, begin_batch, resume_batch, stands,
};
pub(crate) use cache::key_text;
pub use cache::{CacheOptions, KeptSummary, StoredCache};
pub use cache_reader::Nearest;
pub use codec::DecodeError;
pub use connections::Connections;
pub use error::StoreError;
pub use files::FILES;
pub use journal::Journal;
pub use options::{Health, JournalOptions, OnFailure, RunMeta};
pub use packed_events::{EventPacker, EventUnpacker};
pub use prune::{PruneRules, Pruned};
pub use read::{Details, EventCursor, Recording, Store};
pub use resume::Resumption;
pub(crate) use run_lock::Claim;
pub use schema::home;
pub(crate) use sent_runs::REMOTE;
pub use sent_runs::{SendingRun, SentTo, record_sent};
