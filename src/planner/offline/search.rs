//! The search: from a tool back to what its parameters need.

use super::literals::Literal;
use super::sources::{
    Origin, Owner, Want, cost_of, cost_of_literal, named_choice, takes_a_question,
};
use super::types::{Fit, fit, schema_of, types};
use super::values::{Offer, offers};
use crate::planner::narrow::required;
use crate::planner::words::{stems, words};
use crate::text::visible;
use crate::tools::{Catalog, ToolDefinition};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// The maximum of steps between a goal and what is given.
const MAX_DEPTH: usize = 10;
/// The maximum of tools that are tried.
const MAX_TRIES: usize = 4_000;
/// An optional parameter takes a value up to this cost: one that is clearly meant.
const CLEARLY_MEANT: u32 = 6;
/// The cost of a value of the right type that is the only one of that type.
const ONLY_ONE: u32 = 30;
/// The cost of a value that the part of the task names.
const NAMED: u32 = 13;
/// The cost of the task itself as the question.
const QUESTION: u32 = 34;

/// The schema of an output of which the catalog says nothing.
static ANYTHING: Value = Value::Null;

/// A part of a task, which asks for one thing.
#[derive(Clone, Debug, Default)]
pub struct Clause {
    /// Its words.
    pub text: String,
    /// Where it stands in the task.
    pub place: Range<usize>,
    /// The stems of its words.
    pub stems: Vec<String>,
    /// Whether it speaks of the result of the part before it.
    pub refers_back: bool,
}

/// A value for a parameter.
#[derive(Clone, Debug)]
enum Source {
    /// A value, or a reference as the plan has it.
    Value(Value),
    /// A value of the task, by its position.
    Literal(usize),
    /// A list of values of the task.
    Many(Vec<usize>),
    /// A part of each element of a list.
    Element { list: String, part: String },
    /// A part of the output of a step that is not planned yet.
    Output {
        tool: usize,
        path: String,
        list: Option<String>,
    },
}

/// A step that is planned.
struct Planned {
    tool: usize,
    id: String,
    parameters: Map<String, Value>,
    for_each: Option<String>,
    /// Its output: that of the tool, or a list of such.
    output: Option<Value>,
}

pub struct Search<'a> {
    tools: &'a [Arc<ToolDefinition>],
    context: Vec<(&'a str, Value)>,
    literals: Vec<Literal>,
    used: Vec<bool>,
    task: &'a str,
    task_words: Vec<String>,
    /// The part of the task whose tool is searched for.
    clause: Clause,
    /// The step of the part before it.
    before: Option<usize>,
    owners: Vec<Owner>,
    planned: Vec<Planned>,
    tries: usize,
    /// Tools that are out of reach, with the reason; only where no tool on the way was left out.
    out_of_reach: HashMap<usize, String>,
    pub notes: Vec<String>,
}

impl<'a> Search<'a> {
    pub fn new(
        catalog: &'a Catalog,
        context: &'a Map<String, Value>,
        literals: Vec<Literal>,
        task: &'a str,
    ) -> Self {
        Self {
            tools: catalog.tools(),
            context: context
                .iter()
                .map(|(name, value)| (&**name, schema_of(value)))
                .collect(),
            used: vec![false; literals.len()],
            literals,
            task,
            task_words: words(task),
            clause: Clause::default(),
            before: None,
            owners: catalog.tools().iter().map(|tool| Owner::of(tool)).collect(),
            planned: Vec::new(),
            tries: 0,
            out_of_reach: HashMap::new(),
            notes: Vec::new(),
        }
    }

    /// Plans a step of this tool and all that it needs, for a part of the task; the error says what is missing.
    pub fn reach(&mut self, tool: usize, clause: &Clause) -> Result<(), String> {
        self.clause = clause.clone();
        let step = match self.step_of(tool) {
            Some(step) => step,
            None => self.plan(tool, &mut Vec::new())?,
        };
        self.before = Some(step);
        Ok(())
    }

    /// Whether a part of the task says no more than the names of parameters of the steps so far.
    pub fn takes(&self, clause: &Clause) -> bool {
        let schemas = self
            .planned
            .iter()
            .filter_map(|step| self.tools[step.tool].input_schema.as_deref());
        let names = schemas.filter_map(|schema| schema.get("properties")?.as_object());
        let names: Vec<String> = names.flatten().flat_map(|(name, _)| stems(name)).collect();
        clause.stems.iter().all(|stem| names.contains(stem))
    }

    /// The values of the task that no step takes.
    pub fn unused(&self) -> impl Iterator<Item = String> {
        let unused = self
            .literals
            .iter()
            .zip(&self.used)
            .filter(|(_, used)| !**used);
        unused
            .map(|(literal, _)| visible(&literal.value.to_string(), 80))
            .collect::<Vec<_>>()
            .into_iter()
    }

    /// The steps as a plan has them.
    pub fn into_steps(self) -> Vec<Value> {
        let steps = self.planned.into_iter();
        steps
            .map(|step| {
                let mut value = json!({"id": step.id, "tool": &*self.tools[step.tool].name, "parameters": step.parameters});
                if let Some(list) = step.for_each {
                    value["for_each"] = list.into();
                }
                value
            })
            .collect()
    }

    fn step_of(&self, tool: usize) -> Option<usize> {
        self.planned.iter().position(|step| step.tool == tool)
    }

    /// `above` are the tools whose needs lead here.
    fn plan(&mut self, tool: usize, above: &mut Vec<usize>) -> Result<usize, String> {
        if let Some(step) = self.step_of(tool) {
            return Ok(step);
        }
        if let Some(reason) = self.out_of_reach.get(&tool) {
            return Err(reason.clone());
        }
        self.tries += 1;
        let definition = Arc::clone(&self.tools[tool]);
        if above.contains(&tool) || above.len() >= MAX_DEPTH || self.tries > MAX_TRIES {
            return Err(format!("{} needs its own output", definition.name));
        }
        let (mark, used) = (self.planned.len(), self.used.clone());
        above.push(tool);
        let step = self.parameters(tool, &definition, above);
        above.pop();
        match step {
            Ok((parameters, for_each)) => {
                let output = definition.output_schema.as_deref().cloned();
                let output = match (&for_each, output) {
                    (Some(_), Some(items)) => Some(json!({"type": "array", "items": items})),
                    (_, output) => output,
                };
                let id = self.fresh_id(&definition.name);
                self.planned.push(Planned {
                    tool,
                    id,
                    parameters,
                    for_each,
                    output,
                });
                Ok(self.planned.len() - 1)
            }
            Err(reason) => {
                self.planned.truncate(mark);
                self.used = used;
                if above.is_empty() {
                    self.out_of_reach.insert(tool, reason.clone());
                }
                Err(reason)
            }
        }
    }

    /// The parameters of a step, and the list that it runs for.
    fn parameters(
        &mut self,
        tool: usize,
        definition: &ToolDefinition,
        above: &mut Vec<usize>,
    ) -> Result<(Map<String, Value>, Option<String>), String> {
        let none = Map::new();
        let properties = definition
            .input_schema
            .as_deref()
            .and_then(|schema| schema.get("properties")?.as_object());
        let needed = required(definition);
        let (mut values, mut for_each) = (Map::new(), None);
        for (name, schema) in properties.unwrap_or(&none) {
            let is_needed = needed.contains(&&**name);
            if !is_needed
                && schema.get("default").is_none()
                && needed.is_empty()
                && properties.is_some_and(|all| all.len() == 1)
            {
                // The only parameter of a tool is meant, whether or not the catalog says that it is required.
            } else if !is_needed {
                let source = self.candidates(tool, name, schema, for_each.as_deref(), above);
                let source = source.into_iter().find(|(cost, source)| {
                    *cost <= CLEARLY_MEANT
                        && !matches!(source, Source::Output { .. } | Source::Element { .. })
                });
                if let Some((_, source)) = source
                    && let Ok(value) = self.take(source, &mut for_each, above)
                {
                    values.insert(name.clone(), value);
                }
                continue;
            }
            let candidates = self.candidates(tool, name, schema, for_each.as_deref(), above);
            let mut deeper = None;
            let mut found = None;
            for (_, source) in candidates {
                match self.take(source, &mut for_each, above) {
                    Ok(value) => {
                        found = Some(value);
                        break;
                    }
                    Err(reason) => deeper = deeper.or(Some(reason)),
                }
            }
            match found {
                Some(value) => {
                    values.insert(name.clone(), value);
                }
                None if !is_needed => {}
                None => return Err(missing(definition, name, schema, deeper)),
            }
        }
        // A required parameter may have no description.
        for name in needed {
            if !values.contains_key(name) {
                return Err(missing(definition, name, &json!({}), None));
            }
        }
        Ok((values, for_each))
    }

    /// Everything that a parameter may take, best first.
    fn candidates(
        &self,
        tool: usize,
        name: &str,
        schema: &Value,
        for_each: Option<&str>,
        above: &[usize],
    ) -> Vec<(u32, Source)> {
        let want = Want::new(name, schema);
        let mut found: Vec<(u32, Source)> = Vec::new();
        if let Some(choice) = named_choice(schema, &self.task_words) {
            found.push((3, Source::Value(choice.clone())));
        }
        self.of_the_task(name, schema, &mut found);
        self.named_by_the_clause(schema, &mut found);
        let fits = |list: &Option<String>| {
            list.is_none() || for_each.is_none() || list.as_deref() == for_each
        };
        for (context, value) in &self.context {
            for offer in offers(context, true, value) {
                let Some(cost) = cost_of(&offer, Origin::Context, None, &want) else {
                    continue;
                };
                let source = spelled(context, &offer);
                if let Source::Element { list, .. } = &source
                    && !fits(&Some(list.clone()))
                {
                    continue;
                }
                found.push((cost, source));
            }
        }
        for step in &self.planned {
            let output = step.output.as_ref().unwrap_or(&ANYTHING);
            let owner = &self.owners[step.tool];
            for offer in offers(&step.id, false, output) {
                let Some(cost) = cost_of(&offer, Origin::Planned, Some(owner), &want) else {
                    continue;
                };
                let source = spelled(&format!("steps[{}].output", step.id), &offer);
                if let Source::Element { list, .. } = &source
                    && !fits(&Some(list.clone()))
                {
                    continue;
                }
                found.push((cost, source));
            }
        }
        for (at, other) in self.tools.iter().enumerate() {
            let output = other.output_schema.as_deref().unwrap_or(&ANYTHING);
            if at == tool || above.contains(&at) || self.step_of(at).is_some() {
                continue;
            }
            let owner = &self.owners[at];
            for offer in offers(&other.name, false, output) {
                let Some(cost) = cost_of(&offer, Origin::NewStep, Some(owner), &want) else {
                    continue;
                };
                if offer.list.is_some() && for_each.is_some() {
                    continue;
                }
                let (path, list) = (offer.path, offer.list);
                found.push((
                    cost,
                    Source::Output {
                        tool: at,
                        path,
                        list,
                    },
                ));
            }
        }
        self.of_the_only_type(schema, &mut found);
        if takes_a_question(name, schema) {
            found.push((QUESTION, Source::Value(self.task.trim().into())));
        }
        found.sort_by_key(|(cost, _)| *cost);
        found
    }

    fn of_the_task(&self, name: &str, schema: &Value, found: &mut Vec<(u32, Source)>) {
        let items = types(schema)
            .contains(&"array")
            .then(|| schema.get("items"))
            .flatten();
        let mut all = Vec::new();
        for (at, literal) in self.literals.iter().enumerate() {
            match items {
                None => {
                    let cost = cost_of_literal(
                        literal,
                        self.used[at],
                        self.is_here(literal),
                        name,
                        schema,
                    );
                    found.extend(cost.map(|cost| (cost, Source::Literal(at))));
                }
                Some(items) => {
                    let cost =
                        cost_of_literal(literal, self.used[at], self.is_here(literal), name, items)
                            .filter(|_| !self.used[at]);
                    all.extend(cost.map(|cost| (cost, at)));
                }
            }
        }
        if let Some(best) = all.iter().map(|(cost, _)| *cost).min() {
            let meant = all
                .iter()
                .filter(|(cost, _)| *cost == best)
                .map(|(_, at)| *at);
            let meant: Vec<usize> = meant.collect();
            // One value alone is rarely a list.
            let cost = best + if meant.len() == 1 { 10 } else { 0 };
            found.push((cost, Source::Many(meant)));
        }
    }

    fn is_here(&self, literal: &Literal) -> bool {
        self.clause.place.contains(&literal.at)
    }

    /// Values that the part of the task names: a context value or a member of an output by its name, and the output of the
    /// part before by a word such as "it".
    fn named_by_the_clause(&self, schema: &Value, found: &mut Vec<(u32, Source)>) {
        let suits = |offer: &Offer<'_>| {
            offer.list.is_none() && fit(offer.schema, schema) == Some(Fit::Exact)
        };
        let is_named = |name: &str| {
            let stems = stems(name);
            !stems.is_empty() && stems.iter().all(|stem| self.clause.stems.contains(stem))
        };
        if types(schema).is_empty() {
            return;
        }
        for (name, value) in &self.context {
            let offers = offers(name, true, value);
            let offer = offers
                .iter()
                .find(|offer| suits(offer) && is_named(&offer.name));
            found.extend(offer.map(|offer| (NAMED, spelled(name, offer))));
        }
        for (at, step) in self.planned.iter().enumerate() {
            let output = step.output.as_ref().unwrap_or(&ANYTHING);
            let root = format!("steps[{}].output", step.id);
            let offers = offers(&step.id, false, output);
            let is_meant = self.before == Some(at) && self.clause.refers_back;
            let offer = offers.iter().find(|offer| {
                suits(offer) && (is_meant || (offer.is_named && is_named(&offer.name)))
            });
            found.extend(offer.map(|offer| {
                (
                    if is_meant { NAMED - 1 } else { NAMED + 2 },
                    spelled(&root, offer),
                )
            }));
        }
    }

    /// The only context value, or the only planned output, of a parameter's type.
    fn of_the_only_type(&self, schema: &Value, found: &mut Vec<(u32, Source)>) {
        let wanted = types(schema);
        let is_telling = |one: &str| matches!(one, "string" | "array" | "object");
        if wanted.is_empty() || !wanted.iter().any(|one| is_telling(one)) {
            return;
        }
        let exact = |value: &Value| {
            let has = types(value);
            !has.is_empty()
                && has.iter().all(|one| wanted.contains(one))
                && fit(value, schema).is_some()
        };
        let mut context = self.context.iter().filter(|(_, value)| exact(value));
        if let (Some((name, _)), None) = (context.next(), context.next()) {
            found.push((ONLY_ONE, Source::Value(format!("{{{{{name}}}}}").into())));
        }
        let mut steps = self
            .planned
            .iter()
            .filter(|step| step.output.as_ref().is_some_and(exact));
        if let (Some(step), None) = (steps.next(), steps.next()) {
            let reference = format!("{{{{steps[{}].output}}}}", step.id);
            found.push((ONLY_ONE + 2, Source::Value(reference.into())));
        }
    }

    /// The value of a source; plans the step that it needs.
    fn take(
        &mut self,
        source: Source,
        for_each: &mut Option<String>,
        above: &mut Vec<usize>,
    ) -> Result<Value, String> {
        match source {
            Source::Value(value) => Ok(value),
            Source::Literal(at) => {
                self.used[at] = true;
                Ok(self.literals[at].value.clone())
            }
            Source::Many(all) => {
                for at in &all {
                    self.used[*at] = true;
                }
                Ok(all
                    .into_iter()
                    .map(|at| self.literals[at].value.clone())
                    .collect())
            }
            Source::Element { list, part } => {
                *for_each = Some(list);
                Ok(format!("{{{{item{part}}}}}").into())
            }
            Source::Output { tool, path, list } => {
                let step = self.plan(tool, above)?;
                let step = &self.planned[step];
                let root = format!("steps[{}].output", step.id);
                match (list, &step.for_each) {
                    (None, None) => Ok(format!("{{{{{root}{path}}}}}").into()),
                    (Some(list), None) => {
                        *for_each = Some(format!("{{{{{root}{list}}}}}"));
                        Ok(format!("{{{{item{path}}}}}").into())
                    }
                    // The step turned out to run for a list: what it offers is in the elements of its output.
                    (None, Some(_)) if for_each.is_none() => {
                        *for_each = Some(format!("{{{{{root}}}}}"));
                        Ok(format!("{{{{item{path}}}}}").into())
                    }
                    _ => Err(format!("{} runs for a list", self.tools[tool].name)),
                }
            }
        }
    }

    fn fresh_id(&self, tool: &str) -> String {
        let name: String = tool
            .chars()
            .map(|c| {
                if c.is_alphanumeric() || c == '_' {
                    c
                } else {
                    '_'
                }
            })
            .collect();
        let is_taken = |id: &str| {
            self.planned.iter().any(|step| step.id == id)
                || self.context.iter().any(|(context, _)| *context == id)
        };
        let numbered = (2..).map(|n| format!("{name}_{n}"));
        std::iter::once(name.clone())
            .chain(numbered)
            .find(|id| !is_taken(id))
            .unwrap_or(name)
    }
}

/// An offer as a reference.
fn spelled(root: &str, offer: &Offer<'_>) -> Source {
    match &offer.list {
        None => Source::Value(format!("{{{{{root}{}}}}}", offer.path).into()),
        Some(list) => Source::Element {
            list: format!("{{{{{root}{list}}}}}"),
            part: offer.path.clone(),
        },
    }
}

fn missing(tool: &ToolDefinition, name: &str, schema: &Value, deeper: Option<String>) -> String {
    let kind = types(schema).join(" or ");
    let kind = if kind.is_empty() {
        String::new()
    } else {
        format!(" ({kind})")
    };
    let (tool, name) = (visible(&tool.name, 60), visible(name, 60));
    match deeper {
        Some(deeper) => format!(
            "{tool} needs `{name}`{kind}, which could only come from another tool, but {deeper}"
        ),
        None => format!(
            "{tool} needs `{name}`{kind}, which is in no context value, in no output of another tool and not in the task: \
             give it with --context {name}=VALUE"
        ),
    }
}
