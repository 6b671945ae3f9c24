//! The palette: every action by its name, found by a few letters.

use super::act;
use crate::text::fuzzy::{Found, Query};
use crate::tui::dashboard::keymap::{Entry, Group, REGISTRY, possible};
use crate::tui::dashboard::message::Effect;
use crate::tui::dashboard::state::model::{Model, Overlay};
use crate::tui::input::text_field::Field;

/// What was typed into the palette, and what is chosen in it.
#[derive(Clone, Debug, Default)]
pub struct Palette {
    /// What was typed.
    pub field: Field,
    /// The place of what is chosen among what is listed.
    pub chosen: usize,
}

/// A line of the palette.
pub(crate) struct Listed {
    /// The action.
    pub entry: &'static Entry,
    /// Every key of that name.
    pub keys: String,
    /// Whether it can be done now.
    pub possible: bool,
    /// What of its name and description was typed.
    pub found: Found,
}

/// What the palette lists: with nothing typed first what is possible now, in the order of the registry; else
/// the best match first.
pub(crate) fn listed(model: &mut Model) -> Vec<Listed> {
    // What can be done is asked of the dashboard below, not of the palette that lies over it.
    let overlay = model.overlay.take();
    let mut entries: Vec<&'static Entry> = Vec::new();
    for entry in REGISTRY {
        let of_an_overlay = !Group::ALL.contains(&entry.group);
        let known = entries.iter().any(|known| known.name == entry.name);
        if !of_an_overlay && !known && entry.name != "palette" {
            entries.push(entry);
        }
    }
    let query = Query::new(model.palette.field.text());
    let ranked = query.rank(entries.iter().map(|entry| [entry.name, entry.description]));
    let mut listed: Vec<Listed> = ranked
        .into_iter()
        .map(|(at, found)| Listed {
            entry: entries[at],
            keys: keys(entries[at].name),
            possible: possible(model, entries[at].name),
            found,
        })
        .collect();
    if query.is_empty() {
        listed.sort_by_key(|line| !line.possible);
    }
    model.overlay = overlay;
    listed
}

/// The keys that do what has this name.
fn keys(name: &str) -> String {
    let entries = REGISTRY.iter().filter(|entry| entry.name == name);
    let mut keys: Vec<String> = Vec::new();
    for key in entries
        .flat_map(|entry| entry.keys)
        .map(ToString::to_string)
    {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys.join(" ")
}

/// Why what is listed cannot be done.
pub(crate) fn reason(model: &Model, entry: &Entry) -> &'static str {
    match (entry.lacks(model), entry.group) {
        ("", Group::Graph) => "the graph in front",
        ("", Group::Inspector) => "the inspector in front",
        ("", _) => "another moment",
        (lacks, _) => lacks,
    }
}

/// Opens the palette with nothing typed.
pub(crate) fn open(model: &mut Model) {
    model.palette = Palette::default();
    model.overlay = Some(Overlay::Palette);
}

/// Changes what was typed; the best match is chosen again.
pub(crate) fn type_in(model: &mut Model, change: impl FnOnce(&mut Field)) {
    change(&mut model.palette.field);
    model.palette.chosen = 0;
    model.dirty = true;
}

/// Chooses the line `by` places on, going around.
pub(crate) fn move_by(model: &mut Model, by: isize) {
    let count = listed(model).len() as isize;
    if count > 0 {
        let chosen = model.palette.chosen as isize + by;
        model.palette.chosen = chosen.rem_euclid(count) as usize;
    }
}

/// Does what is chosen; where that is not possible, says why and stays open.
pub(crate) fn choose(model: &mut Model) -> Vec<Effect> {
    let listed = listed(model);
    let Some(line) = listed.get(model.palette.chosen) else {
        return Vec::new();
    };
    if !line.possible {
        let needs = reason(model, line.entry);
        model.notice = Some(format!("{} needs {needs}", line.entry.name));
        return Vec::new();
    }
    model.overlay = None;
    let mut entries = REGISTRY.iter();
    let now = entries.find(|entry| entry.name == line.entry.name && entry.is_possible(model));
    now.map_or_else(Vec::new, |entry| act::act(model, entry.action))
}
