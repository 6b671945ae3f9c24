//! The fold takes any log, however wrong, without a panic and with a sane account.

use super::super::AttemptLog;
use super::super::{
    AttemptDetails, AttemptEnd, ErrorKind, EventKind, ExecutionResult, IdleCause, IdlePeriod,
    Limit, LogStream, ResourceLimits, Reuse, RunError, RunEvent, RunHeader, RunOutcome, SettledBy,
    Settlement, SkipReason, StepInfo, StepKey, StepSource, Wait, WaitReason, Waits, figures,
};
use super::RunState;
use crate::plan::{Dialect, StepInput, StepIx};
use crate::units::{Micros, Money, Tokens};
use proptest::prelude::*;
use std::sync::Arc;

pub(crate) fn info(parent: Option<u32>, depends_on: Vec<u32>) -> StepInfo {
    StepInfo {
        id: "s".into(),
        tool: "tool".into(),
        kind: "test".into(),
        depends_on: depends_on.into_iter().map(StepIx).collect(),
        description: None,
        parent: parent.map(StepIx),
        parameters: None,
        not_reused: None,
        sequential: false,
        price: None,
        checks: None,
    }
}

fn key() -> impl Strategy<Value = StepKey> {
    (0u32..9).prop_map(|ix| StepKey {
        ix: StepIx(ix),
        id: "s".into(),
    })
}

/// Any step, with dependencies that may be cycles or nowhere.
fn infos() -> impl Strategy<Value = Vec<StepInfo>> {
    let info = (
        prop::option::weighted(0.2, 0u32..9),
        prop::collection::vec(0u32..9, 0..3),
    )
        .prop_map(|(parent, depends_on)| info(parent, depends_on));
    prop::collection::vec(info, 0..4)
}

pub(crate) fn header(steps: Vec<StepInfo>) -> RunHeader {
    RunHeader {
        run_id: "run".into(),
        plan: "plan".into(),
        dialect: Dialect::Documented,
        started_at: "".into(),
        worker: "none".into(),
        simulated: false,
        track_cost: true,
        limits: ResourceLimits::none(),
        rates: crate::run::Rates::default(),
        priced: false,
        context: Arc::default(),
        steps: steps.into(),
        forked_from: None,
        spent_before: Money::ZERO,
        pace: None,
    }
}

pub(crate) fn started() -> impl Strategy<Value = EventKind> {
    (infos(), any::<bool>(), prop::option::of(any::<u32>())).prop_map(
        |(steps, track_cost, max_concurrent)| {
            let limits = ResourceLimits {
                max_concurrent,
                ..ResourceLimits::none()
            };
            EventKind::RunStarted(Arc::new(RunHeader {
                track_cost,
                limits,
                ..header(steps)
            }))
        },
    )
}

fn attempt_ended() -> impl Strategy<Value = EventKind> {
    let tokens = prop::option::of(any::<u64>());
    (
        key(),
        1u32..4,
        any::<u64>(),
        prop::option::of(any::<i64>()),
        tokens,
        any::<bool>(),
    )
        .prop_map(|(step, attempt, service, cost, tokens, retries)| {
            EventKind::AttemptEnded(Arc::new(AttemptEnd {
                step,
                attempt,
                service: Micros(service),
                cost: cost.map(Money::from_pico),
                details: AttemptDetails {
                    tokens: tokens.map(|tokens| {
                        Box::new(Tokens {
                            cached_input: tokens,
                            ..Tokens::plain(tokens, tokens)
                        })
                    }),
                    retry_in: retries.then_some(Micros(u64::MAX)),
                    ..AttemptDetails::default()
                }
                .boxed(),
                cancelled: false,
            }))
        })
}

fn error() -> RunError {
    RunError {
        kind: ErrorKind::ToolExecutionError,
        step: None,
        tool_name: None,
        message: "bad".into(),
        retryable: false,
        attempts: 0,
    }
}

pub(crate) fn event_kind() -> impl Strategy<Value = EventKind> {
    prop_oneof![
        1 => started(),
        4 => key().prop_map(|step| EventKind::StepReady { step }),
        1 => key().prop_map(|step| EventKind::StepWaiting { step, reason: WaitReason::Budget, on: None, until: None }),
        3 => (key(), any::<u32>(), infos()).prop_map(|(step, count, elements)| EventKind::StepExpanded {
            step,
            count: count % 5,
            elements: elements.into(),
        }),
        2 => infos().prop_map(|steps| EventKind::StepsAdded { steps: steps.into() }),
        3 => (key(), 0u32..12, infos()).prop_filter_map("a call", |(step, row, infos)| {
            let call = Box::new(infos.into_iter().next()?);
            Some(EventKind::StepCalled { step, row: StepIx(row), call })
        }),
        2 => (key(), 1u32..4).prop_map(|(step, attempt)| EventKind::AttemptSuspended { step, attempt }),
        2 => (key(), 1u32..4).prop_map(|(step, attempt)| EventKind::AttemptContinued {
            step,
            attempt,
            slot: 1,
        }),
        6 => (key(), 1u32..4, any::<i64>()).prop_map(|(step, attempt, reserved)| EventKind::AttemptStarted {
            step,
            attempt,
            slot: 0,
            input: StepInput::default(),
            reserved: Money::from_pico(reserved),
            why: None,
            prompt: None,
        }),
        2 => (key(), 1u32..4, any::<i64>()).prop_map(|(step, attempt, reserved)| EventKind::ReservationRaised {
            step,
            attempt,
            reserved: Money::from_pico(reserved),
        }),
        2 => (key(), 1u32..4).prop_map(|(step, attempt)| EventKind::AttemptLog {
            step,
            attempt,
            stream: LogStream::Note,
            text: "said".into(),
        }),
        6 => attempt_ended(),
        3 => key().prop_map(|step| EventKind::StepSucceeded {
            step,
            source: StepSource::Call,
            output: Arc::default(),
            reused: None,
        }),
        2 => (key(), any::<i64>(), any::<u64>()).prop_map(|(step, cost, service)| EventKind::StepSucceeded {
            step,
            source: StepSource::Cache,
            output: Arc::default(),
            reused: Some(Box::new(Reuse {
                run_id: "before".into(),
                age: Micros(service),
                cost: Money::from_pico(cost),
                service: Micros(service),
                pinned: cost % 2 == 0,
                input: StepInput::default(),
            })),
        }),
        1 => (key(), any::<bool>()).prop_map(|(step, given)| EventKind::StepInputSet {
            step,
            input: given.then(Arc::default),
        }),
        1 => (key(), any::<bool>()).prop_map(|(step, given)| EventKind::StepCallSet {
            step,
            call: crate::run::GivenCall {
                prompt: given.then(|| "p".into()),
                ..crate::run::GivenCall::default()
            },
        }),
        1 => (key(), 0..3_usize).prop_map(|(step, way)| EventKind::StepEdited {
            step,
            edit: [crate::run::EditWay::Done, crate::run::EditWay::Undone, crate::run::EditWay::Redone][way],
            before: Box::default(),
            after: Box::default(),
        }),
        1 => (key(), any::<bool>()).prop_map(|(step, pinned)| EventKind::StepPinned { step, pinned }),
        2 => key().prop_map(|step| EventKind::StepFailed { step, error: Box::new(error()), output: None }),
        2 => key().prop_map(|step| EventKind::StepSkipped {
            step,
            reason: SkipReason::Upstream,
            because: None,
        }),
        2 => (key(), 1..3_u32).prop_map(|(step, attempt)| EventKind::QuestionAsked {
            step,
            attempt,
            question: Box::default(),
        }),
        2 => (key(), 1..3_u32).prop_map(|(step, attempt)| EventKind::QuestionAnswered {
            step,
            attempt,
            answer: Box::new(crate::run::Answer::Decline),
        }),
        2 => (key(), 1..3_u32).prop_map(|(step, attempt)| EventKind::AttemptHandle {
            step,
            attempt,
            handle: "task-7".into(),
        }),
        1 => key().prop_map(|step| EventKind::StepSettled {
            step,
            settlement: Box::new(Settlement {
                name: "run/a/1".into(),
                by: SettledBy::Probe,
                happened: Some(false),
                tool: None,
                input: None,
                output: None,
                error: None,
                released: Money::ZERO,
            }),
        }),
        1 => key().prop_map(|step| EventKind::StepCancelled { step }),
        3 => key().prop_map(|step| EventKind::StepReset { step }),
        1 => Just(EventKind::RunPaused),
        1 => Just(EventKind::RunResumed),
        1 => Just(EventKind::LimitReached { limit: Limit::MaxToolCalls, message: "enough".into() }),
        1 => Just(EventKind::StopRequested),
        1 => Just(EventKind::RunReopened),
        1 => Just(EventKind::RunEnded {
            status: RunOutcome::Failed,
            result: Arc::default(),
            error: None,
        }),
    ]
}

pub(crate) fn events(kinds: Vec<(EventKind, u64)>) -> Vec<RunEvent> {
    let events = kinds.into_iter().enumerate();
    let events = events.map(|(seq, (kind, at))| RunEvent {
        seq: seq as u64,
        at: Micros(at),
        kind,
    });
    events.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_log_is_folded(
        first in started(),
        kinds in prop::collection::vec((event_kind(), any::<u64>()), 0..40),
    ) {
        let mut all = vec![(first, 0)];
        all.extend(kinds);
        let events = events(all);
        let state = RunState::from_events(&events);
        let plan_steps = state.steps.iter().filter(|row| row.info.parent.is_none()).count();
        prop_assert_eq!(state.counts.iter().sum::<usize>(), plan_steps);
        prop_assert!(state.slots() >= 1);
        let open = state.steps.iter().flat_map(|row| &row.attempts);
        let open = open.filter(|attempt| attempt.end.is_none() && !attempt.is_suspended());
        prop_assert_eq!(open.count(), state.running);
        let figures = figures(&state, state.at);
        let ratios = [figures.parallel_efficiency, figures.slot_utilisation];
        prop_assert!(ratios.iter().flatten().all(|ratio| (0.0..=1.0).contains(ratio)));
        for row in &state.steps {
            let spans = row.waits.spans();
            prop_assert!(spans.len() <= Waits::KEPT);
            let open = spans.iter().rev().skip(1).filter(|wait| wait.until.is_none());
            prop_assert_eq!(open.count(), 0, "only the last may be open");
        }
        let result = ExecutionResult::of(&state);
        prop_assert_eq!(result.steps_completed, state.count(super::StepStatus::Succeeded));
    }
}

#[test]
fn a_log_is_kept_to_its_last_lines() {
    let step = StepKey {
        ix: StepIx(0),
        id: "s".into(),
    };
    let header = header(vec![info(None, Vec::new())]);
    let mut kinds = vec![
        (EventKind::RunStarted(Arc::new(header)), 0),
        (
            EventKind::AttemptStarted {
                step: step.clone(),
                attempt: 1,
                slot: 0,
                input: StepInput::default(),
                reserved: Money::ZERO,
                why: None,
                prompt: None,
            },
            0,
        ),
    ];
    let lines = AttemptLog::KEPT + 7;
    kinds.extend((0..lines).map(|line| {
        let kind = EventKind::AttemptLog {
            step: step.clone(),
            attempt: 1,
            stream: LogStream::Stderr,
            text: line.to_string().into(),
        };
        (kind, 1)
    }));
    let state = RunState::from_events(&events(kinds));
    let attempt = &state.steps[0].attempts[0];
    assert_eq!(
        (attempt.log.len(), attempt.log.dropped()),
        (AttemptLog::KEPT, 7)
    );
    assert_eq!(&*attempt.log.iter().next().unwrap().1, "7");
}

#[test]
fn a_line_that_is_overwritten_is_not_kept() {
    let step = StepKey {
        ix: StepIx(0),
        id: "s".into(),
    };
    let mut kinds = vec![
        (
            EventKind::RunStarted(Arc::new(header(vec![info(None, vec![])]))),
            0,
        ),
        (
            EventKind::AttemptStarted {
                step: step.clone(),
                attempt: 1,
                slot: 0,
                input: StepInput::default(),
                reserved: Money::ZERO,
                why: None,
                prompt: None,
            },
            1,
        ),
    ];
    let (out, err) = (LogStream::Stdout, LogStream::Stderr);
    let said = [
        (err, "start"),
        (err, "1 %\r"),
        (out, "printed"),
        (err, "2 %\r"),
        (err, "3 %\r"),
        (err, ""),
        (err, "end"),
        (out, "half\r"),
    ];
    kinds.extend(said.into_iter().map(|(stream, text)| {
        let kind = EventKind::AttemptLog {
            step: step.clone(),
            attempt: 1,
            stream,
            text: text.into(),
        };
        (kind, 1)
    }));
    let state = RunState::from_events(&events(kinds));
    let log = &state.steps[0].attempts[0].log;
    let kept: Vec<(LogStream, &str)> = log
        .iter()
        .map(|(stream, text)| (*stream, &**text))
        .collect();
    let expected = [
        (err, "start"),
        (out, "printed"),
        (err, "3 %"),
        (err, "end"),
        (out, "half\r"),
    ];
    assert_eq!(kept, expected);
}

#[test]
fn waits_are_kept_with_their_reason_and_span() {
    let step = StepKey {
        ix: StepIx(0),
        id: "s".into(),
    };
    let header = RunHeader {
        run_id: "run".into(),
        forked_from: None,
        spent_before: Money::ZERO,
        pace: None,
        rates: crate::run::Rates::default(),
        priced: false,
        plan: "plan".into(),
        dialect: Dialect::Documented,
        started_at: "".into(),
        worker: "none".into(),
        simulated: false,
        track_cost: true,
        limits: ResourceLimits::none(),
        context: Arc::default(),
        steps: vec![info(None, Vec::new())].into(),
    };
    let waiting = |reason| EventKind::StepWaiting {
        step: step.clone(),
        reason,
        on: None,
        until: None,
    };
    let started = |attempt| EventKind::AttemptStarted {
        step: step.clone(),
        attempt,
        slot: 0,
        input: StepInput::default(),
        reserved: Money::ZERO,
        why: None,
        prompt: None,
    };
    let ended = AttemptEnd {
        step: step.clone(),
        attempt: 1,
        service: Micros(10),
        cost: None,
        details: AttemptDetails {
            error: Some(Box::new(error())),
            retry_in: Some(Micros(20)),
            ..AttemptDetails::default()
        }
        .boxed(),
        cancelled: false,
    };
    let state = RunState::from_events(&events(vec![
        (EventKind::RunStarted(Arc::new(header)), 0),
        (EventKind::StepReady { step: step.clone() }, 5),
        (waiting(WaitReason::Rate), 6),
        (waiting(WaitReason::Rate), 8),
        (waiting(WaitReason::Budget), 9),
        (started(1), 30),
        (EventKind::RunPaused, 35),
        (EventKind::AttemptEnded(Arc::new(ended)), 40),
        (EventKind::RunResumed, 50),
        (started(2), 63),
    ]));
    let row = &state.steps[0];
    let wait = |reason, from, until| Wait {
        reason,
        on: None,
        from: Micros(from),
        until: Some(Micros(until)),
    };
    assert_eq!(
        row.waits.spans(),
        [
            wait(WaitReason::Rate, 6, 9),
            wait(WaitReason::Budget, 9, 30)
        ]
    );
    let times: Vec<(u64, u64)> = row
        .attempts
        .iter()
        .map(|attempt| (attempt.ready.0, attempt.started.0))
        .collect();
    assert_eq!(
        times,
        [(5, 30), (60, 63)],
        "the second was ready after its backoff"
    );
    assert_eq!(
        state.idle_periods.spans(),
        [IdlePeriod {
            cause: IdleCause::Pause,
            from: Micros(35),
            until: Some(Micros(50)),
        }]
    );
}
