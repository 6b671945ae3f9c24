//! What verbs mean for a recorded run, which goes on under its own id.

use super::verb::CommandRequest;
use crate::run::{CallEdit, EditWay};
use crate::session::Continuation;
use serde_json::Value;

pub(super) fn all(_: &CommandRequest) -> Continuation {
    Continuation {
        retry_failed: true,
        ..Continuation::default()
    }
}

pub(super) fn resume(request: &CommandRequest) -> Continuation {
    match &request.step {
        None => all(request),
        Some(to) => Continuation {
            to: Some(to.clone()),
            ..Continuation::default()
        },
    }
}

pub(super) fn retry(request: &CommandRequest) -> Continuation {
    match &request.step {
        None => all(request),
        Some(step) => Continuation {
            retry: vec![step.clone()],
            ..Continuation::default()
        },
    }
}

pub(super) fn refresh(request: &CommandRequest) -> Continuation {
    Continuation {
        refresh: request.step.iter().cloned().collect(),
        ..Continuation::default()
    }
}

pub(super) fn skip(request: &CommandRequest) -> Continuation {
    Continuation {
        skip: request.step.iter().cloned().collect(),
        ..Continuation::default()
    }
}

pub(super) fn undo(_: &CommandRequest) -> Continuation {
    Continuation {
        edit_way: Some(EditWay::Undone),
        ..Continuation::default()
    }
}

pub(super) fn redo(_: &CommandRequest) -> Continuation {
    Continuation {
        edit_way: Some(EditWay::Redone),
        ..Continuation::default()
    }
}

pub(super) fn edit(request: &CommandRequest) -> Continuation {
    let Some(step) = &request.step else {
        return Continuation::default();
    };
    let input = request.input.as_ref().map(|input| {
        let input = Some(input.clone()).filter(|input| *input != Value::Null);
        (step.clone(), input)
    });
    let call = Some(request.call_edit()).filter(CallEdit::is_of_model);
    Continuation {
        inputs: input.into_iter().collect(),
        calls: call.map(|call| (step.clone(), call)).into_iter().collect(),
        ..Continuation::default()
    }
}

pub(super) fn set(request: &CommandRequest) -> Continuation {
    let output = request.output.clone().zip(request.step.clone());
    Continuation {
        // With other settings alone the whole run goes on.
        retry_failed: output.is_none(),
        outputs: output
            .map(|(output, step)| (step, output))
            .into_iter()
            .collect(),
        ..Continuation::default()
    }
}
