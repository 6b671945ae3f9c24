//! Going along edges, and what signs stand for.

use crate::common::recording::{Recording, receipt_failed, receipt_running};
use crate::common::screen::Screen;
use crossterm::event::{MouseButton, MouseEventKind};
use plandeck::run::{Breakpoint, EventKind, WaitReason};
use plandeck::tui::Message;

fn selected(screen: &Screen) -> String {
    let row = screen.model.row();
    row.map_or_else(String::new, |row| row.info.id.to_string())
}

#[test]
fn keys_go_along_edges_and_back() {
    let mut screen = Screen::new(120, 36, receipt_failed().events())
        .at(2200)
        .keys("G");
    assert_eq!(selected(&screen), "summary");
    let mut reached = Vec::new();
    for _ in 0..4 {
        screen.press("(");
        reached.push(selected(&screen));
        screen.press("backspace");
        assert_eq!(selected(&screen), "summary");
    }
    assert_eq!(reached, ["stats", "dates", "advice", "stats"]);
    screen.press("( (");
    assert_eq!(selected(&screen), "extract");
    assert!(
        screen.text().contains("backspace goes back"),
        "{}",
        screen.text()
    );
    screen.press(")");
    assert_eq!(selected(&screen), "items");
    screen.press("backspace backspace backspace");
    assert_eq!(selected(&screen), "summary");
    // Nothing is left to go back to.
    screen.press("backspace");
    assert_eq!(selected(&screen), "summary");
    // The first step waits for nothing.
    screen.press("g (");
    assert_eq!(selected(&screen), "extract");
}

#[test]
fn a_click_on_a_name_goes_along_its_edge() {
    let mut screen = Screen::new(120, 36, receipt_failed().events())
        .at(2200)
        .keys("G");
    let text = screen.text();
    let (row, line) = text
        .lines()
        .enumerate()
        .find(|(_, line)| line.contains("waits for"))
        .unwrap();
    let column = line.chars().count() - line.split_once("waits for").unwrap().1.chars().count();
    // The name stands right of its label and its sign; the text has a quotation mark before each line.
    let at = (column as u16 + 6, row as u16);
    screen.mouse(MouseEventKind::Down(MouseButton::Left), at);
    assert_eq!(selected(&screen), "stats");
    screen.press("backspace");
    assert_eq!(selected(&screen), "summary");
    // Elsewhere on the page a click goes nowhere.
    screen.mouse(MouseEventKind::Down(MouseButton::Left), (at.0, at.1 - 3));
    assert_eq!(selected(&screen), "summary");
}

#[test]
fn heat_shows_time_then_cost_then_the_status_again() {
    let mut screen = Screen::new(120, 36, receipt_failed().events()).at(2200);
    let status = screen.text();
    screen.press("H");
    let time = screen.text();
    assert!(time.contains("time: █"), "{time}");
    assert!(
        time.contains('░') || time.contains('▒') || time.contains('▓'),
        "{time}"
    );
    screen.press("H");
    let cost = screen.text();
    assert!(cost.contains("cost: █ $0.0007"), "{cost}");
    screen.press("H esc esc");
    screen.model.notice = None;
    assert!(!screen.text().contains("cost: █"));
    assert_eq!(
        status.matches('✔').count(),
        screen.text().matches('✔').count()
    );
}

#[test]
fn a_breakpoint_is_seen_in_every_view() {
    let run = receipt_running();
    let known = run.so_far().len();
    let mut screen = Screen::new(160, 45, run.so_far()).at(1700).keys("G b");
    // The run says that it is set.
    let breakpoint = Breakpoint::before(&"summary".into());
    let (set, on) = (breakpoint.clone(), true);
    let run = run.event(EventKind::BreakpointSet {
        breakpoint: set,
        on,
    });
    screen.send(Message::Events(run.so_far().split_off(known)));
    for (view, keys) in [("graph", ""), ("table", "L"), ("timeline", "T")] {
        screen.press(keys);
        let text = screen.text();
        let line = text
            .lines()
            .find(|line| line.contains('◉') && line.contains("summary"));
        assert!(line.is_some(), "{view}: {text}");
    }
    screen.press("b");
    let (known, on) = (run.so_far().len(), false);
    let run = run.event(EventKind::BreakpointSet { breakpoint, on });
    screen.send(Message::Events(run.so_far().split_off(known)));
    // Only what stands in the footer and the like may speak of it.
    let text = screen.text();
    assert!(!text.contains('◉'), "{text}");
}

#[test]
fn what_waits_for_a_retry_or_a_rate_does_not_look_as_if_it_ran() {
    let run = Recording::new("waits")
        .step("flaky", "fetch", "http", &[])
        .step("held", "ask", "model", &[])
        .step("busy", "sum", "jq", &[])
        .start()
        .call(&["flaky", "busy"])
        .holds("held", WaitReason::Rate)
        .wait(100)
        .stumble("flaky", "connection reset by peer", 4_000)
        .wait(400);
    let mut screen = Screen::new(160, 45, run.events()).at(600);
    for keys in ["", "L", "T"] {
        screen.press(keys);
        let text = screen.text();
        for (sign, id) in [('↻', "flaky"), ('≈', "held")] {
            let line = text
                .lines()
                .find(|line| line.contains(sign) && line.contains(id));
            assert!(line.is_some(), "{keys:?} {id}: {text}");
        }
    }
}
