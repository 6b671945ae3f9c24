//! Expressions against slow and obvious ways to read and compare.

use super::language::{FILTERS, FUNCTIONS, LANGUAGE, METHODS, TESTS};
use super::{json, order, syntax};
use minijinja::{Environment, UndefinedBehavior};
use minijinja_contrib::pycompat::unknown_method_callback;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// An expression as text, with the names that were put into it.
#[derive(Clone, Debug)]
struct Written {
    text: String,
    names: BTreeSet<String>,
}

/// The forms of the language; `A`, `B` and `C` stand for expressions.
const FORMS: &[&str] = &[
    "A + B",
    "A - B",
    "A * B",
    "A ~ B",
    "A % B",
    "A ** B",
    "A // B",
    "A / B",
    "- A",
    "A and B",
    "A or B",
    "not A",
    "A == B",
    "A != B",
    "A < B",
    "A >= B",
    "A < B <= C",
    "A == B != C",
    "A in B",
    "A not in B",
    "A if B else C",
    "A if B",
    "A[B]",
    "A[B:C]",
    "A[:B]",
    "A[B:]",
    "A[::B]",
    "A[:]",
    "A.field",
    "A.field[B].field",
    "A|length",
    "A|default(B)",
    "A|default(B, true)",
    "A|sort(reverse=B)",
    "A|join(B)",
    "A|map('string')|list",
    "A is defined",
    "A is not none",
    "A is divisibleby(B)",
    "A is sameas B",
    "[A, B, C]",
    "[]",
    "(A, B)",
    "(A,)",
    "()",
    "{'k': A, B: C}",
    "{}",
    "A.get(B, C)",
    "A.split(B)",
    "A.upper()",
    "dict(x=A, y=B)",
    "dict(A, **B)",
    "range(A)",
    "range(*A)",
];

fn expressions(names: &'static [&'static str]) -> impl Strategy<Value = Written> {
    let name = proptest::sample::select(names).prop_map(|name| Written {
        text: name.to_owned(),
        names: BTreeSet::from([name.to_owned()]),
    });
    let constants = &[
        "0",
        "2",
        "1.5",
        "'a b'",
        "\"q\\\"\\n\"",
        "true",
        "none",
        "18446744073709551616",
    ];
    let constant = proptest::sample::select(constants.as_slice()).prop_map(|text| Written {
        text: text.to_owned(),
        names: BTreeSet::new(),
    });
    prop_oneof![3 => name, 1 => constant].prop_recursive(4, 24, 3, |inner| {
        let part = (inner, any::<bool>());
        (
            proptest::sample::select(FORMS),
            part.clone(),
            part.clone(),
            part,
        )
            .prop_map(|(form, a, b, c)| {
                let mut written = Written {
                    text: String::new(),
                    names: BTreeSet::new(),
                };
                for character in form.chars() {
                    let (part, parentheses) = match character {
                        'A' => &a,
                        'B' => &b,
                        'C' => &c,
                        other => {
                            written.text.push(other);
                            continue;
                        }
                    };
                    // Without parentheses the text may mean something else, which both readings must agree on.
                    if *parentheses {
                        written.text.extend(["(", &part.text, ")"]);
                    } else {
                        written.text.push_str(&part.text);
                    }
                    written.names.extend(part.names.clone());
                }
                written
            })
    })
}

/// Jinja as its crate has it.
fn plain() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_unknown_method_callback(unknown_method_callback);
    environment.set_fuel(Some(200_000));
    environment
}

proptest! {
    #[test]
    fn the_names_are_those_in_the_text(written in expressions(&["alpha", "beta", "range", "größe", "_x", "items"])) {
        // After a test the crate takes `in (…)` for its argument: a call of a function of that name.
        prop_assume!(!["defined in (", "none in ("].iter().any(|text| written.text.contains(text)));
        // Two parts without parentheses may be no expression together.
        if let Ok(syntax) = syntax::read(&written.text) {
            let mut names: BTreeSet<String> = syntax.names.into_iter().map(|name| name.name).collect();
            // `a.b range(c)` and the like call the function.
            if !names.contains("range") && written.text.contains("range(") {
                names.extend(written.names.get("range").cloned());
            }
            prop_assert_eq!(names, written.names, "{}", written.text);
        } else {
            prop_assert!(plain().compile_expression(&written.text).is_err() || written.text.contains("()"));
        }
    }

    #[test]
    fn the_text_means_what_it_did(written in expressions(&["text", "number", "list", "object", "missing"])) {
        let ordered = ["<", ">", " in ", "|sort"].iter().any(|sign| written.text.contains(sign));
        if let (false, Ok(syntax)) = (ordered, syntax::read(&written.text)) {
            let context = json!({"text": "a b", "number": 3, "list": [1, "x", [2]], "object": {"field": {"k": 1}}});
            let environment = plain();
            let wanted = environment.compile_expression(&written.text).unwrap().eval(json::read(&context));
            let got = LANGUAGE.compile_expression(&syntax.text).and_then(|e| e.eval(json::read(&context)));
            match (got, wanted) {
                (Ok(got), Ok(wanted)) => prop_assert_eq!(got.to_string(), wanted.to_string(), "{} is {}", written.text, syntax.text),
                (Err(_), Err(_)) => {}
                (got, wanted) => prop_assert!(false, "{} is {}: {got:?} {wanted:?}", written.text, syntax.text),
            }
            // Written once more it is the same.
            if !syntax.text.contains("__") {
                prop_assert_eq!(syntax::read(&syntax.text).map(|again| again.text), Ok(syntax.text));
            }
        }
    }

    #[test]
    fn an_order_is_there_for_values_of_one_kind_only(a in value(), b in value()) {
        let got = order::order(&json::read(&a), &json::read(&b));
        prop_assert_eq!(got.map_err(drop), slow_order(&a, &b).map(Some), "{} {}", a, b);
    }
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3..3_i64).prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-3.0..3.0).prop_map(|number: f64| json!(number)),
        "[ab1]{0,2}".prop_map(Value::from),
        Just(json!({"a": 1})),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        proptest::collection::vec(inner, 0..3).prop_map(Value::from)
    })
}

fn slow_order(a: &Value, b: &Value) -> Result<Ordering, ()> {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => match (a.as_i128(), b.as_i128()) {
            (Some(a), Some(b)) => Ok(a.cmp(&b)),
            _ => Ok(a
                .as_f64()
                .unwrap()
                .partial_cmp(&b.as_f64().unwrap())
                .unwrap()),
        },
        (Value::String(a), Value::String(b)) => Ok(a.chars().cmp(b.chars())),
        (Value::Bool(a), Value::Bool(b)) => Ok(u8::from(*a).cmp(&u8::from(*b))),
        (Value::Array(a), Value::Array(b)) => {
            for at in 0.. {
                match (a.get(at), b.get(at)) {
                    (None, None) => return Ok(Ordering::Equal),
                    (None, Some(_)) => return Ok(Ordering::Less),
                    (Some(_), None) => return Ok(Ordering::Greater),
                    (Some(one), Some(other)) if same(one, other) => {}
                    (Some(one), Some(other)) => return slow_order(one, other),
                }
            }
            Err(())
        }
        _ => Err(()),
    }
}

/// Equality as Python has it, for which `1`, `1.0` and `true` are the same.
fn same(a: &Value, b: &Value) -> bool {
    let number = |value: &Value| match value {
        Value::Bool(truth) => Some(f64::from(u8::from(*truth))),
        other => other.as_f64(),
    };
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        _ => {
            a == b || (number(a).is_some() && number(a) == number(b) && !(a.is_u64() && b.is_u64()))
        }
    }
}

#[test]
fn what_is_listed_exists() {
    let environment = plain();
    let holds = |text: String| {
        environment
            .compile_expression(&text)
            .unwrap()
            .eval(())
            .unwrap()
            .is_true()
    };
    for filter in FILTERS {
        assert!(holds(format!("{filter:?} is filter")), "{filter}");
    }
    for test in TESTS.iter().filter(|test| **test != "nothing") {
        assert!(holds(format!("{test:?} is test")), "{test}");
    }
    for function in FUNCTIONS {
        assert!(
            LANGUAGE.globals().any(|(name, _)| name == *function),
            "{function}"
        );
    }
    for method in METHODS {
        let values = ["'a'", "{}", "[]"];
        let exists = values.iter().any(|value| {
            let text = syntax::read(&format!("{value}.{method}()")).unwrap().text;
            let result = LANGUAGE.compile_expression(&text).unwrap().eval(());
            !format!("{result:?}").contains("has no method")
        });
        assert!(exists, "{method}");
    }
}

#[test]
fn a_long_sum_does_not_nest() {
    let sum = vec!["a"; 240].join(" + ");
    let syntax = syntax::read(&sum).unwrap();
    assert_eq!(syntax.text, sum);
    assert!(LANGUAGE.compile_expression(&syntax.text).is_ok());
}
