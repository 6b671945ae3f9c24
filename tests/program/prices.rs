//! `plandeck prices`: what models cost, as a table and as JSON.

use crate::common::program::plandeck;
use serde_json::{Value, json};

/// Exit code, standard output and standard error in a folder with these settings.
fn prices(settings: &str, arguments: &[&str]) -> (i32, String, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("plandeck.toml"), settings).unwrap();
    let output = plandeck()
        .current_dir(folder.path())
        .arg("prices")
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn listed(settings: &str, arguments: &[&str]) -> Vec<Value> {
    let (code, out, err) = prices(settings, &[arguments, &["--json"]].concat());
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).unwrap()
}

fn price<'a>(list: &'a [Value], provider: &str, model: &str) -> &'a Value {
    let found = |row: &&Value| row["provider"] == provider && row["model"] == model;
    list.iter().find(found).unwrap()
}

#[test]
fn every_price_has_a_source_and_a_date() {
    let list = listed("", &[]);
    for provider in [
        "openai",
        "anthropic",
        "gemini",
        "azure",
        "groq",
        "openrouter",
    ] {
        assert!(
            list.iter().any(|row| row["provider"] == provider),
            "{provider}"
        );
    }
    for row in &list {
        assert!(
            row["source"].as_str().unwrap().starts_with("https://"),
            "{row}"
        );
        assert!(row["date"].as_str().unwrap() > "2026", "{row}");
        assert!(row["input_usd_per_million"].as_f64().is_some(), "{row}");
        assert!(row["output_usd_per_million"].as_f64().is_some(), "{row}");
    }
    let mini = price(&list, "openai", "gpt-4o-mini");
    assert_eq!(mini["input_usd_per_million"], json!(0.15));
    assert_eq!(mini["cached_input_usd_per_million"], json!(0.075));
    assert_eq!(mini["cache_write_usd_per_million"], Value::Null);
    assert_eq!(mini["output_usd_per_million"], json!(0.6));
    let haiku = price(&list, "anthropic", "claude-haiku-4-5");
    assert_eq!(haiku["cache_write_usd_per_million"], json!(1.25));
    let long = &price(&list, "gemini", "gemini-2.5-pro")["long_input"];
    assert_eq!(long["above_input_tokens"], json!(200_000));
}

#[test]
fn a_name_narrows_the_list() {
    let list = listed("", &["GPT-4o-mini"]);
    assert!(!list.is_empty());
    for row in &list {
        let name = row["model"].as_str().unwrap();
        assert!(name.to_lowercase().contains("gpt-4o-mini"), "{name}");
    }
    // A version that the list does not name has the price of its model.
    let dated = listed("", &["openai/gpt-4o-mini-2031-02-03"]);
    assert_eq!(dated.len(), 1);
    assert_eq!(dated[0]["model"], json!("gpt-4o-mini"));
    let (code, out, err) = prices("", &["no-such-model"]);
    assert_eq!((code, &*out), (1, ""));
    assert!(
        err.contains("no-such-model") && err.contains("[prices]"),
        "{err}"
    );
}

#[test]
fn prices_of_the_settings_are_listed_and_named_as_such() {
    let settings = "[prices.\"my-model\"]\ninput = 0.1\ncached = 0.05\noutput = 0.4\n";
    let list = listed(settings, &["my-model"]);
    assert_eq!(list.len(), 1);
    assert_eq!(list[0]["source"], json!("settings"));
    assert_eq!(list[0]["cached_input_usd_per_million"], json!(0.05));
    let (_, table, _) = prices(settings, &["my-model"]);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 2, "{table}");
    assert!(
        lines[0].starts_with("dollars per million tokens"),
        "{table}"
    );
    assert!(
        lines[1].contains("0.05") && lines[1].ends_with("settings"),
        "{table}"
    );
}
