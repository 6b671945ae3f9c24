//! A step as a line over time: its attempts, and what it waited for.

use super::index::Line;
use super::paint::{Gap, Painter};
use super::pieces::{self, Piece};
use super::scale::{self, Scale};
use super::style::Styles;
use crate::plan::StepIx;
use crate::run::{RunState, StepState};
use crate::tui::dashboard::state::step_names::StepNames;
use crate::tui::theme::Theme;
use crate::units::Micros;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Steps as lines over the whole time of a run, for beside other things. Nothing is written on the bars.
pub(crate) struct Waterfall<'a>(Painter<'a>);

impl<'a> Waterfall<'a> {
    /// Lines in `area`, one of its rows each.
    pub(crate) fn new(
        buf: &'a mut Buffer,
        area: Rect,
        run: &'a RunState,
        now: Micros,
        names: &'a StepNames,
        theme: &'a Theme,
    ) -> Self {
        let now = now.max(run.at);
        let until = if run.has_ended() {
            (run.wall(run.at).0 as f64).max(1.0)
        } else {
            scale::rounded_up(run.wall(now).0 as f64)
        };
        let scale = Scale::fit(until, area.width);
        let mut painter = Painter::new(buf, area, scale, run, now, names, Styles { theme });
        painter.named = false;
        Self(painter)
    }

    /// Draws a step in row `y` of the screen.
    pub(crate) fn step(&mut self, y: u16, step: StepIx) {
        self.0.step(y, step, None);
    }

    /// Draws the axis in row `y` of the screen.
    pub(crate) fn axis(&mut self, y: u16) {
        self.0.axis(y);
    }
}

impl Painter<'_> {
    /// Says in each gap what the attempt after it waited for; after the last one, what `next` waits for.
    pub(super) fn fill_gaps(&mut self, y: u16, line: &Line, gaps: Vec<Gap>, next: Option<StepIx>) {
        let run = self.run;
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
            self.waits(y, &waits, cells);
        }
    }

    /// One row: its attempts, what it waited for, and how it ended if it was never called.
    pub(super) fn step(&mut self, y: u16, step: StepIx, selected: Option<usize>) {
        let run = self.run;
        let Some(row) = run.steps.get(step.at()) else {
            return;
        };
        if !row.elements().is_empty() {
            self.elements(y, row);
        }
        let line = Line::of_row(run, step, row);
        let at = selected.and_then(|at| {
            let started = row.attempts.get(at)?.started.0;
            line.find(step, at as u32, started)
        });
        let gaps = self.bars(y, &line, at);
        let next = row.attempts.is_empty() || !row.status.has_ended();
        self.fill_gaps(y, &line, gaps, next.then_some(step));
        if let Some(ended) = row.ended_at().filter(|_| row.attempts.is_empty())
            && row.elements().is_empty()
            && let Some(x) = self.x(ended.0.saturating_sub(1))
        {
            let look = self.styles.theme.status(row.status);
            self.put(x, y, look.glyph, look.style);
        }
    }

    /// A `for_each` row is a thin line over the time of its elements.
    fn elements(&mut self, y: u16, row: &StepState) {
        let Some(start) = row.started_at() else {
            return;
        };
        let end = row.ended_at().unwrap_or(self.now);
        let style = self.styles.theme.status(row.status).style;
        let glyph = if self.styles.theme.ascii { "=" } else { "━" };
        let from = self.place(start.0).max(0.0);
        let until = self.place(end.0).min(f64::from(self.scale.width));
        let mut x = from as u16;
        while f64::from(x) < until {
            self.put(x, y, glyph, style);
            x += 1;
        }
    }
}
