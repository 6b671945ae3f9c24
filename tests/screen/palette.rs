//! The palette: every action by its name, found by a few letters.

use crate::common::recording::{receipt_failed, receipt_running};
use crate::common::screen::Screen;
use crossterm::event::{MouseButton, MouseEventKind};
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
    screen.send(Message::Terminal(TerminalEvent::Paste(
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

/// The place of a text on the screen.
fn place(screen: &mut Screen, words: &str) -> (u16, u16) {
    let text = screen.text();
    let lines = text.lines().map(|line| line.trim_matches('"'));
    let found = lines.enumerate().find_map(|(row, line)| {
        let at = line.find(words)?;
        Some((line[..at].chars().count() as u16, row as u16))
    });
    found.unwrap_or_else(|| panic!("{words} in {text}"))
}

const CLICK: MouseEventKind = MouseEventKind::Down(MouseButton::Left);

#[test]
fn the_hints_of_the_footer_are_clicked() {
    let mut screen = running();
    let at = place(&mut screen, "pause");
    screen.mouse(CLICK, at);
    assert_eq!(screen.effects, [Effect::Command(RunCommand::Pause)]);
    let at = place(&mut screen, "? help");
    screen.mouse(CLICK, at);
    assert!(matches!(screen.model.overlay, Some(Overlay::Palette(_))));
    let at = place(&mut screen, "esc close");
    screen.mouse(CLICK, (at.0 + 4, at.1));
    assert!(screen.model.overlay.is_none());
    // Between two hints there is nothing.
    let at = place(&mut screen, "pause");
    let before = screen.effects.len();
    screen.mouse(CLICK, (at.0 + 6, at.1));
    assert_eq!(screen.effects.len(), before);
    assert!(screen.model.overlay.is_none());
}

#[test]
fn a_question_is_answered_in_the_footer() {
    let mut screen = running().keys("x");
    let text = screen.text();
    let footer = text.lines().last().unwrap();
    assert!(footer.contains("yes"), "{footer}");
    let row = text.lines().count() as u16 - 1;
    let column = footer.trim_matches('"').find("yes").unwrap() as u16;
    screen.mouse(CLICK, (column, row));
    assert_eq!(screen.effects, [Effect::Command(RunCommand::Stop)]);
}

#[test]
fn actions_are_chosen_and_done_with_the_mouse() {
    let mut screen = running().keys("?");
    let at = place(&mut screen, "more detail");
    screen.mouse(CLICK, at);
    assert!(palette(&screen).chosen > 3, "chosen first");
    screen.mouse(CLICK, at);
    assert!(screen.model.overlay.is_none(), "and done then");
    let mut screen = running().keys("?");
    let at = place(&mut screen, "possible now");
    screen.mouse(MouseEventKind::ScrollDown, at);
    assert_eq!(palette(&screen).chosen, 3);
    screen.mouse(MouseEventKind::ScrollUp, at);
    screen.mouse(MouseEventKind::ScrollUp, at);
    assert_eq!(palette(&screen).chosen, 0);
    for _ in 0..20 {
        screen.press("pagedown");
    }
    let last = palette(&screen).chosen;
    screen.press("down");
    assert_eq!(palette(&screen).chosen, 0, "past the last, {last}");
}

#[test]
fn a_description_is_found_by_its_words_alone() {
    let mut screen = running().keys("? d e t a i l");
    let text = screen.text();
    assert!(text.contains("more detail") && text.contains("less detail"));
    // Letters that are scattered over a description find nothing.
    screen.press("ctrl-u c e n s t e p");
    assert!(screen.text().contains("no action matches"));
}

#[test]
fn a_word_after_the_name_is_given_to_the_action() {
    let mut screen = running().keys(": f i n d space s t a t s");
    let text = screen.text();
    assert!(text.contains("1 of 1 possible now"), "{text}");
    screen.press("enter");
    assert!(matches!(screen.model.overlay, Some(Overlay::Search(_))));
    screen.press("enter");
    let selected = screen.model.row().map(|row| row.info.id.to_string());
    assert_eq!(selected.as_deref(), Some("stats"));
}
