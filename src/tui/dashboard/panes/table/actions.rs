//! The keys of the table.

use crate::tui::dashboard::keymap::entry::{Entry, Group, always, change};
use crate::tui::dashboard::panes::View;
use crate::tui::dashboard::state::model::{Focus, Model};
use crate::tui::dashboard::state::overlay::Overlay;
use crate::tui::dashboard::update::navigation::show_view;
use crate::tui::input::key::Key;

fn shown(model: &Model) -> bool {
    model.view == View::Table
}

fn type_filter(model: &mut Model) {
    model.focus = Focus::Graph;
    model.overlay = Some(Overlay::Filter);
}

/// What shows it.
pub(crate) const OPEN: &[Entry] = &[change(
    super::NAME,
    &[super::KEY],
    Group::Views,
    "show the table: one row per step; again: the graph",
    always,
    |model| show_view(model, View::Table),
)];

/// What it can do beyond what every view can.
#[rustfmt::skip]
pub(crate) const ACTIONS: &[Entry] = &[
    change("reverse", &[Key::char('!')], Group::Views, "table: reverse the sort order",
        shown, |m| m.panes.table.reverse()).hint("reverse").needs("the table"),
    change("filter", &[Key::char('&')], Group::Views, "table: filter rows by words; is:failed, -without",
        shown, type_filter).hint("filter").needs("the table"),
];
