//! What went over the wire is kept for each attempt, and shown where it is asked for: whole, bounded, without secrets.

use crate::common::program::{code, folder, json, plandeck, stderr};
use crate::common::raw_server::{Act, RawServer, STREAM, chunk, end, sse, stream};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Output;

const KEY: &str = "sk-raw-8d1f-bodies";
const PIN: &str = "vault-77-Quince";

const PLAN: &str = "steps:\n  - {id: note, tool: read_note}\n  - {id: total, tool: add_up, parameters: {note: '{{steps[note].output}}'}}\n";
const TOOLS: &str = r#"tools:
  read_note: {type: process, command: [sh, -c, 'printf "\"paid with %s\"" "$PIN"'], env: {PIN: '${PIN_OF_SHOP}'}}
  add_up: {type: model, stall_timeout_s: 30, output_schema: {type: object, properties: {total: {type: number}}, required: [total]}}
"#;

fn say(text: impl Into<String>) -> Act {
    Act::Say(text.into())
}

fn command(home: &Path) -> assert_cmd::Command {
    let mut command = plandeck();
    command
        .env("PLANDECK_HOME", home)
        .env("OPENAI_API_KEY", KEY)
        .env("PIN_OF_SHOP", PIN);
    command
}

/// Runs the plan against a server.
fn run(folder: &Path, server: &RawServer) -> Output {
    let plan = folder.join("plan.yaml");
    let url = format!("{}/v1", server.url());
    command(&folder.join("home"))
        .arg("run")
        .arg(plan)
        .args(["--trust", "--headless", "--json", "--worker", "gpt-4o-mini"])
        .args(["--base-url", &url])
        .output()
        .unwrap()
}

/// What `show last --raw` prints with these arguments.
fn show(folder: &Path, more: &[&str]) -> Output {
    let output = command(&folder.join("home"))
        .args(["show", "last", "--raw"])
        .args(more)
        .output()
        .unwrap();
    for shown in [&output.stdout, &output.stderr] {
        let shown = String::from_utf8_lossy(shown);
        assert!(!shown.contains(KEY) && !shown.contains(PIN), "{shown}");
    }
    output
}

fn shown(folder: &Path, more: &[&str]) -> Vec<Value> {
    let output = show(folder, &[more, &["--json"]].concat());
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    serde_json::from_value(json(&output)).unwrap()
}

fn body(exchange: &Value, of: &str) -> String {
    exchange[of]["body"].as_str().unwrap().to_owned()
}

#[test]
fn a_repair_has_bodies_of_its_own_and_no_secret_is_in_any() {
    let (one, two) = PIN.split_at(6);
    let bad = stream(&[
        chunk("it was paid with "),
        chunk(one),
        chunk(two),
        end("stop", 30, 9)[1].clone(),
    ]);
    let bad = bad.replace(
        "data: [DONE]",
        &format!("data: {}\n\ndata: [DONE]", end("stop", 30, 9)[0]),
    );
    let good = [
        vec![chunk("{\"total\": "), chunk("4.5}")],
        end("stop", 60, 7).to_vec(),
    ]
    .concat();
    let good = stream(&good);
    let server = RawServer::start(vec![vec![say(bad.clone())], vec![say(good.clone())]]);
    let folder = folder("plan.yaml", PLAN, TOOLS);
    let output = run(folder.path(), &server);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let exchanges = shown(folder.path(), &[]);
    assert_eq!(exchanges.len(), 2);
    for (at, exchange) in exchanges.iter().enumerate() {
        assert_eq!(exchange["step"], "total");
        assert_eq!(exchange["attempt"], 1);
        assert_eq!(exchange["exchange"], at + 1);
        assert_eq!(exchange["status"], 200);
        assert!(
            exchange["url"]
                .as_str()
                .unwrap()
                .ends_with("/v1/chat/completions")
        );
        // The request is what was sent, but for the secret.
        let sent = server.bodies()[at].to_string();
        assert!(
            sent.contains(PIN),
            "later steps get values as they are: {sent}"
        );
        assert_eq!(exchange["request"]["bytes"], sent.len());
        let request: Value = serde_json::from_str(&body(exchange, "request")).unwrap();
        let redacted: Value = serde_json::from_str(&sent.replace(PIN, "[redacted]")).unwrap();
        assert_eq!(request, redacted);
    }
    // An event that has a part of the secret does not give it away, and the others are as they came.
    let first = body(&exchanges[0], "response");
    assert!(!first.contains(one) && !first.contains(two), "{first}");
    assert!(first.contains("\"completion_tokens\":9"), "{first}");
    let events = good.split_once("\r\n\r\n").unwrap().1;
    assert_eq!(body(&exchanges[1], "response").trim(), events.trim());
    assert_eq!(exchanges[1]["response"]["bytes"], events.len());
    // In words, for one step; a step that asks no model has none, and one that is not there is an error.
    let words = show(folder.path(), &["total"]);
    let words = String::from_utf8(words.stdout).unwrap();
    assert!(
        words.contains("step total, attempt 1, exchange 2: answered 200, POST http://"),
        "{words}"
    );
    assert!(words.contains(events.trim()), "{words}");
    let none = show(folder.path(), &["note"]);
    assert!(none.stdout.is_empty() && stderr(&none).contains("nothing was sent to a model"));
    let missing = show(folder.path(), &["totl"]);
    assert_eq!(code(&missing), 2);
    assert!(stderr(&missing).contains("total"), "{}", stderr(&missing));
}

#[test]
fn a_refusal_and_an_answer_that_breaks_off_are_kept() {
    let refusal = json!({"error": {"message": format!("the key {KEY} is not allowed to do that")}})
        .to_string();
    let refusal = format!(
        "HTTP/1.1 500 Oh\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{refusal}",
        refusal.len()
    );
    let begun = format!("{STREAM}{}", sse(&chunk("{\"total\": 4")));
    let good = stream(&[vec![chunk("{\"total\": 4}")], end("stop", 60, 7).to_vec()].concat());
    let server = RawServer::start(vec![vec![say(refusal)], vec![say(begun)], vec![say(good)]]);
    let folder = folder(
        "plan.yaml",
        &PLAN.replace(
            "tool: add_up,",
            "tool: add_up, retry_policy: {retries: 3, backoff_s: 0},",
        ),
        TOOLS,
    );
    let output = run(folder.path(), &server);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let exchanges = shown(folder.path(), &["total"]);
    assert_eq!(exchanges.len(), 3);
    let attempts: Vec<&Value> = exchanges.iter().map(|one| &one["attempt"]).collect();
    assert_eq!(attempts, [1, 2, 3]);
    assert_eq!(exchanges[0]["status"], 500);
    assert!(body(&exchanges[0], "response").contains("the key [redacted] is not allowed"));
    assert_eq!(
        body(&exchanges[1], "response").trim(),
        sse(&chunk("{\"total\": 4")).trim()
    );
    // A server that cannot be reached was sent something all the same.
    let gone = RawServer::start(vec![vec![]]);
    let output = run(folder.path(), &gone);
    assert_eq!(code(&output), 1);
    let exchanges = shown(folder.path(), &[]);
    assert_eq!(exchanges[0]["status"], Value::Null);
    assert_eq!(exchanges[0]["response"]["bytes"], 0);
    assert!(body(&exchanges[0], "request").contains("paid with [redacted]"));
}

#[test]
fn of_a_very_long_answer_the_beginning_and_the_end_are_kept() {
    // 10 MB of events without text between the two that matter.
    let filler = sse(&json!({"choices": [], "padding": "plum ".repeat(200)}));
    let count = 10_000_000 / filler.len();
    let usage = end("stop", 60, 7);
    let long = format!(
        "{STREAM}{}{}{}data: [DONE]\n\n",
        sse(&chunk("{\"total\": 4}")),
        filler.repeat(count),
        usage.iter().map(sse).collect::<String>()
    );
    let server = RawServer::start(vec![vec![say(long.clone())]]);
    let folder = folder("plan.yaml", PLAN, TOOLS);
    let output = run(folder.path(), &server);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let exchange = shown(folder.path(), &[]).remove(0);
    let kept = body(&exchange, "response");
    assert!(kept.len() < 6_000_000, "{}", kept.len());
    assert!(kept.starts_with("data: {") && kept.trim_end().ends_with("data: [DONE]"));
    assert!(kept.contains("\"completion_tokens\":7"));
    assert_eq!(exchange["response"]["bytes"], long.len() - STREAM.len());
    let left_out = exchange["response"]["left_out"].as_u64().unwrap();
    assert!(left_out > 4_000_000 && kept.contains(&format!("[{left_out} bytes are left out]")));
    // It takes little room, and goes with its run.
    let size = |folder: &Path| {
        std::fs::metadata(folder.join("home/plandeck.db"))
            .unwrap()
            .len()
    };
    let with_it = size(folder.path());
    assert!(with_it < 2_000_000, "{with_it}");
    let pruned = command(&folder.path().join("home"))
        .args(["runs", "prune", "--keep", "0"])
        .output()
        .unwrap();
    assert_eq!(code(&pruned), 0, "{}", stderr(&pruned));
    let database = folder.path().join("home/plandeck.db");
    let connection = rusqlite::Connection::open(database).unwrap();
    for rows in [
        "exchanges",
        "run_blobs",
        "blobs WHERE hash NOT IN (SELECT input FROM cache UNION SELECT output FROM cache)",
    ] {
        let count = format!("SELECT count(*) FROM {rows}");
        let count = connection.query_row(&count, [], |row| row.get::<_, i64>(0));
        assert_eq!(count.unwrap(), 0, "{rows}");
    }
}

#[test]
fn a_run_of_an_older_version_says_that_it_has_none() {
    let good = stream(&[vec![chunk("{\"total\": 4}")], end("stop", 60, 7).to_vec()].concat());
    let server = RawServer::start(vec![vec![say(good)]]);
    let folder = folder("plan.yaml", PLAN, TOOLS);
    assert_eq!(code(&run(folder.path(), &server)), 0);
    let database = folder.path().join("home/plandeck.db");
    let older = rusqlite::Connection::open(database).unwrap();
    older
        .execute_batch("DROP TABLE exchanges; PRAGMA user_version = 4;")
        .unwrap();
    let output = show(folder.path(), &[]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(
        output.stdout.is_empty() && stderr(&output).contains("an older version"),
        "{}",
        stderr(&output)
    );
    assert_eq!(shown(folder.path(), &[]), Vec::<Value>::new());
}
