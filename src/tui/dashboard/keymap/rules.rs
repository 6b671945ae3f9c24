//! Which keys the user may give to the actions of the dashboard.

use super::entry::Scope;
use super::entry::{Entry, Group, Over};
use super::registry::entries;
use crate::tui::dashboard::message::Effect;
use crate::tui::dashboard::state::model::Model;
use crate::tui::input::keymap::KeyRules;

const PANES: u32 = 1;
const QUESTION: u32 = 1 << 1;
const SEARCH: u32 = 1 << 2;
const PALETTE: u32 = 1 << 3;
const EDITOR: u32 = 1 << 4;
const COMPARISON: u32 = 1 << 5;
const PAGE: u32 = 1 << 6;
const THEMES: u32 = 1 << 7;

/// Actions without which the dashboard, or what lies over it, could not be left or answered.
const NEEDED: [&str; 17] = [
    "quit",
    "help",
    "back",
    "confirm",
    "decline",
    "accept",
    "cancel",
    "keep-filter",
    "drop-filter",
    "look-for",
    "look-no-more",
    "apply",
    "leave-editor",
    "palette-choose",
    "palette-close",
    "keep-theme",
    "cancel-theme",
];

/// The rules.
pub(crate) fn rules() -> KeyRules<Model, Effect, Scope> {
    KeyRules {
        actions: entries().collect(),
        situations,
        types: |entry| {
            matches!(
                entry.scope.group,
                Group::Search | Group::Palette | Group::Editor
            )
        },
        needs_key: |entry| NEEDED.contains(&entry.name),
    }
}

fn situations(entry: &Entry) -> u32 {
    let own = match entry.scope.group {
        Group::Question => QUESTION,
        Group::Search => SEARCH,
        Group::Palette => PALETTE,
        Group::Editor => EDITOR,
        Group::Themes => THEMES,
        Group::Compare => PANES | COMPARISON,
        _ => PANES,
    };
    own | match entry.scope.over {
        Over::None => 0,
        Over::Text => PAGE,
        Over::Scroll => PAGE | COMPARISON,
        Over::Quit => PAGE | COMPARISON | QUESTION | PALETTE,
        Over::All => PAGE | COMPARISON | QUESTION | PALETTE | SEARCH,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::input::keymap::{KeySetting, Keymap};

    fn setting(action: &str, keys: &[&str], line: usize) -> KeySetting {
        KeySetting {
            action: action.to_owned(),
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            place: format!("keys.toml:{line}"),
        }
    }

    fn faults(settings: &[KeySetting]) -> Vec<String> {
        let (_, faults) = Keymap::with(&rules(), settings);
        faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_keys_as_they_are_have_no_fault() {
        let mut settings: Vec<KeySetting> = Vec::new();
        for entry in entries() {
            if settings.iter().any(|setting| setting.action == entry.name) {
                continue;
            }
            let keys = Keymap::default().all(entries(), entry.name);
            let keys: Vec<String> = keys.iter().map(|key| key.name()).collect();
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            settings.push(setting(entry.name, &keys, settings.len() + 1));
        }
        assert_eq!(faults(&settings), [""; 0]);
    }

    #[test]
    fn a_conflict_names_both_and_is_left_out() {
        let settings = [setting("pause", &["p"], 3), setting("stop", &["ctrl-k"], 4)];
        let (keymap, found) = Keymap::with(&rules(), &settings);
        assert_eq!(found.len(), 1, "{found:?}");
        let said = found[0].to_string();
        assert!(
            said.starts_with("keys.toml:3: pause: \"p\" is the key of pin too"),
            "{said}"
        );
        assert_eq!(keymap.written(entries(), "pause"), "space");
        assert_eq!(keymap.written(entries(), "stop"), "ctrl-k");
        // The other one may move away, or two may change places.
        assert_eq!(
            faults(&[setting("stop", &["b"], 1), setting("breakpoint", &["x"], 2)]),
            [""; 0]
        );
        assert_eq!(
            faults(&[setting("pause", &["p"], 1), setting("pin", &[], 2)]),
            [""; 0]
        );
        let half = faults(&[setting("pause", &["p"], 1), setting("pin", &["space"], 2)]);
        assert!(
            half[0].contains("pin: \"space\" is the key of "),
            "{half:?}"
        );
        let own = faults(&[setting("stop", &["f7"], 1), setting("fork", &["f7"], 2)]);
        assert!(
            own[0].contains("keys.toml:2: fork") && own[0].contains("(keys.toml:1)"),
            "{own:?}"
        );
    }

    #[test]
    fn actions_that_are_told_apart_may_share_a_key() {
        let settings = [
            setting("up", &["f8"], 1),
            setting("scroll-up", &["f8"], 2),
            setting("resume", &["f5"], 3),
            setting("pause", &["f5"], 4),
        ];
        assert_eq!(faults(&settings), [""; 0]);
    }

    #[test]
    fn what_cannot_be_is_said() {
        let said = faults(&[
            setting("puase", &["p"], 1),
            setting("quit", &[], 2),
            setting("palette-close", &["x"], 3),
            setting("retry", &["ctrl+r"], 4),
        ]);
        assert!(said[0].contains("did you mean pause?"), "{said:?}");
        assert!(said[1].contains("quit needs a key"), "{said:?}");
        assert!(said[2].contains("would be typed as text"), "{said:?}");
        assert!(said[3].contains("write \"ctrl-r\""), "{said:?}");
    }
}
