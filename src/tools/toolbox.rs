//! Where the engine finds its tools.

use super::sandbox::Sandbox;
use super::{Fingerprint, Recovery, SharedSecrets, Tool, ToolError};
use crate::plan::Evaluation;
use crate::units::ModelOptions;
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// The tools that the engine can call, by name.
pub trait Toolbox: Send + Sync {
    /// The tool of this name, `None` where the catalog has none.
    fn tool(&self, name: &str) -> Option<Arc<dyn Tool>>;

    /// The tools that code can call, in the order in which they are listed; none by default.
    fn names(&self) -> Arc<[Arc<str>]> {
        Arc::default()
    }

    /// The tools that a call of `tool` could have called by its code, and by the code of those in turn; none for a tool that
    /// runs none. `code` is that of the call, where it is known before: else it is all that code can call.
    fn callable(&self, _tool: &str, _code: Option<&str>) -> Vec<Arc<str>> {
        Vec::new()
    }

    /// The pool whose rate limit the tool's calls count against; `None` where the catalog names none.
    fn pool(&self, _name: &str) -> Option<Arc<str>> {
        None
    }

    /// How to find out what became of a call of the tool that was interrupted; `None` where nobody can say.
    fn recovery(&self, _name: &str) -> Option<Recovery> {
        None
    }

    /// The values that must not be shown or recorded; they grow while tools read the environment.
    fn secrets(&self) -> SharedSecrets {
        SharedSecrets::default()
    }

    /// What determines the tool's outputs besides its input; `model` is the model that the step names, and `options` are
    /// what it says otherwise than the tool. `None` where that is not known.
    fn fingerprint(
        &self,
        _name: &str,
        _model: Option<&str>,
        _options: ModelOptions,
    ) -> Option<Fingerprint> {
        None
    }

    /// The value of an expression that is not certain to be small and quick, in at most `memory_mb` mebibytes (512 by
    /// default) and `limit`: for a condition whether it holds, else a list of the value, which is empty where it is
    /// undefined. By default a process of the plandeck program is started for it.
    fn evaluate(
        &self,
        evaluation: Evaluation,
        memory_mb: Option<u64>,
        limit: Duration,
    ) -> BoxFuture<'static, Result<Value, ToolError>> {
        async move {
            let sandbox = Sandbox::default();
            sandbox.evaluate(evaluation, memory_mb, limit).await
        }
        .boxed()
    }

    /// What is wrong with a value against a JSON Schema that is not certain to be quick, one violation a line; `None`
    /// where it is valid. The error says why there is no answer. By default a process of the plandeck program is started
    /// for it.
    fn violation(
        &self,
        schema: Arc<Value>,
        value: Value,
    ) -> BoxFuture<'static, Result<Option<String>, String>> {
        async move { Sandbox::default().violation(&schema, &value).await }.boxed()
    }
}
