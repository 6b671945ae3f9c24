//! A step whose answer is arriving.

use crate::common::recording::Recording;
use crate::common::screen::Screen;
use plandeck::plan::StepIx;
use plandeck::run::{EventKind, LiveAnswer, LiveAnswers};
use plandeck::tui::Message;
use plandeck::units::{Micros, Money};
use serde_json::json;

const PROMPT: &str =
    "[system]\nYou carry out the tool \"write_summary\".\n\n[user]\n{\"text\":\"Tea 4.50\"}";

/// A model step that can start.
fn ready() -> Recording {
    Recording::new("notes")
        .step("read", "read_note", "jq", &[])
        .step("summary", "write_summary", "model", &["read"])
        .start()
        .wait(2)
        .call(&["read"])
        .wait(300)
        .succeed(&["read"])
        .ready(&["summary"])
}

/// The same step with a call that is running.
fn running() -> Recording {
    let run = ready();
    let step = run.key("summary");
    run.event(EventKind::AttemptStarted {
        step,
        attempt: 1,
        slot: 0,
        input: json!({"text": "Tea 4.50"}).into(),
        reserved: Money::from_usd(0.002),
        why: None,
        prompt: Some(PROMPT.into()),
    })
}

fn answer(parts: &[(u64, &str, &str)]) -> LiveAnswers {
    let mut answer = LiveAnswer {
        attempt: 1,
        request: 1,
        ..LiveAnswer::default()
    };
    for (ms, text, reasoning) in parts {
        answer.push(Micros(ms * 1_000), text, reasoning);
    }
    LiveAnswers::from([(StepIx(1), answer)])
}

#[test]
fn an_answer_grows_in_the_inspector_and_on_its_node() {
    for (columns, rows) in [(80, 24), (120, 36)] {
        for (page, keys) in [("overview", "j"), ("prompt", "j enter tab tab tab")] {
            let mut screen = Screen::new(columns, rows, running().events())
                .at(2_302)
                .keys(keys);
            screen.send(Message::Live(answer(&[(
                702,
                "",
                "The note has one line, with a price.",
            )])));
            screen.send(Message::Live(answer(&[
                (1_302, "The note lists a cup of tea ", ""),
                (2_202, "for 4.50.\nNothing else was bought, ", ""),
            ])));
            let name = format!("streaming_{page}_{columns}x{rows}");
            insta::assert_snapshot!(name, screen.text());
        }
    }
}

#[test]
fn the_prompt_is_shown_before_anything_has_arrived_and_thoughts_stand_apart() {
    let mut screen = Screen::new(120, 36, running().events())
        .at(400)
        .keys("j enter tab tab tab");
    let text = screen.text();
    assert!(
        text.contains("write_summary") && text.contains("Tea 4.50"),
        "{text}"
    );
    assert!(text.contains("$0.0020 reserved"), "{text}");
    screen.send(Message::Live(answer(&[(
        500,
        "<think>Hm.</think>Tea.",
        "",
    )])));
    let text = screen.text();
    assert!(text.contains("Reasoning") && text.contains("Hm."), "{text}");
    assert!(text.contains("Answer") && text.contains("Tea."), "{text}");
    assert!(!text.contains("<think>"), "{text}");
}

#[test]
fn an_answer_of_an_attempt_that_ended_is_that_of_its_event() {
    let calling = || ready().call(&["summary"]);
    let mut screen = Screen::new(120, 36, calling().events()).at(900).keys("j");
    screen.send(Message::Live(answer(&[
        (600, "half of ", ""),
        (700, "it", ""),
    ])));
    assert!(screen.text().contains("tok/s"));
    let ended = calling().wait(900).succeed(&["summary"]).events();
    let seen = calling().events().len();
    screen.send(Message::Events(ended[seen..].to_vec()));
    // What comes late changes nothing.
    screen.send(Message::Live(answer(&[(700, "late", "")])));
    let text = screen.text();
    assert!(!text.contains("tok/s") && !text.contains("late"), "{text}");
    assert!(screen.model.live.is_empty());
}
