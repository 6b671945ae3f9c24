//! A run whose processes die one after the other, each somewhere in what it had begun, and that goes on each time.

use crate::engine::{
    EarlierRun, Engine, EventSink, Kept, ResumeState, Settings, UnknownSteps, definitions,
    states_left,
};
use crate::plan::{Dialect, ExecutionPlan, Step, StepIx, Template};
use crate::run::{EventKind, ResourceLimits, RunEvent, RunState, StepStatus};
use crate::tools::{Call, CallReport, Tool, ToolKind, Toolbox};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// The keys of the calls, by step, oldest first.
type Keys = BTreeMap<Arc<str>, Vec<Arc<str>>>;

/// A tool that may not be called again, and notes what it is called with.
#[derive(Clone, Default)]
struct Effect(Arc<Mutex<Keys>>);

impl Tool for Effect {
    fn kind(&self) -> &'static ToolKind {
        static KIND: ToolKind = ToolKind::new("test");
        &KIND
    }

    fn call(&self, call: Call) -> BoxFuture<'static, CallReport> {
        let mut keys = self.0.lock().unwrap();
        let step = Arc::clone(&call.step);
        keys.entry(step).or_default().push(call.idempotency_key);
        std::future::ready(CallReport::free(Ok(json!(call.step)))).boxed()
    }
}

impl Toolbox for Effect {
    fn tool(&self, _: &str) -> Option<Arc<dyn Tool>> {
        Some(Arc::new(self.clone()))
    }
}

/// Keeps the events of the run as they come: those that come together are on record together, or not at all.
#[derive(Clone, Default)]
struct Record(Arc<Mutex<Vec<Vec<RunEvent>>>>);

impl EventSink for Record {
    fn accept(&mut self, events: &[RunEvent]) {
        self.0.lock().unwrap().push(events.to_vec());
    }
}

struct Trial {
    plan: Arc<ExecutionPlan>,
    toolbox: Arc<Effect>,
    unknown: UnknownSteps,
    /// What is on record.
    record: Vec<Vec<RunEvent>>,
}

impl Trial {
    /// A plan of so many steps, each of which waits for some of those before it.
    fn new(random: &mut fastrand::Rng, steps: usize, unknown: UnknownSteps) -> Self {
        let steps = (0..steps).map(|at| {
            let before = (0..at as u32).filter(|_| random.u8(..3) == 0);
            let depends_on = before.map(StepIx).collect();
            let parameters = Template::Literal(Arc::new(Value::Null));
            Step {
                depends_on,
                ..Step::new(format!("s{at}"), "effect", parameters)
            }
        });
        let plan = ExecutionPlan {
            name: "trial".into(),
            dialect: Dialect::Documented,
            steps: steps.collect(),
            context_names: Vec::new(),
            context: Map::new(),
            catalog: None,
            warnings: Vec::new(),
        };
        Self {
            plan: Arc::new(plan),
            toolbox: Arc::default(),
            unknown,
            record: Vec::new(),
        }
    }

    fn events(&self) -> Vec<RunEvent> {
        self.record.concat()
    }

    /// What is taken over of what is on record; `None` of nothing.
    fn taken_over(&self) -> Option<(ResumeState, RunState, Kept)> {
        let (states, kept) = states_left(&self.events());
        let state = states.last()?.clone();
        state.header.as_ref()?;
        let definitions = definitions(&self.plan, &*self.toolbox);
        let earlier = EarlierRun {
            states: &states,
            is_running: false,
            definitions: &definitions,
            unrecorded: false,
            origin: None,
            renews_keys: false,
            before: None,
        };
        let mut taken = ResumeState::new(&earlier, &self.plan, &definitions);
        taken.unknown = self.unknown;
        Some((taken, state, kept))
    }

    /// Goes on with what is on record, and `retry` once more, to the end.
    async fn go_on(&mut self, retry: Option<&str>) {
        let record = Record::default();
        let settings = Settings {
            limits: ResourceLimits::none(),
            ..Settings::default()
        };
        let toolbox = Arc::clone(&self.toolbox) as _;
        let mut engine = Engine::new(Arc::clone(&self.plan), Map::new(), toolbox, settings)
            .with_sink(record.clone());
        if let Some((mut taken, state, kept)) = self.taken_over() {
            if let Some(id) = retry {
                taken.retry(&id.into());
            }
            taken.go_on(&state, kept);
            engine = engine.with_resume_state(taken).going_on(state);
        }
        let (_commands, received) = mpsc::channel(8);
        engine.run(Instant::now(), received).await;
        self.record.append(&mut record.0.lock().unwrap());
    }

    /// The record ends after so many groups of events, and so do the calls: what came after never happened.
    fn cut(&mut self, length: usize) {
        self.record.truncate(length);
        let attempts = self.attempts();
        let mut keys = self.toolbox.0.lock().unwrap();
        keys.retain(|step, keys| {
            let attempts = attempts.get(step).copied().unwrap_or_default();
            keys.truncate(attempts);
            attempts > 0
        });
    }

    /// How many attempts each step has on record.
    fn attempts(&self) -> BTreeMap<Arc<str>, usize> {
        let mut attempts = BTreeMap::new();
        for event in self.events() {
            if let EventKind::AttemptStarted { step, .. } = event.kind {
                *attempts.entry(step.id).or_default() += 1;
            }
        }
        attempts
    }

    /// Runs to the end although the process dies again and again.
    async fn torment(&mut self, random: &mut fastrand::Rng) {
        for _ in 0..random.usize(1..6) {
            let known = self.record.len();
            self.go_on(None).await;
            self.cut(random.usize(known..=self.record.len()));
        }
        self.go_on(None).await;
    }

    /// The kinds of the events and their steps.
    fn story(&self) -> String {
        let events = self.events();
        let lines = events.iter().map(|event| {
            let event = serde_json::to_value(event).unwrap();
            format!("\n{} {} {}", event["type"], event["step"], event["source"])
        });
        lines.collect()
    }

    fn state(&self) -> RunState {
        RunState::from_events(&self.events())
    }
}

#[tokio::test]
async fn what_may_have_happened_is_not_repeated_however_often_the_process_dies() {
    for seed in 0..500 {
        let mut random = fastrand::Rng::with_seed(seed);
        let steps = random.usize(1..7);
        let mut trial = Trial::new(&mut random, steps, UnknownSteps::Keep);
        trial.torment(&mut random).await;
        let repeated = trial.attempts().into_iter().find(|(_, times)| *times > 1);
        assert_eq!(repeated, None, "seed {seed}: {}", trial.story());
    }
}

#[tokio::test]
async fn a_call_that_is_made_again_has_the_key_that_it_had_however_often_the_process_dies() {
    for seed in 0..500 {
        let mut random = fastrand::Rng::with_seed(seed);
        let steps = random.usize(1..7);
        let mut trial = Trial::new(&mut random, steps, UnknownSteps::Rerun);
        trial.torment(&mut random).await;
        for row in &trial.state().steps {
            assert_eq!(row.status, StepStatus::Succeeded, "seed {seed}");
            let ended = row.attempts.iter().filter(|it| !it.was_cut_off()).count();
            assert_eq!(ended, 1, "seed {seed}: {} was done again", row.info.id);
        }
        for (step, keys) in trial.toolbox.0.lock().unwrap().iter() {
            let first = &keys[0];
            let same = keys.iter().all(|key| key == first);
            assert!(same, "seed {seed}: {step} {keys:?}");
        }
    }
}

#[tokio::test]
async fn a_step_that_was_to_run_again_does_so_although_the_process_dies_before_it_begins() {
    for seed in 0..200 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut trial = Trial::new(&mut random, 5, UnknownSteps::Keep);
        trial.go_on(None).await;
        let (ended, again) = (trial.record.len(), format!("s{}", random.usize(..5)));
        trial.go_on(Some(&again)).await;
        let mut first = trial.record.split_off(ended).concat();
        let start = |event: &RunEvent| matches!(event.kind, EventKind::AttemptStarted { .. });
        let before = first.iter().position(start).unwrap();
        first.truncate(random.usize(1..=before));
        trial.record.push(first);
        trial.cut(ended + 1);
        trial.go_on(None).await;
        // What it had come to is not known any more, so that what depends on it may run again too.
        let mut below: Vec<Arc<str>> = vec![again.clone().into()];
        for step in &*trial.plan.steps {
            let mut before = step.depends_on.iter();
            if before.any(|before| below.contains(&trial.plan.steps[before.at()].id)) {
                below.push(Arc::clone(&step.id));
            }
        }
        let attempts = trial.attempts();
        assert_eq!(attempts[&*again], 2, "seed {seed}{}", trial.story());
        let mut others = attempts.iter().filter(|(step, _)| !below.contains(*step));
        assert!(
            others.all(|(_, times)| *times == 1),
            "seed {seed}{}",
            trial.story()
        );
    }
}
