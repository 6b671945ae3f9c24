//! The way out of the program: output that cannot be written, a reader that leaves, and values that arrive whole.

use crate::common::process::{start, wait_until};
use crate::common::program::{code, folder, json, plan_in, program, signal};
use std::fs::{File, OpenOptions};
use std::path::Path;
use std::process::{Command, Output, Stdio};

const TOOLS: &str = r"
tools:
  word: {type: jq, filter: '[97, 27, 91, 49, 109, 98, 8238, 99, 155, 917569] | implode'}
  wait: {type: process, command: [sh, -c, 'echo > waits; while ! test -e go; do sleep 0.02; done; echo 1']}
";

/// A plan whose output is a text with characters that steer a terminal.
fn word() -> tempfile::TempDir {
    folder(
        "plan.yaml",
        "steps: [{id: one, tool: word, cache: true}]\n",
        TOOLS,
    )
}

const WORD: &str = "a\u{1b}[1mb\u{202e}c\u{9b}\u{e0041}";

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = crate::common::program::command();
    command
        .args(arguments)
        .current_dir(folder)
        .env("PLANDECK_HOME", folder.join("home"))
        .stdin(Stdio::null());
    command
}

/// A pipe whose reader has left.
fn closed() -> Stdio {
    std::io::pipe().unwrap().1.into()
}

fn full() -> File {
    OpenOptions::new().write(true).open("/dev/full").unwrap()
}

fn said(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!said.contains("panicked"), "{said}");
    said
}

#[test]
fn a_result_that_nobody_reads_is_an_error_that_says_how_to_print_it_again() {
    let folder = word();
    for out in [closed(), full().into()] {
        let run = command(folder.path(), &["run", "plan.yaml", "--json"])
            .stdout(out)
            .output()
            .unwrap();
        let told = said(&run);
        assert_eq!(code(&run), 1, "{told}");
        let remedy = told.split("plandeck show ").nth(1).unwrap();
        let arguments: Vec<&str> = remedy.split_whitespace().collect();
        let again = command(folder.path(), &["show"])
            .args(arguments)
            .output()
            .unwrap();
        assert_eq!(json(&again)["result"], WORD, "{told}");
    }
    // Without a journal it cannot be printed again.
    let lost = command(
        folder.path(),
        &["run", "plan.yaml", "--json", "--journal", "off"],
    )
    .stdout(closed())
    .output()
    .unwrap();
    let told = said(&lost);
    assert_eq!(code(&lost), 1, "{told}");
    assert!(
        told.contains("could not be written") && !told.contains("show"),
        "{told}"
    );
}

#[test]
fn events_that_nobody_reads_are_an_error_and_the_run_continues() {
    let folder = word();
    for (events, out) in [
        ("-", closed()),
        ("-", full().into()),
        ("/dev/full", Stdio::null()),
    ] {
        let run = command(folder.path(), &["run", "plan.yaml", "--events", events])
            .stdout(out)
            .output()
            .unwrap();
        let told = said(&run);
        assert_eq!(code(&run), 1, "{told}");
        assert_eq!(
            told.matches("events are no longer written").count(),
            1,
            "{told}"
        );
        assert!(told.contains("succeeded"), "{told}");
    }
}

#[test]
fn a_listing_whose_reader_leaves_ends_without_a_word() {
    let folder = word();
    assert_eq!(
        code(
            &command(folder.path(), &["run", "plan.yaml"])
                .output()
                .unwrap()
        ),
        0
    );
    for arguments in [
        &["runs"][..],
        &["show", "last"],
        &["export", "last", "--format", "jsonl"],
        &["replay", "last", "--speed", "0"],
        &["cache", "list"],
        &["--help"],
        &["--version"],
    ] {
        let left = command(folder.path(), arguments)
            .stdout(closed())
            .output()
            .unwrap();
        assert_eq!(said(&left), "", "{arguments:?}");
        assert_ne!(code(&left), 0, "{arguments:?}");
        let lost = command(folder.path(), arguments)
            .stdout(full())
            .output()
            .unwrap();
        assert!(said(&lost).contains("No space left"), "{arguments:?}");
        assert_eq!(code(&lost), 1, "{arguments:?}");
    }
}

#[test]
fn values_arrive_whole_in_a_pipe_and_escaped_in_json() {
    let folder = word();
    let run = |arguments: &[&str]| {
        let output = command(folder.path(), arguments).output().unwrap();
        assert_eq!(code(&output), 0, "{}", said(&output));
        output
    };
    let text = run(&["run", "plan.yaml", "--headless"]);
    assert_eq!(String::from_utf8(text.stdout).unwrap(), format!("{WORD}\n"));
    let csv = String::from_utf8(run(&["export", "last", "--format", "csv"]).stdout).unwrap();
    assert!(csv.starts_with("id") || csv.contains("one"), "{csv}");
    for arguments in [
        &["run", "plan.yaml", "--json"][..],
        &["show", "last", "--json"],
        &["export", "last", "--format", "json"],
    ] {
        let output = run(arguments);
        assert_eq!(json(&output)["result"], WORD);
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(
            plandeck::text::find_unsafe(text.trim_end()),
            None,
            "{text:?}"
        );
    }
}

/// `ulimit -f`: by default the signal that tells of it ends the program.
#[test]
fn a_limit_on_the_size_of_files_is_an_error_like_any_other() {
    let folder = folder(
        "plan.yaml",
        "steps: [{id: one, tool: long}]\n",
        "tools: {long: {type: jq, filter: '\"word \" * 100000'}}\n",
    );
    let script = format!(
        "ulimit -f 100; '{}' run plan.yaml --json --journal off > result",
        program().display()
    );
    let output = Command::new("sh")
        .env("PLANDECK_TRUST", "1")
        .args(["-c", &script])
        .current_dir(folder.path())
        .env("PLANDECK_HOME", folder.path().join("home"))
        .output()
        .unwrap();
    let told = said(&output);
    assert_eq!(code(&output), 1, "{told}");
    assert!(told.contains("File too large"), "{told}");
}

#[test]
fn a_log_that_cannot_be_written_prints_nothing() {
    let folder = word();
    let log = folder.path().join("home/log");
    std::fs::create_dir_all(&log).unwrap();
    std::os::unix::fs::symlink("/dev/full", log.join("plandeck.log")).unwrap();
    let run = command(folder.path(), &["run", "plan.yaml", "--log", "trace"])
        .output()
        .unwrap();
    let told = said(&run);
    assert_eq!(code(&run), 0, "{told}");
    assert!(!told.contains("Unable to write"), "{told}");
}

/// Whether these tests run under `nohup`, so that what they start ignores SIGHUP too.
fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    u64::from_str_radix(ignored.unwrap().trim(), 16).unwrap() & 1 == 1
}

#[test]
fn a_run_that_hangs_up_is_stopped() {
    if hangup_is_ignored() {
        eprintln!("not tried: SIGHUP is ignored here");
        return;
    }
    let plan = "steps: [{id: one, tool: wait}]\n";
    let stopped = folder("plan.yaml", plan, TOOLS);
    let waits = stopped.path().join("waits");
    let child = start(stopped.path(), &stopped.path().join("home"), &[]);
    wait_until("the tool to run", || waits.exists());
    signal("HUP", child.id());
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 129, "{}", said(&output));
    assert_eq!(json(&output)["status"], "cancelled");
}

#[test]
fn a_run_under_nohup_goes_on_when_it_hangs_up() {
    let plan = "steps: [{id: one, tool: wait}]\n";
    let kept = folder("plan.yaml", plan, TOOLS);
    let waits = kept.path().join("waits");
    let child = Command::new("sh")
        .env("PLANDECK_TRUST", "1")
        .args([
            "-c",
            "trap '' HUP; exec \"$0\" run \"$1\" --headless --json",
        ])
        .arg(program())
        .arg(plan_in(kept.path()))
        .env("PLANDECK_HOME", kept.path().join("home"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_until("the tool to run", || waits.exists());
    signal("HUP", child.id());
    File::create(kept.path().join("go")).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 0, "{}", said(&output));
}
