//! The plan as data: what a large model wrote, as one [`ExecutionPlan`] whatever dialect it came in.
//!
//! Nothing here uses files, clocks, async or the terminal. A plan is read in two steps: [`parse`] turns bytes
//! into a [`Draft`] (form and dialect recognised, mistakes repaired, every place in the text kept),
//! and [`Draft::check`] reads its references, checks it against a catalog and a context and returns either an
//! [`ExecutionPlan`] or every fault at once.
//!
//! ```text
//!  bytes ─▶ read (JSON · YAML · text, repair) ─▶ dialects ─▶ Draft ─▶ check ─▶ ExecutionPlan
//!                                                  references · schema · cycles │
//!                                                                    PlanFaults ◀─────┘
//! ```
//!
//! ```
//! use plandeck::plan::parse;
//!
//! let text = r#"{"steps": [{"id": 1, "tool": "extract", "parameters": {"from": "{{receipt}}"}}]}"#;
//! let plan = parse("receipt.json", text.as_bytes())?.check(None, None)?;
//! assert_eq!(&*plan.name, "receipt");
//! assert_eq!(&*plan.context_names[0], "receipt");
//! # Ok::<(), plandeck::plan::PlanFaults>(())
//! ```

mod break_condition;
mod check;
mod cycles;
mod diagnostic;
mod dialects;
mod draft;
mod draft_plan;
mod evaluation;
mod expectation;
mod expression;
mod graph;
mod ids;
mod model;
mod named;
mod names;
mod node;
mod parse;
mod path;
mod placed_data;
mod places;
mod read;
mod reference;
mod reference_syntax;
mod rewrite;
mod schema;
mod step_input;
mod template;
mod write;
mod written;

pub(crate) use break_condition::break_condition;
pub use diagnostic::{Diagnostic, PlanFaults, Severity, Source};
pub use draft::Draft;
pub use evaluation::Evaluation;
pub use expectation::Expectation;
pub(crate) use expectation::{Judged, Validation, invalid};
pub use expression::Expression;
pub(crate) use expression::evaluate;
pub(crate) use graph::Shape;
pub use ids::StepIx;
pub(crate) use model::FUNCTION_CALL;
pub use model::{
    Dialect, ExecutionPlan, FINAL_SYNTHESIS, Mode, RetryPolicy, Step, StepSettings, Trigger,
};
pub use named::Named;
pub(crate) use names::{closest, type_name};
pub use parse::parse;
pub use path::Segment;
pub(crate) use placed_data::PlacedData;
pub(crate) use places::credentials;
pub(crate) use read::data as read_data;
pub use reference::{Own, Reference, ReferenceError, Root, Scope};
pub(crate) use rewrite::{Document, yaml_of};
pub use schema::ToolSchemas;
pub(crate) use step_input::{InputList, InputObject, InputPart};
pub use step_input::{StepInput, View};
pub use template::{Part, Template};
