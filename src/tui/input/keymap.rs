//! Which keys actions have: those of the registry, or the user's own.

use super::action::Action;
use super::key::Key;
use crossterm::event::KeyEvent;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The keys of a screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keymap {
    /// The user's own keys, by the name of the action.
    own: BTreeMap<&'static str, Vec<Key>>,
}

/// The keys of the screens.
#[derive(Clone, Debug, Default)]
pub struct Keymaps {
    /// Those of the dashboard.
    pub dashboard: Arc<Keymap>,
    /// Those of the home screen.
    pub home: Arc<Keymap>,
    /// Those of the view of a batch.
    pub batch: Arc<Keymap>,
}

/// The keys that the user gives to the actions of each screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySettings {
    /// Those of the dashboard.
    pub dashboard: Vec<KeySetting>,
    /// Those of the home screen.
    pub home: Vec<KeySetting>,
    /// Those of the view of a batch.
    pub batch: Vec<KeySetting>,
}

/// Keys that the user gives to an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySetting {
    /// The action, by its name.
    pub action: String,
    /// The keys, by their names.
    pub keys: Vec<String>,
    /// The file and the line.
    pub place: String,
}

/// What is wrong with a [`KeySetting`], where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFault {
    /// The file and the line.
    pub place: String,
    /// What is wrong, and what to do.
    pub message: String,
}

impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// What a registry says of the keys that its actions may have.
pub(crate) struct KeyRules<M: 'static, E: 'static, S: 'static> {
    /// The registry, in order.
    pub actions: Vec<&'static Action<M, E, S>>,
    /// The situations in which an action may get its key, a bit each.
    pub situations: fn(&Action<M, E, S>) -> u32,
    /// Whether letters are typed into something in a situation of the action.
    pub types: fn(&Action<M, E, S>) -> bool,
    /// Whether the screen could not be used, or left, without a key for the action.
    pub needs_key: fn(&Action<M, E, S>) -> bool,
}

impl Keymap {
    /// The keys of an action.
    pub(crate) fn of<'a, M, E, S: Copy>(&'a self, action: &'a Action<M, E, S>) -> &'a [Key] {
        self.named(action.name, action.keys)
    }

    /// The keys of the action of this name, whose own are `usual`.
    pub(crate) fn named<'a>(&'a self, name: &str, usual: &'a [Key]) -> &'a [Key] {
        self.own.get(name).map_or(usual, Vec::as_slice)
    }

    /// The first key of the action of this name, whose own is `usual`, as it is written for people; empty where it has
    /// none.
    pub(crate) fn shown(&self, name: &str, usual: Key) -> String {
        let usual = [usual];
        let first = self.named(name, &usual).first();
        first.map(ToString::to_string).unwrap_or_default()
    }

    /// Whether one of its keys that `counts` was pressed.
    pub(crate) fn has<M, E, S: Copy>(
        &self,
        action: &Action<M, E, S>,
        event: &KeyEvent,
        counts: impl Fn(&Key) -> bool,
    ) -> bool {
        let mut keys = self.of(action).iter();
        keys.any(|key| key.matches(event) && counts(key))
    }

    /// The key to show for an action that has `usual` by default: that one, where it has it still.
    pub(crate) fn footer_key<M, E, S: Copy>(
        &self,
        action: &Action<M, E, S>,
        usual: &str,
    ) -> Option<String> {
        let keys: Vec<String> = self.of(action).iter().map(ToString::to_string).collect();
        let same = keys.iter().find(|key| *key == usual);
        same.or(keys.first()).cloned()
    }

    /// What the footer shows of an action: its first key and its word.
    pub(crate) fn footer<M, E, S: Copy>(
        &self,
        action: &Action<M, E, S>,
    ) -> Option<(Key, &'static str)> {
        Some((*self.of(action).first()?, action.hint?))
    }

    /// The keys of every action of this name, as they are written for people.
    pub(crate) fn written<'a, M: 'static, E: 'static, S: Copy + 'static>(
        &self,
        actions: impl Iterator<Item = &'a Action<M, E, S>>,
        name: &str,
    ) -> String {
        let keys = self.all(actions, name);
        let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
        keys.join(" ")
    }

    /// The keys of every action of this name.
    pub(crate) fn all<'a, M: 'static, E: 'static, S: Copy + 'static>(
        &self,
        actions: impl Iterator<Item = &'a Action<M, E, S>>,
        name: &str,
    ) -> Vec<Key> {
        let mut keys: Vec<Key> = Vec::new();
        for key in actions
            .filter(|action| action.name == name)
            .flat_map(|action| self.of(action))
        {
            if !keys.contains(key) {
                keys.push(*key);
            }
        }
        keys
    }

    /// The keys of a registry with the user's own, and what is wrong with those. What is faulty is left out: its
    /// actions have the keys that they have without it.
    pub(crate) fn with<M, E, S: Copy>(
        rules: &KeyRules<M, E, S>,
        settings: &[KeySetting],
    ) -> (Self, Vec<KeyFault>) {
        let mut keymap = Self::default();
        let mut faults = Vec::new();
        let mut places: BTreeMap<&'static str, &KeySetting> = BTreeMap::new();
        for setting in settings {
            match rules.read(setting) {
                Ok((name, keys)) => {
                    keymap.own.insert(name, keys);
                    places.insert(name, setting);
                }
                Err(message) => faults.push(KeyFault {
                    place: setting.place.clone(),
                    message,
                }),
            }
        }
        // What conflicts is taken back, the last one first, until nothing does.
        for setting in settings.iter().rev() {
            let name = places.iter().find(|(_, one)| std::ptr::eq(**one, setting));
            let Some(name) = name.map(|(name, _)| *name) else {
                continue;
            };
            if let Some(message) = rules.conflict(&keymap, name, &places) {
                keymap.own.remove(name);
                places.remove(name);
                faults.push(KeyFault {
                    place: setting.place.clone(),
                    message,
                });
            }
        }
        (keymap, faults)
    }
}

impl<M, E, S: Copy> KeyRules<M, E, S> {
    fn of_name(&self, name: &str) -> impl Iterator<Item = &'static Action<M, E, S>> + '_ {
        let name = name.to_owned();
        self.actions
            .iter()
            .copied()
            .filter(move |action| action.name == name)
    }

    /// The action and its keys, or what is wrong.
    fn read(&self, setting: &KeySetting) -> Result<(&'static str, Vec<Key>), String> {
        let Some(action) = self.of_name(&setting.action).next() else {
            return Err(self.unknown(&setting.action));
        };
        let name = action.name;
        let mut keys: Vec<Key> = Vec::new();
        for written in &setting.keys {
            let key: Key = written.parse().map_err(|why| format!("{name}: {why}"))?;
            if key.is_typed() && self.of_name(name).any(self.types) {
                return Err(format!(
                    "{name}: \"{written}\" would be typed as text there: choose a key with ctrl- or alt-, or one \
                     that is not a character, as in {name} = \"ctrl-{}\"",
                    written.to_lowercase()
                ));
            }
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        if keys.is_empty() && self.of_name(name).any(self.needs_key) {
            return Err(format!(
                "{name} needs a key: the screen could not be used without it; give it one, or remove the line"
            ));
        }
        Ok((name, keys))
    }

    fn unknown(&self, name: &str) -> String {
        let alike = |known: &&str| strsim::jaro_winkler(name, known);
        let names = self.actions.iter().map(|action| action.name);
        let nearest = names.max_by(|a, b| alike(a).total_cmp(&alike(b)));
        let name = crate::text::fit(&crate::text::line(name), 40);
        match nearest.filter(|known| alike(known) > 0.8) {
            Some(known) => format!(
                "there is no action \"{name}\": did you mean {known}? `plandeck keys` lists them"
            ),
            None => format!("there is no action \"{name}\": `plandeck keys` lists them"),
        }
    }

    /// What is wrong where a key of this action is another's too, in a situation that both have. Actions that share a
    /// key by default are told apart by what is possible.
    fn conflict(
        &self,
        keymap: &Keymap,
        name: &str,
        places: &BTreeMap<&'static str, &KeySetting>,
    ) -> Option<String> {
        for own in self.of_name(name) {
            for other in self.actions.iter().filter(|other| other.name != name) {
                let meet = (self.situations)(own) & (self.situations)(other) != 0;
                if !meet || self.share(name, other.name) {
                    continue;
                }
                let both = keymap.of(own).iter();
                let mut both = both.filter(|key| keymap.of(other).contains(key));
                let Some(key) = both.next() else { continue };
                let key = key.name();
                let other = other.name;
                return Some(match places.get(other) {
                    Some(setting) => format!(
                        "{name}: \"{key}\" is the key of {other} too ({}): choose another for one of them",
                        setting.place
                    ),
                    None => format!(
                        "{name}: \"{key}\" is the key of {other} too: choose another, or give {other} one, as in \
                         {other} = \"f9\""
                    ),
                });
            }
        }
        None
    }

    /// Whether two actions share a key by default.
    fn share(&self, one: &str, other: &str) -> bool {
        let usual = Keymap::default();
        let other = usual.all(self.actions.iter().copied(), other);
        let one = usual.all(self.actions.iter().copied(), one);
        one.iter().any(|key| other.contains(key))
    }
}
