//! What an edited plan runs again, and the plan as the planner has corrected it.

use crate::units::Money;
use std::sync::Arc;

/// What an edited plan runs again of the run shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanChange {
    /// Steps that are new or defined otherwise.
    pub changed: Vec<String>,
    /// Every step that runs.
    pub reruns: Vec<String>,
    /// How many steps keep their outputs.
    pub stays: usize,
    /// The lower bound of what they cost.
    pub min: Money,
    /// What they are expected to cost; `None` where that is not known.
    pub expected: Option<Money>,
    /// The upper bound; `None` where there is none.
    pub max: Option<Money>,
}

/// Who is asked, and what that can cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepairPrice {
    /// The planner, by name.
    pub planner: String,
    /// The upper bound of one request, of which there are at most three; `None` where there is none.
    pub max_of_one: Option<Money>,
}

/// A corrected plan that nobody has accepted yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correction {
    /// The planner, by name.
    pub planner: String,
    /// What it cost; `None` where that is not known.
    pub cost: Option<Money>,
    /// How the plan changes, as `patch` reads it; empty where it does not.
    pub diff: String,
    /// The text of the plan.
    pub text: Arc<str>,
    /// The digest of the text that was corrected.
    pub of: Arc<str>,
    /// What runs again; `None` where the correction is not written to the plan's file: it is an edit of the run's plan.
    pub change: Option<PlanChange>,
}
