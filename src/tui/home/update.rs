//! What each message does to the home screen.

use super::act;
use super::actions;
use super::item::{Answer, Request};
use super::model::{Choice, DETAILS, Model};
use super::view;
use crate::tui::dashboard::message::Outcome;
use crossterm::event::{KeyEvent, KeyEventKind, MouseButton, MouseEvent, MouseEventKind};

/// Rows that one turn of the wheel moves.
const WHEEL: isize = 3;

/// Something that happened.
#[derive(Debug)]
pub enum Message {
    /// A key was pressed.
    Key(KeyEvent),
    /// The mouse did something.
    Mouse(MouseEvent),
    /// Text was pasted.
    Paste(String),
    /// The terminal has another size now: columns, rows.
    Resize(u16, u16),
    /// Something was found out.
    Told(Answer),
    /// It is this time, in seconds since 1970.
    Tick(i64),
    /// The process was asked to end, by this signal.
    Signal(i32),
}

/// Something to be done outside of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Find this out.
    Ask(Request),
    /// This was chosen: leave and open it.
    Choose(Choice),
    /// Give the terminal back and stop, as any program does on ctrl-z.
    Suspend,
    /// Draw every cell again.
    Redraw,
    /// Leave with nothing chosen.
    Leave(Outcome),
}

/// Takes in a message; the effects are to be carried out in order.
pub fn update(model: &mut Model, message: Message) -> Vec<Effect> {
    let mut effects = match message {
        Message::Key(event) => on_key(model, &event),
        Message::Mouse(event) => on_mouse(model, event),
        Message::Paste(text) => {
            model.field.insert(&text);
            model.keep_rows(None);
            model.dirty = true;
            Vec::new()
        }
        Message::Resize(columns, rows) => {
            model.size = (columns, rows);
            vec![Effect::Redraw]
        }
        Message::Told(answer) => {
            told(model, answer);
            Vec::new()
        }
        Message::Tick(now) => return tick(model, now),
        Message::Signal(signal) => vec![Effect::Leave(Outcome::Signal(signal))],
    };
    effects.extend(detail_wanted(model));
    effects
}

/// Asks for the detail of what is selected, once.
fn detail_wanted(model: &mut Model) -> Option<Effect> {
    let id = model.run()?.run_id.clone();
    if model.details.contains_key(&id) || model.wanted.as_ref() == Some(&id) {
        return None;
    }
    model.wanted = Some(id.clone());
    Some(Effect::Ask(Request::Detail(id)))
}

fn tick(model: &mut Model, now: i64) -> Vec<Effect> {
    // Times are shown to the minute, and what is under way is read again anyway.
    model.dirty |= now / 60 != model.now / 60;
    model.now = now;
    if model.is_stale() {
        model.asked = now;
        return vec![Effect::Ask(Request::Runs)];
    }
    Vec::new()
}

fn told(model: &mut Model, answer: Answer) {
    model.dirty = true;
    // Until a person does something, the selection stays at the top, whatever comes in above it.
    let kept = model.identity().filter(|_| model.touched);
    match answer {
        Answer::Runs(runs) => {
            model.reading = false;
            match runs {
                Ok(runs) => {
                    forget_details(model, &runs);
                    (model.runs, model.fault) = (runs, None);
                }
                Err(fault) => model.fault = Some(fault),
            }
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
    }
    model.keep_rows(kept.as_deref());
}

/// What was found out about a run that has gone on since is out of date.
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
    if let Some(action) = actions::meaning(model, event) {
        return act::act(model, action);
    }
    if model.help.is_none() && model.trouble.is_none() {
        let before = model.field.text().to_owned();
        if model.field.edit(event) && model.field.text() != before {
            model.keep_rows(None);
        }
    }
    Vec::new()
}

fn on_mouse(model: &mut Model, event: MouseEvent) -> Vec<Effect> {
    model.touched |= !matches!(event.kind, MouseEventKind::Moved);
    match event.kind {
        MouseEventKind::ScrollUp => act::go(model, -WHEEL),
        MouseEventKind::ScrollDown => act::go(model, WHEEL),
        MouseEventKind::Down(MouseButton::Left)
            if model.help.is_none() && model.trouble.is_none() =>
        {
            model.dirty = true;
            let Some(row) = view::row_at(model, event.column, event.row) else {
                return Vec::new();
            };
            // A click selects, and one more opens.
            if row == model.selected {
                return act::open(model);
            }
            if model.at(row).is_some() {
                model.selected = row;
            }
            return Vec::new();
        }
        _ => return Vec::new(),
    }
    model.dirty = true;
    Vec::new()
}
