//! Why the worker that the user names cannot be used.

/// Why the worker that the user names cannot be used. Each message has the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorkerError {
    /// The server's address cannot be read.
    #[error("--base-url {url}: {reason}")]
    BadBaseUrl {
        /// The address.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The seed of `simulated:SEED` is not a number.
    #[error("\"{0}\" is not a seed; it must be a whole number")]
    BadSeed(String),
    /// `PROVIDER/MODEL` names an unknown provider.
    #[error(
        "no provider is called \"{name}\"; there are {known}. A server of your own is given with --base-url URL"
    )]
    UnknownProvider {
        /// The name.
        name: String,
        /// The names of those that are known.
        known: String,
    },
    /// `PROVIDER/` names no model, and the provider has no default.
    #[error("which model of {0}? Name it: {0}/MODEL")]
    NoModel(&'static str),
    /// The provider's key is not in the environment.
    #[error(
        "{provider} needs a key: set {variables}, or choose another worker (--worker offline, --worker ollama/MODEL, --base-url URL)"
    )]
    NoKey {
        /// The provider.
        provider: &'static str,
        /// The variables that may hold the key.
        variables: String,
    },
    /// The provider's address is not in the environment, and each account has its own.
    #[error("{provider} needs an address: set {variable}, or give it with --base-url URL")]
    NoAddress {
        /// The provider.
        provider: &'static str,
        /// The variable that may hold the address.
        variable: &'static str,
    },
}
