//! Every event comes back as it went in, and nothing that is not a record is taken for one.

use super::{Blobs, DecodeError, Decoder, Encoder, Hash, Memory, decode_event, encode_event};
use crate::plan::{Dialect, InputList, InputObject, InputPart, StepInput, StepIx, View};
use crate::run::{
    Answer, AttemptDetails, AttemptEnd, BreakWhen, Breakpoint, CallReason, DecidedBy, EditWay,
    ErrorKind, EventKind, GivenCall, HandOver, HeldAt, InputChange, Limit, LogStream, MissReason,
    NotReused, Question, Rate, Rates, RerunReason, ResourceLimits, Reuse, RunError, RunEvent,
    RunHeader, RunOutcome, RunSetting, SettledBy, Settlement, SkipReason, StepChecks, StepGiven,
    StepInfo, StepKey, StepPrice, StepSource, Streamed, VoidReason, WaitReason,
};
use crate::units::{Charge, ChargeClass, Micros, ModelOptions, Money, Temperature, Tokens};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Number, Value};
use std::collections::HashMap;
use std::sync::Arc;

#[derive(Default)]
struct InMemory(HashMap<Hash, Arc<[u8]>>);

impl Blobs for InMemory {
    fn bytes(&mut self, hash: &Hash) -> Result<Arc<[u8]>, DecodeError> {
        self.0.get(hash).cloned().ok_or(DecodeError::Missing)
    }
}

fn written(events: &[RunEvent]) -> (Vec<u8>, InMemory) {
    let mut encoder = Encoder::default();
    let mut before = Micros(0);
    for event in events {
        encode_event(event, before, &mut encoder);
        before = event.at;
    }
    let blobs = encoder.blobs.into_iter();
    let blobs = blobs.map(|(hash, bytes)| (hash, bytes.into())).collect();
    (encoder.out, InMemory(blobs))
}

fn read(bytes: &[u8], blobs: &mut InMemory) -> Result<Vec<RunEvent>, DecodeError> {
    let mut memory = Memory::default();
    let mut decoder = Decoder::new(bytes, &mut memory, blobs);
    let (mut events, mut before) = (Vec::new(), Micros(0));
    while !decoder.is_empty() {
        let event = decode_event(events.len() as u64, before, &mut decoder)?;
        before = event.at;
        events.push(event);
    }
    Ok(events)
}

fn hand_over() -> impl Strategy<Value = HandOver> {
    let held = vec(text(), 0..3);
    (text(), text(), text(), held).prop_map(|(run_id, verb, step, held)| HandOver {
        run_id,
        verb,
        step,
        held,
    })
}

fn text() -> impl Strategy<Value = Arc<str>> {
    prop_oneof![
        8 => ".{0,12}".prop_map(Arc::from),
        1 => (".{1,4}", 500usize..2000).prop_map(|(piece, times)| piece.repeat(times).into()),
    ]
}

fn number() -> impl Strategy<Value = Number> {
    prop_oneof![
        any::<u64>().prop_map(Number::from),
        any::<i64>().prop_map(Number::from),
        any::<f64>().prop_filter_map("finite", Number::from_f64),
    ]
}

fn value() -> impl Strategy<Value = Arc<Value>> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number().prop_map(Value::Number),
        text().prop_map(|text| Value::String(text.to_string())),
    ];
    leaf.prop_recursive(4, 40, 6, |part| {
        prop_oneof![
            vec(part.clone(), 0..6).prop_map(Value::Array),
            vec((".{0,6}", part), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
    .prop_map(Arc::new)
}

fn key() -> impl Strategy<Value = StepKey> {
    (0u32..8, text()).prop_map(|(ix, id)| StepKey { ix: StepIx(ix), id })
}

fn money() -> impl Strategy<Value = Money> {
    any::<i64>().prop_map(Money::from_pico)
}

fn micros() -> impl Strategy<Value = Micros> {
    any::<u64>().prop_map(Micros)
}

fn info() -> impl Strategy<Value = StepInfo> {
    let parent = option::of(any::<u32>().prop_map(StepIx));
    let depends_on = vec(any::<u32>().prop_map(StepIx), 0..4);
    (
        text(),
        text(),
        text(),
        depends_on,
        option::of(text()),
        parent,
        option::of(value()),
        option::of(not_reused()),
        any::<bool>(),
        (
            option::of(price()),
            option::of((vec(text(), 0..3), option::of(text()))),
        ),
    )
        .prop_map(
            |(
                id,
                tool,
                kind,
                depends_on,
                description,
                parent,
                parameters,
                not_reused,
                sequential,
                (price, expect),
            )| StepInfo {
                id,
                tool,
                kind,
                depends_on: depends_on.into(),
                description,
                parent,
                parameters,
                not_reused,
                sequential,
                price: price.map(Box::new),
                checks: expect.map(|(expect, approve)| {
                    Box::new(StepChecks {
                        expect: expect.into(),
                        approve,
                    })
                }),
            },
        )
}

fn price() -> impl Strategy<Value = StepPrice> {
    (
        money(),
        option::of(money()),
        option::of(money()),
        any::<u32>(),
        option::of(any::<u32>()),
        any::<bool>(),
    )
        .prop_map(|(min, expected, max, attempts, times, sure)| StepPrice {
            min,
            expected,
            max,
            attempts,
            times,
            sure,
        })
}

fn setting() -> impl Strategy<Value = RunSetting> {
    prop_oneof![
        option::of(any::<u32>()).prop_map(|value| RunSetting::MaxConcurrent { value }),
        option::of(money()).prop_map(|value| RunSetting::MaxTotalCostUsd { value }),
        option::of(any::<u64>()).prop_map(|value| RunSetting::MaxToolCalls { value }),
        option::of(0.0f64..1e9).prop_map(|value| RunSetting::TimeoutSeconds { value }),
        (text(), option::of(rate())).prop_map(|(name, rate)| RunSetting::Rate { name, rate }),
    ]
}

fn rate() -> impl Strategy<Value = Rate> {
    let rate = (
        option::of(any::<u64>()),
        option::of(any::<u64>()),
        option::of(any::<u64>()),
    );
    rate.prop_map(|(requests, tokens, concurrent)| Rate {
        requests_per_minute: requests,
        tokens_per_minute: tokens,
        max_concurrent: concurrent,
    })
}

fn rates() -> impl Strategy<Value = Rates> {
    prop::collection::btree_map(text(), rate(), 0..4).prop_map(Rates)
}

fn not_reused() -> impl Strategy<Value = NotReused> {
    use NotReused::{Effects, Quick, Simulated, Step, Temperature, Tool, Undetermined};
    prop::sample::select(vec![
        Step,
        Tool,
        Effects,
        Quick,
        Temperature,
        Simulated,
        Undetermined,
    ])
}

fn changes() -> impl Strategy<Value = Arc<[InputChange]>> {
    let names = || vec(text(), 0..3).prop_map(Arc::from);
    let change = (
        text(),
        option::of(text()),
        option::of(text()),
        names(),
        names(),
    )
        .prop_map(|(path, before, after, steps, context)| InputChange {
            path,
            before,
            after,
            steps,
            context,
        });
    vec(change, 0..3).prop_map(Arc::from)
}

fn why() -> impl Strategy<Value = CallReason> {
    let age = || any::<u64>().prop_map(Micros);
    let names = || vec(text(), 0..3).prop_map(Arc::from);
    let rerun = prop_oneof![
        Just(RerunReason::Asked),
        Just(RerunReason::Absent),
        Just(RerunReason::Redefined),
        Just(RerunReason::Interrupted),
        Just(RerunReason::Redacted),
        names().prop_map(|steps| RerunReason::Upstream { steps }),
        changes().prop_map(|changes| RerunReason::Input { changes }),
    ];
    let miss = prop_oneof![
        Just(MissReason::Off),
        Just(MissReason::Fresh),
        Just(MissReason::Refresh),
        Just(MissReason::Never),
        (text(), age(), age()).prop_map(|(run_id, age, limit)| MissReason::Expired {
            run_id,
            age,
            limit
        }),
        (text(), age(), changes(), names()).prop_map(|(run_id, age, changes, parts)| {
            MissReason::Differs {
                run_id,
                age,
                changes,
                parts,
            }
        }),
    ];
    (option::of(rerun), option::of(miss)).prop_map(|(rerun, miss)| CallReason { rerun, miss })
}

fn reuse() -> impl Strategy<Value = Reuse> {
    let span = || any::<u64>().prop_map(Micros);
    (text(), span(), money(), span(), any::<bool>(), value()).prop_map(
        |(run_id, age, cost, service, pinned, input)| Reuse {
            run_id,
            age,
            cost,
            service,
            pinned,
            input: input.into(),
        },
    )
}

fn limits() -> impl Strategy<Value = ResourceLimits> {
    let seconds = any::<f64>().prop_filter("comparable", |seconds| !seconds.is_nan());
    (
        option::of(any::<u64>()),
        option::of(any::<u32>()),
        option::of(seconds),
        option::of(any::<u64>()),
        option::of(any::<u32>()),
        option::of(money()),
    )
        .prop_map(
            |(memory, cpu, timeout, calls, concurrent, cost)| ResourceLimits {
                max_memory_mb: memory,
                max_cpu_percent: cpu,
                timeout_seconds: timeout,
                max_tool_calls: calls,
                max_concurrent: concurrent,
                max_total_cost_usd: cost,
            },
        )
}

fn header() -> impl Strategy<Value = Arc<RunHeader>> {
    use Dialect::{Documented, HuggingGpt, LlmCompiler, ReWoo, Runtime, Template};
    let dialects = [
        Documented,
        Runtime,
        Template,
        LlmCompiler,
        HuggingGpt,
        ReWoo,
    ];
    let words = (
        text(),
        text(),
        prop::sample::select(dialects.to_vec()),
        text(),
        text(),
    );
    let rest = (
        any::<bool>(),
        any::<bool>(),
        limits(),
        value(),
        vec(info(), 0..6),
        option::of(text()),
        rates(),
        any::<bool>(),
    );
    (words, rest).prop_map(
        |(
            (run_id, plan, dialect, started_at, worker),
            (simulated, track_cost, limits, context, steps, forked_from, rates, priced),
        )| {
            Arc::new(RunHeader {
                run_id,
                plan,
                dialect,
                started_at,
                worker,
                simulated,
                track_cost,
                limits,
                rates,
                priced,
                context,
                steps: steps.into(),
                forked_from,
                spent_before: Money::ZERO,
                pace: None,
            })
        },
    )
}

fn error() -> impl Strategy<Value = RunError> {
    use ErrorKind::{PlanError, ResourceLimitError, TimeoutError, ToolExecutionError};
    let kinds = [
        PlanError,
        ToolExecutionError,
        ResourceLimitError,
        TimeoutError,
    ];
    (
        prop::sample::select(kinds.to_vec()),
        option::of(text()),
        option::of(text()),
        text(),
        any::<bool>(),
        any::<u32>(),
    )
        .prop_map(
            |(kind, step, tool_name, message, retryable, attempts)| RunError {
                kind,
                step,
                tool_name,
                message,
                retryable,
                attempts,
            },
        )
}

fn tokens() -> impl Strategy<Value = Tokens> {
    let count = any::<u64>;
    let rare = (
        option::of(count()),
        option::of(count()),
        option::of(count()),
    );
    (count(), count(), count(), rare).prop_map(
        |(input, cached_input, output, (cache_write, cache_write_1h, reasoning))| Tokens {
            input,
            cached_input,
            cache_write,
            cache_write_1h,
            output,
            reasoning,
        },
    )
}

fn charge() -> impl Strategy<Value = Charge> {
    let class = prop_oneof![
        Just(ChargeClass::Input),
        Just(ChargeClass::CachedInput),
        Just(ChargeClass::CacheWrite),
        Just(ChargeClass::CacheWrite1h),
        Just(ChargeClass::Output),
        Just(ChargeClass::Reasoning),
        Just(ChargeClass::Call),
        Just(ChargeClass::Reserved),
        Just(ChargeClass::Billed),
        Just(ChargeClass::Stated),
    ];
    (class, any::<u64>(), money(), any::<bool>()).prop_map(|(class, count, price, upper_bound)| {
        Charge {
            class,
            count,
            price,
            upper_bound,
        }
    })
}

fn end() -> impl Strategy<Value = AttemptEnd> {
    let texts = (
        option::of(text()),
        option::of(text()),
        option::of(text()),
        option::of(text()),
    );
    let first = (
        key(),
        any::<u32>(),
        micros(),
        option::of(money()),
        option::of(tokens()),
        proptest::collection::vec(charge(), 0..3),
    );
    let speed = any::<f64>().prop_filter("comparable", |speed| !speed.is_nan());
    let streamed = (micros(), option::of(speed)).prop_map(|(first_token, tokens_per_second)| {
        Box::new(Streamed {
            first_token,
            tokens_per_second,
        })
    });
    let last = (
        option::of(error()),
        option::of(micros()),
        any::<bool>(),
        option::of(streamed),
    );
    (first, texts, last).prop_map(
        |(
            (step, attempt, service, cost, tokens, charges),
            (model, prompt, answer, reasoning),
            (error, retry_in, cancelled, streamed),
        )| {
            AttemptEnd {
                step,
                attempt,
                service,
                cost,
                details: AttemptDetails {
                    reasoning,
                    streamed,
                    charges,
                    tokens: tokens.map(Box::new),
                    model,
                    prompt,
                    answer,
                    error: error.map(Box::new),
                    retry_in,
                }
                .boxed(),
                cancelled,
            }
        },
    )
}

fn event_kind() -> impl Strategy<Value = EventKind> {
    use Limit::{MaxCpuPercent, MaxMemoryMb, MaxToolCalls, MaxTotalCostUsd, TimeoutSeconds};
    let waits = [
        WaitReason::Budget,
        WaitReason::Rate,
        WaitReason::Exclusive,
        WaitReason::Breakpoint,
        WaitReason::Approval,
    ];
    let sources = [
        StepSource::Call,
        StepSource::Cache,
        StepSource::Recorded,
        StepSource::Mock,
    ];
    let skips = [
        SkipReason::Condition,
        SkipReason::Upstream,
        SkipReason::Limit,
        SkipReason::User,
    ];
    let limits = [
        MaxMemoryMb,
        MaxCpuPercent,
        TimeoutSeconds,
        MaxToolCalls,
        MaxTotalCostUsd,
    ];
    let outcomes = [
        RunOutcome::Succeeded,
        RunOutcome::Failed,
        RunOutcome::LimitExceeded,
        RunOutcome::Cancelled,
        RunOutcome::Waiting,
    ];
    let of_steps = prop_oneof![
        key().prop_map(|step| EventKind::StepReady { step }),
        (
            key(),
            prop::sample::select(waits.to_vec()),
            option::of(text()),
            option::of(micros())
        )
            .prop_map(|(step, reason, on, until)| EventKind::StepWaiting {
                step,
                reason,
                on,
                until
            }),
        (key(), any::<u32>(), vec(info(), 0..4)).prop_map(|(step, count, elements)| {
            EventKind::StepExpanded {
                step,
                count,
                elements: elements.into(),
            }
        }),
        vec(info(), 0..4).prop_map(|steps| EventKind::StepsAdded {
            steps: steps.into()
        }),
        (key(), 0u32..30, info()).prop_map(|(step, row, call)| EventKind::StepCalled {
            step,
            row: StepIx(row),
            call: Box::new(call),
        }),
        (key(), any::<u32>())
            .prop_map(|(step, attempt)| EventKind::AttemptSuspended { step, attempt }),
        (key(), any::<u32>(), any::<u32>()).prop_map(|(step, attempt, slot)| {
            EventKind::AttemptContinued {
                step,
                attempt,
                slot,
            }
        }),
        (
            key(),
            any::<u32>(),
            any::<u32>(),
            value(),
            money(),
            option::of(why()),
            option::of(text())
        )
            .prop_map(|(step, attempt, slot, input, reserved, why, prompt)| {
                EventKind::AttemptStarted {
                    step,
                    attempt,
                    slot,
                    input: input.into(),
                    reserved,
                    why: why.map(Box::new),
                    prompt,
                }
            }),
        (key(), any::<u32>(), money()).prop_map(|(step, attempt, reserved)| {
            EventKind::ReservationRaised {
                step,
                attempt,
                reserved,
            }
        }),
        (
            key(),
            any::<u32>(),
            prop::sample::select(vec![LogStream::Note, LogStream::Stderr, LogStream::Stdout]),
            text()
        )
            .prop_map(|(step, attempt, stream, text)| EventKind::AttemptLog {
                step,
                attempt,
                stream,
                text,
            }),
        end().prop_map(|end| EventKind::AttemptEnded(Arc::new(end))),
        (
            key(),
            prop::sample::select(sources.to_vec()),
            value(),
            option::of(reuse())
        )
            .prop_map(|(step, source, output, reused)| {
                EventKind::StepSucceeded {
                    step,
                    source,
                    output,
                    reused: reused.map(Box::new),
                }
            }),
        (key(), error(), option::of(value())).prop_map(|(step, error, output)| {
            EventKind::StepFailed {
                step,
                error: Box::new(error),
                output,
            }
        }),
        (
            key(),
            prop::sample::select(skips.to_vec()),
            option::of(text())
        )
            .prop_map(|(step, reason, because)| EventKind::StepSkipped {
                step,
                reason,
                because
            }),
        (key(), error()).prop_map(|(step, error)| EventKind::StepUnknown {
            step,
            error: Box::new(error)
        }),
        (key(), settlement()).prop_map(|(step, settlement)| EventKind::StepSettled {
            step,
            settlement: Box::new(settlement)
        }),
        (
            key(),
            any::<u32>(),
            text(),
            option::of(value()),
            option::of(text())
        )
            .prop_map(|(step, attempt, message, schema, url)| {
                EventKind::QuestionAsked {
                    step,
                    attempt,
                    question: Box::new(Question {
                        message,
                        schema,
                        url,
                    }),
                }
            }),
        (key(), any::<u32>(), option::of(value())).prop_map(|(step, attempt, content)| {
            EventKind::QuestionAnswered {
                step,
                attempt,
                answer: Box::new(content.map_or(Answer::Cancel, Answer::Accept)),
            }
        }),
        (key(), any::<u32>(), text()).prop_map(|(step, attempt, handle)| {
            EventKind::AttemptHandle {
                step,
                attempt,
                handle,
            }
        }),
        key().prop_map(|step| EventKind::StepCancelled { step }),
        key().prop_map(|step| EventKind::StepReset { step }),
        (key(), option::of(value()))
            .prop_map(|(step, input)| EventKind::StepInputSet { step, input }),
        (key(), given_call()).prop_map(|(step, call)| EventKind::StepCallSet { step, call }),
        (
            key(),
            prop::sample::select(vec![EditWay::Done, EditWay::Undone, EditWay::Redone]),
            given(),
            given()
        )
            .prop_map(|(step, edit, before, after)| EventKind::StepEdited {
                step,
                edit,
                before,
                after,
            }),
        (key(), any::<bool>()).prop_map(|(step, pinned)| EventKind::StepPinned { step, pinned }),
        approval(),
        (
            key(),
            prop::sample::select(vec![
                HeldAt::Before,
                HeldAt::After,
                HeldAt::Failure,
                HeldAt::Target,
                HeldAt::Missed
            ]),
            option::of(text())
        )
            .prop_map(|(step, at, condition)| EventKind::StepHeld {
                step,
                at,
                condition
            }),
    ];
    let of_runs = prop_oneof![
        header().prop_map(EventKind::RunStarted),
        Just(EventKind::RunPaused),
        text().prop_map(|to| EventKind::RunTargeted { to }),
        option::of(hand_over()).prop_map(|to| EventKind::HandOverSet {
            to: to.map(Box::new)
        }),
        Just(EventKind::RunResumed),
        (prop::sample::select(limits.to_vec()), text())
            .prop_map(|(limit, message)| EventKind::LimitReached { limit, message }),
        setting().prop_map(|setting| EventKind::SettingChanged { setting }),
        Just(EventKind::StopRequested),
        (
            prop::sample::select(outcomes.to_vec()),
            value(),
            option::of(error())
        )
            .prop_map(|(status, result, error)| {
                EventKind::RunEnded {
                    status,
                    result,
                    error: error.map(Box::new),
                }
            }),
        Just(EventKind::RunReopened),
        (breakpoint(), any::<bool>())
            .prop_map(|(breakpoint, on)| EventKind::BreakpointSet { breakpoint, on }),
    ];
    prop_oneof![2 => of_steps, 1 => of_runs]
}

fn given_call() -> impl Strategy<Value = GivenCall> {
    let options = (option::of(0..=2000_u64), option::of(any::<u32>()));
    let options = options.prop_map(|(temperature, max_tokens)| ModelOptions {
        temperature: temperature.map(|it| Temperature::from_thousandths(it).unwrap()),
        max_tokens,
    });
    let given = (option::of(text()), option::of(text()), options);
    given.prop_map(|(prompt, model, options)| GivenCall {
        prompt,
        model,
        options,
    })
}

fn given() -> impl Strategy<Value = Box<StepGiven>> {
    let given = (
        option::of(value()),
        given_call(),
        option::of(value()),
        any::<bool>(),
    );
    given.prop_map(|(input, call, output, skipped)| {
        Box::new(StepGiven {
            input,
            call,
            supplied: output.is_some(),
            output,
            skipped,
        })
    })
}

fn approval() -> impl Strategy<Value = EventKind> {
    let void = vec![VoidReason::Changed, VoidReason::Expired];
    let by = vec![DecidedBy::Flag, DecidedBy::Screen, DecidedBy::Other];
    let asked = (
        key(),
        text(),
        value(),
        option::of(prop::sample::select(void)),
    );
    let until = option::of(micros());
    let decided = (
        key(),
        text(),
        any::<bool>(),
        prop::sample::select(by),
        until,
    );
    prop_oneof![
        asked.prop_map(|(step, call, input, void)| EventKind::ApprovalAsked {
            step,
            call,
            input: input.into(),
            void
        }),
        decided.prop_map(
            |(step, call, granted, by, until)| EventKind::ApprovalDecided {
                step,
                call,
                granted,
                by,
                until
            }
        ),
        (key(), text(), any::<u32>()).prop_map(|(step, call, attempt)| EventKind::ApprovalUsed {
            step,
            call,
            attempt
        }),
    ]
}

fn breakpoint() -> impl Strategy<Value = Breakpoint> {
    let when = prop_oneof![
        Just(BreakWhen::Before),
        Just(BreakWhen::After),
        Just(BreakWhen::Failure),
        text().prop_map(BreakWhen::Condition),
    ];
    (text(), when).prop_map(|(step, when)| Breakpoint { step, when })
}

fn settlement() -> impl Strategy<Value = Settlement> {
    let ways = vec![SettledBy::Key, SettledBy::Probe, SettledBy::Handle];
    let by = prop::sample::select(ways);
    let asked = (option::of(text()), option::of(value()), option::of(value()));
    (
        text(),
        by,
        option::of(any::<bool>()),
        asked,
        option::of(text()),
    )
        .prop_map(
            |(name, by, happened, (tool, input, output), error)| Settlement {
                name,
                by,
                happened,
                tool,
                input,
                output,
                error,
                released: Money::from_pico(7),
            },
        )
}

fn events() -> impl Strategy<Value = Vec<RunEvent>> {
    vec((micros(), event_kind()), 0..20).prop_map(|kinds| {
        let numbered = kinds.into_iter().enumerate();
        numbered
            .map(|(seq, (at, kind))| RunEvent {
                seq: seq as u64,
                at,
                kind,
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn every_event_comes_back_exactly(events in events()) {
        let (bytes, mut blobs) = written(&events);
        prop_assert_eq!(read(&bytes, &mut blobs).unwrap(), events);
    }

    #[test]
    fn a_record_that_was_cut_or_changed_is_refused_or_read_but_never_a_panic(
        events in events(), cut in any::<prop::sample::Index>(), byte in any::<u8>(), cuts in any::<bool>(),
    ) {
        let (mut bytes, mut blobs) = written(&events);
        if !bytes.is_empty() {
            let at = cut.index(bytes.len());
            if cuts { bytes.truncate(at) } else { bytes[at] ^= byte }
        }
        let _ = read(&bytes, &mut blobs);
    }

    #[test]
    fn bytes_of_any_kind_are_no_reason_to_panic(bytes in vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes, &mut InMemory::default());
    }
}

#[test]
fn depth_is_no_danger() {
    let mut deep = Value::Null;
    for _ in 0..5000 {
        deep = Value::Array(vec![deep]);
    }
    let kind = EventKind::RunEnded {
        status: RunOutcome::Succeeded,
        result: Arc::new(deep),
        error: None,
    };
    let event = RunEvent {
        seq: 0,
        at: Micros(7),
        kind,
    };
    let (bytes, mut blobs) = written(std::slice::from_ref(&event));
    assert!(
        bytes.len() < 2200,
        "the deep value is outside of the record"
    );
    assert_eq!(read(&bytes, &mut blobs).unwrap(), [event]);
}

#[test]
fn what_is_large_and_the_same_is_kept_once() {
    let page = "word ".repeat(10_000);
    let succeeded = |seq, output| RunEvent {
        seq,
        at: Micros(seq),
        kind: EventKind::StepSucceeded {
            step: StepKey {
                ix: StepIx(0),
                id: "a".into(),
            },
            source: StepSource::Call,
            output: Arc::new(output),
            reused: None,
        },
    };
    let events = [
        succeeded(0, Value::String(page.clone())),
        succeeded(1, serde_json::json!({"n": 1, "page": page})),
        succeeded(2, serde_json::json!({"n": 2, "pages": [page, page]})),
    ];
    let (bytes, mut blobs) = written(&events);
    assert_eq!(blobs.0.len(), 1);
    assert!(bytes.len() < 400);
    assert_eq!(read(&bytes, &mut blobs).unwrap(), events);
}

#[test]
fn an_input_is_written_as_its_value_and_read_as_shared_parts() {
    let page = Arc::new(Value::from("word ".repeat(10_000)));
    let step = || StepKey {
        ix: StepIx(0),
        id: "a".into(),
    };
    let event = |seq, kind| RunEvent {
        seq,
        at: Micros(seq),
        kind,
    };
    let started = |seq, input| {
        let kind = EventKind::AttemptStarted {
            step: step(),
            attempt: 1,
            slot: 0,
            input,
            reserved: Money::ZERO,
            why: None,
            prompt: None,
        };
        event(seq, kind)
    };
    let output = EventKind::StepSucceeded {
        step: step(),
        source: StepSource::Call,
        output: Arc::clone(&page),
        reused: None,
    };
    // The second object is large even without the page, and so a blob that refers to a blob.
    let long = "long ".repeat(500);
    let input = |name: &str| {
        let mut list = InputList::with_capacity(1);
        list.push(InputPart::of(&page));
        let mut object = InputObject::default();
        object.push("list", list.done());
        object.push(name, InputPart::Own(1.into()));
        StepInput::from(object.done())
    };
    let value = |name: &str| serde_json::json!({"list": [page], name: 1});
    let events = [
        event(0, output),
        started(1, input("n")),
        started(2, input(&long)),
        started(3, input(&long)),
    ];
    let plain = [
        events[0].clone(),
        started(1, value("n").into()),
        started(2, value(&long).into()),
        started(3, value(&long).into()),
    ];
    let (bytes, mut blobs) = written(&events);
    assert_eq!(blobs.0.len(), 2);
    let (plain_bytes, plain_blobs) = written(&plain);
    assert_eq!((&bytes, &blobs.0), (&plain_bytes, &plain_blobs.0));
    let read = read(&bytes, &mut blobs).unwrap();
    assert_eq!(read, events);
    assert_eq!(read, plain);
    let pages = read.iter().map(|event| match &event.kind {
        EventKind::StepSucceeded { output, .. } => std::ptr::from_ref(&**output),
        EventKind::AttemptStarted { input, .. } => {
            let View::Object([(_, list), _]) = input.view() else {
                panic!("{input:?}")
            };
            let View::List([page]) = list.view() else {
                panic!("{list:?}")
            };
            let View::Value(page) = page.view() else {
                panic!("{page:?}")
            };
            std::ptr::from_ref(page)
        }
        other => panic!("{other:?}"),
    });
    let pages: Vec<_> = pages.collect();
    assert!(pages.iter().all(|page| *page == pages[0]), "{pages:?}");
}

#[test]
fn a_record_from_before_a_field_existed_is_read_with_its_absent_value() {
    let end = AttemptEnd {
        step: StepKey {
            ix: StepIx(3),
            id: "s".into(),
        },
        attempt: 1,
        service: Micros(5),
        cost: None,
        details: None,
        cancelled: false,
    };
    let event = RunEvent {
        seq: 0,
        at: Micros(0),
        kind: EventKind::AttemptEnded(Arc::new(end)),
    };
    let (mut bytes, mut blobs) = written(std::slice::from_ref(&event));
    // Without the last two fields, `retry_in` and `cancelled`, a byte each.
    bytes.truncate(bytes.len() - 2);
    bytes[0] -= 2;
    assert_eq!(read(&bytes, &mut blobs).unwrap(), [event]);
}

#[test]
fn events_from_before_outputs_said_what_they_saved_are_read() {
    let step = StepKey {
        ix: StepIx(3),
        id: "s".into(),
    };
    let started = EventKind::AttemptStarted {
        step: step.clone(),
        attempt: 1,
        slot: 0,
        input: StepInput::default(),
        reserved: Money::ZERO,
        why: None,
        prompt: None,
    };
    let succeeded = EventKind::StepSucceeded {
        step,
        source: StepSource::Cache,
        output: Arc::default(),
        reused: None,
    };
    for kind in [started, succeeded] {
        let event = RunEvent {
            seq: 0,
            at: Micros(0),
            kind,
        };
        let (mut bytes, mut blobs) = written(std::slice::from_ref(&event));
        // Without the last field, a byte.
        bytes.truncate(bytes.len() - 1);
        bytes[0] -= 1;
        assert_eq!(read(&bytes, &mut blobs).unwrap(), [event]);
    }
}

#[test]
fn what_waits_in_an_older_journal_waits_for_nothing_that_is_named() {
    let event = RunEvent {
        seq: 0,
        at: Micros(0),
        kind: EventKind::StepWaiting {
            step: StepKey {
                ix: StepIx(3),
                id: "s".into(),
            },
            reason: WaitReason::Rate,
            on: None,
            until: None,
        },
    };
    let (mut bytes, mut blobs) = written(std::slice::from_ref(&event));
    // Without the name and the time, a byte each.
    bytes.truncate(bytes.len() - 2);
    bytes[0] -= 2;
    assert_eq!(read(&bytes, &mut blobs).unwrap(), [event]);
}

#[test]
fn edits_from_before_models_had_options_are_read() {
    let step = StepKey {
        ix: StepIx(3),
        id: "s".into(),
    };
    let call = GivenCall {
        prompt: Some("p".into()),
        model: Some("m".into()),
        ..GivenCall::default()
    };
    let event = RunEvent {
        seq: 0,
        at: Micros(0),
        kind: EventKind::StepCallSet { step, call },
    };
    let (mut bytes, mut blobs) = written(std::slice::from_ref(&event));
    // Without the temperature and the maximum of tokens, a byte each.
    bytes.truncate(bytes.len() - 2);
    bytes[0] -= 2;
    assert_eq!(read(&bytes, &mut blobs).unwrap(), [event]);
}
