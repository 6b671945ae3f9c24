//! Asking the planner for a correction of the plan, and applying it once it was seen.

use super::structure;
use crate::run::StepStatus;
use crate::tui::dashboard::history::{HistoryQuery, RepairQuestion};
use crate::tui::dashboard::keymap::conditions::status_is;
use crate::tui::dashboard::message::Effect;
use crate::tui::dashboard::state::correction::{Correction, RepairPrice};
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::overlay::Overlay;
use crate::tui::dashboard::state::repairing::{RepairStage, Repairing};
use crate::tui::terminal::screen::{Outcome, TerminalEffect};
use std::sync::Arc;

fn open(model: &Model) -> Option<&Repairing> {
    match &model.overlay {
        Some(Overlay::Repairing(repairing)) => Some(repairing),
        _ => None,
    }
}

fn of_number(model: &mut Model, number: u64) -> Option<&mut Repairing> {
    model.dirty = true;
    match &mut model.overlay {
        Some(Overlay::Repairing(repairing)) => {
            Some(&mut **repairing).filter(|repairing| repairing.number == number)
        }
        _ => None,
    }
}

/// Whether the planner can be asked about the selected step: it failed in a run on record.
pub(crate) fn can_begin(model: &Model) -> bool {
    structure::has_plan(model) && status_is(model, |status| status == StepStatus::Failed)
}

/// Asks what a correction costs.
pub(crate) fn begin(model: &mut Model) -> Vec<Effect> {
    let Some(step) = model.row().map(|row| Arc::clone(&row.info.id)) else {
        return Vec::new();
    };
    model.trial_numbers += 1;
    let number = model.trial_numbers;
    let question = question(model, &step, RepairQuestion::Price);
    model.overlay = Some(Overlay::Repairing(Box::new(Repairing {
        number,
        step,
        stage: RepairStage::Priced(None),
        scroll: 0,
    })));
    question
}

fn question(model: &Model, step: &Arc<str>, about: RepairQuestion) -> Vec<Effect> {
    let Some(header) = model.run.header.as_deref() else {
        return Vec::new();
    };
    vec![Effect::Ask(HistoryQuery::Repair {
        number: model.trial_numbers,
        run_id: Arc::clone(&header.run_id),
        step: Arc::clone(step),
        on_top_of: (model.run.hand_over.as_ref()).map(|to| Arc::clone(&to.run_id)),
        about,
    })]
}

/// Takes in what it costs.
pub(super) fn take_price(model: &mut Model, number: u64, price: RepairPrice) {
    if let Some(repairing) = of_number(model, number) {
        repairing.stage = RepairStage::Priced(Some(price));
    }
}

/// Takes in how far the planner is.
pub(super) fn take_progress(model: &mut Model, number: u64, words: String) {
    if let Some(repairing) = of_number(model, number)
        && let RepairStage::Asking(said) = &mut repairing.stage
    {
        *said = Some(words);
    }
}

/// Takes in the correction, or why there is none. One that is not for the file is an edit of the run's plan.
pub(super) fn take(
    model: &mut Model,
    number: u64,
    known: Result<Box<Correction>, Arc<str>>,
) -> Vec<Effect> {
    let Some(repairing) = of_number(model, number) else {
        return Vec::new();
    };
    match known {
        Ok(correction) if correction.change.is_none() && !correction.diff.is_empty() => {
            let step = Arc::clone(&repairing.step);
            return structure::corrected(model, step, correction);
        }
        Ok(correction) => repairing.stage = RepairStage::Shown(correction),
        Err(why) => repairing.stage = RepairStage::Failed(why),
    }
    repairing.scroll = 0;
    Vec::new()
}

/// Whether the question waits for the user's yes.
pub(crate) fn is_priced(model: &Model) -> bool {
    open(model).is_some_and(|it| matches!(it.stage, RepairStage::Priced(Some(_))))
}

/// Whether the planner is being asked.
pub(crate) fn is_asking(model: &Model) -> bool {
    open(model).is_some_and(|it| matches!(it.stage, RepairStage::Asking(_)))
}

/// Whether a correction is shown that changes something.
pub(crate) fn can_apply(model: &Model) -> bool {
    open(model).is_some_and(
        |it| matches!(&it.stage, RepairStage::Shown(correction) if !correction.diff.is_empty()),
    )
}

/// Whether it can be left.
pub(crate) fn can_leave(model: &Model) -> bool {
    open(model).is_some() && !is_asking(model)
}

/// Asks the planner.
pub(crate) fn ask(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::Repairing(repairing)) = &mut model.overlay else {
        return Vec::new();
    };
    repairing.stage = RepairStage::Asking(None);
    let step = Arc::clone(&repairing.step);
    question(model, &step, RepairQuestion::Correction)
}

/// Asks it no longer.
pub(crate) fn stop(model: &mut Model) -> Vec<Effect> {
    model.overlay = None;
    model.notice = Some("the planner is not asked any more".to_owned());
    vec![Effect::Ask(HistoryQuery::StopRepair)]
}

/// Has the correction written to the plan's file.
pub(crate) fn apply(model: &mut Model) -> Vec<Effect> {
    let Some(RepairStage::Shown(correction)) = open(model).map(|it| &it.stage) else {
        return Vec::new();
    };
    let diff = correction.diff.clone();
    vec![Effect::Ask(HistoryQuery::WriteRepair { diff })]
}

/// It is written: leaves for a run of its own that runs again what changed.
pub(super) fn written(model: &mut Model, written: Result<(), Arc<str>>) -> Vec<Effect> {
    model.dirty = true;
    match written {
        Ok(()) if open(model).is_some() => {
            model.overlay = None;
            vec![Effect::Terminal(TerminalEffect::Leave(Outcome::RunChanged))]
        }
        Ok(()) => Vec::new(),
        Err(why) => {
            model.notice = Some(why.to_string());
            Vec::new()
        }
    }
}
