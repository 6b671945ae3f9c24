//! The palette: every action by its name, found by a few letters.

use crate::common::recording::{receipt_failed, receipt_running};
use crate::common::screen::Screen;
use plandeck::run::RunCommand;
use plandeck::tui::{Effect, Message, Outcome, Overlay, Palette, TerminalEffect, TerminalEvent};

fn running() -> Screen {
    Screen::new(100, 30, receipt_running().events()).at(1700)
}

#[test]
fn it_lists_what_is_possible_first() {
    for (columns, rows) in [(80, 24), (120, 36), (200, 60), (40, 10)] {
        let mut screen = Screen::new(columns, rows, receipt_failed().events())
            .at(2200)
            .keys("n :");
        insta::assert_snapshot!(format!("palette_{columns}x{rows}"), screen.text());
    }
}

#[test]
fn letters_find_an_action_and_enter_does_it() {
    let mut screen = running().keys(": p a u s");
    insta::assert_snapshot!("palette_typed", screen.text());
    assert!(screen.effects.is_empty(), "letters act on nothing");
    screen.press("enter");
    assert_eq!(screen.effects, [Effect::Command(RunCommand::Pause)]);
    assert!(screen.model.overlay.is_none());
}

#[test]
fn what_is_not_possible_says_why_and_stays() {
    let mut screen = running().keys(": r e s u m e");
    let text = screen.text();
    assert!(text.contains("needs a run in progress"), "{text}");
    screen.press("enter");
    assert!(screen.effects.is_empty());
    assert!(matches!(screen.model.overlay, Some(Overlay::Palette(_))));
    assert!(
        screen
            .model
            .notice
            .as_deref()
            .unwrap()
            .contains("resume needs")
    );
}

fn palette(screen: &Screen) -> &Palette {
    match &screen.model.overlay {
        Some(Overlay::Palette(palette)) => palette,
        other => panic!("no palette: {other:?}"),
    }
}

#[test]
fn it_is_moved_in_closed_and_left() {
    let mut screen = running().keys(": down down up");
    assert_eq!(palette(&screen).chosen, 1);
    screen.press("up up");
    assert!(palette(&screen).chosen > 20, "it goes around");
    screen.press("x q esc");
    assert!(screen.effects.is_empty());
    assert!(screen.model.overlay.is_none());
    screen.press(":");
    assert!(
        palette(&screen).field.is_empty(),
        "it opens with nothing typed"
    );
    screen.tell(Message::Terminal(TerminalEvent::Paste(
        "zoom-in\n".to_owned(),
    )));
    assert_eq!(palette(&screen).field.text(), "zoom-in ");
    screen.press("z z z z z");
    assert!(screen.text().contains("no action matches"));
    screen.press("enter ctrl-c");
    let mut ended = Screen::new(80, 24, vec![]).keys(": ctrl-c");
    assert_eq!(
        ended.effects.pop(),
        Some(Effect::Terminal(TerminalEffect::Leave(Outcome::Quit)))
    );
}
