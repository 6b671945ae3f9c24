//! In what two runs differ: what they were made from, place by place, and what equal calls gave.

use super::side::{ASIDE, Called, Document, Side};
use crate::engine::step_behind;
use crate::run::{RunState, StepState, StepStatus};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What a difference is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// A step is only in one plan, or stands otherwise in it.
    Structure,
    /// What a step is called with.
    Input,
    /// What a model is asked with.
    Prompt,
    /// Which model is asked.
    Model,
    /// How a tool is defined.
    Tool,
    /// A script that a tool starts.
    Script,
    /// A context value.
    Context,
    /// What the user gave a step in the run.
    Edit,
    /// What the same call gave.
    Answer,
}

/// One difference.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Difference {
    /// What it is about.
    pub kind: Kind,
    /// Its place in a [`Document`]; `answers` and the step for an answer.
    pub path: Vec<String>,
    /// What the good run has there; `None` for nothing.
    pub good: Option<Value>,
    /// What the bad run has there.
    pub bad: Option<Value>,
}

impl Difference {
    /// What it is, for people: `the prompt of tool classify`.
    pub(crate) fn name(&self) -> String {
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        let line = crate::text::line;
        match path[..] {
            ["steps", step] => format!("step {}", line(step)),
            ["steps", step, field] => format!("`{}` of step {}", line(field), line(step)),
            ["steps", step, _, name] => format!("parameter {} of step {}", line(name), line(step)),
            ["final_synthesis", ..] => "the final synthesis".to_owned(),
            ["tools", tool, "prompt"] => format!("the prompt of tool {}", line(tool)),
            ["tools", tool, "model"] => format!("the model of tool {}", line(tool)),
            ["tools", tool, field] => format!("`{}` of tool {}", line(field), line(tool)),
            ["tools", tool] => format!("tool {}", line(tool)),
            ["scripts", tool, name] => format!("the script {} of tool {}", line(name), line(tool)),
            ["servers", name] => format!("the MCP server {}", line(name)),
            ["context", name] => format!("the context value {}", line(name)),
            ["worker"] => "the worker".to_owned(),
            ["edits", row, what] => {
                format!("the {} that the user gave step {}", line(what), line(row))
            }
            ["answers", step] => format!("what the same call of step {} gave", line(step)),
            _ => path.join(" "),
        }
    }
}

/// All differences between two runs.
pub(super) fn between(good: &Side, bad: &Side, called: &Called) -> Vec<Difference> {
    let mut found = Found(Vec::new());
    let (one, other) = (&good.document.0, &bad.document.0);
    found.steps(&one["steps"], &other["steps"]);
    found.members(
        &["final_synthesis"],
        &one["final_synthesis"],
        &other["final_synthesis"],
    );
    found.tools(&one["tools"], &other["tools"]);
    for (tool, [scripts, others]) in both(&one["scripts"], &other["scripts"]) {
        for (name, [a, b]) in both(scripts, others) {
            if a["digest"] != b["digest"] {
                found.add(&["scripts", tool, name], Some(a), Some(b));
            }
        }
    }
    for (name, [a, b]) in both(&one["servers"], &other["servers"]) {
        found.at(&["servers", name], Some(a), Some(b));
    }
    found.each(&["context"], &one["context"], &other["context"]);
    found.at(&["worker"], one.get("worker"), other.get("worker"));
    for row in names([&one["edits"], &other["edits"]]) {
        found.each(&["edits", row], &one["edits"][row], &other["edits"][row]);
    }
    found.answers(good, bad, called);
    found.0
}

/// Collects differences.
struct Found(Vec<Difference>);

impl Found {
    fn add(&mut self, path: &[&str], good: Option<&Value>, bad: Option<&Value>) {
        self.0.push(Difference {
            kind: kind(path),
            path: path.iter().map(|part| (*part).to_owned()).collect(),
            good: good.cloned(),
            bad: bad.cloned(),
        });
    }

    /// A place: a difference where the values are not equal. Null is nothing.
    fn at(&mut self, path: &[&str], good: Option<&Value>, bad: Option<&Value>) {
        let [good, bad] = [good, bad].map(|value| value.filter(|value| !value.is_null()));
        if good != bad {
            self.add(path, good, bad);
        }
    }

    /// Every member of two objects, of which each may be nothing.
    fn each(&mut self, path: &[&str], good: &Value, bad: &Value) {
        for name in names([good, bad]) {
            let place: Vec<&str> = path.iter().copied().chain([name]).collect();
            self.at(&place, good.get(name), bad.get(name));
        }
    }

    /// Every member of two objects; the whole where one is none.
    fn members(&mut self, path: &[&str], good: &Value, bad: &Value) {
        if good.is_object() && bad.is_object() {
            self.each(path, good, bad);
        } else {
            self.at(path, Some(good), Some(bad));
        }
    }

    fn steps(&mut self, good: &Value, bad: &Value) {
        for step in names([good, bad]) {
            let (Some(a), Some(b)) = (good.get(step), bad.get(step)) else {
                self.at(&["steps", step], good.get(step), bad.get(step));
                continue;
            };
            for field in names([a, b]) {
                match field {
                    "parameters" => {
                        let path = ["steps", step, field];
                        self.members(&path, &a["parameters"], &b["parameters"]);
                    }
                    // It decides nothing.
                    "description" => {}
                    _ => self.at(&["steps", step, field], a.get(field), b.get(field)),
                }
            }
        }
    }

    /// Tools of both catalogs; one that only one of them has is called by a step that differs.
    fn tools(&mut self, good: &Value, bad: &Value) {
        for (tool, [a, b]) in both(good, bad) {
            if a["type"] != b["type"] {
                self.add(&["tools", tool], Some(a), Some(b));
                continue;
            }
            for field in names([a, b])
                .into_iter()
                .filter(|field| !ASIDE.contains(field))
            {
                self.at(&["tools", tool, field], a.get(field), b.get(field));
            }
        }
    }

    /// Calls that were the same in both runs and gave different answers, by step.
    fn answers(&mut self, good: &Side, bad: &Side, called: &Called) {
        let known = calls(&good.state);
        let other = calls(&bad.state);
        for (step, rows) in &known {
            let Some(others) = other.get(step) else {
                continue;
            };
            if good.document.call_of(step, called) != bad.document.call_of(step, called) {
                continue;
            }
            let differs = rows.iter().find_map(|row| {
                let own = others
                    .iter()
                    .find(|other| other.info.id == row.info.id && other.input() == row.input());
                let same =
                    own.or_else(|| others.iter().find(|other| other.input() == row.input()))?;
                let (a, b) = (answer(row), answer(same));
                (a != b).then_some((a, b))
            });
            if let Some((a, b)) = differs {
                self.add(&["answers", step], Some(&a), Some(&b));
            }
        }
    }
}

/// The rows of a run that were called, by the plan's steps behind them.
fn calls(run: &RunState) -> BTreeMap<&str, Vec<&StepState>> {
    let mut calls: BTreeMap<&str, Vec<&StepState>> = BTreeMap::new();
    for row in &run.steps {
        let has_ended = row.made().is_some() || row.status == StepStatus::Failed;
        if row.input().is_some() && row.caller.is_none() && !row.is_expanded() && has_ended {
            let step = step_behind(run, row);
            calls.entry(&step.info.id).or_default().push(row);
        }
    }
    calls
}

/// What a call gave, with an error in place of an output.
fn answer(row: &StepState) -> Value {
    match row.made() {
        Some(made) => Value::clone(made),
        None => json!({"error": row.error.as_ref().map(|error| &error.message)}),
    }
}

fn kind(path: &[&str]) -> Kind {
    match path {
        ["steps", _, "parameters", ..] | ["edits", _, "input"] => Kind::Input,
        ["steps" | "tools" | "edits", _, "model"] | ["worker"] => Kind::Model,
        ["tools" | "edits", _, "prompt"] | ["final_synthesis", ..] => Kind::Prompt,
        ["tools" | "servers", ..] => Kind::Tool,
        ["scripts", ..] => Kind::Script,
        ["context", ..] => Kind::Context,
        ["edits", ..] => Kind::Edit,
        ["answers", ..] => Kind::Answer,
        _ => Kind::Structure,
    }
}

/// The names of the members of both, those of the first first.
fn names([one, other]: [&Value; 2]) -> Vec<&str> {
    let mut names: Vec<&str> = members(one).map(|(name, _)| name).collect();
    let more = members(other).map(|(name, _)| name);
    names.extend(more.filter(|name| one.get(*name).is_none()));
    names
}

/// The members that both have.
fn both<'v>(one: &'v Value, other: &'v Value) -> Vec<(&'v str, [&'v Value; 2])> {
    let members = members(one);
    members
        .filter_map(|(name, value)| Some((name, [value, other.get(name)?])))
        .collect()
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let members = value.as_object().into_iter().flatten();
    members.map(|(name, value)| (name.as_str(), value))
}

/// The good run's document with these differences of the bad one. What only the bad one has and nothing of the good one
/// would use is there already.
pub(super) fn with<'d>(
    good: &Document,
    bad: &Document,
    differences: impl Iterator<Item = &'d Difference>,
) -> Document {
    let mut document = good.0.clone();
    for place in ["tools", "scripts", "servers"] {
        for (name, value) in members(&bad.0[place]) {
            if document[place].get(name).is_none() {
                document[place][name] = value.clone();
            }
        }
    }
    let known = document["order"].as_array().cloned().unwrap_or_default();
    let more = bad.0["order"].as_array().into_iter().flatten();
    let more: Vec<Value> = more.filter(|step| !known.contains(step)).cloned().collect();
    document["order"] = known.into_iter().chain(more).collect();
    for difference in differences {
        put(&mut document, &difference.path, difference.bad.as_ref());
    }
    Document(document)
}

/// Puts a value in its place, or takes away what is there.
fn put(document: &mut Value, path: &[String], value: Option<&Value>) {
    let Some((last, before)) = path.split_last() else {
        return;
    };
    let mut place = document;
    for name in before {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        let Some(members) = place.as_object_mut() else {
            return;
        };
        place = members
            .entry(name)
            .or_insert_with(|| Value::Object(Map::new()));
    }
    match (value, place) {
        (Some(value), place) => {
            if !place.is_object() {
                *place = Value::Object(Map::new());
            }
            place[last.as_str()] = value.clone();
        }
        (None, Value::Object(members)) => drop(members.shift_remove(last)),
        (None, _) => {}
    }
}
