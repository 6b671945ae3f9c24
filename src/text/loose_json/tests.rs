//! What is repaired, what is refused, and that one damage never gives another value.

use super::token::{Kind, Tokens};
use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

fn repaired(text: &str) -> Result<Value, Fault> {
    let read = read(text, 0, false)?;
    // The places of a repaired value are places of the text.
    assert!(read.span.end <= text.len());
    for (json, source) in &read.places {
        assert_eq!(read.place(json), *source, "{text}");
    }
    assert_eq!(content(text), content(&read.json), "{text}");
    Ok(serde_json::from_str(&read.json).unwrap())
}

/// The strings, numbers and words of a text, in order.
fn content(text: &str) -> Vec<String> {
    let mut tokens = Tokens {
        text,
        at: 0,
        end: text.len(),
        edits: Vec::new(),
    };
    let mut content = Vec::new();
    while let Ok(Some(token)) = tokens.next() {
        if matches!(token.kind, Kind::Text | Kind::Scalar) {
            content.push(token.written(text).to_owned());
        }
    }
    content
}

fn kinds(text: &str) -> Vec<Repair> {
    let edits = read(text, 0, false).unwrap().edits;
    edits.into_iter().map(|edit| edit.repair).collect()
}

#[test]
fn what_has_one_reading_is_repaired() {
    use Repair::*;
    for (text, value, edits) in [
        (r#"{"a": [1, 2]}"#, json!({"a": [1, 2]}), vec![]),
        (
            r#"{"a": [1, 2,],}"#,
            json!({"a": [1, 2]}),
            vec![ExtraComma, ExtraComma],
        ),
        (
            r#"[{"a": 1},, {"b": 2}]"#,
            json!([{"a": 1}, {"b": 2}]),
            vec![ExtraComma],
        ),
        (
            r#"[{"a": 1} {"b" 2 "c": 3}]"#,
            json!([{"a": 1}, {"b": 2, "c": 3}]),
            vec![MissingComma; 3],
        ),
        (
            "{a: True, 'b': None}",
            json!({"a": true, "b": null}),
            vec![Quotes, Keyword, Quotes, Keyword],
        ),
        (
            "{\u{201c}a\u{201d}: \u{2018}b\u{2019}}",
            json!({"a": "b"}),
            vec![Quotes, Quotes],
        ),
        (
            "{\"a\": 1, // one\n \"b\": 2 /* two */ } # end",
            json!({"a": 1, "b": 2}),
            vec![Comment, Comment],
        ),
        (
            r#"{"a": "\d{3}\.\w \"q\" \\"}"#,
            json!({"a": "\\d{3}\\.\\w \"q\" \\"}),
            vec![Backslash; 3],
        ),
        (
            r#"{"a": "C:\Users\x"}"#,
            json!({"a": "C:\\Users\\x"}),
            vec![Backslash; 2],
        ),
        (
            r#"{"a": "it\'s \u00e9 \ud83d\ude00"}"#,
            json!({"a": "it's é 😀"}),
            vec![Escape],
        ),
        ("{\"a\": \"b\nc\"}", json!({"a": "b\nc"}), vec![Escape]),
        (
            r#"{"a": [{"b": 1}]"#,
            json!({"a": [{"b": 1}]}),
            vec![MissingBracket],
        ),
        (
            r#"[{"a": {"b": 1}, {"a": {"b": 2}}]"#,
            json!([{"a": {"b": 1}}, {"a": {"b": 2}}]),
            vec![MissingBracket],
        ),
        (
            r#"[{"a": {"b": 1}}}, {"a": 2}]"#,
            json!([{"a": {"b": 1}}, {"a": 2}]),
            vec![ExtraBracket],
        ),
        (
            r#"{"a": 1}, {"b": 2}]"#,
            json!([{"a": 1}, {"b": 2}]),
            vec![MissingBracket],
        ),
        (
            r#"{"a": {"b": 1}}, "c": 2}"#,
            json!({"a": {"b": 1}, "c": 2}),
            vec![ExtraBracket],
        ),
        (
            r#"{"a": {"b": 1}}}"#,
            json!({"a": {"b": 1}}),
            vec![ExtraBracket],
        ),
        (
            r#"[{"a": "b"}, {"a": {"d": 1,}, {"a": 2}]"#,
            json!([{"a": "b"}, {"a": {"d": 1}}, {"a": 2}]),
            vec![ExtraComma, MissingBracket],
        ),
    ] {
        assert_eq!(repaired(text).as_ref(), Ok(&value), "{text}");
        assert_eq!(kinds(text), edits, "{text}");
    }
}

#[test]
fn what_has_several_readings_is_not() {
    for text in [
        r#"{"a": {"x": 1, "b": 2}"#,
        r#"[{"a": {"x": 1, "b": 2}, {"c": 3}]"#,
        r#"{"a": [1}"#,
        r#"{"a": [1]]}"#,
        r#"{"a": [[1], "b": 2}"#,
        r#"["a" "b"]"#,
        r#"{"a": "say "hi" now"}"#,
        r#"{"a": "C:\temp\docs"}"#,
        r#"{"a": "\bword\b \d"}"#,
        r#"{"a": 007}"#,
        r#"{"a": b}"#,
        r#"{"a": 1, ...}"#,
        r#"[{"a": 1}, ...]"#,
        r#"{"a": "b" + "c"}"#,
        r#"{"a": 1}}}"#,
        r#"[{"a": 1, {"b": 2}]"#,
        r#"{"a": "\ud83d"}"#,
        "{\"a\": \"b\\\nc\"}",
    ] {
        let read = repaired(text);
        assert!(read.is_err(), "{text}: {read:?}");
    }
}

#[test]
fn what_is_cut_off_is_not_completed() {
    for text in [
        r#"{"a": [{"b": 1}"#,
        r#"{"a": [{"b": 1},"#,
        r#"{"a": [{"b": 1}, {"c"#,
        r#"{"a": [{"b": 1}, {"c": tr"#,
        r#"[{"a": "b"#,
        r#"{"a": 1 /* note"#,
        r#"{"a":"#,
    ] {
        assert!(repaired(text).is_err(), "{text}");
    }
    // Only where the text is known to be complete are its last brackets forgotten.
    let text = r#"{"a": [{"b": 1}"#;
    let read = read(text, 0, true).unwrap();
    assert_eq!(
        (read.json.as_str(), read.left_open),
        (r#"{"a":[{"b":1}]}"#, 2)
    );
    for text in [r#"{"a":"#, r#"[{"a": 1, "b"#, r#"[{"a": {"b": 1, "c": 2}"#] {
        assert!(super::read(text, 0, true).is_err(), "{text}");
    }
}

#[test]
fn a_cut_is_named_by_the_element_it_is_in() {
    let text = r#"{"id": "p", "steps": [{"id": 1, "args": {"id": 7}}, {"id": "two", "args": {"id": [1, {"x"#;
    let end = ending(text, 0, &["id"]);
    assert_eq!(
        (end.inside.as_deref(), end.after.as_deref()),
        (Some("two"), Some("1"))
    );
    let end = ending(&text[..text.find(r#""id": "two""#).unwrap()], 0, &["id"]);
    assert_eq!((end.inside, end.after.as_deref()), (None, Some("1")));
}

#[test]
fn depth_and_length_cost_no_square() {
    for text in [
        "[".repeat(4_000),
        "{\"a\":".repeat(8_000),
        "[[],".repeat(10_000),
        format!("{}{}", "[1,".repeat(8_000), "]".repeat(7_800)),
        format!("[{}", "{\"a\": 1} ".repeat(4_000)),
        format!("[{}}}", "{\"a\": 1},".repeat(4_000)),
    ] {
        let _ = read(&text, 0, false);
        let _ = read(&text, 0, true);
    }
}

/// JSON of a plan's shape.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-99_i32..9999).prop_map(Value::from),
        "[a-z ,:'\\[\\]{}\\\\\"ß]{0,8}".prop_map(Value::from),
    ];
    let inner = leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-z]{1,3}", inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    });
    prop::collection::vec(inner, 0..4).prop_map(Value::from)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_damage_never_gives_another_value(
        value in value(),
        pretty in any::<bool>(),
        at in any::<prop::sample::Index>(),
        damage in 0..4,
        mark in prop::sample::select(vec!["{", "}", "[", "]", "\"", ",", ":"]),
        is_whole in any::<bool>(),
    ) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let place = places[at.index(places.len())];
        let mut damaged = text.clone();
        match damage {
            0 => damaged.truncate(place),
            // An escape that a mark splits is content, as the mark is.
            1 if text[..place].ends_with('\\') => return Ok(()),
            1 => damaged.insert_str(place, mark),
            _ => {
                // An escaped quote is content; what is left of it is a backslash.
                let marks = text.match_indices(['{', '}', '[', ']', '"', ',']).map(|(at, _)| at);
                let marks: Vec<usize> = marks.filter(|at| !text[..*at].ends_with('\\')).collect();
                damaged.remove(marks[at.index(marks.len())]);
            }
        }
        // What is valid as it stands is not repaired.
        if !damaged.starts_with(['{', '[']) || serde_json::from_str::<Value>(&damaged).is_ok() {
            return Ok(());
        }
        // A text that was cut off is not whole. What stands after the value is for the caller to judge.
        let read = read(&damaged, 0, is_whole && damage > 0);
        if let Ok(read) = read && read.span.end == damaged.trim_end().len() {
            let read: Value = serde_json::from_str(&read.json).unwrap();
            prop_assert_eq!(read, value, "{}", damaged);
        }
    }

    #[test]
    fn no_text_panics(text in "[\\[{][\\[\\]{}\",:'`a-z0-9\\\\/*#.\n ué\u{201c}\u{201d}]{0,60}", is_whole in any::<bool>()) {
        if let Ok(read) = read(&text, 0, is_whole) {
            prop_assert!(text.get(read.span.clone()).is_some());
            prop_assert!(serde_json::from_str::<Value>(&read.json).is_ok(), "{} {}", text, read.json);
            prop_assert_eq!(content(&text[read.span]), content(&read.json));
        }
    }
}
