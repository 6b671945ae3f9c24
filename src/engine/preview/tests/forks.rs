//! Previews of forks with an edited plan, beside what the fork then calls.

use super::*;
use crate::engine::{EarlierRun, Forked, ResumeState, definitions};
use crate::run::RunHeader;

/// A plan whose steps name what they wait for by their ids.
#[derive(Clone)]
struct Sketch(Vec<(Step, Vec<Arc<str>>)>);

impl Sketch {
    fn of(plan: &ExecutionPlan) -> Self {
        let ids = |step: &Step| {
            let before = step.depends_on.iter().map(|ix| &plan.steps[ix.at()].id);
            before.cloned().collect()
        };
        let steps = plan.steps.iter();
        Self(steps.map(|step| (step.clone(), ids(step))).collect())
    }

    fn steps(&self) -> Vec<Step> {
        let at = |id: &Arc<str>| {
            let at = self.0.iter().position(|(step, _)| step.id == *id);
            at.map(|at| StepIx(at as u32))
        };
        let steps = self.0.iter().map(|(step, before)| Step {
            depends_on: before.iter().filter_map(at).collect(),
            ..step.clone()
        });
        steps.collect()
    }

    /// A random edit of the structure, or of a definition.
    fn edit(&mut self, random: &mut fastrand::Rng, number: u64) {
        let at = random.usize(..self.0.len());
        match random.u8(..4) {
            0 => {
                let before = self.0[at].1.clone();
                let new = step(&format!("new{number}"), json!({"cost": 1, "most": 2}), &[]);
                let id = Arc::clone(&new.id);
                self.0.insert(at, (new, before));
                self.0[at + 1].1.push(id);
            }
            1 if self.0.len() > 1 => {
                let (gone, instead) = self.0.remove(at);
                for (_, before) in &mut self.0 {
                    if before.contains(&gone.id) {
                        before.retain(|id| *id != gone.id);
                        before.extend(instead.iter().cloned());
                        before.sort();
                        before.dedup();
                    }
                }
            }
            2 if at > 0 => {
                let other = Arc::clone(&self.0[random.usize(..at)].0.id);
                let before = &mut self.0[at].1;
                match before.iter().position(|id| *id == other) {
                    Some(at) => drop(before.remove(at)),
                    None => before.push(other),
                }
            }
            _ => {
                let other = json!({"cost": 2, "most": 3, "edited": number});
                self.0[at].0.parameters = Template::Literal(Arc::new(other));
            }
        }
    }
}

/// What a fork of a run with another plan calls, and what that costs, after its preview.
async fn forked(trial: &Trial, steps: Vec<Step>) -> (Preview, BTreeSet<Arc<str>>, RunState) {
    let (plan, prices) = plan_of(steps);
    let parent = trial.follow.state();
    let known = definitions(&trial.plan, &*trial.toolbox);
    let earlier = EarlierRun {
        states: std::slice::from_ref(&parent),
        is_running: false,
        definitions: &known,
        unrecorded: false,
        origin: None,
        renews_keys: true,
        before: None,
    };
    let mut taken = ResumeState::new(&earlier, &plan, &definitions(&plan, &*trial.toolbox));
    taken.fork(&"fork".into());
    let header = RunHeader {
        priced: true,
        ..RunHeader::clone(parent.header.as_deref().unwrap())
    };
    let preview = {
        let forked = Forked::new(&parent, &taken, header, prices.clone());
        let previewer = Previewer::new(Arc::clone(&plan), &*trial.toolbox);
        previewer.preview_fork(&forked, "insert", None)
    };
    let follow = Follow::default();
    let settings = Settings {
        limits: ResourceLimits::none(),
        ..Settings::default()
    };
    let toolbox = Arc::clone(&trial.toolbox) as _;
    let engine = Engine::new(Arc::clone(&plan), Map::new(), toolbox, settings)
        .with_prices(prices)
        .with_resume_state(taken)
        .with_sink(follow.clone());
    let (_commands, received) = mpsc::channel(8);
    engine.run(Instant::now(), received).await;
    let after = follow.state();
    let rows = after.steps.iter().filter(|row| !row.attempts.is_empty());
    let called = rows.map(|row| Arc::clone(&row.info.id)).collect();
    (preview, called, after)
}

#[tokio::test]
async fn a_fork_runs_what_is_new_or_changed_and_what_waits_for_it() {
    let trial = Trial::ended(vec![
        step("read", json!({"cost": 5, "most": 9}), &[]),
        step("parse", json!({"cost": 2, "most": 4}), &[0]),
        step("write", json!({"cost": 1, "most": 3}), &[1]),
        step("other", json!({}), &[0]),
    ])
    .await;
    let mut sketch = Sketch::of(&trial.plan);
    let new = step("check", json!({"cost": 1, "most": 2}), &[]);
    sketch.0.insert(2, (new, vec!["parse".into()]));
    sketch.0[3].1.push("check".into());
    sketch.0.remove(4);
    let (preview, called, after) = forked(&trial, sketch.steps()).await;
    assert_eq!(
        names(&preview.reruns),
        ["check: is new", "write: what it depends on is changed"]
    );
    assert_eq!(
        names(&preview.stays)[2..],
        ["other: is removed from the plan"]
    );
    assert_eq!(called, ["check".into(), "write".into()].into());
    let pico = Money::from_pico;
    let cost = preview.cost_usd;
    assert_eq!((cost.expected, cost.max), (Some(pico(2)), Some(pico(5))));
    assert_eq!(after.spent, pico(2));
}

#[tokio::test]
async fn a_fork_with_an_edited_plan_calls_what_is_predicted() {
    for seed in 0..600 {
        let mut random = fastrand::Rng::with_seed(seed);
        let changing = random.bool();
        let trial = Trial::ended(random_steps(&mut random, changing)).await;
        let mut sketch = Sketch::of(&trial.plan);
        for number in 0..random.u64(1..4) {
            sketch.edit(&mut random, number);
        }
        let steps = sketch.steps();
        let (preview, called, after) = forked(&trial, steps.clone()).await;
        let predicted: BTreeSet<Arc<str>> = preview
            .reruns
            .iter()
            .map(|rerun| Arc::clone(&rerun.step))
            .collect();
        // Elements are named where others of their list stay, else their step is.
        let named = |id: &Arc<str>| {
            let step: Arc<str> = id.split('[').next().unwrap_or_default().into();
            if predicted.contains(&step) {
                step
            } else {
                Arc::clone(id)
            }
        };
        let called: BTreeSet<Arc<str>> = called.iter().map(named).collect();
        // An empty list has nothing to call, and comes to the same whatever it is a list of.
        let is_empty = |step: &Step| {
            let list = step.for_each.as_deref();
            list.is_some_and(|list| list.source() == json!([]))
        };
        let says = || format!("seed {seed}: {preview:?}\ncalled {called:?}");
        let failed = after
            .steps
            .iter()
            .any(|row| row.status == StepStatus::Failed);
        // One that waits for any of several begins as soon as it may, whatever else runs then.
        let is_eager = |step: &Step| step.settings.trigger == Trigger::OneSuccess;
        if failed || steps.iter().any(|step| is_eager(step) || is_empty(step)) {
            assert!(called.is_subset(&predicted), "{}", says());
        } else {
            assert_eq!(called, predicted, "{}", says());
        }
        let range = preview.cost_usd;
        assert!(after.spent >= range.min, "{}", says());
        assert!(range.max.is_none_or(|max| after.spent <= max), "{}", says());
    }
}
