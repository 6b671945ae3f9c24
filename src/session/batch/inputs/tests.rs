//! Items of every form, and what is wrong with them.

use super::*;
use serde_json::json;

fn inputs(name: &str, text: &[u8]) -> (tempfile::TempDir, BatchInputs) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    let inputs = BatchInputs {
        path,
        key: None,
        common: Map::new(),
        content: None,
        name: None,
    };
    (folder, inputs)
}

fn read(inputs: &BatchInputs) -> Vec<Result<(String, Value), String>> {
    let items = inputs.open().unwrap();
    let plain = |item: Result<BatchItem, InputFault>| match item {
        Ok(item) => Ok((item.key.to_string(), Value::Object(item.context))),
        Err(fault) => Err(fault.message),
    };
    items.map(plain).collect()
}

#[test]
fn a_line_is_a_context_or_names_its_key() {
    let text =
        "\u{feff}{\"n\": 1}\n\n{\"key\": \"b\", \"context\": {\"n\": 2}}\r\n{\"key\": 7, \"n\": 3}";
    let (_folder, mut inputs) = inputs("in.jsonl", text.as_bytes());
    inputs.common.insert("n".to_owned(), json!(0));
    inputs.common.insert("c".to_owned(), json!(true));
    let expected = [
        Ok(("0".to_owned(), json!({"n": 1, "c": true}))),
        Ok(("b".to_owned(), json!({"n": 2, "c": true}))),
        Ok(("2".to_owned(), json!({"n": 3, "c": true, "key": 7}))),
    ];
    assert_eq!(read(&inputs), expected);
    inputs.key = Some("n".to_owned());
    let keys = read(&inputs).into_iter().map(|item| item.unwrap().0);
    assert_eq!(keys.collect::<Vec<_>>(), ["1", "2", "3"]);
}

#[test]
fn bad_lines_are_named_with_their_place_and_the_rest_is_read() {
    let mut text = b"{\"n\": 1}\nnot JSON\n[1]\n{\"key\": null, \"context\": {}}\n".to_vec();
    text.extend(b"{\"big\": \"");
    text.extend(vec![b'x'; MAX_ITEM]);
    text.extend(b"\"}\n{\"n\": 2}\n\xff\n");
    let (_folder, inputs) = inputs("in.jsonl", &text);
    let found = inputs.open().unwrap().collect::<Vec<_>>();
    let places: Vec<String> = found
        .iter()
        .filter_map(|item| item.as_ref().err())
        .map(|fault| fault.place.rsplit(':').next().unwrap().to_owned())
        .collect();
    assert_eq!(places, ["2", "3", "4", "5", "7"]);
    assert!(found[5].is_ok());
    let error = inputs.check(&[]).unwrap_err().to_string();
    assert!(
        error.contains("in.jsonl:2: it is not valid JSON"),
        "{error}"
    );
    assert!(error.ends_with("nothing ran"), "{error}");
}

#[test]
fn cells_are_values_only_where_that_is_unambiguous() {
    for (text, value) in [
        ("1", json!(1)),
        ("-2.5", json!(-2.5)),
        ("true", json!(true)),
        ("007", json!("007")),
        ("1e3", json!("1e3")),
        ("+1", json!("+1")),
        ("1.0", json!(1.0)),
        ("1.50", json!("1.50")),
        ("TRUE", json!("TRUE")),
        ("null", json!("null")),
        ("", json!("")),
        ("9007199254740993", json!("9007199254740993")),
        ("2026-01-02", json!("2026-01-02")),
    ] {
        assert_eq!(cell(text), value, "{text}");
    }
}

#[test]
fn csv_has_a_header_and_fields_that_match_it() {
    let text = b"\xef\xbb\xbfid,text\n1,\"a, b\"\n2\n3,c\n";
    let (_folder, mut inputs) = inputs("in.csv", text);
    inputs.key = Some("id".to_owned());
    let expected = [
        Ok(("1".to_owned(), json!({"id": 1, "text": "a, b"}))),
        Err(
            "it has 1 field, and the header has 2; a field with a comma stands in quotation marks"
                .to_owned(),
        ),
        Ok(("3".to_owned(), json!({"id": 3, "text": "c"}))),
    ];
    assert_eq!(read(&inputs), expected);
}

#[test]
fn a_folder_is_a_file_for_each_item() {
    let (folder, mut inputs) = inputs("b.txt", b"text");
    std::fs::write(folder.path().join("a.json"), "[1]").unwrap();
    std::fs::write(folder.path().join(".hidden"), "").unwrap();
    inputs.path = folder.path().to_path_buf();
    inputs.name_content(&["name".into(), "receipt".into()]);
    let expected = [
        Ok((
            "a.json".to_owned(),
            json!({"name": "a.json", "receipt": [1]}),
        )),
        Ok((
            "b.txt".to_owned(),
            json!({"name": "b.txt", "receipt": "text"}),
        )),
    ];
    assert_eq!(read(&inputs), expected);
}

#[test]
fn keys_are_unique_values_are_given_and_there_is_something_to_do() {
    let (_folder, inputs_of) = inputs(
        "in.jsonl",
        b"{\"key\": \"a\", \"context\": {}}\n{\"key\": \"a\", \"context\": {}}",
    );
    let error = inputs_of.check(&["n".into()]).unwrap_err().to_string();
    assert!(
        error.contains("in.jsonl:2: the key a stands for item 0 already"),
        "{error}"
    );
    assert!(
        error.contains("in.jsonl:1: item a has no n, which the plan refers to"),
        "{error}"
    );
    let (_folder, empty) = inputs("in.jsonl", b"\n \n");
    let error = empty.check(&[]).unwrap_err().to_string();
    assert!(error.contains("it has no items"), "{error}");
}

/// Reads some text and then fails each time.
struct Failing(&'static [u8]);

impl std::io::Read for Failing {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.0.is_empty() {
            return Err(std::io::Error::other("the disk is gone"));
        }
        self.0.read(into)
    }
}

#[test]
fn a_file_that_can_no_longer_be_read_is_said_once() {
    let (_folder, inputs) = inputs("in.jsonl", b"");
    for (items, line) in [
        (
            inputs.lines("in".into(), BufReader::new(Failing(b"{}\n"))),
            2,
        ),
        (inputs.csv("in".into(), BufReader::new(Failing(b"a\n"))), 2),
    ] {
        let faults = items
            .take(10)
            .filter_map(|(place, item)| Some((place, item.err()?)));
        let faults: Vec<(String, String)> = faults.collect();
        assert_eq!(
            faults,
            [(format!("in:{line}"), "the disk is gone".to_owned())]
        );
    }
}

#[test]
fn what_is_not_utf_8_says_so_with_the_line() {
    for (name, text) in [
        ("in.jsonl", &b"{\"n\": 1}\r\n{\"n\": \"\xe9\"}\r\n"[..]),
        ("in.csv", b"n\r\n1\r\n\xe9\r\n"),
        // As spreadsheets write it on some systems.
        ("in.csv", b"\xff\xfen\0\r\0\n\0"),
    ] {
        let (_folder, inputs) = inputs(name, text);
        let error = inputs.check(&[]).unwrap_err().to_string();
        assert!(error.contains("save the file as UTF-8"), "{error}");
    }
}

#[test]
fn an_item_keeps_its_place_behind_one_that_is_too_large() {
    let mut text = b"{\"big\": \"".to_vec();
    text.extend(vec![b'x'; MAX_ITEM]);
    text.extend(b"\"}\n{\"n\": 2}\n");
    let (_folder, inputs) = inputs("in.jsonl", &text);
    let second = inputs.open().unwrap().nth(1).unwrap().unwrap();
    assert_eq!(&*second.key, "1");
}

#[cfg(unix)]
#[test]
fn a_file_of_a_folder_that_cannot_be_read_is_not_passed_over() {
    let (folder, mut inputs) = inputs("a.txt", b"text");
    std::os::unix::fs::symlink("nowhere", folder.path().join("b.txt")).unwrap();
    std::fs::create_dir(folder.path().join("c")).unwrap();
    inputs.path = folder.path().to_path_buf();
    let error = inputs.check(&[]).unwrap_err().to_string();
    assert!(error.contains("b.txt: it cannot be read ("), "{error}");
    assert!(error.contains("take it out of the folder"), "{error}");
    assert_eq!(error.lines().count(), 2, "{error}");
}
