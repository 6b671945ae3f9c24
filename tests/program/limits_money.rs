//! Money from outside: a server that counts what it bills, many calls at once, and a budget for a few of them.

use crate::common::model_server::ModelServer;
use crate::common::program::{code, json, plandeck, stderr};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use wiremock::{Request, Respond, ResponseTemplate};

/// Pico-dollars for a token of gpt-4o-mini: input and output.
const PRICE: (i64, i64) = (150_000, 600_000);
const CALLS: usize = 40;
/// Calls that the budget admits at their true price.
const ADMITTED: i64 = 9;

/// What one request is answered with.
#[derive(Clone, Copy)]
enum Say {
    /// What was asked for.
    Well,
    /// What the schema does not allow.
    Nonsense,
    /// A failure that is billed all the same.
    Failure,
}

/// A server that bills every request the same and keeps the sum.
#[derive(Clone)]
struct Till {
    usage: (i64, i64),
    say: fn(usize) -> Say,
    asked: Arc<AtomicUsize>,
    billed: Arc<AtomicI64>,
}

impl Till {
    fn new(usage: (i64, i64), say: fn(usize) -> Say) -> Self {
        Self {
            usage,
            say,
            asked: Arc::default(),
            billed: Arc::default(),
        }
    }

    /// The true price of one request.
    fn price(&self) -> i64 {
        self.usage.0 * PRICE.0 + self.usage.1 * PRICE.1
    }

    fn asked(&self) -> i64 {
        self.asked.load(Ordering::SeqCst) as i64
    }
}

impl Respond for Till {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body: Value = request.body_json().unwrap();
        let nth = self.asked.fetch_add(1, Ordering::SeqCst);
        self.billed.fetch_add(self.price(), Ordering::SeqCst);
        let usage = json!({
            "prompt_tokens": self.usage.0,
            "completion_tokens": self.usage.1,
            "total_tokens": self.usage.0 + self.usage.1,
        });
        let says = match (self.say)(nth) {
            Say::Well => "{\"category\": \"dairy\"}",
            Say::Nonsense => "{\"category\": 7}",
            Say::Failure => {
                return ResponseTemplate::new(500)
                    .set_body_json(json!({"error": {"message": "overloaded"}, "usage": usage}));
            }
        };
        ResponseTemplate::new(200)
            .set_delay(Duration::from_millis(20))
            .set_body_json(json!({
                "id": format!("chatcmpl-{nth}"),
                "object": "chat.completion",
                "model": body["model"],
                "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": says}}],
                "usage": usage,
            }))
    }
}

/// Forty calls that do not wait for each other.
fn plan(tool: &Value) -> TempDir {
    let steps: Vec<Value> = (0..CALLS)
        .map(|at| {
            json!({"id": format!("item-{at}"), "tool": "categorize", "parameters": {"text": format!("Milk {at}")},
                "retry_policy": {"retries": 4, "backoff_s": 0.01}})
        })
        .collect();
    let plan = json!({"steps": steps}).to_string();
    crate::common::program::folder(
        "plan.json",
        &plan,
        &json!({"tools": {"categorize": tool}}).to_string(),
    )
}

fn tool(max_tokens: Option<u32>) -> Value {
    let mut tool = json!({
        "type": "model",
        "description": "Gives an item of a receipt a category",
        "prompt": "Categorize: {{text}}",
        "parameters": [{"name": "text", "type": "string", "description": "the item", "required": true}],
        "output_schema": {"type": "object", "properties": {"category": {"type": "string"}}, "required": ["category"]},
    });
    if let Some(most) = max_tokens {
        tool["max_tokens"] = most.into();
    }
    tool
}

/// The result of a run.
struct Outcome {
    result: Value,
    /// What was reserved for the first call, in pico-dollars.
    bound: i64,
}

/// Runs the forty calls with a budget for nine, and holds what has to hold whatever the server does.
fn run(till: &Till, tool: &Value, max_concurrent: &str) -> Outcome {
    // Half a call more than nine, so that no rounding decides.
    let limit = till.price() * ADMITTED + till.price() / 2;
    let server = ModelServer::answering(till.clone());
    let folder = plan(tool);
    let events = folder.path().join("events.jsonl");
    let output = plandeck()
        .env("OPENAI_API_KEY", "sk-test")
        .arg("run")
        .arg(crate::common::program::plan_in(folder.path()))
        .args(["--worker", "gpt-4o-mini", "--base-url", &server.url()])
        .args(["--headless", "--json", "--max-concurrent", max_concurrent])
        .args([
            "--max-total-cost-usd",
            &format!("{:.12}", limit as f64 / 1e12),
            "--events",
        ])
        .arg(&events)
        .output()
        .unwrap();
    assert_eq!(code(&output), 3, "{}", stderr(&output));
    let result = json(&output);
    assert_eq!(result["status"], "limit_exceeded");
    assert_eq!(result["exceeded_limits"], json!(["max_total_cost_usd"]));
    assert_eq!(result["error"]["type"], "ResourceLimitError");
    assert!(till.asked() <= ADMITTED, "{} requests", till.asked());
    let billed = till.billed.load(Ordering::SeqCst);
    assert!(billed <= limit);
    assert_eq!(
        result["cost"],
        json!(billed as f64 / 1e12),
        "nothing is forgotten"
    );

    let steps = result["steps"].as_array().unwrap();
    let done = steps.iter().filter(|step| step["status"] == "succeeded");
    for step in done.clone() {
        assert_eq!(step["output"], json!({"category": "dairy"}));
    }
    assert_eq!(result["steps_completed"], done.count());
    let events = std::fs::read_to_string(&events).unwrap();
    let mut events = events
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let started = events
        .find(|event| event["type"] == "attempt_started")
        .unwrap();
    let bound = (started["reserved"].as_f64().unwrap() * 1e12).round() as i64;
    Outcome { result, bound }
}

/// Runs with every request answered well, and holds that the run stopped no earlier than it had to.
fn holds(usage: (i64, i64), max_tokens: Option<u32>, max_concurrent: &str) -> i64 {
    let till = Till::new(usage, |_| Say::Well);
    let outcome = run(&till, &tool(max_tokens), max_concurrent);
    assert_eq!(outcome.result["steps_completed"], json!(till.asked()));
    let limit = till.price() * ADMITTED + till.price() / 2;
    let left = limit - till.asked() * till.price();
    // A bill that passed its bound is expected again.
    let next = outcome.bound.max(till.price());
    assert!(next > left, "{next} would have fitted into {left}");
    till.asked()
}

#[test]
fn nine_calls_that_use_what_they_may_are_made() {
    for max_concurrent in ["40", "5"] {
        assert_eq!(holds((130, 60), Some(60), max_concurrent), ADMITTED);
    }
}

/// The bound of a call is several times its price, so that calls have to wait until others are billed.
#[test]
fn calls_wait_for_running_calls_to_settle() {
    for max_concurrent in ["40", "5"] {
        let made = holds((60, 10), Some(60), max_concurrent);
        assert!(made >= 4, "{made} calls");
    }
}

#[test]
fn a_tool_that_does_not_bound_its_answers_is_bounded() {
    for max_concurrent in ["40", "5"] {
        let made = holds((400, 200), None, max_concurrent);
        assert!(made >= 5, "{made} calls");
    }
}

/// A server may bill more than any estimate; the budget is kept all the same.
#[test]
fn a_server_that_bills_more_than_the_bound() {
    for max_concurrent in ["40", "5"] {
        assert_eq!(holds((600, 150), Some(60), max_concurrent), ADMITTED);
        assert_eq!(holds((2_000, 1_500), None, max_concurrent), ADMITTED);
    }
}

#[test]
fn failures_that_are_billed_count() {
    for max_concurrent in ["40", "5"] {
        let till = Till::new((130, 60), |nth| match nth % 3 {
            1 => Say::Failure,
            _ => Say::Well,
        });
        let outcome = run(&till, &tool(Some(60)), max_concurrent);
        assert_eq!(till.asked(), ADMITTED);
        assert_eq!(outcome.result["steps_completed"], 6);
    }
}

/// The repair of a bad answer is a request of its own, and is paid from the same budget.
#[test]
fn repairs_count() {
    for max_concurrent in ["40", "5"] {
        let till = Till::new((130, 60), |nth| match nth % 3 {
            0 => Say::Nonsense,
            _ => Say::Well,
        });
        let outcome = run(&till, &tool(Some(60)), max_concurrent);
        assert!(till.asked() >= 6, "{} requests", till.asked());
        assert!(outcome.result["steps_completed"].as_i64().unwrap() >= 3);
    }
}

/// What is never good is never repaired past the budget.
#[test]
fn nonsense_ends_with_the_budget() {
    let till = Till::new((130, 60), |_| Say::Nonsense);
    let outcome = run(&till, &tool(Some(60)), "40");
    assert_eq!(outcome.result["steps_completed"], 0);
}
