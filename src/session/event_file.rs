//! Reads a file of events, one JSON object per line, as `run --events FILE` and `export --format jsonl` write it.

use super::error::SessionError;
use crate::run::{EventKind, RunEvent};
use crate::text::beyond_64_bits;
use std::path::Path;

/// Reads the events in `file`.
///
/// # Errors
/// When a line is not an event, or the events are not those of one run from its start; the message names the line.
pub fn events_from_file(file: &Path) -> Result<Vec<RunEvent>, SessionError> {
    let place = file.display().to_string();
    let bytes = std::fs::read(file).map_err(|error| SessionError::file(&place, error))?;
    let mut events: Vec<RunEvent> = Vec::new();
    // A byte order mark, which some editors write.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    for (at, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let fault = |what: String| {
            let what = crate::text::fit(&what, 300);
            SessionError::EventFile(format!(
                "{place}: line {}: {what}; `run --events FILE` and `export --format jsonl` write files of events",
                at + 1
            ))
        };
        if let Some(integer) = std::str::from_utf8(line).ok().and_then(beyond_64_bits) {
            return Err(fault(format!("the integer {integer} is beyond 64 bits")));
        }
        let event: RunEvent = serde_json::from_slice(line)
            .map_err(|error| fault(format!("not an event: {error}")))?;
        let first = matches!(event.kind, EventKind::RunStarted(_));
        if first != events.is_empty() {
            return Err(fault(if first {
                "another run starts here".to_owned()
            } else {
                "the start of the run is missing".to_owned()
            }));
        }
        if event.seq != events.len() as u64 {
            return Err(fault(format!(
                "found event {}, expected {}",
                event.seq,
                events.len()
            )));
        }
        events.push(event);
    }
    put_times_in_order(&mut events);
    Ok(events)
}

/// Times never go back in a run. Where they do in a file, the greater one is wrong, and playing it back would wait for
/// it: it becomes the smallest of those after it.
fn put_times_in_order(events: &mut [RunEvent]) {
    let mut least = None;
    for event in events.iter_mut().rev() {
        event.at = least.map_or(event.at, |least| event.at.min(least));
        least = Some(event.at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Micros;

    #[test]
    fn a_time_that_is_too_late_is_put_in_order() {
        let mut events: Vec<RunEvent> = [5, 9_000_000, 7, 8, 3_000, 2_000]
            .into_iter()
            .enumerate()
            .map(|(seq, at)| RunEvent {
                seq: seq as u64,
                at: Micros(at),
                kind: EventKind::RunPaused,
            })
            .collect();
        put_times_in_order(&mut events);
        let times: Vec<u64> = events.iter().map(|event| event.at.0).collect();
        assert_eq!(times, [5, 7, 7, 8, 2_000, 2_000]);
    }
}
