//! Approvals and breakpoints on the screen: the question, the keys that answer it, and where a run is held.

use crate::common::recording::{Recording, receipt, receipt_running};
use crate::common::screen::Screen;
use plandeck::plan::StepInput;
use plandeck::run::{
    Approval, BreakWhen, Breakpoint, DecidedBy, EventKind, HeldAt, RunCommand, WaitReason,
};
use plandeck::tui::Effect;
use serde_json::json;
use std::sync::Arc;

/// `extract` needs an approval.
fn asked() -> Recording {
    let run = receipt().start();
    let step = run.key("extract");
    let input: StepInput = Arc::new(json!({"text": "bread 2.99", "to": "ada@example.com"})).into();
    run.event(EventKind::ApprovalAsked {
        step,
        call: "0123".into(),
        input,
        void: None,
    })
    .holds("extract", WaitReason::Approval)
}

fn answers(granted: bool) -> [Effect; 1] {
    let step = receipt().key("extract").ix;
    [Effect::Command(RunCommand::Approve(Approval {
        step,
        granted,
        call: Some("0123".into()),
        by: DecidedBy::Screen,
    }))]
}

#[test]
fn an_approval_is_announced_and_asked_with_its_call() {
    let mut screen = Screen::new(120, 36, asked().events()).at(200);
    let text = screen.text();
    assert!(text.contains("needs an approval: extract (A)"), "{text}");
    screen.press("A");
    let text = screen.text();
    for words in [
        "make this call?",
        "extract",
        "ada@example.com",
        "make this call",
        "skip the step",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    screen.press("y");
    assert_eq!(screen.effects, answers(true));
    assert!(!screen.text().contains("make this call?"));
}

#[test]
fn an_approval_is_refused_edited_or_put_off() {
    let mut screen = Screen::new(120, 36, asked().events()).at(200).keys("A n");
    assert_eq!(screen.effects, answers(false));
    screen.effects.clear();
    screen.press("A esc");
    assert!(screen.effects.is_empty() && !screen.text().contains("make this call?"));
    screen.press("A e");
    let text = screen.text();
    assert!(
        text.contains("input of extract") && text.contains("ada@example.com"),
        "{text}"
    );
    screen.press("ctrl-s");
    let step = receipt().key("extract").ix;
    let input = Arc::new(json!({"text": "bread 2.99", "to": "ada@example.com"}));
    let expected = [Effect::Command(RunCommand::SetInput(step, Some(input)))];
    assert_eq!(screen.effects, expected);
}

#[test]
fn the_question_goes_when_it_has_been_answered_elsewhere() {
    let run = asked();
    let step = run.key("extract");
    let decided = run.event(EventKind::ApprovalDecided {
        step,
        call: "0123".into(),
        granted: true,
        by: DecidedBy::Other,
        until: None,
    });
    let all = decided.events();
    let mut screen = Screen::new(120, 36, all[..all.len() - 1].to_vec())
        .at(200)
        .keys("A");
    assert!(screen.text().contains("make this call?"));
    screen.send(plandeck::tui::Message::Events(
        all[all.len() - 1..].to_vec(),
    ));
    assert!(!screen.text().contains("make this call?"));
}

#[test]
fn a_run_that_is_held_says_where_and_why() {
    let run = receipt().start().event(EventKind::BreakpointSet {
        breakpoint: Breakpoint {
            step: "extract".into(),
            when: BreakWhen::Condition("output.total > 5".into()),
        },
        on: true,
    });
    let step = run.key("extract");
    let held = run
        .event(EventKind::StepHeld {
            step,
            at: HeldAt::After,
            condition: Some("output.total > 5".into()),
        })
        .pause();
    let mut screen = Screen::new(120, 36, held.events()).at(200);
    let text = screen.text();
    assert!(text.contains("HELD") && !text.contains("PAUSED"), "{text}");
    assert!(
        text.contains("held after extract: output.total > 5"),
        "{text}"
    );
    screen.press("g enter");
    let text = screen.text();
    assert!(
        text.contains("where output.total > 5") && text.contains('◉'),
        "{text}"
    );
}

#[test]
fn a_run_that_goes_to_a_step_says_so_and_is_held_there() {
    let run = receipt().start().event(EventKind::RunTargeted {
        to: "extract".into(),
    });
    let step = run.key("extract");
    let events = run.events();
    let text = Screen::new(120, 36, events).at(200).text();
    assert!(text.contains("goes to extract"), "{text}");
    let held = receipt().start().event(EventKind::StepHeld {
        step,
        at: HeldAt::Target,
        condition: None,
    });
    let held = held.pause().events();
    for (columns, rows) in [(80, 24), (120, 36), (200, 60)] {
        let text = Screen::new(columns, rows, held.clone()).at(200).text();
        assert!(text.contains("HELD"), "{text}");
        assert!(text.contains("held before extract"), "{text}");
    }
    let text = Screen::new(120, 36, held).at(200).text();
    assert!(text.contains("you had the run go there"), "{text}");
}

#[test]
fn a_view_that_stands_still_looks_different_from_a_run_that_does() {
    for (columns, rows) in [(80, 24), (120, 36), (200, 60)] {
        let shown = |run: &Recording, keys: &str| {
            let screen = Screen::new(columns, rows, run.so_far()).at(1700);
            screen.keys(keys).text()
        };
        let (live, paused) = (receipt_running(), receipt_running().pause());
        let frozen = shown(&live, "{");
        assert!(
            frozen.contains("still running") && !frozen.contains("PAUS"),
            "{frozen}"
        );
        assert!(frozen.contains("event "), "{frozen}");
        let held = shown(&paused, "");
        assert!(
            held.contains("PAUS") && !held.contains("still running"),
            "{held}"
        );
        // Both at once: the run stands, and the view is further back.
        let both = shown(&paused, "{");
        assert!(
            both.contains("event ") && both != held && both != frozen,
            "{both}"
        );
    }
}

#[test]
fn breakpoints_of_every_kind_are_typed() {
    let breakpoint = |when| {
        let step = "extract".into();
        Effect::Command(RunCommand::Breakpoint(Breakpoint { step, when }, true))
    };
    for (typed, when) in [
        ("", BreakWhen::Before),
        ("after", BreakWhen::After),
        ("failure", BreakWhen::Failure),
        ("attempt==2", BreakWhen::Condition("attempt==2".into())),
    ] {
        let mut screen = Screen::new(120, 36, receipt().start().events())
            .at(200)
            .keys("g ctrl-b");
        assert!(screen.text().contains("breakpoint: hold extract"));
        for c in typed.chars() {
            screen.press(&c.to_string());
        }
        screen.press("enter");
        assert_eq!(screen.effects, [breakpoint(when)]);
    }
}

#[test]
fn a_condition_that_cannot_hold_stays_in_the_line_with_the_reason() {
    let mut screen = Screen::new(120, 36, receipt().start().events())
        .at(200)
        .keys("g ctrl-b");
    for c in "attempt>".chars() {
        screen.press(&c.to_string());
    }
    screen.press("enter");
    assert!(screen.effects.is_empty(), "{:?}", screen.effects);
    let text = screen.text();
    assert!(text.contains("is no expression"), "{text}");
    // What was typed is still there.
    screen.press("1");
    screen.press("enter");
    let step = "extract".into();
    let when = BreakWhen::Condition("attempt>1".into());
    let set = RunCommand::Breakpoint(Breakpoint { step, when }, true);
    assert_eq!(screen.effects, [Effect::Command(set)]);
}
