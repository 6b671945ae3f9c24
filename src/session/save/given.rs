//! The edits that hold in a run.

use super::LeftOut;
use crate::run::{EventKind, RunEvent, RunState, StepSource, StepState};
use serde_json::Value;
use std::sync::Arc;

/// An edit that a file can hold.
#[derive(Clone, Debug)]
pub(super) enum GivenEdit {
    /// What the step is called with.
    Input(Arc<str>, Arc<Value>),
    /// The prompt of its model.
    Prompt(Arc<str>, Arc<str>),
    /// Its model.
    Model(Arc<str>, Arc<str>),
}

impl GivenEdit {
    pub(super) fn step(&self) -> &Arc<str> {
        match self {
            Self::Input(step, _) | Self::Prompt(step, _) | Self::Model(step, _) => step,
        }
    }

    pub(super) fn what(&self) -> &'static str {
        match self {
            Self::Input(..) => "input",
            Self::Prompt(..) => "prompt",
            Self::Model(..) => "model",
        }
    }
}

/// The edits that hold at the end of a run, and those that no file can hold.
pub(super) fn edits_of(run: &RunState) -> (Vec<GivenEdit>, Vec<LeftOut>) {
    let (mut edits, mut left_out) = (Vec::new(), Vec::new());
    for row in &run.steps {
        let id = &row.info.id;
        let call = row.given_call.as_deref().cloned().unwrap_or_default();
        let mut of_row = Vec::new();
        let input = row
            .given
            .clone()
            .map(|input| GivenEdit::Input(Arc::clone(id), input));
        of_row.extend(input);
        of_row.extend(
            call.prompt
                .map(|prompt| GivenEdit::Prompt(Arc::clone(id), prompt)),
        );
        of_row.extend(
            call.model
                .map(|model| GivenEdit::Model(Arc::clone(id), model)),
        );
        let why = why_not(run, row);
        match why {
            None => edits.append(&mut of_row),
            Some(why) => left_out.extend(of_row.iter().map(|edit| LeftOut {
                step: Arc::clone(id),
                what: edit.what(),
                why: why.clone(),
            })),
        }
        let mut no = |what, why: &str| {
            left_out.push(LeftOut {
                step: Arc::clone(id),
                what,
                why: why.to_owned(),
            });
        };
        if row.source == Some(StepSource::Mock) && !row.is_expanded() {
            no("output", "a plan holds no outputs: it stays with the run");
        }
        if row.skipped_by_hand {
            no(
                "skip",
                "it is for this run alone: `run_if: \"false\"` in the plan skips a step in every run",
            );
        }
    }
    (edits, left_out)
}

/// Why no file can hold the edits of a row.
fn why_not(run: &RunState, row: &StepState) -> Option<String> {
    if row.caller.is_some() {
        return Some("the call is made by code: edit the code".to_owned());
    }
    let parent = row
        .info
        .parent
        .and_then(|parent| run.steps.get(parent.at()))?;
    Some(format!(
        "it is one element of {}, and the plan has one definition for all of them",
        parent.info.id
    ))
}

/// What the user gave steps in the course of a run: a file that holds one of these holds what was saved before.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    prompts: Vec<Arc<str>>,
    models: Vec<Arc<str>>,
    inputs: Vec<(Arc<str>, Arc<Value>)>,
}

impl Earlier {
    pub(super) fn of(events: &[RunEvent], run: &RunState) -> Self {
        let mut earlier = Self::default();
        for event in events {
            match &event.kind {
                EventKind::StepCallSet { prompt, model, .. } => {
                    earlier.prompts.extend(prompt.clone());
                    earlier.models.extend(model.clone());
                }
                EventKind::StepInputSet {
                    step,
                    input: Some(input),
                } => {
                    let row = run.steps.get(step.ix.at());
                    let given = row.map(|row| (Arc::clone(&row.info.id), Arc::clone(input)));
                    earlier.inputs.extend(given);
                }
                _ => {}
            }
        }
        earlier
    }

    /// Whether this was given as a prompt or a model.
    pub(super) fn gave(&self, what: &str, text: &str) -> bool {
        let given = if what == "prompt" {
            &self.prompts
        } else {
            &self.models
        };
        given.iter().any(|given| &**given == text)
    }

    /// Whether the step was given this input.
    pub(super) fn gave_input(&self, step: &str, input: &Value) -> bool {
        let mut given = self.inputs.iter();
        given.any(|(of, given)| &**of == step && **given == *input)
    }
}
