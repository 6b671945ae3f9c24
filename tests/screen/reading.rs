//! A long record of which a part is shown while the rest is read.

use crate::common::recording::Recording;
use crate::common::screen::Screen;
use plandeck::plan::StepIx;
use plandeck::run::{FoldedRun, RunEvent};
use plandeck::tui::Message;

/// What is read at first.
fn early() -> Vec<RunEvent> {
    Recording::new("session")
        .step("model", "model", "model", &[])
        .step("Read", "Read", "tool", &["model"])
        .start()
        .call(&["model"])
        .wait(700)
        .succeed(&["model"])
        .call(&["Read"])
        .events()
}

/// All of it.
fn whole() -> Vec<RunEvent> {
    Recording::new("session")
        .step("model", "model", "model", &[])
        .step("Read", "Read", "tool", &["model"])
        .step("model 2", "model", "model", &["Read"])
        .step("Bash", "Bash", "tool", &["model 2"])
        .start()
        .call(&["model"])
        .wait(700)
        .succeed(&["model"])
        .call(&["Read"])
        .wait(300)
        .succeed(&["Read"])
        .call(&["model 2"])
        .wait(900)
        .fail("model 2", "overloaded")
        .skip(&["Bash"], "model 2")
        .events()
}

fn reading(columns: u16, rows: u16) -> Screen {
    let mut screen = Screen::new(columns, rows, early());
    screen.send(Message::Read(Some(34)));
    screen.draw();
    screen
}

#[test]
fn the_head_says_how_much_is_read() {
    for (columns, rows) in [(80, 24), (120, 36), (40, 10)] {
        let name = format!("reading_{columns}x{rows}");
        insta::assert_snapshot!(name, reading(columns, rows).text());
    }
}

#[test]
fn what_is_read_to_its_end_is_shown_as_if_it_had_been_there_at_once() {
    let mut screen = reading(120, 36);
    screen.send(Message::Whole(Box::new(FoldedRun::of(whole()))));
    screen.send(Message::Read(None));
    let mut at_once = Screen::new(120, 36, whole());
    assert_eq!(screen.text(), at_once.text());
    for keys in ["v", "[", "[", "]", "f"] {
        screen.press(keys);
        at_once.press(keys);
        assert_eq!(screen.text(), at_once.text(), "{keys}");
    }
}

#[test]
fn what_was_chosen_in_the_meantime_stays_chosen_and_an_earlier_event_gives_way() {
    let mut screen = reading(120, 36).keys("k");
    assert_eq!(screen.model.selected, Some(StepIx(0)));
    screen.press("[");
    assert!(screen.model.is_past());
    screen.send(Message::Whole(Box::new(FoldedRun::of(whole()))));
    screen.send(Message::Read(None));
    assert!(!screen.model.is_past());
    assert_eq!(screen.model.selected, Some(StepIx(0)));
    assert_eq!(screen.model.position(), whole().len());
    assert!(screen.text().contains("Bash"));
}
