//! The keys of the blank view.

use crate::tui::dashboard::keymap::entry::{Entry, Group, always, change};
use crate::tui::dashboard::panes::View;
use crate::tui::dashboard::update::navigation::show_view;
use crate::tui::input::key::Key;

/// What shows it.
pub(crate) const OPEN: &[Entry] = &[change(
    super::NAME,
    &[super::KEY],
    Group::Views,
    "show nothing; again: the graph",
    always,
    |model| show_view(model, View::Blank),
)];

/// What it can do beyond what every view can.
#[rustfmt::skip]
pub(crate) const ACTIONS: &[Entry] = &[
    change("press", &[Key::char('t')], Group::Views, "blank: count a press",
        |m| m.view == View::Blank, |m| m.panes.blank.pressed += 1),
];
