//! The environment that every program gets which is started for a step.

use std::ffi::OsString;

/// The variables of this process that every program it starts gets. What they hold is no secret.
pub(super) const PASSED_ON: [&str; 4] = ["PATH", "HOME", "LANG", "TZ"];

/// The variables that a program gets without asking: they say where programs are, and how people write times and texts.
pub(super) fn passed_on() -> impl Iterator<Item = (&'static str, OsString)> {
    // Without it most programs do not start on Windows.
    let system = cfg!(windows).then_some("SystemRoot");
    let names = PASSED_ON.into_iter().chain(system);
    names.filter_map(|name| Some((name, std::env::var_os(name)?)))
}
