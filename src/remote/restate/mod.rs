//! Restate as the engine of durable calls.
//!
//! An attempt is one invocation of the service `Plandeck`, with the attempt's name as its idempotency key, so that there is
//! one call for each name however often it is asked for. [`RestateExecutor`] sends attempts and needs HTTP alone; the
//! worker that the engine calls is behind the feature `restate`.
//!
//! An item of a batch is one invocation too: the worker runs the embedded engine in it, and puts the events of the run on
//! record at the server before it goes on. [`RestateItems`] sends items, and [`RestateBatch`] reads what the server has of a
//! batch.

mod address;
mod batch;
#[cfg(feature = "restate")]
mod batch_objects;
mod client;
mod connection;
mod executor;
mod framed;
mod handle;
#[cfg(feature = "restate")]
mod item_handler;
mod items;
#[cfg(feature = "restate")]
mod registration;
mod running_items;
#[cfg(feature = "restate")]
pub mod worker;

pub use address::{AddressFault, RestateAddress};
pub use batch::RestateBatch;
pub use client::ClientError;
pub use executor::RestateExecutor;
pub use items::RestateItems;
#[cfg(feature = "restate")]
pub use registration::register;

/// The service whose handlers workers serve.
const SERVICE: &str = "Plandeck";
/// The handler that makes a call.
const CALL: &str = "call";
/// The handler that does nothing: what it leaves in the engine shows later that the engine has kept its data.
const MARK: &str = "mark";
/// The handler that runs an item of a batch.
const ITEM: &str = "item";
/// The object that knows what a batch is, by the id of the batch.
const BATCHES: &str = "PlandeckBatch";
/// The object that keeps the money and the calls of a batch.
const BUDGETS: &str = "PlandeckBudget";
/// What is kept of a batch for whoever follows it, and the beginning of what is kept of its definitions.
const RECORD: &str = "record";
#[cfg(feature = "restate")]
const DEFINITION: &str = "definition-";
