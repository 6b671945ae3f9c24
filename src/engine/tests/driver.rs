//! The real driver on tokio's paused clock: times are exact.

use crate::engine::{Engine, Settings, event_channel};
use crate::plan::{Dialect, ExecutionPlan, Mode, RetryPolicy, Step, StepIx, Template, Trigger};
use crate::run::StepStatus::{Failed, Skipped, Succeeded};
use crate::run::{
    Breakpoint, ErrorKind, ExecutionResult, Limit, Rate, Rates, ResourceLimits, RunCommand,
    RunOutcome, RunState, SkipReason, StepStatus, figures,
};
use crate::tools::{
    Call, CallPolicy, CallReport, Pricing, Quote, Tool, ToolError, ToolKind, Toolbox,
};
use crate::units::{Micros, Money};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Sleeps `ms`, then fails `fail` times, else gives its input back.
#[derive(Default)]
pub(super) struct Sleeper {
    calls: Mutex<HashMap<String, u32>>,
    /// The step and the idempotency key of each call.
    keys: Mutex<Vec<(Arc<str>, Arc<str>)>>,
    pub repeatable: AtomicBool,
    in_flight: AtomicUsize,
    most_in_flight: AtomicUsize,
}

impl Tool for Arc<Sleeper> {
    fn kind(&self) -> &'static ToolKind {
        static KIND: ToolKind = ToolKind::new("test");
        &KIND
    }

    fn call(&self, call: Call) -> BoxFuture<'static, CallReport> {
        let tool = Arc::clone(self);
        async move {
            let key = (call.step.clone(), call.idempotency_key.clone());
            tool.keys.lock().unwrap().push(key);
            let in_flight = tool.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
            tool.most_in_flight.fetch_max(in_flight, Ordering::SeqCst);
            let number = |name: &str| call.input[name].as_u64().unwrap_or(0);
            for asks in call.input["asks"].as_array().into_iter().flatten() {
                let question = crate::run::Question {
                    message: asks["message"].as_str().unwrap_or_default().into(),
                    schema: Some(Arc::new(asks["schema"].clone())),
                    url: None,
                };
                let answer = call.asker.ask(question).await;
                let words = answer.map(|answer| format!("{answer:?}"));
                match words {
                    Ok(words) => (call.log)(crate::run::LogStream::Note, &words),
                    Err(why) => return CallReport::free(Err(ToolError::permanent(why))),
                }
            }
            let stopped = tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(number("ms"))) => false,
                () = call.cancel.cancelled(), if call.input["stubborn"].is_null() => true,
            };
            tool.in_flight.fetch_sub(1, Ordering::SeqCst);
            let calls = {
                let mut calls = tool.calls.lock().unwrap();
                let count = calls.entry(call.step.to_string()).or_default();
                *count += 1;
                *count
            };
            let cost = Money::from_pico(number("cost") as i64);
            let output = if stopped {
                Err(ToolError::permanent("stopped"))
            } else if u64::from(calls) <= number("fail") {
                Err(ToolError::transient("not yet"))
            } else {
                Ok(call.input)
            };
            CallReport {
                charges: Vec::new(),
                reasoning: None,
                output,
                cost: Some(cost),
                ..CallReport::free(Ok(Value::Null))
            }
        }
        .boxed()
    }

    fn call_now(&self, input: &Arc<Value>) -> Option<CallReport> {
        assert!(input["now"] != "panic", "as asked");
        None
    }

    fn policy(&self) -> CallPolicy {
        CallPolicy {
            repeatable: self.repeatable.load(Ordering::SeqCst),
            ..CallPolicy::default()
        }
    }

    fn pricing(&self) -> Option<&dyn Pricing> {
        Some(self)
    }
}

impl Pricing for Arc<Sleeper> {
    fn rate_limit_use(&self, input: &Value, _model: Option<&str>) -> Option<(String, u64)> {
        Some(("someone/model".to_owned(), input["tokens"].as_u64()?))
    }

    fn quote(&self, input: &Value, _model: Option<&str>) -> Quote {
        Quote {
            max: Some(Money::from_pico(input["most"].as_i64().unwrap_or(0))),
            min: Money::ZERO,
        }
    }
}

struct OneTool(Arc<Sleeper>);

impl Toolbox for OneTool {
    fn tool(&self, _name: &str) -> Option<Arc<dyn Tool>> {
        Some(Arc::new(Arc::clone(&self.0)))
    }
}

fn step(id: &str, parameters: Value, depends_on: &[u32]) -> Step {
    Step {
        depends_on: depends_on.iter().copied().map(StepIx).collect(),
        ..Step::new(id, "sleep", Template::Literal(Arc::new(parameters)))
    }
}

pub(super) fn sleeping(id: &str, ms: u64, depends_on: &[u32]) -> Step {
    step(id, json!({"ms": ms}), depends_on)
}

pub(super) struct Trial {
    pub steps: Vec<Step>,
    pub settings: Settings,
    pub tool: Arc<Sleeper>,
}

impl Trial {
    pub(super) fn new(steps: Vec<Step>) -> Self {
        Self {
            steps,
            settings: Settings {
                limits: ResourceLimits::none(),
                seed: 7,
                ..Settings::default()
            },
            tool: Arc::default(),
        }
    }

    pub(super) fn slots(mut self, slots: u32) -> Self {
        self.settings.limits.max_concurrent = Some(slots);
        self
    }

    fn engine(&self) -> Engine {
        let plan = ExecutionPlan {
            name: "trial".into(),
            dialect: Dialect::Documented,
            steps: self.steps.clone().into(),
            context_names: Vec::new(),
            context: Map::new(),
            catalog: None,
            warnings: Vec::new(),
        };
        let toolbox = Arc::new(OneTool(Arc::clone(&self.tool)));
        Engine::new(Arc::new(plan), Map::new(), toolbox, self.settings.clone())
    }

    pub(super) async fn run(&self) -> RunState {
        let (_sender, commands) = mpsc::channel(8);
        self.engine().run(Instant::now(), commands).await
    }

    /// Runs while `script` sends commands.
    pub(super) async fn run_with<F>(
        &mut self,
        script: impl FnOnce(mpsc::Sender<RunCommand>) -> F,
    ) -> RunState
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.settings.interactive = true;
        self.run_unattended_with(script).await
    }

    /// Runs without a user while `script` sends commands.
    pub(super) async fn run_unattended_with<F>(
        &mut self,
        script: impl FnOnce(mpsc::Sender<RunCommand>) -> F,
    ) -> RunState
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (sender, commands) = mpsc::channel(8);
        let (events_out, mut reader) = event_channel();
        let engine = self.engine().with_sink(events_out);
        let script = tokio::spawn(script(sender));
        let state = engine.run(Instant::now(), commands).await;
        script.await.unwrap();
        let mut events = Vec::new();
        reader.take(&mut events, usize::MAX);
        let folded = RunState::from_events(&events);
        assert_eq!(ExecutionResult::of(&folded), ExecutionResult::of(&state));
        assert!(events.iter().enumerate().all(|(at, e)| e.seq == at as u64));
        state
    }
}

pub(super) fn statuses(state: &RunState) -> Vec<StepStatus> {
    state.steps.iter().map(|row| row.status).collect()
}

pub(super) fn ms(value: Micros) -> u64 {
    (value.0 + 500) / 1000
}

pub(super) async fn after(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

#[tokio::test(start_paused = true)]
async fn the_figures_hold_on_their_check() {
    let trial = Trial::new(vec![
        sleeping("1", 200, &[]),
        sleeping("2", 150, &[0]),
        sleeping("3", 100, &[0]),
        sleeping("4", 100, &[1, 2]),
    ])
    .slots(2);
    let state = trial.run().await;
    let f = figures(&state, state.at);
    assert_eq!((ms(f.work), ms(f.span), ms(f.wall)), (550, 450, 450));
    let near = |figure: Option<f64>, wanted: f64| (figure.unwrap() - wanted).abs() < 0.02;
    assert!(
        near(f.speedup, 1.22) && near(f.parallel_efficiency, 1.0) && near(f.slot_utilisation, 0.61),
        "{f:?}"
    );
    assert_eq!(f.critical_path, [StepIx(0), StepIx(1), StepIx(3)]);
    // Step 2 at nothing leaves 200 + 100 + 100.
    assert_eq!(
        f.potential.iter().map(|p| ms(*p)).collect::<Vec<_>>(),
        [200, 50, 100]
    );
}

#[tokio::test(start_paused = true)]
async fn no_level_waits_for_its_slowest_member() {
    let state = Trial::new(vec![
        sleeping("a1", 100, &[]),
        sleeping("a2", 900, &[0]),
        sleeping("b1", 900, &[]),
        sleeping("b2", 100, &[2]),
    ])
    .run()
    .await;
    assert_eq!(ms(state.wall(state.at)), 1000);
}

#[tokio::test(start_paused = true)]
async fn never_more_than_the_slots_are_running_and_the_long_chain_goes_first() {
    let mut steps: Vec<Step> = (0..6)
        .map(|n| sleeping(&format!("w{n}"), 100, &[]))
        .collect();
    steps.push(sleeping("c1", 100, &[]));
    steps.push(sleeping("c2", 100, &[6]));
    steps.push(sleeping("c3", 100, &[7]));
    let trial = Trial::new(steps).slots(3);
    let state = trial.run().await;
    assert_eq!(trial.tool.most_in_flight.load(Ordering::SeqCst), 3);
    assert_eq!(ms(state.wall(state.at)), 300);
}

#[tokio::test(start_paused = true)]
async fn independent_branches_go_on_and_the_rest_is_skipped() {
    let state = Trial::new(vec![
        step("bad", json!({"ms": 10, "fail": 9}), &[]),
        sleeping("below", 10, &[0]),
        sleeping("further", 10, &[1]),
        sleeping("other", 50, &[]),
    ])
    .run()
    .await;
    assert_eq!(statuses(&state), [Failed, Skipped, Skipped, Succeeded]);
    assert_eq!(state.steps[1].reason, Some(SkipReason::Upstream));
    assert_eq!(state.steps[2].because.as_deref(), Some("below"));
    let result = ExecutionResult::of(&state);
    assert_eq!(result.status, RunOutcome::Failed);
    assert_eq!(*result.result, json!({"other": {"ms": 50}}));
    let error = result.error.unwrap();
    assert_eq!(
        (error.kind, error.step.as_deref()),
        (ErrorKind::ToolExecutionError, Some("bad"))
    );
}

#[tokio::test(start_paused = true)]
async fn triggers() {
    let with = |mut step: Step, trigger| {
        step.settings_mut().trigger = trigger;
        step
    };
    let state = Trial::new(vec![
        step("bad", json!({"ms": 10, "fail": 9}), &[]),
        sleeping("good", 100, &[]),
        with(sleeping("done", 1, &[0, 1]), Trigger::AllDone),
        with(sleeping("one", 1, &[0, 1]), Trigger::OneSuccess),
        with(sleeping("none", 1, &[0, 1]), Trigger::NoneFailed),
        with(sleeping("none_upstream", 1, &[4]), Trigger::NoneFailed),
    ])
    .run()
    .await;
    assert_eq!(
        statuses(&state),
        [Failed, Succeeded, Succeeded, Succeeded, Skipped, Skipped]
    );
}

#[tokio::test(start_paused = true)]
async fn retries_wait_and_then_succeed() {
    let mut flaky = step(
        "flaky",
        json!({"ms": 10, "fail": 2, "cost": 5, "most": 5}),
        &[],
    );
    flaky.settings_mut().retry = Some(RetryPolicy {
        attempts: 3,
        backoff: Duration::from_millis(100),
    });
    let state = Trial::new(vec![flaky]).run().await;
    let row = &state.steps[0];
    assert_eq!((row.status, row.attempts.len()), (StepStatus::Succeeded, 3));
    assert_eq!(state.spent.pico(), 15, "failed attempts were billed too");
    assert_eq!(ms(state.work), 30, "no backoff in the service time");
    assert!(ms(state.at) <= 30 + 100 + 200);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_is_an_attempt_that_failed() {
    let mut slow = sleeping("slow", 5000, &[]);
    slow.settings_mut().timeout = Some(Duration::from_millis(100));
    slow.settings_mut().retry = Some(RetryPolicy {
        attempts: 2,
        backoff: Duration::ZERO,
    });
    let state = Trial::new(vec![slow]).run().await;
    let row = &state.steps[0];
    assert_eq!(row.attempts.len(), 2);
    assert_eq!(row.error.as_ref().unwrap().kind, ErrorKind::TimeoutError);
    assert_eq!(ms(state.at), 200);
}

#[tokio::test(start_paused = true)]
async fn a_pause_lets_running_attempts_finish_and_stops_the_clock() {
    let mut trial = Trial::new(vec![sleeping("1", 100, &[]), sleeping("2", 100, &[0])]);
    let state = trial
        .run_with(async |send| {
            after(50).await;
            send.send(RunCommand::Pause).await.unwrap();
            after(10_000).await;
            send.send(RunCommand::Resume).await.unwrap();
            send.send(RunCommand::Close).await.unwrap();
        })
        .await;
    assert_eq!(ms(state.at), 10_150);
    assert_eq!(ms(state.wall(state.at)), 200);
}

#[tokio::test(start_paused = true)]
async fn stepping_starts_one_step_at_a_time() {
    let mut trial = Trial::new(vec![
        sleeping("1", 10, &[]),
        sleeping("2", 10, &[]),
        sleeping("3", 10, &[]),
    ]);
    trial.settings.paused = true;
    let state = trial
        .run_with(async |send| {
            after(1000).await;
            send.send(RunCommand::StepOnce(Some(StepIx(2))))
                .await
                .unwrap();
            after(1000).await;
            send.send(RunCommand::StepOnce(None)).await.unwrap();
            after(1000).await;
            send.send(RunCommand::Resume).await.unwrap();
            send.send(RunCommand::Close).await.unwrap();
        })
        .await;
    let starts: Vec<u64> = state
        .steps
        .iter()
        .map(|s| ms(s.started_at().unwrap()))
        .collect();
    assert_eq!(starts, [2000, 3000, 1000]);
    assert_eq!(ms(state.wall(state.at)), 30);
}

#[tokio::test(start_paused = true)]
async fn a_breakpoint_pauses_before_its_step() {
    let mut trial = Trial::new(vec![sleeping("1", 10, &[]), sleeping("2", 10, &[0])]);
    let state = trial
        .run_with(async |send| {
            send.send(RunCommand::Breakpoint(
                Breakpoint::before(&"2".into()),
                true,
            ))
            .await
            .unwrap();
            after(1000).await;
            send.send(RunCommand::Resume).await.unwrap();
            send.send(RunCommand::Close).await.unwrap();
        })
        .await;
    assert_eq!(ms(state.steps[1].started_at().unwrap()), 1000);
    assert_eq!(ms(state.wall(state.at)), 20);
}

#[tokio::test(start_paused = true)]
async fn a_retry_takes_what_depends_on_it_along() {
    let mut trial = Trial::new(vec![
        step("bad", json!({"ms": 10, "fail": 1}), &[]),
        sleeping("below", 10, &[0]),
        sleeping("other", 10, &[]),
    ]);
    let state = trial
        .run_with(async |send| {
            after(500).await;
            send.send(RunCommand::Retry(StepIx(0))).await.unwrap();
            send.send(RunCommand::Close).await.unwrap();
        })
        .await;
    assert!(statuses(&state).iter().all(|s| *s == StepStatus::Succeeded));
    assert_eq!(state.steps[0].attempts.len(), 2);
    assert_eq!(
        state.steps[2].attempts.len(),
        1,
        "what is independent is not run again"
    );
    assert_eq!(ms(state.wall(state.at)), 30);
    assert_eq!(ExecutionResult::of(&state).status, RunOutcome::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn stopping_ends_within_two_seconds_even_a_stubborn_tool() {
    let mut trial = Trial::new(vec![
        step("stubborn", json!({"ms": 60_000, "stubborn": true}), &[]),
        sleeping("below", 10, &[0]),
    ]);
    let state = trial
        .run_with(async |send| {
            after(100).await;
            send.send(RunCommand::Stop).await.unwrap();
            send.send(RunCommand::Close).await.unwrap();
        })
        .await;
    assert_eq!(
        statuses(&state),
        [StepStatus::Cancelled, StepStatus::Skipped]
    );
    assert!(ms(state.at) <= 2100);
    assert_eq!(ExecutionResult::of(&state).status, RunOutcome::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn the_budget_is_never_passed_and_stops_the_run_only_when_nothing_fits() {
    let steps = (0..40)
        .map(|n| {
            step(
                &n.to_string(),
                json!({"ms": 10, "cost": 10, "most": 20}),
                &[],
            )
        })
        .collect();
    let mut trial = Trial::new(steps);
    trial.settings.limits.max_total_cost_usd = Some(Money::from_pico(100));
    let state = trial.run().await;
    // Nine calls at 10 leave 10, in which a bound of 20 does not fit.
    assert_eq!((state.calls, state.spent.pico()), (9, 90));
    assert_eq!(state.exceeded, [Limit::MaxTotalCostUsd]);
    let result = ExecutionResult::of(&state);
    assert_eq!(result.status, RunOutcome::LimitExceeded);
    assert_eq!(result.steps_completed, 9);
    assert_eq!(result.error.unwrap().kind, ErrorKind::ResourceLimitError);
}

#[tokio::test(start_paused = true)]
async fn calls_and_time_are_limited() {
    let steps = |ms| (0..10).map(|n| sleeping(&n.to_string(), ms, &[])).collect();
    let mut calls = Trial::new(steps(10)).slots(2);
    calls.settings.limits.max_tool_calls = Some(5);
    let state = calls.run().await;
    assert_eq!(
        (state.calls, &state.exceeded[..]),
        (5, &[Limit::MaxToolCalls][..])
    );
    assert_eq!(state.count(StepStatus::Succeeded), 5);
    assert_eq!(state.steps[9].reason, Some(SkipReason::Limit));

    let mut time = Trial::new(steps(300)).slots(2);
    time.settings.limits.timeout_seconds = Some(1.0);
    let state = time.run().await;
    assert_eq!(ms(state.at), 1000);
    assert_eq!(state.count(StepStatus::Cancelled), 2);
    assert_eq!(
        ExecutionResult::of(&state).error.unwrap().kind,
        ErrorKind::TimeoutError
    );
}

#[tokio::test(start_paused = true)]
async fn a_sequential_step_overlaps_nothing() {
    let mut alone = sleeping("alone", 100, &[]);
    alone.settings_mut().mode = Mode::Sequential;
    let steps = vec![sleeping("1", 100, &[]), alone, sleeping("2", 100, &[])];
    let state = Trial::new(steps).run().await;
    let span = |at: usize| {
        (
            ms(state.steps[at].started_at().unwrap()),
            ms(state.steps[at].ended_at().unwrap()),
        )
    };
    for other in [0, 2] {
        assert!(
            span(other).1 <= span(1).0 || span(other).0 >= span(1).1,
            "{:?} {:?}",
            span(other),
            span(1)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_policy_only_a_call_that_may_be_repeated_is_tried_three_times() {
    for (repeatable, attempts) in [(true, 3), (false, 1)] {
        let trial = Trial::new(vec![step("flaky", json!({"ms": 1, "fail": 9}), &[])]);
        trial.tool.repeatable.store(repeatable, Ordering::SeqCst);
        let state = trial.run().await;
        assert_eq!(state.steps[0].attempts.len(), attempts);
        assert_eq!(state.steps[0].status, Failed);
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_has_a_name_of_its_own_unless_the_plan_gives_a_key() {
    let mut flaky = step("flaky", json!({"fail": 1}), &[]);
    flaky.settings_mut().retry = Some(RetryPolicy {
        attempts: 2,
        backoff: Duration::ZERO,
    });
    let mut given = flaky.clone();
    given.settings_mut().idempotency_key = Some("k".into());
    given.id = "given".into();
    let each = Step {
        id: "each".into(),
        for_each: Some(Box::new(Template::Literal(Arc::new(json!(["a", "b"]))))),
        ..given.clone()
    };
    let trial = Trial::new(vec![flaky, given, each]);
    trial.run().await;
    let calls = trial.tool.keys.lock().unwrap();
    let keys = |id: &str| {
        let of_step = calls.iter().filter(|(step, _)| &**step == id);
        of_step.map(|(_, key)| key.to_string()).collect::<Vec<_>>()
    };
    let made = keys("flaky");
    assert!(made[0].ends_with("/flaky/1") && made[1].ends_with("/flaky/2"));
    assert_eq!(keys("given"), ["k", "k"]);
    assert_eq!(keys("each[0]"), ["k[0]", "k[0]"]);
    assert_eq!(keys("each[1]"), ["k[1]", "k[1]"]);
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_panics_where_it_is_called_in_place_fails_its_step_alone() {
    let state = Trial::new(vec![
        step("bad", json!({"now": "panic"}), &[]),
        sleeping("good", 10, &[]),
    ])
    .run()
    .await;
    assert_eq!(statuses(&state), [Failed, Succeeded]);
    let error = state.steps[0].error.as_ref().unwrap();
    assert!(error.message.contains("defect"), "{}", error.message);
}

#[tokio::test(start_paused = true)]
async fn elements_overlap_as_far_as_the_slots_go_and_keep_the_order_of_the_list() {
    let mut each = sleeping("each", 100, &[]);
    each.for_each = Some(Box::new(Template::Literal(Arc::new(json!([
        1, 2, 3, 4, 5
    ])))));
    let trial = Trial::new(vec![each]).slots(3);
    let state = trial.run().await;
    assert_eq!(trial.tool.most_in_flight.load(Ordering::SeqCst), 3);
    assert_eq!(ms(state.wall(state.at)), 200);
    let result = ExecutionResult::of(&state);
    let ids: Vec<&str> = result.steps.iter().map(|row| &*row.id).collect();
    assert_eq!(
        ids,
        [
            "each", "each[0]", "each[1]", "each[2]", "each[3]", "each[4]"
        ]
    );
    assert_eq!(
        *result.result,
        json!([{"ms": 100}, {"ms": 100}, {"ms": 100}, {"ms": 100}, {"ms": 100}])
    );
    assert_eq!(
        result
            .slot_utilisation
            .map(|share| (share * 100.0).round() as u64),
        Some(83)
    );
}

fn rated(mut trial: Trial, name: &str, rate: Rate) -> Trial {
    trial.settings.rates = Rates([(name.into(), rate)].into());
    trial
}

#[tokio::test(start_paused = true)]
async fn a_rate_holds_calls_and_takes_no_slot() {
    let mut steps: Vec<Step> = (0..7)
        .map(|n| step(&n.to_string(), json!({"ms": 1000, "tokens": 10}), &[]))
        .collect();
    steps.push(sleeping("other", 500, &[]));
    let rate = Rate {
        requests_per_minute: Some(3),
        ..Rate::default()
    };
    // The rate of a model is found without its provider, and what waits for it leaves the slots to others.
    let state = rated(Trial::new(steps).slots(4), "model", rate).run().await;
    let starts = |from| {
        let rows = state.steps.iter().take(7);
        let started = rows.filter(|row| ms(row.started_at().unwrap()) / 1000 == from);
        started.count()
    };
    assert_eq!([starts(0), starts(60), starts(120)], [3, 3, 1]);
    assert_eq!(ms(state.steps[7].started_at().unwrap()), 0);
    assert_eq!(ms(state.at), 121_000);
}

#[tokio::test(start_paused = true)]
async fn tokens_and_calls_at_once_are_rates_too() {
    let steps = || {
        let tokens = [60, 30, 30, 200, 10];
        let steps = tokens.iter().enumerate();
        steps
            .map(|(n, tokens)| step(&n.to_string(), json!({"ms": 1000, "tokens": tokens}), &[]))
            .collect()
    };
    let tokens = Rate {
        tokens_per_minute: Some(100),
        ..Rate::default()
    };
    let state = rated(Trial::new(steps()), "someone/model", tokens)
        .run()
        .await;
    let mut starts: Vec<u64> = state
        .steps
        .iter()
        .map(|row| ms(row.started_at().unwrap()) / 1000)
        .collect();
    starts.sort_unstable();
    // 60 + 30 + 10 in the first minute, 30 in the next, and what is more than a minute has goes alone.
    assert_eq!(starts, [0, 0, 0, 60, 120]);
    let one = Rate {
        max_concurrent: Some(1),
        ..Rate::default()
    };
    let trial = rated(Trial::new(steps()), "model", one);
    let state = trial.run().await;
    assert_eq!(trial.tool.most_in_flight.load(Ordering::SeqCst), 1);
    assert_eq!(ms(state.at), 5000);
}

#[tokio::test(start_paused = true)]
async fn what_cost_more_than_its_bound_is_expected_to_again() {
    let steps = (0..40)
        .map(|n| {
            step(
                &n.to_string(),
                json!({"ms": 10, "cost": 10, "most": 1}),
                &[],
            )
        })
        .collect();
    let mut trial = Trial::new(steps).slots(2);
    trial.settings.limits.max_total_cost_usd = Some(Money::from_pico(95));
    let state = trial.run().await;
    assert_eq!((state.calls, state.spent.pico()), (9, 90));
}
