//! The home screen and the resume prompt, in a real terminal.

use crate::common::program::{code, folder, plandeck, run_json, signal, stderr};
use crate::common::terminal::Terminal;
use std::path::Path;

/// A plan whose second step waits until the file `go` is there, and may not be repeated.
fn waits() -> tempfile::TempDir {
    folder(
        "plan.yaml",
        "name: transfer\nsteps:\n  - {id: look, tool: look}\n  - {id: pay, tool: pay, depends_on: [look]}\n  - {id: tell, tool: tell, depends_on: [pay], parameters: {paid: '{{pay}}'}}\n",
        "tools:\n  look: {type: jq, description: Looks, filter: '{n: 1}'}\n  pay: {type: process, description: Pays, command: [sh, -c, 'echo . >> calls; i=0; while ! test -e go && test $i -lt 600; do sleep 0.05; i=$((i+1)); done; echo 7']}\n  tell: {type: jq, description: Tells, filter: '{told: .paid}', parameters: [{name: paid, type: number, description: What was paid, required: true}]}\n",
    )
}

/// Starts the program in `folder`, with a home of its own inside it.
fn start(folder: &Path, arguments: &[&str]) -> Terminal {
    let home = folder.join("home");
    let home = home.to_str().unwrap();
    let variables = [("PLANDECK_HOME", home)];
    Terminal::start_as(folder, arguments, 110, 32, &variables)
}

/// A run of [`waits`] that was killed while its second step was running.
fn killed(folder: &Path) {
    let mut terminal = start(folder, &["plan.yaml", "--worker", "offline"]);
    terminal.wait_until("the call to be made", |_| folder.join("calls").exists());
    signal("KILL", terminal.process());
    terminal.wait_for_end();
}

fn calls(folder: &Path) -> usize {
    let calls = std::fs::read_to_string(folder.join("calls")).unwrap();
    calls.lines().count()
}

#[test]
fn a_sample_without_a_model_runs_in_slow_motion() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let variables = [
        ("PLANDECK_HOME", home.to_str().unwrap()),
        // As if it were not set.
        ("PLANDECK_PACE", ""),
    ];
    let arguments = ["--worker", "offline"];
    let mut terminal = Terminal::start_as(folder.path(), &arguments, 110, 32, &variables);
    terminal.wait_for("grocery receipt");
    terminal.press("receipt\r");
    terminal.wait_for("slow motion");
    // There is time to see that it is running, and to pause it.
    terminal.wait_for("RUNNING");
    terminal.press(" ");
    terminal.wait_for("PAUSED");
    terminal.press(" ");
    terminal.wait_for("SUCCEEDED");
    assert_eq!(terminal.leave_by_home(), 0);
}

#[test]
fn a_plan_is_previewed_and_a_run_leads_back() {
    let folder = folder(
        "plan.yaml",
        "name: soup\nsteps:\n  - {id: leek, tool: cut}\n  - {id: carrot, tool: cut}\n  - {id: pot, tool: boil, depends_on: [leek, carrot], parameters: {salt: '{{context.salt}}'}}\n",
        "tools:\n  cut: {type: jq, description: Cuts, filter: '1'}\n  boil: {type: jq, description: Boils, filter: '2', parameters: [{name: salt, type: string, required: true}]}\n",
    );
    let mut terminal = start(folder.path(), &["--worker", "offline"]);
    terminal.wait_for("plans here  1");
    terminal.wait_for("cut ×2 (jq), boil (jq)");
    terminal.wait_for("costs nothing");
    let text = terminal.wait_for("salt: give --context");
    assert!(text.contains("soup"), "{text}");
    terminal.wait_for("carrot");
    terminal.press("\u{3}");
    assert_eq!(terminal.wait_for_end(), 0);
    let arguments = ["--worker", "offline", "--context", "salt=little"];
    let mut terminal = start(folder.path(), &arguments);
    terminal.wait_for("cut ×2 (jq), boil (jq)");
    terminal.press("\r");
    terminal.wait_for("SUCCEEDED");
    terminal.wait_for("q home");
    // From the page to the graph, and from there home.
    terminal.press("\r");
    terminal.wait_for("esc back");
    terminal.press("\u{1b}");
    terminal.wait_until("the graph", |screen| {
        !screen.contents().contains("esc back")
    });
    terminal.press("\u{1b}");
    terminal.wait_for("earlier runs  1");
    terminal.wait_for("1/1 ✔");
    terminal.press("\u{3}");
    assert_eq!(terminal.wait_for_end(), 0);
}

#[test]
fn without_a_terminal_there_is_usage() {
    let output = plandeck().output().unwrap();
    assert_eq!(code(&output), 2);
    assert!(output.stdout.is_empty());
    let said = stderr(&output);
    assert!(said.contains("Usage:") && said.contains("run"), "{said}");
}

#[test]
fn a_sample_is_chosen_run_and_left_with_its_summary() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = start(folder.path(), &["--worker", "offline"]);
    terminal.wait_for("none yet");
    terminal.wait_for("grocery receipt");
    terminal.press("peaks");
    terminal.wait_until("the filtered list", |screen| {
        !screen.contents().contains("grocery")
    });
    terminal.press("\r");
    terminal.wait_for("SUCCEEDED");
    assert_eq!(terminal.leave_by_home(), 0);
    let after = terminal.text();
    assert!(
        after.contains("succeeded") && after.contains("5 of 5 steps"),
        "{after}"
    );

    // It is among the earlier runs now, and can be looked at.
    let mut terminal = start(folder.path(), &[]);
    terminal.wait_for("earlier runs  1");
    terminal.wait_for("just now");
    terminal.press("\r");
    terminal.wait_for("REPLAY");
    terminal.wait_for("SUCCEEDED");
    assert_eq!(terminal.leave_by_home(), 0);

    let mut terminal = start(folder.path(), &[]);
    terminal.wait_for("earlier runs  1");
    terminal.press("\u{1b}");
    assert_eq!(terminal.wait_for_end(), 0);
    assert!(!terminal.screen().alternate_screen());
}

#[test]
fn a_plan_that_cannot_be_opened_leads_back() {
    let folder = folder(
        "plan.json",
        r#"{"steps": [{"id": "a", "tool": "nothing"}]}"#,
        "tools: {}",
    );
    let mut terminal = start(folder.path(), &[]);
    terminal.wait_for("plans here  1");
    terminal.press("\r");
    terminal.wait_for("could not be opened");
    terminal.wait_for("nothing");
    terminal.press("\u{1b}");
    terminal.wait_until("the list again", |screen| {
        !screen.contents().contains("could not be opened")
    });
    terminal.press("\u{3}");
    assert_eq!(terminal.wait_for_end(), 0);
}

#[test]
fn going_on_is_offered_and_the_unknown_step_is_asked_about() {
    let folder = waits();
    killed(folder.path());
    let mut terminal = start(folder.path(), &["plan.yaml", "--worker", "offline"]);
    terminal.wait_for("was interrupted");
    let text = terminal.wait_for("Running then: pay");
    assert!(text.contains("1 of 3 steps done"), "{text}");
    terminal.press("\r");
    terminal.wait_for("did it happen?");
    terminal.press("O");
    terminal.wait_for("output of pay");
    // The line is emptied first: ctrl-a, ctrl-k.
    terminal.press("\u{1}\u{b}{\"paid");
    terminal.wait_for("line 1, column");
    terminal.press("\u{1}\u{b}41");
    terminal.wait_for("valid JSON");
    terminal.press("\u{13}");
    terminal.wait_for("SUCCEEDED");
    assert_eq!(calls(folder.path()), 1, "it was not done again");
    terminal.press("q");
    assert_eq!(terminal.wait_for_end(), 0);

    // That run has ended, so nothing is offered any more.
    std::fs::write(folder.path().join("go"), "").unwrap();
    let mut terminal = start(folder.path(), &["plan.yaml", "--worker", "offline"]);
    terminal.wait_for("SUCCEEDED");
    terminal.press("q");
    assert_eq!(terminal.wait_for_end(), 0);
}

#[test]
fn an_unknown_step_is_run_again_where_a_person_says_so() {
    let folder = waits();
    killed(folder.path());
    std::fs::write(folder.path().join("go"), "").unwrap();
    let mut terminal = start(
        folder.path(),
        &["run", "--resume", "last", "--worker", "offline"],
    );
    terminal.wait_for("did it happen?");
    terminal.press("\u{1b}");
    terminal.wait_for("needs your answer on");
    terminal.press("u");
    terminal.wait_for("did it happen?");
    terminal.press("r");
    terminal.wait_for("SUCCEEDED");
    assert_eq!(calls(folder.path()), 2);
    terminal.press("q");
    assert_eq!(terminal.wait_for_end(), 0);
}

#[test]
fn an_interrupted_run_is_gone_on_with_from_the_home_screen() {
    let folder = waits();
    killed(folder.path());
    let mut terminal = start(folder.path(), &["--worker", "offline"]);
    terminal.wait_for("resumable");
    terminal.wait_for("plans here  1");
    // Past the plan of this folder.
    terminal.press("\t");
    terminal.wait_for("Its process is gone");
    terminal.press("\r");
    terminal.wait_for("did it happen?");
    terminal.press("S");
    terminal.wait_for("1/3");
    terminal.wait_for("SUCCEEDED");
    assert_eq!(calls(folder.path()), 1);
    assert_eq!(terminal.leave_by_home(), 0);
}

#[test]
fn starting_anew_and_leaving_are_offered_too() {
    let folder = waits();
    killed(folder.path());
    let arguments = ["plan.yaml", "--worker", "offline"];
    let mut terminal = start(folder.path(), &arguments);
    terminal.wait_for("was interrupted");
    terminal.press("\u{1b}");
    assert_eq!(terminal.wait_for_end(), 0);
    assert_eq!(calls(folder.path()), 1);
    std::fs::write(folder.path().join("go"), "").unwrap();
    let mut terminal = start(folder.path(), &arguments);
    terminal.wait_for("was interrupted");
    terminal.press("n");
    terminal.wait_for("SUCCEEDED");
    terminal.press("q");
    assert_eq!(terminal.wait_for_end(), 0);
    assert_eq!(calls(folder.path()), 2);
}

#[test]
fn without_a_screen_there_is_a_hint_and_unknown_steps_stay_unknown() {
    let folder = waits();
    killed(folder.path());
    let home = folder.path().join("home");
    let run = |arguments: &[&str]| {
        let mut command = plandeck();
        command
            .current_dir(folder.path())
            .env("PLANDECK_HOME", &home)
            .args(["run", "--worker", "offline", "--headless", "--json"])
            .args(arguments);
        command.output().unwrap()
    };
    let kept = run(&["--resume", "last"]);
    assert_eq!(code(&kept), 1, "{}", stderr(&kept));
    let result = crate::common::program::json(&kept);
    assert_eq!(
        crate::common::program::step(&result, "look")["source"],
        "recorded"
    );
    assert_eq!(
        crate::common::program::step(&result, "pay")["status"],
        "unknown"
    );
    assert_eq!(
        crate::common::program::step(&result, "tell")["reason"],
        "upstream"
    );
    let why = result["error"]["message"].as_str().unwrap();
    assert!(why.contains("may or may not have happened"), "{why}");
    assert_eq!(calls(folder.path()), 1);

    let skipped = run(&["--resume", "last", "--unknown", "skip"]);
    assert_eq!(code(&skipped), 0, "{}", stderr(&skipped));
    let result = crate::common::program::json(&skipped);
    assert_eq!(
        crate::common::program::step(&result, "pay")["reason"],
        "user"
    );
    assert_eq!(calls(folder.path()), 1);
}

#[test]
fn a_headless_run_of_an_interrupted_plan_says_how_to_resume() {
    let folder = waits();
    killed(folder.path());
    std::fs::write(folder.path().join("go"), "").unwrap();
    let output = plandeck()
        .current_dir(folder.path())
        .env("PLANDECK_HOME", folder.path().join("home"))
        .args(["run", "plan.yaml", "--worker", "offline", "--json"])
        .output()
        .unwrap();
    let said = stderr(&output);
    assert!(
        said.contains("was interrupted; to resume it: plandeck run --resume "),
        "{said}"
    );
    assert_eq!(code(&output), 0);
    let (_, result) = run_json(&folder.path().join("plan.yaml"), &[]);
    assert_eq!(result["result"]["told"], 7);
}

#[test]
fn idle_it_draws_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let terminal = start(folder.path(), &[]);
    terminal.wait_for("none yet");
    terminal.wait_for("grocery receipt");
    // Whatever is still to be drawn comes within a moment; then there must be silence.
    let mut drawn = terminal.bytes().len();
    let deadline = std::time::Instant::now() + crate::common::program::HANG;
    loop {
        std::thread::sleep(std::time::Duration::from_millis(1500));
        let now = terminal.bytes().len();
        if now == drawn {
            break;
        }
        drawn = now;
        assert!(
            std::time::Instant::now() < deadline,
            "it never stops drawing"
        );
    }
}

#[test]
fn a_typed_task_ends_as_a_run() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("tools.yaml"),
        "tools:\n  count_letters: {type: jq, description: Counts the letters of a word., filter: '.word | length', parameters: [{name: word, type: string, required: true}], output_schema: {type: integer}}\n",
    )
    .unwrap();
    let arguments = ["--worker", "offline", "--planner", "offline"];
    let mut terminal = start(folder.path(), &arguments);
    terminal.wait_for("none yet");
    terminal.press("\u{14}");
    terminal.wait_for("what should it do?");
    terminal.press("knit a jumper\r");
    terminal.wait_for("no tool of the catalog");
    // The line is emptied first: ctrl-u.
    terminal.press("\u{15}count the letters of the word \"zebra\"\r");
    terminal.wait_for("the plan is ready");
    terminal.wait_for("count_letters");
    terminal.press("\r");
    terminal.wait_for("SUCCEEDED");
    assert_eq!(terminal.leave_by_home(), 0);
    assert!(
        terminal.text().contains("1 of 1 step"),
        "{}",
        terminal.text()
    );
}
