//! What each message does to the model.

mod act;
pub(crate) mod compare;
pub(crate) mod editor;
pub(crate) mod palette;
pub(crate) mod search;

use super::keymap::{self, Meaning};
use super::message::{Effect, Message, Outcome};
use super::state::model::{Focus, Model, Overlay, View};
use super::view;
use crate::run::{CommandError, Fact, RunEvent};
use crossterm::event::{KeyEvent, KeyEventKind, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

/// Lines that one turn of the wheel scrolls.
const WHEEL: isize = 3;

/// Takes in a message; the effects are to be carried out in order.
pub fn update(model: &mut Model, message: Message) -> Vec<Effect> {
    match message {
        Message::Key(event) => on_key(model, &event),
        Message::Mouse(event) => on_mouse(model, event),
        Message::Paste(text) => {
            match (model.overlay, &mut model.editor) {
                (Some(Overlay::Palette), _) => {
                    palette::type_in(model, |field| field.insert(&text));
                }
                (Some(Overlay::Editor), Some(editor)) => editor.paste(&text),
                _ => {}
            }
            model.dirty = true;
            Vec::new()
        }
        Message::Resize(columns, rows) => {
            model.size = (columns, rows);
            // What the terminal kept is not known, also where several changes led back to the same size.
            vec![Effect::Redraw]
        }
        Message::Events(events) => on_events(model, events),
        Message::Answer(answer) => {
            compare::answer(model, answer);
            Vec::new()
        }
        Message::Tick(now) => {
            model.tick(now);
            model.dirty |= model.moves() || model.is_drawn_later();
            model.keep_figures();
            Vec::new()
        }
        Message::Refused(CommandError::RunOver) => {
            model.dirty = true;
            if model.leaving {
                return vec![Effect::Leave(Outcome::Quit)];
            }
            model.notice = Some("the run takes no commands any more".to_owned());
            Vec::new()
        }
        Message::Refused(CommandError::Busy) => {
            model.dirty = true;
            // The run was not asked to stop: it is still running, and leaving would not wait for it.
            model.leaving = false;
            model.notice = Some(
                "the run is busy and did not take the command: press the key again".to_owned(),
            );
            Vec::new()
        }
        Message::Signal(signal) => vec![Effect::Leave(Outcome::Signal(signal))],
    }
}

fn on_events(model: &mut Model, events: Vec<RunEvent>) -> Vec<Effect> {
    if events.is_empty() {
        return Vec::new();
    }
    let pinned = events.iter().rev().find_map(|event| match &event.fact {
        Fact::StepPinned { step, pinned } => Some((step.id.clone(), *pinned)),
        _ => None,
    });
    if let Some((id, pinned)) = pinned {
        model.notice = Some(if pinned {
            format!("pinned: the output of {id} is used for this call until it is unpinned")
        } else {
            format!("unpinned the output of {id}")
        });
    }
    let reshaped = model.take_in(events);
    model.dirty = true;
    if !model.is_past() {
        model.clock = model.clock.max(model.run.at);
        model.now = model.now.max(model.run.at);
        model.shown_changed(reshaped);
    }
    if !model.in_progress() && matches!(model.overlay, Some(Overlay::Question(_))) {
        model.overlay = None;
    }
    act::ask_about_unknown(model);
    if model.leaving && !model.in_progress() {
        return vec![Effect::Leave(Outcome::Quit)];
    }
    Vec::new()
}

fn on_key(model: &mut Model, event: &KeyEvent) -> Vec<Effect> {
    if event.kind == KeyEventKind::Release {
        return Vec::new();
    }
    model.dirty = true;
    if !model.leaving {
        model.notice = None;
    }
    if model.overlay == Some(Overlay::Search) && search::typed(model, event) {
        return Vec::new();
    }
    if model.overlay == Some(Overlay::Filter) && model.table.type_filter(event) {
        return Vec::new();
    }
    match keymap::meaning(model, event) {
        Meaning::Does(entry) => act::act(model, entry.action),
        Meaning::Not(entry) => {
            model.notice = Some(format!("{} needs {}", entry.name, entry.lacks(model)));
            Vec::new()
        }
        Meaning::Nothing => {
            match (model.overlay, &mut model.editor) {
                (Some(Overlay::Palette), _) => palette::type_in(model, |field| {
                    field.edit(event);
                }),
                (Some(Overlay::Editor), Some(editor)) => editor.edit(event),
                _ => {}
            }
            Vec::new()
        }
    }
}

fn on_mouse(model: &mut Model, event: MouseEvent) -> Vec<Effect> {
    let at = Position::new(event.column, event.row);
    let areas = view::areas(model);
    let on_graph = areas.graph.is_some_and(|area| area.contains(at));
    let on_inspector = areas.inspector.is_some_and(|area| area.contains(at));
    let wheel = match event.kind {
        MouseEventKind::ScrollUp => (0, -WHEEL),
        MouseEventKind::ScrollDown => (0, WHEEL),
        MouseEventKind::ScrollLeft => (-WHEEL, 0),
        MouseEventKind::ScrollRight => (WHEEL, 0),
        MouseEventKind::Down(MouseButton::Left) => {
            click(model, at);
            return Vec::new();
        }
        MouseEventKind::Drag(MouseButton::Left) => {
            drag(model, at);
            return Vec::new();
        }
        MouseEventKind::Up(_) => {
            model.drag = None;
            model.scrubbing = false;
            model.drag_map = false;
            return Vec::new();
        }
        _ => return Vec::new(),
    };
    model.dirty = true;
    if model.overlay.is_some() || on_inspector {
        act::scroll(model, wheel.1);
    } else if on_graph {
        let (dx, dy) = (wheel.0 as i32 * 2, wheel.1 as i32);
        match model.view {
            View::Graph => model.graph.wheel(at.x, at.y, dx, dy),
            View::Timeline => model.timeline.pan(dx, dy),
            View::Table => model.table.scroll(wheel.1),
            View::Cost => model.cost.scroll(wheel.1),
        }
    }
    Vec::new()
}

/// Selects what is under the pointer.
fn click(model: &mut Model, at: Position) {
    if model.overlay == Some(Overlay::Search) {
        model.dirty = true;
        search::click(model, at.x, at.y);
    }
    if model.overlay.is_some() {
        return;
    }
    model.dirty = true;
    let areas = view::areas(model);
    if let Some(moment) = view::moment_at(model, view::scrubber(&areas), at) {
        model.scrubbing = true;
        model.show_moment(moment);
    } else if let Some(area) = areas.graph.filter(|area| area.contains(at)) {
        model.focus = Focus::Graph;
        if let Some(view) = view::view_at(area, at) {
            model.view = view;
            model.keep_visible();
            return;
        }
        if model.view == View::Graph && model.graph.on_map(at.x, at.y) {
            model.drag_map = true;
            model.graph.look_at_map(at.x, at.y);
            return;
        }
        model.drag = Some(at);
        let step = match model.view {
            View::Graph => model.graph.hit(at.x, at.y),
            View::Timeline => model.timeline.hit(&model.run, at),
            View::Table => model.table.click(at),
            View::Cost => model.cost.click(at),
        };
        if let Some(step) = step {
            model.follow = false;
            model.select(step);
        }
    } else if let Some(area) = areas.inspector.filter(|area| area.contains(at)) {
        model.focus = Focus::Inspector;
        match view::tab_at(area, at) {
            Some(tab) => act::show(model, tab),
            None => act::click_tree(model, at),
        }
    }
}

/// Moves what is in view with the pointer.
fn drag(model: &mut Model, at: Position) {
    if model.scrubbing {
        let line = view::scrubber(&view::areas(model));
        let at = Position { y: line.y, ..at };
        if let Some(moment) = view::moment_at(model, line, at) {
            model.show_moment(moment);
        }
    } else if model.drag_map {
        model.graph.look_at_map(at.x, at.y);
        model.dirty = true;
    } else if let Some(from) = model.drag {
        model.drag = Some(at);
        let by = |from: u16, to: u16| i32::from(from) - i32::from(to);
        let (x, y) = (by(from.x, at.x), by(from.y, at.y));
        match model.view {
            View::Graph => model.graph.pan(x, y),
            View::Timeline => model.timeline.pan(x, y),
            View::Table => model.table.scroll(y as isize),
            View::Cost => model.cost.scroll(y as isize),
        }
        model.dirty = true;
    }
}
