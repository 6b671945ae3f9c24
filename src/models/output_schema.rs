//! The schema of an output, and validation where it cannot run away.

use crate::text::schema::{self, Place, Schema, SchemaError, Verdict};
use crate::text::secrets::SharedSecrets;
use futures::future::BoxFuture;
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

/// Validates values against schemas in a process of its own, which is ended where it takes too long.
pub trait SchemaSandbox: Send + Sync {
    /// What is wrong with `value`, one violation a line; `None` where it is valid. The error says why there is no
    /// answer.
    fn violation<'a>(
        &'a self,
        schema: &'a Value,
        value: &'a Value,
    ) -> BoxFuture<'a, Result<Option<String>, String>>;
}

/// An output schema.
pub struct OutputSchema {
    schema: Schema,
    /// The name of the tool, for messages.
    tool: Arc<str>,
    sandbox: Option<Arc<dyn SchemaSandbox>>,
    secrets: SharedSecrets,
}

impl fmt::Debug for OutputSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OutputSchema").field(&self.schema).finish()
    }
}

impl OutputSchema {
    /// The output schema of the tool `tool`. It is compiled where it is small.
    ///
    /// # Errors
    /// What is wrong with the schema.
    pub fn new(tool: &str, schema: &Value) -> Result<Self, SchemaError> {
        Ok(Self {
            schema: Schema::new(schema)?,
            tool: tool.into(),
            sandbox: None,
            secrets: SharedSecrets::default(),
        })
    }

    /// The same schema; what takes long is validated by `sandbox`. Without one it is not validated, which is an error.
    #[must_use]
    pub fn sandbox(self, sandbox: Arc<dyn SchemaSandbox>) -> Self {
        Self {
            sandbox: Some(sandbox),
            ..self
        }
    }

    /// The same schema; violations are told without `secrets`.
    #[must_use]
    pub(crate) fn secrets(self, secrets: SharedSecrets) -> Self {
        Self { secrets, ..self }
    }

    /// The schema itself.
    pub fn schema(&self) -> &Value {
        self.schema.value()
    }

    /// Whether an object has members that this schema describes, so that it could be meant as the output.
    pub(super) fn resembles(&self, value: &Value) -> bool {
        let described = self.schema().get("properties").and_then(Value::as_object);
        let (Some(described), Some(members)) = (described, value.as_object()) else {
            return false;
        };
        members.keys().any(|key| described.contains_key(key))
    }

    /// What is wrong with `value`, one violation a line; `None` where it is valid. The outer error says why it is not
    /// known: what the schema asks for takes too long.
    pub async fn violation(&self, value: &Arc<Value>) -> Result<Option<String>, String> {
        if let Some(verdict) = self.verdict_now(value) {
            return Ok(verdict.err());
        }
        if let Place::Thread(validator) = self.schema.place(value) {
            let value = Arc::clone(value);
            let is_valid = tokio::task::spawn_blocking(move || validator.is_valid(&value)).await;
            if let Ok(true) = is_valid {
                return Ok(None);
            }
        }
        let Some(sandbox) = &self.sandbox else {
            return Err(self.not_validated("it could take too long here, and there is no sandbox"));
        };
        let violation = sandbox.violation(self.schema(), value).await;
        violation
            .map(|violation| violation.map(|violation| self.shown(&violation)))
            .map_err(|why| self.not_validated(&why))
    }

    fn shown(&self, violation: &str) -> String {
        schema::shortened(&self.secrets.now().redact(violation))
    }

    fn not_validated(&self, why: &str) -> String {
        format!(
            "the output was not validated against the output_schema of \"{}\": {why}. Give the tool a smaller schema: \
             fewer `$ref`, `allOf`, `anyOf` and `oneOf` inside each other, and simpler patterns",
            self.tool
        )
    }

    /// Whether `value` is valid, else the violations, one a line; `None` where finding out may take long.
    pub(crate) fn verdict_now(&self, value: &Value) -> Option<Result<(), String>> {
        let Place::Inline(validator) = self.schema.place(value) else {
            return None;
        };
        match schema::validate(validator, value) {
            Verdict::Valid => Some(Ok(())),
            Verdict::Invalid(violation) => Some(Err(self.shown(&violation))),
            Verdict::Undecided => None,
        }
    }
}
