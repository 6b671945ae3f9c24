//! Two batches side by side: which items changed, by their keys, and in which steps.

use super::{cost_or_unknown, dollars, time};
use crate::run::{BatchState, Quantiles, RunWord, StepFigures, StepStatus};
use crate::text::{fit, format, line, pad, width};
use crate::units::Money;
use serde::Serialize;
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::Arc;

/// Items that the text lists.
const LISTED: usize = 20;
/// Cells of a key, and of a step's name.
const KEY: usize = 30;
const STEP: usize = 24;

/// How two batches differ. As JSON times are milliseconds, money is dollars.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct BatchDiff {
    batches: [Arc<str>; 2],
    plans: [Arc<str>; 2],
    items: [usize; 2],
    cost: [Money; 2],
    latency_ms: [Quantiles; 2],
    /// Items that both have, and that differ in status, output or cost.
    changed: usize,
    /// Items that both have and that differ in nothing but time.
    same: usize,
    /// Items that only one of them has.
    alone: [usize; 2],
    /// Of items that both have.
    steps: Vec<StepChange>,
    /// The items that changed or that only one has, in the order of the second batch.
    changes: Vec<ItemChange>,
}

/// How one step differs over all items that both have.
#[derive(Clone, Debug, Serialize)]
struct StepChange {
    id: Arc<str>,
    /// Items in which its status is another.
    status: usize,
    /// Items in which its output is another.
    output: usize,
    /// Items in which its cost is another.
    cost_changed: usize,
    failed: [u64; 2],
    cost: [Money; 2],
    time_ms: [Quantiles; 2],
}

/// How one item differs.
#[derive(Clone, Debug, Serialize)]
struct ItemChange {
    key: Arc<str>,
    run_ids: [Option<Arc<str>>; 2],
    /// In what: `status`, `output`, `cost`; `presence` where one batch has no such item.
    differs: Vec<&'static str>,
    status: [Option<RunWord>; 2],
    cost: [Option<Money>; 2],
    latency_ms: [Option<f64>; 2],
    /// The steps that differ.
    steps: Vec<ItemStep>,
}

#[derive(Clone, Debug, Serialize)]
struct ItemStep {
    id: Arc<str>,
    differs: Vec<&'static str>,
    status: [StepStatus; 2],
    cost: [Option<Money>; 2],
    latency_ms: [f64; 2],
}

impl BatchDiff {
    /// Compares two batches.
    pub(crate) fn of([a, b]: [&BatchState; 2]) -> Self {
        let begun = |state: &BatchState| -> HashMap<Arc<str>, usize> {
            let items = state.items().iter().enumerate();
            let items = items.filter(|(_, item)| item.status.is_some());
            items
                .map(|(at, item)| (Arc::clone(&item.key), at))
                .collect()
        };
        let (in_a, in_b) = (begun(a), begun(b));
        let steps = Pairs::of([a, b]);
        let mut diff = Self {
            batches: [a, b].map(|state| Arc::clone(&state.header.batch)),
            plans: [a, b].map(|state| Arc::clone(&state.header.plan)),
            items: [a, b].map(BatchState::total),
            cost: [a.cost, b.cost],
            latency_ms: [a.latency_ms(), b.latency_ms()],
            changed: 0,
            same: 0,
            alone: [0, 0],
            steps: steps.changes([a, b]),
            changes: Vec::new(),
        };
        let ends = b.items().iter().enumerate();
        for (at, item) in ends.filter(|(_, item)| item.status.is_some()) {
            let Some(before) = in_a.get(&item.key) else {
                diff.alone[1] += 1;
                diff.changes
                    .push(ItemChange::of([None, Some((b, at))], Vec::new()));
                continue;
            };
            let found = steps.compare([(a, *before), (b, at)], &mut diff.steps);
            let change = ItemChange::of([Some((a, *before)), Some((b, at))], found);
            if change.differs.is_empty() {
                diff.same += 1;
            } else {
                diff.changed += 1;
                diff.changes.push(change);
            }
        }
        let gone = a.items().iter().enumerate();
        let gone = gone.filter(|(_, item)| item.status.is_some() && !in_b.contains_key(&item.key));
        for (at, _) in gone {
            diff.alone[0] += 1;
            diff.changes
                .push(ItemChange::of([Some((a, at)), None], Vec::new()));
        }
        diff
    }

    /// The differences as text, each line ended by a line feed. What it names comes from plans and inputs and is made
    /// safe to print.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let side = |at: usize| {
            format!(
                "{}  {}  {}  {}, half below {}",
                line(&self.batches[at]),
                fit(&line(&self.plans[at]), KEY),
                format::count(self.items[at], "item"),
                self.cost[at],
                time(self.latency_ms[at].p50)
            )
        };
        let _ = writeln!(text, "before  {}\nafter   {}", side(0), side(1));
        let _ = writeln!(
            text,
            "{} changed, {} the same; {} only before, {} only after",
            format::count(self.changed, "item"),
            format::thousands(self.same as u64),
            format::thousands(self.alone[0] as u64),
            format::thousands(self.alone[1] as u64)
        );
        self.steps_in_text(&mut text);
        for change in self.changes.iter().take(LISTED) {
            change.write(&mut text);
        }
        if self.changes.len() > LISTED {
            let more = format::count(self.changes.len() - LISTED, "more item");
            let _ = writeln!(text, "and {more}; --json lists all");
        }
        text
    }

    fn steps_in_text(&self, text: &mut String) {
        let names = self.steps.iter().map(|step| fit(&line(&step.id), STEP));
        let names: Vec<String> = names.collect();
        let wide = names
            .iter()
            .map(|name| width(name))
            .max()
            .unwrap_or(0)
            .max(4);
        if names.is_empty() {
            return;
        }
        let _ = writeln!(
            text,
            "{}  {:>7}  {:>7}  {:>7}  {:>17}  {:>19}  {:>21}",
            pad("STEP", wide),
            "STATUS",
            "OUTPUT",
            "COST",
            "FAILED",
            "HALF BELOW",
            "COST OF ALL"
        );
        for (name, step) in names.iter().zip(&self.steps) {
            let failed = step.failed.map(format::thousands);
            let _ = writeln!(
                text,
                "{}  {:>7}  {:>7}  {:>7}  {:>17}  {:>19}  {:>21}",
                pad(name, wide),
                step.status,
                step.output,
                step.cost_changed,
                format!("{} → {}", failed[0], failed[1]),
                format!(
                    "{} → {}",
                    time(step.time_ms[0].p50),
                    time(step.time_ms[1].p50)
                ),
                format!(
                    "{} → {}",
                    dollars(step.cost[0].usd()),
                    dollars(step.cost[1].usd())
                )
            );
        }
    }
}

impl ItemChange {
    fn of(sides: [Option<(&BatchState, usize)>; 2], steps: Vec<ItemStep>) -> Self {
        let items = sides.map(|side| side.and_then(|(state, at)| state.items().get(at)));
        let status = items.map(|item| item.and_then(|item| item.status));
        let mut differs = Vec::new();
        if items.iter().any(Option::is_none) {
            differs.push("presence");
        } else {
            let of_steps = |what: &str| steps.iter().any(|step| step.differs.contains(&what));
            if status[0] != status[1] || of_steps("status") {
                differs.push("status");
            }
            if of_steps("output") {
                differs.push("output");
            }
            if of_steps("cost") {
                differs.push("cost");
            }
        }
        let key = items.into_iter().flatten().next();
        Self {
            key: key.map(|item| Arc::clone(&item.key)).unwrap_or_default(),
            run_ids: items.map(|item| item.map(|item| Arc::clone(&item.run_id))),
            differs,
            status,
            cost: items.map(|item| item.and_then(|item| item.cost)),
            latency_ms: items.map(|item| item.map(|item| item.latency.ms())),
            steps,
        }
    }

    fn write(&self, text: &mut String) {
        let word = |status: Option<RunWord>| status.map_or("absent", RunWord::word);
        let status = if self.status[0] == self.status[1] {
            word(self.status[1]).to_owned()
        } else {
            format!("{} → {}", word(self.status[0]), word(self.status[1]))
        };
        let _ = writeln!(
            text,
            "  {}  {status}  {}",
            pad(&fit(&line(&self.key), KEY), KEY),
            self.differs.join(", ")
        );
        for step in &self.steps {
            let mut words = step.differs.join(", ");
            if step.status[0] != step.status[1] {
                let [before, after] = step.status.map(StepStatus::word);
                let _ = write!(words, "  {before} → {after}");
            }
            if step.cost[0] != step.cost[1] {
                let [before, after] = step.cost.map(cost_or_unknown);
                let _ = write!(words, "  {before} → {after}");
            }
            let _ = writeln!(
                text,
                "    {}  {words}",
                pad(&fit(&line(&step.id), STEP), STEP)
            );
        }
    }
}

/// The steps that both batches have: their places in each.
struct Pairs(Vec<(Arc<str>, [usize; 2])>);

impl Pairs {
    fn of([a, b]: [&BatchState; 2]) -> Self {
        let mut seen = HashSet::new();
        let place = |id: &Arc<str>| a.header.steps.iter().position(|known| known == id);
        let both = b.header.steps.iter().enumerate();
        let both = both.filter(|(_, id)| seen.insert(Arc::clone(id)));
        let both = both.filter_map(|(at, id)| Some((Arc::clone(id), [place(id)?, at])));
        let known =
            |pair: &(Arc<str>, [usize; 2])| pair.1[0] < a.steps.len() && pair.1[1] < b.steps.len();
        Self(both.filter(known).collect())
    }

    fn changes(&self, states: [&BatchState; 2]) -> Vec<StepChange> {
        let change = |(id, at): &(Arc<str>, [usize; 2])| {
            let steps = [&states[0].steps[at[0]], &states[1].steps[at[1]]];
            StepChange {
                id: Arc::clone(id),
                status: 0,
                output: 0,
                cost_changed: 0,
                failed: steps.map(crate::run::BatchStep::wrong),
                cost: steps.map(|step| step.cost),
                time_ms: steps.map(crate::run::BatchStep::time_ms),
            }
        };
        self.0.iter().map(change).collect()
    }

    /// The steps in which an item differs; counts them.
    fn compare(
        &self,
        [(a, in_a), (b, in_b)]: [(&BatchState, usize); 2],
        counts: &mut [StepChange],
    ) -> Vec<ItemStep> {
        let (before, after) = (a.cells(in_a), b.cells(in_b));
        let mut found = Vec::new();
        for ((id, at), count) in self.0.iter().zip(counts) {
            let (Some(one), Some(other)) = (before.get(at[0]), after.get(at[1])) else {
                continue;
            };
            let sides: [&StepFigures; 2] = [one, other];
            let mut differs = Vec::new();
            if one.status != other.status {
                differs.push("status");
                count.status += 1;
            }
            if one.output != other.output {
                differs.push("output");
                count.output += 1;
            }
            if one.cost != other.cost {
                differs.push("cost");
                count.cost_changed += 1;
            }
            if !differs.is_empty() {
                found.push(ItemStep {
                    id: Arc::clone(id),
                    differs,
                    status: sides.map(|side| side.status),
                    cost: sides.map(|side| side.cost),
                    latency_ms: sides.map(|side| side.service.ms()),
                });
            }
        }
        found
    }
}
