//! Calls that the code of a step makes, where a run is shown.

use crate::common::recording::Recording;
use crate::common::screen::Screen;
use plandeck::plan::StepIx;
use plandeck::run::EventKind;

/// Code that has called two tools, one after the other: the second call is running.
fn calling(columns: u16, rows: u16) -> Screen {
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
    let run = run
        .event(EventKind::AttemptSuspended {
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
        .wait(20);
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
