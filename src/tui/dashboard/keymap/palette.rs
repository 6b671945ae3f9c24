//! What the list of actions shows of the dashboard, and doing what is chosen in it.

use super::entry::{Entry, Group, Scope};
use super::registry::entries;
use crate::tui::dashboard::message::Effect;
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::overlay::Overlay;
use crate::tui::dashboard::state::setting_line::is_setting;
use crate::tui::dashboard::update::settings;
use crate::tui::input::palette::Listed;
use crate::tui::input::registry::{Choice, Registry};

/// What the list of actions shows.
fn registry() -> Registry<Model, Effect, Scope> {
    Registry {
        actions: entries().collect(),
        group: |entry| {
            let group = entry.scope.group;
            let place = Group::ALL.iter().position(|one| *one == group);
            (place.unwrap_or_default(), group.name())
        },
        possible: |entry, model| entry.is_possible(model),
        lacks: |entry, model| reason(model, entry),
    }
}

/// The actions that fit what was typed. What is possible is asked of the dashboard as if nothing lay over its panes.
pub(crate) fn listed(model: &Model, typed: &str) -> Vec<Listed> {
    let registry = registry();
    // A setting with its value stands for the action that changes it.
    if is_setting(typed) {
        let lines = registry.lines(model, &model.keymap).into_iter();
        return lines.filter(|action| action.name == "settings").collect();
    }
    registry.listed(model, &model.keymap, typed)
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
    let typed = palette.field.text();
    match registry().chosen(model, &listed(model, typed), &palette) {
        Choice::Do(entry, _) if entry.name == "settings" && is_setting(typed) => {
            return settings::apply_text(model, typed);
        }
        Choice::Do(entry, argument) => return entry.run_with(model, &argument),
        Choice::Lacks(why) => model.notice = Some(why),
        Choice::Nothing => {}
    }
    model.overlay = Some(Overlay::Palette(palette));
    Vec::new()
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
