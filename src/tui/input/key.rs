//! Keys: what a chord is, how it is matched and how it is written for people.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::fmt;

/// One key with its modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    /// The key itself; a letter as it is typed, so capitals need no shift.
    pub code: KeyCode,
    /// Whether control is held.
    pub control: bool,
}

impl Key {
    /// A character as it is typed.
    pub(crate) const fn char(c: char) -> Self {
        Self::code(KeyCode::Char(c))
    }

    /// A character with control held.
    pub(crate) const fn control(c: char) -> Self {
        Self {
            code: KeyCode::Char(c),
            control: true,
        }
    }

    /// Any other key with control held.
    pub(crate) const fn control_code(code: KeyCode) -> Self {
        Self {
            code,
            control: true,
        }
    }

    /// Any other key.
    pub(crate) const fn code(code: KeyCode) -> Self {
        Self {
            code,
            control: false,
        }
    }

    /// Whether `event` is this key. With alt or another modifier that a terminal reports it is not.
    pub(crate) fn matches(self, event: &KeyEvent) -> bool {
        let others = KeyModifiers::ALT | KeyModifiers::SUPER | KeyModifiers::META;
        self.code == event.code
            && self.control == event.modifiers.contains(KeyModifiers::CONTROL)
            && !event.modifiers.intersects(others)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.control {
            f.write_str("ctrl-")?;
        }
        match self.code {
            KeyCode::Char(' ') => f.write_str("space"),
            KeyCode::Char(c) => write!(f, "{c}"),
            KeyCode::Up => f.write_str("↑"),
            KeyCode::Down => f.write_str("↓"),
            KeyCode::Left => f.write_str("←"),
            KeyCode::Right => f.write_str("→"),
            KeyCode::Enter => f.write_str("enter"),
            KeyCode::Esc => f.write_str("esc"),
            KeyCode::Tab => f.write_str("tab"),
            KeyCode::BackTab => f.write_str("shift-tab"),
            KeyCode::PageUp => f.write_str("page up"),
            KeyCode::PageDown => f.write_str("page down"),
            KeyCode::Home => f.write_str("home"),
            KeyCode::End => f.write_str("end"),
            KeyCode::F(number) => write!(f, "f{number}"),
            other => write!(f, "{other:?}"),
        }
    }
}
