//! Which difference makes a run go wrong: `plandeck bisect`.

use crate::common::model_server::ModelServer;
use crate::common::program::{code, json, plandeck, stderr};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::process::Output;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;
use wiremock::{Request, Respond, ResponseTemplate};

struct Desk {
    folder: TempDir,
    server: Option<ModelServer>,
    model: &'static str,
}

impl Desk {
    fn new(server: Option<ModelServer>) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            server,
            model: "openai/gpt-4o-mini",
        }
    }

    fn write(&self, name: &str, value: &Value) {
        std::fs::write(self.folder.path().join(name), value.to_string()).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = plandeck();
        command
            .current_dir(self.folder.path())
            .env("PLANDECK_HOME", self.folder.path().join("home"));
        match &self.server {
            Some(server) => command
                .env("PLANDECK_WORKER", self.model)
                .env("OPENAI_API_KEY", "k")
                .env("OPENAI_BASE_URL", server.url()),
            None => command.env("PLANDECK_WORKER", "offline"),
        };
        command.args(arguments).output().unwrap()
    }

    /// Runs the plan, and returns the id of the run.
    fn ran(&self, more: &[&str]) -> String {
        let all: Vec<&str> = ["run", "plan.json", "--json", "--fresh"]
            .into_iter()
            .chain(more.iter().copied())
            .collect();
        let ran = self.run(&all);
        json(&ran)["run_id"]
            .as_str()
            .unwrap_or_else(|| panic!("{}", stderr(&ran)))
            .to_owned()
    }

    fn found(&self, arguments: &[&str]) -> (i32, Value) {
        let all: Vec<&str> = ["bisect"]
            .into_iter()
            .chain(arguments.iter().copied())
            .chain(["--json", "--yes"])
            .collect();
        let found = self.run(&all);
        assert!(!found.stdout.is_empty(), "{}", stderr(&found));
        (code(&found), json(&found))
    }

    fn asked(&self) -> usize {
        self.server
            .as_ref()
            .map_or(0, |server| server.requests().len())
    }
}

fn names(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap().iter();
    list.map(|one| one["name"].as_str().unwrap()).collect()
}

fn answer(content: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({
        "id": "c", "object": "chat.completion", "model": "gpt-4o-mini",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content.to_string()}}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
    }))
}

/// Finds a complaint where it is asked for the mood, and a question otherwise.
struct Clerk;

impl Respond for Clerk {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body: Value = request.body_json().unwrap();
        let is_mood = body["messages"].to_string().contains("mood");
        answer(&json!({"label": if is_mood { "complaint" } else { "question" }}))
    }
}

/// `read` → `label` (a model) → `word`, and `send`, which may change something and depends on `read`.
fn letters(prompt: &str, unit: &str, lines: u32) -> Value {
    json!({
        "name": "letters",
        "tools": {
            "read": {"type": "jq", "filter": "{text: .text, lines: .lines}"},
            "label": {"type": "model", "prompt": prompt, "output_schema": {"type": "object"}},
            "word": {"type": "jq", "filter": ".label.label"},
            "send": {"type": "process", "command": ["sh", "-c", "cat >> sent; echo 1"]},
        },
        "steps": [
            {"id": "read", "tool": "read", "parameters": {"text": "{{letter}}", "lines": lines}},
            {"id": "label", "tool": "label", "parameters": {"letter": "{{read.text}}"}},
            {"id": "word", "tool": "word", "parameters": {"label": "{{label}}", "unit": unit}},
            {"id": "send", "tool": "send", "parameters": {"of": "{{read.lines}}"}},
        ],
    })
}

#[test]
fn the_prompt_that_turned_the_result_is_found_and_only_what_changed_is_called() {
    let desk = Desk::new(Some(ModelServer::answering(Clerk)));
    desk.write("plan.json", &letters("What is {{letter}}?", "a", 1));
    let good = desk.ran(&["-c", "letter=Hello"]);
    desk.write(
        "plan.json",
        &letters("Which mood is {{letter}} in?", "b", 1),
    );
    let bad = desk.ran(&["-c", "letter=Hello"]);
    assert_eq!(desk.asked(), 2);

    let price = desk.run(&[
        "bisect",
        &good,
        &bad,
        "--step",
        "word",
        "--dry-run",
        "--json",
    ]);
    let price = json(&price);
    assert_eq!(
        names(&price["differences"]),
        ["parameter unit of step word", "the prompt of tool label"]
    );
    assert!(price["cost_usd"]["max"].as_f64().unwrap() > 0.0, "{price}");
    let refused = desk.run(&["bisect", &good, &bad, "--step", "word"]);
    assert_eq!(code(&refused), 2);
    assert!(stderr(&refused).contains("--yes"), "{}", stderr(&refused));

    let (status, found) = desk.found(&[&good, &bad, "--step", "word"]);
    assert_eq!(
        (status, names(&found["cause"])),
        (0, vec!["the prompt of tool label"]),
        "{found}"
    );
    assert_eq!(found["cause"][0]["good"], "What is {{letter}}?");
    // Both prompts have been asked with this letter already.
    assert_eq!((desk.asked(), &found["cost"]), (2, &json!(0.0)), "{found}");
    let sent = std::fs::read_to_string(desk.folder.path().join("sent")).unwrap();
    assert_eq!(
        sent.matches("of").count(),
        2,
        "what may change something is never called: {sent}"
    );
    // The same by an expression, and in words.
    let text = desk.run(&[
        "bisect",
        &good,
        &bad,
        "--step",
        "word",
        "--expect",
        "output == 'question'",
        "--yes",
    ]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(
        text.contains("one of 2 differences turns step word"),
        "{text}"
    );
    assert!(
        text.contains("    - What is {{letter}}?\n    + Which mood is {{letter}} in?"),
        "{text}"
    );
    // The forks stand below the good run.
    let tree = json(&desk.run(&["runs", "--tree", "--json"]));
    let tree = tree
        .as_array()
        .unwrap()
        .iter()
        .find(|run| run["run_id"] == *good)
        .unwrap();
    let forks = tree["forks"].as_array().unwrap();
    assert!(
        forks
            .iter()
            .any(|run| run["plan"] == "letters with the prompt of tool label"),
        "{tree}"
    );
}

#[test]
fn a_call_that_may_change_something_is_not_made_and_named() {
    let desk = Desk::new(Some(ModelServer::answering(Clerk)));
    desk.write("plan.json", &letters("What is {{letter}}?", "a", 1));
    let good = desk.ran(&["-c", "letter=Hello"]);
    desk.write(
        "plan.json",
        &letters("Which mood is {{letter}} in?", "a", 2),
    );
    let bad = desk.ran(&["-c", "letter=Hi"]);
    let (_, found) = desk.found(&[&good, &bad]);
    // The result has both the word and what was sent.
    assert_eq!(names(&found["cause"]).len(), 1, "{found}");
    let sent = std::fs::read_to_string(desk.folder.path().join("sent")).unwrap();
    assert_eq!(sent.matches("of").count(), 2);

    // With another input it cannot come from the record.
    desk.write("plan.json", &letters("What is {{letter}}?", "a", 3));
    let mut plan = letters("What is {{letter}}?", "a", 3);
    plan["steps"][3]["parameters"]["more"] = json!("x");
    plan["tools"]["send"]["command"][2] = json!("cat >> sent; echo 2");
    desk.write("plan.json", &plan);
    let third = desk.ran(&["-c", "letter=Hello"]);
    let (status, found) = desk.found(&[&good, &third, "--step", "send"]);
    let why = found["not_tested"][0]["why"].as_str().unwrap();
    assert!(
        why.contains("a call of step send may change something"),
        "{found}"
    );
    assert_eq!(status, 0);
    let sent = std::fs::read_to_string(desk.folder.path().join("sent")).unwrap();
    assert_eq!(sent.matches("of").count(), 3, "{sent}");
}

/// Gives two answers in turn.
#[derive(Default)]
struct Moody(AtomicUsize);

impl Respond for Moody {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        let number = self.0.fetch_add(1, Ordering::SeqCst);
        answer(&json!({"label": if number.is_multiple_of(2) { "question" } else { "complaint" }}))
    }
}

#[test]
fn the_answer_of_the_same_call_is_a_difference_and_what_is_flaky_is_not_decided() {
    let mut desk = Desk::new(Some(ModelServer::answering(Moody::default())));
    desk.model = "openai/o4-mini";
    desk.write("plan.json", &letters("What is {{letter}}?", "a", 1));
    let good = desk.ran(&["-c", "letter=Hello"]);
    let bad = desk.ran(&["-c", "letter=Hello"]);
    let (status, found) = desk.found(&[&good, &bad, "--step", "word"]);
    assert_eq!(
        (status, names(&found["cause"]), found["forks"].as_u64()),
        (0, vec!["what the same call of step label gave"], Some(2)),
        "{found}"
    );
    assert_eq!(desk.asked(), 2);

    // Two differences that only together have an answer on record: each alone is asked again, and comes out either way.
    let mut plan = letters("What, then, is {{letter}}?", "a", 1);
    plan["steps"][1]["parameters"]["tone"] = json!("calm");
    plan["tools"]["label"]["prompt"] = json!("What, then, is {{letter}}, {{tone}}?");
    desk.write("plan.json", &plan);
    let third = desk.ran(&["-c", "letter=Hello"]);
    let fourth = desk.ran(&["-c", "letter=Hello"]);
    let other = if desk.word(&third) == desk.word(&good) {
        fourth
    } else {
        third
    };
    let (status, found) = desk.found(&[&good, &other, "--step", "word", "-n", "5"]);
    assert_eq!(status, 1, "{found}");
    let undecided = found["undecided"].as_array().unwrap();
    assert!(
        !undecided.is_empty() && undecided.iter().all(|test| test["of"] == 5),
        "{found}"
    );
}

impl Desk {
    fn word(&self, run: &str) -> Value {
        let shown = json(&self.run(&["show", run, "--json"]));
        let steps = shown["steps"].as_array().unwrap().iter();
        let word = steps.clone().find(|step| step["id"] == "word");
        word.unwrap()["output"].clone()
    }
}

#[test]
fn a_script_as_it_was_is_started_again() {
    let desk = Desk::new(None);
    let script = |text: &str| std::fs::write(desk.folder.path().join("count.sh"), text).unwrap();
    let plan = |unit: &str| {
        json!({
            "name": "count",
            "tools": {
                "count": {"type": "process", "command": ["sh", "count.sh"], "read_only": true},
                "same": {"type": "jq", "filter": "{of: .of, unit: .unit}"},
            },
            "steps": [
                {"id": "count", "tool": "count", "parameters": {"n": 3}},
                {"id": "same", "tool": "same", "parameters": {"of": "{{count}}", "unit": unit}},
            ],
        })
    };
    script("cat > /dev/null; echo 3\n");
    desk.write("plan.json", &plan("a"));
    let good = desk.ran(&[]);
    script("cat > /dev/null; echo 4\n");
    desk.write("plan.json", &plan("b"));
    let bad = desk.ran(&[]);
    script("cat > /dev/null; echo 5\n");
    let (status, found) = desk.found(&[&good, &bad, "--expect", "output.of == 3"]);
    assert_eq!(
        (status, names(&found["cause"])),
        (0, vec!["the script count.sh of tool count"]),
        "{found}"
    );
    let none = desk.run(&["bisect", &good, &good]);
    assert_eq!(code(&none), 2);
    assert!(
        stderr(&none).contains("the same result"),
        "{}",
        stderr(&none)
    );
}

/// Differences of four kinds, each of which turns one bit, and of which some sets make the result bad.
fn switches(on: &BTreeSet<usize>, count: usize, rule: &str) -> (Value, Value) {
    let mut tools = Map::from_iter([("judge".to_owned(), json!({"type": "jq", "filter": rule}))]);
    for (name, bit) in [("off", false), ("on", true)] {
        tools.insert(
            name.to_owned(),
            json!({"type": "jq", "filter": format!("{bit}")}),
        );
    }
    let (mut steps, mut bits, mut context) = (Vec::new(), Map::new(), Map::new());
    for at in 0..count {
        let bit = on.contains(&at);
        let tool = format!("t{at}");
        let (tool, parameters) = match at % 4 {
            0 => (tool, json!({"bit": bit})),
            1 => (tool, json!({"bit": 0})),
            2 => (tool, json!({"bit": format!("{{{{c{at}}}}}")})),
            _ => (
                (if bit { "on" } else { "off" }).to_owned(),
                json!({"bit": 0}),
            ),
        };
        if at % 4 == 2 {
            context.insert(format!("c{at}"), json!(bit));
        }
        let filter = if at % 4 == 1 {
            format!("{bit}")
        } else {
            ".bit".to_owned()
        };
        tools.insert(format!("t{at}"), json!({"type": "jq", "filter": filter}));
        steps.push(json!({"id": format!("s{at}"), "tool": tool, "parameters": parameters}));
        bits.insert(format!("b{at}"), json!(format!("{{{{s{at}}}}}")));
    }
    steps.push(json!({"id": "judge", "tool": "judge", "parameters": bits}));
    (
        json!({"name": "switches", "tools": tools, "steps": steps}),
        Value::Object(context),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]
    #[test]
    fn what_is_found_is_a_smallest_of_all_sets_that_do_it(
        count in 2usize..7,
        causes in prop::collection::vec(prop::collection::btree_set(0usize..7, 1..4), 1..4),
        other in prop::collection::btree_set(0usize..7, 1..3),
    ) {
        let within = |set: &BTreeSet<usize>| set.iter().all(|at| *at < count);
        let mut causes: Vec<BTreeSet<usize>> = causes.into_iter().filter(within).collect();
        let all: BTreeSet<usize> = (0..count).collect();
        causes.push(all.clone());
        // Sets with `other` alone come to something else, which is neither.
        let verdict = |set: &BTreeSet<usize>| {
            if causes.iter().any(|cause| cause.is_subset(set)) {
                "bad"
            } else if other.is_subset(set) {
                "other"
            } else {
                "good"
            }
        };
        let and = |set: &BTreeSet<usize>| {
            let bits: Vec<String> = set.iter().map(|at| format!(".b{at}")).collect();
            format!("({})", bits.join(" and "))
        };
        let or: Vec<String> = causes.iter().map(and).collect();
        let rule = format!(
            "if {} then \"bad\" elif {} then \"other\" else \"good\" end",
            or.join(" or "),
            and(&other)
        );
        let desk = Desk::new(None);
        let mut ids = Vec::new();
        for on in [BTreeSet::new(), all.clone()] {
            let (plan, context) = switches(&on, count, &rule);
            desk.write("plan.json", &plan);
            desk.write("context.json", &context);
            ids.push(desk.ran(&["--context-file", "context.json"]));
        }
        let (status, found) = desk.found(&[&ids[0], &ids[1]]);
        prop_assert_eq!(status, 0, "{}", found);
        let set: BTreeSet<usize> = names(&found["cause"])
            .iter()
            .map(|name| name.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap())
            .collect();
        prop_assert_eq!(found["differences"].as_u64(), Some(count as u64), "{}", found);
        prop_assert_eq!(verdict(&set), "bad", "{}", found);
        let sets = (0..1usize << count).map(|bits| -> BTreeSet<usize> {
            (0..count).filter(|at| bits >> at & 1 == 1).collect()
        });
        let smallest = sets.filter(|set| verdict(set) == "bad").map(|set| set.len()).min();
        prop_assert_eq!(&found["smallest"], &json!(true));
        prop_assert_eq!(Some(set.len()), smallest, "{}", found);
        prop_assert_eq!(&found["cost"], &json!(0.0));
    }
}
