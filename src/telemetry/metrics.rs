//! Figures of all runs of this process, as metrics: those of the GenAI conventions, and our own.

use crate::report::otlp::{Call, PlanSpan, attribute};
use crate::units::{Money, Tokens};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The bounds of durations in seconds, by the conventions.
const SECONDS: &[f64] = &[
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];
/// The bounds of counts of tokens, by the conventions.
const TOKENS: &[f64] = &[
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];

/// What tells the points of a metric apart: names and values.
type Key = Vec<(&'static str, String)>;

/// The figures so far.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    durations: BTreeMap<Key, Histogram>,
    tokens: BTreeMap<Key, Histogram>,
    costs: BTreeMap<Key, f64>,
    steps: BTreeMap<Key, u64>,
    runs: BTreeMap<Key, u64>,
    /// Running attempts, and steps that wait for a slot or for something else, of all live runs.
    now: (i64, i64),
}

#[derive(Debug, Default)]
struct Histogram {
    count: u64,
    sum: f64,
    least: f64,
    most: f64,
    buckets: Vec<u64>,
}

impl Histogram {
    fn add(&mut self, value: f64, bounds: &[f64]) {
        self.buckets.resize(bounds.len() + 1, 0);
        // A bound belongs to the bucket below it.
        self.buckets[bounds.partition_point(|bound| *bound < value)] += 1;
        self.least = if self.count == 0 {
            value
        } else {
            self.least.min(value)
        };
        self.most = if self.count == 0 {
            value
        } else {
            self.most.max(value)
        };
        self.sum += value;
        self.count += 1;
    }
}

impl Metrics {
    /// Takes in an attempt that has ended.
    pub(super) fn call(&mut self, call: &Call<'_>) {
        let Some(end) = call.end else {
            return;
        };
        let mut key: Key = vec![("gen_ai.operation.name", call.operation().to_owned())];
        if call.is_model {
            key.extend(
                call.provider
                    .map(|name| ("gen_ai.provider.name", name.to_owned())),
            );
            key.extend(
                call.model
                    .map(|name| ("gen_ai.request.model", name.to_owned())),
            );
        } else {
            key.push(("gen_ai.tool.name", call.tool.to_owned()));
        }
        let error = end.error.as_ref().map(|error| error.kind.word());
        let service = end.service.seconds();
        self.ended(key, (end.cost, end.tokens.as_deref(), error), service);
    }

    /// Takes in a plan that was written, or that could not be.
    pub(super) fn plan(&mut self, plan: &PlanSpan<'_>) {
        let mut key: Key = vec![("gen_ai.operation.name", "plan".to_owned())];
        if let Some((provider, model)) = plan.model() {
            key.push(("gen_ai.provider.name", provider.to_owned()));
            key.push(("gen_ai.request.model", model.to_owned()));
        }
        let error = plan.outcome.as_ref().err().map(|(kind, _)| *kind);
        let end = (plan.cost, plan.tokens.as_ref(), error);
        self.ended(key, end, plan.took.as_secs_f64());
    }

    /// Takes in what ended with this cost, these tokens and this kind of error, after so many seconds.
    fn ended(
        &mut self,
        mut key: Key,
        (cost, tokens, error): (Option<Money>, Option<&Tokens>, Option<&str>),
        seconds: f64,
    ) {
        if let Some(cost) = cost.filter(|cost| !cost.is_zero()) {
            *self.costs.entry(key.clone()).or_default() += cost.usd();
        }
        if let Some(tokens) = tokens {
            for (kind, count) in [("input", tokens.input), ("output", tokens.output)] {
                let mut key = key.clone();
                key.push(("gen_ai.token.type", kind.to_owned()));
                self.tokens
                    .entry(key)
                    .or_default()
                    .add(count as f64, TOKENS);
            }
        }
        key.extend(error.map(|kind| ("error.type", kind.to_owned())));
        self.durations.entry(key).or_default().add(seconds, SECONDS);
    }

    /// Takes in a step that has ended with this status.
    pub(super) fn step(&mut self, status: &str) {
        let key = vec![("plandeck.status", status.to_owned())];
        *self.steps.entry(key).or_default() += 1;
    }

    /// Takes in a run that has ended with this status.
    pub(super) fn run(&mut self, status: &str) {
        let key = vec![("plandeck.status", status.to_owned())];
        *self.runs.entry(key).or_default() += 1;
    }

    /// So many more attempts are running, and so many more steps wait.
    pub(super) fn now(&mut self, running: i64, waiting: i64) {
        self.now.0 += running;
        self.now.1 += waiting;
    }

    /// As OTLP has them: `from` and `until` are in nanoseconds since 1970.
    pub(super) fn to_json(&self, from: u128, until: u128) -> Vec<Value> {
        let times = [from.to_string(), until.to_string()];
        let point = |key: &Key, rest: Value| {
            let about = key.iter().map(|(name, value)| attribute(name, value));
            let mut point = json!({
                "attributes": about.collect::<Vec<_>>(),
                "startTimeUnixNano": times[0],
                "timeUnixNano": times[1],
            });
            if let (Some(point), Value::Object(rest)) = (point.as_object_mut(), rest) {
                point.extend(rest);
            }
            point
        };
        let histogram = |name, unit, words, all: &BTreeMap<Key, Histogram>, bounds: &[f64]| {
            let points = all.iter().map(|(key, one)| {
                let buckets = one.buckets.iter().map(u64::to_string);
                point(key, json!({
                    "count": one.count.to_string(), "sum": one.sum, "min": one.least, "max": one.most,
                    "bucketCounts": buckets.collect::<Vec<_>>(), "explicitBounds": bounds,
                }))
            });
            let points: Vec<Value> = points.collect();
            metric(
                name,
                unit,
                words,
                "histogram",
                points,
                json!({"aggregationTemporality": 2}),
            )
        };
        let sum = |name, unit, words, points: Vec<Value>, is_monotonic: bool| {
            let more = json!({"aggregationTemporality": 2, "isMonotonic": is_monotonic});
            metric(name, unit, words, "sum", points, more)
        };
        let counts = |all: &BTreeMap<Key, u64>| {
            let points = all
                .iter()
                .map(|(key, count)| point(key, json!({"asInt": count.to_string()})));
            points.collect()
        };
        let now = |count: i64| vec![point(&Key::new(), json!({"asInt": count.to_string()}))];
        let costs = self
            .costs
            .iter()
            .map(|(key, cost)| point(key, json!({"asDouble": cost})));
        let all = [
            histogram(
                "gen_ai.client.operation.duration",
                "s",
                "how long calls of models and tools took",
                &self.durations,
                SECONDS,
            ),
            histogram(
                "gen_ai.client.token.usage",
                "{token}",
                "tokens of model calls",
                &self.tokens,
                TOKENS,
            ),
            sum(
                "plandeck.cost",
                "USD",
                "what calls cost",
                costs.collect(),
                true,
            ),
            sum(
                "plandeck.steps",
                "{step}",
                "steps that ended, by status",
                counts(&self.steps),
                true,
            ),
            sum(
                "plandeck.runs",
                "{run}",
                "runs that ended, by status",
                counts(&self.runs),
                true,
            ),
            sum(
                "plandeck.attempts.running",
                "{attempt}",
                "attempts that are running",
                now(self.now.0),
                false,
            ),
            sum(
                "plandeck.steps.ready",
                "{step}",
                "steps that could start and wait",
                now(self.now.1),
                false,
            ),
        ];
        all.into_iter().flatten().collect()
    }
}

/// A metric; `None` where it has no points.
fn metric(
    name: &str,
    unit: &str,
    words: &str,
    kind: &str,
    points: Vec<Value>,
    more: Value,
) -> Option<Value> {
    if points.is_empty() {
        return None;
    }
    let mut data = more;
    data["dataPoints"] = Value::Array(points);
    Some(json!({"name": name, "unit": unit, "description": words, kind: data}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_the_bucket_below_it() {
        let mut histogram = Histogram::default();
        for value in [0.5, 1.0, 1.5, 4.0, 100.0] {
            histogram.add(value, &[1.0, 4.0]);
        }
        assert_eq!(histogram.buckets, [2, 2, 1]);
        let figures = (
            histogram.count,
            histogram.least,
            histogram.most,
            histogram.sum,
        );
        assert_eq!(figures, (5, 0.5, 100.0, 107.0));
    }

    #[test]
    fn metrics_without_points_are_left_out() {
        let mut metrics = Metrics::default();
        metrics.step("succeeded");
        metrics.step("succeeded");
        metrics.now(3, 1);
        metrics.now(-1, 0);
        let all = metrics.to_json(1, 2);
        let names: Vec<&str> = all.iter().filter_map(|one| one["name"].as_str()).collect();
        assert_eq!(
            names,
            [
                "plandeck.steps",
                "plandeck.attempts.running",
                "plandeck.steps.ready"
            ]
        );
        assert_eq!(all[0]["sum"]["dataPoints"][0]["asInt"], "2");
        assert_eq!(all[1]["sum"]["dataPoints"][0]["asInt"], "2");
    }
}
