//! Files of events, as `replay FILE` and `--events` have them.

use super::assert_safe;
use crate::Target;
use plandeck::ExecutionResult;
use plandeck::plan::StepIx;
use plandeck::report::{Progress, RunDiff, csv, explain, json_lines, result_of, summary, trace};
use plandeck::run::{History, RunState, figures};
use plandeck::session::events_from_file;
use std::io::Write;

/// The target.
pub const TARGET: Target = Target {
    name: "events",
    run,
    words: &[
        "{\"seq\":",
        "\"at_ms\":",
        "\"type\":",
        "\"run_started\"",
        "\"run_ended\"",
        "\"step\":",
        "\"attempt\":",
        "\"cost\":",
        "-1",
        "1e300",
        "9e9",
        "18446744073709551615",
        "null",
        "\"tokens\":{\"input\":",
        "\"elements\"",
        "\"status\":\"succeeded\"",
        "\"output\":",
        "{}",
        "[]",
        "\"\\u202e\"",
        "\n",
        ",",
        "}",
        "]",
        "0",
        "1",
        "2",
        "4294967295",
        "\"steps\":[",
    ],
};

/// Reads a file of events, and makes of it everything that can be made of a run.
pub fn run(data: &[u8]) {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(data).expect("it can be written");
    let events = match events_from_file(file.path()) {
        Ok(events) => events,
        Err(refused) => return assert_safe(&refused.to_string()),
    };
    let mut history = History::default();
    let mut state = RunState::default();
    let mut progress = Progress::default();
    for event in &events {
        state.apply(event);
        history.push(event.clone(), &state);
        if let Some(line) = progress.line(event) {
            assert_safe(&line);
        }
    }
    for position in [0, events.len() / 2, events.len()] {
        let at = history.state_at(position);
        let _ = figures(&at, at.at);
    }
    assert_safe(&summary(&state, false));
    let word = "interrupted";
    let result = ExecutionResult::of(&state);
    serde_json::to_string(&result).expect("a result is JSON");
    let _ = (
        result_of(&state, word),
        csv(&state, word),
        trace(&state, word),
    );
    for at in 0..state.steps.len().min(50) {
        if let Some(explanation) = explain(&state, StepIx(at as u32)) {
            assert_safe(&explanation.text());
        }
    }
    assert_safe(&RunDiff::of([(&state, word), (&history.state_at(events.len() / 2), word)]).text());
    // What is written of it is read as the same again.
    let again = json_lines(&events);
    assert_eq!(again.lines().count(), events.len());
}
