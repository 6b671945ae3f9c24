//! What the timeline draws: the axis, the lines with their bars and waits, the caption and the legend.

use super::index::Fate;
use super::paint::Painter;
use super::pane::{Lines, Timeline};
use super::pieces::{self, Cause, Piece};
use super::scale;
use super::style::Styles;
use crate::run::{RunState, StepStatus};
use crate::text::{self, format};
use crate::tui::Theme;
use crate::tui::dashboard::panes::pane_context::PaneContext;
use crate::tui::dashboard::state::step_look::StepLook;
use crate::units::Micros;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// Most cells of a step's name.
const NAMES: usize = 24;
/// Rows from which the critical path has a line of its own.
const ROOM_FOR_PATH: u16 = 6;
/// Rows from which there is a legend.
const ROOM_FOR_LEGEND: u16 = 9;

impl Timeline {
    /// Draws the frame. Everything outside `area` stays as it is. Gives a few words about what is shown.
    pub(super) fn draw_frame(
        &mut self,
        buf: &mut Buffer,
        area: Rect,
        context: &PaneContext<'_>,
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
        self.look_there(context, context.follow);
        let whole = Rect {
            y: area.y,
            height: top + lines.height,
            ..lines
        };
        let styles = Styles {
            theme: context.theme,
        };
        let names_of = context.names;
        let mut painter = Painter::new(buf, whole, self.scale, run, self.now, names_of, styles);
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
        painter.axis(area.y);
        if path {
            let (glyph, style) = (
                if gutter > 6 { "critical" } else { "path" },
                context.theme.highlight,
            );
            names(&mut painter, area.x, area.y + 1, gutter, glyph, style);
            let gaps = painter.path(area.y + 1, &self.index.path);
            painter.fill_gaps(area.y + 1, &self.index.path, gaps, None);
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

    pub(super) fn gutter(&self, run: &RunState, width: u16) -> u16 {
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
            painter.fill_gaps(y, line, gaps, next);
            if self.pitch > 1 {
                painter.underline(y + 1, line, |bar| self.index.is_critical(bar.step));
            }
        }
    }

    pub(super) fn draw_steps(
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
            let is_selected = self.index.is_in_line(*step, context.selected);
            let is_broken = context.breakpoints.contains(step);
            let step_look = StepLook::of(row, is_broken);
            let look = step_look.style(theme);
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
            let sign = StepLook::Breakpoint.style(theme);
            if is_broken && step_look != StepLook::Breakpoint {
                part(painter, sign.glyph, sign.style);
            } else {
                part(painter, " ", name);
            }
            let room = usize::from(gutter).saturating_sub(4);
            let id = context.names.fit(&row.info.id, room);
            part(painter, &text::pad(&id, room), name);
            if is_selected {
                let line = Rect::new(x, y, gutter.saturating_sub(1), 1);
                painter.buf.set_style(line, theme.selection);
            }
            let selected = self.attempt(run, *step).filter(|_| is_selected);
            painter.step(y, *step, selected);
        }
    }

    /// Shades what is empty while nothing could start.
    pub(super) fn draw_idle_periods(&self, painter: &mut Painter<'_>, rows: std::ops::Range<u16>) {
        let run = painter.run;
        let spans = run.idle_periods.spans();
        let mut shaded: Vec<Piece> = Vec::new();
        for span in spans {
            let until = span.until.unwrap_or(self.now);
            let time = |moment| run.run_time(moment).0 as f64;
            if time(until) < self.scale.from || time(span.from) > self.scale.end() {
                continue;
            }
            shaded.push(Piece {
                cause: span.cause.into(),
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

    pub(super) fn draw_now(&self, painter: &mut Painter<'_>, rows: std::ops::Range<u16>) {
        let Some(x) = painter.x(self.now.0) else {
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
            let started = context.run.run_time(attempt.started);
            let end = attempt.end.as_ref().map_or(self.now, |(ended, _)| *ended);
            let of = match row.attempts.len() {
                1 => String::new(),
                many => format!(" attempt {} of {many}", at + 1),
            };
            words.push(format!(
                "{}{of}: {} from {}",
                context.names.fit(&row.info.id, NAMES),
                format::duration(end - attempt.started),
                scale::label(started.0 as f64, self.scale.per),
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
pub(crate) type Legend = Vec<(&'static str, Style, &'static str)>;

pub(super) fn legend_entries(painter: &Painter<'_>) -> Legend {
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
        let style = styles.fate(Fate::Succeeded);
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
