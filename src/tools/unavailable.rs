//! A tool that is in the catalog but cannot be called.

use super::{Call, CallPolicy, CallReport, Tool, ToolError, ToolKind};
use futures::FutureExt;
use futures::future::BoxFuture;
use std::sync::Arc;

/// Fails every call with `message`.
pub(super) struct Unavailable {
    pub kind: &'static ToolKind,
    pub message: Arc<str>,
}

impl Tool for Unavailable {
    fn kind(&self) -> &'static ToolKind {
        self.kind
    }

    fn call(&self, _call: Call) -> BoxFuture<'static, CallReport> {
        let message = self.message.clone();
        async move { CallReport::not_sent(ToolError::permanent(&*message)) }.boxed()
    }

    fn policy(&self) -> CallPolicy {
        CallPolicy::default()
    }
}
