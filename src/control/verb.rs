//! What a client asks of a run: one verb with what belongs to it.

use super::error::ControlError;
use crate::plan::StepIx;
use crate::run::{CallEdit, RunCommand, RunSetting, RunState};
use crate::session::Continuation;
use crate::units::Temperature;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::sync::Arc;

/// A command as clients send it: `{"verb": "retry", "step": "b"}`. Which fields a verb takes, the table of verbs says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(
    clippy::option_option,
    reason = "a field that is not there leaves something as it is, and null takes it back"
)]
pub struct CommandRequest {
    /// What to do.
    pub verb: String,
    /// The step's id; an element of a `for_each` step is `ID[N]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// `edit`: what the step is called with instead of its parameters; null takes that back.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub input: Option<Value>,
    /// `edit`: the prompt instead of the tool's own, with `{{name}}` for parameters; null takes that back.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub prompt: Option<Option<Arc<str>>>,
    /// `edit`: the model instead of the plan's; null takes that back.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub model: Option<Option<Arc<str>>>,
    /// `edit`: the temperature instead of the tool's, from 0 to 2; null takes that back.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub temperature: Option<Option<Temperature>>,
    /// `edit`: the maximum of tokens in an answer instead of the tool's; null takes that back.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub max_tokens: Option<Option<u32>>,
    /// `set`: the step's output.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub output: Option<Value>,
    /// `answer`: what the user gives, an object as the question asks for, or `"decline"` or `"cancel"`.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub answer: Option<Value>,
    /// `approve`: the digest of the call that is meant; without it, whatever the step is about to be called with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<Arc<str>>,
    /// `break` and `pin`: takes it off; `approve`: refuses.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub off: bool,
    /// `set` and `resume`: settings of the run, each as in its event: `{"setting": "max_concurrent", "value": 10}`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<RunSetting>,
}

/// A field that is there, whatever it holds: null too.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Whether a verb is about a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// About one step.
    Step,
    /// About the step that is named, or about the whole run.
    StepOrRun,
    /// About the whole run.
    Run,
    /// About the whole run, until the row that is named is about to start.
    Upto,
    /// About a breakpoint, which the step's field holds: `STEP[:WHEN]`.
    Breakpoint,
}

/// One entry of the table of verbs.
pub(super) struct Verb {
    /// Its name.
    pub name: &'static str,
    /// What it is about.
    pub target: Target,
    /// The fields it takes beside `verb` and `step`.
    pub fields: &'static [&'static str],
    /// What it means for the engine: one command or more, to be taken in this order.
    pub commands: ToCommands,
    /// What it means for a recorded run.
    pub stored: Stored,
}

impl Verb {
    /// Whether the step of a request has to be a row of the run.
    pub(super) fn names_a_row(&self) -> bool {
        !matches!(self.target, Target::Breakpoint | Target::Upto)
    }
}

/// From a request, the row of its step and the state of the run to commands; the error says what the request lacks.
pub(super) type ToCommands =
    fn(&CommandRequest, Option<StepIx>, &RunState) -> Result<Vec<RunCommand>, String>;

/// What a verb means for a recorded run.
#[derive(Clone, Copy)]
pub(super) enum Stored {
    /// The run goes on with this.
    GoesOn(fn(&CommandRequest) -> Continuation),
    /// Nothing: what it does needs a live run.
    NeedsLive(&'static str),
}

impl CommandRequest {
    /// The request for a command, as a client sends it that knows the ids of rows; `None` where no verb stands for it.
    pub fn of(command: &RunCommand, id: impl Fn(StepIx) -> Option<String>) -> Option<Self> {
        let verb = |verb: &str| Self {
            verb: verb.to_owned(),
            ..Self::default()
        };
        let on = |name: &str, step: StepIx| {
            Some(Self {
                step: Some(id(step)?),
                ..verb(name)
            })
        };
        Some(match command {
            RunCommand::Pause => verb("pause"),
            RunCommand::Resume => verb("resume"),
            RunCommand::ContinueAfterLimit(settings) => Self {
                settings: settings.clone(),
                ..verb("resume")
            },
            RunCommand::RunTo(to) => Self {
                step: Some(to.to_string()),
                ..verb("resume")
            },
            RunCommand::StepOnce(None) => verb("step"),
            RunCommand::StepOnce(Some(step)) => on("step", *step)?,
            RunCommand::Retry(step) => on("retry", *step)?,
            RunCommand::RetryFailed => verb("retry"),
            RunCommand::Refresh(step) => on("refresh", *step)?,
            RunCommand::Skip(step) => on("skip", *step)?,
            RunCommand::SetOutput(step, output) => Self {
                output: Some(Value::clone(output)),
                ..on("set", *step)?
            },
            RunCommand::SetInput(step, input) => Self {
                input: Some(input.as_deref().cloned().unwrap_or_default()),
                ..on("edit", *step)?
            },
            RunCommand::SetCall(step, edit) => Self {
                input: (edit.input.as_ref())
                    .map(|input| input.as_deref().cloned().unwrap_or_default()),
                prompt: edit.prompt.clone(),
                model: edit.model.clone(),
                temperature: edit.temperature,
                max_tokens: edit.max_tokens,
                ..on("edit", *step)?
            },
            RunCommand::Undo => verb("undo"),
            RunCommand::Redo => verb("redo"),
            RunCommand::Pin(step, pinned) => Self {
                off: !pinned,
                ..on("pin", *step)?
            },
            RunCommand::Breakpoint(breakpoint, set) => Self {
                step: Some(breakpoint.to_string()),
                off: !set,
                ..verb("break")
            },
            RunCommand::Approve(approval) => Self {
                call: approval.call.clone(),
                off: !approval.granted,
                ..on("approve", approval.step)?
            },
            RunCommand::Answer(step, answer) => Self {
                answer: Some(answer.to_value()),
                ..on("answer", *step)?
            },
            RunCommand::Set(setting) => Self {
                settings: vec![setting.clone()],
                ..verb("set")
            },
            RunCommand::Stop => verb("stop"),
            // The last edit is then the one of the plan.
            RunCommand::HandOver(None) => verb("undo"),
            RunCommand::HandOver(Some(_)) | RunCommand::Close => return None,
        })
    }

    /// What it changes of how a model is asked.
    pub(super) fn call_edit(&self) -> CallEdit {
        CallEdit {
            input: None,
            prompt: self.prompt.clone(),
            model: self.model.clone(),
            temperature: self.temperature,
            max_tokens: self.max_tokens,
        }
    }

    /// The fields that are given beside `verb` and `step`.
    pub(super) fn given(&self) -> Vec<&'static str> {
        let fields = [
            ("input", self.input.is_some()),
            ("prompt", self.prompt.is_some()),
            ("model", self.model.is_some()),
            ("temperature", self.temperature.is_some()),
            ("max_tokens", self.max_tokens.is_some()),
            ("output", self.output.is_some()),
            ("answer", self.answer.is_some()),
            ("call", self.call.is_some()),
            ("off", self.off),
            ("settings", !self.settings.is_empty()),
        ];
        let given = fields.into_iter().filter(|(_, is_given)| *is_given);
        given.map(|(name, _)| name).collect()
    }
}

/// The row of a step, by its id.
pub(super) fn find_step(run: &RunState, id: &str) -> Result<StepIx, ControlError> {
    let found = run.steps.iter().position(|row| &*row.info.id == id);
    found.map(|at| StepIx(at as u32)).ok_or_else(|| {
        let mut near: Vec<&str> = run
            .steps
            .iter()
            .filter(|row| row.info.parent.is_none())
            .map(|row| &*row.info.id)
            .collect();
        near.sort_by_key(|known| strsim::levenshtein(known, id));
        near.truncate(5);
        ControlError::NoSuchStep(format!(
            "the run has no step {id:?}; near to it: {}",
            near.join(", ")
        ))
    })
}
