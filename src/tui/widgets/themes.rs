//! The list of themes, at the right edge, so that most of the screen shows what is chosen.

use super::frame::frame;
use crate::run::StepStatus;
use crate::text;
use crate::tui::theme::Theme;
use crate::tui::theme::choice::ThemeChoice;
use crate::tui::theme::look::AUTO;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

/// Cells of the box.
const WIDTH: u16 = 50;
/// Cells for a name.
const NAME: usize = 16;
/// Rows below the list: a sample of the colours, and what is wrong with a file.
const SAMPLE: u16 = 3;
const FAULT: u16 = 5;

/// Draws the list over the screen.
pub(crate) fn draw(theme: &Theme, choice: &mut ThemeChoice, buf: &mut Buffer, screen: Rect) {
    let fault = choice.file().and_then(|file| file.theme.as_ref().err());
    let fault = fault.map(ToString::to_string);
    let below = SAMPLE + if fault.is_some() { FAULT } else { 0 };
    let rows = choice.count() as u16;
    let width = WIDTH.min(screen.width);
    let height = (rows + below + 2).min(screen.height);
    let area = Rect {
        x: screen.right() - width,
        y: screen.y + (screen.height - height) / 3,
        width,
        height,
    };
    Clear.render(area, buf);
    buf.set_style(area, theme.background);
    let title = Line::from(" theme ");
    let own = choice.files.iter().flatten();
    let own = own.filter(|one| one.file.is_some()).count();
    let bottom = match own {
        0 => String::new(),
        own => format!(" {own} of your own "),
    };
    let inner = frame(theme, buf, area, true, title, Line::from(bottom));
    let margin = u16::from(inner.width > 4);
    let inner = Rect {
        x: inner.x + margin,
        width: inner.width.saturating_sub(2 * margin),
        ..inner
    };
    let below = below.min(inner.height.saturating_sub(1));
    let list = Rect {
        height: inner.height - below,
        ..inner
    };
    draw_list(theme, choice, buf, list);
    let mut lines = vec![Line::default()];
    match fault {
        Some(fault) => {
            let wrapped = text::wrap(&fault, inner.width as usize, 7).lines;
            lines.extend(
                wrapped
                    .into_iter()
                    .map(|line| Line::styled(line, theme.warning)),
            );
        }
        None => lines.extend(sample(theme)),
    }
    for (row, line) in lines.iter().take(below as usize).enumerate() {
        buf.set_line(inner.x, list.bottom() + row as u16, line, inner.width);
    }
}

fn draw_list(theme: &Theme, choice: &mut ThemeChoice, buf: &mut Buffer, list: Rect) {
    let height = list.height as usize;
    let top = (choice.chosen + 1).saturating_sub(height);
    choice.places.clear();
    for at in (top..choice.count()).take(height) {
        let line = Rect {
            y: list.y + (at - top) as u16,
            height: 1,
            ..list
        };
        let file = at
            .checked_sub(1)
            .and_then(|at| choice.files.as_ref()?.get(at));
        let (name, words, is_faulty) = match file {
            None => (AUTO, "follows the terminal", false),
            Some(file) => {
                let faulty = file.theme.is_err();
                let words = if faulty {
                    "cannot be used"
                } else {
                    file.description.as_str()
                };
                (file.name.as_str(), words, faulty)
            }
        };
        let style = if is_faulty { theme.dim } else { theme.text };
        let room = (list.width as usize).saturating_sub(NAME + 1);
        let spans = vec![
            Span::styled(text::pad(name, NAME), style),
            Span::raw(" "),
            Span::styled(text::pad(words, room), theme.dim),
        ];
        buf.set_line(line.x, line.y, &Line::from(spans), line.width);
        if at == choice.chosen {
            buf.set_style(line, theme.selection);
        }
        choice.places.push((line, at));
    }
}

/// What the theme's meanings look like.
fn sample(theme: &Theme) -> [Line<'static>; 2] {
    let mut statuses = Vec::new();
    for status in StepStatus::ALL {
        let look = theme.status(status);
        statuses.push(Span::styled(format!("{} ", look.glyph), look.style));
    }
    for (word, style) in [
        ("key ", theme.accent),
        ("found ", theme.highlight),
        ("before ", theme.upstream),
        ("after ", theme.downstream),
    ] {
        statuses.push(Span::styled(word, style));
    }
    let words = vec![
        Span::styled("text ", theme.text),
        Span::styled("strong ", theme.strong),
        Span::styled("dim ", theme.dim),
        Span::styled("good ", theme.good),
        Span::styled("warning ", theme.warning),
        Span::styled("bad ", theme.bad),
        Span::styled("\"json\" ", theme.string),
        Span::styled("42", theme.number),
    ];
    [Line::from(statuses), Line::from(words)]
}
