//! The lines of a box: what matters of a step by its state.

use super::card::Card;
use super::text;
use crate::plan::StepIx;
use crate::run::{RunState, StepState, StepStatus};
use crate::text::{format, headline, line};
use crate::tui::Theme;
use crate::tui::dashboard::state::step_look::StepLook;
use crate::tui::widgets::json;
use crate::units::Micros;
use ratatui::style::Style;
use std::collections::HashMap;
use std::sync::Arc;

/// Bytes of an output or a log line that are looked at.
const LOOKED_AT: usize = 400;

/// One line within a box.
#[derive(Clone, Debug)]
pub(super) enum Detail {
    /// Words, the fullest first.
    Words(Vec<String>, Style),
    /// The end of a text, in at most so many rows.
    End(String, Style, usize),
    /// A part of a whole as a bar, and words after it.
    Bar {
        /// From 0 to 1.
        share: f64,
        words: Vec<String>,
        style: Style,
    },
}

/// How long calls of each tool took in this run: the median of those that ended well.
#[derive(Debug, Default)]
pub(super) struct Usual {
    /// How many calls it was worked out from.
    succeeded: Option<usize>,
    by_tool: HashMap<Arc<str>, Micros>,
}

impl Usual {
    /// Takes in what ended since the last frame.
    pub(super) fn keep(&mut self, state: &RunState) {
        let ended = |row: &&StepState| row.status == StepStatus::Succeeded && row.service.0 > 0;
        let count = state.steps.iter().filter(ended).count();
        if self.succeeded == Some(count) {
            return;
        }
        self.succeeded = Some(count);
        let mut times: HashMap<&Arc<str>, Vec<Micros>> = HashMap::new();
        for row in state.steps.iter().filter(ended) {
            times.entry(&row.info.tool).or_default().push(row.service);
        }
        self.by_tool = times
            .into_iter()
            .map(|(tool, mut times)| {
                let middle = times.len() / 2;
                let median = *times.select_nth_unstable(middle).1;
                (Arc::clone(tool), median)
            })
            .collect();
    }

    fn of(&self, step: &StepState) -> Option<Micros> {
        self.by_tool.get(&step.info.tool).copied()
    }
}

/// The time in the border of a card: for a running step beside what is usual.
pub(super) fn elapsed(step: &StepState, card: &Card, usual: &Usual) -> Vec<String> {
    let mut words = Vec::new();
    if step.running_attempt().is_some()
        && let Some(usual) = usual.of(step)
    {
        words.push(format!("{} of ~{}", card.time, format::duration(usual)));
        words.push(format!("{} ~{}", card.time, format::duration(usual)));
    }
    words.push(card.time.clone());
    words
}

/// What a box says of one step, the most important first; the last of it is what a card has room for besides.
pub(super) fn of_step(
    state: &RunState,
    step: &StepState,
    broken: bool,
    card: &Card,
    most: usize,
    now: Micros,
    theme: &Theme,
) -> Vec<Detail> {
    if !step.elements().is_empty() {
        return of_members(state, step.elements(), step.started_at(), card, now);
    }
    let dim = |words: String| Detail::Words(vec![words], theme.dim);
    let mut details = Vec::new();
    let look = StepLook::of(step, broken);
    match look {
        StepLook::Status(StepStatus::Failed | StepStatus::Unknown) => {
            if let Some(error) = &step.error {
                let words = line(bounded(headline(&error.message)));
                details.push(Detail::Words(vec![words], theme.bad));
            }
        }
        StepLook::Status(StepStatus::Running) => {
            if let Some(attempt) = step.running_attempt() {
                // The last lines, the oldest of them first.
                let entries = attempt.log.len().saturating_sub(most.max(1));
                let lines = attempt.log.iter().skip(entries);
                details.extend(lines.filter_map(|(_, text)| last_line(text)).map(dim));
            }
        }
        StepLook::Status(StepStatus::Pending) if !card.lines.is_empty() => {
            details.push(Detail::Words(card.lines.clone(), theme.warning));
        }
        StepLook::Status(StepStatus::Pending) if most > 1 => {
            if let Some(words) = awaited(state, step) {
                details.push(dim(words));
            }
        }
        StepLook::Status(StepStatus::Ready) | StepLook::Held | StepLook::Exclusive => {
            let mut words = card.lines.clone();
            if let Some(since) = step.ready_at() {
                let long = format!("{} for {}", words[0], format::elapsed(now - since));
                words.insert(0, long);
            }
            details.push(Detail::Words(words, look.style(theme).style));
        }
        StepLook::Retry => {
            details.push(Detail::Words(card.lines.clone(), theme.warning));
            if let Some(error) = last_error(step).filter(|_| most > 1) {
                details.push(dim(error));
            }
        }
        StepLook::Approval => {
            details.push(Detail::Words(card.lines.clone(), theme.warning));
        }
        StepLook::Asks => {
            if let Some(question) = step.open_question() {
                let words = line(bounded(headline(&question.message)));
                details.push(Detail::Words(vec![words], look.style(theme).style));
            }
        }
        StepLook::Breakpoint => {
            details.push(Detail::Words(card.lines.clone(), theme.bad));
        }
        StepLook::Status(StepStatus::Succeeded) if most > 1 => {
            if let Some(output) = step.made() {
                let (text, _) = json::pretty(output, LOOKED_AT);
                let words: Vec<&str> = text.split_whitespace().collect();
                details.push(dim(line(&words.join(" "))));
            }
        }
        StepLook::Status(StepStatus::Skipped) => {
            details.push(Detail::Words(card.lines.clone(), theme.dim));
        }
        StepLook::Status(_) => {}
    }
    if most > 1 || step.status == StepStatus::Pending && details.is_empty() {
        details.push(dim(line(&step.info.tool)));
    }
    details
}

/// What a box says of several steps in it.
pub(super) fn of_members(
    state: &RunState,
    members: &[StepIx],
    started: Option<Micros>,
    card: &Card,
    now: Micros,
) -> Vec<Detail> {
    let rows = || members.iter().filter_map(|ix| state.steps.get(ix.at()));
    let done = rows().filter(|row| row.status.has_ended()).count();
    let all = members.len();
    let counts = Detail::Words(card.lines.clone(), card.detail);
    let started = started.or_else(|| rows().filter_map(StepState::started_at).min());
    if done == all || started.is_none() {
        return vec![counts];
    }
    let percent = done * 100 / all.max(1);
    let left = started
        .filter(|_| done > 0)
        .map(|started| Micros((now - started).0 * (all - done) as u64 / done as u64))
        .map(|left| format!(" ~{}", format::whole_seconds(left)))
        .unwrap_or_default();
    let bar = Detail::Bar {
        share: done as f64 / all.max(1) as f64,
        words: vec![
            format!("{done}/{all} {percent}%{left}"),
            format!("{percent}%{left}"),
            format!("{percent}%"),
        ],
        style: card.style,
    };
    vec![bar, counts]
}

/// The dependencies that have not ended.
fn awaited(state: &RunState, step: &StepState) -> Option<String> {
    let open: Vec<&StepState> = step
        .info
        .depends_on
        .iter()
        .filter_map(|ix| state.steps.get(ix.at()))
        .filter(|row| !row.status.has_ended())
        .collect();
    let first = line(&open.first()?.info.id);
    Some(match open.len() {
        1 => format!("waits for {first}"),
        many => format!("waits for {first} and {} more", many - 1),
    })
}

fn last_error(step: &StepState) -> Option<String> {
    let attempt = step.last_attempt()?;
    let error = attempt.end.as_ref()?.1.error.as_ref()?;
    Some(line(bounded(headline(&error.message))))
}

/// The last line of a log entry that says something; of a line that is overwritten, what stands there last.
fn last_line(text: &str) -> Option<String> {
    let mut from = text.len().saturating_sub(LOOKED_AT);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let last = text[from..]
        .split(['\n', '\r'])
        .rfind(|line| !line.trim().is_empty())?;
    Some(line(last.trim_end()))
}

fn bounded(text: &str) -> &str {
    &text[..text.floor_char_boundary(LOOKED_AT)]
}

/// The end of `text` in at most so many rows of so many columns.
pub(super) fn end_rows(text: &str, columns: usize, most: usize, ascii: bool) -> Vec<String> {
    if most <= 1 {
        return vec![end_row(text, columns, ascii)];
    }
    let mut rows: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match rows.last_mut() {
            Some(row) if text::width(row) + 1 + text::width(word) <= columns => {
                row.push(' ');
                row.push_str(word);
            }
            _ => rows.push(text::fit(word, columns, ascii)),
        }
    }
    rows.split_off(rows.len().saturating_sub(most))
}

/// As many of the last words as fit in one row.
fn end_row(text: &str, columns: usize, ascii: bool) -> String {
    if text::width(text) <= columns {
        return text.to_owned();
    }
    let starts = text.match_indices(' ').map(|(at, _)| &text[at + 1..]);
    let mut fitting = starts.filter(|rest| text::width(rest) + 2 <= columns);
    let cut = if ascii { '~' } else { '…' };
    match fitting.next() {
        Some(rest) if !rest.is_empty() => format!("{cut} {rest}"),
        _ => text::fit(text, columns, ascii),
    }
}

/// The fullest of these words that fits, else the shortest, cut.
pub(super) fn fitting(words: &[String], columns: usize, ascii: bool) -> String {
    let fits = words.iter().find(|words| text::width(words) <= columns);
    let shortest = words.iter().min_by_key(|words| text::width(words));
    match (fits, shortest) {
        (Some(words), _) => words.clone(),
        (None, Some(words)) => text::fit(words, columns, ascii),
        (None, None) => String::new(),
    }
}
