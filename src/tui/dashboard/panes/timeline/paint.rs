//! Lines of the timeline as cells: attempts to an eighth of a cell, and what lies between them.

use super::index::{Bar, Line};
use super::pieces::{Cause, Piece};
use super::scale::Scale;
use super::style::{Styles, reversed};
use crate::run::RunState;
use crate::text::{self, format};
use crate::tui::dashboard::state::step_names::StepNames;
use crate::units::Micros;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use std::collections::BTreeSet;
use std::ops::Range;

/// Attempts in one cell of which each is asked whether it is on the critical path.
const ASKED: usize = 16;

/// Cells from which the beginning of a name is worth being shown.
const LEGIBLE: usize = 4;

/// Draws lines of one frame.
pub(super) struct Painter<'a> {
    pub(super) buf: &'a mut Buffer,
    /// The cells that show time; one line of them is drawn at a time.
    pub(super) area: Rect,
    pub(super) scale: Scale,
    pub(super) run: &'a RunState,
    pub(super) now: Micros,
    pub(super) names: &'a StepNames,
    /// Whether a bar says what it is.
    pub(super) named: bool,
    pub(super) styles: Styles<'a>,
    /// The waits that were drawn, for the legend.
    pub(super) causes: BTreeSet<Cause>,
    /// Whether cells with several attempts were drawn.
    pub(super) crowded: bool,
    /// Whether attempts on the critical path were marked.
    pub(super) marked: bool,
    /// The moments at both edges of each cell: every line of a frame asks for them.
    moments: Vec<(f64, f64)>,
}

/// A stretch of empty cells, and the bar after it.
pub(super) type Gap = (Range<u16>, usize);

/// The moments at both edges of a cell. What held the whole run lies within one cell.
fn moments(run: &RunState, scale: Scale, x: u16) -> (f64, f64) {
    let (left, right) = scale.cell(x);
    let moment = |time: f64, last: bool| {
        let whole = Micros(time.max(0.0) as u64);
        run.moment_of(whole, last).0 as f64 + time.fract()
    };
    (moment(left, x > 0), moment(right, true))
}

impl<'a> Painter<'a> {
    /// Lines in `area`, over the times of `scale`.
    pub(super) fn new(
        buf: &'a mut Buffer,
        area: Rect,
        scale: Scale,
        run: &'a RunState,
        now: Micros,
        names: &'a StepNames,
        styles: Styles<'a>,
    ) -> Self {
        Self {
            buf,
            area,
            scale,
            run,
            now,
            names,
            named: true,
            styles,
            causes: BTreeSet::new(),
            crowded: false,
            marked: false,
            moments: (0..scale.width).map(|x| moments(run, scale, x)).collect(),
        }
    }

    /// The moments at both edges of a cell.
    fn cell(&self, x: u16) -> (f64, f64) {
        let known = self.moments.get(usize::from(x)).copied();
        known.unwrap_or_else(|| moments(self.run, self.scale, x))
    }

    /// Where a moment is, in cells from the left edge.
    pub(super) fn place(&self, moment: u64) -> f64 {
        self.scale.place(self.run.run_time(Micros(moment)).0)
    }

    /// The cell that shows a moment, where one does.
    pub(super) fn x(&self, moment: u64) -> Option<u16> {
        self.scale.x(self.run.run_time(Micros(moment)).0)
    }

    /// The cells in which a pause, or the time between the end of the run and its going on, is a break of the axis.
    pub(super) fn breaks(&mut self) -> Vec<u16> {
        let mut cells = Vec::new();
        for span in self.run.idle_periods.spans() {
            let Some(until) = span.until else { continue };
            let passed = self.run.run_time(until) - self.run.run_time(span.from);
            let stood = passed < until - span.from;
            if let Some(x) = self.x(until.0).filter(|_| stood) {
                self.causes.insert(span.cause.into());
                cells.push(x);
            }
        }
        cells
    }

    /// Draws the axis into a row of the screen: what a tick says stands right of it, at the right edge left of it.
    pub(super) fn axis(&mut self, y: u16) {
        let theme = self.styles.theme;
        let tick = if theme.ascii { "|" } else { "╷" };
        let breaks = self.breaks();
        // The cells up to here are taken.
        let mut taken = 0;
        for (x, label) in self.scale.ticks() {
            let columns = label.chars().count() as u16;
            let right = (x + 1, x + 1 + columns);
            let left = (x.saturating_sub(columns), x);
            let is_free =
                |cells: (u16, u16)| !breaks.iter().any(|cell| (cells.0..cells.1).contains(cell));
            let words = if right.1 > self.scale.width {
                // One tick says nothing rather than what is cut.
                if columns > x || left.0 <= taken && taken > 0 {
                    continue;
                }
                left
            } else {
                right
            };
            self.put(x, y, tick, theme.border);
            taken = x + 1;
            if is_free(words) {
                let at = self.area.x + words.0;
                let room = usize::from(columns);
                self.buf.set_stringn(at, y, label, room, theme.dim);
                taken = taken.max(words.1);
            }
        }
        self.draw_breaks(y, &breaks);
    }

    /// Draws the breaks into a row of the screen.
    pub(super) fn draw_breaks(&mut self, y: u16, cells: &[u16]) {
        let (glyph, style) = self.styles.wait(Cause::Pause);
        for &x in cells {
            self.put(x, y, glyph, style);
        }
    }

    /// Writes a glyph into a cell of line `y` of the screen.
    pub(super) fn put(&mut self, x: u16, y: u16, glyph: &str, style: Style) {
        if x < self.area.width
            && y < self.area.bottom()
            && let Some(cell) = self.buf.cell_mut((self.area.x + x, y))
        {
            cell.set_symbol(glyph).set_style(style);
        }
    }

    fn is_blank(&self, x: u16, y: u16) -> bool {
        self.buf
            .cell((self.area.x + x, y))
            .is_some_and(|cell| cell.symbol() == " ")
    }

    /// Draws the attempts of `line`, that at `selected` standing out; gives the gaps between them.
    pub(super) fn bars(&mut self, y: u16, line: &Line, selected: Option<usize>) -> Vec<Gap> {
        let mut gaps: Vec<Gap> = Vec::new();
        if line.bars.is_empty() {
            return vec![(0..self.scale.width, 0)];
        }
        let mut run: Option<(usize, Range<u16>)> = None;
        let mut seen = 0..0;
        for x in 0..self.scale.width {
            let (from, until) = self.cell(x);
            seen = line.seen_after(seen, from, until, self.now);
            let seen = seen.clone();
            let mut alone = None;
            match seen.len() {
                0 => match gaps.last_mut() {
                    Some((cells, next)) if cells.end == x && *next == seen.start => {
                        cells.end = x + 1;
                    }
                    _ => gaps.push((x..x + 1, seen.start)),
                },
                1 => {
                    let is_selected = selected == Some(seen.start);
                    if self.single(x, y, &line.bars[seen.start], is_selected) {
                        alone = Some(seen.start);
                    }
                }
                2 if line.bars[seen.start + 1].end(self.now) as f64 > until => {
                    let is_selected = selected == Some(seen.start);
                    self.end_of(x, y, &line.bars[seen.start], is_selected);
                }
                _ => self.dense(x, y, line, seen, selected),
            }
            match (&mut run, alone) {
                (Some((bar, cells)), Some(now)) if *bar == now => cells.end = x + 1,
                (open, now) => {
                    let ended = std::mem::replace(open, now.map(|bar| (bar, x..x + 1)));
                    if let Some((bar, cells)) = ended {
                        self.label(y, line.bars[bar], cells, selected == Some(bar));
                    }
                }
            }
        }
        if let Some((bar, cells)) = run {
            self.label(y, line.bars[bar], cells, selected == Some(bar));
        }
        gaps
    }

    fn style(&self, bar: &Bar, selected: bool) -> Style {
        if selected {
            self.styles.selected()
        } else {
            self.styles.fate(bar.fate)
        }
    }

    /// A cell with one attempt; whether it fills the cell.
    fn single(&mut self, x: u16, y: u16, bar: &Bar, selected: bool) -> bool {
        let style = self.style(bar, selected);
        let (from, until) = self.cell(x);
        let part = |at: f64| ((at - from) / (until - from)).clamp(0.0, 1.0);
        let (starts, ends) = (bar.start as f64, bar.end(self.now) as f64);
        let (left, right) = (part(starts), part(ends));
        if starts > from && ends < until {
            if bar.fate.status().went_wrong() {
                self.put(x, y, self.styles.failure(), style);
            } else {
                self.put(x, y, self.styles.left(right - left, bar.fate), style);
            }
            return false;
        }
        if starts > from {
            let (glyph, style) = self.styles.right(left, bar.fate, style);
            self.put(x, y, glyph, style);
            return false;
        }
        if ends < until {
            self.put(x, y, self.styles.left(right, bar.fate), style);
            return false;
        }
        self.put(x, y, self.styles.full(bar.fate), style);
        true
    }

    /// The last cell of an attempt that another one follows within it: that one begins with the next cell, so
    /// that the two can be distinguished.
    fn end_of(&mut self, x: u16, y: u16, bar: &Bar, selected: bool) {
        let style = self.style(bar, selected);
        let (from, until) = self.cell(x);
        let part = ((bar.end(self.now) as f64 - from) / (until - from)).clamp(0.0, 0.875);
        let small = bar.start as f64 > from;
        if small && bar.fate.status().went_wrong() {
            self.put(x, y, self.styles.failure(), style);
        } else {
            self.put(x, y, self.styles.left(part, bar.fate), style);
        }
    }

    /// A cell with several attempts: how much of its time is taken, and whether one went wrong.
    fn dense(&mut self, x: u16, y: u16, line: &Line, seen: Range<usize>, selected: Option<usize>) {
        self.crowded = true;
        let (from, until) = self.cell(x);
        let share = self
            .styles
            .share(line.share(seen.clone(), from, until, self.now));
        if selected.is_some_and(|at| seen.contains(&at)) {
            self.put(x, y, self.styles.mark().0, self.styles.selected());
        } else if line.any_bad(seen.clone()) {
            let style = self.styles.fate(super::index::Fate::Failed);
            self.put(x, y, self.styles.failure(), style);
        } else {
            let style = self.styles.fate(line.bars[seen.end - 1].fate);
            self.put(x, y, share, style);
        }
    }

    /// Writes what an attempt is into the cells that it fills.
    fn label(&mut self, y: u16, bar: Bar, cells: Range<u16>, selected: bool) {
        if !self.named {
            return;
        }
        let style = self.style(&bar, selected);
        let ascii = self.styles.theme.ascii;
        let inner = if ascii { style } else { reversed(style) };
        let Some(row) = self.run.steps.get(bar.step.at()) else {
            return;
        };
        let mut cells = cells;
        if selected && cells.len() >= 2 {
            self.put(cells.start, y, "[", inner);
            self.put(cells.end - 1, y, "]", inner);
            cells = cells.start + 1..cells.end - 1;
        } else if cells.len() >= 5 {
            // A cell of the bar stays on the left, so that it is seen where it begins.
            cells.start += 1;
        }
        let room = cells.len();
        let bad = bar.fate.status().went_wrong();
        // Where there are many, most attempts have no room for a word, and none is put together for them.
        if room < LEGIBLE && row.info.id.len() > room {
            if bad && room > 0 {
                self.put(cells.start, y, self.styles.failure(), inner);
            }
            return;
        }
        let id = text::line(&row.info.id);
        let mut words = id.clone();
        if bad {
            words = format!("{} {words}", self.styles.failure());
            if room < 2 * LEGIBLE && text::width(&words) > room {
                self.styles.failure().clone_into(&mut words);
            }
        }
        let number = row
            .attempts
            .get(bar.attempt as usize)
            .map_or(1, |attempt| attempt.number);
        if number > 1 {
            let again = if ascii { 'r' } else { '↻' };
            words = format!("{words} {again}{number}");
        }
        let took = format::duration(Micros(bar.end(self.now) - bar.start));
        let whole = format!("{words} {took}");
        if text::width(&whole) <= room {
            words = whole;
        }
        // Among letters that stand for a bar a name needs air.
        if ascii && !selected && text::width(&words) + 2 <= room {
            words = format!(" {words} ");
        }
        let critical = if selected {
            inner.add_modifier(Modifier::BOLD)
        } else {
            inner
        };
        // A letter or two of a name say nothing.
        if room < LEGIBLE && text::width(&words) > room {
            return;
        }
        let words = match words.find(&*id) {
            // The id gives way, what stands around it stays.
            Some(at) if text::width(&words) > room => {
                let around = text::width(&words) - text::width(&id);
                let shown = self.names.fit(&row.info.id, room.saturating_sub(around));
                format!("{}{shown}{}", &words[..at], &words[at + id.len()..])
            }
            _ => words,
        };
        let words = text::fit(&words, room);
        self.buf
            .set_stringn(self.area.x + cells.start, y, words, room, critical);
    }

    /// Fills empty cells of `within` with what was waited for.
    pub(super) fn waits(&mut self, y: u16, pieces: &[Piece], within: Range<u16>) {
        for x in within {
            if !self.is_blank(x, y) {
                continue;
            }
            let (from, until) = self.cell(x);
            let middle = f64::midpoint(from, until);
            let piece = pieces
                .iter()
                .rev()
                .find(|piece| (piece.from.0 as f64) <= middle && middle < piece.until.0 as f64);
            if let Some(piece) = piece {
                let (glyph, style) = self.styles.wait(piece.cause);
                self.put(x, y, glyph, style);
                self.causes.insert(piece.cause);
            }
        }
    }

    /// Marks the cells below the attempts that are on the critical path.
    pub(super) fn underline(&mut self, y: u16, line: &Line, is_critical: impl Fn(&Bar) -> bool) {
        let (glyph, style) = self.styles.underline();
        for x in 0..self.scale.width {
            let (from, until) = self.cell(x);
            let seen = line.seen(from, until, self.now);
            let first = seen.start..seen.end.min(seen.start + ASKED);
            if line.bars[first].iter().any(&is_critical) {
                self.put(x, y, glyph, style);
                self.marked = true;
            }
        }
    }

    /// The attempts along the critical path as one line, each with its name.
    pub(super) fn path(&mut self, y: u16, line: &Line) -> Vec<Gap> {
        let (glyph, style) = self.styles.critical();
        let mut gaps: Vec<Gap> = Vec::new();
        let mut names: Vec<(Range<u16>, usize)> = Vec::new();
        for x in 0..self.scale.width {
            let (from, until) = self.cell(x);
            let seen = line.seen(from, until, self.now);
            if seen.is_empty() {
                match gaps.last_mut() {
                    Some((cells, next)) if cells.end == x && *next == seen.start => {
                        cells.end = x + 1;
                    }
                    _ => gaps.push((x..x + 1, seen.start)),
                }
                continue;
            }
            self.put(x, y, glyph, style);
            if seen.len() == 1 {
                match names.last_mut() {
                    Some((cells, bar)) if *bar == seen.start && cells.end == x => cells.end = x + 1,
                    _ => names.push((x..x + 1, seen.start)),
                }
            }
        }
        for (cells, bar) in names {
            let Some(row) = self.run.steps.get(line.bars[bar].step.at()) else {
                continue;
            };
            let room = cells.len().saturating_sub(4);
            if room < LEGIBLE && text::width(&row.info.id) > room {
                continue;
            }
            let name = self.names.fit(&row.info.id, room);
            let x = self.area.x + cells.start + 1;
            self.buf
                .set_stringn(x, y, format!(" {name} "), room + 2, style);
        }
        gaps
    }
}
