//! The tool of a step is defined otherwise: a recorded run is forked with the definition, and only what calls the tool, and
//! what depends on it, runs.

use crate::common::program::{code, json, plandeck, stderr, step};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Output;
use tempfile::TempDir;

/// `cut` fails, and two steps call it. Calls are written down.
const TOOLS: &str = r#"# The tools of the letter.
tools:
  work:
    type: process
    command: [sh, log.sh]
  # Fails for now.
  cut:
    type: process
    command: [sh, log.sh, broken]   # one word too much
    timeout_s: 20
    env: {KEY: sesame, HOME: "${HOME}"}
  size: {type: jq, filter: "@size.jq"}
"#;

const PLAN: &str = r#"name: letter
steps:
  - {id: split, tool: work, parameters: {text: "one two"}}
  - {id: trim, tool: cut, parameters: {words: "{{split.text}}"}}
  - {id: also, tool: cut, parameters: {words: "{{split.text}}", n: 2}}
  - {id: count, tool: size, parameters: {of: "{{trim.words}}"}}
  - {id: other, tool: work, parameters: {n: 1}}
  - {id: each, tool: work, for_each: [1, 2], parameters: {n: "{{item}}"}}
  - {id: code, tool: code_exec, parameters: {code: "output = 1"}}
  - {id: call, tool: function_call, parameters: {name: size, args: {of: "x"}}}
"#;

const SCRIPT: &str = r#"x=$(cat)
echo "$PLANDECK_ATTEMPT" | sed 's,.*/\(.*\)/.*,\1,' >> calls.log
[ "$1" = broken ] && exit 1
printf %s "$x"
"#;

/// The change that has `cut` work.
const FIX: &str = r#"{"command": ["sh", "log.sh"]}"#;

struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        desk.write("plan.yaml", PLAN);
        desk.write("tools.yaml", TOOLS);
        desk.write("log.sh", SCRIPT);
        desk.write("size.jq", ".of | length\n");
        desk
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.file(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap()
    }

    fn run_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
        let mut command = plandeck();
        command
            .current_dir(self.path())
            .env("PLANDECK_HOME", self.file("home"))
            .env("PLANDECK_WORKER", "offline")
            .envs(variables.iter().copied())
            .args(arguments);
        command.output().unwrap()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(&[], arguments)
    }

    fn json(&self, expected: i32, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        let says = stderr(&output);
        assert_eq!(code(&output), expected, "{arguments:?}: {says}");
        json(&output)
    }

    /// The calls since this was asked last.
    fn calls(&self) -> String {
        let file = self.file("calls.log");
        let log = std::fs::read_to_string(&file).unwrap_or_default();
        let _ = std::fs::remove_file(file);
        let mut calls: Vec<&str> = log.lines().collect();
        calls.sort_unstable();
        calls.join(" ")
    }

    /// The plan has run, and `trim` and `also` have failed.
    fn failed(&self) -> Value {
        let result = self.json(1, &["run", "plan.yaml", "--headless", "--json"]);
        assert_eq!(self.calls(), "also each[0] each[1] other split trim");
        result
    }

    fn edit(&self, expected: i32, patch: &str, more: &[&str]) -> Value {
        let edit = ["edit", "last", "trim", "--tool-definition", patch, "--json"];
        self.json(expected, &[&edit[..], more].concat())
    }
}

fn ids(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap().iter();
    list.map(|one| one["step"].as_str().unwrap()).collect()
}

#[test]
fn what_calls_the_tool_runs_with_its_definition_and_the_rest_stays() {
    let desk = Desk::new();
    let first = desk.failed();
    let preview = desk.edit(0, FIX, &["--dry-run"]);
    assert_eq!(
        (&preview["verb"], &preview["step"]),
        (&json!("define_tool"), &json!("trim"))
    );
    assert_eq!(ids(&preview["reruns"]), ["trim", "also", "count"]);
    assert_eq!(
        ids(&preview["stays"]),
        ["split", "other", "each", "code", "call"]
    );
    assert_eq!(desk.calls(), "");
    let fork = desk.edit(0, FIX, &[]);
    assert_ne!(fork["run_id"], first["run_id"]);
    assert_eq!(fork["status"], "succeeded", "{fork}");
    assert_eq!(desk.calls(), "also trim");
    assert_eq!(step(&fork, "split")["source"], "recorded");
    // The files are as they were, and so is the run that was edited.
    assert_eq!(
        (desk.read("plan.yaml"), desk.read("tools.yaml")),
        (PLAN.into(), TOOLS.into())
    );
    let parent = first["run_id"].as_str().unwrap();
    desk.json(1, &["retry", parent, "trim", "--json"]);
    assert_eq!(desk.calls(), "trim");
}

#[test]
fn a_run_keeps_its_definitions_when_it_goes_on_is_resumed_and_is_forked() {
    let desk = Desk::new();
    desk.failed();
    let fork = desk.edit(0, FIX, &[]);
    let id = fork["run_id"].as_str().unwrap();
    desk.calls();
    let again = desk.json(0, &["refresh", id, "trim", "--json"]);
    assert_eq!(
        (&again["run_id"], &*desk.calls()),
        (&fork["run_id"], "trim")
    );
    desk.json(0, &["fork", id, "--from", "trim", "--headless", "--json"]);
    assert_eq!(desk.calls(), "trim");
    // A second edit is on top of the first.
    let second = desk.edit(0, r#"{"timeout_s": null, "cost_usd": 0.5}"#, &["--dry-run"]);
    assert_eq!(ids(&second["reruns"]), [""; 0]);
    let second = desk.edit(0, r#"{"command": ["sh", "log.sh", "twice"]}"#, &[]);
    assert_eq!(
        (&second["status"], &*desk.calls()),
        (&json!("succeeded"), "also trim")
    );
    // So is an edit of the plan.
    let new = "{id: last, tool: cut, parameters: {of: \"{{other}}\"}}";
    let insert = [
        "insert", "last", "--after", "other", "--step", new, "--json",
    ];
    let inserted = desk.json(0, &insert);
    assert_eq!(desk.calls(), "last");
    let with_plan = inserted["run_id"].as_str().unwrap();
    desk.json(0, &["run", "--resume", with_plan, "--headless", "--json"]);
    assert_eq!(desk.calls(), "");
    // Catalogs that the user names count as they are.
    desk.json(
        1,
        &[
            "fork",
            with_plan,
            "--tools",
            "tools.yaml",
            "--headless",
            "--json",
        ],
    );
    assert_eq!(desk.calls(), "also last trim");
    let bundled = desk.run(&["bundle", with_plan, "-o", "bundle.json"]);
    assert_eq!(code(&bundled), 0, "{}", stderr(&bundled));
    assert!(desk.read("bundle.json").contains("twice"));
    let tested = desk.run(&["test", "bundle.json"]);
    assert_eq!(code(&tested), 0, "{}", stderr(&tested));
    // What the definition has of credentials is on no record.
    let database = std::fs::read(desk.file("home/runs.db"));
    assert!(!String::from_utf8_lossy(&database.unwrap_or_default()).contains("sesame"));
}

#[test]
fn a_change_back_to_the_file_leaves_nothing_behind() {
    let desk = Desk::new();
    desk.failed();
    desk.edit(0, FIX, &[]);
    desk.edit(1, r#"{"command": ["sh", "log.sh", "broken"]}"#, &[]);
    desk.calls();
    desk.write("tools.yaml", &TOOLS.replace(", broken", ""));
    let fork = desk.json(0, &["fork", "last", "--headless", "--json"]);
    assert_eq!(
        (&fork["status"], &*desk.calls()),
        (&json!("succeeded"), "also trim")
    );
}

#[test]
fn the_plan_is_that_of_the_run_where_its_file_has_changed() {
    let desk = Desk::new();
    desk.failed();
    desk.write("plan.yaml", &PLAN.replace("one two", "three"));
    let preview = desk.edit(0, FIX, &["--dry-run"]);
    assert_eq!(ids(&preview["reruns"]), ["trim", "also", "count"]);
    desk.edit(0, FIX, &[]);
    assert_eq!(desk.calls(), "also trim");
    let again = desk.json(0, &["refresh", "last", "split", "--json"]);
    assert_eq!(step(&again, "split")["output"]["text"], "one two");
}

#[test]
fn a_tool_in_the_plan_itself_is_defined_otherwise_too() {
    let desk = Desk::new();
    let tools = TOOLS.split_once("tools:\n").unwrap().1;
    desk.write(
        "plan.yaml",
        &format!("{PLAN}tools:\n{}", tools.replace("KEY: sesame, ", "")),
    );
    std::fs::remove_file(desk.file("tools.yaml")).unwrap();
    desk.failed();
    let fork = desk.edit(0, FIX, &[]);
    assert_eq!(
        (&fork["status"], &*desk.calls()),
        (&json!("succeeded"), "also trim")
    );
}

#[test]
fn what_it_would_start_needs_trust() {
    let desk = Desk::new();
    let trust = desk.run(&["trust", "plan.yaml"]);
    assert_eq!(code(&trust), 0, "{}", stderr(&trust));
    let untrusted = [("PLANDECK_TRUST", "")];
    let run = |arguments: &[&str]| desk.run_with(&untrusted, arguments);
    assert_eq!(code(&run(&["run", "plan.yaml", "--headless", "--json"])), 1);
    desk.calls();
    let edit = ["edit", "last", "trim", "--json", "--tool-definition"];
    let refused = run(&[&edit[..], &[FIX]].concat());
    assert_eq!(code(&refused), 2);
    let says = stderr(&refused);
    assert!(says.contains("- starts     sh log.sh broken"), "{says}");
    assert!(
        says.contains("the edited definition of cut (new)"),
        "{says}"
    );
    assert!(says.contains("--trust"), "{says}");
    assert!(!says.contains("plandeck trust"), "{says}");
    assert_eq!(desk.calls(), "");
    // What does not decide what it starts is not asked for.
    assert_eq!(
        code(&run(&[&edit[..], &[r#"{"timeout_s": 30}"#]].concat())),
        1
    );
    assert_eq!(desk.calls(), "also trim");
    assert_eq!(code(&run(&[&edit[..], &[FIX, "--trust"]].concat())), 0);
    assert_eq!(desk.calls(), "also trim");
    // It is asked for again, as the run may be somebody else's.
    assert_eq!(code(&run(&["refresh", "last", "trim"])), 2);
}

#[test]
fn an_edit_that_makes_no_sense_is_refused_and_says_why() {
    let desk = Desk::new();
    desk.failed();
    for (of, patch, says) in [
        ("trimm", FIX, "did you mean \"trim\"?"),
        ("each[1]", FIX, "name step each"),
        ("code/work[0]", FIX, "the code of step code makes"),
        ("code", FIX, "is in its input"),
        ("trim", "{}", "is defined so already"),
        ("trim", r#"{"timeout_s": 20}"#, "is defined so already"),
        ("trim", r#"{"name": "cutter"}"#, "keeps its name cut"),
        (
            "trim",
            r#"{"timeout_s": "soon"}"#,
            "the edited definition of cut:2:",
        ),
        ("trim", r#"{"type": "proces"}"#, "did you mean `process`?"),
        ("trim", r#"{"env": {"KEY": "open"}}"#, "${VAR}"),
        ("count", r#"{"filter": "..["}"#, "filter"),
        (
            "trim",
            r#"{"input_schema": {"type": "object", "required": ["nothing"]}}"#,
            "nothing",
        ),
        ("trim", "[1]", "is an object of its fields"),
        ("trim", "@nowhere.yaml", "nowhere.yaml"),
    ] {
        let output = desk.run(&["edit", "last", of, "--tool-definition", patch]);
        assert_eq!(code(&output), 2, "{of} {patch}: {}", stderr(&output));
        assert!(
            stderr(&output).contains(says),
            "{of} {patch}: {}",
            stderr(&output)
        );
    }
    let both = [
        "edit",
        "last",
        "trim",
        "--tool-definition",
        FIX,
        "--model",
        "m",
    ];
    assert_eq!(code(&desk.run(&both)), 2);
    assert_eq!(desk.calls(), "");
    let runs = desk.json(0, &["runs", "--json"]);
    assert_eq!(runs.as_array().unwrap().len(), 1);
}

#[test]
fn the_tool_that_an_input_names_is_the_one_of_the_step() {
    let desk = Desk::new();
    desk.failed();
    let patch = r#"{"filter": ".of | length + 1"}"#;
    let edit = ["edit", "last", "call", "--tool-definition", patch, "--json"];
    let fork = desk.json(1, &edit);
    assert_eq!(step(&fork, "call")["output"], 2);
    assert_eq!(desk.calls(), "also trim");
}

#[test]
fn a_file_holds_the_change() {
    let desk = Desk::new();
    desk.failed();
    desk.write(
        "fix.yaml",
        "command:\n  - sh\n  - log.sh\ntimeout_s: null\n",
    );
    let fork = desk.edit(0, "@fix.yaml", &[]);
    assert_eq!(fork["status"], "succeeded");
}

#[test]
fn what_changed_is_saved_to_the_catalog_and_nothing_else() {
    let desk = Desk::new();
    desk.failed();
    desk.edit(
        0,
        r#"{"command": ["sh", "log.sh"], "timeout_s": null, "env": {"MORE": "${HOME}"}, "output_schema": {"type": "object"}}"#,
        &[],
    );
    let filter = r#"{"filter": ".of | length * 2\n"}"#;
    desk.json(
        0,
        &[
            "edit",
            "last",
            "count",
            "--tool-definition",
            filter,
            "--json",
        ],
    );
    let shown = desk.json(0, &["save", "last", "--dry-run", "--json"]);
    assert_eq!(
        (&shown["written"], &shown["left_out"]),
        (&json!(false), &json!([]))
    );
    assert_eq!(desk.read("tools.yaml"), TOOLS);
    let edits = shown["files"][0]["edits"].as_array().unwrap();
    assert_eq!(edits[0]["what"], "tool_definition");
    assert_eq!(edits[0]["place"], "tool cut, which step also calls too");
    let saved = desk.json(0, &["save", "last", "--json"]);
    assert_eq!(saved["written"], true, "{saved}");
    let wanted = TOOLS
        .replace("[sh, log.sh, broken]", "[sh, log.sh]")
        .replace("    timeout_s: 20\n", "")
        .replace(
            "HOME: \"${HOME}\"}",
            "HOME: \"${HOME}\", MORE: \"${HOME}\"}",
        );
    let now = desk.read("tools.yaml");
    let (before, after) = now
        .split_once("    output_schema:\n      type: object\n")
        .expect(&now);
    assert_eq!(format!("{before}{after}"), wanted);
    assert_eq!(desk.read("size.jq"), ".of | length * 2\n");
    assert_eq!(desk.read("plan.yaml"), PLAN);
    // The files have it now.
    desk.calls();
    let fork = desk.json(
        0,
        &[
            "fork",
            "last",
            "--tools",
            "tools.yaml",
            "--headless",
            "--json",
        ],
    );
    assert_eq!((&fork["status"], &*desk.calls()), (&json!("succeeded"), ""));
    let again = desk.json(0, &["save", "last", "--json"]);
    assert_eq!(again["files"], json!([]));
}

#[test]
fn what_has_changed_in_its_file_is_not_written_over() {
    let desk = Desk::new();
    desk.failed();
    desk.edit(0, FIX, &[]);
    let other = TOOLS.replace(", broken]", ", other]");
    desk.write("tools.yaml", &other);
    let saved = desk.json(0, &["save", "last", "--json"]);
    let why = saved["left_out"][0]["why"].as_str().unwrap();
    assert!(why.contains("has changed in its file"), "{why}");
    assert_eq!(saved["left_out"][0]["what"], "tool_definition");
    assert_eq!(desk.read("tools.yaml"), other);
}

#[test]
fn the_tools_of_a_plan_and_its_steps_are_saved_together() {
    let desk = Desk::new();
    let tools = TOOLS.split_once("tools:\n").unwrap().1;
    let tools = tools.replace("KEY: sesame, ", "");
    desk.write("plan.yaml", &format!("{PLAN}tools:\n{tools}"));
    std::fs::remove_file(desk.file("tools.yaml")).unwrap();
    desk.failed();
    desk.edit(0, FIX, &[]);
    desk.json(0, &["remove", "last", "code", "--json"]);
    let saved = desk.json(0, &["save", "last", "--json"]);
    assert_eq!(
        (&saved["written"], &saved["left_out"]),
        (&json!(true), &json!([]))
    );
    let now = desk.read("plan.yaml");
    assert!(
        now.contains("command: [sh, log.sh]   # one word too much"),
        "{now}"
    );
    assert!(!now.contains("code_exec"), "{now}");
}

#[test]
fn a_tool_that_a_server_lists_is_the_servers() {
    let desk = Desk::new();
    desk.write(
        ".mcp.json",
        r#"{"mcpServers": {"files": {"command": "nowhere"}}}"#,
    );
    let plan = "steps:\n  - {id: look, tool: files_read, parameters: {path: x}}\n";
    desk.write("listed.yaml", plan);
    let simulated = ["run", "listed.yaml", "--worker", "simulated"];
    desk.json(0, &[&simulated[..], &["--headless", "--json"]].concat());
    let output = desk.run(&[
        "edit",
        "last",
        "look",
        "--tool-definition",
        r#"{"timeout_s": 3}"#,
    ]);
    assert_eq!(code(&output), 2);
    assert!(
        stderr(&output).contains("an MCP server lists it"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_bisection_names_the_field_that_was_edited() {
    let desk = Desk::new();
    desk.write(
        "tools.yaml",
        &TOOLS.replace("type: process", "type: process\n    read_only: true"),
    );
    // What only reads is tried again before it fails.
    let failed = desk.json(1, &["run", "plan.yaml", "--headless", "--json"]);
    let fork = desk.edit(0, FIX, &[]);
    let id = |run: &Value| run["run_id"].as_str().unwrap().to_owned();
    let found = desk.run(&["bisect", &id(&fork), &id(&failed), "--yes"]);
    let words = String::from_utf8_lossy(&found.stdout).into_owned();
    assert!(
        words.contains("`command` of tool cut"),
        "{words}{}",
        stderr(&found)
    );
}
