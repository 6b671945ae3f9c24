//! The widget: what is sorted, filtered and folded, drawing, and moving about.

use super::column::{self, Column, GAP, Placed, Widest};
use super::facts::Facts;
use super::filter::Filter;
use super::order::{self, Entry, Rules};
use crate::plan::StepIx;
use crate::run::{RunState, StepSource, StepState, StepStatus};
use crate::text::{self, format};
use crate::tui::dashboard::panes::pane_context::PaneContext;
use crate::tui::dashboard::state::step_look::StepLook;
use crate::tui::input::text_field::Field;
use crate::tui::widgets::refresh_throttle::RefreshThrottle;
use crate::units::{Micros, Money, Tokens};
use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Modifier;
use std::collections::HashMap;

/// Fewest and most cells of an id.
const ID: (usize, usize) = (10, 32);
/// The same for tools and models.
const NAME: (usize, usize) = (6, 22);
/// The same for amounts of money.
const COST: (usize, usize) = (8, 14);
/// Rows that are measured for the width of names.
const MEASURED: usize = 2_000;

/// The rows of a run, as many as fit.
#[derive(Debug, Default)]
pub struct Table {
    pub(super) rules: Rules,
    /// What is typed to filter by.
    field: Field,
    throttle: RefreshThrottle,
    /// What the rows were made by.
    made_by: Option<Rules>,
    pub(super) rows: Vec<Entry>,
    places: HashMap<StepIx, usize>,
    /// The critical path and the potentials that `potential` was made from.
    path: (Vec<StepIx>, Vec<Micros>),
    potential: HashMap<StepIx, Micros>,
    widest: Widest,
    /// The columns that have something to say in this run.
    available: Vec<Column>,
    /// The first row that is shown.
    top: usize,
    /// What to bring into view in the next frame.
    pending_scroll: bool,
    /// Where the headings and the rows went in the last frame.
    area: Rect,
    columns: Vec<Placed>,
}

impl Table {
    /// Sorts by the column on the right (1) or on the left (-1); before the first there is the plan's order.
    pub fn move_sort(&mut self, by: isize) {
        let choices = self.available.len() as isize + 1;
        let now = self.rules.by.map_or(0, |column| {
            let place = self.available.iter().position(|known| *known == column);
            place.map_or(0, |place| place as isize + 1)
        });
        let next = (now + by).rem_euclid(choices);
        self.rules.by = usize::try_from(next - 1)
            .ok()
            .and_then(|at| self.available.get(at).copied());
        self.rules.reversed = false;
        self.pending_scroll = true;
    }

    /// Sorts the other way round.
    pub fn reverse(&mut self) {
        self.rules.reversed = !self.rules.reversed;
        self.pending_scroll = true;
    }

    /// Takes in a key that was pressed while a filter is typed; whether it was one that edits.
    pub(crate) fn type_filter(&mut self, key: &KeyEvent) -> bool {
        let edits = self.field.edit(key);
        if edits {
            self.read_filter();
        }
        edits
    }

    /// Puts pasted text into the filter.
    pub(crate) fn paste_filter(&mut self, text: &str) {
        self.field.insert(text);
        self.read_filter();
    }

    fn read_filter(&mut self) {
        self.rules.filter = Filter::read(self.field.text());
        self.pending_scroll = true;
    }

    /// Shows every row again.
    pub(crate) fn clear_filter(&mut self) {
        self.field.clear();
        self.rules.filter = Filter::default();
        self.pending_scroll = true;
    }

    /// Whether rows are filtered.
    pub(crate) fn is_filtered(&self) -> bool {
        !self.rules.filter.is_empty()
    }

    /// Shows the elements of a `for_each` row, or of the row that `step` is an element of; or folds them again.
    /// Gives the row to be selected; `None` where there is nothing to fold or unfold.
    pub fn fold(&mut self, run: &RunState, step: StepIx, unfold: bool) -> Option<StepIx> {
        let row = run.steps.get(step.at())?;
        let target = match row.info.parent {
            Some(parent) if !unfold => parent,
            _ => step,
        };
        if unfold {
            if run.under(target).is_empty() || !self.rules.unfolded.insert(target) {
                return None;
            }
        } else if !self.rules.unfolded.remove(&target) {
            return None;
        }
        self.pending_scroll = true;
        Some(target)
    }

    /// Brings the selection into view in the next frame.
    pub(crate) fn keep_visible(&mut self) {
        self.pending_scroll = true;
    }

    /// Moves the view by rows.
    pub fn scroll(&mut self, rows: isize) {
        self.top = self.top.saturating_add_signed(rows);
    }

    /// Whether a later frame shows more although nothing more happens.
    pub fn is_behind(&self) -> bool {
        self.throttle.is_behind()
    }

    /// The rows that one page has.
    pub fn page(&self) -> isize {
        isize::from(self.area.height.saturating_sub(2).max(1) as i16)
    }

    /// The row `by` rows away from the selected one.
    pub fn go(&self, run: &RunState, selected: Option<StepIx>, by: isize) -> Option<StepIx> {
        let last = self.rows.len().checked_sub(1)?;
        let place = selected.and_then(|step| self.place(run, step));
        let Some(place) = place else {
            return self.rows.get(self.top.min(last)).map(|entry| entry.step);
        };
        let next = place.saturating_add_signed(by).min(last);
        Some(self.rows[next].step)
    }

    /// The row at the beginning.
    pub fn first(&self) -> Option<StepIx> {
        self.rows.first().map(|entry| entry.step)
    }

    /// The row at the end.
    pub fn last(&self) -> Option<StepIx> {
        self.rows.last().map(|entry| entry.step)
    }

    /// Where a step is among the rows; an element that is folded is where its row is.
    fn place(&self, run: &RunState, step: StepIx) -> Option<usize> {
        let parent = || {
            let parent = run.steps.get(step.at())?.info.parent?;
            self.places.get(&parent)
        };
        self.places.get(&step).or_else(parent).copied()
    }

    /// Sorts by the heading at a cell of the screen, as of the last frame; a second time the other way round.
    /// Gives the row there, where it is one.
    pub fn click(&mut self, at: Position) -> Option<StepIx> {
        if !self.area.contains(at) {
            return None;
        }
        if at.y > self.area.y {
            let row = self.top + usize::from(at.y - self.area.y - 1);
            return self.rows.get(row).map(|entry| entry.step);
        }
        let x = usize::from(at.x - self.area.x);
        let hit = |placed: &&Placed| (placed.x..placed.x + placed.width + GAP).contains(&x);
        if let Some(placed) = self.columns.iter().find(hit) {
            if self.rules.by == Some(placed.column) {
                self.rules.reversed = !self.rules.reversed;
            } else {
                self.rules.by = Some(placed.column);
                self.rules.reversed = false;
            }
            self.pending_scroll = true;
        }
        None
    }

    /// Takes in what changed.
    fn sync(&mut self, context: &PaneContext<'_>) {
        let (run, figures) = (context.run, context.figures);
        if self.path.0 != figures.critical_path || self.path.1 != figures.potential {
            self.path.0.clone_from(&figures.critical_path);
            self.path.1.clone_from(&figures.potential);
            let path = self.path.0.iter().zip(&self.path.1);
            let path = path.filter(|(_, potential)| potential.0 > 0);
            self.potential = path.map(|(step, potential)| (*step, *potential)).collect();
        }
        let due = self.throttle.due(run);
        let new_rules = self.made_by.as_ref() != Some(&self.rules);
        if !due && !new_rules {
            return;
        }
        if due {
            self.measure(run);
        }
        let (rules, potential) = (&self.rules, &self.potential);
        self.rows = order::rows(run, rules, context.now, potential);
        let places = self.rows.iter().enumerate();
        self.places = places.map(|(at, entry)| (entry.step, at)).collect();
        self.made_by = Some(self.rules.clone());
    }

    /// The widths of names, and which columns have something to say.
    fn measure(&mut self, run: &RunState) {
        let widest = |name: &dyn Fn(usize) -> usize, (least, most): (usize, usize)| {
            let rows = 0..run.steps.len().min(MEASURED);
            rows.map(name).max().unwrap_or(0).clamp(least, most)
        };
        self.widest = Widest {
            id: widest(&|at| id_width(&run.steps[at]), ID),
            tool: widest(&|at| text::width(&run.steps[at].info.tool), NAME),
            model: widest(
                &|at| run.steps[at].model().map_or(0, |model| text::width(model)),
                NAME,
            ),
            cost: widest(
                &|at| {
                    let cost = run.steps[at].cost;
                    cost.map_or(0, |cost| cost.to_string().len() + 1)
                },
                COST,
            ),
        };
        let tracked = run.header.as_ref().is_none_or(|header| header.track_cost);
        let costs = tracked && (run.can_cost() || !run.spent.is_zero());
        let tokens = run.tokens != Tokens::default();
        let models = run.steps.iter().any(|row| row.model().is_some());
        let elsewhere = run.steps.iter().any(|row| {
            let source = row.source;
            source.is_some_and(|source| source != StepSource::Call)
        });
        let there = |column: &Column| match column {
            Column::Cost => costs,
            Column::Input | Column::Output => tokens,
            Column::Model => models,
            Column::Source => elsewhere,
            _ => true,
        };
        self.available = Column::ALL.into_iter().filter(there).collect();
    }

    /// Draws the frame. Everything outside `area` stays as it is. Gives a few words about what is shown.
    pub fn draw(
        &mut self,
        buf: &mut Buffer,
        area: Rect,
        context: &PaneContext<'_>,
        typing: bool,
    ) -> String {
        self.sync(context);
        let theme = context.theme;
        let mut area = area;
        if area.height > 1 && (typing || self.is_filtered()) {
            let line = Rect { height: 1, ..area };
            self.draw_filter(buf, line, context, typing);
            area.y += 1;
            area.height -= 1;
        }
        self.area = area;
        let width = usize::from(area.width);
        self.columns = column::lay(width, &self.available, self.rules.by, &self.widest);
        let shown = usize::from(area.height.saturating_sub(1)).max(1);
        let place = context
            .selected
            .and_then(|step| self.place(context.run, step));
        if std::mem::take(&mut self.pending_scroll)
            && let Some(place) = place
        {
            self.top = self.top.min(place).max((place + 1).saturating_sub(shown));
        }
        self.top = self.top.min(self.rows.len().saturating_sub(shown));
        self.draw_headings(buf, area, context);
        let rows = self.rows.iter().enumerate().skip(self.top).take(shown);
        for (at, (place_of, entry)) in rows.enumerate() {
            let y = area.y + 1 + at as u16;
            if y >= area.bottom() {
                break;
            }
            self.draw_row(buf, y, *entry, context, place == Some(place_of));
        }
        if self.rows.is_empty() && area.height > 1 {
            let words = text::fit("no step passes the filter", width);
            buf.set_stringn(area.x, area.y + 1, words, width, theme.dim);
        }
        self.caption(context.run, shown)
    }

    fn draw_filter(&self, buf: &mut Buffer, line: Rect, context: &PaneContext<'_>, typing: bool) {
        let theme = context.theme;
        let x = buf
            .set_stringn(line.x, line.y, "filter ", line.width.into(), theme.dim)
            .0;
        let field = Rect {
            x,
            width: line.right() - x,
            ..line
        };
        if typing {
            let empty = "words, is:failed, -without";
            self.field.draw(buf, field, empty, theme);
        } else {
            let room = usize::from(field.width);
            let words = text::fit(&self.rules.filter.typed, room);
            buf.set_stringn(x, line.y, words, room, theme.strong);
        }
    }

    fn draw_headings(&self, buf: &mut Buffer, area: Rect, context: &PaneContext<'_>) {
        let theme = context.theme;
        for placed in &self.columns {
            let sorted = self.rules.by == Some(placed.column);
            let style = if sorted { theme.accent } else { theme.dim };
            let down = placed.column.is_number() != self.rules.reversed;
            let sign = match (sorted, down) {
                (false, _) => "",
                (true, true) => "▼",
                (true, false) => "▲",
            };
            let words = format!("{}{sign}", placed.column.name());
            let words = text::fit(&words, placed.width);
            let indent = if placed.column.is_number() {
                placed.width.saturating_sub(text::width(&words))
            } else {
                0
            };
            let x = area.x + (placed.x + indent) as u16;
            buf.set_stringn(x, area.y, words, placed.width, style);
        }
    }

    fn draw_row(
        &self,
        buf: &mut Buffer,
        y: u16,
        entry: Entry,
        context: &PaneContext<'_>,
        selected: bool,
    ) {
        let (run, theme, area) = (context.run, context.theme, self.area);
        let Some(row) = run.steps.get(entry.step.at()) else {
            return;
        };
        let facts = Facts::of(run, entry.step, context.now, &self.potential);
        let is_broken = context.breakpoints.contains(&entry.step);
        let step_look = StepLook::of(row, is_broken);
        let look = step_look.style(theme);
        let quiet =
            entry.context || matches!(row.status, StepStatus::Pending | StepStatus::Skipped);
        let plain = if quiet { theme.dim } else { theme.text };
        if has_rows(row) {
            let unfolded = self.rules.unfolded.contains(&entry.step);
            let sign = if unfolded { "▾" } else { "▸" };
            buf.set_stringn(area.x, y, sign, 1, theme.accent);
        }
        if area.width > 2 {
            if is_broken && step_look != StepLook::Breakpoint {
                let sign = StepLook::Breakpoint.style(theme);
                buf.set_stringn(area.x + 1, y, sign.glyph, 1, sign.style);
            }
            buf.set_stringn(area.x + 2, y, look.glyph, 1, look.style);
        }
        for placed in &self.columns {
            let mut words = column::cell(placed.column, run, row, &facts);
            let style = match placed.column {
                Column::Id if row.status == StepStatus::Running => theme.strong,
                Column::Id => plain,
                Column::Status => look.style,
                Column::Cost if facts.unpriced => theme.warning,
                Column::Cost if facts.cost.is_none_or(Money::is_zero) => theme.dim,
                Column::Attempts if facts.attempts > 1 && row.elements().is_empty() => {
                    theme.warning
                }
                Column::Potential => theme.highlight,
                Column::Tool | Column::Model | Column::Source | Column::Start => theme.dim,
                _ => plain,
            };
            if placed.column == Column::Id {
                let indent = if entry.element { "  " } else { "" };
                let count = count_of_rows(row);
                let taken = text::width(indent) + text::width(&count);
                let id = context
                    .names
                    .fit(&row.info.id, placed.width.saturating_sub(taken));
                words = format!("{indent}{id}{count}");
            }
            let words = text::fit(&words, placed.width);
            let indent = if placed.column.is_number() {
                placed.width.saturating_sub(text::width(&words))
            } else {
                0
            };
            let x = area.x + (placed.x + indent) as u16;
            buf.set_stringn(x, y, words, placed.width, style);
        }
        if selected {
            let line = Rect::new(area.x, y, area.width, 1);
            buf.set_style(line, theme.selection.add_modifier(Modifier::BOLD));
        }
    }

    fn caption(&self, run: &RunState, shown: usize) -> String {
        let steps = run.steps.iter().filter(|row| row.info.parent.is_none());
        let all = self.rows.len();
        if self.is_filtered() {
            return format!(
                "{} of {}",
                format::thousands(all as u64),
                format::count(steps.count(), "step")
            );
        }
        if all > shown {
            return format!(
                "{} to {} of {}",
                format::thousands(self.top as u64 + 1),
                format::thousands((self.top + shown).min(all) as u64),
                format::thousands(all as u64)
            );
        }
        String::new()
    }
}

/// Whether other rows stand under a row of the plan.
fn has_rows(row: &StepState) -> bool {
    !(row.elements().is_empty() && row.calls().is_empty()) && row.info.parent.is_none()
}

/// How many elements a row has, or how many calls its code made.
fn count_of_rows(row: &StepState) -> String {
    match (row.elements().len(), row.calls().len()) {
        (0, 0) => String::new(),
        (0, calls) => format!(" ↳{calls}"),
        (elements, _) => format!(" ×{elements}"),
    }
}

/// The cells of an id with the indent of an element or the count of elements.
fn id_width(row: &StepState) -> usize {
    let indent = if row.info.parent.is_some() { 2 } else { 0 };
    text::width(&row.info.id) + indent + text::width(&count_of_rows(row))
}
