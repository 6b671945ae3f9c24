//! The frame of a pane.

use crate::tui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Block, BorderType, Widget};

/// Draws the frame of a pane; gives what is inside.
pub(crate) fn frame(
    theme: &Theme,
    buf: &mut Buffer,
    area: Rect,
    focused: bool,
    title: Line<'_>,
    bottom: Line<'_>,
) -> Rect {
    if area.width < 3 || area.height < 3 {
        return area;
    }
    let border = if focused { theme.focus } else { theme.border };
    let named = if focused { theme.strong } else { theme.dim };
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(border)
        .title_top(title.style(named))
        .title_bottom(bottom.style(theme.dim).right_aligned());
    let inner = block.inner(area);
    block.render(area, buf);
    inner
}
