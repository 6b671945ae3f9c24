//! One step called several times on its recorded input: the price, the table of answers, and what is used of it.

use crate::common::recording::{receipt, receipt_failed};
use crate::common::screen::Screen;
use plandeck::plan::StepIx;
use plandeck::run::{
    Agreement, CallEdit, EqualFailures, Forecast, ModelCall, Preview, PreviewStep, Range,
    RepeatPrice, Repeats, RunCommand, Seconds,
};
use plandeck::tui::{Effect, HistoryAnswer, HistoryQuery, Message, Overlay, Previews, Tried};
use plandeck::units::{Micros, Money};
use serde_json::{Value, json};
use std::sync::Arc;

fn categorize() -> StepIx {
    receipt().key("categorize").ix
}

fn price() -> RepeatPrice {
    RepeatPrice {
        forecast: Forecast {
            min: Money::ZERO,
            expected: Some(Money::from_usd(0.0004)),
            max: Some(Money::from_usd(0.002)),
        },
        recorded: Some(Money::from_usd(0.0003)),
    }
}

/// The failed call is the seventh.
fn tried(answers: &[Value], is_over: bool) -> Tried {
    let ends = answers.iter().cloned().map(|answer| Some(Arc::new(answer)));
    let mut agreement = Agreement::of(ends.chain([None]));
    agreement.n = answers.len() + 1;
    Tried {
        repeats: Repeats {
            agreement,
            failures: vec![EqualFailures {
                message: "the answer is no list".into(),
                calls: vec![answers.len()],
            }],
            cost: Some(Money::from_usd(0.0017)),
        },
        is_over,
    }
}

fn answers() -> Vec<Value> {
    let food =
        json!([{"name": "bread", "category": "food"}, {"name": "soap", "category": "household"}]);
    let other =
        json!([{"name": "bread", "category": "food"}, {"name": "soap", "category": "other"}]);
    vec![
        food.clone(),
        food.clone(),
        other.clone(),
        food.clone(),
        json!([]),
        food,
        other,
    ]
}

fn screen(columns: u16, rows: u16) -> Screen {
    let mut screen = Screen::new(columns, rows, receipt_failed().events()).at(2200);
    screen.model.forkable = true;
    let previews = Previews::new(|run, verb, _, _| Preview {
        verb: verb.into(),
        step: Some("categorize".into()),
        reruns: vec![PreviewStep {
            step: "stats".into(),
            why: "categorize runs".into(),
        }],
        stays: Vec::new(),
        cannot: Vec::new(),
        cost_usd: Range {
            min: Money::ZERO,
            expected: None,
            max: None,
        },
        seconds: Range {
            min: Seconds(Micros(0)),
            expected: None,
            max: None,
        },
        events: run.events,
    });
    screen.model.previews = Some(previews.with_calls(|_, _| {
        Some(ModelCall {
            takes_prompt: true,
            prompt: Some("Sort {{text}}.".into()),
            model: Some("openai/gpt-4o-mini".into()),
            ..ModelCall::default()
        })
    }));
    screen.model.select(categorize());
    screen.draw();
    screen
}

/// Answers the question about the price.
fn priced(screen: &mut Screen) {
    let Some(Effect::Ask(HistoryQuery::RepeatPrice { number, step, .. })) = screen.effects.pop()
    else {
        panic!("no price was asked");
    };
    assert_eq!(&*step, "categorize");
    screen.send(Message::Answer(HistoryAnswer::RepeatPrice(
        number,
        Ok(price()),
    )));
    screen.draw();
}

/// Has the calls made.
fn started(screen: &mut Screen) -> u64 {
    let Some(Effect::Ask(HistoryQuery::Repeat { number, .. })) = screen.effects.pop() else {
        panic!("no call was asked for");
    };
    number
}

fn answer(screen: &mut Screen, number: u64, tried: Tried) {
    let tried = Ok(Box::new(tried));
    screen.send(Message::Answer(HistoryAnswer::Repeated(number, tried)));
    screen.draw();
}

#[test]
fn calls_are_priced_made_and_counted() {
    for (columns, rows) in [(80, 24), (120, 36), (200, 60)] {
        let mut screen = screen(columns, rows).keys("ctrl-t");
        priced(&mut screen);
        let size = format!("{columns}x{rows}");
        screen.press("+");
        insta::assert_snapshot!(format!("trying_priced_{size}"), screen.text());
        screen.press("- enter");
        let number = started(&mut screen);
        answer(&mut screen, number, tried(&answers()[..3], false));
        insta::assert_snapshot!(format!("trying_running_{size}"), screen.text());
        answer(&mut screen, number, tried(&answers(), true));
        screen.press("down");
        insta::assert_snapshot!(format!("trying_{size}"), screen.text());
    }
}

#[test]
fn an_answer_becomes_the_output_once_its_price_was_seen() {
    let mut screen = screen(120, 36).keys("ctrl-t");
    assert!(screen.text().contains("reading the price"));
    screen.press("enter");
    priced(&mut screen);
    screen.press("enter");
    let number = started(&mut screen);
    answer(&mut screen, number, tried(&answers(), false));
    screen.press("down enter");
    assert!(screen.effects.is_empty(), "calls are still made");
    answer(&mut screen, number, tried(&answers(), true));
    assert!(
        !screen.text().contains("keep the prompt"),
        "it is as it was"
    );
    screen.press("enter");
    assert!(screen.text().contains("esc back to the answers"));
    screen.press("esc");
    assert!(matches!(screen.model.overlay, Some(Overlay::Trying(_))));
    // What failed is no answer.
    screen.press("down down enter");
    assert!(screen.effects.is_empty());
    screen.press("up up enter enter");
    let chosen = Arc::new(answers()[2].clone());
    assert_eq!(
        screen.effects.last(),
        Some(&Effect::Command(RunCommand::SetOutput(
            categorize(),
            chosen
        )))
    );
    assert!(screen.model.overlay.is_none());
}

#[test]
fn a_typed_prompt_is_tried_and_kept() {
    let mut screen = screen(120, 36).keys("ctrl-p X ctrl-t");
    let Some(Effect::Ask(HistoryQuery::RepeatPrice { call, .. })) = screen.effects.last() else {
        panic!("no price was asked: {:?}", screen.effects);
    };
    assert_eq!(call.prompt.as_deref(), Some("XSort {{text}}."));
    assert_eq!(call.model.as_deref(), Some("openai/gpt-4o-mini"));
    priced(&mut screen);
    assert!(screen.text().contains("the edited prompt"));
    // The prompt is still there.
    screen.press("esc");
    assert!(screen.text().contains("XSort {{text}}."));
    screen.press("ctrl-t");
    priced(&mut screen);
    screen.press("enter");
    let number = started(&mut screen);
    answer(&mut screen, number, tried(&answers(), true));
    screen.press("p enter");
    let edit = CallEdit {
        prompt: Some(Some("XSort {{text}}.".into())),
        ..CallEdit::default()
    };
    assert_eq!(
        screen.effects.last(),
        Some(&Effect::Command(RunCommand::SetCall(
            categorize(),
            Box::new(edit)
        )))
    );
}

#[test]
fn calls_are_stopped_and_what_ended_stays() {
    let mut screen = screen(120, 36).keys("ctrl-t");
    priced(&mut screen);
    screen.press("enter");
    let number = started(&mut screen);
    answer(&mut screen, number, tried(&answers()[..2], false));
    screen.press("esc");
    assert!(
        matches!(
            screen.effects.pop(),
            Some(Effect::Ask(HistoryQuery::StopRepeating))
        ),
        "{:?}",
        screen.effects
    );
    assert!(screen.text().contains("stopping"));
    answer(&mut screen, number, tried(&answers()[..2], true));
    let text = screen.text();
    assert!(text.contains("3 of 5 calls ended; stopped"), "{text}");
    // Answers of calls that nobody looks at any more change nothing.
    screen.press("esc");
    answer(&mut screen, number, tried(&answers(), true));
    assert!(screen.model.overlay.is_none());
}

#[test]
fn what_cannot_be_repeated_is_said() {
    let mut screen = screen(120, 36).keys("ctrl-t");
    let Some(Effect::Ask(HistoryQuery::RepeatPrice { number, .. })) = screen.effects.pop() else {
        panic!("no price was asked");
    };
    let why = Err("step categorize was called with a secret, which is not on record".into());
    screen.send(Message::Answer(HistoryAnswer::RepeatPrice(number, why)));
    let text = screen.text();
    assert!(text.contains("was called with a secret"), "{text}");
    screen.press("enter");
    assert!(screen.effects.is_empty());
    screen.press("esc");
    assert!(screen.model.overlay.is_none());
    screen.model.forkable = false;
    screen.press("ctrl-t");
    assert!(
        screen
            .text()
            .contains("try needs a selected step that has asked a model")
    );
    for (columns, rows) in [(1, 1), (3, 2), (20, 4), (40, 8)] {
        let mut screen = self::screen(columns, rows).keys("ctrl-t");
        priced(&mut screen);
        screen.press("enter");
        let number = started(&mut screen);
        answer(&mut screen, number, tried(&answers(), true));
        screen.press("down down down");
        screen.text();
    }
}
