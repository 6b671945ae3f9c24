//! The page of a group: totals, spreads, and a cell for each member, failures first.

use crate::plan::StepIx;
use crate::run::{StepState, StepStatus};
use crate::text::{self, format};
use crate::tui::dashboard::state::group::{self, GroupFigures, Spread};
use crate::tui::dashboard::state::group_grid::GroupGrid;
use crate::tui::dashboard::state::model::{Focus, Model};
use crate::tui::dashboard::state::step_look::StepLook;
use crate::tui::theme::Theme;
use crate::tui::widgets::text_page::TextPage;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};

/// Cells of the first column of the spreads.
const LABEL: usize = 11;
/// The states in the order of the grid.
const BY_URGENCY: [StepStatus; 8] = [
    StepStatus::Failed,
    StepStatus::Unknown,
    StepStatus::Cancelled,
    StepStatus::Skipped,
    StepStatus::Running,
    StepStatus::Ready,
    StepStatus::Pending,
    StepStatus::Succeeded,
];
/// Rows of the grid that are drawn even where little room is left.
const FEWEST_ROWS: u16 = 3;

/// Draws the page; gives where in the grid it is, where not all of it fits.
pub(super) fn draw(
    model: &mut Model,
    members: &[StepIx],
    buf: &mut Buffer,
    area: Rect,
) -> Option<String> {
    let figures = group::figures(&model.run, members);
    let width = area.width as usize;
    let above = above(model, &figures, members.len(), width);
    let order = group::in_order(&model.run, members);
    let grid = &mut model.inspector.grid;
    if grid.of != model.selected {
        *grid = GroupGrid {
            of: model.selected,
            ..GroupGrid::default()
        };
    }
    // Apart from each other where there is room for all of them.
    let rows_at = |pitch: usize| order.len().div_ceil((width / pitch).max(1));
    let room = area.height.saturating_sub(2);
    let pitch = if rows_at(2) <= usize::from(room) {
        2
    } else {
        1
    };
    grid.pitch = pitch;
    grid.columns = (width / pitch).max(1);
    grid.order = order;
    let rows = grid.order.len().div_ceil(grid.columns);
    let line_of_chosen = u16::from(area.height > FEWEST_ROWS + 1);
    let head = (above.len() as u16).min(area.height.saturating_sub(FEWEST_ROWS + line_of_chosen));
    let shown = u16::try_from(rows)
        .unwrap_or(u16::MAX)
        .min(area.height - head - line_of_chosen);
    grid.area = Rect {
        y: area.y + head,
        height: shown,
        ..area
    };
    for (at, line) in above.iter().take(head as usize).enumerate() {
        buf.set_line(area.x, area.y + at as u16, line, area.width);
    }
    let focused = model.focus == Focus::Inspector;
    let place = grid.place();
    let row = place / grid.columns;
    let height = usize::from(shown);
    grid.first_row = if row < grid.first_row {
        row
    } else if row >= grid.first_row + height {
        row + 1 - height
    } else {
        grid.first_row.min(rows.saturating_sub(height))
    };
    let first = grid.first_row * grid.columns;
    let (columns, grid_area) = (grid.columns, grid.area);
    let visible: Vec<StepIx> = {
        let visible = grid.order.iter().skip(first).take(height * columns);
        visible.copied().collect()
    };
    let chosen = grid.order.get(place).copied();
    model.inspector.extent = (rows, height);
    for (at, ix) in visible.into_iter().enumerate() {
        let Some(step) = model.run.steps.get(ix.at()) else {
            continue;
        };
        let look = StepLook::of(step, model.breakpoints.contains(&ix)).style(&model.theme);
        let style = if focused && first + at == place {
            look.style.add_modifier(Modifier::REVERSED | Modifier::BOLD)
        } else {
            look.style
        };
        let x = grid_area.x + (at % columns * pitch) as u16;
        let y = grid_area.y + (at / columns) as u16;
        buf.set_stringn(x, y, look.glyph, 1, style);
    }
    let mut y = grid_area.bottom() + u16::from(grid_area.bottom() + 1 < area.bottom());
    if line_of_chosen > 0
        && let Some(ix) = chosen
        && let Some(step) = model.run.steps.get(ix.at())
    {
        let line = of_member(model, step, width, focused);
        buf.set_line(area.x, y, &line, area.width);
        y += 2;
    }
    draw_rest(
        model,
        buf,
        Rect {
            y,
            height: area.bottom().saturating_sub(y),
            ..area
        },
    );
    let to = (first + height * columns).min(members.len());
    (rows > height).then(|| {
        format!(
            "{} to {to} of {}",
            first + 1,
            format::thousands(members.len() as u64)
        )
    })
}

/// The facts of the step itself, below the grid, as many as there is room for.
fn draw_rest(model: &Model, buf: &mut Buffer, area: Rect) {
    let Some(row) = model.row() else { return };
    let mut page = TextPage::new(&model.theme, area.width as usize, super::LINES);
    super::overview::write(model, row, &mut page);
    for (at, line) in page.finish().iter().take(area.height as usize).enumerate() {
        buf.set_line(area.x, area.y + at as u16, line, area.width);
    }
}

/// The page as text: the figures, and a line for each member.
pub(super) fn plain(model: &Model, members: &[StepIx], width: usize) -> String {
    let figures = group::figures(&model.run, members);
    let mut lines: Vec<String> = above(model, &figures, members.len(), width)
        .iter()
        .map(ToString::to_string)
        .collect();
    for ix in group::in_order(&model.run, members) {
        if let Some(step) = model.run.steps.get(ix.at()) {
            lines.push(of_member(model, step, width, false).to_string());
        }
    }
    lines.join("\n")
}

fn above(
    model: &Model,
    figures: &GroupFigures,
    members: usize,
    width: usize,
) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let mut lines = vec![counts(theme, figures, members)];
    let column = width.saturating_sub(LABEL) / 4;
    if column >= 7 && figures.time.is_some() {
        lines.push(Line::default());
        lines.push(cells(
            theme,
            "",
            ["min", "median", "max", "total"].map(str::to_owned),
            column,
            true,
        ));
        let words = |spread: &Spread<_>| {
            [spread.min, spread.median, spread.max, spread.total].map(format::duration)
        };
        lines.extend(
            figures
                .time
                .as_ref()
                .map(|time| cells(theme, "time", words(time), column, false)),
        );
        let words = |spread: &Spread<crate::units::Money>| {
            [spread.min, spread.median, spread.max, spread.total].map(|money| money.to_string())
        };
        lines.extend(
            figures
                .cost
                .as_ref()
                .map(|cost| cells(theme, "cost", words(cost), column, false)),
        );
    }
    lines.push(Line::default());
    lines
}

/// How many members there are of each state, and of attempts where there are more than members.
fn counts(theme: &Theme, figures: &GroupFigures, members: usize) -> Line<'static> {
    let mut spans = vec![Span::styled(
        format!("{:<LABEL$}", format::thousands(members as u64)),
        theme.strong,
    )];
    for status in BY_URGENCY {
        let count = figures.counts[status as usize];
        if count > 0 {
            let look = theme.status(status);
            spans.push(Span::styled(
                format!("{} {}  ", look.glyph, format::thousands(count as u64)),
                look.style,
            ));
        }
    }
    let called = members
        - figures.counts[StepStatus::Pending as usize]
        - figures.counts[StepStatus::Ready as usize];
    if figures.attempts > called {
        let words = format!("{} attempts", format::thousands(figures.attempts as u64));
        spans.push(Span::styled(words, theme.dim));
    }
    Line::from(spans)
}

fn cells(
    theme: &Theme,
    label: &str,
    words: [String; 4],
    column: usize,
    heads: bool,
) -> Line<'static> {
    let mut spans = vec![Span::styled(format!("{label:<LABEL$}"), theme.dim)];
    for word in words {
        let style = if heads { theme.dim } else { theme.text };
        spans.push(Span::styled(
            format!("{:>column$}", text::fit(&word, column - 1)),
            style,
        ));
    }
    Line::from(spans)
}

/// One member in a line: its sign, its name, its time and cost, and what it failed of.
fn of_member(model: &Model, step: &StepState, width: usize, focused: bool) -> Line<'static> {
    let theme = &model.theme;
    let look = StepLook::of(step, false).style(theme);
    let running = step.running_attempt();
    let time = match running {
        Some(attempt) => Some(format::elapsed(model.now - attempt.started)),
        None => (!step.attempts.is_empty()).then(|| format::duration(step.service)),
    };
    let cost = step
        .cost
        .filter(|cost| !cost.is_zero())
        .map(|cost| cost.to_string());
    let mut facts: Vec<String> = time.into_iter().chain(cost).collect();
    if let Some(error) = &step.error {
        facts.push(text::line(&error.message));
    }
    let name = model.names.fit(&step.info.id, width.saturating_sub(2) / 2);
    let hint = if focused { "enter opens it" } else { "" };
    let used = 2 + text::width(&name) + 2;
    let facts = text::fit(&facts.join("  "), width.saturating_sub(used));
    let mut spans = vec![
        Span::styled(format!("{} ", look.glyph), look.style),
        Span::styled(name, theme.strong),
        Span::styled(format!("  {facts}"), theme.text),
    ];
    if !hint.is_empty() && used + text::width(&facts) + 2 + hint.len() <= width {
        let gap = width - used - text::width(&facts) - hint.len();
        spans.push(Span::styled(format!("{:gap$}{hint}", ""), theme.dim));
    }
    Line::from(spans)
}

/// The members of the group whose page is shown.
pub(crate) fn shown(model: &Model) -> Option<Vec<StepIx>> {
    use crate::tui::dashboard::state::inspector::Tab;
    if model.inspector.of_run || model.inspector.tab != Tab::Overview {
        return None;
    }
    Some(group::members(model)).filter(|members| !members.is_empty())
}
