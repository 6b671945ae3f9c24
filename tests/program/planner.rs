//! `plandeck plan`: plans by a model behind a scripted server, by search, and what becomes of answers that are no plans.

mod repair;

use crate::common::model_server::ModelServer;
use crate::common::program::{TRUST, code, json, plandeck, run_json, stderr};
use crate::common::samples::sample;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Output;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;
use wiremock::{Request, Respond, ResponseTemplate};

const TOOLS: &str = r#"
tools:
  split_words:
    type: jq
    filter: '{words: (.text | split(" "))}'
    description: Splits a text into its words.
    parameters: [{name: text, type: string, required: true}]
    output_schema: {type: object, properties: {words: {type: array, items: {type: string}}}}
  count_words:
    type: jq
    filter: '.words | length'
    description: Counts words.
    parameters: [{name: words, type: array, required: true}]
    output_schema: {type: integer}
"#;

/// One answer after the other; the last one again and again.
struct Script {
    answers: Vec<Step>,
    next: AtomicUsize,
}

#[derive(Clone)]
enum Step {
    Says(String),
    CutOff(String),
    Status(u16, Value),
    Refuses,
}

impl Respond for Script {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        let at = self
            .next
            .fetch_add(1, Ordering::SeqCst)
            .min(self.answers.len() - 1);
        let whole = |message: Value, reason: &str| {
            ResponseTemplate::new(200).set_body_json(
                json!({"id": "c", "object": "chat.completion", "model": "m",
                "choices": [{"index": 0, "finish_reason": reason, "message": message}],
                "usage": {"prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200}}),
            )
        };
        match &self.answers[at] {
            Step::Says(text) => whole(json!({"role": "assistant", "content": text}), "stop"),
            Step::CutOff(text) => whole(json!({"role": "assistant", "content": text}), "length"),
            Step::Refuses => whole(
                json!({"role": "assistant", "content": null, "refusal": "I will not plan that."}),
                "stop",
            ),
            Step::Status(status, body) => ResponseTemplate::new(*status).set_body_json(body),
        }
    }
}

fn server(answers: Vec<Step>) -> ModelServer {
    ModelServer::answering(Script {
        answers,
        next: AtomicUsize::new(0),
    })
}

fn says(plan: &Value) -> Step {
    Step::Says(plan.to_string())
}

fn good() -> Value {
    json!({"name": "count", "steps": [
        {"id": "split", "tool": "split_words", "parameters": {"text": "{{letter}}"}, "depends_on": []},
        {"id": "count", "tool": "count_words", "parameters": {"words": "{{steps[split].output.words}}"}, "depends_on": ["split"]}]})
}

fn workplace() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("catalog.yaml"), TOOLS).unwrap();
    folder
}

fn plan_in(folder: &Path, more: &[&str]) -> Output {
    planning(folder).args(more).output().unwrap()
}

fn planning(folder: &Path) -> assert_cmd::Command {
    planning_of(folder, "Count the words of the letter")
}

fn planning_of(folder: &Path, task: &str) -> assert_cmd::Command {
    let mut command = plandeck();
    command
        .current_dir(folder)
        .env("OPENAI_API_KEY", "sk-planner-7d1e0f")
        .args([
            "plan",
            task,
            "--tools",
            "catalog.yaml",
            "-c",
            "letter=two words",
        ]);
    command
}

fn asked(server: &ModelServer, more: &[&str]) -> Output {
    let folder = workplace();
    let url = server.url();
    let with = [
        &["--planner", "openai/gpt-4o", "--base-url", &url][..],
        more,
    ]
    .concat();
    plan_in(folder.path(), &with)
}

#[test]
fn a_model_writes_a_plan_that_is_checked_and_run() {
    let server = server(vec![says(&good())]);
    let folder = workplace();
    let url = server.url();
    let output = plan_in(
        folder.path(),
        &[
            "--planner",
            "openai/gpt-4o",
            "--base-url",
            &url,
            "-o",
            "p.yaml",
            "--json",
        ],
    );
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let made = json(&output);
    assert_eq!(made["planner"], "openai/gpt-4o");
    assert_eq!(
        (&made["attempts"], &made["corrections"]),
        (&json!(1), &json!([]))
    );
    // 1000 input tokens at $2.50 and 200 output tokens at $10 per million.
    assert_eq!(made["cost"], json!(0.0045));
    assert!(made["latency_ms"].as_f64().unwrap() > 0.0);
    assert_eq!(made["plan"]["steps"][1]["tool"], "count_words");

    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    let body = &requests[0].1;
    let prompt = body["messages"].to_string();
    for part in [
        "split_words",
        "Splits a text",
        "letter: string",
        "Count the words",
    ] {
        assert!(prompt.contains(part), "{part} is not in {prompt}");
    }
    assert!(!prompt.contains("two words"), "a value was sent");
    let schema = &body["response_format"]["json_schema"]["schema"];
    let tools = &schema["properties"]["steps"]["items"]["properties"]["tool"]["enum"];
    assert_eq!(*tools, json!(["split_words", "count_words"]));

    // The file stands by itself: its tools came along.
    for command in [
        &["check", "p.yaml"][..],
        &["run", "p.yaml", "--headless", "-c", "letter=a b c"],
    ] {
        let output = plandeck()
            .current_dir(folder.path())
            .args(command)
            .output()
            .unwrap();
        assert_eq!(code(&output), 0, "{command:?}: {}", stderr(&output));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_planner_knows_what_mcp_servers_list() {
    let plan = json!({"name": "sums", "steps": [{"id": "add", "tool": "sum", "parameters": {"a": 1, "b": 2}, "depends_on": []}]});
    let server = server(vec![says(&plan)]);
    let folder = workplace();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/mcp/server.py");
    let entry =
        json!({"mcpServers": {"scripted": {"command": "python3", "args": [script, "new"]}}});
    std::fs::write(folder.path().join(".mcp.json"), entry.to_string()).unwrap();
    let url = server.url();
    let made = |more: &[&str]| {
        // Of a long list of tools only those are shown that the task may need.
        planning_of(folder.path(), "The sum of two numbers")
            .env_remove(TRUST.0)
            .args(["--planner", "openai/gpt-4o", "--base-url", &url])
            .args(more)
            .output()
            .unwrap()
    };
    let output = made(&["--trust", "-o", "p.yaml"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let prompt = server.requests()[0].1["messages"].to_string();
    assert!(
        prompt.contains("sum") && prompt.contains("The tool sum."),
        "{prompt}"
    );
    let checked = plandeck()
        .current_dir(folder.path())
        .args([
            "run",
            "p.yaml",
            "--headless",
            "--json",
            "--trust",
            "--worker",
            "offline",
        ])
        .output()
        .unwrap();
    assert_eq!(
        json(&checked)["result"],
        json!({"total": 3}),
        "{}",
        stderr(&checked)
    );
    // Without consent no server is started, and that is said.
    let untrusted = made(&[]);
    let said = stderr(&untrusted);
    assert!(
        said.contains("MCP servers are not asked for their tools"),
        "{said}"
    );
    let prompt = server.requests().last().unwrap().1["messages"].to_string();
    assert!(!prompt.contains("The tool sum."), "{prompt}");
}

#[test]
fn run_follows_in_one_command() {
    let server = server(vec![says(&good())]);
    let output = asked(&server, &["--run", "--json", "--worker", "offline"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let both = json(&output);
    assert_eq!(both["attempts"], 1);
    assert_eq!(
        (&both["run"]["status"], &both["run"]["result"]),
        (&json!("succeeded"), &json!(2))
    );
}

#[test]
fn faults_go_back_to_the_model_at_most_twice() {
    let mut invented = good();
    invented["steps"][1]["tool"] = "count_wrods".into();
    let mut circle = good();
    circle["steps"][0]["depends_on"] = json!(["count"]);
    let server_of = |third: Step| server(vec![says(&invented), says(&circle), third]);

    let server = server_of(says(&good()));
    let output = asked(&server, &["--json"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let made = json(&output);
    assert_eq!(made["attempts"], 3);
    let corrections = made["corrections"].as_array().unwrap();
    assert_eq!(corrections.len(), 2);
    assert_eq!(corrections[0]["diagnostics"][0]["code"], "unknown_tool");
    assert_eq!(corrections[1]["diagnostics"][0]["code"], "cycle");
    // All three requests count.
    assert_eq!(made["cost"], json!(0.0135));
    let third = server.requests()[2].1["messages"].to_string();
    assert!(
        third.contains("count_wrods") && third.contains("did you mean"),
        "{third}"
    );

    let server = server_of(says(&invented));
    let output = asked(&server, &["--json"]);
    assert_eq!(code(&output), 2, "{}", stderr(&output));
    let made = json(&output);
    assert_eq!(
        (&made["plan"], &made["attempts"]),
        (&Value::Null, &json!(3))
    );
    assert_eq!(made["error"]["diagnostics"][0]["code"], "unknown_tool");
    assert_eq!(server.requests().len(), 3);
    let said = stderr(&output);
    assert!(
        said.contains("count_wrods") && said.contains("openai/gpt-4o"),
        "{said}"
    );
}

#[test]
fn an_answer_that_is_no_plan_is_a_clear_error() {
    let mut many = good();
    many["steps"] = (0..3_000).map(|id| json!({"id": format!("s{id}"), "tool": "split_words", "parameters": {"text": "x"}})).collect();
    let mut unknown_value = good();
    unknown_value["steps"][0]["parameters"]["text"] = "{{postcard}}".into();
    let mut unknown_field = good();
    unknown_field["steps"][1]["parameters"]["words"] = "{{steps[split].output.letters}}".into();
    let half = good().to_string();
    for (what, answer, expected) in [
        (
            "prose",
            Step::Says("I would first split the letter and then count.".to_owned()),
            "",
        ),
        (
            "half a plan",
            Step::Says(half[..half.len() / 2].to_owned()),
            "",
        ),
        (
            "cut off",
            Step::CutOff(half[..half.len() / 2].to_owned()),
            "cut off",
        ),
        ("nothing", Step::Says(String::new()), ""),
        (
            "no steps",
            says(&json!({"name": "x", "steps": []})),
            "no steps",
        ),
        ("another schema", says(&json!({"answer": 42})), ""),
        ("thousands of steps", says(&many), "3000 steps"),
        (
            "a value that is not given",
            says(&unknown_value),
            "postcard",
        ),
        (
            "a field that no tool gives",
            says(&unknown_field),
            "letters",
        ),
    ] {
        let server = server(vec![answer]);
        let output = asked(&server, &[]);
        let said = stderr(&output);
        assert_eq!(code(&output), 2, "{what}: {said}");
        assert!(output.stdout.is_empty(), "{what}");
        assert!(
            said.contains("openai/gpt-4o wrote no valid plan in 3 requests"),
            "{what}: {said}"
        );
        assert!(said.contains(expected), "{what}: {said}");
        assert_eq!(server.requests().len(), 3, "{what}");
    }
}

#[test]
fn a_very_long_answer_is_not_sent_back() {
    let answer = |megabytes: usize| Step::Says("word ".repeat((megabytes << 20) / 5));
    let server_of = |megabytes| server(vec![answer(megabytes), says(&good())]);
    let server = server_of(3);
    let output = asked(&server, &[]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let second = server.requests()[1].1.to_string();
    assert!(second.len() < 100_000, "{} bytes", second.len());

    let server = server_of(10);
    let output = asked(&server, &["--json"]);
    let said = stderr(&output);
    assert_eq!(code(&output), 2, "{said}");
    assert!(
        said.contains("openai/gpt-4o") && said.contains("MB"),
        "{said}"
    );
    assert_eq!(json(&output)["cost"], json!(0.0045), "it was billed");
}

#[test]
fn refusals_and_failures_of_the_server_are_told() {
    let overloaded = || Step::Status(503, json!({"error": {"message": "overloaded"}}));
    for (what, answers, requests, expected) in [
        ("refused", vec![Step::Refuses], 1, "I will not plan that"),
        (
            "no such model",
            vec![Step::Status(
                404,
                json!({"error": {"message": "no model gpt-4o"}}),
            )],
            1,
            "no model gpt-4o",
        ),
        (
            "a wrong key",
            vec![Step::Status(401, json!({"error": {"message": "bad key"}}))],
            1,
            "is the key right",
        ),
        ("overloaded for good", vec![overloaded()], 3, "overloaded"),
    ] {
        let server = server(answers);
        let output = asked(&server, &[]);
        let said = stderr(&output);
        assert_eq!(code(&output), 2, "{what}: {said}");
        assert!(
            said.contains(expected) && said.contains("openai/gpt-4o"),
            "{what}: {said}"
        );
        assert!(!said.contains("sk-planner-7d1e0f"), "{said}");
        assert_eq!(server.requests().len(), requests, "{what}");
    }
    let server = server(vec![overloaded(), says(&good())]);
    let output = asked(&server, &["--json"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(json(&output)["attempts"], 2);
}

#[test]
fn a_server_that_takes_no_schema_is_asked_without_it_and_that_counts() {
    let refuses = Step::Status(
        400,
        json!({"error": {"message": "response_format json_schema is not supported"}}),
    );
    let server = server(vec![refuses.clone(), refuses, says(&good())]);
    let output = asked(&server, &["--json"]);
    assert!(server.requests().len() <= 3);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(json(&output)["attempts"], 3);
}

#[test]
fn the_planning_budget_holds_before_each_request() {
    let server_of = || server(vec![Step::Says("no plan".to_owned())]);
    let server = server_of();
    let output = asked(&server, &["--max-planning-cost-usd", "0.0001", "--json"]);
    assert_eq!(code(&output), 3, "{}", stderr(&output));
    assert!(server.requests().is_empty());
    let made = json(&output);
    assert_eq!(
        (&made["plan"], &made["cost"], &made["attempts"]),
        (&Value::Null, &json!(0.0), &json!(0))
    );
    assert_eq!(made["exceeded_limits"], json!(["max_planning_cost_usd"]));

    // What the first answer cost leaves too little for the second.
    let server = server_of();
    let output = asked(&server, &["--max-planning-cost-usd", "0.018"]);
    let said = stderr(&output);
    assert_eq!(code(&output), 3, "{said}");
    assert_eq!(server.requests().len(), 1, "{said}");
    assert!(
        said.contains("$0.0045") && said.contains("--max-planning-cost-usd"),
        "{said}"
    );
}

#[test]
fn a_model_without_a_price_is_refused_under_a_budget() {
    let server = server(vec![says(&good())]);
    let folder = workplace();
    let url = server.url();
    let with = ["--planner", "my-own-planner", "--base-url", &url];
    let output = plan_in(folder.path(), &with);
    assert_eq!(code(&output), 2, "{}", stderr(&output));
    assert!(stderr(&output).contains("my-own-planner"));
    assert!(server.requests().is_empty());
    let output = plan_in(
        folder.path(),
        &[&with[..], &["--max-planning-cost-usd", "none", "--json"]].concat(),
    );
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(json(&output)["cost"], Value::Null);
}

#[test]
fn a_missing_key_is_told_with_its_variable() {
    let folder = workplace();
    let output = plandeck()
        .current_dir(folder.path())
        .args([
            "plan",
            "Count",
            "--tools",
            "catalog.yaml",
            "--planner",
            "openai/gpt-4o",
        ])
        .output()
        .unwrap();
    assert_eq!(code(&output), 2);
    assert!(
        stderr(&output).contains("OPENAI_API_KEY"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn without_a_model_a_search_finds_the_plan() {
    let folder = workplace();
    let output = plan_in(folder.path(), &["--planner", "offline", "--run", "--json"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let made = json(&output);
    assert_eq!(
        (&made["planner"], &made["cost"]),
        (&json!("offline"), &json!(0.0))
    );
    assert_eq!(made["run"]["result"], 2);

    let output = plandeck()
        .current_dir(folder.path())
        .args([
            "plan",
            "Count the words",
            "--tools",
            "catalog.yaml",
            "--planner",
            "offline",
            "--json",
        ])
        .output()
        .unwrap();
    assert_eq!(code(&output), 2);
    let made = json(&output);
    assert_eq!(made["plan"], Value::Null);
    assert!(
        made["error"]["message"]
            .as_str()
            .unwrap()
            .contains("`text`"),
        "{made:#}"
    );
}

/// The search finds the plan of the receipt again, and it gives the same result.
#[test]
fn the_receipt_is_planned_without_a_model() {
    let folder = tempfile::tempdir().unwrap();
    let sample = sample("receipt");
    let (status, expected) = run_json(&sample, &[]);
    assert_eq!(status, 0);
    let text = std::fs::read_to_string(&sample).unwrap();
    let context = text.split("context:\n").nth(1).unwrap();
    let context = context.split("\nsteps:").next().unwrap();
    let context: String = context
        .lines()
        .map(|line| line.strip_prefix("  ").unwrap_or(line).to_owned() + "\n")
        .collect();
    std::fs::write(folder.path().join("context.yaml"), context).unwrap();
    let output = plandeck()
        .current_dir(folder.path())
        .args(["plan", "Read the receipt, check its sums and its date, and write a summary of where the money went"])
        .arg("--tools")
        .arg(sample.with_file_name("tools.yaml"))
        .args(["--context-file", "context.yaml", "--planner", "offline", "--worker", "offline", "--run", "--json"])
        .output()
        .unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let made = json(&output);
    assert_eq!(made["run"]["result"], expected["result"]);
    assert_eq!(made["plan"]["steps"].as_array().unwrap().len(), 8);
}

#[test]
fn of_two_hundred_tools_those_that_fit_are_offered() {
    let folder = workplace();
    let mut tools = TOOLS.to_owned();
    for n in 0..200 {
        use std::fmt::Write;
        writeln!(
            tools,
            "  polish_gem_{n}: {{type: jq, filter: ., description: Polishes gem number {n}.}}"
        )
        .unwrap();
    }
    std::fs::write(folder.path().join("catalog.yaml"), tools).unwrap();
    let server = server(vec![says(&good())]);
    let url = server.url();
    let output = plan_in(
        folder.path(),
        &["--planner", "openai/gpt-4o", "--base-url", &url, "--json"],
    );
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(stderr(&output).contains("202 tools"), "{}", stderr(&output));
    let prompt = server.requests()[0].1["messages"].to_string();
    assert!(prompt.contains("split_words") && prompt.contains("count_words"));
    assert!(prompt.matches("polish_gem_").count() < 20);
}

#[test]
fn a_plan_is_changed_after_an_instruction() {
    let mut changed = good();
    changed["steps"][0]["parameters"]["text"] = "Dear {{letter}}".into();
    let server = server(vec![says(&changed)]);
    let folder = workplace();
    std::fs::write(folder.path().join("p.json"), good().to_string()).unwrap();
    let url = server.url();
    let output = plandeck()
        .current_dir(folder.path())
        .env("OPENAI_API_KEY", "sk-x")
        .args([
            "plan",
            "--refine",
            "p.json",
            "Greet first",
            "--tools",
            "catalog.yaml",
            "-o",
            "q.json",
        ])
        .args(["--planner", "openai/gpt-4o", "--base-url", &url])
        .output()
        .unwrap();
    let said = stderr(&output);
    assert_eq!(code(&output), 0, "{said}");
    assert!(said.contains("at most $0."), "{said}");
    assert!(
        said.contains("- ") && said.contains("+ ") && said.contains("Dear {{letter}}"),
        "{said}"
    );
    let prompt = server.requests()[0].1["messages"].to_string();
    assert!(prompt.contains("Greet first") && prompt.contains("split_words"));
    let written: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("q.json")).unwrap()).unwrap();
    assert_eq!(written["steps"][0]["parameters"]["text"], "Dear {{letter}}");
}

#[test]
fn rewrites_are_told_with_their_gain() {
    let folder = workplace();
    let plan = json!({"steps": [
        {"id": "a", "tool": "split_words", "parameters": {"text": "x y"}},
        {"id": "b", "tool": "split_words", "parameters": {"text": "x y"}},
        {"id": "c", "tool": "count_words", "parameters": {"words": "{{steps[b].output.words}}"}, "depends_on": ["a"]},
        {"id": "d", "tool": "count_words", "parameters": {"words": ["{{c}}", "{{a}}"]}}]});
    std::fs::write(folder.path().join("p.json"), plan.to_string()).unwrap();
    let output = plandeck()
        .current_dir(folder.path())
        .args([
            "plan",
            "--optimize",
            "p.json",
            "--tools",
            "catalog.yaml",
            "--json",
            "-o",
            "q.yaml",
        ])
        .output()
        .unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let done = json(&output);
    assert_eq!(done["rewrites"][0]["kind"], "merge_calls");
    assert_eq!(done["plan"]["steps"].as_array().unwrap().len(), 3);
    let result = |file: &str| {
        let run = plandeck()
            .current_dir(folder.path())
            .args([
                "run",
                file,
                "--tools",
                "catalog.yaml",
                "--headless",
                "--json",
            ])
            .output()
            .unwrap();
        json(&run)["result"].clone()
    };
    assert_eq!(result("p.json"), result("q.yaml"));
}

#[test]
fn savings_are_computed_from_recorded_tokens_and_prices() {
    let plan = json!({"name": "shout", "steps": [
        {"id": "a", "tool": "shout", "parameters": {"text": "{{letter}}"}, "depends_on": []}]});
    let server = server(vec![
        says(&plan),
        Step::Says("{\"loud\": \"TWO WORDS\"}".to_owned()),
    ]);
    let folder = workplace();
    let home = folder.path().join("home");
    let tools = "tools: {shout: {type: model, description: Counts loudly., parameters: [{name: text, type: string, required: true}], \
                 output_schema: {type: object, properties: {loud: {type: string}}, required: [loud]}}}";
    std::fs::write(folder.path().join("catalog.yaml"), tools).unwrap();
    let url = server.url();
    let run = plandeck()
        .current_dir(folder.path())
        .env("OPENAI_API_KEY", "sk-x")
        .env("PLANDECK_HOME", &home)
        .args([
            "plan",
            "Shout it",
            "--tools",
            "catalog.yaml",
            "-c",
            "letter=two words",
            "--run",
            "--json",
        ])
        .args([
            "--planner",
            "openai/gpt-4o",
            "--worker",
            "openai/gpt-4o-mini",
            "--base-url",
            &url,
        ])
        .output()
        .unwrap();
    assert_eq!(code(&run), 0, "{}", stderr(&run));
    let show = |more: &[&str]| {
        let output = plandeck()
            .env("PLANDECK_HOME", &home)
            .args(["show", "last", "--savings"])
            .args(more)
            .output()
            .unwrap();
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        output
    };
    let saved = json(&show(&["--json", "--executions", "40"]));
    assert_eq!(saved["large_model"], "openai/gpt-4o");
    assert_eq!(
        saved["planning"],
        json!({"cost": 0.0045, "source": "recorded"})
    );
    // 1000 and 200 tokens: gpt-4o-mini at $0.15 and $0.60 per million, gpt-4o at $2.50 and $10.
    assert_eq!(
        (&saved["execution"]["cost"], &saved["all_large"]["cost"]),
        (&json!(0.00027), &json!(0.0045))
    );
    let forty = &saved["executions"].as_array().unwrap()[2];
    assert_eq!(
        (&forty["executions"], &forty["planned"], &forty["all_large"]),
        (&json!(40), &json!(0.0153), &json!(0.18))
    );
    assert_eq!(saved["break_even"], 2);
    let text = String::from_utf8(show(&[]).stdout).unwrap();
    assert!(
        text.contains("assumptions") && text.contains("the prices of openai/gpt-4o are those of"),
        "{text}"
    );
    // The plan itself keeps what it cost.
    let other = json(&show(&[
        "--json",
        "--planner",
        "anthropic/claude-sonnet-4-5",
    ]));
    assert_eq!(other["planning"]["cost"], 0.0045);
    assert_ne!(other["all_large"]["cost"], 0.0045);
}

#[test]
fn a_plan_is_changed_after_what_failed_in_a_run() {
    // Counting fails while the letter is split at a character that jq cannot split at.
    let mut wrong = good();
    wrong["steps"][1]["parameters"]["words"] = "{{steps[split].output.words[0]}}".into();
    let server = server(vec![says(&good())]);
    let folder = workplace();
    let home = folder.path().join("home");
    let tools = TOOLS.replace(
        "'.words | length'",
        "'if (.words | type) == \"array\" then (.words | length) else error(\"cannot count \\(.words)\") end'",
    );
    let tools = tools.replace("{name: words, type: array,", "{name: words,");
    std::fs::write(folder.path().join("catalog.yaml"), tools).unwrap();
    std::fs::write(folder.path().join("p.json"), wrong.to_string()).unwrap();
    let url = server.url();
    let plandeck_with = |arguments: &[&str]| {
        plandeck()
            .current_dir(folder.path())
            .env("OPENAI_API_KEY", "sk-x")
            .env("PLANDECK_HOME", &home)
            .args(arguments)
            .args(["--tools", "catalog.yaml"])
            .output()
            .unwrap()
    };
    let run = |plan: &str| {
        plandeck_with(&[
            "run",
            plan,
            "--headless",
            "--json",
            "--worker",
            "offline",
            "-c",
            "letter=Dear Ada",
        ])
    };
    let failed = run("p.json");
    assert_eq!(code(&failed), 1, "{}", stderr(&failed));
    let refine = |more: &[&str]| {
        let fixed = [
            "plan",
            "--refine",
            "p.json",
            "--failure",
            "last",
            "-o",
            "q.json",
            "--planner",
            "openai/gpt-4o",
            "--base-url",
            &url,
        ];
        plandeck_with(&[&fixed[..], more].concat())
    };
    let output = refine(&["Count every word"]);
    let said = stderr(&output);
    assert_eq!(code(&output), 0, "{said}");
    assert!(said.contains("- ") && said.contains("words[0]"), "{said}");
    let prompt = server.requests()[0].1["messages"].to_string();
    for part in [
        "Count every word",
        "step count (count_words)",
        "cannot count Dear",
        "words[0]",
    ] {
        assert!(prompt.contains(part), "{part} is not in {prompt}");
    }
    // The changed plan does not fail; then there is nothing to change.
    let succeeded = run("q.json");
    assert_eq!(code(&succeeded), 0, "{}", stderr(&succeeded));
    assert_eq!(json(&succeeded)["result"], 2);
    let output = refine(&[]);
    let said = stderr(&output);
    assert_eq!(code(&output), 2, "{said}");
    assert!(said.contains("no step of this run failed"), "{said}");
    assert_eq!(server.requests().len(), 1);
}
