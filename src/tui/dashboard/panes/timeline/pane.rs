//! The widget: what is looked at, and moving about.

use super::index::Index;
use super::scale::{self, FINEST, Scale};
use crate::plan::StepIx;
use crate::run::RunState;
use crate::tui::dashboard::panes::pane::{Caption, Direction, Pane};
use crate::tui::dashboard::panes::pane_context::PaneContext;
use crate::units::Micros;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

/// The least share of the pane that stays on each side of what is brought into view.
const AROUND: f64 = 0.08;

/// What a line of the timeline is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Lines {
    /// A slot.
    Slots,
    /// A step.
    #[default]
    Steps,
}

/// A stretch of time that was chosen by hand: its beginning, and what one cell shows, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Window {
    from: f64,
    per: f64,
}

/// The attempts of a run over time, as much of it as fits.
#[derive(Debug, Default)]
pub struct Timeline {
    pub(super) lines: Lines,
    /// Everything where none was chosen.
    pub(super) window: Option<Window>,
    /// The first line that is shown.
    pub(super) top: usize,
    /// The attempt that was selected, by its place in its row.
    pub(super) attempt: Option<(StepIx, u32)>,
    /// What to bring into view in the next frame.
    pub(super) pending_scroll: bool,
    pub(super) index: Index,
    /// Where the lines went in the last frame, without names and axis.
    pub(super) area: Rect,
    pub(super) scale: Scale,
    /// Screen rows that one line takes.
    pub(super) pitch: u16,
    pub(super) now: Micros,
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

    /// Whether there are earlier or later times to look at.
    pub fn is_zoomed(&self) -> bool {
        self.window.is_some()
    }

    /// The attempt of the selected row that is selected: the one chosen last, else the row's last.
    pub(super) fn attempt(&self, run: &RunState, step: StepIx) -> Option<usize> {
        let last = run.steps.get(step.at())?.attempts.len().checked_sub(1)?;
        Some(match self.attempt {
            Some((row, at)) if row == step => (at as usize).min(last),
            _ => last,
        })
    }

    /// When the selected attempt started and ended by the run's clock, in microseconds.
    fn span(&self, run: &RunState, step: StepIx) -> Option<(f64, f64)> {
        let (start, end) = self.moments(run, step)?;
        let time = |moment| run.run_time(moment).0 as f64;
        Some((time(start), time(end)))
    }

    /// The moments at which the selected attempt started and ended.
    fn moments(&self, run: &RunState, step: StepIx) -> Option<(Micros, Micros)> {
        let row = run.steps.get(step.at())?;
        if let Some(at) = self.attempt(run, step) {
            let attempt = &row.attempts[at];
            let end = attempt.end.as_ref().map(|(ended, _)| *ended);
            let end = end.or(row.ended_at()).unwrap_or(self.now);
            return Some((attempt.started, end));
        }
        let start = row.started_at().or(row.ready_at()).or(row.ended_at())?;
        let end = row.ended_at().unwrap_or(self.now);
        Some((start, end))
    }

    /// Until when there is something to see.
    fn until(&self, run: &RunState) -> f64 {
        if run.has_ended() {
            (run.wall(run.at).0 as f64).max(1.0)
        } else {
            scale::rounded_up(run.wall(self.now.max(run.at)).0 as f64)
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

    pub(super) fn count(&self) -> usize {
        match self.lines {
            Lines::Slots => self.index.slots.len(),
            Lines::Steps => self.index.order.len(),
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
                let (start, end) = self.moments(run, from)?;
                let middle = f64::midpoint(start.0 as f64, end.0 as f64);
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

    /// Settles which times and lines are shown.
    pub(super) fn look_there(&mut self, context: &PaneContext<'_>, follow: bool) {
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
            let now = context.run.wall(self.now).0 as f64;
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
}

impl Pane for Timeline {
    fn go(
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

    fn first(&mut self) -> Option<StepIx> {
        self.at_place(0)
    }

    fn last(&mut self, run: &RunState) -> Option<StepIx> {
        let called = |step: &&StepIx| self.attempt(run, **step).is_some();
        match self.lines {
            Lines::Steps => self.index.order.last().copied(),
            Lines::Slots => self.index.order.iter().rev().find(called).copied(),
        }
    }

    fn page(&mut self, run: &RunState, selected: Option<StepIx>, pages: isize) -> Option<StepIx> {
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
                    attempt.is_some_and(|attempt| (run.run_time(attempt.started).0 as f64) < target)
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

    fn hit(&mut self, run: &RunState, at: Position) -> Option<StepIx> {
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
        let time = run.moment_of(Micros(time.max(0.0) as u64), true).0 as f64;
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

    fn scroll(&mut self, _: Position, columns: i32, rows: i32) {
        self.pan(columns, rows);
    }

    fn pan(&mut self, dx: i32, dy: i32) {
        if let Some(window) = &mut self.window {
            window.from += f64::from(dx) * window.per;
        }
        let lines = dy / i32::from(self.pitch.max(1));
        let lines = if lines == 0 { dy.signum() } else { lines };
        self.top = self.top.saturating_add_signed(lines as isize);
    }

    fn keep_visible(&mut self, _: Option<StepIx>) {
        self.pending_scroll = true;
    }

    fn is_behind(&self) -> bool {
        self.index.is_behind()
    }

    fn draw(&mut self, buf: &mut Buffer, area: Rect, context: &PaneContext<'_>) -> Caption {
        self.draw_frame(buf, area, context)
    }

    fn can_zoom(&self) -> bool {
        true
    }

    fn can_shift(&self) -> bool {
        self.is_zoomed()
    }

    /// Looks at earlier or later times: a third of what is shown.
    fn shift(&mut self, by: i32) {
        self.pan(by * i32::from(self.scale.width / 3).max(1), 0);
    }

    fn zoom(&mut self, by: i8, run: &RunState, selected: Option<StepIx>) {
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

    fn fit(&mut self, _: Option<StepIx>) {
        self.window = None;
        self.top = 0;
        self.pending_scroll = true;
    }
}
