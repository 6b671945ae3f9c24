//! Editing a step's input and output, pinning, refreshing, forking and explaining, with typed keys.

use crate::common::recording::{Recording, receipt, receipt_failed, receipt_running};
use crate::common::screen::Screen;
use plandeck::plan::StepIx;
use plandeck::run::{
    CallReason, EditWay, EventKind, InputChange, MissReason, Reuse, RunCommand, RunOutcome,
    StepGiven, StepSource,
};
use plandeck::tui::{Effect, Message, Outcome, Overlay, Question, TerminalEffect};
use plandeck::units::{Micros, Money};
use serde_json::json;
use std::sync::Arc;

fn extract() -> StepIx {
    receipt().key("extract").ix
}

/// Types a text into the editor in the place of what stands there.
fn write(screen: &mut Screen, text: &str) {
    let Some(Overlay::Editor(editor)) = &mut screen.model.overlay else {
        panic!("no editor");
    };
    editor.area.select_all();
    editor.area.cut();
    for c in text.chars() {
        screen.press(&match c {
            ' ' => "space".to_owned(),
            '\n' => "enter".to_owned(),
            other => other.to_string(),
        });
    }
}

fn command(screen: &Screen) -> Option<&RunCommand> {
    match screen.effects.last()? {
        Effect::Command(command) => Some(command),
        _ => None,
    }
}

#[test]
fn an_edited_input_is_checked_and_then_sent() {
    let mut screen = Screen::new(120, 36, receipt_running().events())
        .at(1700)
        .keys("g I");
    assert!(matches!(screen.model.overlay, Some(Overlay::Editor(_))));
    let text = screen.text();
    assert!(
        text.contains("input of extract") && text.contains("ctrl-s apply"),
        "{text}"
    );
    // What is typed is text, whatever the keys mean elsewhere.
    write(&mut screen, "{\"q\":\n 1,}");
    screen.press("ctrl-s");
    let text = screen.text();
    assert!(text.contains("line 2, column 4: trailing comma"), "{text}");
    assert!(screen.effects.is_empty());
    screen.press("delete ctrl-s");
    assert!(
        screen.effects.is_empty(),
        "the cursor is at the fault, and the bracket is gone now"
    );
    write(&mut screen, "[1]");
    screen.press("ctrl-s");
    assert!(screen.text().contains("must be an object"));
    write(&mut screen, "{\"q\": 1}");
    screen.press("ctrl-s");
    let given = Some(Arc::new(json!({"q": 1})));
    assert_eq!(
        command(&screen),
        Some(&RunCommand::SetInput(extract(), given))
    );
    assert!(screen.model.overlay.is_none());

    screen.press("I");
    write(&mut screen, "");
    screen.press("ctrl-s");
    assert_eq!(
        command(&screen),
        Some(&RunCommand::SetInput(extract(), None))
    );
    let sent = screen.effects.len();
    screen.press("O");
    write(&mut screen, "\"made up\"");
    screen.press("esc esc");
    assert_eq!(screen.effects.len(), sent);
    assert!(screen.model.overlay.is_none());
    screen.press("O");
    write(&mut screen, "\"made up\"");
    screen.press("ctrl-s");
    let output = Arc::new(json!("made up"));
    assert_eq!(
        command(&screen),
        Some(&RunCommand::SetOutput(extract(), output))
    );
}

#[test]
fn a_step_that_is_being_called_is_not_edited() {
    let mut screen = Screen::new(120, 36, receipt().start().call(&["extract"]).events())
        .at(100)
        .keys("g I");
    assert!(screen.model.overlay.is_none());
    assert!(
        screen
            .text()
            .contains("edit-input needs a selected step that is not being called")
    );
}

#[test]
fn an_output_is_pinned_and_a_step_refreshed() {
    let run = receipt_running();
    let mut screen = Screen::new(120, 36, run.so_far())
        .at(1700)
        .keys("g p ctrl-r");
    let commands = [
        RunCommand::Pin(extract(), true),
        RunCommand::Refresh(extract()),
    ];
    assert_eq!(screen.effects, commands.map(Effect::Command));
    let step = run.key("extract");
    let known = run.so_far().len();
    let run = run.event(EventKind::StepPinned { step, pinned: true });
    screen.send(Message::Events(run.events().split_off(known)));
    assert!(screen.text().contains("pinned: the output of extract"));
    screen.press("1");
    assert!(screen.text().contains("pinned: used for this call"));
    screen.press("p");
    assert_eq!(command(&screen), Some(&RunCommand::Pin(extract(), false)));
}

/// `extract` is served from the cache, `dates` is called because something differs.
fn reused() -> Recording {
    let run = receipt().start();
    let step = run.key("extract");
    let run = run
        .event(EventKind::StepSucceeded {
            step,
            source: StepSource::Cache,
            output: Arc::new(json!({"total": 12})),
            reused: Some(Box::new(Reuse {
                run_id: "0193a5d0-7a51-7000-8000-000000000000".into(),
                age: Micros(10_800_000_000),
                cost: Money::from_usd(0.0002),
                service: Micros(1_240_000),
                pinned: false,
                input: json!({"text": "receipt"}).into(),
            })),
        })
        .ready(&["dates"]);
    let step = run.key("dates");
    let change = InputChange {
        path: "text".into(),
        before: Some("\"a\"".into()),
        after: Some("\"b\"".into()),
        steps: Arc::new(["extract".into()]),
        context: Arc::default(),
    };
    run.event(EventKind::AttemptStarted {
        step,
        attempt: 1,
        slot: 0,
        input: json!({"text": "b"}).into(),
        reserved: Money::ZERO,
        why: Some(Box::new(CallReason {
            rerun: None,
            miss: Some(MissReason::Differs {
                run_id: "0193a5d0-7a51-7000-8000-000000000000".into(),
                age: Micros(10_800_000_000),
                changes: Arc::new([change]),
                parts: Arc::new(["prompt".into()]),
            }),
        })),
        prompt: None,
    })
}

#[test]
fn what_was_saved_and_why_a_step_was_called_is_shown() {
    let mut screen = Screen::new(120, 36, reused().events()).at(500).keys("g 1");
    let text = screen.text();
    assert!(
        text.contains("$0.0002 and 1.24s") && text.contains("3h before, by run 0193a5d0-7a51"),
        "{text}"
    );
    screen.press("2");
    assert!(screen.text().contains("receipt"), "the input is known");
    screen.press("e");
    let text = screen.text();
    assert!(
        text.contains("why extract") && text.contains("a cached output of the same call"),
        "{text}"
    );
    screen.press("esc");
    let dates = reused().key("dates").ix;
    screen.model.select(dates);
    screen.press("e");
    let text = screen.text();
    for words in [
        "input.text changed: \"a\" → \"b\"",
        "upstream extract: output differs",
        "prompt changed",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    insta::assert_snapshot!("explain_120x36", text);
    let mut screen = Screen::new(80, 24, receipt_running().events())
        .at(1700)
        .keys("g I");
    insta::assert_snapshot!("edit_80x24", screen.text());
    // Nothing of it needs room.
    for (columns, rows) in [(1, 1), (3, 2), (20, 4), (40, 10)] {
        for keys in ["g I", "g O", "g e"] {
            Screen::new(columns, rows, reused().events())
                .at(500)
                .keys(keys)
                .text();
        }
    }
}

#[test]
fn a_recorded_run_that_has_ended_is_forked_from_the_selected_step() {
    let mut screen = Screen::new(120, 36, receipt_failed().events()).at(2200);
    screen.model.forkable = true;
    screen.press("g F");
    assert!(screen.text().contains("fork needs"), "it goes on");
    let ended = receipt_failed().end_run(RunOutcome::Failed);
    let mut screen = Screen::new(120, 36, ended.events()).at(2200).keys("g F");
    assert!(screen.model.overlay.is_none(), "it is not on record");
    screen.model.forkable = true;
    screen.press("F");
    assert!(
        matches!(screen.model.overlay, Some(Overlay::Question(asked)) if asked == Question::Fork(extract()))
    );
    assert!(screen.text().contains("fork from here?"));
    screen.press("y");
    assert_eq!(
        screen.effects,
        [Effect::Terminal(TerminalEffect::Leave(Outcome::Fork(
            extract()
        )))]
    );
}

#[test]
fn what_an_edit_made_out_of_date_is_marked_and_the_edit_is_taken_back() {
    let run = receipt_running();
    let extract = run.key("extract");
    let given = StepGiven {
        input: Some(Arc::new(json!({"text": "other"}))),
        ..StepGiven::default()
    };
    let edited = EventKind::StepEdited {
        step: extract.clone(),
        edit: EditWay::Done,
        before: Box::default(),
        after: Box::new(given),
    };
    let items = run.key("items");
    let run = run
        .event(edited)
        .event(EventKind::StepReset { step: extract })
        .event(EventKind::StepReset { step: items });
    let mut screen = Screen::new(120, 36, run.events()).at(1700).keys("g");
    let text = screen.text();
    assert!(text.contains("it was edited, and has not run"), "{text}");
    assert!(text.contains("stale: edited"), "{text}");
    screen.press("L");
    let text = screen.text();
    assert_eq!(
        text.matches(" stale ").count(),
        3,
        "two rows and the page: {text}"
    );

    screen.press("ctrl-u");
    assert_eq!(command(&screen), Some(&RunCommand::Undo));
    let sent = screen.effects.len();
    screen.press("ctrl-y");
    assert_eq!(screen.effects.len(), sent, "no edit was taken back");
}
