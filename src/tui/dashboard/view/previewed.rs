//! What a command would do, over the screen.

use super::text_box;
use crate::report::{cost_in_words, time_in_words};
use crate::run::{Preview, PreviewStep};
use crate::text::{self, format};
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::previewed::Previewed;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// Cells of the box where there is room.
const WIDTH: u16 = 84;
/// Steps of a list that are shown at most.
const STEPS: usize = 200;
/// Cells of the labels.
const LABEL: usize = 11;

/// Draws it.
pub(super) fn draw(model: &Model, shown: &mut Previewed, buf: &mut Buffer, screen: Rect) {
    let (width, room) = text_box::width(screen, WIDTH);
    let title = shown.title(&model.run, |step| model.names.fit(step, 40));
    let hint = if shown.preview.is_none() {
        "esc leave it"
    } else if shown.editor.is_some() {
        "enter do it   esc back to the editor"
    } else if shown.trying.is_some() {
        "enter do it   esc back to the answers"
    } else {
        "enter do it   esc leave it"
    };
    let lines = match &shown.preview {
        Some(preview) => lines(model, preview, room),
        None => vec![Line::styled(
            "asking the run what this would do",
            model.theme.dim,
        )],
    };
    text_box::draw(
        model,
        (&title, hint),
        &lines,
        &mut shown.scroll,
        buf,
        (screen, width),
    );
}

/// What runs, what cannot and what stays, with the price.
pub(super) fn lines(model: &Model, preview: &Preview, room: usize) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let mut lines = Vec::new();
    let mut field = |label: &str, words: String| {
        lines.push(Line::from(vec![
            Span::styled(format!("{label:<LABEL$}"), theme.dim),
            Span::styled(text::fit(&words, room.saturating_sub(LABEL)), theme.text),
        ]));
    };
    let count = |steps: &[PreviewStep]| format::count(steps.len(), "step");
    let runs = match preview.reruns.len() {
        0 => "nothing".to_owned(),
        _ => format!(
            "{}, {} {}",
            count(&preview.reruns),
            count(&preview.stays),
            stay(preview)
        ),
    };
    field("runs", runs);
    field("costs", cost_in_words(&preview.cost_usd));
    field("takes", time_in_words(&preview.seconds));
    list(
        &mut lines,
        "runs",
        &preview.reruns,
        room,
        (theme.strong, theme.dim),
    );
    list(
        &mut lines,
        "cannot",
        &preview.cannot,
        room,
        (theme.warning, theme.warning),
    );
    list(
        &mut lines,
        "stays",
        &preview.stays,
        room,
        (theme.text, theme.dim),
    );
    lines
}

fn stay(preview: &Preview) -> &'static str {
    if preview.stays.len() == 1 {
        "stays"
    } else {
        "stay"
    }
}

/// The steps of a list with the reasons, one a line.
fn list(
    lines: &mut Vec<Line<'static>>,
    label: &str,
    steps: &[PreviewStep],
    room: usize,
    (name, why): (Style, Style),
) {
    if steps.is_empty() {
        return;
    }
    lines.push(Line::default());
    let widest = steps
        .iter()
        .take(STEPS)
        .map(|step| text::width(&text::line(&step.step)));
    let columns = widest
        .max()
        .unwrap_or(0)
        .min(room.saturating_sub(LABEL) / 2);
    for (at, step) in steps.iter().take(STEPS).enumerate() {
        let label = if at == 0 { label } else { "" };
        let id = text::fit(&text::line(&step.step), columns);
        let pad = " ".repeat(columns.saturating_sub(text::width(&id)) + 2);
        let reason = text::fit(
            &text::line(&step.why),
            room.saturating_sub(LABEL + columns + 2),
        );
        lines.push(Line::from(vec![
            Span::styled(format!("{label:<LABEL$}"), why),
            Span::styled(format!("{id}{pad}"), name),
            Span::styled(reason, why),
        ]));
    }
    if let Some(more) = steps.len().checked_sub(STEPS + 1) {
        let words = format!(
            "{:LABEL$}and {} more",
            "",
            format::thousands(more as u64 + 1)
        );
        lines.push(Line::styled(words, why));
    }
}
