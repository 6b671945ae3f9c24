//! The dashboard in a real terminal: what it draws, the keys, resizing, leaving, and what it leaves behind.

use crate::common::program::{HANG, folder, signal};
use crate::common::samples::{copy_of, sample_folder};
use crate::common::terminal::Terminal;
use std::path::Path;
use std::time::{Duration, Instant};

fn open(folder: &Path, columns: u16, rows: u16) -> Terminal {
    let plan = crate::common::program::plan_in(folder);
    let plan = plan.file_name().unwrap().to_str().unwrap();
    Terminal::start(folder, &["run", plan, "--worker", "offline"], columns, rows)
}

/// Leaves a dashboard whose run has ended; the exit status.
fn leave(terminal: &mut Terminal) -> u32 {
    terminal.press("q");
    terminal.wait_for_end()
}

/// The terminal as a shell expects to find it.
fn assert_sane(terminal: &Terminal) {
    let screen = terminal.screen();
    assert!(
        !screen.alternate_screen(),
        "the alternate screen is still on"
    );
    assert!(!screen.hide_cursor(), "the cursor is still hidden");
    assert!(!screen.bracketed_paste(), "bracketed paste is still on");
    assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
    let bytes = terminal.bytes();
    let last = |what: &[u8]| bytes.windows(what.len()).rposition(|window| window == what);
    let entered = last(b"\x1b[?1049h").expect("it was on the alternate screen");
    assert!(last(b"\x1b[?1049l").is_some_and(|left| left > entered));
}

#[test]
fn a_plan_runs_to_its_end_at_any_usual_size() {
    for (columns, rows) in [(80, 24), (120, 36), (200, 60)] {
        let mut terminal = open(&sample_folder("receipt"), columns, rows);
        terminal.wait_for("SUCCEEDED");
        let text = terminal.wait_for("8/8");
        for there in ["plandeck", "receipt", "offline", "faster", "header"] {
            assert!(text.contains(there), "{there} at {columns}×{rows}:\n{text}");
        }
        assert!(
            terminal.screen().alternate_screen(),
            "it stays open at the end"
        );
        assert_eq!(leave(&mut terminal), 0);
        assert_sane(&terminal);
        // What stays in the scrollback says how it went.
        let after = terminal.text();
        assert!(
            after.contains("receipt") && after.contains("succeeded"),
            "{after}"
        );
    }
}

#[test]
fn a_plan_alone_opens_the_dashboard() {
    let mut terminal = Terminal::start(
        &sample_folder("peaks"),
        &["plan.txt", "--worker", "offline"],
        80,
        24,
    );
    terminal.wait_for("SUCCEEDED");
    assert_eq!(leave(&mut terminal), 0);
}

#[test]
fn pause_lets_what_runs_finish_and_resume_goes_on() {
    let mut terminal = open(&sample_folder("straggler"), 100, 30);
    terminal.wait_for("RUNNING");
    terminal.press(" ");
    terminal.wait_for("PAUSING (");
    let text = terminal.wait_for("PAUSED");
    assert!(!text.contains("4/4"), "something was held:\n{text}");
    terminal.press(" ");
    terminal.wait_for("SUCCEEDED");
    assert!(terminal.text().contains("4/4"));
    assert_eq!(leave(&mut terminal), 0);
}

#[test]
fn a_failure_is_found_mended_and_retried() {
    let copy = copy_of("mend");
    let mut terminal = open(copy.path(), 120, 36);
    terminal.wait_for("FAILED");
    let text = terminal.text();
    assert!(text.contains("1 ✖"), "{text}");
    // The view goes to the first failure by itself.
    terminal.wait_for("O.0914");
    terminal.press("6");
    terminal.wait_for("O.0914");
    let rates = copy.path().join("rates.csv");
    let broken = std::fs::read_to_string(&rates).unwrap();
    std::fs::write(&rates, broken.replace("O.0914", "0.0914")).unwrap();
    terminal.press("r");
    terminal.wait_for("enter do it");
    terminal.press("\r");
    terminal.wait_for("SUCCEEDED");
    let text = terminal.wait_for("12/12");
    assert!(!text.contains("1 ✖"), "{text}");
    assert_eq!(leave(&mut terminal), 0, "the run succeeded in the end");
    assert_sane(&terminal);
}

#[test]
fn a_run_that_failed_says_so_on_leaving() {
    let mut terminal = open(&sample_folder("mend"), 100, 30);
    terminal.wait_for("FAILED");
    assert_eq!(leave(&mut terminal), 1);
    let after = terminal.text();
    assert!(after.contains("rates"), "{after}");
}

#[test]
fn it_survives_any_size() {
    let mut terminal = open(&sample_folder("research"), 120, 36);
    terminal.wait_for("RUNNING");
    terminal.resize(40, 10);
    terminal.wait_for("SUCCEEDED");
    for (columns, rows) in [(1, 1), (3, 2), (20, 5), (300, 90), (40, 10)] {
        terminal.resize(columns, rows);
    }
    terminal.wait_until("the small screen", |screen| {
        let text = screen.contents();
        text.contains("SUCCEEDED") && text.lines().all(|line| line.chars().count() <= 40)
    });
    terminal.resize(120, 36);
    let text = terminal.wait_until("the whole screen again", |screen| {
        let text = screen.contents();
        text.contains("28/28") && text.contains("faster")
    });
    assert!(
        text.lines().any(|line| line.chars().count() > 100),
        "{text}"
    );
    assert_eq!(leave(&mut terminal), 0);
    assert_sane(&terminal);
}

#[test]
fn leaving_a_run_asks_once() {
    let mut terminal = open(&sample_folder("straggler"), 100, 30);
    terminal.wait_for("RUNNING");
    terminal.press("q");
    terminal.wait_for("quit?");
    terminal.press("y");
    terminal.wait_for_end();
    assert_sane(&terminal);
    assert!(terminal.text().contains("cancelled"), "{}", terminal.text());
}

#[test]
fn help_names_the_keys() {
    let mut terminal = open(&sample_folder("peaks"), 120, 40);
    terminal.wait_for("SUCCEEDED");
    terminal.press("?");
    terminal.wait_for("possible now");
    // What is not possible stands below, and is found by typing.
    terminal.press("failure");
    terminal.wait_for("go to the next failure");
    terminal.press("\u{1b}");
    terminal.wait_until("the help to go", |screen| {
        !screen.contents().contains("go to the next failure")
    });
    assert_eq!(leave(&mut terminal), 0);
}

#[test]
fn the_inspector_shows_input_and_output() {
    let mut terminal = open(&sample_folder("receipt"), 140, 50);
    terminal.wait_for("SUCCEEDED");
    terminal.press("g");
    terminal.press("2");
    terminal.wait_for("GREENFIELD MARKET");
    terminal.press("3");
    terminal.wait_until("an output", |screen| {
        !screen.contents().contains("GREENFIELD MARKET") || screen.contents().contains("merchant")
    });
    assert_eq!(leave(&mut terminal), 0);
}

/// The program is started by a shell that says afterwards how the terminal is set.
fn ended_by(name: &str, when: &str) -> (String, Terminal) {
    let folder = tempfile::tempdir().unwrap();
    let process = folder.path().join("process");
    let script = format!(
        "sh -c 'echo $$ > {process}; exec {program} run {plan} --worker offline'; echo status=$?; stty -a; echo back in the shell",
        process = process.display(),
        program = crate::common::program::program().display(),
        plan = crate::common::samples::sample("straggler").display(),
    );
    let terminal = Terminal::start_program(folder.path(), "sh", &["-c", &script], 100, 30, &[]);
    terminal.wait_for(when);
    let process = std::fs::read_to_string(process).unwrap();
    signal(name, process.trim().parse().unwrap());
    let text = terminal.wait_for("back in the shell");
    (text, terminal)
}

#[test]
fn a_signal_gives_the_terminal_back() {
    for (name, when, status) in [
        ("TERM", "RUNNING", "status=143"),
        ("TERM", "SUCCEEDED", "status="),
        ("HUP", "RUNNING", "status=129"),
        ("QUIT", "RUNNING", "status=131"),
        ("ABRT", "RUNNING", "status=134"),
        ("ALRM", "RUNNING", "status=142"),
        ("USR1", "RUNNING", "status=1"),
    ] {
        let (text, terminal) = ended_by(name, when);
        assert!(text.contains(status), "{name} at {when}:\n{text}");
        for mode in ["icanon", "echo", "isig", "icrnl", "opost"] {
            assert!(!text.contains(&format!("-{mode} ")));
            assert!(
                text.contains(mode),
                "{mode} after {name} at {when}:\n{text}"
            );
        }
        assert_sane(&terminal);
    }
}

fn ticks(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    // Fields 14 and 15 of the whole line; the first two ended with the bracket.
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// The one test that lets time pass: what is measured is what happens while nothing does.
#[test]
fn idle_costs_nothing() {
    let mut terminal = open(&sample_folder("receipt"), 120, 36);
    terminal.wait_for("SUCCEEDED");
    // Whatever is still to be drawn comes within a moment; then there must be silence.
    let deadline = Instant::now() + HANG;
    let mut drawn = terminal.bytes().len();
    loop {
        std::thread::sleep(Duration::from_millis(500));
        let now = terminal.bytes().len();
        if now == drawn {
            break;
        }
        drawn = now;
        assert!(Instant::now() < deadline, "it never stops drawing");
    }
    let before = ticks(terminal.process());
    std::thread::sleep(Duration::from_secs(5));
    let used = ticks(terminal.process()) - before;
    assert!(
        used <= 2,
        "{used} ticks of processor time in 5 s of doing nothing"
    );
    assert_eq!(
        terminal.bytes().len(),
        drawn,
        "it drew while nothing happened"
    );
    assert_eq!(leave(&mut terminal), 0);
}

fn colours(terminal: &Terminal) -> Vec<vt100::Color> {
    let screen = terminal.screen();
    let (rows, columns) = screen.size();
    let mut colours = Vec::new();
    for row in 0..rows.get() {
        for column in 0..columns.get() {
            let cell = screen.cell(row, column).unwrap();
            colours.extend([cell.fgcolor(), cell.bgcolor()]);
        }
    }
    colours
}

#[test]
fn colours_fit_the_terminal() {
    let plan = sample_folder("mend");
    let arguments = ["run", "plan.yaml", "--worker", "offline"];
    let start = |variables: &[(&str, &str)]| {
        let terminal = Terminal::start_as(&plan, &arguments, 100, 30, variables);
        terminal.wait_for("FAILED");
        terminal
    };
    let sixteen = start(&[("TERM", "xterm"), ("COLORTERM", "")]);
    let colours_of_16 = colours(&sixteen);
    assert!(
        colours_of_16
            .iter()
            .all(|colour| matches!(colour, vt100::Color::Default | vt100::Color::Idx(0..=15)))
    );
    assert!(
        colours_of_16
            .iter()
            .any(|colour| matches!(colour, vt100::Color::Idx(_)))
    );
    let none = start(&[("NO_COLOR", "1")]);
    assert!(
        colours(&none)
            .iter()
            .all(|colour| *colour == vt100::Color::Default)
    );
    // States are told by shape as well.
    assert!(none.text().contains('✖') && none.text().contains('✔'));
    let many = start(&[]);
    assert!(
        colours(&many)
            .iter()
            .any(|colour| matches!(colour, vt100::Color::Rgb(..)))
    );
}

#[test]
fn control_characters_never_reach_the_terminal() {
    let folder = folder(
        "plan.json",
        "{\"steps\": [{\"id\": \"ab\", \"description\": \"\\u001b]0;two\\u0007\", \"tool\": \"shout\", \"parameters\": {\"x\": \"\\u001b]0;three\\u0007\"}}]}",
        "tools: {shout: {type: process, description: Shouts, command: [sh, -c, 'printf \"fo\\033]0;six\\007ur\" >&2; printf \"out\\033]0;five\\007put\"']}}",
    );
    let mut terminal = open(folder.path(), 120, 36);
    terminal.wait_for("SUCCEEDED");
    for (page, there) in [("2", "three"), ("3", "five"), ("5", "four"), ("1", "two")] {
        terminal.press(page);
        terminal.wait_for(there);
    }
    assert_eq!(leave(&mut terminal), 0);
    let bytes = terminal.bytes();
    assert!(
        !bytes.windows(4).any(|window| window == b"\x1b]0;"),
        "a title was set"
    );
    assert!(!bytes.contains(&7), "the bell rang");
}

#[test]
fn the_demo_names_the_keys_that_fix_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(folder.path(), &["demo"], 120, 36);
    terminal.wait_for("DEMO");
    terminal.wait_for("One call asks first");
    terminal.press("A");
    terminal.wait_for("make this call?");
    terminal.wait_for("the old signal house");
    terminal.press("y");
    // The failure is gone to by itself.
    terminal.wait_for("edits its input");
    terminal.press("I");
    terminal.wait_for("31 February");
    terminal.press("\u{1b}[B\u{1b}[F");
    terminal.press(&"\u{1b}[D".repeat(10));
    terminal.press("\u{7f}\u{7f}28");
    terminal.wait_for("28 February");
    terminal.press("\u{13}");
    terminal.wait_for("edit embargo");
    terminal.wait_for("was skipped because of embargo");
    terminal.press("\r");
    terminal.wait_for("A press kit in 12 languages");
    terminal.press("a");
    terminal.wait_for("the result");
    terminal.press("a");
    assert_eq!(leave(&mut terminal), 0);
    assert_sane(&terminal);
}
