//! The caption of a demonstration or of a presentation: one line that says which key was pressed, what to look at, and
//! the key that shows it.

use super::next_key::next_key;
use crate::text;
use crate::tui::dashboard::keymap::entry::Entry;
use crate::tui::dashboard::keymap::registry::entries;
use crate::tui::dashboard::state::model::Model;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::Span;

/// The user's own key for what has this one.
fn shown(model: &Model, key: &str) -> String {
    let has_it = |entry: &&Entry| entry.keys.iter().any(|own| own.to_string() == key);
    let entry = entries().find(|entry| has_it(entry) && entry.is_possible(model));
    let own = entry.and_then(|entry| model.keymap.footer_key(entry, key));
    own.unwrap_or_else(|| key.to_owned())
}

/// Draws the caption.
pub(super) fn draw(model: &Model, buf: &mut Buffer, line: Rect) {
    if line.width < 12 {
        return;
    }
    let theme = &model.theme;
    let key_style = theme.accent.add_modifier(Modifier::BOLD);
    let mut x = line.x + 1;
    let mut put = |x: &mut u16, words: &str, style| {
        let room = line.right().saturating_sub(*x + 1);
        let words = text::fit(words, room.into());
        *x = buf
            .set_span(*x, line.y, &Span::styled(words, style), room)
            .0;
    };
    if model.tour {
        put(&mut x, " DEMO ", theme.badge);
        put(&mut x, "  ", theme.text);
    }
    let next = next_key(model);
    let mut style = theme.strong;
    if let Some(presentation) = &model.presentation {
        if let Some((key, words)) = &presentation.pressed {
            put(&mut x, &format!(" {key} "), theme.badge);
            put(&mut x, &format!(" {words}   "), theme.strong);
        }
        style = theme.text;
        if !model.tour {
            // What comes next stands on the right, where the eye finds it again.
            let free = usize::from(line.right().saturating_sub(x + 1));
            x += free.saturating_sub(text::width(&next.replace('`', ""))) as u16;
        }
    }
    for (at, part) in next.split('`').enumerate() {
        let is_key = at % 2 == 1;
        if is_key {
            put(&mut x, &shown(model, part), key_style);
        } else {
            put(&mut x, part, style);
        }
    }
}
