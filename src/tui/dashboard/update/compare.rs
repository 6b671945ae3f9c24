//! Opening what there is to compare, choosing another run, and taking in what the record answers.

use crate::text::format;
use crate::tui::dashboard::history::{HistoryAnswer, HistoryQuery};
use crate::tui::dashboard::message::Effect;
use crate::tui::dashboard::state::comparison::{Against, RunChoice, Runs, SideBySide};
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::overlay::Overlay;
use std::sync::Arc;

/// Opens what there is to be compared: the step in both runs, else its attempts, else the choice of a run.
pub(crate) fn open(model: &mut Model) -> Vec<Effect> {
    let pairs = model.pairs();
    if pairs.is_empty() {
        return choose(model);
    }
    model.overlay = Some(Overlay::SideBySide(SideBySide {
        pair: pairs.len() - 1,
        ..SideBySide::default()
    }));
    Vec::new()
}

/// Opens the choice of another run.
pub(crate) fn choose(model: &mut Model) -> Vec<Effect> {
    let Some(header) = model.run.header.as_deref() else {
        return Vec::new();
    };
    let query = HistoryQuery::Runs {
        run_id: Arc::clone(&header.run_id),
        plan: Arc::clone(&header.plan),
    };
    model.overlay = Some(Overlay::Runs(RunChoice::default()));
    vec![Effect::Ask(query)]
}

/// Goes to another pair, around the ends.
pub(crate) fn turn(model: &mut Model, by: isize) {
    let pairs = model.pairs().len().max(1);
    if let Some(Overlay::SideBySide(shown)) = &mut model.overlay {
        let to = shown.pair as isize + by;
        shown.pair = to.rem_euclid(pairs as isize) as usize;
        shown.scroll = 0;
    }
}

/// Takes the chosen run.
pub(crate) fn take(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::Runs(choice)) = &mut model.overlay else {
        return Vec::new();
    };
    let Runs::Found(runs) = &choice.runs else {
        return Vec::new();
    };
    let Some(with) = runs.get(choice.chosen).cloned() else {
        return Vec::new();
    };
    choice.reading = true;
    let shown = Box::new(model.run.clone());
    vec![Effect::Ask(HistoryQuery::Compare { with, shown })]
}

/// Takes in what the record says. Whoever has closed the choice in the meantime does not want it any more.
pub(crate) fn answer(model: &mut Model, answer: HistoryAnswer) {
    model.dirty = true;
    let Some(Overlay::Runs(choice)) = &mut model.overlay else {
        return;
    };
    match answer {
        HistoryAnswer::Runs(Ok(runs)) => choice.runs = Runs::Found(runs),
        HistoryAnswer::Runs(Err(why)) => choice.runs = Runs::Failed(why),
        HistoryAnswer::Saved(_)
        | HistoryAnswer::Reliability(_)
        | HistoryAnswer::Bodies(..)
        | HistoryAnswer::Bundle(_)
        | HistoryAnswer::Filtered(..)
        | HistoryAnswer::Watched(..)
        | HistoryAnswer::PlanPlace(_)
        | HistoryAnswer::Structure(_)
        | HistoryAnswer::ToolDefinition(..)
        | HistoryAnswer::PlanChange(_)
        | HistoryAnswer::EditsDiff(_)
        | HistoryAnswer::EditsWritten(_)
        | HistoryAnswer::Preview(..)
        | HistoryAnswer::ModelCall(..)
        | HistoryAnswer::RepairPrice(..)
        | HistoryAnswer::RepairProgress(..)
        | HistoryAnswer::Repaired(..)
        | HistoryAnswer::RepairWritten(_)
        | HistoryAnswer::RepeatPrice(..)
        | HistoryAnswer::Repeated(..)
        | HistoryAnswer::Usual(_) => {}
        HistoryAnswer::Compared(_, Err(why)) => {
            choice.reading = false;
            choice.runs = Runs::Failed(why);
        }
        HistoryAnswer::Compared(run, Ok(comparison)) => {
            model.overlay = None;
            let mut comparison = *comparison;
            comparison.refresh(&model.run);
            show(model, Against { run, comparison });
        }
    }
}

fn show(model: &mut Model, against: Against) {
    let comparison = &against.comparison;
    model.panes.graph.set_differing(comparison.differing());
    let count = comparison.differing().count();
    let first = comparison.first();
    let id = first.and_then(|ix| Some(model.run.steps.get(ix.at())?.info.id.to_string()));
    model.notice = Some(match id {
        Some(id) => {
            let verb = if count == 1 { "differs" } else { "differ" };
            format!("{} {verb}; they part at {id}", format::count(count, "step"))
        }
        None => "no differences except in time, in what has ended so far".to_owned(),
    });
    model.against = Some(against);
    if let Some(first) = first {
        model.follow = false;
        model.select(first);
    }
}
