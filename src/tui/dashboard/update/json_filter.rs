//! The jq line: typed into, and asked outside of the screen's thread.

use crate::tui::dashboard::history::HistoryQuery;
use crate::tui::dashboard::message::Effect;
use crate::tui::dashboard::state::inspected;
use crate::tui::dashboard::state::json_filter::JsonFilter;
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::overlay::Overlay;
use crossterm::event::KeyEvent;
use serde_json::Value;
use std::sync::Arc;

/// Whether the page in focus has a value to filter.
pub(crate) fn can_filter(model: &Model) -> bool {
    model.selected.is_some() && inspected::whole(model).is_some()
}

/// Opens the line; what was typed for this page before is there again.
pub(crate) fn open(model: &mut Model) {
    let Some(step) = model.selected else { return };
    let page = (step, model.inspector.tab);
    if !matches!(&model.inspector.filter, Some(filter) if filter.page == page) {
        model.inspector.filter = Some(JsonFilter::new(page));
    }
    model.overlay = Some(Overlay::JsonFilter);
}

/// Takes in a key that is part of the filter; whether it was one.
pub(super) fn typed(model: &mut Model, event: &KeyEvent) -> bool {
    let filter = model.inspector.filter.as_mut();
    filter.is_some_and(|filter| filter.field.edit(event))
}

/// Takes in pasted text.
pub(super) fn paste(model: &mut Model, text: &str) {
    if let Some(filter) = &mut model.inspector.filter {
        filter.field.insert(text);
    }
}

/// Keeps what is shown; an empty line ends the filter.
pub(crate) fn keep(model: &mut Model) {
    model.overlay = None;
    if model
        .inspector
        .filter
        .as_ref()
        .is_some_and(JsonFilter::is_empty)
    {
        drop_filter(model);
    }
}

/// Shows the whole value again.
pub(crate) fn drop_filter(model: &mut Model) {
    if matches!(model.overlay, Some(Overlay::JsonFilter)) {
        model.overlay = None;
    }
    model.inspector.filter = None;
    model.inspector.scroll = 0;
}

/// Asks for the output of what was typed, where it is not known.
pub(super) fn ask(model: &mut Model) -> Vec<Effect> {
    let Some(filter) = &model.inspector.filter else {
        return Vec::new();
    };
    if !inspected::is_page(model, filter.page) {
        return Vec::new();
    }
    let Some((value, _)) = inspected::whole(model) else {
        return Vec::new();
    };
    let Some(filter) = &mut model.inspector.filter else {
        return Vec::new();
    };
    let asked = filter.ask(&value).map(|(number, filter)| {
        Effect::Ask(HistoryQuery::Filter {
            number,
            filter,
            value,
        })
    });
    asked.into_iter().collect()
}

/// Takes in the output.
pub(super) fn take(model: &mut Model, number: u64, answer: Result<Arc<Value>, Arc<str>>) {
    let filter = model.inspector.filter.as_mut();
    if filter.is_some_and(|filter| filter.take(number, answer)) {
        model.inspector.forget_filtered();
        model.dirty = true;
    }
}
