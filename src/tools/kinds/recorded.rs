//! `recorded` tools: what calls gave that were made before. A bundle has them in place of everything that reaches
//! outside.

use crate::run::{ErrorKind, NotReused};
use crate::text::value_diff::{distance, first_difference};
use crate::tools::definition::{
    BuildContext, BuildError, FingerprintParts, KindEntry, ToolSettings,
};
use crate::tools::fields::Fields;
use crate::tools::{Call, CallPolicy, CallReport, Tool, ToolError, ToolKind};
use crate::units::Tokens;
use futures::FutureExt;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

/// Differences that are counted to find the nearest recording.
const COUNTED: usize = 50;

pub(crate) static KIND: ToolKind = ToolKind {
    reaches_outside: false,
    free: true,
    ..ToolKind::new("recorded")
};

pub(super) static ENTRY: KindEntry = KindEntry {
    kind: &KIND,
    fields: &["calls"],
    implied_by: &["calls"],
    rank: 11,
    parse: |fields| {
        Arc::new(RecordedSettings {
            calls: calls(fields).into(),
        })
    },
};

/// One call that was made, as a catalog holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RecordedCall {
    /// The row that made it: a step, or an element `STEP[N]`.
    pub step: Arc<str>,
    /// The attempt, from 1.
    pub attempt: u32,
    /// What it was called with; left out where that is not known, or does not matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Arc<Value>>,
    /// Its output; left out where it failed.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "present")]
    pub output: Option<Arc<Value>>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<RecordedError>,
    /// The model that answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Arc<str>>,
    /// The tokens that it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Tokens>,
    /// What the model was asked, or the request that was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<Arc<str>>,
    /// What came back, before it was read as an output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Arc<str>>,
}

/// Why a recorded call failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordedError {
    /// The kind of error.
    #[serde(rename = "type")]
    pub kind: ErrorKind,
    /// The message.
    pub message: Arc<str>,
    /// Whether the call was made again because of it.
    #[serde(default)]
    pub retryable: bool,
}

/// An output of `null` is one.
mod present {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use serde_json::Value;
    use std::sync::Arc;

    #[allow(clippy::ref_option, reason = "serde passes a field by reference")]
    pub(super) fn serialize<S: Serializer>(
        value: &Option<Arc<Value>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Arc<Value>>, D::Error> {
        Value::deserialize(deserializer).map(|value| Some(Arc::new(value)))
    }
}

fn calls(fields: &mut Fields<'_>) -> Vec<RecordedCall> {
    let calls = fields
        .take("calls")
        .unwrap_or_else(|| Value::Array(Vec::new()));
    match serde_json::from_value(calls) {
        Ok(calls) => calls,
        Err(error) => {
            fields.fault(
                "calls",
                format!("`calls` must be a list of recorded calls: {error}"),
            );
            Vec::new()
        }
    }
}

/// The calls of one tool.
#[derive(Debug)]
struct RecordedSettings {
    calls: Arc<[RecordedCall]>,
}

impl ToolSettings for RecordedSettings {
    fn kind(&self) -> &'static ToolKind {
        &KIND
    }

    fn build(&self, context: &BuildContext<'_>) -> Result<Arc<dyn Tool>, BuildError> {
        Ok(Arc::new(RecordedTool {
            name: Arc::clone(&context.definition.name),
            calls: Arc::clone(&self.calls),
        }))
    }

    /// Which of equal calls is meant depends on who calls.
    fn fingerprint(&self, _parts: &mut FingerprintParts<'_>) -> Option<NotReused> {
        Some(NotReused::Quick)
    }
}

struct RecordedTool {
    name: Arc<str>,
    calls: Arc<[RecordedCall]>,
}

impl RecordedTool {
    /// The recording of a call: that of the same row with the same input, else one of another row with this input. Of
    /// several attempts, the one of the same number, else the last.
    fn find(&self, step: &str, attempt: u32, input: &Value) -> Option<&RecordedCall> {
        let fits = |call: &&RecordedCall| match &call.input {
            Some(known) => first_difference(input, known).is_none(),
            None => *call.step == *step,
        };
        let mut fitting: Vec<&RecordedCall> = self.calls.iter().filter(fits).collect();
        let of_row = fitting.iter().any(|call| *call.step == *step);
        let row: Option<Arc<str>> = if of_row {
            Some(step.into())
        } else {
            fitting.first().map(|call| Arc::clone(&call.step))
        };
        fitting.retain(|call| row.as_ref() == Some(&call.step));
        let same = fitting.iter().find(|call| call.attempt == attempt);
        same.or_else(|| fitting.last()).copied()
    }

    /// Why there is no recording: what the nearest one has otherwise.
    fn miss(&self, step: &str, input: &Value) -> ToolError {
        let known = self.calls.iter();
        let known = known.filter_map(|call| Some((call, call.input.as_deref()?)));
        let nearest = known
            .min_by_key(|(call, known)| (*call.step != *step, distance(input, known, COUNTED)));
        let difference =
            nearest.and_then(|(call, known)| Some((call, first_difference(input, known)?)));
        let name = crate::text::line(&self.name);
        ToolError::permanent(match difference {
            Some((call, difference)) => format!(
                "no recording of this call of {name}: the nearest is that of step {}, which differs {difference}",
                crate::text::line(&call.step)
            ),
            None => format!("no call of {name} is recorded"),
        })
    }
}

impl Tool for RecordedTool {
    fn kind(&self) -> &'static ToolKind {
        &KIND
    }

    fn call(&self, call: Call) -> BoxFuture<'static, CallReport> {
        let found = self.find(&call.step, call.attempt, &call.input);
        let report = match found {
            Some(found) => found.report(),
            None => CallReport::free(Err(self.miss(&call.step, &call.input))),
        };
        async move { report }.boxed()
    }

    /// A call that failed for good is not made again; what is made again says so itself.
    fn policy(&self) -> CallPolicy {
        let retried =
            |call: &RecordedCall| call.error.as_ref().is_some_and(|error| error.retryable);
        CallPolicy {
            repeatable: self.calls.iter().any(retried),
            ..CallPolicy::from(&KIND)
        }
    }
}

impl RecordedCall {
    /// A call of this row, of which nothing else is known.
    pub(crate) fn of(step: &Arc<str>, attempt: u32) -> Self {
        Self {
            step: Arc::clone(step),
            attempt,
            input: None,
            output: None,
            error: None,
            model: None,
            tokens: None,
            prompt: None,
            answer: None,
        }
    }

    fn report(&self) -> CallReport {
        let failed = |error: &RecordedError| ToolError {
            kind: error.kind,
            retryable: error.retryable,
            ..ToolError::permanent(&*error.message)
        };
        let output = match (&self.output, &self.error) {
            (_, Some(error)) => Err(failed(error)),
            (Some(output), None) => Ok(Arc::clone(output)),
            (None, None) => Ok(Arc::new(Value::Null)),
        };
        CallReport {
            output,
            tokens: self.tokens,
            model: self.model.clone(),
            prompt: self.prompt.clone(),
            answer: self.answer.clone(),
            ..CallReport::free(Ok(Value::Null))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn tool(calls: Value) -> RecordedTool {
        RecordedTool {
            name: "ask".into(),
            calls: serde_json::from_value(calls).unwrap(),
        }
    }

    #[test]
    fn a_call_is_found_by_its_input_its_row_and_its_attempt() {
        let error = json!({"type": "ToolExecutionError", "message": "busy", "retryable": true});
        let tool = tool(json!([
            {"step": "a", "attempt": 1, "input": {"n": 1}, "error": error},
            {"step": "a", "attempt": 2, "input": {"n": 1}, "output": "first"},
            {"step": "b", "attempt": 1, "input": {"n": 1.0}, "output": "second"},
            {"step": "c", "attempt": 1, "output": null},
        ]));
        let output = |step: &str, attempt: u32, input: Value| {
            let report = tool.find(step, attempt, &input)?.report();
            Some(
                report
                    .output
                    .map(|output| Value::clone(&output))
                    .map_err(|error| error.message),
            )
        };
        let (one, two) = (json!({"n": 1}), json!({"n": 2}));
        assert_eq!(output("a", 1, one.clone()), Some(Err("busy".to_owned())));
        assert_eq!(output("a", 2, one.clone()), Some(Ok(json!("first"))));
        assert_eq!(output("a", 7, one.clone()), Some(Ok(json!("first"))));
        assert_eq!(output("b", 1, one.clone()), Some(Ok(json!("second"))));
        assert_eq!(output("new", 2, one), Some(Ok(json!("first"))));
        assert_eq!(output("a", 1, two.clone()), None);
        assert_eq!(output("c", 1, two.clone()), Some(Ok(Value::Null)));
        assert!(tool.policy().repeatable);
        let miss = tool.miss("b", &two).message;
        assert_eq!(
            miss,
            "no recording of this call of ask: the nearest is that of step b, which differs at .n: 2 instead of 1.0"
        );
    }

    #[test]
    fn nothing_recorded_is_said() {
        assert_eq!(
            tool(json!([])).miss("a", &json!({})).message,
            "no call of ask is recorded"
        );
    }
}
