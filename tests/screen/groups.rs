//! The page of what is folded: the elements of a `for_each` step, and steps that are alike.

use crate::common::recording::Recording;
use crate::common::screen::Screen;
use crossterm::event::{MouseButton, MouseEventKind};
use plandeck::plan::StepIx;
use plandeck::run::{EventKind, HeldAt, RunCommand, StepKey};
use plandeck::tui::{Effect, TerminalEffect};

/// A `for_each` step of so many elements: most have ended, two have failed, some run.
fn buoys(count: usize, columns: u16, rows: u16) -> Screen {
    let id = |at: usize| format!("buoys[{at}]");
    let mut run = Recording::new("lighthouse")
        .step("chart", "read_chart", "process", &[])
        .step("buoys", "ask_buoy", "http", &["chart"])
        .step("map", "draw_map", "process", &["buoys"])
        .start()
        .ready(&["chart"])
        .call(&["chart"])
        .wait(40)
        .succeed(&["chart"])
        .ready(&["buoys"])
        .expand("buoys", count);
    let all: Vec<String> = (0..count).map(id).collect();
    let names: Vec<&str> = all.iter().map(String::as_str).collect();
    run = run.ready(&names);
    for (at, name) in names.iter().enumerate().take(count * 3 / 5) {
        run = run.call(&[name]).wait(7 + (at as u64 * 13) % 31);
        run = match at % (count / 5) {
            11 => run.fail(name, "404 Not Found: no such buoy"),
            _ => run.succeed(&[name]),
        };
    }
    for name in names.iter().skip(count * 3 / 5).take(3) {
        run = run.call(&[name]);
    }
    let run = run.wait(20);
    let at = run.at().0 / 1_000;
    let mut screen = Screen::new(columns, rows, run.events()).at(at);
    // Away from what runs: to the step itself.
    screen.model.follow = false;
    screen.model.select(StepIx(1));
    screen
}

#[test]
fn a_single_step_goes_into_a_list_and_starts_one_element() {
    let held = || {
        Recording::new("lighthouse")
            .step("chart", "read_chart", "process", &[])
            .step("buoys", "ask_buoy", "http", &[])
            .start()
            .ready(&["chart", "buoys"])
            .event(EventKind::StepHeld {
                step: StepKey {
                    ix: StepIx(1),
                    id: "buoys".into(),
                },
                at: HeldAt::Before,
                condition: None,
            })
            .pause()
    };
    let mut screen = Screen::new(120, 36, held().events()).at(200);
    screen.model.follow = false;
    screen.model.select(StepIx(1));
    assert!(screen.text().contains("held before buoys"));
    screen.press("s");
    let step = |at| Effect::Command(RunCommand::StepOnce(Some(StepIx(at))));
    assert_eq!(screen.effects.last(), Some(&step(1)));

    // Its elements are there now: it is held before the list no more, and the next key starts one of them.
    let inside = held().expand("buoys", 4);
    let inside = inside.ready(&["buoys[0]", "buoys[1]", "buoys[2]", "buoys[3]"]);
    let mut screen = Screen::new(120, 36, inside.events()).at(200);
    screen.model.follow = false;
    screen.model.select(StepIx(1));
    let text = screen.text();
    assert!(!text.contains("held before buoys"), "{text}");
    screen.press("s");
    assert_eq!(screen.effects.last(), Some(&step(2)));
    // The one that is chosen in the grid.
    screen.press("enter l l s");
    assert_eq!(screen.effects.last(), Some(&step(4)));
}

fn selected(screen: &Screen) -> String {
    let row = screen.model.row().expect("something is selected");
    row.info.id.to_string()
}

#[test]
fn a_group_has_totals_spreads_and_a_cell_for_each_element() {
    for (columns, rows) in [(80, 24), (120, 36), (200, 60)] {
        let mut screen = buoys(300, columns, rows).keys("enter");
        insta::assert_snapshot!(format!("group_{columns}x{rows}"), screen.text());
    }
    let mut few = buoys(60, 120, 36);
    insta::assert_snapshot!("group_of_60_120x36", few.text());
}

#[test]
fn failures_come_first_and_enter_goes_in_and_back() {
    let mut screen = buoys(300, 120, 36).keys("enter enter");
    assert_eq!(selected(&screen), "buoys[11]");
    assert!(screen.text().contains("no such buoy"), "{}", screen.text());
    screen.press("backspace");
    assert_eq!(selected(&screen), "buoys");
    screen.press("right right enter");
    assert_eq!(selected(&screen), "buoys[131]");
    screen.press("backspace left enter");
    assert_eq!(selected(&screen), "buoys[71]");
}

#[test]
fn every_element_of_thousands_is_reached() {
    let mut screen = buoys(5_000, 80, 24).keys("enter G enter");
    assert_eq!(selected(&screen), "buoys[2999]");
    screen.press("backspace g");
    // Three failures, three that run, and the rest in its order.
    let columns = screen.model.inspector.extent.0;
    assert!(columns > 1);
    let mut steps = 0;
    for _ in 0..31 {
        screen.press("down");
    }
    while !screen.text().contains("buoys[4000]") {
        screen.press("right");
        steps += 1;
        assert!(steps < 40, "{}", screen.text());
    }
    screen.press("enter");
    assert_eq!(selected(&screen), "buoys[4000]");
}

#[test]
fn a_click_chooses_and_a_second_one_goes_in() {
    let mut screen = buoys(60, 120, 36);
    let text = screen.text();
    let (row, line) = text
        .lines()
        .enumerate()
        .find(|(_, line)| line.matches('✔').count() > 10)
        .expect("a row of the grid");
    let column = line.chars().position(|c| c == '✖' || c == '✔');
    let cell = (column.unwrap() as u16 - 1, row as u16);
    let press = MouseEventKind::Down(MouseButton::Left);
    screen.mouse(press, cell);
    assert_eq!(selected(&screen), "buoys");
    screen.mouse(press, cell);
    assert_ne!(selected(&screen), "buoys", "{}", screen.text());
}

#[test]
fn the_page_whole_has_a_line_for_each_element() {
    let screen = buoys(60, 120, 36).keys("enter W");
    let saved = screen.effects.iter().find_map(|effect| match effect {
        plandeck::tui::Effect::Terminal(TerminalEffect::Save(_, text)) => Some(text),
        _ => None,
    });
    let text = saved.expect("a file");
    assert_eq!(
        text.lines().filter(|line| line.contains("buoys[")).count(),
        60
    );
    let first = text.lines().find(|line| line.contains("buoys[")).unwrap();
    assert!(first.contains("404 Not Found"), "{first}");
}
