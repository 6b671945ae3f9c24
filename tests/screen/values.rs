//! Values that are filtered with jq, and lists that are shown as tables.

use crate::common::recording::Recording;
use crate::common::screen::Screen;
use plandeck::tui::{Effect, HistoryAnswer, HistoryQuery, Message, TerminalEffect};
use serde_json::{Value, json};
use std::sync::Arc;

/// A step with a list of like objects in its output.
fn fleet(columns: u16, rows: u16) -> Screen {
    let ships: Vec<Value> = (0..5_000)
        .map(|at| {
            let flag = ["FI", "SE", "EE"][at % 3];
            let cargo = if at % 4 == 0 {
                Value::Null
            } else {
                json!({"t": at})
            };
            json!({
                "imo": 9_000_000 + at,
                "name": format!("Ship {at}"),
                "flag": flag,
                "draught": 2.5 + f64::from(u8::try_from(at % 7).unwrap()),
                "cargo": cargo,
                "ports": vec!["Turku"; at % 3],
            })
        })
        .collect();
    let run = Recording::new("fleet")
        .step("list", "read_register", "process", &[])
        .start()
        .wait(2)
        .call(&["list"])
        .wait(10)
        .succeed_with("list", json!({"year": 1931, "ships": ships}));
    Screen::new(columns, rows, run.events()).at(1_000)
}

fn type_in(screen: &mut Screen, text: &str) {
    for letter in text.chars() {
        let key = if letter == ' ' {
            "space".to_owned()
        } else {
            letter.to_string()
        };
        screen.press(&key);
    }
}

/// The filters that were asked for, with their numbers.
fn asked(screen: &Screen) -> Vec<(u64, String)> {
    let effects = screen.effects.iter();
    effects
        .filter_map(|effect| match effect {
            Effect::Ask(HistoryQuery::Filter { number, filter, .. }) => {
                Some((*number, filter.clone()))
            }
            _ => None,
        })
        .collect()
}

fn answer(screen: &mut Screen, number: u64, answer: Result<Value, &str>) {
    let answer = answer.map(Arc::new).map_err(Arc::from);
    screen.send(Message::Answer(HistoryAnswer::Filtered(number, answer)));
}

fn copied(screen: &Screen) -> Option<String> {
    let effects = screen.effects.iter().rev();
    let mut copies = effects.filter_map(|effect| match effect {
        Effect::Terminal(TerminalEffect::Copy(text)) => Some(text.clone()),
        _ => None,
    });
    copies.next()
}

#[test]
fn a_list_of_like_objects_is_a_table() {
    for (columns, rows) in [(80, 24), (120, 36), (200, 60)] {
        let mut screen = fleet(columns, rows).keys("enter 3 t down");
        insta::assert_snapshot!(format!("table_of_list_{columns}x{rows}"), screen.text());
    }
    let mut screen = fleet(120, 36).keys("enter 3 t right right pagedown");
    assert!(!screen.text().contains("Ship 1"), "{}", screen.text());
    screen.press("g G");
    assert!(screen.text().contains("9004999") || screen.text().contains("of 5000"));
    screen.press("left left / S h i p space 4 0 0 0 enter y");
    let row: Value = serde_json::from_str(&copied(&screen).unwrap()).unwrap();
    assert_eq!(row["name"], "Ship 4000");
    screen.press("esc");
    screen.press("enter");
    let text = screen.text();
    assert!(
        text.contains("\"Ship 4000\"") && text.contains("▾ 4000"),
        "{text}"
    );
    // What is selected in the tree is what the table begins with; `t` goes to and fro.
    screen.press("t t");
    assert!(screen.text().contains("▾ 4000"), "{}", screen.text());
}

#[test]
fn what_is_no_list_of_like_objects_says_so() {
    let run = Recording::new("odd")
        .step("list", "read_register", "process", &[])
        .start()
        .wait(2)
        .call(&["list"])
        .wait(10)
        .succeed_with("list", json!({"mixed": [1, {"a": 2}], "empty": []}));
    let mut screen = Screen::new(100, 30, run.events())
        .at(1_000)
        .keys("enter 3 t");
    assert!(
        screen.text().contains("no list of like objects"),
        "{}",
        screen.text()
    );
}

#[test]
fn a_filter_is_asked_once_at_a_time_and_shown() {
    let mut screen = fleet(120, 36).keys("enter 3 .");
    type_in(&mut screen, ".year");
    // The first letter is on its way; the rest is asked when it is answered.
    assert_eq!(asked(&screen), [(1, ".".to_owned())]);
    answer(&mut screen, 1, Ok(json!({"year": 1931, "ships": []})));
    assert_eq!(asked(&screen).last(), Some(&(2, ".year".to_owned())));
    answer(&mut screen, 2, Ok(json!(1931)));
    screen.press("enter");
    assert!(screen.text().contains("1931"), "{}", screen.text());
    assert!(!screen.text().contains("Ship"), "{}", screen.text());
    screen.press("y");
    assert_eq!(copied(&screen).as_deref(), Some("1931"));
    screen.press("Y");
    assert!(
        screen.text().contains("a reference cannot name"),
        "{}",
        screen.text()
    );
    // Esc shows the whole value again, before it leaves the inspector.
    screen.press("esc");
    assert!(screen.text().contains("ships"), "{}", screen.text());
}

#[test]
fn a_fault_stays_in_the_line_and_leaves_what_is_shown() {
    for (columns, rows) in [(80, 24), (120, 36), (200, 60)] {
        let mut screen = fleet(columns, rows).keys("enter 3 .");
        screen.press(".");
        answer(&mut screen, 1, Ok(json!({"ships": [{"name": "Aura"}]})));
        type_in(&mut screen, "ships | keyz");
        answer(
            &mut screen,
            2,
            Err("undefined function keyz/0 at line 1, column 10"),
        );
        insta::assert_snapshot!(format!("filter_fault_{columns}x{rows}"), screen.text());
        assert!(screen.text().contains("Aura"), "{}", screen.text());
        screen.press("enter");
        assert!(
            screen.text().contains("undefined function"),
            "{}",
            screen.text()
        );
    }
}

#[test]
fn another_page_has_no_filter() {
    let mut screen = fleet(120, 36).keys("enter 3 .");
    screen.press(".");
    answer(&mut screen, 1, Ok(json!("FILTERED")));
    screen.press("enter");
    assert!(screen.text().contains("FILTERED"));
    screen.press("2");
    assert!(!screen.text().contains("FILTERED"));
    screen.press("3");
    assert!(screen.text().contains("FILTERED"), "it is there again");
    screen.press(".");
    screen.press("ctrl-u enter");
    assert!(!screen.text().contains("FILTERED"), "an empty line ends it");
}
