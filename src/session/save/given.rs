//! The edits that hold in a run.

use super::LeftOut;
use crate::run::{EventKind, GivenCall, RunEvent, RunState, StepSource, StepState};
use serde_json::{Value, json};
use std::sync::Arc;

/// An edit that a file can hold.
#[derive(Clone, Debug)]
pub(super) enum GivenEdit {
    /// What the step is called with.
    Input(Arc<str>, Arc<Value>),
    /// How its model is asked: a field of a catalog, and its value.
    Call(Arc<str>, &'static str, Value),
}

impl GivenEdit {
    pub(super) fn step(&self) -> &Arc<str> {
        match self {
            Self::Input(step, _) | Self::Call(step, ..) => step,
        }
    }

    pub(super) fn what(&self) -> &'static str {
        match self {
            Self::Input(..) => "input",
            Self::Call(_, what, _) => what,
        }
    }
}

/// The edits that hold at the end of a run, and those that no file can hold.
pub(super) fn edits_of(run: &RunState) -> (Vec<GivenEdit>, Vec<LeftOut>) {
    let (mut edits, mut left_out) = (Vec::new(), Vec::new());
    for row in &run.steps {
        let id = &row.info.id;
        let mut of_row = Vec::new();
        let input = row
            .given
            .clone()
            .map(|input| GivenEdit::Input(Arc::clone(id), input));
        of_row.extend(input);
        if let Some(call) = &row.given_call {
            let fields = fields_of(call);
            of_row.extend(fields.map(|(what, value)| GivenEdit::Call(Arc::clone(id), what, value)));
        }
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

/// What is given, by the names of the fields that hold it in plans and catalogs.
fn fields_of(call: &GivenCall) -> impl Iterator<Item = (&'static str, Value)> + use<> {
    let fields = [
        ("prompt", call.prompt.as_ref().map(|prompt| json!(prompt))),
        ("model", call.model.as_ref().map(|model| json!(model))),
        ("temperature", call.options.temperature.map(|it| json!(it))),
        ("max_tokens", call.options.max_tokens.map(|it| json!(it))),
    ];
    let given = fields.into_iter();
    given.filter_map(|(name, value)| Some((name, value?)))
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
    calls: Vec<GivenCall>,
    inputs: Vec<(Arc<str>, Arc<Value>)>,
}

impl Earlier {
    pub(super) fn of(events: &[RunEvent], run: &RunState) -> Self {
        let mut earlier = Self::default();
        for event in events {
            match &event.kind {
                EventKind::StepCallSet { call, .. } => earlier.calls.push(call.clone()),
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

    /// Whether this was given as that field.
    pub(super) fn gave(&self, what: &str, value: &Value) -> bool {
        let given = self.calls.iter().flat_map(fields_of);
        given
            .into_iter()
            .any(|given| given == (what, value.clone()))
    }

    /// Whether the step was given this input.
    pub(super) fn gave_input(&self, step: &str, input: &Value) -> bool {
        let mut given = self.inputs.iter();
        given.any(|(of, given)| &**of == step && **given == *input)
    }
}
