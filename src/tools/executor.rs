//! Where the calls of tools are carried out: in this process, or by workers on other machines.

use super::{Call, CallReport, SharedSecrets, Standing, Tool};
use crate::units::ModelOptions;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::Arc;

/// Where the calls of tools are carried out.
///
/// The scheduler does not know of it: it calls tools, and a tool that an executor takes passes its calls on. So the
/// journal is written here alone, wherever calls are made. A call goes out under the name of its attempt
/// ([`Call::name`]), and after a crash the executor is asked about that name: an engine of durable calls (Restate,
/// Temporal) keeps one call for each name.
pub trait Executor: Send + Sync {
    /// Whether it carries out calls of this tool; calls of others are made in this process.
    fn takes(&self, tool: &dyn Tool) -> bool;

    /// Carries out a call. It ends soon after `call.cancel` is cancelled, and the call with it.
    fn call(&self, work: &Work, call: Call) -> BoxFuture<'static, CallReport>;

    /// Looks up the call with the handle that `call` knows, which an earlier process made; `None` where that handle is not
    /// from an executor like this.
    fn look_up(&self, work: &Work, call: Call) -> Option<BoxFuture<'static, Standing>>;
}

/// What is carried out: a tool, and what a step says otherwise than its definition.
#[derive(Clone)]
pub struct Work {
    /// The name of the tool in the catalog.
    pub name: Arc<str>,
    /// The tool as this process has it.
    pub tool: Arc<dyn Tool>,
    /// What determines the outputs of the tool: whoever carries out a call must have the same.
    pub definition: Arc<Definition>,
    /// Another prompt than the tool's.
    pub prompt: Option<Arc<str>>,
    /// What requests to a model say otherwise than the tool.
    pub options: ModelOptions,
    /// The values that must not leave this process.
    pub secrets: SharedSecrets,
}

/// What determines the outputs of a tool besides its input.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Definition {
    /// A digest of its definition in the catalog; variables count as they are written there.
    pub digest: String,
    /// What runs it, by name: the worker and its model.
    pub runs_on: Map<String, Value>,
}

/// The executor that is this process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Local;

impl Executor for Local {
    fn takes(&self, _tool: &dyn Tool) -> bool {
        false
    }

    fn call(&self, work: &Work, call: Call) -> BoxFuture<'static, CallReport> {
        work.tool.call(call)
    }

    fn look_up(&self, work: &Work, call: Call) -> Option<BoxFuture<'static, Standing>> {
        work.tool.look_up(call)
    }
}
