//! The keys of the timeline.

use crate::tui::dashboard::keymap::entry::{Entry, Group, always, change};
use crate::tui::dashboard::panes::View;
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::update::navigation::show_view;
use crate::tui::input::key::Key;

fn shown(model: &Model) -> bool {
    model.view == View::Timeline
}

/// What shows it.
pub(crate) const OPEN: &[Entry] = &[change(
    super::NAME,
    &[super::KEY],
    Group::Views,
    "show the timeline: attempts over time; again: the graph",
    always,
    |model| show_view(model, View::Timeline),
)];

/// What it can do beyond what every view can.
#[rustfmt::skip]
pub(crate) const ACTIONS: &[Entry] = &[
    change("timeline-rows", &[Key::char('t')], Group::Views, "timeline: one line per slot, or per step",
        shown, |m| m.panes.timeline.turn()).hint("slots/steps"),
];
