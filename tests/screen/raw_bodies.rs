//! The prompt page, turned to what went over the wire.

use crate::common::raw_server::{Act, RawServer, chunk, end, stream};
use crate::common::recording::{Recording, receipt};
use crate::common::screen::Screen;
use crate::common::terminal::Terminal;
use plandeck::run::{Body, Exchange};
use plandeck::tui::{Effect, HistoryAnswer, HistoryQuery, Message};
use std::sync::Arc;

/// The steps whose bodies a dashboard has asked for so far.
fn asked(screen: &Screen) -> Vec<Arc<str>> {
    let steps = screen.effects.iter().filter_map(|effect| match effect {
        Effect::Ask(HistoryQuery::Bodies { step, .. }) => Some(Arc::clone(step)),
        _ => None,
    });
    steps.collect()
}

fn called() -> Recording {
    receipt()
        .start()
        .call(&["extract"])
        .wait(730)
        .succeed(&["extract"])
}

fn body(body: &str, bytes: u64) -> Body {
    Body {
        bytes,
        left_out: 0,
        body: body.to_owned(),
    }
}

fn exchange(number: u32) -> Exchange {
    Exchange {
        step: "extract".into(),
        attempt: 1,
        exchange: number,
        url: "http://127.0.0.1:8080/v1/chat/completions".to_owned(),
        request: body("{\"model\":\"small\",\"max_tokens\":200}", 36),
        status: Some(200),
        response: body("data: {\"a\":\"\u{1b}[31mred\"}\n\ndata: [DONE]\n", 1_234),
    }
}

fn answered(step: &str, read: Result<Vec<Exchange>, Arc<str>>) -> Message {
    Message::Answer(HistoryAnswer::Bodies(step.into(), read))
}

#[test]
fn bodies_are_read_when_they_are_shown_and_when_there_are_more() {
    let mut run = called();
    let mut screen = Screen::new(120, 36, run.so_far())
        .at(900)
        .keys("enter tab tab tab");
    assert!(asked(&screen).is_empty());
    screen.press("v");
    assert_eq!(asked(&screen), ["extract".into()]);
    assert!(screen.text().contains("Reading the record"));
    // An answer for another step is not taken for this one's.
    screen.send(answered("total", Ok(vec![exchange(9)])));
    assert!(screen.text().contains("Reading the record"));
    screen.send(answered("extract", Ok(vec![exchange(1), exchange(2)])));
    insta::assert_snapshot!("raw_bodies_120x36", screen.text());
    // Another attempt, and the page has its bodies.
    let known = run.so_far().len();
    run = run.call(&["extract"]).wait(100).succeed(&["extract"]);
    screen.send(Message::Events(run.so_far().split_off(known)));
    assert_eq!(asked(&screen).len(), 2);
    screen.send(answered("extract", Err("the disk is gone".into())));
    assert!(screen.text().contains("cannot be read: the disk is gone"));
    screen.press("v");
    assert!(!screen.text().contains("cannot be read"));
    assert_eq!(asked(&screen).len(), 2);
    screen.press("v");
    assert_eq!(asked(&screen).len(), 3, "it is tried again");
    screen.send(answered("extract", Ok(Vec::new())));
    assert!(screen.text().contains("Nothing is on record"));
}

#[test]
fn bodies_of_a_run_in_a_terminal() {
    let good = [vec![chunk("{\"total\": 4.5}")], end("stop", 60, 7).to_vec()].concat();
    let server = RawServer::start(vec![vec![Act::Say(stream(&good))]]);
    let folder = tempfile::tempdir().unwrap();
    let plan = "tools:\n  add_up: {type: model, output_schema: {type: object, properties: {total: {type: number}}}}\n\
        steps:\n  - {id: total, tool: add_up, parameters: {note: Tea 4.50}}\n";
    std::fs::write(folder.path().join("plan.yaml"), plan).unwrap();
    let home = folder.path().join("home");
    let variables = [
        ("PLANDECK_HOME", home.to_str().unwrap()),
        ("OPENAI_API_KEY", "k-of-nobody"),
    ];
    let url = format!("{}/v1", server.url());
    let arguments = [
        "run",
        "plan.yaml",
        "--trust",
        "--worker",
        "gpt-4o-mini",
        "--base-url",
        &url,
    ];
    let mut terminal = Terminal::start_as(folder.path(), &arguments, 120, 40, &variables);
    terminal.wait_for("SUCCEEDED");
    terminal.press("\r\t\t\t");
    terminal.wait_for("System · about");
    terminal.press("v");
    let page = terminal.wait_for("answered 200");
    assert!(
        page.contains("http://127.0.0.1") && page.contains("exchange 1"),
        "{page}"
    );
    terminal.wait_for("data: ");
    terminal.press("q");
    assert_eq!(terminal.wait_for_end(), 0);
}
