//! Permission to spend more than was reserved for a call before it began.

use crate::units::Money;
use futures::future::BoxFuture;
use std::fmt;
use std::sync::Arc;

/// Decides whether a call may cost this much in total.
type Authorize = dyn Fn(Money) -> BoxFuture<'static, bool> + Send + Sync;

/// Asked before a running call spends more than was reserved for it: the repair of a bad answer is a second request to
/// the model, which most answers do not need.
#[derive(Clone, Default)]
pub struct SpendAuthorizer(Option<Arc<Authorize>>);

impl SpendAuthorizer {
    /// An authorizer that asks `authorize`.
    pub fn of(
        authorize: impl Fn(Money) -> BoxFuture<'static, bool> + Send + Sync + 'static,
    ) -> Self {
        Self(Some(Arc::new(authorize)))
    }

    /// An authorizer that permits everything.
    pub fn unlimited() -> Self {
        Self(None)
    }

    /// Whether the call may cost `total`, including what it has spent so far. A permitted amount is reserved.
    pub(crate) async fn authorize(&self, total: Money) -> bool {
        match &self.0 {
            Some(authorize) => authorize(total).await,
            None => true,
        }
    }

    /// The authorizer for a part of a call that costs `price` more than that part.
    #[must_use]
    pub(crate) fn plus(self, price: Money) -> Self {
        let Some(authorize) = self.0 else {
            return self;
        };
        Self::of(move |total| authorize(total + price))
    }
}

impl fmt::Debug for SpendAuthorizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpendAuthorizer").finish_non_exhaustive()
    }
}
