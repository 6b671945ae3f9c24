//! The user's editor, pager and clipboard, with the program in a real terminal.

use crate::common::program::folder;
use crate::common::terminal::Terminal;
use serde_json::json;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::TempDir;

/// A plan of one program that waits for a file, with an output before it.
fn project() -> TempDir {
    let script = "until [ -e go ]; do sleep 0.05; done; echo '{\"went\": \"on\"}'";
    let tools = json!({"tools": {
        "fetch": {"type": "process", "command": ["echo", "{\"harbour\": \"Turku\", \"ships\": [3, 4]}"]},
        "wait": {"type": "process", "command": ["sh", "-c", script], "cwd": "."},
    }});
    let plan = json!({"steps": [
        {"id": "ships", "tool": "fetch", "parameters": {}},
        {"id": "tide", "tool": "wait", "parameters": {}},
    ]});
    folder("plan.json", &plan.to_string(), &tools.to_string())
}

fn script(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    path.display().to_string()
}

fn open(folder: &Path, variables: &[(&str, &str)]) -> Terminal {
    let mut all = vec![
        ("TMUX", ""),
        ("WAYLAND_DISPLAY", ""),
        ("DISPLAY", ""),
        ("VISUAL", ""),
        ("PAGER", ""),
    ];
    all.extend(variables);
    let mut terminal = Terminal::start_as(folder, &["run", "plan.json"], 110, 30, &all);
    terminal.wait_for("1/2 ✔");
    // The selection goes with what runs until a key is pressed.
    terminal.press("g");
    terminal.wait_until("the first step in the inspector", |screen| {
        screen
            .contents()
            .lines()
            .any(|line| line.contains("╮╭ ✔ ships"))
    });
    terminal
}

#[test]
fn an_editor_gets_the_terminal_while_the_run_goes_on() {
    let project = project();
    let editor = script(
        project.path(),
        "edit.sh",
        "printf 'IN THE EDITOR\\r\\n'; cat \"$1\"; read -r line; printf 'typed %s\\n' \"$line\" > typed",
    );
    let mut terminal = open(project.path(), &[("EDITOR", &editor)]);
    terminal.press("\r3E");
    terminal.wait_for("IN THE EDITOR");
    let text = terminal.wait_for("Turku");
    assert!(!text.contains("│"), "{text}");
    // The run ends meanwhile.
    std::fs::write(project.path().join("go"), "").unwrap();
    terminal.press("q and more\r");
    terminal.wait_for("SUCCEEDED");
    let typed = std::fs::read_to_string(project.path().join("typed")).unwrap();
    assert_eq!(typed, "typed q and more\n");
    terminal.press("5");
    terminal.press("q");
    assert_eq!(terminal.wait_for_end(), 0);
}

#[test]
fn an_editor_that_fails_is_killed_or_is_missing_is_named() {
    let project = project();
    let failing = script(project.path(), "fail.sh", "exit 3");
    let killed = script(project.path(), "killed.sh", "kill -9 $$");
    for (editor, told) in [
        (failing.as_str(), "the editor ended with exit status: 3"),
        (killed.as_str(), "the editor ended with signal: 9"),
        (
            "no-such-editor --wait",
            "there is no editor no-such-editor: set EDITOR",
        ),
        ("vim 'half", "EDITOR is not a command line"),
    ] {
        let mut terminal = open(project.path(), &[("EDITOR", editor)]);
        terminal.press("E");
        terminal.wait_for(told);
        assert!(terminal.screen().alternate_screen(), "{editor}");
        terminal.press("q");
        terminal.wait_for("Stop the run and quit?");
        terminal.press("y");
        terminal.wait_for_end();
    }
}

#[test]
fn the_clipboard_is_the_first_that_works() {
    let project = project();
    let programs = project.path().join("programs");
    std::fs::create_dir(&programs).unwrap();
    let taken = project.path().join("taken");
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    script(
        &programs,
        "wl-copy",
        &format!("cat > '{}'", taken.display()),
    );
    let mut terminal = open(
        project.path(),
        &[("PATH", &path), ("WAYLAND_DISPLAY", "wayland-7")],
    );
    terminal.press("y");
    terminal.wait_for("copied 5 B with wl-copy");
    assert_eq!(std::fs::read_to_string(&taken).unwrap(), "ships");
    // One that hangs is given up, and the terminal is asked.
    script(&programs, "wl-copy", "sleep 600");
    terminal.press("Y");
    terminal.wait_for("(OSC 52)");
    terminal.wait_for("wl-copy: does not answer");
    let bytes = terminal.bytes();
    assert!(bytes.windows(7).any(|part| part == b"\x1b]52;c;"));
    std::fs::write(project.path().join("go"), "").unwrap();
    terminal.wait_for("SUCCEEDED");
    terminal.press("q");
    assert_eq!(terminal.wait_for_end(), 0);
}

#[test]
fn a_page_is_saved_and_the_mouse_is_left_alone_on_request() {
    let project = project();
    std::fs::write(project.path().join("plandeck.toml"), "mouse = false\n").unwrap();
    std::fs::write(project.path().join("ships-output.json"), "there already").unwrap();
    let mut terminal = open(project.path(), &[]);
    assert!(
        !terminal
            .bytes()
            .windows(8)
            .any(|part| part == b"\x1b[?1000h")
    );
    terminal.press("3\x13");
    terminal.wait_for("to ships-output-2.json");
    let saved = std::fs::read_to_string(project.path().join("ships-output-2.json")).unwrap();
    let saved: serde_json::Value = serde_json::from_str(&saved).unwrap();
    assert_eq!(saved, json!({"harbour": "Turku", "ships": [3, 4]}));
    std::fs::write(project.path().join("go"), "").unwrap();
    terminal.wait_for("SUCCEEDED");
    terminal.press("q");
    assert_eq!(terminal.wait_for_end(), 0);
}
