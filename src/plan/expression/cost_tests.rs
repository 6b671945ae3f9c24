//! Which expressions are evaluated in place, and how large they become.

use super::*;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;
use std::cell::RefCell;

/// A scope of context values that notes what is handed over.
struct Given {
    context: Map<String, Value>,
    handed_over: RefCell<Vec<Evaluation>>,
}

impl Given {
    fn new(context: &Value) -> Self {
        Self {
            context: context.as_object().unwrap().clone(),
            handed_over: RefCell::default(),
        }
    }
}

impl Scope for Given {
    fn output(&self, _step: StepIx) -> Option<&Arc<Value>> {
        None
    }

    fn status(&self, _step: StepIx) -> &'static str {
        "pending"
    }

    fn id(&self, _step: StepIx) -> &'static str {
        ""
    }

    fn steps(&self) -> usize {
        0
    }

    fn context(&self, name: &str) -> Option<&Value> {
        self.context.get(name)
    }

    fn item(&self) -> Option<(&Arc<Value>, usize)> {
        None
    }

    fn evaluate(&self, evaluation: Evaluation) -> Result<Value, String> {
        self.handed_over.borrow_mut().push(evaluation.clone());
        evaluate(
            &evaluation.text,
            &evaluation.variables,
            evaluation.is_condition,
        )
    }
}

fn compiled(text: &str) -> Expression {
    Expression::compile(text.into(), text, Vec::new()).unwrap()
}

/// Whether it is evaluated in place; the value is the same in either place.
fn is_in_place(text: &str, context: &Value) -> bool {
    let expression = compiled(text);
    let scope = Given::new(context);
    let value = expression.value(&scope);
    let in_place = scope.handed_over.borrow().is_empty();
    let here = expression.run(&expression.views(&scope), super::json::write);
    assert_eq!(value.ok(), here.ok(), "{text}");
    in_place
}

fn context() -> Value {
    json!({"n": 7, "price": 12.5, "name": "Ada <Lovelace>", "flag": true, "none": null,
        "items": [{"id": 1, "tags": ["a", "b"]}, {"id": 2, "tags": []}],
        "order": {"total": 120, "lines": ["x", "y"], "big": ["z"]},
        "words": ["one", "two", "three"]})
}

#[test]
fn ordinary_expressions_are_evaluated_in_place() {
    for text in [
        "n > 3 and not flag",
        "price * n * 100 / 3",
        "2 ** 10 + n // 2",
        "\"Dear \" ~ name ~ \", you owe \" ~ price ~ \" EUR\"",
        "words | join(\", \") | upper",
        "items | map(attribute=\"id\") | list",
        "items | selectattr(\"id\", \"equalto\", 2) | list | length",
        "words | length > 2",
        "name | replace(\"Ada\", \"Grace\") | lower",
        "order.total if order.total > 100 else none",
        "items | tojson",
        "\"%.2f\" | format(price)",
        "\"-\" * n",
        "order.lines[0] in [\"x\", \"y\"]",
        "name | default(\"nobody\") | trim",
        "range(n) | list",
    ] {
        assert!(is_in_place(text, &context()), "{text}");
    }
}

#[test]
fn what_may_multiply_is_handed_over() {
    let letters = vec!["a"; 1000];
    let given =
        json!({"n": 900_000, "letters": letters, "text": "x".repeat(5000), "pattern": "%9999d"});
    for text in [
        "letters|join(letters|join(letters))|length",
        "(text * n)|length",
        "(\"ab\" * 900000)|length",
        "text|replace(\"\", text)|length",
        "([0] * n)|list|length",
        "text|indent(n)|length",
        "range(90000)|list|length",
        "pattern|format(1)|length",
        "(\"%\" ~ 9 ~ 9 ~ 9 ~ \"d\")|format(1)|length",
        "text|tojson|tojson|tojson|tojson|tojson|length",
        "letters|batch(n, \"x\")|list|length",
        "(\"9999\" ~ \"99\")|int * \"x\"",
        "(1 ~ 1 ~ 1 ~ 1 ~ 1 ~ 1) | int * \"ab\"",
    ] {
        let scope = Given::new(&given);
        let _ = compiled(text).value(&scope);
        assert_eq!(scope.handed_over.borrow().len(), 1, "{text}");
    }
}

#[test]
fn only_what_is_needed_of_a_value_is_looked_at() {
    let rows = vec![json!({"x": "y".repeat(100)}); 10_000];
    let given = json!({"out": {"count": 3, "rows": rows, "more": {"ok": true, "rows": rows}}});
    for (text, value) in [
        ("out.count > 2 and out.more.ok", json!(true)),
        ("out[\"count\"] + 1", json!(4)),
        ("out.count ~ out.missing", json!("3")),
    ] {
        let scope = Given::new(&given);
        assert_eq!(compiled(text).value(&scope).unwrap(), value);
        assert!(scope.handed_over.borrow().is_empty(), "{text}");
    }
    let scope = Given::new(&given);
    let expression = compiled("out.rows|length + out.count");
    assert_eq!(expression.value(&scope).unwrap(), json!(10_003));
    let passed = scope.handed_over.borrow()[0].variables["out"].clone();
    let names: Vec<&String> = passed.as_object().unwrap().keys().collect();
    assert_eq!(names, ["count", "rows"]);
    let whole = compiled("out|length");
    assert_eq!(whole.value(&Given::new(&given)).unwrap(), json!(3));
}

#[test]
fn a_panic_of_the_language_is_an_error() {
    let scope = Given::new(&json!({"rows": []}));
    for text in ["rows[::-1]", "rows[::-2]|list"] {
        let error = compiled(text).value(&scope).unwrap_err();
        assert!(error.message.contains("cannot be evaluated"), "{error}");
    }
}

#[test]
fn compiling_computes_nothing_large() {
    // Each would take gigabytes if the compiler computed it.
    let many = vec!["\"xxxxxxxx\" * 12000000"; 60].join(", ");
    for text in [
        format!("[{many}]|length"),
        "(\"x\", \"y\") * 49999999".to_owned(),
        "\"x\" * 1000 * 1000 * 100".to_owned(),
        "{\"a\": [\"x\" * 0x5f5e100]}".to_owned(),
    ] {
        let expression = compiled(&text);
        assert!(!expression.numbers.is_empty(), "{text}");
        let scope = Given::new(&json!({}));
        assert!(!expression.is_small(&expression.views(&scope)), "{text}");
    }
}

/// Expressions that try to become large, of the values of [`context`].
fn hostile() -> impl Strategy<Value = String> {
    let leaf = select(vec![
        "n",
        "price",
        "name",
        "items",
        "words",
        "order",
        "order.lines",
        "none",
        "3",
        "9999",
        "1e9",
        "\"ab'\"",
        "\"\"",
        "\"%5d\"",
        "\"%999d\"",
        "\"12\"",
        "[1, \"x\"]",
        "(1, 2)",
        "{\"k\": words}",
        "true",
    ])
    .prop_map(str::to_owned);
    leaf.prop_recursive(8, 40, 3, |inner| {
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            (
                pair.clone(),
                select(vec![
                    "*", "+", "~", "-", "/", "//", "**", "%", "in", "==", "and"
                ])
            )
                .prop_map(|((a, b), sign)| format!("({a} {sign} {b})")),
            (
                inner.clone(),
                select(vec![
                    "length",
                    "list",
                    "upper",
                    "tojson",
                    "string",
                    "pprint",
                    "e",
                    "int",
                    "float",
                    "round",
                    "reverse",
                    "items",
                    "first",
                    "sum",
                    "sort",
                    "unique",
                    "trim",
                    "lines",
                    "split",
                    "join",
                    "abs",
                    "dictsort",
                    "map(\"tojson\")",
                    "map(\"upper\")",
                    "join(\", \")",
                    "replace(\"\", \"xy\")",
                    "indent(9)",
                    "batch(3)",
                ])
            )
                .prop_map(|(a, filter)| format!("({a})|{filter}")),
            (
                pair.clone(),
                select(vec![
                    "join", "replace", "indent", "batch", "slice", "format", "map", "default",
                    "zip", "chain", "select", "split",
                ])
            )
                .prop_map(|((a, b), filter)| format!("({a})|{filter}({b})")),
            (inner.clone(), pair.clone())
                .prop_map(|(a, (b, c))| format!("({a})|replace({b}, {c})")),
            inner.clone().prop_map(|a| format!("range({a})")),
            (pair.clone()).prop_map(|(a, b)| format!("[{a}, {b}]")),
            (inner.clone(), pair).prop_map(|(a, (b, c))| format!("({a} if {b} else {c})")),
            inner.prop_map(|a| format!("({a})[::-1]")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_is_evaluated_in_place_stays_small(text in hostile()) {
        let Ok(expression) = Expression::compile(text.as_str().into(), &text, Vec::new()) else {
            return Ok(());
        };
        let scope = Given::new(&context());
        let views = expression.views(&scope);
        if expression.is_small(&views)
            && let Ok(value) = expression.run(&views, super::json::write)
        {
            let size = crate::text::json::footprint(&value);
            prop_assert!(size < 128 << 20, "{size} bytes of {text}");
        }
    }
}
