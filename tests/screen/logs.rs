//! The page of a step's log: colours, lines that are overwritten, following, and what it does with hostile text.

use crate::common::recording::Recording;
use crate::common::screen::Screen;
use plandeck::run::{LogStream, RunEvent};
use plandeck::tui::Message;

fn building() -> Recording {
    Recording::new("build")
        .step("compile", "make", "process", &[])
        .step("test", "check", "process", &["compile"])
        .start()
        .wait(2)
        .call(&["compile"])
        .wait(40)
        .log_from(
            LogStream::Stdout,
            "compile",
            "\u{1b}[1mcompiling\u{1b}[0m 12 files",
        )
        .log(
            "compile",
            "\u{1b}[33mwarning\u{1b}[0m: unused variable \u{1b}[36mcount\u{1b}[0m in reader.c",
        )
}

fn lines(run: Recording, from: usize, to: usize) -> Recording {
    (from..to).fold(run, |run, at| {
        run.log("compile", &format!("object {at} is up to date"))
    })
}

/// The events of `whole` that come after the first `count`.
fn rest(whole: Recording, count: usize) -> Vec<RunEvent> {
    whole.events().split_off(count)
}

#[test]
fn it_shows_both_streams_in_the_colours_of_the_theme() {
    let mut screen = Screen::new(
        120,
        36,
        building()
            .log("compile", "linking 40 %\r")
            .log("compile", "linking 80 %\r")
            .events(),
    )
    .at(1_000)
    .keys("enter 5");
    insta::assert_snapshot!("log_120x36", screen.text());
    let theme = screen.model.theme.clone();
    let area = screen.buffer().area;
    let looks = |screen: &mut Screen, word: &str| {
        let buffer = screen.buffer();
        let cells = (0..area.height).flat_map(|y| (0..area.width).map(move |x| (x, y)));
        let mut rows = cells.filter(|&(x, y)| {
            word.chars().enumerate().all(|(at, c)| {
                buffer
                    .cell((x + at as u16, y))
                    .is_some_and(|cell| cell.symbol() == c.to_string())
            })
        });
        rows.next().map(|at| buffer[at].fg)
    };
    assert_eq!(looks(&mut screen, "warning"), theme.warning.fg);
    assert_eq!(looks(&mut screen, "count in"), theme.accent.fg);
}

/// The inspector's part of a screen with the graph at its left, whose card shows the log too.
fn inspector(screen: &mut Screen) -> String {
    let text = screen.text();
    let parts = text
        .lines()
        .filter_map(|line| line.split_once("││").or(line.split_once("╯╰")));
    let parts: Vec<&str> = parts.map(|(_, right)| right).collect();
    parts.join("\n")
}

#[test]
fn it_follows_until_it_is_scrolled_and_says_what_is_new() {
    let mut screen = Screen::new(120, 36, lines(building(), 0, 60).events())
        .at(1_000)
        .keys("enter 5");
    assert!(
        inspector(&mut screen).contains("object 59 is"),
        "{}",
        inspector(&mut screen)
    );
    assert!(
        inspector(&mut screen).contains("following"),
        "{}",
        inspector(&mut screen)
    );
    let known = lines(building(), 0, 60).events().len();
    screen.send(Message::Events(rest(lines(building(), 0, 63), known)));
    assert!(
        inspector(&mut screen).contains("object 62 is"),
        "{}",
        inspector(&mut screen)
    );
    screen.press("k k");
    let above = inspector(&mut screen);
    assert!(
        !above.contains("object 62 is") && !above.contains(" new ─"),
        "{above}"
    );
    let known = lines(building(), 0, 63).events().len();
    screen.send(Message::Events(rest(lines(building(), 0, 70), known)));
    let text = inspector(&mut screen);
    assert!(
        text.contains("▼ 7 new") && !text.contains("object 62 is"),
        "{text}"
    );
    assert!(text.contains("object 60 is"), "what is read stays: {text}");
    screen.press("G");
    let text = inspector(&mut screen);
    assert!(
        text.contains("object 69 is") && text.contains("following"),
        "{text}"
    );
    screen.press("g");
    assert!(
        inspector(&mut screen).contains("compiling"),
        "{}",
        inspector(&mut screen)
    );
}

#[test]
fn hostile_text_is_shown_and_obeyed_by_nothing() {
    let long = format!("\u{1b}[31m{}", "0123456789".repeat(800));
    let run = || {
        building()
            .log("compile", "\u{1b}[2J\u{1b}[H\u{1b}]0;gone\u{7}first")
            .log("compile", "\u{1b}[8mhidden\u{1b}[0m \u{202e}backwards")
            .log("compile", &long)
            .log("compile", "last")
            .events()
    };
    for (columns, rows) in [(20, 6), (80, 24), (200, 60)] {
        let mut screen = Screen::new(columns, rows, run()).at(1_000).keys("enter 5");
        let text = screen.text();
        assert!(text.contains("last"), "{text}");
        assert!(
            !text.contains('\u{1b}') && !text.contains('\u{202e}'),
            "{text}"
        );
        screen.press("g pagedown k G");
    }
    let mut screen = Screen::new(200, 60, run()).at(1_000).keys("enter 5 g");
    let text = screen.text();
    assert!(text.contains("hidden backwards"), "{text}");
    let symbols = screen.buffer().content.iter();
    assert!(
        symbols
            .clone()
            .all(|cell| !cell.modifier.contains(ratatui::style::Modifier::HIDDEN))
    );
}

#[test]
fn what_failed_shows_its_headline_its_log_and_its_command() {
    let run = building()
        .log("compile", "reader.c:12: count is not declared")
        .fail(
            "compile",
            "the program make exited with code 2: reader.c:12: count is not declared",
        );
    let mut screen = Screen::new(120, 36, run.events()).at(1_000).keys("n");
    insta::assert_snapshot!("overview_failed_log", screen.text());
}
