//! `function_call`: a call of the catalog's tool that the input names, as `{"name", "args"}`.

use super::{
    Call, CallReport, Estimate, FUNCTION, Pricing, Quote, Reservation, Standing, Tool, ToolError,
    ToolKind, Unseen,
};
use crate::units::Money;
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::Arc;

/// Tools by their names.
pub(super) type ByName = HashMap<Arc<str>, Arc<dyn Tool>>;

static KIND: ToolKind = ToolKind {
    delegates: true,
    ..FUNCTION
};

/// Calls the tool that the input names.
pub(super) struct FunctionCall {
    /// What can be called.
    pub tools: Arc<ByName>,
}

impl FunctionCall {
    fn resolve(&self, input: &Value) -> Result<(Arc<dyn Tool>, Arc<Value>), ToolError> {
        let name = input.get("name").and_then(Value::as_str).ok_or_else(|| {
            ToolError::permanent(
                "function_call needs a parameter `name` with the name of a tool, and `args`",
            )
        })?;
        let tool = self.tools.get(name).cloned().ok_or_else(|| {
            let name = crate::text::message::quote(name, 100);
            ToolError::permanent(format!("the catalog has no tool \"{name}\""))
        })?;
        let arguments = input
            .get("args")
            .cloned()
            .unwrap_or_else(|| Value::Object(Map::new()));
        Ok((tool, Arc::new(arguments)))
    }
}

impl Tool for FunctionCall {
    fn kind(&self) -> &'static ToolKind {
        &KIND
    }

    fn call(&self, call: Call) -> BoxFuture<'static, CallReport> {
        match self.resolve(&call.input) {
            Ok((tool, input)) => tool.call(Call { input, ..call }),
            Err(error) => async move { CallReport::free(Err(error)) }.boxed(),
        }
    }

    fn call_now(&self, input: &Arc<Value>) -> Option<CallReport> {
        match self.resolve(input) {
            Ok((tool, input)) => tool.call_now(&input),
            Err(error) => Some(CallReport::free(Err(error))),
        }
    }

    fn prompt(&self, input: &Value, model: Option<&str>) -> Option<String> {
        let (tool, input) = self.resolve(input).ok()?;
        tool.prompt(&input, model)
    }

    fn look_up(&self, call: Call) -> Option<BoxFuture<'static, Standing>> {
        let (tool, input) = self.resolve(&call.input).ok()?;
        tool.look_up(Call { input, ..call })
    }

    fn pricing(&self) -> Option<&dyn Pricing> {
        Some(self)
    }

    fn target(&self, input: &Value) -> Option<Arc<dyn Tool>> {
        Some(self.resolve(input).ok()?.0)
    }
}

/// A call costs what the called tool costs.
impl Pricing for FunctionCall {
    fn quote(&self, input: &Value, model: Option<&str>) -> Quote {
        self.resolve(input)
            .map_or(Quote::FREE, |(tool, input)| tool.quote(&input, model))
    }

    fn reservation(&self, input: &Value, model: Option<&str>) -> Reservation {
        let called = self.resolve(input);
        called.map_or(Reservation::NOTHING, |(tool, input)| {
            tool.reservation(&input, model)
        })
    }

    fn estimate(&self, known: &Value, model: Option<&str>, unseen: Unseen) -> Estimate {
        // A name that comes from another step may name any tool.
        let anything = Estimate {
            min: Money::ZERO,
            expected: None,
            max: None,
        };
        let called = self.resolve(known);
        called.map_or(anything, |(tool, known)| {
            tool.estimate(&known, model, unseen)
        })
    }

    fn rate_limit_use(&self, input: &Value, model: Option<&str>) -> Option<(String, u64)> {
        let (tool, input) = self.resolve(input).ok()?;
        tool.rate_limit_use(&input, model)
    }
}
