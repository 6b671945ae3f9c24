//! What an agent has done so far: the fold of what it sends.

use crate::run::LogStream;
use crate::tools::kept_files::KeptFiles;
use crate::tools::{CallLog, quote, read_json_or_text};
use a2a::{Artifact, Message, Part, PartContent, StreamResponse, Task, TaskState, TaskStatus};
use serde_json::{Value, json};

/// A task as it is known, or the message that an agent answered with instead.
#[derive(Default)]
pub(super) struct Progress {
    /// The id of the task; `None` before there is one.
    pub task: Option<String>,
    /// Whether its id is on record.
    pub is_noted: bool,
    /// The conversation that the task belongs to.
    pub context: Option<String>,
    state: TaskState,
    /// What the agent said last about its state.
    said: Option<String>,
    artifacts: Vec<Artifact>,
    /// The answer of an agent that makes no task of a message.
    message: Option<Message>,
}

/// How a task stands.
pub(super) enum Standing {
    /// It goes on.
    Working,
    /// The agent asks this before it goes on.
    Asks(String),
    /// It has its output.
    Done,
    /// It will have none.
    Failed(String),
}

impl Progress {
    /// Takes in what the agent sent. What it says is logged.
    pub(super) fn take(&mut self, sent: StreamResponse, log: &CallLog) {
        match sent {
            StreamResponse::Task(task) => self.take_task(task, log),
            StreamResponse::Message(message) => self.message = Some(message),
            StreamResponse::StatusUpdate(update) => {
                self.task = Some(update.task_id);
                self.context = Some(update.context_id);
                self.take_status(update.status, log);
            }
            StreamResponse::ArtifactUpdate(update) => {
                self.task = Some(update.task_id);
                self.take_artifact(update.artifact, update.append == Some(true));
            }
        }
    }

    /// Takes in the whole task.
    pub(super) fn take_task(&mut self, task: Task, log: &CallLog) {
        self.task = Some(task.id);
        self.context = Some(task.context_id);
        if let Some(artifacts) = task.artifacts {
            self.artifacts = artifacts;
        }
        self.take_status(task.status, log);
    }

    fn take_status(&mut self, status: TaskStatus, log: &CallLog) {
        let said = status
            .message
            .as_ref()
            .map(text_of)
            .filter(|text| !text.is_empty());
        if self.state != status.state {
            log(
                LogStream::Note,
                &format!("the agent's task is {}", word(&status.state)),
            );
        }
        if let Some(said) = said.filter(|said| self.said.as_ref() != Some(said)) {
            log(LogStream::Stdout, &said);
            self.said = Some(said);
        }
        self.state = status.state;
    }

    fn take_artifact(&mut self, artifact: Artifact, is_more: bool) {
        let known = self
            .artifacts
            .iter_mut()
            .find(|it| it.artifact_id == artifact.artifact_id);
        match known {
            Some(known) if is_more => {
                for part in artifact.parts {
                    append(&mut known.parts, part);
                }
            }
            Some(known) => *known = artifact,
            None => self.artifacts.push(artifact),
        }
    }

    /// The task, where the agent may still work on it or waits for something.
    pub(super) fn open_task(&self) -> Option<&String> {
        self.task.as_ref().filter(|_| !self.state.is_terminal())
    }

    /// How it stands.
    pub(super) fn standing(&self) -> Standing {
        if self.message.is_some() {
            return Standing::Done;
        }
        let said = || self.said.as_deref().unwrap_or("it does not say why");
        match &self.state {
            TaskState::Completed => Standing::Done,
            TaskState::Unspecified | TaskState::Submitted | TaskState::Working => Standing::Working,
            TaskState::InputRequired => Standing::Asks(said().to_owned()),
            TaskState::AuthRequired => Standing::Failed(format!(
                "the agent asks for an authorization; give `headers` in the catalog: {}",
                quote(said(), 600)
            )),
            state => Standing::Failed(format!(
                "the agent's task is {}: {}",
                word(state),
                quote(said(), 600)
            )),
        }
    }

    /// What is kept of a task that goes on as evidence.
    pub(super) fn evidence(&self) -> Value {
        let mut evidence = json!({"status": word(&self.state)});
        if let Some(said) = &self.said {
            evidence["message"] = said.as_str().into();
        }
        evidence
    }

    /// The output of a task that is done: of its only artifact, else a list of all.
    pub(super) fn output(self, files: &KeptFiles) -> Result<Value, String> {
        if let Some(message) = self.message {
            return of_parts(message.parts, files);
        }
        let mut outputs = Vec::new();
        for artifact in self.artifacts {
            let (id, name) = (artifact.artifact_id, artifact.name);
            outputs.push((name.unwrap_or(id), of_parts(artifact.parts, files)?));
        }
        if outputs.len() == 1
            && let Some((_, only)) = outputs.pop()
        {
            return Ok(only);
        }
        if outputs.is_empty() {
            return Ok(self.said.map_or(Value::Null, Value::String));
        }
        let outputs = outputs.into_iter();
        Ok(outputs
            .map(|(name, value)| json!({"name": name, "value": value}))
            .collect())
    }
}

/// Adds a part to others; text goes on where the last one is text.
fn append(parts: &mut Vec<Part>, part: Part) {
    if let (
        Some(Part {
            content: PartContent::Text(text),
            ..
        }),
        PartContent::Text(more),
    ) = (parts.last_mut(), &part.content)
    {
        text.push_str(more);
        return;
    }
    parts.push(part);
}

/// The value of parts: of the only one, else a list. Pieces of text that follow one another are one part, as they are
/// where an agent sends them one by one.
fn of_parts(parts: Vec<Part>, files: &KeptFiles) -> Result<Value, String> {
    let mut joined = Vec::new();
    for part in parts {
        append(&mut joined, part);
    }
    let values = joined.into_iter().map(|part| of_part(part, files));
    let mut values = values.collect::<Result<Vec<Value>, String>>()?;
    Ok(match values.len() {
        1 => values.remove(0),
        _ => Value::Array(values),
    })
}

fn of_part(part: Part, files: &KeptFiles) -> Result<Value, String> {
    let media_type = part.media_type;
    match part.content {
        PartContent::Text(text) => read_json_or_text(text),
        PartContent::Data(value) => Ok(value),
        PartContent::Url(url) => {
            let mut value = json!({"url": url});
            if let Some(media_type) = media_type {
                value["mime_type"] = media_type.into();
            }
            Ok(value)
        }
        PartContent::Raw(bytes) => {
            let media_type = media_type.unwrap_or_else(|| "application/octet-stream".to_owned());
            let kept = files.keep(&bytes, &quote(&media_type, 100));
            kept.map_err(|error| format!("a file of the agent cannot be kept: {error}"))
        }
    }
}

/// The text of a message.
fn text_of(message: &Message) -> String {
    let parts = message.parts.iter();
    let texts = parts.filter_map(|part| match &part.content {
        PartContent::Text(text) => Some(text.trim()),
        _ => None,
    });
    texts.collect::<Vec<_>>().join("\n")
}

fn word(state: &TaskState) -> &'static str {
    match state {
        TaskState::Unspecified => "in a state that is not known",
        TaskState::Submitted => "submitted",
        TaskState::Working => "working",
        TaskState::Completed => "completed",
        TaskState::Failed => "failed",
        TaskState::Canceled => "cancelled",
        TaskState::InputRequired => "waiting for input",
        TaskState::Rejected => "rejected",
        TaskState::AuthRequired => "waiting for an authorization",
    }
}
