//! Watch expressions: edited in a box, and asked outside of the screen's thread.

use crate::tui::dashboard::history::HistoryQuery;
use crate::tui::dashboard::message::Effect;
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::overlay::Overlay;
use crate::tui::dashboard::state::watches::{WatchEdit, Watched};
use crate::tui::input::text_field::Field;

/// Opens the box, at a new expression.
pub(crate) fn open(model: &mut Model) {
    let texts = model.watches.texts();
    let mut fields: Vec<Field> = texts.iter().map(|text| field(text)).collect();
    fields.push(Field::default());
    let at = fields.len() - 1;
    model.overlay = Some(Overlay::Watches(WatchEdit { fields, at }));
}

fn field(text: &str) -> Field {
    let mut field = Field::default();
    field.insert(text);
    field
}

/// Whether the box is open.
pub(crate) fn is_open(model: &Model) -> bool {
    matches!(model.overlay, Some(Overlay::Watches(_)))
}

fn edit(model: &mut Model, change: impl FnOnce(&mut WatchEdit)) {
    if let Some(Overlay::Watches(edit)) = &mut model.overlay {
        change(edit);
    }
}

/// Goes to another expression.
pub(crate) fn go(model: &mut Model, by: isize) {
    edit(model, |edit| {
        let last = edit.fields.len() - 1;
        edit.at = edit.at.saturating_add_signed(by).min(last);
    });
}

/// Removes the expression with the cursor.
pub(crate) fn remove(model: &mut Model) {
    edit(model, |edit| {
        if edit.at + 1 < edit.fields.len() {
            edit.fields.remove(edit.at);
        } else {
            edit.fields[edit.at].clear();
        }
    });
}

/// Keeps what was typed.
pub(crate) fn keep(model: &mut Model) {
    if let Some(Overlay::Watches(edit)) = model.overlay.take() {
        let texts = edit.fields.iter().map(|field| field.text().to_owned());
        model.watches.set(texts);
    }
}

/// Asks what the expressions make of the run, where that is not known.
pub(super) fn ask(model: &mut Model) -> Option<Effect> {
    let number = model.watches.ask(model.run.events)?;
    Some(Effect::Ask(HistoryQuery::Watch {
        number,
        filters: model.watches.texts(),
        shown: Box::new(model.run.clone()),
    }))
}

/// Takes in the values.
pub(super) fn take(model: &mut Model, number: u64, answers: Vec<Watched>) {
    model.dirty |= model.watches.take(number, answers);
}
