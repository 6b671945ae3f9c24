//! An earlier run that a new run resumes or forks.

use super::changes::Changes;
use super::continuation::Continuation;
use super::error::SessionError;
use super::history::state_of;
use super::note::{Note, TakeOver};
use super::options::SourceOptions;
use crate::engine::{Edit, ResumeState, StepDigest, Tape, UnknownSteps, left};
use crate::plan::ExecutionPlan;
use crate::run::{Rates, ResourceLimits, RunEvent, RunState};
use crate::store::{Claim, Resumption, RunMeta, Store};
use crate::tools::{EditedTools, REDACTED};
use crate::units::Micros;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An earlier run to resume or fork. While this value for a run to resume exists, no other process can resume it.
#[derive(Debug)]
pub struct PriorRun {
    run_id: Arc<str>,
    resumption: Resumption,
    plan_path: Option<PathBuf>,
    /// The text of its plan as it is on record.
    plan_text: Option<Arc<str>>,
    settings: Value,
    purpose: Purpose,
}

/// The setting on record that says when steps were defined otherwise last, in microseconds of the run.
const DEFINED: &str = "defined_since";

/// When steps of a run were defined otherwise last, in the course of it.
fn defined_since(settings: &Value) -> HashMap<Arc<str>, Micros> {
    let known = settings[DEFINED].as_object().into_iter().flatten();
    let known = known.filter_map(|(id, at)| Some((Arc::from(&**id), Micros(at.as_u64()?))));
    known.collect()
}

/// What becomes of an earlier run.
#[derive(Debug)]
enum Purpose {
    /// A new run resumes it.
    Resume,
    /// A new run is forked from it.
    Fork(Changes),
    /// It goes on under its own id.
    GoOn(Continuation),
    /// A new run is forked from it that takes over the calls on a tape alone.
    Taped(Box<Tape>, Vec<Edit>),
}

/// What a new run takes over, with the note and the claim that belong to it.
pub(super) struct TakenOver {
    pub resume_state: Option<ResumeState>,
    /// Calls that are not made again.
    pub tape: Tape,
    pub note: Option<Note>,
    /// The run so far, where it goes on under its own id.
    pub so_far: Option<RunState>,
    pub claim: Option<Claim>,
}

impl PriorRun {
    /// The run to resume, by its id, the beginning of its id, or `last`.
    ///
    /// # Errors
    /// When there is no such run, it is still running, or another run has resumed it.
    pub fn resume(name: &str) -> Result<Self, SessionError> {
        Self::resume_in(&Store::open()?, name)
    }

    /// The same, in the store at `home`.
    pub fn resume_at(home: &Path, name: &str) -> Result<Self, SessionError> {
        Self::resume_in(&Store::at(home)?, name)
    }

    /// The run to fork with `changes`, by its id, the beginning of its id, or `last`.
    ///
    /// # Errors
    /// When there is no such run, or it is still running.
    pub fn fork(name: &str, changes: Changes) -> Result<Self, SessionError> {
        Self::fork_in(&Store::open()?, name, changes)
    }

    /// The run to fork by a run that takes over what is on `tape`, with these edits and nothing else of it.
    ///
    /// # Errors
    /// When there is no such run, or it is still running.
    pub(crate) fn taped(name: &str, tape: Tape, edits: Vec<Edit>) -> Result<Self, SessionError> {
        let prior = Self::fork(name, Changes::default())?;
        Ok(Self {
            purpose: Purpose::Taped(Box::new(tape), edits),
            ..prior
        })
    }

    fn resume_in(store: &Store, name: &str) -> Result<Self, SessionError> {
        let run = store.find(name)?;
        let details = store.details(&run)?;
        Ok(Self {
            resumption: store.resume(&run)?,
            run_id: run.run_id,
            plan_path: details.plan_path.map(|path| PathBuf::from(&*path)),
            plan_text: details.plan_text,
            settings: details.settings,
            purpose: Purpose::Resume,
        })
    }

    /// The recorded run that goes on under its own id, by that id, the beginning of it, or `last`. Its new events follow
    /// those on record.
    ///
    /// # Errors
    /// When there is no such run, it is still running, another run has resumed it, or its record is incomplete.
    pub fn go_on(name: &str, continuation: Continuation) -> Result<Self, SessionError> {
        Self::go_on_in(&Store::open()?, name, continuation)
    }

    /// The same, in a store that is open.
    pub(super) fn go_on_in(
        store: &Store,
        name: &str,
        continuation: Continuation,
    ) -> Result<Self, SessionError> {
        let prior = Self::resume_in(store, name)?;
        if prior.resumption.is_incomplete() {
            return Err(SessionError::Incomplete(prior.run_id));
        }
        Ok(Self {
            purpose: Purpose::GoOn(continuation),
            ..prior
        })
    }

    /// A run that goes on under its own id, of which these events are on record elsewhere; its steps were defined so.
    pub(super) fn of_events(
        run_id: &Arc<str>,
        events: &[RunEvent],
        definitions: Vec<StepDigest>,
        continuation: Continuation,
    ) -> Self {
        Self {
            run_id: Arc::clone(run_id),
            resumption: Resumption::of_events(events, definitions),
            plan_path: None,
            plan_text: None,
            settings: Value::Null,
            purpose: Purpose::GoOn(continuation),
        }
    }

    /// The state in which a recorded run was left: calls that were running may or may not have happened.
    ///
    /// # Errors
    /// When there is no such run, or nothing of it can be read.
    pub(crate) fn as_left(name: &str) -> Result<RunState, SessionError> {
        Ok(left(&state_of(name)?))
    }

    /// The step to which the run goes on.
    pub(super) fn run_to(&self) -> Option<Arc<str>> {
        match &self.purpose {
            Purpose::GoOn(continuation) => continuation.to.as_deref().map(Into::into),
            _ => None,
        }
    }

    /// Whether the run that goes on tracks cost; `None` where a new run is started.
    pub(crate) fn tracks_cost(&self) -> Option<bool> {
        let goes_on = matches!(self.purpose, Purpose::GoOn(_));
        let header = self.resumption.state().header.as_ref();
        header.filter(|_| goes_on).map(|header| header.track_cost)
    }

    fn fork_in(store: &Store, name: &str, changes: Changes) -> Result<Self, SessionError> {
        let run = store.find(name)?;
        let details = store.details(&run)?;
        Ok(Self {
            resumption: store.fork(&run)?,
            run_id: run.run_id,
            plan_path: details.plan_path.map(|path| PathBuf::from(&*path)),
            plan_text: details.plan_text,
            settings: details.settings,
            purpose: Purpose::Fork(changes),
        })
    }

    /// The run to look at alone, whether it is running or not.
    pub(super) fn look_at(name: &str) -> Result<Self, SessionError> {
        let store = Store::open()?;
        let run = store.find(name)?;
        let details = store.details(&run)?;
        Ok(Self {
            resumption: store.look_at(&run)?,
            run_id: run.run_id,
            plan_path: details.plan_path.map(|path| PathBuf::from(&*path)),
            plan_text: details.plan_text,
            settings: details.settings,
            purpose: Purpose::Fork(Changes::default()),
        })
    }

    /// The same for a new run that resumes it.
    pub(super) fn resumed_instead(self) -> Self {
        Self {
            purpose: Purpose::Resume,
            ..self
        }
    }

    /// The ids of its steps that this plan, whose definitions these are, does not have, or has otherwise.
    pub(super) fn steps_that_change(
        &self,
        plan: &ExecutionPlan,
        definitions: &[StepDigest],
    ) -> Vec<Arc<str>> {
        self.resumption.steps_that_change(plan, definitions)
    }

    /// The run whose call the earlier run repeated, where it did only that.
    pub(crate) fn repeats(&self) -> Option<&str> {
        self.settings["repeats"].as_str()
    }

    /// The digest of the step whose call the earlier run repeated as its plan has it.
    pub(super) fn repeated(&self) -> Option<&str> {
        self.settings["repeated"].as_str()
    }

    /// The text of its plan as it is on record, without credentials.
    pub(super) fn plan_text(&self) -> Option<&Arc<str>> {
        self.plan_text.as_ref()
    }

    /// The text of its plan, where that is an edited one that no file has.
    pub(super) fn edited_plan(&self) -> Option<&Arc<str>> {
        let is_edited = self.settings["edited"] == true;
        self.plan_text.as_ref().filter(|_| is_edited)
    }

    /// The tools that it called otherwise defined than in their files.
    pub(super) fn edited_tools(&self) -> EditedTools {
        EditedTools::deserialize(&self.settings["edited_tools"]).unwrap_or_default()
    }

    /// The id of the earlier run.
    pub fn run_id(&self) -> &Arc<str> {
        &self.run_id
    }

    /// The limits and rates with which the run to resume ended, changes in the run included; `None` where it is forked.
    pub fn limits(&self) -> Option<(ResourceLimits, Rates)> {
        let state = self.resumption.state();
        let is_fork = matches!(self.purpose, Purpose::Fork(_) | Purpose::Taped(..));
        state.header.as_ref().filter(|_| !is_fork)?;
        Some((state.limits.clone(), state.rates.clone()))
    }

    /// The filter by which the answers of repeated calls are compared.
    pub(super) fn compared_by(&self) -> Option<&str> {
        self.settings["compared_by"].as_str()
    }

    /// The earlier run.
    pub(super) fn state(&self) -> &RunState {
        self.resumption.state()
    }

    /// The steps of `plan`, whose definitions these are, that are new or defined otherwise than in the earlier run.
    pub(super) fn compared(
        &self,
        plan: &ExecutionPlan,
        definitions: &[StepDigest],
    ) -> HashSet<Arc<str>> {
        let rows = &self.resumption.state().steps;
        let before = rows.iter().filter(|row| row.info.parent.is_none());
        let known: HashSet<&str> = before.map(|row| &*row.info.id).collect();
        let taken_over = self.resumption.resume_state(plan, definitions);
        let steps = plan.steps.iter().map(|step| &step.id);
        let new = steps.filter(|id| !known.contains(&***id));
        let changed = taken_over.iter().flat_map(ResumeState::changed);
        new.chain(changed).cloned().collect()
    }

    /// Fills in what the caller left out: the plan, its catalogs, its worker, and the context that the earlier run had.
    pub fn complete(
        &self,
        plan: &mut Option<PathBuf>,
        source: &mut SourceOptions,
    ) -> Result<(), SessionError> {
        if plan.is_none() {
            source.plan_text = self.edited_plan().cloned();
            source.plan_on_file = self.settings["on_file"].as_str().map(str::to_owned);
            // Catalogs that the user names now count as they are.
            if source.tools.is_empty() {
                source.edited_tools = self.edited_tools();
            }
            let path = match &self.plan_path {
                Some(path) => path.clone(),
                // It came from standard input, and has no file.
                None if source.plan_text.is_some() => PathBuf::from("-"),
                None => return Err(SessionError::PlanNotOnFile(Arc::clone(&self.run_id))),
            };
            *plan = Some(path);
        }
        source.complete_from(&self.settings);
        source.planned_digest = self.settings["planned"].as_str().map(str::to_owned);
        let header = self.resumption.state().header.as_deref();
        let recorded = header.and_then(|header| header.context.as_object());
        let given = self.settings["context"].as_array().into_iter().flatten();
        for name in given.filter_map(Value::as_str) {
            let value = recorded.and_then(|context| context.get(name));
            // Where a secret was left out, the value has to be given again.
            if let Some(value) = value.filter(|value| !value.to_string().contains(REDACTED)) {
                source
                    .recorded_context
                    .insert(name.to_owned(), value.clone());
            }
        }
        Ok(())
    }

    /// What a run of `plan`, whose definitions these are, would take over of it, and the state that it was left in.
    pub(super) fn would_take_over(
        self,
        plan: &ExecutionPlan,
        definitions: &[StepDigest],
        unknown: UnknownSteps,
    ) -> Result<(Option<ResumeState>, RunState), SessionError> {
        let mut taken = self.resumption.resume_state(plan, definitions);
        if let Some(taken) = &mut taken {
            taken.unknown = unknown;
            if let Purpose::Fork(changes) = self.purpose {
                taken.fork(&self.run_id);
                changes.apply(taken, plan)?;
            }
        }
        Ok((taken, self.resumption.state().clone()))
    }

    /// What the run `run_id` of `plan` takes over; `meta` gets the ids of the earlier runs.
    pub(super) fn take_over(
        self,
        plan: &ExecutionPlan,
        unknown: UnknownSteps,
        run_id: &Arc<str>,
        meta: &mut RunMeta,
    ) -> Result<TakenOver, SessionError> {
        let definitions = meta.definitions.all();
        if let Purpose::Taped(tape, edits) = self.purpose {
            let mut resume_state = ResumeState::of_nothing(plan, definitions);
            resume_state.run_id = Arc::clone(&self.run_id);
            resume_state.edits = edits;
            resume_state.fork(run_id);
            meta.forked_from = Some(self.run_id);
            return Ok(TakenOver {
                resume_state: Some(resume_state),
                tape: *tape,
                note: None,
                so_far: None,
                claim: None,
            });
        }
        let mut resume_state = self.resumption.resume_state(plan, definitions);
        let mut note = None;
        let is_fork = matches!(self.purpose, Purpose::Fork(_));
        let goes_on = matches!(self.purpose, Purpose::GoOn(_));
        if let Some(resume_state) = &mut resume_state {
            resume_state.unknown = unknown;
            match self.purpose {
                Purpose::Fork(changes) => {
                    resume_state.fork(run_id);
                    changes.apply(resume_state, plan)?;
                }
                Purpose::Resume => meta.origin = Some(Arc::clone(&resume_state.origin)),
                Purpose::GoOn(continuation) => {
                    let run = self.resumption.state();
                    let mut defined = defined_since(&self.settings);
                    let kept = self.resumption.kept().since(run, &defined);
                    for step in plan.steps.iter() {
                        if !resume_state.is_same(&step.id) {
                            defined.insert(Arc::clone(&step.id), run.at);
                        }
                    }
                    let defined = defined.iter().map(|(id, at)| (&**id, at.0));
                    meta.settings[DEFINED] = json!(defined.collect::<BTreeMap<_, _>>());
                    continuation.apply(resume_state, plan, (run, kept))?;
                }
                Purpose::Taped(..) => {}
            }
            note = Some(Note::TakesOver(TakeOver::of(resume_state, is_fork)));
            meta.forked_from = resume_state.forked_from().cloned();
        }
        if goes_on {
            let so_far = Some(self.resumption.state().clone());
            return Ok(TakenOver {
                resume_state,
                tape: Tape::default(),
                note,
                so_far,
                claim: self.resumption.into_claim(),
            });
        }
        if meta.forked_from.is_none() {
            meta.resumed_from = Some(self.run_id);
            meta.forked_from = self.resumption.forked_from().cloned();
        }
        Ok(TakenOver {
            resume_state,
            tape: Tape::default(),
            note,
            so_far: None,
            claim: self.resumption.into_claim(),
        })
    }
}
