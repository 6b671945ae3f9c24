//! A plan that is made on the home screen: a task is typed, the planner works, the plan is looked at, run or changed.

use super::item::{PlanRequest, PlanningAnswer, Request};
use super::message::Effect;
use super::model::{Choice, Model};
use super::planning::Planning;

/// The most lines of progress that are kept.
const LINES: usize = 200;

/// Opens the box for a task, with what was typed so far.
pub(super) fn begin(model: &mut Model) {
    let mut planning = Planning::default();
    planning.field.insert(model.field.text());
    model.planning = Some(planning);
}

/// Asks the planner.
pub(super) fn ask(model: &mut Model) -> Vec<Effect> {
    let Some(planning) = &mut model.planning else {
        return Vec::new();
    };
    let task = planning.field.text().trim().to_owned();
    if task.is_empty() {
        return Vec::new();
    }
    planning.working = true;
    planning.began = model.now;
    planning.arriving = None;
    planning.said.clear();
    planning.scroll = 0;
    let change = planning.made.as_ref().filter(|_| planning.changing);
    let change = change.map(|made| made.file.clone());
    vec![Effect::Ask(Request::Plan(PlanRequest { task, change }))]
}

/// Begins to type a change of the plan.
pub(super) fn change(model: &mut Model) {
    if let Some(planning) = &mut model.planning {
        planning.changing = true;
        planning.field.clear();
    }
}

/// Runs the plan.
pub(super) fn run(model: &mut Model) -> Vec<Effect> {
    let made = model
        .planning
        .as_ref()
        .and_then(|planning| planning.made.as_ref());
    let choice = made.map(|made| Choice::RunMade {
        plan: made.file.clone(),
        tools: made.tools.clone(),
    });
    choice.map(Effect::Choose).into_iter().collect()
}

/// Stops the planner, gives up a change, or closes the box.
pub(super) fn close(model: &mut Model) -> Vec<Effect> {
    let Some(planning) = &mut model.planning else {
        return Vec::new();
    };
    if planning.working {
        planning.working = false;
        planning.arriving = None;
        planning
            .said
            .push("stopped; what was asked so far may be billed".to_owned());
        return vec![Effect::Ask(Request::StopPlanning)];
    }
    if planning.changing {
        planning.changing = false;
        planning.said.clear();
    } else {
        model.planning = None;
    }
    Vec::new()
}

/// Takes in what the planner said. What comes after it was stopped is dropped.
pub(super) fn answer(model: &mut Model, answer: PlanningAnswer) {
    let Some(planning) = model.planning.as_mut().filter(|planning| planning.working) else {
        return;
    };
    match answer {
        PlanningAnswer::Progress(line) => {
            planning.arriving = None;
            planning.said.push(line);
        }
        PlanningAnswer::Arriving { line, steps } => {
            planning.arriving = Some(line);
            if !steps.is_empty() {
                planning.preview.show(&steps);
            }
        }
        PlanningAnswer::Made(made) => {
            planning.working = false;
            planning.changing = false;
            planning.scroll = 0;
            planning.arriving = None;
            planning.said.clear();
            planning.preview.show(&made.steps);
            planning.made = Some(*made);
        }
        PlanningAnswer::Failed(why) => {
            planning.working = false;
            planning.arriving = None;
            planning.said.push(why);
        }
    }
    if planning.said.len() > LINES {
        planning.said.remove(0);
    }
}
