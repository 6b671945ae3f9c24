//! The dashboard's queries about a run of another process that this process answers with its help.

use super::structure_feed::read as read_edit;
use crate::control::{Client, ClientError, CommandRequest, PlanRequest};
use crate::plan::StepIx;
use crate::run::{HandOver, Preview, RunCommand, RunState};
use crate::tui::{EditsDiff, HistoryAnswer, HistoryQuery, StructureEdit};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Why the record of a run cannot be asked.
const ELSEWHERE: &str = "the record of this run is on the machine where it runs";

/// The questions to the process of a run, and their answers.
pub(super) struct RemoteQuestions {
    client: Client,
    /// Whether the run is recorded on this machine: its record is asked here then.
    is_here: bool,
    sender: mpsc::UnboundedSender<HistoryAnswer>,
    answers: mpsc::UnboundedReceiver<HistoryAnswer>,
    answered: Vec<HistoryAnswer>,
    /// The edit of the plan of which the user has seen the price last.
    priced: Option<PlanRequest>,
}

impl RemoteQuestions {
    /// Those of the run behind `client`, which is recorded on this machine or not.
    pub(super) fn new(client: Client, is_here: bool) -> Self {
        let (sender, answers) = mpsc::unbounded_channel();
        Self {
            client,
            is_here,
            sender,
            answers,
            answered: Vec::new(),
            priced: None,
        }
    }

    /// Ends when there is an answer.
    pub(super) async fn answered(&mut self) {
        if self.answered.is_empty()
            && let Some(answer) = self.answers.recv().await
        {
            self.answered.push(answer);
        }
    }

    /// The answers that have come since the last call.
    pub(super) fn answers(&mut self) -> Vec<HistoryAnswer> {
        while let Ok(answer) = self.answers.try_recv() {
            self.answered.push(answer);
        }
        std::mem::take(&mut self.answered)
    }

    /// Asks the process of the run; gives back what is asked of the record on this machine. `id` is that of a row.
    pub(super) fn ask(
        &mut self,
        query: HistoryQuery,
        id: impl Fn(StepIx) -> Option<String>,
    ) -> Option<HistoryQuery> {
        match query {
            HistoryQuery::Preview { number, command } => self.preview(number, &command, id),
            HistoryQuery::Structure {
                live: Some(_),
                edit,
                text,
                ..
            } => self.price_edit(edit, &text),
            HistoryQuery::ToolDefinition {
                live: Some(_),
                step,
                ..
            } => self.tool_definition(step),
            query if self.is_here => return Some(query),
            HistoryQuery::ModelCall { shown, step } => self.model_call(&shown, step),
            HistoryQuery::EditsDiff { .. } => self.save(None),
            HistoryQuery::WriteEdits { diff, .. } => self.save(Some(diff)),
            query => match unknown(query) {
                Ok(answer) => self.answered.push(answer),
                Err(query) => return Some(query),
            },
        }
        None
    }

    fn preview(&self, number: u64, command: &RunCommand, id: impl Fn(StepIx) -> Option<String>) {
        let request = CommandRequest::of(command, id);
        let (client, sender) = (self.client.clone(), self.sender.clone());
        tokio::spawn(async move {
            let known = match request {
                Some(request) => client.preview(&request).await.map_err(|error| why(&error)),
                None => Err("the run has no such step".into()),
            };
            let _ = sender.send(HistoryAnswer::Preview(number, known));
        });
    }

    /// Asks what an edit of the plan would do.
    fn price_edit(&mut self, edit: StructureEdit, text: &str) {
        self.priced = None;
        let edit = match read_edit(edit, text) {
            Ok(edit) => edit,
            Err(error) => {
                let why = error.to_string().into();
                self.answered.push(HistoryAnswer::Structure(Err(why)));
                return;
            }
        };
        // The process of the run gives the run that goes on its id, and says what it holds.
        let to = HandOver {
            verb: edit.verb().into(),
            step: edit.step(),
            ..HandOver::default()
        };
        self.priced = Some(PlanRequest::of(&edit, false));
        let request = PlanRequest::of(&edit, true);
        let (client, sender) = (self.client.clone(), self.sender.clone());
        tokio::spawn(async move {
            let known = client.edit_plan(&request).await.and_then(read::<Preview>);
            let known = known.map(|preview| (Box::new(preview), Some(Box::new(to))));
            let _ = sender.send(HistoryAnswer::Structure(known.map_err(|error| why(&error))));
        });
    }

    fn tool_definition(&self, step: Arc<str>) {
        let (client, sender) = (self.client.clone(), self.sender.clone());
        tokio::spawn(async move {
            let known = client.tool_definition(&step).await;
            let known = known.map_err(|error| why(&error));
            let _ = sender.send(HistoryAnswer::ToolDefinition(step, known));
        });
    }

    /// The edit of the plan of which the user has seen the price.
    pub(super) fn accepted_edit(&mut self) -> Option<PlanRequest> {
        self.priced.take()
    }

    fn model_call(&self, shown: &RunState, step: StepIx) {
        let row = shown.steps.get(step.at());
        let id = row.map(|row| Arc::clone(&row.info.id)).unwrap_or_default();
        let (client, sender) = (self.client.clone(), self.sender.clone());
        tokio::spawn(async move {
            let known = client.model_call(&id).await.map_err(|error| why(&error));
            let _ = sender.send(HistoryAnswer::ModelCall(step, known));
        });
    }

    /// Asks how the edits change the files of the run; writes them where that is what the user has `seen`.
    fn save(&self, seen: Option<String>) {
        let (client, sender) = (self.client.clone(), self.sender.clone());
        tokio::spawn(async move {
            let shown = client.save(true).await.and_then(read::<Saving>);
            let answer = match (shown, seen) {
                (Ok(saving), Some(seen)) if saving.diff() == seen => {
                    let written = client.save(false).await;
                    let written = written.map(|_| ()).map_err(|error| why(&error));
                    HistoryAnswer::EditsWritten(written)
                }
                (Ok(saving), _) => HistoryAnswer::EditsDiff(Ok(Box::new(saving.shown()))),
                (Err(error), Some(_)) => HistoryAnswer::EditsWritten(Err(why(&error))),
                (Err(error), None) => HistoryAnswer::EditsDiff(Err(why(&error))),
            };
            let _ = sender.send(answer);
        });
    }
}

/// The answer to a question of the record of a run that is not recorded on this machine; the question back where it is
/// not one of those.
fn unknown(query: HistoryQuery) -> Result<HistoryAnswer, HistoryQuery> {
    Ok(match query {
        HistoryQuery::Runs { .. } => HistoryAnswer::Runs(Err(ELSEWHERE.into())),
        HistoryQuery::Bodies { step, .. } => HistoryAnswer::Bodies(step, Err(ELSEWHERE.into())),
        HistoryQuery::RepeatPrice { number, .. } => {
            HistoryAnswer::RepeatPrice(number, Err(ELSEWHERE.into()))
        }
        HistoryQuery::Repeat { number, .. } => {
            HistoryAnswer::Repeated(number, Err(ELSEWHERE.into()))
        }
        HistoryQuery::Repair { number, .. } => {
            HistoryAnswer::Repaired(number, Err(ELSEWHERE.into()))
        }
        HistoryQuery::PlanPlace { .. } => HistoryAnswer::PlanPlace(Err(ELSEWHERE.into())),
        HistoryQuery::PlanChange { .. } => HistoryAnswer::PlanChange(Err(ELSEWHERE.into())),
        HistoryQuery::Structure { .. } => HistoryAnswer::Structure(Err(ELSEWHERE.into())),
        HistoryQuery::ToolDefinition { step, .. } => {
            HistoryAnswer::ToolDefinition(step, Err(ELSEWHERE.into()))
        }
        HistoryQuery::Bundle { .. } => HistoryAnswer::Bundle(Err(ELSEWHERE.into())),
        HistoryQuery::Savings { .. } => HistoryAnswer::Saved(Err(ELSEWHERE.into())),
        HistoryQuery::Reliability { .. } => HistoryAnswer::Reliability(Err(ELSEWHERE.into())),
        query => return Err(query),
    })
}

fn why(error: &ClientError) -> Arc<str> {
    error.to_string().into()
}

/// The edits of a run as changes of its files, as the control interface has them.
#[derive(Deserialize)]
struct Saving {
    files: Vec<SavedFile>,
    left_out: Vec<LeftOut>,
}

#[derive(Deserialize)]
struct SavedFile {
    file: String,
    diff: String,
    edits: Vec<SavedEdit>,
}

#[derive(Deserialize)]
struct SavedEdit {
    step: String,
    what: String,
    place: String,
}

#[derive(Deserialize)]
struct LeftOut {
    step: String,
    what: String,
    why: String,
}

fn read<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, ClientError> {
    serde_json::from_value(value).map_err(|error| ClientError::Unreachable(error.to_string()))
}

impl Saving {
    fn diff(&self) -> String {
        self.files.iter().map(|file| file.diff.as_str()).collect()
    }

    fn shown(self) -> EditsDiff {
        let diff = self.diff();
        let saved = self.files.iter().flat_map(|file| {
            let edits = file.edits.iter();
            edits.map(|edit| {
                let SavedEdit { step, what, place } = edit;
                format!("{what} of {step}: {place} in {}", file.file)
            })
        });
        EditsDiff {
            saved: saved.collect(),
            diff,
            left_out: (self.left_out.iter())
                .map(|edit| format!("{} of {}: {}", edit.what, edit.step, edit.why))
                .collect(),
        }
    }
}
