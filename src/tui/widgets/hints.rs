//! The footer of a screen whose actions are in a registry: the hints that have room, and the one at a place.

use super::header_segments::{self, Segment};
use crate::text;
use crate::tui::input::registry::Hint;
use crate::tui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Span;

/// Draws hints. Where there is no room for all, those whose word has the lowest `rank` give way first.
pub(crate) fn draw<M, E, S>(
    theme: &Theme,
    hints: &[Hint<'_, M, E, S>],
    rank: impl Fn(&str) -> u8,
    buf: &mut Buffer,
    area: Rect,
) {
    let segments = hints.iter().map(|(key, word, _)| {
        let spans = vec![
            Span::styled(format!("{key} "), theme.accent),
            Span::styled(*word, theme.dim),
        ];
        Segment::new(rank(word), spans)
    });
    header_segments::draw(buf, area, segments.collect(), Vec::new());
}

/// The hint that stands at a place of the screen, among those of the line `area`.
pub(crate) fn at<'a, M, E, S>(
    hints: &[Hint<'a, M, E, S>],
    rank: impl Fn(&str) -> u8,
    area: Rect,
    at: Position,
) -> Option<Hint<'a, M, E, S>> {
    let cells: Vec<(u8, usize)> = hints
        .iter()
        .map(|(key, word, _)| (rank(word), text::width(&format!("{key} {word}"))))
        .collect();
    let places = header_segments::places(area, &cells);
    let (_, place) = places.into_iter().find(|(area, _)| area.contains(at))?;
    hints.get(place).copied()
}
