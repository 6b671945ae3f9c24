//! Runtime expressions: `$response.body#/id`, `$steps.find.outputs.id`, alone or in braces inside a text.

use crate::import::plans::template::{Part, dotted, literal_text, pointer};
use crate::plan::Segment;
use crate::text::message::quote;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};

/// What an expression can name.
#[derive(Clone, Copy, Default)]
pub(super) struct Scope<'s> {
    /// The inputs of the workflow.
    pub inputs: Option<&'s BTreeMap<String, Part>>,
    /// The outputs of the steps before.
    pub steps: Option<&'s HashMap<String, BTreeMap<String, Part>>>,
    /// The outputs of other workflows.
    pub workflows: Option<&'s HashMap<String, BTreeMap<String, Part>>>,
    /// The outputs of the workflow that the step called.
    pub outputs: Option<&'s BTreeMap<String, Part>>,
    /// The call of the step itself.
    pub call: Option<&'s OwnCall>,
}

/// What is known of a step's own call.
#[derive(Default)]
pub(super) struct OwnCall {
    /// The body of its answer, as a reference.
    pub body: String,
    /// The answer as a whole, where the tool gives it so.
    pub whole: Option<String>,
    pub method: String,
    /// Its parameters: place, name, value.
    pub parameters: Vec<(String, String, Part)>,
    pub request_body: Option<Part>,
}

impl Scope<'_> {
    /// What an expression names, without braces.
    ///
    /// # Errors
    /// Why it names nothing here.
    pub(super) fn expression(&self, text: &str) -> Result<Part, String> {
        let text = text.trim();
        let shown = || quote(text, 120);
        let (name, path) = match text.split_once('#') {
            Some((name, path)) => (name, pointer(path)),
            None => (text, Vec::new()),
        };
        let unknown = || format!("{} names nothing that is known here", shown());
        let not_carried = || format!("{} has no counterpart", shown());
        if name == "$statusCode" {
            let whole = self.call.and_then(|call| call.whole.as_ref());
            let whole = whole.ok_or_else(not_carried)?;
            return Ok(Part::Reference(format!("{whole}.status")));
        }
        if name == "$method" {
            let call = self.call.ok_or_else(not_carried)?;
            return Ok(Part::Constant(call.method.clone().into()));
        }
        let (root, rest) = name.split_once('.').ok_or_else(unknown)?;
        let found = match root {
            "$inputs" => looked_up(self.inputs.ok_or_else(unknown)?, rest),
            "$outputs" => looked_up(self.outputs.ok_or_else(unknown)?, rest),
            "$steps" | "$workflows" => {
                let all = if root == "$steps" {
                    self.steps
                } else {
                    self.workflows
                };
                let (id, after) = rest.split_once('.').ok_or_else(unknown)?;
                let outputs = all.and_then(|all| all.get(id)).ok_or_else(|| {
                    format!("{}: no step or workflow of this name comes before", shown())
                })?;
                let name = after.strip_prefix("outputs.").ok_or_else(not_carried)?;
                looked_up(outputs, name)
            }
            "$response" => self.response(rest),
            "$request" => self.request(rest),
            _ => return Err(not_carried()),
        };
        Ok(found.ok_or_else(unknown)?.at(&path))
    }

    fn response(&self, rest: &str) -> Option<Part> {
        let call = self.call?;
        if let Some(header) = rest.strip_prefix("header.") {
            let whole = call.whole.as_ref()?;
            let mut text = format!("{whole}.headers");
            let name = Segment::Field(header.to_ascii_lowercase().into());
            crate::import::plans::template::push_path(&mut text, &[name]);
            return Some(Part::Reference(text));
        }
        let path = dotted(rest.strip_prefix("body")?)?;
        Some(Part::Reference(call.body.clone()).at(&path))
    }

    fn request(&self, rest: &str) -> Option<Part> {
        let call = self.call?;
        if let Some(path) = rest.strip_prefix("body") {
            return Some(call.request_body.clone()?.at(&dotted(path)?));
        }
        let (place, name) = rest.split_once('.')?;
        let mut parameters = call.parameters.iter();
        let is_header = place == "header";
        let found = parameters.find(|(in_, known, _)| {
            in_ == place && (known == name || is_header && known.eq_ignore_ascii_case(name))
        });
        found.map(|(.., value)| value.clone())
    }

    /// A value in which texts are expressions, or have some in braces. What names nothing is null, and said in `faults`.
    pub(super) fn value(&self, value: &Value, faults: &mut Vec<String>) -> Part {
        match value {
            Value::String(text) => self.text(text, faults),
            Value::Array(list) => {
                let parts: Vec<Part> = list.iter().map(|item| self.value(item, faults)).collect();
                joined(parts.iter(), |of| parts.iter().map(of).collect())
            }
            Value::Object(members) => {
                if let Some(part) = self.selected(members, faults) {
                    return part;
                }
                let parts: Vec<(&String, Part)> = members
                    .iter()
                    .map(|(name, value)| (name, self.value(value, faults)))
                    .collect();
                joined(parts.iter().map(|(_, part)| part), |of| {
                    let members = parts.iter();
                    members
                        .map(|(name, part)| ((*name).clone(), of(part)))
                        .collect()
                })
            }
            other => Part::Constant(other.clone()),
        }
    }

    /// A selector object: a part of what an expression names.
    fn selected(&self, members: &Map<String, Value>, faults: &mut Vec<String>) -> Option<Part> {
        let selector = members.get("selector")?.as_str()?;
        let context = members.get("context")?.as_str()?;
        let kind = members.get("type")?;
        let kind = kind.get("type").unwrap_or(kind).as_str()?;
        let path = match kind {
            "jsonpointer" => Some(pointer(selector)),
            "jsonpath" => selector.strip_prefix('$').and_then(dotted),
            _ => None,
        };
        let Some(path) = path else {
            let selector = quote(selector, 120);
            faults.push(format!(
                "the {kind} selector {selector} has no counterpart; it is null"
            ));
            return Some(Part::NULL);
        };
        let found = self.expression(context);
        Some(found.map_or_else(
            |fault| {
                faults.push(fault + "; it is null");
                Part::NULL
            },
            |part| part.at(&path),
        ))
    }

    /// A text that is an expression, or has some in braces.
    pub(super) fn text(&self, text: &str, faults: &mut Vec<String>) -> Part {
        let mut resolved = |expression: &str| {
            self.expression(expression).unwrap_or_else(|fault| {
                faults.push(fault + "; it is null");
                Part::NULL
            })
        };
        if is_expression(text) {
            return resolved(text);
        }
        let mut built = String::new();
        let mut rest = text;
        let mut has_some = false;
        while let Some(at) = rest.find("{$") {
            let Some(length) = rest[at..].find('}') else {
                break;
            };
            let expression = &rest[at + 1..at + length];
            let after = &rest[at + length + 1..];
            let part = resolved(expression);
            if at == 0 && after.is_empty() && built.is_empty() {
                return part;
            }
            built.push_str(&literal_text(&rest[..at]));
            built.push_str(&part.to_text());
            has_some = true;
            rest = after;
        }
        if !has_some {
            return Part::Constant(text.into());
        }
        built.push_str(&literal_text(rest));
        Part::Template(built.into())
    }
}

/// Constant where all parts are; `build` puts together what is made of the parts.
fn joined<'p>(
    mut parts: impl Iterator<Item = &'p Part>,
    build: impl FnOnce(fn(&Part) -> Value) -> Value,
) -> Part {
    if parts.all(|part| matches!(part, Part::Constant(_))) {
        return Part::Constant(build(|part| match part {
            Part::Constant(value) => value.clone(),
            other => other.to_value(),
        }));
    }
    Part::Template(build(Part::to_value))
}

/// A name that may have dots in it, or a name with a path after it.
fn looked_up(all: &BTreeMap<String, Part>, name: &str) -> Option<Part> {
    if let Some(part) = all.get(name) {
        return Some(part.clone());
    }
    let mut ends: Vec<usize> = name.match_indices(['.', '[']).map(|(at, _)| at).collect();
    ends.reverse();
    ends.into_iter().take(16).find_map(|end| {
        let part = all.get(&name[..end])?;
        Some(part.at(&dotted(&name[end..])?))
    })
}

/// Whether a text as a whole is an expression.
fn is_expression(text: &str) -> bool {
    const ROOTS: [&str; 12] = [
        "$inputs.",
        "$steps.",
        "$response.",
        "$request.",
        "$outputs.",
        "$workflows.",
        "$statusCode",
        "$method",
        "$url",
        "$sourceDescriptions.",
        "$components.",
        "$message.",
    ];
    let text = text.trim();
    ROOTS.iter().any(|root| text.starts_with(root)) && !text.contains(char::is_whitespace)
}
