//! Everything a run is turned into for others.

mod diagnostics;

pub use diagnostics::{DiagnosticStyle, render, render_faults, to_json};
