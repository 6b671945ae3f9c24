//! Keys that share the screen out, typed into the program in a terminal.

use crate::common::samples::sample_folder;
use crate::common::terminal::Terminal;

fn open(columns: u16, rows: u16) -> Terminal {
    let arguments = ["run", "plan.yaml", "--worker", "offline", "--pace", "0"];
    let terminal = Terminal::start(&sample_folder("figures"), &arguments, columns, rows);
    terminal.wait_for("SUCCEEDED");
    terminal
}

fn row_of(text: &str, words: &str) -> Option<usize> {
    text.lines().position(|line| line.contains(words))
}

/// The column of the corner between the panes in the last line of them.
fn corner(text: &str) -> Option<usize> {
    let line = text.lines().find(|line| line.contains("╯╰"))?;
    Some(line.split_once("╯╰")?.0.chars().count())
}

#[test]
fn keys_show_the_waterfall_and_move_the_borders() {
    let mut terminal = open(200, 60);
    // The first key closes the banner.
    terminal.press("j");
    let text = terminal.wait_for("waterfall");
    let before = row_of(&text, "waterfall").unwrap();
    for (keys, by) in [("K", -2), ("J", 2), ("\x1b[1;5A", -2), ("\x1b[1;5B", 2)] {
        let from = row_of(&terminal.text(), "waterfall").unwrap();
        let to = from.checked_add_signed(by).unwrap();
        terminal.press(keys);
        terminal.wait_until("the border above the waterfall", |screen| {
            row_of(&screen.contents(), "waterfall") == Some(to)
        });
    }
    assert_eq!(row_of(&terminal.text(), "waterfall"), Some(before));
    let divider = corner(&terminal.text()).unwrap();
    for (keys, to) in [
        ("m", divider - 4),
        ("\x1b[1;5C", divider),
        ("M", divider + 4),
        ("\x1b[1;5D", divider),
    ] {
        terminal.press(keys);
        terminal.wait_until("the border of the inspector", |screen| {
            corner(&screen.contents()) == Some(to)
        });
    }
    terminal.press("W");
    terminal.wait_until("the graph alone", |screen| {
        row_of(&screen.contents(), "waterfall").is_none()
    });
    terminal.press("W");
    terminal.wait_for("waterfall");
    // The mouse takes the border and leaves it five rows higher.
    let text = terminal.text();
    let row = row_of(&text, "waterfall").unwrap();
    let event = |code: u8, row: usize, end: char| format!("\x1b[<{code};30;{}{end}", row + 1);
    terminal.press(&event(0, row, 'M'));
    terminal.press(&event(32, row - 5, 'M'));
    terminal.press(&event(0, row - 5, 'm'));
    terminal.wait_until("the border where it was left", |screen| {
        row_of(&screen.contents(), "waterfall") == Some(row - 5)
    });
    terminal.press("q");
    assert_eq!(terminal.wait_for_end(), 0);
}

#[test]
fn a_run_is_presented_by_key_and_by_name() {
    let mut terminal = open(120, 36);
    terminal.press("V");
    let text = terminal.wait_for("shows the result");
    assert!(!text.contains("attempts"), "{text}");
    terminal.press("w");
    terminal.wait_for(" w  go to the bottleneck");
    terminal.press("\x1b");
    terminal.wait_for("attempts");
    terminal.press(":present");
    terminal.wait_for("present: large cards");
    terminal.press("\r");
    terminal.wait_for("shows the result");
    terminal.press("q");
    assert_eq!(terminal.wait_for_end(), 0);
}
