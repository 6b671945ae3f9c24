//! The edits of a run written back to its plan and its catalog: `plandeck save`.

use crate::common::model_server::{Answer, ModelServer};
use crate::common::program::{code, json, plandeck, stderr};
use serde_json::{Value, json};
use std::process::Output;
use std::time::Duration;
use tempfile::TempDir;

const PLAN: &str = "\
# What we ship
name: greet
steps:
  - id: who   # the name
    tool: same
    parameters:
      name: \"Ada\"   # a default
      salutation: Dear
  - id: words
    tool: write
    parameters: {to: \"{{who.name}}\", tone: 'kind'}   # tone is a guess
";

const TOOLS: &str = "\
tools:
  same: {type: jq, filter: .}
  # Writes.
  write:
    type: model
    prompt: Write to {{to}}.   # short
    output_schema: {type: object}
";

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("plan.yaml"), PLAN).unwrap();
    std::fs::write(folder.path().join("tools.yaml"), TOOLS).unwrap();
    folder
}

fn server() -> ModelServer {
    ModelServer::start(vec![Answer {
        to: String::new(),
        says: json!({"text": "Hello"}),
        after: Duration::ZERO,
    }])
}

fn command(folder: &TempDir, url: &str, arguments: &[&str]) -> assert_cmd::Command {
    let mut command = plandeck();
    command
        .current_dir(folder.path())
        .env("PLANDECK_HOME", folder.path().join("home"))
        .env("OPENAI_API_KEY", "k")
        .env("OPENAI_BASE_URL", url)
        .args(arguments);
    command
}

fn run(folder: &TempDir, url: &str, arguments: &[&str]) -> Output {
    let output = command(folder, url, arguments).output().unwrap();
    assert_eq!(code(&output), 0, "{arguments:?}: {}", stderr(&output));
    output
}

fn read(folder: &TempDir, file: &str) -> String {
    std::fs::read_to_string(folder.path().join(file)).unwrap()
}

fn first_run(folder: &TempDir, server: &ModelServer) {
    let url = server.url();
    run(
        folder,
        &url,
        &[
            "run",
            "plan.yaml",
            "--json",
            "--worker",
            "openai/gpt-4o-mini",
            "--base-url",
            &url,
        ],
    );
}

fn saved(folder: &TempDir, server: &ModelServer, arguments: &[&str]) -> Value {
    json(&run(folder, &server.url(), arguments))
}

#[test]
fn edits_are_written_to_the_plan_and_the_catalog_and_nothing_else_changes() {
    let (folder, server) = (folder(), server());
    first_run(&folder, &server);
    let url = server.url();
    run(
        &folder,
        &url,
        &[
            "edit",
            "last",
            "who",
            "--input",
            r#"{"name": "Grace", "salutation": "Dear"}"#,
        ],
    );
    let input = r#"{"to": "Grace", "tone": "stern: \"now\""}"#;
    run(
        &folder,
        &url,
        &[
            "edit",
            "last",
            "words",
            "--input",
            input,
            "--model",
            "gpt-4o",
            "--prompt",
            "Write to {{to}}.\nBe brief.",
        ],
    );

    let shown = saved(&folder, &server, &["save", "last", "--dry-run", "--json"]);
    assert_eq!(shown["written"], false);
    assert_eq!(
        (read(&folder, "plan.yaml"), read(&folder, "tools.yaml")),
        (PLAN.into(), TOOLS.into())
    );

    let saving = saved(&folder, &server, &["save", "last", "--json"]);
    assert_eq!(saving["written"], true);
    assert_eq!(saving["left_out"], json!([]));
    assert_eq!(saving["files"], shown["files"]);
    let plan = PLAN
        .replace("\"Ada\"", "\"Grace\"")
        // What the edit left alone is still a reference.
        .replace("tone: 'kind'", "tone: 'stern: \"now\"'")
        .replace(
            "# tone is a guess\n",
            "# tone is a guess\n    model: gpt-4o\n",
        );
    assert_eq!(read(&folder, "plan.yaml"), plan);
    let tools = TOOLS.replace(
        "    prompt: Write to {{to}}.   # short\n",
        "    prompt: |-   # short\n      Write to {{to}}.\n      Be brief.\n",
    );
    assert_eq!(read(&folder, "tools.yaml"), tools);
    let diff = saving["files"][0]["diff"].as_str().unwrap();
    assert!(
        diff.contains("-      name: \"Ada\"") && diff.contains("+      name: \"Grace\""),
        "{diff}"
    );
    assert_eq!(saving["files"][1]["edits"][0]["place"], "tool write");

    // The files hold them now; a run of the plan makes the same calls, and pays for none.
    let again = run(&folder, &url, &["save", "last"]);
    assert!(
        stderr(&again).contains("nothing to save"),
        "{}",
        stderr(&again)
    );
    let calls = server.requests().len();
    let fresh = saved(
        &folder,
        &server,
        &[
            "run",
            "plan.yaml",
            "--json",
            "--worker",
            "openai/gpt-4o-mini",
            "--base-url",
            &url,
        ],
    );
    assert_eq!(fresh["status"], "succeeded");
    assert_eq!(fresh["steps"][1]["source"], "cache", "{fresh}");
    assert_eq!(server.requests().len(), calls);
}

#[test]
fn the_difference_alone_is_written_for_patch() {
    let (folder, server) = (folder(), server());
    first_run(&folder, &server);
    let url = server.url();
    run(
        &folder,
        &url,
        &[
            "edit",
            "last",
            "who",
            "--input",
            r#"{"name": "Grace", "salutation": "Dear"}"#,
        ],
    );
    run(&folder, &url, &["save", "last", "-o", "edits.patch"]);
    assert_eq!(read(&folder, "plan.yaml"), PLAN);
    let patch = read(&folder, "edits.patch");
    assert!(
        patch.starts_with("--- a/plan.yaml\n+++ b/plan.yaml\n@@"),
        "{patch}"
    );
}

#[test]
fn a_place_that_has_changed_is_not_overwritten() {
    let (folder, server) = (folder(), server());
    first_run(&folder, &server);
    let url = server.url();
    run(
        &folder,
        &url,
        &[
            "edit",
            "last",
            "who",
            "--input",
            r#"{"name": "Grace", "salutation": "Dear"}"#,
        ],
    );
    run(
        &folder,
        &url,
        &["edit", "last", "words", "--prompt", "Say hello to {{to}}."],
    );
    run(
        &folder,
        &url,
        &["set", "last", "who", "--output", r#"{"name": "Joan"}"#],
    );

    let plan = PLAN
        .replace("Ada", "Alan")
        .replace("# What we ship", "# What we shipped");
    std::fs::write(folder.path().join("plan.yaml"), &plan).unwrap();
    let tools = TOOLS.replace("Write to", "Please write to");
    std::fs::write(folder.path().join("tools.yaml"), &tools).unwrap();
    let saving = saved(&folder, &server, &["save", "last", "--json"]);
    assert_eq!(saving["written"], false, "{saving}");
    let why = |step: &str, what: &str| {
        let left_out = saving["left_out"].as_array().unwrap();
        let found = left_out
            .iter()
            .find(|one| one["step"] == step && one["what"] == what);
        found.unwrap_or_else(|| panic!("{saving}"))["why"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert!(why("who", "input").contains("has changed in this place"));
    assert!(why("words", "prompt").contains("tool write has changed"));
    assert!(why("who", "output").contains("a plan holds no outputs"));
    assert_eq!(
        (read(&folder, "plan.yaml"), read(&folder, "tools.yaml")),
        (plan, tools)
    );
}

#[test]
fn what_a_planner_wrote_is_left_as_it_is_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let plan = "1. same(\"a\")\n2. join()\n";
    std::fs::write(folder.path().join("plan.txt"), plan).unwrap();
    let tools = "tools: {same: {type: jq, filter: ., parameters: [{name: x, type: string}]}}\n";
    std::fs::write(folder.path().join("tools.yaml"), tools).unwrap();
    run(
        &folder,
        "http://127.0.0.1:9",
        &["run", "plan.txt", "--json", "--worker", "offline"],
    );
    run(
        &folder,
        "http://127.0.0.1:9",
        &["edit", "last", "1", "--input", r#"{"x": "b"}"#],
    );
    let saving = json(&run(
        &folder,
        "http://127.0.0.1:9",
        &["save", "last", "--json"],
    ));
    let why = saving["left_out"][0]["why"].as_str().unwrap();
    assert!(why.contains("LLMCompiler"), "{why}");
    assert_eq!(read(&folder, "plan.txt"), plan);
}
