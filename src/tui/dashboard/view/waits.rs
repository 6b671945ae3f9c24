//! What the run waits for, in the header.

use super::rate_wait;
use crate::plan::StepIx;
use crate::run::{HeldAt, RunOutcome, RunPhase, StepStatus, WaitReason};
use crate::text::{self, format};
use crate::tui::dashboard::state::model::Model;
use crate::tui::input::key::Key;
use crate::tui::widgets::header_segments::Segment;
use ratatui::text::Span;

/// Cells that a name may take.
const NAME: usize = 40;

/// What the run waits for.
pub(super) fn waiting(model: &Model) -> Vec<Segment> {
    let theme = &model.theme;
    let name = |ix: StepIx| {
        let room = (model.size.0 as usize / 5).clamp(8, NAME);
        model
            .run
            .steps
            .get(ix.at())
            .map_or_else(String::new, |row| model.names.fit(&row.info.id, room))
    };
    let words = |before: &'static str, name: String, after: String| {
        vec![Segment::new(
            6,
            vec![
                Span::styled(before, theme.dim),
                Span::styled(name, theme.text),
                Span::styled(after, theme.dim),
            ],
        )]
    };
    let run = &model.run;
    if let RunPhase::Ended(outcome) = run.phase {
        return ended(model, outcome);
    }
    if let Some(held) = run.held_steps.last() {
        let before = match held.at {
            HeldAt::Before | HeldAt::Target => "held before ",
            HeldAt::After => "held after ",
            HeldAt::Failure => "held at the failure of ",
            HeldAt::Missed => "held on the way to ",
        };
        let why = held.why(run).map_or_else(String::new, |why| {
            format!(": {}", text::fit(&text::line(&why), NAME))
        });
        return words(before, name(held.step), why);
    }
    if let Some(to) = run.target.as_deref() {
        let room = (model.size.0 as usize / 5).clamp(8, NAME);
        return words("goes to ", model.names.fit(to, room), String::new());
    }
    if let Some(to) = &run.hand_over {
        let room = (model.size.0 as usize / 5).clamp(8, NAME);
        let after = format!(" ({}) takes effect when nothing is running", to.words());
        return words("the edit of ", model.names.fit(&to.step, room), after);
    }
    if let Some(ix) = model.run_index.unapproved().first() {
        let key = model.keymap.shown("approve", Key::char('A'));
        let more = match model.run_index.unapproved().len() {
            1 => format!(" ({key})"),
            many => format!(" and {} more ({key})", many - 1),
        };
        return words("needs an approval: ", name(*ix), more);
    }
    let asking = model.run_index.asking();
    if let Some(ix) = asking.first() {
        let more = match asking.len() {
            1 => String::new(),
            many => format!(" and {} more", many - 1),
        };
        return words("asks you: ", name(*ix), more);
    }
    if let Some((ix, row)) = model
        .blocker
        .and_then(|ix| Some((ix, run.steps.get(ix.at())?)))
    {
        let since = row.running_time(model.now).unwrap_or_default();
        return words(
            "waiting on ",
            name(ix),
            format!(" ({})", format::elapsed(since)),
        );
    }
    if let Some((ix, due)) = model.run_index.next_retry(run) {
        return words(
            "retrying ",
            name(ix),
            format!(" in {}", format::elapsed(due - model.now)),
        );
    }
    if run.waits_for_user() {
        let count = format::count(model.run_index.unknown().len(), "unknown step");
        return words("needs your answer on ", count, String::new());
    }
    let held = model.run_index.held();
    if let Some(rate) = rate_wait::words(model, NAME) {
        return rate;
    }
    if let Some((ix, reason)) = held
        .first()
        .and_then(|ix| Some((*ix, run.steps.get(ix.at())?.waiting?)))
    {
        let before = match reason {
            WaitReason::Budget => "held by budget: ",
            WaitReason::Rate => "held by rate: ",
            WaitReason::Exclusive => "runs alone: ",
            WaitReason::Breakpoint => "at a breakpoint: ",
            WaitReason::Approval => "needs an approval: ",
            WaitReason::Target => "not needed on the way: ",
            WaitReason::HandOver => "left to the edited plan: ",
        };
        let more = if held.len() > 1 {
            format!(" and {} more", held.len() - 1)
        } else {
            String::new()
        };
        return words(before, name(ix), more);
    }
    let ready = run.count(StepStatus::Ready);
    if run.phase == RunPhase::Paused && ready > 0 {
        return words(
            "the pause holds ",
            format::count(ready, "step"),
            String::new(),
        );
    }
    Vec::new()
}

/// How it ended, where more can be said than the state says.
fn ended(model: &Model, outcome: RunOutcome) -> Vec<Segment> {
    let theme = &model.theme;
    let (words, style) = match outcome {
        RunOutcome::LimitExceeded => {
            let names: Vec<&str> = model
                .run
                .exceeded
                .iter()
                .map(|limit| limit.name())
                .collect();
            (format!("reached {}", names.join(", ")), theme.bad)
        }
        RunOutcome::Failed => {
            let key = |name, usual| model.keymap.shown(name, Key::char(usual));
            let (shows, reruns) = (key("next-failure", 'n'), key("retry", 'r'));
            let words = format!("{shows} shows the failure, {reruns} reruns it");
            (words, theme.dim)
        }
        _ => return Vec::new(),
    };
    vec![Segment::new(3, vec![Span::styled(words, style)])]
}
