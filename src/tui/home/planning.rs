//! The box in which a plan is made, as data.

use super::item::MadePlan;
use super::preview::Preview;
use crate::tui::input::text_field::Field;

/// A plan that is being made.
#[derive(Debug, Default)]
pub struct Planning {
    /// The task, or what should change.
    pub field: Field,
    /// Whether the planner works.
    pub working: bool,
    /// When it began, in seconds since 1970.
    pub began: i64,
    /// How far its answer has come, while it arrives.
    pub arriving: Option<String>,
    /// The graph of the plan, as far as it has come.
    pub(crate) preview: Preview,
    /// What the planner said, oldest first.
    pub said: Vec<String>,
    /// The plan, where there is one.
    pub made: Option<MadePlan>,
    /// Whether what is typed changes the plan.
    pub changing: bool,
    /// The lines that are scrolled over.
    pub scroll: usize,
}

impl Planning {
    /// Whether a task or a change is being typed.
    pub(crate) fn is_typing(&self) -> bool {
        !self.working && (self.made.is_none() || self.changing)
    }
}
