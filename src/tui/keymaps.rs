//! The keys of every screen: those of the registries with the user's own, and as a table for the settings.

use super::dashboard::keymap::entry::{Entry, Group};
use super::dashboard::keymap::{registry, rules};
use super::input::action::Action;
use super::input::keymap::{KeyFault, KeySettings, Keymap, Keymaps};
use super::{batch, home};
use std::fmt::Write as _;
use std::sync::Arc;

/// The keys of the screens with the user's own, and what is wrong with those. What is faulty is left out.
pub fn keymaps(settings: &KeySettings) -> (Keymaps, Vec<KeyFault>) {
    let (dashboard, mut faults) = Keymap::with(&rules::rules(), &settings.dashboard);
    let (home, of_home) = Keymap::with(&home::rules(), &settings.home);
    let (batch, of_batch) = Keymap::with(&batch::rules(), &settings.batch);
    faults.extend(of_home);
    faults.extend(of_batch);
    let keymaps = Keymaps {
        dashboard: Arc::new(dashboard),
        home: Arc::new(home),
        batch: Arc::new(batch),
    };
    (keymaps, faults)
}

/// Every action with its keys, as a part of the settings: `[keys]`, `[keys.home]` and `[keys.batch]`, with what each
/// does.
pub fn keys_as_settings(keymaps: &Keymaps) -> String {
    let mut text = String::from("[keys]\n");
    let entries: Vec<_> = registry::entries().collect();
    let groups = Group::ALL.map(|group| (group, group.name()));
    let of = |entry: &Entry| entry.scope.group;
    write_actions(&mut text, &entries, &keymaps.dashboard, &groups, of);
    text.push_str("\n[keys.home]\n");
    let entries = home::registry().actions;
    let groups = home::GROUPS.map(|group| (group, group));
    write_actions(&mut text, &entries, &keymaps.home, &groups, |entry| {
        entry.scope
    });
    text.push_str("\n[keys.batch]\n");
    let entries = batch::registry().actions;
    let groups = batch::GROUPS.map(|group| (group, group));
    write_actions(&mut text, &entries, &keymaps.batch, &groups, |entry| {
        entry.scope
    });
    text
}

/// The actions of a screen under the names of their groups.
fn write_actions<M: 'static, E: 'static, S: Copy + 'static, G: PartialEq>(
    text: &mut String,
    entries: &[&'static Action<M, E, S>],
    keymap: &Keymap,
    groups: &[(G, &str)],
    group_of: impl Fn(&Action<M, E, S>) -> G,
) {
    for (group, name) in groups {
        let of_group = entries.iter().filter(|entry| group_of(entry) == *group);
        let lines = of_group.map(|entry| {
            let keys = keymap.all(entries.iter().copied(), entry.name);
            (entry.name, keys, entry.description)
        });
        write_group(text, name, lines);
    }
}

fn write_group<'a>(
    text: &mut String,
    group: &str,
    lines: impl Iterator<Item = (&'a str, Vec<super::input::key::Key>, &'a str)>,
) {
    let mut known: Vec<&str> = Vec::new();
    let _ = writeln!(text, "# {group}");
    for (name, keys, description) in lines {
        if known.contains(&name) {
            continue;
        }
        known.push(name);
        let keys: Vec<String> = keys.iter().map(|key| quoted(&key.name())).collect();
        let keys = match &*keys {
            [key] => key.clone(),
            keys => format!("[{}]", keys.join(", ")),
        };
        let setting = format!("{name} = {keys}");
        let _ = writeln!(text, "{setting:<44} # {description}");
    }
}

/// A string of TOML.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
