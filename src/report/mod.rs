//! Everything a run is turned into for others.

mod check;
pub mod diagnostics;
mod progress;
mod summary;

pub use check::CheckReport;
pub use diagnostics::{DiagnosticStyle, render, render_faults, to_json as diagnostics_to_json};
pub use progress::Progress;
pub use summary::summary;
