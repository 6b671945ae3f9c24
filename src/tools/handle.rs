//! The handle of a call: the name under which a server can be asked about it after the process that made it has ended.

use futures::future::BoxFuture;
use std::fmt;
use std::sync::Arc;

/// Puts a handle on record; it is there when the future ends.
type Record = dyn Fn(Arc<str>) -> BoxFuture<'static, ()> + Send + Sync;

/// The handle of a call, as far as there is one, and where it is put on record.
#[derive(Clone, Default)]
pub struct CallHandle {
    known: Option<Arc<str>>,
    record: Option<Arc<Record>>,
}

impl CallHandle {
    /// The handle that the server gave the call when an earlier process made it: the call is not made again, its end is
    /// waited for.
    #[must_use]
    pub fn known(self, handle: Option<Arc<str>>) -> Self {
        Self {
            known: handle,
            ..self
        }
    }

    /// `record` puts a handle on record, durably where that matters.
    pub fn recorded_by(
        record: impl Fn(Arc<str>) -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> Self {
        Self {
            known: None,
            record: Some(Arc::new(record)),
        }
    }

    /// The handle of the call that an earlier process made.
    pub(crate) fn earlier(&self) -> Option<&Arc<str>> {
        self.known.as_ref()
    }

    /// Puts the handle that the server gave on record before the end of the call is waited for.
    pub(crate) async fn record(&self, handle: &str) {
        if let Some(record) = &self.record {
            record(handle.into()).await;
        }
    }
}

impl fmt::Debug for CallHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = ("known", &self.known);
        f.debug_struct("CallHandle")
            .field(known.0, known.1)
            .finish_non_exhaustive()
    }
}
