//! Two runs beside each other: the steps that differ, and where along the DAG they part.

use super::{Change, changes};
use crate::run::{Micros, Money, RunState, StepState, StepStatus};
use crate::text::{fit, format};
use serde::Serialize;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::Arc;

/// Places named for one value.
const PLACES: usize = 5;

/// How two runs differ.
#[derive(Clone, Debug, Serialize)]
pub struct RunDiff {
    /// The two runs.
    pub runs: [Arc<str>; 2],
    /// Their time less held time, in milliseconds.
    pub latency_ms: [f64; 2],
    /// What they cost.
    pub cost: [Option<Money>; 2],
    /// The first step along the DAG that differs: nothing that it depends on does.
    pub first_divergence: Option<Arc<str>>,
    /// The steps that differ in status, input, output or cost, in the plan's order.
    pub steps: Vec<StepDiff>,
    /// How many steps do not differ.
    pub same: usize,
}

/// How one step differs.
#[derive(Clone, Debug, Serialize)]
pub struct StepDiff {
    /// The step's id.
    pub id: Arc<str>,
    /// Its status in both; `None` in the run that has no such step.
    pub status: [Option<StepStatus>; 2],
    /// Where the inputs differ; nothing where one of them is not known.
    pub input: Vec<Change>,
    /// Where the outputs differ.
    pub output: Vec<Change>,
    /// The error messages.
    pub error: [Option<Arc<str>>; 2],
    /// What it cost.
    pub cost: [Option<Money>; 2],
    /// The service time of its attempts, in milliseconds.
    pub latency_ms: [f64; 2],
}

impl RunDiff {
    /// Compares two runs, steps by their ids.
    pub fn of(a: &RunState, b: &RunState) -> Self {
        let by_id = |run: &'_ RunState| -> HashMap<Arc<str>, usize> {
            let rows = run.steps.iter().enumerate();
            rows.map(|(at, row)| (Arc::clone(&row.info.id), at))
                .collect()
        };
        let (in_a, in_b) = (by_id(a), by_id(b));
        let mut steps = Vec::new();
        let mut same = 0;
        let only_in_a = a
            .steps
            .iter()
            .filter(|row| !in_b.contains_key(&row.info.id));
        let pairs = b.steps.iter().map(|row| {
            let before = in_a.get(&row.info.id).and_then(|at| a.steps.get(*at));
            (before, Some(row))
        });
        for (before, after) in pairs.chain(only_in_a.map(|row| (Some(row), None))) {
            match StepDiff::of(before, after) {
                Some(diff) => steps.push(diff),
                None => same += 1,
            }
        }
        let differs: HashSet<&str> = steps.iter().map(|step| &*step.id).collect();
        let first_divergence = along_the_dag(b)
            .chain(a.steps.iter())
            .find(|row| differs.contains(&*row.info.id))
            .map(|row| Arc::clone(&row.info.id));
        let id = |run: &RunState| {
            run.header
                .as_ref()
                .map_or_else(|| "".into(), |h| Arc::clone(&h.run_id))
        };
        let cost = |run: &RunState| (!run.unpriced).then_some(run.spent);
        Self {
            runs: [id(a), id(b)],
            latency_ms: [a, b].map(|run| run.wall(run.at).ms()),
            cost: [cost(a), cost(b)],
            first_divergence,
            steps,
            same,
        }
    }

    /// For people, lines each ended by a line feed.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let money =
            |cost: Option<Money>| cost.map_or_else(|| "?".to_owned(), |cost| cost.to_string());
        let time = |ms: f64| format::duration(Micros((ms * 1e3) as u64));
        let [a, b] = &self.runs;
        let _ = writeln!(text, "{} → {}", fit(a, 60), fit(b, 60));
        let _ = writeln!(
            text,
            "time {} → {}, cost {} → {}; {} differ, {} alike",
            time(self.latency_ms[0]),
            time(self.latency_ms[1]),
            money(self.cost[0]),
            money(self.cost[1]),
            format::count(self.steps.len(), "step"),
            self.same
        );
        if let Some(id) = &self.first_divergence {
            let _ = writeln!(text, "they part at {}", fit(id, 60));
        }
        for step in &self.steps {
            let word = |status: Option<StepStatus>| status.map_or("not there", StepStatus::word);
            let [before, after] = step.status.map(word);
            let _ = writeln!(text, "\n{}", fit(&step.id, 60));
            if before != after {
                let _ = writeln!(text, "  status: {before} → {after}");
            }
            for (of, changes) in [("input", &step.input), ("output", &step.output)] {
                for change in changes.iter().take(PLACES) {
                    let _ = writeln!(text, "  {}", change.line(of));
                }
                if changes.len() > PLACES {
                    let _ = writeln!(text, "  {of}: more places differ");
                }
            }
            for message in step.error.iter().flatten() {
                let _ = writeln!(text, "  error: {}", fit(message, 100));
            }
            if step.cost[0] != step.cost[1] {
                let _ = writeln!(
                    text,
                    "  cost: {} → {}",
                    money(step.cost[0]),
                    money(step.cost[1])
                );
            }
            let _ = writeln!(
                text,
                "  time: {} → {}",
                time(step.latency_ms[0]),
                time(step.latency_ms[1])
            );
        }
        text
    }
}

impl StepDiff {
    /// `None` where the two do not differ; time alone is no difference, it never is the same.
    fn of(a: Option<&StepState>, b: Option<&StepState>) -> Option<Self> {
        let both = [a, b];
        let row = b.or(a)?;
        let input = |row: Option<&StepState>| {
            row?.last_attempt()
                .map(|attempt| Arc::clone(&attempt.input))
        };
        let output = |row: Option<&StepState>| row?.output.clone();
        let nothing = Arc::new(Value::Null);
        let diff = Self {
            id: Arc::clone(&row.info.id),
            status: both.map(|row| row.map(|row| row.status)),
            input: match (input(a), input(b)) {
                (Some(a), Some(b)) => changes(&a, &b, PLACES + 1),
                _ => Vec::new(),
            },
            output: changes(
                &output(a).unwrap_or_else(|| Arc::clone(&nothing)),
                &output(b).unwrap_or(nothing),
                PLACES + 1,
            ),
            error: match both.map(|row| {
                row.and_then(|row| row.error.as_ref())
                    .map(|error| Arc::clone(&error.message))
            }) {
                [a, b] if a == b => [None, None],
                different => different,
            },
            cost: both.map(|row| row.and_then(|row| row.cost)),
            latency_ms: both.map(|row| row.map_or(0.0, |row| row.service.ms())),
        };
        let alike = diff.status[0] == diff.status[1]
            && diff.input.is_empty()
            && diff.output.is_empty()
            && diff.error == [None, None]
            && diff.cost[0] == diff.cost[1];
        (!alike).then_some(diff)
    }
}

/// The rows of a run, each after all that it depends on.
fn along_the_dag(run: &RunState) -> impl Iterator<Item = &StepState> {
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); run.steps.len()];
    let mut open: Vec<usize> = vec![0; run.steps.len()];
    for (at, row) in run.steps.iter().enumerate() {
        let before = row.info.depends_on.iter().chain(row.elements());
        for ix in before.filter(|ix| ix.at() < run.steps.len()) {
            after[ix.at()].push(at);
            open[at] += 1;
        }
    }
    let mut order: Vec<usize> = (0..run.steps.len()).filter(|at| open[*at] == 0).collect();
    let mut next = 0;
    while let Some(at) = order.get(next).copied() {
        next += 1;
        for row in &after[at] {
            open[*row] -= 1;
            if open[*row] == 0 {
                order.push(*row);
            }
        }
    }
    order.into_iter().filter_map(|at| run.steps.get(at))
}
