//! Where the engine finds its tools.

use super::{Fingerprint, SharedSecrets, Tool};
use std::sync::Arc;

/// The tools that the engine can call, by name.
pub trait Toolbox: Send + Sync {
    /// The tool of this name, `None` where the catalog has none.
    fn tool(&self, name: &str) -> Option<Arc<dyn Tool>>;

    /// The pool whose rate limit the tool's calls count against; `None` where the catalog names none.
    fn pool(&self, _name: &str) -> Option<Arc<str>> {
        None
    }

    /// The values that must not be shown or recorded; they grow while tools read the environment.
    fn secrets(&self) -> SharedSecrets {
        SharedSecrets::default()
    }

    /// What determines the tool's outputs besides its input; `model` is the model that the step names. `None`
    /// where that is not known.
    fn fingerprint(&self, _name: &str, _model: Option<&str>) -> Option<Fingerprint> {
        None
    }
}
