//! Tools that are Rust functions, for programs that use this library.

use super::cancel::cancellable;
use super::{Call, CallPolicy, CallReport, FUNCTION, Tool, ToolError, ToolKind};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;
use std::future::Future;
use std::sync::Arc;

type Function = dyn Fn(&Value) -> Result<Value, ToolError> + Send + Sync;
type AsyncFunction = dyn Fn(Call) -> BoxFuture<'static, Result<Value, ToolError>> + Send + Sync;

/// A tool that is a function of its input.
#[derive(Clone)]
pub struct FnTool {
    body: Body,
    repeatable: bool,
}

#[derive(Clone)]
enum Body {
    Now(Arc<Function>),
    Async(Arc<AsyncFunction>),
}

impl FnTool {
    /// A plain function, called in place. It must not block.
    pub fn new(
        function: impl Fn(&Value) -> Result<Value, ToolError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            body: Body::Now(Arc::new(function)),
            repeatable: false,
        }
    }

    /// An asynchronous function. It is dropped when the call is cancelled.
    pub fn future<F, R>(function: F) -> Self
    where
        F: Fn(Call) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Value, ToolError>> + Send + 'static,
    {
        Self {
            body: Body::Async(Arc::new(move |call| function(call).boxed())),
            repeatable: false,
        }
    }

    /// The same tool, retried after a failure by default.
    #[must_use]
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }
}

impl Tool for FnTool {
    fn kind(&self) -> &'static ToolKind {
        &FUNCTION
    }

    fn call(&self, call: Call) -> BoxFuture<'static, CallReport> {
        match &self.body {
            Body::Now(function) => {
                let function = function.clone();
                async move { CallReport::free(function(&call.input)) }.boxed()
            }
            Body::Async(function) => {
                let cancel = call.cancel.clone();
                let work = function(call);
                async move { CallReport::free(cancellable(&cancel, work).await.flatten()) }.boxed()
            }
        }
    }

    fn call_now(&self, input: &Arc<Value>) -> Option<CallReport> {
        match &self.body {
            Body::Now(function) => Some(CallReport::free(function(input))),
            Body::Async(_) => None,
        }
    }

    fn policy(&self) -> CallPolicy {
        CallPolicy {
            repeatable: self.repeatable,
            ..CallPolicy::default()
        }
    }
}
