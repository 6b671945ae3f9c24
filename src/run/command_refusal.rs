//! Why a command makes no sense in the present state of a run.

use super::{
    EditWay, HeldAt, HeldStep, RunCommand, RunPhase, RunState, SkipReason, StepState, StepStatus,
};
use crate::plan::StepIx;

impl RunCommand {
    /// Why `run` cannot take this command, and what can be done instead; `None` where it can. The engine decides by the
    /// same rules: what it cannot take changes nothing.
    pub fn refusal(&self, run: &RunState) -> Option<String> {
        match self {
            Self::Pause => match run.phase {
                RunPhase::Running => None,
                RunPhase::Paused => Some("the run is paused already".to_owned()),
                _ => not_going(run),
            },
            Self::Resume if run.phase == RunPhase::Paused || run.target.is_some() => None,
            Self::Resume => {
                let why = not_going(run);
                Some(why.unwrap_or_else(|| "the run is not paused".to_owned()))
            }
            Self::StepOnce(step) => {
                if run.phase != RunPhase::Paused {
                    let why = not_going(run);
                    return Some(why.unwrap_or_else(|| {
                        "the run is not paused: pause it, then start single steps".to_owned()
                    }));
                }
                step_once(run, *step)
            }
            Self::RunTo(to) => run_to(run, to),
            Self::Retry(step) | Self::Refresh(step) => {
                stopping(run).or_else(|| on(run, *step, run_again))
            }
            Self::RetryFailed => stopping(run).or_else(|| {
                let any = run.steps.iter().any(went_wrong);
                (!any).then(|| "no step of the run has failed".to_owned())
            }),
            Self::Skip(step) => on(run, *step, |row| {
                if row.status.has_ended() && row.status != StepStatus::Unknown {
                    return Some(format!(
                        "step {} has ended ({}): only a step that has not run can be skipped",
                        row.info.id,
                        row.status.word()
                    ));
                }
                not_open(run, row)
            }),
            Self::SetOutput(step, _) => on(run, *step, |row| not_open(run, row)),
            Self::SetInput(step, _) => on(run, *step, |row| {
                if row.is_expanded() {
                    return Some(edit_an_element(row));
                }
                not_open(run, row)
            }),
            Self::SetCall(step, edit) => on(run, *step, |row| {
                let of_model = [
                    (edit.prompt.is_some(), "a prompt"),
                    (edit.temperature.is_some(), "a temperature"),
                    (edit.max_tokens.is_some(), "a maximum of tokens"),
                ];
                let named = of_model.into_iter().find(|(is_given, _)| *is_given);
                if let Some((_, what)) = named.filter(|_| &*row.info.kind != "model") {
                    return Some(format!(
                        "step {} calls a tool of type {}: only model tools have {what}",
                        row.info.id, row.info.kind
                    ));
                }
                if edit.max_tokens == Some(Some(0)) {
                    return Some("an answer has at least 1 token".to_owned());
                }
                if edit.input.is_some() && row.is_expanded() {
                    return Some(edit_an_element(row));
                }
                not_open(run, row)
            }),
            Self::Undo | Self::Redo => self.edit_way().and_then(|way| no_edit(run, way)),
            Self::Pin(step, _) => on(run, *step, |row| {
                let has_output = row.status == StepStatus::Succeeded;
                (!has_output).then(|| format!("step {} has no output to pin", row.info.id))
            }),
            Self::Breakpoint(..) => None,
            Self::Approve(approval) => on(run, approval.step, |row| match row.asked_approval() {
                None => Some(format!("step {} waits for no approval", row.info.id)),
                Some(asked)
                    if approval
                        .call
                        .as_ref()
                        .is_some_and(|call| *call != asked.call) =>
                {
                    Some(format!(
                        "step {} would be called otherwise by now: look at its input again",
                        row.info.id
                    ))
                }
                Some(_) => None,
            }),
            Self::Answer(step, _) => on(run, *step, |row| {
                (row.open_question().is_none())
                    .then(|| format!("no call of step {} asks anything", row.info.id))
            }),
            Self::Set(setting) => setting.refusal(run, run.at),
            Self::ContinueAfterLimit(settings) => {
                if run.exceeded.is_empty() {
                    return Some("no limit has stopped the run".to_owned());
                }
                let mut settings = settings.iter();
                settings.find_map(|setting| setting.refusal(run, run.at))
            }
            Self::HandOver(to) => stopping(run).or_else(|| not_going(run)).or_else(|| {
                let is_set = to.is_some() || run.hand_over.is_some();
                (!is_set).then(|| "the run hands over to no other run".to_owned())
            }),
            Self::Stop => stopping(run).or_else(|| not_going(run)),
            Self::Close => None,
        }
    }
}

/// Why no edit can be taken back or made again.
fn no_edit(run: &RunState, way: EditWay) -> Option<String> {
    match run.edits.next(way) {
        Some((step, _)) => on(run, step, |row| not_open(run, row)),
        None if way == EditWay::Redone => Some("no edit has been taken back".to_owned()),
        None => Some("the run has no edit to take back".to_owned()),
    }
}

fn on(
    run: &RunState,
    step: StepIx,
    judge: impl FnOnce(&StepState) -> Option<String>,
) -> Option<String> {
    match run.steps.get(step.at()) {
        Some(row) => judge(row),
        None => Some("the run has no such step".to_owned()),
    }
}

/// Failed, or kept from ending by a stop.
fn went_wrong(row: &StepState) -> bool {
    match row.status {
        StepStatus::Failed | StepStatus::Cancelled => true,
        StepStatus::Skipped => matches!(row.reason, Some(SkipReason::Limit | SkipReason::User)),
        _ => false,
    }
}

fn not_going(run: &RunState) -> Option<String> {
    match run.phase {
        RunPhase::Empty => Some("the run has not begun".to_owned()),
        RunPhase::Stopping => Some("the run is being stopped".to_owned()),
        RunPhase::Ended(_) => Some("the run has ended".to_owned()),
        RunPhase::Running | RunPhase::Paused => None,
    }
}

fn stopping(run: &RunState) -> Option<String> {
    match run.phase {
        RunPhase::Stopping => Some("the run is being stopped".to_owned()),
        _ => None,
    }
}

fn step_once(run: &RunState, step: Option<StepIx>) -> Option<String> {
    let Some(step) = step else {
        let mut rows = run.steps.iter();
        let any = rows.any(|row| row.status == StepStatus::Ready);
        return (!any).then(|| "no step is ready to start".to_owned());
    };
    on(run, step, |row| {
        (row.status != StepStatus::Ready).then(|| {
            format!(
                "step {} is {}: only a ready step can be started",
                row.info.id,
                row.status.word()
            )
        })
    })
}

/// Why the run cannot go on until the row of this id is about to start.
fn run_to(run: &RunState, to: &str) -> Option<String> {
    if let Some(why) = stopping(run) {
        return Some(why);
    }
    if !run.may_have(to) {
        return Some(format!("the run has no step {to}"));
    }
    let mut rows = run.steps.iter().zip(0..);
    let (_, at) = rows.find(|(row, _)| *row.info.id == *to)?;
    run.not_before(StepIx(at))
}

impl RunState {
    /// Why the run cannot go on until this row is about to start.
    pub(crate) fn not_before(&self, ix: StepIx) -> Option<String> {
        let Some(row) = self.steps.get(ix.at()) else {
            return Some("the run has no such step".to_owned());
        };
        let id = &row.info.id;
        let is_here = |held: &HeldStep| held.step == ix && held.at != HeldAt::Missed;
        let (has_ended, is_paused) = (row.status.has_ended(), self.phase == RunPhase::Paused);
        if row.running_attempt().is_some() {
            return Some(format!(
                "step {id} is running: the run is past its beginning"
            ));
        }
        if row.is_expanded() && !has_ended {
            return Some(format!(
                "the elements of step {id} are running: name one of them, as {id}[0]"
            ));
        }
        let is_held = is_paused && !has_ended && self.held_steps.iter().any(is_here);
        if is_held {
            return Some(format!("the run is held before {id} already"));
        }
        stopping(self)
    }
}

fn edit_an_element(row: &StepState) -> String {
    format!(
        "step {0} runs once for each element of a list: edit the input of one of them, as {0}[0]",
        row.info.id
    )
}

fn run_again(row: &StepState) -> Option<String> {
    (!row.status.has_ended()).then(|| {
        format!(
            "step {} is {}: only a step that has ended can run again",
            row.info.id,
            row.status.word()
        )
    })
}

/// Why nothing of a step can be decided now: a call of it is running, or the run is being stopped.
fn not_open(run: &RunState, row: &StepState) -> Option<String> {
    if let Some(why) = stopping(run) {
        return Some(why);
    }
    let id = &row.info.id;
    if let Some(caller) = row.caller.filter(|_| row.status.has_ended()) {
        let code = run.steps.get(run.first_caller(caller).at());
        return Some(format!(
            "the code that made the call {id} knows what it came to: run step {} again",
            code.map_or("", |code| &code.info.id)
        ));
    }
    // What is unknown waits for the user, not for the end of a call.
    if row.running_attempt().is_some() && row.status != StepStatus::Unknown {
        return Some(format!(
            "a call of step {id} is running: wait for its end, or stop the run"
        ));
    }
    if row.is_expanded() && !row.status.has_ended() {
        return Some(format!(
            "the elements of step {id} are running: name one of them, as {id}[0]"
        ));
    }
    None
}
