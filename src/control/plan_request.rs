//! An edit of a live run's plan, as clients ask for it.

use super::error::ControlError;
use crate::session::PlanEdit;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::Arc;

/// The body of `POST /v1/plan`: `{"verb": "insert", "step": {"id": "check", …}, "before": "write"}`,
/// `{"verb": "remove", "step": "check"}`, `{"verb": "depend", "step": "write", "on": ["check"], "not_on": []}` or
/// `{"verb": "define_tool", "step": "write", "tool_definition": {"timeout_s": 60}}` or
/// `{"verb": "repair", "step": "write", "plan": "TEXT"}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PlanRequest {
    /// `insert`, `remove`, `depend`, `define_tool` or `repair`.
    pub verb: String,
    /// `insert`: the step as plans have it; else the id of the step.
    pub step: Value,
    /// `insert`: the step that waits for the new one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Arc<str>>,
    /// `insert`: the step that the new one waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Arc<str>>,
    /// `depend`: what the step waits for too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub on: Vec<Arc<str>>,
    /// `depend`: what it waits for no longer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_on: Vec<Arc<str>>,
    /// `repair`: the text of the whole plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<Arc<str>>,
    /// `repair`: the digest (BLAKE3, as hexadecimal digits) of the text of which it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// `define_tool`: the change of the tool that the step calls, as a merge patch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_definition: Option<Map<String, Value>>,
    /// Whether it is only shown what the edit would do.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

impl PlanRequest {
    /// The request for an edit.
    pub(crate) fn of(edit: &PlanEdit, dry_run: bool) -> Self {
        let request = Self {
            verb: edit.verb().to_owned(),
            dry_run,
            ..Self::default()
        };
        match edit {
            PlanEdit::Insert {
                step,
                before,
                after,
            } => Self {
                step: Value::Object(step.clone()),
                before: before.clone(),
                after: after.clone(),
                ..request
            },
            PlanEdit::Remove(step) => Self {
                step: Value::from(&**step),
                ..request
            },
            PlanEdit::Depend { step, on, not_on } => Self {
                step: Value::from(&**step),
                on: on.clone(),
                not_on: not_on.clone(),
                ..request
            },
            PlanEdit::Repair { step, text, of } => Self {
                step: Value::from(&**step),
                plan: Some(Arc::clone(text)),
                of: of.clone(),
                ..request
            },
            PlanEdit::DefineTool { step, patch } => Self {
                step: Value::from(&**step),
                tool_definition: Some(patch.clone()),
                ..request
            },
        }
    }

    /// The edit that it asks for.
    pub(super) fn edit(self) -> Result<PlanEdit, ControlError> {
        let bad = |words: &str| Err(ControlError::BadRequest(words.to_owned()));
        let given = self.fields();
        let verb = self.verb.as_str();
        let takes: &[&str] = match verb {
            "insert" => &["before", "after"],
            "remove" => &[],
            "depend" => &["on", "not_on"],
            "repair" => &["plan", "of"],
            "define_tool" => &["tool_definition"],
            _ => {
                return Err(ControlError::BadRequest(format!(
                    "verb {verb:?}: there are insert, remove, depend, define_tool and repair"
                )));
            }
        };
        if let Some(other) = given.iter().find(|field| !takes.contains(field)) {
            return Err(ControlError::BadRequest(format!(
                "{verb} does not take {other}"
            )));
        }
        if !takes.is_empty() && given.is_empty() && verb != "repair" {
            return Err(ControlError::BadRequest(format!(
                "{verb} needs {}{}",
                takes.join(" or "),
                if takes.len() > 1 { " or both" } else { "" }
            )));
        }
        let (text, of) = (self.plan, self.of);
        match (verb, self.step) {
            ("insert", Value::Object(step)) => Ok(PlanEdit::Insert {
                step,
                before: self.before,
                after: self.after,
            }),
            ("insert", _) => bad(
                "step: the new step is an object, such as {\"id\": \"check\", \"tool\": \"TOOL\", \"parameters\": {}}",
            ),
            (_, step) => {
                let id = match step {
                    Value::String(id) => Arc::from(id),
                    Value::Number(id) => Arc::from(id.to_string()),
                    _ => return bad("step: must be the id of a step"),
                };
                match (verb, text) {
                    ("remove", _) => Ok(PlanEdit::Remove(id)),
                    ("repair", Some(text)) => Ok(PlanEdit::Repair { step: id, text, of }),
                    ("repair", None) => bad("repair needs plan: the text of the corrected plan"),
                    ("define_tool", _) => Ok(PlanEdit::DefineTool {
                        step: id,
                        patch: self.tool_definition.unwrap_or_default(),
                    }),
                    _ => Ok(PlanEdit::Depend {
                        step: id,
                        on: self.on,
                        not_on: self.not_on,
                    }),
                }
            }
        }
    }

    /// The fields that are given beside the verb and the step.
    fn fields(&self) -> Vec<&'static str> {
        let fields = [
            ("before", self.before.is_some()),
            ("after", self.after.is_some()),
            ("on", !self.on.is_empty()),
            ("not_on", !self.not_on.is_empty()),
            ("plan", self.plan.is_some()),
            ("of", self.of.is_some()),
            ("tool_definition", self.tool_definition.is_some()),
        ];
        let given = fields.into_iter().filter(|(_, is_given)| *is_given);
        given.map(|(name, _)| name).collect()
    }

    /// The command line that does the same with a recorded run.
    pub(super) fn command_line(&self, run: &str) -> Vec<String> {
        let verb = match &self.tool_definition {
            Some(_) => "edit",
            None => &*self.verb,
        };
        let mut words = vec![verb.to_owned(), run.to_owned()];
        match &self.step {
            Value::Object(step) => {
                let step = Value::Object(Map::clone(step)).to_string();
                words.extend(["--step".to_owned(), step]);
            }
            Value::String(id) => words.push(id.clone()),
            other => words.push(other.to_string()),
        }
        let one = |name: &str, value: &Option<Arc<str>>| {
            let value = value
                .as_ref()
                .map(|value| [name.to_owned(), value.to_string()]);
            value.into_iter().flatten().collect::<Vec<_>>()
        };
        let many = |name: &str, values: &[Arc<str>]| {
            let values = values
                .iter()
                .map(|value| [name.to_owned(), value.to_string()]);
            values.flatten().collect::<Vec<_>>()
        };
        words.extend(one("--before", &self.before));
        words.extend(one("--after", &self.after));
        words.extend(many("--on", &self.on));
        words.extend(many("--not-on", &self.not_on));
        if let Some(patch) = &self.tool_definition {
            let patch = Value::Object(patch.clone()).to_string();
            words.extend(["--tool-definition".to_owned(), patch]);
        }
        words.extend(self.dry_run.then(|| "--dry-run".to_owned()));
        words.push("--json".to_owned());
        words
    }
}
