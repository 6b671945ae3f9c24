//! What went over the wire, as far as it has been read.

use crate::run::Exchange;
use std::sync::Arc;

/// What the attempts of the selected step sent to models and received.
#[derive(Debug)]
pub(crate) struct RawBodies {
    /// The step.
    pub step: Arc<str>,
    /// How many of its attempts had ended when it was asked for.
    pub ended: usize,
    /// The answer, or why there is none.
    pub known: Option<Result<Vec<Exchange>, Arc<str>>>,
}
