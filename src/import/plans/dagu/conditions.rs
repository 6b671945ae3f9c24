//! Preconditions: expressions where they only compare a variable, else a step before that asks a shell.

use super::script::{Names, Program};
use super::variables::mentions;
use crate::import::plans::builder::PlanBuilder;
use crate::import::plans::place::Place;
use crate::import::plans::source::Document;
use crate::import::plans::template::quoted;
use crate::text::message::quote;
use serde_json::{Map, Value, json};

/// What decides whether a step runs.
pub(super) struct Met {
    pub expression: String,
    /// The steps that have to end before.
    pub after: Vec<String>,
}

/// Where conditions stand.
#[derive(Clone, Copy)]
pub(super) struct Asked<'s> {
    pub document: &'s Document,
    pub place: &'s Place,
    /// The step, or the workflow.
    pub name: &'s str,
    pub names: Names<'s>,
}

/// Both of two expressions.
pub(super) fn both(one: Option<String>, other: Option<String>) -> Option<String> {
    match (one, other) {
        (Some(one), Some(other)) => Some(format!("({one}) and ({other})")),
        (one, other) => one.or(other),
    }
}

/// The conditions in a value; `None` where there are none.
pub(super) fn met(
    builder: &mut PlanBuilder,
    conditions: &Value,
    asked: Asked<'_>,
    after: &[String],
    run_if: Option<&String>,
) -> Option<Met> {
    let list: Vec<&Value> = match conditions {
        Value::Null => return None,
        Value::Array(list) => list.iter().collect(),
        one => vec![one],
    };
    let mut expression = None;
    let mut ends = after.to_vec();
    for condition in list {
        let text = |field: &str| condition[field].as_str().unwrap_or_default();
        let command = match condition {
            Value::String(text) => text,
            _ => Some(text("condition"))
                .filter(|text| !text.is_empty())
                .unwrap_or_else(|| text("command")),
        };
        if command.trim().is_empty() {
            let words = "a precondition without a condition is left out";
            builder.leave_out(asked.document.line_of(asked.place, asked.name), words);
            continue;
        }
        let expected = &condition["expected"];
        let expected = (!expected.is_null()).then(|| super::params::text_of(expected));
        let is_negated = condition["negate"] == true;
        let one = compared(&asked.names, command, expected.as_deref()).unwrap_or_else(|| {
            let step = asking(
                builder,
                asked,
                command,
                expected.as_deref(),
                (after, run_if),
            );
            ends.push(step.clone());
            format!("steps[\"{step}\"].output == true")
        });
        let one = if is_negated {
            format!("not ({one})")
        } else {
            one
        };
        expression = both(expression, Some(one));
    }
    Some(Met {
        expression: expression?,
        after: ends,
    })
}

/// A comparison of a variable with a text.
fn compared(names: &Names<'_>, command: &str, expected: Option<&str>) -> Option<String> {
    let expected = expected.filter(|text| !text.starts_with("re:"))?;
    let all = mentions(command);
    let [only] = &all[..] else { return None };
    if only.range != (0..command.len()) || !mentions(expected).is_empty() {
        return None;
    }
    let part = names.at(&only.name, &only.rest)?;
    Some(format!(
        "({} | string) == {}",
        part.to_expression()?,
        quoted(expected)
    ))
}

/// A step whose output is whether a condition holds.
fn asking(
    builder: &mut PlanBuilder,
    asked: Asked<'_>,
    command: &str,
    expected: Option<&str>,
    (after, run_if): (&[String], Option<&String>),
) -> String {
    let script = match expected {
        None => format!("if (\n{command}\n) >/dev/null 2>&1; then echo true; else echo false; fi"),
        Some(expected) => {
            let actual = format!("actual=\"{}\"", command.replace('"', "\\\""));
            let test = match expected.strip_prefix("re:") {
                Some(pattern) => {
                    let pattern = shlex::try_quote(pattern).unwrap_or_default();
                    format!("printf '%s' \"$actual\" | grep -Eq -e {pattern}")
                }
                None => format!("[ \"$actual\" = \"{}\" ]", expected.replace('"', "\\\"")),
            };
            format!("{actual}\nif {test}; then echo true; else echo false; fi")
        }
    };
    let mut faults = Vec::new();
    let made = asked.names.tool(&Program::of(&[]), &script, &mut faults);
    for fault in faults {
        builder.leave_out(asked.document.line_of(asked.place, asked.name), fault);
    }
    let id = builder.id(&format!("{}-when", asked.name));
    let tool = builder.tool(&id, &made.tool);
    let words = format!(
        "Whether the precondition of {} holds: {}",
        quote(asked.name, 80),
        quote(command, 200)
    );
    let mut step = Map::new();
    step.insert("id".to_owned(), id.clone().into());
    step.insert("tool".to_owned(), tool.into());
    step.insert("description".to_owned(), words.into());
    step.insert("parameters".to_owned(), made.parameters.into());
    step.insert("run_if".to_owned(), json!(run_if));
    step.insert("depends_on".to_owned(), json!(after));
    builder.step(step.into());
    id
}
