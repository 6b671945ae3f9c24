//! How far a run or a batch is: a rule in the colours of the statuses, and how many have each.

use crate::run::StepStatus;
use crate::text::format;
use crate::tui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

/// The statuses that are told apart, in the order of the rule; the rest of it has not begun.
const PARTS: [&[StepStatus]; 4] = [
    &[StepStatus::Succeeded],
    &[StepStatus::Failed, StepStatus::Unknown],
    &[StepStatus::Skipped, StepStatus::Cancelled],
    &[StepStatus::Running],
];

/// Fewest cells of the rule beside the counts.
const RULE: u16 = 20;

/// Draws the line for so many of each status, in the order of [`StepStatus::ALL`].
pub(crate) fn draw(calls: [usize; 8], theme: &Theme, buf: &mut Buffer, line: Rect) {
    let all: usize = calls.iter().sum();
    if line.width < 3 || line.height == 0 || all == 0 {
        return;
    }
    let counts = counts(calls, theme);
    let width: usize = counts.iter().map(Span::width).sum::<usize>() + 2;
    let mut rule = Rect {
        x: line.x + 1,
        width: line.width - 2,
        ..line
    };
    if rule.width >= width as u16 + RULE {
        rule.width -= width as u16;
        let mut x = rule.right() + 2;
        for span in &counts {
            x = buf.set_span(x, line.y, span, line.right() - x).0;
        }
    }
    draw_rule(calls, theme, buf, rule);
}

fn draw_rule(counts: [usize; 8], theme: &Theme, buf: &mut Buffer, rule: Rect) {
    let parts = PARTS.map(|part| part.iter().map(|status| counts[*status as usize]).sum());
    let cells = shares(parts, counts.iter().sum(), rule.width as usize);
    let looks: [(&str, Style); 4] = [
        ("━", theme.good),
        ("═", theme.bad),
        ("┄", theme.dim),
        ("╍", theme.status(StepStatus::Running).style),
    ];
    let mut x = rule.x;
    for (cells, (sign, style)) in cells.into_iter().zip(looks) {
        for _ in 0..cells {
            buf[(x, rule.y)].set_symbol(sign).set_style(style);
            x += 1;
        }
    }
    for x in x..rule.right() {
        buf[(x, rule.y)].set_symbol("─").set_style(theme.border);
    }
}

/// How many of `width` cells each part of `all` takes. What is there takes a cell, and what is missing of all leaves
/// one, as far as there is room.
fn shares(parts: [usize; 4], all: usize, width: usize) -> [usize; 4] {
    let begun: usize = parts.iter().sum();
    let room = if begun < all {
        width.saturating_sub(1)
    } else {
        width
    };
    // Ends are rounded, so that the whole is as long as its parts together.
    let end = |sum: usize| (sum as u128 * width as u128 / all.max(1) as u128) as usize;
    let (mut sum, mut at) = (0, 0);
    parts.map(|part| {
        sum += part;
        let to = end(sum).max(at + usize::from(part > 0)).min(room);
        let cells = to.saturating_sub(at);
        at += cells;
        cells
    })
}

/// How many of all calls have succeeded, and the other counts, each with the sign of its status; what waits is
/// counted as one.
fn counts(calls: [usize; 8], theme: &Theme) -> Vec<Span<'static>> {
    let shown = [
        StepStatus::Succeeded,
        StepStatus::Running,
        StepStatus::Failed,
        StepStatus::Unknown,
        StepStatus::Skipped,
        StepStatus::Cancelled,
        StepStatus::Pending,
    ];
    let mut spans = Vec::new();
    for status in shown {
        let more = match status {
            StepStatus::Pending => calls[StepStatus::Ready as usize],
            _ => 0,
        };
        let count = calls[status as usize] + more;
        let is_first = status == StepStatus::Succeeded;
        if count == 0 && !is_first {
            continue;
        }
        let look = theme.status(status);
        if !spans.is_empty() {
            spans.push(Span::raw("   "));
        }
        let mut number = format::thousands(count as u64);
        if is_first {
            let all: usize = calls.iter().sum();
            number = format!("{number}/{}", format::thousands(all as u64));
        }
        number.push(' ');
        spans.push(Span::styled(number, theme.text));
        spans.push(Span::styled(look.glyph, look.style));
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_part_is_seen_and_the_rule_is_full_at_the_end_alone(
            parts in prop::array::uniform4(0usize..5_000),
            rest in 0usize..5_000,
            width in 8usize..200,
        ) {
            let all = parts.iter().sum::<usize>() + rest;
            let cells = shares(parts, all, width);
            let drawn: usize = cells.iter().sum();
            prop_assert!(drawn <= width);
            prop_assert_eq!(drawn == width, rest == 0 && all > 0);
            for (part, cells) in parts.into_iter().zip(cells) {
                prop_assert_eq!(part > 0, cells > 0, "{} {}", part, cells);
            }
        }
    }
}
