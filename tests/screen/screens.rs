//! Whole screens, from lists of events and typed keys.

use crate::common::recording::{Recording, receipt, receipt_failed, receipt_running};
use crate::common::screen::Screen;
use crossterm::event::{MouseButton, MouseEventKind};
use plandeck::run::{Breakpoint, EventKind, Limit, RunCommand, RunOutcome, StepStatus, WaitReason};
use plandeck::tui::{
    Effect, Focus, Message, Outcome, Overlay, Question, Tab, TerminalEffect, TerminalEvent, Theme,
    View, theme_named,
};
use plandeck::units::Micros;
use serde_json::json;

const SIZES: [(u16, u16); 4] = [(80, 24), (120, 36), (200, 60), (40, 10)];

/// One screen at every size.
fn at_every_size(name: &str, run: impl Fn() -> Recording, ms: u64, keys: &str) {
    for (columns, rows) in SIZES {
        let mut screen = Screen::new(columns, rows, run().events()).at(ms).keys(keys);
        insta::assert_snapshot!(format!("{name}_{columns}x{rows}"), screen.text());
    }
}

fn ended() -> Recording {
    receipt_running()
        .succeed(&["dates", "validate"])
        .ready(&["archive"])
        .call(&["archive"])
        .wait(120)
        .succeed(&["archive", "categorize"])
        .ready(&["stats"])
        .call(&["stats"])
        .wait(40)
        .succeed(&["stats"])
        .ready(&["advice"])
        .call(&["advice"])
        .wait(610)
        .succeed(&["advice"])
        .ready(&["summary"])
        .call(&["summary"])
        .wait(480)
        .succeed(&["summary"])
        .end_run(RunOutcome::Succeeded)
}

#[test]
fn running() {
    at_every_size("running", receipt_running, 1700, "j j");
}

#[test]
fn pausing_and_paused() {
    at_every_size("pausing", || receipt_running().pause(), 1700, "");
    let paused = || {
        receipt_running()
            .pause()
            .succeed(&["dates", "validate", "categorize"])
            .ready(&["stats", "archive"])
    };
    at_every_size("paused", paused, 9000, "");
}

#[test]
fn failure_selected() {
    at_every_size("failure", receipt_failed, 2200, "n");
}

#[test]
fn ended_well() {
    at_every_size("ended", ended, 60_000, "");
}

#[test]
fn help() {
    at_every_size("help", receipt_running, 1700, "?");
}

#[test]
fn asked_before_leaving() {
    at_every_size("quit", receipt_running, 1700, "q");
}

#[test]
fn simulated() {
    let run = || {
        let run = receipt().header(|header| {
            header.simulated = true;
            header.worker = "simulated".into();
        });
        run.start().wait(3).call(&["extract"])
    };
    at_every_size("simulated", run, 400, "");
}

#[test]
fn every_page_of_the_inspector() {
    let mut screen = Screen::new(120, 36, receipt_failed().events())
        .at(2200)
        .keys("n enter");
    for (key, page) in [
        ("1", "overview"),
        ("2", "input"),
        ("3", "output"),
        ("4", "prompt"),
        ("5", "log"),
        ("6", "error"),
        ("7", "attempts"),
    ] {
        screen.press(key);
        insta::assert_snapshot!(format!("page_{page}"), screen.text());
    }
    let mut screen = Screen::new(120, 36, receipt_failed().events())
        .at(2200)
        .keys("enter 3");
    insta::assert_snapshot!("page_output_tree", screen.text());
    screen.press("j j enter down");
    insta::assert_snapshot!("page_output_folded", screen.text());
    screen.press("v");
    insta::assert_snapshot!("page_output_text", screen.text());
    screen.press("v 4");
    insta::assert_snapshot!("page_prompt_answered", screen.text());
}

#[test]
fn the_inspector_takes_the_screen_where_it_is_small() {
    let mut screen = Screen::new(40, 10, receipt_failed().events())
        .at(2200)
        .keys("n enter");
    assert_eq!(screen.model.focus, Focus::Inspector);
    insta::assert_snapshot!("small_inspector", screen.text());
    screen.press("esc");
    assert_eq!(screen.model.focus, Focus::Graph);
    assert!(screen.text().contains("graph"));
}

#[test]
fn narrow_and_tall_puts_the_inspector_below() {
    let mut screen = Screen::new(60, 40, receipt_running().events()).at(1700);
    insta::assert_snapshot!("narrow_and_tall", screen.text());
}

#[test]
fn ascii() {
    let mut screen = Screen::new(80, 24, receipt_failed().events()).at(2200);
    screen.model.theme = Theme::default().in_ascii();
    screen.press("n");
    let text = screen.text();
    assert!(text.is_ascii(), "{text}");
    insta::assert_snapshot!("ascii", text);
}

#[test]
fn what_the_run_waits_for() {
    let line = |run: Recording, ms: u64| {
        let mut screen = Screen::new(120, 36, run.events()).at(ms);
        screen.text().lines().nth(1).unwrap_or_default().to_owned()
    };
    let waiting = line(receipt_running(), 1700);
    assert!(waiting.contains("waiting on validate (0.8s)"), "{waiting}");
    let backoff = line(
        receipt()
            .start()
            .call(&["extract"])
            .wait(100)
            .stumble("extract", "503", 1500),
        200,
    );
    assert!(backoff.contains("retrying extract in 1.4s"), "{backoff}");
    let budget = line(receipt().start().holds("extract", WaitReason::Budget), 200);
    assert!(budget.contains("held by budget: extract"), "{budget}");
    let rate = line(
        receipt()
            .start()
            .throttles("extract", "gpt-4o-mini", 12_000),
        200,
    );
    assert!(
        rate.contains("waiting on rate limit gpt-4o-mini (11.8s, 1 step)"),
        "{rate}"
    );
    let paused = line(receipt().start().pause(), 200);
    assert!(paused.contains("the pause holds 1 step"), "{paused}");
    let limit = line(
        receipt_running()
            .limit(Limit::MaxTotalCostUsd)
            .end_run(RunOutcome::LimitExceeded),
        2000,
    );
    assert!(limit.contains("reached max_total_cost_usd"), "{limit}");
}

#[test]
fn the_run_as_a_whole() {
    at_every_size("the_run", || receipt_running().priced(), 1700, "esc");
    let mut screen = Screen::new(120, 36, receipt_running().priced().events()).at(1700);
    assert!(!screen.text().contains("slot time"));
    screen.press("esc");
    assert!(screen.text().contains("slot time"));
    screen.press("esc");
    assert!(!screen.text().contains("slot time"), "a step again");
    screen.press("esc 2");
    assert!(!screen.text().contains("slot time"), "its page");
}

#[test]
fn a_step_that_a_rate_holds_says_for_which_and_how_long() {
    let run = receipt()
        .start()
        .throttles("extract", "gpt-4o-mini", 12_000);
    let text = Screen::new(120, 36, run.events()).at(200).text();
    assert!(text.contains("gpt-4o-mini for at least 11.8s"), "{text}");
    assert!(text.contains("rate 11.8s"), "{text}");
}

#[test]
fn keys_become_commands() {
    let mut screen = Screen::new(120, 36, receipt_failed().events())
        .at(2200)
        .keys("space n r R b b");
    let extract = receipt().key("extract").ix;
    let validate = receipt().key("validate").ix;
    let breakpoint = Breakpoint::before(&"validate".into());
    let expected = [
        RunCommand::Pause,
        RunCommand::Retry(validate),
        RunCommand::RetryFailed,
        // Until the run says that it is set, the key sets it.
        RunCommand::Breakpoint(breakpoint.clone(), true),
        RunCommand::Breakpoint(breakpoint, true),
    ];
    assert_eq!(screen.effects, expected.map(Effect::Command));
    screen.effects.clear();
    screen.send(Message::Events(vec![]));
    screen.press("g r");
    assert_eq!(
        screen.effects,
        [Effect::Command(RunCommand::Retry(extract))]
    );
}

#[test]
fn paused_runs_are_resumed_and_stepped() {
    let run = receipt().start().pause();
    let mut screen = Screen::new(120, 36, run.events()).keys("s j s space");
    let extract = receipt().key("extract").ix;
    let expected = [
        RunCommand::StepOnce(Some(extract)),
        RunCommand::StepOnce(None),
        RunCommand::Resume,
    ];
    assert_eq!(screen.effects, expected.map(Effect::Command));
    screen.press("x");
    assert!(
        matches!(screen.model.overlay, Some(Overlay::Question(asked)) if asked == Question::Stop)
    );
    screen.effects.clear();
    screen.press("esc x n");
    assert!(screen.effects.is_empty());
    screen.press("x x");
    assert_eq!(screen.effects, [Effect::Command(RunCommand::Stop)]);
}

#[test]
fn a_key_that_cannot_work_says_why() {
    let mut screen = Screen::new(80, 24, receipt().start().events()).keys("r");
    assert!(screen.effects.is_empty());
    assert!(
        screen
            .text()
            .contains("retry needs a selected step that has ended")
    );
    screen.press("j");
    assert!(!screen.text().contains("retry needs"));
}

#[test]
fn leaving_asks_once_while_the_run_goes_on() {
    let events = receipt_running();
    let stop = Effect::Command(RunCommand::Stop);
    for confirm in ["q", "y", "enter", "ctrl-c"] {
        let mut screen = Screen::new(80, 24, receipt_running().events()).keys("q");
        assert!(screen.effects.is_empty());
        screen.press(confirm);
        assert_eq!(screen.effects, std::slice::from_ref(&stop), "{confirm}");
        let ended = events_after(&events, RunOutcome::Cancelled);
        screen.send(Message::Events(ended));
        assert_eq!(
            screen.effects.last(),
            Some(&Effect::Terminal(TerminalEffect::Leave(Outcome::Quit)))
        );
    }
    let mut screen = Screen::new(80, 24, receipt_running().events()).keys("ctrl-c esc");
    assert!(screen.effects.is_empty());
    assert!(screen.model.overlay.is_none());
    screen.press("q q q");
    assert_eq!(
        screen.effects,
        [stop, Effect::Terminal(TerminalEffect::Leave(Outcome::Quit))]
    );
}

fn events_after(run: &Recording, status: RunOutcome) -> Vec<plandeck::run::RunEvent> {
    vec![plandeck::run::RunEvent {
        seq: 99,
        at: run.at(),
        kind: EventKind::RunEnded {
            status,
            result: json!(null).into(),
            error: None,
        },
    }]
}

#[test]
fn leaving_does_not_ask_when_the_run_has_ended() {
    let screen = Screen::new(80, 24, ended().events()).keys("q");
    assert_eq!(
        screen.effects,
        [Effect::Terminal(TerminalEffect::Leave(Outcome::Quit))]
    );
}

#[test]
fn failures_are_one_key_away_and_go_around() {
    let run = receipt()
        .start()
        .call(&["extract"])
        .wait(5)
        .succeed(&["extract"])
        .call(&["items", "dates"])
        .wait(5)
        .fail("dates", "no date")
        .fail("items", "no items");
    let mut screen = Screen::new(80, 24, run.events());
    let mut ids = Vec::new();
    for key in ["n", "n", "n", "N"] {
        screen.press(key);
        ids.push(
            screen
                .model
                .row()
                .map(|row| row.info.id.to_string())
                .unwrap_or_default(),
        );
    }
    // The first failure is selected already.
    assert_eq!(ids, ["dates", "items", "dates", "items"]);
    assert_eq!(screen.model.focus, Focus::Graph);
    assert!(screen.model.overlay.is_none());
}

#[test]
fn following_goes_with_what_runs() {
    let run = receipt_running();
    let mut screen = Screen::new(80, 24, run.events());
    let selected = screen.model.row().map(|row| row.info.id.to_string());
    assert_eq!(selected.as_deref(), Some("validate"));
    assert!(screen.text().contains("following"), "{}", screen.text());
    screen.press("k");
    assert!(!screen.model.follow);
    assert!(!screen.text().contains("following"), "{}", screen.text());
    screen.press("f");
    assert!(screen.model.follow);
}

/// The cell where a text is drawn.
fn find(screen: &mut Screen, what: &str) -> (u16, u16) {
    let text = screen.text();
    let lines = text.lines().enumerate();
    let found = lines.filter_map(|(row, line)| {
        let before = line.split_once(what)?.0;
        // The text has a quotation mark before each line.
        Some((before.chars().count() as u16 - 1, row as u16))
    });
    found
        .last()
        .unwrap_or_else(|| panic!("no {what:?}:\n{text}"))
}

#[test]
fn the_mouse_selects_turns_pages_and_folds() {
    let mut screen = Screen::new(120, 36, receipt_failed().events()).at(2200);
    screen.draw();
    let at = find(&mut screen, "✖ validate");
    screen.mouse(MouseEventKind::Down(MouseButton::Left), at);
    let selected = screen.model.row().map(|row| row.info.id.to_string());
    assert_eq!(selected.as_deref(), Some("validate"));
    let at = find(&mut screen, "input");
    screen.mouse(MouseEventKind::Down(MouseButton::Left), at);
    assert_eq!(screen.model.inspector.tab, Tab::Input);
    assert_eq!(screen.model.focus, Focus::Inspector);
    let at = find(&mut screen, "▾ options");
    screen.mouse(MouseEventKind::Down(MouseButton::Left), at);
    screen.mouse(MouseEventKind::Down(MouseButton::Left), at);
    assert!(screen.text().contains("▸ options"), "{}", screen.text());
}

#[test]
fn the_mouse_moves_the_view() {
    // Boxes do not fit here, and at the size that does nothing is out of view.
    let screen = Screen::new(80, 24, receipt_failed().events()).at(2200);
    let mut screen = screen.keys("+ +");
    let before = screen.text();
    screen.mouse(MouseEventKind::ScrollDown, (10, 10));
    let scrolled = screen.text();
    assert_ne!(before, scrolled);
    screen.mouse(MouseEventKind::ScrollUp, (10, 10));
    assert_eq!(before, screen.text());
    screen.mouse(MouseEventKind::Down(MouseButton::Left), (2, 12));
    screen.mouse(MouseEventKind::Drag(MouseButton::Left), (2, 9));
    screen.mouse(MouseEventKind::Up(MouseButton::Left), (2, 9));
    assert_eq!(scrolled, screen.text());
}

#[test]
fn the_selection_stays_in_view_when_the_screen_changes() {
    let mut screen = Screen::new(120, 36, receipt_failed().events())
        .at(2200)
        .keys("G");
    for (columns, rows) in [(40, 10), (80, 24), (200, 60)] {
        screen.resize(columns, rows);
        assert!(screen.text().contains("summary"), "{}", screen.text());
    }
}

#[test]
fn a_large_graph_appears_without_anything_happening() {
    let mut run = Recording::new("large");
    for at in 0..600 {
        let needs = if at < 20 {
            String::new()
        } else {
            format!("s{}", at - 20)
        };
        let needs: Vec<&str> = [needs.as_str()]
            .into_iter()
            .filter(|id| !id.is_empty())
            .collect();
        run = run.step_at(&format!("s{at}"), "tool", "jq", &needs);
    }
    let mut screen = Screen::new(120, 36, run.start().pause().events()).at(50);
    screen.draw();
    // The layout is worked out beside the drawing; as long as it is, a timer looks for it.
    let end = std::time::Instant::now() + std::time::Duration::from_mins(1);
    while screen.model.panes.get(View::Graph).is_behind() {
        assert!(screen.model.wake_in().is_some());
        assert!(std::time::Instant::now() < end, "no layout came");
        std::thread::yield_now();
        screen.model.dirty = false;
        screen.send(Message::Tick(Micros(60_000)));
        assert!(screen.model.dirty);
        screen.draw();
    }
    screen.send(Message::Tick(Micros(900_000)));
    assert_eq!(screen.model.wake_in(), None);
    assert!(screen.text().contains("s0"), "{}", screen.text());
}

#[test]
fn time_alone_needs_no_timer_once_nothing_moves() {
    let still = [
        ended(),
        receipt().start().pause(),
        receipt_failed().end_run(RunOutcome::Failed),
    ];
    for run in still {
        let mut screen = Screen::new(80, 24, run.events()).at(60_000);
        screen.draw();
        screen.model.dirty = false;
        screen.send(Message::Tick(Micros(70_000_000)));
        assert_eq!(screen.model.wake_in(), None);
        assert!(!screen.model.dirty);
    }
    let screen = Screen::new(80, 24, receipt_running().events()).at(1700);
    assert!(screen.model.wake_in().is_some());
    let pausing = Screen::new(80, 24, receipt_running().pause().events()).at(1700);
    assert!(pausing.model.wake_in().is_some());
}

#[test]
fn an_outcome_is_told_by_shape_alone() {
    let mut screen = Screen::new(80, 24, receipt_failed().events()).at(2200);
    let text = screen.text();
    for status in [
        StepStatus::Succeeded,
        StepStatus::Failed,
        StepStatus::Skipped,
    ] {
        assert!(
            text.contains(screen.model.theme.status(status).glyph),
            "{status:?}"
        );
    }
}

#[test]
fn what_is_copied_is_the_page() {
    let screen = Screen::new(80, 24, receipt_failed().events()).keys("g enter 3 v y 4 y");
    let copied: Vec<&str> = screen
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Terminal(TerminalEffect::Copy(text)) => Some(text.as_str()),
            _ => None,
        })
        .collect();
    let output: serde_json::Value = serde_json::from_str(copied[0]).unwrap();
    assert_eq!(output["total"], 5.59);
    assert!(copied[1].starts_with("You are the tool extract."));
}

#[test]
fn hostile_text_stays_in_its_cells() {
    let evil =
        "\u{1b}[2J\u{7}\u{202e}evil\u{9b}31m\r\n\t漢字🎉e\u{301}\u{301}\u{301}\u{301}\u{301}";
    let run = Recording::new(evil)
        .header(|header| header.worker = evil.into())
        .step(evil, evil, "model", &[])
        .start()
        .call(&[evil])
        .log(evil, evil)
        .wait(4)
        .succeed_with(
            evil,
            json!({ evil: [evil, { evil: evil }], "long": evil.repeat(400) }),
        );
    for size in [(120, 36), (60, 40), (17, 9)] {
        let mut screen = Screen::new(size.0, size.1, run.so_far());
        for key in ["1", "2", "3", "v", "4", "5", "6", "enter", "?"] {
            screen.press(key);
            for cell in screen.buffer().content() {
                let bad = |c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c);
                assert!(!cell.symbol().contains(bad), "{:?}", cell.symbol());
            }
        }
    }
}

#[test]
fn themes_only_change_colours() {
    let plain = Screen::new(120, 36, receipt_failed().events())
        .at(2200)
        .text();
    for name in plandeck::tui::theme_names() {
        let mut screen = Screen::new(120, 36, receipt_failed().events()).at(2200);
        screen.model.theme = theme_named(name).unwrap();
        assert_eq!(screen.text(), plain, "{name}");
    }
}

#[test]
fn a_step_is_found_by_a_few_letters() {
    let keys = |keys: &str| {
        Screen::new(120, 36, receipt_running().events())
            .at(1700)
            .keys(keys)
    };
    let mut typed = keys("/ s t");
    insta::assert_snapshot!("find_typed", typed.text());
    let first = typed.model.selected;
    assert!(matches!(typed.model.overlay, Some(Overlay::Search(_))));
    // The next answer, and back where it began.
    let next = keys("/ s t down");
    assert_ne!(next.model.selected, first);
    let accepted = keys("/ s t enter");
    assert!(accepted.model.overlay.is_none());
    assert_eq!(accepted.model.selected, first);
    let before = keys("j j").model.selected;
    let left = keys("j j / s t esc");
    assert!(left.model.overlay.is_none());
    assert_eq!(left.model.selected, before);
    // What answers nothing changes nothing.
    let none = keys("j j / s q q x enter");
    assert_eq!(none.model.selected, before);
    assert!(none.model.notice.is_some());
    // Letters that are keys elsewhere are letters here.
    assert!(keys("/ q").effects.is_empty());
}

#[test]
fn the_bottleneck_is_what_would_save_most() {
    let mut screen = Screen::new(120, 36, ended().events()).at(60_000).keys("w");
    let figures = &screen.model.figures;
    let most = figures.potential.iter().max();
    let at = figures
        .critical_path
        .iter()
        .position(|step| Some(*step) == screen.model.selected);
    assert_eq!(at.map(|at| &figures.potential[at]), most);
    assert!(screen.text().contains("bottleneck"));
}

#[test]
fn a_paste_is_searched_for() {
    let mut screen = Screen::new(120, 36, receipt_running().events()).at(1700);
    screen.press("/");
    screen.send(Message::Terminal(TerminalEvent::Paste(
        "categorize\n".to_owned(),
    )));
    let found = Some(receipt().key("categorize").ix);
    assert_eq!(screen.model.selected, found);
    assert!(screen.text().contains("/ categorize"), "{}", screen.text());
}
