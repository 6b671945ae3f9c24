//! A run as a recording for terminals: every line is what players read, and a terminal that plays it shows the run.

use crate::common::program::{code, command, folder, stderr};
use crate::common::samples::sample;
use serde_json::Value;
use std::num::NonZeroU16;
use std::path::Path;

/// Runs a plan without a screen, recorded under this folder.
fn ran(home: &Path, plan: &Path) {
    let mut run = command();
    run.env("PLANDECK_HOME", home)
        .arg("run")
        .arg(plan)
        .args(["--worker", "offline", "--headless"]);
    let output = run.output().unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
}

fn exported(home: &Path, more: &[&str]) -> std::process::Output {
    let mut export = command();
    export
        .env("PLANDECK_HOME", home)
        .args(["export", "last"])
        .args(more);
    export.output().unwrap()
}

/// A cast: its header, and what is written when.
struct Cast {
    text: String,
    header: Value,
    written: Vec<(f64, String)>,
}

impl Cast {
    fn of(home: &Path, more: &[&str]) -> Self {
        let output = exported(home, &[&["--format", "cast"], more].concat());
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        let text = String::from_utf8(output.stdout).unwrap();
        let mut lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        let header: Value = lines.next().unwrap();
        assert_eq!(header["version"], 2);
        let written: Vec<(f64, String)> = lines
            .map(|line: Value| {
                assert_eq!(line.as_array().unwrap().len(), 3);
                assert_eq!(line[1], "o");
                (line[0].as_f64().unwrap(), line[2].as_str().unwrap().into())
            })
            .collect();
        assert!(written.is_sorted_by(|(a, _), (b, _)| a <= b));
        Self {
            text,
            header,
            written,
        }
    }

    /// What a terminal shows after each of its parts.
    fn screens(&self) -> Vec<String> {
        let size = |name: &str| NonZeroU16::new(self.header[name].as_u64().unwrap() as u16);
        let (rows, columns) = (size("height").unwrap(), size("width").unwrap());
        let mut screen = vt100::Parser::new(rows, columns, 0);
        let shown = self.written.iter().map(|(_, text)| {
            screen.process(text.as_bytes());
            screen.screen().contents()
        });
        shown.collect()
    }

    fn seconds(&self) -> f64 {
        self.written.last().unwrap().0
    }
}

#[test]
fn a_terminal_that_plays_it_shows_the_run() {
    let home = tempfile::tempdir().unwrap();
    ran(home.path(), &sample("receipt"));
    for (columns, rows) in [(120, 36), (80, 24)] {
        let (columns, rows) = (columns.to_string(), rows.to_string());
        let size = ["--columns", &*columns, "--rows", &*rows];
        let cast = Cast::of(home.path(), &size);
        assert_eq!(cast.header["width"].to_string(), columns);
        assert_eq!(cast.header["height"].to_string(), rows);
        assert_eq!(cast.header["idle_time_limit"], 2.0);
        assert!(!cast.header["title"].as_str().unwrap().is_empty());
        let palette = cast.header["theme"]["palette"].as_str().unwrap();
        assert_eq!(palette.split(':').count(), 8);
        let screens = cast.screens();
        // It was over at once: it is played so that it can be followed.
        assert!((5.0..15.0).contains(&cast.seconds()), "{}", cast.seconds());
        assert!(screens.len() > 20, "{}", screens.len());
        let runs = |screen: &String| screen.contains("RUNNING") && screen.contains("0/");
        assert!(screens[0].contains("REPLAY"), "{}", screens[0]);
        assert!(screens.iter().any(runs), "{}", screens[3]);
        let turns = ["◐", "◓", "◑", "◒", "●"];
        let early = &screens[..screens.len() / 2];
        assert!(
            early
                .iter()
                .any(|screen| turns.iter().any(|turn| screen.contains(turn)))
        );
        let last = screens.last().unwrap();
        assert!(last.contains("SUCCEEDED"), "{last}");
        assert!(!early.iter().any(|screen| screen.contains("SUCCEEDED")));
        assert_eq!(cast.text, Cast::of(home.path(), &size).text);
    }
}

#[test]
fn a_pause_that_is_longer_than_the_longest_is_left_to_the_player() {
    let tools = "tools:\n  waits: {type: process, command: [sleep, '2.5'], read_only: true}\n";
    let plan = "name: waiting\nsteps:\n  - {id: one, tool: waits, parameters: {}}\n";
    let folder = folder("plan.yaml", plan, tools);
    let home = folder.path().join("home");
    ran(&home, &folder.path().join("plan.yaml"));
    let widest = |cast: &Cast| {
        let pairs = cast.written[..cast.written.len() - 1].windows(2);
        pairs.map(|pair| pair[1].0 - pair[0].0).fold(0.0, f64::max)
    };
    let moving = Cast::of(&home, &["--longest-pause", "10"]);
    assert!((2.5..6.0).contains(&moving.seconds()));
    assert!(widest(&moving) < 0.6, "{}", widest(&moving));
    let cut = Cast::of(&home, &["--longest-pause", "1"]);
    assert_eq!(cut.header["idle_time_limit"], 1.0);
    assert!(widest(&cut) > 1.5, "{}", widest(&cut));
    let fast = Cast::of(&home, &["--speed", "10"]);
    assert!(fast.seconds() < 2.5, "{}", fast.seconds());
    assert!(fast.screens()[0].contains("10×"), "{}", fast.screens()[0]);
}

#[test]
fn what_cannot_be_exported_is_refused() {
    let home = tempfile::tempdir().unwrap();
    ran(home.path(), &sample("receipt"));
    for (arguments, says) in [
        (&["--columns", "0"][..], "20..=400"),
        (&["--rows", "9999"], "6..=150"),
        (&["--speed", "0"], "must be a number from 0.001"),
        (&["--longest-pause", "nan"], "must be seconds from 0.1"),
        (&["--theme", "none-such"], "none-such"),
    ] {
        let output = exported(home.path(), &[&["--format", "cast"], arguments].concat());
        assert_eq!(code(&output), 2, "{arguments:?}");
        assert!(stderr(&output).contains(says), "{}", stderr(&output));
    }
    let output = exported(home.path(), &["--format", "svg", "--columns", "80"]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("--columns needs --format cast"));
    let mut unknown = command();
    unknown
        .env("PLANDECK_HOME", home.path())
        .args(["export", "no-such-run", "--format", "cast"]);
    assert_ne!(code(&unknown.output().unwrap()), 0);
}
