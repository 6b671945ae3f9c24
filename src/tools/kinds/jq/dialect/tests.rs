//! What jq answers, and where jaq alone would answer otherwise.

use super::super::Filter;
use proptest::prelude::*;
use serde_json::{Value, json};

fn run(filter: &str, input: &Value) -> Result<Value, String> {
    Filter::compile(filter)
        .map_err(|error| error.to_string())?
        .run(input)
}

#[test]
fn what_divides_by_zero_fails() {
    for filter in [
        ".a / .b",
        ".a / 0",
        ".a % .b",
        "[.a] | map(. / (1 - 1))",
        ".a /= .b",
        "7.5 % 0.5",
    ] {
        let error = run(filter, &json!({"a": 8, "b": 0})).unwrap_err();
        assert!(error.contains("the divisor is zero"), "{filter}: {error}");
    }
    let error = run(".a / .b", &json!({"a": 8, "b": 0})).unwrap_err();
    assert_eq!(
        error,
        "number (8) and number (0) cannot be divided because the divisor is zero"
    );
    for (filter, output) in [
        ("7 / 2", json!(3.5)),
        ("[.[] | (12 / .)?]", json!([6, 3])),
        ("7.9 % 2", json!(1)),
        ("-7 % 3", json!(-1)),
        ("\"a-b\" / \"-\"", json!(["a", "b"])),
        ("[(6, 12) / (2, 3)]", json!([3, 6, 2, 4])),
    ] {
        assert_eq!(run(filter, &json!([2, 0, 4])), Ok(output), "{filter}");
    }
}

#[test]
fn paths_lead_through_null() {
    for (filter, input, output) in [
        (".a.b.c = 1", json!(null), json!({"a": {"b": {"c": 1}}})),
        (
            ".a[2].b |= 5",
            json!({}),
            json!({"a": [null, null, {"b": 5}]}),
        ),
        (".n += 2", json!({}), json!({"n": 2})),
        (".n -= .d", json!({"n": 5, "d": 3}), json!({"n": 2, "d": 3})),
        (".n //= 4", json!({"n": null}), json!({"n": 4})),
        (".[3] = 1", json!([0]), json!([0, null, null, 1])),
        (".[-1] = 9", json!([1, 2]), json!([1, 9])),
        (".[1:3] = [\"x\"]", json!([1, 2, 3, 4]), json!([1, "x", 4])),
        (".[:2] |= map(. * 10)", json!([1, 2, 3]), json!([10, 20, 3])),
        ("(.a, .b) = 1", json!({}), json!({"a": 1, "b": 1})),
        ("[.a = (1, 2)]", json!({}), json!([{"a": 1}, {"a": 2}])),
        (".a |= (3, 4)", json!({}), json!({"a": 3})),
        (
            "(.[] | select(. > 2)) |= empty",
            json!([1, 5, 3, 0]),
            json!([1, 0]),
        ),
        ("del(.a.b)", json!({"a": null}), json!({"a": null})),
        (
            "del(.b)",
            json!({"a": 1, "b": 2, "c": 3}),
            json!({"a": 1, "c": 3}),
        ),
        ("del(.[0, 2])", json!([1, 2, 3]), json!([2])),
        ("del(.[1:])", json!([1, 2, 3]), json!([1])),
        (
            "delpaths([[\"a\"], [\"b\", \"c\"]])",
            json!({"a": 1, "b": {"c": 2, "d": 3}}),
            json!({"b": {"d": 3}}),
        ),
        (
            "setpath([\"a\", 1]; 7)",
            json!(null),
            json!({"a": [null, 7]}),
        ),
        ("getpath([\"a\", 0, \"b\"])", json!(null), json!(null)),
        ("map_values(empty)", json!({"a": 1}), json!({})),
        (
            "pick(.a[1])",
            json!({"a": [1, 2], "b": 3}),
            json!({"a": [null, 2]}),
        ),
        ("def f: .x.y |= 2; f", json!(null), json!({"x": {"y": 2}})),
    ] {
        assert_eq!(run(filter, &input), Ok(output), "{filter}");
    }
    for (filter, input) in [
        (".a.b = 1", json!({"a": 5})),
        (".[-3] = 1", json!([1])),
        (".[\"a\"] = 1", json!([1])),
        (".[0:1] = 5", json!([1])),
        (".[1000000000] = 1", json!([])),
        ("setpath(\"a\"; 1)", json!({})),
    ] {
        assert!(run(filter, &input).is_err(), "{filter}");
    }
}

#[test]
fn filters_that_jq_has() {
    for (filter, input, output) in [
        (
            "@csv",
            json!([1, "a\"b", null, true, 1.5]),
            json!("1,\"a\"\"b\",,true,1.5"),
        ),
        (
            "@tsv",
            json!(["a\tb", "c\\d", null, "x\ny"]),
            json!("a\\tb\tc\\\\d\t\tx\\ny"),
        ),
        ("@base32", json!("hello"), json!("NBSWY3DP")),
        ("@base32 | @base32d", json!("grün"), json!("grün")),
        ("@base64 | @base64d", json!("grün"), json!("grün")),
        (
            "@sh \"cat \\(.)\"",
            json!(["it's", 2]),
            json!("cat 'it'\\''s' 2"),
        ),
        (
            "@csv \"row: \\(.)\"",
            json!([1, "x"]),
            json!("row: 1,\"x\""),
        ),
        (
            "@html \"<b>\\(.)</b>\"",
            json!("a&b"),
            json!("<b>a&amp;b</b>"),
        ),
        ("[.[] | IN(2, 3)]", json!([1, 2]), json!([false, true])),
        ("IN(.[]; 5, 6)", json!([1, 6]), json!(true)),
        (
            "INDEX(.id)",
            json!([{"id": 1}, {"id": "b"}]),
            json!({"1": {"id": 1}, "b": {"id": "b"}}),
        ),
        (
            "[tostream]",
            json!({"a": [1]}),
            json!([[["a", 0], 1], [["a", 0]], [["a"]]]),
        ),
        (
            "fromstream(tostream)",
            json!({"a": [1, {"b": []}], "c": 3}),
            json!({"a": [1, {"b": []}], "c": 3}),
        ),
        (
            "[1 | truncate_stream([[0], 1], [[1, 0], 2], [[1, 0]], [[1]])]",
            json!(null),
            json!([[[0], 2], [[0]]]),
        ),
        (
            "ltrimstr(\"a\"), rtrimstr(1), ltrimstr(5)",
            json!(5),
            json!([5, 5, 5]),
        ),
        (
            "ltrimstr(\"ab\") | rtrimstr(\"d\")",
            json!("abcd"),
            json!("c"),
        ),
        (
            "join(\"-\")",
            json!([1, null, "a", true]),
            json!("1--a-true"),
        ),
        (
            "flatten, flatten(1)",
            json!([1, [2, [3]]]),
            json!([[1, 2, 3], [1, 2, [3]]]),
        ),
        (
            "from_entries",
            json!([{"name": "a", "value": 1}, {"k": "b", "v": 2}, {"key": 3}]),
            json!({"a": 1, "b": 2, "3": null}),
        ),
        (
            "with_entries(.value += 1)",
            json!({"z": 1, "a": 2}),
            json!({"z": 2, "a": 3}),
        ),
        (
            "walk(if type == \"number\" then . + 1 else . end)",
            json!([1, {"a": 2}]),
            json!([2, {"a": 3}]),
        ),
        ("[leaf_paths]", json!({"a": [1]}), json!([["a", 0]])),
        (
            "\"\\(1.5 * 2) \\([1.0, 0.5])\"",
            json!(null),
            json!("3 [1,0.5]"),
        ),
        (
            "[.[] | tostring]",
            json!([1, "a", null, {"b": 2.0}]),
            json!(["1", "a", "null", "{\"b\":2}"]),
        ),
        ("test([\"B\", \"i\"])", json!("abc"), json!(true)),
        (
            "toarray, isvalid(error), (65 | ascii)",
            json!(1),
            json!([[1], false, "A"]),
        ),
        ("0 | todate", json!(null), json!("1970-01-01T00:00:00Z")),
    ] {
        assert_eq!(run(filter, &input), Ok(output), "{filter}");
    }
    for filter in ["[[1]] | @csv", "{} | @tsv", "1 | @csv", "\"!\" | @base32d"] {
        assert!(run(filter, &json!(null)).is_err(), "{filter}");
    }
}

#[test]
fn integers_keep_their_digits_or_fail() {
    let error = run(". * 2", &json!(u64::MAX)).unwrap_err();
    assert!(
        error.contains("36893488147419103230") && error.contains("beyond 64 bits"),
        "{error}"
    );
    assert_eq!(
        run(". * 2 | tostring", &json!(u64::MAX)),
        Ok(json!("36893488147419103230"))
    );
    assert_eq!(run(". - 1", &json!(u64::MAX)), Ok(json!(u64::MAX - 1)));
    assert!(run("\"[123456789012345678901]\" | fromjson", &json!(null)).is_err());
}

#[test]
fn faults_in_a_rewritten_filter_keep_their_place() {
    let error = Filter::compile(".a = 1 |\n  .b / nowhere(2)")
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "line 2, column 8: the filter nowhere is not defined, at \"nowhere\""
    );
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        (0..9_i64).prop_map(Value::from),
        "[a-c]".prop_map(Value::from)
    ];
    leaf.prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-c]", inner), 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_assigned_is_found_there(value in value(), path in prop::collection::vec(prop_oneof!["[a-c]".prop_map(Value::from), (0..4_i64).prop_map(Value::from)], 0..4)) {
        let input = json!({"v": value, "p": path});
        if let Ok(set) = run(".p as $p | .v | setpath($p; \"new\")", &input) {
            let again = json!({"v": set, "p": path});
            prop_assert_eq!(run(".p as $p | .v | getpath($p)", &again), Ok(json!("new")));
            prop_assert_eq!(run(".p as $p | .v | getpath($p) = \"new\"", &input), Ok(set));
        }
    }

    #[test]
    fn a_stream_is_the_value(value in value()) {
        prop_assert_eq!(run("fromstream(tostream)", &value), Ok(value.clone()));
        prop_assert_eq!(run("reduce (tostream | select(length == 2)) as [$p, $v] (null; setpath($p; $v))", &value), Ok(value));
    }

    #[test]
    fn deleting_is_keeping_the_rest(list in prop::collection::vec(0..9_i64, 0..8)) {
        let kept: Vec<i64> = list.iter().copied().filter(|n| n % 2 == 0).collect();
        prop_assert_eq!(run("del(.[] | select(. % 2 == 1))", &json!(list)), Ok(json!(kept)));
        prop_assert_eq!(run("(.[] | select(. % 2 == 1)) |= empty", &json!(list)), Ok(json!(kept)));
    }
}
