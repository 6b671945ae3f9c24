//! How the run stands, for the title of the window and the task bar, and what a user who looks elsewhere is told.

use super::state::model::Model;
use crate::run::{EventKind, RunEvent, RunOutcome, RunPhase, StepStatus};
use crate::text;
use crate::tui::terminal::screen::TerminalEffect;
use crate::tui::terminal::surroundings::{Progress, TerminalStatus};
use std::sync::Arc;

/// The most cells of a plan's name, and of a step's.
const NAME: usize = 50;

fn name(model: &Model) -> String {
    let header = model.latest().header.as_deref();
    let name = header.map_or(model.title.as_str(), |header| &header.plan);
    text::fit(name, NAME)
}

/// How the run stands now, whatever event of it is shown.
pub(super) fn of(model: &Model) -> TerminalStatus {
    let (theme, run) = (&model.theme, model.latest());
    let name = name(model);
    let glyph = |status: StepStatus| theme.status(status).glyph;
    if model.is_replay() {
        return TerminalStatus {
            title: format!("{name} (replay) - plandeck"),
            progress: None,
        };
    }
    let all = run.steps.len();
    let over = StepStatus::ALL
        .into_iter()
        .filter(|status| status.has_ended());
    let over: usize = over.map(|status| run.count(status)).sum();
    let percent = (over * 100).checked_div(all).unwrap_or(0).min(100) as u8;
    let failed = run.count(StepStatus::Failed);
    let (begin, progress) = match run.phase {
        RunPhase::Empty => (String::new(), None),
        RunPhase::Ended(RunOutcome::Succeeded) => {
            (format!("{} ", glyph(StepStatus::Succeeded)), None)
        }
        RunPhase::Ended(RunOutcome::Waiting) => ("waiting ".to_owned(), None),
        RunPhase::Ended(RunOutcome::Cancelled) => {
            (format!("{} ", glyph(StepStatus::Cancelled)), None)
        }
        RunPhase::Ended(_) => (format!("{} ", glyph(StepStatus::Failed)), None),
        RunPhase::Paused => (
            format!("paused {percent}% "),
            Some(Progress::Paused(percent)),
        ),
        RunPhase::Running | RunPhase::Stopping if failed > 0 => (
            format!("{failed} {} {percent}% ", glyph(StepStatus::Failed)),
            Some(Progress::Failing(percent)),
        ),
        RunPhase::Running | RunPhase::Stopping => {
            (format!("{percent}% "), Some(Progress::Running(percent)))
        }
    };
    TerminalStatus {
        title: format!("{begin}{name} - plandeck"),
        progress,
    }
}

/// The part of these events that a user who looks elsewhere is told: the first failure, what needs an
/// approval, and the end of the run.
pub(super) fn news(events: &[RunEvent]) -> Vec<News> {
    let mut news = Vec::new();
    let failed = events.iter().find_map(|event| match &event.kind {
        EventKind::StepFailed { step, .. } => Some(News::Failed(Arc::clone(&step.id))),
        _ => None,
    });
    news.extend(failed);
    let asked = events.iter().find_map(|event| match &event.kind {
        EventKind::ApprovalAsked { step, .. } => Some(News::Asks(Arc::clone(&step.id))),
        _ => None,
    });
    news.extend(asked);
    let is_end = |event: &RunEvent| matches!(event.kind, EventKind::RunEnded { .. });
    if events.iter().any(is_end) {
        news.push(News::Ended);
    }
    news
}

/// Something that the user is told.
pub(super) enum News {
    /// This step failed.
    Failed(Arc<str>),
    /// This step needs an approval.
    Asks(Arc<str>),
    /// The run has ended.
    Ended,
}

/// How the user is told of it.
pub(super) fn notices(model: &Model, news: &[News]) -> Vec<TerminalEffect> {
    if model.is_replay() {
        return Vec::new();
    }
    let notices = news.iter().filter_map(|news| {
        let (words, last) = match (news, model.latest().phase) {
            (News::Asks(id), _) => (format!("{} needs an approval", text::fit(id, NAME)), false),
            (News::Failed(id), _) => (format!("{} failed", text::fit(id, NAME)), false),
            (News::Ended, RunPhase::Ended(outcome)) => {
                let how = match outcome {
                    RunOutcome::Succeeded => "succeeded",
                    RunOutcome::Failed => "failed",
                    RunOutcome::LimitExceeded => "was stopped by a limit",
                    RunOutcome::Cancelled => "was cancelled",
                    RunOutcome::Waiting => "waits for an answer",
                };
                (format!("the run {how}"), true)
            }
            (News::Ended, _) => return None,
        };
        let words = format!("{}: {words}", name(model));
        Some(TerminalEffect::Notify { words, last })
    });
    notices.collect()
}
