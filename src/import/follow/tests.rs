//! A session line by line, folded as the dashboard does.

use super::*;
use crate::plan::StepIx;
use crate::run::{RunOutcome, RunPhase, RunState, StepStatus};
use proptest::prelude::*;
use serde_json::json;
use std::sync::Arc;

/// A line of a session, so many seconds after its start.
fn line(second: u64, message: &Value) -> String {
    json!({"sessionId": "s", "timestamp": format!("2026-11-30T10:00:{second:02}.000Z"), "message": message}).to_string()
}

fn says(id: &str, content: &Value) -> Value {
    let usage = json!({"input_tokens": 100, "output_tokens": 10});
    json!({"role": "assistant", "id": id, "model": "m", "content": content, "usage": usage})
}

fn asks(id: &str, tools: &[&str]) -> Value {
    let tool = |tool: &&str| json!({"type": "tool_use", "id": tool, "name": "Bash", "input": {"of": tool}});
    says(id, &tools.iter().map(tool).collect())
}

fn result(tool: &str, output: &str) -> Value {
    json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": tool, "content": output}]})
}

fn stopped(mut message: Value) -> Value {
    message["stop_reason"] = json!("end_turn");
    message
}

fn text(words: &str) -> Value {
    json!([{"type": "text", "text": words}])
}

/// A follower, and the run that its events fold into.
struct Watched {
    follower: Follower,
    run: RunState,
    events: Vec<RunEvent>,
}

impl Watched {
    fn new() -> Self {
        let price =
            |_: &str, tokens: Tokens| Some(Money::from_pico(i64::try_from(tokens.input).unwrap()));
        Self {
            follower: Follower::new("session", price),
            run: RunState::default(),
            events: Vec::new(),
        }
    }

    fn take(&mut self, events: Vec<RunEvent>) {
        for event in events {
            assert_eq!(event.seq, self.run.events, "no number is missing");
            assert!(
                event.at >= self.run.at,
                "{event:?} is before {:?}",
                self.run.at
            );
            self.run.apply(&event);
            self.events.push(event);
        }
    }

    fn lines(&mut self, lines: &[String]) {
        for line in lines {
            self.follower.line(line).unwrap();
        }
        let events = self.follower.events();
        self.take(events);
    }

    fn settle(&mut self) {
        let events = self.follower.settle();
        self.take(events);
    }

    fn statuses(&self) -> Vec<(String, StepStatus)> {
        let row = |row: &crate::run::StepState| (row.info.id.to_string(), row.status);
        self.run.steps.iter().map(row).collect()
    }
}

fn rows(rows: &[(&str, StepStatus)]) -> Vec<(String, StepStatus)> {
    rows.iter()
        .map(|(id, status)| ((*id).to_owned(), *status))
        .collect()
}

/// Two rounds with tools side by side.
fn session() -> Vec<String> {
    vec![
        line(0, &json!({"role": "user", "content": "do it"})),
        line(2, &asks("m1", &["t1"])),
        line(2, &asks("m1", &["t2"])),
        line(5, &result("t1", "one")),
        line(7, &result("t2", "two")),
        line(9, &stopped(says("m2", &text("done")))),
    ]
}

#[test]
fn each_line_is_told_once_and_at_once() {
    use StepStatus::{Running, Succeeded};
    let mut watched = Watched::new();
    let lines = session();
    watched.lines(&lines[..1]);
    assert!(watched.events.is_empty(), "nothing was asked yet");
    watched.lines(&lines[1..2]);
    assert_eq!(
        watched.statuses(),
        rows(&[("model", Running), ("Bash", Running)])
    );
    watched.lines(&lines[2..3]);
    watched.lines(&lines[3..4]);
    let expected = [
        ("model", Succeeded),
        ("Bash", Succeeded),
        ("Bash 2", Running),
    ];
    assert_eq!(watched.statuses(), rows(&expected));
    watched.lines(&lines[4..5]);
    assert_eq!(
        watched.run.phase,
        RunPhase::Running,
        "the model is to go on"
    );
    watched.lines(&lines[5..]);
    assert_eq!(watched.run.phase, RunPhase::Ended(RunOutcome::Succeeded));
    assert_eq!(watched.run.count(Succeeded), 4);
    assert_eq!(watched.run.limits.max_concurrent, Some(3));
    let last = &watched.run.steps[3];
    let before: Vec<usize> = last.info.depends_on.iter().map(|ix| ix.at()).collect();
    assert_eq!(before, [1, 2]);
    assert_eq!(watched.run.header.as_ref().unwrap().steps.len(), 4);
    // Nothing more happens by itself, and what the user asks next reopens the run.
    let count = watched.events.len();
    watched.settle();
    assert_eq!(watched.events.len(), count);
    watched.lines(&[
        line(20, &json!({"role": "user", "content": "more"})),
        line(22, &asks("m3", &["t3"])),
    ]);
    assert_eq!(watched.run.phase, RunPhase::Running);
    assert_eq!(watched.run.running, 2);
}

#[test]
fn in_pieces_it_is_the_run_that_it_is_as_a_whole() {
    let lines = session();
    let whole = super::super::imported("session", &lines.join("\n"), None, &|_, tokens| {
        Some(Money::from_pico(i64::try_from(tokens.input).unwrap()))
    });
    let whole = RunState::from_events(&whole.unwrap().events);
    for size in 1..=lines.len() {
        let mut watched = Watched::new();
        for part in lines.chunks(size) {
            watched.lines(part);
        }
        let run = &watched.run;
        assert_eq!(run.spent, whole.spent);
        assert_eq!((run.tokens, run.calls), (whole.tokens, whole.calls));
        assert_eq!(
            (run.phase, run.at, run.work),
            (whole.phase, whole.at, whole.work)
        );
        assert_eq!(run.result, whole.result);
        assert_eq!(run.steps.len(), whole.steps.len());
        for (row, of_whole) in run.steps.iter().zip(&whole.steps) {
            assert_eq!(row.info, of_whole.info);
            assert_eq!(
                (&row.output, row.status),
                (&of_whole.output, of_whole.status)
            );
        }
    }
}

#[test]
fn a_message_without_an_end_is_over_after_a_while_and_may_grow_later() {
    let mut watched = Watched::new();
    watched.lines(&[line(1, &says("m1", &text("first")))]);
    assert_eq!(watched.run.running, 1);
    watched.settle();
    assert_eq!(watched.run.phase, RunPhase::Ended(RunOutcome::Succeeded));
    watched.lines(&[line(9, &says("m1", &text("second")))]);
    let output = watched.run.steps[0].output.as_ref().unwrap().to_string();
    assert!(
        output.contains("first") && output.contains("second"),
        "{output}"
    );
    assert_eq!(watched.run.calls, 1);
}

#[test]
fn an_agent_lasts_as_long_as_what_it_does() {
    let mut watched = Watched::new();
    let mut inner = says("i1", &text("inside"));
    inner["stop_reason"] = json!("end_turn");
    let mut of_agent: Value = serde_json::from_str(&line(3, &inner)).unwrap();
    of_agent["parent_tool_use_id"] = json!("t1");
    watched.lines(&[line(1, &asks("m1", &["t1"])), of_agent.to_string()]);
    let expected = [
        ("model", StepStatus::Running),
        ("Bash", StepStatus::Running),
        ("model 2", StepStatus::Succeeded),
    ];
    assert_eq!(watched.statuses(), rows(&expected));
    let inner = &watched.run.steps[2].info;
    assert_eq!(inner.description.as_deref(), Some("in Bash"));
    assert_eq!(*inner.depends_on, [StepIx(0)]);
}

#[test]
fn the_last_line_of_a_run_without_a_user_ends_it() {
    let mut watched = Watched::new();
    watched.lines(&session()[..4]);
    assert!(!watched.follower.is_over());
    let result =
        json!({"type": "result", "is_error": true, "result": "too many turns", "session_id": "s"});
    watched.lines(&[result.to_string()]);
    assert!(watched.follower.is_over());
    assert_eq!(watched.run.phase, RunPhase::Ended(RunOutcome::Failed));
    assert_eq!(watched.run.steps[2].status, StepStatus::Cancelled);
    assert_eq!(watched.run.running, 0);
    assert_eq!(watched.run.result, Some(Arc::new(json!("too many turns"))));
}

#[test]
fn a_file_that_begins_again_is_another_run() {
    let mut watched = Watched::new();
    watched.lines(&session());
    let at = watched.run.at;
    watched.follower.restart();
    watched.lines(&session()[..4]);
    assert_eq!(watched.run.steps.len(), 3);
    assert_eq!(watched.run.phase, RunPhase::Running);
    assert!(watched.run.at >= at);
}

#[test]
fn what_is_no_session_is_refused_and_a_broken_line_of_one_is_left_out() {
    let follower = || Watched::new().follower;
    assert!(follower().line("not JSON").is_err());
    let mut other = follower();
    let refused = (0..30).any(|_| other.line("{\"a\": 1}").is_err());
    assert!(refused);
    let mut watched = Watched::new();
    let mut lines = session();
    lines.insert(2, "{\"cut".to_owned());
    watched.lines(&lines);
    assert_eq!(watched.run.phase, RunPhase::Ended(RunOutcome::Succeeded));
    let notices = watched.follower.notices();
    assert!(
        notices.len() == 1 && notices[0].contains("line 3"),
        "{notices:?}"
    );
}

/// A session of which each choice says what happens next, and how many seconds later.
fn chosen(choices: &[(u8, u64)]) -> Vec<String> {
    let (mut now, mut messages) = (0, 0);
    let mut open: Vec<String> = Vec::new();
    let mut lines = Vec::new();
    for (choice, later) in choices {
        now += later;
        let mut tell = |message: &Value, agent: Option<&str>| {
            let at = Timestamp::from_second(1_790_000_000 + i64::try_from(now).unwrap()).unwrap();
            let mut line =
                json!({"sessionId": "s", "timestamp": at.to_string(), "message": message});
            if let Some(agent) = agent {
                line["agentId"] = agent.into();
            }
            lines.push(line.to_string());
        };
        match choice {
            0 | 1 => {
                // The same message again, or a new one.
                messages += u64::from(*choice == 0);
                let tool = format!("t{}-{}", messages, open.len());
                tell(&asks(&format!("m{messages}"), &[&tool]), None);
                open.push(tool);
            }
            2 if !open.is_empty() => tell(&result(&open.remove(0), "found"), None),
            3 => {
                if let Some(tool) = open.pop() {
                    let mut failed = result(&tool, "no such file");
                    failed["content"][0]["is_error"] = true.into();
                    tell(&failed, None);
                }
            }
            4 => tell(&json!({"role": "user", "content": "more"}), None),
            5 => {
                messages += 1;
                tell(&asks(&format!("m{messages}"), &["inner"]), Some("a"));
            }
            6 => lines.push(json!({"type": "summary", "summary": "Title"}).to_string()),
            _ => {
                messages += 1;
                tell(&stopped(says(&format!("m{messages}"), &text("done"))), None);
            }
        }
    }
    lines
}

proptest! {
    #[test]
    fn what_was_shown_early_changes_nothing_of_what_comes(
        choices in prop::collection::vec((0u8..8, 0u64..4), 1..60),
        early in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
        rest in any::<prop::sample::Index>(),
    ) {
        let lines = chosen(&choices);
        let rest = rest.index(lines.len() + 1);
        let early: Vec<usize> = early.iter().map(|at| at.index(rest + 1)).collect();
        let (mut plain, mut watched) = (Watched::new(), Watched::new());
        for (at, line) in lines[..rest].iter().enumerate() {
            plain.follower.line(line).unwrap();
            if early.contains(&at) {
                // It is a run that can be shown, and that is going on.
                let events = watched.follower.early_events();
                watched.take(events);
                prop_assert!(!watched.run.has_ended());
            }
            watched.follower.line(line).unwrap();
        }
        let expected = plain.follower.events();
        prop_assert_eq!(watched.follower.events(), expected);
        for line in &lines[rest..] {
            plain.follower.line(line).unwrap();
            watched.follower.line(line).unwrap();
            prop_assert_eq!(watched.follower.events(), plain.follower.events());
        }
        prop_assert_eq!(watched.follower.settle(), plain.follower.settle());
    }
}
