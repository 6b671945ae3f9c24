//! What events record of a step: which one it is, what is known of it beforehand, and where its output came from.

use super::{NotReused, StepPrice};
use crate::plan::StepIx;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

/// Which step an event is about: its id for display, its position for the fold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepKey {
    /// The row of the step in the run.
    #[serde(rename = "index")]
    pub ix: StepIx,
    /// The step's id; an element of a `for_each` step has `ID[n]`.
    #[serde(rename = "step")]
    pub id: Arc<str>,
}

/// What a reader needs to know of a step before anything happened to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepInfo {
    /// The step's id.
    pub id: Arc<str>,
    /// The tool it calls.
    pub tool: Arc<str>,
    /// The kind of its tool: `model`, `http`, `process`, …
    pub kind: Arc<str>,
    /// What it waits for.
    #[serde(default, skip_serializing_if = "<[StepIx]>::is_empty")]
    pub depends_on: Arc<[StepIx]>,
    /// What it is for, in the planner's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Arc<str>>,
    /// The `for_each` step that this is an element of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<StepIx>,
    /// The parameters as the plan has them, references unresolved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Arc<Value>>,
    /// Why its outputs are never used again; `None` where they may be, and for elements, which are as their
    /// `for_each` step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_reused: Option<NotReused>,
    /// Whether nothing else is running while it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sequential: bool,
    /// What its calls can cost; `None` where they cost nothing, or where the run has no prices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Box<StepPrice>>,
    /// What is asked about its calls, as the plan has it; `None` where nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checks: Option<Box<StepChecks>>,
}

/// What a plan asks about the calls of a step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepChecks {
    /// What its output has to be like: expressions, or JSON Schemas as texts.
    #[serde(default, skip_serializing_if = "<[Arc<str>]>::is_empty")]
    pub expect: Arc<[Arc<str>]>,
    /// Where this is true of its call, that needs an approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approve: Option<Arc<str>>,
}

/// Where an output came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepSource {
    /// The tool was called.
    Call,
    /// An earlier output for the same input was used.
    Cache,
    /// An earlier run that is being resumed or forked had it.
    Recorded,
    /// The user supplied it.
    Mock,
}

/// Why a step was skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// Its `run_if` is not true.
    Condition,
    /// Its trigger cannot be met: a dependency failed or was skipped.
    Upstream,
    /// A limit stopped the run.
    Limit,
    /// The user skipped it, or the run was stopped before it started.
    User,
}

/// What holds a ready step, other than the slots and the pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitReason {
    /// Its upper bound does not fit in what is left; running calls may free some.
    Budget,
    /// A rate of its model or pool.
    Rate,
    /// It runs alone and others are running.
    Exclusive,
    /// A breakpoint.
    Breakpoint,
    /// Its call needs an approval.
    Approval,
    /// The run goes to another step, which does not need it.
    Target,
    /// Another run goes on with an edited plan, which has the step otherwise or not at all.
    HandOver,
}
