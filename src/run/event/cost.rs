//! What the calls of a step can cost, as recorded in the events of a run.
//!
//! It is apart from the sums over a run, so that events depend on no state.

use crate::units::Money;
use serde::{Deserialize, Serialize};

/// What the calls of one step can cost, as far as that is known before it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepPrice {
    /// The lower bound of one successful call.
    #[serde(rename = "least")]
    pub min: Money,
    /// What one call is expected to cost; `None` where that is not known.
    pub expected: Option<Money>,
    /// The upper bound of one call; `None` where there is none.
    #[serde(rename = "most")]
    pub max: Option<Money>,
    /// How many attempts one call may take, retries included.
    #[serde(rename = "tries")]
    pub attempts: u32,
    /// How many times it runs: once, or once for each element of a list; `None` until the list is known.
    pub times: Option<u32>,
    /// Whether nothing but a failure can keep it from running.
    pub sure: bool,
}
