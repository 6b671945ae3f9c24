//! What each message does to the home screen.

use super::act;
use super::actions::{self, Entry};
use super::item::{Answer, PlanPlace, Request};
use super::list::Selected;
use super::message::{Effect, Message};
use super::model::{DETAILS, Model};
use super::plan_act;
use super::planning::Planning;
use super::runs_tree;
use super::themes;
use super::view;
use crate::tui::input::action::Run;
use crate::tui::terminal::screen::{Outcome, TerminalEffect, TerminalEvent};
use crossterm::event::{KeyEvent, KeyEventKind, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

/// Rows that one turn of the wheel moves.
const WHEEL: isize = 3;

/// Applies a message; returns effects to run in order.
pub fn update(model: &mut Model, message: Message) -> Vec<Effect> {
    let mut effects = match message {
        Message::Terminal(event) => on_terminal(model, event),
        Message::Answer(answer) => {
            on_answer(model, answer);
            Vec::new()
        }
        Message::Tick(now) => return tick(model, now),
    };
    keep_preview(model);
    effects.extend(detail_wanted(model));
    effects.extend(plan_wanted(model));
    effects
}

fn on_terminal(model: &mut Model, event: TerminalEvent) -> Vec<Effect> {
    match event {
        TerminalEvent::Key(event) => on_key(model, &event),
        TerminalEvent::Mouse(event) => on_mouse(model, event),
        TerminalEvent::Paste(text) => {
            if let Some(palette) = &mut model.palette {
                palette.type_in(|field| field.insert(&text));
                model.dirty = true;
            } else if let Some(planning) = task_typed_into(model) {
                planning.field.insert(&text);
                model.dirty = true;
            } else if is_typed_into(model) {
                model.field.insert(&text);
                model.keep_rows(None);
                model.touched = true;
                model.notice = None;
                model.dirty = true;
            }
            Vec::new()
        }
        TerminalEvent::Resize(columns, rows) => {
            model.size = (columns, rows);
            vec![Effect::Terminal(TerminalEffect::Redraw)]
        }
        TerminalEvent::Background(light) => {
            themes::take_background(model, light);
            Vec::new()
        }
        TerminalEvent::Themes(files) => themes::take(model, files),
        TerminalEvent::Told(_) | TerminalEvent::Outside(_) => Vec::new(),
        TerminalEvent::Signal(signal) => {
            let leave = TerminalEffect::Leave(Outcome::Signal(signal));
            vec![Effect::Terminal(leave)]
        }
    }
}

/// Asks for the detail of what is selected, once.
fn detail_wanted(model: &mut Model) -> Option<Effect> {
    let id = model.run().filter(|run| !run.is_batch)?.run_id.clone();
    if model.details.contains_key(&id) || model.wanted.as_ref() == Some(&id) {
        return None;
    }
    model.wanted = Some(id.clone());
    Some(Effect::Ask(Request::Detail(id)))
}

/// Where the selected plan is.
fn selected_plan(model: &Model) -> Option<PlanPlace> {
    match model.selected()? {
        Selected::Plan(plan) => Some(plan.place.clone()),
        Selected::Run(_) => None,
    }
}

/// Asks for the detail of the selected plan, once.
fn plan_wanted(model: &mut Model) -> Option<Effect> {
    let place = selected_plan(model)?;
    if model.plan_details.contains_key(&place) || model.wanted_plan.as_ref() == Some(&place) {
        return None;
    }
    model.wanted_plan = Some(place.clone());
    Some(Effect::Ask(Request::PlanDetail(place)))
}

/// Lets the picture be that of the selected plan.
fn keep_preview(model: &mut Model) {
    let place = selected_plan(model);
    let detail = place
        .as_ref()
        .and_then(|place| model.plan_details.get(place));
    let of = detail.and(place.clone());
    if of != model.preview_of {
        let none = Vec::new();
        model
            .preview
            .show(detail.map_or(&none, |detail| &detail.steps));
        model.preview_of = of;
    }
}

fn tick(model: &mut Model, now: i64) -> Vec<Effect> {
    // Times are shown to the minute, and running runs are read again anyway.
    model.dirty |= now / 60 != model.now / 60;
    if let Some(planning) = &model.planning {
        model.dirty |= planning.preview.is_behind() || planning.working && now != model.now;
    }
    model.dirty |= model.preview.is_behind();
    model.now = now;
    let mut effects = themes::read_again(model);
    if model.is_stale() {
        model.asked = now;
        effects.push(Effect::Ask(Request::Runs));
    }
    effects
}

fn on_answer(model: &mut Model, answer: Answer) {
    model.dirty = true;
    // Until the user acts, the selection stays at the top, whatever arrives above it.
    let kept = model.identity().filter(|_| model.touched);
    match answer {
        Answer::Runs(runs) => {
            model.reading = false;
            match runs {
                Ok(runs) => {
                    forget_details(model, &runs);
                    (model.runs, model.fault) = (runs, None);
                    model.tree = runs_tree::order(&model.runs);
                    model.depths = vec![0; model.runs.len()];
                    for (at, depth) in &model.tree {
                        model.depths[*at] = *depth;
                    }
                }
                Err(fault) => model.fault = Some(fault),
            }
        }
        Answer::Planning(answer) => {
            plan_act::answer(model, answer);
            return;
        }
        Answer::Plans(plans) => model.plans = plans,
        Answer::Samples(samples) => model.samples = samples,
        Answer::Detail(id, detail) => {
            if model.details.len() >= DETAILS {
                model.details.clear();
            }
            model.details.insert(id, detail);
            return;
        }
        Answer::PlanDetail(place, detail) => {
            if model.plan_details.len() >= DETAILS {
                model.plan_details.clear();
            }
            model.plan_details.insert(place, *detail);
            return;
        }
    }
    model.keep_rows(kept.as_deref());
}

/// Forgets the details of runs that have changed since they were read.
fn forget_details(model: &mut Model, runs: &[super::RunItem]) {
    let before = &model.runs;
    for run in runs {
        let known = before.iter().find(|known| known.run_id == run.run_id);
        let changed = known.is_none_or(|known| {
            known.standing != run.standing || known.done != run.done || known.failed != run.failed
        });
        if changed {
            model.details.remove(&run.run_id);
            if model.wanted.as_ref() == Some(&run.run_id) {
                model.wanted = None;
            }
        }
        // Runs that have ended do not change, and the newest stand first.
        if known.is_some() && !changed {
            break;
        }
    }
}

fn on_key(model: &mut Model, event: &KeyEvent) -> Vec<Effect> {
    if event.kind == KeyEventKind::Release {
        return Vec::new();
    }
    model.dirty = true;
    model.touched = true;
    model.notice = None;
    if let Some(entry) = actions::meaning(model, event) {
        return act_on(model, entry);
    }
    if let Some(palette) = &mut model.palette {
        palette.type_in(|field| {
            field.edit(event);
        });
        return Vec::new();
    }
    if let Some(planning) = task_typed_into(model) {
        planning.field.edit(event);
        return Vec::new();
    }
    if is_typed_into(model) {
        let before = model.field.text().to_owned();
        if model.field.edit(event) && model.field.text() != before {
            model.keep_rows(None);
        }
    }
    Vec::new()
}

/// Whether what is typed goes into the filter: nothing lies over it.
fn is_typed_into(model: &Model) -> bool {
    let over = model.palette.is_some() || model.themes.is_some();
    !over && model.trouble.is_none() && model.planning.is_none()
}

/// The box in which a task is typed, where it is in front.
fn task_typed_into(model: &mut Model) -> Option<&mut Planning> {
    let is_covered = model.palette.is_some() || model.themes.is_some() || model.trouble.is_some();
    let planning = model.planning.as_mut()?;
    (!is_covered && planning.is_typing()).then_some(planning)
}

fn on_mouse(model: &mut Model, event: MouseEvent) -> Vec<Effect> {
    model.touched |= !matches!(event.kind, MouseEventKind::Moved);
    match event.kind {
        MouseEventKind::ScrollUp => turn_wheel(model, -WHEEL),
        MouseEventKind::ScrollDown => turn_wheel(model, WHEEL),
        MouseEventKind::Down(MouseButton::Left) => {
            model.dirty = true;
            return click(model, Position::new(event.column, event.row));
        }
        _ => return Vec::new(),
    }
    model.dirty = true;
    Vec::new()
}

fn turn_wheel(model: &mut Model, rows: isize) {
    if model.themes.is_some() && model.palette.is_none() {
        themes::move_by(model, rows.signum());
    } else {
        act::go(model, rows);
    }
}

/// Does what the footer names under the pointer, or what the click means to what is in front. A click selects, and one
/// more opens.
fn click(model: &mut Model, at: Position) -> Vec<Effect> {
    if let Some(entry) = view::hint_at(model, at) {
        return act_on(model, entry);
    }
    if let Some(palette) = &mut model.palette {
        let before = palette.chosen;
        if palette.choose_at(at) && palette.chosen == before {
            return actions::choose(model);
        }
        return Vec::new();
    }
    if model.themes.is_some() {
        return themes::click(model, at);
    }
    if !is_typed_into(model) {
        return Vec::new();
    }
    let Some(row) = view::row_at(model, at.x, at.y) else {
        return Vec::new();
    };
    if row == model.selected {
        return act::open(model);
    }
    if model.at(row).is_some() {
        model.selected = row;
    }
    Vec::new()
}

/// Does what an action does.
fn act_on(model: &mut Model, entry: &Entry) -> Vec<Effect> {
    match entry.run {
        Run::Chosen => actions::choose(model),
        _ => entry.run(model),
    }
}
