//! The steps of a run as lines over time below another view: its border has the axis, and the graph's selection is
//! followed.

use super::draw::{Legend, legend_entries};
use super::index::Line;
use super::paint::Painter;
use super::pane::Timeline;
use super::pieces::Cause;
use super::scale::{Scale, is_over};
use super::style::Styles;
use crate::plan::StepIx;
use crate::text::format;
use crate::tui::dashboard::panes::pane_context::PaneContext;
use crate::units::Micros;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Its name.
const NAME: &str = " waterfall ";
/// Cells between the times in its border.
const APART: u16 = 8;
/// Fewest cells of the lines.
const NARROWEST: u16 = 8;

impl Timeline {
    /// Lines by step, each element of a `for_each` step within the line of its step.
    pub(crate) fn of_steps() -> Self {
        let mut timeline = Self::default();
        timeline.index.fold_elements();
        timeline
    }

    /// Draws the lines in `area`, and the axis into the row of the border above it. Gives what the signs in
    /// them stand for.
    pub(crate) fn draw_strip(
        &mut self,
        buf: &mut Buffer,
        area: Rect,
        context: &PaneContext<'_>,
    ) -> Legend {
        let (run, theme) = (context.run, context.theme);
        self.now = context.now.max(run.at);
        self.index.sync(run, &context.figures.critical_path);
        let gutter = self.gutter(run, area.width);
        let lines = Rect {
            x: area.x + gutter,
            width: area.width.saturating_sub(gutter + 1),
            ..area
        };
        if lines.width < NARROWEST || area.height == 0 || area.y == 0 {
            self.area = Rect::default();
            return Legend::new();
        }
        self.area = lines;
        self.pitch = 1;
        self.pending_scroll |= context.follow;
        self.look_there(context, false);
        let border = area.y - 1;
        let shown = self.shown();
        let (scale, names, styles) = (self.scale, context.names, Styles { theme });
        let mut painter = Painter::new(buf, lines, scale, run, self.now, names, styles);
        painter.named = false;
        self.draw_steps(&mut painter, area.x, gutter, context);
        let rows = lines.y..lines.y + shown.len() as u16;
        self.draw_idle_periods(&mut painter, rows.clone());
        if !run.has_ended() {
            self.draw_now(&mut painter, rows);
        }
        for (line, step) in shown.iter().enumerate() {
            painter.time(area.y + line as u16, *step);
        }
        let breaks = painter.breaks();
        let legend = legend_entries(&painter);
        let room = usize::from(area.width).saturating_sub(1);
        buf.set_stringn(area.x + 1, border, NAME, room, theme.dim);
        let from = (area.x + 1 + NAME.len() as u16).max(lines.x);
        draw_axis(buf, border, lines, self.scale, from, &breaks, context);
        legend
    }

    /// Which lines are in view, where those are not all.
    pub(crate) fn lines_in_view(&self) -> Option<String> {
        let (shown, all) = (self.shown().len(), self.count());
        (shown < all).then(|| format!("{} to {} of {all}", self.top + 1, self.top + shown))
    }

    /// The steps of the lines in view, from the top.
    fn shown(&self) -> Vec<StepIx> {
        let order = self.index.order.iter().skip(self.top);
        order.take(self.area.height.into()).copied().collect()
    }
}

/// Writes the ticks and their times into a border, from a column on.
fn draw_axis(
    buf: &mut Buffer,
    y: u16,
    lines: Rect,
    scale: Scale,
    from: u16,
    breaks: &[u16],
    context: &PaneContext<'_>,
) {
    let theme = context.theme;
    for tick in scale.ticks_apart(APART) {
        let (at, over) = (lines.x + tick.0, is_over(&tick, breaks));
        let room = usize::from((lines.right() + 1).saturating_sub(at + 1));
        if at < from || tick.1.chars().count() + 1 > room || over {
            continue;
        }
        buf.set_stringn(at, y, "┬", 1, theme.border);
        buf.set_stringn(at + 1, y, format!("{} ", tick.1), room, theme.dim);
    }
    let (sign, style) = Styles { theme }.wait(Cause::Pause);
    for x in breaks.iter().map(|x| lines.x + x).filter(|x| *x >= from) {
        buf.set_stringn(x, y, sign, 1, style);
    }
}

impl Painter<'_> {
    /// Writes what a step took after its last attempt, where there is room.
    fn time(&mut self, y: u16, step: StepIx) {
        let Some(row) = self.run.steps.get(step.at()) else {
            return;
        };
        let line = Line::of_row(self.run, step, row);
        let end = match line.bars.last() {
            Some(bar) => Micros(bar.end(self.now)),
            // The elements of a `for_each` step took the time.
            None => row.ended_at().unwrap_or(self.now),
        };
        let words = match (row.started_at(), row.running_time(self.now)) {
            (Some(start), _) if row.is_expanded() => {
                let took = self.run.run_time(end) - self.run.run_time(start);
                if row.status.has_ended() {
                    format::duration(took)
                } else {
                    format::elapsed(took)
                }
            }
            (_, Some(time)) => format::elapsed(row.service + time),
            (Some(_), None) if row.status.has_ended() => format::duration(row.service),
            _ => return,
        };
        let place = self.place(end.0).ceil().max(0.0) as u16;
        let words = format!(" {words} ");
        let room = usize::from(self.scale.width.saturating_sub(place));
        if words.len() <= room {
            let x = self.area.x + place;
            self.buf
                .set_stringn(x, y, words, room, self.styles.theme.dim);
        }
    }
}
