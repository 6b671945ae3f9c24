//! What a node says about its step.

use super::metrics::TIME;
use super::text;
use crate::plan::StepIx;
use crate::run::{RunState, SkipReason, StepSource, StepState, StepStatus, WaitReason};
use crate::text::format;
use crate::tui::Theme;
use crate::tui::dashboard::state::step_look::StepLook;
use crate::units::Micros;
use ratatui::style::Style;

/// The words and looks of one node in one frame.
#[derive(Clone, Debug)]
pub(super) struct Card {
    /// The state, by shape.
    pub(super) glyph: &'static str,
    /// The state, by colour.
    pub(super) style: Style,
    /// Whether it has nothing to call for: its border is grey.
    pub(super) recedes: bool,
    /// The ground of a pill.
    pub(super) tint: Style,
    /// For the label.
    pub(super) name: Style,
    /// Stands beside the label: `×2` for a second attempt, `×100` for what is folded here, `◉` for a breakpoint. May be
    /// empty.
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
    pub(super) fn new(
        state: &RunState,
        step: &StepState,
        broken: bool,
        now: Micros,
        theme: &Theme,
    ) -> Self {
        let look = StepLook::of(step, broken);
        let mut card = Self::looking(look, theme);
        let attempts = step.last_attempt().map_or(0, |attempt| attempt.number);
        if attempts > 1 && step.elements().is_empty() && look != StepLook::Retry {
            let again = StepLook::Retry.style(theme).glyph;
            card.mark = format!("{again}{attempts}");
        }
        if broken && look != StepLook::Breakpoint {
            let sign = StepLook::Breakpoint.style(theme);
            card.mark.push_str(sign.glyph);
            card.mark_look = sign.style;
        }
        if !step.elements().is_empty() {
            card.counts(state, step.elements(), theme);
            if card.time.is_empty() {
                card.time = elapsed(step, now)
                    .map(words_of(step.status))
                    .unwrap_or_default();
            }
            return card;
        }
        if !step.calls().is_empty() {
            let running = step.status == StepStatus::Running;
            if running {
                card.counts(state, step.calls(), theme);
            } else if card.mark.is_empty() {
                card.mark = format!(
                    "{}{}",
                    if theme.ascii { "+" } else { "↳" },
                    step.calls().len()
                );
            }
            if running {
                return card;
            }
        }
        match step.status {
            StepStatus::Pending if look == StepLook::Breakpoint => {
                card.lines.push("breakpoint".to_owned());
            }
            StepStatus::Pending => card.lines = stale(state, step),
            StepStatus::Ready if look == StepLook::Breakpoint => {
                card.lines.push("breakpoint".to_owned());
            }
            StepStatus::Ready => {
                card.lines = stale(state, step);
                if card.lines.is_empty() || step.waiting.is_some() {
                    card.lines = waiting(step, now);
                }
            }
            StepStatus::Running => card.running(step, now, theme),
            StepStatus::Skipped => card.skipped(step),
            StepStatus::Succeeded
            | StepStatus::Failed
            | StepStatus::Cancelled
            | StepStatus::Unknown => card.ended(step),
        }
        card
    }

    fn looking(look: StepLook, theme: &Theme) -> Self {
        let style = look.style(theme);
        let status = look.status();
        let quiet = matches!(
            look,
            StepLook::Status(StepStatus::Pending | StepStatus::Skipped)
        );
        let runs = look == StepLook::Status(StepStatus::Running);
        Self {
            glyph: style.glyph,
            style: style.style,
            recedes: look.recedes(),
            tint: theme.tint(status),
            name: match (runs, quiet) {
                (true, _) => theme.strong,
                (_, true) => theme.dim,
                _ => theme.text,
            },
            mark: String::new(),
            mark_look: theme.warning,
            lines: Vec::new(),
            detail: if runs { theme.text } else { theme.dim },
            time: String::new(),
        }
    }

    fn running(&mut self, step: &StepState, now: Micros, theme: &Theme) {
        if step.running_attempt().is_none() && step.waiting.is_some() {
            self.lines = waiting(step, now);
            return;
        }
        if let Some(due) = step.retry_at
            && step.running_attempt().is_none()
        {
            let left = format::elapsed(due - now);
            let sign = StepLook::Retry.style(theme).glyph;
            let next = step.last_attempt().map_or(1, |attempt| attempt.number) + 1;
            let of = step.info.price.as_ref().map(|price| price.attempts);
            let number = match of.filter(|all| *all >= next) {
                Some(all) => format!("{next}/{all}"),
                None => next.to_string(),
            };
            self.lines.push(format!("retry {number} in {left}"));
            self.lines.push(format!("{sign} {number} in {left}"));
            self.lines.push(left.clone());
            self.time = left;
            return;
        }
        if let Some(time) = step.running_time(now) {
            self.time = format::elapsed(time);
            self.lines.push(self.time.clone());
        }
    }

    fn ended(&mut self, step: &StepState) {
        self.time = format::duration(step.service);
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
            self.lines
                .push(format!("{}  {}", self.time, format::cost(cost)));
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
    pub(super) fn folded(
        state: &RunState,
        members: &[StepIx],
        broken: &dyn Fn(StepIx) -> bool,
        now: Micros,
        theme: &Theme,
    ) -> Self {
        let mut card = Self::looking(urgent(state, members, broken), theme);
        card.mark_look = theme.accent;
        card.counts(state, members, theme);
        let rows = members.iter().filter_map(|row| state.steps.get(row.at()));
        let started = rows
            .clone()
            .filter_map(|row| row.started_at().or(row.ready_at()))
            .min();
        if card.time.is_empty()
            && let Some(started) = started
        {
            let ended = rows.clone().map(|row| row.ended_at().unwrap_or(now)).max();
            let is_over = rows.clone().all(|row| row.status.has_ended());
            let words = if is_over {
                format::duration
            } else {
                format::elapsed
            };
            card.time = words(ended.unwrap_or(now) - started);
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

/// The look that needs attention most; where all have ended well or been skipped, that.
pub(super) fn urgent(
    state: &RunState,
    members: &[StepIx],
    broken: &dyn Fn(StepIx) -> bool,
) -> StepLook {
    let rows = members
        .iter()
        .filter_map(|ix| Some((*ix, state.steps.get(ix.at())?)));
    rows.map(|(ix, row)| StepLook::of(row, broken(ix)))
        .min_by_key(|look| look.urgency())
        .unwrap_or(StepLook::Status(StepStatus::Pending))
}

/// How long the step has been at it, or was.
pub(super) fn elapsed(step: &StepState, now: Micros) -> Option<Micros> {
    let started = step.started_at().or(step.ready_at())?;
    Some(step.ended_at().unwrap_or(now) - started)
}

/// How the time of a step with this status is written.
fn words_of(status: StepStatus) -> fn(Micros) -> String {
    if status.has_ended() {
        format::duration
    } else {
        format::elapsed
    }
}

/// Because of whose edit what the step came to is out of date, the fullest words first; nothing where it is not.
fn stale(state: &RunState, step: &StepState) -> Vec<String> {
    let Some(id) = state.stale_because(step) else {
        return Vec::new();
    };
    let words = if *id == step.info.id {
        "stale: edited".to_owned()
    } else {
        format!("stale: {} edited", text::clean(id, 40))
    };
    vec![words, "stale".to_owned()]
}

/// What holds the step, the fullest words first.
pub(super) fn waiting(step: &StepState, now: Micros) -> Vec<String> {
    let words = match step.waiting {
        None => "ready",
        Some(WaitReason::Budget) => "waits: budget",
        Some(WaitReason::Rate) => return throttled(step, now),
        Some(WaitReason::Exclusive) => "waits: alone",
        Some(WaitReason::Breakpoint) => "breakpoint",
        Some(WaitReason::Approval) => "approve?",
        Some(WaitReason::Target | WaitReason::HandOver) => "stands aside",
    };
    vec![words.to_owned()]
}

fn throttled(step: &StepState, now: Micros) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(rate) = step.rate.as_deref() {
        let name = text::clean(&rate.name, 40);
        if let Some(left) = rate.until.filter(|at| *at > now).map(|at| at - now) {
            let left = format::elapsed(left);
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
