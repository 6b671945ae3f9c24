//! Previews beside what then happens, with the real driver.

mod forks;

use super::{Liveness, Previewer};
use crate::engine::{Engine, EventSink, Settings};
use crate::plan::{Dialect, ExecutionPlan, Step, StepIx, Template, Trigger};
use crate::run::{
    Preview, ResourceLimits, RunCommand, RunEvent, RunPhase, RunSetting, RunState, StepPrice,
    StepStatus,
};
use crate::tools::{Call, CallReport, Pricing, Quote, Tool, ToolError, ToolKind, Toolbox};
use crate::units::Money;
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

/// Gives another number each time, or where its input says so always the same; fails the first so many times.
#[derive(Default)]
struct Counter {
    calls: AtomicU64,
    by_step: Mutex<std::collections::HashMap<Arc<str>, u64>>,
}

struct Counting(Arc<Counter>);

impl Tool for Counting {
    fn kind(&self) -> &'static ToolKind {
        static KIND: ToolKind = ToolKind::new("test");
        &KIND
    }

    fn call(&self, call: Call) -> BoxFuture<'static, CallReport> {
        let all = self.0.calls.fetch_add(1, Ordering::SeqCst);
        let mut by_step = self.0.by_step.lock().unwrap();
        let calls = by_step.entry(call.step).or_default();
        *calls += 1;
        let number = |name: &str| call.input[name].as_u64().unwrap_or(0);
        let output = if *calls <= number("fails") {
            Err(ToolError::permanent("not yet"))
        } else if call.input["same"] == true {
            Ok(json!("the same"))
        } else {
            Ok(json!(all))
        };
        let cost = Money::from_pico(number("cost") as i64);
        std::future::ready(CallReport {
            cost: Some(cost),
            ..CallReport::free(output)
        })
        .boxed()
    }

    fn pricing(&self) -> Option<&dyn Pricing> {
        Some(self)
    }
}

impl Pricing for Counting {
    fn rate_limit_use(&self, _: &Value, _: Option<&str>) -> Option<(String, u64)> {
        None
    }

    fn quote(&self, input: &Value, _: Option<&str>) -> Quote {
        let pico = |name: &str| Money::from_pico(input[name].as_i64().unwrap_or(0));
        Quote {
            max: Some(pico("most")),
            min: pico("least"),
        }
    }
}

struct Box1(Arc<Counter>);

impl Toolbox for Box1 {
    fn tool(&self, _: &str) -> Option<Arc<dyn Tool>> {
        Some(Arc::new(Counting(Arc::clone(&self.0))))
    }
}

/// Keeps the state of the run.
#[derive(Clone, Default)]
struct Follow(Arc<(Mutex<RunState>, Notify)>);

impl EventSink for Follow {
    fn accept(&mut self, events: &[RunEvent]) {
        let mut state = self.0.0.lock().unwrap();
        for event in events {
            state.apply(event);
        }
        self.0.1.notify_one();
    }
}

impl Follow {
    fn state(&self) -> RunState {
        self.0.0.lock().unwrap().clone()
    }

    async fn until(&self, test: impl Fn(&RunState) -> bool) -> RunState {
        loop {
            let state = self.state();
            if test(&state) {
                return state;
            }
            self.0.1.notified().await;
        }
    }
}

fn step(id: &str, parameters: Value, depends_on: &[u32]) -> Step {
    Step {
        depends_on: depends_on.iter().copied().map(StepIx).collect(),
        ..Step::new(id, "count", Template::Literal(Arc::new(parameters)))
    }
}

/// A plan of these steps, and their prices.
fn plan_of(steps: Vec<Step>) -> (Arc<ExecutionPlan>, Vec<Option<StepPrice>>) {
    let price = |step: &Step| {
        let Template::Literal(input) = &step.parameters else {
            return None;
        };
        let pico = |name: &str| Money::from_pico(input[name].as_i64().unwrap_or(0));
        Some(StepPrice {
            min: pico("least"),
            expected: Some(pico("cost")),
            max: Some(pico("most")),
            attempts: 1,
            times: Some(1),
            sure: true,
        })
    };
    let prices = steps.iter().map(price).collect();
    let plan = ExecutionPlan {
        name: "trial".into(),
        dialect: Dialect::Documented,
        steps: steps.into(),
        context_names: Vec::new(),
        context: Map::new(),
        catalog: None,
        warnings: Vec::new(),
    };
    (Arc::new(plan), prices)
}

/// A run that takes commands after its end.
struct Trial {
    plan: Arc<ExecutionPlan>,
    toolbox: Arc<Box1>,
    previewer: Previewer,
    follow: Follow,
    commands: mpsc::Sender<RunCommand>,
    fences: u64,
}

impl Trial {
    /// Runs to its end.
    async fn ended(steps: Vec<Step>) -> Self {
        let (plan, prices) = plan_of(steps);
        let toolbox = Arc::new(Box1(Arc::default()));
        let settings = Settings {
            limits: ResourceLimits::none(),
            interactive: true,
            ..Settings::default()
        };
        let follow = Follow::default();
        let (commands, received) = mpsc::channel(8);
        let engine = Engine::new(
            Arc::clone(&plan),
            Map::new(),
            Arc::clone(&toolbox) as _,
            settings,
        )
        .with_prices(prices)
        .with_sink(follow.clone());
        tokio::spawn(engine.run(Instant::now(), received));
        follow
            .until(|state| matches!(state.phase, RunPhase::Ended(_)))
            .await;
        Self {
            previewer: Previewer::new(Arc::clone(&plan), &*toolbox),
            toolbox,
            plan,
            follow,
            commands,
            fences: 0,
        }
    }

    fn preview(&self, command: &RunCommand) -> Preview {
        let state = self.follow.state();
        let commands = std::slice::from_ref(command);
        self.previewer
            .preview(&state, Liveness::Live, "verb", None, commands)
    }

    /// Gives a command; what was called for it, and what that cost.
    async fn give(&mut self, command: RunCommand) -> (BTreeSet<Arc<str>>, Money) {
        let before = self.follow.state();
        self.commands.send(command).await.unwrap();
        // An event that certainly comes after the command was taken.
        self.fences += 1;
        let fence = RunSetting::MaxToolCalls {
            value: Some(1_000_000 + self.fences),
        };
        self.commands.send(RunCommand::Set(fence)).await.unwrap();
        let settings = before.setting_changes.len();
        let after = self
            .follow
            .until(|state| {
                state.setting_changes.len() > settings && matches!(state.phase, RunPhase::Ended(_))
            })
            .await;
        let mut called = BTreeSet::new();
        for (at, row) in after.steps.iter().enumerate() {
            let attempts = before.steps.get(at).map_or(0, |row| row.attempts.len());
            if row.attempts.len() > attempts {
                called.insert(Arc::clone(&row.info.id));
            }
        }
        (called, after.spent - before.spent)
    }

    /// The steps and elements that a preview says run, a `for_each` step as its elements.
    fn predicted(&self, preview: &Preview) -> BTreeSet<Arc<str>> {
        let state = self.follow.state();
        let mut ids = BTreeSet::new();
        for rerun in &preview.reruns {
            let row = state
                .steps
                .iter()
                .find(|row| row.info.id == rerun.step)
                .unwrap();
            if row.elements().is_empty() {
                ids.insert(Arc::clone(&rerun.step));
            }
            let elements = row.elements().iter().map(|ix| &state.steps[ix.at()]);
            ids.extend(elements.map(|row| Arc::clone(&row.info.id)));
        }
        ids
    }
}

fn names(steps: &[crate::run::PreviewStep]) -> Vec<String> {
    let named = |step: &crate::run::PreviewStep| format!("{}: {}", step.step, step.why);
    steps.iter().map(named).collect()
}

#[tokio::test]
async fn a_retry_names_what_runs_and_what_stays() {
    let mut trial = Trial::ended(vec![
        step("read", json!({"cost": 5, "most": 9, "least": 1}), &[]),
        step("parse", json!({"fails": 1, "cost": 2, "most": 4}), &[0]),
        step("write", json!({"cost": 1, "most": 3}), &[1]),
        step("other", json!({}), &[0]),
    ])
    .await;
    let preview = trial.preview(&RunCommand::Retry(StepIx(1)));
    assert_eq!(
        names(&preview.reruns),
        ["parse: asked for", "write: was skipped because of parse"]
    );
    assert_eq!(preview.stays.len(), 2);
    let cost = preview.cost_usd;
    let pico = Money::from_pico;
    assert_eq!(
        (cost.min, cost.expected, cost.max),
        (pico(0), Some(pico(3)), Some(pico(7)))
    );
    let (called, spent) = trial.give(RunCommand::Retry(StepIx(1))).await;
    assert_eq!(called, trial.predicted(&preview));
    assert_eq!(spent, pico(3));
}

#[tokio::test]
async fn a_retry_stops_where_an_output_is_the_same() {
    let steps = vec![
        step("read", json!({"same": true}), &[]),
        step("parse", json!({}), &[0]),
        step("write", json!({}), &[1]),
    ];
    let mut trial = Trial::ended(steps).await;
    let (called, _) = trial.give(RunCommand::Retry(StepIx(0))).await;
    assert_eq!(called, ["read".into()].into());
    let state = trial.follow.state();
    let row = &state.steps[2];
    assert_eq!(row.source, Some(crate::run::StepSource::Recorded));
    assert_eq!(row.attempts.len(), 1);
    // Asked to refresh, everything is called.
    let (called, _) = trial.give(RunCommand::Refresh(StepIx(0))).await;
    assert_eq!(called.len(), 3);
    // And from then on it stays again.
    let (called, _) = trial.give(RunCommand::Retry(StepIx(0))).await;
    assert_eq!(called.len(), 1);
}

#[tokio::test]
async fn an_edit_that_is_taken_back_costs_nothing_and_gives_every_output_back() {
    let steps = vec![
        step("read", json!({"cost": 5, "most": 9}), &[]),
        step("parse", json!({"cost": 2, "most": 4}), &[0]),
        step("write", json!({"cost": 1, "most": 3}), &[1]),
        step("other", json!({"cost": 1, "most": 3}), &[]),
    ];
    let mut trial = Trial::ended(steps).await;
    let outputs = |trial: &Trial| -> Vec<Option<Arc<Value>>> {
        let state = trial.follow.state();
        state.steps.iter().map(|row| row.output.clone()).collect()
    };
    let mut seen = vec![outputs(&trial)];
    let input = json!({"edited": true, "cost": 7, "most": 8});
    for edit in [
        RunCommand::SetInput(StepIx(0), Some(Arc::new(input))),
        RunCommand::SetOutput(StepIx(1), Arc::new(json!(null))),
        RunCommand::SetOutput(StepIx(1), Arc::new(json!("mine"))),
        RunCommand::SetInput(StepIx(1), Some(Arc::new(json!({"cost": 3})))),
    ] {
        trial.give(edit).await;
        seen.push(outputs(&trial));
        assert_ne!(seen[seen.len() - 1], seen[seen.len() - 2]);
    }
    for way in [RunCommand::Undo, RunCommand::Redo, RunCommand::Undo] {
        let last = seen.len() - 1;
        let order: Vec<usize> = match way {
            RunCommand::Undo => (0..last).rev().collect(),
            _ => (1..=last).collect(),
        };
        for at in order {
            let preview = trial.preview(&way);
            assert_eq!(preview.cost_usd.min, Money::ZERO);
            let (called, spent) = trial.give(way.clone()).await;
            assert!(called.is_empty(), "{way:?} to {at}: {called:?}");
            assert_eq!(spent, Money::ZERO);
            assert_eq!(outputs(&trial), seen[at], "{way:?} to {at}");
        }
        let state = trial.follow.state();
        assert!(way.refusal(&state).is_some(), "there is no other");
    }
    // Another edit: what was taken back cannot be made again.
    trial
        .give(RunCommand::SetOutput(StepIx(3), Arc::new(json!(1))))
        .await;
    assert!(RunCommand::Redo.refusal(&trial.follow.state()).is_some());
}

/// A random plan, and whether its outputs change each time.
fn random_steps(random: &mut fastrand::Rng, changing: bool) -> Vec<Step> {
    let count = random.usize(1..9);
    let sketch = |at: usize, random: &mut fastrand::Rng| {
        let before: Vec<u32> = (0..at as u32).filter(|_| random.u8(..) < 90).collect();
        let cost = random.u64(0..5);
        let parameters = json!({
            "cost": cost, "most": cost + random.u64(0..3), "least": random.u64(0..=cost),
            "fails": if random.u8(..) < 40 { random.u64(1..3) } else { 0 },
            "same": !changing && random.bool(),
        });
        let mut step = step(&format!("s{at}"), parameters, &before);
        if random.u8(..) < 50 {
            // The output of an empty list is always the same.
            let list: Vec<u32> = (0..random.u32(u32::from(changing)..4)).collect();
            step.for_each = Some(Box::new(Template::Literal(Arc::new(json!(list)))));
        }
        let trigger = [
            Trigger::AllSuccess,
            Trigger::AllDone,
            Trigger::OneSuccess,
            Trigger::NoneFailed,
        ];
        if random.u8(..) < 60 {
            step.settings_mut().trigger = trigger[random.usize(..4)];
        }
        step
    };
    (0..count).map(|at| sketch(at, random)).collect()
}

fn random_command(random: &mut fastrand::Rng, state: &RunState) -> RunCommand {
    let row = StepIx(random.u32(..state.steps.len() as u32));
    let way = [RunCommand::Undo, RunCommand::Redo][random.usize(..2)].clone();
    match random.u8(..8) {
        6 | 7 if way.refusal(state).is_none() => way,
        0 => RunCommand::Refresh(row),
        1 => RunCommand::SetInput(
            row,
            Some(Arc::new(
                json!({"edited": random.u64(..), "cost": 1, "most": 2}),
            )),
        ),
        2 => RunCommand::SetOutput(row, Arc::new(json!(random.u64(..)))),
        3 => RunCommand::RetryFailed,
        _ => RunCommand::Retry(row),
    }
}

async fn edits(seeds: std::ops::Range<u64>, changing: bool) {
    for seed in seeds {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut trial = Trial::ended(random_steps(&mut random, changing)).await;
        for _ in 0..5 {
            let state = trial.follow.state();
            let command = random_command(&mut random, &state);
            let preview = trial.preview(&command);
            let predicted = trial.predicted(&preview);
            let all = preview.reruns.len() + preview.stays.len() + preview.cannot.len();
            assert!(all >= trial.plan.steps.len(), "seed {seed}");
            let (called, cost) = trial.give(command.clone()).await;
            // Of a list that is not known yet, the step is named.
            let named = |id: Arc<str>| {
                let step: Arc<str> = id.split('[').next().unwrap_or_default().into();
                if predicted.contains(&step) { step } else { id }
            };
            let called: BTreeSet<Arc<str>> = called.into_iter().map(named).collect();
            let after = trial.follow.state();
            let rows = |state: &RunState| {
                let rows = state.steps.iter();
                let words =
                    rows.map(|row| format!("{} {:?} {:?}", row.info.id, row.status, row.source));
                words.collect::<Vec<_>>().join(", ")
            };
            let says = || {
                format!(
                    "seed {seed}, {command:?}: {preview:?}\ncalled {called:?}\nbefore {}\nafter {}",
                    rows(&state),
                    rows(&after)
                )
            };
            let failed = |row: &crate::run::StepState| row.status == StepStatus::Failed;
            // What was made before by the same calls is used again for an edit that is taken back.
            let may_reuse = command.edit_way().is_some();
            if changing && !may_reuse && !after.steps.iter().any(failed) {
                assert_eq!(called, predicted, "{}", says());
            } else {
                assert!(called.is_subset(&predicted), "{}", says());
            }
            let range = preview.cost_usd;
            assert!(cost >= range.min, "{cost:?} {}", says());
            assert!(
                range.max.is_none_or(|max| cost <= max),
                "{cost:?} {}",
                says()
            );
        }
    }
}

#[tokio::test]
async fn what_is_predicted_is_what_runs() {
    edits(0..400, true).await;
}

#[tokio::test]
async fn where_outputs_stay_the_same_no_more_than_what_is_predicted_runs() {
    edits(1_000..1_200, false).await;
}
