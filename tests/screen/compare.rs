//! Attempts side by side, and a run compared with another: whole screens, from lists of events and typed keys.

use crate::common::recording::{Recording, receipt, receipt_failed, receipt_running};
use crate::common::screen::Screen;
use plandeck::run::{Comparison, RunOutcome, RunState, StepStatus, Verdict};
use plandeck::tui::{Effect, HistoryAnswer, HistoryQuery, Message, Overlay, PastRun, Theme};
use plandeck::units::{Micros, Money};
use serde_json::json;
use std::sync::Arc;

const SIZES: [(u16, u16); 4] = [(80, 24), (120, 36), (200, 60), (40, 10)];

/// Three attempts of a model call, each with another answer.
fn three_attempts() -> Recording {
    receipt()
        .start()
        .call(&["extract"])
        .log("extract", "asked for 310 tokens")
        .wait(320)
        .stumble(
            "extract",
            "the answer is not JSON: expected a value at line 1",
            100,
        )
        .wait(100)
        .call(&["extract"])
        .wait(1_210)
        .stumble("extract", "503 Service Unavailable", 200)
        .wait(200)
        .call(&["extract"])
        .wait(410)
        .succeed(&["extract"])
}

fn past(id: &str, status: &'static str) -> PastRun {
    PastRun {
        run_id: id.into(),
        started: "2026-11-22 10:00:00".to_owned(),
        status,
        took: Micros(2_310_000),
        cost: Some(Money::from_usd(0.0035)),
        steps: (9, 9),
    }
}

/// The receipt, ended well, with this output of `items`.
fn ended(items: serde_json::Value) -> Recording {
    receipt_running_with(items)
        .succeed(&["dates", "validate"])
        .ready(&["archive"])
        .call(&["archive"])
        .wait(120)
        .succeed(&["archive", "categorize"])
        .end_run(RunOutcome::Succeeded)
}

fn receipt_running_with(items: serde_json::Value) -> Recording {
    receipt()
        .start()
        .call(&["extract"])
        .wait(320)
        .succeed(&["extract"])
        .call(&["items", "dates"])
        .wait(540)
        .succeed_with("items", items)
        .call(&["categorize", "validate"])
        .wait(800)
}

/// Answers what a screen asked last.
fn answer(screen: &mut Screen, runs: Vec<PastRun>, other: &RunState) {
    let Some(Effect::Ask(query)) = screen.effects.pop() else {
        panic!("nothing was asked: {:?}", screen.effects);
    };
    let answer = match query {
        HistoryQuery::Runs { plan, .. } => {
            assert_eq!(&*plan, "receipt");
            HistoryAnswer::Runs(Ok(runs))
        }
        HistoryQuery::Compare { with, shown } => {
            let comparison = Comparison::new(other.clone(), &shown);
            HistoryAnswer::Compared(with, Ok(Box::new(comparison)))
        }
        HistoryQuery::Usual { .. } => panic!("that is asked where the dashboard is opened"),
        other => panic!("no other page was opened: {other:?}"),
    };
    screen.send(Message::Answer(answer));
    screen.draw();
}

#[test]
fn attempts_beside_each_other() {
    for (columns, rows) in SIZES {
        let mut screen = Screen::new(columns, rows, three_attempts().events())
            .at(9000)
            .keys("d");
        assert!(matches!(screen.model.overlay, Some(Overlay::SideBySide(_))));
        insta::assert_snapshot!(format!("attempts_{columns}x{rows}"), screen.text());
    }
}

#[test]
fn one_moves_between_pairs_of_attempts() {
    let mut screen = Screen::new(120, 36, three_attempts().events())
        .at(9000)
        .keys("d");
    assert!(screen.text().contains("pair 2 of 2"));
    assert!(screen.text().contains("attempt 2") && screen.text().contains("attempt 3"));
    screen.press("left");
    let text = screen.text();
    assert!(
        text.contains("attempt 1") && text.contains("attempt 2"),
        "{text}"
    );
    assert!(
        text.contains("the answer is not JSON") && text.contains("503"),
        "{text}"
    );
    screen.press("left");
    assert!(screen.text().contains("pair 2 of 2"), "around the end");
    screen.press("d");
    assert!(screen.model.overlay.is_none());
}

#[test]
fn attempts_are_those_of_the_event_shown() {
    let mut screen = Screen::new(120, 36, three_attempts().events())
        .at(9000)
        .keys("[ [ [ d");
    assert_eq!(screen.model.row().unwrap().attempts.len(), 2);
    assert!(screen.text().contains("attempt 1"), "{}", screen.text());
    assert!(screen.effects.is_empty());
}

#[test]
fn the_choice_of_another_run() {
    let other = RunState::from_events(&ended(json!(1)).events());
    for (columns, rows) in SIZES {
        let mut screen = Screen::new(columns, rows, ended(json!(2)).events())
            .at(9000)
            .keys("d");
        assert!(
            screen.text().contains("looking for runs"),
            "{}",
            screen.text()
        );
        let runs = vec![
            past("01a9", "succeeded"),
            past("01a8", "failed"),
            past("01a7", "interrupted"),
        ];
        answer(&mut screen, runs, &other);
        screen.press("down");
        insta::assert_snapshot!(format!("choice_{columns}x{rows}"), screen.text());
        screen.press("esc");
        assert!(screen.model.overlay.is_none());
    }
}

/// A screen with a run that is compared with another.
fn compared(columns: u16, rows: u16) -> Screen {
    let other =
        RunState::from_events(&ended(json!({"items": [1, 2], "note": "the sum is 5"})).events());
    let now = ended(json!({"items": [1, 3], "note": "the sum is 6"}));
    let mut screen = Screen::new(columns, rows, now.events()).at(9000).keys("d");
    answer(&mut screen, vec![past("01a9", "succeeded")], &other);
    screen.press("enter");
    assert!(
        screen.text().contains("reading the run"),
        "{}",
        screen.text()
    );
    answer(&mut screen, Vec::new(), &other);
    screen
}

#[test]
fn a_run_held_against_another() {
    for (columns, rows) in SIZES {
        let mut screen = compared(columns, rows);
        insta::assert_snapshot!(format!("runs_{columns}x{rows}"), screen.text());
        assert_eq!(
            &*screen.model.row().unwrap().info.id,
            "items",
            "where they part"
        );
        screen.press("d");
        insta::assert_snapshot!(format!("step_{columns}x{rows}"), screen.text());
        screen.press("esc esc");
        assert!(screen.model.against.is_none());
        assert!(!screen.text().contains('≠'), "{}", screen.text());
    }
}

#[test]
fn what_differs_is_shown_at_each_event_and_while_the_run_continues() {
    let mut screen = compared(120, 36);
    let items = receipt().key("items").ix;
    assert!(screen.model.verdict(items).unwrap().differs());
    screen.press("[ home");
    assert_eq!(screen.model.verdict(items), Some(Verdict::Open));
    assert!(
        !screen.text().contains('≠') || screen.text().contains("≠ 0"),
        "{}",
        screen.text()
    );
    screen.press("end");
    assert!(screen.model.verdict(items).unwrap().differs());

    let other = RunState::from_events(&receipt_failed().events());
    let run = receipt_running();
    let known = run.so_far().len();
    let mut screen = Screen::new(120, 36, run.so_far()).at(1700).keys("d");
    answer(&mut screen, vec![past("01a9", "failed")], &other);
    screen.press("enter");
    answer(&mut screen, Vec::new(), &other);
    let validate = receipt().key("validate").ix;
    assert_eq!(screen.model.verdict(validate), Some(Verdict::Open));
    let more = run.succeed(&["validate"]).events()[known..].to_vec();
    screen.send(Message::Events(more));
    assert!(screen.model.verdict(validate).unwrap().differs());
    assert_eq!(
        screen.model.run.steps[validate.at()].status,
        StepStatus::Succeeded
    );
}

#[test]
fn why_the_record_cannot_be_read_is_said() {
    let mut screen = Screen::new(80, 24, ended(json!(1)).events()).keys("d");
    screen.effects.clear();
    let why: Arc<str> = "the journal is locked by another program".into();
    screen.send(Message::Answer(HistoryAnswer::Runs(Err(why))));
    assert!(
        screen.text().contains("locked by another program"),
        "{}",
        screen.text()
    );
    screen.press("enter");
    assert!(screen.effects.is_empty());
    screen.press("q");
    assert_eq!(screen.effects.len(), 1, "it can be left from here");
}

#[test]
fn ascii_and_nothing_else() {
    let mut screen = compared(80, 24);
    screen.model.theme = Theme::default().in_ascii();
    if let Some(Overlay::SideBySide(shown)) = &mut screen.model.overlay {
        shown.scroll = 0;
    }
    for keys in ["[", "d", "esc"] {
        screen.press(keys);
        let text = screen.text();
        assert!(text.is_ascii(), "{text}");
    }
}
