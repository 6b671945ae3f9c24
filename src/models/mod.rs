//! Models: the providers that serve them, the protocols they are asked in, their prices, and the worker that carries
//! out tools with them.

mod answer;
mod api_quirks;
mod choose;
mod context_window;
mod conversation;
mod cost_bounds;
mod endpoint;
pub(crate) mod estimate;
mod fake_value;
mod funds;
pub(crate) mod http;
pub(crate) mod prices;
mod prompt;
pub(crate) mod protocol;
mod provider;
mod request;
mod simulation;
mod structured_output;
mod time_limits;
mod worker;

pub use answer::{OutputSchema, SchemaError};
pub use choose::WorkerError;
pub use funds::Funds;
pub use http::{HttpClients, RequestError};
pub use prices::{Price, PriceError, Prices};
pub use prompt::Task;
pub use provider::{Environment, PROVIDERS, Provider, process_environment};
pub use worker::{MAX_TOKENS, SmallModelWorker, WorkerReport};
