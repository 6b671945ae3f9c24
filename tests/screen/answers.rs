//! What servers ask in the middle of calls: the form, and the answer.

use crate::common::recording::{Recording, receipt_running};
use crate::common::screen::Screen;
use plandeck::plan::StepIx;
use plandeck::run::{Answer, EventKind, Question, RunCommand, RunEvent};
use plandeck::tui::{Effect, Message, Overlay};
use plandeck::units::Micros;
use serde_json::{Value, json};
use std::sync::Arc;

/// The step whose call asks.
const STEP: &str = "validate";

fn asked(run: &Recording, schema: Option<Value>) -> EventKind {
    let question = Question {
        message: "The bank wants to know who signs, and how often.".into(),
        url: schema
            .is_none()
            .then(|| "https://bank.example/sign/7".into()),
        schema: schema.map(Arc::new),
    };
    EventKind::QuestionAsked {
        step: run.key(STEP),
        attempt: 1,
        question: Box::new(question),
    }
}

fn form() -> Value {
    json!({"type": "object", "required": ["name", "times"], "properties": {
        "name": {"type": "string", "title": "Name", "description": "Who signs"},
        "times": {"type": "integer", "minimum": 1, "default": 2},
        "sure": {"type": "boolean", "default": false},
        "colour": {"type": "string", "enum": ["red", "blue"]},
    }})
}

/// A run in which the call of a step asks this.
fn asking(columns: u16, rows: u16, schema: Option<Value>) -> (Screen, StepIx) {
    let run = receipt_running();
    let (step, question) = (run.key(STEP).ix, asked(&run, schema));
    let screen = Screen::new(columns, rows, run.event(question).events());
    (screen.at(1700), step)
}

#[test]
fn a_question_is_seen_and_answered_in_a_form() {
    let (mut screen, _) = asking(100, 30, Some(form()));
    let text = screen.text();
    assert!(text.contains("asks you: "), "{text}");
    assert!(text.contains('✎'), "a sign of its own: {text}");
    for (columns, rows) in [(80, 24), (120, 36), (40, 10)] {
        let (mut screen, _) = asking(columns, rows, Some(form()));
        screen.press("u");
        let text = screen.text();
        assert!(
            text.contains("asks you") && text.contains("Name *"),
            "{text}"
        );
    }
    let (mut screen, step) = asking(100, 30, Some(form()));
    screen.press("u enter");
    assert!(screen.effects.is_empty());
    assert!(
        screen.text().contains("Name is needed"),
        "{}",
        screen.text()
    );
    screen.press("A d a down down space down right enter");
    let content = json!({"name": "Ada", "times": 2, "sure": true, "colour": "red"});
    let answer = Answer::Accept(Arc::new(content));
    let sent = RunCommand::Answer(step, Arc::new(answer));
    assert_eq!(screen.effects, [Effect::Command(sent)]);
    assert!(screen.model.overlay.is_none());
}

#[test]
fn a_question_is_put_off_declined_or_broken_off() {
    let (mut screen, step) = asking(100, 30, Some(form()));
    screen.press("u esc");
    assert!(screen.effects.is_empty() && screen.model.overlay.is_none());
    screen.press("u ctrl-d");
    let sent = |answer| Effect::Command(RunCommand::Answer(step, Arc::new(answer)));
    assert_eq!(screen.effects, [sent(Answer::Decline)]);
    let (mut screen, _) = asking(100, 30, Some(form()));
    screen.press("u ctrl-x");
    assert_eq!(screen.effects, [sent(Answer::Cancel)]);
}

#[test]
fn an_address_is_shown() {
    let (mut screen, step) = asking(100, 30, None);
    screen.press("u");
    let text = screen.text();
    assert!(text.contains("https://bank.example/sign/7"), "{text}");
    screen.press("enter");
    let accepted = Answer::Accept(Arc::new(json!({})));
    let sent = RunCommand::Answer(step, Arc::new(accepted));
    assert_eq!(screen.effects, [Effect::Command(sent)]);
}

#[test]
fn a_form_is_closed_when_somebody_else_answers() {
    let (mut screen, _) = asking(100, 30, Some(form()));
    screen.press("u");
    assert!(matches!(screen.model.overlay, Some(Overlay::Answer(_))));
    let answered = RunEvent {
        seq: 91,
        at: Micros(1_800_000),
        kind: EventKind::QuestionAnswered {
            step: receipt_running().key(STEP),
            attempt: 1,
            answer: Box::new(Answer::Decline),
        },
    };
    screen.send(Message::Events(vec![answered]));
    assert!(screen.model.overlay.is_none());
    screen.press("u");
    assert!(screen.model.overlay.is_none(), "nothing is asked any more");
}
