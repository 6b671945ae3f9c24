//! Asks the user something in the middle of a call, on behalf of its server.

use crate::run::{Answer, Question};
use futures::future::BoxFuture;
use std::fmt;
use std::sync::Arc;

/// Asks, and says why where there is no answer.
type Ask = dyn Fn(Question) -> BoxFuture<'static, Result<Answer, String>> + Send + Sync;

/// Who can be asked in the middle of a call.
#[derive(Clone, Default)]
pub struct Asker(Option<Arc<Ask>>);

impl Asker {
    /// An asker that asks by `ask`, whose error is why nobody answers.
    pub fn of(
        ask: impl Fn(Question) -> BoxFuture<'static, Result<Answer, String>> + Send + Sync + 'static,
    ) -> Self {
        Self(Some(Arc::new(ask)))
    }

    /// The answer of the user; why there is none where nobody can be asked.
    pub(crate) async fn ask(&self, question: Question) -> Result<Answer, String> {
        match &self.0 {
            Some(ask) => ask(question).await,
            None => Err(NOBODY.to_owned()),
        }
    }
}

/// Why there is no answer where nobody can be asked.
pub(crate) const NOBODY: &str = "nobody is asked here; give all that it needs in the parameters, or answer with --answer STEP=JSON";

impl fmt::Debug for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asker").finish_non_exhaustive()
    }
}
