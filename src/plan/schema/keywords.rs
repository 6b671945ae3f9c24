//! What a schema asks beyond types, required names and enumerations: `$ref`, `pattern`, `minimum`, `format` and all
//! other keywords. Literal values are held against the whole schema; of a value with references in it, only what does
//! not depend on them.

use super::{Checker, converted, given, is_of};
use crate::plan::diagnostic::{Diagnostic, Severity, shown};
use crate::plan::draft_plan::first_byte;
use crate::plan::node::{Kind, Member, Node};
use crate::plan::template::Template;
use crate::text::schema::{Place, Schema, is_unfinished};
use crate::text::visible;
use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use serde_json::{Map, Value};
use std::ops::Range;

/// The maximum of faults of one step that are shown.
const MAX_FAULTS: usize = 20;

/// The keywords that [`Checker`] reads itself, and those that ask nothing.
const PLAIN: &[&str] = &[
    "type",
    "properties",
    "required",
    "enum",
    "items",
    "default",
    "title",
    "description",
    "examples",
    "$schema",
    "$id",
    "$comment",
    "deprecated",
    "readOnly",
    "writeOnly",
];

/// A compiled schema of a tool's parameters, where it asks more than [`Checker`] reads.
pub(in crate::plan) fn compile(schema: &Value) -> Option<Schema> {
    if is_plain(schema, true) {
        return None;
    }
    Schema::new(schema).ok()
}

fn is_plain(schema: &Value, is_root: bool) -> bool {
    let Some(keywords) = schema.as_object() else {
        return false;
    };
    keywords
        .iter()
        .all(|(keyword, value)| match (keyword.as_str(), value) {
            ("additionalProperties", Value::Bool(open)) => *open || is_root,
            ("properties", Value::Object(members)) => {
                members.values().all(|member| is_plain(member, false))
            }
            ("items", items) => is_plain(items, false),
            (keyword, _) => PLAIN.contains(&keyword),
        })
}

impl Checker<'_> {
    /// Reports what `compiled` finds wrong with the parameters, beyond what was reported before. Where that could take
    /// long, it reports that they were not validated.
    pub(crate) fn keywords(
        &mut self,
        node: &Node,
        template: &Template,
        schema: &Value,
        compiled: &Schema,
    ) {
        let mut open = Vec::new();
        let mut value = literal(node, Some(template), String::new(), &mut open);
        // A parameter that is null counts as not given where it need not be.
        let required = super::required(schema);
        if let Value::Object(members) = &mut value {
            members.retain(|name, member| !member.is_null() || required.contains(&&**name));
        }
        let Place::Inline(validator) = compiled.place(&value) else {
            self.not_validated();
            return;
        };
        let mut is_whole = true;
        let errors = validator
            .iter_errors(&value)
            .take(4 * MAX_FAULTS)
            .inspect(|error| is_whole &= !is_unfinished(error.kind()));
        let faults: Vec<Diagnostic> = errors
            .filter(|error| is_certain(error, &open))
            .filter_map(|error| self.violation(node, &error))
            .take(MAX_FAULTS)
            .collect();
        for fault in faults {
            let known = self
                .reported
                .iter()
                .any(|place| Some(place) == fault.span.as_ref());
            if !known {
                self.collector.push(fault);
            }
        }
        if !is_whole {
            self.not_validated();
        }
    }

    fn not_validated(&mut self) {
        let mut warning = self.fault(
            "not_validated",
            format!(
                "the values for {} are not checked against all of its schema, which could take too long",
                shown(self.tool)
            ),
        );
        warning.severity = Severity::Warning;
        let warning = warning.help(
            "give the tool a smaller schema: fewer `$ref`, `allOf`, `anyOf` and `oneOf` inside each other, simpler patterns",
        );
        self.collector.push(warning.at(self.place.clone()));
    }

    fn violation(&self, root: &Node, error: &ValidationError<'_>) -> Option<Diagnostic> {
        // What the parameters as a whole need was looked at before, with the catalog's defaults.
        let at_root = matches!(
            error.evaluation_path().as_str(),
            "/required" | "/additionalProperties"
        );
        if at_root {
            return None;
        }
        let pointer = error.instance_path().as_str();
        let (path, node) = follow(root, pointer);
        let place = match node {
            Some(node) if matches!(node.kind, Kind::List(_) | Kind::Object(_)) => {
                first_byte(&node.span)
            }
            Some(node) => node.span.clone(),
            None => self.place.clone(),
        };
        let place = if pointer.is_empty() {
            self.place.clone()
        } else {
            place
        };
        let what = if path.is_empty() {
            format!("the input of {}", shown(self.tool))
        } else {
            format!("{} of {}", shown(&path), shown(self.tool))
        };
        let got = node.map_or_else(|| "another value".to_owned(), given);
        let must = |wanted: String| {
            (
                "invalid_parameter",
                format!("{what} must {wanted}, not {got}"),
            )
        };
        let count =
            |noun: &str, limit: u64| format!("{limit} {noun}{}", if limit == 1 { "" } else { "s" });
        let mut help = None;
        let (code, message) = match error.kind() {
            kind if is_unfinished(kind) => return None,
            ValidationErrorKind::Type { kind } => {
                let types = types(kind);
                let types: Vec<&str> = types.iter().map(String::as_str).collect();
                if node.is_some_and(|node| types.iter().any(|wanted| is_of(node, wanted))) {
                    return None;
                }
                help = node.and_then(|node| converted(node, &types));
                ("wrong_type", must(format!("be {}", types.join(" or "))).1)
            }
            ValidationErrorKind::Required { property } => {
                let name = property.as_str().unwrap_or_default();
                ("missing_parameter", format!("{what} needs {}", shown(name)))
            }
            ValidationErrorKind::AdditionalProperties { unexpected }
            | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
                let names: Vec<String> =
                    unexpected.iter().take(5).map(|name| shown(name)).collect();
                (
                    "unknown_parameter",
                    format!("{what} has no field {}", names.join(", ")),
                )
            }
            ValidationErrorKind::Enum { options } => {
                let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
                let words: Vec<String> = options
                    .iter()
                    .take(20)
                    .map(|one| visible(&one.to_string(), 40))
                    .collect();
                (
                    "not_in_enum",
                    must(format!("be one of {}", words.join(", "))).1,
                )
            }
            ValidationErrorKind::Constant { expected_value } => {
                must(format!("be {}", visible(&expected_value.to_string(), 80)))
            }
            ValidationErrorKind::Pattern { pattern } => {
                must(format!("match the pattern `{}`", visible(pattern, 80)))
            }
            ValidationErrorKind::Format { format } => {
                must(format!("have the format {}", shown(format)))
            }
            ValidationErrorKind::Minimum { limit } => must(format!("be at least {limit}")),
            ValidationErrorKind::Maximum { limit } => must(format!("be at most {limit}")),
            ValidationErrorKind::ExclusiveMinimum { limit } => must(format!("be above {limit}")),
            ValidationErrorKind::ExclusiveMaximum { limit } => must(format!("be below {limit}")),
            ValidationErrorKind::MinLength { limit } => {
                must(format!("have at least {}", count("character", *limit)))
            }
            ValidationErrorKind::MaxLength { limit } => {
                must(format!("have at most {}", count("character", *limit)))
            }
            ValidationErrorKind::MinItems { limit } => (
                "invalid_parameter",
                format!("{what} must have at least {}", count("element", *limit)),
            ),
            ValidationErrorKind::MaxItems { limit } => (
                "invalid_parameter",
                format!("{what} must have at most {}", count("element", *limit)),
            ),
            ValidationErrorKind::UniqueItems => (
                "invalid_parameter",
                format!("{what} must not have the same element twice"),
            ),
            _ => (
                "invalid_parameter",
                format!(
                    "{what} does not fit its schema: {}",
                    visible(&error.to_string(), 200)
                ),
            ),
        };
        let mut fault = self.fault(code, message).at(place);
        if let Some(help) = help {
            fault = fault.help(help);
        }
        Some(fault)
    }
}

/// The value with `null` where a reference stands; the JSON pointers to these places go to `open`.
fn literal(
    node: &Node,
    template: Option<&Template>,
    pointer: String,
    open: &mut Vec<String>,
) -> Value {
    match (&node.kind, template) {
        (_, Some(Template::Reference(_) | Template::Expression(_) | Template::Text(_))) => {
            open.push(pointer);
            Value::Null
        }
        (Kind::List(list), Some(Template::List(templates))) => list
            .iter()
            .zip(templates)
            .enumerate()
            .map(|(at, (element, template))| {
                literal(element, Some(template), format!("{pointer}/{at}"), open)
            })
            .collect(),
        (Kind::Object(members), Some(Template::Object(templates))) => {
            let members = members
                .iter()
                .zip(templates)
                .map(|(member, (_, template))| {
                    let name = member.key.replace('~', "~0").replace('/', "~1");
                    let value = literal(
                        &member.value,
                        Some(template),
                        format!("{pointer}/{name}"),
                        open,
                    );
                    (member.key.to_string(), value)
                });
            Value::Object(members.collect::<Map<_, _>>())
        }
        _ => node.to_value(),
    }
}

/// Whether a violation does not depend on a value that is only known when the step runs.
fn is_certain(error: &ValidationError<'_>, open: &[String]) -> bool {
    if open.is_empty() {
        return true;
    }
    // Whether these schemas apply may depend on any of the values.
    let conditional = ["/if", "/then", "/else", "/dependentSchemas"];
    let path = error.evaluation_path().as_str();
    if conditional.iter().any(|keyword| path.contains(keyword)) {
        return false;
    }
    let at = error.instance_path().as_str();
    let within = |inner: &str, outer: &str| {
        inner
            .strip_prefix(outer)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if open.iter().any(|open| within(at, open)) {
        return false;
    }
    if !open.iter().any(|open| within(open, at)) {
        return true;
    }
    matches!(
        error.kind(),
        ValidationErrorKind::Type { .. }
            | ValidationErrorKind::Required { .. }
            | ValidationErrorKind::AdditionalProperties { .. }
            | ValidationErrorKind::MinItems { .. }
            | ValidationErrorKind::MaxItems { .. }
            | ValidationErrorKind::MinProperties { .. }
            | ValidationErrorKind::MaxProperties { .. }
    )
}

/// The path and the node at a JSON pointer.
fn follow<'n>(root: &'n Node, pointer: &str) -> (String, Option<&'n Node>) {
    let mut path = String::new();
    let mut node = Some(root);
    for token in pointer.split('/').skip(1) {
        let name = token.replace("~1", "/").replace("~0", "~");
        node = node.and_then(|node| match &node.kind {
            Kind::List(list) => list.get(name.parse::<usize>().ok()?),
            Kind::Object(members) => find(members, &name),
            _ => None,
        });
        let is_element = name.bytes().all(|byte| byte.is_ascii_digit());
        if is_element && !path.is_empty() {
            path.extend(["[", &name, "]"]);
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&name);
        }
    }
    (path, node)
}

fn find<'n>(members: &'n [Member], name: &str) -> Option<&'n Node> {
    let member = members.iter().find(|member| &*member.key == name)?;
    Some(&member.value)
}

fn types(kind: &TypeKind) -> Vec<String> {
    match kind {
        TypeKind::Single(one) => vec![one.to_string()],
        TypeKind::Multiple(many) => many.iter().map(|one| one.to_string()).collect(),
    }
}

/// Where the faults of the checker stand.
pub(super) type Places = Vec<Range<usize>>;
