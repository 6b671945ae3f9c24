//! A failing plan is taken to success with keys alone, in a real terminal; the model's server proves that what had
//! succeeded was not asked again.

use crate::common::misread::{RIGHT, SAYS, asked, model, worker, write};
use crate::common::model_server::{Answer, ModelServer};
use crate::common::terminal::Terminal;
use serde_json::json;
use std::path::Path;
use std::time::Duration;

const BREAKPOINT: &str = "\x02";
const EDIT_PROMPT: &str = "\x10";
const TRY: &str = "\x14";
const DELETE_LINE: &str = "\x0b";
const APPLY: &str = "\x13";

fn open(folder: &Path, model: &ModelServer, more: &[&str]) -> Terminal {
    let worker = worker(model);
    let mut arguments = vec!["run", "plan.json"];
    arguments.extend(more);
    arguments.extend(worker.iter().map(String::as_str));
    let home = folder.join("home");
    let variables = [
        ("PLANDECK_HOME", home.to_str().unwrap()),
        ("OPENAI_API_KEY", "sk-none"),
    ];
    Terminal::start_as(folder, &arguments, 120, 36, &variables)
}

#[test]
fn a_wrong_prompt_is_found_corrected_and_run_again_from_there() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let model = model();
    let mut terminal = open(folder.path(), &model, &["--paused"]);
    terminal.wait_for("PAUSED");
    // A breakpoint where `total` fails.
    terminal.press("/total\r");
    terminal.wait_until("it is selected", |screen| {
        screen.contents().contains("add-up")
    });
    terminal.press(BREAKPOINT);
    terminal.wait_for("breakpoint: hold total");
    terminal.press("failure\r");
    terminal.wait_for("breakpoint set: total:failure");
    terminal.press(" ");
    terminal.wait_until("it is held where it failed", |screen| {
        let text = screen.contents();
        text.contains("1 ✖") && text.contains("held")
    });
    let [lines, wrong, right, report] = asked(&model);
    assert_eq!((lines, right, report), (1, 0, 0));
    assert!(wrong > 0);
    // What the model was asked, and what it said, as it went over the wire.
    terminal.press("4v\rz");
    terminal.wait_until("the raw answer", |screen| {
        let text = screen.contents().replace('│', " ");
        let words: Vec<&str> = text.split_whitespace().collect();
        let text = words.join(" ");
        text.contains("exchange ") && text.contains(SAYS)
    });
    terminal.press(EDIT_PROMPT);
    terminal.wait_until("the prompt", |screen| {
        let text = screen.contents();
        text.contains("prompt and model of total") && text.contains("Answer in words.")
    });
    terminal.press(DELETE_LINE);
    terminal.press(RIGHT);
    terminal.wait_for("cents alone");
    terminal.press(APPLY);
    let preview = terminal.wait_until("the preview", |screen| {
        let text = screen.contents();
        text.contains("edit total") && text.contains("enter do it")
    });
    for words in [
        "costs      about $0.0",
        "stays      lines",
        "has not run yet, and will",
    ] {
        assert!(preview.contains(words), "{words}: {preview}");
    }
    assert_eq!(
        asked(&model),
        [1, wrong, 0, 0],
        "nothing has been called yet"
    );
    terminal.press("\r");
    terminal.wait_until("it succeeds and the rest waits or runs", |screen| {
        let text = screen.contents();
        !text.contains("1 ✖") && !text.contains("enter do it")
    });
    if terminal.text().contains("PAUSED") {
        terminal.press(" ");
    }
    terminal.wait_for("SUCCEEDED");
    assert_eq!(asked(&model), [1, wrong, 1, 1]);
    terminal.press("q");
    terminal.press("q");
    assert_eq!(terminal.wait_for_end(), 0);
}

/// Types the right prompt into the dialog of the failed step.
fn correct(terminal: &mut Terminal) {
    terminal.wait_until("it has failed", |screen| screen.contents().contains("1 ✖"));
    terminal.press("/total\r");
    terminal.wait_for("add-up");
    terminal.press(EDIT_PROMPT);
    terminal.wait_for("prompt and model of total");
    terminal.press(DELETE_LINE);
    terminal.press(RIGHT);
    terminal.wait_for("cents alone");
}

#[test]
fn a_prompt_is_tried_alone_before_the_run_has_it() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let model = model();
    let more = ["--break", "total:failure"];
    let mut terminal = open(folder.path(), &model, &more);
    correct(&mut terminal);
    let wrong = asked(&model)[1];
    terminal.press(TRY);
    let price = terminal.wait_for("enter call it");
    assert!(
        price.contains("5 calls") && price.contains("at most $"),
        "{price}"
    );
    assert_eq!(asked(&model), [1, wrong, 0, 0]);
    terminal.press("\r");
    let table = terminal.wait_for("#1-5");
    assert!(
        table.contains("100 % (95 % interval") && table.contains(r#"{"cents":1200}"#),
        "{table}"
    );
    assert_eq!(asked(&model), [1, wrong, 5, 0]);
    terminal.press("p");
    terminal.wait_for("esc back to the answers");
    terminal.press("\r");
    terminal.wait_until("it is corrected", |screen| {
        let text = screen.contents();
        !text.contains("1 ✖") && !text.contains("enter do it")
    });
    terminal.press(" ");
    terminal.wait_for("SUCCEEDED");
    assert_eq!(asked(&model), [1, wrong, 6, 1]);
}

#[test]
fn calls_that_are_tried_are_stopped_while_the_screen_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let answer = |to: &str, says, seconds| Answer {
        to: to.to_owned(),
        says,
        after: Duration::from_secs(seconds),
    };
    let model = ModelServer::start(vec![
        answer("LINES.", json!(["bread 450"]), 0),
        answer("cents alone", json!({"cents": 450}), 600),
        answer("TOTAL.", json!(SAYS), 0),
    ]);
    let mut terminal = open(folder.path(), &model, &["--break", "total:failure"]);
    correct(&mut terminal);
    terminal.press(TRY);
    terminal.wait_for("enter call it");
    terminal.press("\r");
    terminal.wait_for("0 of 5 calls ended");
    terminal.press("\x1b");
    terminal.wait_for("0 of 5 calls ended; stopped");
    terminal.press("\x1b");
    terminal.wait_for("prompt and model of total");
}
