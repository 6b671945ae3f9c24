//! `plandeck run` without a screen: exit statuses, the result, the events, and what goes to which stream.

use crate::common::program::{code, folder, json, plan_in, plandeck, run_json, stderr, step};
use crate::common::samples::sample;
use serde_json::{Value, json};

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    keys
}

#[test]
fn the_result_has_its_fields_and_no_others() {
    let (code, result) = run_json(&sample("receipt"), &[]);
    assert_eq!(code, 0);
    let mut fields = [
        "run_id",
        "plan",
        "status",
        "result",
        "steps",
        "cost",
        "latency_ms",
        "steps_completed",
        "parallel_efficiency",
        "speedup",
        "slot_utilisation",
        "critical_path",
        "exceeded_limits",
        "error",
        "worker",
        "simulated",
    ];
    fields.sort_unstable();
    assert_eq!(keys(&result), fields);
    let mut of_a_step = [
        "id",
        "tool",
        "status",
        "source",
        "output",
        "error",
        "reason",
        "cost",
        "latency_ms",
        "started_ms",
        "ended_ms",
        "attempts",
        "model",
        "tokens",
    ];
    of_a_step.sort_unstable();
    let steps = result["steps"].as_array().unwrap();
    for row in steps {
        assert_eq!(keys(row), of_a_step);
        assert_eq!(row["source"], "call");
        assert_eq!(row["attempts"], 1);
        assert!(row["started_ms"].as_f64().unwrap() <= row["ended_ms"].as_f64().unwrap());
    }
    let ids: Vec<&str> = steps
        .iter()
        .map(|row| row["id"].as_str().unwrap())
        .collect();
    assert_eq!(
        ids,
        [
            "header",
            "items",
            "totals",
            "categorize",
            "validate",
            "date_check",
            "statistics",
            "summary"
        ],
        "steps stand in the plan's order"
    );
    assert_eq!(result["plan"], "receipt");
    assert_eq!(result["status"], "succeeded");
    assert_eq!(result["steps_completed"], 8);
    for nothing in ["exceeded_limits", "error"] {
        assert!(result[nothing].is_null(), "{nothing}: {}", result[nothing]);
    }
    assert!(!result["run_id"].as_str().unwrap().is_empty());
    let span = result["critical_path"].as_array().unwrap();
    assert_eq!(span.last().unwrap(), "summary");
}

#[test]
fn an_error_has_its_fields() {
    let (code, result) = run_json(&sample("mend"), &[]);
    assert_eq!(code, 1);
    assert_eq!(result["status"], "failed");
    for error in [&result["error"], &step(&result, "rates")["error"]] {
        let mut fields = [
            "type",
            "step",
            "tool_name",
            "message",
            "retryable",
            "attempts",
        ];
        fields.sort_unstable();
        assert_eq!(keys(error), fields);
        assert_eq!(error["type"], "ToolExecutionError");
        assert_eq!(error["step"], "rates");
        assert_eq!(error["tool_name"], "read_rates");
        assert_eq!(error["attempts"], 1);
    }
    // What went well is not lost by what did not.
    assert_eq!(step(&result, "reminders")["status"], "succeeded");
}

#[test]
fn without_cost_tracking_costs_are_null() {
    let (code, result) = run_json(&sample("peaks"), &["--no-track-cost"]);
    assert_eq!(code, 0);
    assert!(result["cost"].is_null());
    for row in result["steps"].as_array().unwrap() {
        assert!(row["cost"].is_null());
    }
}

#[test]
fn a_limit_on_calls_stops_the_run() {
    let (code, result) = run_json(&sample("receipt"), &["--max-tool-calls", "4"]);
    assert_eq!(code, 3, "{result:#}");
    assert_eq!(result["status"], "limit_exceeded");
    assert_eq!(result["exceeded_limits"], json!(["max_tool_calls"]));
    assert_eq!(result["steps_completed"], 4);
    assert_eq!(result["error"]["type"], "ResourceLimitError");
    let skipped = result["steps"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["reason"] == "limit")
        .count();
    assert_eq!(skipped, 4);
}

#[test]
fn a_limit_on_time_stops_the_run() {
    let (code, result) = run_json(&sample("straggler"), &["--timeout-seconds", "0.4"]);
    assert_eq!(code, 3, "{result:#}");
    assert_eq!(result["exceeded_limits"], json!(["timeout_seconds"]));
    assert_eq!(step(&result, "short_first")["status"], "succeeded");
    assert_eq!(step(&result, "long_first")["status"], "cancelled");
}

#[test]
fn a_limit_on_money_is_never_passed() {
    let steps: Vec<Value> = (0..10)
        .map(|id| json!({"id": id, "tool": "buy", "parameters": {}}))
        .collect();
    let folder = folder(
        "plan.json",
        &json!({"name": "shopping", "steps": steps}).to_string(),
        "tools: {buy: {type: jq, description: One piece, filter: '\"bought\"', cost_usd: 0.3}}",
    );
    let (code, result) = run_json(
        &plan_in(folder.path()),
        &["--max-total-cost-usd", "1", "--max-concurrent", "10"],
    );
    assert_eq!(code, 3, "{result:#}");
    assert_eq!(result["exceeded_limits"], json!(["max_total_cost_usd"]));
    assert_eq!(result["steps_completed"], 3);
    assert_eq!(result["cost"], 0.9);
}

#[test]
fn events_are_numbered_lines() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events.jsonl");
    let output = plandeck()
        .args([
            "run",
            "--worker",
            "offline",
            "--headless",
            "--json",
            "--events",
        ])
        .arg(&file)
        .arg(sample("receipt"))
        .output()
        .unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let result = json(&output);
    let text = std::fs::read_to_string(&file).unwrap();
    let events: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let mut before = 0.0;
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["seq"], number);
        let at = event["at_ms"].as_f64().unwrap();
        assert!(
            at >= before,
            "event {number} stands before the one above it"
        );
        before = at;
        assert!(event["type"].is_string());
    }
    assert_eq!(events[0]["type"], "run_started");
    assert_eq!(events.last().unwrap()["type"], "run_ended");
    // The result is what the events say.
    for row in result["steps"].as_array().unwrap() {
        let of = |kind: &str| {
            events
                .iter()
                .filter(|event| event["type"] == kind && event["step"] == row["id"])
                .collect::<Vec<_>>()
        };
        assert_eq!(of("attempt_started").len(), 1);
        assert_eq!(of("attempt_ended")[0]["service_ms"], row["latency_ms"]);
        assert_eq!(of("step_succeeded")[0]["output"], row["output"]);
    }
}

#[test]
fn events_on_standard_output_stand_there_alone() {
    let output = plandeck()
        .args(["run", "--worker", "offline", "--headless", "--events", "-"])
        .arg(sample("peaks"))
        .output()
        .unwrap();
    assert_eq!(code(&output), 0);
    let text = String::from_utf8(output.stdout).unwrap();
    for (number, line) in text.lines().enumerate() {
        let event: Value = serde_json::from_str(line).unwrap();
        assert_eq!(event["seq"], number);
    }
    assert!(text.lines().count() > 10);
}

#[test]
fn progress_goes_to_standard_error() {
    let output = plandeck()
        .args(["run", "--worker", "offline", "--json"])
        .arg(sample("mend"))
        .output()
        .unwrap();
    assert_eq!(code(&output), 1);
    assert_eq!(json(&output)["plan"], "mend");
    let progress = stderr(&output);
    assert!(progress.contains("rates"), "{progress}");
    assert!(progress.contains("rates.csv, line 4"), "{progress}");
    assert!(!progress.contains('\u{1b}'), "{progress:?}");
}

#[test]
fn context_is_taken_from_the_command_line() {
    let tools = "tools: {greet: {type: jq, description: Greets, filter: '\"Hello \\(.name), \\(.times)\"'}}";
    let plan = r#"{"steps": [{"id": 1, "tool": "greet", "parameters": {"name": "{{name}}", "times": "{{times}}"}}]}"#;
    let folder = folder("plan.json", plan, tools);
    let plan = plan_in(folder.path());
    let (status, result) = run_json(&plan, &["-c", "name=Ada", "-c", "times=3"]);
    assert_eq!((status, &result["result"]), (0, &json!("Hello Ada, 3")));
    let name = folder.path().join("name.txt");
    std::fs::write(&name, "Grace").unwrap();
    let from_file = format!("name=@{}", name.display());
    let (status, result) = run_json(&plan, &["-c", &from_file, "-c", "times=1"]);
    assert_eq!((status, &result["result"]), (0, &json!("Hello Grace, 1")));
    let values = folder.path().join("values.json");
    std::fs::write(&values, r#"{"name": "Alan", "times": 2}"#).unwrap();
    let (status, result) = run_json(&plan, &["--context-file", values.to_str().unwrap()]);
    assert_eq!((status, &result["result"]), (0, &json!("Hello Alan, 2")));
    // Not given at all: nothing runs.
    let output = plandeck()
        .arg("run")
        .arg(&plan)
        .args(["--headless", "--worker", "offline"])
        .output()
        .unwrap();
    assert_eq!(code(&output), 2);
    assert!(
        stderr(&output).contains("name") && stderr(&output).contains("times"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_tool_without_rules_says_what_would_help() {
    let folder = folder(
        "plan.json",
        r#"{"steps": [{"id": "ask", "tool": "oracle", "parameters": {"question": "?"}}]}"#,
        "tools: {oracle: {type: model, description: Knows, parameters: [{name: question, type: string, description: What}]}}",
    );
    let (status, result) = run_json(&plan_in(folder.path()), &[]);
    assert_eq!(status, 1);
    let message = step(&result, "ask")["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("offline") && message.contains("--worker"),
        "{message}"
    );
}

#[test]
fn failing_fast_stops_the_rest() {
    let (code, result) = run_json(&sample("mend"), &["--fail-fast"]);
    assert_eq!(code, 1);
    assert_eq!(step(&result, "rates")["status"], "failed");
    // Counting a shelf takes much longer than finding the fault, and adding up comes after it.
    assert_eq!(step(&result, "shelf_a")["status"], "cancelled");
    assert_ne!(step(&result, "stock")["status"], "succeeded");
}

#[test]
fn a_simulated_run_says_so() {
    let output = plandeck()
        .args(["run", "--worker", "simulated", "--headless", "--json"])
        .arg(sample("peaks"))
        .output()
        .unwrap();
    let result = json(&output);
    assert_eq!(result["simulated"], true);
    assert!(
        stderr(&output).to_lowercase().contains("simulated"),
        "{}",
        stderr(&output)
    );
}

/// A secret from the environment stays out of everything that can be read, even where the tool gives it away.
#[test]
fn secrets_are_not_printed() {
    const SECRET: &str = "tok-8d1f0c6e5b";
    let tools = r#"
tools:
  leak:
    type: process
    description: Gives its token away in every manner it has.
    command: [sh, -c, 'echo "token $TOKEN" >&2; echo "{\"token\": \"$TOKEN\"}"']
    env: {TOKEN: "${TEST_TOKEN}"}
  fail:
    type: process
    description: Fails with its token in the message.
    command: [sh, -c, 'echo "refused: $TOKEN" >&2; exit 3']
    env: {TOKEN: "${TEST_TOKEN}"}
  call:
    type: http
    description: Nobody listens there.
    method: GET
    url: "http://127.0.0.1:9/${TEST_TOKEN}"
    headers: {authorization: "Bearer ${TEST_TOKEN}"}
"#;
    let plan = r#"{"steps": [{"id": "a", "tool": "leak", "parameters": {}}, {"id": "b", "tool": "fail", "parameters": {}},
        {"id": "c", "tool": "call", "parameters": {}}]}"#;
    let folder = folder("plan.json", plan, tools);
    let events = folder.path().join("events.jsonl");
    let output = plandeck()
        .env("TEST_TOKEN", SECRET)
        .args([
            "run",
            "--worker",
            "offline",
            "--headless",
            "--json",
            "--events",
        ])
        .arg(&events)
        .arg(plan_in(folder.path()))
        .output()
        .unwrap();
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    let result = json(&output);
    assert_eq!(step(&result, "a")["status"], "succeeded");
    assert_eq!(step(&result, "b")["status"], "failed");
    for (name, text) in [
        (
            "standard output",
            String::from_utf8_lossy(&output.stdout).into_owned(),
        ),
        ("standard error", stderr(&output)),
        ("events", std::fs::read_to_string(&events).unwrap()),
    ] {
        assert!(
            !text.contains(SECRET),
            "the secret stands in {name}:\n{text}"
        );
    }
}

#[test]
fn check_describes_a_plan_and_runs_nothing() {
    let output = plandeck()
        .arg("check")
        .arg(sample("mend"))
        .output()
        .unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("12 steps"), "the number of steps:\n{text}");
    assert!(
        text.contains("orders → convert → invoices → evening_report"),
        "the critical path:\n{text}"
    );
}

#[test]
fn check_lists_the_context_that_is_needed() {
    let folder = folder(
        "plan.json",
        r#"{"steps": [{"id": 1, "tool": "greet", "parameters": {"name": "{{visitor}}"}}]}"#,
        "tools: {greet: {type: jq, description: Greets, filter: .name}}",
    );
    let output = plandeck()
        .arg("check")
        .arg(plan_in(folder.path()))
        .output()
        .unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &stderr(&output);
    assert!(text.contains("visitor"), "{text}");
}

/// A log is off unless it is asked for, and holds no secret.
#[test]
fn a_log_says_what_a_run_does_and_no_secret() {
    let folder = folder(
        "plan.json",
        r#"{"steps": [{"id": "say", "tool": "say", "parameters": {}}, {"id": "bad", "tool": "bad", "parameters": {}}]}"#,
        "tools:\n  say: {type: process, command: [sh, -c, 'echo $KEY'], env: {KEY: '${LOG_TEST_KEY}'}}\n  bad: {type: process, command: [sh, -c, 'echo $KEY $OPENAI_API_KEY >&2; exit 1'], env: {KEY: '${LOG_TEST_KEY}', OPENAI_API_KEY: '${OPENAI_API_KEY}'}}\n",
    );
    let home = folder.path().join("home");
    let log = home.join("log").join("plandeck.log");
    let run = |more: &[&str]| {
        let mut command = plandeck();
        command
            .env("PLANDECK_HOME", &home)
            .env("LOG_TEST_KEY", "sesame-open")
            .env("OPENAI_API_KEY", "sk-never-seen")
            .args(["run", "--worker", "offline", "--json"])
            .arg(plan_in(folder.path()))
            .args(more);
        code(&command.output().unwrap())
    };
    assert_eq!(run(&[]), 1);
    assert!(!log.exists());
    assert_eq!(run(&["--log", "debug"]), 1);
    let text = std::fs::read_to_string(&log).unwrap();
    for says in [
        "run started",
        "attempt started",
        "attempt ended",
        "step failed",
        "run ended",
        "[redacted]",
    ] {
        assert!(text.contains(says), "{says}: {text}");
    }
    for secret in ["sesame", "never-seen"] {
        assert!(!text.contains(secret), "{text}");
    }
    assert_eq!(run(&["--log", "loud"]), 2);
}

#[test]
fn the_manual_has_a_page_for_each_command() {
    let one = plandeck().arg("man").output().unwrap();
    let text = String::from_utf8(one.stdout).unwrap();
    assert!(
        text.contains(".TH plandeck 1") && text.contains("max\\-total\\-cost\\-usd"),
        "{text}"
    );
    let folder = tempfile::tempdir().unwrap();
    let all = plandeck()
        .args(["man", "--out"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(all.status.success());
    for command in [
        "plandeck",
        "plandeck-run",
        "plandeck-cache-list",
        "plandeck-man",
    ] {
        let page = std::fs::read_to_string(folder.path().join(format!("{command}.1"))).unwrap();
        assert!(page.contains(".SH DESCRIPTION"), "{command}: {page}");
    }
}

#[test]
fn slow_motion_holds_steps_and_changes_no_figure() {
    let step = |id: u32, before: &[u32]| json!({"id": id, "tool": "add", "parameters": {"n": id}, "depends_on": before});
    let steps = [step(1, &[]), step(2, &[1]), step(3, &[2])];
    let folder = folder(
        "plan.json",
        &json!({ "steps": steps }).to_string(),
        "tools:\n  add: {type: jq, description: Adds, filter: '.n + 1'}\n",
    );
    let plan = folder.path().join("plan.json");
    let (code, result) = run_json(&plan, &["--pace", "0.4"]);
    assert_eq!(code, 0);
    let last = &result["steps"][2];
    let (ended, wall) = (last["ended_ms"].as_f64(), result["latency_ms"].as_f64());
    assert!(ended.unwrap() >= 1_200.0, "{result}");
    // What the steps themselves took, however slow the machine, is a part of the time in which they were shown.
    assert!(wall.unwrap() < ended.unwrap(), "{result}");
    assert!(last["latency_ms"].as_f64().unwrap() < 400.0, "{result}");
    let refused = plandeck()
        .args(["run", "plan.json", "--pace", "slow"])
        .output();
    let refused = refused.unwrap();
    assert_eq!(crate::common::program::code(&refused), 2);
    assert!(
        stderr(&refused).contains("seconds from 0 to 3600"),
        "{refused:?}"
    );
}
