//! Items × steps: a row for each item, or for several where there are more items than rows.

use super::super::heat::{Bucket, Heat, Scale};
use super::super::model::{Focus, Model};
use super::super::order::{Filter, Sort, is_running, is_wrong};
use super::cells::{cost_in, right};
use super::columns::Columns;
use super::figures;
use crate::run::{BatchEntry, RunWord, StepFigures, StepStatus};
use crate::text::{self, format};
use crate::tui::widgets::frame::frame;
use crate::units::{Micros, Money};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use std::ops::Range;

/// The fewest cells of the items' names with their signs, and the most of them on a narrow and on a wide screen.
const SHORT_LABEL: u16 = 10;
const LABEL: u16 = 16;
const WIDE_LABEL: u16 = 24;
/// Cells of every step from which there is room for figures beside the signs: all have one, or none.
const ROOMY: u16 = 10;
/// Columns from which the screen counts as wide.
const WIDE: u16 = 110;

/// Draws the grid with its frame, and the figures of the steps below the items.
pub(super) fn draw(model: &mut Model, buf: &mut Buffer, area: Rect) {
    let scale = Scale::of(model.heat, &model.state);
    // The title says how many items stand in a row.
    let rows = area
        .height
        .saturating_sub(2 + 1 + figure_rows(area.height.saturating_sub(2)));
    model.window.fit(rows as usize, model.order.len());
    let title = title(model);
    let bottom = legend(&scale, model);
    let focused = model.focus == Focus::Items;
    let inner = frame(&model.theme, buf, area, focused, title, bottom);
    if inner.width < 12 || inner.height < 2 {
        return;
    }
    let inner = Rect {
        x: inner.x + 1,
        width: inner.width - 2,
        ..inner
    };
    let figure_rows = figure_rows(inner.height);
    let rows = Rect {
        y: inner.y + 1,
        height: inner.height - 1 - figure_rows,
        ..inner
    };
    model.rows_area = rows;
    let most = if area.width >= WIDE {
        WIDE_LABEL
    } else {
        LABEL
    };
    let range = longest_range(model) as u16 + 2;
    // What scrolls past does not make the columns jump: it may need more room, and never less.
    model.label = model.label.max(longest_name(model, most));
    let label = model.label.clamp(SHORT_LABEL, most).max(range);
    let steps = model.state.steps.len();
    let names: Vec<u16> = (0..steps).map(|step| name_width(model, step)).collect();
    let columns = Columns::new(inner, label, &names, model.step, &mut model.first_step);
    head(model, buf, inner, &columns);
    if steps == 0 {
        let words = match (&model.fault, model.reading || model.state.header.live) {
            (Some(_), _) => "the batch cannot be read",
            (None, true) => "no item has begun yet",
            (None, false) => "no item has run",
        };
        buf.set_stringn(rows.x, rows.y, words, rows.width as usize, model.theme.dim);
        return;
    }
    if model.order.is_empty() {
        let words = "no item is like that";
        buf.set_stringn(rows.x, rows.y, words, rows.width as usize, model.theme.dim);
    }
    let chosen = model.window.chosen_row();
    for (row, places) in model.window.rows().enumerate() {
        let y = rows.y + row as u16;
        if places.len() == 1 {
            one(model, buf, (y, &columns), places.start, &scale);
        } else {
            several(model, buf, (y, &columns), places, &scale);
        }
        if row == chosen && focused {
            let line = Rect {
                y,
                height: 1,
                ..rows
            };
            buf.set_style(line, model.theme.selection);
        }
    }
    if figure_rows > 0 {
        let below = Rect {
            y: rows.bottom(),
            height: figure_rows,
            ..inner
        };
        figures::draw(model, buf, below, &columns);
    }
}

/// Cells of the name of a step.
fn name_width(model: &Model, step: usize) -> u16 {
    let id = model.state.header.steps.get(step);
    let cells = id.map_or(0, |id| text::width(&text::line(id)));
    cells.min(usize::from(u16::MAX)) as u16
}

/// Rows for the figures below the items, the rule above them included.
fn figure_rows(height: u16) -> u16 {
    if height > figures::ROWS + 4 {
        figures::ROWS + 1
    } else {
        0
    }
}

fn title(model: &Model) -> Line<'static> {
    let mut words = vec![format!("items {}", model.sort.words())];
    if let (true, Some(step)) = (model.sort != Sort::Input, model.step) {
        let name = model.state.header.steps.get(step);
        let name = text::fit(&text::line(name.map_or("", |id| id)), 20);
        words[0].push_str(" in ");
        words[0].push_str(&name);
    }
    match model.filter {
        Filter::All => {}
        Filter::Group(_) => words.push("failed alike".to_owned()),
        filter => words.push(format!("{} only", filter.words())),
    }
    if !model.field.is_empty() && !model.typing {
        words.push(format!("with {}", text::fit(model.field.text(), 20)));
    }
    if model.order.len() != model.state.total() {
        words.push(format::count(model.order.len(), "item"));
    }
    let per = model.window.per_row();
    let (first, last, all) = model.window.scroll();
    if per > 1 {
        words.push(format!("{} in a row", format::thousands(per as u64)));
    } else if last - first < all {
        let number = |number: usize| format::thousands(number as u64);
        words.push(format!(
            "{}–{} of {}",
            number(first + 1),
            number(last),
            number(all)
        ));
    }
    Line::from(format!(" {} ", words.join(" · ")))
}

fn legend(scale: &Scale, model: &Model) -> Line<'static> {
    let theme = &model.theme;
    let is_single = model.window.per_row() == 1;
    let mut spans = Vec::new();
    for ((sign, style), words) in scale.legend(is_single, theme) {
        spans.push(Span::styled(format!(" {sign} "), style));
        spans.push(Span::styled(format!("{words} "), theme.dim));
    }
    Line::from(spans)
}

/// The names of the columns.
fn head(model: &Model, buf: &mut Buffer, inner: Rect, columns: &Columns) {
    let theme = &model.theme;
    let several = model.window.per_row() > 1;
    let (x, cells) = columns.label;
    buf.set_stringn(x, inner.y, model.heat.word(), cells as usize, theme.accent);
    for column in &columns.steps {
        let id = model.state.header.steps.get(column.step);
        let cells = column.cells as usize;
        let name = text::fit(&text::line(id.map_or("", |id| id)), cells);
        let style = if model.step == Some(column.step) {
            theme
                .accent
                .add_modifier(Modifier::BOLD | Modifier::UNDERLINED)
        } else {
            theme.strong
        };
        buf.set_stringn(column.x, inner.y, name, cells, style);
    }
    if let Some(first) = columns.steps.first().filter(|_| columns.hidden.0 > 0) {
        buf.set_string(first.x - 1, inner.y, "‹", theme.dim);
    }
    if let Some(last) = columns.steps.last().filter(|_| columns.hidden.1 > 0) {
        buf.set_string(last.x + last.cells, inner.y, "›", theme.dim);
    }
    let names = if several {
        ["failed", "mean", "cost"]
    } else {
        ["", "time", "cost"]
    };
    for (place, name) in [columns.failed, columns.time, columns.cost]
        .into_iter()
        .zip(names)
    {
        right(buf, inner.y, place, name, theme.dim);
    }
}

/// How an item stands, as a status of a step: its sign and its style.
pub(super) fn standing(model: &Model, status: Option<RunWord>) -> StepStatus {
    match status {
        None => StepStatus::Pending,
        Some(status) if is_running(status) => {
            if model.state.header.live {
                StepStatus::Running
            } else {
                StepStatus::Unknown
            }
        }
        Some(RunWord::Succeeded) => StepStatus::Succeeded,
        Some(RunWord::Waiting) => StepStatus::Unknown,
        Some(RunWord::Cancelled) => StepStatus::Cancelled,
        Some(_) => StepStatus::Failed,
    }
}

/// An item in a row of its own.
fn one(
    model: &Model,
    buf: &mut Buffer,
    (y, columns): (u16, &Columns),
    place: usize,
    scale: &Scale,
) {
    let theme = &model.theme;
    let at = model.order[place] as usize;
    let nothing = BatchEntry::default();
    let item = model.state.items().get(at).unwrap_or(&nothing);
    let (x, cells) = columns.label;
    let status = standing(model, item.status);
    let look = theme.status(status);
    buf.set_stringn(x, y, look.glyph, 1, look.style);
    let (name, style) = if item.status.is_some() {
        (text::line(&item.key), theme.text)
    } else {
        (at.to_string(), theme.dim)
    };
    let room = cells.saturating_sub(2) as usize;
    buf.set_stringn(x + 2, y, text::fit(&name, room), room, style);
    let figures = model.state.cells(at);
    let is_roomy = columns.steps.iter().all(|column| column.cells >= ROOMY);
    for column in &columns.steps {
        let cell = figures.get(column.step).filter(|_| item.status.is_some());
        let line = Rect::new(column.x, y, column.cells, 1);
        draw_cell(model, buf, (line, is_roomy), cell, scale);
    }
    if item.status.is_some() {
        let style = if item.has_ended() {
            theme.text
        } else {
            theme.dim
        };
        right(buf, y, columns.time, &format::duration(item.latency), style);

        let cost = cost_in(item.cost, columns.cost.map_or(0, |(_, cells)| cells));
        right(buf, y, columns.cost, &cost, style);
    }
}

/// A step of an item.
fn draw_cell(
    model: &Model,
    buf: &mut Buffer,
    (line, is_roomy): (Rect, bool),
    cell: Option<&StepFigures>,
    scale: &Scale,
) {
    let theme = &model.theme;
    let mut bucket = Bucket::default();
    bucket.add(model.heat, cell);
    let (mut sign, style) = bucket.sign(scale, theme);
    if model.heat == Heat::Status {
        // One item has the sign of its status.
        let status = cell.map_or(StepStatus::Pending, |cell| cell.status);
        let was_cut_off = status == StepStatus::Running && !model.state.header.live;
        let status = if was_cut_off {
            StepStatus::Unknown
        } else {
            status
        };
        let look = theme.status(status);
        sign = look.glyph;
        buf.set_stringn(line.x, line.y, sign, 1, look.style);
    } else {
        buf.set_stringn(line.x, line.y, sign.repeat(2), 2, style);
    }
    let Some(cell) = cell.filter(|cell| cell.attempts > 0 && is_roomy) else {
        return;
    };
    let (begin, room) = match model.heat {
        Heat::Status => (line.x + 2, line.width.saturating_sub(2)),
        _ => (line.x + 3, line.width.saturating_sub(3)),
    };
    let words = match model.heat {
        Heat::Cost => cost_in(cell.cost, room),
        _ => format::duration(cell.service),
    };
    if text::width(&words) > usize::from(room) {
        return;
    }
    let wrong = matches!(cell.status, StepStatus::Failed | StepStatus::Unknown);
    let style = if wrong { theme.bad } else { theme.dim };
    let end = buf
        .set_stringn(begin, line.y, &words, room as usize, style)
        .0;
    if cell.attempts > 1 {
        let again = format!(" ×{}", cell.attempts);
        let room = line.right().saturating_sub(end) as usize;
        if text::width(&again) <= room {
            buf.set_stringn(end, line.y, again, room, theme.warning);
        }
    }
}

/// Cells of the longest name in view with its sign; those beyond `most` are not counted.
fn longest_name(model: &Model, most: u16) -> u16 {
    if model.window.per_row() > 1 {
        return 0;
    }
    let items = model.state.items();
    let places = model.window.rows().map(|places| places.start);
    let keys = places.filter_map(|place| items.get(*model.order.get(place)? as usize));
    let cells = keys.map(|item| text::width(&text::fit(&text::line(&item.key), most as usize)));
    cells.max().unwrap_or(0) as u16 + 2
}

/// The longest name of a row of several items.
fn longest_range(model: &Model) -> usize {
    if model.window.per_row() == 1 {
        return 0;
    }
    let last = model.state.total().max(1) - 1;
    format::thousands(last as u64).len() * 2 + 1
}

/// Several items in one row: every step has as many cells as there is room for, each for a part of the items.
fn several(
    model: &Model,
    buf: &mut Buffer,
    (y, columns): (u16, &Columns),
    places: Range<usize>,
    scale: &Scale,
) {
    let theme = &model.theme;
    let state = &model.state;
    let items = &model.order[places.clone()];
    let widths = columns.steps.iter().map(|column| column.cells as usize);
    let mut buckets: Vec<Vec<Bucket>> =
        widths.map(|cells| vec![Bucket::default(); cells]).collect();
    let (mut wrong, mut running, mut begun) = (0_u64, false, 0_u64);
    let (mut ended, mut time, mut cost, mut priced) = (0_u64, 0_u64, Money::ZERO, false);
    // Fewer items than cells: an item has several of them.
    let count = items.len();
    for (number, at) in items.iter().enumerate() {
        let at = *at as usize;
        let item = state.items().get(at);
        let status = item.and_then(|item| item.status);
        let cells = state.cells(at);
        for (column, buckets) in columns.steps.iter().zip(&mut buckets) {
            let figures = cells.get(column.step).filter(|_| status.is_some());
            let width = buckets.len();
            let first = number * width / count;
            let last = ((number + 1) * width / count).max(first + 1).min(width);
            for bucket in &mut buckets[first..last] {
                bucket.add(model.heat, figures);
            }
        }
        let (Some(item), Some(status)) = (item, status) else {
            continue;
        };
        begun += 1;
        wrong += u64::from(is_wrong(status));
        running |= is_running(status);
        if item.has_ended() {
            ended += 1;
            time += item.latency.0;
        }
        if let Some(more) = item.cost {
            cost += more;
            priced = true;
        }
    }
    let (x, cells) = columns.label;
    let status = match (wrong > 0, running, begun) {
        (_, true, _) => standing(model, Some(RunWord::Running)),
        (true, false, _) => StepStatus::Failed,
        (_, _, 0) => StepStatus::Pending,
        _ if ended < count as u64 => StepStatus::Ready,
        _ => StepStatus::Succeeded,
    };
    // A few failures do not make a row a failure.
    let (sign, style) = if status == StepStatus::Failed {
        Bucket::wrong_sign(wrong, begun, theme)
    } else {
        let look = theme.status(status);
        (look.glyph, look.style)
    };
    buf.set_stringn(x, y, sign, 1, style);
    let number = |place: usize| format::thousands(place as u64);
    let range = if model.sort == Sort::Input {
        let (first, last) = (items[0] as usize, items[count - 1] as usize);
        format!("{}–{}", number(first), number(last))
    } else {
        format!("{}–{}", number(places.start + 1), number(places.end))
    };
    let style = if begun > 0 { theme.text } else { theme.dim };
    let room = cells.saturating_sub(2) as usize;
    buf.set_stringn(x + 2, y, text::fit(&range, room), room, style);
    for (column, buckets) in columns.steps.iter().zip(&buckets) {
        for (x, bucket) in (column.x..).zip(buckets) {
            let (sign, style) = bucket.sign(scale, theme);
            buf.set_stringn(x, y, sign, 1, style);
        }
    }
    if wrong > 0 {
        right(buf, y, columns.failed, &number(wrong as usize), theme.bad);
    }
    if let Some(mean) = time.checked_div(ended) {
        let mean = format::duration(Micros(mean));
        right(buf, y, columns.time, &mean, theme.text);
    }
    if priced {
        let cost = cost_in(Some(cost), columns.cost.map_or(0, |(_, cells)| cells));
        right(buf, y, columns.cost, &cost, theme.text);
    }
}
