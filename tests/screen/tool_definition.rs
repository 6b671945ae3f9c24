//! The definition of the tool of a step, edited with typed keys.

use crate::common::recording::receipt_failed;
use crate::common::screen::Screen;
use plandeck::plan::StepIx;
use plandeck::tui::{
    Effect, HistoryAnswer, HistoryQuery, Message, OutsideEnd, OutsideFile, Overlay, StructureEdit,
    TerminalEffect, TerminalEvent, ToolDefinition,
};
use serde_json::json;

/// The definition of the tool of the selected step.
fn tool() -> ToolDefinition {
    let fields = json!({
        "type": "http",
        "url": "https://example.org/{{id}}",
        "headers": {"accept": "application/json", "x-key": "[redacted]"},
        "description": "Fetches a receipt.\nOne at a time.\n",
        "timeout_s": 20,
        "cache": true,
    });
    ToolDefinition {
        tool: "categorize_items".into(),
        definition: fields.as_object().unwrap().clone(),
    }
}

/// A run on record, the definition of whose tool has been asked for.
fn asked(columns: u16, rows: u16) -> Screen {
    let mut screen = Screen::new(columns, rows, receipt_failed().events()).at(2200);
    screen.model.forkable = true;
    screen.model.select(StepIx(1));
    screen.draw();
    act(&mut screen);
    screen
}

/// Takes the action from the list of all.
fn act(screen: &mut Screen) {
    screen.press(":");
    type_in(screen, "edit-tool");
    screen.press("enter");
}

fn type_in(screen: &mut Screen, text: &str) {
    for c in text.chars() {
        screen.press(&match c {
            ' ' => "space".to_owned(),
            '\n' => "enter".to_owned(),
            other => other.to_string(),
        });
    }
}

fn step(screen: &Screen) -> std::sync::Arc<str> {
    let Some(Effect::Ask(HistoryQuery::ToolDefinition { step, .. })) = screen.effects.last() else {
        panic!("nothing was asked: {:?}", screen.effects.last());
    };
    step.clone()
}

fn answered(columns: u16, rows: u16) -> Screen {
    let mut screen = asked(columns, rows);
    let step = step(&screen);
    let answer = HistoryAnswer::ToolDefinition(step, Ok(Box::new(tool())));
    screen.send(Message::Answer(answer));
    screen.draw();
    screen
}

/// What is asked for its price.
fn priced(screen: &Screen) -> Option<(StructureEdit, String)> {
    match screen.effects.last() {
        Some(Effect::Ask(HistoryQuery::Structure { edit, text, .. })) => {
            Some((edit.clone(), text.clone()))
        }
        _ => None,
    }
}

#[test]
fn a_definition_is_edited_and_its_price_asked_for() {
    for (columns, rows) in [(80, 24), (120, 36)] {
        let mut screen = answered(columns, rows);
        insta::assert_snapshot!(format!("tool_definition_{columns}x{rows}"), screen.text());
    }
    let mut screen = answered(120, 36).keys("ctrl-s");
    let text = screen.text();
    assert!(
        text.contains("the definition of categorize_items is as it was"),
        "{text}"
    );
    type_in(&mut screen, "read_only: [true\n");
    let text = screen.text();
    assert!(text.contains("line "), "{text}");
    for _ in 0..6 {
        screen.press("backspace");
    }
    type_in(&mut screen, "true\n");
    assert!(screen.text().contains("valid YAML"), "{}", screen.text());
    screen.press("ctrl-s");
    let (edit, text) = priced(&screen).expect("its price is asked for");
    let mut faulty = answered(120, 36);
    type_in(&mut faulty, "read_only: [true");
    faulty.press("ctrl-s");
    assert!(priced(&faulty).is_none(), "it is no YAML");
    assert!(matches!(&edit, StructureEdit::Define(_, known) if **known == tool()));
    assert!(text.starts_with("read_only: true\n"), "{text}");
}

#[test]
fn what_is_refused_is_there_to_be_edited_again() {
    let mut screen = answered(80, 24);
    type_in(&mut screen, "idempotent: soon\n");
    screen.press("ctrl-s");
    let refused = HistoryAnswer::Structure(Err("`idempotent` must be true or false".into()));
    screen.send(Message::Answer(refused));
    screen.draw();
    let text = screen.text();
    assert!(
        text.contains("must be true or false") && text.contains("e edit"),
        "{text}"
    );
    screen.press("e");
    let text = screen.text();
    assert!(text.contains("idempotent: soon"), "{text}");
    screen.press("esc esc");
    assert!(screen.model.overlay.is_none());
}

#[test]
fn it_is_written_in_the_users_editor_too() {
    let mut screen = answered(120, 36).keys("ctrl-o");
    let Some(Effect::Terminal(TerminalEffect::Open(_, OutsideFile::Text { name, text }))) =
        screen.effects.last()
    else {
        panic!("no editor: {:?}", screen.effects.last());
    };
    assert_eq!(name, "tool.yaml");
    let changed = text.replace("timeout_s: 20", "timeout_s: 60");
    let back = TerminalEvent::Outside(OutsideEnd::Changed(changed));
    screen.send(Message::Terminal(back));
    screen.draw();
    assert!(matches!(screen.model.overlay, Some(Overlay::Editor(_))));
    screen.press("ctrl-s");
    let (_, text) = priced(&screen).expect("its price is asked for");
    assert!(text.contains("timeout_s: 60"), "{text}");
}

#[test]
fn a_step_without_such_a_tool_says_why() {
    let mut screen = asked(120, 36);
    let step = step(&screen);
    let why = "code_exec is no tool of a catalog";
    let answer = HistoryAnswer::ToolDefinition(step, Err(why.into()));
    screen.send(Message::Answer(answer));
    screen.draw();
    assert!(screen.text().contains(why), "{}", screen.text());
    assert!(screen.model.overlay.is_none());
}
