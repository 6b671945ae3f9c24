//! What a node says about its step.

use super::text;
use crate::run::{
    Micros, Money, RunState, SkipReason, StepSource, StepState, StepStatus, WaitReason,
};
use crate::tui::Theme;
use ratatui::style::Style;

/// The words and looks of one node in one frame.
#[derive(Clone, Debug)]
pub(super) struct Card {
    /// The status, by shape.
    pub(super) glyph: &'static str,
    /// The status, by colour.
    pub(super) look: Style,
    /// For the label.
    pub(super) name: Style,
    /// Stands at the end of the label's line: `×2` for a second try. May be empty.
    pub(super) mark: String,
    /// Time and cost, or what is being waited for; the fullest first, for as many columns as there are.
    pub(super) lines: Vec<String>,
    /// For that line.
    pub(super) detail: Style,
    /// The time alone. May be empty.
    pub(super) time: String,
}

impl Card {
    pub(super) fn new(state: &RunState, step: &StepState, now: Micros, theme: &Theme) -> Self {
        let look = theme.status(step.status);
        let tries = step.last_attempt().map_or(0, |attempt| attempt.number);
        let times = if theme.ascii { "x" } else { "×" };
        let quiet = matches!(step.status, StepStatus::Pending | StepStatus::Skipped);
        let mut card = Self {
            glyph: look.glyph,
            look: look.style,
            name: if quiet { theme.dim } else { theme.text },
            mark: String::new(),
            lines: Vec::new(),
            detail: theme.dim,
            time: String::new(),
        };
        if tries > 1 && step.elements().is_empty() {
            card.mark = format!("{times}{tries}");
        }
        if step.status == StepStatus::Running {
            card.name = theme.strong;
            card.detail = theme.text;
        }
        if !step.elements().is_empty() {
            card.fold(state, step, theme);
            card.time = elapsed(step, now).map(text::span).unwrap_or_default();
            return card;
        }
        match step.status {
            StepStatus::Pending => {}
            StepStatus::Ready => card.lines.push(waiting(step).to_owned()),
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
        if let Some(due) = step.retry_at
            && step.under_way().is_none()
        {
            let left = text::span(due - now);
            self.lines.push(format!("retry in {left}"));
            self.lines.push(left.clone());
            self.time = left;
            return;
        }
        if let Some(attempt) = step.under_way() {
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

    /// `×100 ✔83 ▶9 ✖1`, less where there is less room.
    fn fold(&mut self, state: &RunState, step: &StepState, theme: &Theme) {
        let mut counts = [0usize; 8];
        for element in step.elements() {
            if let Some(row) = state.steps.get(element.at()) {
                counts[row.status as usize] += 1;
            }
        }
        let count = |status: StepStatus| counts[status as usize];
        let all = step.elements().len();
        let times = if theme.ascii { "x" } else { "×" };
        let part = |status: StepStatus| {
            let glyph = theme.status(status).glyph;
            match count(status) {
                0 => String::new(),
                some => format!(" {glyph}{some}"),
            }
        };
        let done = part(StepStatus::Succeeded);
        let running = part(StepStatus::Running);
        let failed = part(StepStatus::Failed);
        self.lines = vec![
            format!("{times}{all}{done}{running}{failed}"),
            format!("{times}{all}{done}{failed}"),
            format!("{}/{all}{failed}", count(StepStatus::Succeeded)),
            format!("{}/{all}", count(StepStatus::Succeeded)),
        ];
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

/// How long the step has been at it, or was.
fn elapsed(step: &StepState, now: Micros) -> Option<Micros> {
    let started = step.started_at.or(step.ready_at)?;
    Some(step.ended_at.unwrap_or(now) - started)
}

fn waiting(step: &StepState) -> &'static str {
    match step.waiting {
        None => "ready",
        Some(WaitReason::Budget) => "waits: budget",
        Some(WaitReason::Rate) => "waits: rate",
        Some(WaitReason::Exclusive) => "waits: alone",
        Some(WaitReason::Breakpoint) => "breakpoint",
    }
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
