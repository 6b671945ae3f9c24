//! Everything that a parameter may take: values of the task and the context, outputs of steps and of tools, each with the
//! cost of being wrong.

use super::known::{Clause, Known, Planned};
use super::literals::Literal;
use super::sources::{Origin, Want, cost_of, cost_of_literal, named_choice, takes_a_question};
use super::types::{Fit, fit, types};
use super::values::{Offer, offers};
use crate::planner::words::stems;
use serde_json::Value;

/// The cost of a value of the right type that is the only one of that type.
const ONLY_ONE: u32 = 30;
/// The cost of a value that the part of the task names.
const NAMED: u32 = 13;
/// The cost of the task itself as the question.
const QUESTION: u32 = 34;

/// The schema of an output of which the catalog says nothing.
static ANYTHING: Value = Value::Null;

/// A value for a parameter.
#[derive(Clone, Debug)]
pub(super) enum Source {
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

/// What there is to choose from at one point of the search.
pub(super) struct Candidates<'s> {
    pub known: &'s Known<'s>,
    /// Which values of the task have been taken.
    pub used: &'s [bool],
    pub planned: &'s [Planned],
    /// The part of the task whose tool is searched for.
    pub clause: &'s Clause,
    /// The step of the part before it.
    pub before: Option<usize>,
}

impl Candidates<'_> {
    /// Everything that a parameter may take, best first.
    pub(super) fn of(
        &self,
        tool: usize,
        name: &str,
        schema: &Value,
        for_each: Option<&str>,
        above: &[usize],
    ) -> Vec<(u32, Source)> {
        let want = Want::new(name, schema);
        let mut found: Vec<(u32, Source)> = Vec::new();
        if let Some(choice) = named_choice(schema, &self.known.task_words) {
            found.push((3, Source::Value(choice.clone())));
        }
        self.of_the_task(name, schema, &mut found);
        self.named_by_the_clause(schema, &mut found);
        let fits = |list: &Option<String>| {
            list.is_none() || for_each.is_none() || list.as_deref() == for_each
        };
        for (context, value) in &self.known.context {
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
        for step in self.planned {
            let output = step.output.as_ref().unwrap_or(&ANYTHING);
            let owner = &self.known.owners[step.tool];
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
        for (at, other) in self.known.tools.iter().enumerate() {
            let output = other.output_schema.as_deref().unwrap_or(&ANYTHING);
            if at == tool || above.contains(&at) || self.is_planned(at) {
                continue;
            }
            let owner = &self.known.owners[at];
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
            found.push((QUESTION, Source::Value(self.known.task.trim().into())));
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
        for (at, literal) in self.known.literals.iter().enumerate() {
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
        for (name, value) in &self.known.context {
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
        let mut context = self.known.context.iter().filter(|(_, value)| exact(value));
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

    fn is_planned(&self, tool: usize) -> bool {
        self.planned.iter().any(|step| step.tool == tool)
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
