//! What each message does to the view of a batch.

use super::act;
use super::actions::{self, Entry};
use super::message::{BatchNews, Effect, Message};
use super::model::{Focus, Model};
use super::view;
use crate::tui::input::action::Run;
use crate::tui::terminal::screen::{Outcome, TerminalEffect, TerminalEvent};
use crossterm::event::{KeyEvent, KeyEventKind, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

/// Rows that one turn of the wheel moves.
const WHEEL: isize = 3;

/// Applies a message; returns effects to run in order.
pub fn update(model: &mut Model, message: Message) -> Vec<Effect> {
    match message {
        Message::Terminal(event) => on_terminal(model, event),
        Message::News(news) => {
            on_news(model, news);
            Vec::new()
        }
        Message::Tick(now) => {
            // Times are shown to the second.
            model.dirty |= model.state.header.live && now / 1000 != model.now / 1000;
            model.now = now;
            let count = model.order.len();
            model.keep_order();
            model.dirty |= count != model.order.len();
            Vec::new()
        }
    }
}

fn on_news(model: &mut Model, news: BatchNews) {
    model.dirty = true;
    match news {
        BatchNews::Header(header) => {
            model.stopping &= header.live;
            if !header.live {
                model.question = None;
            }
            model.state.begin(header);
        }
        BatchNews::Records(records, more) => {
            model.reading = more;
            model.fault = None;
            for record in records {
                model.state.apply(record);
            }
        }
        BatchNews::Fault(fault) => model.fault = Some(fault),
        BatchNews::Compared(found) => {
            model.notice = None;
            match found {
                Ok(text) => model.compared = Some((text, 0)),
                Err(why) => model.notice = Some(why),
            }
        }
    }
    model.keep_order();
}

fn on_terminal(model: &mut Model, event: TerminalEvent) -> Vec<Effect> {
    match event {
        TerminalEvent::Key(event) => on_key(model, &event),
        TerminalEvent::Mouse(event) => on_mouse(model, event),
        TerminalEvent::Paste(text) => {
            model.dirty = true;
            if let Some(palette) = &mut model.palette {
                palette.type_in(|field| field.insert(&text));
            } else if model.typing {
                model.field.insert(&text);
                found(model);
            }
            Vec::new()
        }
        TerminalEvent::Resize(columns, rows) => {
            model.size = (columns, rows);
            act::terminal(TerminalEffect::Redraw)
        }
        TerminalEvent::Background(light) => {
            model.look.light = Some(light);
            if model.look.is_by_background() {
                model.theme = model.look.theme();
                model.dirty = true;
            }
            Vec::new()
        }
        TerminalEvent::Themes(_) | TerminalEvent::Told(_) | TerminalEvent::Outside(_) => Vec::new(),
        TerminalEvent::Signal(signal) => {
            act::terminal(TerminalEffect::Leave(Outcome::Signal(signal)))
        }
    }
}

/// What was typed has changed: what fits it is shown from the beginning.
fn found(model: &mut Model) {
    model.window.reset();
    model.keep_order();
}

fn on_key(model: &mut Model, event: &KeyEvent) -> Vec<Effect> {
    if event.kind == KeyEventKind::Release {
        return Vec::new();
    }
    model.dirty = true;
    model.notice = None;
    if let Some(entry) = actions::meaning(model, event) {
        return act_on(model, entry);
    }
    if let Some(palette) = &mut model.palette {
        palette.type_in(|field| {
            field.edit(event);
        });
    } else if model.typing && model.field.edit(event) {
        found(model);
    }
    Vec::new()
}

fn on_mouse(model: &mut Model, event: MouseEvent) -> Vec<Effect> {
    let wheel = |model: &mut Model, rows: isize| {
        model.dirty = true;
        act::go(model, rows);
        Vec::new()
    };
    match event.kind {
        MouseEventKind::ScrollUp => wheel(model, -WHEEL),
        MouseEventKind::ScrollDown => wheel(model, WHEEL),
        MouseEventKind::Down(MouseButton::Left) => {
            model.dirty = true;
            click(model, Position::new(event.column, event.row))
        }
        _ => Vec::new(),
    }
}

/// Does what the footer names under the pointer, or chooses what is under it; one more click opens that.
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
    if model.question.is_some() || model.compared.is_some() {
        return Vec::new();
    }
    if model.rows_area.contains(at) {
        let had_focus = std::mem::replace(&mut model.focus, Focus::Items) == Focus::Items;
        let row = usize::from(at.y - model.rows_area.y);
        if model.window.choose_row(row) == Some(true) && had_focus {
            return act::open(model);
        }
    } else if model.groups_area.contains(at) {
        let group = model.first_group + usize::from(at.y - model.groups_area.y);
        if group < model.state.failures().len() {
            let same = model.focus == Focus::Failures && model.group == group;
            model.focus = Focus::Failures;
            model.group = group;
            if same {
                return act::open(model);
            }
        }
    }
    Vec::new()
}

/// Does what an action does.
fn act_on(model: &mut Model, entry: &Entry) -> Vec<Effect> {
    let effects = match entry.run {
        Run::Chosen => actions::choose(model),
        _ => entry.run(model),
    };
    model.keep_order();
    effects
}
