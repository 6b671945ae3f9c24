//! The table: a step a row, the elements of a `for_each` step folded under it; sorted, filtered, and only as
//! many columns as fit.
//!
//! ```text
//!    id            status       time attempts   cost
//!  ✔ extract       succeeded   0.32s     1   $0.0007
//!  ▸ pages         running     0.65s     5   $0.0000
//! ```

pub(crate) mod actions;
mod column;
mod facts;
mod filter;
mod order;
mod pane;
mod view;

pub use pane::Table;

use crate::tui::input::key::Key;

/// Its name.
pub(crate) const NAME: &str = "table";
/// The key that shows it.
pub(crate) const KEY: Key = Key::char('L');

#[cfg(test)]
mod tests;
