//! The planner asked for a correction of the plan, with typed keys.

use crate::common::recording::receipt_failed;
use crate::common::screen::Screen;
use plandeck::run::{HandOver, RunCommand, RunOutcome};
use plandeck::tui::{
    Correction, Effect, HistoryAnswer, HistoryQuery, Message, Outcome, PlanChange, RepairPrice,
    RepairQuestion, TerminalEffect,
};
use plandeck::units::Money;
use serde_json::json;

const DIFF: &str = "--- a/plan.yaml\n+++ b/plan.yaml\n@@ -4,3 +4,3 @@\n   - id: validate\n-    input: {total: \"{{items[0]}}\"}  # the sum\n+    input: {total: \"{{items.total}}\"}  # the sum\n     tool: validator\n";

/// A run that has ended, with the failed step selected.
fn screen(columns: u16, rows: u16) -> Screen {
    let run = receipt_failed().end_run(RunOutcome::Failed);
    let mut screen = Screen::new(columns, rows, run.events()).at(2_200);
    screen.model.forkable = true;
    screen.keys("n n")
}

/// What is asked of the planner.
fn asked(screen: &mut Screen) -> (u64, RepairQuestion) {
    let Some(Effect::Ask(HistoryQuery::Repair {
        number,
        step,
        about,
        ..
    })) = screen.effects.pop()
    else {
        panic!("nothing was asked: {:?}", screen.effects);
    };
    assert_eq!(&*step, "validate");
    (number, about)
}

fn answer(screen: &mut Screen, answer: HistoryAnswer) {
    screen.send(Message::Answer(answer));
    screen.draw();
}

fn price() -> RepairPrice {
    RepairPrice {
        planner: "openai/gpt-4o".to_owned(),
        max_of_one: Some(Money::from_usd(0.05)),
    }
}

fn correction(diff: &str) -> Box<Correction> {
    Box::new(Correction {
        planner: "openai/gpt-4o".to_owned(),
        cost: Some(Money::from_usd(0.0123)),
        diff: diff.to_owned(),
        text: "the corrected plan".into(),
        of: "5d2c".into(),
        change: Some(PlanChange {
            changed: vec!["validate".to_owned()],
            reruns: vec![
                "validate".to_owned(),
                "stats".to_owned(),
                "advice".to_owned(),
            ],
            stays: 5,
            min: Money::ZERO,
            expected: Some(Money::from_usd(0.001)),
            max: Some(Money::from_usd(0.01)),
        }),
    })
}

#[test]
fn a_correction_is_priced_shown_and_applied() {
    for (columns, rows) in [(80, 24), (120, 36), (200, 60)] {
        let size = format!("{columns}x{rows}");
        let mut screen = screen(columns, rows).keys("ctrl-f");
        let (number, about) = asked(&mut screen);
        assert_eq!(about, RepairQuestion::Price);
        answer(&mut screen, HistoryAnswer::RepairPrice(number, price()));
        insta::assert_snapshot!(format!("repairing_priced_{size}"), screen.text());
        screen.press("enter");
        assert_eq!(asked(&mut screen), (number, RepairQuestion::Correction));
        let words = "step 2 of the plan, 300 tokens".to_owned();
        answer(&mut screen, HistoryAnswer::RepairProgress(number, words));
        assert!(screen.text().contains("300 tokens"), "{}", screen.text());
        answer(
            &mut screen,
            HistoryAnswer::Repaired(number, Ok(correction(DIFF))),
        );
        insta::assert_snapshot!(format!("repairing_{size}"), screen.text());
        assert!(screen.effects.is_empty(), "nothing is written yet");
        screen.press("enter");
        assert!(
            matches!(screen.effects.pop(), Some(Effect::Ask(HistoryQuery::WriteRepair { diff })) if diff == DIFF)
        );
        answer(&mut screen, HistoryAnswer::RepairWritten(Ok(())));
        assert_eq!(
            screen.effects.pop(),
            Some(Effect::Terminal(TerminalEffect::Leave(Outcome::RunChanged)))
        );
    }
}

#[test]
fn what_changes_nothing_is_left_and_the_planner_is_stopped() {
    let mut screen = screen(120, 36).keys("ctrl-f");
    let (number, _) = asked(&mut screen);
    let why = "no model is there to ask: set OPENAI_API_KEY";
    answer(
        &mut screen,
        HistoryAnswer::Repaired(number, Err(why.into())),
    );
    assert!(screen.text().contains(why));
    screen.press("enter");
    assert!(screen.effects.is_empty());
    screen.press("esc");
    assert!(screen.model.overlay.is_none());

    screen.press("ctrl-f");
    let (number, _) = asked(&mut screen);
    answer(&mut screen, HistoryAnswer::RepairPrice(number, price()));
    screen.press("enter esc");
    assert!(matches!(
        screen.effects.pop(),
        Some(Effect::Ask(HistoryQuery::StopRepair))
    ));
    assert!(screen.model.overlay.is_none());
    // What comes too late is not shown.
    answer(
        &mut screen,
        HistoryAnswer::Repaired(number, Ok(correction(DIFF))),
    );
    assert!(screen.model.overlay.is_none());

    screen.press("ctrl-f");
    screen.effects.clear();
    let number = number + 1;
    answer(
        &mut screen,
        HistoryAnswer::Repaired(number, Ok(correction(""))),
    );
    assert!(screen.text().contains("leaves the plan as it is"));
    screen.press("enter");
    assert!(screen.effects.is_empty());

    // The file has changed since.
    answer(
        &mut screen,
        HistoryAnswer::Repaired(number, Ok(correction(DIFF))),
    );
    screen.press("enter");
    let why = "plan.yaml has changed since it was read";
    answer(&mut screen, HistoryAnswer::RepairWritten(Err(why.into())));
    assert!(screen.text().contains(why) && screen.text().contains("items.total"));
    for (columns, rows) in [(1, 1), (3, 2), (20, 4), (40, 8)] {
        let mut screen = self::screen(columns, rows).keys("ctrl-f");
        let (number, _) = asked(&mut screen);
        answer(
            &mut screen,
            HistoryAnswer::Repaired(number, Ok(correction(DIFF))),
        );
    }
}

#[test]
fn only_what_failed_is_repaired() {
    let mut screen = self::screen(120, 36).keys("g ctrl-f");
    assert!(screen.effects.is_empty(), "it has not failed");
    assert!(screen.text().contains("repair needs a failed step"));
}

#[test]
fn a_correction_of_a_running_plan_is_an_edit_of_it() {
    for (columns, rows) in [(80, 24), (120, 36), (200, 60)] {
        let mut screen = Screen::new(columns, rows, receipt_failed().events()).at(2_200);
        screen.model.forkable = true;
        screen.press("n ctrl-f");
        let (number, _) = asked(&mut screen);
        let correction = Correction {
            change: None,
            ..*correction(DIFF)
        };
        answer(
            &mut screen,
            HistoryAnswer::Repaired(number, Ok(Box::new(correction))),
        );
        let Some(Effect::Ask(HistoryQuery::Structure { live, text, .. })) = screen.effects.pop()
        else {
            panic!("nothing was asked: {:?}", screen.effects);
        };
        assert_eq!((live.is_some(), &*text), (true, "the corrected plan"));
        let preview = serde_json::from_value(json!({
            "verb": "repair", "step": "validate", "stays": [], "cannot": [],
            "reruns": [{"step": "validate", "why": "its definition has changed"}],
            "cost_usd": {"min": 0.0, "expected": 0.001, "max": 0.01},
            "seconds": {"min": 0.0, "expected": 1.0, "max": 60.0},
        }));
        let to = HandOver {
            run_id: "next".into(),
            verb: "repair".into(),
            step: "validate".into(),
            held: Vec::new(),
        };
        let known = Ok((Box::new(preview.unwrap()), Some(Box::new(to.clone()))));
        answer(&mut screen, HistoryAnswer::Structure(known));
        insta::assert_snapshot!(format!("repairing_live_{columns}x{rows}"), screen.text());
        screen.press("enter");
        let told = screen.effects.pop();
        assert!(
            matches!(&told, Some(Effect::Command(RunCommand::HandOver(Some(given)))) if **given == to),
            "{told:?}"
        );
    }
}
