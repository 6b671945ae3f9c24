//! What the model looks like: a file for each part of the screen.
//!
//! ```text
//! header     plan, state, cost, counts; figures, slots, what the run waits for
//! view │ inspector (beside it, below it where the screen is narrow and tall, in its place where it is small)
//! footer     the keys that work now, or a word to the person
//! ```

mod body;
mod editor;
mod explain;
mod footer;
mod header;
mod help;
mod inspector;
pub(crate) mod page;
mod palette;
mod question;
mod runs;
mod scrubber;
mod search;
mod side_by_side;
mod unknown;

pub(crate) use body::view_at;
pub(crate) use inspector::tab_at;
pub(crate) use scrubber::moment_at;

use super::state::model::{Focus, Model, Overlay};
use crate::tui::theme::Theme;
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Block, BorderType, Widget};

/// Where the parts of the screen are, borders included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Areas {
    /// One or two lines at the top.
    pub header: Rect,
    /// The view of the run, where it is shown.
    pub graph: Option<Rect>,
    /// The inspector, where it is shown.
    pub inspector: Option<Rect>,
    /// One line at the bottom; empty on the smallest screens.
    pub footer: Rect,
}

/// Rows from which the header has two lines.
const TALL: u16 = 14;
/// Columns from which the inspector stands beside the graph.
const WIDE: u16 = 76;
/// Rows of the body from which the inspector stands below the graph.
const DEEP: u16 = 24;

/// Where everything is on a screen of the model's size.
pub fn areas(model: &Model) -> Areas {
    let (width, height) = model.size;
    let header = if height >= TALL { 2 } else { 1.min(height) };
    let footer = u16::from(height >= 4);
    let body = Rect::new(0, header, width, height.saturating_sub(header + footer));
    let areas = Areas {
        header: Rect::new(0, 0, width, header),
        graph: None,
        inspector: None,
        footer: Rect::new(0, height - footer, width, footer),
    };
    if body.is_empty() {
        return areas;
    }
    let split = !model.maximised && (width >= WIDE && body.height >= 6 || body.height >= DEEP);
    if !split {
        return match model.focus {
            Focus::Graph => Areas {
                graph: Some(body),
                ..areas
            },
            Focus::Inspector => Areas {
                inspector: Some(body),
                ..areas
            },
        };
    }
    let (graph, inspector) = if width >= WIDE {
        let columns = (width * 5 / 12).clamp(36, 76);
        let graph = Rect {
            width: width - columns,
            ..body
        };
        (
            graph,
            Rect {
                x: graph.right(),
                width: columns,
                ..body
            },
        )
    } else {
        let rows = body.height * 2 / 5;
        let graph = Rect {
            height: body.height - rows,
            ..body
        };
        (
            graph,
            Rect {
                y: graph.bottom(),
                height: rows,
                ..body
            },
        )
    };
    Areas {
        graph: Some(graph),
        inspector: Some(inspector),
        ..areas
    }
}

/// Draws the model.
pub fn view(model: &mut Model, frame: &mut Frame<'_>) {
    let area = frame.area();
    draw(model, frame.buffer_mut(), area);
}

/// Draws the model into `area` of `buf`; `area` starts at the origin.
pub fn draw(model: &mut Model, buf: &mut Buffer, area: Rect) {
    model.size = (area.width, area.height);
    model.turn();
    if area.is_empty() {
        return;
    }
    buf.set_style(area, model.theme.background);
    let areas = areas(model);
    header::draw(model, buf, areas.header);
    if let Some(area) = areas.graph {
        body::draw(model, buf, area);
    }
    if let Some(area) = areas.inspector {
        inspector::draw(model, buf, area);
    }
    scrubber::draw(model, buf, scrubber(&areas));
    footer::draw(model, buf, areas.footer);
    match model.overlay {
        Some(Overlay::Help(scroll)) => {
            let above = area.height - areas.footer.height;
            let area = Rect {
                height: above,
                ..area
            };
            help::draw(model, scroll, buf, area);
        }
        Some(Overlay::Beside) => {
            let body = areas.footer.y.saturating_sub(areas.header.bottom());
            let body = Rect::new(0, areas.header.bottom(), area.width, body);
            side_by_side::draw(model, buf, body);
        }
        Some(Overlay::Runs) => runs::draw(model, buf, area),
        Some(Overlay::Explain(scroll)) => explain::draw(model, scroll, buf, area),
        Some(Overlay::Question(question)) => question::draw(model, question, buf, area),
        Some(Overlay::Search) => search::draw(model, buf, areas),
        Some(Overlay::Palette) => palette::draw(model, buf, area),
        Some(Overlay::Editor) => editor::draw(model, buf, area),
        Some(Overlay::Unknown(step)) => unknown::draw(model, step, buf, area),
        Some(Overlay::Filter) | None => {}
    }
    if model.theme.ascii {
        crate::tui::theme::ascii::translate(buf);
    }
}

/// The line of moments lies over the lower border of the panes, so that nothing moves when it comes.
pub(crate) fn scrubber(areas: &Areas) -> Rect {
    let body = areas.footer.y.saturating_sub(areas.header.bottom());
    Rect {
        y: areas.footer.y.saturating_sub(1),
        height: u16::from(body >= 3),
        ..areas.footer
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

/// The same for any screen with this theme.
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
