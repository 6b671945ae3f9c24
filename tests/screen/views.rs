//! The views of a run beside the graph: whole screens, from lists of events, typed keys and the mouse.

use crate::common::program::HANG;
use crate::common::recording::{Recording, receipt, receipt_failed, receipt_running};
use crate::common::screen::Screen;
use crossterm::event::{MouseButton, MouseEventKind};
use plandeck::run::{RunOutcome, WaitReason};
use plandeck::tui::{Focus, Message, Overlay, TerminalEvent, Theme, View, theme_named};
use plandeck::units::Micros;

const SIZES: [(u16, u16); 4] = [(40, 10), (80, 24), (120, 36), (200, 60)];

/// A run with waits, attempts, elements, a pause and a failure, still running.
fn eventful() -> Recording {
    receipt_running()
        .stumble("validate", "connection reset by peer", 400)
        .succeed(&["dates"])
        .pause()
        .wait(300)
        .succeed(&["categorize"])
        .wait(200)
        .resume()
        .call(&["validate"])
        .wait(130)
        .succeed(&["validate"])
        .ready(&["archive", "stats"])
        .holds("archive", WaitReason::Rate)
        .expand("archive", 3)
        .ready(&["archive[0]", "archive[1]", "archive[2]"])
        .call(&["archive[0]", "archive[1]"])
        .wait(80)
        .fail("archive[1]", "507 no room")
        .call(&["stats"])
        .wait(40)
        .succeed(&["archive[0]", "stats"])
        .ready(&["advice"])
        .holds("advice", WaitReason::Budget)
}

fn id(screen: &Screen) -> String {
    screen
        .model
        .row()
        .map_or_else(String::new, |row| row.info.id.to_string())
}

#[test]
fn every_view_at_every_size() {
    for (name, keys) in [
        ("timeline", "T t"),
        ("timeline_steps", "T"),
        ("table", "L"),
        ("cost", "$"),
        ("cost_models", "$ t t"),
    ] {
        for (columns, rows) in SIZES {
            let screen = Screen::new(columns, rows, eventful().events());
            let mut screen = screen.at(2_900).keys(keys);
            insta::assert_snapshot!(format!("{name}_{columns}x{rows}"), screen.text());
        }
    }
}

#[test]
fn themes_only_change_colours_and_ascii_is_ascii() {
    for keys in ["T", "T t", "L", "$"] {
        let screen = || {
            Screen::new(120, 36, eventful().events())
                .at(2_900)
                .keys(keys)
        };
        let plain = screen().text();
        for name in plandeck::tui::theme_names() {
            let mut themed = screen();
            themed.model.theme = theme_named(name).unwrap();
            assert_eq!(themed.text(), plain, "{keys} {name}");
        }
        let mut ascii = screen();
        ascii.model.theme = Theme::default().in_ascii();
        let text = ascii.text();
        assert!(text.is_ascii(), "{text}");
        assert!(!text.contains('?') || text.contains("? help"), "{text}");
        insta::assert_snapshot!(
            format!("ascii_{}", keys.replace(' ', "").replace('$', "cost")),
            text
        );
    }
}

#[test]
fn the_key_of_a_view_shows_it_and_again_goes_back() {
    let mut screen = Screen::new(120, 36, receipt_running().events()).at(1_700);
    for (key, view) in [("T", View::Timeline), ("L", View::Table), ("$", View::Cost)] {
        screen.press(key);
        assert_eq!(screen.model.view, view);
        screen.press(key);
        assert_eq!(screen.model.view, View::Graph);
    }
    screen.press("T D");
    assert_eq!(screen.model.view, View::Graph);
    // From within the inspector the view gets the keys.
    screen.press("enter L");
    assert_eq!(
        (screen.model.view, screen.model.focus),
        (View::Table, Focus::Graph)
    );
}

#[test]
fn the_selection_is_the_same_in_every_view() {
    let mut screen = Screen::new(120, 36, receipt_failed().events())
        .at(2_200)
        .keys("n");
    assert_eq!(id(&screen), "validate");
    for key in ["T", "L", "$", "D"] {
        screen.press(key);
        assert_eq!(id(&screen), "validate");
        assert!(screen.text().contains("✖ validate"), "{}", screen.text());
    }
    screen.press("L G");
    assert_eq!(id(&screen), "summary");
    screen.press("k");
    assert_eq!(id(&screen), "advice");
    screen.press("T");
    assert_eq!(id(&screen), "advice");
    screen.press("left g");
    assert_eq!(id(&screen), "extract");
    // The step that cost most: the model calls cost alike, and the first of them stands first.
    screen.press("$ j");
    assert_eq!(id(&screen), "items");
}

/// The cell where a text is drawn first.
fn find(screen: &mut Screen, what: &str) -> (u16, u16) {
    let text = screen.text();
    text.lines()
        .enumerate()
        .find_map(|(row, line)| {
            let before = line.split_once(what)?.0;
            Some((before.chars().count() as u16 - 1, row as u16))
        })
        .unwrap_or_else(|| panic!("no {what:?}:\n{text}"))
}

#[test]
fn the_mouse_turns_views_selects_sorts_and_scrolls() {
    let click = MouseEventKind::Down(MouseButton::Left);
    let mut screen = Screen::new(120, 36, receipt_failed().events()).at(2_200);
    let at = find(&mut screen, "timeline");
    screen.mouse(click, at);
    assert_eq!(screen.model.view, View::Timeline);
    let at = find(&mut screen, "█categorize");
    screen.mouse(click, (at.0 + 3, at.1));
    assert_eq!(id(&screen), "categorize");
    let at = find(&mut screen, "table");
    screen.mouse(click, at);
    let at = find(&mut screen, "time ");
    screen.mouse(click, at);
    let at = find(&mut screen, "✔ dates");
    assert_eq!(at.1, 6, "the second longest:\n{}", screen.text());
    screen.mouse(click, at);
    assert_eq!(id(&screen), "dates");
    let mut small = Screen::new(80, 9, receipt_failed().events())
        .at(2_200)
        .keys("L");
    let before = small.text();
    small.mouse(MouseEventKind::ScrollDown, (10, 5));
    assert_ne!(small.text(), before);
    small.mouse(MouseEventKind::ScrollUp, (10, 5));
    assert_eq!(small.text(), before);
}

#[test]
fn a_filter_is_typed_kept_and_dropped() {
    let mut screen = Screen::new(120, 36, receipt_failed().events()).at(2_200);
    screen.press("&");
    assert!(
        screen.model.overlay.is_none(),
        "the key belongs to the table"
    );
    assert!(screen.text().contains("filter needs the table"));
    screen.press("L & i s : f a i l");
    assert!(matches!(screen.model.overlay, Some(Overlay::Filter)));
    let text = screen.text();
    assert!(
        text.contains("filter is:fail") && text.contains("1 of 9 steps"),
        "{text}"
    );
    assert!(
        text.contains("enter keep") && text.contains("esc show all"),
        "{text}"
    );
    screen.press("enter j");
    assert_eq!(id(&screen), "validate");
    screen.press("& esc");
    assert!(screen.model.overlay.is_none());
    assert!(!screen.text().contains("filter is"), "{}", screen.text());
}

#[test]
fn a_paste_filters() {
    let mut screen = Screen::new(120, 36, receipt_failed().events()).at(2_200);
    screen.press("L &");
    screen.send(Message::Terminal(TerminalEvent::Paste(
        "is:fail".to_owned(),
    )));
    let text = screen.text();
    assert!(
        text.contains("filter is:fail") && text.contains("1 of 9 steps"),
        "{text}"
    );
}

#[test]
fn the_timeline_follows_what_happens_where_it_is_zoomed_in() {
    let mut screen = Screen::new(120, 36, receipt_running().events())
        .at(1_700)
        .keys("T + + +");
    screen.send(Message::Tick(Micros(4_000_000)));
    let text = screen.text();
    assert!(text.contains("following"), "{text}");
    assert!(
        text.contains("categorize 3.1") || text.contains("categorize"),
        "{text}"
    );
    let axis = text.lines().nth(4).unwrap_or_default();
    assert!(
        axis.contains("4.0") || axis.contains("3.9"),
        "now is in view: {axis}"
    );
}

#[test]
fn a_view_that_stands_still_needs_no_timer() {
    for key in ["T", "L", "$"] {
        let run = receipt_failed().end_run(RunOutcome::Failed);
        let mut screen = Screen::new(80, 24, run.events()).at(60_000).keys(key);
        screen.draw();
        screen.model.dirty = false;
        screen.send(Message::Tick(Micros(70_000_000)));
        assert_eq!(screen.model.wake_in(), None, "{key}");
        assert!(!screen.model.dirty, "{key}");
    }
}

#[test]
fn ten_thousand_attempts_are_operable() {
    let mut run = Recording::new("large");
    for at in 0..10_000 {
        run = run.step_at(&format!("s{at}"), "tool", "jq", &[]);
    }
    let mut screen = Screen::new(200, 60, run.start().events());
    let started = std::time::Instant::now();
    for keys in ["T j l + + . , - 0 t j", "L j . . ! G g", "$ j t j t"] {
        screen.press(keys);
    }
    assert!(started.elapsed() < HANG, "{:?}", started.elapsed());
    assert!(receipt().events().is_empty());
}

#[test]
fn the_time_of_a_pause_is_no_wait() {
    let run = Recording::new("ferry")
        .step("load", "crane", "process", &[])
        .step("sail", "ship", "process", &["load"])
        .start()
        .call(&["load"])
        .wait(200)
        .pause()
        .wait(100)
        .succeed(&["load"])
        .ready(&["sail"])
        .wait(7_000)
        .resume()
        .wait(30)
        .call(&["sail"])
        .wait(50)
        .succeed(&["sail"])
        .end_run(RunOutcome::Succeeded);
    let mut screen = Screen::new(160, 30, run.events()).at(9_000).keys("L");
    let text = screen.text();
    let line = text.lines().find(|line| line.contains("ship")).unwrap();
    assert!(line.contains("30ms"), "{line}");
    assert!(!line.contains("7.0"), "{line}");

    // One that still waits does not wait longer for the pause either.
    let run = Recording::new("ferry")
        .step("sail", "ship", "process", &[])
        .start()
        .wait(40)
        .pause()
        .wait(5_000);
    let mut screen = Screen::new(160, 30, run.events()).at(6_000).keys("L");
    let text = screen.text();
    let line = text.lines().find(|line| line.contains("ship")).unwrap();
    assert!(line.contains("40ms"), "{line}");
}

#[test]
fn a_step_that_cannot_cost_is_free() {
    let run = Recording::new("mixed")
        .header(|header| header.priced = true)
        .step("count", "wc", "process", &[])
        .step("ask", "oracle", "model", &[])
        .priced()
        .start()
        .call(&["count", "ask"])
        .wait(100)
        .succeed(&["count", "ask"]);
    let events = run.events();
    for (keys, tool) in [("L", "wc"), ("$", "count"), ("$ t", "wc"), ("", "cost  ")] {
        let mut screen = Screen::new(160, 45, events.clone()).at(200).keys(keys);
        let text = screen.text();
        let line = text
            .lines()
            .find(|line| line.contains(tool) && line.contains("free"));
        assert!(line.is_some(), "{keys}: {text}");
        assert!(!text.contains("$0.0000"), "{keys}: {text}");
    }
}
