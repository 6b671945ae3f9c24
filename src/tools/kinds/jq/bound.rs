//! Which filters are certain to end soon, so that they may run in this process.
//!
//! jq can loop forever, repeat a text a billion times and nest values without end, and jaq cannot be interrupted. So a
//! filter runs in a sandbox unless every part of it is listed here: paths, construction, arithmetic, comparison, and
//! calls whose work is linear in their input. On an input of size `n` each of these has outputs of at most
//! `growth × n` in all and takes at most `steps × n` steps, and so does every combination of them. A size counts
//! nodes, and [`TEXT_UNIT`] bytes of text as one; a step takes about 50 ns.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Term};
use jaq_core::ops::Math;
use jaq_core::path::Part;
use serde_json::Value;

const TEXT_UNIT: f64 = 16.0;

/// The maximum input for a run in place, in bytes of text and two for each node.
const MAX_BYTES_IN_PLACE: usize = 64 << 10;

/// The maximum of steps in place, and on a thread, where a filter cannot be stopped.
const MAX_STEPS_IN_PLACE: f64 = 100_000.0;
const MAX_STEPS_ON_A_THREAD: f64 = 5_000_000.0;

/// Nesting of syntax that is safe on any thread's stack.
const MAX_DEPTH: usize = 60;

/// The maximum length of a regular expression, in bytes.
const MAX_PATTERN_BYTES: usize = 64;
/// The maximum length with counted repetitions expanded.
const MAX_EXPANDED_PATTERN: f64 = 256.0;

/// Where a filter may run on an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In place: it takes a few milliseconds at most.
    Inline,
    /// On a thread of its own: it ends within a second and cannot be stopped before.
    Thread,
    /// In a process of its own, which can be stopped.
    Sandbox,
}

/// The bounds of a filter's work.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Bound {
    /// Steps for each unit of its input; `None` where there is no bound.
    steps: Option<f64>,
    /// Members that it multiplies or divides by one another: a text in one of them would be repeated.
    factors: Vec<String>,
}

impl Bound {
    /// The bounds of a filter, which must be valid.
    pub(super) fn of(source: &str) -> Self {
        let mut walk = Walk::default();
        let term = jaq_core::load::parse(source, |parser| parser.term());
        let cost = term.as_ref().and_then(|term| walk.term(term, 0));
        // The input has no bound for members that the filter itself makes.
        let is_bounded = |_: &Cost| !walk.factors.iter().any(|name| walk.made.contains(name));
        Self {
            // Its outputs are written, and its input is read.
            steps: cost
                .filter(is_bounded)
                .map(|cost| cost.steps + cost.growth + 1.0),
            factors: walk.factors.into_iter().map(str::to_owned).collect(),
        }
    }

    /// Where the filter may run on `input`.
    pub(super) fn place(&self, input: &Value) -> Place {
        let Some(steps) = self.steps else {
            return Place::Sandbox;
        };
        let mut measure = Measure {
            size: 0.0,
            bytes: 0,
            max: MAX_STEPS_ON_A_THREAD / steps,
            factors: &self.factors,
        };
        if !measure.take(input) {
            Place::Sandbox
        } else if measure.size * steps <= MAX_STEPS_IN_PLACE && measure.bytes <= MAX_BYTES_IN_PLACE
        {
            Place::Inline
        } else {
            Place::Thread
        }
    }
}

/// Measures an input. Stops as soon as it is too large, or where a member that is multiplied is not a number.
struct Measure<'a> {
    size: f64,
    bytes: usize,
    max: f64,
    factors: &'a [String],
}

impl Measure<'_> {
    fn take(&mut self, value: &Value) -> bool {
        self.bytes += 2;
        self.size += 1.0;
        if self.size > self.max {
            return false;
        }
        match value {
            Value::String(text) => self.text(text),
            Value::Array(items) => items.iter().all(|item| self.take(item)),
            Value::Object(members) => members.iter().all(|(name, value)| {
                let is_plain = matches!(value, Value::Number(_) | Value::Null | Value::Bool(_));
                let may_be_factor = is_plain || !self.factors.contains(name);
                may_be_factor && self.text(name) && self.take(value)
            }),
            Value::Null | Value::Bool(_) | Value::Number(_) => true,
        }
    }

    fn text(&mut self, text: &str) -> bool {
        self.bytes += text.len();
        self.size += text.len() as f64 / TEXT_UNIT;
        self.size <= self.max
    }
}

/// The upper bounds of a term for each unit of its input.
#[derive(Clone, Copy, Debug)]
struct Cost {
    /// The number and the size of its outputs.
    growth: f64,
    steps: f64,
    /// Whether it has one output or none.
    single: bool,
}

// An `Option`, because every caller needs one.
#[allow(clippy::unnecessary_wraps)]
const fn one(growth: f64, steps: f64) -> Option<Cost> {
    Some(Cost {
        growth,
        steps,
        single: true,
    })
}

/// The elements of a value.
const EACH: Cost = Cost {
    growth: 1.0,
    steps: 1.0,
    single: false,
};

impl Cost {
    /// What `next` does with each output of this.
    fn then(self, next: Self) -> Self {
        Self {
            growth: self.growth * next.growth,
            steps: self.steps + self.growth * next.steps,
            single: self.single && next.single,
        }
    }

    /// This and another term on the same input.
    fn and(self, other: Self) -> Self {
        Self {
            growth: self.growth + other.growth,
            steps: self.steps + other.steps,
            single: self.single && other.single,
        }
    }

    /// All outputs in one list.
    fn collected(self) -> Self {
        Self {
            growth: self.growth + 1.0,
            steps: self.steps + self.growth + 1.0,
            single: true,
        }
    }

    /// `None` where there may be several outputs: the work for each pair of outputs is not linear.
    fn if_single(self) -> Option<Self> {
        self.single.then_some(self)
    }
}

/// A walk over a filter's syntax.
#[derive(Default)]
struct Walk<'s> {
    /// The members that are multiplied, and the members that the filter makes.
    factors: Vec<&'s str>,
    made: Vec<&'s str>,
}

impl<'s> Walk<'s> {
    fn term(&mut self, term: &Term<&'s str>, depth: usize) -> Option<Cost> {
        let depth = depth + 1;
        if depth > MAX_DEPTH {
            return None;
        }
        match term {
            Term::Id | Term::Arr(None) => one(1.0, 1.0),
            // Longer numbers take more than a step.
            Term::Num(digits) if digits.len() <= 20 => one(1.0, 1.0),
            Term::Str(None, parts) => parts.iter().try_fold(one(1.0, 1.0)?, |text, part| {
                Some(text.and(match part {
                    StrPart::Str(piece) => one(piece.len() as f64 / TEXT_UNIT, 1.0)?,
                    StrPart::Char(_) => one(1.0, 1.0)?,
                    StrPart::Term(term) => {
                        let value = self.term(term, depth)?.if_single()?;
                        value.then(call("tostring")?)
                    }
                }))
            }),
            Term::Arr(Some(inner)) => Some(self.term(inner, depth)?.collected()),
            Term::Obj(members) => members.iter().try_fold(one(1.0, 1.0)?, |object, member| {
                let name = literal(&member.0)?;
                let value = match &member.1 {
                    None => one(1.0, 2.0)?,
                    Some(value) => {
                        self.made.push(name);
                        self.term(value, depth)?.if_single()?
                    }
                };
                let key = one(1.0 + name.len() as f64 / TEXT_UNIT, 4.0)?;
                Some(object.and(key).and(value))
            }),
            Term::Neg(inner) => Some(self.term(inner, depth)?.then(one(1.0, 2.0)?)),
            Term::TryCatch(inner, None) => self.term(inner, depth),
            Term::TryCatch(inner, Some(handler)) => {
                let inner = self.term(inner, depth)?;
                // A message quotes the value that caused it.
                let message = one(20.0 + 6.0 * (inner.growth + 1.0), 6.0)?;
                Some(inner.and(message.then(self.term(handler, depth)?)))
            }
            Term::IfThenElse(cases, otherwise) => {
                let otherwise = otherwise.as_deref().unwrap_or(&Term::Id);
                let otherwise = self.term(otherwise, depth)?;
                cases.iter().try_fold(otherwise, |all, (condition, then)| {
                    let condition = self.term(condition, depth)?.if_single()?;
                    Some(all.and(condition).and(self.term(then, depth)?))
                })
            }
            Term::Path(head, path) => {
                let head = self.term(head, depth)?;
                path.0.iter().try_fold(head, |head, (part, _)| {
                    Some(head.then(match part {
                        Part::Range(None, None) => EACH,
                        Part::Index(index) if is_constant(index) => one(1.0, 2.0)?,
                        Part::Range(from, to) if from.iter().chain(to).all(is_constant) => {
                            one(1.0, 2.0)?
                        }
                        _ => return None,
                    }))
                })
            }
            Term::BinOp(left, op, right) => {
                let (l, r) = (self.term(left, depth)?, self.term(right, depth)?);
                match op {
                    BinaryOp::Pipe(None) => Some(l.then(r)),
                    BinaryOp::Comma => Some(Cost {
                        single: false,
                        ..l.and(r)
                    }),
                    BinaryOp::Alt => Some(l.and(r)),
                    BinaryOp::And | BinaryOp::Or | BinaryOp::Cmp(_) => {
                        let pair = pair(l, r, right)?;
                        Some(pair.and(one(0.0, pair.growth + 1.0)?))
                    }
                    BinaryOp::Math(op) => {
                        let pair = pair(l, r, right)?;
                        let repeated = match (op, number(left).or(number(right))) {
                            (Math::Mul, Some(times)) => {
                                let name = last_name(left).or(last_name(right));
                                match name.filter(|_| times > TEXT_UNIT) {
                                    Some(name) => {
                                        self.factors.push(name);
                                        1.0
                                    }
                                    None => times.max(1.0),
                                }
                            }
                            (Math::Mul | Math::Div, None) => {
                                self.factors.extend([last_name(left)?, last_name(right)?]);
                                1.0
                            }
                            _ => 1.0,
                        };
                        // A difference of lists sorts one of them.
                        let steps = if *op == Math::Sub { 18.0 } else { 2.0 };
                        Some(pair.then(Cost {
                            single: true,
                            ..one(repeated, steps)?
                        }))
                    }
                    _ => None,
                }
            }
            Term::Call(name, arguments) => match arguments.as_slice() {
                [] => call(name),
                [argument] => self.call_with(name, argument, depth),
                _ => None,
            },
            _ => None,
        }
    }

    /// Calls of filters with a filter.
    fn call_with(&mut self, name: &str, f: &Term<&'s str>, depth: usize) -> Option<Cost> {
        let inner = self.term(f, depth)?;
        match name {
            "select" => one(1.0, inner.if_single()?.steps + 2.0),
            "map" => Some(EACH.then(inner).collected()),
            "add" => Some(inner.collected().then(call("add")?)),
            "error" => Some(inner),
            "any" | "all" => one(1.0, EACH.then(inner).collected().steps),
            "sort_by" | "group_by" | "unique_by" | "min_by" | "max_by" => {
                one(2.0, EACH.then(inner).steps + 17.0 * (inner.growth + 1.0))
            }
            "has" | "startswith" | "endswith" | "ltrimstr" | "rtrimstr" if is_constant(f) => {
                one(1.0, 2.0)
            }
            // An empty separator splits at every character.
            "split" if is_constant(f) => one(TEXT_UNIT + 2.0, TEXT_UNIT + 4.0),
            "join" if is_constant(f) => one(6.0 + inner.growth, 40.0 + inner.growth),
            "test" | "scan" | "match" | "capture" | "splits" => {
                let pattern = Pattern::of(&constant_text(f)?)?;
                let outputs = match name {
                    "test" => 1.0,
                    // A match may be empty, so there may be one at every byte, with all its groups.
                    "scan" | "splits" => (TEXT_UNIT + 1.0) * (2.0 + 2.0 * pattern.groups),
                    _ => (TEXT_UNIT + 1.0) * 10.0 * (1.0 + pattern.groups),
                };
                Some(Cost {
                    growth: outputs,
                    steps: 300.0 * (pattern.length + 1.0) + 4.0 * outputs,
                    single: name == "test",
                })
            }
            _ => None,
        }
    }
}

/// What a regular expression costs: it is compiled for each call, and matching is linear in the text times its length.
struct Pattern {
    /// Characters, counted repetitions written out.
    length: f64,
    groups: f64,
}

impl Pattern {
    /// `None` where it is too long.
    fn of(text: &str) -> Option<Self> {
        let repeated = text.split('{').skip(1).map(|piece| {
            let counts = piece.split('}').next().unwrap_or_default().split(',');
            counts
                .filter_map(|count| count.trim().parse().ok())
                .fold(1.0, f64::max)
        });
        let pattern = Self {
            length: text.len() as f64 * repeated.product::<f64>(),
            groups: text.matches('(').count() as f64,
        };
        (text.len() <= MAX_PATTERN_BYTES && pattern.length <= MAX_EXPANDED_PATTERN)
            .then_some(pattern)
    }
}

/// Calls without arguments.
fn call(name: &str) -> Option<Cost> {
    match name {
        "empty" | "error" | "null" | "true" | "false" | "not" | "length" | "utf8bytelength"
        | "first" | "last" | "floor" | "round" | "ceil" | "sqrt" | "abs" | "fabs" | "trunc"
        | "tonumber" | "type" | "isboolean" | "isnumber" | "isstring" | "isarray" | "isobject"
        | "debug" | "stderr" | "values" | "nulls" | "booleans" | "numbers" | "strings"
        | "arrays" | "objects" | "iterables" | "scalars" | "ascii_downcase" | "ascii_upcase"
        | "trim" | "ltrim" | "rtrim" | "any" | "all" | "reverse" => one(1.0, 4.0),
        "keys" | "keys_unsorted" | "sort" | "unique" | "min" | "max" => one(1.0, 18.0),
        // Each addition copies the text so far.
        "add" => one(1.0, 16.0),
        // A number may have 25 digits, and a character six of its own.
        "tostring" | "tojson" | "@json" | "@text" => one(6.0, 6.0),
        _ => None,
    }
}

/// Both sides of an operator.
fn pair(l: Cost, r: Cost, right: &Term<&str>) -> Option<Cost> {
    match (l.single && r.single, is_constant(right)) {
        (true, _) => Some(l.and(r)),
        (false, true) => Some(Cost {
            growth: l.growth * (1.0 + r.growth),
            steps: l.steps + l.growth * r.steps,
            single: false,
        }),
        (false, false) => None,
    }
}

/// A string without interpolation.
fn literal<'s>(term: &Term<&'s str>) -> Option<&'s str> {
    match term {
        Term::Str(None, parts) => match parts.as_slice() {
            [StrPart::Str(text)] => Some(text),
            _ => None,
        },
        _ => None,
    }
}

/// The same, its escapes resolved.
fn constant_text(term: &Term<&str>) -> Option<String> {
    let Term::Str(None, parts) = term else {
        return None;
    };
    let mut text = String::new();
    for part in parts {
        match part {
            StrPart::Str(piece) => text.push_str(piece),
            StrPart::Char(one) => text.push(*one),
            StrPart::Term(_) => return None,
        }
    }
    Some(text)
}

fn number(term: &Term<&str>) -> Option<f64> {
    match term {
        Term::Num(digits) => digits.parse().ok(),
        _ => None,
    }
}

fn is_constant(term: &Term<&str>) -> bool {
    match term {
        Term::Neg(inner) => is_constant(inner),
        term => number(term).is_some() || literal(term).is_some(),
    }
}

/// The name at the end of a path such as `.items[].price`.
fn last_name<'s>(term: &Term<&'s str>) -> Option<&'s str> {
    match term {
        Term::Path(_, path) => match path.0.last()? {
            (Part::Index(index), _) => literal(index),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Filter;
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn place(filter: &str, input: &Value) -> Place {
        Filter::compile(filter).unwrap().place(input)
    }

    #[test]
    fn everyday_filters_run_in_place() {
        let receipt = json!({"merchant": "Corner Grocery", "date": "2026-01-02", "limit": 100,
            "items": (0..30).map(|n| json!({"description": format!("item {n}"), "quantity": 2, "price": 3.25})).collect::<Vec<_>>()});
        for filter in [
            ".merchant",
            ".items | length",
            "{total: (.items | map(.price * .quantity) | add), n: (.items | length)}",
            "[.items[] | select(.price > 1) | {name: .description, cents: (.price * 100 | round)}]",
            ".items | group_by(.quantity) | map({quantity: .[0].quantity, n: length})",
            "if .limit > 50 then \"large\" else \"small\" end",
            "\"\\(.merchant) on \\(.date)\"",
            "keys",
            "[.items[].description] | join(\", \")",
            ".merchant | split(\" \") | map(select(length > 3))",
            ".items | sort_by(.price) | reverse | first",
            "try error(\"x\") catch .",
            ".items[0].price // 0",
        ] {
            assert_eq!(place(filter, &receipt), Place::Inline, "{filter}");
        }
        for filter in [
            ".n + 1",
            "{n: (.n + 1)}",
            "[.list[] * 2] | add",
            "\"groc\" | test(\"g|m\")",
            "[.text | scan(\"[0-9]+\\\\.[0-9]{2}\") | tonumber] | add",
            ".text | capture(\"(?<n>[0-9]+)\")",
        ] {
            assert_eq!(
                place(
                    filter,
                    &json!({"n": 1, "list": [1, 2], "text": "1.50, 2.25"})
                ),
                Place::Inline,
                "{filter}"
            );
        }
    }

    #[test]
    fn filters_without_a_bound_run_in_the_sandbox() {
        let input = json!({"n": 1_000_000_000, "text": "abc", "list": [1, 2, 3]});
        for filter in [
            "def f: f; f",
            "repeat(.)",
            "[range(1e12)]",
            "range(.n)",
            "while(true; .)",
            "until(false; .)",
            "[limit(10; repeat(1))]",
            ".text * .n",
            "\"x\" * 1e9",
            ".list[.n] = 1",
            ".list[100000000] = 1",
            "reduce range(100000) as $i (null; [.])",
            "reduce range(100) as $i (\"x\"; . + .)",
            "reduce range(100) as $i ([1]; [.[], .[]])",
            "[.list[] as $a | .list[] as $b | .list[] as $c | .list[] as $d | .list[] as $e | .list[] as $f | .list[] as $g | .list[] as $h | 1]",
            "[combinations]",
            "fromjson",
            "[., .] | [., .] | [., .] | [., .] | [., .] | [., .] | [., .] | [., .] | [., .] | [., .] | [., .] | [., .] | \
             [., .] | [., .] | [., .] | [., .] | [., .] | [., .] | [., .] | [., .] | [., .] | [., .] | [., .] | [., .]",
            "{factor: .text} | .factor * 1000000000",
            "with_entries(.) | .n * .text",
            ".n as $x | .text * $x",
            "setpath([.n]; 1)",
            ".text | test(\"(a{1000}){1000}\")",
            ".text | scan(\"\\u007b1000}\")",
            ".text | scan(.text)",
        ] {
            assert_eq!(place(filter, &input), Place::Sandbox, "{filter}");
        }
        assert_eq!(place("\"x\" * 1e9", &json!({})), Place::Sandbox);
    }

    #[test]
    fn large_inputs_count() {
        let pairs = "[.[] + .[]]";
        assert_eq!(place(pairs, &json!([1, 2, 3])), Place::Sandbox);
        let many = |count: u32| json!((0..count).collect::<Vec<_>>());
        assert_eq!(place("length", &many(2_000)), Place::Inline);
        assert_eq!(place("length", &many(50_000)), Place::Thread);
        assert_eq!(place("map(. + 1)", &many(100_000)), Place::Thread);
        assert_eq!(place("map(. + 1)", &many(5_000_000)), Place::Sandbox);
        let text = json!({"text": "x".repeat(MAX_BYTES_IN_PLACE)});
        assert_eq!(place(".text", &text), Place::Thread);
    }

    fn parts() -> impl Strategy<Value = Vec<&'static str>> {
        let parts = vec![
            ".[]",
            ".[]?",
            "map(.)",
            "[.]",
            "[., .]",
            "[.[]?, .]",
            ". + .",
            "\"\\(.)\"",
            "tojson",
            "add",
            "keys",
            ".a",
            "{a: .}",
            "(., .)",
            "sort",
            "tostring",
            ". * 3",
            "\"ab\" * 9",
            "group_by(.)",
            "length",
            "explode",
            "to_entries",
            "[range(5)]",
            "reduce .[]? as $x (.; [$x])",
            "[paths]",
            "[..]",
            "split(\"\")",
            "join(\"ab\")",
            "select(. == 1)",
            "(try error catch .)",
            "sort_by(.)",
            "-.",
            ".a * .b",
            ". - .",
            "(. == .)",
            "any",
            "unique",
            "[scan(\"\")]",
            "[match(\"(a?)(b?)\"; \"g\")]",
            "[match(\"[ab]{1,9}\")]",
            "[scan(\"(a)|(b)|(.)\")]",
        ];
        prop::collection::vec(prop::sample::select(parts), 1..9)
    }

    proptest! {
        /// What may run in place ends soon in the interpreter, and its output is within the bounds.
        #[test]
        fn the_bounds_hold(parts in parts(), n in 0i64..5, items in 0usize..60) {
            let source = parts.join(" | ");
            let filter = Filter::compile(&source).unwrap();
            let item = json!([n, "ab", [1, {"a": n, "b": 2}]]);
            let input = Value::Array(vec![item; items]);
            if filter.place(&input) == Place::Inline {
                let started = std::time::Instant::now();
                let output = filter.run(&input).unwrap_or_default();
                prop_assert!(started.elapsed() < std::time::Duration::from_secs(1), "{source}");
                let mut measure = Measure { size: 0.0, bytes: 0, max: MAX_STEPS_IN_PLACE, factors: &[] };
                prop_assert!(measure.take(&output), "{source}");
            }
        }
    }
}
