//! Watch expressions: typed, answered outside of the screen, and shown below the header.

use crate::common::recording::receipt;
use crate::common::screen::Screen;
use plandeck::tui::{Effect, HistoryAnswer, HistoryQuery, Message};
use serde_json::json;
use std::sync::Arc;

/// The number and the expressions of the last question.
fn asked(screen: &Screen) -> (u64, Vec<String>) {
    let mut effects = screen.effects.iter().rev();
    let asked = effects.find_map(|effect| match effect {
        Effect::Ask(HistoryQuery::Watch {
            number, filters, ..
        }) => Some((*number, filters.clone())),
        _ => None,
    });
    asked.expect("it asks what they come to")
}

#[test]
fn expressions_are_typed_and_their_values_are_seen() {
    for (columns, rows) in [(80, 24), (120, 36), (200, 60)] {
        let mut screen = Screen::new(columns, rows, receipt().start().events()).at(200);
        let before = screen.text();
        screen.press("X");
        for letter in ".run.cost".chars() {
            screen.press(&letter.to_string());
        }
        assert!(screen.text().contains("jq over the run"));
        screen.press("enter X");
        for letter in ".qux".chars() {
            screen.press(&letter.to_string());
        }
        screen.press("enter");
        let (number, filters) = asked(&screen);
        assert_eq!(filters, [".run.cost", ".qux"], "q is a letter here");
        let values = vec![Ok(Arc::new(json!(0.25))), Err("there is no qux".into())];
        screen.send(Message::Answer(HistoryAnswer::Watched(number, values)));
        let text = screen.text();
        assert!(text.contains(".run.cost  0.25"), "{text}");
        assert!(text.contains("there is no qux"), "{text}");
        assert_eq!(text.lines().count(), before.lines().count());

        // Esc drops what was typed; an expression is removed by its key.
        screen.press("X z esc X up ctrl-d enter");
        let text = screen.text();
        assert!(
            !text.contains("qux") && text.contains(".run.cost"),
            "{text}"
        );
    }
}
