//! The window is closed, or the program is told to end by other means: it ends in order.

use crate::common::program::{HANG, folder};
use crate::common::terminal::Terminal;
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};

/// A plan whose only step starts a program that never ends, and notes its process id.
fn endless() -> tempfile::TempDir {
    folder(
        "plan.yaml",
        "name: endless\nsteps:\n  - {id: only, tool: wait}\n",
        "tools: {wait: {type: process, command: [sh, -c, 'echo $$ > process.tmp; mv process.tmp process; exec sleep 600']}}\n",
    )
}

fn open(folder: &Path, arguments: &[&str]) -> Terminal {
    let home = folder.join("home");
    let variables = [("PLANDECK_HOME", home.to_str().unwrap())];
    Terminal::start_as(folder, arguments, 90, 30, &variables)
}

fn statuses(folder: &Path) -> Vec<String> {
    let output = crate::common::program::command()
        .args(["runs", "--json"])
        .env("PLANDECK_HOME", folder.join("home"))
        .output()
        .unwrap();
    let runs: Value = serde_json::from_slice(&output.stdout).unwrap();
    let status = |run: &Value| run["status"].as_str().unwrap().to_owned();
    runs.as_array().unwrap().iter().map(status).collect()
}

#[test]
fn closing_the_window_stops_the_run_in_order() {
    let folder = endless();
    let process = folder.path().join("process");
    let terminal = open(folder.path(), &["run", "plan.yaml", "--worker", "offline"]);
    terminal.wait_until("the tool to run", |_| process.exists());
    terminal.wait_for("RUNNING");
    assert_eq!(terminal.close_window(), 129);
    assert_eq!(statuses(folder.path()), ["cancelled"]);
    let process = std::fs::read_to_string(process).unwrap();
    let deadline = Instant::now() + HANG;
    while Path::new("/proc").join(process.trim()).exists() {
        assert!(Instant::now() < deadline, "the tool is left behind");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn closing_the_window_of_a_screen_without_a_run_in_progress_ends_it() {
    let folder = endless();
    std::fs::write(
        folder.path().join("short.yaml"),
        "name: short\nsteps: [{id: one, tool: one}]\ntools: {one: {type: jq, filter: '1'}}\n",
    )
    .unwrap();
    let terminal = open(folder.path(), &["run", "short.yaml", "--worker", "offline"]);
    terminal.wait_for("SUCCEEDED");
    assert_eq!(terminal.close_window(), 0, "the run had succeeded");
    for (arguments, there) in [
        (&[][..], "short"),
        (&["replay", "last", "--speed", "0"][..], "SUCCEEDED"),
    ] {
        let terminal = open(folder.path(), arguments);
        terminal.wait_for(there);
        assert_eq!(terminal.close_window(), 129, "{arguments:?}");
    }
    assert_eq!(statuses(folder.path()), ["succeeded"]);
}

/// The result, the diagnostics and the usage of a program that runs on a terminal.
#[test]
fn what_is_printed_on_a_terminal_cannot_steer_it() {
    let folder = folder(
        "plan.yaml",
        "name: loud\nsteps: [{id: one, tool: one}]\n",
        "tools: {one: {type: jq, filter: '[155, 917569, 8238, 127, 133] | implode | [., {(.): .}]'}}\n",
    );
    std::fs::write(
        folder.path().join("text.yaml"),
        "steps: [{id: one, tool: one}]\ntools: {one: {type: jq, filter: '[155, 917569, 10, 8238, 127, 27, 91, 109] | implode'}}\n",
    )
    .unwrap();
    let name = "no\u{9b}31m\u{e0041}\u{202e}plan.json";
    let option = "--no\u{1b}]0;title\u{7}\u{e0042}\u{2066}";
    for (arguments, status) in [
        (vec!["run", "plan.yaml", "--headless"], 0),
        (vec!["run", "plan.yaml", "--json"], 0),
        (vec!["run", "text.yaml", "--headless"], 0),
        (vec!["show", "last"], 0),
        (vec!["export", "last", "--format", "csv"], 0),
        (vec!["check", name], 2),
        (vec!["run", option], 2),
        (vec!["run", "plan.yaml", "--worker", option], 2),
    ] {
        let mut terminal = open(folder.path(), &arguments);
        assert_eq!(
            terminal.wait_for_end(),
            status,
            "{arguments:?}\n{}",
            terminal.text()
        );
        let bytes = terminal.bytes();
        let printed = String::from_utf8_lossy(&bytes);
        // Line ends, and colours.
        let plain = printed.replace("\r\n", "");
        let is_colour = |rest: &str| rest.starts_with('[') && rest.contains('m');
        let mut parts = plain.split('\u{1b}');
        assert_eq!(
            parts.next().and_then(plandeck::text::find_unsafe),
            None,
            "{printed:?}"
        );
        for part in parts {
            assert!(is_colour(part), "{arguments:?}: {printed:?}");
            assert_eq!(
                plandeck::text::find_unsafe(part),
                None,
                "{arguments:?}: {printed:?}"
            );
        }
    }
}
