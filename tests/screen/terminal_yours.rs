//! What users make their own, in a real terminal: keys, themes, the background, and what is told outside of the screen.

use crate::common::program::{HANG, code, folder, plandeck, stderr};
use crate::common::terminal::Terminal;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const TOOLS: &str = "tools:\n  brew: {type: jq, description: Brews, filter: '{cup: 1}'}\n  steep: {type: process, description: Steeps, command: [sh, -c, 'while ! test -e go; do sleep 0.02; done; echo 3']}\n  spill: {type: process, description: Spills, command: [sh, -c, 'while ! test -e go; do sleep 0.02; done; exit 3']}\n";

/// A plan whose last step waits until the file `go` is there.
fn tea(last: &str) -> TempDir {
    let plan = format!(
        "name: tea\nsteps:\n  - {{id: kettle, tool: brew}}\n  - {{id: pot, tool: {last}, depends_on: [kettle]}}\n"
    );
    let folder = folder("plan.yaml", &plan, TOOLS);
    std::fs::create_dir_all(folder.path().join("own/themes")).unwrap();
    folder
}

fn go(folder: &TempDir) {
    std::fs::write(folder.path().join("go"), "").unwrap();
}

/// Starts the program with the settings file of the folder.
fn start(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Terminal {
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (home, settings) = (path("home"), path("own/config.toml"));
    let mut all = vec![
        ("PLANDECK_HOME", home.as_str()),
        ("TERM", "xterm-256color"),
        ("COLORTERM", "truecolor"),
        ("COLORFGBG", ""),
    ];
    if folder.join("own/config.toml").exists() {
        all.push(("PLANDECK_CONFIG", settings.as_str()));
    }
    all.extend(variables);
    Terminal::start_as(folder, arguments, 180, 40, &all)
}

fn run(folder: &Path, variables: &[(&str, &str)]) -> Terminal {
    start(
        folder,
        &["run", "plan.yaml", "--worker", "offline"],
        variables,
    )
}

fn settings(folder: &TempDir, text: &str) {
    std::fs::write(folder.path().join("own/config.toml"), text).unwrap();
}

fn wrote(terminal: &Terminal, what: &str) -> bool {
    let bytes = terminal.bytes();
    bytes
        .windows(what.len())
        .any(|part| part == what.as_bytes())
}

fn wait_until_wrote(terminal: &Terminal, what: &str) {
    let deadline = Instant::now() + HANG;
    while !wrote(terminal, what) {
        assert!(
            Instant::now() < deadline,
            "it never wrote {what:?}: {}",
            terminal.text()
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether the bell rang.
fn rang(terminal: &Terminal) -> bool {
    terminal.bytes().contains(&7)
}

const QUESTION: &str = "\u{1b}]11;?\u{1b}\\";

/// The colour of the ground in the middle of the screen.
fn ground(screen: &vt100::Screen) -> vt100::Color {
    screen.cell(0, 0).unwrap().bgcolor()
}

fn is_light(screen: &vt100::Screen) -> bool {
    matches!(ground(screen), vt100::Color::Rgb(red, ..) if red > 200)
}

#[test]
fn own_keys_work_and_are_shown_everywhere() {
    let folder = tea("steep");
    settings(
        &folder,
        "[keys]\npause = \"f6\"\nresume = \"f6\"\nlog = \"L\"\ntable = \"alt-t\"\n[keys.home]\nreload = \"alt-r\"\nnew-plan = \"f7\"\n",
    );
    let mut terminal = start(folder.path(), &["--worker", "offline"], &[]);
    terminal.wait_for("plans here  1");
    terminal.wait_for("f7 new plan");
    terminal.press("\u{1b}[18~");
    terminal.wait_for("what should it do?");
    terminal.press("\u{1b}");
    terminal.wait_until("the box to be closed", |screen| {
        !screen.contents().contains("what should it do?")
    });
    terminal.press("\r");
    terminal.wait_for("RUNNING");
    terminal.wait_for("f6 pause");
    terminal.press("\u{1b}[17~");
    terminal.wait_for("PAUSING");
    terminal.wait_for("f6 resume");
    terminal.press("\u{1b}[17~");
    terminal.wait_for("f6 pause");
    // A page of the inspector, with its new key in the line of pages.
    terminal.press("f\r");
    terminal.wait_for("L log");
    terminal.press("L");
    terminal.wait_for("Nothing is logged");
    terminal.press("\u{1b}t");
    terminal.wait_for("potential");
    terminal.press("?");
    terminal.wait_for("alt-t");
    terminal.press("\u{1b}");
    go(&folder);
    terminal.wait_for("SUCCEEDED");
}

#[test]
fn keys_with_faults_are_named_and_the_run_goes_on() {
    let folder = tea("steep");
    settings(
        &folder,
        "theme = \"dusk\"\n\n[keys]\npause = \"p\"\nretri = \"f5\"\nquit = \"ctrl+x\"\nstop = \"f9\"\n",
    );
    std::fs::write(
        folder.path().join("own/themes/dusk.toml"),
        "[styles]\ntext = { fg = \"moss\" }\n",
    )
    .unwrap();
    go(&folder);
    let mut terminal = run(folder.path(), &[]);
    terminal.wait_for("SUCCEEDED");
    terminal.press("q");
    assert_eq!(terminal.wait_for_end(), 0);
    let text = terminal.text();
    let text = text.replace('\n', "");
    for words in [
        "dusk.toml:2:15",
        "config.toml:4: pause: \"p\" is the key of pin too",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let output = plandeck()
        .current_dir(folder.path())
        .env("PLANDECK_CONFIG", folder.path().join("own/config.toml"))
        .arg("keys")
        .output()
        .unwrap();
    assert_eq!(code(&output), 2);
    let said = stderr(&output);
    for words in [
        "config.toml:5: there is no action \"retri\": did you mean retry?",
        "config.toml:6: quit: \"ctrl+x\" is not a key: write \"ctrl-x\"",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        listed.contains("stop = \"f9\"") && listed.contains("pause = \"space\""),
        "{listed}"
    );
    // What it prints is a settings file without faults.
    settings(&folder, &listed);
    let again = plandeck()
        .current_dir(folder.path())
        .env("PLANDECK_CONFIG", folder.path().join("own/config.toml"))
        .arg("keys")
        .output()
        .unwrap();
    assert_eq!((code(&again), stderr(&again)), (0, String::new()));
    assert_eq!(String::from_utf8_lossy(&again.stdout), listed);
}

#[test]
fn a_light_terminal_gets_the_light_theme_after_the_first_frame() {
    let folder = tea("steep");
    let mut terminal = run(folder.path(), &[]);
    // The first frame is there without the answer.
    terminal.wait_for("RUNNING");
    assert!(!is_light(&terminal.screen()));
    wait_until_wrote(&terminal, QUESTION);
    terminal.press("\u{1b}]11;rgb:fdfd/f6f6/e3e3\u{1b}\\");
    terminal.wait_until("the light theme", is_light);
    terminal.press("/");
    terminal.wait_for("go there");
    go(&folder);
}

#[test]
fn what_is_typed_around_an_answer_is_not_lost() {
    let folder = tea("steep");
    let mut terminal = start(folder.path(), &["--worker", "offline"], &[]);
    wait_until_wrote(&terminal, QUESTION);
    // Nonsense for an answer, and letters before and after it.
    terminal.press("gro\u{1b}]11;not a colour at all!\u{7}cery");
    terminal.wait_for("find grocery");
    // A late one, in the middle of a word.
    terminal.press(" rec\u{1b}]11;rgb:ffff/ffff/ffff\u{1b}\\eipt");
    terminal.wait_for("find grocery receipt");
    terminal.press("\u{3}");
    assert_eq!(terminal.wait_for_end(), 0);
}

#[test]
fn a_terminal_that_never_answers_is_not_waited_for() {
    let folder = tea("steep");
    let mut terminal = run(folder.path(), &[("COLORFGBG", "0;15")]);
    terminal.wait_for("RUNNING");
    terminal.wait_until("the light theme, by the environment", is_light);
    terminal.press("\u{1b}");
    terminal.wait_for("slots");
    go(&folder);
    terminal.wait_for("SUCCEEDED");
    terminal.press("q");
    assert_eq!(terminal.wait_for_end(), 0);
}

#[test]
fn a_named_theme_asks_nothing() {
    let folder = tea("steep");
    settings(&folder, "theme = \"light\"\n");
    let terminal = run(folder.path(), &[]);
    terminal.wait_for("RUNNING");
    terminal.wait_until("the light theme", is_light);
    assert!(!wrote(&terminal, QUESTION));
    go(&folder);
}

#[test]
fn a_theme_is_seen_while_it_is_chosen_and_edited() {
    let folder = tea("steep");
    let file = folder.path().join("own/themes/plum.toml");
    settings(&folder, "mouse = true\n");
    std::fs::write(
        &file,
        "description = \"Plum\"\n[palette]\nground = \"#200020\"\n",
    )
    .unwrap();
    let mut terminal = run(folder.path(), &[]);
    terminal.wait_for("RUNNING");
    terminal.press(":theme\r");
    terminal.wait_for("1 of your own");
    let before = ground(&terminal.screen());
    // From the first to the last.
    terminal.press("\u{1b}[A");
    terminal.wait_until("the theme", |screen| {
        ground(screen) == vt100::Color::Rgb(0x20, 0, 0x20)
    });
    std::fs::write(
        &file,
        "description = \"Plum\"\n[palette]\nground = \"#300030\"\n",
    )
    .unwrap();
    terminal.wait_until("the theme as it is now", |screen| {
        ground(screen) == vt100::Color::Rgb(0x30, 0, 0x30)
    });
    std::fs::write(
        &file,
        "description = \"Plum\"\n[palette]\nground = \"purpel\"\n",
    )
    .unwrap();
    terminal.wait_for("is neither a colour");
    terminal.press("\u{1b}");
    terminal.wait_until("the theme as it was", |screen| ground(screen) == before);
    terminal.press(":theme light\r");
    terminal.wait_until("the light theme", is_light);
    terminal.wait_for("theme = \"light\" in the settings");
    go(&folder);
}

#[test]
fn the_end_and_failures_are_told_while_the_terminal_has_no_focus() {
    let folder = tea("spill");
    let mut terminal = run(folder.path(), &[]);
    terminal.wait_for("RUNNING");
    wait_until_wrote(&terminal, "\u{1b}[?1004h");
    wait_until_wrote(&terminal, "% tea - plandeck");
    terminal.press("\u{1b}[O");
    go(&folder);
    terminal.wait_for("FAILED");
    let deadline = Instant::now() + HANG;
    while !rang(&terminal) {
        assert!(Instant::now() < deadline, "the bell never rang");
        std::thread::sleep(Duration::from_millis(5));
    }
    wait_until_wrote(&terminal, "✖ tea - plandeck\u{1b}\\");
    terminal.press("q");
    terminal.wait_for_end();
    assert!(wrote(&terminal, "\u{1b}[22;0t") && wrote(&terminal, "\u{1b}[23;0t"));
    assert!(wrote(&terminal, "\u{1b}[?1004l"));
}

#[test]
fn each_of_them_can_be_switched_off() {
    let folder = tea("spill");
    settings(
        &folder,
        "title = false\nprogress = false\nnotify = \"off\"\n",
    );
    go(&folder);
    let mut terminal = run(folder.path(), &[("WT_SESSION", "1")]);
    terminal.wait_for("FAILED");
    terminal.press("q");
    terminal.wait_for_end();
    for what in ["\u{1b}]2;", "\u{1b}]9;", "\u{1b}[?1004h", "\u{1b}[22;0t"] {
        assert!(!wrote(&terminal, what), "{what:?}");
    }
}

#[test]
fn progress_and_messages_go_where_they_are_known() {
    let folder = tea("spill");
    settings(&folder, "notify = \"message\"\n");
    let mut terminal = run(folder.path(), &[("WT_SESSION", "1")]);
    wait_until_wrote(&terminal, "\u{1b}]9;4;1;50\u{1b}\\");
    terminal.press("\u{1b}[O");
    go(&folder);
    wait_until_wrote(&terminal, "\u{1b}]9;tea: pot failed\u{1b}\\");
    wait_until_wrote(&terminal, "\u{1b}]9;tea: the run failed\u{1b}\\");
    terminal.press("q");
    terminal.wait_for_end();
    assert!(wrote(&terminal, "\u{1b}]9;4;0\u{1b}\\"));
}

#[test]
fn a_dumb_terminal_gets_plain_lines() {
    let folder = tea("steep");
    go(&folder);
    let mut terminal = run(folder.path(), &[("TERM", "dumb")]);
    assert_eq!(terminal.wait_for_end(), 0);
    let bytes = terminal.bytes();
    assert!(
        !bytes.contains(&0x1b),
        "{}",
        String::from_utf8_lossy(&bytes)
    );
    assert!(String::from_utf8_lossy(&bytes).contains("pot"));
}

#[test]
fn themes_are_listed_with_those_of_the_user() {
    let folder = tea("steep");
    let themes = folder.path().join("own/themes");
    std::fs::write(themes.join("plum.toml"), "description = \"Plum\"\n").unwrap();
    std::fs::write(themes.join("light.toml"), "").unwrap();
    let output = plandeck()
        .env("PLANDECK_CONFIG", folder.path().join("own/none.toml"))
        .arg("themes")
        .output()
        .unwrap();
    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    let names: Vec<&str> = listed
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(names, ["dark", "light", "sixteen", "sixteen-light", "plum"]);
    assert!(listed.contains("plum.toml)"), "{listed}");
    assert_eq!(code(&output), 2);
    assert!(
        stderr(&output).contains("rename the file"),
        "{}",
        stderr(&output)
    );
}
