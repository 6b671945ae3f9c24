//! The user's own keys in a settings file, with the place of each.

use std::path::Path;
use toml::de::{DeTable, DeValue};

/// Keys that a settings file gives to an action of a screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySetting {
    /// The screen that has the action.
    pub screen: KeyScreen,
    /// The action, by its name.
    pub action: String,
    /// The keys, by their names, or why there are none.
    pub keys: Result<Vec<String>, String>,
    /// The file and the line.
    pub place: String,
}

/// A screen with actions of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyScreen {
    /// The dashboard, whose keys stand in `[keys]`.
    #[default]
    Dashboard,
    /// The home screen: `[keys.home]`.
    Home,
    /// The view of a batch: `[keys.batch]`.
    Batch,
}

/// The tables of the screens beside the dashboard.
const TABLES: [(&str, KeyScreen); 2] = [("home", KeyScreen::Home), ("batch", KeyScreen::Batch)];

/// The keys in a settings file, in its order. A file that is not TOML has none: reading its settings says so.
pub(super) fn read(file: &Path, text: &str) -> Vec<KeySetting> {
    let mut found = Vec::new();
    let Ok(table) = DeTable::parse(text) else {
        return Vec::new();
    };
    let Some(DeValue::Table(keys)) = table.get_ref().get("keys").map(toml::Spanned::get_ref) else {
        return Vec::new();
    };
    let is_table = |name: &str| TABLES.iter().any(|(table, _)| *table == name);
    let mut take = |screen: KeyScreen, keys: &DeTable<'_>| {
        for (action, value) in keys {
            let of_screen = screen == KeyScreen::Dashboard && is_table(action.get_ref());
            if of_screen && value.get_ref().is_table() {
                continue;
            }
            let before = text.get(..action.span().start).unwrap_or_default();
            let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
            let setting = KeySetting {
                screen,
                action: action.get_ref().to_string(),
                keys: names(value.get_ref()),
                place: format!("{}:{line}", file.display()),
            };
            found.push((action.span().start, setting));
        }
    };
    take(KeyScreen::Dashboard, keys);
    for (name, screen) in TABLES {
        if let Some(DeValue::Table(keys)) = keys.get(name).map(toml::Spanned::get_ref) {
            take(screen, keys);
        }
    }
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, setting)| setting).collect()
}

fn names(value: &DeValue<'_>) -> Result<Vec<String>, String> {
    let name = |value: &DeValue<'_>| match value {
        DeValue::String(name) => Some(name.to_string()),
        _ => None,
    };
    let several = match value {
        DeValue::Array(keys) => keys.iter().map(|key| name(key.get_ref())).collect(),
        one => name(one).map(|name| vec![name]),
    };
    several.ok_or_else(|| {
        "must be a key, as in \"p\", or a list of keys, as in [\"p\", \"f5\"]".to_owned()
    })
}

/// These keys, over those of a file further away.
pub(super) fn over(near: Vec<KeySetting>, far: Vec<KeySetting>) -> Vec<KeySetting> {
    let is_new = |setting: &KeySetting| {
        let same = |one: &KeySetting| one.screen == setting.screen && one.action == setting.action;
        !near.iter().any(same)
    };
    let mut all: Vec<KeySetting> = far.into_iter().filter(is_new).collect();
    all.extend(near);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_place() {
        let text = "theme = 'dark'\n\n[keys]\npause = \"p\"\nretry = [\"r\", \"f5\"]\nstop = 3\n\n[keys.home]\nfork = []\n\n[keys.batch]\nsort = \"o\"\n";
        let keys = read(Path::new("a.toml"), text);
        let said: Vec<String> = keys
            .iter()
            .map(|key| {
                format!(
                    "{} {:?} {} {:?}",
                    key.place, key.screen, key.action, key.keys
                )
            })
            .collect();
        assert_eq!(said[0], "a.toml:4 Dashboard pause Ok([\"p\"])");
        assert_eq!(said[1], "a.toml:5 Dashboard retry Ok([\"r\", \"f5\"])");
        assert!(
            said[2].starts_with("a.toml:6 Dashboard stop Err("),
            "{}",
            said[2]
        );
        assert_eq!(said[3], "a.toml:9 Home fork Ok([])");
        assert_eq!(said[4], "a.toml:12 Batch sort Ok([\"o\"])");
    }

    #[test]
    fn the_nearer_file_wins() {
        let near = read(Path::new("near"), "[keys]\npause = \"p\"");
        let far = read(Path::new("far"), "[keys]\npause = \"x\"\nstop = \"y\"");
        let both = over(near, far);
        let said: Vec<_> = both.iter().map(|key| (&*key.action, &*key.place)).collect();
        assert_eq!(said, [("stop", "far:3"), ("pause", "near:2")]);
    }
}
