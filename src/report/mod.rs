//! Everything a run is turned into for others.

pub mod diagnostics;
