//! What a workflow brings for its steps: variables, the shell, the folder.

use super::params::pairs;
use super::variables::{has_commands, mentions};
use crate::import::plans::builder::PlanBuilder;
use crate::import::plans::place::Place;
use crate::import::plans::source::Document;
use crate::import::plans::template::{Part, is_identifier, literal_text};
use crate::text::message::quote;
use serde_json::Value;
use std::collections::BTreeMap;

/// What a workflow brings for its steps.
#[derive(Default)]
pub(super) struct Surroundings {
    /// Variables with their values; those that read the environment of Plandeck are texts of a tool.
    pub variables: BTreeMap<String, Variable>,
    /// The positional parameters.
    pub positions: Vec<String>,
    pub shell: Option<Value>,
    pub folder: Option<String>,
    /// What steps of no type of their own are (`container`, `ssh`), where they do not run on this machine.
    pub elsewhere: Option<&'static str>,
    /// What steps have that do not say it themselves.
    pub defaults: Value,
}

/// Where the value of a variable comes from.
#[derive(Clone, Debug)]
pub(super) enum Variable {
    /// A value of the plan.
    Part(Part),
    /// The environment of Plandeck: `${HOME:-}`.
    Environment(String),
    /// What a shell makes of this text, before the command.
    Shell(String),
}

/// Adds the variables of an `env`.
pub(super) fn environment(
    builder: &mut PlanBuilder,
    document: &Document,
    env: &Value,
    place: &Place,
    around: &mut Surroundings,
) {
    for (name, text) in pairs(env) {
        if !is_identifier(&name) {
            let words = format!("{} cannot be the name of a variable", quote(&name, 80));
            builder.leave_out(document.line(place), words);
            continue;
        }
        let value = variable(&text, around);
        if matches!(value, Variable::Shell(_)) {
            let words = format!("the variable {name} is computed again in each step");
            builder.leave_out(document.line(place), words);
        }
        around.variables.insert(name, value);
    }
}

/// What a text of `env` gives.
fn variable(text: &str, around: &Surroundings) -> Variable {
    if has_commands(text) {
        return Variable::Shell(text.to_owned());
    }
    let mut built = String::new();
    let mut at = 0;
    let mut is_template = false;
    for mention in mentions(text) {
        match around.variables.get(&mention.name) {
            Some(Variable::Part(part)) if mention.rest.is_empty() => {
                built.push_str(&literal_text(&text[at..mention.range.start]));
                built.push_str(&part.to_text());
                is_template = true;
            }
            // What the shell reads from the other variables.
            _ => return Variable::Shell(text.to_owned()),
        }
        at = mention.range.end;
    }
    if !is_template {
        return Variable::Part(Part::Constant(text.into()));
    }
    built.push_str(&literal_text(&text[at..]));
    Variable::Part(Part::Template(built.into()))
}
