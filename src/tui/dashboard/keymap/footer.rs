//! Where the hints of the footer stand, for drawing and for the mouse alike.

use super::entry::Entry;
use super::hints;
use crate::tui::dashboard::layout;
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::overlay::Overlay;
use ratatui::layout::{Position, Rect};
use unicode_width::UnicodeWidthStr;

/// Hints that stay where others give way.
const KEPT: [&str; 4] = ["back", "help", "quit", "home"];
/// Columns below which hints stand closer.
const NARROW: u16 = 60;
/// Columns from which there is room for the search of the page.
const SEARCHED: u16 = 12;

/// A hint in its place.
pub(crate) struct Hint {
    /// Where it stands.
    pub area: Rect,
    /// Its key.
    pub key: String,
    /// Its word.
    pub word: &'static str,
    /// The action.
    pub entry: &'static Entry,
}

/// The field for what is looked for in the page, and the rest of the line.
pub(crate) fn parts(model: &Model, line: Rect) -> (Option<Rect>, Rect) {
    if !matches!(model.overlay, Some(Overlay::PageSearch)) || line.width < SEARCHED {
        return (None, line);
    }
    let width = (line.width / 2).min(40);
    let field = Rect { width, ..line };
    let rest = Rect {
        x: line.x + width,
        width: line.width - width,
        ..line
    };
    (Some(field), rest)
}

/// The hints that have room in a line.
pub(crate) fn placed(model: &Model, line: Rect) -> Vec<Hint> {
    let gap = if line.width < NARROW { 2 } else { 3 };
    let room = usize::from(line.width.saturating_sub(2));
    let mut hints: Vec<(String, &'static str, &'static Entry)> = hints(model)
        .map(|(key, word, entry)| (key.to_string(), word, entry))
        .collect();
    // Of several with the same key the first is the one that it does.
    let all = hints.clone();
    let mut at = 0;
    hints.retain(|(key, ..)| {
        at += 1;
        !all[..at - 1].iter().any(|(known, ..)| known == key)
    });
    let cells = |key: &str, word: &str| key.width() + 1 + word.width();
    let total = |hints: &[(String, &str, &Entry)]| {
        let each = hints.iter().map(|(key, word, _)| cells(key, word) + gap);
        each.sum::<usize>()
    };
    while total(&hints) > room + gap {
        let Some(last) = hints.iter().rposition(|(_, word, _)| !KEPT.contains(word)) else {
            break;
        };
        hints.remove(last);
    }
    let mut x = usize::from(line.x) + 1;
    let mut placed = Vec::new();
    for (key, word, entry) in hints {
        let width = cells(&key, word);
        let right = usize::from(line.right());
        if x >= right {
            break;
        }
        placed.push(Hint {
            area: Rect {
                x: x as u16,
                width: width.min(right - x) as u16,
                ..line
            },
            key,
            word,
            entry,
        });
        x += width + gap;
    }
    placed
}

/// The hint at a place of the screen, where there is one.
pub(crate) fn hint_at(model: &Model, at: Position) -> Option<Hint> {
    let line = layout::areas(model).footer;
    if !line.contains(at) || model.notice.is_some() {
        return None;
    }
    let (_, line) = parts(model, line);
    let mut hints = placed(model, line).into_iter();
    hints.find(|hint| hint.area.contains(at))
}
