//! What an edit of the plan makes run again, before it does.

use crate::common::recording::{receipt_failed, receipt_running};
use crate::common::screen::Screen;
use plandeck::run::RunOutcome;
use plandeck::tui::{
    Effect, HistoryAnswer, HistoryQuery, Message, Outcome, OutsideEnd, OutsideFile, OutsideProgram,
    PlanChange, TerminalEffect, TerminalEvent,
};
use plandeck::units::Money;

fn change() -> PlanChange {
    let ids = |ids: &[&str]| ids.iter().map(ToString::to_string).collect();
    PlanChange {
        changed: ids(&["categorize"]),
        reruns: ids(&["categorize", "stats", "summary"]),
        stays: 5,
        min: Money::ZERO,
        expected: Some(Money::from_usd(0.0021)),
        max: Some(Money::from_usd(0.013)),
    }
}

/// The screen after the plan was opened and saved.
fn edited(mut screen: Screen) -> Screen {
    screen.model.forkable = true;
    screen.press("ctrl-e");
    let asked = screen.effects.pop();
    assert!(
        matches!(asked, Some(Effect::Ask(HistoryQuery::PlanPlace { .. }))),
        "{asked:?}"
    );
    let place = HistoryAnswer::PlanPlace(Ok(("plan.yaml".into(), 12)));
    screen.send(Message::Answer(place));
    let opened = TerminalEffect::Open(
        OutsideProgram::Editor,
        OutsideFile::Path("plan.yaml".into(), 12),
    );
    assert_eq!(screen.effects.pop(), Some(Effect::Terminal(opened)));
    let saved = OutsideEnd::Changed("steps: []".to_owned());
    screen.send(Message::Terminal(TerminalEvent::Outside(saved)));
    let asked = screen.effects.pop();
    assert!(
        matches!(asked, Some(Effect::Ask(HistoryQuery::PlanChange { .. }))),
        "{asked:?}"
    );
    screen
}

fn answer(screen: &mut Screen, known: Result<PlanChange, &str>) {
    let known = known.map(Box::new).map_err(Into::into);
    screen.send(Message::Answer(HistoryAnswer::PlanChange(known)));
}

fn ended(columns: u16, rows: u16) -> Screen {
    let run = receipt_failed().end_run(RunOutcome::Failed);
    Screen::new(columns, rows, run.events()).at(2_200)
}

#[test]
fn what_runs_again_is_shown_with_its_price_and_run_on_request() {
    for (columns, rows) in [(80, 24), (120, 36), (200, 60)] {
        let mut screen = edited(ended(columns, rows));
        answer(&mut screen, Ok(change()));
        insta::assert_snapshot!(format!("plan_edit_{columns}x{rows}"), screen.text());
        screen.press("y");
        let left = Effect::Terminal(TerminalEffect::Leave(Outcome::RunChanged));
        assert_eq!(screen.effects.pop(), Some(left));
    }
}

#[test]
fn a_run_that_goes_on_is_not_left() {
    let run = receipt_running();
    let mut screen = edited(Screen::new(100, 30, run.events()).at(1_700));
    answer(&mut screen, Ok(change()));
    assert!(
        screen.text().contains("When it has ended"),
        "{}",
        screen.text()
    );
    screen.press("y");
    assert!(screen.effects.is_empty(), "{:?}", screen.effects);
    screen.press("esc");
    assert!(screen.model.overlay.is_none());
}

#[test]
fn faults_are_shown_and_the_plan_is_edited_again() {
    let mut screen = edited(ended(100, 30));
    answer(
        &mut screen,
        Err(
            "error: step summary refers to stat, which is no step\n  plan.yaml:12:9\n   help: did you mean `stats`?",
        ),
    );
    let text = screen.text();
    assert!(
        text.contains("cannot run") && text.contains("plan.yaml:12:9"),
        "{text}"
    );
    screen.press("y");
    assert!(screen.effects.is_empty(), "nothing runs");
    screen.press("e");
    let asked = screen.effects.pop();
    assert!(
        matches!(asked, Some(Effect::Ask(HistoryQuery::PlanPlace { .. }))),
        "{asked:?}"
    );
}
