//! The run as a plan that runs again offline, saved from the dashboard.

use crate::common::program::{folder, plandeck};
use crate::common::recording::receipt_failed;
use crate::common::screen::Screen;
use crate::common::terminal::Terminal;
use plandeck::run::RunOutcome;
use plandeck::tui::{Effect, HistoryAnswer, HistoryQuery, Message, TerminalEffect};
use serde_json::json;

#[test]
fn a_key_asks_for_the_bundle_of_the_selected_step_and_saves_it() {
    let run = receipt_failed().end_run(RunOutcome::Failed);
    let mut screen = Screen::new(120, 36, run.events()).at(2_200);
    screen.press("B");
    assert_eq!(screen.effects.len(), 0, "it is not on record");
    screen.model.forkable = true;
    screen.press("B");
    let Some(Effect::Ask(HistoryQuery::Bundle { shown, step })) = screen.effects.pop() else {
        panic!("nothing was asked");
    };
    assert_eq!(Some(&step), screen.model.row().map(|row| &row.info.id));
    assert_eq!(*shown, screen.model.run);
    let made = ("receipt-x.bundle.json".to_owned(), "{}".to_owned());
    screen.send(Message::Answer(HistoryAnswer::Bundle(Ok(made.clone()))));
    let save = TerminalEffect::Save(made.0, made.1);
    assert_eq!(screen.effects.pop(), Some(Effect::Terminal(save)));
    let why = HistoryAnswer::Bundle(Err("the plan is gone".into()));
    screen.send(Message::Answer(why));
    assert!(screen.text().contains("no bundle: the plan is gone"));
}

/// The file that the dashboard saves runs again without the program that the run had called.
#[test]
fn what_is_saved_in_a_terminal_runs_again() {
    let tools = json!({"tools": {
        "weigh": {"type": "process", "command": ["./scale.sh"], "cwd": "."},
        "total": {"type": "jq", "filter": "{sum: (.of.grams + 1)}"},
    }});
    let plan = json!({"name": "scale", "steps": [
        {"id": "boat", "tool": "weigh", "parameters": {"what": "boat"}},
        {"id": "sum", "tool": "total", "parameters": {"of": "{{boat}}"}},
        {"id": "other", "tool": "total", "parameters": {"of": {"grams": 5}}},
    ]});
    let project = folder("plan.json", &plan.to_string(), &tools.to_string());
    let here = project.path();
    let script = here.join("scale.sh");
    std::fs::write(&script, "#!/bin/sh\necho '{\"grams\": 41}'\n").unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&script, executable).unwrap();
    let home = here.join("home");
    let variables = [("PLANDECK_HOME", home.to_str().unwrap())];
    let mut terminal = Terminal::start_as(here, &["run", "plan.json"], 110, 32, &variables);
    terminal.wait_for("SUCCEEDED");
    // Any key puts the banner of the result away.
    terminal.press("x");
    terminal.press("/sum\r");
    terminal.press("B");
    terminal.wait_for("scale-sum.bundle.json");
    terminal.press("q");
    terminal.wait_for_end();
    std::fs::remove_file(&script).unwrap();
    let tested = plandeck()
        .current_dir(here)
        .env("PLANDECK_HOME", &home)
        .args(["test", "scale-sum.bundle.json"])
        .output()
        .unwrap();
    let text = String::from_utf8(tested.stdout).unwrap();
    assert!(text.starts_with("same    scale-sum.bundle.json"), "{text}");
    let bundle = std::fs::read_to_string(here.join("scale-sum.bundle.json")).unwrap();
    assert!(!bundle.contains("\"other\""), "{bundle}");
}
