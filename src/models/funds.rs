//! Leave to spend more than was reserved for a call before it began.

use crate::units::Money;
use futures::future::BoxFuture;
use std::fmt;
use std::sync::Arc;

/// Who answers whether a call may come to cost so much in all.
type Treasurer = dyn Fn(Money) -> BoxFuture<'static, bool> + Send + Sync;

/// Where a call under way asks before it spends what was not reserved for it: the repair of a bad answer is a
/// second question to the model, and most answers need none.
#[derive(Clone, Default)]
pub struct Funds(Option<Arc<Treasurer>>);

impl Funds {
    /// Funds that `treasurer` has the say over.
    pub fn of(
        treasurer: impl Fn(Money) -> BoxFuture<'static, bool> + Send + Sync + 'static,
    ) -> Self {
        Self(Some(Arc::new(treasurer)))
    }

    /// Funds without a bound.
    pub fn unlimited() -> Self {
        Self(None)
    }

    /// Whether the call may come to cost `total`, what it has spent so far included. What is granted is reserved.
    pub async fn cover(&self, total: Money) -> bool {
        match &self.0 {
            Some(treasurer) => treasurer(total).await,
            None => true,
        }
    }

    /// The same funds for a part of a call that costs `price` beside what the part asks for.
    #[must_use]
    pub fn beside(self, price: Money) -> Self {
        let Some(treasurer) = self.0 else {
            return self;
        };
        Self::of(move |total| treasurer(total + price))
    }
}

impl fmt::Debug for Funds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Funds").finish_non_exhaustive()
    }
}
