//! Settings that are changed in the run, and the limit that stopped it.

use crate::common::recording::{Recording, receipt_running};
use crate::common::screen::Screen;
use plandeck::run::{
    EventKind, Limit, Preview, PreviewStep, Range, Rate, Rates, RunCommand, RunEvent, RunOutcome,
    RunSetting, Seconds, SkipReason,
};
use plandeck::tui::{Effect, HistoryAnswer, HistoryQuery, Message, Overlay, Previews, Question};
use plandeck::units::{Micros, Money};
use serde_json::{Value, json};

/// Keys for a text that is typed.
fn type_in(screen: &mut Screen, text: &str) {
    for letter in text.chars() {
        let key = if letter == ' ' {
            "space".to_owned()
        } else {
            letter.to_string()
        };
        screen.press(&key);
    }
}

fn set(setting: RunSetting) -> Effect {
    Effect::Command(RunCommand::Set(setting))
}

fn running() -> Screen {
    Screen::new(100, 30, receipt_running().events()).at(1700)
}

/// A run with two rates and something of everything.
fn rated() -> Vec<RunEvent> {
    let rates = [
        ("openai/gpt-4o-mini", Some(200_000), None),
        ("couriers", None, Some(2)),
    ];
    let rates = rates.map(|(name, tokens, at_once)| {
        let rate = Rate {
            requests_per_minute: Some(60),
            tokens_per_minute: tokens,
            max_concurrent: at_once,
        };
        (name.into(), rate)
    });
    Recording::new("parcels")
        .header(|header| header.rates = Rates(rates.into()))
        .step("pick", "stock", "model", &[])
        .step("pack", "couriers", "http", &["pick"])
        .step("send", "couriers", "http", &["pack"])
        .start()
        .ready(&["pick"])
        .call(&["pick"])
        .wait(900)
        .events()
}

/// The same, stopped by its budget after the first step.
fn stopped() -> Vec<RunEvent> {
    let recording = Recording::new("parcels")
        .step("pick", "stock", "model", &[])
        .step("pack", "wrapper", "model", &["pick"])
        .step("send", "courier", "model", &["pack"])
        .priced()
        .start()
        .ready(&["pick"])
        .call(&["pick"])
        .wait(900)
        .succeed(&["pick"])
        .ready(&["pack"])
        .limit(Limit::MaxTotalCostUsd);
    let skip = |recording: Recording, id: &str| {
        let step = recording.key(id);
        recording.event(EventKind::StepSkipped {
            step,
            reason: SkipReason::Limit,
            because: None,
        })
    };
    let recording = skip(skip(recording, "pack"), "send");
    recording.end_run(RunOutcome::LimitExceeded).events()
}

#[test]
fn a_setting_is_typed_in_the_palette() {
    for (typed, setting) in [
        ("slots 10", RunSetting::MaxConcurrent { value: Some(10) }),
        (
            "budget 0.05",
            RunSetting::MaxTotalCostUsd {
                value: Some(Money::from_usd(0.05)),
            },
        ),
        (
            "budget $2",
            RunSetting::MaxTotalCostUsd {
                value: Some(Money::from_usd(2.0)),
            },
        ),
        ("calls none", RunSetting::MaxToolCalls { value: None }),
        ("calls 40", RunSetting::MaxToolCalls { value: Some(40) }),
        ("time 2m", RunSetting::TimeoutSeconds { value: Some(120.0) }),
        (
            "max_concurrent none",
            RunSetting::MaxConcurrent { value: None },
        ),
    ] {
        let mut screen = running().keys(":");
        type_in(&mut screen, typed);
        screen.press("enter");
        if setting == (RunSetting::MaxToolCalls { value: None }) {
            // The engine says nothing about a value that is in force already.
            assert_eq!(screen.effects, [set(setting)]);
            continue;
        }
        assert_eq!(screen.effects, [set(setting)], "{typed}");
        assert!(screen.model.overlay.is_none());
    }
}

#[test]
fn a_rate_is_found_by_a_part_of_its_name_and_keeps_its_calls_at_once() {
    for (typed, name, rate) in [
        ("rate openai 60/m", "openai/gpt-4o-mini", (60, None, None)),
        (
            "rate gpt-4o-mini 90/1000",
            "openai/gpt-4o-mini",
            (90, Some(1_000), None),
        ),
        ("rate couriers=5", "couriers", (5, None, Some(2))),
        ("rate harbour 7", "harbour", (7, None, None)),
    ] {
        let mut screen = Screen::new(100, 30, rated()).at(900).keys(":");
        type_in(&mut screen, typed);
        screen.press("enter");
        let rate = Rate {
            requests_per_minute: Some(rate.0),
            tokens_per_minute: rate.1,
            max_concurrent: rate.2,
        };
        let wanted = set(RunSetting::Rate {
            name: name.into(),
            rate: Some(rate),
        });
        assert_eq!(screen.effects, [wanted], "{typed}");
    }
}

#[test]
fn what_cannot_be_taken_is_said_and_stays_to_be_changed() {
    for (typed, said) in [
        ("slots 0", "at least 1 slot is needed"),
        (
            "slots many",
            "many is not a whole number: slots 10, or slots none",
        ),
        ("budget cheap", "a budget is a number of dollars"),
        ("budget -1", "a budget is a number of dollars"),
        ("budget NaN", "a budget is a number of dollars"),
        (
            "time 1",
            "the run has taken 1.7 s already: give it more, or stop it",
        ),
        ("time soon", "a time is a number of seconds"),
        ("rate openai", "a name and a rate are needed"),
        ("rate openai none", "openai/gpt-4o-mini has no rate"),
        ("rate openai 0/m", "is not a whole number of at least 1"),
        ("rate openai 5/x", "is not a whole number of at least 1"),
    ] {
        let mut screen = running().keys(":");
        type_in(&mut screen, typed);
        screen.press("enter");
        assert!(screen.effects.is_empty(), "{typed}: {:?}", screen.effects);
        let text = screen.text();
        assert!(text.contains(said), "{typed}: {text}");
        assert!(matches!(screen.model.overlay, Some(Overlay::Settings(_))));
        screen.press("backspace");
        assert!(!screen.text().contains(said), "{typed}: it is typed on");
        screen.press("esc");
        assert!(screen.model.overlay.is_none());
    }
}

#[test]
fn the_settings_show_what_counts_against_them() {
    for (columns, rows) in [(80, 24), (120, 36), (200, 60)] {
        let mut screen = Screen::new(columns, rows, rated()).at(900).keys(",");
        insta::assert_snapshot!(format!("settings_{columns}x{rows}"), screen.text());
    }
    let mut screen = Screen::new(80, 24, rated()).at(900).keys(", tab tab");
    assert!(screen.text().contains("budget 0.1"), "{}", screen.text());
    screen.press("up");
    type_in(&mut screen, "0");
    insta::assert_snapshot!("settings_typed_80x24", screen.text());
    screen.press("enter");
    let wanted = set(RunSetting::MaxConcurrent { value: Some(50) });
    assert_eq!(screen.effects, [wanted]);
    // Where there is hardly any room, the line that is typed stays.
    let mut tiny = Screen::new(30, 6, rated()).at(900).keys(",");
    type_in(&mut tiny, "slots 9");
    assert!(tiny.text().contains("slots 9"), "{}", tiny.text());
}

#[test]
fn a_change_is_told_and_seen_everywhere() {
    let mut screen = Screen::new(120, 36, rated()).at(900);
    let event = RunEvent {
        seq: screen.model.run.events,
        at: plandeck::units::Micros(1_000_000),
        kind: EventKind::SettingChanged {
            setting: RunSetting::MaxTotalCostUsd {
                value: Some(Money::from_usd(0.25)),
            },
        },
    };
    screen.send(Message::Events(vec![event]));
    let text = screen.text();
    assert!(text.contains("budget: $0.25 in all"), "the notice: {text}");
    screen.press("esc");
    let text = screen.text();
    assert!(text.contains("settings changed in the run"), "{text}");
    assert!(text.contains("1.00s  budget: $0.25 in all"), "{text}");
    assert_eq!(screen.model.run.budget(), Some(Money::from_usd(0.25)));
}

#[test]
fn what_a_raised_limit_runs_and_costs_is_said_first() {
    let mut screen = Screen::new(100, 30, stopped()).at(950);
    screen.model.previews = Some(Previews::new(|run, verb, _, command| {
        assert!(matches!(command, RunCommand::ContinueAfterLimit(_)));
        Preview {
            verb: verb.into(),
            step: None,
            reruns: vec![PreviewStep {
                step: "categorize".into(),
                why: "a limit kept it from running".into(),
            }],
            stays: Vec::new(),
            cannot: Vec::new(),
            cost_usd: Range {
                min: Money::ZERO,
                expected: Some(Money::from_usd(0.0012)),
                max: Some(Money::from_usd(0.004)),
            },
            seconds: Range {
                min: Seconds(Micros(0)),
                expected: None,
                max: None,
            },
            events: run.events,
        }
    }));
    screen.press("y");
    let text = screen.text();
    assert!(screen.effects.is_empty(), "it is priced first");
    assert!(
        text.contains("continue after the limit") && text.contains("$0.0012"),
        "{text}"
    );
    screen.press("enter");
    assert!(matches!(
        &screen.effects[..],
        [Effect::Command(RunCommand::ContinueAfterLimit(settings))] if settings.len() == 1
    ));
}

#[test]
fn a_limit_that_stopped_the_run_can_be_raised() {
    for (columns, rows) in [(80, 24), (120, 36), (200, 60)] {
        let mut screen = Screen::new(columns, rows, stopped()).at(950);
        insta::assert_snapshot!(format!("limit_reached_{columns}x{rows}"), screen.text());
    }
    let raised = |usd| {
        let setting = RunSetting::MaxTotalCostUsd {
            value: Some(Money::from_usd(usd)),
        };
        let raised = RunCommand::ContinueAfterLimit(vec![setting]);
        [Effect::Command(raised)]
    };
    let yes = Screen::new(100, 30, stopped()).at(950).keys("y");
    assert_eq!(yes.effects, raised(0.2));
    assert!(yes.model.overlay.is_none());
    // Another value, in the line of the settings.
    let mut other = Screen::new(100, 30, stopped()).at(950).keys(",");
    assert!(
        other.text().contains("raise the limit and continue"),
        "{}",
        other.text()
    );
    other.press("backspace 5 enter");
    assert_eq!(other.effects, raised(0.5));
    // Not now: it can be asked for again.
    let mut later = Screen::new(100, 30, stopped()).at(950).keys("n");
    assert!(later.effects.is_empty() && later.model.overlay.is_none());
    assert!(
        later.text().contains("raise the limit"),
        "the footer: {}",
        later.text()
    );
    later.press("U");
    assert!(
        matches!(later.model.overlay, Some(Overlay::Question(asked)) if asked == Question::Raise)
    );
    later.press("enter");
    assert_eq!(later.effects, raised(0.2));
}

#[test]
fn a_limit_that_lets_more_run_is_priced_first() {
    let priced = |screen: &mut Screen, runs: &[&str]| {
        let steps: Vec<Value> = runs
            .iter()
            .map(|id| json!({"step": id, "why": "so far"}))
            .collect();
        let preview = serde_json::from_value(json!({
            "verb": "set", "step": null, "reruns": steps, "stays": [], "cannot": [],
            "cost_usd": {"min": 0.0, "expected": 0.02, "max": 0.05},
            "seconds": {"min": 0.0, "expected": 1.0, "max": 60.0},
        }));
        let number = match screen.effects.pop() {
            Some(Effect::Ask(HistoryQuery::Preview { number, .. })) => number,
            other => panic!("the run was not asked: {other:?}"),
        };
        let known = Ok(preview.unwrap());
        screen.send(Message::Answer(HistoryAnswer::Preview(number, known)));
        screen.draw();
    };
    let budget = RunSetting::MaxTotalCostUsd {
        value: Some(Money::from_usd(2.0)),
    };
    let typed = || {
        let mut screen = running();
        screen.model.previews = Some(Previews::asked());
        screen.press(":");
        type_in(&mut screen, "budget 2");
        screen.press("enter");
        screen
    };
    let mut screen = typed();
    priced(&mut screen, &["pack", "send"]);
    let text = screen.text();
    assert!(
        text.contains("budget: $2.00 in all") && text.contains("2 steps"),
        "{text}"
    );
    assert!(screen.effects.is_empty(), "nothing is changed yet");
    screen.press("enter");
    assert_eq!(screen.effects, [set(budget.clone())]);
    // Where it lets nothing run that would not run anyway, there is nothing to ask.
    let mut screen = typed();
    priced(&mut screen, &[]);
    assert_eq!(screen.effects, [set(budget)]);
}
