//! Everything a run is turned into for others.

mod changes;
mod charges;
mod check;
pub mod diagnostics;
mod diff;
mod explain;
mod export;
mod progress;
mod runs;
mod summary;

pub use charges::sum_in_words;
pub use check::CheckReport;
pub use diagnostics::{DiagnosticStyle, render, render_faults, to_json as diagnostics_to_json};
pub use diff::{RunDiff, StepDiff, StepTimes};
pub use explain::{Explanation, explain, savings, short};
pub use export::{csv, json_lines, result_of, trace};
pub use progress::Progress;
pub use runs::{local_time, runs_table};
pub use summary::summary;
