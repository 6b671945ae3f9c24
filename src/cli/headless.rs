//! Who hears of events when there is no screen: plain progress, and the events as JSON lines.

use crate::engine::EventSink;
use crate::report::Progress;
use crate::run::RunEvent;
use crate::text::escape_json;
use std::io::{BufWriter, Write};

/// Plain lines on standard error.
#[derive(Debug, Default)]
pub struct ProgressSink {
    progress: Progress,
    /// What is written at once: standard error is not buffered, and a plan of small steps says much.
    lines: String,
}

impl EventSink for ProgressSink {
    fn accept(&mut self, events: &[RunEvent]) {
        self.lines.clear();
        for line in events.iter().filter_map(|event| self.progress.line(event)) {
            self.lines.push_str(&line);
            self.lines.push('\n');
        }
        // Whoever closed standard error does not want to hear of it.
        let _ = std::io::stderr().lock().write_all(self.lines.as_bytes());
    }
}

/// One JSON object a line.
pub struct JsonLinesSink<W: Write + Send> {
    out: BufWriter<W>,
    broken: bool,
}

impl<W: Write + Send> JsonLinesSink<W> {
    /// Events go to `out`.
    pub fn new(out: W) -> Self {
        Self {
            out: BufWriter::new(out),
            broken: false,
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
        if self.broken {
            return;
        }
        if let Err(error) = self.write(events) {
            self.broken = true;
            if error.kind() != std::io::ErrorKind::BrokenPipe {
                note_line!("plandeck: events are no longer written: {error}");
            }
        }
    }
}
