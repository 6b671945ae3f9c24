//! What keys and pasted text do: an action of the registry, or something that is typed.

use super::{export, json_filter, page_search, search, unknown};
use crate::tui::dashboard::keymap::entry::Entry;
use crate::tui::dashboard::keymap::{self, Meaning};
use crate::tui::dashboard::message::Effect;
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::overlay::Overlay;
use crate::tui::input::action::Run;
use crossterm::event::{KeyEvent, KeyEventKind};

pub(super) fn on_key(model: &mut Model, event: &KeyEvent) -> Vec<Effect> {
    if event.kind == KeyEventKind::Release {
        return Vec::new();
    }
    model.dirty = true;
    if !model.leaving {
        model.notice = None;
    }
    model.banner = false;
    model.typed = None;
    // What is typed there goes before the keys of actions.
    let typed = match &model.overlay {
        Some(Overlay::Search(_)) => search::typed(model, event),
        Some(Overlay::Filter) => model.panes.table.type_filter(event),
        Some(Overlay::PageSearch) => page_search::typed(model, event),
        Some(Overlay::JsonFilter) => json_filter::typed(model, event),
        _ => false,
    };
    if typed {
        return Vec::new();
    }
    match keymap::meaning(model, event) {
        Meaning::Does(entry) => {
            show_pressed(model, entry, event);
            return act(model, entry);
        }
        Meaning::Not(entry) => {
            model.notice = Some(format!("{} needs {}", entry.name, entry.lacks(model)));
        }
        // Any key that does not scroll it.
        Meaning::Nothing if matches!(model.overlay, Some(Overlay::Bare(_))) => {
            return export::leave_bare(model);
        }
        Meaning::Nothing => match &mut model.overlay {
            Some(Overlay::Palette(palette)) => palette.type_in(|field| {
                field.edit(event);
            }),
            Some(Overlay::Break(line)) => {
                line.field.edit(event);
            }
            Some(Overlay::Watches(edit)) => {
                edit.fields[edit.at].edit(event);
            }
            Some(Overlay::Settings(line)) => {
                line.field.edit(event);
                line.fault = None;
            }
            Some(Overlay::Editor(editor)) => editor.edit(event),
            Some(Overlay::Answer(form)) => form.edit(event),
            _ => {}
        },
    }
    Vec::new()
}

/// Says to the audience of a presentation which key was pressed, and what it does.
fn show_pressed(model: &mut Model, entry: &Entry, event: &KeyEvent) {
    let keymap = &model.keymap;
    let key = keymap.of(entry).iter().find(|key| key.matches(event));
    let pressed = key.map(|key| (key.to_string(), entry.description));
    if let Some(presentation) = &mut model.presentation {
        presentation.pressed = pressed;
    }
}

/// Does what an action does.
pub(super) fn act(model: &mut Model, entry: &Entry) -> Vec<Effect> {
    let effects = match entry.run {
        Run::Chosen => keymap::palette::choose(model),
        _ => entry.run(model),
    };
    // What was done may have left the screen free for the next question.
    unknown::ask(model);
    effects
}

/// Puts pasted text in where something is typed into.
pub(super) fn on_paste(model: &mut Model, text: &str) {
    model.dirty = true;
    match &mut model.overlay {
        Some(Overlay::Palette(palette)) => palette.type_in(|field| field.insert(text)),
        Some(Overlay::Settings(line)) => line.field.insert(text),
        Some(Overlay::Break(line)) => line.field.insert(text),
        Some(Overlay::Watches(edit)) => edit.fields[edit.at].insert(text),
        Some(Overlay::Editor(editor)) => editor.paste(text),
        Some(Overlay::Answer(form)) => form.paste(text),
        Some(Overlay::Search(_)) => search::paste(model, text),
        Some(Overlay::Filter) => model.panes.table.paste_filter(text),
        Some(Overlay::PageSearch) => page_search::paste(model, text),
        Some(Overlay::JsonFilter) => json_filter::paste(model, text),
        _ => {}
    }
}
