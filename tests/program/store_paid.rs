//! Ten paid model calls, killed on the way: resuming makes exactly the calls that had not ended, and pays for no
//! other.

use crate::common::model_server::ModelServer;
use crate::common::process::wait_until;
use crate::common::program::{HANG, code, folder, json, plan_in, plandeck, stderr, step};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use wiremock::{Request, Respond, ResponseTemplate};

const CALLS: usize = 10;
const USAGE: (i64, i64) = (200, 30);
/// Pico-dollars of one call.
const PRICE: i64 = USAGE.0 * 150_000 + USAGE.1 * 600_000;

/// Answers at once, but keeps those waiting that ask for what it does not answer yet.
#[derive(Clone)]
struct Model {
    /// How often each was asked for.
    asked: Arc<Mutex<BTreeMap<String, usize>>>,
    /// What is not answered before the program is killed.
    slow: &'static [&'static str],
    killed: Arc<AtomicBool>,
}

impl Respond for Model {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body: Value = request.body_json().unwrap();
        let asked = body["messages"].to_string();
        let letter = asked.split("letter ").nth(1).unwrap()[..1].to_owned();
        let slow = self.slow.contains(&&*letter) && !self.killed.load(Ordering::SeqCst);
        let says = json!({"upper": letter.to_uppercase()}).to_string();
        *self.asked.lock().unwrap().entry(letter).or_default() += 1;
        ResponseTemplate::new(200)
            .set_delay(if slow { HANG } else { Duration::ZERO })
            .set_body_json(json!({
                "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": says}}],
                "usage": {"prompt_tokens": USAGE.0, "completion_tokens": USAGE.1},
            }))
    }
}

fn letters() -> impl Iterator<Item = String> {
    ('a'..).take(CALLS).map(String::from)
}

fn start(plan: &Path, home: &Path, url: &str, more: &[&str]) -> std::process::Child {
    let mut command = crate::common::program::command();
    command
        .env("PLANDECK_HOME", home)
        .env("OPENAI_API_KEY", "sk-test")
        .arg("run")
        .arg(plan)
        .args(["--worker", "gpt-4o-mini", "--base-url", url])
        .args(["--headless", "--json"])
        .args(more)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Kills the run once everything in `slow` was requested and nothing else is running, and resumes it.
fn killed(slow: &'static [&'static str], chained: bool, slots: &str, ended: &[&str]) {
    let steps: Vec<Value> = letters()
        .enumerate()
        .map(|(at, letter)| {
            let before = letters().nth(at.wrapping_sub(1)).filter(|_| chained);
            json!({"id": letter, "tool": "upper", "parameters": {"letter": letter},
                "depends_on": before.map_or(json!([]), |before| json!([before]))})
        })
        .collect();
    let tool = json!({"type": "model", "prompt": "Make this a capital: letter {{letter}}", "max_tokens": 40,
        "output_schema": {"type": "object", "properties": {"upper": {"type": "string"}}, "required": ["upper"]}});
    let folder = folder(
        "plan.json",
        &json!({"steps": steps}).to_string(),
        &json!({"tools": {"upper": tool}}).to_string(),
    );
    let plan = plan_in(folder.path());
    let home = tempfile::tempdir().unwrap();
    let model = Model {
        asked: Arc::default(),
        slow,
        killed: Arc::default(),
    };
    let server = ModelServer::answering(model.clone());
    let events = folder.path().join("events.jsonl");
    let more = [
        "--max-total-cost-usd",
        "0.10",
        "--max-concurrent",
        slots,
        "--events",
        events.to_str().unwrap(),
    ];
    let mut child = start(&plan, home.path(), &server.url(), &more);
    let deadline = Instant::now() + HANG;
    loop {
        let said = std::fs::read_to_string(&events).unwrap_or_default();
        let waiting = model.asked.lock().unwrap().len() == ended.len() + slow.len();
        // An end is reported only once it is on record.
        if waiting && said.matches("\"step_succeeded\"").count() == ended.len() {
            break;
        }
        assert!(Instant::now() < deadline, "{said}");
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    model.killed.store(true, Ordering::SeqCst);
    let before = std::mem::take(&mut *model.asked.lock().unwrap());
    assert_eq!(before.len(), ended.len() + slow.len());

    let more = [
        "--max-total-cost-usd",
        "0.10",
        "--max-concurrent",
        slots,
        "--resume",
        "last",
    ];
    let child = start(&plan, home.path(), &server.url(), &more);
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let wanted = letters().filter(|letter| !ended.contains(&&**letter));
    let wanted: BTreeMap<String, usize> = wanted.map(|letter| (letter, 1)).collect();
    assert_eq!(*model.asked.lock().unwrap(), wanted);
    let result = json(&output);
    for letter in letters() {
        let row = step(&result, &letter);
        assert_eq!(row["output"], json!({"upper": letter.to_uppercase()}));
        let (source, cost) = if ended.contains(&&*letter) {
            ("recorded", 0)
        } else {
            ("call", PRICE)
        };
        assert_eq!(row["source"], source, "{letter}");
        assert_eq!(row["cost"], json!(cost as f64 / 1e12), "{letter}");
    }
    let calls = wanted.len() as i64;
    assert_eq!(result["cost"], json!((calls * PRICE) as f64 / 1e12));
}

#[test]
fn killed_at_the_fifth_of_ten_in_a_row() {
    killed(&["e"], true, "5", &["a", "b", "c", "d"]);
}

#[test]
fn killed_with_three_running() {
    // Those without an answer keep all three slots at the end.
    killed(&["b", "d", "e"], false, "3", &["a", "c"]);
}

/// Runs ten letters in a row with a budget for seven, kills the run while the fifth is asked for, and resumes it with the
/// same budget: the calls of both runs fit into it, the lost one included.
#[test]
fn a_resumed_run_has_what_the_first_one_left() {
    let steps: Vec<Value> = letters()
        .enumerate()
        .map(|(at, letter)| {
            let before = letters().nth(at.wrapping_sub(1));
            json!({"id": letter, "tool": "upper", "parameters": {"letter": letter},
                "depends_on": before.map_or(json!([]), |before| json!([before]))})
        })
        .collect();
    let tool = json!({"type": "model", "prompt": "Make this a capital: letter {{letter}}", "max_tokens": 30});
    let folder = folder(
        "plan.json",
        &json!({"steps": steps}).to_string(),
        &json!({"tools": {"upper": tool}}).to_string(),
    );
    let plan = plan_in(folder.path());
    let home = tempfile::tempdir().unwrap();
    let model = Model {
        asked: Arc::default(),
        slow: &["e"],
        killed: Arc::default(),
    };
    let server = ModelServer::answering(model.clone());
    let limit = 7 * PRICE + PRICE / 2;
    let limit = format!("{:.12}", limit as f64 / 1e12);
    let events = folder.path().join("events.jsonl");
    let more = [
        "--max-total-cost-usd",
        &limit,
        "--events",
        events.to_str().unwrap(),
    ];
    let mut child = start(&plan, home.path(), &server.url(), &more);
    wait_until("the fifth letter", || {
        model.asked.lock().unwrap().contains_key("e")
    });
    child.kill().unwrap();
    child.wait().unwrap();
    model.killed.store(true, Ordering::SeqCst);

    // What was asked for and never answered may have been billed.
    for (command, cost) in [(["show", "last"], "/cost"), (["runs", "-n1"], "/0/cost")] {
        let mut shown = plandeck();
        shown.env("PLANDECK_HOME", home.path()).args(command);
        let shown = json(&shown.arg("--json").output().unwrap());
        let cost = shown.pointer(cost).and_then(Value::as_f64).unwrap();
        assert!(cost * 1e12 > (4 * PRICE) as f64, "{command:?}: {cost}");
    }

    let more = ["--max-total-cost-usd", &limit, "--resume", "last"];
    let child = start(&plan, home.path(), &server.url(), &more);
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 3, "{}", stderr(&output));
    assert!(
        stderr(&output).contains("spent so far"),
        "{}",
        stderr(&output)
    );
    let result = json(&output);
    assert_eq!(result["status"], "limit_exceeded");
    assert_eq!(result["exceeded_limits"], json!(["max_total_cost_usd"]));
    let asked: usize = model.asked.lock().unwrap().values().sum();
    assert!((6..=7).contains(&asked), "{asked} requests");
    let message = result["error"]["message"].as_str().unwrap();
    assert!(message.contains("this one resumes spent"), "{message}");

    // The run after that one still knows what both have spent.
    let more = ["--max-total-cost-usd", &limit, "--resume", "last"];
    let child = start(&plan, home.path(), &server.url(), &more);
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 3, "{}", stderr(&output));
    let again: usize = model.asked.lock().unwrap().values().sum();
    assert_eq!(again, asked, "no further request");

    // A larger budget lets it finish.
    let more = ["--max-total-cost-usd", "0.01", "--resume", "last"];
    let child = start(&plan, home.path(), &server.url(), &more);
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
}
