//! A run that is followed: where the view goes by itself, how far the run is, and what came of it.

use crate::common::recording::{Recording, receipt};
use crate::common::screen::Screen;
use crossterm::event::{MouseButton, MouseEventKind};
use plandeck::run::{EventKind, RunOutcome};
use plandeck::tui::Message;
use plandeck::units::Micros;
use serde_json::json;

/// The line of the header that shows the progress.
fn progress(screen: &mut Screen) -> String {
    screen.text().lines().nth(2).unwrap_or_default().to_owned()
}

fn selected(screen: &Screen) -> Option<String> {
    Some(screen.model.row()?.info.id.to_string())
}

/// Two steps that do not depend on each other, and one that needs both.
fn fork() -> Recording {
    Recording::new("fork")
        .step("left", "draw", "model", &[])
        .step("right", "draw", "model", &[])
        .step("both", "join", "jq", &["left", "right"])
        .start()
        .ready(&["left", "right"])
        .call(&["left", "right"])
}

#[test]
fn the_first_failure_is_gone_to_once() {
    let run = fork().wait(300).fail("right", "no ink");
    let mut screen = Screen::new(120, 36, run.so_far());
    assert_eq!(selected(&screen).as_deref(), Some("right"));
    assert!(!screen.model.follow);
    assert!(screen.text().contains("no ink"), "{}", screen.text());
}

#[test]
fn the_next_failure_leaves_the_view_where_it_is() {
    let run = Recording::new("three")
        .step("a", "draw", "model", &[])
        .step("b", "draw", "model", &[])
        .step("c", "draw", "model", &[])
        .start()
        .ready(&["a", "b", "c"])
        .call(&["a", "b", "c"])
        .wait(300)
        .fail("b", "no ink");
    let known = run.so_far().len();
    let mut screen = Screen::new(120, 36, run.so_far());
    assert_eq!(selected(&screen).as_deref(), Some("b"));
    screen.press("f");
    assert_eq!(selected(&screen).as_deref(), Some("a"));
    let run = run.wait(100).fail("c", "no paper");
    screen.send(Message::Events(run.so_far().split_off(known)));
    assert_eq!(selected(&screen).as_deref(), Some("a"));
    assert!(screen.model.follow);
}

#[test]
fn a_failure_does_not_take_the_view_away_from_the_user() {
    let click = MouseEventKind::Down(MouseButton::Left);
    for by_mouse in [false, true] {
        let run = fork();
        let known = run.so_far().len();
        let mut screen = Screen::new(120, 36, run.so_far());
        if by_mouse {
            screen.mouse(click, (3, 8));
        } else {
            screen.press("l h");
        }
        let chosen = selected(&screen);
        let run = run.wait(300).fail("right", "no ink");
        screen.send(Message::Events(run.so_far().split_off(known)));
        assert_eq!(selected(&screen), chosen, "by mouse: {by_mouse}");
    }
}

#[test]
fn progress_counts_calls_and_elements() {
    let run = Recording::new("pages")
        .step("list", "list", "http", &[])
        .step("pages", "fetch", "http", &["list"])
        .step("sum", "sum", "jq", &["pages"])
        .start()
        .ready(&["list"])
        .call(&["list"])
        .succeed(&["list"])
        .expand("pages", 7)
        .ready(&["pages[0]", "pages[1]"])
        .call(&["pages[0]", "pages[1]"])
        .wait(20)
        .succeed(&["pages[0]"]);
    let mut screen = Screen::new(120, 36, run.events());
    let line = progress(&mut screen);
    assert!(line.contains("2/9 ✔   1 ●   6 ·"), "{line}");
    assert!(line.contains("━╍") && line.contains("╍─"), "{line}");
}

#[test]
fn progress_names_what_will_not_run() {
    let run = fork()
        .succeed(&["left"])
        .fail("right", "no ink")
        .skip(&["both"], "right");
    let mut screen = Screen::new(120, 36, run.events());
    let line = progress(&mut screen);
    assert!(line.contains("1/3 ✔   1 ✖   1 ⊘"), "{line}");
    assert!(line.contains("━═") && line.contains("═┄"), "{line}");
}

#[test]
fn the_time_left_is_estimated_from_the_steps_so_far() {
    let run = Recording::new("chain")
        .step("one", "work", "process", &[])
        .step("two", "work", "process", &["one"])
        .step("three", "work", "process", &["two"])
        .start()
        .ready(&["one"])
        .call(&["one"])
        .wait(4_000)
        .succeed(&["one"])
        .ready(&["two"])
        .call(&["two"]);
    let mut screen = Screen::new(120, 36, run.events()).at(5_000);
    // Three more seconds of the second step, and four of the third.
    assert!(screen.text().contains("· ~7s left"), "{}", screen.text());
}

#[test]
fn what_came_of_the_run_is_told_until_a_key() {
    let run = fork()
        .wait(2_000)
        .succeed(&["left", "right"])
        .ready(&["both"])
        .call(&["both"])
        .wait(1_000)
        .succeed_with("both", json!("A drawing of two birds."))
        .event(EventKind::RunEnded {
            status: RunOutcome::Succeeded,
            result: std::sync::Arc::new(json!("A drawing of two birds.")),
            error: None,
        });
    for (columns, rows) in [(120, 36), (80, 24)] {
        let mut screen = Screen::new(columns, rows, run.so_far());
        let text = screen.text();
        for part in [
            "✔ succeeded ─",
            "A drawing of two birds.",
            "3 of 3 steps in 3.00s",
            "1.7× faster than one by one",
            "both took 3.00s of it",
        ] {
            assert!(text.contains(part), "{part}:\n{text}");
        }
        screen.press("a");
        let text = screen.text();
        assert!(!text.contains("one by one"), "{text}");
        assert!(text.contains("the result"), "{text}");
        assert!(text.contains("A drawing of two birds."), "{text}");
        screen.press("esc");
        assert!(!screen.text().contains("the result"), "{}", screen.text());
    }
}

#[test]
fn a_run_that_was_over_at_once_is_played_again_slowly() {
    let run = fork()
        .wait(3)
        .succeed(&["left", "right"])
        .ready(&["both"])
        .call(&["both"])
        .wait(2)
        .succeed(&["both"])
        .end_run(RunOutcome::Succeeded);
    let mut screen = Screen::new(120, 36, run.events()).at(1_000);
    assert!(screen.text().contains("P slow replay"));
    screen.press("P");
    let text = screen.text();
    assert!(
        text.contains("REPLAY") && text.contains("RUNNING"),
        "{text}"
    );
    assert!(text.contains("slow motion"), "{text}");
    // Half of the time later it is in the middle, and in the end at its end.
    screen.send(Message::Tick(Micros(5_000_000)));
    let all = screen.model.time_travel.history().len();
    let middle = all / 3..=all * 2 / 3;
    assert!(middle.contains(&screen.model.position()), "of {all}");
    screen.send(Message::Tick(Micros(10_000_000)));
    assert!(screen.text().contains("SUCCEEDED"), "{}", screen.text());
    assert!(screen.text().contains("REPLAY"), "{}", screen.text());
    screen.press("P");
    let text = screen.text();
    assert!(
        !text.contains("REPLAY") && text.contains("SUCCEEDED"),
        "{text}"
    );
    screen.press("r");
    assert!(!screen.effects.is_empty(), "it takes commands again");
}

#[test]
fn a_run_that_took_its_time_is_not_offered_again() {
    let run = fork()
        .wait(2_000)
        .succeed(&["left", "right"])
        .end_run(RunOutcome::Cancelled);
    let mut screen = Screen::new(120, 36, run.events()).at(9_000);
    assert!(!screen.text().contains("slow replay"), "{}", screen.text());
    screen.press("P");
    assert!(!screen.model.is_replay());
    assert!(
        screen.text().contains("replay-slowly needs"),
        "{}",
        screen.text()
    );
}

#[test]
fn what_can_cost_nothing_is_free() {
    let mut run = receipt();
    run = run.header(|header| header.priced = true).start();
    let mut screen = Screen::new(120, 36, run.events());
    let text = screen.text();
    assert!(text.contains(" free "), "{text}");
    assert!(!text.contains("of $0.10"), "{text}");
    // Where no price is known it may cost.
    let mut screen = Screen::new(120, 36, receipt().start().events());
    assert!(screen.text().contains("of $0.10"), "{}", screen.text());
}
