//! The search: from a tool back to what its parameters need.

use super::candidates::{Candidates, Source};
use super::known::{Clause, Known, Planned};
use super::literals::Literal;
use super::types::types;
use crate::planner::narrow::required;
use crate::planner::words::stems;
use crate::text::visible;
use crate::tools::{Catalog, ToolDefinition};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// The maximum of steps between a goal and what is given.
const MAX_DEPTH: usize = 10;
/// The maximum of tools that are tried.
const MAX_ATTEMPTS: usize = 4_000;
/// An optional parameter takes a value up to this cost: one that is clearly meant.
const CLEARLY_MEANT: u32 = 6;
pub(super) struct Search<'a> {
    known: Known<'a>,
    used: Vec<bool>,
    /// The part of the task whose tool is searched for.
    clause: Clause,
    /// The step of the part before it.
    before: Option<usize>,
    planned: Vec<Planned>,
    attempts: usize,
    /// Tools that are out of reach, with the reason; only where no tool on the way was left out.
    out_of_reach: HashMap<usize, String>,
    pub notes: Vec<String>,
}

impl<'a> Search<'a> {
    pub(super) fn new(
        catalog: &'a Catalog,
        context: &'a Map<String, Value>,
        literals: Vec<Literal>,
        task: &'a str,
    ) -> Self {
        let known = Known::new(catalog, context, literals, task);
        Self {
            used: vec![false; known.literals.len()],
            known,
            clause: Clause::default(),
            before: None,
            planned: Vec::new(),
            attempts: 0,
            out_of_reach: HashMap::new(),
            notes: Vec::new(),
        }
    }

    /// Plans a step of this tool and all that it needs, for a part of the task; the error says what is missing.
    pub(super) fn reach(&mut self, tool: usize, clause: &Clause) -> Result<(), String> {
        self.clause = clause.clone();
        let step = match self.step_of(tool) {
            Some(step) => step,
            None => self.plan(tool, &mut Vec::new())?,
        };
        self.before = Some(step);
        Ok(())
    }

    /// Whether a part of the task says no more than the names of parameters of the steps so far.
    pub(super) fn takes(&self, clause: &Clause) -> bool {
        let schemas = self
            .planned
            .iter()
            .filter_map(|step| self.known.tools[step.tool].input_schema.as_deref());
        let names = schemas.filter_map(|schema| schema.get("properties")?.as_object());
        let names: Vec<String> = names.flatten().flat_map(|(name, _)| stems(name)).collect();
        clause.stems.iter().all(|stem| names.contains(stem))
    }

    /// The values of the task that no step takes.
    pub(super) fn unused(&self) -> impl Iterator<Item = String> {
        let unused = self
            .known
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
    pub(super) fn into_steps(self) -> Vec<Value> {
        let steps = self.planned.into_iter();
        steps
            .map(|step| {
                let mut value = json!({"id": step.id, "tool": &*self.known.tools[step.tool].name, "parameters": step.parameters});
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
        self.attempts += 1;
        let definition = Arc::clone(&self.known.tools[tool]);
        if above.contains(&tool) || above.len() >= MAX_DEPTH || self.attempts > MAX_ATTEMPTS {
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
        let candidates = Candidates {
            known: &self.known,
            used: &self.used,
            planned: &self.planned,
            clause: &self.clause,
            before: self.before,
        };
        candidates.of(tool, name, schema, for_each, above)
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
                Ok(self.known.literals[at].value.clone())
            }
            Source::Many(all) => {
                for at in &all {
                    self.used[*at] = true;
                }
                Ok(all
                    .into_iter()
                    .map(|at| self.known.literals[at].value.clone())
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
                    _ => Err(format!("{} runs for a list", self.known.tools[tool].name)),
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
                || self.known.context.iter().any(|(context, _)| *context == id)
        };
        let numbered = (2..).map(|n| format!("{name}_{n}"));
        std::iter::once(name.clone())
            .chain(numbered)
            .find(|id| !is_taken(id))
            .unwrap_or(name)
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
