//! How many steps validation takes, computed from the schema and the value before any is made.
//!
//! A step is a schema that is applied to a value, a value that is compared, or some bytes of text that are looked at.
//! Validators remember some of what they have seen, so they may need fewer.

use super::pattern;
use serde_json::{Map, Value};
use std::collections::HashMap;

/// The maximum of values in a schema that is compiled here.
const MAX_SCHEMA_VALUES: u64 = 10_000;

/// The maximum size of all its patterns.
const MAX_PATTERNS: u64 = 20_000;

/// The maximum of schemas inside each other, each `$ref` followed: depth costs stack.
const MAX_DEPTH: u32 = 200;

/// The bytes of text that count as one step.
const BYTES_A_STEP: usize = 16;

/// A pattern that looks around or refers back takes so many times the steps of another.
const GOING_BACK: u64 = 100;

/// What a schema is like, apart from any value.
#[derive(Debug, Default)]
pub(super) struct Measured {
    /// The values in it.
    values: u64,
    /// The size of its patterns.
    patterns: u64,
    /// Whether each reference in it leads to a place in it.
    is_closed: bool,
    /// The steps that one value in a value can take at most; `None` where that has no small bound.
    steps: Option<u64>,
}

impl Measured {
    pub(super) fn of(schema: &Value) -> Self {
        let mut measured = Self {
            is_closed: true,
            ..Self::default()
        };
        let mut open = vec![(schema, true)];
        let mut has_references = false;
        let mut has_resources = false;
        while let Some((next, is_root)) = open.pop() {
            measured.values += 1;
            if measured.values > MAX_SCHEMA_VALUES {
                return measured;
            }
            match next {
                Value::Object(members) => {
                    for (name, value) in members {
                        match (name.as_str(), value) {
                            ("$ref", Value::String(reference)) => {
                                has_references = true;
                                measured.is_closed &= target(schema, reference).is_some();
                            }
                            ("$dynamicRef" | "$recursiveRef", Value::String(_)) => {
                                measured.is_closed = false;
                            }
                            // References inside of it would count from there.
                            ("$id" | "id", Value::String(_)) => has_resources |= !is_root,
                            ("pattern", Value::String(pattern)) => measured.pattern(pattern),
                            ("patternProperties", Value::Object(patterns)) => {
                                patterns.keys().for_each(|key| measured.pattern(key));
                            }
                            _ => {}
                        }
                        open.push((value, false));
                    }
                }
                Value::Array(list) => open.extend(list.iter().map(|value| (value, false))),
                _ => {}
            }
        }
        measured.is_closed &= !(has_references && has_resources);
        if measured.is_small() && measured.is_closed {
            let mut expansion = Expansion {
                root: schema,
                known: HashMap::new(),
            };
            measured.steps = expansion.steps(schema, 0);
        }
        measured
    }

    fn pattern(&mut self, pattern: &str) {
        self.patterns = self.patterns.saturating_add(pattern::size(pattern));
    }

    /// Whether it can be compiled here.
    pub(super) fn is_small(&self) -> bool {
        self.values <= MAX_SCHEMA_VALUES && self.patterns <= MAX_PATTERNS
    }

    /// The steps that `value` takes at most; `None` where they are more than `max`.
    pub(super) fn steps(&self, schema: &Value, value: &Value, max: u64) -> Option<u64> {
        if !self.is_small() || !self.is_closed {
            return None;
        }
        // Mostly a product is small enough, and quickly computed.
        let steps = self.steps.unwrap_or(u64::MAX);
        let size = size_up_to(value, max / steps.max(1));
        let product = size.and_then(|size| size.checked_mul(steps));
        if let Some(product) = product.filter(|product| *product <= super::MAX_STEPS_IN_PLACE) {
            return Some(product);
        }
        let mut work = Work {
            root: schema,
            known: HashMap::new(),
            left: max,
            max,
        };
        work.steps(schema, value, 0)
    }
}

/// What a reference of a schema leads to, where that is in the schema and named by its place.
fn target<'s>(root: &'s Value, reference: &str) -> Option<&'s Value> {
    let pointer = reference.strip_prefix('#')?;
    if !pointer.contains('%') {
        return root.pointer(pointer);
    }
    let decoded = percent_encoding::percent_decode_str(pointer).decode_utf8();
    root.pointer(&decoded.ok()?)
}

/// The size of a value: one for each value in it, and one for some bytes of text; `None` where it is more than `max`.
fn size_up_to(value: &Value, max: u64) -> Option<u64> {
    let mut size = 0;
    let mut open = vec![value];
    while let Some(next) = open.pop() {
        size += 1;
        match next {
            Value::String(text) => size += of_text(text),
            Value::Array(list) => open.extend(list),
            Value::Object(members) => {
                size += members.keys().map(|name| of_text(name)).sum::<u64>();
                open.extend(members.values());
            }
            _ => {}
        }
        if size > max {
            return None;
        }
        if open.len() as u64 > max {
            return None;
        }
    }
    Some(size)
}

fn of_text(text: &str) -> u64 {
    (text.len() / BYTES_A_STEP) as u64
}

/// The schemas that a keyword applies to the same value.
fn here<'s>(root: &'s Value, keyword: &str, inner: &'s Value) -> Vec<&'s Value> {
    match (keyword, inner) {
        ("$ref", Value::String(name)) => target(root, name).into_iter().collect(),
        ("allOf" | "anyOf" | "oneOf" | "extends", Value::Array(list)) => list.iter().collect(),
        ("not" | "if" | "then" | "else" | "extends", one) => vec![one],
        ("dependentSchemas" | "dependencies", Value::Object(members)) => {
            members.values().filter(|one| !one.is_array()).collect()
        }
        _ => Vec::new(),
    }
}

/// The schemas that a keyword applies to what is inside a value, or to its names.
fn inside<'s>(keyword: &str, inner: &'s Value) -> Vec<&'s Value> {
    match (keyword, inner) {
        ("properties" | "patternProperties", Value::Object(members)) => members.values().collect(),
        ("items" | "prefixItems", Value::Array(list)) => list.iter().collect(),
        (
            "items"
            | "additionalItems"
            | "contains"
            | "additionalProperties"
            | "propertyNames"
            | "unevaluatedItems"
            | "unevaluatedProperties",
            one,
        ) => vec![one],
        _ => Vec::new(),
    }
}

/// The steps that a schema itself takes with a value of size 1.
fn own_steps(schema: &Map<String, Value>) -> u64 {
    let mut steps: u64 = 1;
    for (keyword, value) in schema {
        let more = match (keyword.as_str(), value) {
            ("pattern", Value::String(pattern)) => pattern_steps(pattern),
            ("patternProperties", Value::Object(patterns)) => patterns
                .keys()
                .map(|pattern| pattern_steps(pattern))
                .fold(0, u64::saturating_add),
            // They are compared with the value, and each violation holds a copy.
            ("enum" | "const" | "required" | "dependentRequired", value) => {
                1 + size_up_to(value, MAX_SCHEMA_VALUES).unwrap_or(u64::MAX >> 1)
            }
            _ => 1,
        };
        steps = steps.saturating_add(more);
    }
    steps
}

/// The steps of a pattern over [`BYTES_A_STEP`] bytes of text.
fn pattern_steps(pattern: &str) -> u64 {
    let size = pattern::size(pattern);
    if pattern::goes_back(pattern) {
        size.saturating_mul(GOING_BACK)
    } else {
        size
    }
}

/// Whether a keyword looks again for what other keywords of the schema have looked at.
fn looks_again(schema: &Map<String, Value>) -> bool {
    schema.contains_key("unevaluatedProperties") || schema.contains_key("unevaluatedItems")
}

/// Follows every reference of a schema, whatever the value.
struct Expansion<'s> {
    root: &'s Value,
    known: HashMap<usize, Option<u64>>,
}

impl<'s> Expansion<'s> {
    /// The steps that a schema, or one inside of it, takes with one value of size 1 at most; `None` where it contains
    /// itself or is too deep.
    fn steps(&mut self, schema: &'s Value, depth: u32) -> Option<u64> {
        let Some(keywords) = schema.as_object() else {
            return Some(1);
        };
        if depth > MAX_DEPTH {
            return None;
        }
        let place = std::ptr::from_ref(schema).addr();
        match self.known.get(&place) {
            Some(known) => return *known,
            // Until it is known it contains itself.
            None => self.known.insert(place, None),
        };
        let mut steps = own_steps(keywords);
        for (keyword, value) in keywords {
            let here = here(self.root, keyword, value).into_iter();
            for schema in here.chain(inside(keyword, value)) {
                steps = steps.saturating_add(self.steps(schema, depth + 1)?);
            }
        }
        if looks_again(keywords) {
            steps = steps.saturating_mul(2);
        }
        self.known.insert(place, Some(steps));
        Some(steps)
    }
}

/// Follows a value and the schemas that are applied to its parts.
struct Work<'s> {
    root: &'s Value,
    /// The steps of a schema with a value, by their addresses.
    known: HashMap<(usize, usize), u64>,
    /// The pairs that may still be looked at.
    left: u64,
    max: u64,
}

impl<'s> Work<'s> {
    fn steps(&mut self, schema: &'s Value, value: &'s Value, depth: u32) -> Option<u64> {
        self.left = self.left.checked_sub(1)?;
        let Some(keywords) = schema.as_object() else {
            return Some(1);
        };
        if depth > MAX_DEPTH {
            return None;
        }
        let pair = (
            std::ptr::from_ref(schema).addr(),
            std::ptr::from_ref(value).addr(),
        );
        if let Some(known) = self.known.get(&pair) {
            return Some(*known);
        }
        let mut steps = self.own(keywords, value)?;
        for (keyword, inner) in keywords {
            for schema in here(self.root, keyword, inner) {
                self.add(&mut steps, schema, value, depth)?;
            }
            match value {
                Value::Object(members) => {
                    self.members(&mut steps, keyword, inner, members, depth)?;
                }
                Value::Array(list) => self.elements(&mut steps, keyword, inner, list, depth)?,
                _ => {}
            }
        }
        if looks_again(keywords) {
            steps = steps.saturating_mul(2);
        }
        self.known.insert(pair, steps);
        (steps <= self.max).then_some(steps)
    }

    fn add(
        &mut self,
        steps: &mut u64,
        schema: &'s Value,
        value: &'s Value,
        depth: u32,
    ) -> Option<()> {
        *steps = steps.saturating_add(self.steps(schema, value, depth + 1)?);
        (*steps <= self.max).then_some(())
    }

    fn members(
        &mut self,
        steps: &mut u64,
        keyword: &str,
        inner: &'s Value,
        members: &'s Map<String, Value>,
        depth: u32,
    ) -> Option<()> {
        match (keyword, inner) {
            ("properties", Value::Object(schemas)) => {
                for (name, schema) in schemas {
                    if let Some(member) = members.get(name) {
                        self.add(steps, schema, member, depth)?;
                    }
                }
            }
            ("patternProperties", Value::Object(schemas)) => {
                for schema in schemas.values() {
                    for member in members.values() {
                        self.add(steps, schema, member, depth)?;
                    }
                }
            }
            ("additionalProperties" | "unevaluatedProperties", schema) => {
                for member in members.values() {
                    self.add(steps, schema, member, depth)?;
                }
            }
            ("propertyNames", schema) => {
                let mut expansion = Expansion {
                    root: self.root,
                    known: HashMap::new(),
                };
                let each = expansion.steps(schema, depth)?;
                *steps = steps.saturating_add(each.saturating_mul(of_names(members)));
            }
            _ => {}
        }
        (*steps <= self.max).then_some(())
    }

    fn elements(
        &mut self,
        steps: &mut u64,
        keyword: &str,
        inner: &'s Value,
        list: &'s [Value],
        depth: u32,
    ) -> Option<()> {
        match (keyword, inner) {
            ("prefixItems" | "items", Value::Array(schemas)) => {
                for (schema, element) in schemas.iter().zip(list) {
                    self.add(steps, schema, element, depth)?;
                }
            }
            ("items" | "additionalItems" | "contains" | "unevaluatedItems", schema) => {
                for element in list {
                    self.add(steps, schema, element, depth)?;
                }
            }
            _ => {}
        }
        Some(())
    }

    /// The steps that the keywords take that apply no other schema.
    fn own(&self, keywords: &Map<String, Value>, value: &Value) -> Option<u64> {
        let mut steps: u64 = 1;
        for (keyword, inner) in keywords {
            let more = match (keyword.as_str(), inner, value) {
                ("pattern", Value::String(pattern), Value::String(text)) => {
                    pattern_steps(pattern).saturating_mul(of_text(text) + 1)
                }
                ("patternProperties", Value::Object(patterns), Value::Object(members)) => patterns
                    .keys()
                    .map(|pattern| pattern_steps(pattern))
                    .fold(0, u64::saturating_add)
                    .saturating_mul(of_names(members)),
                ("enum" | "const", inner, value) => {
                    size_up_to(inner, self.max)?.saturating_add(size_up_to(value, self.max)?)
                }
                ("uniqueItems", _, value) => size_up_to(value, self.max)?,
                ("required" | "dependentRequired", inner, _) => size_up_to(inner, self.max)?,
                (_, _, Value::String(text)) => of_text(text) + 1,
                _ => 1,
            };
            steps = steps.saturating_add(more);
        }
        (steps <= self.max).then_some(steps)
    }
}

/// One for each name, and one for some bytes of them.
fn of_names(members: &Map<String, Value>) -> u64 {
    members.keys().map(|name| 1 + of_text(name)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn steps(schema: &Value, value: &Value) -> Option<u64> {
        Measured::of(schema).steps(schema, value, 1_000_000)
    }

    /// Schemas that refer to the next one twice, `depth` times.
    fn doubling(keyword: &str, depth: usize) -> Value {
        let mut names = Map::new();
        for at in 0..depth {
            let next = json!({"$ref": format!("#/definitions/s{}", at + 1)});
            names.insert(format!("s{at}"), json!({keyword: [next, next]}));
        }
        names.insert(format!("s{depth}"), json!({"type": "string"}));
        json!({"$ref": "#/definitions/s0", "definitions": names})
    }

    #[test]
    fn what_doubles_is_counted_and_not_followed() {
        for keyword in ["allOf", "anyOf", "oneOf"] {
            let small = steps(&doubling(keyword, 3), &json!(1)).unwrap();
            let larger = steps(&doubling(keyword, 6), &json!(1)).unwrap();
            assert!(
                larger > 4 * small && larger < 20 * small,
                "{small} {larger}"
            );
            assert_eq!(steps(&doubling(keyword, 60), &json!(1)), None);
        }
    }

    #[test]
    fn a_schema_that_contains_itself_costs_what_the_value_asks_for() {
        let tree = json!({"type": "object", "properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}});
        let mut value = json!({});
        let mut last = 0;
        for _ in 0..9 {
            value = json!({"left": value, "right": {}});
            let now = steps(&tree, &value).unwrap();
            assert!(now > last && now < last + 20, "{now} after {last}");
            last = now;
        }
        // Two ways into each member double with each level.
        let ways =
            json!({"anyOf": [{"items": {"$ref": "#"}}, {"items": {"$ref": "#"}, "minItems": 1}]});
        let mut nested = json!([]);
        for _ in 0..30 {
            nested = json!([nested]);
        }
        assert_eq!(steps(&ways, &nested), None);
        assert_eq!(steps(&json!({"allOf": [{"$ref": "#"}]}), &json!(1)), None);
    }

    #[test]
    fn texts_and_patterns_multiply() {
        let schema = json!({"pattern": "^(?:[a-z]{1,50}-){1,20}$"});
        let short = steps(&schema, &json!("a-b")).unwrap();
        let long = steps(&schema, &json!("a-b".repeat(200))).unwrap();
        assert!(long > 20 * short, "{short} {long}");
        let back = json!({"pattern": "^(?=[a-z])[a-z]*$"});
        assert_eq!(steps(&back, &json!("a".repeat(50_000))), None);
        assert!(steps(&back, &json!("ab")).is_some());
        assert!(!Measured::of(&json!({"pattern": "((a{99}){99}){99}"})).is_small());
        assert!(!Measured::of(&json!({"enum": vec![0; 20_000]})).is_small());
    }

    #[test]
    fn references_that_are_not_followed_have_no_bound() {
        for schema in [
            json!({"$ref": "https://json-schema.org/draft/2020-12/schema"}),
            json!({"$ref": "#name", "$defs": {"n": {"$anchor": "name"}}}),
            json!({"items": {"$dynamicRef": "#"}}),
            json!({"$ref": "#/$defs/a", "$defs": {"a": {"$id": "http://a/b", "$ref": "#/$defs/a"}}}),
        ] {
            assert_eq!(steps(&schema, &json!([1])), None, "{schema}");
        }
        let spaced = json!({"$ref": "#/$defs/a%20b", "$defs": {"a b": {"type": "string"}}});
        assert!(steps(&spaced, &json!("x")).is_some());
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(json!(1)),
            Just(json!("text that is not short at all")),
            Just(Value::Null)
        ];
        leaf.prop_recursive(4, 30, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec(("[abc]", inner), 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    fn any_schema() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(json!(true)),
            Just(json!({"type": "string", "pattern": "^t"})),
            Just(json!({"enum": [1, "a", [null]]})),
        ];
        leaf.prop_recursive(4, 30, 4, |inner| {
            prop_oneof![
                inner
                    .clone()
                    .prop_map(|items| json!({"items": items, "uniqueItems": true})),
                (inner.clone(), inner.clone()).prop_map(
                    |(a, rest)| json!({"properties": {"a": a}, "additionalProperties": rest})
                ),
                prop::collection::vec(inner.clone(), 1..4).prop_map(|all| json!({"anyOf": all})),
                inner.prop_map(
                    |names| json!({"propertyNames": names, "patternProperties": {"b": names}})
                ),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_quick_bound_is_no_less_than_the_exact_one(schema in any_schema(), value in any_value()) {
            let measured = Measured::of(&schema);
            let size = size_up_to(&value, u64::MAX).unwrap();
            let mut work = Work { root: &schema, known: HashMap::new(), left: u64::MAX, max: u64::MAX };
            let exact = work.steps(&schema, &value, 0).unwrap();
            let quick = measured.steps.unwrap() * size;
            prop_assert!(exact <= quick, "{exact} > {quick}");
        }
    }
}
