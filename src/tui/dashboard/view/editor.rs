//! The editor over the screen: the text, and below it whether it is JSON; or a prompt, with the model above it.

use super::call_fields;
use crate::text;
use crate::tui::dashboard::state::editor::{Editor, Purpose};
use crate::tui::dashboard::state::model::Model;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

/// Most cells of the box's width.
const WIDTH: u16 = 100;
/// Fewest rows of the box, where the screen has them.
const HEIGHT: u16 = 10;

/// Draws the editor.
pub(super) fn draw(model: &Model, editor: &mut Editor, buf: &mut Buffer, screen: Rect) {
    let step = editor.purpose.step();
    let row = model.run.steps.get(step.at());
    let id = row.map_or_else(String::new, |row| model.names.fit(&row.info.id, 40));
    let title = match editor.purpose {
        Purpose::Output(_) => format!(" output of {id} "),
        Purpose::Input(_) => format!(" input of {id}, instead of its parameters "),
        Purpose::Call(_) => format!(" prompt and model of {id} "),
        Purpose::Tool(_) => {
            let tool = editor.tool.as_ref().map_or("", |tool| &tool.tool);
            format!(" the tool {} of {id} ", text::fit(&text::line(tool), 30))
        }
    };
    let width = screen
        .width
        .saturating_sub(4)
        .min(WIDTH)
        .max(screen.width.min(20));
    let lines = match &editor.call {
        None => editor.area.lines().len() as u16 + 4,
        Some(call) => call_fields::rows(editor, call, width.saturating_sub(6)) + 2,
    };
    let most = screen.height.saturating_sub(4).max(screen.height.min(5));
    let height = lines.max(HEIGHT).min(most);
    let area = super::question::centred(screen, width, height);
    Clear.render(area, buf);
    buf.set_style(area, model.theme.background);
    let inner = super::pane(
        model,
        buf,
        area,
        true,
        Line::from(title),
        Line::from(match editor.purpose {
            Purpose::Call(_) => " text ",
            Purpose::Tool(_) => " YAML ",
            _ => " JSON ",
        }),
    );
    if editor.call.is_some() {
        call_fields::draw(model, editor, buf, inner);
        return;
    }
    if !inner.is_empty() {
        let theme = &model.theme;
        let status = u16::from(inner.height > 2);
        let body = Rect {
            height: inner.height - status,
            ..inner
        };
        editor.area.set_style(theme.text);
        editor.area.set_cursor_line_style(Style::new());
        let cursor = theme.text.add_modifier(Modifier::REVERSED);
        editor.area.set_cursor_style(cursor);
        editor.area.set_selection_style(theme.selection);
        if inner.width > 40 && inner.height > 4 {
            editor.area.set_line_number_style(theme.dim);
        } else {
            editor.area.remove_line_number();
        }
        (&editor.area).render(body, buf);
        if status > 0 {
            let line = match &editor.fault {
                None if editor.tool.is_some() => Span::styled("valid YAML", theme.good),
                None => Span::styled("valid JSON", theme.good),
                Some((what, line, column)) => {
                    let words = format!("line {line}, column {column}: {what}");
                    Span::styled(text::fit(&words, inner.width as usize), theme.warning)
                }
            };
            let y = inner.bottom() - 1;
            buf.set_span(inner.x + 1, y, &line, inner.width.saturating_sub(1));
        }
    }
}
