//! What became of calls that were being made when the program was killed: found out before anybody is asked.

use crate::common::ledger::{Hold, Ledger};
use crate::common::program::{code, json, plandeck, program, stderr, step};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

const PLAN: &str = "steps:
  - {id: before, tool: note, parameters: {text: ready}}
  - {id: pay, tool: pay, parameters: {amount: 12, to: '{{before.text}}'}, depends_on: [before]}
  - {id: after, tool: note, parameters: {text: '{{pay.amount}} paid'}, depends_on: [pay]}
";

/// A plan whose step `pay` has an effect on the ledger; `recover` is how to find out about it.
struct Project {
    folder: TempDir,
    ledger: Ledger,
}

impl Project {
    fn new(holds: &[Hold], recover: &str) -> Self {
        let ledger = Ledger::start(holds);
        let folder = tempfile::tempdir().unwrap();
        let url = ledger.url();
        let tools = format!(
            "tools:
  note: {{type: jq, filter: ., parameters: [{{name: text}}]}}
  pay: {{type: http, method: POST, url: '{url}/effects', parameters: [{{name: amount}}, {{name: to}}], recover: {recover}}}
  look_up: {{type: http, method: GET, url: '{url}/effects', parameters: [{{name: key}}]}}
"
        );
        std::fs::write(folder.path().join("plan.yaml"), PLAN).unwrap();
        std::fs::write(folder.path().join("tools.yaml"), tools).unwrap();
        Self { folder, ledger }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Runs it, and kills it as soon as the ledger holds its first request.
    fn run_and_kill(&self, more: &[&str]) {
        self.kill_when_held(more, 1);
    }

    /// Runs it, and kills it as soon as the ledger has held so many requests.
    fn kill_when_held(&self, more: &[&str], held: usize) {
        let mut child = Command::new(program())
            .args(["run", "plan.yaml", "--headless", "--worker", "offline"])
            .args(more)
            .current_dir(self.path())
            .env("PLANDECK_HOME", self.path().join("home"))
            .env("PLANDECK_TRUST", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.ledger.wait_for_held(held);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    fn plandeck(&self, arguments: &[&str]) -> Output {
        plandeck()
            .args(arguments)
            .current_dir(self.path())
            .env("PLANDECK_HOME", self.path().join("home"))
            .env("PLANDECK_TRUST", "1")
            .output()
            .unwrap()
    }

    fn resume(&self, more: &[&str]) -> (i32, Value, Vec<Value>) {
        let mut arguments = vec![
            "run",
            "--resume",
            "last",
            "--headless",
            "--json",
            "--events",
            "events",
        ];
        arguments.extend(more);
        let output = self.plandeck(&arguments);
        let events = std::fs::read_to_string(self.path().join("events")).unwrap_or_default();
        let events = events
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        (code(&output), json(&output), events.collect())
    }
}

fn settled(events: &[Value]) -> &Value {
    let mut all = events
        .iter()
        .filter(|event| event["type"] == "step_settled");
    let one = all
        .next()
        .unwrap_or_else(|| panic!("nothing was settled: {events:?}"));
    assert!(all.next().is_none(), "settled twice");
    one
}

const PROBE: &str = "{probe: look_up, with: {key: '{{attempt}}'}, found: .effect}";

#[test]
fn with_a_key_the_same_call_is_made_again_under_its_name() {
    for (hold, effects_before) in [(Hold::Before, 0), (Hold::After, 1)] {
        let project = Project::new(&[hold], "{key: true}");
        project.run_and_kill(&[]);
        assert_eq!(project.ledger.effects().len(), effects_before);
        let (code, result, events) = project.resume(&[]);
        assert_eq!(code, 0, "{result:#}");
        let requests = project.ledger.requests();
        assert_eq!(requests.len(), 2);
        assert_eq!(requests[0], requests[1], "the same name");
        assert!(requests[0].ends_with("/pay/1"), "{requests:?}");
        assert_eq!(project.ledger.effects().len(), 1, "one effect");
        assert_eq!(step(&result, "pay")["source"], "call");
        assert_eq!(result["result"]["text"], "12 paid");
        let settled = settled(&events);
        assert_eq!(
            (&settled["by"], &settled["step"]),
            (&json!("key"), &json!("pay"))
        );
        assert_eq!(settled["name"], requests[0]);
    }
}

#[test]
fn a_probe_that_finds_the_call_gives_its_output() {
    let project = Project::new(&[Hold::After], PROBE);
    project.run_and_kill(&[]);
    let (code, result, events) = project.resume(&[]);
    assert_eq!(code, 0, "{result:#}");
    let name = &project.ledger.requests()[0];
    assert_eq!(project.ledger.requests().len(), 1, "it is not made again");
    assert_eq!(&project.ledger.questions()[..], std::slice::from_ref(name));
    let pay = step(&result, "pay");
    assert_eq!(
        (&pay["status"], &pay["source"]),
        (&json!("succeeded"), &json!("recorded"))
    );
    assert_eq!(pay["output"], json!({"amount": 12, "to": "ready"}));
    assert_eq!(pay["attempts"], 0);
    assert_eq!(result["result"]["text"], "12 paid");
    let settled = settled(&events);
    assert_eq!(
        (&settled["by"], &settled["happened"]),
        (&json!("probe"), &json!(true))
    );
    assert_eq!(
        (&settled["tool"], &settled["input"]),
        (&json!("look_up"), &json!({"key": name}))
    );
    assert_eq!(
        settled["output"],
        json!({"effect": {"amount": 12, "to": "ready"}})
    );
    let shown = project.plandeck(&["show", "last"]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(
        shown.contains("look_up says that attempt") && shown.contains("happened"),
        "{shown}"
    );
    let explained = json(&project.plandeck(&["explain", "last", "pay", "--json"]));
    assert_eq!(explained["settlement"]["happened"], true);
}

#[test]
fn a_probe_that_does_not_find_the_call_has_it_made() {
    let project = Project::new(&[Hold::Before], PROBE);
    project.run_and_kill(&[]);
    let (code, result, events) = project.resume(&[]);
    assert_eq!(code, 0, "{result:#}");
    assert_eq!(settled(&events)["happened"], false);
    let requests = project.ledger.requests();
    assert_eq!((requests.len(), requests[0] == requests[1]), (2, true));
    assert_eq!(project.ledger.effects().len(), 1);
    let started = events
        .iter()
        .find(|event| event["type"] == "attempt_started" && event["step"] == "pay");
    assert_eq!(started.unwrap()["why"]["anew"]["reason"], "under_way");
}

/// What was counted for a call in case it had been billed is free again once a probe says that it did not happen.
#[test]
fn a_call_that_did_not_happen_is_not_paid_for() {
    let limit = ["--max-total-cost-usd", "0.5"];
    let project = Project::new(&[Hold::Before], PROBE);
    let file = project.path().join("tools.yaml");
    let tools = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, tools.replace("recover:", "cost_usd: 0.3, recover:")).unwrap();
    project.run_and_kill(&limit);
    let (code, result, events) = project.resume(&limit);
    assert_eq!(code, 0, "{result:#}");
    assert_eq!(settled(&events)["released"], json!(0.3));
    assert_eq!(result["cost"], json!(0.3));
    // The run that resumes this one counts what was spent, and no more.
    let (_, _, events) = project.resume(&limit);
    assert_eq!(events[0]["spent_before"], json!(0.3), "{}", events[0]);
}

#[test]
fn a_probe_that_fails_leaves_the_call_unknown() {
    let project = Project::new(&[Hold::After], PROBE);
    project.run_and_kill(&[]);
    project.ledger.fail_questions(100);
    let (code, result, events) = project.resume(&[]);
    assert_eq!(code, 1);
    let pay = step(&result, "pay");
    assert_eq!(pay["status"], "unknown");
    let message = pay["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("look_up was asked and failed") && message.contains("500"),
        "{message}"
    );
    assert!(message.contains("--unknown rerun"), "{message}");
    assert!(settled(&events)["happened"].is_null() && settled(&events)["error"].is_string());
    assert_eq!(
        project.ledger.questions().len(),
        3,
        "a server in trouble is asked again"
    );
    assert_eq!(project.ledger.requests().len(), 1);

    // It is asked about again, by the name that it was sent with, in the next run.
    project.ledger.fail_questions(1);
    let (code, result, _) = project.resume(&[]);
    assert_eq!(
        (code, &step(&result, "pay")["source"]),
        (0, &json!("recorded"))
    );
    let name = &project.ledger.requests()[0];
    assert!(project.ledger.questions().iter().all(|asked| asked == name));
    assert_eq!(project.ledger.effects().len(), 1);
}

#[test]
fn what_is_known_counts_more_than_what_was_asked_for_beforehand() {
    for (how, source) in [("rerun", "recorded"), ("skip", "recorded")] {
        let project = Project::new(&[Hold::After], PROBE);
        project.run_and_kill(&[]);
        let (code, result, _) = project.resume(&["--unknown", how]);
        assert_eq!(
            (code, &step(&result, "pay")["source"]),
            (0, &json!(source)),
            "{how}"
        );
    }
    let project = Project::new(&[Hold::After], PROBE);
    project.run_and_kill(&[]);
    project.ledger.fail_questions(100);
    let (code, result, _) = project.resume(&["--unknown", "skip"]);
    assert_eq!(
        (code, &step(&result, "pay")["status"]),
        (0, &json!("skipped"))
    );
}

#[test]
fn with_another_input_the_call_that_was_made_is_no_answer() {
    let project = Project::new(&[Hold::After], PROBE);
    project.run_and_kill(&[]);
    std::fs::write(project.path().join("plan.yaml"), PLAN.replace("12", "20")).unwrap();
    let (code, result, events) = project.resume(&[]);
    assert_eq!(code, 0, "{result:#}");
    assert_eq!(settled(&events)["happened"], true);
    let bodies = project.ledger.bodies();
    let amounts: Vec<&Value> = bodies.iter().map(|body| &body["amount"]).collect();
    assert_eq!(amounts, [&json!(12), &json!(20)]);
    let requests = project.ledger.requests();
    assert_ne!(requests[0], requests[1], "another call has another name");
    let started = events
        .iter()
        .find(|event| event["type"] == "attempt_started" && event["step"] == "pay");
    assert_eq!(started.unwrap()["why"]["anew"]["reason"], "input");

    // The same key must not stand for another request.
    let keyed = Project::new(&[Hold::After], "{key: true}");
    keyed.run_and_kill(&[]);
    std::fs::write(keyed.path().join("plan.yaml"), PLAN.replace("12", "20")).unwrap();
    let (code, result, _) = keyed.resume(&[]);
    assert_eq!(
        (code, &step(&result, "pay")["status"]),
        (1, &json!("unknown"))
    );
    assert_eq!(keyed.ledger.requests().len(), 1);
}

#[test]
fn elements_and_calls_by_name_are_asked_about_each() {
    // The second element is made again, and is not held then.
    let project = Project::new(&[Hold::After, Hold::Before, Hold::No, Hold::After], PROBE);
    let plan = "steps:
  - {id: each, tool: pay, for_each: [1, 2], parameters: {amount: '{{item}}', to: bank}}
  - {id: named, tool: function_call, parameters: {name: pay, args: {amount: 3, to: shop}}, depends_on: [each]}
";
    std::fs::write(project.path().join("plan.yaml"), plan).unwrap();
    project.run_and_kill(&["--max-concurrent", "1"]);
    for held in [2, 3] {
        project.kill_when_held(&["--resume", "last", "--max-concurrent", "1"], held);
    }
    let (code, result, _) = project.resume(&[]);
    assert_eq!(code, 0, "{result:#}");
    let amounts: Vec<Value> = project.ledger.bodies();
    let amounts: Vec<&Value> = amounts.iter().map(|body| &body["amount"]).collect();
    assert_eq!(amounts, [&json!(1), &json!(2), &json!(3)], "each once");
    assert_eq!(project.ledger.requests().len(), 4);
    assert_eq!(
        step(&result, "each")["output"],
        json!([{"amount": 1, "to": "bank"}, {"amount": 2, "to": "bank"}])
    );
    assert_eq!(step(&result, "named")["source"], "recorded");
}

#[test]
fn a_fork_makes_calls_of_its_own_and_asks_nobody() {
    let project = Project::new(&[Hold::After], "{key: true}");
    project.run_and_kill(&[]);
    let output = project.plandeck(&["fork", "last", "--headless", "--json"]);
    let result = json(&output);
    assert_eq!(
        step(&result, "pay")["status"],
        "unknown",
        "{}",
        stderr(&output)
    );
    assert_eq!(project.ledger.requests().len(), 1);
}

#[test]
fn a_catalog_that_says_it_wrong_is_refused() {
    let faults = [
        ("true", "must be an object"),
        ("{}", "`recover` is {key: true}, or"),
        ("{key: yes please}", "`recover` is {key: true}, or"),
        ("{key: true, found: .}", "`recover` is {key: true}, or"),
        ("{probe: look_up}", "needs `found`"),
        ("{probe: look_up, found: '.['}", "not a valid jq filter"),
        (
            "{probe: look_up, with: 3, found: .}",
            "`recover.with` must be an object",
        ),
        (
            "{probe: nobody, found: .}",
            "\"nobody\", which is not a tool of this catalog",
        ),
        ("{probe: pay, found: .}", "names the tool itself"),
        ("{ask: look_up}", "has no \"ask\""),
    ];
    for (recover, wanted) in faults {
        let project = Project::new(&[], recover);
        let output = project.plandeck(&["run", "plan.yaml", "--headless", "--worker", "offline"]);
        let text = stderr(&output).replace('\n', " ");
        let words: String = text
            .split_whitespace()
            .filter(|word| *word != "│")
            .collect::<Vec<_>>()
            .join(" ");
        assert_eq!(code(&output), 2, "{recover}: {words}");
        assert!(words.contains(wanted), "{recover}: {words}");
        assert!(project.ledger.requests().is_empty());
    }
}
