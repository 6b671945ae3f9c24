//! What each action does to the home screen, and what it asks for.

use super::actions::Action;
use super::item::{PlanPlace, Request, Standing};
use super::list::Selected;
use super::model::{Choice, Model};
use super::update::Effect;
use crate::tui::dashboard::message::Outcome;

/// Does `action`. The registry has been asked whether it is possible.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Up => go(model, -1),
        Action::Down => go(model, 1),
        Action::PageUp => go(model, -page(model)),
        Action::PageDown => go(model, page(model)),
        Action::First => go(model, isize::MIN),
        Action::Last => go(model, isize::MAX),
        Action::NextPart => model.next_part(true),
        Action::PreviousPart => model.next_part(false),
        Action::Open | Action::Resume => return open(model),
        Action::Play => return with_run(model, Choice::Play),
        Action::Fork => return with_run(model, Choice::Fork),
        Action::Again => return again(model),
        Action::Restore => return restore(model),
        Action::Read => {
            model.reading = true;
            model.details.clear();
            model.wanted = None;
            return vec![Effect::Ask(Request::Everything)];
        }
        Action::Clear => {
            model.field.clear();
            model.keep_rows(None);
        }
        Action::Back => {
            if model.help.take().is_none() {
                model.trouble = None;
            }
        }
        Action::Help => model.help = if model.help.is_some() { None } else { Some(0) },
        Action::Redraw => return vec![Effect::Redraw],
        Action::Suspend => return vec![Effect::Suspend],
        Action::Quit => return vec![Effect::Leave(Outcome::Quit)],
    }
    Vec::new()
}

fn page(model: &Model) -> isize {
    model.height.saturating_sub(1).max(1) as isize
}

/// Moves what is in front: the keys, the trouble, or the selection.
pub(super) fn go(model: &mut Model, lines: isize) {
    if let Some(scroll) = &mut model.help {
        *scroll = scroll.saturating_add_signed(lines);
    } else if let Some((_, scroll)) = &mut model.trouble {
        *scroll = scroll.saturating_add_signed(lines);
    } else {
        model.move_by(lines);
    }
}

/// What Enter does with what is selected.
pub(super) fn open(model: &Model) -> Vec<Effect> {
    let choice = match model.selected() {
        None => return Vec::new(),
        Some(Selected::Plan(plan)) => Choice::Open(plan.place.clone()),
        Some(Selected::Run(run)) if run.standing == Standing::Interrupted => {
            Choice::Resume(run.run_id.clone())
        }
        Some(Selected::Run(run)) => Choice::Look(run.run_id.clone()),
    };
    vec![Effect::Choose(choice)]
}

fn with_run(model: &Model, choice: fn(std::sync::Arc<str>) -> Choice) -> Vec<Effect> {
    let run = model.run().map(|run| run.run_id.clone());
    run.map(choice).map(Effect::Choose).into_iter().collect()
}

/// The plan of the selected run again; where its file is not known that is said.
fn again(model: &mut Model) -> Vec<Effect> {
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

fn restore(model: &Model) -> Vec<Effect> {
    match model.selected() {
        Some(Selected::Plan(plan)) => match &plan.place {
            PlanPlace::Sample(name) => vec![Effect::Choose(Choice::Restore(name.clone()))],
            PlanPlace::File(_) => Vec::new(),
        },
        _ => Vec::new(),
    }
}
