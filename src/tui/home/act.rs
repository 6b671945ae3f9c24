//! What the actions of the home screen do to it, and what they ask for.

use super::item::{PlanPlace, Request, Standing};
use super::list::Selected;
use super::message::Effect;
use super::model::{Choice, Model};
use crate::tui::terminal::screen::TerminalEffect;

/// One thing that is asked of the terminal.
pub(super) fn terminal(effect: TerminalEffect) -> Vec<Effect> {
    vec![Effect::Terminal(effect)]
}

/// Reads everything again.
pub(super) fn read_again(model: &mut Model) -> Vec<Effect> {
    model.reading = true;
    model.details.clear();
    model.wanted = None;
    model.plan_details.clear();
    model.wanted_plan = None;
    vec![Effect::Ask(Request::Everything)]
}

/// Forgets what was typed.
pub(super) fn clear(model: &mut Model) {
    model.field.clear();
    model.keep_rows(None);
}

/// Closes what is in front.
pub(super) fn back(model: &mut Model) {
    model.trouble = None;
}

pub(super) fn page(model: &Model) -> isize {
    model.height.saturating_sub(1).max(1) as isize
}

/// Moves what is in front: what is chosen of the actions, the trouble, or the selection.
pub(super) fn go(model: &mut Model, lines: isize) {
    if let Some(palette) = &mut model.palette {
        palette.scroll(lines);
    } else if let Some((_, scroll)) = &mut model.trouble {
        *scroll = scroll.saturating_add_signed(lines);
    } else if let Some(planning) = &mut model.planning {
        planning.scroll = planning.scroll.saturating_add_signed(lines);
    } else {
        model.move_by(lines);
    }
}

/// What Enter does with what is selected.
pub(super) fn open(model: &Model) -> Vec<Effect> {
    let choice = match model.selected() {
        None => return Vec::new(),
        Some(Selected::Plan(plan)) => Choice::Open(plan.place.clone()),
        Some(Selected::Run(run)) if run.is_batch => Choice::Batch(run.run_id.clone()),
        Some(Selected::Run(run)) if run.standing == Standing::Interrupted => {
            Choice::Resume(run.run_id.clone())
        }
        Some(Selected::Run(run)) => Choice::Look(run.run_id.clone()),
    };
    vec![Effect::Choose(choice)]
}

pub(super) fn with_run(model: &Model, choice: fn(std::sync::Arc<str>) -> Choice) -> Vec<Effect> {
    let run = model.run().map(|run| run.run_id.clone());
    run.map(choice).map(Effect::Choose).into_iter().collect()
}

/// The plan of the selected run again; where its file is not known that is said.
pub(super) fn again(model: &mut Model) -> Vec<Effect> {
    let Some(id) = model.run().map(|run| run.run_id.clone()) else {
        return Vec::new();
    };
    let path = match model.details.get(&id) {
        None => {
            model.notice = Some("looking for the plan of that run: try again".to_owned());
            return Vec::new();
        }
        Some(detail) => detail.plan_path.clone(),
    };
    if let Some(path) = path {
        let place = PlanPlace::File(std::path::PathBuf::from(&*path));
        return vec![Effect::Choose(Choice::Open(place))];
    }
    model.notice = Some("that run did not read its plan from a file".to_owned());
    Vec::new()
}

pub(super) fn restore(model: &Model) -> Vec<Effect> {
    match model.selected() {
        Some(Selected::Plan(plan)) => match &plan.place {
            PlanPlace::Sample(name) => vec![Effect::Choose(Choice::Restore(name.clone()))],
            PlanPlace::File(_) => Vec::new(),
        },
        _ => Vec::new(),
    }
}
