//! Words and amounts in the cells of a column.

use crate::text::{self, format};
use crate::units::Money;
use ratatui::buffer::Buffer;
use ratatui::style::Style;

/// Writes words that end at the right end of a column.
pub(super) fn right(
    buf: &mut Buffer,
    y: u16,
    place: Option<(u16, u16)>,
    words: &str,
    style: Style,
) {
    if let Some((x, cells)) = place {
        let words = text::fit(words, cells as usize);
        let begin = x + cells - text::width(&words) as u16;
        buf.set_stringn(begin, y, words, cells as usize, style);
    }
}

/// A cost in so many cells, with as many digits as there is room for; `-` where it is not known.
pub(super) fn cost_in(cost: Option<Money>, cells: u16) -> String {
    let Some(cost) = cost else {
        return "-".to_owned();
    };
    let cells = usize::from(cells);
    let mut words = format::cost_or_zero(cost);
    for decimals in (2..=6).rev() {
        if words.len() <= cells {
            break;
        }
        let least = 0.1_f64.powi(decimals);
        words = if cost.usd() < least / 2.0 {
            format!("<${least:.*}", decimals as usize)
        } else {
            format!("${:.*}", decimals as usize, cost.usd())
        };
    }
    words
}
