//! Every sample plan, run unchanged with the offline worker, gives its `expected.json`.

use crate::common::model_server::{Answer, ModelServer};
use crate::common::program::{code, json, plan_in, plandeck, run_json, stderr, step};
use crate::common::samples::{copy_of, sample, sample_folder};
use serde_json::Value;

/// What the run is given beside the plan: answers that nobody gives without a screen.
fn arguments(expected: &Value) -> Vec<&str> {
    let given = expected["arguments"].as_array();
    given
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

fn holds(name: &str) -> Value {
    let expected = std::fs::read(sample_folder(name).join("expected.json")).unwrap();
    let expected: Value = serde_json::from_slice(&expected).unwrap();
    let (code, result) = run_json(&sample(name), &arguments(&expected));
    assert_eq!(expected["exit"], code, "{name}: {result:#}");
    if let Some(value) = expected.get("result") {
        assert_eq!(value, &result["result"], "{name}");
    }
    for row in result["steps"].as_array().unwrap() {
        let id = row["id"].as_str().unwrap();
        let status = expected["not_succeeded"]
            .get(id)
            .and_then(Value::as_str)
            .unwrap_or("succeeded");
        assert_eq!(row["status"], status, "{name}, step {id}: {row:#}");
    }
    assert_eq!(result["simulated"], false);
    assert_eq!(result["worker"], "offline");
    result
}

#[test]
fn no_sample_is_left_out() {
    let tested = [
        "abroad",
        "almanac",
        "demo",
        "depot",
        "figures",
        "letter",
        "mend",
        "peaks",
        "receipt",
        "refund",
        "release",
        "research",
        "straggler",
        "tickets",
    ];
    let mut found: Vec<String> = std::fs::read_dir(sample_folder(""))
        .unwrap()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().unwrap().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    found.sort();
    assert_eq!(found, tested);
}

/// The sums are computed again here, in cents, from the lines alone.
#[test]
fn the_receipt_adds_up() {
    let result = holds("receipt");
    let cents = |value: &Value| (value.as_f64().unwrap() * 100.0).round() as i64;
    let lines = step(&result, "items")["output"]["items"]
        .as_array()
        .unwrap();
    let sum: i64 = lines.iter().map(|line| cents(&line["amount"])).sum();
    let totals = &step(&result, "totals")["output"];
    assert_eq!(lines.len(), 14);
    assert_eq!(sum, cents(&totals["subtotal"]));
    assert_eq!(sum + cents(&totals["tax"]), cents(&totals["total"]));
    let categories = &step(&result, "statistics")["output"]["by_category"];
    let by_category: i64 = categories
        .as_array()
        .unwrap()
        .iter()
        .map(|category| cents(&category["amount"]))
        .sum();
    assert_eq!(by_category, sum);
    assert_eq!(result["cost"], 0.0);
}

/// An MCP server, HTTP, Python, jq and a program together.
#[test]
fn the_depot_gets_its_sheet() {
    let python = std::process::Command::new("python3")
        .arg("--version")
        .output();
    if python.is_err() {
        eprintln!("python3 is not installed: the sample `depot` is not run");
        return;
    }
    let result = holds("depot");
    let kinds: std::collections::BTreeSet<&str> = result["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["tool"].as_str().unwrap())
        .collect();
    assert_eq!(kinds.len(), 8);
    let orders = step(&result, "orders")["output"].as_array().unwrap();
    let loads = step(&result, "loads")["output"].as_array().unwrap();
    let sum = |list: &[Value]| {
        list.iter()
            .map(|one| one["kg"].as_i64().unwrap())
            .sum::<i64>()
    };
    assert_eq!(sum(orders), sum(loads), "every order is on a cart");
    assert!(loads.iter().all(|cart| cart["kg"].as_i64() <= Some(400)));
    let short = &step(&result, "short")["output"];
    assert_eq!(
        short,
        &serde_json::json!([{"item": "oats", "missing": 3}, {"item": "salt", "missing": 5}])
    );
}

/// A receipt whose lines were tampered with is not accepted.
#[test]
fn a_wrong_receipt_is_refused() {
    let copy = copy_of("receipt");
    let plan = plan_in(copy.path());
    let text = std::fs::read_to_string(&plan).unwrap();
    assert!(text.contains("4.25"));
    std::fs::write(&plan, text.replace("4.25", "4.52")).unwrap();
    let (code, result) = run_json(&plan, &[]);
    assert_eq!(code, 0);
    assert_eq!(result["result"]["accepted"], false);
    let summary = result["result"]["summary"].as_str().unwrap();
    assert!(
        summary.contains("lines add up to the subtotal"),
        "{summary}"
    );
}

#[test]
fn the_research_reads_its_documents() {
    let result = holds("research");
    assert_eq!(result["steps"].as_array().unwrap().len(), 28);
    assert_eq!(result["steps_completed"], 28);
    // The search is a real one: what it found is what stands in the files.
    for row in result["steps"].as_array().unwrap() {
        let Some(hits) = row["output"].get("hits").and_then(Value::as_array) else {
            continue;
        };
        let term = row["output"]["term"].as_str().unwrap().to_lowercase();
        let mut found: Vec<(String, usize)> = Vec::new();
        for hit in hits {
            let source = hit["source"].as_str().unwrap();
            found.push((source.to_owned(), hit["line"].as_u64().unwrap() as usize));
        }
        found.sort();
        assert_eq!(found, sentences_with(&term), "{term}");
    }
}

fn sentences_with(term: &str) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(sample_folder("research").join("corpus")).unwrap() {
        let path = entry.unwrap().path();
        let source = path.file_stem().unwrap().to_str().unwrap().to_owned();
        for (at, line) in std::fs::read_to_string(&path).unwrap().lines().enumerate() {
            if line.to_lowercase().contains(term) {
                found.push((source.clone(), at + 1));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_fault_stops_only_what_depends_on_it() {
    let result = holds("mend");
    let message = step(&result, "rates")["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("rates.csv, line 4") && message.contains("O.0914"),
        "{message}"
    );
    assert_eq!(
        step(&result, "rates")["error"]["type"],
        "ToolExecutionError"
    );
    for id in ["convert", "invoices", "evening_report"] {
        assert_eq!(step(&result, id)["reason"], "upstream");
    }
    assert_eq!(result["error"]["step"], "rates");
}

#[test]
fn once_mended_the_plan_succeeds() {
    let copy = copy_of("mend");
    let rates = copy.path().join("rates.csv");
    let text = std::fs::read_to_string(&rates).unwrap();
    std::fs::write(&rates, text.replace("O.0914", "0.0914")).unwrap();
    let (code, result) = run_json(&plan_in(copy.path()), &[]);
    assert_eq!(code, 0, "{result:#}");
    assert_eq!(
        result["result"],
        serde_json::json!({
            "reminders": {"reminders": [
                "Lindqvist: order 1042 was due on 2026-03-12.",
                "Tanaka: order 1046 was due on 2026-03-15.",
            ]},
            "evening_report": "4 invoices over 617.78 euros; to order: 4 strainer, 3 teapot.",
        })
    );
}

/// A wrong parameter, of which an expectation takes note; the corrected plan pays back the price.
#[test]
fn the_misread_price_is_noticed_and_the_corrected_plan_pays_it_back() {
    let result = holds("refund");
    let amount = step(&result, "amount");
    assert_eq!(amount["error"]["type"], "ExpectationError");
    assert_eq!(amount["output"], serde_json::json!({"euros": 1.29}));
    let copy = copy_of("refund");
    let plan = plan_in(copy.path());
    let text = std::fs::read_to_string(&plan).unwrap();
    std::fs::write(&plan, text.replace("decimal: \".\"", "decimal: \",\"")).unwrap();
    let (code, result) = run_json(&plan, &[]);
    assert_eq!(code, 0, "{result:#}");
    assert_eq!(
        step(&result, "booking")["output"],
        serde_json::json!({"account": "refunds", "order": 4711, "debit_cents": 129_000})
    );
}

#[test]
fn an_order_is_converted_by_rules_without_a_network() {
    let result = holds("abroad");
    assert_eq!(result["cost"], 0.0);
}

/// The same plan with one flag more: a model performs the `model` tools, and the request is made.
#[test]
fn an_order_is_converted_by_a_model_and_a_request() {
    let answer = |to: &str, says| Answer {
        to: to.to_owned(),
        says,
        after: std::time::Duration::ZERO,
    };
    let lines = serde_json::json!([{"name": "lamp", "count": 2, "price": 10.5}]);
    let models = ModelServer::start(vec![
        answer(
            "Read this order",
            serde_json::json!({"customer": "Ida", "currency": "USD", "lines": lines}),
        ),
        answer(
            "Ida",
            serde_json::json!({"output": "Dear Ida, it is 42 EUR."}),
        ),
    ]);
    let rates = ModelServer::rates(2.0);
    let output = plandeck()
        .env("OPENAI_API_KEY", "sk-order")
        .env("RATES_URL", rates.url())
        .args(["run", sample("abroad").to_str().unwrap()])
        .args([
            "--worker",
            "openai/gpt-4o-mini",
            "--base-url",
            &models.url(),
        ])
        .args(["--headless", "--json", "--trust"])
        .output()
        .unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let result = json(&output);
    assert_eq!(step(&result, "rate")["output"], 2.0);
    assert_eq!(step(&result, "total")["output"], 42);
    assert_eq!(result["result"], "Dear Ida, it is 42 EUR.");
    assert!(result["cost"].as_f64().unwrap() > 0.0);
}

#[test]
fn the_runtime_dialect() {
    holds("tickets");
}

#[test]
fn the_template_dialect() {
    let result = holds("release");
    assert_eq!(step(&result, "hotfix")["reason"], "condition");
}

#[test]
fn llmcompiler() {
    holds("peaks");
}

#[test]
fn hugginggpt() {
    holds("letter");
}

#[test]
fn rewoo() {
    holds("almanac");
}

/// Level by level the run would take as long as its two longest waits one after the other; by dependency it
/// takes the longest chain, whatever the machine adds to each call.
#[test]
fn the_straggler_is_not_waited_for() {
    let result = holds("straggler");
    let ms = |id: &str| step(&result, id)["latency_ms"].as_f64().unwrap();
    let by_level =
        ms("short_first").max(ms("long_first")) + ms("long_second").max(ms("short_second"));
    let longest_chain =
        (ms("short_first") + ms("long_second")).max(ms("long_first") + ms("short_second"));
    let latency = result["latency_ms"].as_f64().unwrap();
    assert!(longest_chain >= 1000.0 && by_level >= 1800.0);
    assert!(
        latency < longest_chain + (by_level - longest_chain) / 2.0,
        "{latency} ms, where the longest chain is {longest_chain} and levels would take {by_level}"
    );
    let started = |id: &str| step(&result, id)["started_ms"].as_f64().unwrap();
    let ended = |id: &str| step(&result, id)["ended_ms"].as_f64().unwrap();
    assert!(started("long_second") < ended("long_first"));
}

/// The figures follow from the times of the steps by their definitions, and those times are what was waited.
#[test]
fn the_figures_follow_their_definitions() {
    let (code, result) = run_json(&sample("figures"), &["--max-concurrent", "2"]);
    assert_eq!(code, 0);
    let a: Vec<f64> = result["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["latency_ms"].as_f64().unwrap())
        .collect();
    for (took, waited) in a.iter().zip([200.0, 150.0, 100.0, 100.0]) {
        assert!(*took >= waited, "{took} for a wait of {waited}");
    }
    let wall = result["latency_ms"].as_f64().unwrap();
    let work: f64 = a.iter().sum();
    let span = a[0] + a[1].max(a[2]) + a[3];
    let near = |name: &str, value: f64| {
        let printed = result[name].as_f64().unwrap();
        assert!(
            (printed - value).abs() < 0.01,
            "{name}: {printed}, by definition {value}"
        );
    };
    near("speedup", work / wall);
    near("parallel_efficiency", span.max(work / 2.0) / wall);
    near("slot_utilisation", work / (2.0 * wall));
    assert!(wall >= span && result["parallel_efficiency"].as_f64().unwrap() <= 1.0);
    let longer = if a[1] >= a[2] { "2" } else { "3" };
    assert_eq!(
        result["critical_path"],
        serde_json::json!(["1", longer, "4"])
    );
    holds("figures");
}

#[test]
fn the_announcement_lacks_its_calendar_only() {
    let result = holds("demo");
    assert_eq!(
        step(&result, "collect")["output"].as_array().unwrap().len(),
        12
    );
    assert_eq!(
        step(&result, "review")["output"].as_array().unwrap().len(),
        12
    );
}

/// Without a screen nobody can fix its input, so it is given one that is right.
#[test]
fn the_demo_runs_to_its_end_without_a_screen() {
    let output = plandeck().args(["demo", "--json"]).output().unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let result = json(&output);
    assert_eq!(result["status"], "succeeded");
    assert_eq!(result["simulated"], true);
    let retried = step(&result, "prices");
    assert_eq!(retried["attempts"], 2, "one request fails at first");
    let models = ["announce", "danish"].map(|id| step(&result, id)["model"].clone());
    assert_eq!(models, ["gpt-4o", "gpt-4o-mini"]);
    assert!(result["cost"].as_f64().unwrap() > 0.0);
}

/// Only time, tokens and cost are invented where a tool has rules: a sample ends as it does offline, whatever the seed.
#[test]
fn simulated_samples_end_as_they_do_offline() {
    let names = std::fs::read_dir(sample_folder("")).unwrap();
    let folders = names
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().unwrap().is_dir());
    let runs: Vec<_> = folders
        .flat_map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            [11, 12, 13].map(|seed| (name.clone(), seed))
        })
        .map(|(name, seed)| std::thread::spawn(move || simulated_as_offline(&name, seed)))
        .collect();
    for run in runs {
        run.join().unwrap();
    }
}

fn simulated_as_offline(name: &str, seed: u32) {
    let expected = std::fs::read(sample_folder(name).join("expected.json")).unwrap();
    let expected: Value = serde_json::from_slice(&expected).unwrap();
    let seed = seed.to_string();
    let output = plandeck()
        .args(["run", "--headless", "--json", "--worker", "simulated"])
        .args(["--seed", &seed])
        .args(arguments(&expected))
        .arg(sample(name))
        .output()
        .unwrap();
    let result = json(&output);
    assert_eq!(
        expected["exit"],
        code(&output),
        "{name}, seed {seed}: {result:#}"
    );
    assert_eq!(result["simulated"], true);
    for row in result["steps"].as_array().unwrap() {
        let id = row["id"].as_str().unwrap();
        let status = expected["not_succeeded"]
            .get(id)
            .and_then(Value::as_str)
            .unwrap_or("succeeded");
        assert_eq!(
            row["status"], status,
            "{name}, seed {seed}, step {id}: {row:#}"
        );
    }
}
