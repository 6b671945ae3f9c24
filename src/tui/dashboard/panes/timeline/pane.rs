//! The widget: what is looked at, drawing, and moving about.

use super::index::Index;
use super::paint::{Gap, Painter};
use super::pieces::{self, Cause, Piece};
use super::scale::{self, FINEST, Scale};
use super::style::Styles;
use crate::plan::StepIx;
use crate::run::{RunState, StepStatus};
use crate::text::{self, format};
use crate::tui::Theme;
use crate::tui::dashboard::panes::pane::Direction;
use crate::tui::dashboard::panes::pane_context::PaneContext;
use crate::units::Micros;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use std::collections::BTreeSet;

/// Cells that the names of steps take at the most.
const NAMES: usize = 24;
/// Rows from which the critical path has a line of its own.
const ROOM_FOR_PATH: u16 = 6;
/// Rows from which there is a legend.
const ROOM_FOR_LEGEND: u16 = 9;
/// The least share of the pane that stays on each side of what is brought into view.
const AROUND: f64 = 0.08;

/// What a line of the timeline is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Lines {
    /// A slot.
    #[default]
    Slots,
    /// A step.
    Steps,
}

/// A stretch of time that was chosen by hand: its beginning, and what one cell shows, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Window {
    from: f64,
    per: f64,
}

/// The attempts of a run over time, as much of it as fits.
#[derive(Debug, Default)]
pub struct Timeline {
    lines: Lines,
    /// Everything where none was chosen.
    window: Option<Window>,
    /// The first line that is shown.
    top: usize,
    /// The attempt that was selected, by its place in its row.
    attempt: Option<(StepIx, u32)>,
    /// What to bring into view in the next frame.
    pending_scroll: bool,
    index: Index,
    /// Where the lines went in the last frame, without names and axis.
    area: Rect,
    scale: Scale,
    /// Screen rows that one line takes.
    pitch: u16,
    now: Micros,
}

impl Timeline {
    /// Lines by slot become lines by step, or the other way round.
    pub fn turn(&mut self) {
        self.lines = match self.lines {
            Lines::Slots => Lines::Steps,
            Lines::Steps => Lines::Slots,
        };
        self.top = 0;
        self.pending_scroll = true;
    }

    /// Shows half as much time (1) or twice as much (-1), around what is selected where that is in view.
    pub fn zoom(&mut self, by: i8, run: &RunState, selected: Option<StepIx>) {
        let scale = self.scale;
        if scale.width == 0 {
            return;
        }
        let middle = f64::midpoint(scale.from, scale.end());
        let bar = selected.and_then(|step| self.span(run, step));
        let anchor = bar
            .map(|(start, end)| {
                let seen = start.max(scale.from)..end.min(scale.end());
                f64::midpoint(seen.start, seen.end)
            })
            .filter(|at| (scale.from..=scale.end()).contains(at))
            .unwrap_or(middle);
        let factor = if by > 0 { 0.5 } else { 2.0 };
        let per = (scale.per * factor).max(FINEST);
        let until = self.until(run);
        if per * f64::from(scale.width) >= until {
            self.window = None;
            return;
        }
        let share = (anchor - scale.from) / (scale.end() - scale.from);
        let from = anchor - share * per * f64::from(scale.width);
        self.window = Some(Window { from, per });
    }

    /// Shows everything again.
    pub fn fit(&mut self) {
        self.window = None;
        self.top = 0;
        self.pending_scroll = true;
    }

    /// Moves the view by cells: positive is later and down.
    pub fn pan(&mut self, dx: i32, dy: i32) {
        if let Some(window) = &mut self.window {
            window.from += f64::from(dx) * window.per;
        }
        let lines = dy / i32::from(self.pitch.max(1));
        let lines = if lines == 0 { dy.signum() } else { lines };
        self.top = self.top.saturating_add_signed(lines as isize);
    }

    /// Looks at earlier (-1) or later (1) times: a third of what is shown.
    pub fn shift(&mut self, by: i32) {
        self.pan(by * i32::from(self.scale.width / 3).max(1), 0);
    }

    /// Whether there are earlier or later times to look at.
    pub fn is_zoomed(&self) -> bool {
        self.window.is_some()
    }

    /// Brings the selection into view in the next frame.
    pub fn keep_visible(&mut self) {
        self.pending_scroll = true;
    }

    /// Whether a later frame shows more although nothing more happens.
    pub fn is_behind(&self) -> bool {
        self.index.is_behind()
    }

    /// The attempt of the selected row that is selected: the one chosen last, else the row's last.
    pub(super) fn attempt(&self, run: &RunState, step: StepIx) -> Option<usize> {
        let last = run.steps.get(step.at())?.attempts.len().checked_sub(1)?;
        Some(match self.attempt {
            Some((row, at)) if row == step => (at as usize).min(last),
            _ => last,
        })
    }

    /// When the selected attempt started and ended, in microseconds.
    fn span(&self, run: &RunState, step: StepIx) -> Option<(f64, f64)> {
        let row = run.steps.get(step.at())?;
        if let Some(at) = self.attempt(run, step) {
            let attempt = &row.attempts[at];
            let end = attempt.end.as_ref().map(|(ended, _)| *ended);
            let end = end.or(row.ended_at).unwrap_or(self.now);
            return Some((attempt.started.0 as f64, end.0 as f64));
        }
        let start = row.started_at.or(row.ready_at).or(row.ended_at)?;
        let end = row.ended_at.unwrap_or(self.now);
        Some((start.0 as f64, end.0 as f64))
    }

    /// Until when there is something to see.
    fn until(&self, run: &RunState) -> f64 {
        if run.has_ended() {
            (run.at.0 as f64).max(1.0)
        } else {
            scale::rounded_up(self.now.max(run.at).0 as f64)
        }
    }

    /// The line that shows a row.
    fn line_of(&self, run: &RunState, step: StepIx) -> Option<usize> {
        match self.lines {
            Lines::Steps => self.index.place(step),
            Lines::Slots => {
                let at = self.attempt(run, step)?;
                let row = run.steps.get(step.at())?;
                self.index.slot(row.attempts[at].slot)
            }
        }
    }

    fn count(&self) -> usize {
        match self.lines {
            Lines::Slots => self.index.slots.len(),
            Lines::Steps => self.index.order.len(),
        }
    }

    /// The row to which an arrow key leads; which of its attempts is remembered.
    pub fn go(
        &mut self,
        run: &RunState,
        selected: Option<StepIx>,
        towards: Direction,
    ) -> Option<StepIx> {
        let Some(from) = selected else {
            return self.first();
        };
        match self.lines {
            Lines::Steps => self.go_by_step(run, from, towards),
            Lines::Slots => self.go_by_slot(run, from, towards),
        }
    }

    fn go_by_step(&mut self, run: &RunState, from: StepIx, towards: Direction) -> Option<StepIx> {
        let place = self.index.place(from)?;
        match towards {
            Direction::Up => self.at_place(place.checked_sub(1)?),
            Direction::Down => self.at_place(place + 1),
            Direction::Left => {
                let at = self.attempt(run, from)?.checked_sub(1)?;
                Some(self.choose(from, at as u32))
            }
            Direction::Right => {
                let at = self.attempt(run, from)? + 1;
                let there = at < run.steps.get(from.at())?.attempts.len();
                there.then(|| self.choose(from, at as u32))
            }
        }
    }

    fn go_by_slot(&mut self, run: &RunState, from: StepIx, towards: Direction) -> Option<StepIx> {
        let Some(at) = self.attempt(run, from) else {
            // It was not called: the nearest that was.
            let place = self.index.place(from)?;
            let called = |step: &&StepIx| self.attempt(run, **step).is_some();
            let before = self.index.order[..place].iter().rev().find(called);
            return before
                .or_else(|| self.index.order.iter().find(called))
                .copied();
        };
        let row = run.steps.get(from.at())?;
        let attempt = &row.attempts[at];
        let slot = self.index.slot(attempt.slot)?;
        let line = &self.index.slots[slot].1;
        let found = match towards {
            Direction::Left | Direction::Right => {
                let place = line.find(from, at as u32, attempt.started.0)?;
                let next = match towards {
                    Direction::Left => place.checked_sub(1)?,
                    _ => place + 1,
                };
                line.bars.get(next).copied()?
            }
            Direction::Up | Direction::Down => {
                let (start, end) = self.span(run, from)?;
                let middle = f64::midpoint(start, end);
                let nearest = |slot: usize| {
                    let line = &self.index.slots[slot].1;
                    Some(line.bars[line.nearest(middle, self.now)?])
                };
                if towards == Direction::Up {
                    (0..slot).rev().find_map(nearest)?
                } else {
                    (slot + 1..self.index.slots.len()).find_map(nearest)?
                }
            }
        };
        Some(self.choose(found.step, found.attempt))
    }

    fn choose(&mut self, step: StepIx, attempt: u32) -> StepIx {
        self.attempt = Some((step, attempt));
        self.pending_scroll = true;
        step
    }

    fn at_place(&self, place: usize) -> Option<StepIx> {
        self.index.order.get(place).copied()
    }

    /// The row that started first.
    pub fn first(&self) -> Option<StepIx> {
        self.at_place(0)
    }

    /// The row that started last; with lines by step the last line.
    pub fn last(&self, run: &RunState) -> Option<StepIx> {
        let called = |step: &&StepIx| self.attempt(run, **step).is_some();
        match self.lines {
            Lines::Steps => self.index.order.last().copied(),
            Lines::Slots => self.index.order.iter().rev().find(called).copied(),
        }
    }

    /// The row a page of lines away; in slots the attempt that starts about a page of time away.
    pub fn page(&self, run: &RunState, selected: Option<StepIx>, pages: isize) -> Option<StepIx> {
        let from = self.index.place(selected?)?;
        let last = self.index.order.len().checked_sub(1)?;
        let lines = match self.lines {
            Lines::Steps => isize::from(self.area.height.max(2) as i16 - 1),
            Lines::Slots => {
                let at = self.span(run, selected?)?.0;
                let page = self.scale.per * f64::from(self.scale.width) * 0.8;
                let target = at + page * pages as f64;
                let started = |step: &StepIx| {
                    let row = run.steps.get(step.at());
                    let attempt = row.and_then(|row| row.attempts.first());
                    attempt.is_some_and(|attempt| (attempt.started.0 as f64) < target)
                };
                let place = self.index.order.partition_point(started).min(last);
                let called = self
                    .at_place(place)
                    .filter(|step| self.attempt(run, *step).is_some());
                return called.or_else(|| self.last(run));
            }
        };
        self.at_place(from.saturating_add_signed(lines * pages).min(last))
    }

    /// The row at a cell of the screen, as of the last frame; which of its attempts is remembered.
    pub fn hit(&mut self, run: &RunState, at: Position) -> Option<StepIx> {
        let rows = Rect {
            x: 0,
            width: u16::MAX,
            ..self.area
        };
        if self.area.is_empty() || !rows.contains(at) {
            return None;
        }
        let line = self.top + usize::from((at.y - self.area.y) / self.pitch.max(1));
        let time = self.scale.cell(at.x.saturating_sub(self.area.x)).0 + self.scale.per / 2.0;
        match self.lines {
            Lines::Slots => {
                let line = &self.index.slots.get(line)?.1;
                let bar = line.bars[line.nearest(time, self.now)?];
                Some(self.choose(bar.step, bar.attempt))
            }
            Lines::Steps => {
                let step = self.at_place(line)?;
                let row = run.steps.get(step.at())?;
                let started =
                    |attempt: &crate::run::AttemptState| (attempt.started.0 as f64) <= time;
                let at = row.attempts.partition_point(started).saturating_sub(1);
                Some(self.choose(step, at as u32))
            }
        }
    }

    /// Draws the frame. Everything outside `area` stays as it is. Gives a few words about what is shown.
    pub fn draw(
        &mut self,
        buf: &mut Buffer,
        area: Rect,
        context: &PaneContext<'_>,
        follow: bool,
    ) -> String {
        let run = context.run;
        self.now = context.now.max(run.at);
        self.index.sync(run, &context.figures.critical_path);
        let gutter = self.gutter(run, area.width);
        let path = area.height >= ROOM_FOR_PATH && !self.index.path.bars.is_empty();
        let legend = u16::from(area.height >= ROOM_FOR_LEGEND);
        let top = 1 + u16::from(path);
        let lines = Rect {
            x: area.x + gutter,
            y: area.y + top,
            width: area.width.saturating_sub(gutter),
            height: area.height.saturating_sub(top + legend),
        };
        if area.height < 2 || lines.is_empty() {
            self.area = Rect::default();
            return String::new();
        }
        self.area = lines;
        self.pitch = match self.lines {
            Lines::Slots if self.count() * 2 <= usize::from(lines.height) => 2,
            _ => 1,
        };
        self.look_there(context, follow);
        let mut painter = Painter {
            buf,
            area: Rect {
                y: area.y,
                height: top + lines.height,
                ..lines
            },
            scale: self.scale,
            run,
            now: self.now,
            styles: Styles {
                theme: context.theme,
            },
            causes: BTreeSet::new(),
            crowded: false,
            marked: false,
        };
        let axis = match self.lines {
            Lines::Slots => "slot",
            Lines::Steps => "step",
        };
        names(
            &mut painter,
            area.x,
            area.y,
            gutter,
            axis,
            context.theme.dim,
        );
        self.draw_axis(&mut painter, area.y);
        if path {
            let (glyph, style) = (
                if gutter > 6 { "critical" } else { "path" },
                context.theme.highlight,
            );
            names(&mut painter, area.x, area.y + 1, gutter, glyph, style);
            let gaps = painter.path(area.y + 1, &self.index.path);
            self.fill_gaps(&mut painter, area.y + 1, &self.index.path, gaps, None);
        }
        match self.lines {
            Lines::Slots => self.draw_slots(&mut painter, area.x, gutter, context),
            Lines::Steps => self.draw_steps(&mut painter, area.x, gutter, context),
        }
        let used = (self.count() - self.top) * usize::from(self.pitch);
        let below = lines.y
            ..lines
                .bottom()
                .min(lines.y.saturating_add(used.min(9_999) as u16));
        self.draw_idle_periods(&mut painter, below.clone());
        if !run.has_ended() {
            self.draw_now(&mut painter, below);
        }
        let entries = legend_entries(&painter);
        if legend > 0 {
            let line = Rect {
                y: lines.bottom(),
                height: 1,
                ..area
            };
            draw_legend(buf, line, entries, context.theme);
        }
        self.caption(context)
    }

    fn gutter(&self, run: &RunState, width: u16) -> u16 {
        let most = usize::from(width / 3);
        let wanted = match self.lines {
            Lines::Slots => {
                let last = self
                    .index
                    .slots
                    .last()
                    .map_or(0, |slot| slot.0 as usize + 1);
                last.to_string().len().max(4) + 1
            }
            // Wide enough for every name, so that it does not change while one scrolls.
            Lines::Steps => {
                let names = run.steps.iter().take(200).map(|row| row.info.id.len());
                names.max().unwrap_or(0).clamp(8, NAMES) + 4
            }
        };
        wanted.min(most) as u16
    }

    /// Settles which times and lines are shown.
    fn look_there(&mut self, context: &PaneContext<'_>, follow: bool) {
        let width = self.area.width;
        let until = self.until(context.run);
        self.scale = match self.window {
            None => Scale::fit(until, width),
            Some(window) => Scale {
                from: window.from,
                per: window.per,
                width,
            },
        };
        let shown = usize::from(self.area.height / self.pitch).max(1);
        let pending_scroll = std::mem::take(&mut self.pending_scroll);
        if let Some(step) = context.selected.filter(|_| pending_scroll) {
            if let Some(line) = self.line_of(context.run, step) {
                self.top = self.top.min(line).max((line + 1).saturating_sub(shown));
            }
            if let Some((start, end)) = self.span(context.run, step) {
                self.show_times(start, end);
            }
        }
        if follow && !context.run.has_ended() {
            let now = self.now.0 as f64;
            self.show_times(now, now);
        }
        self.top = self.top.min(self.count().saturating_sub(shown));
        if let Some(window) = &mut self.window {
            let most = (until - self.scale.per * f64::from(width)).max(0.0);
            window.from = window.from.clamp(0.0, most);
            self.scale.from = window.from;
        }
    }

    /// Moves the window as little as possible for these times to be in view.
    fn show_times(&mut self, start: f64, end: f64) {
        let Some(window) = &mut self.window else {
            return;
        };
        let all = window.per * f64::from(self.scale.width);
        let around = all * AROUND;
        if start < window.from || end - start > all {
            window.from = start - around;
        } else if end > window.from + all {
            window.from = end - all + around;
        }
        self.scale.from = window.from;
    }

    fn draw_axis(&self, painter: &mut Painter<'_>, y: u16) {
        let theme = painter.styles.theme;
        let tick = if theme.ascii { "|" } else { "╷" };
        for (x, label) in self.scale.ticks() {
            painter.put(x, y, tick, theme.border);
            let room = usize::from(self.scale.width - x).saturating_sub(1);
            if label.chars().count() <= room {
                let at = painter.area.x + x + 1;
                painter.buf.set_stringn(at, y, label, room, theme.dim);
            }
        }
    }

    fn draw_slots(
        &self,
        painter: &mut Painter<'_>,
        x: u16,
        gutter: u16,
        context: &PaneContext<'_>,
    ) {
        let theme = context.theme;
        let chosen = context.selected.and_then(|step| {
            let at = self.attempt(context.run, step)?;
            let attempt = &context.run.steps.get(step.at())?.attempts[at];
            Some((step, at as u32, attempt))
        });
        let mut waiting = self.index.waiting.iter();
        let shown = usize::from(self.area.height / self.pitch);
        for (place, (slot, line)) in self.index.slots.iter().enumerate() {
            if place >= self.top + shown {
                break;
            }
            // A step that waits is shown in the first slot that is free, as that is the one it would take.
            let next = if line.is_taken() {
                None
            } else {
                waiting.next().copied()
            };
            let Some(at) = place.checked_sub(self.top) else {
                continue;
            };
            let y = self.area.y + at as u16 * self.pitch;
            let selected = chosen
                .filter(|(_, _, attempt)| attempt.slot == *slot)
                .and_then(|(step, at, attempt)| line.find(step, at, attempt.started.0));
            let style = if selected.is_some() {
                theme.strong
            } else {
                theme.dim
            };
            names(painter, x, y, gutter, &format!("{}", slot + 1), style);
            let gaps = painter.bars(y, line, selected);
            self.fill_gaps(painter, y, line, gaps, next);
            if self.pitch > 1 {
                painter.underline(y + 1, line, |bar| self.index.is_critical(bar.step));
            }
        }
    }

    /// Says in each gap what the attempt after it waited for; after the last one, what `next` waits for.
    fn fill_gaps(
        &self,
        painter: &mut Painter<'_>,
        y: u16,
        line: &super::index::Line,
        gaps: Vec<Gap>,
        next: Option<StepIx>,
    ) {
        let run = painter.run;
        for (cells, bar) in gaps {
            let waits: Vec<Piece> = match (line.bars.get(bar), next) {
                (Some(bar), _) => run.steps.get(bar.step.at()).map_or_else(Vec::new, |row| {
                    pieces::before(run, row, bar.attempt as usize)
                }),
                (None, Some(step)) => run
                    .steps
                    .get(step.at())
                    .map_or_else(Vec::new, |row| pieces::open(run, row, self.now)),
                (None, None) => continue,
            };
            painter.waits(y, &waits, cells);
        }
    }

    fn draw_steps(
        &self,
        painter: &mut Painter<'_>,
        x: u16,
        gutter: u16,
        context: &PaneContext<'_>,
    ) {
        let (run, theme) = (context.run, context.theme);
        let shown = usize::from(self.area.height);
        let steps = self.index.order.iter().skip(self.top).take(shown);
        for (at, step) in steps.enumerate() {
            let Some(row) = run.steps.get(step.at()) else {
                continue;
            };
            let y = self.area.y + at as u16;
            let is_selected = context.selected == Some(*step);
            let look = theme.status(row.status);
            let name = if is_selected {
                theme.strong
            } else if row.status.has_ended() || row.status == StepStatus::Pending {
                theme.dim
            } else {
                theme.text
            };
            let mut left = x;
            let mut part = |painter: &mut Painter<'_>, words: &str, style| {
                let room = (x + gutter).saturating_sub(left) as usize;
                left = painter.buf.set_stringn(left, y, words, room, style).0;
            };
            let (mark, style) = painter.styles.mark();
            let mark = if self.index.is_critical(*step) {
                mark
            } else {
                " "
            };
            part(painter, mark, style);
            part(painter, look.glyph, look.style);
            part(painter, " ", name);
            let room = usize::from(gutter).saturating_sub(4);
            part(painter, &text::pad(&row.info.id, room), name);
            if is_selected {
                let line = Rect::new(x, y, gutter.saturating_sub(1), 1);
                painter.buf.set_style(line, theme.selection);
            }
            let selected = self.attempt(run, *step).filter(|_| is_selected);
            self.draw_step(painter, y, *step, selected);
        }
    }

    /// The attempts of one row, what it waited for, and what came of it without an attempt.
    fn draw_step(&self, painter: &mut Painter<'_>, y: u16, step: StepIx, selected: Option<usize>) {
        let run = painter.run;
        let Some(row) = run.steps.get(step.at()) else {
            return;
        };
        if !row.elements().is_empty() {
            self.draw_elements(painter, y, row);
        }
        let line = super::index::Line::of_row(step, row);
        let at = selected.and_then(|at| {
            let started = row.attempts.get(at)?.started.0;
            line.find(step, at as u32, started)
        });
        let gaps = painter.bars(y, &line, at);
        let next = row.attempts.is_empty() || !row.status.has_ended();
        self.fill_gaps(painter, y, &line, gaps, next.then_some(step));
        if let Some(ended) = row.ended_at.filter(|_| row.attempts.is_empty())
            && row.elements().is_empty()
            && let Some(x) = self.scale.x(ended.0.saturating_sub(1))
        {
            let look = painter.styles.theme.status(row.status);
            painter.put(x, y, look.glyph, look.style);
        }
    }

    /// A `for_each` row is a thin line over the time of its elements.
    fn draw_elements(&self, painter: &mut Painter<'_>, y: u16, row: &crate::run::StepState) {
        let Some(start) = row.started_at else { return };
        let end = row.ended_at.unwrap_or(self.now);
        let style = painter.styles.theme.status(row.status).style;
        let glyph = if painter.styles.theme.ascii {
            "="
        } else {
            "━"
        };
        let from = self.scale.place(start.0).max(0.0);
        let until = self.scale.place(end.0).min(f64::from(self.scale.width));
        let mut x = from as u16;
        while f64::from(x) < until {
            painter.put(x, y, glyph, style);
            x += 1;
        }
    }

    /// Shades what is empty while nothing could start.
    fn draw_idle_periods(&self, painter: &mut Painter<'_>, rows: std::ops::Range<u16>) {
        let run = painter.run;
        let spans = run.idle_periods.spans();
        let mut shaded: Vec<Piece> = Vec::new();
        for span in spans {
            let until = span.until.unwrap_or(self.now);
            let after = (until.0 as f64) < self.scale.from;
            if after || span.from.0 as f64 > self.scale.end() {
                continue;
            }
            shaded.push(Piece {
                cause: match span.cause {
                    crate::run::IdleCause::Pause => Cause::Pause,
                    crate::run::IdleCause::Ended => Cause::Person,
                },
                from: span.from,
                until,
            });
        }
        if shaded.is_empty() {
            return;
        }
        for y in rows {
            painter.waits(y, &shaded, 0..self.scale.width);
        }
    }

    fn draw_now(&self, painter: &mut Painter<'_>, rows: std::ops::Range<u16>) {
        let Some(x) = self.scale.x(self.now.0) else {
            return;
        };
        let (glyph, style) = painter.styles.now();
        for y in rows {
            let at = (painter.area.x + x, y);
            let free = painter
                .buf
                .cell(at)
                .is_some_and(|cell| cell.symbol() == " ");
            if free {
                painter.put(x, y, glyph, style);
            }
        }
    }

    /// The selected attempt and what a cell shows, for the border.
    fn caption(&self, context: &PaneContext<'_>) -> String {
        let mut words = Vec::new();
        if let Some(step) = context.selected
            && let Some(row) = context.run.steps.get(step.at())
            && let Some(at) = self.attempt(context.run, step)
        {
            let attempt = &row.attempts[at];
            let end = attempt.end.as_ref().map_or(self.now, |(ended, _)| *ended);
            let of = match row.attempts.len() {
                1 => String::new(),
                many => format!(" try {} of {many}", at + 1),
            };
            words.push(format!(
                "{}{of}: {} from {}",
                text::fit(&row.info.id, NAMES),
                format::duration(end - attempt.started),
                scale::label(attempt.started.0 as f64, self.scale.per),
            ));
            let waits = pieces::before(context.run, row, at);
            if let Some((cause, time)) = pieces::chief(&waits) {
                let mut why = cause.word().to_owned();
                let mut held = row.waits.spans().iter().filter(|wait| {
                    Cause::from(wait.reason) == cause && wait.from <= attempt.started
                });
                if let Some(on) = held.next_back().and_then(|wait| wait.on.as_ref()) {
                    why = format!("{why} {}", text::fit(on, NAMES));
                }
                words.push(format!("waited {} ({why})", format::duration(time)));
            }
        }
        if self.is_zoomed() {
            let cell = Micros(self.scale.per.round() as u64);
            words.push(format!("a cell {}", format::duration(cell)));
        }
        words.join(", ")
    }
}

/// Writes a name at the left of a line, up to the gutter.
fn names(painter: &mut Painter<'_>, x: u16, y: u16, gutter: u16, name: &str, style: Style) {
    let room = usize::from(gutter.saturating_sub(1));
    let name = text::fit(name, room);
    let indent = room.saturating_sub(text::width(&name)) as u16;
    painter.buf.set_stringn(x + indent, y, name, room, style);
}

/// What the signs that are seen stand for: glyph, style, words.
type Legend = Vec<(&'static str, Style, &'static str)>;

fn legend_entries(painter: &Painter<'_>) -> Legend {
    let styles = painter.styles;
    let seen = Cause::ALL.into_iter();
    let seen = seen.filter(|cause| painter.causes.contains(cause));
    let mut entries: Legend = seen
        .map(|cause| {
            let (glyph, style) = styles.wait(cause);
            (glyph, style, cause.word())
        })
        .collect();
    if painter.marked {
        let (glyph, style) = styles.underline();
        entries.push((glyph, style, "critical path"));
    }
    if painter.crowded {
        let style = styles.fate(super::index::Fate::Succeeded);
        entries.push((
            styles.share(0.5),
            style,
            "several calls: share of the time taken",
        ));
    }
    entries
}

/// Says what the signs that are seen stand for, as many as there is room for.
fn draw_legend(buf: &mut Buffer, line: Rect, entries: Legend, theme: &Theme) {
    let mut x = line.x + 1;
    for (glyph, style, words) in entries {
        let needed = (words.len() + 2) as u16;
        if x + needed > line.right() {
            break;
        }
        buf.set_stringn(x, line.y, glyph, 1, style);
        buf.set_stringn(x + 2, line.y, words, words.len(), theme.dim);
        x += needed + 2;
    }
}
