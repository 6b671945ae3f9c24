//! The keys of every screen: those of the registries with the user's own, and as a table for the settings.

use super::dashboard::keymap::{registry, rules};
use super::home;
use super::input::keymap::{KeyFault, KeySetting, Keymap, Keymaps};
use std::fmt::Write as _;
use std::sync::Arc;

/// The keys of the screens with the user's own, for the dashboard and for the home screen, and what is wrong with those.
/// What is faulty is left out.
pub fn keymaps(dashboard: &[KeySetting], home: &[KeySetting]) -> (Keymaps, Vec<KeyFault>) {
    let (of_dashboard, mut faults) = Keymap::with(&rules::rules(), dashboard);
    let (of_home, more) = Keymap::with(&home::rules(), home);
    faults.extend(more);
    let keymaps = Keymaps {
        dashboard: Arc::new(of_dashboard),
        home: Arc::new(of_home),
    };
    (keymaps, faults)
}

/// Every action with its keys, as a part of the settings: `[keys]` and `[keys.home]`, with what each does.
pub fn keys_as_settings(keymaps: &Keymaps) -> String {
    let mut text = String::from("[keys]\n");
    let entries: Vec<_> = registry::entries().collect();
    for group in super::dashboard::keymap::entry::Group::ALL {
        let of_group = entries.iter().filter(|entry| entry.scope.group == group);
        let lines = of_group.map(|entry| {
            let keys = keymaps.dashboard.all(entries.iter().copied(), entry.name);
            (entry.name, keys, entry.description)
        });
        write_group(&mut text, group.name(), lines);
    }
    text.push_str("\n[keys.home]\n");
    let actions = home::actions();
    for group in home::GROUPS {
        let of_group = actions.iter().filter(|entry| entry.scope == group);
        let lines = of_group.map(|entry| {
            let keys = keymaps.home.all(actions.iter(), entry.name);
            (entry.name, keys, entry.description)
        });
        write_group(&mut text, group, lines);
    }
    text
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
