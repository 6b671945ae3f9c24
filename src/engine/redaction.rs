//! The one place where secrets are taken out of a run's record: every event passes it before anyone sees it.

use crate::plan::{StepInput, View};
use crate::run::{
    Answer, AttemptEnd, CallReason, EventKind, InputChange, MissReason, RerunReason, Reuse,
    RunError, RunHeader, StepGiven, StepInfo,
};
use crate::tools::{REDACTED, Secrets};
use serde_json::Value;
use std::sync::Arc;

/// Takes secrets out of everything in the event that comes from outside: parameters, inputs, outputs, prompts, answers,
/// messages and logs. Names and ids stay, since readers tell steps apart by them.
pub(super) fn redact(kind: &mut EventKind, secrets: &Secrets) {
    if secrets.is_empty() {
        return;
    }
    let value = |value: &mut Arc<Value>| *value = secrets.redact_shared(value);
    let text = |text: &mut Arc<str>| *text = secrets.redact_text(text);
    match kind {
        EventKind::RunStarted(header) => {
            let header: &mut RunHeader = Arc::make_mut(header);
            value(&mut header.context);
            infos(&mut header.steps, secrets);
        }
        EventKind::StepsAdded { steps } => infos(steps, secrets),
        EventKind::StepExpanded { elements, .. } => infos(elements, secrets),
        EventKind::StepCalled { call, .. } => info(call, secrets),
        EventKind::AttemptStarted {
            input, why, prompt, ..
        } => {
            *input = shown_input(input, secrets);
            prompt.iter_mut().for_each(text);
            if let Some(why) = why {
                reason(why, secrets);
            }
        }
        EventKind::AttemptLog { text: line, .. } => text(line),
        EventKind::AttemptHandle { handle, .. } => text(handle),
        EventKind::QuestionAsked { question, .. } => {
            text(&mut question.message);
            question.schema.iter_mut().for_each(value);
            question.url.iter_mut().for_each(text);
        }
        EventKind::QuestionAnswered { answer, .. } => {
            if let Answer::Accept(content) = &mut **answer {
                value(content);
            }
        }
        EventKind::AttemptEnded(end) => {
            let end: &mut AttemptEnd = Arc::make_mut(end);
            if let Some(details) = &mut end.details {
                details.prompt.iter_mut().for_each(text);
                details.answer.iter_mut().for_each(text);
                details.reasoning.iter_mut().for_each(text);
                if let Some(one) = &mut details.error {
                    error(one, secrets);
                }
            }
        }
        EventKind::StepSucceeded { output, reused, .. } => {
            value(output);
            if let Some(reused) = reused {
                let reused: &mut Reuse = reused;
                reused.input = shown_input(&reused.input, secrets);
            }
        }
        EventKind::StepFailed {
            error: one, output, ..
        } => {
            error(one, secrets);
            output.iter_mut().for_each(value);
        }
        EventKind::StepUnknown { error: one, .. } => error(one, secrets),
        EventKind::StepSettled { settlement, .. } => {
            settlement.input.iter_mut().for_each(value);
            settlement.output.iter_mut().for_each(value);
            settlement.error.iter_mut().for_each(text);
        }
        EventKind::ApprovalAsked { input, .. } => *input = shown_input(input, secrets),
        EventKind::StepInputSet { input, .. } => input.iter_mut().for_each(value),
        EventKind::StepEdited { before, after, .. } => {
            for given in [before, after] {
                let StepGiven {
                    input,
                    call,
                    output,
                    ..
                } = &mut **given;
                input.iter_mut().chain(output).for_each(value);
                let named = call.prompt.iter_mut().chain(&mut call.model);
                named.for_each(text);
            }
        }
        EventKind::StepCallSet { call, .. } => {
            let named = call.prompt.iter_mut().chain(&mut call.model);
            named.for_each(text);
        }
        EventKind::LimitReached { message, .. } => text(message),
        EventKind::RunEnded {
            result, error: one, ..
        } => {
            value(result);
            if let Some(one) = one {
                error(one, secrets);
            }
        }
        EventKind::StepReady { .. }
        | EventKind::StepWaiting { .. }
        | EventKind::ReservationRaised { .. }
        | EventKind::AttemptPaced { .. }
        | EventKind::AttemptSuspended { .. }
        | EventKind::AttemptContinued { .. }
        | EventKind::StepSkipped { .. }
        | EventKind::StepCancelled { .. }
        | EventKind::StepReset { .. }
        | EventKind::StepPinned { .. }
        | EventKind::ApprovalDecided { .. }
        | EventKind::ApprovalUsed { .. }
        | EventKind::BreakpointSet { .. }
        | EventKind::RunTargeted { .. }
        | EventKind::HandOverSet { .. }
        | EventKind::StepHeld { .. }
        | EventKind::RunPaused
        | EventKind::RunResumed
        | EventKind::SettingChanged { .. }
        | EventKind::StopRequested
        | EventKind::RunReopened => {}
    }
}

/// The input without secrets; the same one, with all that it shares, where it has none.
pub(super) fn shown_input(input: &StepInput, secrets: &Secrets) -> StepInput {
    let has_secret = |value: &Value| secrets.redacted(value).is_some();
    if secrets.is_empty() || !any_value(input, &has_secret) {
        return input.clone();
    }
    secrets.redact_shared(&input.to_value()).into()
}

/// Whether a value that the input consists of is `wanted`, or the name of one is as a text.
pub(super) fn any_value(input: &StepInput, wanted: &dyn Fn(&Value) -> bool) -> bool {
    match input.view() {
        View::Value(value) => wanted(value),
        View::List(items) => items.iter().any(|item| any_value(item, wanted)),
        View::Object(members) => members
            .iter()
            .any(|(name, part)| wanted(&Value::from(&**name)) || any_value(part, wanted)),
    }
}

fn infos(steps: &mut Arc<[StepInfo]>, secrets: &Secrets) {
    let is_clean = |step: &StepInfo| {
        let parameters = step.parameters.as_deref();
        let description = step.description.as_deref().unwrap_or_default();
        parameters.is_none_or(|value| secrets.redacted(value).is_none())
            && secrets.redact(description) == description
    };
    if steps.iter().all(is_clean) {
        return;
    }
    let mut steps_now = steps.to_vec();
    for step in &mut steps_now {
        info(step, secrets);
    }
    *steps = steps_now.into();
}

fn info(step: &mut StepInfo, secrets: &Secrets) {
    let (parameters, description) = (&mut step.parameters, &mut step.description);
    if let Some(parameters) = parameters {
        *parameters = secrets.redact_shared(parameters);
    }
    if let Some(description) = description {
        *description = secrets.redact_text(description);
    }
}

fn error(error: &mut RunError, secrets: &Secrets) {
    error.message = secrets.redact_text(&error.message);
}

fn reason(why: &mut CallReason, secrets: &Secrets) {
    let differing = |changes: &mut Arc<[InputChange]>| {
        let redacted = changes.iter().map(|change| InputChange {
            path: secrets.redact_text(&change.path),
            before: change.before.as_ref().map(|it| secrets.redact_text(it)),
            after: change.after.as_ref().map(|it| secrets.redact_text(it)),
            ..change.clone()
        });
        *changes = redacted.collect();
    };
    if let Some(RerunReason::Input { changes, .. }) = &mut why.rerun {
        differing(changes);
    }
    if let Some(MissReason::Differs { changes, .. }) = &mut why.miss {
        differing(changes);
    }
}

/// Whether a text in the value, or the name of a member, has the sign of what was left out.
pub(super) fn holds_mark(value: &Value) -> bool {
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            Value::String(text) if text.contains(REDACTED) => return true,
            Value::Array(items) => open.extend(items),
            Value::Object(members) => {
                if members.keys().any(|name| name.contains(REDACTED)) {
                    return true;
                }
                open.extend(members.values());
            }
            _ => {}
        }
    }
    false
}
