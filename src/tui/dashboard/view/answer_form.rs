//! The form over the screen in which the user answers what a server asks.

use crate::text;
use crate::tui::dashboard::state::answer_form::{AnswerForm, FormField, FormInput};
use crate::tui::dashboard::state::model::Model;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::{Clear, Widget};

/// Cells of the box.
const WIDTH: u16 = 76;
/// Cells of the names of fields, at most.
const NAMES: usize = 24;
/// Rows of what is asked.
const ASKED: usize = 8;

/// Draws the form.
pub(super) fn draw(model: &Model, form: &AnswerForm, buf: &mut Buffer, screen: Rect) {
    let theme = &model.theme;
    let width = screen.width.min(WIDTH);
    let room = width.saturating_sub(4) as usize;
    let mut above: Vec<(String, Style)> = Vec::new();
    for line in text::wrap(&form.question.message, room, ASKED).lines {
        above.push((line, theme.text));
    }
    if let Some(url) = &form.question.url {
        let words = "Answer at this address, then press enter:";
        above.push((words.to_owned(), theme.dim));
        for line in text::wrap(url, room, 4).lines {
            above.push((line, theme.accent));
        }
    }
    above.push((String::new(), theme.text));
    let names = form.fields.iter().map(|field| text::width(&label(field)));
    let names = names.max().unwrap_or(0).min(NAMES);
    let below = match (&form.fault, form.fields.get(form.at)) {
        (Some(fault), _) => (fault.clone(), theme.warning),
        (None, Some(field)) => (help(field), theme.dim),
        (None, None) => (String::new(), theme.dim),
    };
    let below_lines = text::wrap(&below.0, room, 3).lines;
    let rows = above.len() + form.fields.len() + below_lines.len().max(1);
    let most = screen.height.saturating_sub(2).max(screen.height.min(6));
    let height = (rows as u16 + 2).min(most);
    let area = super::question::centred(screen, width, height);
    Clear.render(area, buf);
    buf.set_style(area, theme.background);
    let row = model.run.steps.get(form.step.at());
    let id = row.map_or_else(String::new, |row| model.names.fit(&row.info.id, 30));
    let count = match model.run_index.asking().len() {
        0 | 1 => String::new(),
        many => format!(" one of {many} questions "),
    };
    let title = Line::from(format!(" {id} asks you "));
    let inner = super::pane(model, buf, area, true, title, Line::from(count));
    if inner.width < 4 || inner.is_empty() {
        return;
    }
    let (x, width) = (inner.x + 1, inner.width - 2);
    // Where the box is too small for everything, the field with the keys matters most.
    let tail = below_lines.len().max(1).min(inner.height as usize / 2);
    let shown = (inner.height as usize).saturating_sub(tail);
    let head = above
        .len()
        .min(shown.saturating_sub(form.fields.len().min(shown)));
    let mut y = inner.y;
    for (line, style) in above.iter().take(head) {
        buf.set_stringn(x, y, line, width as usize, *style);
        y += 1;
    }
    let room = shown - head;
    let first = (form.at + 1).saturating_sub(room);
    for (at, field) in form.fields.iter().enumerate().skip(first).take(room) {
        let is_here = at == form.at;
        let style = if is_here { theme.accent } else { theme.dim };
        buf.set_stringn(x, y, text::fit(&label(field), names), names, style);
        let begin = x + (names as u16 + 2).min(width);
        let area = Rect::new(begin, y, (x + width).saturating_sub(begin), 1);
        match &field.input {
            FormInput::Text(input) | FormInput::Number(input, _) if is_here => {
                input.draw(buf, area, "", theme);
            }
            input => {
                let style = if is_here { theme.selection } else { theme.text };
                let words = text::fit(&text::line(&input.shown()), area.width as usize);
                buf.set_stringn(area.x, area.y, words, area.width as usize, style);
            }
        }
        y += 1;
    }
    for line in below_lines.iter().take(tail) {
        buf.set_stringn(x, y, line, width as usize, below.1);
        y += 1;
    }
}

fn label(field: &FormField) -> String {
    let mark = if field.required { " *" } else { "" };
    format!("{}{mark}", field.title)
}

fn help(field: &FormField) -> String {
    let keys = match &field.input {
        FormInput::Text(_) | FormInput::Number(..) => "",
        FormInput::Flag(_) | FormInput::One(..) => "space, left and right choose",
        FormInput::Some(..) => "left and right go, space chooses",
    };
    match (field.description.is_empty(), keys.is_empty()) {
        (true, _) => keys.to_owned(),
        (false, true) => field.description.clone(),
        (false, false) => format!("{} ({keys})", field.description),
    }
}
