//! Times on the screen are those of the run's clock: pauses and slow motion take none.

use crate::common::recording::Recording;
use crate::common::screen::Screen;
use plandeck::run::{EventKind, RunOutcome};

/// Two steps with a pause of a minute between them.
fn interrupted() -> Recording {
    interrupted_with(false)
}

/// The same where it is known (or not) what steps can cost.
fn interrupted_with(priced: bool) -> Recording {
    Recording::new("letters")
        .header(|header| header.priced = priced)
        .step("write", "pen", "process", &[])
        .step("post", "van", "process", &["write"])
        .start()
        .ready(&["write"])
        .call(&["write"])
        .wait(1_000)
        .pause()
        .succeed(&["write"])
        .ready(&["post"])
        .wait(60_000)
        .resume()
        .call(&["post"])
        .wait(500)
        .succeed(&["post"])
        .end_run(RunOutcome::Succeeded)
}

fn row<'a>(text: &'a str, after: &str, id: &str) -> &'a str {
    let mut lines = text.lines().skip_while(|line| !line.contains(after));
    lines.find(|line| line.contains(id)).unwrap_or_default()
}

#[test]
fn a_pause_is_a_break_of_the_axis() {
    let mut screen = Screen::new(120, 36, interrupted().events())
        .at(120_000)
        .keys("j j");
    let text = screen.text();
    assert!(text.contains("SUCCEEDED 1.50s"), "{text}");
    assert!(text.contains("when       1.00s to 1.50s"), "{text}");
    // The second step waits for the first two thirds of the axis.
    let line = row(&text, "waterfall", "post");
    let count = |line: &str, sign: char| line.chars().filter(|other| *other == sign).count();
    assert!(count(line, '█') >= 12, "{text}");
    assert!(count(line, '·') >= 24, "{text}");
    // The axis ends with the run, and a cell of it is the pause.
    let axis = text
        .lines()
        .find(|line| line.contains("waterfall"))
        .unwrap();
    assert!(!axis.contains("2s"), "{text}");
    assert_eq!(count(axis, '░'), 1, "{text}");
    assert!(text.contains("░ pause"), "{text}");
    screen.press("T");
    let text = screen.text();
    let axis = text.lines().find(|line| line.contains("╷0")).unwrap();
    assert_eq!(count(axis, '░'), 1, "{text}");
}

#[test]
fn slow_motion_takes_no_time() {
    let run = Recording::new("coins")
        .header(|header| header.pace = Some(plandeck::units::Micros(700_000)))
        .step("toss", "coin", "jq", &[])
        .step("note", "pen", "jq", &["toss"])
        .start()
        .ready(&["toss"])
        .call(&["toss"])
        .wait(76);
    let (step, held) = (run.key("toss"), run.wait(0));
    let run = held
        .event(EventKind::AttemptPaced { step, attempt: 1 })
        .wait(624);
    // While it is held, the clock stands, here and in the header.
    let mut screen = Screen::new(120, 36, run.so_far()).at(700);
    let text = screen.text();
    assert!(text.contains("RUNNING 0.0s"), "{text}");
    assert!(text.contains("took       0.0s"), "{text}");
    let run = run
        .succeed(&["toss"])
        .ready(&["note"])
        .call(&["note"])
        .wait(200)
        .succeed(&["note"])
        .end_run(RunOutcome::Succeeded);
    let mut screen = Screen::new(120, 36, run.events()).at(9_000).keys("j j");
    let text = screen.text();
    assert!(text.contains("SUCCEEDED 276ms"), "{text}");
    assert!(text.contains("when       76ms to 276ms"), "{text}");
    assert!(text.contains("took       200ms"), "{text}");
}

#[test]
fn a_time_reads_the_same_wherever_it_stands() {
    let mut screen = Screen::new(120, 36, interrupted().events())
        .at(120_000)
        .keys("j k");
    let text = screen.text();
    // In its card, in the waterfall, and as what it took.
    assert!(text.matches("1.00s").count() >= 3, "{text}");
    screen.press("T");
    assert!(screen.text().contains("write 1.00s"), "{}", screen.text());
    screen.press("L");
    assert!(screen.text().contains("1.00s"), "{}", screen.text());
}

#[test]
fn the_timeline_opens_on_steps_and_goes_to_slots() {
    let mut screen = Screen::new(120, 36, interrupted().events()).keys("j T");
    let text = screen.text();
    assert!(text.contains("step ╷0"), "{text}");
    screen.press("t");
    assert!(screen.text().contains("slot ╷0"), "{}", screen.text());
}

#[test]
fn no_cost_stands_where_nothing_can_cost() {
    let mut screen = Screen::new(160, 45, interrupted_with(true).events()).keys("j 1 L");
    let text = screen.text();
    assert!(text.contains(" free "), "{text}");
    assert!(!text.contains("$0.0000"), "{text}");
    let heading = text
        .lines()
        .find(|line| line.contains("attempts") && line.contains("tool"));
    assert!(heading.is_some_and(|line| !line.contains("cost")), "{text}");
    // Where no price is known it may have cost something.
    let mut screen = Screen::new(160, 45, interrupted().events()).keys("j 1 L");
    assert!(screen.text().contains("$0.0000"), "{}", screen.text());
}

#[test]
fn a_key_stands_once_in_the_footer() {
    let mut screen = Screen::new(200, 45, interrupted().events()).keys("j enter 3");
    let text = screen.text();
    let footer = text.lines().last().unwrap_or_default();
    assert_eq!(footer.matches("/ find").count(), 1, "{footer}");
    assert_eq!(footer.matches(" enter ").count(), 1, "{footer}");
}
