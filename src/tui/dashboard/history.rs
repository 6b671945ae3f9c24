//! Queries for recorded runs. The answer arrives later, through the feed, because reading the store takes time that
//! no key press should wait for.

use super::state::correction::{Correction, PlanChange, RepairPrice};
use super::state::structure::StructureEdit;
use super::state::tool_definition::ToolDefinition;
use super::state::trying::Tried;
use super::state::watches::Watched;
use crate::plan::StepIx;
use crate::run::{
    Comparison, Exchange, GivenCall, HandOver, ModelCall, Preview, Reliability, RepeatPrice,
    RunCommand, RunState, Savings, UsualTimes,
};
use crate::units::{Micros, Money};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;

/// A recorded run, as the list of runs shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct PastRun {
    /// Its id.
    pub run_id: Arc<str>,
    /// When it started, in the local time zone.
    pub started: String,
    /// How it stands: `succeeded`, `failed`, `interrupted`, …
    pub status: &'static str,
    /// Its time less held time.
    pub took: Micros,
    /// What it cost; `None` where that is not known.
    pub cost: Option<Money>,
    /// Steps that succeeded, and steps in all.
    pub steps: (u64, u64),
}

/// The edits of the run shown as changes of its files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EditsDiff {
    /// The difference, as `patch` reads it; empty where nothing changes.
    pub diff: String,
    /// What is written where, a line for each edit.
    pub saved: Vec<String>,
    /// What is not written, and why.
    pub left_out: Vec<String>,
}

/// What the planner is asked about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepairQuestion {
    /// What a correction costs. It is not asked yet.
    Price,
    /// For a corrected plan.
    Correction,
}

/// A query for recorded runs.
#[derive(Clone, Debug, PartialEq)]
pub enum HistoryQuery {
    /// Which other runs of the same plan there are, the newest first.
    Runs {
        /// The run that is shown.
        run_id: Arc<str>,
        /// Its plan.
        plan: Arc<str>,
    },
    /// How a recorded run and the run shown differ.
    Compare {
        /// The recorded run.
        with: PastRun,
        /// The run shown, at the event shown.
        shown: Box<RunState>,
    },
    /// What the attempts of a step sent to models and received.
    Bodies {
        /// The run.
        run_id: Arc<str>,
        /// The step or the element.
        step: Arc<str>,
        /// The last attempt that has ended and asked a model: the record has it soon, where it has it at all.
        attempt: Option<u32>,
    },
    /// What a command would do to the live run shown.
    Preview {
        /// The number of the question.
        number: u64,
        /// The command.
        command: RunCommand,
    },
    /// What the calls of a step ask a model with by the plan.
    ModelCall {
        /// The run, at the event shown.
        shown: Box<RunState>,
        /// The step or the element.
        step: StepIx,
    },
    /// What one more call of a step costs, on the input that it had in the run.
    RepeatPrice {
        /// The number of the question.
        number: u64,
        /// The run, at the event shown.
        shown: Box<RunState>,
        /// The step or the element.
        step: Arc<str>,
        /// The prompt and the model, where they are not those of the run.
        call: GivenCall,
    },
    /// What such calls answer. It is answered several times, while they end.
    Repeat {
        /// The number of the question.
        number: u64,
        /// The run, at the event shown.
        shown: Box<RunState>,
        /// The step or the element.
        step: Arc<str>,
        /// The prompt and the model, where they are not those of the run.
        call: GivenCall,
        /// How often it is called.
        times: u32,
    },
    /// No more such calls are to be made.
    StopRepeating,
    /// A correction of the plan after a step has failed, or its price.
    Repair {
        /// The number of the question.
        number: u64,
        /// The run.
        run_id: Arc<str>,
        /// The step that failed.
        step: Arc<str>,
        /// The run that is to go on with an edit of the plan that was accepted before.
        on_top_of: Option<Arc<str>>,
        /// Which of them.
        about: RepairQuestion,
    },
    /// The planner is not to be asked any more.
    StopRepair,
    /// Writes the correction to the plan's file, where it is this difference still.
    WriteRepair {
        /// The difference that the user has seen.
        diff: String,
    },
    /// How long the steps of the plan usually take.
    Usual {
        /// The run that is shown.
        run_id: Arc<str>,
        /// Its plan.
        plan: Arc<str>,
    },
    /// Where a step stands in the plan file of a run.
    PlanPlace {
        /// The run.
        run_id: Arc<str>,
        /// The step or the element.
        step: Arc<str>,
    },
    /// What an edit of the structure of a run's plan would do.
    Structure {
        /// The run.
        run_id: Arc<str>,
        /// The run so far, where it is running.
        live: Option<Box<RunState>>,
        /// The edit.
        edit: StructureEdit,
        /// What the user has written for it.
        text: String,
    },
    /// The definition of the tool that a step calls.
    ToolDefinition {
        /// The run.
        run_id: Arc<str>,
        /// The run so far, where it is running.
        live: Option<Box<RunState>>,
        /// The step.
        step: Arc<str>,
    },
    /// What the plan file of a run, as it is now, runs again.
    PlanChange {
        /// The run.
        run_id: Arc<str>,
    },
    /// What the edits of a run change in its files.
    EditsDiff {
        /// The run.
        run_id: Arc<str>,
    },
    /// Writes the edits of a run to its files, where that is this difference still.
    WriteEdits {
        /// The run.
        run_id: Arc<str>,
        /// The difference that the user has seen.
        diff: String,
    },
    /// The run as a plan that runs again offline: a step with what it depends on.
    Bundle {
        /// The run.
        shown: Box<RunState>,
        /// The step or the element.
        step: Arc<str>,
    },
    /// What a jq filter makes of a value.
    Filter {
        /// The number of the question.
        number: u64,
        /// The filter.
        filter: String,
        /// The value.
        value: Arc<Value>,
    },
    /// What watch expressions make of the run shown.
    Watch {
        /// The number of the question.
        number: u64,
        /// The expressions.
        filters: Vec<String>,
        /// The run, at the event shown.
        shown: Box<RunState>,
    },
    /// How often the plan of the run comes to its usual result, by the runs on record.
    Reliability {
        /// The run.
        shown: Box<RunState>,
    },
    /// What the plan of the run saves, compared with a large model that does all the work.
    Savings {
        /// The run.
        shown: Box<RunState>,
    },
}

/// What an edit of the plan's structure would do, and what a run that is running is told where it is accepted.
pub type PricedEdit = (Box<Preview>, Option<Box<HandOver>>);

/// The answer to a [`HistoryQuery`].
#[derive(Debug)]
pub enum HistoryAnswer {
    /// The runs, or why they cannot be listed.
    Runs(Result<Vec<PastRun>, Arc<str>>),
    /// The run asked for, compared with the run shown, or why it cannot be read.
    Compared(PastRun, Result<Box<Comparison>, Arc<str>>),
    /// What the attempts of this step sent and received, or why that cannot be read.
    Bodies(Arc<str>, Result<Vec<Exchange>, Arc<str>>),
    /// What the command of the question with this number would do, or why the run does not take it.
    Preview(u64, Result<Preview, Arc<str>>),
    /// What this step has models asked with, or why that is not known.
    ModelCall(StepIx, Result<ModelCall, Arc<str>>),
    /// What one call of the question with this number costs, or why it cannot be repeated.
    RepeatPrice(u64, Result<RepeatPrice, Arc<str>>),
    /// What the calls of the question with this number have answered by now, or why they could not be made.
    Repeated(u64, Result<Box<Tried>, Arc<str>>),
    /// What the correction of the question with this number costs.
    RepairPrice(u64, RepairPrice),
    /// How far the planner is with the question of this number.
    RepairProgress(u64, String),
    /// The correction, or why there is none.
    Repaired(u64, Result<Box<Correction>, Arc<str>>),
    /// The correction is written; or why it is not.
    RepairWritten(Result<(), Arc<str>>),
    /// What the steps took in an earlier run of the plan; nothing where there is none.
    Usual(UsualTimes),
    /// The plan file and a line in it, or why there is none.
    PlanPlace(Result<(PathBuf, usize), Arc<str>>),
    /// The definition of the tool that this step calls, or why it cannot be edited.
    ToolDefinition(Arc<str>, Result<Box<ToolDefinition>, Arc<str>>),
    /// What the edit would do, or what is wrong with it.
    Structure(Result<PricedEdit, Arc<str>>),
    /// What runs again, or what is wrong with the plan.
    PlanChange(Result<Box<PlanChange>, Arc<str>>),
    /// What the filter of the question with this number made of its value, or what is wrong with it.
    Filtered(u64, Result<Arc<Value>, Arc<str>>),
    /// What edits change in files, or why that is not known. It comes again where it is not what the user has seen.
    EditsDiff(Result<Box<EditsDiff>, Arc<str>>),
    /// The edits are written; or why they are not.
    EditsWritten(Result<(), Arc<str>>),
    /// What the expressions of the question with this number make of the run.
    Watched(u64, Vec<Watched>),
    /// The name and the text of a file with the bundle, or why there is none.
    Bundle(Result<(String, String), Arc<str>>),
    /// How reliable the plan is, `None` where nothing is on record; or why that is not known.
    Reliability(Result<Option<Box<Reliability>>, Arc<str>>),
    /// What the plan saves, or why that is not known.
    Saved(Result<Box<Savings>, Arc<str>>),
}
