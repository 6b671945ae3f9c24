//! The prompt and the model of a step, edited with typed keys.

use crate::common::recording::{receipt, receipt_failed};
use crate::common::screen::Screen;
use plandeck::plan::StepIx;
use plandeck::run::{
    CallEdit, CommandError, EventKind, ModelCall, Preview, PreviewStep, Range, RunCommand, Seconds,
};
use plandeck::tui::{
    Effect, HistoryAnswer, HistoryQuery, Message, OutsideEnd, Overlay, Previews, TerminalEffect,
    TerminalEvent,
};
use plandeck::units::{Micros, ModelOptions, Money, Temperature};

const PROMPT: &str = "Sort each line of {{text}} into one of the categories food, household or other, and keep the wording of the receipt.\nAnswer with a list.\n";

fn own() -> ModelCall {
    ModelCall {
        takes_prompt: true,
        prompt: Some(PROMPT.into()),
        model: Some("openai/gpt-4o-mini".into()),
        takes_options: true,
        options: ModelOptions {
            temperature: Some(Temperature::DEFAULT),
            max_tokens: Some(1000),
        },
    }
}

fn categorize() -> StepIx {
    receipt().key("categorize").ix
}

/// A run in which `categorize` can be asked otherwise.
fn screen(columns: u16, rows: u16) -> Screen {
    let mut screen = Screen::new(columns, rows, receipt_failed().events()).at(2200);
    let previews = Previews::new(|run, verb, _, _| Preview {
        verb: verb.into(),
        step: Some("categorize".into()),
        reruns: vec![PreviewStep {
            step: "categorize".into(),
            why: "it is edited".into(),
        }],
        stays: Vec::new(),
        cannot: Vec::new(),
        cost_usd: Range {
            min: Money::ZERO,
            expected: Some(Money::from_usd(0.0012)),
            max: Some(Money::from_usd(0.004)),
        },
        seconds: Range {
            min: Seconds(Micros(0)),
            expected: None,
            max: None,
        },
        events: run.events,
    });
    screen.model.previews = Some(previews.with_calls(|_, _| Some(own())));
    screen.model.select(categorize());
    screen.draw();
    screen
}

fn type_in(screen: &mut Screen, text: &str) {
    for c in text.chars() {
        screen.press(&match c {
            ' ' => "space".to_owned(),
            other => other.to_string(),
        });
    }
}

fn given(screen: &Screen) -> Option<CallEdit> {
    let Some(Effect::Command(RunCommand::SetCall(step, edit))) = screen.effects.last() else {
        return None;
    };
    assert_eq!(*step, categorize());
    Some((**edit).clone())
}

fn prompt(text: &str) -> CallEdit {
    CallEdit {
        prompt: Some(Some(text.into())),
        ..CallEdit::default()
    }
}

#[test]
fn a_prompt_is_edited_priced_and_given() {
    for (columns, rows) in [(80, 24), (120, 36)] {
        let mut screen = screen(columns, rows).keys("ctrl-p");
        insta::assert_snapshot!(format!("prompt_edit_{columns}x{rows}"), screen.text());
    }
    let mut screen = screen(120, 36).keys("ctrl-p ctrl-s");
    let text = screen.text();
    assert!(
        text.contains("the prompt, the model and its options are as they were"),
        "{text}"
    );
    type_in(&mut screen, "Carefully: {{line}} ");
    let text = screen.text();
    assert!(
        text.contains("{{line}} is no parameter of this step"),
        "{text}"
    );
    screen.press("ctrl-s");
    assert!(screen.effects.is_empty(), "it is priced first");
    let text = screen.text();
    assert!(
        text.contains("edit categorize") && text.contains("$0.0012"),
        "{text}"
    );
    // What was typed is there again where the price is too high.
    screen.press("esc");
    assert!(screen.text().contains("Carefully: {{line}} Sort"));
    screen.press("ctrl-s enter");
    let typed = format!("Carefully: {{{{line}}}} {}", PROMPT.trim_end());
    assert_eq!(given(&screen), Some(prompt(&typed)));
    assert!(screen.model.overlay.is_none());
}

#[test]
fn a_model_is_edited_beside_the_prompt() {
    let mut screen = screen(120, 36).keys("ctrl-p tab ctrl-u");
    let text = screen.text();
    assert!(text.contains("the model of the plan"), "{text}");
    type_in(&mut screen, "openai/gpt-4o");
    screen.press("tab tab tab");
    insta::assert_snapshot!("prompt_edit_model_120x36", screen.text());
    screen.press("ctrl-s enter");
    let model = given(&screen).and_then(|edit| edit.model);
    assert_eq!(model, Some(Some("openai/gpt-4o".into())));
    // Leaving asks once where something was typed.
    screen.press("ctrl-p tab x esc");
    assert!(matches!(screen.model.overlay, Some(Overlay::Editor(_))));
    screen.press("esc");
    assert!(screen.model.overlay.is_none());
}

#[test]
fn a_temperature_and_the_length_of_answers_are_edited_beside_the_prompt() {
    let mut screen = screen(80, 24).keys("ctrl-p tab tab ctrl-u");
    type_in(&mut screen, "3");
    screen.press("ctrl-s");
    let text = screen.text();
    assert!(
        text.contains("a temperature is a number from 0 to 2"),
        "{text}"
    );
    screen.press("ctrl-u");
    type_in(&mut screen, "0.7");
    screen.press("tab ctrl-u");
    type_in(&mut screen, "60");
    insta::assert_snapshot!("prompt_edit_options_80x24", screen.text());
    screen.press("ctrl-s enter");
    let options = CallEdit {
        temperature: Some("0.7".parse().ok()),
        max_tokens: Some(Some(60)),
        ..CallEdit::default()
    };
    assert_eq!(given(&screen), Some(options));
}

#[test]
fn a_prompt_goes_to_the_user_s_editor_and_back() {
    let mut screen = screen(120, 36).keys("ctrl-p ctrl-o");
    assert!(
        matches!(
            screen.effects.last(),
            Some(Effect::Terminal(TerminalEffect::Open(..)))
        ),
        "{:?}",
        screen.effects
    );
    let changed = OutsideEnd::Changed("Sort the lines.\n".to_owned());
    screen.send(Message::Terminal(TerminalEvent::Outside(changed)));
    screen.press("ctrl-s enter");
    assert_eq!(given(&screen), Some(prompt("Sort the lines.")));
}

#[test]
fn what_was_typed_is_kept_where_the_run_does_not_take_it() {
    let mut screen = screen(120, 36).keys("ctrl-p X ctrl-s enter");
    assert!(given(&screen).is_some());
    screen.send(Message::Refused(CommandError::Busy));
    let text = screen.text();
    assert!(
        text.contains("the run is busy") && text.contains("XSort each"),
        "{text}"
    );

    // The step is being called by the time the edit is given.
    let mut screen = screen.keys("ctrl-s");
    let known = receipt_failed().events().len();
    let run = receipt_failed();
    let step = run.key("categorize");
    let run = run
        .event(EventKind::StepReset { step })
        .call(&["categorize"]);
    screen.send(Message::Events(run.events().split_off(known)));
    screen.effects.clear();
    screen.press("enter");
    if screen
        .model
        .overlay
        .as_ref()
        .is_some_and(|it| matches!(it, Overlay::Previewed(_)))
    {
        screen.press("enter");
    }
    assert!(given(&screen).is_none(), "{:?}", screen.effects);
    let text = screen.text();
    assert!(text.contains("XSort each"), "{text}");
}

#[test]
fn a_prompt_that_is_not_known_here_is_read_first() {
    let mut screen = screen(120, 36);
    screen.model.previews = None;
    screen.press("ctrl-p");
    assert!(
        matches!(screen.effects.pop(), Some(Effect::Ask(HistoryQuery::ModelCall { step, .. })) if step == categorize())
    );
    let none = Err("the step asks no model".into());
    screen.send(Message::Answer(HistoryAnswer::ModelCall(
        categorize(),
        none,
    )));
    assert!(screen.text().contains("the step asks no model"));
    screen.send(Message::Answer(HistoryAnswer::ModelCall(
        categorize(),
        Ok(own()),
    )));
    assert!(screen.text().contains("prompt and model of categorize"));
    screen.press("X ctrl-s");
    assert!(given(&screen).is_some(), "nobody tells what it costs here");

    // Only what asks a model has a prompt.
    screen.model.select(receipt().key("stats").ix);
    screen.press("ctrl-p");
    assert!(
        screen
            .text()
            .contains("edit-prompt needs a selected step that asks a model")
    );
    for (columns, rows) in [(1, 1), (3, 2), (20, 4), (40, 8), (200, 60)] {
        self::screen(columns, rows).keys("ctrl-p X tab y").text();
    }
}
