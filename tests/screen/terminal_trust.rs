//! The question before a plan that is not trusted, with the program in a real terminal.

use crate::common::program::folder;
use crate::common::terminal::Terminal;
use serde_json::json;
use std::path::Path;
use tempfile::TempDir;

/// A project whose plan brews tea with a script of its own.
fn project() -> TempDir {
    let tools = json!({"tools": {"brew": {"type": "process", "command": ["sh", "kettle.sh"]}}});
    let plan = json!({"steps": [{"id": "tea", "tool": "brew", "parameters": {"what": "assam"}}]});
    let plan = serde_json::to_string_pretty(&plan).unwrap();
    let project = folder("plan.json", &plan, &tools.to_string());
    std::fs::write(project.path().join("kettle.sh"), "echo boiled >> brewed\n").unwrap();
    project
}

fn brewed(project: &Path) -> usize {
    let text = std::fs::read_to_string(project.join("brewed")).unwrap_or_default();
    text.lines().count()
}

/// The program without the consent that other tests have.
fn start(project: &Path, arguments: &[&str], rows: u16, more: &[(&str, &str)]) -> Terminal {
    let home = project.join("home");
    let mut variables = vec![
        ("PLANDECK_TRUST", ""),
        ("PLANDECK_HOME", home.to_str().unwrap()),
        ("PLANDECK_WORKER", "offline"),
    ];
    variables.extend(more);
    Terminal::start_as(project, arguments, 100, rows, &variables)
}

#[test]
fn a_plan_is_asked_about_before_anything_runs() {
    let project = project();
    let here = project.path();
    let run = ["run", "plan.json"];

    let mut terminal = start(here, &run, 30, &[]);
    let text = terminal.wait_for("nothing runs");
    assert!(text.contains("sh kettle.sh"), "{text}");
    // A key that is no answer is none.
    terminal.press("\r");
    terminal.press("x");
    terminal.press("q");
    assert_eq!(terminal.wait_for_end(), 2);
    assert_eq!(brewed(here), 0);

    // Once: it is asked again the next time.
    let mut terminal = start(here, &run, 30, &[]);
    terminal.wait_for("run it once");
    terminal.press("o");
    terminal.wait_for("SUCCEEDED");
    terminal.press("q");
    assert_eq!(terminal.wait_for_end(), 0);
    assert_eq!(brewed(here), 1);

    // This content: then it runs at once, until it changes, and the change is shown.
    let mut terminal = start(here, &run, 30, &[]);
    terminal.wait_for("trust this plan");
    terminal.press("t");
    terminal.wait_for("SUCCEEDED");
    terminal.press("q");
    terminal.wait_for_end();
    let mut terminal = start(here, &run, 30, &[]);
    terminal.wait_for("SUCCEEDED");
    terminal.press("q");
    terminal.wait_for_end();
    assert_eq!(brewed(here), 3);
    let tools =
        json!({"tools": {"brew": {"type": "process", "command": ["sh", "kettle.sh", "--strong"]}}});
    std::fs::write(here.join("tools.yaml"), tools.to_string()).unwrap();
    let mut terminal = start(here, &run, 30, &[]);
    let text = terminal.wait_for("has changed");
    assert!(text.contains("+ starts    sh kettle.sh --strong"), "{text}");
    assert!(text.contains("- starts    sh kettle.sh"), "{text}");
    assert!(text.contains("Changed: tools.yaml"), "{text}");

    // The folder: a further change does not ask.
    terminal.press("f");
    terminal.wait_for("SUCCEEDED");
    terminal.press("q");
    terminal.wait_for_end();
    std::fs::write(here.join("kettle.sh"), "echo whistled >> brewed\n").unwrap();
    let mut terminal = start(here, &run, 30, &[]);
    terminal.wait_for("SUCCEEDED");
    terminal.press("q");
    assert_eq!(terminal.wait_for_end(), 0);
    assert_eq!(brewed(here), 5);
}

#[test]
fn a_long_list_scrolls_and_the_answers_stay_in_sight() {
    let project = project();
    let here = project.path();
    let tools: serde_json::Map<_, _> = (0..40)
        .map(|n| {
            (
                format!("t{n}"),
                json!({"type": "process", "command": ["sh", format!("kettle-{n:02}.sh")]}),
            )
        })
        .collect();
    let steps: Vec<_> = (0..40)
        .map(|n| json!({"id": n, "tool": format!("t{n}")}))
        .collect();
    let plan = json!({"steps": steps, "tools": tools});
    std::fs::write(here.join("many.json"), plan.to_string()).unwrap();
    let mut terminal = start(here, &["run", "many.json"], 16, &[]);
    let text = terminal.wait_for("nothing runs");
    assert!(
        text.contains("kettle-00.sh") && !text.contains("kettle-39.sh"),
        "{text}"
    );
    assert!(text.contains("more"), "{text}");
    terminal.press("\u{1b}[F");
    let text = terminal.wait_for("kettle-39.sh");
    assert!(
        text.contains("run it once") && !text.contains("kettle-00.sh"),
        "{text}"
    );
    terminal.press("\u{1b}[H");
    terminal.wait_for("kettle-00.sh");
    terminal.press("jj");
    terminal.wait_until("two lines on", |screen| {
        !screen.contents().contains("Do you trust")
    });
    terminal.press("\u{1b}");
    assert_eq!(terminal.wait_for_end(), 2);
}

#[test]
fn what_an_edit_in_the_dashboard_adds_is_asked() {
    let project = project();
    let here = project.path();
    let editor = here.join("editor.sh");
    std::fs::write(
        &editor,
        "#!/bin/sh\nfor file; do :; done\nsed -i 's/assam/oolong/' \"$file\"\necho '# more' >> kettle.sh\n",
    )
    .unwrap();
    std::fs::set_permissions(&editor, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let editor = editor.to_str().unwrap().to_owned();
    let variables = [("VISUAL", ""), ("EDITOR", editor.as_str())];
    let mut terminal = start(here, &["run", "plan.json"], 32, &variables);
    terminal.wait_for("run it once");
    terminal.press("o");
    terminal.wait_for("SUCCEEDED");
    assert_eq!(brewed(here), 1);
    terminal.press("x");
    terminal.press("\x05");
    terminal.wait_for("run again what changed");
    terminal.press("\r");
    let text = terminal.wait_for("has changed");
    assert!(
        text.contains("Changed:") && text.contains("kettle.sh"),
        "{text}"
    );
    assert_eq!(brewed(here), 1);
    terminal.press("o");
    terminal.wait_for("SUCCEEDED");
    assert_eq!(brewed(here), 2);
    terminal.press("q");
    assert_eq!(terminal.wait_for_end(), 0);
}

#[test]
fn a_plan_chosen_on_the_home_screen_is_asked_about_and_leads_back_there() {
    let project = project();
    let here = project.path();
    let mut terminal = start(here, &[], 40, &[]);
    terminal.wait_for("plans here  1");
    terminal.wait_for("brew (process)");
    terminal.press("\r");
    terminal.wait_for("nothing runs");
    terminal.press("q");
    terminal.wait_for("sample plans");
    assert_eq!(brewed(here), 0);
    terminal.press("\u{3}");
    terminal.wait_for_end();
}
