//! Models: their providers, protocols and prices, and the worker that performs tools with them.

mod answer;
mod api_quirks;
mod available;
mod choose;
mod context_window;
mod conversation;
mod cost_basis;
mod cost_bounds;
mod endpoint;
pub(crate) mod estimate;
mod fake_value;
pub(crate) mod http;
mod model_list;
pub(crate) mod prices;
mod prompt;
pub(crate) mod protocol;
mod provider;
mod request;
mod simulation;
mod spend_authorizer;
mod structured_output;
mod time_limits;
mod usage;
mod worker;
mod worker_error;

pub use answer::{OutputSchema, SchemaError};
pub use available::{Availability, AvailableModel, ProviderState, available};
pub use cost_basis::CostBasis;
pub use http::{HttpClients, RequestError};
pub use prices::{LongInput, Price, PriceError, PriceRow, Prices};
pub use prompt::Task;
pub use provider::{Environment, PROVIDERS, Provider, process_environment};
pub use spend_authorizer::SpendAuthorizer;
pub use worker::{MAX_TOKENS, SmallModelWorker, WorkerReport};
pub use worker_error::WorkerError;
