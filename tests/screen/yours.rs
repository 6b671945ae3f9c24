//! Themes and keys of the user's own, on a screen in memory.

use crate::common::recording::receipt_running;
use crate::common::screen::Screen;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEventKind};
use plandeck::run::RunCommand;
use plandeck::tui::{
    Effect, Focus, KeySetting, KeySettings, Message, Overlay, TerminalEffect, TerminalEvent, Theme,
    ThemeError, ThemeFile, theme_named, themes,
};

fn running(columns: u16, rows: u16) -> Screen {
    Screen::new(columns, rows, receipt_running().events()).at(1700)
}

fn files() -> Vec<ThemeFile> {
    let mut files = themes(&[]);
    files.push(ThemeFile {
        name: "plum".to_owned(),
        description: "After dinner".to_owned(),
        file: Some("/home/me/.config/plandeck/themes/plum.toml".into()),
        theme: theme_named("light"),
    });
    files.push(ThemeFile {
        name: "rust".to_owned(),
        description: String::new(),
        file: Some("/home/me/.config/plandeck/themes/rust.toml".into()),
        theme: Err(ThemeError::Faulty {
            place: "/home/me/.config/plandeck/themes/rust.toml:3:9".to_owned(),
            message: "\"moss\" is neither a colour nor a name in the palette: write #rrggbb"
                .to_owned(),
        }),
    });
    files
}

fn choosing(columns: u16, rows: u16) -> Screen {
    let mut screen = running(columns, rows).keys(": t h e m e enter");
    let asked = screen
        .effects
        .iter()
        .any(|effect| matches!(effect, Effect::Terminal(TerminalEffect::ReadThemes(_))));
    assert!(asked, "{:?}", screen.effects);
    screen.effects.clear();
    screen.send(Message::Terminal(TerminalEvent::Themes(files())));
    screen.draw();
    screen
}

#[test]
fn themes_are_listed_at_the_side() {
    for (columns, rows) in [(80, 24), (120, 36), (200, 60), (40, 10)] {
        let mut screen = choosing(columns, rows);
        insta::assert_snapshot!(format!("themes_{columns}x{rows}"), screen.text());
        screen.press("up");
        insta::assert_snapshot!(format!("themes_faulty_{columns}x{rows}"), screen.text());
    }
}

#[test]
fn a_theme_is_seen_at_once_and_kept_or_not() {
    let mut screen = choosing(120, 36);
    let before = Theme::default();
    screen.press("up up");
    assert_eq!(screen.model.theme, theme_named("light").unwrap());
    screen.press("up up up up");
    assert_eq!(screen.model.theme, theme_named("dark").unwrap());
    screen.press("esc");
    assert_eq!(screen.model.theme, before);
    assert!(screen.effects.is_empty() && screen.model.overlay.is_none());

    let mut screen = choosing(120, 36);
    screen.press("up enter");
    assert!(
        screen
            .model
            .notice
            .as_deref()
            .unwrap()
            .contains("rust.toml:3:9")
    );
    assert!(
        screen.effects.is_empty(),
        "a theme with a fault is not kept"
    );
    screen.press("up enter");
    let kept = TerminalEffect::KeepTheme(Some("plum".to_owned()));
    assert_eq!(screen.effects, [Effect::Terminal(kept)]);
    assert_eq!(screen.model.theme, theme_named("light").unwrap());
    // While nothing is chosen the files are not looked at.
    screen.effects.clear();
    let mut screen = screen.at(9_000);
    screen.draw();
    assert!(screen.effects.is_empty());
}

#[test]
fn the_files_are_read_again_while_one_is_chosen() {
    let mut screen = choosing(120, 36).at(3_000);
    let asked = std::mem::take(&mut screen.effects);
    assert!(matches!(
        asked[..],
        [Effect::Terminal(TerminalEffect::ReadThemes(_))]
    ));
    screen.press("up up");
    // The choice stays with its name, wherever that stands now.
    let mut fewer = files();
    fewer.remove(0);
    fewer.last_mut().unwrap().theme = theme_named("dark");
    screen.send(Message::Terminal(TerminalEvent::Themes(fewer)));
    assert_eq!(screen.model.theme, theme_named("light").unwrap());
    screen.press("down");
    assert_eq!(screen.model.theme, theme_named("dark").unwrap());
}

#[test]
fn a_name_takes_its_theme_and_a_wrong_one_is_said() {
    let mut screen = running(120, 36).keys(": t h e m e space l i g h t enter");
    screen.send(Message::Terminal(TerminalEvent::Themes(files())));
    assert!(screen.model.overlay.is_none());
    assert_eq!(screen.model.theme, theme_named("light").unwrap());
    let mut screen = running(120, 36).keys(": t h e m e space n e o n enter");
    screen.send(Message::Terminal(TerminalEvent::Themes(files())));
    assert!(matches!(screen.model.overlay, Some(Overlay::Themes(_))));
    assert!(
        screen
            .model
            .notice
            .as_deref()
            .unwrap()
            .contains("no theme \"neon\"")
    );
}

fn own(pairs: &[(&str, &str)]) -> Screen {
    let settings: Vec<KeySetting> = pairs
        .iter()
        .map(|(action, key)| KeySetting {
            action: (*action).to_owned(),
            keys: vec![(*key).to_owned()],
            place: "here".to_owned(),
        })
        .collect();
    let settings = KeySettings {
        dashboard: settings,
        ..KeySettings::default()
    };
    let (keymaps, faults) = plandeck::tui::keymaps(&settings);
    assert!(faults.is_empty(), "{faults:?}");
    let mut screen = running(200, 60);
    screen.model.keymap = keymaps.dashboard;
    screen.draw();
    screen
}

#[test]
fn own_keys_take_the_place_of_the_usual_ones() {
    let mut screen = own(&[
        ("pause", "f4"),
        ("timeline", "#"),
        ("overview", "9"),
        ("inspect", "x"),
        ("stop", "Q"),
    ]);
    let text = screen.text();
    assert!(
        text.contains("f4 pause") && text.contains("x inspect"),
        "{text}"
    );
    assert!(
        text.contains("# timeline") && text.contains("9 overview"),
        "{text}"
    );
    screen.press("space");
    assert!(screen.effects.is_empty(), "space is no key any more");
    let f4 = KeyEvent::new(KeyCode::F(4), KeyModifiers::NONE);
    screen.send(Message::Terminal(TerminalEvent::Key(f4)));
    assert_eq!(screen.effects, [Effect::Command(RunCommand::Pause)]);
    screen.press("x");
    assert_eq!(screen.model.focus, Focus::Inspector);
    screen.press("esc #");
    assert_eq!(screen.model.view.name(), "timeline");
    screen.press("? s t o p");
    let text = screen.text();
    assert!(text.contains("Q            stop the run"), "{text}");
    screen.press("esc");
    let text = screen.text();
    assert!(text.contains("9 overview"), "{text}");
}

#[test]
fn a_double_click_inspects() {
    let mut screen = running(120, 36);
    let text = screen.text();
    let lines: Vec<&str> = text.lines().map(|line| line.trim_matches('"')).collect();
    let row = lines
        .iter()
        .position(|line| line.contains("· stats ─"))
        .unwrap();
    let column = lines[row].split("stats ─").next().unwrap().chars().count();
    let at = (column as u16, row as u16);
    let click = MouseEventKind::Down(MouseButton::Left);
    screen.mouse(click, at);
    assert_eq!(&*screen.model.row().unwrap().info.id, "stats");
    assert_eq!(screen.model.focus, Focus::Graph);
    // Much later it is another click.
    let mut screen = screen.at(4_000);
    screen.mouse(click, at);
    assert_eq!(screen.model.focus, Focus::Graph);
    let mut screen = screen.at(4_200);
    screen.mouse(click, at);
    assert_eq!(screen.model.focus, Focus::Inspector);
}

#[test]
fn a_run_from_the_home_screen_leads_back_there() {
    let leave = Effect::Terminal(TerminalEffect::Leave(plandeck::tui::Outcome::Quit));
    let mut screen = Screen::new(120, 36, crate::common::recording::receipt_failed().events());
    screen.model.from_home = true;
    let mut screen = screen.at(2200);
    assert!(screen.text().contains("q home"));
    // One level after the other: from the inspector to the graph, and from there back.
    screen.press("enter esc");
    assert_eq!(screen.model.focus, Focus::Graph);
    assert!(screen.effects.is_empty());
    screen.press("esc");
    let text = screen.text();
    assert!(text.contains("back to the home screen?"), "{text}");
    screen.press("esc");
    assert!(screen.model.overlay.is_none());
    screen.press("i");
    assert!(
        screen.model.inspector.of_run,
        "the run as a whole has a key of its own"
    );
    let mut ended = Screen::new(120, 36, vec![]);
    ended.model.from_home = true;
    ended.press("esc");
    assert_eq!(ended.effects, [leave]);
}

#[test]
fn a_fork_says_of_what_it_is_one() {
    let mut events = receipt_running().events();
    if let plandeck::run::EventKind::RunStarted(header) = &mut events[0].kind {
        let mut fork = (**header).clone();
        fork.forked_from = Some("01a2231f-1111-7000-8000-000000000001".into());
        *header = std::sync::Arc::new(fork);
    }
    let mut screen = Screen::new(120, 36, events).at(1700);
    assert!(
        screen.text().contains("fork of 01a2231f"),
        "{}",
        screen.text()
    );
    assert!(!screen.text().contains(" at items"), "{}", screen.text());
}

#[test]
fn a_fork_says_at_which_step_it_is_one_and_leads_back_to_its_parent() {
    use plandeck::run::{CallReason, EventKind, RerunReason};
    let mut events = receipt_running().events();
    for event in &mut events {
        match &mut event.kind {
            EventKind::RunStarted(header) => {
                let mut fork = (**header).clone();
                fork.forked_from = Some("01a2231f-1111-7000-8000-000000000001".into());
                *header = std::sync::Arc::new(fork);
            }
            EventKind::AttemptStarted { step, why, .. } if &*step.id == "items" => {
                *why = Some(Box::new(CallReason {
                    rerun: Some(RerunReason::Asked),
                    miss: None,
                }));
            }
            _ => {}
        }
    }
    let mut screen = Screen::new(120, 36, events).at(1700);
    screen.model.from_home = true;
    screen.model.from_parent = true;
    let text = screen.text();
    assert!(text.contains("fork of 01a2231f-1111 at items"), "{text}");
    assert!(text.contains("q parent run"), "{text}");
    screen.press("esc");
    let text = screen.text();
    assert!(text.contains("back to the parent run?"), "{text}");
}
