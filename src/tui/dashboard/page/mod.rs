//! The pages of the inspector: a file for each.

mod attempts;
mod bodies;
mod error;
mod live;
mod overview;
mod prompt;
mod run;
mod value;

use crate::plan::StepIx;
use crate::tui::dashboard::state::inspected;
use crate::tui::dashboard::state::inspector::Tab;
use crate::tui::dashboard::state::model::Model;
use crate::tui::widgets::text_page::TextPage;
use crate::tui::widgets::tree::branches;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Most lines of a page; a longer one says that it is cut.
const LINES: usize = 1_500;

/// Draws the page into `area`; gives where in the page it is, for the border, where not all of it fits.
pub(crate) fn draw(model: &mut Model, buf: &mut Buffer, area: Rect) -> Option<String> {
    model.inspector.page_area = area;
    if area.is_empty() {
        return None;
    }
    if !model.inspector.raw
        && let Some((shown, note)) = inspected::value(model)
        && branches(&shown)
    {
        return value::draw_tree(model, &shown, note, buf, area);
    }
    let lines = lines(model, area.width as usize);
    let height = area.height as usize;
    let (total, shown) = model.inspector.extent;
    let was_at_end = model.inspector.scroll > 0 && model.inspector.scroll + shown >= total;
    model.inspector.extent = (lines.len(), height);
    let is_growing = model.inspector.tab == Tab::Prompt
        && model
            .selected
            .is_some_and(|step| model.live_of(step).is_some());
    if was_at_end && is_growing {
        // Who looks at the end of an answer sees it grow.
        model.inspector.scroll = lines.len();
    }
    model.inspector.scroll_by(0);
    let from = model.inspector.scroll;
    for (at, line) in lines.iter().skip(from).take(height).enumerate() {
        buf.set_line(area.x, area.y + at as u16, line, area.width);
    }
    let to = (from + height).min(lines.len());
    (lines.len() > height).then(|| format!("{} to {to} of {}", from + 1, lines.len()))
}

/// The page as text, for the clipboard.
pub(crate) fn plain(model: &Model) -> String {
    if model.inspector.tab == Tab::Prompt && !model.inspector.of_run {
        if model.inspector.bodies {
            return bodies::plain(model);
        }
        return prompt::plain(model);
    }
    let lines = lines(model, 160);
    let texts: Vec<String> = lines.iter().map(ToString::to_string).collect();
    texts.join("\n")
}

/// The step that a line of the page names.
pub(crate) fn named(model: &Model, width: usize, line: usize) -> Option<StepIx> {
    if model.inspector.of_run || model.inspector.tab != Tab::Overview {
        return None;
    }
    let mut page = TextPage::new(&model.theme, width, LINES);
    overview::write(model, model.row()?, &mut page);
    page.named(line).map(StepIx)
}

/// The page as lines of `width` cells.
fn lines(model: &Model, width: usize) -> Vec<Line<'static>> {
    let mut page = TextPage::new(&model.theme, width, LINES);
    if model.inspector.of_run {
        run::write(model, width, &mut page);
        return page.finish();
    }
    let Some(row) = model.row() else {
        return Vec::new();
    };
    match model.inspector.tab {
        Tab::Overview => overview::write(model, row, &mut page),
        Tab::Input | Tab::Output => value::write(model, row, &mut page),
        Tab::Prompt if model.inspector.bodies => bodies::write(model, row, &mut page),
        Tab::Prompt => prompt::write(model, row, &mut page),
        Tab::Attempts => attempts::write(model, row, &mut page),
        Tab::Error => error::write(model, row, &mut page),
    }
    page.finish()
}
