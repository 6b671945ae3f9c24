//! The runs and plans that can be chosen, as read from the disk.

use crate::units::{Micros, Money};
use std::path::PathBuf;
use std::sync::Arc;

/// How an earlier run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its process is running.
    Running,
    /// Its process is gone, and it had not ended.
    Interrupted,
    /// The same, and another run has resumed it since.
    Continued,
    /// Every step that was to run succeeded.
    Succeeded,
    /// A step failed.
    Failed,
    /// A limit stopped it.
    LimitExceeded,
    /// The user or a signal stopped it.
    Cancelled,
}

impl Standing {
    /// Its name on the screen.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Interrupted => "interrupted",
            Self::Continued => "interrupted, then resumed",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::LimitExceeded => "stopped by a limit",
            Self::Cancelled => "cancelled",
        }
    }
}

/// An earlier run.
#[derive(Clone, Debug)]
pub struct RunItem {
    /// Its id.
    pub run_id: Arc<str>,
    /// The plan's name.
    pub plan: Arc<str>,
    /// How it stands.
    pub standing: Standing,
    /// When it started, in seconds since 1970.
    pub started: i64,
    /// When it started, in the local time zone.
    pub started_at: Arc<str>,
    /// Wall-clock time less held time.
    pub took: Micros,
    /// What it cost; `None` where that is not known or not tracked.
    pub cost: Option<Money>,
    /// Steps that succeeded.
    pub done: u64,
    /// Steps that failed.
    pub failed: u64,
    /// The plan's steps.
    pub steps: u64,
    /// The worker that ran `model` tools; empty if not recorded.
    pub worker: Arc<str>,
    /// The run that it resumed.
    pub resumed_from: Option<Arc<str>>,
    /// The run that it was forked from.
    pub forked_from: Option<Arc<str>>,
    /// Whether it is a batch: its steps are then its items.
    pub is_batch: bool,
}

/// Where a plan is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PlanPlace {
    /// In this file.
    File(PathBuf),
    /// In the program: the sample of this name, with its data.
    Sample(Arc<str>),
}

/// A plan.
#[derive(Clone, Debug)]
pub struct PlanItem {
    /// Its name.
    pub name: Arc<str>,
    /// Where it is.
    pub place: PlanPlace,
    /// The place as shown: a path relative to the current folder.
    pub shown: Arc<str>,
    /// How it is written.
    pub dialect: Arc<str>,
    /// Its steps.
    pub steps: usize,
    /// The plan's description; empty if it has none.
    pub about: Arc<str>,
}

/// Details of a run that take longer to read.
#[derive(Clone, Debug, Default)]
pub struct Detail {
    /// The plan's file.
    pub plan_path: Option<Arc<str>>,
    /// Steps that failed and what their errors say.
    pub failed: Vec<(Arc<str>, Arc<str>)>,
    /// Steps that were running when the process died.
    pub running: Vec<Arc<str>>,
    /// Whether its outputs were simulated.
    pub simulated: bool,
    /// Why the rest could not be read.
    pub fault: Option<Arc<str>>,
}

/// Details of a plan that take longer to read.
#[derive(Clone, Debug, Default)]
pub struct PlanDetail {
    /// Its steps.
    pub steps: Vec<MadeStep>,
    /// Its tools, those of most steps first.
    pub tools: Vec<ToolOfPlan>,
    /// What a run can cost, in words.
    pub price: Arc<str>,
    /// The context values that have to be given.
    pub needs: Vec<Arc<str>>,
    /// Why it could not be run.
    pub fault: Option<Arc<str>>,
}

/// A tool of a plan.
#[derive(Clone, Debug)]
pub struct ToolOfPlan {
    /// Its name.
    pub name: Arc<str>,
    /// Its kind.
    pub kind: Arc<str>,
    /// How many steps call it.
    pub steps: usize,
}

/// What the home screen asks to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Every run, every plan.
    Everything,
    /// The runs alone, because one is running.
    Runs,
    /// The detail of this run.
    Detail(Arc<str>),
    /// The detail of the plan in this place.
    PlanDetail(PlanPlace),
    /// A plan for a task.
    Plan(PlanRequest),
    /// No plan any more.
    StopPlanning,
}

/// A plan that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanRequest {
    /// The task, or what should change.
    pub task: String,
    /// The plan that is to be changed.
    pub change: Option<PathBuf>,
}

/// What becomes of a plan that is wanted.
#[derive(Clone, Debug)]
pub enum PlanningAnswer {
    /// What the planner does, in one line.
    Progress(String),
    /// The plan is arriving.
    Arriving {
        /// How far it has come, in one line.
        line: String,
        /// The steps that are whole.
        steps: Vec<MadeStep>,
    },
    /// The plan.
    Made(Box<MadePlan>),
    /// Why there is none.
    Failed(String),
}

/// A plan that a planner made, with what it took and what a run can cost, in words.
#[derive(Clone, Debug)]
pub struct MadePlan {
    /// Its name.
    pub name: Arc<str>,
    /// The file that holds it.
    pub file: PathBuf,
    /// The catalogs that it was made for.
    pub tools: Vec<PathBuf>,
    /// The planner, its time and its cost.
    pub took: String,
    /// What a run can cost.
    pub price: String,
    /// What it leaves out.
    pub notes: Vec<String>,
    /// The steps in the plan's order.
    pub steps: Vec<MadeStep>,
    /// The lines that differ from the plan that was changed.
    pub diff: String,
}

/// A step of a plan that a planner made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeStep {
    /// Its id.
    pub id: String,
    /// Its tool.
    pub tool: String,
    /// The ids of the steps that it waits for.
    pub waits_for: Vec<String>,
    /// The steps on the longest way to it.
    pub depth: usize,
}

/// The answer to a [`Request`].
#[derive(Clone, Debug)]
pub enum Answer {
    /// The runs, newest first, or why they cannot be read.
    Runs(Result<Vec<RunItem>, String>),
    /// The plans of this folder.
    Plans(Vec<PlanItem>),
    /// The samples.
    Samples(Vec<PlanItem>),
    /// The detail of a run.
    Detail(Arc<str>, Detail),
    /// The detail of a plan.
    PlanDetail(PlanPlace, Box<PlanDetail>),
    /// What becomes of the plan that is wanted.
    Planning(PlanningAnswer),
}
