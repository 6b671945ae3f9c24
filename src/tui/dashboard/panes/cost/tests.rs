//! The cost view, drawn and steered.

use super::CostPane;
use super::ledger::{By, Ledger};
use crate::plan::StepIx;
use crate::run::{Figures, StepInfo, StepPrice, StepSource};
use crate::tui::Theme;
use crate::tui::dashboard::panes::pane::{Direction, Pane};
use crate::tui::dashboard::panes::pane_context::PaneContext;
use crate::tui::fixture::{self, RunFixture, eventful, info};
use crate::units::Money;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

fn text(
    pane: &mut CostPane,
    fixture: &RunFixture,
    selected: u32,
    size: (u16, u16),
    theme: &Theme,
) -> String {
    let area = Rect::new(0, 0, size.0, size.1);
    let mut buf = Buffer::empty(area);
    let context = PaneContext {
        run: &fixture.run,
        figures: &Figures::default(),
        names: &crate::tui::dashboard::state::step_names::StepNames::default(),
        breakpoints: &std::collections::BTreeSet::new(),
        selected: Some(StepIx(selected)),
        now: fixture.now(),
        theme,
        follow: false,
        typing: false,
    };
    pane.draw(&mut buf, area, &context);
    fixture::text(&buf)
}

fn shown(pane: &mut CostPane, fixture: &RunFixture, size: (u16, u16)) -> String {
    text(pane, fixture, 1, size, &Theme::default())
}

#[test]
fn money_is_shown_by_step_tool_and_model() {
    let fixture = eventful().at(1_750);
    let mut pane = CostPane::default();
    insta::assert_snapshot!("step-100x18", shown(&mut pane, &fixture, (100, 18)));
    insta::assert_snapshot!("step-42x8", shown(&mut pane, &fixture, (42, 8)));
    pane.turn();
    insta::assert_snapshot!("tool-70x14", shown(&mut pane, &fixture, (70, 14)));
    pane.turn();
    insta::assert_snapshot!("model-70x14", shown(&mut pane, &fixture, (70, 14)));
}

#[test]
fn the_accounts_add_up_to_what_the_run_spent() {
    let run = eventful().run;
    for by in [By::Step, By::Tool, By::Model] {
        let ledger = Ledger::of(&run, by);
        let spent: Money = ledger
            .entries
            .iter()
            .map(|entry| entry.account.spent())
            .sum();
        assert_eq!(spent, run.spent, "{by:?}");
        assert_eq!(ledger.total.spent(), run.spent);
        let reserved: Money = ledger
            .entries
            .iter()
            .map(|entry| entry.account.reserved)
            .sum();
        assert_eq!(reserved, run.reserved, "{by:?}");
        let calls: u64 = ledger
            .entries
            .iter()
            .map(|entry| entry.account.calls())
            .sum();
        assert_eq!(calls, run.calls, "{by:?}");
        let tokens: u64 = ledger
            .entries
            .iter()
            .map(|entry| entry.account.tokens.input)
            .sum();
        assert_eq!(tokens, run.tokens.input, "{by:?}");
    }
    let ledger = Ledger::of(&run, By::Step);
    let first = &ledger.entries[0];
    assert_eq!(&*first.name, "items");
    assert_eq!(first.account.failed.cost, Money::from_usd(0.0009));
    assert_eq!(first.account.again.cost, Money::from_usd(0.0011));
    let pages = ledger.entries.iter().find(|entry| &*entry.name == "pages");
    let pages = &pages.unwrap().account;
    assert_eq!(
        (pages.calls(), pages.failed.calls),
        (5, 2),
        "elements are on its account"
    );
}

#[test]
fn an_unknown_price_is_not_nothing() {
    let fixture = RunFixture::new(vec![
        info("ask", "answer", "model", &[]),
        info("b", "answer", "model", &[]),
    ])
    .ready(0)
    .call(0, 0)
    .at(100)
    .end(0, None, None, None)
    .done(0, StepSource::Call);
    let all = shown(&mut CostPane::default(), &fixture, (80, 12));
    assert!(
        all.contains("unknown price") && all.contains("1 call"),
        "{all}"
    );
    let row = all
        .lines()
        .find(|line| line.starts_with(" ask"))
        .unwrap_or_default();
    assert!(row.contains("unknown") && !row.contains("$0.0000"), "{all}");
    assert!(all.contains("spent ≥ $0.0000"), "{all}");
}

#[test]
fn what_the_cache_saved_stands_apart_and_is_no_cost() {
    let fixture = eventful()
        .at(1_750)
        .cached(6, 0.003, 1_200)
        .done(7, StepSource::Recorded);
    let before = eventful().run.spent;
    assert_eq!(fixture.run.spent, before);
    let all = shown(&mut CostPane::default(), &fixture, (120, 18));
    assert!(
        all.contains("the cache saved $0.0030 and 1.20s, 1 step"),
        "{all}"
    );
    assert!(all.contains("from an earlier run no cost, 1 step"), "{all}");
}

#[test]
fn what_is_still_to_come_is_told_while_the_run_goes_on() {
    let price = StepPrice {
        min: Money::from_usd(0.001),
        expected: Some(Money::from_usd(0.002)),
        max: None,
        attempts: 3,
        times: Some(1),
        sure: true,
    };
    let priced = |id| StepInfo {
        price: Some(Box::new(price)),
        ..info(id, "answer", "model", &[])
    };
    let steps = vec![priced("a"), priced("b")];
    let fixture = RunFixture::with(steps, |header| header.priced = true).ready(0);
    let all = shown(&mut CostPane::default(), &fixture, (80, 16));
    let words = "still to come $0.0040 expected, least $0.0020, most unknown";
    assert!(all.contains(words), "{all}");
    let all = shown(&mut CostPane::default(), &eventful(), (80, 16));
    assert!(!all.contains("still to come"), "{all}");
}

#[test]
fn without_any_cost_tokens_are_measured_and_without_tokens_nothing() {
    let fixture = RunFixture::new(vec![info("ask", "answer", "model", &[])])
        .ready(0)
        .call(0, 0)
        .at(9)
        .end(0, Some(0.0), None, None);
    let all = shown(&mut CostPane::default(), &fixture, (80, 12));
    assert!(all.contains("100%") && all.contains('█'), "{all}");
    let fixture = RunFixture::new(vec![info("count", "counter", "jq", &[])]).ready(0);
    let all = shown(&mut CostPane::default(), &fixture, (80, 12));
    assert!(!all.contains('%') && all.contains("count"), "{all}");
}

#[test]
fn moving_among_accounts_selects_the_step_that_cost_most() {
    let fixture = eventful().at(1_750);
    let mut pane = CostPane::default();
    shown(&mut pane, &fixture, (100, 18));
    assert_eq!(pane.first(), Some(StepIx(1)), "items cost most");
    assert_eq!(
        pane.go(&fixture.run, Some(StepIx(1)), Direction::Down),
        Some(StepIx(0))
    );
    pane.turn();
    pane.turn();
    shown(&mut pane, &fixture, (100, 18));
    assert_eq!(pane.first(), Some(StepIx(1)));
    let next = pane.go(&fixture.run, Some(StepIx(1)), Direction::Down);
    let row = &fixture.run.steps[next.unwrap().at()];
    assert!(
        row.model().is_none(),
        "the account of what is no model: {}",
        row.info.id
    );
    assert_eq!(pane.hit(&fixture.run, Position::new(3, 40)), None);
}

#[test]
fn nothing_fails_at_any_size_and_ascii_is_ascii() {
    let fixture = eventful().at(1_750);
    for (width, height) in [(0, 0), (1, 1), (1, 9), (9, 1), (2, 2), (5, 3), (17, 7)] {
        let mut pane = CostPane::default();
        for _ in 0..3 {
            shown(&mut pane, &fixture, (width, height));
            pane.turn();
            pane.pan(0, 100);
        }
    }
}
