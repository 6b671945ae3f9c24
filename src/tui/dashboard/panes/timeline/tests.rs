//! The timeline view, drawn and steered.

use super::Timeline;
use super::index::{Fate, Line};
use super::pieces::{self, Cause};
use crate::plan::StepIx;
use crate::run::{EventKind, Figures, RunOutcome, RunState, figures};
use crate::tui::dashboard::panes::pane::{Direction, Pane};
use crate::tui::dashboard::panes::pane_context::PaneContext;
use crate::tui::fixture::{self, RunFixture, eventful, info};
use crate::tui::{Theme, theme_named};
use crate::units::Micros;
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

struct Shown {
    pane: Timeline,
    fixture: RunFixture,
    figures: Figures,
    theme: Theme,
    selected: Option<StepIx>,
}

impl Shown {
    fn new(fixture: RunFixture) -> Self {
        let mut pane = Timeline::default();
        // By slot.
        pane.turn();
        Self {
            pane,
            figures: figures(&fixture.run, fixture.now()),
            fixture,
            theme: Theme::default(),
            selected: None,
        }
    }

    fn select(mut self, ix: u32) -> Self {
        self.selected = Some(StepIx(ix));
        self.pane.keep_visible(None);
        self
    }

    fn buffer(&mut self, width: u16, height: u16) -> Buffer {
        let area = Rect::new(0, 0, width, height);
        let mut buf = Buffer::empty(area);
        let context = PaneContext {
            run: &self.fixture.run,
            figures: &self.figures,
            names: &crate::tui::dashboard::state::step_names::StepNames::default(),
            breakpoints: &std::collections::BTreeSet::new(),
            selected: self.selected,
            now: self.fixture.now(),
            theme: &self.theme,
            follow: false,
            typing: false,
        };
        self.pane.draw(&mut buf, area, &context);
        buf
    }

    fn text(&mut self, width: u16, height: u16) -> String {
        fixture::text(&self.buffer(width, height))
    }

    fn go(&mut self, towards: Direction) -> Option<(u32, u32)> {
        let step = self.pane.go(&self.fixture.run, self.selected, towards)?;
        self.selected = Some(step);
        let at = self.pane.attempt(&self.fixture.run, step).unwrap_or(0);
        Some((step.0, at as u32))
    }
}

#[test]
fn attempts_are_bars_in_their_slots_and_waits_have_textures() {
    let mut shown = Shown::new(eventful().at(1_750)).select(1);
    insta::assert_snapshot!("slots-100x16", shown.text(100, 16));
    insta::assert_snapshot!("slots-42x7", shown.text(42, 7));
    shown.pane.turn();
    insta::assert_snapshot!("steps-100x18", shown.text(100, 18));
    insta::assert_snapshot!("steps-42x7", shown.text(42, 7));
}

#[test]
fn in_ascii_everything_can_still_be_told_apart() {
    let mut shown = Shown::new(eventful().at(1_750)).select(1);
    shown.theme = Theme::default().in_ascii();
    // What is cut off is marked by a sign that the screen as a whole replaces.
    let slots = shown.text(100, 16).replace('…', "~");
    shown.pane.turn();
    let steps = shown.text(100, 18).replace('…', "~");
    assert!(slots.is_ascii() && steps.is_ascii(), "{slots}\n{steps}");
    insta::assert_snapshot!("ascii", format!("{slots}\n\n{steps}"));
}

#[test]
fn colours_come_from_the_theme_alone() {
    let mut plain = Shown::new(eventful().at(1_750)).select(1);
    let seen = plain.text(100, 16);
    for name in ["dark", "light", "sixteen"] {
        plain.theme = theme_named(name).unwrap();
        assert_eq!(plain.text(100, 16), seen, "{name}");
    }
    plain.theme = Theme::plain();
    assert_eq!(plain.text(100, 16), seen, "plain");
}

#[test]
fn zooming_goes_down_to_microseconds_and_back() {
    let mut shown = Shown::new(eventful().at(1_750)).select(9);
    let all = shown.text(100, 16);
    for _ in 0..11 {
        let (run, selected) = (&shown.fixture.run, shown.selected);
        shown.pane.zoom(1, run, selected);
        shown.text(100, 16);
    }
    let near = shown.text(100, 16);
    assert!(shown.pane.is_zoomed());
    assert!(near.contains('7') && near.contains("ms"), "{near}");
    assert!(
        near.contains("[✖ pages[1] ↻2 60ms"),
        "the selected stays in view:\n{near}"
    );
    for _ in 0..11 {
        let (run, selected) = (&shown.fixture.run, shown.selected);
        shown.pane.zoom(-1, run, selected);
        shown.text(100, 16);
    }
    assert!(!shown.pane.is_zoomed());
    assert_eq!(shown.text(100, 16), all);
}

#[test]
fn panning_stays_within_the_run() {
    let mut shown = Shown::new(eventful().at(1_750));
    shown.text(100, 16);
    for _ in 0..3 {
        shown.pane.zoom(1, &shown.fixture.run, None);
        shown.text(100, 16);
    }
    shown.pane.shift(-100);
    let start = shown.text(100, 16);
    assert!(start.lines().next().unwrap().contains("╷0"), "{start}");
    shown.pane.shift(100);
    let end = shown.text(100, 16);
    assert!(!end.contains("extract"), "{end}");
    shown.pane.fit(None);
    assert!(shown.text(100, 16).contains("extract"));
}

#[test]
fn arrows_move_between_attempts() {
    let mut shown = Shown::new(eventful().at(1_750)).select(0);
    shown.text(100, 16);
    // Slot 1: extract, items, items again, categorize.
    assert_eq!(shown.go(Direction::Right), Some((1, 0)));
    assert_eq!(shown.go(Direction::Right), Some((1, 1)));
    assert_eq!(shown.go(Direction::Right), Some((4, 0)));
    assert_eq!(shown.go(Direction::Right), None);
    assert_eq!(shown.go(Direction::Left), Some((1, 1)));
    assert_eq!(shown.go(Direction::Left), Some((1, 0)));
    // What was running at the same time in the slots below.
    let below = shown.go(Direction::Down).unwrap();
    assert!([8, 9, 10, 11].contains(&below.0), "{below:?}");
    assert_eq!(shown.go(Direction::Up), Some((1, 0)));
    shown.pane.turn();
    shown.text(100, 18);
    assert_eq!(shown.go(Direction::Right), Some((1, 1)));
    assert_eq!(shown.go(Direction::Right), None);
    assert_eq!(shown.go(Direction::Up).map(|at| at.0), Some(0));
    assert_eq!(shown.go(Direction::Up), None);
    // A step that was not called is a line as well, and leads back to the slots.
    shown.selected = shown.pane.last(&shown.fixture.run);
    shown.pane.turn();
    shown.text(100, 16);
    assert!(shown.go(Direction::Left).is_some());
}

#[test]
fn a_click_selects_the_attempt_under_it() {
    let mut shown = Shown::new(eventful().at(1_750));
    for lines in 0..2 {
        let buf = shown.buffer(100, 18);
        let at = (0..18)
            .find_map(|y| {
                let line: String = (0..100).map(|x| buf[(x, y)].symbol()).collect();
                let bytes = line.find("█cat")?;
                (y >= 2 && bytes > 20).then(|| (line[..bytes].chars().count() as u16 + 2, y))
            })
            .unwrap_or_else(|| panic!("no bar:\n{}", fixture::text(&buf)));
        let hit = shown
            .pane
            .hit(&shown.fixture.run, Position::new(at.0, at.1));
        assert_eq!(hit, Some(StepIx(4)), "lines {lines}");
        assert_eq!(
            shown.pane.hit(&shown.fixture.run, Position::new(5, 40)),
            None
        );
        shown.pane.turn();
    }
}

/// A slot in which a call runs half of the time, `count` times, one of them failing.
fn dense(count: u32, failing: u32) -> RunFixture {
    let steps = (0..count).map(|at| info(&format!("s{at}"), "tool", "jq", &[]));
    let mut fixture = RunFixture::new(steps.collect());
    for at in 0..count {
        let ms = u64::from(at) * 2;
        fixture = fixture.at(ms).ready(at).call(at, 0).at(ms + 1);
        fixture = if at == failing {
            fixture.end(at, Some(0.0), Some("no"), None).fail(at, "no")
        } else {
            fixture.succeed(at)
        };
    }
    fixture.at(u64::from(count) * 2).event(EventKind::RunEnded {
        status: RunOutcome::Failed,
        result: std::sync::Arc::default(),
        error: None,
    })
}

#[test]
fn many_attempts_in_a_cell_show_how_much_of_it_is_taken() {
    let mut shown = Shown::new(dense(10_000, 7_000));
    let text = shown.text(100, 12);
    let line = text
        .lines()
        .find(|line| line.trim_start().starts_with("1 "))
        .unwrap_or_else(|| panic!("{text}"));
    let cells: Vec<char> = line.chars().skip(5).collect();
    assert_eq!(cells.len(), 95);
    let half = |c: &char| *c == '▄' || *c == '▅';
    assert_eq!(cells.iter().filter(|c| half(c)).count(), 94, "{line}");
    assert_eq!(cells.iter().position(|c| *c == '✖'), Some(66), "{line}");
}

#[test]
fn the_event_shown_decides_and_not_what_was_drawn_before() {
    let later = Shown::new(eventful().at(1_750)).text(100, 16);
    let early = || eventful_until(400);
    let mut shown = Shown::new(early());
    let before = shown.text(100, 16);
    shown.fixture = eventful().at(1_750);
    shown.figures = figures(&shown.fixture.run, shown.fixture.now());
    assert_eq!(shown.text(100, 16), later);
    shown.fixture = early();
    shown.figures = figures(&shown.fixture.run, shown.fixture.now());
    assert_eq!(shown.text(100, 16), before);
}

/// The beginning of a run.
fn eventful_until(ms: u64) -> RunFixture {
    let fixture = RunFixture::new(vec![
        info("extract", "receipt_ocr", "model", &[]),
        info("items", "line_item_parser", "model", &[0]),
    ]);
    fixture.ready(0).at(10).call(0, 0).at(ms)
}

#[test]
fn nothing_is_drawn_outside_and_nothing_fails_at_any_size() {
    for turn in 0..2 {
        for (width, height) in [(1, 1), (1, 9), (9, 1), (2, 2), (5, 3), (17, 7), (60, 4)] {
            let mut shown = Shown::new(eventful().at(1_750)).select(9);
            if turn == 1 {
                shown.pane.turn();
            }
            for _ in 0..3 {
                let whole = Rect::new(0, 0, width + 6, height + 4);
                let area = Rect::new(3, 2, width, height);
                let mut buf = Buffer::empty(whole);
                let context = PaneContext {
                    run: &shown.fixture.run,
                    figures: &shown.figures,
                    names: &crate::tui::dashboard::state::step_names::StepNames::default(),
                    breakpoints: &std::collections::BTreeSet::new(),
                    selected: shown.selected,
                    now: shown.fixture.now(),
                    theme: &shown.theme,
                    follow: true,
                    typing: false,
                };
                shown.pane.draw(&mut buf, area, &context);
                for y in 0..whole.height {
                    for x in 0..whole.width {
                        let inside = area.contains((x, y).into());
                        assert!(inside || buf[(x, y)].symbol() == " ", "{area:?} at {x},{y}");
                    }
                }
                let (run, selected) = (&shown.fixture.run, shown.selected);
                shown.pane.zoom(1, run, selected);
                shown.pane.pan(7_000, -9_000);
            }
        }
    }
}

/// Attempts one after the other, from pairs of a gap and a length.
fn line(parts: &[(u64, u64, bool)]) -> (RunState, Line) {
    let mut fixture = RunFixture::new(vec![info("s", "tool", "jq", &[])]);
    let mut at = 0;
    for (gap, length, fails) in parts {
        at += gap;
        fixture = fixture.at(at).call(0, 0);
        at += length;
        fixture = fixture.at(at);
        let message = fails.then_some("no");
        fixture = fixture.end(0, Some(0.0), message, None);
    }
    let line = Line::of_row(&fixture.run, StepIx(0), &fixture.run.steps[0]);
    (fixture.run, line)
}

#[test]
fn waits_follow_each_other_without_gap_or_overlap() {
    let run = eventful().at(1_750).run;
    let mut seen = Vec::new();
    for row in &run.steps {
        for at in 0..row.attempts.len() {
            let settled = pieces::settled(&pieces::before(&run, row, at));
            for pair in settled.windows(2) {
                assert_eq!(pair[0].until, pair[1].from, "{} {settled:?}", row.info.id);
            }
            if let Some(last) = settled.last() {
                assert_eq!(last.until, row.attempts[at].started);
            }
            let causes = settled.iter().map(|piece| piece.cause);
            seen.push((row.info.id.to_string(), at, causes.collect::<Vec<_>>()));
        }
    }
    let causes = |id: &str, at| {
        let found = seen.iter().find(|(row, of, _)| row == id && *of == at);
        found.map_or(&[][..], |(_, _, causes)| causes.as_slice())
    };
    assert_eq!(
        causes("dates", 0),
        [Cause::Dependency, Cause::Slot, Cause::Rate]
    );
    assert_eq!(causes("items", 1), [Cause::Backoff, Cause::Pause]);
    assert_eq!(causes("pages[1]", 1), [Cause::Backoff, Cause::Slot]);
    assert_eq!(causes("categorize", 0), [Cause::Dependency, Cause::Budget]);
    let dates = &run.steps[2];
    let chief = pieces::chief(&pieces::before(&run, dates, 0));
    assert_eq!(chief, Some((Cause::Rate, Micros(170_000))));
}

proptest! {
    #[test]
    fn a_share_is_what_adding_up_gives(
        parts in prop::collection::vec((0u64..9, 1u64..9, prop::bool::weighted(0.2)), 1..30),
        from in 0u64..120,
        length in 1u64..80,
    ) {
        let (_, line) = line(&parts);
        let now = Micros(1_000_000);
        let (from, until) = ((from * 1_000) as f64, ((from + length) * 1_000) as f64);
        let seen = line.seen(from, until, now);
        let slow: Vec<_> = line
            .bars
            .iter()
            .filter(|bar| bar.end(now) as f64 > from && (bar.start as f64) < until)
            .collect();
        prop_assert_eq!(seen.len(), slow.len());
        let time: f64 = slow
            .iter()
            .map(|bar| (bar.end(now) as f64).min(until) - (bar.start as f64).max(from))
            .sum();
        let share = line.share(seen.clone(), from, until, now);
        prop_assert!((share - time / (until - from)).abs() < 1e-9);
        prop_assert_eq!(line.any_bad(seen), slow.iter().any(|bar| bar.fate == Fate::Failed));
        for (at, bar) in line.bars.iter().enumerate() {
            prop_assert_eq!(line.find(bar.step, bar.attempt, bar.start), Some(at));
            prop_assert_eq!(line.nearest(bar.start as f64, now), Some(at));
        }
    }
}
