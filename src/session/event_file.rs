//! A file of events, one JSON object a line, as `run --events FILE` and `export --format jsonl` write it.

use super::error::SessionError;
use crate::run::{EventKind, RunEvent};
use std::path::Path;

/// The events in `file`.
///
/// # Errors
/// Where a line is no event, and where the events are not those of one run from its beginning; with the line.
pub fn events_from_file(file: &Path) -> Result<Vec<RunEvent>, SessionError> {
    let place = file.display().to_string();
    let bytes = std::fs::read(file).map_err(|error| SessionError::file(&place, error))?;
    let mut events: Vec<RunEvent> = Vec::new();
    for (at, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let fault = |what: String| {
            let what = crate::text::fit(&what, 300);
            SessionError::EventFile(format!(
                "{place}: line {}: {what}; a file of events is what `run --events FILE` and `export --format jsonl` write",
                at + 1
            ))
        };
        let event: RunEvent =
            serde_json::from_slice(line).map_err(|error| fault(format!("no event: {error}")))?;
        let first = matches!(event.kind, EventKind::RunStarted(_));
        if first != events.is_empty() {
            return Err(fault(if first {
                "another run begins here".to_owned()
            } else {
                "the beginning of the run is missing".to_owned()
            }));
        }
        if event.seq != events.len() as u64 {
            return Err(fault(format!(
                "event {} stands where {} should",
                event.seq,
                events.len()
            )));
        }
        events.push(event);
    }
    Ok(events)
}
