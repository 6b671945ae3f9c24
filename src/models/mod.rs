//! Providers of models, their prices, token estimates, and the worker that plays tools.

pub mod answer;
pub mod chat;
mod choice;
mod conversation;
pub mod estimate;
mod funds;
pub mod http;
mod invention;
mod manners;
pub mod prices;
pub mod prompt;
mod provider;
pub mod simulation;
mod window;
mod worker;

pub use answer::OutputSchema;
pub use funds::Funds;
pub use http::{HttpClients, RequestError};
pub use prices::{Price, Prices};
pub use prompt::Task;
pub use provider::{Environment, PROVIDERS, Provider, process_environment};
pub use worker::{MAX_TOKENS, SmallModelWorker, WorkerReport};
