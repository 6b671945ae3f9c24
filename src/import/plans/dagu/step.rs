//! The steps of a workflow, one after the other.

use super::command::{self, continue_on, lenient};
use super::conditions::{Asked, both, met};
use super::order::Written;
use super::outputs::{named_outputs, own_output, plain};
use super::params::{folder, parameters, text_of};
use super::script::Names;
use super::surroundings::{Surroundings, Variable, environment};
use super::variables::mentions;
use super::{executors, left_out};
use crate::import::plans::builder::PlanBuilder;
use crate::import::plans::source::Document;
use crate::import::plans::template::Part;
use crate::text::message::quote;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// How a workflow ended.
#[derive(Default)]
pub(super) struct Ended {
    /// The captured outputs by the names of their variables.
    pub outputs: BTreeMap<String, Part>,
    /// The steps that nothing in it waits for.
    pub last: Vec<String>,
}

impl Call {
    /// Whether it cannot be called.
    pub(super) const fn is_refused(&self) -> bool {
        self.refused.is_some()
    }
}

/// The steps of a workflow.
pub(super) struct StepMaker<'s> {
    document: &'s Document,
    steps: &'s [Written],
    ids: &'s [String],
    around: Surroundings,
    /// What the first steps wait for, and what decides whether they run.
    start: (Vec<String>, Option<String>),
    done: Vec<Made>,
}

/// What became of a step.
pub(super) enum Next {
    /// It is in the plan.
    Made,
    /// It calls a workflow.
    Call(Box<Call>),
}

/// A call of a workflow.
pub(super) struct Call {
    pub name: String,
    /// What the ids of its steps begin with.
    pub prefix: String,
    pub given: BTreeMap<String, Part>,
    pub after: Vec<String>,
    pub run_if: Option<String>,
    /// The variable that its outputs are called by.
    output: Option<String>,
    /// The outputs of the steps before.
    outputs: BTreeMap<String, Part>,
    /// Why it cannot be called.
    refused: Option<String>,
}

/// A step that was made.
#[derive(Clone, Default)]
struct Made {
    /// The steps that have to be waited for.
    ends: Vec<String>,
    /// Its outputs and those of the steps before.
    outputs: BTreeMap<String, Part>,
    /// Whether what comes after runs when it has failed, or was skipped.
    goes_on: (bool, bool),
}

impl<'s> StepMaker<'s> {
    pub(super) fn new(
        document: &'s Document,
        steps: &'s [Written],
        ids: &'s [String],
        around: Surroundings,
        start: (Vec<String>, Option<String>),
    ) -> Self {
        Self {
            document,
            steps,
            ids,
            around,
            start,
            done: Vec::with_capacity(steps.len()),
        }
    }

    /// Makes the next step; `None` after the last one.
    pub(super) fn next(&mut self, builder: &mut PlanBuilder) -> Option<Next> {
        let at = self.done.len();
        (at < self.steps.len()).then(|| self.step(builder, at))
    }

    /// How they ended.
    pub(super) fn ended(self) -> Ended {
        let mut is_awaited = vec![false; self.steps.len()];
        for needed in self.steps.iter().flat_map(|step| &step.depends_on) {
            is_awaited[*needed] = true;
        }
        let mut ended = Ended::default();
        let last = self.done.into_iter().zip(is_awaited);
        for (made, _) in last.filter(|(_, is_awaited)| !is_awaited) {
            ended.last.extend(made.ends);
            ended.outputs.extend(made.outputs);
        }
        ended
    }

    fn leave_out(&self, builder: &mut PlanBuilder, written: &Written, field: &str, what: &str) {
        let place = written.place.field(field);
        let line = self.document.line_of(&place, &written.name);
        builder.leave_out(line, what);
    }

    fn step(&mut self, builder: &mut PlanBuilder, at: usize) -> Next {
        let done = &self.done;
        let (written, id) = (&self.steps[at], &self.ids[at]);
        let mut step = written.step.clone();
        if let (Some(own), Some(defaults)) =
            (step.as_object_mut(), self.around.defaults.as_object())
        {
            for (name, value) in defaults.iter().filter(|(name, _)| *name != "env") {
                own.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        for field in step.as_object().into_iter().flat_map(Map::keys) {
            if let Some(remedy) = left_out::of_step(field) {
                let words = format!("`{}` has no counterpart: {remedy}", quote(field, 60));
                self.leave_out(builder, written, field, &words);
            }
        }
        let (mut depends_on, mut outputs) = (Vec::new(), BTreeMap::new());
        let (mut run_if, mut trigger) = (None, None);
        let is_lenient = written.depends_on.iter().any(|needed| {
            done.get(*needed)
                .is_some_and(|made| made.goes_on.0 || made.goes_on.1)
        });
        for needed in &written.depends_on {
            let Some(made) = done.get(*needed) else {
                // It is in a circle, which the check names.
                depends_on.push(self.ids[*needed].clone());
                continue;
            };
            outputs.extend(made.outputs.clone());
            for end in &made.ends {
                if !depends_on.contains(end) {
                    depends_on.push(end.clone());
                }
                if is_lenient {
                    let words: Vec<&str> = [
                        (true, "succeeded"),
                        (made.goes_on.0, "failed"),
                        (made.goes_on.1, "skipped"),
                    ]
                    .into_iter()
                    .filter_map(|(is_fine, word)| is_fine.then_some(word))
                    .collect();
                    let expression = format!("steps[\"{end}\"].status in {}", json!(words));
                    run_if = both(run_if, Some(expression));
                    trigger = Some("all_done");
                }
            }
        }
        if depends_on.is_empty() {
            (depends_on, run_if) = self.start.clone();
        }
        let mut around = Surroundings {
            variables: self.around.variables.clone(),
            positions: self.around.positions.clone(),
            shell: step.get("shell").or(self.around.shell.as_ref()).cloned(),
            folder: folder(&step, ["working_dir", "workingDir", "dir"])
                .or_else(|| self.around.folder.clone()),
            elsewhere: self.around.elsewhere,
            defaults: Value::Null,
        };
        for (name, part) in &outputs {
            // An output has the name of a variable, which it replaces.
            if around.variables.contains_key(name) {
                around
                    .variables
                    .insert(name.clone(), Variable::Part(part.clone()));
            }
        }
        let place = written.place.field("env");
        for env in [&self.around.defaults["env"], &step["env"]] {
            environment(builder, self.document, env, &place, &mut around);
        }
        if let Some(text) = around.folder.take() {
            if mentions(&text).is_empty() && !text.starts_with('~') {
                around.folder = Some(text);
            } else {
                let words = format!(
                    "the folder {} is not a plain one; change to it in the command",
                    quote(&text, 120)
                );
                self.leave_out(builder, written, "working_dir", &words);
            }
        }
        let names = Names {
            around: &around,
            outputs: &outputs,
        };
        for field in ["preconditions", "precondition"] {
            let place = written.place.field(field);
            let asked = Asked {
                document: self.document,
                place: &place,
                name: &written.name,
                names,
            };
            if let Some(found) = met(builder, &step[field], asked, &depends_on, run_if.as_ref()) {
                depends_on = found.after;
                run_if = both(run_if, Some(found.expression));
                // The step that asks has succeeded where it could.
            }
        }
        let lenient = lenient(&step);
        if continue_on(&step).get("output").is_some() {
            self.leave_out(
                builder,
                written,
                "continue_on",
                "`output` of `continue_on` has no counterpart: let the command exit with 0",
            );
        }
        let call = ["call", "run", "dag"]
            .iter()
            .find_map(|field| step[*field].as_str());
        let kind = executors::kind(&step, self.around.elsewhere).to_owned();
        let call = call.map(str::to_owned).or_else(|| {
            ["dag", "subworkflow"]
                .contains(&&*kind)
                .then(|| text_of(&step["command"]))
        });
        if let Some(name) = call {
            let call = self.call(builder, at, (name, &step), names);
            return Next::Call(Box::new(Call {
                after: depends_on,
                run_if,
                outputs,
                ..call
            }));
        }
        let mut faults = Vec::new();
        let made = match &*kind {
            "command" | "shell" => command::tool(&step, &names, &lenient, &mut faults),
            _ => executors::tool(&step, &names, &mut faults),
        };
        for fault in &faults {
            self.leave_out(builder, written, "command", fault);
        }
        let mut plan_step = Map::new();
        plan_step.insert("id".to_owned(), id.clone().into());
        plan_step.insert(
            "description".to_owned(),
            step["description"].as_str().map(str::trim).into(),
        );
        match made {
            Ok(made) => {
                let tool = builder.tool(id, &made.tool);
                plan_step.insert("tool".to_owned(), tool.into());
                plan_step.insert("parameters".to_owned(), made.parameters.into());
            }
            Err(why) => {
                self.leave_out(builder, written, "type", &why);
                let tool = builder.missing(id, &why);
                plan_step.insert("tool".to_owned(), tool.into());
            }
        }
        plan_step.insert("run_if".to_owned(), json!(run_if));
        plan_step.insert("trigger".to_owned(), json!(trigger));
        plan_step.insert(
            "retry_policy".to_owned(),
            self.retry(builder, written, &step),
        );
        let seconds = ["timeout_sec", "timeoutSec"]
            .iter()
            .find_map(|field| step[*field].as_f64());
        plan_step.insert(
            "timeout_s".to_owned(),
            json!(seconds.filter(|seconds| *seconds > 0.0)),
        );
        plan_step.insert("depends_on".to_owned(), json!(depends_on));
        builder.step(plan_step.into());
        let own = own_output(id, lenient.failure || lenient.skipped);
        let mut faults = Vec::new();
        named_outputs(written, &step, &own, &mut outputs, &mut faults);
        for fault in faults {
            self.leave_out(builder, written, "output", &fault);
        }
        self.done.push(Made {
            ends: vec![id.clone()],
            outputs,
            goes_on: (lenient.failure, lenient.skipped),
        });
        Next::Made
    }

    /// The call of the workflow that a step calls.
    fn call(
        &self,
        builder: &mut PlanBuilder,
        at: usize,
        (name, step): (String, &Value),
        names: Names<'_>,
    ) -> Call {
        let written = &self.steps[at];
        let mut faults = Vec::new();
        let (given, more) = parameters(&step["params"]);
        faults.extend(more);
        let given = given.into_iter().map(|(name, value)| {
            let part = match value.unwrap_or_default() {
                Value::String(text) => names.text(&text, &mut faults),
                other => Part::Constant(other),
            };
            (name, part)
        });
        let given: BTreeMap<String, Part> = given.collect();
        let lenient = lenient(step);
        let field = ["retry_policy", "retryPolicy"]
            .iter()
            .find(|field| step.get(**field).is_some());
        for field in [
            (lenient.failure || lenient.skipped).then_some("continue_on"),
            field.copied(),
        ]
        .into_iter()
        .flatten()
        {
            faults.push(format!("`{field}` of a step that calls a workflow has no counterpart; give it to the steps of the workflow"));
        }
        for fault in faults {
            self.leave_out(builder, written, "call", &fault);
        }
        let is_many = step.get("parallel").is_some();
        Call {
            name,
            prefix: written.name.clone(),
            given,
            after: Vec::new(),
            run_if: None,
            output: step["output"].as_str().map(plain),
            outputs: BTreeMap::new(),
            refused: is_many.then(|| {
                "it calls a workflow for each item; put a step with `for_each` in its place"
                    .to_owned()
            }),
        }
    }

    /// Notes how a workflow ended that was called; `None` where there is none of this name.
    pub(super) fn called(&mut self, builder: &mut PlanBuilder, call: Call, ended: Option<Ended>) {
        let at = self.done.len();
        let (written, id) = (&self.steps[at], &self.ids[at]);
        let ended = ended.unwrap_or_else(|| {
            let why = call.refused.clone().unwrap_or_else(|| {
                let name = quote(&call.name, 80);
                format!("the workflow {name} is not in this file or beside it; put its steps here")
            });
            self.leave_out(builder, written, "call", &why);
            let tool = builder.missing(id, &why);
            builder.step(
                json!({"id": id, "tool": tool, "run_if": call.run_if, "depends_on": call.after}),
            );
            Ended {
                last: vec![id.clone()],
                outputs: BTreeMap::new(),
            }
        });
        let inner = ended.outputs.iter();
        let inner: Map<String, Value> = inner
            .map(|(name, part)| (name.clone(), part.to_value()))
            .collect();
        let own = Part::Template(json!({"outputs": inner}));
        let mut outputs = call.outputs;
        outputs.extend(call.output.map(|name| (name, own.clone())));
        outputs.insert(written.name.clone(), own);
        self.done.push(Made {
            ends: ended.last,
            outputs,
            goes_on: (false, false),
        });
    }

    fn retry(&self, builder: &mut PlanBuilder, written: &Written, step: &Value) -> Value {
        let field = if step.get("retry_policy").is_some() {
            "retry_policy"
        } else {
            "retryPolicy"
        };
        let policy = &step[field];
        if !policy.is_object() {
            return Value::Null;
        }
        let number = |names: [&str; 2]| {
            let value = names.iter().find_map(|name| policy.get(*name))?;
            value
                .as_f64()
                .or_else(|| value.as_str()?.trim().parse().ok())
        };
        let Some(limit) = number(["limit", "limit"]).filter(|limit| (0.0..1_000.0).contains(limit))
        else {
            self.leave_out(
                builder,
                written,
                field,
                "the number of attempts is not plain; give the step a `retry_policy`",
            );
            return Value::Null;
        };
        for name in [
            "exit_code",
            "exitCode",
            "max_interval_sec",
            "maxIntervalSec",
        ] {
            if policy.get(name).is_some() {
                self.leave_out(builder, written, field, &format!("`{name}` has no counterpart: each failure of a program is tried again, with waits that grow"));
            }
        }
        let wait = number(["interval_sec", "intervalSec"])
            .unwrap_or(0.0)
            .clamp(0.0, 86_400.0);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is below 1,000"
        )]
        let attempts = limit as u64 + 1;
        json!({"retries": attempts, "backoff_s": wait})
    }
}
