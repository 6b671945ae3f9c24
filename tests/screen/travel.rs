//! Earlier events of a run, and replay: whole screens, from lists of events and typed keys.

use crate::common::recording::{Recording, receipt, receipt_failed, receipt_running};
use crate::common::screen::Screen;
use crossterm::event::{MouseButton, MouseEventKind};
use plandeck::plan::StepIx;
use plandeck::run::{EventKind, RunCommand, RunOutcome, RunState, StepStatus};
use plandeck::tui::{Effect, Message, Model, Outcome, TerminalEffect, Theme};
use plandeck::units::Micros;

const SIZES: [(u16, u16); 4] = [(80, 24), (120, 36), (200, 60), (40, 10)];

fn status_of(screen: &Screen, id: &str) -> StepStatus {
    let rows = screen.model.run.steps.iter();
    let mut rows = rows.filter(|row| &*row.info.id == id);
    rows.next().unwrap().status
}

#[test]
fn an_earlier_event_of_a_live_run() {
    for (columns, rows) in SIZES {
        let mut screen = Screen::new(columns, rows, receipt_running().events())
            .at(1700)
            .keys("{ [ [");
        insta::assert_snapshot!(format!("live_{columns}x{rows}"), screen.text());
    }
}

#[test]
fn an_earlier_event_of_a_run_that_failed() {
    for (columns, rows) in SIZES {
        let run = receipt_failed().end_run(RunOutcome::Failed);
        let mut screen = Screen::new(columns, rows, run.events())
            .at(9000)
            .keys("n { { { {");
        insta::assert_snapshot!(format!("failed_{columns}x{rows}"), screen.text());
    }
}

#[test]
fn every_position_is_the_fold_of_the_events_before() {
    let events = receipt_failed().end_run(RunOutcome::Failed).events();
    let mut screen = Screen::new(120, 36, events.clone()).at(9000);
    for position in (1..events.len()).rev() {
        screen.press("[");
        assert_eq!(screen.model.position(), position);
        assert_eq!(screen.model.run, RunState::from_events(&events[..position]));
        assert_eq!(screen.model.now, events[position - 1].at);
    }
    screen.press("[");
    assert_eq!(screen.model.position(), 1);
    assert!(screen.text().contains("earlier needs an earlier event"));
    for position in 2..events.len() {
        screen.press("]");
        assert_eq!(screen.model.run, RunState::from_events(&events[..position]));
    }
    assert!(screen.model.is_past());
    screen.press("]");
    assert!(!screen.model.is_past(), "after the last event it is now");
    assert_eq!(screen.model.run, RunState::from_events(&events));
    assert_eq!(screen.model.now, Micros(9_000_000));
}

#[test]
fn ends_of_steps_are_one_key_apart() {
    let events = receipt_failed().events();
    let is_end = |event: &plandeck::run::RunEvent| {
        matches!(
            event.kind,
            EventKind::StepSucceeded { .. }
                | EventKind::StepFailed { .. }
                | EventKind::StepSkipped { .. }
        )
    };
    let ends: Vec<usize> = (1..=events.len())
        .filter(|at| is_end(&events[at - 1]))
        .collect();
    let mut screen = Screen::new(80, 24, events.clone()).at(2200);
    let mut seen = Vec::new();
    while screen.model.position() > ends[0] {
        screen.press("{");
        seen.insert(0, screen.model.position());
    }
    assert_eq!(
        seen,
        ends[..ends.len() - 1],
        "the last event is an end itself"
    );
    screen.press("{");
    assert_eq!(screen.model.position(), 1);
    screen.press("} }");
    assert_eq!(screen.model.position(), ends[1]);
    screen.press("home");
    assert_eq!(screen.model.position(), 1);
    screen.press("end");
    assert!(!screen.model.is_past());
}

#[test]
fn a_live_run_continues_behind_an_earlier_event() {
    let before = receipt_running();
    let known = before.so_far().len();
    let mut screen = Screen::new(120, 36, before.so_far()).at(1700).keys("{");
    let (position, shown) = (screen.model.position(), screen.text());
    assert!(shown.contains("still running"), "{shown}");
    let after = before
        .succeed(&["dates", "validate", "categorize"])
        .end_run(RunOutcome::Succeeded)
        .events();
    screen.model.dirty = false;
    screen.send(Message::Events(after[known..].to_vec()));
    screen.send(Message::Tick(Micros(5_000_000)));
    assert!(screen.model.dirty, "the header counts the events");
    assert_eq!(screen.model.position(), position);
    assert_eq!(status_of(&screen, "validate"), StepStatus::Pending);
    let text = screen.text();
    let counts = format!("event {position} of {}", after.len());
    assert!(
        text.contains(&counts) && !text.contains("still running"),
        "{text}"
    );
    screen.press("end");
    assert_eq!(status_of(&screen, "validate"), StepStatus::Succeeded);
    assert!(screen.text().contains("SUCCEEDED"));
}

#[test]
fn nothing_is_asked_of_the_run_from_an_earlier_event() {
    let mut screen = Screen::new(80, 24, receipt_failed().events())
        .at(2200)
        .keys("n [ [");
    for (key, name) in [
        ("space", "pause"),
        ("r", "retry"),
        ("R", "retry-failed"),
        ("x", "stop"),
        ("b", "breakpoint"),
        ("S", "skip"),
    ] {
        screen.press(key);
        assert!(screen.effects.is_empty(), "{name}");
        let says = format!("{name} needs the run as it is now: press end");
        assert!(screen.text().contains(&says), "{}", screen.text());
    }
    screen.press("end r");
    let validate = receipt().key("validate").ix;
    assert_eq!(
        screen.effects,
        [Effect::Command(RunCommand::Retry(validate))]
    );
}

#[test]
fn leaving_asks_for_the_run_as_it_is_now() {
    let screen = Screen::new(80, 24, receipt_running().events()).keys("[ [ q");
    assert!(screen.model.overlay.is_some());
    let ended = receipt_failed().end_run(RunOutcome::Failed).events();
    let screen = Screen::new(80, 24, ended).keys("[ [ { { { { { q");
    assert!(!screen.model.in_progress());
    assert_eq!(
        screen.effects,
        [Effect::Terminal(TerminalEffect::Leave(Outcome::Quit))]
    );
}

#[test]
fn no_step_moves_at_any_event() {
    let run = Recording::new("each")
        .step("list", "list", "jq", &[])
        .step("fetch", "fetch", "http", &["list"])
        .step("join", "join", "jq", &["fetch"])
        .start()
        .call(&["list"])
        .wait(10)
        .succeed(&["list"])
        .expand("fetch", 3)
        .call(&["fetch[0]", "fetch[1]"])
        .wait(50)
        .succeed(&["fetch[0]"]);
    let events = run.events();
    let mut screen = Screen::new(120, 36, events.clone()).at(100);
    let places = |screen: &mut Screen| {
        screen.draw();
        let cells = (0..36u16).flat_map(|y| (0..120u16).map(move |x| (x, y)));
        let graph = &screen.model.panes.graph;
        let hits = cells.filter_map(|at| Some((at, graph.step_at(at.into())?)));
        hits.collect::<Vec<((u16, u16), StepIx)>>()
    };
    let now = places(&mut screen);
    assert!(!now.is_empty());
    for _ in 1..events.len() {
        screen.press("[");
        assert_eq!(places(&mut screen), now, "{}", screen.text());
    }
    screen.press("end");
    assert_eq!(places(&mut screen), now);
}

#[test]
fn an_earlier_event_needs_no_timer() {
    let mut screen = Screen::new(80, 24, receipt_running().events())
        .at(1700)
        .keys("[");
    screen.draw();
    screen.model.dirty = false;
    screen.send(Message::Tick(Micros(3_000_000)));
    assert_eq!(screen.model.wake_in(), None);
    assert!(!screen.model.dirty);
    screen.press("]");
    assert!(screen.model.wake_in().is_some());
}

#[test]
fn the_scrubber_is_clicked_and_dragged() {
    let events = receipt_failed().events();
    let last = events.len();
    let mut screen = Screen::new(80, 24, events).at(2200).keys("[");
    let row = 22;
    screen.mouse(MouseEventKind::Down(MouseButton::Left), (8, row));
    assert_eq!(screen.model.position(), 1);
    let mut positions = Vec::new();
    for column in 8..72 {
        screen.mouse(MouseEventKind::Drag(MouseButton::Left), (column, row - 5));
        positions.push(screen.model.position());
    }
    assert!(
        positions.is_sorted() && positions.contains(&(last / 2)),
        "{positions:?}"
    );
    assert_eq!(screen.model.position(), last, "the end of the line is now");
    screen.mouse(MouseEventKind::Drag(MouseButton::Left), (40, row));
    assert!(
        screen.model.is_past(),
        "and one can be dragged back from there"
    );
    screen.mouse(MouseEventKind::Drag(MouseButton::Left), (71, row));
    screen.mouse(MouseEventKind::Up(MouseButton::Left), (71, row));
    assert!(!screen.model.is_past());
}

/// A replay of the receipt that failed.
fn replay(columns: u16, rows: u16, speed: f64) -> Screen {
    let events = receipt_failed().end_run(RunOutcome::Failed).events();
    let mut screen = Screen::new(columns, rows, Vec::new());
    screen.model = Model::new("receipt", Theme::default(), false, (columns, rows)).replaying(speed);
    screen.send(Message::Events(events));
    screen
}

#[test]
fn a_replay_on_its_way() {
    for (columns, rows) in SIZES {
        let mut screen = replay(columns, rows, 2.0);
        screen.send(Message::Tick(Micros(400_000)));
        insta::assert_snapshot!(format!("replay_{columns}x{rows}"), screen.text());
    }
}

#[test]
fn a_replay_plays_at_its_speed_and_stops_at_the_end() {
    let events = receipt_failed().end_run(RunOutcome::Failed).events();
    let mut screen = replay(80, 24, 2.0);
    let mut clock = Micros(0);
    let mut ticks = 0;
    while let Some(wait) = screen.model.wake_in() {
        clock += wait.max(Micros(16_000));
        screen.send(Message::Tick(clock));
        let place = Micros((clock.0 * 2).min(events.last().unwrap().at.0));
        assert_eq!(screen.model.now, place);
        let happened = events.iter().filter(|event| event.at <= place).count();
        assert_eq!(screen.model.position(), happened);
        ticks += 1;
    }
    assert!(ticks > 4, "{ticks}");
    assert_eq!(screen.model.run, RunState::from_events(&events));
    assert!(screen.text().contains("FAILED") && screen.text().contains("REPLAY"));
    assert!(screen.effects.is_empty());
    screen.press("{ { {");
    let held = screen.model.position();
    assert!(held < events.len());
    screen.send(Message::Tick(clock + Micros(30_000_000)));
    assert_eq!(screen.model.position(), held, "from the end one looks back");
    screen.press("space");
    assert!(screen.model.wake_in().is_some(), "it plays on from there");
    screen.press("space");
    screen.send(Message::Tick(clock + Micros(60_000_000)));
    assert_eq!(
        (screen.model.position(), screen.model.wake_in()),
        (held, None)
    );
    screen.press("end space");
    assert_eq!(screen.model.position(), 1, "from the start again");
    screen.press("r");
    assert!(
        screen
            .text()
            .contains("retry needs a live run; this is a replay")
    );
    screen.press("> > >");
    assert!(screen.text().contains("16×"), "{}", screen.text());
    screen.press("q");
    assert_eq!(
        screen.effects,
        [Effect::Terminal(TerminalEffect::Leave(Outcome::Quit))]
    );
}

#[test]
fn a_replay_without_a_speed_shows_the_end() {
    let mut screen = replay(80, 24, 0.0);
    screen.send(Message::Tick(Micros(1)));
    assert_eq!(
        screen.model.position(),
        screen.model.time_travel.history().len()
    );
    screen.press("[ [");
    assert!(screen.text().contains("‖ event"), "{}", screen.text());
}
