//! What a node says about its step.

use super::metrics::TIME;
use super::text;
use crate::plan::StepIx;
use crate::run::{RunState, SkipReason, StepSource, StepState, StepStatus, WaitReason};
use crate::tui::Theme;
use crate::units::{Micros, Money};
use ratatui::style::Style;

/// The words and looks of one node in one frame.
#[derive(Clone, Debug)]
pub(super) struct Card {
    /// The status, by shape.
    pub(super) glyph: &'static str,
    /// The status, by colour.
    pub(super) style: Style,
    /// For the label.
    pub(super) name: Style,
    /// Stands beside the label: `×2` for a second try, `×100` for what is folded here. May be empty.
    pub(super) mark: String,
    /// For the mark.
    pub(super) mark_look: Style,
    /// Time and cost, or what is being waited for; the fullest first, for as many columns as there are.
    pub(super) lines: Vec<String>,
    /// For that line.
    pub(super) detail: Style,
    /// The time alone. May be empty.
    pub(super) time: String,
}

impl Card {
    pub(super) fn new(state: &RunState, step: &StepState, now: Micros, theme: &Theme) -> Self {
        let style = theme.status(step.status);
        let attempts = step.last_attempt().map_or(0, |attempt| attempt.number);
        let times = if theme.ascii { "x" } else { "×" };
        let quiet = matches!(step.status, StepStatus::Pending | StepStatus::Skipped);
        let mut card = Self {
            glyph: style.glyph,
            style: style.style,
            name: if quiet { theme.dim } else { theme.text },
            mark: String::new(),
            mark_look: theme.warning,
            lines: Vec::new(),
            detail: theme.dim,
            time: String::new(),
        };
        if attempts > 1 && step.elements().is_empty() {
            card.mark = format!("{times}{attempts}");
        }
        if step.status == StepStatus::Running {
            card.name = theme.strong;
            card.detail = theme.text;
        }
        if !step.elements().is_empty() {
            card.counts(state, step.elements(), theme);
            if card.time.is_empty() {
                card.time = elapsed(step, now).map(text::span).unwrap_or_default();
            }
            return card;
        }
        match step.status {
            StepStatus::Pending => {}
            StepStatus::Ready => card.lines = waiting(step, now),
            StepStatus::Running => card.running(step, now),
            StepStatus::Skipped => card.skipped(step),
            StepStatus::Succeeded
            | StepStatus::Failed
            | StepStatus::Cancelled
            | StepStatus::Unknown => card.ended(step),
        }
        card
    }

    fn running(&mut self, step: &StepState, now: Micros) {
        if step.running_attempt().is_none() && step.waiting.is_some() {
            self.lines = waiting(step, now);
            return;
        }
        if let Some(due) = step.retry_at
            && step.running_attempt().is_none()
        {
            let left = text::span(due - now);
            self.lines.push(format!("retry in {left}"));
            self.lines.push(left.clone());
            self.time = left;
            return;
        }
        if let Some(attempt) = step.running_attempt() {
            self.time = text::span(now - attempt.started);
            self.lines.push(self.time.clone());
        }
    }

    fn ended(&mut self, step: &StepState) {
        self.time = text::span(step.service);
        let source = match step.source {
            Some(StepSource::Cache) => "cache",
            Some(StepSource::Recorded) => "recorded",
            Some(StepSource::Mock) => "supplied",
            Some(StepSource::Call) | None => "",
        };
        if !source.is_empty() {
            self.time = String::new();
            self.lines.push(source.to_owned());
            return;
        }
        if step.status == StepStatus::Unknown {
            self.lines.push("may have run".to_owned());
            return;
        }
        if let Some(cost) = step.cost.filter(|cost| !cost.is_zero()) {
            self.lines.push(format!("{}  {}", self.time, short(cost)));
        }
        self.lines.push(self.time.clone());
    }

    fn skipped(&mut self, step: &StepState) {
        let reason = match (step.reason, &step.because) {
            (Some(SkipReason::Condition), _) => "condition".to_owned(),
            (Some(SkipReason::Upstream), Some(because)) => {
                format!("after {}", text::clean(because, 40))
            }
            (Some(SkipReason::Upstream), None) => "upstream".to_owned(),
            (Some(SkipReason::Limit), _) => "limit".to_owned(),
            (Some(SkipReason::User), _) => "by hand".to_owned(),
            (None, _) => String::new(),
        };
        self.lines.push(reason);
    }

    /// What is folded in a node: its steps by state, and the state among them that needs a look most.
    pub(super) fn folded(state: &RunState, members: &[StepIx], now: Micros, theme: &Theme) -> Self {
        let status = urgent(state, members);
        let style = theme.status(status);
        let quiet = matches!(status, StepStatus::Pending | StepStatus::Skipped);
        let mut card = Self {
            glyph: style.glyph,
            style: style.style,
            name: match status {
                StepStatus::Running => theme.strong,
                _ if quiet => theme.dim,
                _ => theme.text,
            },
            mark: String::new(),
            mark_look: theme.accent,
            lines: Vec::new(),
            detail: theme.dim,
            time: String::new(),
        };
        card.counts(state, members, theme);
        if status == StepStatus::Running {
            card.detail = theme.text;
        }
        let rows = members.iter().filter_map(|row| state.steps.get(row.at()));
        let started = rows
            .clone()
            .filter_map(|row| row.started_at.or(row.ready_at))
            .min();
        if card.time.is_empty()
            && let Some(started) = started
        {
            let ended = rows.map(|row| row.ended_at.unwrap_or(now)).max();
            card.time = text::span(ended.unwrap_or(now) - started);
        }
        card
    }

    /// `×100` and `✔83 ●9 ✖1`, less where there is less room.
    fn counts(&mut self, state: &RunState, members: &[StepIx], theme: &Theme) {
        use StepStatus::{Cancelled, Failed, Pending, Ready, Running, Skipped, Succeeded, Unknown};
        let mut counts = [0usize; 8];
        for member in members {
            if let Some(row) = state.steps.get(member.at()) {
                counts[row.status as usize] += 1;
            }
        }
        let count = |status: StepStatus| counts[status as usize];
        let all = members.len();
        let times = if theme.ascii { "x" } else { "×" };
        let line = |statuses: &[StepStatus]| {
            let shown = statuses.iter().filter(|status| count(**status) > 0);
            let parts: Vec<String> = shown
                .map(|&status| format!("{}{}", theme.status(status).glyph, count(status)))
                .collect();
            parts.join(" ")
        };
        let done = count(Succeeded);
        let failed = line(&[Failed]);
        self.mark = format!("{times}{all}");
        self.mark_look = theme.accent;
        self.lines = vec![
            line(&[
                Succeeded, Running, Failed, Unknown, Cancelled, Skipped, Ready, Pending,
            ]),
            line(&[Succeeded, Running, Failed, Unknown, Cancelled]),
            line(&[Succeeded, Running, Failed]),
            line(&[Succeeded, Failed]),
            format!("{done}/{all} {failed}").trim_end().to_owned(),
            format!("{done}/{all}"),
        ];
        self.lines.retain(|line| !line.is_empty());
        let share = format!("{done}/{all}");
        if done > 0 && done < all {
            self.time = if share.len() <= TIME {
                share
            } else {
                format!("{}%", done * 100 / all.max(1))
            };
        }
    }

    /// The fullest line that fits, or the shortest with its end cut off.
    pub(super) fn line(&self, columns: usize, ascii: bool) -> String {
        let fits = self.lines.iter().find(|line| text::width(line) <= columns);
        match (fits, self.lines.last()) {
            (Some(line), _) => line.clone(),
            (None, Some(line)) => text::fit(line, columns, ascii),
            (None, None) => String::new(),
        }
    }
}

/// The state that needs a look most; where all have ended well or been skipped, that.
pub(super) fn urgent(state: &RunState, members: &[StepIx]) -> StepStatus {
    let rows = members.iter().filter_map(|row| state.steps.get(row.at()));
    rows.map(|row| row.status)
        .min_by_key(|&status| urgency(status))
        .unwrap_or_default()
}

/// How soon a state is looked for among others; 0 first.
pub(super) fn urgency(status: StepStatus) -> u8 {
    match status {
        StepStatus::Failed => 0,
        StepStatus::Unknown => 1,
        StepStatus::Running => 2,
        StepStatus::Cancelled => 3,
        StepStatus::Ready => 4,
        StepStatus::Pending => 5,
        StepStatus::Succeeded => 6,
        StepStatus::Skipped => 7,
    }
}

/// How long the step has been at it, or was.
fn elapsed(step: &StepState, now: Micros) -> Option<Micros> {
    let started = step.started_at.or(step.ready_at)?;
    Some(step.ended_at.unwrap_or(now) - started)
}

/// What holds the step, the fullest words first.
fn waiting(step: &StepState, now: Micros) -> Vec<String> {
    let words = match step.waiting {
        None => "ready",
        Some(WaitReason::Budget) => "waits: budget",
        Some(WaitReason::Rate) => return throttled(step, now),
        Some(WaitReason::Exclusive) => "waits: alone",
        Some(WaitReason::Breakpoint) => "breakpoint",
    };
    vec![words.to_owned()]
}

fn throttled(step: &StepState, now: Micros) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(rate) = step.rate.as_deref() {
        let name = text::clean(&rate.name, 40);
        if let Some(left) = rate.until.filter(|at| *at > now).map(|at| at - now) {
            let left = text::span(left);
            lines.push(format!("waits: {name} {left}"));
            lines.push(format!("{name} {left}"));
            lines.push(format!("rate {left}"));
        } else {
            lines.push(format!("waits: {name}"));
        }
    }
    lines.push("waits: rate".to_owned());
    lines
}

/// At most seven columns for what a step usually costs.
fn short(cost: Money) -> String {
    let usd = cost.usd();
    if usd >= 100.0 {
        format!("${usd:.0}")
    } else if usd >= 1.0 {
        format!("${usd:.2}")
    } else if usd >= 0.000_05 {
        format!("${usd:.4}")
    } else {
        "<$.0001".to_owned()
    }
}
