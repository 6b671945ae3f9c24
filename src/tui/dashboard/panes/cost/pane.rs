//! The widget: what is looked at, and moving about.

use super::columns::Columns;
use super::ledger::{By, Ledger};
use super::lines::LineWriter;
use super::sums;
use crate::plan::StepIx;
use crate::run::{Forecast, RunState, forecast};
use crate::text::format;
use crate::tui::dashboard::panes::pane::{Caption, Direction, Pane};
use crate::tui::dashboard::panes::pane_context::PaneContext;
use crate::tui::widgets::refresh_throttle::RefreshThrottle;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use std::sync::Arc;

/// Where the money and the tokens of a run went.
#[derive(Debug, Default)]
pub struct CostPane {
    by: By,
    throttle: RefreshThrottle,
    made_by: Option<By>,
    ledger: Ledger,
    /// What the run can still cost.
    rest: Option<Forecast>,
    /// The first account that is shown.
    top: usize,
    /// What to bring into view in the next frame.
    pending_scroll: bool,
    /// The account that was chosen, and the step that was selected for it.
    chosen: Option<(Arc<str>, StepIx)>,
    /// Where the accounts went in the last frame.
    area: Rect,
}

impl CostPane {
    /// Keeps the accounts by something else: step, tool, model.
    pub fn turn(&mut self) {
        self.by = self.by.next();
        self.top = 0;
        self.chosen = None;
        self.pending_scroll = true;
    }

    fn choose(&mut self, place: usize) -> Option<StepIx> {
        let entry = self.ledger.entries.get(place)?;
        self.chosen = Some((Arc::clone(&entry.name), entry.step));
        self.pending_scroll = true;
        Some(entry.step)
    }

    /// The account that is marked: the chosen one, else the one that the selected step is on.
    fn place(&self, run: &RunState, selected: Option<StepIx>) -> Option<usize> {
        let selected = selected?;
        if let Some((name, step)) = &self.chosen
            && *step == selected
            && self.by != By::Step
        {
            let mut entries = self.ledger.entries.iter();
            return entries.position(|entry| entry.name == *name);
        }
        self.ledger.place(run, selected)
    }

    /// The step of the account `by` accounts away: the one on it that cost most.
    fn go_by(&mut self, run: &RunState, selected: Option<StepIx>, by: isize) -> Option<StepIx> {
        let last = self.ledger.entries.len().checked_sub(1)?;
        let next = match self.place(run, selected) {
            Some(place) => place.saturating_add_signed(by).min(last),
            None => self.top.min(last),
        };
        self.choose(next)
    }
}

impl Pane for CostPane {
    fn go(&mut self, run: &RunState, selected: Option<StepIx>, to: Direction) -> Option<StepIx> {
        self.go_by(run, selected, to.rows())
    }

    fn first(&mut self) -> Option<StepIx> {
        self.choose(0)
    }

    fn last(&mut self, _: &RunState) -> Option<StepIx> {
        self.choose(self.ledger.entries.len().checked_sub(1)?)
    }

    fn page(&mut self, run: &RunState, selected: Option<StepIx>, pages: isize) -> Option<StepIx> {
        let page = isize::from(self.area.height.saturating_sub(1).max(1) as i16);
        self.go_by(run, selected, pages * page)
    }

    fn hit(&mut self, _: &RunState, at: Position) -> Option<StepIx> {
        if !self.area.contains(at) {
            return None;
        }
        self.choose(self.top + usize::from(at.y - self.area.y))
    }

    fn scroll(&mut self, _: Position, _: i32, rows: i32) {
        self.pan(0, rows);
    }

    fn pan(&mut self, _: i32, rows: i32) {
        self.top = self.top.saturating_add_signed(rows as isize);
    }

    fn keep_visible(&mut self, _: Option<StepIx>) {
        self.pending_scroll = true;
    }

    fn is_behind(&self) -> bool {
        self.throttle.is_behind()
    }

    fn draw(&mut self, buf: &mut Buffer, area: Rect, context: &PaneContext<'_>) -> Caption {
        let run = context.run;
        if self.throttle.due(run) || self.made_by != Some(self.by) {
            self.ledger = Ledger::of(run, self.by);
            self.rest = forecast(run);
            self.made_by = Some(self.by);
        }
        let tracked = run.header.as_ref().is_none_or(|header| header.track_cost);
        let mut writer = LineWriter {
            buf,
            area,
            y: 0,
            theme: context.theme,
        };
        sums::draw(&mut writer, run, &self.ledger, self.rest, tracked);
        if area.height > writer.y + 3 {
            writer.y += 1;
        }
        let columns = Columns::fit(usize::from(area.width), &self.ledger, tracked, self.by);
        columns.headings(&mut writer, self.by);
        self.area = Rect {
            y: area.y + writer.y.min(area.height),
            height: area.height.saturating_sub(writer.y),
            ..area
        };
        let shown = usize::from(self.area.height);
        let place = self.place(run, context.selected);
        if std::mem::take(&mut self.pending_scroll)
            && let Some(place) = place
        {
            self.top = self.top.min(place).max((place + 1).saturating_sub(shown));
        }
        let all = self.ledger.entries.len();
        self.top = self.top.min(all.saturating_sub(shown));
        let entries = self.ledger.entries.iter().enumerate();
        for (at, entry) in entries.skip(self.top).take(shown) {
            columns.row(&mut writer, entry, run, place == Some(at));
        }
        if all > shown && shown > 0 {
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
