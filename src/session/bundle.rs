//! A bundle: a recorded run as a plan that anyone can run again, offline.
//!
//! Everything that reached outside (models, servers, programs) becomes a `recorded` tool, which gives what it gave then;
//! what only computes runs again. What came out is in the plan too, so that a later run can be compared with it.

use super::error::SessionError;
use super::literal_input::literal_input;
use super::load::Loaded;
use crate::plan::{ExecutionPlan, FUNCTION_CALL, Step, parse};
use crate::run::{AttemptState, RunState, SkipReason, StepSource, StepState, StepStatus};
use crate::tools::{RecordedCall, RecordedError, written_tool};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// A recorded run as a plan.
#[derive(Clone, Debug)]
pub(crate) struct Bundle {
    /// The plan, with its tools, its context and what came out.
    pub value: Value,
    /// Its steps.
    pub steps: usize,
    /// The recorded calls.
    pub calls: usize,
    /// What the bundle cannot carry over, a line each.
    pub notes: Vec<String>,
}

/// What is gathered for the plan of a bundle.
struct Gathered<'a> {
    run: &'a RunState,
    loaded: &'a Loaded,
    kept: HashSet<Arc<str>>,
    context: Map<String, Value>,
    /// The recorded calls by the names of tools.
    calls: BTreeMap<String, Vec<RecordedCall>>,
    /// The tools that run again.
    tools: Map<String, Value>,
    notes: Vec<String>,
}

impl Bundle {
    /// The bundle of a run, of which `loaded` is the plan; with `step` of that step and all that it depends on.
    ///
    /// # Errors
    /// Where the plan has no such step, or cannot be written as one that stands alone.
    pub(crate) fn of(
        run: &RunState,
        loaded: &Loaded,
        step: Option<&str>,
    ) -> Result<Self, SessionError> {
        let plan = &loaded.plan;
        let header = run.header.as_deref();
        let context = header
            .and_then(|header| header.context.as_object())
            .cloned();
        let mut gathered = Gathered {
            run,
            loaded,
            kept: kept(plan, step)?,
            context: context.unwrap_or_default(),
            calls: BTreeMap::new(),
            tools: Map::new(),
            notes: Vec::new(),
        };
        let mut steps = Vec::new();
        let kept: Vec<&Step> = plan
            .steps
            .iter()
            .filter(|one| gathered.kept.contains(&one.id))
            .collect();
        for one in kept {
            steps.push(gathered.step(one));
        }
        let run_id = header.map_or("", |header| &header.run_id);
        let calls = gathered.calls.values().map(Vec::len).sum();
        let mut tools = std::mem::take(&mut gathered.tools);
        for (name, calls) in &gathered.calls {
            tools.insert(name.clone(), gathered.recorded_tool(name, calls));
        }
        let mut value = json!({
            "name": plan.name,
            "metadata": {"bundle": {"run_id": run_id, "step": step, "expected": gathered.expected()}},
            "context": {},
            "tools": tools,
            "steps": steps,
        });
        let steps = steps_of(&value);
        value["context"] = Value::Object(gathered.needed_context(&value)?);
        Ok(Self {
            value,
            steps,
            calls,
            notes: gathered.notes,
        })
    }
}

impl Bundle {
    /// A name for its file, after the plan and the step.
    pub(crate) fn file_name(&self) -> String {
        let step = self
            .value
            .pointer("/metadata/bundle/step")
            .and_then(Value::as_str);
        let name = self.value["name"].as_str().unwrap_or("run");
        let name = step.map_or_else(|| name.to_owned(), |step| format!("{name}-{step}"));
        let name: String = name
            .chars()
            .map(|c| {
                if c.is_alphanumeric() || matches!(c, '_' | '-') {
                    c
                } else {
                    '-'
                }
            })
            .take(60)
            .collect();
        format!("{}.bundle.json", name.trim_matches('-'))
    }

    /// Its text.
    pub(crate) fn text(&self) -> String {
        serde_json::to_string_pretty(&self.value).unwrap_or_default() + "\n"
    }
}

fn steps_of(value: &Value) -> usize {
    value["steps"].as_array().map_or(0, Vec::len)
}

/// The ids of the steps that `step` depends on, and its own; of all steps without one.
fn kept(plan: &ExecutionPlan, step: Option<&str>) -> Result<HashSet<Arc<str>>, SessionError> {
    let Some(step) = step else {
        return Ok(plan.steps.iter().map(|step| Arc::clone(&step.id)).collect());
    };
    let (step, _) = super::changes::find(plan, step)?;
    let mut kept = HashSet::new();
    let mut open = vec![step];
    while let Some(step) = open.pop() {
        if kept.insert(Arc::clone(&step.id)) {
            open.extend(step.depends_on.iter().filter_map(|&ix| plan.step(ix)));
        }
    }
    Ok(kept)
}

impl Gathered<'_> {
    /// A step of the bundle's plan; its calls are gathered.
    fn step(&mut self, step: &Step) -> Value {
        let mut value = self.loaded.plan.step_value(step);
        let rows = rows_of(self.run, &step.id);
        let attempts = rows
            .iter()
            .map(|row| calls_of(row).len())
            .max()
            .unwrap_or(0);
        let failed = rows.iter().any(|row| calls_of(row).iter().any(has_failed));
        if failed {
            // Nobody waits between attempts that are on record.
            value.insert(
                "retry_policy".to_owned(),
                json!({"retries": attempts.max(1), "backoff_s": 0}),
            );
        }
        // Whoever asked has been answered.
        value.shift_remove("approve");
        let own = rows.iter().find(|row| row.info.parent.is_none()).copied();
        if own.is_some_and(|row| row.reason == Some(SkipReason::User) && row.skipped_by_hand) {
            value.insert("run_if".to_owned(), json!("false"));
        }
        if let Some(given) = own.and_then(|row| row.given.as_ref()) {
            let parameters = self.given(&step.id, given);
            value.insert("parameters".to_owned(), parameters);
        }
        let supplied = own.is_some_and(|row| row.source == Some(StepSource::Mock));
        if supplied && let Some(output) = own.and_then(|row| row.output.clone()) {
            let name = format!("supplied_{}", step.id);
            self.calls
                .entry(name.clone())
                .or_default()
                .push(RecordedCall {
                    output: Some(output),
                    ..RecordedCall::of(&step.id, 1)
                });
            value.insert("tool".to_owned(), json!(name));
            value.insert("parameters".to_owned(), json!({}));
            value.shift_remove("for_each");
            return Value::Object(value);
        }
        self.calls_of_step(step, &rows);
        Value::Object(value)
    }

    /// The parameters that give a step the input that the user gave it: values are not taken for references.
    fn given(&mut self, id: &str, given: &Value) -> Value {
        let Value::Object(members) = given else {
            self.notes.push(format!(
                "step {id}: its input was set to a value that is not an object"
            ));
            return json!({});
        };
        let id = id.replace(|c: char| !c.is_alphanumeric(), "_");
        let (parameters, context) = literal_input(members, &format!("given_{id}"));
        self.context.extend(context);
        Value::Object(parameters)
    }

    /// Gathers what the calls of a step gave, or the tool that makes them again.
    fn calls_of_step(&mut self, step: &Step, rows: &[&StepState]) {
        let mut names: HashSet<String> = HashSet::from([step.tool.to_string()]);
        if &*step.tool == FUNCTION_CALL {
            let called = rows.iter().filter_map(|row| row.input());
            names = called
                .filter_map(|input| Some(input.to_value()["name"].as_str()?.to_owned()))
                .collect();
        }
        names.retain(|name| !self.runs_again(name));
        if names.is_empty() {
            return;
        }
        for row in rows {
            for (name, call) in recorded(row, &step.tool) {
                if names.contains(&name) {
                    self.calls.entry(name).or_default().push(call);
                }
            }
        }
        for name in names {
            self.calls.entry(name).or_default();
        }
    }

    /// Whether calls of a tool are made again; its definition is then part of the bundle.
    fn runs_again(&mut self, name: &str) -> bool {
        match self.loaded.catalog().get(name) {
            Some(definition) => match written_tool(definition) {
                Some(tool) => {
                    self.tools.insert(name.to_owned(), tool);
                    true
                }
                None => false,
            },
            None => name == "code_exec",
        }
    }

    fn recorded_tool(&self, name: &str, calls: &[RecordedCall]) -> Value {
        let mut tool = json!({"type": "recorded", "calls": calls});
        if let Some(definition) = self.loaded.catalog().get(name) {
            tool["description"] = json!(definition.description);
            for (field, schema) in [
                ("input_schema", &definition.input_schema),
                ("output_schema", &definition.output_schema),
            ] {
                if let Some(schema) = schema {
                    tool[field] = json!(schema);
                }
            }
        }
        tool
    }

    /// What came out, by the ids of the rows: of those that have ended by themselves.
    fn expected(&self) -> Value {
        let mut expected = Map::new();
        for row in &self.run.steps {
            let owner = match row.info.parent {
                Some(parent) => self.run.steps.get(parent.at()).map(|row| &row.info.id),
                None => Some(&row.info.id),
            };
            if !owner.is_some_and(|id| self.kept.contains(id)) {
                continue;
            }
            let is_expected = match row.status {
                StepStatus::Succeeded | StepStatus::Failed => true,
                StepStatus::Skipped => {
                    row.reason != Some(SkipReason::Limit)
                        && (row.reason != Some(SkipReason::User) || row.skipped_by_hand)
                }
                _ => false,
            };
            if !is_expected {
                continue;
            }
            let mut value = json!({"status": row.status.word()});
            if let Some(output) = row
                .output
                .as_ref()
                .filter(|_| row.status == StepStatus::Succeeded)
            {
                value["output"] = json!(output);
            }
            if let Some(error) = row
                .error
                .as_ref()
                .filter(|_| row.status == StepStatus::Failed)
            {
                value["error"] = json!(error.message);
            }
            expected.insert(row.info.id.to_string(), value);
        }
        Value::Object(expected)
    }

    /// The context values that the plan of the bundle refers to.
    fn needed_context(&self, value: &Value) -> Result<Map<String, Value>, SessionError> {
        let draft = parse("the bundle", value.to_string().as_bytes())?;
        let plan = draft.check(None, None)?;
        let names = plan.context_names.iter();
        let known =
            names.filter_map(|name| Some((name.to_string(), self.context.get(&**name)?.clone())));
        Ok(known.collect())
    }
}

/// The rows of a step: its own, and those of its elements.
fn rows_of<'a>(run: &'a RunState, id: &str) -> Vec<&'a StepState> {
    let is_own = |row: &&StepState| row.info.parent.is_none() && &*row.info.id == id;
    let Some(at) = run.steps.iter().position(|row| is_own(&row)) else {
        return Vec::new();
    };
    let rows = run.steps.iter().enumerate();
    let rows = rows
        .filter(|(ix, row)| *ix == at || row.info.parent.is_some_and(|parent| parent.at() == at));
    rows.map(|(_, row)| row).collect()
}

/// The attempts that led to what the row has now: the last, and those before it that were made again because of their
/// error.
fn calls_of(row: &StepState) -> &[AttemptState] {
    let attempts: &[AttemptState] = &row.attempts;
    let mut first = attempts.len().saturating_sub(1);
    while first > 0 {
        let before = attempts[first - 1].end.as_ref();
        if before.is_none_or(|(_, end)| end.retry_in.is_none()) {
            break;
        }
        first -= 1;
    }
    attempts.get(first..).unwrap_or_default()
}

fn has_failed(attempt: &AttemptState) -> bool {
    attempt
        .end
        .as_ref()
        .is_some_and(|(_, end)| end.error.is_some())
}

/// The calls of a row with the names of the tools that made them.
fn recorded(row: &StepState, tool: &Arc<str>) -> Vec<(String, RecordedCall)> {
    let id = &row.info.id;
    let attempts = calls_of(row);
    let made = row.made();
    // An output that was taken over has no call; its input is not on record.
    if attempts.is_empty() {
        let output = row
            .output
            .clone()
            .filter(|_| row.elements().is_empty() && !row.is_expanded());
        let call = output.map(|output| RecordedCall {
            output: Some(output),
            ..RecordedCall::of(id, 1)
        });
        return call
            .into_iter()
            .map(|call| (tool.to_string(), call))
            .collect();
    }
    let last = attempts.len() - 1;
    let calls = attempts.iter().zip(1..).enumerate();
    let calls = calls.filter_map(|(at, (attempt, number))| {
        let (_, end) = attempt.end.as_ref()?;
        let input = Value::clone(&attempt.input.to_value());
        let (name, input) = match input.get("name").and_then(Value::as_str) {
            Some(name) if &**tool == FUNCTION_CALL => (
                name.to_owned(),
                input.get("args").cloned().unwrap_or_else(|| json!({})),
            ),
            _ => (tool.to_string(), input),
        };
        let output = made.filter(|_| at == last).cloned();
        // What an expectation has refused was made all the same.
        let error = end.error.as_ref().filter(|_| output.is_none());
        Some((
            name,
            RecordedCall {
                input: row.given.is_none().then(|| Arc::new(input)),
                output,
                error: error.map(|error| RecordedError {
                    kind: error.kind,
                    message: Arc::clone(&error.message),
                    retryable: error.retryable,
                }),
                model: end.model.clone(),
                tokens: end.tokens.as_deref().copied(),
                prompt: end.prompt.clone(),
                answer: end.answer.clone(),
                ..RecordedCall::of(id, number)
            },
        ))
    });
    calls.collect()
}
