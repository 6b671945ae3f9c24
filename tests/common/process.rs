//! Processes that tests start and watch, and how soon they must stop.

use super::program::{HANG, command, plan_in};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What the program promises: what is stopped or dropped ends within this time, on a machine at rest.
pub(crate) const STOP: Duration = Duration::from_secs(2);

/// Starts the program without a dashboard on the plan in a folder, with its output in pipes; offline where `more` names
/// no worker.
pub(crate) fn start(folder: &Path, home: &Path, more: &[&str]) -> Child {
    let mut command = command();
    let worker = if more.contains(&"--worker") {
        &[][..]
    } else {
        &["--worker", "offline"]
    };
    command
        .env("PLANDECK_HOME", home)
        .args(["run", "--headless", "--json"])
        .args(worker)
        .arg(plan_in(folder))
        .args(more)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Asserts that `what`, which took `took` to stop, kept the promise of [`STOP`].
///
/// A busy machine may take longer: it is allowed 100 times the slowest of five starts of a process that does nothing,
/// measured now. That is some 0.1 s on a machine at rest.
pub(crate) fn assert_stopped_in_time(what: &str, took: Duration) {
    let slowest = (0..5).map(|_| {
        let before = Instant::now();
        assert!(Command::new("true").status().unwrap().success());
        before.elapsed()
    });
    let allowed = STOP + slowest.max().unwrap() * 100;
    assert!(took < allowed, "{what}: took {took:?} of {allowed:?}");
}

/// Waits for something that another process does.
pub(crate) fn wait_until(what: &str, there: impl Fn() -> bool) {
    let deadline = Instant::now() + HANG;
    while !there() {
        assert!(Instant::now() < deadline, "waited in vain for: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether a process exists and is not a zombie.
pub(crate) fn lives(process: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.trim()));
    stat.is_ok_and(|stat| {
        let rest = stat.rsplit(')').next();
        !rest.is_some_and(|rest| rest.trim_start().starts_with('Z'))
    })
}
