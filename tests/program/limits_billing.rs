//! A server that bills every request and answers as badly as servers do. Whatever it sends, and however the run ends,
//! the run reports at least what was billed, and the budget holds.

use crate::common::program::{code, folder, json, plan_in, signal, stderr, step};
use fastrand::Rng;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Output, Stdio};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// Pico-dollars for a token of gpt-4o-mini: input and output.
const PRICE: (i64, i64) = (150_000, 600_000);
/// The longest answer of the tool.
const MAX_TOKENS: i64 = 80;

/// What one request is billed.
#[derive(Clone, Copy)]
struct Bill {
    input: i64,
    output: i64,
}

impl Bill {
    const fn price(self) -> i64 {
        self.input * PRICE.0 + self.output * PRICE.1
    }
}

/// The till of a server: the sum of its bills.
#[derive(Clone, Default)]
struct Till {
    billed: Arc<AtomicI64>,
    requests: Arc<AtomicUsize>,
}

impl Till {
    fn billed(&self) -> i64 {
        self.billed.load(Ordering::SeqCst)
    }
}

/// Starts a server that bills each request with what `bill` draws, and lets `answer` write to the connection.
fn server(
    till: &Till,
    seed: u64,
    bill: fn(&mut Rng) -> Bill,
    answer: fn(&mut Rng, Bill, &mut TcpStream),
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let till = till.clone();
    let draws = Arc::new(Mutex::new(Rng::with_seed(seed)));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let (till, draws) = (till.clone(), Arc::clone(&draws));
            thread::spawn(move || {
                if read_request(&mut stream).is_none() {
                    return;
                }
                let mut draws = draws.lock().unwrap().fork();
                let bill = bill(&mut draws);
                till.billed.fetch_add(bill.price(), Ordering::SeqCst);
                till.requests.fetch_add(1, Ordering::SeqCst);
                answer(&mut draws, bill, &mut stream);
            });
        }
    });
    format!("http://{address}/v1")
}

/// Reads a request to its end; `None` where the client leaves before that.
fn read_request(stream: &mut TcpStream) -> Option<()> {
    let mut request = Vec::new();
    let mut bytes = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let length = head.split("content-length: ").nth(1)?;
            let length: usize = length.lines().next()?.trim().parse().ok()?;
            if request.len() >= head.len() + 4 + length {
                return Some(());
            }
        }
        let read = stream.read(&mut bytes).ok().filter(|read| *read > 0)?;
        request.extend_from_slice(&bytes[..read]);
    }
}

fn respond(stream: &mut TcpStream, status: u16, kind: &str, body: &str, missing: usize) {
    let length = body.len() + missing;
    let head = format!(
        "HTTP/1.1 {status} Something\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(body.as_bytes());
}

fn usage(bill: Bill) -> Value {
    json!({"prompt_tokens": bill.input, "completion_tokens": bill.output})
}

fn completion(usage: &Value) -> Value {
    json!({"choices": [{"message": {"role": "assistant", "content": "fine"}, "finish_reason": "stop"}], "usage": usage})
}

/// What any request may be billed: what the tool and its prompt allow.
fn within_bounds(draws: &mut Rng) -> Bill {
    Bill {
        input: draws.i64(1..100),
        output: draws.i64(0..=MAX_TOKENS),
    }
}

/// One of the ways in which a request comes to its end.
fn at_random(draws: &mut Rng, bill: Bill, stream: &mut TcpStream) {
    const JSON: &str = "application/json";
    let odd = [
        json!(null),
        json!("dozens"),
        json!(bill.output.to_string()),
        json!(bill.output as f64 + 0.5),
        json!(-bill.output - 1),
        json!(1e25),
        json!({}),
    ];
    let odd = odd[draws.usize(..odd.len())].clone();
    let whole = completion(&usage(bill));
    match draws.u8(0..18) {
        0..=3 => respond(stream, 200, JSON, &whole.to_string(), 0),
        4 => respond(stream, 200, JSON, &completion(&odd).to_string(), 0),
        5 | 6 => {
            let partly = json!({"prompt_tokens": bill.input, "completion_tokens": odd});
            respond(stream, 200, JSON, &completion(&partly).to_string(), 0);
        }
        7 => {
            let partly = json!({"prompt_tokens": odd, "completion_tokens": bill.output});
            respond(stream, 200, JSON, &completion(&partly).to_string(), 0);
        }
        8 => {
            let status = [400, 403, 422, 429, 500, 503][draws.usize(..6)];
            let body = json!({"error": {"message": "not with this schema"}, "usage": usage(bill)});
            respond(stream, status, JSON, &body.to_string(), 0);
        }
        9 => respond(
            stream,
            [502, 504][draws.usize(..2)],
            "text/html",
            "<p>Sorry",
            0,
        ),
        10 => respond(stream, 200, "text/html", "<p>Welcome", 0),
        11 => {
            let body = whole.to_string().replace(&bill.input.to_string(), "NaN");
            respond(stream, 200, JSON, &body, 0);
        }
        12 => {
            let status = [200, 500][draws.usize(..2)];
            respond(stream, status, JSON, &whole.to_string()[..40], 500);
        }
        13 => {
            let event = format!("data: {whole}\n\ndata: [DONE]\n\n");
            respond(stream, 200, "text/event-stream", &event, 0);
        }
        14 => {
            let event = "data: {\"choices\": [{\"delta\": {\"content\": \"fi\"}}]}\n\n";
            respond(stream, 200, "text/event-stream", event, 0);
        }
        15 => {
            let mut refusal = whole;
            refusal["choices"][0]["message"] = json!({"refusal": "rather not"});
            respond(stream, 200, JSON, &refusal.to_string(), 0);
        }
        // It hangs up.
        16 => {}
        // It says nothing until the client leaves.
        _ => drop(stream.read(&mut [0; 64])),
    }
}

fn start(url: &str, seed: u64, more: &[&str]) -> Run {
    let tool = json!({"type": "model", "prompt": "Answer: {{n}}", "max_tokens": MAX_TOKENS, "timeout_s": 1});
    let mut steps: Vec<Value> = (0..6)
        .map(|at| {
            let before = if at > 2 {
                json!([format!("s{}", at - 3)])
            } else {
                json!([])
            };
            json!({"id": format!("s{at}"), "tool": "t", "parameters": {"n": format!("{seed}-{at}")},
                "depends_on": before, "trigger": "all_done",
                "retry_policy": {"retries": 3, "backoff_s": 0.01}})
        })
        .collect();
    steps.push(
        json!({"id": "typed", "tool": "typed", "parameters": {"n": seed},
        "retry_policy": {"retries": 2, "backoff_s": 0.01}}),
    );
    let mut typed = tool.clone();
    typed["output_schema"] =
        json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]});
    spawn(
        &json!({"steps": steps}),
        &json!({"tools": {"t": tool, "typed": typed}}),
        url,
        more,
    )
}

/// A run, and the folder that it needs.
struct Run {
    child: Child,
    _folder: TempDir,
}

impl Run {
    fn end(self) -> Output {
        self.child.wait_with_output().unwrap()
    }
}

fn spawn(plan: &Value, tools: &Value, url: &str, more: &[&str]) -> Run {
    let folder = folder("plan.json", &plan.to_string(), &tools.to_string());
    let mut command = crate::common::program::command();
    let child = command
        .env("PLANDECK_HOME", folder.path().join("home"))
        .env("OPENAI_API_KEY", "sk-test")
        .arg("run")
        .arg(plan_in(folder.path()))
        .args(["--headless", "--json", "--base-url", url])
        .args(more)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    Run {
        child,
        _folder: folder,
    }
}

/// What has to hold of every result.
fn holds(output: &Output, till: &Till, limit: i64, seed: u64) -> Value {
    let result = json(output);
    let billed = till.billed();
    let reported = (result["cost"].as_f64().unwrap() * 1e12).round() as i64;
    assert!(
        reported >= billed,
        "seed {seed}: {reported} is reported, and {billed} was billed: {result:#}"
    );
    assert!(billed <= limit, "seed {seed}: {billed} of {limit}");
    let exceeded = result["exceeded_limits"] != Value::Null;
    assert_eq!(result["status"] == "limit_exceeded", exceeded);
    assert_eq!(code(output) == 3, exceeded, "{}", stderr(output));
    assert!(
        reported <= limit || code(output) != 0,
        "seed {seed}: {reported} of {limit} is no success"
    );
    result
}

#[test]
fn at_least_what_is_billed_is_reported() {
    let mut ends = std::collections::BTreeSet::new();
    for seed in 0..10 {
        let mut draws = Rng::with_seed(seed);
        let till = Till::default();
        let url = server(&till, seed, within_bounds, at_random);
        let limit = [400_000_000, 1_500_000_000, 1_000_000_000_000][draws.usize(..3)];
        let dollars = format!("{:.12}", limit as f64 / 1e12);
        let mut more = vec![
            "--worker",
            "gpt-4o-mini",
            "--max-total-cost-usd",
            dollars.as_str(),
        ];
        match draws.u8(0..4) {
            0 => more.push("--fail-fast"),
            1 => more.extend(["--timeout-seconds", "2"]),
            _ => {}
        }
        let mut run = start(&url, seed, &more);
        if draws.bool() {
            // Interrupted while some are in flight.
            while till.requests.load(Ordering::SeqCst) < 4 {
                if run.child.try_wait().unwrap().is_some() {
                    break;
                }
                thread::sleep(Duration::from_millis(5));
            }
            if run.child.try_wait().unwrap().is_none() {
                signal("INT", run.child.id());
            }
        }
        let output = run.end();
        let result = holds(&output, &till, limit, seed);
        ends.insert(result["status"].as_str().unwrap().to_owned());
    }
    assert!(ends.len() > 1, "{ends:?}");
}

/// One step, so that nothing is left to be held back once its bill has come.
fn one_step(url: &str, more: &[&str]) -> Output {
    let plan = json!({"steps": [{"id": "only", "tool": "t", "parameters": {}}]});
    let tools =
        json!({"tools": {"t": {"type": "model", "prompt": "Go on.", "max_tokens": MAX_TOKENS}}});
    let more = [&["--worker", "gpt-4o-mini"], more].concat();
    spawn(&plan, &tools, url, &more).end()
}

#[test]
fn a_bill_above_the_limit_is_no_success() {
    let till = Till::default();
    let url = server(
        &till,
        1,
        |_| Bill {
            input: 40_000,
            output: 900,
        },
        |_, bill, stream| {
            let body = completion(&usage(bill)).to_string();
            respond(stream, 200, "application/json", &body, 0);
        },
    );
    let output = one_step(&url, &["--max-total-cost-usd", "0.002"]);
    assert_eq!(code(&output), 3, "{}", stderr(&output));
    let result = json(&output);
    assert_eq!(result["status"], "limit_exceeded");
    assert_eq!(result["exceeded_limits"], json!(["max_total_cost_usd"]));
    assert_eq!(result["error"]["type"], "ResourceLimitError");
    assert_eq!(result["error"]["step"], "only");
    assert_eq!(result["cost"], json!(till.billed() as f64 / 1e12));
    // What was paid for is not thrown away.
    assert_eq!(step(&result, "only")["output"], "fine");
    let output = one_step(&url, &["--max-total-cost-usd", "1"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
}

/// Without a price, what was in flight is as little known as what was answered.
#[test]
fn what_cannot_be_known_is_null() {
    let till = Till::default();
    let url = server(&till, 1, within_bounds, |_, _, stream| {
        drop(stream.read(&mut [0; 64]));
    });
    let more = [
        "--worker",
        "a-model-of-my-own",
        "--max-total-cost-usd",
        "none",
        "--timeout-seconds",
        "1",
    ];
    let plan = json!({"steps": [{"id": "only", "tool": "t", "parameters": {}}]});
    let tools = json!({"tools": {"t": {"type": "model", "prompt": "Go on."}}});
    let output = spawn(&plan, &tools, &url, &more).end();
    assert_eq!(code(&output), 3, "{}", stderr(&output));
    assert_eq!(json(&output)["cost"], Value::Null);
}
