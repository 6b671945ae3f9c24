//! What keeps a command from doing its work, and the exit code that this gives.

use crate::session::SessionError;
use crate::store::StoreError;

/// The exit code where nothing ran: bad usage, plan, catalog or configuration.
pub const NOTHING_RAN: u8 = 2;
/// The exit code where the work was done and its output could not be written.
pub const NOT_WRITTEN: u8 = 1;

/// Why a command did not do its work.
#[derive(Debug)]
pub enum Failure {
    /// One sentence: bad usage, or a fault of the terminal.
    Usage(String),
    /// What the application layer says.
    Session(SessionError),
    /// Standard output, or a file, took no more.
    Output(std::io::Error),
}

impl Failure {
    /// A failure in one sentence that says what to do.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    /// The exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Session(_) => NOTHING_RAN,
            Self::Output(_) => NOT_WRITTEN,
        }
    }

    /// The message in the words of the command line; empty where nobody is left to read it.
    pub fn message(&self) -> String {
        match self {
            Self::Usage(message) => message.clone(),
            Self::Session(SessionError::Unpriced { step, model }) => {
                let model = model.as_deref().unwrap_or("its model");
                format!(
                    "the price of {model} is not known (step {step}), and a cost limit is in force\n\
                     give the price in plandeck.toml:  [prices]  \"{model}\" = {{ input = 0.15, output = 0.60 }}\n\
                     or lift the limit with --max-total-cost-usd none, or do not track cost with --no-track-cost"
                )
            }
            Self::Session(error) => error.to_string(),
            // Whoever closed the pipe does not want to hear of it.
            Self::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe => String::new(),
            Self::Output(error) => format!("standard output: {error}"),
        }
    }
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        Self::Session(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Session(error.into())
    }
}
