//! The table: a step a row, the elements of a `for_each` step folded under it; sorted, filtered, and only as
//! many columns as fit.
//!
//! ```text
//!    id            status       time tries      cost
//!  ✔ extract       succeeded   0.32s     1   $0.0007
//!  ▸ pages         running     0.65s     5   $0.0000
//! ```

mod column;
mod facts;
mod filter;
mod order;
mod pane;

pub use pane::Table;

#[cfg(test)]
mod tests;
