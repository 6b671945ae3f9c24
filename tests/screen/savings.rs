//! The page of the run: what the plan saves, once the run has ended.

use crate::common::recording::{Recording, receipt};
use crate::common::screen::Screen;
use plandeck::run::{RunOutcome, Savings};
use plandeck::tui::{Effect, HistoryAnswer, HistoryQuery, Message};
use plandeck::units::{Money, Tokens};

const SIZES: [(u16, u16); 4] = [(80, 24), (120, 36), (200, 60), (40, 10)];

fn begun() -> Recording {
    receipt()
        .start()
        .call(&["extract"])
        .wait(730)
        .succeed(&["extract"])
}

fn savings() -> Savings {
    Savings {
        large: "openai/gpt-4o".to_owned(),
        planning: Some(Money::from_usd(0.0215)),
        planning_is_recorded: true,
        tokens: Tokens::plain(310, 45),
        calls: 1,
        small: Some(Money::from_usd(0.0007)),
        all_large: Some(Money::from_usd(0.0112)),
        assumptions: vec![
            "openai/gpt-4o uses as many tokens as the models of this run did".to_owned(),
        ],
    }
}

/// The queries for savings that a dashboard has sent so far.
fn asked(screen: &Screen) -> usize {
    let is_query = |effect: &&Effect| matches!(effect, Effect::Ask(HistoryQuery::Savings { .. }));
    screen.effects.iter().filter(is_query).count()
}

#[test]
fn the_page_of_an_ended_run_has_both_sums() {
    for (columns, rows) in SIZES {
        let events = begun().end_run(RunOutcome::Succeeded).events();
        let mut screen = Screen::new(columns, rows, events).at(60_000).keys("esc z");
        assert_eq!(asked(&screen), 1);
        assert!(!screen.text().contains("what the plan saves"));
        screen.send(Message::Answer(HistoryAnswer::Saved(Ok(Box::new(
            savings(),
        )))));
        screen.press("j j j j j j");
        insta::assert_snapshot!(format!("savings_{columns}x{rows}"), screen.text());
    }
}

#[test]
fn it_is_asked_for_once_when_the_run_has_ended() {
    let mut run = begun();
    let mut screen = Screen::new(120, 40, run.so_far()).at(800).keys("esc");
    assert_eq!(asked(&screen), 0, "the run is active");
    let known = run.so_far().len();
    run = run.end_run(RunOutcome::Succeeded);
    screen.send(Message::Events(run.so_far().split_off(known)));
    assert_eq!(asked(&screen), 1);
    screen.press("esc esc");
    assert_eq!(asked(&screen), 1, "nothing has changed since");
    screen.send(Message::Answer(HistoryAnswer::Saved(Err(
        "no settings".into()
    ))));
    assert!(screen.text().contains("not known: no settings"));
}

#[test]
fn a_run_without_models_has_nothing_to_compare() {
    let run = receipt().start().end_run(RunOutcome::Succeeded);
    let screen = Screen::new(120, 40, run.events()).at(60_000).keys("esc");
    assert_eq!(asked(&screen), 0);
}
