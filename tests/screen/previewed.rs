//! What a command would do is shown before it is given, with typed keys.

use crate::common::recording::{receipt, receipt_failed};
use crate::common::screen::Screen;
use plandeck::run::{Preview, PreviewStep, Range, RunCommand, RunEvent, RunState, Seconds};
use plandeck::tui::{Effect, HistoryAnswer, HistoryQuery, Message, Overlay, Previews};
use plandeck::units::{Micros, Money};

fn step(id: &str, why: &str) -> PreviewStep {
    PreviewStep {
        step: id.into(),
        why: why.into(),
    }
}

/// Two steps run, one of them twice as dear once the run has moved on.
fn preview(run: &RunState, verb: &str, runs: &[&str]) -> Preview {
    let usd = Money::from_usd;
    Preview {
        verb: verb.into(),
        step: Some("validate".into()),
        reruns: runs.iter().map(|id| step(id, "asked for")).collect(),
        stays: vec![step(
            "items",
            "keeps its output: nothing that it depends on runs",
        )],
        cannot: vec![step("archive", "it is running")],
        cost_usd: Range {
            min: usd(0.0001),
            expected: Some(usd(0.0012)),
            max: Some(usd(0.004)),
        },
        seconds: Range {
            min: Seconds(Micros(0)),
            expected: Some(Seconds(Micros(1_200_000))),
            max: None,
        },
        events: run.events,
    }
}

fn screen(columns: u16, rows: u16) -> Screen {
    let mut screen = Screen::new(columns, rows, receipt_failed().events()).at(2200);
    screen.model.previews = Some(Previews::new(|run, verb, _, _| {
        preview(run, verb, &["validate", "stats"])
    }));
    screen.keys("n")
}

#[test]
fn a_retry_is_priced_before_it_is_done() {
    for (columns, rows) in [(80, 24), (120, 36)] {
        let mut screen = screen(columns, rows).keys("r");
        insta::assert_snapshot!(format!("previewed_{columns}x{rows}"), screen.text());
    }
    let mut screen = screen(120, 36).keys("r");
    assert!(screen.effects.is_empty(), "it only asks");
    screen.press("esc");
    assert!(screen.model.overlay.is_none() && screen.effects.is_empty());
    screen.press("r enter");
    let validate = receipt().key("validate").ix;
    assert_eq!(
        screen.effects.last(),
        Some(&Effect::Command(RunCommand::Retry(validate)))
    );
    assert!(screen.model.overlay.is_none());
}

#[test]
fn running_to_a_step_is_priced_before_the_run_goes_there() {
    let mut screen = screen(120, 36).keys("@");
    let text = screen.text();
    assert!(text.contains("run to validate"), "{text}");
    assert!(screen.effects.is_empty(), "it only asks");
    screen.press("enter");
    assert_eq!(
        screen.effects.last(),
        Some(&Effect::Command(RunCommand::RunTo("validate".into())))
    );
}

#[test]
fn what_was_typed_is_not_lost_where_its_price_is_declined() {
    let mut screen = screen(120, 36).keys("I");
    assert!(matches!(screen.model.overlay, Some(Overlay::Editor(_))));
    screen.press("ctrl-s");
    assert!(matches!(screen.model.overlay, Some(Overlay::Previewed(_))));
    screen.press("esc");
    assert!(matches!(screen.model.overlay, Some(Overlay::Editor(_))));
    screen.press("ctrl-s y");
    assert!(matches!(
        screen.effects.last(),
        Some(Effect::Command(RunCommand::SetInput(..)))
    ));
}

#[test]
fn a_preview_of_a_run_that_has_moved_on_is_worked_out_again() {
    let mut screen = screen(120, 36);
    screen.model.previews = Some(Previews::new(|run, verb, _, _| {
        let now = run.at > Micros(2_000_000);
        let all = ["validate", "stats", "advice"];
        preview(run, verb, if now { &all } else { &all[..1] })
    }));
    let mut screen = screen.at(1_900).keys("n r");
    if let Some(Overlay::Previewed(_)) = &screen.model.overlay {
        let mut screen = screen.at(2_200);
        let text = screen.text();
        assert!(text.contains("3 steps"), "{text}");
    } else {
        panic!("no preview: {}", screen.text());
    }
}

/// The question that was asked last, of a viewer of a run of another process.
fn asked(screen: &Screen) -> u64 {
    match screen.effects.last() {
        Some(Effect::Ask(HistoryQuery::Preview { number, .. })) => *number,
        other => panic!("the run was not asked: {other:?}"),
    }
}

fn answers(screen: &mut Screen, number: u64, runs: &[&str]) {
    let known = Ok(preview(&screen.model.run, "retry", runs));
    screen.send(Message::Answer(HistoryAnswer::Preview(number, known)));
}

/// A viewer of a run that failed, who is about to have the failed step run again; the last event has not come yet.
fn viewer() -> (Screen, RunEvent) {
    let mut events = receipt_failed().events();
    let last = events.pop().unwrap();
    let mut screen = Screen::new(120, 36, events).at(2_200);
    screen.model.previews = Some(Previews::asked());
    (screen.keys("n r"), last)
}

#[test]
fn a_viewer_asks_the_run_for_the_price() {
    let (mut screen, _) = viewer();
    let text = screen.text();
    assert!(
        text.contains("retry validate") && text.contains("asking the run what this would do"),
        "{text}"
    );
    let number = asked(&screen);
    screen.press("enter");
    assert_eq!(
        asked(&screen),
        number,
        "nobody says yes to an unknown price"
    );
    answers(&mut screen, number, &["validate"]);
    assert!(screen.text().contains("$0.0012"), "{}", screen.text());
    screen.press("enter");
    let validate = receipt().key("validate").ix;
    assert_eq!(
        screen.effects.last(),
        Some(&Effect::Command(RunCommand::Retry(validate)))
    );
}

#[test]
fn a_viewer_asks_again_before_it_gives_a_command_to_a_run_that_has_moved_on() {
    let (mut screen, next) = viewer();
    let first = asked(&screen);
    answers(&mut screen, first, &["validate"]);
    screen.send(Message::Events(vec![next]));
    screen.press("enter");
    let second = asked(&screen);
    assert!(second > first, "the price is not the one of now");
    answers(&mut screen, first, &["validate"]);
    answers(&mut screen, second, &["validate", "stats"]);
    let text = screen.text();
    assert!(
        text.contains("the run has moved on") && text.contains("2 steps"),
        "{text}"
    );
    screen.press("enter");
    let validate = receipt().key("validate").ix;
    assert_eq!(
        screen.effects.last(),
        Some(&Effect::Command(RunCommand::Retry(validate)))
    );
}

#[test]
fn what_the_run_refuses_is_said_and_what_was_typed_stays() {
    let mut screen = Screen::new(120, 36, receipt_failed().events()).at(2_200);
    screen.model.previews = Some(Previews::asked());
    let mut screen = screen.keys("n I ctrl-s");
    let number = asked(&screen);
    let refused = Err("step validate is running".into());
    screen.send(Message::Answer(HistoryAnswer::Preview(number, refused)));
    assert!(matches!(screen.model.overlay, Some(Overlay::Editor(_))));
    assert!(screen.text().contains("step validate is running"));
}
