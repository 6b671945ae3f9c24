//! Checks parameters against a tool's schema.

pub(super) mod keywords;

use super::diagnostic::{Collector, Diagnostic, Severity, shown};
use super::draft_plan::first_byte;
use super::names::closest;
use super::node::{Kind, Member, Node};
use super::template::Template;
use crate::text::visible;
use serde_json::{Map, Value};
use std::ops::Range;
use std::sync::Arc;

/// The part of a catalog that checking a plan needs.
pub trait ToolSchemas {
    /// The names of all tools, in the catalog's order.
    fn names(&self) -> Vec<&str>;
    /// Whether the catalog has the tool.
    fn has(&self, tool: &str) -> bool;
    /// A JSON Schema object (`type: object` with `properties` and `required`) for the tool's parameters, where
    /// the catalog has one. The order of `properties` is that of arguments by position.
    fn schema(&self, tool: &str) -> Option<&Value>;
}

/// The names of the parameters, in the order of arguments by position.
pub(super) fn parameter_names(schema: &Value) -> Vec<&str> {
    schema
        .get("properties")
        .and_then(Value::as_object)
        .map(|properties| properties.keys().map(String::as_str).collect())
        .unwrap_or_default()
}

/// The parameters with the catalog's defaults for those that are not given.
pub(super) fn with_defaults(parameters: Template, schema: &Value) -> Template {
    let defaults = schema.get("properties").and_then(Value::as_object);
    let mut missing = defaults
        .into_iter()
        .flatten()
        .filter_map(|(name, property)| Some((name, property.get("default")?)))
        .filter(|(name, _)| match &parameters {
            Template::Literal(value) => value.as_object().is_some_and(|o| !o.contains_key(*name)),
            Template::Object(members) => members.iter().all(|(key, _)| **key != **name),
            _ => false,
        })
        .map(|(name, default)| (name.clone(), default.clone()))
        .collect::<Vec<_>>();
    if missing.is_empty() {
        return parameters;
    }
    match parameters {
        Template::Literal(value) => {
            let mut value = Arc::unwrap_or_clone(value);
            if let Value::Object(members) = &mut value {
                members.extend(missing);
            }
            Template::Literal(Arc::new(value))
        }
        Template::Object(members) => {
            let mut members = members.into_vec();
            members.extend(
                missing
                    .drain(..)
                    .map(|(name, default)| (name.into(), Template::Literal(Arc::new(default)))),
            );
            Template::Object(members.into())
        }
        other => other,
    }
}

/// The step whose parameters are checked.
pub(super) struct Checker<'a> {
    pub tool: &'a str,
    pub step: &'a Arc<str>,
    /// Where a fault about the parameters as a whole is shown.
    pub place: Range<usize>,
    pub collector: &'a mut Collector,
    /// Where faults were found already.
    pub reported: keywords::Places,
}

impl Checker<'_> {
    /// Checks literal values; values of references are only known when the step runs.
    pub(super) fn check(&mut self, node: &Node, template: &Template, schema: &Value) {
        let Some(members) = node.as_object() else {
            return;
        };
        let empty = Map::new();
        let properties = schema
            .get("properties")
            .and_then(Value::as_object)
            .unwrap_or(&empty);
        let required = required(schema);
        for name in &required {
            let has_default = properties
                .get(*name)
                .is_some_and(|property| property.get("default").is_some());
            if has_default || members.iter().any(|member| *member.key == **name) {
                continue;
            }
            let mut diagnostic = self.fault(
                "missing_parameter",
                format!(
                    "{} needs the parameter {}{}",
                    shown(self.tool),
                    shown(name),
                    typed(properties.get(*name))
                ),
            );
            let unknown = members
                .iter()
                .map(|member| &*member.key)
                .filter(|key| !properties.contains_key(*key));
            if let Some(near) = closest(name, unknown) {
                diagnostic =
                    diagnostic.help(format!("did you mean {} by {}?", shown(name), shown(near)));
            }
            let place = self.place.clone();
            self.report(diagnostic, place);
        }
        for (at, member) in members.iter().enumerate() {
            let Some(property) = properties.get(&*member.key) else {
                self.unknown(&member.key, &member.key_span, properties, schema);
                continue;
            };
            if member.value.is_null() && !required.contains(&&*member.key) {
                continue;
            }
            let part = match template {
                Template::Object(templates) => templates.get(at).map(|(_, template)| template),
                _ => None,
            };
            self.value(&member.value, part, property, &member.key);
        }
    }

    fn unknown(
        &mut self,
        key: &str,
        span: &Range<usize>,
        properties: &Map<String, Value>,
        schema: &Value,
    ) {
        let closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
        if properties.is_empty() && !closed {
            return;
        }
        let mut diagnostic = self.fault(
            "unknown_parameter",
            format!("{} has no parameter {}", shown(self.tool), shown(key)),
        );
        if !closed {
            diagnostic.severity = Severity::Warning;
        }
        if let Some(near) = closest(key, properties.keys().map(String::as_str)) {
            diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
        }
        self.report(diagnostic, span.clone());
    }

    /// `template` is `None` where the whole value is literal.
    fn value(&mut self, node: &Node, template: Option<&Template>, schema: &Value, path: &str) {
        if matches!(
            template,
            Some(Template::Reference(_) | Template::Expression(_) | Template::Text(_))
        ) {
            return;
        }
        let place = match node.kind {
            Kind::List(_) | Kind::Object(_) => first_byte(&node.span),
            _ => node.span.clone(),
        };
        let types = types(schema);
        if !types.is_empty() && !types.iter().any(|wanted| is_of(node, wanted)) {
            let mut diagnostic = self.fault(
                "wrong_type",
                format!(
                    "{} of {} must be {}, not {}",
                    shown(path),
                    shown(self.tool),
                    types.join(" or "),
                    given(node)
                ),
            );
            if let Some(help) = converted(node, &types) {
                diagnostic = diagnostic.help(help);
            }
            self.report(diagnostic, place);
            return;
        }
        if let Some(allowed) = schema.get("enum").and_then(Value::as_array) {
            // Only a literal without references has a value to compare.
            let literal = matches!(template, None | Some(Template::Literal(_)));
            if literal && !allowed.is_empty() {
                let value = node.to_value();
                if !allowed.iter().any(|one| equal(one, &value)) {
                    self.not_in_enum(node, allowed, path, place);
                    return;
                }
            }
        }
        match &node.kind {
            Kind::List(list) => {
                let Some(items) = schema.get("items").filter(|items| items.is_object()) else {
                    return;
                };
                for (at, element) in list.iter().enumerate() {
                    let part = match template {
                        Some(Template::List(templates)) => templates.get(at),
                        _ => None,
                    };
                    self.value(element, part, items, &format!("{path}[{at}]"));
                }
            }
            Kind::Object(members) => self.members(node, members, template, schema, path),
            _ => {}
        }
    }

    fn members(
        &mut self,
        node: &Node,
        members: &[Member],
        template: Option<&Template>,
        schema: &Value,
        path: &str,
    ) {
        for name in required(schema) {
            if !members.iter().any(|member| *member.key == *name) {
                let diagnostic = self.fault(
                    "missing_parameter",
                    format!(
                        "{} of {} needs {}",
                        shown(path),
                        shown(self.tool),
                        shown(name)
                    ),
                );
                self.report(diagnostic, first_byte(&node.span));
            }
        }
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
            return;
        };
        for (at, member) in members.iter().enumerate() {
            if let Some(property) = properties.get(&*member.key) {
                let part = match template {
                    Some(Template::Object(templates)) => templates.get(at).map(|(_, part)| part),
                    _ => None,
                };
                self.value(
                    &member.value,
                    part,
                    property,
                    &format!("{path}.{}", member.key),
                );
            }
        }
    }

    fn not_in_enum(&mut self, node: &Node, allowed: &[Value], path: &str, place: Range<usize>) {
        let mut words: Vec<String> = allowed
            .iter()
            .take(20)
            .map(|one| visible(&one.to_string(), 40))
            .collect();
        if allowed.len() > words.len() {
            words.push("…".to_owned());
        }
        let mut diagnostic = self.fault(
            "not_in_enum",
            format!(
                "{} of {} must be one of {}, not {}",
                shown(path),
                shown(self.tool),
                words.join(", "),
                given(node)
            ),
        );
        if let Some(near) = node
            .as_text()
            .and_then(|text| closest(text, allowed.iter().filter_map(Value::as_str)))
        {
            diagnostic = diagnostic.help(format!("did you mean {}?", shown(near)));
        }
        self.report(diagnostic, place);
    }

    fn report(&mut self, diagnostic: Diagnostic, place: Range<usize>) {
        self.reported.push(place.clone());
        self.collector.push(diagnostic.at(place));
    }

    fn fault(&self, code: &'static str, message: String) -> Diagnostic {
        Diagnostic::new(Severity::Error, code, message).step(Some(self.step))
    }
}

fn required(schema: &Value) -> Vec<&str> {
    schema
        .get("required")
        .and_then(Value::as_array)
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default()
}

/// The types that a schema allows; empty where it allows all, or names a type that JSON does not have.
fn types(schema: &Value) -> Vec<&str> {
    let known = [
        "null", "boolean", "integer", "number", "string", "array", "object",
    ];
    let types: Vec<&str> = match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if types.iter().all(|one| known.contains(one)) {
        types
    } else {
        Vec::new()
    }
}

fn typed(schema: Option<&Value>) -> String {
    let types = schema.map(types).unwrap_or_default();
    if types.is_empty() {
        String::new()
    } else {
        format!(" ({})", types.join(" or "))
    }
}

fn is_of(node: &Node, wanted: &str) -> bool {
    let is = node.type_name();
    match (&node.kind, wanted) {
        (Kind::Number(_), "number") => true,
        (Kind::Number(number), "integer") => {
            is == "integer" || number.as_f64().is_some_and(|number| number.fract() == 0.0)
        }
        _ => is == wanted,
    }
}

fn given(node: &Node) -> String {
    match &node.kind {
        Kind::Text(text) => format!("the text {:?}", visible(text, 40)),
        Kind::Number(number) => number.to_string(),
        Kind::Bool(truth) => truth.to_string(),
        _ => node.type_name().to_owned(),
    }
}

/// A hint for numbers and booleans that are written as text.
fn converted(node: &Node, wanted: &[&str]) -> Option<String> {
    let text = node.as_text()?.trim();
    let number = wanted
        .iter()
        .any(|one| matches!(*one, "integer" | "number"));
    let truth = wanted.contains(&"boolean");
    let fits = (number && text.len() < 40 && text.parse::<f64>().is_ok_and(f64::is_finite))
        || (truth && matches!(text, "true" | "false"));
    fits.then(|| format!("write {text} without quotes"))
}

fn equal(one: &Value, other: &Value) -> bool {
    one == other
        || matches!((one.as_f64(), other.as_f64()), (Some(a), Some(b)) if (a - b).abs() < f64::EPSILON)
}
