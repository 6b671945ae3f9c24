//! Which filters surely end soon.
//!
//! jq can loop for ever, repeat a string a billion times, and nest values until a stack overflows, and jaq has no
//! fuel to stop it. So a filter is judged before it runs: its syntax is walked with an upper bound of its input (how
//! large, how deep, the largest number in it) in place of the input, giving upper bounds of each term's outputs and
//! of the work. Recursion, definitions and whatever this walk does not know count as unbounded. The judgement is made once,
//! when the filter is compiled, for inputs up to a few sizes; a call then only measures its input.
//!
//! Iterating over a value of size s gives at most s outputs, and together they are no larger than s. What is done to each
//! grows at least evenly with its size, so the sum over them is at most that of s outputs of size 1 and one of
//! size s: these two groups stand for them.

mod calls;
mod factors;
mod shape;
mod syntax;
mod walk;

use factors::Factors;
use serde_json::Value;
use shape::Shape;
use walk::Walk;

/// Sizes of inputs for which a filter is judged: nodes plus bytes of text.
const SIZES: [f64; 10] = [
    100.0,
    300.0,
    1_000.0,
    2_000.0,
    4_000.0,
    10_000.0,
    30_000.0,
    100_000.0,
    1_000_000.0,
    4_000_000.0,
];

/// Magnitudes of the numbers in them.
const MAGNITUDES: [f64; 3] = [10_000.0, 4e9, f64::MAX];

/// Work (about one step of the interpreter, some 50 ns each) that may be done in place, and the size of what may be
/// built on the way.
const MOST_WORK: f64 = 1e6;
const MOST_SIZE: f64 = 1e7;

/// Nesting of syntax and of values that is safe on any thread's stack.
const DEEPEST_TERM: usize = 60;
const DEEPEST_VALUE: f64 = 300.0;

/// What an input says about text, since a text times a number repeats the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// There is no text in it.
    Numbers,
    /// The members that the filter multiplies hold numbers.
    NumberFactors,
    /// Anything may be text.
    Anything,
}

const MODES: [Mode; 3] = [Mode::Numbers, Mode::NumberFactors, Mode::Anything];

/// For each mode and magnitude the largest size for which the filter is bounded.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    table: [[f64; MAGNITUDES.len()]; MODES.len()],
    most: f64,
    /// The members that the filter multiplies.
    factors: Factors,
}

impl Bound {
    /// Judges a filter, which must be valid.
    pub fn of(source: &str) -> Self {
        let mut factors = Factors::default();
        let term = jaq_core::load::parse(source, |parser| parser.term());
        if let Some(term) = &term {
            factors.collect(term, 0);
        }
        let Factors { names, made } = &mut factors;
        let any = made.iter().any(|name| name == "*");
        names.retain(|name| !any && !made.contains(name));
        let table = MODES.map(|mode| {
            MAGNITUDES.map(|magnitude| {
                let holds = |size: &&f64| {
                    let input = Shape {
                        size: **size,
                        magnitude,
                        text: mode != Mode::Numbers,
                        depth: 128.0,
                    };
                    let mut walk = Walk {
                        variables: Vec::new(),
                        depth: 0,
                        factors: if mode == Mode::Anything {
                            &[]
                        } else {
                            &factors.names
                        },
                    };
                    let term = term.as_ref();
                    term.and_then(|term| walk.term(term, input))
                        .is_some_and(|outcome| outcome.work <= MOST_WORK)
                };
                SIZES
                    .iter()
                    .take_while(holds)
                    .last()
                    .copied()
                    .unwrap_or(0.0)
            })
        });
        let most = table.iter().flatten().copied().fold(0.0, f64::max);
        Self {
            table,
            most,
            factors,
        }
    }

    /// Whether running the filter on `input` is bounded.
    pub fn holds(&self, input: &Value) -> bool {
        if self.most == 0.0 {
            return false;
        }
        let mut measure = Measure {
            left: self.most as i64,
            magnitude: 0.0,
            mode: Mode::Numbers,
            factors: &self.factors.names,
        };
        if !measure.take(input, 0) {
            return false;
        }
        let size = self.most - measure.left as f64;
        let magnitude = MAGNITUDES
            .iter()
            .position(|magnitude| measure.magnitude <= *magnitude);
        let mode = MODES.iter().position(|mode| *mode == measure.mode);
        mode.zip(magnitude)
            .is_some_and(|(mode, magnitude)| size <= self.table[mode][magnitude])
    }
}

/// Measures an input and gives up as soon as it is too large.
struct Measure<'a> {
    left: i64,
    magnitude: f64,
    mode: Mode,
    factors: &'a [String],
}

impl Measure<'_> {
    fn take(&mut self, value: &Value, depth: usize) -> bool {
        self.left -= 1;
        if self.left < 0 || depth > 128 {
            return false;
        }
        match value {
            Value::String(text) => {
                self.left -= text.len() as i64;
                if self.mode == Mode::Numbers {
                    self.mode = Mode::NumberFactors;
                }
                self.left >= 0
            }
            Value::Number(number) => {
                self.magnitude = self
                    .magnitude
                    .max(number.as_f64().unwrap_or(f64::MAX).abs());
                true
            }
            Value::Array(items) => items.iter().all(|item| self.take(item, depth + 1)),
            Value::Object(members) => members.iter().all(|(name, value)| {
                self.left -= name.len() as i64;
                let plain = matches!(value, Value::Number(_) | Value::Null | Value::Bool(_));
                if !plain && self.factors.contains(name) {
                    self.mode = Mode::Anything;
                }
                self.take(value, depth + 1)
            }),
            Value::Null | Value::Bool(_) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Filter;
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn bounded(filter: &str, input: &Value) -> bool {
        Filter::compile(filter).unwrap().is_bounded_on(input)
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
            "reduce .items[] as $i (0; . + $i.price)",
            "if .limit > 50 then \"large\" else \"small\" end",
            "\"\\(.merchant) on \\(.date)\"",
            ".merchant | ascii_downcase | test(\"groc|market\")",
            ".date | capture(\"(?<y>[0-9]+)-(?<m>[0-9]+)\")",
            ".items |= map(.price += 1)",
            ".total = ([.items[].price] | add)",
            "to_entries | map(.key)",
            "with_entries(select(.key != \"items\"))",
            "del(.items)",
            "[.items[].description] | join(\", \")",
            ".merchant | split(\" \") | map(select(length > 3))",
            "[range(10)] | map(. * .)",
            ".items | sort_by(.price) | reverse | first",
            "try error(\"x\") catch .",
            ".items[0].price // 0",
        ] {
            assert!(bounded(filter, &receipt), "{filter}");
        }
    }

    #[test]
    fn what_may_not_end_or_may_grow_does_not() {
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
        ] {
            assert!(!bounded(filter, &input), "{filter}");
        }
    }

    #[test]
    fn large_inputs_count() {
        let pairs = "[.[] as $a | .[] as $b | [$a, $b]]";
        assert!(bounded(pairs, &json!([1, 2, 3])));
        let many: Vec<u32> = (0..50_000).collect();
        assert!(!bounded(pairs, &json!(many)));
        assert!(bounded("length", &json!(many)));
    }

    proptest! {
        /// Whatever is judged bounded ends soon, with what the interpreter makes of it.
        #[test]
        fn the_judgement_holds(
            parts in prop::collection::vec(prop::sample::select(vec![
                ".[]", ".[]?", "map(.)", "[.]", "[., .]", "[.[]?, .]", ". + .", "\"\\(.)\"", "tojson", "add", "to_entries", "keys",
                "[range(5)]", "reduce .[]? as $x (.; [$x])", "reduce range(9) as $i (.; . + .)", ".a", "{a: .}", "(., .)", "sort",
                "tostring", "[paths]", "[..]", ". * 3", "foreach range(5) as $i (.; [.])", "\"ab\" * 9", "group_by(.)", "length", "explode",
            ]), 1..9),
            n in 0i64..5,
        ) {
            let source = parts.join(" | ");
            let filter = Filter::compile(&source).unwrap();
            let input = json!([n, "ab", [1, {"a": n}]]);
            if filter.is_bounded_on(&input) {
                let started = std::time::Instant::now();
                let _ = filter.run(&input);
                prop_assert!(started.elapsed() < std::time::Duration::from_secs(5), "{source}");
            }
        }
    }
}
