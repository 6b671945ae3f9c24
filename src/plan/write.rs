//! A plan as a value again, in the documented dialect.

use super::diagnostic::PlanFaults;
use super::dialects;
use super::expectation::Expectation;
use super::model::{ExecutionPlan, FINAL_SYNTHESIS, Mode, Step, Trigger};
use super::parse;
use super::path::Segment;
use super::reference::{Reference, Root};
use super::template::{Part, Template};
use serde_json::{Map, Value, json};

impl ExecutionPlan {
    /// The plan in a value, in any JSON dialect. Tools are not checked, and the context values that it needs are only
    /// listed.
    pub fn from_value(plan: Value) -> Result<Self, PlanFaults> {
        parse::from_value(plan)?.check(None, None)
    }

    /// The plan in a JSON text, checked as [`Self::from_value`] does.
    pub fn from_json(text: &str) -> Result<Self, PlanFaults> {
        parse::parse("plan.json", text.as_bytes())?.check(None, None)
    }

    /// The plan as a value in the documented dialect: read again, it has the same steps, dependencies and
    /// parameters.
    pub fn to_value(&self) -> Value {
        let mut plan = Map::new();
        plan.insert("name".to_owned(), Value::from(&*self.name));
        if !self.context.is_empty() {
            plan.insert("context".to_owned(), Value::Object(self.context.clone()));
        }
        if let Some(Value::Object(catalog)) = &self.catalog {
            plan.extend(catalog.clone());
        }
        let mut steps = Vec::with_capacity(self.steps.len());
        for step in self.steps.iter() {
            if &*step.id == FINAL_SYNTHESIS && &*step.tool == FINAL_SYNTHESIS {
                let mut synthesis = self.template(&step.parameters);
                if let (Value::Object(members), Some(model)) =
                    (&mut synthesis, &step.settings.model)
                {
                    members.insert("model".to_owned(), Value::from(&**model));
                }
                plan.insert(FINAL_SYNTHESIS.to_owned(), synthesis);
            } else {
                steps.push(Value::Object(self.step_value(step)));
            }
        }
        plan.insert("steps".to_owned(), Value::Array(steps));
        Value::Object(plan)
    }

    /// A step of the plan, as [`Self::to_value`] has it.
    pub(crate) fn step_value(&self, step: &Step) -> Map<String, Value> {
        let mut value = Map::new();
        let mut put = |key: &str, member: Value| {
            value.insert(key.to_owned(), member);
        };
        put("id", Value::from(&*step.id));
        put("tool", Value::from(&*step.tool));
        put("parameters", self.template(&step.parameters));
        let dependencies = step
            .depends_on
            .iter()
            .filter_map(|ix| self.step(*ix))
            .map(|step| Value::from(&*step.id))
            .collect();
        put("depends_on", Value::Array(dependencies));
        if let Some(condition) = &step.run_if {
            put("run_if", Value::from(&*condition.source));
        }
        if let Some(list) = &step.for_each {
            put("for_each", self.template(list));
        }
        if !step.expect.is_empty() {
            let expect = step.expect.iter().map(Expectation::source).collect();
            put("expect", Value::Array(expect));
        }
        match step.approve.as_ref().map(|approve| &*approve.source) {
            Some("true") => put("approve", Value::Bool(true)),
            Some(source) => put("approve", Value::from(source)),
            None => {}
        }
        if step.settings.trigger != Trigger::default() {
            put("trigger", json!(step.settings.trigger));
        }
        if step.settings.mode != Mode::default() {
            put("mode", json!(step.settings.mode));
        }
        if let Some(timeout) = step.settings.timeout {
            put("timeout_s", json!(timeout.as_secs_f64()));
        }
        if let Some(retry) = step.settings.retry {
            put(
                "retry_policy",
                json!({"retries": retry.attempts, "backoff_s": retry.backoff.as_secs_f64()}),
            );
        }
        if let Some(cache) = step.settings.cache {
            put("cache", Value::from(cache));
        }
        for (key, text) in [
            ("model", &step.settings.model),
            ("idempotency_key", &step.settings.idempotency_key),
            ("description", &step.settings.description),
        ] {
            if let Some(text) = text {
                put(key, Value::from(&**text));
            }
        }
        for (key, member) in &step.settings.extra {
            put(key, member.clone());
        }
        value
    }

    /// A template as text. References of other dialects (`$1`, `#E1`) become the documented one.
    fn template(&self, template: &Template) -> Value {
        match template {
            Template::Literal(value) => Value::clone(value),
            Template::Reference(reference) => Value::String(self.reference(reference)),
            Template::Expression(expression) => Value::from(&*expression.source),
            Template::Text(parts) => Value::String(
                parts
                    .iter()
                    .map(|part| match part {
                        Part::Text(text) => text.to_string(),
                        Part::Reference(reference) => self.reference(reference),
                        Part::Expression(expression) => expression.source.to_string(),
                    })
                    .collect(),
            ),
            Template::List(list) => {
                Value::Array(list.iter().map(|element| self.template(element)).collect())
            }
            Template::Object(members) => Value::Object(
                members
                    .iter()
                    .map(|(key, member)| (key.to_string(), self.template(member)))
                    .collect(),
            ),
        }
    }

    fn reference(&self, reference: &Reference) -> String {
        let Root::Step(step) = reference.root else {
            return reference.source.to_string();
        };
        // `${1}` is such a reference too.
        let numbered = || {
            let inner = reference.source.trim_matches(['$', '{', '}']);
            inner.parse::<u64>().is_ok()
        };
        if !dialects::is_own_reference(&reference.source) && !numbered() {
            return reference.source.to_string();
        }
        let id = self.step(step).map_or("", |step| &step.id);
        let mut text = format!("{{{{steps[{id}].output");
        for segment in &reference.path {
            match segment {
                Segment::Field(field) => {
                    text.push('.');
                    text.push_str(field);
                }
                Segment::Index(index) => {
                    text.push('[');
                    text.push_str(&index.to_string());
                    text.push(']');
                }
            }
        }
        text.push_str("}}");
        text
    }
}
