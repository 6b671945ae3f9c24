//! The table view, drawn and steered.

use super::Table;
use super::column::Column;
use crate::plan::StepIx;
use crate::run::{Figures, RunState, figures};
use crate::tui::Theme;
use crate::tui::dashboard::panes::pane_context::PaneContext;
use crate::tui::fixture::{self, RunFixture, eventful, info};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

struct Shown {
    pane: Table,
    fixture: RunFixture,
    figures: Figures,
    selected: Option<StepIx>,
}

impl Shown {
    fn new(fixture: RunFixture) -> Self {
        Self {
            pane: Table::default(),
            figures: figures(&fixture.run, fixture.now()),
            fixture,
            selected: Some(StepIx(1)),
        }
    }

    fn text(&mut self, width: u16, height: u16) -> String {
        let area = Rect::new(0, 0, width, height);
        let mut buf = Buffer::empty(area);
        let theme = Theme::default();
        let context = PaneContext {
            run: &self.fixture.run,
            figures: &self.figures,
            names: &crate::tui::dashboard::state::step_names::StepNames::default(),
            breakpoints: &std::collections::BTreeSet::new(),
            selected: self.selected,
            now: self.fixture.now(),
            theme: &theme,
            follow: false,
            typing: false,
        };
        self.pane.draw(&mut buf, area, &context, false);
        fixture::text(&buf)
    }

    /// The ids from top to bottom.
    fn ids(&mut self) -> Vec<String> {
        let text = self.text(160, 30);
        let rows = text.lines().skip(1);
        let rows = rows.filter(|row| !row.trim().is_empty());
        rows.map(|row| {
            let row: String = row.chars().skip(4).collect();
            row.split_whitespace().next().unwrap_or_default().to_owned()
        })
        .collect()
    }

    fn sort(&mut self, column: Column) {
        while self.pane.rules.by != Some(column) {
            self.pane.move_sort(1);
        }
    }

    fn filter(&mut self, words: &str) {
        self.pane.clear_filter();
        for c in words.chars() {
            let key = KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE);
            assert!(self.pane.type_filter(&key));
        }
    }
}

#[test]
fn columns_are_those_that_fit() {
    let mut shown = Shown::new(eventful().at(1_750));
    for (width, height) in [(160, 14), (110, 12), (70, 12), (42, 8), (20, 5)] {
        insta::assert_snapshot!(format!("{width}x{height}"), shown.text(width, height));
    }
}

#[test]
fn any_column_sorts_and_what_says_nothing_stands_last() {
    let mut shown = Shown::new(eventful().at(1_750));
    let plan = [
        "extract",
        "items",
        "dates",
        "pages",
        "categorize",
        "stats",
        "archive",
        "summary",
    ];
    assert_eq!(shown.ids(), plan);
    shown.sort(Column::Id);
    let mut sorted = plan;
    sorted.sort_unstable();
    assert_eq!(shown.ids(), sorted);
    shown.pane.reverse();
    sorted.reverse();
    assert_eq!(shown.ids(), sorted);
    shown.sort(Column::Time);
    assert_eq!(
        shown.ids(),
        [
            "pages",
            "items",
            "extract",
            "categorize",
            "dates",
            "stats",
            "archive",
            "summary"
        ]
    );
    shown.pane.reverse();
    assert_eq!(
        shown.ids(),
        [
            "dates",
            "categorize",
            "extract",
            "items",
            "pages",
            "stats",
            "archive",
            "summary"
        ]
    );
    shown.sort(Column::Cost);
    assert_eq!(shown.ids()[..2], ["items", "extract"]);
    shown.sort(Column::Attempts);
    assert_eq!(shown.ids()[..2], ["pages", "items"]);
}

#[test]
fn elements_are_folded_under_their_step_and_sorted_among_themselves() {
    let mut shown = Shown::new(eventful().at(1_750));
    let pages = StepIx(3);
    assert_eq!(shown.pane.fold(&shown.fixture.run, StepIx(0), true), None);
    assert_eq!(
        shown.pane.fold(&shown.fixture.run, pages, true),
        Some(pages)
    );
    assert_eq!(
        shown.ids()[3..8],
        ["pages", "pages[0]", "pages[1]", "pages[2]", "pages[3]"]
    );
    shown.sort(Column::Time);
    assert_eq!(
        shown.ids()[..5],
        ["pages", "pages[3]", "pages[1]", "pages[2]", "pages[0]"]
    );
    insta::assert_snapshot!("unfolded", shown.text(100, 14));
    // Folding from an element goes to the step that it belongs to.
    let element = StepIx(9);
    assert_eq!(
        shown.pane.fold(&shown.fixture.run, element, false),
        Some(pages)
    );
    assert_eq!(shown.ids().len(), 8);
    // An element that is folded away is looked for at its step.
    assert_eq!(
        shown.pane.go(&shown.fixture.run, Some(element), 1),
        Some(StepIx(1))
    );
}

#[test]
fn a_filter_shows_what_has_the_words_with_the_step_above_it() {
    let mut shown = Shown::new(eventful().at(1_750));
    shown.filter("is:failed");
    let text = shown.text(80, 8);
    assert!(text.starts_with("filter is:failed\n"), "{text}");
    assert!(
        text.contains("pages ×4") && text.contains("pages[1]"),
        "{text}"
    );
    assert_eq!(
        text.lines().filter(|line| line.contains("pages[")).count(),
        1
    );
    shown.filter("gpt -extract");
    assert_eq!(shown.ids()[1..], ["items"]);
    shown.filter("nowhere");
    assert!(shown.text(80, 8).contains("no step passes the filter"));
    shown.pane.clear_filter();
    assert_eq!(shown.ids().len(), 8);
}

#[test]
fn a_click_sorts_by_a_heading_and_selects_a_row() {
    let mut shown = Shown::new(eventful().at(1_750));
    let text = shown.text(160, 14);
    let heading = text.lines().next().unwrap_or_default();
    let x = heading
        .split("cost")
        .next()
        .map_or(0, |before| before.chars().count());
    let at = |x: usize, y: u16| Position::new(x as u16, y);
    assert_eq!(shown.pane.click(at(x, 0)), None);
    assert_eq!(shown.ids()[0], "items");
    assert_eq!(shown.pane.click(at(3, 1)), Some(StepIx(1)));
    shown.pane.click(at(x, 0));
    assert_eq!(shown.ids()[0], "dates");
    assert_eq!(shown.pane.click(at(3, 13)), None);
}

#[test]
fn a_large_run_is_not_sorted_in_every_frame() {
    let count = 10_000;
    let steps = (0..count).map(|at| info(&format!("s{at}"), "tool", "jq", &[]));
    let mut shown = Shown::new(RunFixture::new(steps.collect()));
    shown.text(120, 40);
    shown.sort(Column::Time);
    shown.text(120, 40);
    let before = shown.pane.rows.clone();
    let change = |fixture: RunFixture, frame: u32| {
        let row = 9_999 - frame;
        fixture.at(u64::from(frame) + 10).ready(row).call(row, 0)
    };
    let mut fixture = std::mem::replace(&mut shown.fixture, RunFixture::new(Vec::new()));
    let mut sorted = 0;
    let mut last = before;
    for frame in 0..40 {
        fixture = change(fixture, frame);
        shown.fixture = fixture;
        shown.text(120, 40);
        sorted += usize::from(shown.pane.rows != last);
        last.clone_from(&shown.pane.rows);
        fixture = std::mem::replace(&mut shown.fixture, RunFixture::new(Vec::new()));
    }
    assert!(
        (1..=10).contains(&sorted),
        "sorted in {sorted} of 40 frames"
    );
    shown.fixture = fixture;
    for _ in 0..6 {
        shown.text(120, 40);
    }
    assert!(!shown.pane.is_behind());
    assert_eq!(shown.pane.first(), Some(StepIx(9_999)));
}

#[test]
fn nothing_fails_at_any_size() {
    for (width, height) in [(0, 0), (1, 1), (1, 9), (9, 1), (2, 2), (5, 3), (17, 7)] {
        let mut shown = Shown::new(eventful().at(1_750));
        shown.text(width, height);
        shown.filter("x");
        shown.text(width, height);
        shown.pane.scroll(1_000);
        shown.text(width, height);
    }
    let empty = RunState::default();
    assert_eq!(Table::default().go(&empty, None, 1), None);
}
