//! Money and calls that a run draws from an account outside of this process.

use crate::run::Limit;
use crate::units::Money;
use futures::future::BoxFuture;
use std::sync::Arc;

/// Why an account has no more for a run: the limit that is used up, and a message.
pub type Refusal = (Limit, Arc<str>);

/// The account of a run whose limits are kept in another process, because runs in several processes share them.
///
/// A run asks before each call, and says at its end what it has cost. What it gives back stays with the run until the
/// account is told otherwise, so that not every call has to be asked for outside.
pub trait Funds: Send + Sync {
    /// Asks for one call that costs at most `bound`. Ends once it may be made, or never can.
    fn reserve(&self, bound: Money) -> BoxFuture<'static, Result<(), Refusal>>;

    /// A call for which `bound` was reserved is over, and has cost so much; `None` where it was not made.
    fn end(&self, bound: Money, cost: Option<Money>);

    /// A running call may come to cost so much more: whether it may. It is answered at once.
    fn raise(&self, more: Money) -> bool;

    /// So much that earlier processes were thought to have spent was not spent.
    fn release(&self, money: Money);
}
