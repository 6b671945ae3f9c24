//! How well the cost of a call is known.

use serde::{Deserialize, Serialize};

/// What the cost in a report rests on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CostBasis {
    /// Nothing was sent, so nothing can have been billed.
    NotSent,
    /// It is what was billed.
    #[default]
    Billed,
    /// It is an upper bound, because some of the bill is not known.
    UpperBound,
    /// Nothing is known of the bill: all that was reserved for the call counts, whatever the cost says.
    Reservation,
}
