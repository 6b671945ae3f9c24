//! What moves while a run goes on, and what stands still when nothing does.

use crate::common::recording::Recording;
use crate::common::screen::Screen;
use plandeck::run::RunOutcome;
use plandeck::tui::Message;
use plandeck::units::Micros;
use ratatui::buffer::Buffer;
use ratatui::style::Style;

/// A step that has ended, and two after it that run.
fn forge() -> Recording {
    Recording::new("forge")
        .step("melt", "furnace", "process", &[])
        .step("cast", "mould", "process", &["melt"])
        .step("weigh", "scales", "process", &["melt"])
        .start()
        .ready(&["melt"])
        .call(&["melt"])
        .wait(1_000)
        .succeed(&["melt"])
        .wait(100)
        .ready(&["cast", "weigh"])
        .call(&["cast", "weigh"])
        .wait(1_000)
}

fn screen(run: Recording, motion: bool, ms: u64) -> Screen {
    let mut screen = Screen::new(120, 36, run.events());
    screen.model.motion = motion;
    let mut screen = screen.at(ms);
    screen.draw();
    screen
}

/// The cells between the columns of the graph's pane: their signs, and how they look.
fn graph(buffer: &Buffer) -> Vec<(String, Style)> {
    let area = buffer.area;
    let rows = 4..area.height - 2;
    rows.flat_map(|y| (1..68).map(move |x| (x, y)))
        .map(|at| (buffer[at].symbol().to_owned(), buffer[at].style()))
        .collect()
}

/// Signs of edges.
fn is_line(sign: &str) -> bool {
    sign.chars()
        .all(|sign| "─│╭╮╰╯┬┴├┤┼━┃┏┓┗┛┻┳┣┫▾▸".contains(sign))
}

#[test]
fn light_moves_along_the_edges_into_what_runs() {
    let mut seen = Vec::new();
    for turn in 0..5 {
        let mut screen = screen(forge(), true, 2_100 + turn * 250);
        // Everything that shows a time stands still.
        screen.model.now = Micros(2_100_000);
        seen.push(graph(screen.buffer()));
    }
    let lit = |a: &[(String, Style)], b: &[(String, Style)]| {
        let pairs = a.iter().zip(b);
        let changed = pairs.filter(|(a, b)| a.1 != b.1 && is_line(&a.0) && is_line(&b.0));
        changed.count()
    };
    for pair in seen.windows(2) {
        assert!(lit(&pair[0], &pair[1]) > 3, "nothing moved");
        let lines = |cells: &[(String, Style)]| -> Vec<String> {
            let signs = cells.iter().map(|(sign, _)| sign.clone());
            signs
                .map(|sign| if is_line(&sign) { sign } else { String::new() })
                .collect()
        };
        assert_eq!(lines(&pair[0]), lines(&pair[1]), "a sign moved");
    }
    // After four turns it is as at first.
    assert_eq!(lit(&seen[0], &seen[4]), 0);
}

#[test]
fn a_step_stands_out_for_a_moment_when_its_state_changes() {
    let run = || {
        Recording::new("kiln")
            .step("fire", "kiln", "process", &[])
            .step("cool", "kiln", "process", &[])
            .start()
            .ready(&["fire", "cool"])
            .call(&["fire", "cool"])
            .wait(2_000)
            .succeed(&["fire"])
    };
    let border = |motion: bool, ms: u64| {
        let mut screen = screen(run(), motion, ms);
        screen.press("l");
        screen.model.now = Micros(ms * 1_000);
        let text = screen.text();
        let (row, line) = text
            .lines()
            .enumerate()
            .find(|(_, line)| line.contains("✔ fire"))
            .unwrap_or_else(|| panic!("{text}"));
        let before = line.split_once("✔ fire").unwrap().0;
        // The text has a quotation mark before each line, and the box begins two cells before the sign.
        let column = before.chars().count() as u16 - 1 - 2;
        screen.buffer()[(column, row as u16)].style()
    };
    let (at_once, later) = (border(true, 2_100), border(true, 2_400));
    assert_ne!(at_once, later);
    assert_eq!(later, border(false, 2_400));
    assert_eq!(border(false, 2_100), border(false, 2_400), "reduced motion");
}

/// The frames that are drawn until `ms`, by the timers that the dashboard asks for.
fn frames(screen: &mut Screen, from: u64, ms: u64) -> usize {
    let (mut clock, end) = (Micros(from * 1_000), Micros(ms * 1_000));
    screen.send(Message::Tick(clock));
    screen.draw();
    screen.model.dirty = false;
    let mut frames = 0;
    while clock < end {
        let Some(time) = screen.model.wake_in() else {
            break;
        };
        clock += time.max(Micros(1));
        screen.send(Message::Tick(clock));
        if screen.model.dirty {
            screen.draw();
            screen.model.dirty = false;
            frames += 1;
        }
    }
    frames
}

#[test]
fn frames_are_drawn_while_something_runs_and_not_for_nothing() {
    let count = |run: Recording, motion: bool| {
        let mut screen = screen(run, motion, 3_000);
        frames(&mut screen, 3_000, 63_000)
    };
    let moving = count(forge(), true);
    assert!((240..=660).contains(&moving), "{moving} in a minute");
    let reduced = count(forge(), false);
    assert!(reduced <= moving / 4, "{reduced} of {moving}");
    // Nothing runs: what remains are the figures of the last event.
    let paused = || forge().pause().succeed(&["cast", "weigh"]);
    let ended = || {
        forge()
            .succeed(&["cast", "weigh"])
            .end_run(RunOutcome::Succeeded)
    };
    for (run, what) in [(paused(), "paused"), (ended(), "ended")] {
        let drawn = count(run, true);
        assert!(drawn <= 1, "{what}: {drawn} frames in a minute");
    }
    let mut past = screen(forge(), true, 3_000);
    past.press("[");
    let drawn = frames(&mut past, 3_000, 63_000);
    assert!(drawn <= 1, "an earlier event: {drawn} frames in a minute");
}
