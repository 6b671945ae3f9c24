//! Finding, copying and taking out what the inspector shows.

use crate::common::recording::{Recording, receipt_failed};
use crate::common::screen::Screen;
use plandeck::tui::{
    Effect, Message, OutsideEnd, OutsideFile, OutsideProgram, TerminalEffect, TerminalEvent,
};
use serde_json::{Value, json};

fn terminal_effects(screen: &Screen) -> Vec<&TerminalEffect> {
    let effects = screen.effects.iter();
    effects
        .filter_map(|effect| match effect {
            Effect::Terminal(effect) => Some(effect),
            _ => None,
        })
        .collect()
}

fn copied(screen: &Screen) -> Vec<String> {
    let effects = terminal_effects(screen).into_iter();
    effects
        .filter_map(|effect| match effect {
            TerminalEffect::Copy(text) => Some(text.clone()),
            _ => None,
        })
        .collect()
}

/// A step with a long list as its output.
fn census(columns: u16, rows: u16) -> Screen {
    let people: Vec<Value> = (0..5_000)
        .map(|at| json!({"no": at, "name": format!("resident {at}"), "home town": "Oulu"}))
        .collect();
    let run = Recording::new("census")
        .step("count", "read_register", "process", &[])
        .start()
        .wait(2)
        .call(&["count"])
        .wait(10)
        .succeed_with("count", json!({"people": people, "year": 1880}));
    Screen::new(columns, rows, run.events()).at(1_000)
}

#[test]
fn a_long_list_is_seen_in_windows() {
    let mut screen = census(120, 36).keys("enter 3 enter");
    insta::assert_snapshot!("tree_windows", screen.text());
}

#[test]
fn any_element_of_a_long_list_is_found_and_copied() {
    let mut screen = census(80, 24).keys("enter 3 /");
    screen.press("r e s i d e n t space 4 0 0 0 enter");
    assert!(
        screen.text().contains("\"resident 4000\""),
        "{}",
        screen.text()
    );
    screen.press("y Y down Y");
    let expected = [
        "resident 4000",
        "{{steps[count].output.people[4000].name}}",
        "{{steps[count].output.people[4000][\"home town\"]}}",
    ];
    assert_eq!(copied(&screen), expected);
    screen.press("n");
    assert!(
        screen.text().contains("\"resident 4000\""),
        "it is found again, around the end"
    );
    screen.press("esc");
    assert_eq!(
        screen.model.focus,
        plandeck::tui::Focus::Inspector,
        "esc ends the search first"
    );
    screen.press("/ x y z enter");
    assert!(
        screen.text().contains("“xyz” is not on this page"),
        "{}",
        screen.text()
    );
}

#[test]
fn words_are_found_on_pages_of_text() {
    let run = (0..90).fold(
        Recording::new("survey")
            .step("walk", "measure", "process", &[])
            .start()
            .wait(2)
            .call(&["walk"]),
        |run, at| {
            let word = if at % 30 == 7 { "Puddle" } else { "path" };
            run.log("walk", &format!("{word} at {at} m"))
        },
    );
    let mut screen = Screen::new(100, 30, run.events())
        .at(500)
        .keys("enter 5 g / p u d d l e enter");
    for at in [7, 37, 67, 7] {
        assert!(
            screen.text().contains(&format!("Puddle at {at} m")),
            "{at}: {}",
            screen.text()
        );
        screen.press("n");
    }
    screen.press("N");
    assert!(screen.text().contains("Puddle at 7 m"), "{}", screen.text());
    let marked = |screen: &mut Screen| {
        let style = ratatui::style::Modifier::REVERSED;
        let cells = screen.buffer().content.iter();
        cells
            .filter(|cell| cell.modifier.contains(style) && cell.symbol() == "P")
            .count()
    };
    assert_eq!(marked(&mut screen), 1);
    screen.press("esc");
    assert_eq!(marked(&mut screen), 0);
    // On the graph the same keys look for steps and failures.
    screen.press("esc /");
    assert!(screen.text().contains("walk"), "{}", screen.text());
}

#[test]
fn a_page_goes_out_whole() {
    let mut screen = census(80, 24).keys("enter 3 E | W");
    let effects = terminal_effects(&screen);
    let TerminalEffect::Open(OutsideProgram::Editor, OutsideFile::Text { name, text }) = effects[0]
    else {
        panic!("{effects:?}");
    };
    assert_eq!(name, "count-output.json");
    let whole: Value = serde_json::from_str(text).unwrap();
    assert_eq!(whole["people"][4_999]["name"], "resident 4999");
    assert!(matches!(
        effects[1],
        TerminalEffect::Open(OutsideProgram::Pager, _)
    ));
    let TerminalEffect::Save(name, saved) = effects[2] else {
        panic!("{effects:?}");
    };
    assert_eq!((name.as_str(), saved), ("count-output.json", text));
    screen.send(Message::Terminal(TerminalEvent::Outside(
        OutsideEnd::Failed("there is no editor ed: set EDITOR to one that is installed".into()),
    )));
    assert!(screen.text().contains("set EDITOR"), "{}", screen.text());
    // A page cannot be changed; what was written is kept all the same.
    screen.send(Message::Terminal(TerminalEvent::Outside(
        OutsideEnd::Changed("mine".into()),
    )));
    let kept = TerminalEffect::Save("count-output.json".into(), "mine".into());
    assert_eq!(*terminal_effects(&screen)[3], kept);
}

#[test]
fn a_value_is_edited_outside() {
    // This one is too large to be edited in the dashboard, which says so.
    let mut screen = census(100, 30).keys("O");
    assert!(screen.text().contains("too large"), "{}", screen.text());
    let mut screen = Screen::new(100, 30, receipt_failed().events())
        .at(2_200)
        .keys("g O ctrl-o");
    screen.send(Message::Terminal(TerminalEvent::Outside(
        OutsideEnd::Changed("{\"total\": 7}".into()),
    )));
    assert!(
        screen.text().contains("{\"total\": 7}"),
        "{}",
        screen.text()
    );
    screen.press("ctrl-s");
    let set = screen.effects.iter().any(|effect| {
        matches!(effect, Effect::Command(plandeck::run::RunCommand::SetOutput(_, value)) if value["total"] == 7)
    });
    assert!(set, "{:?}", screen.effects);
}

#[test]
fn a_page_without_frames_is_left_by_any_key() {
    let mut screen = census(80, 24).keys("enter 3 Z");
    let text = screen.text();
    assert!(
        text.contains("\"people\": [") && !text.contains('│') && !text.contains("output  prompt"),
        "{text}"
    );
    screen.press("down pagedown");
    assert!(
        !screen.text().contains('│'),
        "it scrolls: {}",
        screen.text()
    );
    screen.press("x");
    assert!(screen.text().contains('│'), "{}", screen.text());
    let mouse: Vec<&TerminalEffect> = terminal_effects(&screen);
    assert_eq!(
        mouse,
        [&TerminalEffect::Mouse(false), &TerminalEffect::Mouse(true)]
    );
}

#[test]
fn on_the_graph_the_id_is_copied() {
    let screen = Screen::new(120, 36, receipt_failed().events())
        .at(2_200)
        .keys("n y Y");
    assert_eq!(copied(&screen), ["validate", "{{steps[validate].output}}"]);
}

#[test]
fn a_tree_is_folded_by_levels() {
    let mut screen = Screen::new(120, 36, receipt_failed().events())
        .at(2_200)
        .keys("g enter 3 _ _ _");
    let folded = screen.text();
    assert!(folded.contains("▸ items  [{name: \"Milk\""), "{folded}");
    screen.press("* *");
    let open = screen.text();
    assert!(
        open.contains("▾ items  2 elements") && open.contains("name  \"Milk\""),
        "{open}"
    );
}
