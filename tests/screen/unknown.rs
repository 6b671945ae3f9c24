//! The question about steps whose result is unknown, and the editor for their output.

use crate::common::recording::{Recording, receipt, receipt_running};
use crate::common::screen::{Screen, parse};
use plandeck::plan::StepIx;
use plandeck::run::{
    AttemptDetails, AttemptEnd, ErrorKind, EventKind, RunCommand, RunError, RunEvent, StepKey,
};
use plandeck::tui::{Effect, Message, Overlay, TerminalEvent};
use plandeck::units::Micros;
use serde_json::json;
use std::sync::Arc;

fn unknown(run: &Recording, id: &str, seq: u64) -> RunEvent {
    let step: StepKey = run.key(id);
    let error = RunError {
        kind: ErrorKind::ToolExecutionError,
        step: Some(step.id.clone()),
        tool_name: None,
        message: "it was running when run 0199 was interrupted".into(),
        retryable: false,
        attempts: 0,
    };
    RunEvent {
        seq,
        at: Micros(1_700_000),
        kind: EventKind::StepUnknown {
            step,
            error: Box::new(error),
        },
    }
}

/// A run in which two steps are unknown, with a user to ask.
fn asking(columns: u16, rows: u16) -> (Screen, StepIx, StepIx) {
    let run = receipt_running();
    let (first, second) = (run.key("validate").ix, run.key("categorize").ix);
    let events = vec![
        unknown(&run, "validate", 90),
        unknown(&run, "categorize", 91),
    ];
    let mut screen = Screen::new(columns, rows, run.events());
    screen.model.unknown.asks = true;
    screen.send(Message::Events(events));
    (screen.at(1700), first.min(second), first.max(second))
}

#[test]
fn a_call_that_a_worker_lost_is_asked_about_in_other_words() {
    let run = receipt_running();
    let step = run.key("validate");
    let lost = unknown(&run, "validate", 90);
    let mut screen = Screen::new(100, 30, run.events());
    screen.model.unknown.asks = true;
    let mut rows = screen.model.run.steps.iter();
    let row = rows.find(|row| row.info.id == step.id);
    let running = row.and_then(|row| row.attempts.last());
    let attempt = running.expect("it is being called").number;
    let ended = RunEvent {
        seq: 89,
        at: Micros(1_690_000),
        kind: EventKind::AttemptEnded(Arc::new(AttemptEnd {
            step,
            attempt,
            service: Micros(1_000),
            cost: None,
            details: AttemptDetails::default().boxed(),
            cancelled: false,
        })),
    };
    screen.send(Message::Events(vec![ended, lost]));
    let text = screen.at(1700).text();
    assert!(
        text.contains("The worker that made the call died"),
        "{text}"
    );
    assert!(text.contains("unknown: the worker"), "{text}");
}

#[test]
fn each_is_asked_about() {
    for (columns, rows) in [(80, 24), (120, 36), (200, 60), (40, 10)] {
        let (mut screen, ..) = asking(columns, rows);
        insta::assert_snapshot!(format!("unknown_{columns}x{rows}"), screen.text());
    }
    let (mut screen, first, second) = asking(100, 30);
    assert!(matches!(screen.model.overlay, Some(Overlay::Unknown(asked)) if asked == first));
    assert_eq!(screen.model.selected, Some(first));
    screen.press("r");
    assert!(matches!(screen.model.overlay, Some(Overlay::Unknown(asked)) if asked == second));
    screen.press("S");
    assert_eq!(
        screen.effects,
        [RunCommand::Retry(first), RunCommand::Skip(second)].map(Effect::Command)
    );
    assert!(screen.model.overlay.is_none());
}

#[test]
fn a_question_is_put_off_and_comes_back() {
    let (mut screen, first, second) = asking(100, 30);
    screen.press("esc esc");
    assert!(screen.effects.is_empty());
    assert!(screen.model.overlay.is_none());
    screen.press("j u");
    assert!(
        matches!(screen.model.overlay, Some(Overlay::Unknown(step)) if step == first || step == second)
    );
    screen.press("esc");
    screen.send(Message::Events(vec![]));
    assert!(
        screen.model.overlay.is_none(),
        "it does not come back by itself"
    );

    let run = receipt().start();
    let mut screen = Screen::new(100, 30, run.events());
    screen.model.unknown.asks = true;
    screen.send(Message::Events(vec![unknown(&receipt(), "extract", 90)]));
    screen.press("esc");
    let text = screen.text();
    assert!(text.contains("needs your answer on 1 unknown"), "{text}");
}

#[test]
fn no_one_is_asked_in_a_run_that_does_not_wait() {
    let run = receipt_running();
    let event = unknown(&run, "validate", 90);
    let mut screen = Screen::new(100, 30, run.events());
    screen.send(Message::Events(vec![event]));
    assert!(screen.model.overlay.is_none());
    screen.press("u");
    assert!(screen.model.overlay.is_none());
}

#[test]
fn the_output_is_written_by_hand_and_checked() {
    for (columns, rows) in [(80, 24), (40, 10)] {
        let (mut screen, ..) = asking(columns, rows);
        screen.press("O ctrl-a ctrl-k");
        type_in(&mut screen, "{\"ok\": true,");
        insta::assert_snapshot!(format!("editor_{columns}x{rows}"), screen.text());
    }
    let (mut screen, first, second) = asking(100, 30);
    screen.press("O");
    assert!(matches!(screen.model.overlay, Some(Overlay::Editor(_))));
    type_in(&mut screen, "x");
    screen.press("ctrl-s");
    assert!(
        screen.effects.is_empty(),
        "what is not valid JSON is not used"
    );
    screen.press("esc");
    assert!(
        matches!(screen.model.overlay, Some(Overlay::Editor(_))),
        "esc asks once"
    );
    screen.press("esc");
    assert!(
        matches!(screen.model.overlay, Some(Overlay::Unknown(asked)) if asked == first),
        "the question stays open"
    );
    screen.press("O ctrl-a ctrl-k");
    screen.send(Message::Terminal(TerminalEvent::Paste(
        "{\"q\":\r\n\u{1b}[1]}".to_owned(),
    )));
    screen.press("ctrl-s");
    let output = Arc::new(json!({"q": [1]}));
    assert_eq!(
        screen.effects,
        [Effect::Command(RunCommand::SetOutput(first, output))]
    );
    assert!(matches!(screen.model.overlay, Some(Overlay::Unknown(asked)) if asked == second));
}

fn type_in(screen: &mut Screen, text: &str) {
    for c in text.chars() {
        let key = if c == ' ' {
            "space".to_owned()
        } else {
            c.to_string()
        };
        screen.send(Message::Terminal(TerminalEvent::Key(parse(&key))));
    }
    screen.draw();
}
