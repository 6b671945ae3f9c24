//! What is known of a plan before it runs: its shape, what it needs and what it can cost.

use super::reliability::reliability_in_words;
use crate::plan::{ExecutionPlan, Shape, StepIx};
use crate::run::{Forecast, Reliability};
use crate::text::format::count;
use crate::text::line;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// Steps of the critical path that are named in text.
const PATH: usize = 12;

/// A plan's shape, what it needs, and what it can cost.
#[derive(Clone, Debug)]
pub(crate) struct CheckReport {
    name: String,
    dialect: String,
    shape: Shape,
    critical_path: Vec<String>,
    /// Names with whether there is a value.
    context: Vec<(String, bool)>,
    worker: String,
    worker_reason: Option<String>,
    cost: Forecast,
    reaches: Vec<(&'static str, &'static str, Vec<String>)>,
    /// Why it is trusted, as a word; `None` where it is not. Then the same for people.
    trusted: (Option<&'static str>, String),
    reliability: Option<Reliability>,
}

impl CheckReport {
    /// The report on `plan`, with what the command line gives as context, the worker and why `auto` took it, and with
    /// what a run can cost.
    pub(crate) fn new(
        plan: &ExecutionPlan,
        given: &Map<String, Value>,
        (worker, worker_reason): (&str, Option<&str>),
        cost: Forecast,
    ) -> Self {
        let shape = Shape::of(plan);
        let id = |ix: &StepIx| plan.step(*ix).map(|step| step.id.to_string());
        let has = |name: &str| given.contains_key(name) || plan.context.contains_key(name);
        Self {
            name: plan.name.to_string(),
            dialect: plan.dialect.to_string(),
            critical_path: shape.critical_path.iter().filter_map(id).collect(),
            context: plan
                .context_names
                .iter()
                .map(|name| (name.to_string(), has(name)))
                .collect(),
            worker: worker.to_owned(),
            worker_reason: worker_reason.map(str::to_owned),
            cost,
            reaches: Vec::new(),
            trusted: (None, String::new()),
            reliability: None,
            shape,
        }
    }

    /// Adds what would be started, reached and read: lists, each with its name in JSON and in the text.
    #[must_use]
    pub(crate) fn reaches(
        mut self,
        lists: impl IntoIterator<Item = (&'static str, &'static str, Vec<String>)>,
    ) -> Self {
        self.reaches.extend(lists);
        self
    }

    /// Adds whether it is trusted: why, as a word, `None` where it is not; and the same in words.
    #[must_use]
    pub(crate) fn trust(mut self, trusted: (Option<&'static str>, String)) -> Self {
        self.trusted = trusted;
        self
    }

    /// Adds how often the plan comes to its usual result, where anything is on record.
    #[must_use]
    pub(crate) fn reliability(mut self, found: Option<Reliability>) -> Self {
        self.reliability = found;
        self
    }

    /// A few aligned lines, for reading.
    pub(crate) fn to_text(&self) -> String {
        let mut text = String::new();
        let mut row = |name: &str, value: &str| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name:<14} {}", line(value));
        };
        row("plan", &self.name);
        row("dialect", &self.dialect);
        row(
            "shape",
            &format!(
                "{}, {}, {} deep, up to {} side by side",
                count(self.shape.steps, "step"),
                if self.shape.edges == 1 {
                    "1 dependency".to_owned()
                } else {
                    format!("{} dependencies", self.shape.edges)
                },
                self.shape.depth,
                self.shape.width
            ),
        );
        row("critical path", &self.path());
        for (name, given) in &self.context {
            let state = if *given { "given" } else { "needed: --context" };
            row("context", &format!("{name} ({state})"));
        }
        match &self.worker_reason {
            Some(reason) => row("worker", &format!("{} ({reason})", self.worker)),
            None => row("worker", &self.worker),
        }
        for (_, name, list) in &self.reaches {
            for one in list {
                row(name, one);
            }
        }
        row("trusted", &self.trusted.1);
        row("cost", &cost_in_words(&self.cost));
        let found = self.reliability.as_ref();
        for (at, words) in found.into_iter().flat_map(reliability_in_words).enumerate() {
            row(if at == 0 { "reliability" } else { "" }, &words);
        }
        text
    }

    fn path(&self) -> String {
        let path = &self.critical_path;
        let shown = path.len().min(PATH);
        let mut text = path[..shown].join(" → ");
        if path.len() > shown {
            let _ = write!(text, " → … ({} steps)", path.len());
        }
        text
    }

    /// The report as one JSON object, for scripts.
    pub(crate) fn to_json(&self, diagnostics: &Value) -> Value {
        let reaches = self.reaches.iter();
        let reaches: Map<String, Value> = reaches
            .map(|(name, _, list)| ((*name).to_owned(), json!(list)))
            .collect();
        json!({
            "sound": true,
            "plan": self.name,
            "dialect": self.dialect,
            "steps": self.shape.steps,
            "dependencies": self.shape.edges,
            "depth": self.shape.depth,
            "width": self.shape.width,
            "critical_path": self.critical_path,
            "context": self.context.iter().map(|(name, given)| json!({"name": name, "given": given})).collect::<Vec<_>>(),
            "worker": self.worker,
            "worker_reason": self.worker_reason,
            "reaches": reaches,
            "trusted": self.trusted.0.is_some(),
            "trusted_by": self.trusted.0,
            "cost": self.cost,
            "reliability": self.reliability,
            "diagnostics": diagnostics,
        })
    }
}

/// What a run can cost, in words.
pub(super) fn cost_in_words(cost: &Forecast) -> String {
    if cost.is_free() {
        return "nothing".to_owned();
    }
    let expected = match cost.expected {
        Some(expected) => format!("{expected} expected"),
        None => "expected: not known before the run".to_owned(),
    };
    let max = match cost.max {
        Some(max) => format!("at most {max}"),
        None => "no upper bound is known".to_owned(),
    };
    format!("at least {}, {expected}, {max}", cost.min)
}
