//! Settings that are changed while the run goes on, and the limit that stopped it.

use super::previewed;
use crate::run::{EventKind, RunCommand, RunEvent, RunOutcome, RunPhase};
use crate::tui::dashboard::message::Effect;
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::overlay::{Overlay, Question};
use crate::tui::dashboard::state::setting_line::{Named, SettingLine, parse, raised, typed, words};

/// Opens the settings; from the question about a limit, with what is proposed.
pub(crate) fn open(model: &mut Model) {
    let line = match model.overlay {
        Some(Overlay::Question(Question::Raise)) => {
            let proposed = raised(&model.run).map_or_else(String::new, |one| typed(&one));
            SettingLine::with(&proposed, true)
        }
        _ => SettingLine::default(),
    };
    model.overlay = Some(Overlay::Settings(line));
}

/// Puts the next setting into the line, with the value that it has.
pub(crate) fn next(model: &mut Model, forward: bool) {
    let run = &model.run;
    let Some(Overlay::Settings(line)) = &mut model.overlay else {
        return;
    };
    let word = line.field.text().split_whitespace().next();
    let at = word.and_then(Named::of).and_then(|named| {
        let mut all = Named::ALL.iter();
        all.position(|known| *known == named)
    });
    let all = Named::ALL.len();
    let next = match (at, forward) {
        (None, true) => 0,
        (None, false) => all - 1,
        (Some(at), true) => (at + 1) % all,
        (Some(at), false) => (at + all - 1) % all,
    };
    let named = Named::ALL[next];
    let limits = &run.limits;
    let value = match named {
        Named::Slots => limits.max_concurrent.map(|slots| slots.to_string()),
        Named::Budget => limits
            .max_total_cost_usd
            .map(|limit| limit.usd().to_string()),
        Named::Calls => limits.max_tool_calls.map(|calls| calls.to_string()),
        Named::Time => limits.timeout_seconds.map(|seconds| seconds.to_string()),
        Named::Rate => run.rates.0.keys().next().map(ToString::to_string),
    };
    *line = SettingLine::with(
        &format!("{} {}", named.word(), value.unwrap_or_default()),
        line.continues,
    );
}

/// Applies what was typed; a value that cannot be taken stays in the line, with the reason.
pub(crate) fn apply(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::Settings(line)) = &mut model.overlay else {
        return Vec::new();
    };
    match parse(line.field.text(), &model.run, model.now) {
        Ok(setting) => {
            let continues = line.continues;
            model.overlay = None;
            if continues {
                return previewed::offer(model, RunCommand::ContinueAfterLimit(vec![setting]));
            }
            previewed::offer(model, RunCommand::Set(setting))
        }
        Err(fault) => {
            line.fault = Some(fault);
            Vec::new()
        }
    }
}

/// Applies a setting that was typed elsewhere; one that cannot be taken is shown with the reason.
pub(crate) fn apply_text(model: &mut Model, text: &str) -> Vec<Effect> {
    model.overlay = Some(Overlay::Settings(SettingLine::with(text.trim(), false)));
    apply(model)
}

/// Whether a limit has stopped the run, and raising it could let it continue.
pub(crate) fn can_raise(model: &Model) -> bool {
    model.run.phase == RunPhase::Ended(RunOutcome::LimitExceeded) && raised(&model.run).is_some()
}

/// Asks whether to raise the limit that stopped the run.
pub(crate) fn ask_to_raise(model: &mut Model) {
    model.overlay = Some(Overlay::Question(Question::Raise));
}

/// Raises the limit that stopped the run, and lets it continue, once it is said what that runs and costs.
pub(crate) fn raise(model: &mut Model) -> Vec<Effect> {
    let Some(setting) = raised(&model.run) else {
        return Vec::new();
    };
    previewed::offer(model, RunCommand::ContinueAfterLimit(vec![setting]))
}

/// Says what changed, and asks about a limit that has stopped the run.
pub(super) fn on_events(model: &mut Model, changed: Option<String>, limit_reached: bool) {
    if let Some(words) = changed {
        model.notice = Some(words);
    }
    let asks = matches!(model.overlay, Some(Overlay::Question(Question::Raise)));
    if asks && !can_raise(model) {
        model.overlay = None;
    }
    let is_free = model.overlay.is_none() && !model.leaving && !model.is_past();
    if limit_reached && is_free && can_raise(model) {
        model.banner = false;
        ask_to_raise(model);
    }
}

/// The last setting that events change, in words, and whether they end the run at a limit.
pub(super) fn told(events: &[RunEvent]) -> (Option<String>, bool) {
    let changed = events.iter().rev().find_map(|event| match &event.kind {
        EventKind::SettingChanged { setting } => Some(words(setting)),
        _ => None,
    });
    let limit = events.iter().any(|event| {
        let EventKind::RunEnded { status, .. } = &event.kind else {
            return false;
        };
        *status == RunOutcome::LimitExceeded
    });
    (changed, limit)
}
