//! The pages of the inspector: a file for each.

mod approval;
mod attempts;
mod bodies;
mod command;
mod error;
mod group;
mod live;
mod log;
mod now;
mod overview;
mod prompt;
mod run;
mod sections;
mod value;

pub(crate) use command::shell_command;
pub(crate) use group::shown as group_members;

use crate::plan::StepIx;
use crate::tui::dashboard::state::inspected;
use crate::tui::dashboard::state::inspector::Tab;
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::page_search::{self, PageSearch};
use crate::tui::widgets::text_page::TextPage;
use crate::tui::widgets::tree::branches;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::Line;

/// Most lines of a page; a longer one says that it is cut.
const LINES: usize = 1_500;
/// Most lines of a page as text, and the cells of a line.
const WHOLE_LINES: usize = 200_000;
const WHOLE_WIDTH: usize = 160;

/// Draws the page into `area`; gives where in the page it is, for the border, where not all of it fits.
pub(crate) fn draw(model: &mut Model, buf: &mut Buffer, area: Rect) -> Option<String> {
    model.inspector.page_area = area;
    let position = draw_page(model, buf, area);
    if let Some(words) = model.inspector.search.as_ref().and_then(PageSearch::words) {
        let style = model.theme.warning.add_modifier(Modifier::REVERSED);
        page_search::mark(buf, area, words, style);
    }
    position
}

fn draw_page(model: &mut Model, buf: &mut Buffer, area: Rect) -> Option<String> {
    let area = value::draw_filter(model, buf, area);
    if area.is_empty() {
        return None;
    }
    if model.inspector.table.is_some()
        && let Some(position) = value::draw_table(model, buf, area)
    {
        return Some(position);
    }
    if !model.inspector.raw
        && let Some((shown, note)) = inspected::value(model)
        && branches(&shown)
    {
        return value::draw_tree(model, &shown, note, buf, area);
    }
    if let Some(members) = group_members(model) {
        return group::draw(model, &members, buf, area);
    }
    if model.inspector.tab == Tab::Log && !model.inspector.of_run {
        return log::draw(model, buf, area);
    }
    model.inspector.width = area.width as usize;
    let lines = lines(model, area.width as usize, LINES);
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
    if model.inspector.tab == Tab::Log && !model.inspector.of_run {
        return model.row().map(log::plain).unwrap_or_default();
    }
    if let Some(members) = group_members(model) {
        return group::plain(model, &members, WHOLE_WIDTH);
    }
    let lines = lines(model, WHOLE_WIDTH, WHOLE_LINES);
    let texts: Vec<String> = lines.iter().map(ToString::to_string).collect();
    texts.join("\n")
}

/// The step that a line of the page names.
pub(crate) fn named(model: &Model, width: usize, line: usize) -> Option<StepIx> {
    if model.inspector.of_run || model.inspector.tab != Tab::Overview {
        return None;
    }
    if group_members(model).is_some() {
        return None;
    }
    let mut page = TextPage::new(&model.theme, width, LINES);
    overview::write(model, model.row()?, &mut page);
    page.named(line).map(StepIx)
}

/// The lines of the page as it was drawn last.
pub(crate) fn texts(model: &mut Model) -> Vec<String> {
    if model.inspector.tab == Tab::Log && !model.inspector.of_run {
        return log::texts(model);
    }
    let lines = lines(model, model.inspector.width, LINES);
    lines.iter().map(ToString::to_string).collect()
}

/// The page as lines of `width` cells.
fn lines(model: &Model, width: usize, most: usize) -> Vec<Line<'static>> {
    let mut page = TextPage::new(&model.theme, width, most);
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
        // It is drawn as it was laid out before.
        Tab::Log => {}
        Tab::Attempts => attempts::write(model, row, &mut page),
        Tab::Error => error::write(model, row, &mut page),
    }
    page.finish()
}
