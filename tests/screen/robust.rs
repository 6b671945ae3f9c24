//! Whatever is typed, whatever happens and however large the screen is: no panic, no unsafe cell.

use crate::common::program::HANG;
use crate::common::recording::{receipt, receipt_failed, receipt_running};
use crate::common::screen::Screen;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use plandeck::run::{RunEvent, RunOutcome};
use plandeck::tui::{Message, Model, TerminalEvent, Theme, update, view};
use plandeck::units::Micros;
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use serde_json::{Value, json};

#[derive(Clone, Debug)]
enum Input {
    Key(KeyCode, KeyModifiers),
    Mouse(MouseEventKind, u16, u16),
    Size(u16, u16),
    Events(usize),
    Time(u64),
}

fn input() -> impl Strategy<Value = Input> {
    let keys = "hjklgGnNfcztvyrRsSbxq?+-=0123456DTL$,.!& "
        .chars()
        .map(KeyCode::Char);
    let keys: Vec<KeyCode> = keys
        .chain([
            KeyCode::Enter,
            KeyCode::Esc,
            KeyCode::Tab,
            KeyCode::BackTab,
            KeyCode::Up,
            KeyCode::Down,
            KeyCode::Left,
            KeyCode::Right,
            KeyCode::PageUp,
            KeyCode::PageDown,
            KeyCode::Home,
            KeyCode::End,
        ])
        .collect();
    let key = prop::sample::select(keys);
    let mouse = prop::sample::select(vec![
        MouseEventKind::Down(MouseButton::Left),
        MouseEventKind::Drag(MouseButton::Left),
        MouseEventKind::Up(MouseButton::Left),
        MouseEventKind::ScrollUp,
        MouseEventKind::ScrollDown,
        MouseEventKind::ScrollLeft,
        MouseEventKind::ScrollRight,
    ]);
    prop_oneof![
        8 => key.prop_map(|code| Input::Key(code, KeyModifiers::NONE)),
        1 => prop::sample::select(vec!['c', 'l', 'z']).prop_map(|c| Input::Key(KeyCode::Char(c), KeyModifiers::CONTROL)),
        2 => (mouse, 0u16..220, 0u16..70).prop_map(|(kind, x, y)| Input::Mouse(kind, x, y)),
        2 => (1u16..130, 1u16..45).prop_map(|(x, y)| Input::Size(x, y)),
        1 => (1u16..6, 1u16..6).prop_map(|(x, y)| Input::Size(x, y)),
        3 => (0usize..12).prop_map(Input::Events),
        1 => (0u64..5_000).prop_map(Input::Time),
    ]
}

/// A run with everything in it: a wide value, a deep one, elements, a failure, a pause, an end, a new start.
fn eventful() -> Vec<RunEvent> {
    let mut deep = json!("bottom");
    for at in 0..100 {
        deep = if at % 2 == 0 {
            json!([deep])
        } else {
            json!({ "in": deep })
        };
    }
    let wide: Value = (0..400)
        .map(|at| json!({ "n": at, "漢字": "🎉".repeat(at % 50) }))
        .collect();
    let run = receipt()
        .start()
        .call(&["extract"])
        .wait(9)
        .succeed_with(
            "extract",
            json!({ "deep": deep, "wide": wide, "": null, "text": "a\tb\u{1b}\n".repeat(300) }),
        )
        .ready(&["items", "dates"])
        .expand("items", 40)
        .call(&["items[3]", "dates"])
        .log("dates", "one\ntwo\u{7}")
        .wait(3)
        .fail("items[3]", "\u{1b}[31mno\nway")
        .stumble("dates", "later", 50)
        .pause()
        .wait(60)
        .resume()
        .call(&["dates"])
        .wait(10)
        .succeed(&["dates"])
        .skip(&["categorize", "validate"], "items")
        .end_run(RunOutcome::Failed);
    run.events()
}

fn drive(runs: &[RunEvent], inputs: Vec<Input>, ascii: bool) {
    let theme = if ascii {
        Theme::default().in_ascii()
    } else {
        Theme::plain()
    };
    let mut model = Model::new("plan", theme, true, (80, 24));
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    let mut next = 0;
    for input in inputs {
        let message = match input {
            Input::Key(code, modifiers) => {
                Message::Terminal(TerminalEvent::Key(KeyEvent::new(code, modifiers)))
            }
            Input::Mouse(kind, column, row) => {
                Message::Terminal(TerminalEvent::Mouse(MouseEvent {
                    kind,
                    column,
                    row,
                    modifiers: KeyModifiers::NONE,
                }))
            }
            Input::Size(columns, rows) => {
                terminal.backend_mut().resize(columns, rows);
                Message::Terminal(TerminalEvent::Resize(columns, rows))
            }
            Input::Events(count) => {
                let until = (next + count).min(runs.len());
                let events = runs[next..until].to_vec();
                next = until;
                Message::Events(events)
            }
            Input::Time(ms) => Message::Tick(Micros(ms * 1000)),
        };
        update(&mut model, message);
        terminal.draw(|frame| view(&mut model, frame)).unwrap();
        for cell in terminal.backend().buffer().content() {
            assert!(
                !cell.symbol().contains(char::is_control),
                "{:?}",
                cell.symbol()
            );
            assert!(!ascii || cell.symbol().is_ascii(), "{:?}", cell.symbol());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn nothing_typed_panics(inputs in prop::collection::vec(input(), 1..60), which in 0usize..3, ascii: bool) {
        let run = match which {
            0 => eventful(),
            1 => receipt_failed().end_run(RunOutcome::Failed).events(),
            _ => receipt_running().pause().events(),
        };
        drive(&run, inputs, ascii);
    }
}

#[test]
fn every_size_can_be_drawn() {
    let events = eventful();
    for keys in ["", "?", "q", "enter 3", "enter 5", "n 6", "z"] {
        let mut screen = Screen::new(30, 12, events.clone()).keys(keys);
        for columns in (1..12).chain((12..=96).step_by(12)) {
            for rows in (1..8).chain((8..=32).step_by(6)) {
                screen.resize(columns, rows);
            }
        }
    }
}

#[test]
fn ten_thousand_steps_stay_cheap() {
    let mut run = crate::common::recording::Recording::new("large");
    for at in 0..10_000 {
        let needs = if at < 100 {
            vec![]
        } else {
            vec![format!("s{}", at - 100)]
        };
        let needs: Vec<&str> = needs.iter().map(String::as_str).collect();
        run = run.step_at(&format!("s{at}"), "tool", "jq", &needs);
    }
    let mut screen = Screen::new(120, 36, run.start().events());
    let started = std::time::Instant::now();
    for _ in 0..50 {
        screen.press("j l");
    }
    // A hundred keys with their frames.
    assert!(started.elapsed() < HANG, "{:?}", started.elapsed());
}
