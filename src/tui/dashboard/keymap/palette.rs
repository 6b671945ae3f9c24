//! What the list of actions shows of the dashboard, and doing what is chosen in it.

use super::entry::{Entry, Group};
use super::registry::{entries, possible};
use crate::text::fuzzy::Found;
use crate::tui::dashboard::message::Effect;
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::overlay::Overlay;
use crate::tui::dashboard::state::setting_line::is_setting;
use crate::tui::dashboard::update::settings;
use crate::tui::input::palette::{Listed, filtered, with_argument};

/// The actions that fit what was typed. What is possible is asked of the dashboard as if nothing lay over its panes.
pub(crate) fn listed(model: &Model, typed: &str) -> Vec<Listed> {
    let mut actions: Vec<&'static Entry> = Vec::new();
    for entry in entries() {
        if !actions.iter().any(|known| known.name == entry.name) {
            actions.push(entry);
        }
    }
    let place = |entry: &Entry| {
        let mut groups = Group::ALL.iter();
        groups.position(|group| *group == entry.scope.group)
    };
    actions.sort_by_key(|entry| place(entry));
    let actions = actions.into_iter().map(|entry| {
        let now = possible(model, entry.name);
        let shown = now.unwrap_or(entry);
        Listed {
            name: entry.name,
            keys: model.keymap.written(entries(), entry.name),
            description: shown.description,
            group: entry.scope.group.name(),
            lacks: now.is_none().then(|| reason(model, entry).to_owned()),
            takes_argument: entry.takes_argument(),
            found: Found::default(),
        }
    });
    // A setting with its value stands for the action that changes it.
    if is_setting(typed) {
        return actions.filter(|action| action.name == "settings").collect();
    }
    filtered(actions.collect(), typed)
}

/// What an action that is not possible needs.
fn reason(model: &Model, entry: &Entry) -> &'static str {
    match (entry.lacks(model), entry.scope.group) {
        ("", Group::Graph) => "the graph in focus",
        ("", Group::Inspector) => "the inspector in focus",
        ("", Group::Question) => "a question",
        ("", Group::Search) => "an open search",
        ("", Group::Editor) => "an open editor",
        ("", Group::Themes) => "the list of themes",
        ("", Group::Palette) => "this list, where it has this key",
        ("", _) => "another state of the screen",
        (lacks, _) => lacks,
    }
}

/// Does what is chosen; if it is not possible, says why and stays open.
pub(crate) fn choose(model: &mut Model) -> Vec<Effect> {
    // What is possible is asked of what lies below.
    let Some(Overlay::Palette(palette)) = model.overlay.take() else {
        return Vec::new();
    };
    let typed = palette.field.text().to_owned();
    let listed = listed(model, &typed);
    let Some(line) = listed.get(palette.chosen.min(listed.len().saturating_sub(1))) else {
        model.overlay = Some(Overlay::Palette(palette));
        return Vec::new();
    };
    let Some(entry) = possible(model, line.name) else {
        let needs = line.lacks.as_deref().unwrap_or_default();
        model.notice = Some(format!("{} needs {needs}", line.name));
        model.overlay = Some(Overlay::Palette(palette));
        return Vec::new();
    };
    if line.name == "settings" && is_setting(&typed) {
        return settings::apply_text(model, &typed);
    }
    let argument = with_argument(&typed).filter(|(name, _)| *name == line.name);
    entry.run_with(model, argument.map_or("", |(_, argument)| argument))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::theme::Theme;

    #[test]
    fn every_action_is_listed_with_its_keys() {
        let model = Model::new("plan", Theme::default(), false, (80, 24));
        let listed = listed(&model, "");
        for entry in entries() {
            let line = listed.iter().find(|line| line.name == entry.name);
            let keys = line.map(|line| line.keys.as_str()).unwrap_or_default();
            assert!(
                entry.keys.iter().all(|key| keys.contains(&key.to_string())),
                "{}: {keys}",
                entry.name
            );
        }
        let possible = listed.iter().position(|line| line.lacks.is_some());
        let rest = &listed[possible.unwrap()..];
        assert!(rest.iter().all(|line| line.lacks.is_some()));
    }
}
