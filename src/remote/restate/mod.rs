//! Restate as the engine of durable calls.
//!
//! An attempt is one invocation of the service `Plandeck`, with the attempt's name as its idempotency key, so that there is
//! one call for each name however often it is asked for. [`RestateExecutor`] sends attempts and needs HTTP alone; the
//! worker that the engine calls is behind the feature `restate`.

mod address;
mod client;
mod executor;
mod handle;
#[cfg(feature = "restate")]
mod registration;
#[cfg(feature = "restate")]
pub mod worker;

pub use address::{AddressFault, RestateAddress};
pub use client::ClientError;
pub use executor::RestateExecutor;
#[cfg(feature = "restate")]
pub use registration::register;

/// The service whose handlers workers serve.
const SERVICE: &str = "Plandeck";
/// The handler that makes a call.
const CALL: &str = "call";
/// The handler that does nothing: what it leaves in the engine shows later that the engine has kept its data.
const MARK: &str = "mark";
