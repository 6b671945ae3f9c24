//! The steps of a workflow, and what each waits for.

use crate::import::plans::place::Place;
use crate::text::message::quote;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// A step as it is written.
pub(super) struct Written {
    pub name: String,
    /// Its other name.
    pub id: Option<String>,
    pub step: Value,
    pub place: Place,
    /// The positions of the steps that it waits for.
    pub depends_on: Vec<usize>,
}

/// The steps of a workflow in an order in which each comes after what it waits for, and what is wrong with that.
pub(super) struct Ordered {
    pub steps: Vec<Written>,
    pub faults: Vec<(Place, String)>,
}

/// Reads the steps of a workflow.
pub(super) fn ordered(root: &Value) -> Ordered {
    let place = Place::default().field("steps");
    let mut groups: Vec<Vec<Written>> = Vec::new();
    let mut is_graph = root["type"] == "graph" || root["steps"].is_object();
    let mut count = 0;
    match &root["steps"] {
        Value::Array(list) => {
            for (at, item) in list.iter().enumerate() {
                let place = place.item(at);
                let group = match item {
                    Value::Array(inner) => {
                        let inner = inner.iter().enumerate();
                        inner
                            .map(|(at, step)| written(step, None, place.item(at), &mut count))
                            .collect()
                    }
                    step => vec![written(step, None, place, &mut count)],
                };
                groups.push(group);
            }
        }
        Value::Object(members) => {
            for (name, step) in members {
                groups.push(vec![written(
                    step,
                    Some(name),
                    place.field(name),
                    &mut count,
                )]);
            }
        }
        _ => {}
    }
    // Before there were types, steps were a graph.
    let has_depends = groups
        .iter()
        .flatten()
        .any(|step| step.step.get("depends").is_some());
    is_graph |= root.get("type").is_none() && has_depends;
    let mut steps = Vec::new();
    let mut before: Vec<usize> = Vec::new();
    for group in groups {
        let first = steps.len();
        for mut step in group {
            if !is_graph {
                step.depends_on.clone_from(&before);
            }
            steps.push(step);
        }
        if steps.len() > first {
            before = (first..steps.len()).collect();
        }
    }
    let mut faults = Vec::new();
    named(&mut steps, &mut faults);
    Ordered {
        steps: sorted(steps),
        faults,
    }
}

fn written(step: &Value, name: Option<&str>, place: Place, count: &mut usize) -> Written {
    *count += 1;
    let step = match step {
        Value::Object(_) => step.clone(),
        Value::String(text) => json!({"command": text}),
        _ => Value::Object(Map::new()),
    };
    let text = |field: &str| {
        let text = step[field].as_str().map(str::trim);
        text.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let own = name.map(str::to_owned).or_else(|| text("name"));
    let id = text("id");
    let name = own
        .or_else(|| id.clone())
        .unwrap_or_else(|| format!("step-{count}"));
    Written {
        name,
        id,
        step,
        place,
        depends_on: Vec::new(),
    }
}

/// Adds what steps name in `depends`.
fn named(steps: &mut [Written], faults: &mut Vec<(Place, String)>) {
    let mut known: HashMap<String, usize> = HashMap::new();
    for (at, step) in steps.iter().enumerate() {
        known.entry(step.name.clone()).or_insert(at);
        if let Some(id) = &step.id {
            known.entry(id.clone()).or_insert(at);
        }
    }
    for (at, step) in steps.iter_mut().enumerate() {
        let names: Vec<&str> = match &step.step["depends"] {
            Value::String(name) => vec![name],
            Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        for name in names {
            match known.get(name.trim()) {
                Some(needed) if *needed != at && !step.depends_on.contains(needed) => {
                    step.depends_on.push(*needed);
                }
                Some(_) => {}
                None => faults.push((
                    step.place.field("depends"),
                    format!("{} is no step, and nothing waits for it", quote(name, 80)),
                )),
            }
        }
    }
}

/// Each after what it waits for; steps in a circle stay where they are, and the check of the plan names the circle.
fn sorted(steps: Vec<Written>) -> Vec<Written> {
    let mut order: Vec<usize> = Vec::with_capacity(steps.len());
    let mut is_placed = vec![false; steps.len()];
    let mut waits: Vec<usize> = steps.iter().map(|step| step.depends_on.len()).collect();
    let mut followers: Vec<Vec<usize>> = vec![Vec::new(); steps.len()];
    for (at, step) in steps.iter().enumerate() {
        for needed in &step.depends_on {
            followers[*needed].push(at);
        }
    }
    let mut ready: std::collections::BTreeSet<usize> =
        (0..steps.len()).filter(|at| waits[*at] == 0).collect();
    while let Some(next) = ready.pop_first() {
        is_placed[next] = true;
        order.push(next);
        for follower in &followers[next] {
            waits[*follower] -= 1;
            if waits[*follower] == 0 {
                ready.insert(*follower);
            }
        }
    }
    order.extend((0..steps.len()).filter(|at| !is_placed[*at]));
    let mut positions = vec![0; order.len()];
    for (new, old) in order.iter().enumerate() {
        positions[*old] = new;
    }
    let mut steps: Vec<Option<Written>> = steps.into_iter().map(Some).collect();
    let mut sorted = Vec::with_capacity(order.len());
    for old in order {
        if let Some(mut step) = steps[old].take() {
            for needed in &mut step.depends_on {
                *needed = positions[*needed];
            }
            sorted.push(step);
        }
    }
    sorted
}
