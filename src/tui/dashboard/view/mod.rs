//! What the model looks like: a file for each part of the screen.
//!
//! ```text
//! header     plan, state, cost; figures, slots, what the run waits for; progress
//! view │ inspector (beside it, below it where the screen is narrow and tall, in its place where it is small)
//! footer     the keys that work now, or a notice
//! ```

mod answer_form;
mod approval;
mod banner;
mod bare;
mod body;
mod break_line;
mod call_fields;
mod caption;
mod editor;
mod explain;
mod footer;
mod header;
mod inspector;
mod next_key;
mod plan_edit;
mod previewed;
mod question;
mod rate_wait;
mod repairing;
mod result;
mod runs;
mod save_edits;
mod scrubber;
mod search;
mod settings;
mod side_by_side;
mod structure;
mod text_box;
mod trying;
mod unknown;
mod waits;
mod watches;

use super::keymap;
use super::layout::{Areas, areas, scrubber};
use super::state::model::Model;
use super::state::overlay::Overlay;
use crate::tui::theme::ascii;
use crate::tui::widgets::frame::frame;
use crate::tui::widgets::{palette, themes};
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Draws the model.
pub fn view(model: &mut Model, frame: &mut Frame<'_>) {
    let area = frame.area();
    draw(model, frame.buffer_mut(), area);
}

/// Draws the model into `area` of `buf`; `area` starts at the origin.
pub(crate) fn draw(model: &mut Model, buf: &mut Buffer, area: Rect) {
    model.size = (area.width, area.height);
    model.turn();
    if area.is_empty() {
        return;
    }
    buf.set_style(area, model.theme.background);
    let areas = areas(model);
    header::draw(model, buf, areas.header);
    watches::draw(model, buf, areas.watches);
    if let Some(area) = areas.graph {
        body::draw(model, buf, area);
    }
    if let Some(area) = areas.inspector {
        inspector::draw(model, buf, area);
    }
    scrubber::draw(model, buf, scrubber(&areas));
    footer::draw(model, buf, areas.footer);
    if model.banner {
        banner::draw(model, buf, areas);
    }
    draw_overlay(model, buf, area, areas);
    if model.theme.ascii {
        ascii::translate(buf);
    }
}

/// Draws what lies over the panes. Some of it changes with the room that it has: it is not in the model while it is
/// drawn, except where what is drawn are the keys that work beside it.
fn draw_overlay(model: &mut Model, buf: &mut Buffer, area: Rect, areas: Areas) {
    match model.overlay {
        Some(Overlay::Question(question)) => question::draw(model, question, buf, area),
        _ => {
            if let Some(mut overlay) = model.overlay.take() {
                draw_alone(model, &mut overlay, buf, area, areas);
                model.overlay = Some(overlay);
            }
        }
    }
}

fn draw_alone(model: &Model, overlay: &mut Overlay, buf: &mut Buffer, area: Rect, areas: Areas) {
    match overlay {
        Overlay::SideBySide(shown) => {
            let body = areas.footer.y.saturating_sub(areas.header.bottom());
            let body = Rect::new(0, areas.header.bottom(), area.width, body);
            side_by_side::draw(model, shown, buf, body);
        }
        Overlay::Runs(choice) => runs::draw(model, choice, buf, area),
        Overlay::Explain(scroll) => explain::draw(model, scroll, buf, area),
        Overlay::Result(scroll) => result::draw(model, scroll, buf, area),
        Overlay::Search(search) => search::draw(model, search, buf, areas),
        Overlay::Palette(palette) => {
            let above = Rect {
                height: area.height - areas.footer.height,
                ..area
            };
            let listed = keymap::palette::listed(model, palette.field.text());
            let title = "keys and actions";
            palette::draw(&model.theme, palette, &listed, title, buf, above);
        }
        Overlay::Editor(editor) => editor::draw(model, editor, buf, area),
        Overlay::Settings(line) => settings::draw(model, line, buf, area),
        Overlay::Structure(shown) => structure::draw(model, shown, buf, area),
        Overlay::PlanEdit(edit) => plan_edit::draw(model, edit, buf, area),
        Overlay::SaveEdits(edits) => save_edits::draw(model, edits, buf, area),
        Overlay::Previewed(shown) => previewed::draw(model, shown, buf, area),
        Overlay::Repairing(it) => repairing::draw(model, it, buf, area),
        Overlay::Trying(trying) => trying::draw(model, trying, buf, area),
        Overlay::Answer(form) => answer_form::draw(model, form, buf, area),
        Overlay::Unknown(step) => unknown::draw(model, *step, buf, area),
        Overlay::Break(line) => break_line::draw(model, line, buf, area),
        Overlay::Watches(edit) => watches::draw_edit(model, edit, buf, area),
        Overlay::Approval(step) => approval::draw(model, *step, buf, area),
        Overlay::Bare(page) => bare::draw(model, page, buf, area),
        Overlay::Themes(choice) => {
            let above = Rect {
                height: area.height - areas.footer.height,
                ..area
            };
            themes::draw(&model.theme, choice, buf, above);
        }
        Overlay::PageSearch | Overlay::JsonFilter | Overlay::Filter | Overlay::Question(_) => {}
    }
}

/// Draws the frame of a pane; gives what is inside.
fn pane(
    model: &Model,
    buf: &mut Buffer,
    area: Rect,
    focused: bool,
    title: Line<'_>,
    bottom: Line<'_>,
) -> Rect {
    frame(&model.theme, buf, area, focused, title, bottom)
}
