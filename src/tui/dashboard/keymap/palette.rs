//! The palette: every action by its name, found by a few letters. It is an entry of the registry and lists it.

use super::entry::{Entry, Group};
use super::registry::{entries, keys, possible};
use crate::text::fuzzy::{Found, Query};
use crate::tui::dashboard::message::Effect;
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::overlay::Overlay;
use crate::tui::dashboard::state::palette::Palette;
use crate::tui::dashboard::state::setting_line::is_setting;
use crate::tui::dashboard::update::settings;

/// A line of the palette.
pub(crate) struct Listed {
    /// The action.
    pub entry: &'static Entry,
    /// Every key of that name.
    pub keys: String,
    /// Whether it can be done now.
    pub possible: bool,
    /// The matched letters of its name and description.
    pub found: Found,
}

/// What the palette lists: with nothing typed, possible actions first, in the order of the registry; else the best
/// match first.
pub(crate) fn listed(model: &mut Model) -> Vec<Listed> {
    // What can be done is asked of the dashboard below, not of the palette that lies over it.
    let overlay = model.overlay.take();
    let typed = match &overlay {
        Some(Overlay::Palette(palette)) => palette.field.text(),
        _ => "",
    };
    let listed = answers(model, typed);
    model.overlay = overlay;
    listed
}

/// What the palette lists where nothing lies over the panes and this was typed.
pub(crate) fn answers(model: &Model, typed: &str) -> Vec<Listed> {
    let mut actions: Vec<&'static Entry> = Vec::new();
    for entry in entries() {
        let of_an_overlay = !Group::ALL.contains(&entry.scope.group);
        let known = actions.iter().any(|known| known.name == entry.name);
        if !of_an_overlay && !known && entry.name != "palette" {
            actions.push(entry);
        }
    }
    // A setting with its value stands for the action that changes it.
    let typed = if is_setting(typed) { "settings" } else { typed };
    let mut query = Query::new(typed);
    let ranked = query.rank(actions.iter().map(|entry| [entry.name, entry.description]));
    let mut listed: Vec<Listed> = ranked
        .into_iter()
        .map(|(at, found)| Listed {
            entry: actions[at],
            keys: keys(actions[at].name),
            possible: possible(model, actions[at].name),
            found,
        })
        .collect();
    if query.is_empty() {
        listed.sort_by_key(|line| !line.possible);
    }
    listed
}

/// What an action that is not possible needs.
pub(crate) fn reason(model: &Model, entry: &Entry) -> &'static str {
    match (entry.lacks(model), entry.scope.group) {
        ("", Group::Graph) => "the graph in focus",
        ("", Group::Inspector) => "the inspector in focus",
        ("", _) => "another state of the screen",
        (lacks, _) => lacks,
    }
}

/// Opens the palette with nothing typed.
pub(crate) fn open(model: &mut Model) {
    model.overlay = Some(Overlay::Palette(Palette::default()));
}

/// Chooses the line `by` places on, going around.
pub(crate) fn move_by(model: &mut Model, by: isize) {
    let count = listed(model).len() as isize;
    if let Some(Overlay::Palette(palette)) = &mut model.overlay
        && count > 0
    {
        let chosen = palette.chosen as isize + by;
        palette.chosen = chosen.rem_euclid(count) as usize;
    }
}

/// Runs the chosen action; if it is not possible, shows why and stays open.
pub(crate) fn choose(model: &mut Model) -> Vec<Effect> {
    let listed = listed(model);
    let Some(Overlay::Palette(palette)) = &model.overlay else {
        return Vec::new();
    };
    let typed = palette.field.text().to_owned();
    let Some(line) = listed.get(palette.chosen) else {
        return Vec::new();
    };
    if !line.possible {
        let needs = reason(model, line.entry);
        model.notice = Some(format!("{} needs {needs}", line.entry.name));
        return Vec::new();
    }
    model.overlay = None;
    let name = line.entry.name;
    if name == "settings" && is_setting(&typed) {
        return settings::apply_text(model, &typed);
    }
    let mut now = entries().filter(|entry| entry.name == name && entry.is_possible(model));
    let now = now.next();
    now.map_or_else(Vec::new, |entry| entry.run(model))
}
