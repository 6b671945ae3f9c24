//! The table of verbs: from what clients ask to the commands of the engine.

use super::error::ControlError;
use super::stored;
use super::verb::{CommandRequest, Stored, Target, Verb, find_step};
use crate::plan::StepIx;
use crate::run::{
    Answer, Approval, Breakpoint, CallEdit, DecidedBy, Preview, RunCommand, RunState,
};
use crate::session::{Liveness, Previewer};
use crate::text::schema::violation;
use serde_json::Value;
use std::sync::Arc;

/// Every verb.
const VERBS: &[Verb] = &[
    Verb {
        name: "pause",
        target: Target::Run,
        fields: &[],
        commands: |_, _, _| Ok(vec![RunCommand::Pause]),
        stored: Stored::NeedsLive("it holds a run that is running"),
    },
    Verb {
        name: "resume",
        target: Target::Upto,
        fields: &["settings"],
        commands: |request, _, run| {
            let settings = request.settings.clone();
            let was_limited = run.has_ended() && !run.exceeded.is_empty();
            if was_limited && request.step.is_none() {
                return Ok(vec![RunCommand::ContinueAfterLimit(settings)]);
            }
            let then = match &request.step {
                Some(to) => RunCommand::RunTo(to.as_str().into()),
                None => RunCommand::Resume,
            };
            let settings = settings.into_iter().map(RunCommand::Set);
            Ok(settings.chain([then]).collect())
        },
        stored: Stored::GoesOn(stored::resume),
    },
    Verb {
        name: "step",
        target: Target::StepOrRun,
        fields: &[],
        commands: |_, step, _| Ok(vec![RunCommand::StepOnce(step)]),
        stored: Stored::NeedsLive("it starts one step of a run that is paused"),
    },
    Verb {
        name: "retry",
        target: Target::StepOrRun,
        fields: &[],
        commands: |_, step, _| {
            Ok(vec![
                step.map_or(RunCommand::RetryFailed, RunCommand::Retry),
            ])
        },
        stored: Stored::GoesOn(stored::retry),
    },
    Verb {
        name: "refresh",
        target: Target::Step,
        fields: &[],
        commands: |_, step, _| on(step, RunCommand::Refresh),
        stored: Stored::GoesOn(stored::refresh),
    },
    Verb {
        name: "edit",
        target: Target::Step,
        fields: &["input", "prompt", "model", "temperature", "max_tokens"],
        commands: edit,
        stored: Stored::GoesOn(stored::edit),
    },
    Verb {
        name: "set",
        target: Target::StepOrRun,
        fields: &["output", "settings"],
        commands: set,
        stored: Stored::GoesOn(stored::set),
    },
    Verb {
        name: "skip",
        target: Target::Step,
        fields: &[],
        commands: |_, step, _| on(step, RunCommand::Skip),
        stored: Stored::GoesOn(stored::skip),
    },
    Verb {
        name: "undo",
        target: Target::Run,
        fields: &[],
        // An edit of the plan that has not taken effect is the last.
        commands: |_, _, run| {
            Ok(vec![match run.hand_over {
                Some(_) if !run.has_ended() => RunCommand::HandOver(None),
                _ => RunCommand::Undo,
            }])
        },
        stored: Stored::GoesOn(stored::undo),
    },
    Verb {
        name: "redo",
        target: Target::Run,
        fields: &[],
        commands: |_, _, _| Ok(vec![RunCommand::Redo]),
        stored: Stored::GoesOn(stored::redo),
    },
    Verb {
        name: "break",
        target: Target::Breakpoint,
        fields: &["off"],
        commands: breakpoint,
        stored: Stored::NeedsLive("it holds a step of a run that is running"),
    },
    Verb {
        name: "approve",
        target: Target::Step,
        fields: &["off", "call"],
        commands: |request, step, _| {
            let granted = !request.off;
            let call = request.call.clone();
            on(step, |step| {
                RunCommand::Approve(Approval {
                    step,
                    granted,
                    call: call.clone(),
                    by: DecidedBy::Other,
                })
            })
        },
        stored: Stored::NeedsLive(
            "it answers a step that waits; plandeck run --resume RUN --approve STEP=yes goes on",
        ),
    },
    Verb {
        name: "answer",
        target: Target::Step,
        fields: &["answer"],
        commands: answer,
        stored: Stored::NeedsLive(
            "it answers a call that is running; plandeck run --resume RUN --answer STEP=JSON goes on",
        ),
    },
    Verb {
        name: "pin",
        target: Target::Step,
        fields: &["off"],
        commands: |request, step, _| {
            let pinned = !request.off;
            on(step, |step| RunCommand::Pin(step, pinned))
        },
        stored: Stored::NeedsLive(
            "it keeps an output of a run that is running; plandeck cache pin keeps any other",
        ),
    },
    Verb {
        name: "stop",
        target: Target::Run,
        fields: &[],
        commands: |_, _, _| Ok(vec![RunCommand::Stop]),
        stored: Stored::NeedsLive("it ends a run that is running"),
    },
];

#[allow(clippy::unnecessary_wraps, reason = "as the table has it")]
fn on(
    step: Option<StepIx>,
    command: impl Fn(StepIx) -> RunCommand,
) -> Result<Vec<RunCommand>, String> {
    Ok(step.map(command).into_iter().collect())
}

fn edit(
    request: &CommandRequest,
    step: Option<StepIx>,
    _: &RunState,
) -> Result<Vec<RunCommand>, String> {
    let given = |input: &Value| (*input != Value::Null).then(|| Arc::new(input.clone()));
    let edit = CallEdit {
        input: request.input.as_ref().map(given),
        ..request.call_edit()
    };
    if edit.is_empty() {
        return Err(
            "edit needs what to change: input, prompt, model, temperature or max_tokens".to_owned(),
        );
    }
    on(step, |step| {
        RunCommand::SetCall(step, Box::new(edit.clone()))
    })
}

fn answer(
    request: &CommandRequest,
    step: Option<StepIx>,
    run: &RunState,
) -> Result<Vec<RunCommand>, String> {
    let given = request.answer.clone();
    let given = given.ok_or("answer needs the answer: an object, \"decline\" or \"cancel\"")?;
    let answer = Answer::from_value(given)?;
    let row = step.and_then(|step| run.steps.get(step.at()));
    let question = row.and_then(|row| row.open_question());
    let schema = question.and_then(|question| question.schema.as_deref());
    if let (Some(schema), Answer::Accept(content)) = (schema, &answer)
        && let Some(fault) = violation(schema, content)
    {
        return Err(format!("the answer is not what is asked for: {fault}"));
    }
    on(step, |step| {
        RunCommand::Answer(step, Arc::new(answer.clone()))
    })
}

fn breakpoint(
    request: &CommandRequest,
    _: Option<StepIx>,
    run: &RunState,
) -> Result<Vec<RunCommand>, String> {
    let text = request.step.as_deref().unwrap_or_default();
    let is_known = |id: &str| id == Breakpoint::ALL || run.may_have(id);
    let breakpoint = Breakpoint::parse(text, is_known)?;
    if let Some(fault) = run.break_fault(&breakpoint) {
        return Err(fault);
    }
    Ok(vec![RunCommand::Breakpoint(breakpoint, !request.off)])
}

fn set(
    request: &CommandRequest,
    step: Option<StepIx>,
    _: &RunState,
) -> Result<Vec<RunCommand>, String> {
    let settings = request.settings.iter().cloned().map(RunCommand::Set);
    let output = match (step, &request.output) {
        (Some(step), Some(output)) => Some(RunCommand::SetOutput(step, Arc::new(output.clone()))),
        (Some(_), None) => return Err("set STEP needs an output".to_owned()),
        (None, Some(_)) => return Err("an output needs the step that has it".to_owned()),
        (None, None) => None,
    };
    let commands: Vec<RunCommand> = settings.chain(output).collect();
    if commands.is_empty() {
        return Err("set needs a step with an output, or settings".to_owned());
    }
    Ok(commands)
}

/// The verb of a request, where the request is one that this verb takes.
pub(super) fn checked(request: &CommandRequest) -> Result<&'static Verb, ControlError> {
    let Some(verb) = VERBS.iter().find(|verb| verb.name == request.verb) else {
        let names: Vec<&str> = VERBS.iter().map(|verb| verb.name).collect();
        return Err(ControlError::BadRequest(format!(
            "{:?} is no verb; there are: {}",
            request.verb,
            names.join(", ")
        )));
    };
    let name = verb.name;
    match (verb.target, &request.step) {
        (Target::Step | Target::Breakpoint, None) => {
            return Err(ControlError::BadRequest(format!(
                "{name} needs a step: \"step\": ID"
            )));
        }
        (Target::Run, Some(_)) => {
            return Err(ControlError::BadRequest(format!(
                "{name} is about the whole run and takes no step"
            )));
        }
        _ => {}
    }
    let given = request.given();
    if let Some(field) = given.iter().find(|field| !verb.fields.contains(field)) {
        return Err(ControlError::BadRequest(format!(
            "{name} takes no {field:?}"
        )));
    }
    Ok(verb)
}

/// The commands that a request stands for, where they make sense in the present state of the run.
pub(super) fn commands(
    request: &CommandRequest,
    run: &RunState,
) -> Result<Vec<RunCommand>, ControlError> {
    let verb = checked(request)?;
    let named = request.step.as_deref();
    let named = named.filter(|_| verb.names_a_row());
    let step = named.map(|id| find_step(run, id));
    let commands = (verb.commands)(request, step.transpose()?, run);
    let commands = commands.map_err(ControlError::BadRequest)?;
    let refused = commands.iter().find_map(|command| command.refusal(run));
    match refused {
        Some(why) => Err(ControlError::NotNow(why)),
        None => Ok(commands),
    }
}

/// What a request would do to a run in this state.
///
/// # Errors
/// When the request is wrong, or makes no sense for this run.
pub fn preview(
    request: &CommandRequest,
    run: &RunState,
    previewer: &Previewer,
    liveness: Liveness,
) -> Result<Preview, ControlError> {
    let verb = checked(request)?;
    // A recorded run that goes on runs what failed, and what has not run yet, under the limits that it gets.
    let is_stored = liveness == Liveness::Stored;
    let is_whole = match &*request.verb {
        "resume" => request.step.is_none(),
        "set" => request.output.is_none(),
        _ => false,
    };
    let with_limits = (is_stored && !request.settings.is_empty()).then(|| {
        let mut run = run.clone();
        for setting in &request.settings {
            setting.apply(&mut run.limits, &mut run.rates);
        }
        run
    });
    let run = with_limits.as_ref().unwrap_or(run);
    let commands = if is_stored && is_whole {
        vec![RunCommand::RetryFailed]
    } else {
        let request = CommandRequest {
            settings: if is_stored {
                Vec::new()
            } else {
                request.settings.clone()
            },
            ..request.clone()
        };
        commands(&request, run)?
    };
    let step = request
        .step
        .as_deref()
        .filter(|_| verb.names_a_row())
        .map(|id| find_step(run, id))
        .transpose()?;
    let step = step.or_else(|| find_step(run, request.step.as_deref()?).ok());
    Ok(previewer.preview(run, liveness, verb.name, step, &commands))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn asked(request: &Value) -> Result<Vec<RunCommand>, ControlError> {
        let request = serde_json::from_value(request.clone()).unwrap();
        let state = crate::control::fixture::waiting_run();
        commands(&request, &state)
    }

    #[test]
    fn a_request_that_is_wrong_says_what_it_needs() {
        for (request, says) in [
            (json!({"verb": "fly"}), "there are: pause, resume"),
            (json!({"verb": "skip"}), "needs a step"),
            (json!({"verb": "pause", "step": "a"}), "takes no step"),
            (
                json!({"verb": "skip", "step": "a", "output": null}),
                "takes no \"output\"",
            ),
            (json!({"verb": "set", "step": "a"}), "needs an output"),
            (json!({"verb": "edit", "step": "a"}), "input"),
            (json!({"verb": "skip", "step": "aa"}), "near to it: a"),
            (json!({"verb": "resume"}), "not paused"),
            (
                json!({"verb": "retry", "step": "a"}),
                "only a step that has ended",
            ),
        ] {
            let error = asked(&request).unwrap_err().to_string();
            assert!(error.contains(says), "{request}: {error}");
        }
    }

    #[test]
    fn null_is_an_output_and_takes_an_input_back() {
        assert_eq!(
            asked(&json!({"verb": "set", "step": "a", "output": null})).unwrap(),
            [RunCommand::SetOutput(StepIx(0), Arc::new(Value::Null))]
        );
        assert_eq!(
            asked(&json!({"verb": "edit", "step": "a", "input": null})).unwrap(),
            [RunCommand::SetCall(
                StepIx(0),
                Box::new(CallEdit {
                    input: Some(None),
                    ..CallEdit::default()
                })
            )]
        );
    }

    #[test]
    fn settings_are_written_as_in_their_events() {
        let settings = json!([{"setting": "max_concurrent", "value": 3}, {"setting": "timeout_seconds", "value": null}]);
        let commands = asked(&json!({"verb": "set", "settings": settings})).unwrap();
        assert_eq!(commands.len(), 2);
        let zero = json!([{"setting": "max_concurrent", "value": 0}]);
        let error = asked(&json!({"verb": "set", "settings": zero})).unwrap_err();
        assert_eq!(error.status(), 409);
    }
}
