//! Calls that the code of a step makes, where a run is shown.

use crate::common::recording::Recording;
use crate::common::screen::Screen;
use plandeck::plan::StepIx;
use plandeck::run::{EventKind, RunState};

/// Code that has called two tools, one after the other: the second call is running.
fn calling_run() -> Recording {
    let run = Recording::new("harbour")
        .step("chart", "read_chart", "process", &[])
        .step("code", "code_exec", "code_exec", &["chart"])
        .step("report", "write_report", "process", &["code"])
        .start()
        .ready(&["chart"])
        .call(&["chart"])
        .wait(40)
        .succeed(&["chart"])
        .ready(&["code"])
        .call(&["code"])
        .wait(10)
        .called("code", "tides", &[])
        .ready(&["code/tides[0]"]);
    let key = run.key("code");
    run.event(EventKind::AttemptSuspended {
        step: key.clone(),
        attempt: 1,
    })
    .call(&["code/tides[0]"])
    .wait(300)
    .succeed(&["code/tides[0]"])
    .event(EventKind::AttemptContinued {
        step: key,
        attempt: 1,
        slot: 0,
    })
    .wait(5)
    .called("code", "winds", &["code/tides[0]"])
    .ready(&["code/winds[0]"])
    .call(&["code/winds[0]"])
    .wait(20)
}

fn calling(columns: u16, rows: u16) -> Screen {
    let run = calling_run();
    let at = run.at().0 / 1_000;
    let mut screen = Screen::new(columns, rows, run.events()).at(at);
    screen.model.follow = false;
    screen.model.select(StepIx(1));
    screen
}

#[test]
fn the_graph_unfolds_them_beside_their_step() {
    let mut screen = calling(160, 40);
    assert!(!screen.text().contains("tides"), "{}", screen.text());
    screen.press("o");
    let text = screen.text();
    for name in ["code/tides[0]", "code/winds[0]", "report"] {
        assert!(text.contains(name), "{name} in {text}");
    }
    screen.press("o");
    assert!(!screen.text().contains("code/tides[0]"));
}

#[test]
fn they_fit_every_terminal() {
    for (columns, rows) in [(80, 24), (120, 36)] {
        let mut screen = calling(columns, rows);
        screen.press("o");
        insta::assert_snapshot!(format!("code_graph_{columns}x{rows}"), screen.text());
        let mut screen = calling(columns, rows);
        screen.press("L");
        screen.press("right");
        insta::assert_snapshot!(format!("code_table_{columns}x{rows}"), screen.text());
    }
}

#[test]
fn going_back_takes_them_out_again_and_forward_brings_them_back() {
    let events = calling_run().events();
    let mut screen = calling(160, 40);
    for position in (1..events.len()).rev() {
        screen.press("[");
        assert_eq!(screen.model.position(), position);
        let known = RunState::from_events(&events[..position]);
        assert_eq!(screen.model.run, known);
        let called = screen.text().contains("code/tides[0]");
        let there = known
            .steps
            .iter()
            .any(|row| &*row.info.id == "code/tides[0]");
        assert!(there || !called, "at {position}: {}", screen.text());
    }
    for _ in 1..events.len() {
        screen.press("]");
    }
    assert_eq!(screen.model.run, RunState::from_events(&events));
}

#[test]
fn the_table_and_the_timeline_have_their_rows() {
    let mut screen = calling(160, 40);
    screen.press("T");
    let text = screen.text();
    assert!(text.contains("code"), "{text}");
    let mut table = calling(160, 40);
    table.press("L");
    assert!(table.text().contains("↳2"), "{}", table.text());
    table.press("right");
    let text = table.text();
    for name in ["code/tides[0]", "code/winds[0]"] {
        assert!(text.contains(name), "{name} in {text}");
    }
}
