//! Sinks that print events: as plain progress, and as JSON lines.

use super::output::{note, note_line};
use crate::engine::EventSink;
use crate::report::Progress;
use crate::run::RunEvent;
use crate::text::escape_json;
use std::io::{BufWriter, Write};
use std::sync::{Arc, OnceLock};

/// Prints plain progress on standard error.
#[derive(Debug, Default)]
pub(super) struct ProgressSink {
    progress: Progress,
    /// Collects the lines of one batch: standard error is not buffered, and plans of small steps print many lines.
    lines: String,
}

impl EventSink for ProgressSink {
    fn accept(&mut self, events: &[RunEvent]) {
        self.lines.clear();
        for event in events {
            if self.progress.write(event, &mut self.lines) {
                self.lines.push('\n');
            }
        }
        note(&self.lines);
    }
}

/// The first error in writing events, which decides the exit code.
pub(super) type Written = Arc<OnceLock<std::io::Error>>;

/// Prints that events could not be written.
pub(super) fn events_lost(error: &std::io::Error) {
    note_line(&format!("events are no longer written: {error}"));
}

/// Writes events as one JSON object per line.
pub(super) struct JsonLinesSink<W: Write + Send> {
    out: BufWriter<W>,
    failed: Written,
    says_so: bool,
}

impl<W: Write + Send> JsonLinesSink<W> {
    /// Writes to `out`; the first error is stored in `failed`, and nothing is written after it. `says_so`: whether the
    /// error is printed at once, which would be across a dashboard.
    pub(super) fn new(out: W, failed: &Written, says_so: bool) -> Self {
        Self {
            out: BufWriter::new(out),
            failed: Arc::clone(failed),
            says_so,
        }
    }

    fn write(&mut self, events: &[RunEvent]) -> std::io::Result<()> {
        for event in events {
            let line = serde_json::to_string(event)?;
            self.out.write_all(escape_json(&line).as_bytes())?;
            self.out.write_all(b"\n")?;
        }
        self.out.flush()
    }
}

impl<W: Write + Send> EventSink for JsonLinesSink<W> {
    fn accept(&mut self, events: &[RunEvent]) {
        if self.failed.get().is_some() {
            return;
        }
        if let Err(error) = self.write(events) {
            if self.says_so {
                events_lost(&error);
            }
            // It is the first error: nothing is written after it.
            let _ = self.failed.set(error);
        }
    }
}
