//! Keys: what a chord is, how it is matched, and how it is written for people and in settings.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::fmt;
use std::str::FromStr;

/// One key with its modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    /// The key itself; a letter as it is typed, so capitals need no shift.
    pub code: KeyCode,
    /// Whether control is held.
    pub control: bool,
    /// Whether alt is held.
    pub alt: bool,
}

/// The keys that have a name, with the name for settings.
const NAMED: [(&str, KeyCode); 16] = [
    ("space", KeyCode::Char(' ')),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("shift-tab", KeyCode::BackTab),
    ("page-up", KeyCode::PageUp),
    ("page-down", KeyCode::PageDown),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
];

/// The keys that a terminal sends for others with control held.
const ALIASES: [(char, &str); 5] = [
    ('i', "tab"),
    ('m', "enter"),
    ('j', "enter"),
    ('h', "backspace"),
    ('[', "esc"),
];

impl Key {
    /// A character as it is typed.
    pub(crate) const fn char(c: char) -> Self {
        Self::code(KeyCode::Char(c))
    }

    /// A character with control held.
    pub(crate) const fn control(c: char) -> Self {
        Self {
            control: true,
            ..Self::char(c)
        }
    }

    /// Any other key with control held.
    pub(crate) const fn control_code(code: KeyCode) -> Self {
        Self {
            control: true,
            ..Self::code(code)
        }
    }

    /// Any other key.
    pub(crate) const fn code(code: KeyCode) -> Self {
        Self {
            code,
            control: false,
            alt: false,
        }
    }

    /// Whether `event` is this key. With another modifier that a terminal reports it is not.
    pub(crate) fn matches(self, event: &KeyEvent) -> bool {
        let others = KeyModifiers::SUPER | KeyModifiers::META | KeyModifiers::HYPER;
        self.code == event.code
            && self.control == event.modifiers.contains(KeyModifiers::CONTROL)
            && self.alt == event.modifiers.contains(KeyModifiers::ALT)
            && !event.modifiers.intersects(others)
    }

    /// Whether it is a character that a text field takes.
    pub(crate) const fn is_typed(self) -> bool {
        matches!(self.code, KeyCode::Char(_)) && !self.control && !self.alt
    }

    /// How it is written in settings.
    pub(crate) fn name(self) -> String {
        let named = NAMED.iter().find(|(_, code)| *code == self.code);
        let code = match (named, self.code) {
            (Some((name, _)), _) => (*name).to_owned(),
            (None, KeyCode::Char(c)) => c.to_string(),
            (None, KeyCode::F(number)) => format!("f{number}"),
            (None, other) => format!("{other:?}"),
        };
        self.prefix() + &code
    }

    fn prefix(self) -> String {
        let control = if self.control { "ctrl-" } else { "" };
        let alt = if self.alt { "alt-" } else { "" };
        format!("{control}{alt}")
    }
}

impl FromStr for Key {
    type Err = String;

    /// Reads a key as [`Key::name`] writes it.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut rest = text;
        let mut key = Self::char(' ');
        loop {
            if let Some(after) = rest.strip_prefix("ctrl-").filter(|after| !after.is_empty()) {
                (rest, key.control) = (after, true);
            } else if let Some(after) = rest.strip_prefix("alt-").filter(|after| !after.is_empty())
            {
                (rest, key.alt) = (after, true);
            } else {
                break;
            }
        }
        key.code = code(rest).ok_or_else(|| refusal(text))?;
        if !key.control {
            return Ok(key);
        }
        match key.code {
            KeyCode::Char(c) => {
                let c = c.to_ascii_lowercase();
                let alias = ALIASES.iter().find(|(letter, _)| *letter == c);
                if let Some((_, same)) = alias {
                    return Err(format!(
                        "\"{text}\" cannot be told from {same} on a terminal: write \"{same}\", or choose another key"
                    ));
                }
                key.code = KeyCode::Char(c);
                Ok(key)
            }
            _ => Ok(key),
        }
    }
}

fn code(name: &str) -> Option<KeyCode> {
    if let Some((_, code)) = NAMED.iter().find(|(known, _)| *known == name) {
        return Some(*code);
    }
    if let Some(number) = name
        .strip_prefix('f')
        .and_then(|number| number.parse().ok())
    {
        return (1..=12).contains(&number).then_some(KeyCode::F(number));
    }
    let mut characters = name.chars();
    match (characters.next(), characters.next()) {
        (Some(c), None) if !c.is_control() && !c.is_whitespace() => Some(KeyCode::Char(c)),
        _ => None,
    }
}

/// Why a text is not a key, with the nearest that is one.
fn refusal(text: &str) -> String {
    let shown = crate::text::fit(&crate::text::line(text), 40);
    let lower = text.to_lowercase().replace(['+', '_', ' '], "-");
    let lower = lower
        .replace("control-", "ctrl-")
        .replace("c-", "ctrl-")
        .replace("option-", "alt-")
        .replace("meta-", "alt-")
        .replace("escape", "esc")
        .replace("return", "enter")
        .replace("pageup", "page-up")
        .replace("pgup", "page-up")
        .replace("pagedown", "page-down")
        .replace("pgdn", "page-down")
        .replace("arrow", "");
    let capital = lower
        .strip_prefix("shift-")
        .filter(|letter| letter.chars().count() == 1)
        .map(str::to_uppercase);
    let meant = capital.unwrap_or(lower);
    if meant != text && meant.parse::<Key>().is_ok() {
        return format!("\"{shown}\" is not a key: write \"{meant}\"");
    }
    if text.is_empty() {
        return "\"\" is not a key: name one, or write [] for none".to_owned();
    }
    format!(
        "\"{shown}\" is not a key: write one character, as in \"p\" or \"P\", a name (space, enter, esc, tab, up, \
         page-down, f5 …), or one of them after ctrl- or alt-"
    )
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.prefix())?;
        match self.code {
            KeyCode::Up => f.write_str("↑"),
            KeyCode::Down => f.write_str("↓"),
            KeyCode::Left => f.write_str("←"),
            KeyCode::Right => f.write_str("→"),
            KeyCode::PageUp => f.write_str("page up"),
            KeyCode::PageDown => f.write_str("page down"),
            code => f.write_str(&Self::code(code).name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_is_written() {
        for name in [
            "p",
            "P",
            "?",
            "-",
            "ctrl-r",
            "alt-x",
            "ctrl-alt-up",
            "space",
            "ctrl-space",
            "f12",
            "page-down",
            "shift-tab",
            "é",
            "ctrl--",
        ] {
            let key: Key = name.parse().unwrap();
            assert_eq!(key.name(), name);
        }
        assert_eq!("ctrl-R".parse::<Key>(), Ok(Key::control('r')));
    }

    #[test]
    fn what_is_not_a_key_is_refused_with_what_was_meant() {
        for (written, meant) in [
            ("ctrl+q", "\"ctrl-q\""),
            ("Ctrl-Q", "\"ctrl-q\""),
            ("C-x", "\"ctrl-x\""),
            ("shift-a", "\"A\""),
            ("Escape", "\"esc\""),
            ("PageUp", "\"page-up\""),
            ("ctrl-i", "\"tab\""),
            ("ctrl-m", "\"enter\""),
            ("gg", "one character"),
            ("f13", "a name"),
            ("ctrl-", "a name"),
            ("super-x", "a name"),
            ("\u{1b}", "a name"),
            ("", "[]"),
        ] {
            let refused = written.parse::<Key>().unwrap_err();
            assert!(refused.contains(meant), "{written}: {refused}");
            assert!(!refused.contains('\u{1b}'));
        }
    }

    #[test]
    fn alt_is_a_key_of_its_own() {
        let event = KeyEvent::new(KeyCode::Char('x'), KeyModifiers::ALT);
        assert!("alt-x".parse::<Key>().unwrap().matches(&event));
        assert!(!Key::char('x').matches(&event));
    }
}
