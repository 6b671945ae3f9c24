//! The log of a step as it was laid out: entries stay as they are, so that a frame lays out only what is new.

use crate::plan::StepIx;
use crate::run::{AttemptState, LogStream};
use crate::tui::theme::Theme;
use crate::tui::widgets::ansi;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use std::collections::VecDeque;
use std::sync::Arc;

/// Lines that one entry may take.
const ENTRY_LINES: usize = 200;

/// An entry, laid out.
#[derive(Debug)]
struct LaidOut {
    attempt: u32,
    stream: LogStream,
    text: Arc<str>,
    lines: Vec<Line<'static>>,
}

/// The entries of a step's attempts, oldest first.
#[derive(Debug, Default)]
pub(crate) struct LogLines {
    step: Option<StepIx>,
    width: usize,
    look: Style,
    entries: VecDeque<LaidOut>,
    /// Lines of the entries.
    total: usize,
    /// Lines that were dropped at the front since this was asked last.
    dropped: usize,
    #[cfg(test)]
    pub(crate) layouts: usize,
}

impl LogLines {
    /// Takes in what `attempts` have logged by now.
    pub(crate) fn sync(
        &mut self,
        step: StepIx,
        attempts: &[AttemptState],
        width: usize,
        theme: &Theme,
    ) {
        if (self.step, self.width, self.look) != (Some(step), width, theme.bad) {
            *self = Self {
                step: Some(step),
                width,
                look: theme.bad,
                ..Self::default()
            };
        }
        let now = || {
            attempts.iter().flat_map(|attempt| {
                let entries = attempt.log.iter();
                entries.map(move |(stream, text)| (attempt.number, *stream, text))
            })
        };
        if let Some((attempt, _, first)) = now().next() {
            while self
                .entries
                .front()
                .is_some_and(|entry| !entry.is(attempt, first))
            {
                // Either it was dropped from the front, or nothing of this is known.
                if let Some(gone) = self.entries.pop_front() {
                    self.total -= gone.lines.len();
                    self.dropped += gone.lines.len();
                }
            }
        } else {
            self.entries.clear();
            self.total = 0;
        }
        for (at, (attempt, stream, text)) in now().enumerate() {
            if self
                .entries
                .get(at)
                .is_some_and(|entry| entry.is(attempt, text))
            {
                continue;
            }
            for gone in self.entries.drain(at..) {
                self.total -= gone.lines.len();
            }
            let lines = lay_out(stream, text, width, theme);
            self.total += lines.len();
            self.entries.push_back(LaidOut {
                attempt,
                stream,
                text: Arc::clone(text),
                lines,
            });
            #[cfg(test)]
            {
                self.layouts += 1;
            }
        }
        let count = now().count();
        for gone in self.entries.drain(count.min(self.entries.len())..) {
            self.total -= gone.lines.len();
        }
    }

    /// Lines that were dropped at the front since the last call.
    pub(crate) fn take_dropped(&mut self) -> usize {
        std::mem::take(&mut self.dropped)
    }

    /// The entries of an attempt, each with its stream and its lines.
    pub(crate) fn of(&self, attempt: u32) -> impl Iterator<Item = (LogStream, &[Line<'static>])> {
        self.entries
            .iter()
            .filter(move |entry| entry.attempt == attempt)
            .map(|entry| (entry.stream, entry.lines.as_slice()))
    }
}

impl LaidOut {
    fn is(&self, attempt: u32, text: &Arc<str>) -> bool {
        self.attempt == attempt && Arc::ptr_eq(&self.text, text)
    }
}

fn lay_out(stream: LogStream, text: &str, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let (sign, base) = match stream {
        LogStream::Stderr => ("  ", theme.text),
        LogStream::Stdout => ("› ", theme.text),
        LogStream::Note => ("· ", theme.dim),
    };
    let sign = if width > 12 { sign } else { "" };
    let room = width.saturating_sub(sign.chars().count());
    let text = text.trim_end_matches('\r');
    let mut lines = Vec::new();
    for part in text.split('\n') {
        let spans = ansi::spans(part, base, theme);
        lines.extend(ansi::wrap(&spans, room, ENTRY_LINES));
    }
    lines.truncate(ENTRY_LINES);
    for (at, line) in lines.iter_mut().enumerate() {
        let sign = if at == 0 { sign } else { "  " };
        let sign = if room == width { "" } else { sign };
        line.spans.insert(0, Span::styled(sign, theme.dim));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{EventKind, StepKey};
    use crate::tui::fixture::{RunFixture, info};

    fn log(fixture: RunFixture, text: &str) -> RunFixture {
        fixture.event(EventKind::AttemptLog {
            step: StepKey {
                ix: StepIx(0),
                id: "a".into(),
            },
            attempt: 1,
            stream: LogStream::Stderr,
            text: text.into(),
        })
    }

    fn texts(lines: &LogLines) -> Vec<String> {
        let lines = lines.of(1).flat_map(|(_, lines)| lines);
        lines
            .map(|line| line.to_string().trim().to_owned())
            .collect()
    }

    #[test]
    fn only_what_is_new_is_laid_out() {
        let theme = Theme::default();
        let mut lines = LogLines::default();
        let mut run = RunFixture::new(vec![info("a", "a", "process", &[])]).call(0, 0);
        for count in 1..=20 {
            run = log(run, &format!("line {count}"));
            lines.sync(StepIx(0), &run.run.steps[0].attempts, 40, &theme);
            assert_eq!(lines.layouts, count);
        }
        run = log(log(run, "1 %\r"), "2 %\r");
        lines.sync(StepIx(0), &run.run.steps[0].attempts, 40, &theme);
        assert_eq!((lines.layouts, texts(&lines).len()), (21, 21));
        run = log(run, "3 %");
        lines.sync(StepIx(0), &run.run.steps[0].attempts, 40, &theme);
        assert_eq!(lines.layouts, 22);
        assert_eq!(texts(&lines)[19..], ["line 20", "3 %"]);
        lines.sync(StepIx(0), &run.run.steps[0].attempts, 30, &theme);
        assert_eq!(lines.layouts, 21, "all of it at another width");
    }

    #[test]
    fn what_the_run_drops_is_dropped() {
        let theme = Theme::default();
        let mut lines = LogLines::default();
        let mut run = RunFixture::new(vec![info("a", "a", "process", &[])]).call(0, 0);
        let kept = crate::run::AttemptLog::KEPT;
        for count in 0..kept + 30 {
            run = log(run, &format!("line {count}"));
            if count % 10 == 9 {
                lines.sync(StepIx(0), &run.run.steps[0].attempts, 40, &theme);
            }
        }
        assert_eq!(lines.layouts, kept + 30);
        assert_eq!(lines.take_dropped(), 30);
        assert_eq!(texts(&lines).len(), kept);
        assert_eq!(texts(&lines)[0], "line 30");
    }
}
