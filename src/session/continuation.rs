//! What is asked of a recorded run that goes on under its own id.

use super::changes::find;
use super::error::SessionError;
use crate::engine::{Edit, Kept, ResumeState};
use crate::plan::ExecutionPlan;
use crate::run::{CallEdit, EditWay, GivenCall, RunState, StepState};
use serde_json::Value;
use std::collections::HashSet;
use std::sync::Arc;

/// What is asked of a recorded run that goes on. Steps are named by their ids; an element of a `for_each` step is
/// `ID[N]`.
#[derive(Clone, Debug, Default)]
pub struct Continuation {
    /// Whether every step that failed runs again; else those alone that the rest names, and what depends on them.
    pub retry_failed: bool,
    /// The step before which the run is held; nothing is called that it does not need. What went wrong before it, and the
    /// step itself where it has ended, runs again.
    pub to: Option<String>,
    /// Steps that run again, with everything that depends on them.
    pub retry: Vec<String>,
    /// The same, without cached outputs.
    pub refresh: Vec<String>,
    /// Steps that are not run; what depends on them sees them as skipped.
    pub skip: Vec<String>,
    /// Inputs that steps are called with instead of their parameters; `None` for the parameters again.
    pub inputs: Vec<(String, Option<Value>)>,
    /// How steps ask their model; what an edit takes back is as plan and catalog have it again. Their inputs stand in
    /// `inputs`.
    pub calls: Vec<(String, CallEdit)>,
    /// Outputs that steps have instead of being called.
    pub outputs: Vec<(String, Value)>,
    /// Whether the last edit is taken back, or made again.
    pub edit_way: Option<EditWay>,
}

impl Continuation {
    /// Applies it to what is taken over of `run`, whose rows had come to what is `kept` before they were taken back.
    pub(super) fn apply(
        self,
        resume_state: &mut ResumeState,
        plan: &ExecutionPlan,
        (run, kept): (&RunState, Kept),
    ) -> Result<(), SessionError> {
        if !is_same_plan(run, plan) {
            return Err(SessionError::OtherSteps(Arc::clone(&resume_state.run_id)));
        }
        let mut named: HashSet<Arc<str>> = HashSet::new();
        let mut named_step = |id: &str| {
            let id = match call_of_code(run, id) {
                Some(call) => Arc::clone(&call.info.id),
                None => find(plan, id)?.1,
            };
            named.insert(Arc::clone(&id));
            Ok::<_, SessionError>(id)
        };
        if let Some(to) = &self.to {
            let (_, id) = match call_of_code(run, to) {
                Some(call) => (None, Arc::clone(&call.info.id)),
                None => find(plan, to).map(|(step, id)| (Some(step), id))?,
            };
            let rows = run.in_the_way_to(&id).into_iter();
            let rows = rows.filter_map(|row| run.steps.get(row.at()));
            for row in rows {
                named_step(&row.info.id)?;
            }
            let ended = run.steps.iter().find(|row| row.info.id == id);
            if ended.is_some_and(|row| row.status.has_ended()) {
                resume_state.retry(&named_step(with_its_code(run, &id))?);
            }
        }
        for id in &self.retry {
            resume_state.retry(&named_step(with_its_code(run, id))?);
        }
        for id in &self.refresh {
            resume_state.run_again(&named_step(with_its_code(run, id))?);
        }
        for (id, input) in self.inputs {
            let id = named_step(&id)?;
            let is_input = |edit: &Edit| matches!(edit, Edit::Input(step, _) if *step == id);
            resume_state.edits.retain(|edit| !is_input(edit));
            resume_state.retry(&id);
            resume_state
                .edits
                .extend(input.map(|input| Edit::Input(id, Arc::new(input))));
        }
        for (id, edit) in self.calls {
            let id = named_step(&id)?;
            let mut before = GivenCall::default();
            for known in &resume_state.edits {
                if let Edit::Call(step, known) = known
                    && *step == id
                {
                    known.apply(&mut before);
                }
            }
            let mut given = before.clone();
            edit.apply(&mut given);
            let is_call = |edit: &Edit| matches!(edit, Edit::Call(step, _) if *step == id);
            resume_state.edits.retain(|edit| !is_call(edit));
            resume_state.retry(&id);
            // What is taken back is said too: the record still has it.
            let edit = CallEdit::giving(&given).and(CallEdit::between(&before, &given));
            if edit.is_of_model() {
                resume_state.edits.push(Edit::Call(id, Box::new(edit)));
            }
        }
        for (id, output) in self.outputs {
            let id = named_step(&id)?;
            resume_state.edits.push(Edit::Output(id, Arc::new(output)));
        }
        if let Some(way) = self.edit_way {
            let edited = run.edit_event(way);
            let found = run.edits.next(way).zip(edited);
            let ((_, wanted), edited) = found.ok_or(SessionError::NoEdit)?;
            let id = edited.step().map(|step| Arc::clone(&step.id));
            let id = named_step(&id.unwrap_or_default())?;
            resume_state.edits.retain(|edit| *edit.step() != id);
            // What is cached for the call that it makes again is used.
            resume_state.forget_outcome(&id);
            resume_state
                .edits
                .push(Edit::Call(Arc::clone(&id), Box::new(wanted.call())));
            if wanted.supplied {
                let output = wanted.output.clone().unwrap_or_default();
                resume_state.edits.push(Edit::Output(id, output));
            } else if wanted.skipped {
                resume_state.edits.push(Edit::Skip(id));
            }
            resume_state.takes_back = Some(edited);
        }
        for id in &self.skip {
            let id = named_step(id)?;
            resume_state.forget_outcome(&id);
            resume_state.edits.push(Edit::Skip(id));
        }
        resume_state.go_on(run, kept);
        if !self.retry_failed {
            resume_state.keep_failures(run, &named);
        }
        Ok(())
    }
}

/// The row of a call that code made.
fn call_of_code<'r>(run: &'r RunState, id: &str) -> Option<&'r StepState> {
    let mut rows = run.steps.iter();
    rows.find(|row| &*row.info.id == id && row.caller.is_some())
}

/// The id of the row whose code made the call of this id: the call runs again with it. Any other id as it is.
fn with_its_code<'r>(run: &'r RunState, id: &'r str) -> &'r str {
    let caller = call_of_code(run, id).and_then(|call| call.caller);
    let code = caller.and_then(|caller| run.steps.get(run.first_caller(caller).at()));
    code.map_or(id, |code| &code.info.id)
}

/// Whether the plan has the steps that the run has, so that what is recorded of them can go on.
fn is_same_plan(run: &RunState, plan: &ExecutionPlan) -> bool {
    let known = run.header.as_ref().map(|header| &header.steps);
    known.is_some_and(|known| {
        known.len() == plan.steps.len()
            && known.iter().zip(plan.steps.iter()).all(|(known, step)| {
                known.id == step.id
                    && known.tool == step.tool
                    && known.depends_on == step.depends_on
            })
    })
}
