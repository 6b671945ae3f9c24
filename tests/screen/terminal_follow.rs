//! A session of Claude Code in the dashboard while it is being written, in a real terminal.

use crate::common::terminal::Terminal;
use serde_json::{Value, json};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

fn append(path: &Path, second: u64, message: &Value) {
    let at = format!("2026-11-30T10:00:{second:02}.000Z");
    let line = json!({"sessionId": "s", "timestamp": at, "message": message});
    let mut file = OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .unwrap();
    writeln!(file, "{line}").unwrap();
}

fn asks(id: &str, tool: &str) -> Value {
    let usage = json!({"input_tokens": 100, "output_tokens": 10});
    let content = json!([{"type": "tool_use", "id": tool, "name": tool, "input": {"of": 1}}]);
    json!({"role": "assistant", "id": id, "model": "m", "content": content, "usage": usage})
}

fn result(tool: &str) -> Value {
    json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": tool, "content": "42"}]})
}

#[test]
fn what_is_written_appears_and_the_answer_ends_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.jsonl");
    append(&path, 0, &json!({"role": "user", "content": "Do it"}));
    append(&path, 2, &asks("m1", "Read"));
    let home = folder.path().join("home");
    let variables = [("PLANDECK_HOME", home.to_str().unwrap())];
    let arguments = ["open", "--follow", "s.jsonl"];
    let mut terminal = Terminal::start_as(folder.path(), &arguments, 120, 36, &variables);
    terminal.wait_for("Read");
    terminal.wait_for("RUNNING");
    append(&path, 4, &result("Read"));
    append(&path, 5, &asks("m2", "WebSearch"));
    terminal.wait_for("WebSearch");
    append(&path, 7, &result("WebSearch"));
    let mut answer = asks("m3", "none");
    answer["content"] = json!([{"type": "text", "text": "It is 42."}]);
    answer["stop_reason"] = json!("end_turn");
    append(&path, 9, &answer);
    terminal.wait_for("SUCCEEDED");
    // What the user asks next reopens it.
    append(&path, 20, &asks("m4", "Glob"));
    terminal.wait_for("Glob");
    terminal.wait_for("RUNNING");
    // The file is cut off: it begins again.
    std::fs::write(&path, "").unwrap();
    terminal.wait_for("cut off or replaced");
    append(&path, 1, &asks("m5", "Grep"));
    terminal.wait_for("Grep");
    terminal.wait_until("the old steps are gone", |screen| {
        !screen.contents().contains("WebSearch")
    });
    terminal.press("qq");
    assert_eq!(terminal.wait_for_end(), 0);
}

/// Rounds of a long session: more than is read at once, several times.
const ROUNDS: usize = 1_200;

#[test]
fn a_long_session_is_shown_before_it_is_read_and_as_a_whole_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.jsonl");
    let output = "many words of a long file ".repeat(1_500);
    let mut text = String::new();
    for round in 0..ROUNDS {
        let at = |ms: u32| {
            let (minute, second) = (round / 60, round % 60);
            format!("2026-11-30T10:{minute:02}:{second:02}.{ms:03}Z")
        };
        let id = format!("t{round}");
        let mut asked = asks(&format!("m{round}"), &id);
        asked["content"][0]["name"] = "Read".into();
        let mut found = result(&id);
        found["content"][0]["content"] = output.as_str().into();
        for (ms, message) in [(0, asked), (500, found)] {
            text += &json!({"sessionId": "s", "timestamp": at(ms), "message": message}).to_string();
            text.push('\n');
        }
    }
    std::fs::write(&path, text).unwrap();
    let home = folder.path().join("home");
    let variables = [("PLANDECK_HOME", home.to_str().unwrap())];
    let arguments = ["open", "--follow", "s.jsonl"];
    let mut terminal = Terminal::start_as(folder.path(), &arguments, 120, 36, &variables);
    let early = terminal.wait_until("steps of what is read so far", |screen| {
        let text = screen.contents();
        text.contains("READING") && text.contains("Read ")
    });
    // What is shown early has fewer steps.
    let all = format!("{},{} succeeded", 2 * ROUNDS / 1_000, 2 * ROUNDS % 1_000);
    assert!(!early.contains(&all), "{early}");
    let shown = terminal.wait_until("all of it", |screen| {
        let text = screen.contents();
        text.contains("RUNNING") && text.contains(&all)
    });
    assert!(!shown.contains("READING"), "{shown}");
    // It goes on from there.
    append(&path, 59, &asks("m9", "WebSearch"));
    terminal.wait_for("WebSearch");
    terminal.press("qq");
    assert_eq!(terminal.wait_for_end(), 0);
}
