//! How the panes share the screen: the waterfall below the graph, borders that move, and presentations.

use crate::common::recording::{Recording, receipt_failed};
use crate::common::screen::Screen;
use crossterm::event::{MouseButton, MouseEventKind};
use plandeck::tui::{Level, View};

const PRESS: MouseEventKind = MouseEventKind::Down(MouseButton::Left);
const DRAG: MouseEventKind = MouseEventKind::Drag(MouseButton::Left);
const RELEASE: MouseEventKind = MouseEventKind::Up(MouseButton::Left);

/// A short run with one step after another.
fn chain() -> Recording {
    Recording::new("chain")
        .step("dig", "work", "process", &[])
        .step("plant", "work", "process", &["dig"])
        .step("water", "work", "process", &["plant"])
        .start()
        .ready(&["dig"])
        .call(&["dig"])
        .wait(900)
        .succeed(&["dig"])
        .ready(&["plant"])
        .call(&["plant"])
        .wait(400)
}

fn screen(columns: u16, rows: u16) -> Screen {
    Screen::new(columns, rows, chain().events()).at(1_300)
}

/// The row of the screen where this stands, and its column there.
fn place(screen: &mut Screen, what: &str) -> Option<(u16, u16)> {
    let text = screen.text();
    text.lines().enumerate().find_map(|(row, line)| {
        let before = line.split_once(what)?.0;
        Some((before.chars().count() as u16 - 1, row as u16))
    })
}

/// Where the inspector begins: after the two corners side by side in the last line of the panes.
fn divider(screen: &mut Screen) -> u16 {
    place(screen, "╯╰").expect("two panes side by side").0
}

#[test]
fn the_waterfall_stands_below_a_graph_that_leaves_room() {
    for (columns, rows) in [(120, 36), (200, 60)] {
        let mut screen = screen(columns, rows);
        let text = screen.text();
        let at = place(&mut screen, "waterfall").unwrap_or_else(|| panic!("{text}"));
        assert!(at.1 > rows / 2, "{text}");
        let below: Vec<&str> = text.lines().skip(at.1.into()).collect();
        for id in ["dig", "plant", "water"] {
            assert!(below.iter().any(|line| line.contains(id)), "{id}:\n{text}");
        }
        // The graph above is whole: every step has its box.
        let above: Vec<&str> = text.lines().take(at.1.into()).collect();
        for id in ["dig", "plant", "water"] {
            let boxed = above
                .iter()
                .any(|line| line.contains(&format!("{id} ═")) || line.contains(&format!("{id} ─")));
            assert!(boxed, "{id}:\n{text}");
        }
    }
    let mut low = screen(100, 14);
    assert_eq!(place(&mut low, "waterfall"), None, "{}", low.text());
}

#[test]
fn a_graph_that_needs_the_room_keeps_it() {
    let mut run = Recording::new("wide").step("s00", "work", "process", &[]);
    for at in 1..40 {
        let (id, before) = (format!("s{at:02}"), format!("s{:02}", at - 1));
        run = run.step(&id, "work", "process", &[&before]);
    }
    let mut screen = Screen::new(120, 36, run.start().events());
    assert_eq!(place(&mut screen, "waterfall"), None, "{}", screen.text());
    // It is there where the user wants it.
    screen.press("W");
    assert!(
        place(&mut screen, "waterfall").is_some(),
        "{}",
        screen.text()
    );
}

#[test]
fn keys_and_the_mouse_make_the_waterfall_higher_and_hide_it() {
    let mut screen = screen(120, 36);
    let before = place(&mut screen, "waterfall").unwrap();
    screen.press("ctrl-up");
    let higher = place(&mut screen, "waterfall").unwrap();
    assert_eq!(higher.1, before.1 - 2);
    screen.press("ctrl-down");
    assert_eq!(place(&mut screen, "waterfall"), Some(before));
    screen.mouse(PRESS, before);
    screen.mouse(DRAG, (before.0, before.1 - 5));
    screen.mouse(RELEASE, (before.0, before.1 - 5));
    assert_eq!(place(&mut screen, "waterfall").unwrap().1, before.1 - 5);
    screen.press("W");
    assert_eq!(place(&mut screen, "waterfall"), None);
    screen.press("W");
    assert!(place(&mut screen, "waterfall").is_some());
}

#[test]
fn a_bar_of_the_waterfall_selects_its_step() {
    let mut screen = screen(120, 36);
    let (_, top) = place(&mut screen, "waterfall").unwrap();
    let text = screen.text();
    let row = text
        .lines()
        .enumerate()
        .skip(top.into())
        .find(|(_, line)| line.contains("dig"))
        .unwrap()
        .0;
    screen.mouse(PRESS, (3, row as u16));
    let selected = screen.model.row().map(|row| row.info.id.to_string());
    assert_eq!(selected.as_deref(), Some("dig"));
}

#[test]
fn the_border_between_the_panes_moves() {
    let mut screen = screen(120, 36);
    let before = divider(&mut screen);
    screen.press("m");
    assert_eq!(divider(&mut screen), before - 4);
    screen.press("M M");
    assert_eq!(divider(&mut screen), before + 4);
    screen.press("ctrl-left");
    assert_eq!(divider(&mut screen), before);
    screen.mouse(PRESS, (before, 10));
    screen.mouse(DRAG, (before - 20, 12));
    screen.mouse(RELEASE, (before - 20, 12));
    let moved = divider(&mut screen);
    assert!(
        (before - 21..=before - 19).contains(&moved),
        "{moved}, was {before}"
    );
    // However far it is moved, both panes stay, and the way back is short.
    for _ in 0..60 {
        screen.press("m");
    }
    let least = divider(&mut screen);
    assert!(least >= 20, "{least}");
    screen.press("M");
    assert_eq!(divider(&mut screen), least + 4);
}

#[test]
fn the_inspector_stands_below_on_a_screen_that_is_higher_than_wide() {
    let mut screen = screen(84, 50);
    let below = place(&mut screen, "overview").unwrap();
    assert!(below.1 > 25, "{}", screen.text());
    screen.press("m");
    assert_eq!(place(&mut screen, "overview").unwrap().1, below.1 - 4);
    // Its border is dragged where it has no name.
    let border = below.1 - 5;
    screen.mouse(PRESS, (60, border));
    screen.mouse(DRAG, (60, border + 6));
    screen.mouse(RELEASE, (60, border + 6));
    assert_eq!(place(&mut screen, "overview").unwrap().1, below.1 + 2);
}

#[test]
fn elements_stand_in_the_line_of_their_step() {
    let run = Recording::new("letters")
        .step("list", "work", "process", &[])
        .step("send", "work", "process", &["list"])
        .step("sum", "work", "process", &["send"])
        .start()
        .ready(&["list"])
        .call(&["list"])
        .wait(200)
        .succeed(&["list"])
        .expand("send", 3)
        .call(&["send[0]", "send[1]", "send[2]"])
        .wait(300);
    let mut screen = Screen::new(120, 36, run.events()).at(500);
    let (_, top) = place(&mut screen, "waterfall").unwrap();
    let text = screen.text();
    let below: Vec<&str> = text.lines().skip(top.into()).collect();
    let lines = below.iter().filter(|line| line.contains("send")).count();
    assert_eq!(lines, 1, "{text}");
}

#[test]
fn the_wheel_goes_through_the_lines_of_the_waterfall() {
    let mut run = Recording::new("bundle");
    for at in 0..14 {
        run = run.step(&format!("p{at:02}"), "work", "process", &[]);
    }
    let mut screen = Screen::new(120, 36, run.start().events()).keys("W");
    if place(&mut screen, "waterfall").is_none() {
        screen.press("W");
    }
    let (column, row) = place(&mut screen, "waterfall").unwrap();
    let range = |screen: &mut Screen| {
        let text = screen.text();
        let line = text
            .lines()
            .find(|line| line.contains(" of 14"))
            .unwrap_or_default();
        line.split(" to ").next().unwrap_or_default().chars().last()
    };
    assert_eq!(range(&mut screen), Some('1'), "{}", screen.text());
    screen.mouse(MouseEventKind::ScrollDown, (column, row + 2));
    assert_eq!(range(&mut screen), Some('2'), "{}", screen.text());
    assert!(!screen.model.follow);
}

#[test]
fn a_presented_run_has_the_screen_and_captions_name_keys() {
    for (columns, rows) in [(80, 24), (120, 36), (200, 60)] {
        let mut screen = Screen::new(columns, rows, receipt_failed().events())
            .at(2200)
            .keys("n V");
        insta::assert_snapshot!(format!("presented_{columns}x{rows}"), screen.text());
    }
    let mut screen = screen(120, 36);
    screen.press("k V");
    let before = screen.text();
    assert!(!before.contains("attempts "), "{before}");
    assert!(before.contains("space pauses the run"), "{before}");
    assert!(screen.model.follow, "it follows what runs");
    screen.press("T");
    let text = screen.text();
    assert!(text.contains("T  show the timeline"), "{text}");
    assert_eq!(screen.model.view, View::Timeline);
    screen.press("T enter");
    assert!(screen.text().contains("esc goes back"), "{}", screen.text());
    screen.press("esc");
    assert!(!screen.text().contains("attempts "), "{}", screen.text());
    screen.press("esc");
    assert!(screen.text().contains("attempts "), "{}", screen.text());
    assert!(!screen.text().contains("space pauses"), "{}", screen.text());
}

#[test]
fn the_level_that_was_chosen_comes_back_after_a_presentation() {
    let mut screen = screen(120, 36);
    screen.press("-");
    let chosen = screen.model.panes.graph.level();
    screen.press("V");
    assert_eq!(screen.model.panes.graph.level(), Level::Card);
    screen.press("V");
    assert_eq!(screen.model.panes.graph.level(), chosen);
}

#[test]
fn the_captions_of_the_demonstration_speak_of_the_waterfall() {
    let steps: Vec<String> = (0..8).map(|at| format!("quay_{at}")).collect();
    let mut run = Recording::new("harbour");
    for step in &steps {
        run = run.step(step, "crane", "process", &[]);
    }
    let names: Vec<&str> = steps.iter().map(String::as_str).collect();
    let run = run.start().call(&names[..7]).wait(200).succeed(&names[..6]);
    let events = run.events();
    for ((columns, rows), words) in [((120, 36), "aterfall"), ((60, 20), "opens the waterfall")] {
        let mut screen = Screen::new(columns, rows, events.clone());
        screen.model.tour = true;
        let mut screen = screen.at(300);
        let text = screen.text();
        assert!(text.contains(words), "{text}");
    }
}
