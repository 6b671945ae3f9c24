//! Fake values that are valid against a JSON Schema.

use super::output_schema::OutputSchema;
use serde_json::{Map, Number, Value};
use std::collections::HashSet;

/// The maximum nesting of a fake value.
const MAX_DEPTH: usize = 12;

/// The maximum of values that are made for one: where schemas multiply, the rest is `null`.
const MAX_VALUES: usize = 20_000;

/// An output that is valid against `schema`; without a schema an object that is marked as simulated.
pub(super) fn fake_output(seed: u64, tool: &str, schema: Option<&Value>) -> Value {
    let Some(schema) = schema else {
        return serde_json::json!({"simulated": true, "summary": format!("invented output of {tool}")});
    };
    let compiled = OutputSchema::new(tool, schema).ok();
    let mut last = Value::Null;
    // A value that breaks a rule that is not supported here (a pattern, a dependency) is drawn again.
    for round in 0..16 {
        let mut fake_values = FakeValues {
            root: schema,
            random: fastrand::Rng::with_seed(seed ^ (round << 32)),
            generous: round % 2 == 0,
            left: MAX_VALUES,
        };
        last = fake_values.value(schema, "", 0);
        // Where validation could take long, the value is taken as it is.
        let verdict = compiled
            .as_ref()
            .and_then(|compiled| compiled.verdict_now(&last));
        if verdict.is_none_or(|verdict| verdict.is_ok()) {
            break;
        }
    }
    last
}

struct FakeValues<'a> {
    root: &'a Value,
    random: fastrand::Rng,
    /// Whether optional members are included.
    generous: bool,
    /// How many values may still be made.
    left: usize,
}

impl<'a> FakeValues<'a> {
    /// A value for `schema` and a member called `name`.
    fn value(&mut self, schema: &'a Value, name: &str, depth: usize) -> Value {
        let Some(left) = self.left.checked_sub(1) else {
            return Value::Null;
        };
        self.left = left;
        let Some(fields) = schema.as_object() else {
            return self.text(&Map::new(), name);
        };
        if let Some(constant) = fields.get("const") {
            return constant.clone();
        }
        if let Some(choices) = fields.get("enum").and_then(Value::as_array)
            && let Some(choice) = self.random.choice(choices)
        {
            return choice.clone();
        }
        if depth < MAX_DEPTH {
            if let Some(target) = fields.get("$ref").and_then(Value::as_str) {
                let target = target
                    .strip_prefix('#')
                    .and_then(|path| self.root.pointer(path));
                return target.map_or(Value::Null, |target| self.value(target, name, depth + 1));
            }
            for word in ["anyOf", "oneOf"] {
                if let Some(choices) = fields.get(word).and_then(Value::as_array)
                    && let Some(choice) = self.random.choice(choices)
                {
                    let value = self.value(choice, name, depth + 1);
                    return self.merged(value, fields, name, depth);
                }
            }
            if let Some(parts) = fields.get("allOf").and_then(Value::as_array) {
                let mut all = Value::Null;
                for part in parts {
                    let value = self.value(part, name, depth + 1);
                    all = merge(all, value);
                }
                return self.merged(all, fields, name, depth);
            }
        }
        self.plain(fields, name, depth)
    }

    /// `value` merged with the members that the schema around it declares.
    fn merged(
        &mut self,
        value: Value,
        fields: &'a Map<String, Value>,
        name: &str,
        depth: usize,
    ) -> Value {
        if fields.contains_key("properties") {
            let own = self.plain(fields, name, depth);
            merge(own, value)
        } else {
            value
        }
    }

    fn plain(&mut self, fields: &'a Map<String, Value>, name: &str, depth: usize) -> Value {
        match self.kind(fields, depth) {
            "object" => self.object(fields, depth),
            "array" => self.list(fields, name, depth),
            "integer" => self.integer(fields),
            "number" => self.number(fields),
            "boolean" => Value::Bool(self.random.u32(0..10) < 8),
            "null" => Value::Null,
            _ => self.text(fields, name),
        }
    }

    fn kind(&mut self, fields: &'a Map<String, Value>, depth: usize) -> &'a str {
        match fields.get("type") {
            Some(Value::String(kind)) => kind,
            Some(Value::Array(kinds)) => {
                let kinds: Vec<&str> = kinds.iter().filter_map(Value::as_str).collect();
                // A value says more than `null`.
                let telling: Vec<&str> = kinds
                    .iter()
                    .copied()
                    .filter(|kind| {
                        *kind != "null"
                            && (depth < MAX_DEPTH || !matches!(*kind, "object" | "array"))
                    })
                    .collect();
                let kinds = if telling.is_empty() { kinds } else { telling };
                self.random.choice(kinds).unwrap_or("null")
            }
            _ if fields.contains_key("properties") || fields.contains_key("required") => "object",
            _ if fields.contains_key("items") || fields.contains_key("prefixItems") => "array",
            _ if fields.contains_key("minimum") || fields.contains_key("maximum") => "number",
            _ => "string",
        }
    }

    fn object(&mut self, fields: &'a Map<String, Value>, depth: usize) -> Value {
        let required: HashSet<&str> = fields
            .get("required")
            .and_then(Value::as_array)
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        let mut object = Map::new();
        if let Some(properties) = fields.get("properties").and_then(Value::as_object) {
            for (name, schema) in properties {
                if required.contains(name.as_str()) || self.generous && depth < MAX_DEPTH / 2 {
                    object.insert(name.clone(), self.value(schema, name, depth + 1));
                }
            }
        }
        let others = fields
            .get("additionalProperties")
            .filter(|others| others.is_object());
        for name in fields
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            if !object.contains_key(name) {
                let value = self.other(others, name, depth);
                object.insert(name.to_owned(), value);
            }
        }
        let min = count(fields, "minProperties")
            .unwrap_or(usize::from(others.is_some() && object.is_empty()))
            .min(1_000);
        for at in 1.. {
            if object.len() >= min || depth >= MAX_DEPTH {
                break;
            }
            let name = format!("entry_{at}");
            let value = self.other(others, &name, depth);
            object.insert(name, value);
        }
        Value::Object(object)
    }

    /// A member or an element for which there may be no schema.
    fn other(&mut self, schema: Option<&'a Value>, name: &str, depth: usize) -> Value {
        if let Some(schema) = schema {
            return self.value(schema, name, depth + 1);
        }
        self.left = self.left.saturating_sub(1);
        Value::from("invented")
    }

    fn list(&mut self, fields: &'a Map<String, Value>, name: &str, depth: usize) -> Value {
        let min = count(fields, "minItems").unwrap_or(0);
        let max = count(fields, "maxItems").unwrap_or(usize::MAX);
        let wanted = if depth >= MAX_DEPTH {
            0
        } else {
            self.random.usize(2..=4)
        };
        let length = wanted.max(min).min(max).min(1_000);
        let first = fields.get("prefixItems").and_then(Value::as_array);
        let rest = fields.get("items").filter(|items| items.is_object());
        let length = match first {
            Some(first) if rest.is_none() => length.min(first.len()).max(min),
            _ => length,
        };
        let unique = fields.get("uniqueItems") == Some(&Value::Bool(true));
        let singular = name.strip_suffix('s').unwrap_or(name);
        let mut items: Vec<Value> = Vec::new();
        for _ in 0..length * 4 {
            if items.len() == length || self.left == 0 {
                break;
            }
            let schema = first.and_then(|first| first.get(items.len())).or(rest);
            let item = self.other(schema, singular, depth);
            if !unique || !items.contains(&item) {
                items.push(item);
            }
        }
        Value::Array(items)
    }

    fn integer(&mut self, fields: &Map<String, Value>) -> Value {
        let step = fields
            .get("multipleOf")
            .and_then(Value::as_i64)
            .filter(|step| *step > 0)
            .unwrap_or(1);
        let bound = |inclusive: &str, exclusive: &str, inward: i64| {
            let floor = |value: &Value| {
                value.as_i64().or_else(|| {
                    value
                        .as_f64()
                        .map(|x| if inward > 0 { x.ceil() } else { x.floor() } as i64)
                })
            };
            let exclusive = fields.get(exclusive).and_then(|value| {
                let whole = value.as_i64().or_else(|| {
                    value
                        .as_f64()
                        .filter(|x| x.fract() == 0.0)
                        .map(|x| x as i64)
                });
                whole
                    .map(|n| n.saturating_add(inward))
                    .or_else(|| floor(value))
            });
            let inclusive = fields.get(inclusive).and_then(floor);
            match (inclusive, exclusive) {
                (Some(a), Some(b)) => Some(if inward > 0 { a.max(b) } else { a.min(b) }),
                (a, b) => a.or(b),
            }
        };
        let low = bound("minimum", "exclusiveMinimum", 1);
        let high = bound("maximum", "exclusiveMaximum", -1);
        let (low, high) = match (low, high) {
            (Some(low), Some(high)) => (low, high.max(low)),
            (Some(low), None) => (low, low.saturating_add(100_i64.max(step))),
            (None, Some(high)) => (high.saturating_sub(100_i64.max(step)), high),
            (None, None) => (1, 100_i64.max(step)),
        };
        let drawn = self.random.i64(low..=high);
        let down = drawn.saturating_sub(drawn.rem_euclid(step));
        Value::from(if down >= low {
            down
        } else {
            down.saturating_add(step)
        })
    }

    fn number(&mut self, fields: &Map<String, Value>) -> Value {
        let number = |name: &str| fields.get(name).and_then(Value::as_f64);
        let low = number("minimum").or_else(|| number("exclusiveMinimum"));
        let high = number("maximum").or_else(|| number("exclusiveMaximum"));
        let (low, high) = match (low, high) {
            (Some(low), Some(high)) => (low, high.max(low)),
            (Some(low), None) => (low, low + 100.0),
            (None, Some(high)) => (high - 100.0, high),
            (None, None) => (1.0, 100.0),
        };
        if let Some(step) = number("multipleOf").filter(|step| *step > 0.0) {
            let steps = ((high - low) / step).clamp(0.0, 1e6) as u64;
            let first = (low / step).ceil();
            let value = (first + self.random.u64(0..=steps.saturating_sub(1)) as f64) * step;
            return number_value(value);
        }
        let drawn = low + (high - low) * (0.05 + 0.9 * self.random.f64());
        // Two decimals are easier to read, where they are within the bounds.
        let rounded = (drawn * 100.0).round() / 100.0;
        number_value(if rounded > low && rounded < high {
            rounded
        } else {
            drawn
        })
    }

    fn text(&mut self, fields: &Map<String, Value>, name: &str) -> Value {
        let formatted = match fields.get("format").and_then(Value::as_str) {
            Some("date") => Some(self.date()),
            Some("date-time") => Some(format!(
                "{}T{:02}:{:02}:00Z",
                self.date(),
                self.random.u32(0..24),
                self.random.u32(0..60)
            )),
            Some("time") => Some(format!(
                "{:02}:{:02}:00Z",
                self.random.u32(0..24),
                self.random.u32(0..60)
            )),
            Some("email") => Some(format!("someone{}@example.com", self.random.u32(1..100))),
            Some("uri" | "url") => {
                Some(format!("https://example.com/{}", self.random.u32(1..1000)))
            }
            Some("uuid") => Some(format!(
                "00000000-0000-4000-8000-{:012x}",
                self.random.u64(0..1 << 48)
            )),
            Some("ipv4") => Some(format!("192.0.2.{}", self.random.u32(1..255))),
            Some("hostname") => Some("example.com".to_owned()),
            _ => None,
        };
        let text = formatted.unwrap_or_else(|| self.words(name));
        let min = count(fields, "minLength").unwrap_or(0).min(10_000);
        let max = count(fields, "maxLength").unwrap_or(usize::MAX);
        let mut text: Vec<char> = text.chars().collect();
        while text.len() < min {
            text.push('o');
        }
        text.truncate(max);
        self.left = self.left.saturating_sub(text.len() / 64);
        Value::String(text.into_iter().collect())
    }

    /// Words that fit a member of this name.
    fn words(&mut self, name: &str) -> String {
        let lower = name.to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
        let pick = |random: &mut fastrand::Rng, words: &[&str]| {
            random.choice(words).copied().unwrap_or_default().to_owned()
        };
        let random = &mut self.random;
        if has(&["date", "day"]) {
            return self.date();
        }
        if has(&["currency"]) {
            return pick(random, &["USD", "EUR", "GBP"]);
        }
        if has(&["merchant", "vendor", "store", "company", "supplier"]) {
            return pick(
                random,
                &[
                    "Corner Grocery",
                    "Harbour Market",
                    "Oak & Sons",
                    "Blue Door Bakery",
                ],
            );
        }
        if has(&["categor", "kind", "type", "label", "tag"]) {
            return pick(
                random,
                &["produce", "dairy", "bakery", "household", "other"],
            );
        }
        if has(&["url", "link"]) {
            return format!("https://example.com/{}", random.u32(1..1000));
        }
        if has(&["email"]) {
            return format!("someone{}@example.com", random.u32(1..100));
        }
        if has(&["name", "title", "item", "product", "description"]) {
            return pick(
                random,
                &[
                    "oat milk",
                    "rye bread",
                    "apples",
                    "green tea",
                    "olive oil",
                    "soap",
                ],
            );
        }
        if lower == "id" || lower.ends_with("_id") {
            return format!("x{:05}", random.u32(0..100_000));
        }
        let subject = pick(
            random,
            &["the input", "each part", "the record", "the list"],
        );
        let verb = pick(
            random,
            &[
                "reads well",
                "is complete",
                "needs a second look",
                "agrees with the total",
            ],
        );
        format!("{subject} {verb} (simulated)")
    }

    fn date(&mut self) -> String {
        format!(
            "2026-{:02}-{:02}",
            self.random.u32(1..=12),
            self.random.u32(1..=28)
        )
    }
}

fn count(fields: &Map<String, Value>, name: &str) -> Option<usize> {
    fields.get(name)?.as_u64().map(|n| n as usize)
}

fn number_value(value: f64) -> Value {
    Number::from_f64(value).map_or(Value::from(0), Value::Number)
}

/// `below` with the members of `above` put over it.
fn merge(below: Value, above: Value) -> Value {
    match (below, above) {
        (Value::Object(mut below), Value::Object(above)) => {
            below.extend(above);
            Value::Object(below)
        }
        (below, Value::Null) => below,
        (_, above) => above,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    /// Schemas as catalogs have them: nested, bounded, with enums and optional members.
    fn schemas() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(json!({"type": "string"})),
            Just(json!({"type": "boolean"})),
            Just(json!({"type": ["number", "null"]})),
            Just(json!({"type": "string", "format": "date"})),
            (0usize..20, 0usize..20)
                .prop_map(|(a, b)| json!({"type": "string", "minLength": a, "maxLength": a + b})),
            (-50i64..50, 0i64..20)
                .prop_map(|(a, b)| json!({"type": "integer", "minimum": a, "maximum": a + b})),
            (-50i64..50, 1i64..20).prop_map(
                |(a, b)| json!({"type": "number", "exclusiveMinimum": a, "exclusiveMaximum": a + b})
            ),
            (1i64..9).prop_map(
                |step| json!({"type": "integer", "multipleOf": step, "minimum": 0, "maximum": 50})
            ),
            prop::collection::vec(any::<i8>(), 1..4).prop_map(|choices| {
                let choices: std::collections::BTreeSet<i8> = choices.into_iter().collect();
                json!({"enum": choices})
            }),
            Just(json!({"const": {"a": [1]}})),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                (prop::collection::btree_map("[a-d]{1,2}", inner.clone(), 0..4), any::<bool>(), any::<prop::sample::Index>()).prop_map(
                    |(members, closed, some)| {
                        let names: Vec<&String> = members.keys().collect();
                        let required: Vec<&String> = names.iter().take(some.index(names.len() + 1)).copied().collect();
                        json!({"type": "object", "properties": members, "required": required, "additionalProperties": !closed})
                    }
                ),
                (inner.clone(), 0u8..4, 0u8..4).prop_map(|(items, least, more)| {
                    json!({"type": "array", "items": items, "minItems": least, "maxItems": least + more})
                }),
                prop::collection::vec(inner.clone(), 1..3).prop_map(|choices| json!({"anyOf": choices})),
            ]
        })
    }

    #[test]
    fn schemas_that_multiply_give_bounded_values() {
        let mut definitions = Map::new();
        for at in 0..9 {
            let next = json!({"$ref": format!("#/definitions/l{}", at + 1)});
            let members: Map<String, Value> = (0..9)
                .map(|member| (format!("m{member}"), next.clone()))
                .collect();
            let names: Vec<&String> = members.keys().collect();
            let level = json!({"type": "object", "required": names, "properties": members});
            definitions.insert(format!("l{at}"), level);
        }
        definitions.insert(
            "l9".to_owned(),
            json!({"type": "string", "minLength": 9_000}),
        );
        let nine = json!({"$ref": "#/definitions/l0", "definitions": definitions});
        let lists = json!({"type": "array", "minItems": 900, "items": {"type": "array", "minItems": 900,
            "items": {"type": "array", "minItems": 900}}});
        let names = json!({"type": "object", "minProperties": 4_000_000_000_u64});
        for schema in [nine, lists, names] {
            let value = fake_output(1, "t", Some(&schema));
            assert!(crate::text::json::footprint(&value) < 64 << 20, "{schema}");
        }
    }

    proptest! {
        #[test]
        fn fake_values_are_valid(schema in schemas(), refer in any::<bool>(), seed in any::<u64>()) {
            let schema = if refer { json!({"$ref": "#/$defs/x", "$defs": {"x": schema}}) } else { schema };
            let value = fake_output(seed, "t", Some(&schema));
            let compiled = OutputSchema::new("t", &schema).unwrap();
            prop_assert_eq!(compiled.verdict_now(&value), Some(Ok(())), "{} after {}", value, schema);
        }
    }
}
