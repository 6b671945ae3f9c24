//! The keys of the graph. Its other actions stand among those for moving about, which every view shares.

use crate::tui::dashboard::keymap::entry::{Entry, Group, always, change};
use crate::tui::dashboard::panes::View;
use crate::tui::dashboard::update::navigation::show_view;
use crate::tui::input::key::Key;

/// What shows it.
pub(crate) const OPEN: &[Entry] = &[change(
    super::NAME,
    &[super::KEY],
    Group::Views,
    "show the graph",
    always,
    |model| show_view(model, View::Graph),
)];

/// What it can do beyond what every view can.
pub(crate) const ACTIONS: &[Entry] = &[change(
    "heat",
    &[Key::char('H')],
    Group::Views,
    "graph: show the status, the time or the cost in the signs",
    |model| model.view == View::Graph,
    |model| model.notice = Some(model.panes.graph.turn_heat().to_owned()),
)
.needs("the graph")];
