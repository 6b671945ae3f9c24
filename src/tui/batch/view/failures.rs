//! Like failures, the most frequent first.

use super::super::model::{Focus, Model};
use crate::run::FailureGroup;
use crate::text::{self, format};
use crate::tui::widgets::frame::frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Cells of a count.
const COUNT: u16 = 7;

/// Draws the groups with their frame, in one or two rows each.
pub(super) fn draw(model: &mut Model, buf: &mut Buffer, area: Rect, rows: u16) {
    let groups: Vec<FailureGroup> = model
        .state
        .failures()
        .into_iter()
        .map(|(_, group)| group.clone())
        .collect();
    let theme = &model.theme;
    let focused = model.focus == Focus::Failures;
    let title = if groups.is_empty() {
        " no failures ".to_owned()
    } else {
        format!(" {} of failure ", format::count(groups.len(), "kind"))
    };
    let inner = frame(
        theme,
        buf,
        area,
        focused,
        Line::from(title),
        Line::default(),
    );
    if inner.is_empty() || inner.width < 12 {
        return;
    }
    model.group = model.group.min(groups.len().saturating_sub(1));
    let fit = usize::from((inner.height / rows).max(1));
    let least = (model.group + 1).saturating_sub(fit);
    model.first_group = model.first_group.clamp(least, model.group);
    model.groups_area = if rows == 1 { inner } else { Rect::ZERO };
    let shown = groups.iter().enumerate().skip(model.first_group).take(fit);
    for (row, (at, group)) in (0..).zip(shown) {
        let y = inner.y + row * rows;
        let count = format::thousands(group.count);
        let begin = inner.x + COUNT.saturating_sub(count.len() as u16 + 1);
        buf.set_stringn(begin, y, &count, COUNT as usize, theme.bad);
        let x = inner.x + COUNT;
        let room = (inner.right() - x).saturating_sub(1) as usize;
        let step = group.step.as_ref().map(|step| text::line(step));
        let step = step.unwrap_or_else(|| "the run".to_owned());
        let message = text::line(&group.message);
        let end = buf
            .set_stringn(x, y, text::fit(&step, room), room, theme.strong)
            .0;
        let line = |buf: &mut Buffer, x: u16, y: u16, words: &str| {
            let room = inner.right().saturating_sub(x + 1) as usize;
            buf.set_stringn(x, y, text::fit(words, room), room, theme.text);
        };
        if rows == 1 {
            line(buf, (end + 2).min(inner.right()), y, &message);
        } else {
            let kind = format!("  {}", group.kind);
            let room = inner.right().saturating_sub(end + 1) as usize;
            buf.set_stringn(end, y, text::fit(&kind, room), room, theme.dim);
            if y + 1 < inner.bottom() {
                line(buf, x, y + 1, &message);
            }
        }
        if focused && at == model.group {
            let chosen = Rect {
                y,
                height: rows.min(inner.bottom() - y),
                ..inner
            };
            buf.set_style(chosen, theme.selection);
        }
    }
}
