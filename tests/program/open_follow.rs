//! `plandeck open --follow`: a session of Claude Code while it is being written.

use crate::common::process::wait_until;
use crate::common::program::{code, command, plandeck, stderr};
use serde_json::{Value, json};
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};

/// A line of a session, so many seconds after its start.
fn line(second: u64, message: &Value) -> String {
    let at = format!("2026-11-30T10:00:{second:02}.000Z");
    json!({"sessionId": "s", "timestamp": at, "message": message}).to_string()
}

fn asks(id: &str, tool: &str) -> Value {
    let usage = json!({"input_tokens": 100, "output_tokens": 10});
    let content = json!([{"type": "tool_use", "id": tool, "name": tool, "input": {"of": 1}}]);
    json!({"role": "assistant", "id": id, "model": "claude-sonnet-4-5", "content": content, "usage": usage})
}

fn result(tool: &str) -> Value {
    json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": tool, "content": "42"}]})
}

const OVER: &str =
    r#"{"type": "result", "session_id": "s", "is_error": false, "result": "all done"}"#;

fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// The program that follows a file, and the lines that it has printed.
struct Following {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Following {
    fn start(folder: &Path, more: &[&str]) -> Self {
        let mut child = command()
            .current_dir(folder)
            .env("PLANDECK_HOME", folder.join("home"))
            .args(["open", "--follow", "s.jsonl"])
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let (out, kept) = (child.stdout.take().unwrap(), Arc::clone(&lines));
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                kept.lock().unwrap().push(line);
            }
        });
        Self { child, lines }
    }

    fn wait_for(&self, text: &str) {
        let is_there = || {
            self.lines
                .lock()
                .unwrap()
                .iter()
                .any(|line| line.contains(text))
        };
        wait_until(text, is_there);
    }

    fn count(&self, text: &str) -> usize {
        let lines = self.lines.lock().unwrap();
        lines.iter().filter(|line| line.contains(text)).count()
    }

    /// Waits for its end; the exit code, and what it said on standard error.
    fn end(self) -> (i32, String) {
        let output = self.child.wait_with_output().unwrap();
        (code(&output), stderr(&output))
    }
}

#[test]
fn each_line_is_printed_as_it_is_written_up_to_the_end_of_the_session() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.jsonl");
    let first = line(0, &json!({"role": "user", "content": "Do it"}));
    append(&path, &format!("{first}\n"));
    let following = Following::start(folder.path(), &["--headless"]);
    append(&path, &format!("{}\n", line(2, &asks("m1", "Read"))));
    following.wait_for("started   Read");
    // A line whose end is not written yet waits.
    let whole = line(4, &result("Read"));
    let (begun, rest) = whole.split_at(40);
    append(&path, begun);
    append(&path, &format!("{rest}\nnot JSON\n"));
    following.wait_for("done      Read");
    append(
        &path,
        &format!("{}\n{OVER}\n", line(6, &asks("m2", "Bash"))),
    );
    following.wait_for("run succeeded");
    assert_eq!(following.count("started   model"), 2);
    let (code, said) = following.end();
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("line 4 is left out"), "{said}");
}

#[test]
fn events_are_lines_that_replay_reads() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.jsonl");
    append(&path, &format!("{}\n", line(2, &asks("m1", "Read"))));
    let following = Following::start(folder.path(), &["--events"]);
    following.wait_for("\"attempt_started\"");
    append(
        &path,
        &format!(
            "{}\n{}\n",
            line(4, &result("Read")),
            line(6, &asks("m2", "Bash"))
        ),
    );
    following.wait_for("\"steps_added\"");
    append(&path, &format!("{}\n{OVER}\n", line(7, &result("Bash"))));
    following.wait_for("\"run_ended\"");
    let lines = following.lines.lock().unwrap().clone();
    let numbers: Vec<u64> = lines
        .iter()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["seq"]
                .as_u64()
                .unwrap()
        })
        .collect();
    let count = numbers.len() as u64;
    assert_eq!(numbers, (0..count).collect::<Vec<u64>>());
    assert_eq!(following.end().0, 0);
    std::fs::write(folder.path().join("run.jsonl"), lines.join("\n")).unwrap();
    let output = plandeck()
        .current_dir(folder.path())
        .args(["replay", "run.jsonl", "--headless"])
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&output.stdout).into_owned() + &stderr(&output);
    assert!(
        shown.contains("Bash") && shown.contains("succeeded"),
        "{shown}"
    );
}

#[test]
fn a_file_that_another_one_replaces_is_read_from_its_beginning() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.jsonl");
    append(&path, &format!("{}\n", line(2, &asks("m1", "Read"))));
    let following = Following::start(folder.path(), &["--headless"]);
    following.wait_for("started   Read");
    std::fs::rename(&path, folder.path().join("old.jsonl")).unwrap();
    append(&path, &format!("{}\n", line(2, &asks("m9", "Write"))));
    following.wait_for("started   Write");
    // And one that is cut off.
    let shorter = format!("{}\n", line(2, &asks("m5", "Glob")));
    std::fs::write(&path, shorter).unwrap();
    following.wait_for("started   Glob");
    append(&path, &format!("{OVER}\n"));
    let (code, said) = following.end();
    assert_eq!(
        (code, said.matches("cut off or replaced").count()),
        (0, 2),
        "{said}"
    );
}

#[test]
fn what_cannot_be_followed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let follow = |file: &str| {
        let output = plandeck()
            .current_dir(folder.path())
            .args(["open", "--follow", "--headless", file])
            .output()
            .unwrap();
        assert_eq!(code(&output), 2, "{file}");
        stderr(&output)
    };
    assert!(follow("missing.jsonl").contains("missing.jsonl"));
    std::fs::write(
        folder.path().join("other"),
        "{\"resourceSpans\": []}\n".repeat(40),
    )
    .unwrap();
    assert!(follow("other").contains("nothing else can be followed"));
    assert!(follow("-").contains("name of a file"));
}
