//! Two runs side by side: the steps that differ, and where along the DAG they part.

use super::changes::line;
use crate::plan::StepIx;
use crate::run::{
    Change, Differences, RunState, StepSource, StepState, StepStatus, changes, first_along,
};
use crate::text::{fit, format, headline};
use crate::units::{Micros, Money};
use serde::Serialize;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::Arc;

/// Places named for one value.
const PLACES: usize = 5;
/// Steps named that differ in time alone.
const SLOW: usize = 10;

/// How two runs differ.
#[derive(Clone, Debug, Serialize)]
pub struct RunDiff {
    /// The two runs.
    pub runs: [Arc<str>; 2],
    /// The plans that they are runs of.
    pub plans: [Arc<str>; 2],
    /// How they ended, or the words for their present statuses.
    pub status: [Arc<str>; 2],
    /// Their time less held time, in milliseconds.
    pub latency_ms: [f64; 2],
    /// What they cost.
    pub cost: [Option<Money>; 2],
    /// The first step along the DAG that differs: nothing that it depends on does. One in which something else
    /// result goes before one that differs only in cost.
    pub first_divergence: Option<Arc<str>>,
    /// The places in which the contexts differ.
    pub context: Vec<Change>,
    /// The steps that differ in status, input, output, error or cost, in the plan's order.
    pub steps: Vec<StepDiff>,
    /// The steps that differ in time alone, by more than is usual between two runs.
    pub time_only: Vec<StepTimes>,
    /// How many steps do not differ in anything but time.
    pub same: usize,
}

/// How one step differs.
#[derive(Clone, Debug, Serialize)]
pub struct StepDiff {
    /// The step's id.
    pub id: Arc<str>,
    /// In what it differs: `status`, `input`, `output`, `error`, `cost`, `time`; `presence` where one run has no
    /// such step.
    pub differs: Vec<&'static str>,
    /// Its status in both; `None` in the run that has no such step.
    pub status: [Option<StepStatus>; 2],
    /// Where the outputs came from.
    pub source: [Option<StepSource>; 2],
    /// Where the inputs differ; nothing where one of them is not known.
    pub input: Vec<Change>,
    /// Where the outputs differ.
    pub output: Vec<Change>,
    /// The error messages, where they differ.
    pub error: [Option<Arc<str>>; 2],
    /// What it cost.
    pub cost: [Option<Money>; 2],
    /// The service time of its attempts, in milliseconds.
    pub latency_ms: [f64; 2],
    /// Attempts made.
    pub attempts: [usize; 2],
}

/// What one step took in both.
#[derive(Clone, Debug, Serialize)]
pub struct StepTimes {
    /// The step's id.
    pub id: Arc<str>,
    /// The service time of its attempts, in milliseconds.
    pub latency_ms: [f64; 2],
}

/// A run to compare, and the word for its status.
pub(super) type Side<'a> = (&'a RunState, &'a str);

impl RunDiff {
    /// Compares two runs, steps by their ids.
    pub fn of([(a, word_a), (b, word_b)]: [Side<'_>; 2]) -> Self {
        let by_id = |run: &RunState| -> HashMap<Arc<str>, usize> {
            let rows = run.steps.iter().enumerate();
            rows.map(|(at, row)| (Arc::clone(&row.info.id), at))
                .collect()
        };
        let (in_a, in_b) = (by_id(a), by_id(b));
        let twin = |row: &StepState| a.steps.get(*in_a.get(&row.info.id)?);
        let mut steps = Vec::new();
        let mut time_only = Vec::new();
        let mut same = 0;
        for row in &b.steps {
            let how = twin(row).map(|twin| (twin, Differences::between(twin, row)));
            match how {
                Some((twin, how)) if !how.any() => {
                    same += 1;
                    if how.time {
                        time_only.push(StepTimes {
                            id: Arc::clone(&row.info.id),
                            latency_ms: [twin, row].map(|row| row.service.ms()),
                        });
                    }
                }
                Some((twin, how)) => steps.push(StepDiff::of(twin, row, how)),
                None => steps.push(StepDiff::alone(None, Some(row))),
            }
        }
        let gone = a
            .steps
            .iter()
            .filter(|row| !in_b.contains_key(&row.info.id));
        steps.extend(gone.map(|row| StepDiff::alone(Some(row), None)));
        let header = |run: &RunState, of: fn(&crate::run::RunHeader) -> &Arc<str>| {
            let header = run.header.as_deref();
            header.map_or_else(|| "".into(), |header| Arc::clone(of(header)))
        };
        let context = |run: &RunState| {
            let header = run.header.as_ref();
            header.map_or_else(Arc::default, |header| Arc::clone(&header.context))
        };
        let cost = |run: &RunState| (!run.unpriced).then_some(run.spent);
        Self {
            runs: [a, b].map(|run| header(run, |header| &header.run_id)),
            plans: [a, b].map(|run| header(run, |header| &header.plan)),
            status: [word_a, word_b].map(Into::into),
            latency_ms: [a, b].map(|run| run.wall(run.at).ms()),
            cost: [cost(a), cost(b)],
            first_divergence: first(&steps, a, b),
            context: changes(&context(a), &context(b), PLACES + 1),
            steps,
            time_only,
            same,
        }
    }

    /// For people, lines each ended by a line feed.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let both = |[a, b]: [String; 2]| if a == b { a } else { format!("{a} → {b}") };
        let [a, b] = &self.runs;
        let _ = writeln!(text, "{} → {}", fit(a, 60), fit(b, 60));
        if self.plans[0] != self.plans[1] {
            let [a, b] = &self.plans;
            let _ = writeln!(text, "plans: {} → {}", fit(a, 40), fit(b, 40));
        }
        let _ = writeln!(
            text,
            "{}, time {}, cost {}; {} differ, {} alike",
            both([0, 1].map(|at| fit(&self.status[at], 20))),
            both(self.latency_ms.map(time)),
            both(self.cost.map(money)),
            format::count(self.steps.len(), "step"),
            format::thousands(self.same as u64)
        );
        write_places(&mut text, "context", &self.context);
        if let Some(id) = &self.first_divergence {
            let _ = writeln!(text, "they part at {}{}", fit(id, 60), self.why(id));
        } else if self.steps.is_empty() {
            text.push_str("nothing but the time they took differs\n");
        }
        for step in &self.steps {
            step.write(&mut text);
        }
        if !self.time_only.is_empty() {
            text.push_str("\nonly in time:\n");
        }
        for step in self.time_only.iter().take(SLOW) {
            let _ = writeln!(
                text,
                "  {}: {}",
                fit(&step.id, 60),
                both(step.latency_ms.map(time))
            );
        }
        if self.time_only.len() > SLOW {
            let _ = writeln!(text, "  and {} more", self.time_only.len() - SLOW);
        }
        text
    }

    /// The likely reason, from the first step at which the runs differ; empty where there is none.
    fn why(&self, id: &str) -> &'static str {
        let Some(step) = self.steps.iter().find(|step| &*step.id == id) else {
            return "";
        };
        let differs = |what: &str| step.differs.contains(&what);
        if differs("presence") {
            ": one of them has no such step"
        } else if differs("input") {
            ": it was given something else, though nothing that it depends on differs"
        } else if differs("output") || differs("error") || differs("status") {
            if step.attempts.contains(&0) {
                ""
            } else {
                ": it was given the same input, and its result differs"
            }
        } else {
            ": only in cost"
        }
    }
}

fn first(steps: &[StepDiff], a: &RunState, b: &RunState) -> Option<Arc<str>> {
    let of = |diverging: bool| -> HashSet<&str> {
        let steps = steps.iter().filter(|step| !diverging || step.diverges());
        steps.map(|step| &*step.id).collect()
    };
    [true, false].into_iter().find_map(|diverging| {
        let differs = of(diverging);
        let along = |run: &RunState| {
            let is_one = |ix: StepIx| {
                let row = run.steps.get(ix.at());
                row.is_some_and(|row| differs.contains(&*row.info.id))
            };
            let ix = first_along(run, is_one)?;
            Some(Arc::clone(&run.steps.get(ix.at())?.info.id))
        };
        along(b).or_else(|| along(a))
    })
}

fn money(cost: Option<Money>) -> String {
    cost.map_or_else(|| "?".to_owned(), |cost| cost.to_string())
}

fn time(ms: f64) -> String {
    format::duration(Micros((ms * 1e3) as u64))
}

fn write_places(text: &mut String, of: &str, places: &[Change]) {
    let indent = if of == "context" { "" } else { "  " };
    for change in places.iter().take(PLACES) {
        let _ = writeln!(text, "{indent}{}", line(change, of));
    }
    if places.len() > PLACES {
        let _ = writeln!(text, "{indent}{of}: more places differ");
    }
}

impl StepDiff {
    fn of(a: &StepState, b: &StepState, how: Differences) -> Self {
        let both = [a, b];
        let nothing = Value::Null;
        let output = |row: &StepState| row.output.clone();
        let (before, after) = (output(a), output(b));
        let input = match (a.last_attempt(), b.last_attempt()) {
            (Some(a), Some(b)) if how.input => {
                changes(&a.input.to_value(), &b.input.to_value(), PLACES + 1)
            }
            _ => Vec::new(),
        };
        Self {
            differs: how.words(),
            input,
            output: changes(
                before.as_deref().unwrap_or(&nothing),
                after.as_deref().unwrap_or(&nothing),
                PLACES + 1,
            ),
            error: if how.error {
                both.map(message)
            } else {
                [None, None]
            },
            ..Self::alone(Some(a), Some(b))
        }
    }

    /// Without the places that differ: of a step that one run does not have.
    fn alone(a: Option<&StepState>, b: Option<&StepState>) -> Self {
        let both = [a, b];
        Self {
            id: b
                .or(a)
                .map_or_else(|| "".into(), |row| Arc::clone(&row.info.id)),
            differs: vec!["presence"],
            status: both.map(|row| row.map(|row| row.status)),
            source: both.map(|row| row.and_then(|row| row.source)),
            input: Vec::new(),
            output: Vec::new(),
            error: both.map(|row| row.and_then(message)),
            cost: both.map(|row| row.and_then(|row| row.cost)),
            latency_ms: both.map(|row| row.map_or(0.0, |row| row.service.ms())),
            attempts: both.map(|row| row.map_or(0, |row| row.attempts.len())),
        }
    }

    fn diverges(&self) -> bool {
        let aside = ["cost", "time"];
        self.differs.iter().any(|what| !aside.contains(what))
    }

    fn write(&self, text: &mut String) {
        let word = |status: Option<StepStatus>| status.map_or("not there", StepStatus::word);
        let [before, after] = self.status.map(word);
        let _ = writeln!(text, "\n{}", fit(&self.id, 60));
        if before != after {
            let _ = writeln!(text, "  status: {before} → {after}");
        }
        write_places(text, "input", &self.input);
        write_places(text, "output", &self.output);
        match &self.error {
            [None, None] => {}
            [a, b] => {
                let [a, b] = [a, b].map(|message| match message {
                    Some(message) => fit(headline(message), 100),
                    None => "none".to_owned(),
                });
                let _ = writeln!(text, "  error: {a} → {b}");
            }
        }
        if self.source[0] != self.source[1] {
            let [a, b] = self.source.map(source);
            let _ = writeln!(text, "  from: {a} → {b}");
        }
        if self.attempts[0] != self.attempts[1] {
            let _ = writeln!(
                text,
                "  attempts: {} → {}",
                self.attempts[0], self.attempts[1]
            );
        }
        if self.cost[0] != self.cost[1] {
            let [a, b] = self.cost.map(money);
            let _ = writeln!(text, "  cost: {a} → {b}");
        }
        let [a, b] = self.latency_ms.map(time);
        let _ = writeln!(text, "  time: {a} → {b}");
    }
}

fn message(row: &StepState) -> Option<Arc<str>> {
    row.error.as_ref().map(|error| Arc::clone(&error.message))
}

fn source(source: Option<StepSource>) -> &'static str {
    match source {
        Some(StepSource::Call) => "a call",
        Some(StepSource::Cache) => "the cache",
        Some(StepSource::Recorded) => "an earlier run",
        Some(StepSource::Mock) => "the user",
        None => "nowhere",
    }
}
