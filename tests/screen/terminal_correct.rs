//! A failing plan is taken to success with keys alone, in a real terminal; the model's server proves that what had
//! succeeded was not asked again.

use crate::common::misread::{RIGHT, SAYS, asked, model, worker, write};
use crate::common::terminal::Terminal;

const BREAKPOINT: &str = "\x02";
const EDIT_PROMPT: &str = "\x10";
const DELETE_LINE: &str = "\x0b";
const APPLY: &str = "\x13";

#[test]
fn a_wrong_prompt_is_found_corrected_and_run_again_from_there() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let model = model();
    let worker = worker(&model);
    let mut arguments = vec!["run", "plan.json", "--paused"];
    arguments.extend(worker.iter().map(String::as_str));
    let home = folder.path().join("home");
    let variables = [
        ("PLANDECK_HOME", home.to_str().unwrap()),
        ("OPENAI_API_KEY", "sk-none"),
    ];
    let mut terminal = Terminal::start_as(folder.path(), &arguments, 120, 36, &variables);
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
