//! A list of like objects as a table in the place of the tree.

use crate::tui::dashboard::state::inspected;
use crate::tui::dashboard::state::model::Model;
use crate::tui::widgets::json_table::{JsonTable, columns};
use crate::tui::widgets::tree::{Found, member_at};
use serde_json::Value;
use std::sync::Arc;

/// Members of an object that are looked at for a list.
const LOOKED_AT: usize = 100;

/// The places of the list to show: what is selected or what it is in, the value itself, or its first member that is one.
fn places(model: &mut Model) -> Option<Vec<usize>> {
    let step = model.selected?;
    let (value, _) = inspected::value(model)?;
    let selected = model.inspector.tree(step, &value).places();
    let is_list = |places: &[usize]| {
        let list = member_at(&value, places);
        list.is_some_and(|list| columns(list).is_some())
    };
    let mut around = (0..=selected.len()).rev().map(|end| &selected[..end]);
    if let Some(places) = around.find(|places| is_list(places)) {
        return Some(places.to_vec());
    }
    let mut members = (0..LOOKED_AT).map(|at| vec![at]);
    members.find(|places| is_list(places))
}

/// Whether the value has a list that can be a table. Only its beginning is looked at.
pub(crate) fn can_show(model: &Model) -> bool {
    inspected::is_tree(model)
}

/// Shows a list as a table, or the tree again.
pub(crate) fn toggle(model: &mut Model) {
    if model.inspector.table.take().is_some() {
        return;
    }
    match places(model) {
        Some(places) => model.inspector.table = Some(JsonTable::at(places)),
        None => model.notice = Some("there is no list of like objects here".to_owned()),
    }
}

/// The list and how many columns it has.
fn with<T>(
    model: &mut Model,
    with: impl FnOnce(&mut JsonTable, &[Value], usize) -> T,
) -> Option<T> {
    let (value, _) = inspected::value(model)?;
    let table = model.inspector.table.as_mut()?;
    let list = member_at(&value, &table.places)?;
    let names = columns(list)?.len();
    Some(with(table, list.as_array()?, names))
}

/// Chooses the row so many on.
pub(super) fn move_rows(model: &mut Model, rows: isize) {
    with(model, |table, list, _| table.move_rows(rows, list.len()));
}

/// Moves the columns.
pub(crate) fn move_columns(model: &mut Model, columns: isize) {
    with(model, |table, _, names| table.move_columns(columns, names));
}

/// Goes to the next row with these words, or to the one before.
pub(super) fn find(model: &mut Model, words: &str, forward: bool) -> Found {
    let found = with(model, |table, list, _| table.find(list, words, forward));
    if found == Some(true) {
        Found::There
    } else {
        Found::Nowhere
    }
}

/// The value of the chosen row, where a table is shown.
pub(super) fn selected(model: &mut Model) -> Option<Arc<Value>> {
    with(model, |table, list, _| {
        list.get(table.row).cloned().map(Arc::new)
    })?
}

/// Shows the chosen row in the tree.
pub(crate) fn open_row(model: &mut Model) {
    let Some(table) = model.inspector.table.take() else {
        return;
    };
    let (Some(step), Some((value, _))) = (model.selected, inspected::value(model)) else {
        return;
    };
    let mut places = table.places;
    places.push(table.row);
    let tree = model.inspector.tree(step, &value);
    tree.go_to(&value, &places);
    tree.unfold();
}
