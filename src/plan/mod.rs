//! The plan as data: what a large model wrote, as one [`ExecutionPlan`] whatever dialect it came in.
//!
//! Nothing here knows files, clocks, async or the terminal. A plan is read in two steps: [`parse`] turns text
//! into a [`Draft`] (dialect recognised, references parsed, every place in the text remembered), and
//! [`Draft::check`] holds the draft against a catalog and a context and gives either an [`ExecutionPlan`] or
//! every fault at once.

mod diagnostic;
mod expression;
mod model;
mod reference;
mod template;

pub use diagnostic::{Diagnostic, PlanFaults, Severity, Source};
pub use expression::Expression;
pub use model::{
    Dialect, ExecutionPlan, FINAL_SYNTHESIS, Mode, RetryPolicy, Step, StepIx, Trigger,
};
pub use reference::{Reference, ReferenceError, Root, Scope, Segment};
pub use template::{Part, Template};
