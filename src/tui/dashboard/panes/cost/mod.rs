//! The cost view: where the money and the tokens went, by step, tool or model, against the budget.
//!
//! ```text
//!  spent $0.0120   reserved $0.0040   free $0.0840   of $0.10
//!  ██████████▒▒▒▒░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
//!  failed $0.0011, 2 calls   tried again $0.0007, 1 call   from the cache 3 steps
//!
//!  by tool                                     cost  share  calls   tok in  tok out
//!  categorize_items   ████████▓▓▒            $0.0081    67%      4    1,240      180
//! ```

pub(crate) mod actions;
mod columns;
mod ledger;
mod lines;
mod pane;
mod sums;

pub use pane::CostPane;

use crate::tui::input::key::Key;

/// Its name.
pub(crate) const NAME: &str = "cost";
/// The key that shows it.
pub(crate) const KEY: Key = Key::char('$');

#[cfg(test)]
mod tests;
