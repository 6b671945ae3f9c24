//! The keys of the cost view.

use crate::tui::dashboard::keymap::entry::{Entry, Group, always, change};
use crate::tui::dashboard::panes::View;
use crate::tui::dashboard::update::navigation::show_view;
use crate::tui::input::key::Key;

/// What shows it.
pub(crate) const OPEN: &[Entry] = &[change(
    super::NAME,
    &[super::KEY],
    Group::Views,
    "show the cost: where the money went; again: the graph",
    always,
    |model| show_view(model, View::Cost),
)];

/// What it can do beyond what every view can.
#[rustfmt::skip]
pub(crate) const ACTIONS: &[Entry] = &[
    change("accounts", &[Key::char('t')], Group::Views, "cost: by step, by tool or by model",
        |m| m.view == View::Cost, |m| m.panes.cost.turn()).hint("step/tool/model"),
];
