//! What moves in the picture while the run goes on: light along the edges into what runs, and steps whose state has just
//! changed.

use super::paint::Painter;
use super::wires::{self, DOWN, LEFT, RIGHT, UP};
use crate::layout::{Point, Route};
use crate::run::StepState;
use crate::units::Micros;
use ratatui::style::{Modifier, Style};

/// How long a step stands out whose state has changed.
const FLASH: Micros = Micros(300_000);
/// Cells from one light to the next on an edge.
const APART: i32 = 4;

/// Whether the state of a step changed a moment before `now`.
pub(super) fn has_just_changed(row: &StepState, now: Micros) -> bool {
    let last = row.attempts.last();
    let times = [
        last.map(|attempt| attempt.started),
        last.and_then(|attempt| Some(attempt.end.as_ref()?.0)),
        row.started_at(),
        row.ended_at(),
    ];
    let latest = times.into_iter().flatten().max();
    latest.is_some_and(|at| at <= now && now < at + FLASH)
}

impl Painter<'_> {
    /// Lets light move along an edge, a cell with each turn. The signs stay, so that the edge reads as at rest.
    pub(super) fn light(&mut self, route: &Route, turn: u64, style: Style) {
        let style = style.add_modifier(Modifier::BOLD);
        let turn = (turn % APART as u64) as i32;
        let mut before = 0;
        for pair in route.points.windows(2) {
            let (from, to) = (pair[0], pair[1]);
            let (dx, dy) = ((to.x - from.x).signum(), (to.y - from.y).signum());
            let length = (to.x - from.x).abs() + (to.y - from.y).abs();
            let arms = if dx == 0 { UP | DOWN } else { LEFT | RIGHT };
            // Only what the pane shows of it.
            let (start, end) = self.seen(from, (dx, dy), length);
            let first = start + (turn - before - start).rem_euclid(APART);
            for at in (first..end).step_by(APART as usize) {
                let (x, y) = (from.x + dx * at, from.y + dy * at);
                if self.mesh.shown(x, y).directions() & arms != 0 {
                    self.tint(x, y, style);
                }
            }
            before += length;
        }
        // The head shows what the edge leads to.
        if let [.., before, end] = route.points[..] {
            let back = wires::towards(end, before);
            let (dx, dy) = wires::step(back);
            self.tint(end.x + dx, end.y + dy, style);
        }
    }

    /// The part of a line that the pane shows, in cells from its beginning.
    fn seen(&self, from: Point, (dx, dy): (i32, i32), length: i32) -> (i32, i32) {
        let clip = |at: i32, by: i32, first: i32, room: u16| match by {
            0 if (first..first + i32::from(room)).contains(&at) => (0, length),
            0 => (0, 0),
            1 => (first - at, first + i32::from(room) - at),
            _ => (at - first - i32::from(room) + 1, at - first + 1),
        };
        let across = clip(from.x, dx, self.origin.x, self.area.width);
        let down = clip(from.y, dy, self.origin.y, self.area.height);
        let start = across.0.max(down.0).max(0);
        (start, across.1.min(down.1).min(length).max(start))
    }
}
