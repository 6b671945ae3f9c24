//! Everything a run is turned into for others.

mod changes;
mod charges;
mod check;
pub mod diagnostics;
mod diff;
mod exchanges;
mod explain;
mod export;
pub(crate) mod money;
mod picture;
mod previews;
mod progress;
mod questions;
mod reliability;
mod runs;
mod settlements;
mod summary;
mod watched;

pub(crate) use charges::sum_in_words;
pub(crate) use check::CheckReport;
pub use diagnostics::{DiagnosticStyle, render_faults};
pub(crate) use diagnostics::{render, to_json as diagnostics_to_json};
pub use diff::{RunDiff, StepDiff, StepTimes};
pub(crate) use exchanges::exchange_in_words;
pub use explain::{Explanation, explain};
pub(crate) use explain::{savings, short};
pub use export::{csv, json_lines, result_of, trace};
pub(crate) use picture::{dot, html, mermaid, svg};
pub(crate) use previews::{cost_in_words, time_in_words};
pub use progress::{Progress, decider_in_words};
pub(crate) use questions::{answer_in_words, question_in_words};
pub(crate) use reliability::reliability_in_words;
pub(crate) use runs::{BatchRow, batches_table, local_time, runs_table};
pub(crate) use settlements::{handle_in_words, settlement_in_words};
pub use summary::summary;
pub use watched::watched;
