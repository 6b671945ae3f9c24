//! Why a command failed, with its message and exit code.

use crate::session::SessionError;
use crate::store::StoreError;

/// Exit code where nothing ran: wrong usage, or a fault in the plan, the catalog or the configuration.
pub(super) const NOTHING_RAN: u8 = 2;
/// Exit code where a limit stopped it.
pub(super) const OVER_LIMIT: u8 = 3;
/// Exit code where the work was done but its output could not be written.
pub(super) const NOT_WRITTEN: u8 = 1;

/// Why a command failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// A message: wrong usage, or a failure of the terminal.
    Usage(String),
    /// An error of the application layer.
    Session(SessionError),
    /// The reason is printed already; holds the exit code.
    Said(u8),
    /// Standard output cannot be written.
    Output(std::io::Error),
    /// The result of a run cannot be written.
    ResultLost {
        /// Why.
        error: std::io::Error,
        /// The run, where it is recorded and its result can be printed again.
        recorded: Option<String>,
    },
}

impl Failure {
    /// A failure with a message that names the remedy.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    /// The exit code.
    pub(super) fn code(&self) -> u8 {
        match self {
            Self::Session(SessionError::Planning(failure)) if failure.error.is_of_budget() => {
                OVER_LIMIT
            }
            Self::Usage(_) | Self::Session(_) => NOTHING_RAN,
            Self::Said(code) => *code,
            Self::Output(_) | Self::ResultLost { .. } => NOT_WRITTEN,
        }
    }

    /// The message, which names options of the command line; empty where the reader of a listing closed the pipe.
    pub(super) fn message(&self) -> String {
        match self {
            Self::Usage(message) => message.clone(),
            Self::Said(_) => String::new(),
            Self::Session(SessionError::Unpriced { step, model }) => {
                let model = model.as_deref().unwrap_or("its model");
                format!(
                    "the price of {model} is not known (step {step}), and cost is limited\n\
                     set the price in plandeck.toml:  [prices]  \"{model}\" = {{ input = 0.15, output = 0.60 }}\n\
                     or remove the limit with --max-total-cost-usd none, or turn cost tracking off with --no-track-cost"
                )
            }
            Self::Session(SessionError::NotTrusted(request)) => {
                let remedy = request.remedy();
                let remedy: Vec<String> = remedy.lines().map(crate::text::line).collect();
                format!("{request}\n{}", remedy.join("\n"))
            }
            Self::Session(error) => error.to_string(),
            // The reader closed the pipe on purpose, as `head` does.
            Self::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe => String::new(),
            Self::Output(error) => format!("standard output: {error}"),
            Self::ResultLost { error, recorded } => {
                let remedy = match recorded {
                    Some(run) => format!("; to print it again: plandeck show {run} --json"),
                    None => String::new(),
                };
                format!("the result could not be written to standard output: {error}{remedy}")
            }
        }
    }

    /// The same failure for the result of a run, which is lost even where its reader left on purpose.
    pub(super) fn of_result(self, recorded: Option<String>) -> Self {
        match self {
            Self::Output(error) => Self::ResultLost { error, recorded },
            other => other,
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
