//! Providers of models, their prices, token estimates, and the worker that plays tools.

pub mod answer;
pub mod chat;
mod choice;
mod conversation;
pub mod estimate;
pub mod http;
mod invention;
mod manners;
pub mod prices;
pub mod prompt;
mod provider;
pub mod simulation;
mod worker;

pub use answer::OutputSchema;
pub use http::{HttpClients, RequestError};
pub use prices::{Price, Prices};
pub use prompt::Task;
pub use provider::{Environment, PROVIDERS, Provider, process_environment};
pub use worker::{MAX_TOKENS, SmallModelWorker, WorkerReport};

/// What an outside party said, for an error: no control characters but line feeds, at most `most` bytes.
fn text_of(bytes: &[u8], most: usize) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut out = String::new();
    for c in text
        .trim()
        .chars()
        .filter(|c| *c == '\n' || !c.is_control())
    {
        if out.len() + c.len_utf8() > most {
            out.push('…');
            break;
        }
        out.push(c);
    }
    out
}
