//! What running tools log, on its way to the events.

use super::Driver;
use crate::engine::calls::LogEntry;
use crate::run::EventKind;

impl Driver {
    /// Takes the log entries that wait now, and not those that come meanwhile.
    pub(super) fn take_log(&mut self) {
        for _ in 0..self.calls.waiting_entries() {
            if let Some(entry) = self.calls.try_entry() {
                self.log(entry);
            }
        }
    }

    pub(super) fn log(&mut self, entry: LogEntry) {
        // Log entries after the end of the attempt are dropped.
        if !self.calls.is_running(entry.row) {
            return;
        }
        let text = match self.calls.take_dropped() {
            0 => entry.text,
            count => format!("{} [{count} log entries were dropped]", entry.text).into(),
        };
        let now = self.read_clock();
        let kind = EventKind::AttemptLog {
            step: self.scheduler.key(entry.row),
            attempt: entry.attempt,
            stream: entry.stream,
            text,
        };
        self.emitter.emit(now, kind);
    }
}
