//! MCP servers on the command line: tools that only they list, and `plandeck tools`.

use crate::common::process::{lives, wait_until};
use crate::common::program::{code, folder, json, plandeck, stderr, step};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Output;
use tempfile::TempDir;

const SERVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/mcp/server.py");

/// The entry of a server in this mode, which keeps its notes in a folder.
fn server(mode: &str, notes: &Path) -> Value {
    json!({"command": "python3", "args": [SERVER, mode, notes]})
}

/// A folder with a plan of these steps, and a file that names a server in this mode.
pub(crate) fn project(file: &str, mode: &str, steps: &Value) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let plan = json!({"name": "p", "steps": steps});
    std::fs::write(folder.path().join("plan.json"), plan.to_string()).unwrap();
    let servers = json!({"mcpServers": {"scripted": server(mode, folder.path())}});
    std::fs::write(folder.path().join(file), servers.to_string()).unwrap();
    folder
}

fn plandeck_in(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = plandeck();
    command
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap()
}

fn run(folder: &Path, more: &[&str]) -> Output {
    let arguments = [
        "run",
        "plan.json",
        "--headless",
        "--json",
        "--trust",
        "--worker",
        "offline",
    ];
    plandeck_in(folder, &[&arguments, more].concat())
}

fn started(folder: &Path) -> Vec<String> {
    let pids = std::fs::read_to_string(folder.join("pids")).unwrap_or_default();
    pids.lines().map(str::to_owned).collect()
}

pub(crate) fn call(id: &str, tool: &str, parameters: &Value) -> Value {
    json!({"id": id, "tool": tool, "parameters": parameters})
}

#[test]
fn a_plan_calls_what_only_a_server_lists() {
    let steps = json!([
        call("plain", "sum", &json!({"a": 1, "b": 2})),
        call(
            "dotted",
            "scripted.say",
            &json!({"text": "{{plain.total}} in all"})
        ),
        call(
            "prefixed",
            "mcp__scripted__say",
            &json!({"text": "of {{dotted}}"})
        ),
        call(
            "named",
            "function_call",
            &json!({"name": "say", "args": {"text": "again"}})
        ),
    ]);
    for (file, more) in [
        (".mcp.json", &[][..]),
        ("servers.json", &["--mcp-config", "servers.json"][..]),
        ("tools.json", &[][..]),
    ] {
        let folder = project(file, "old", &steps);
        let output = run(folder.path(), more);
        assert_eq!(code(&output), 0, "{file}: {}", stderr(&output));
        let result = json(&output);
        assert_eq!(step(&result, "plain")["output"], json!({"total": 3}));
        assert_eq!(step(&result, "prefixed")["output"], "of 3 in all", "{file}");
        assert_eq!(step(&result, "named")["output"], "again");
        let pids = started(folder.path());
        assert_eq!(pids.len(), 1, "one connection, for listing and for calls");
        wait_until("the end of the server", || !lives(&pids[0]));
    }
}

#[test]
fn what_no_server_lists_is_a_fault_before_anything_runs() {
    let ran = json!({"id": "first", "tool": "code_exec", "parameters": {"code": "output = 1"}});
    for (tool, parameters, part) in [
        ("summ", json!({}), "did you mean `sum`?"),
        ("sum", json!({"a": 1}), "needs the parameter `b`"),
        ("sum", json!({"a": 1, "b": "x"}), "number"),
        ("other.sum", json!({}), "the catalog has no tool"),
    ] {
        let folder = project(
            ".mcp.json",
            "old",
            &json!([ran, call("x", tool, &parameters)]),
        );
        let output = run(folder.path(), &[]);
        let said = stderr(&output);
        assert_eq!(code(&output), 2, "{tool}: {said}");
        assert!(
            said.contains(part) && !said.contains("started"),
            "{tool}: {said}"
        );
    }
}

#[test]
fn servers_that_do_not_list_their_tools_are_named() {
    let steps = json!([call("x", "sum", &json!({"a": 1, "b": 2}))]);
    for (mode, part) in [
        (
            "leaver",
            "\"scripted\" cannot be used: its program exited with code 3: no licence",
        ),
        (
            "pages",
            "the list of tools of the MCP server \"scripted\" never ends",
        ),
    ] {
        let folder = project(".mcp.json", mode, &steps);
        let output = run(folder.path(), &[]);
        assert_eq!(code(&output), 2, "{}", stderr(&output));
        assert!(
            stderr(&output).contains(part),
            "{mode}: {}",
            stderr(&output)
        );
    }
    let tools = "tools: {t: {type: mcp, server: elsewhere}}";
    let plan = json!({"steps": [call("x", "t", &json!({}))]}).to_string();
    let folder = folder("plan.json", &plan, tools);
    let output = run(folder.path(), &[]);
    assert_eq!(code(&output), 2, "{}", stderr(&output));
    assert!(
        stderr(&output).contains("there is no MCP server \"elsewhere\""),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_schema_that_refers_to_itself_is_one_like_any_other() {
    let chain = json!({"next": {"next": {}}});
    let folder = project(".mcp.json", "loop", &json!([call("x", "chain", &chain)]));
    let output = run(folder.path(), &[]);
    assert_ne!(code(&output), 0);
    let said = stderr(&output);
    assert!(
        said.contains("next") || said.contains("unknown tool"),
        "{said}"
    );
}

#[test]
fn checking_starts_no_server() {
    let steps = json!([call("x", "sum", &json!({"a": 1, "b": 2}))]);
    let folder = project(".mcp.json", "old", &steps);
    let output = plandeck_in(folder.path(), &["check", "plan.json"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(
        stderr(&output).contains("looked for on the MCP servers when the plan runs: sum"),
        "{}",
        stderr(&output)
    );
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(
        printed.contains("server.py"),
        "it is what would be started: {printed}"
    );
    assert!(started(folder.path()).is_empty());
}

#[test]
fn what_a_server_asks_is_answered_on_the_command_line() {
    let steps = json!([call("greet", "asks", &json!({}))]);
    for mode in ["old", "new"] {
        let folder = project(".mcp.json", mode, &steps);
        let output = run(folder.path(), &["--answer", "greet={\"n\": \"Ada\"}"]);
        assert_eq!(code(&output), 0, "{mode}: {}", stderr(&output));
        let result = json(&output);
        let given = json!({"action": "accept", "content": {"n": "Ada"}});
        assert_eq!(step(&result, "greet")["output"], given);
        let shown = stderr(&output);
        assert!(shown.contains("asks      greet: Your name?"), "{shown}");
        assert!(
            shown.contains("answered  greet: {\"n\":\"Ada\"}"),
            "{shown}"
        );
        let declined = run(folder.path(), &["--fresh", "--answer", "greet=decline"]);
        assert_eq!(
            step(&json(&declined), "greet")["output"]["action"],
            "decline"
        );
        // What is not asked for is not sent.
        let wrong = run(
            folder.path(),
            &["--fresh", "--answer", "greet={\"n\": \"A\"}"],
        );
        assert_eq!(code(&wrong), 1);
        let error = step(&json(&wrong), "greet")["error"].to_string();
        assert!(error.contains("is not what is asked for"), "{error}");
        let silent = run(folder.path(), &["--fresh"]);
        assert_eq!(code(&silent), 1);
        let error = step(&json(&silent), "greet")["error"].to_string();
        assert!(
            error.contains("Your name?") && error.contains("--answer STEP=JSON"),
            "{error}"
        );
    }
    let folder = project(".mcp.json", "new", &steps);
    for (answer, says) in [
        ("greets={}", "the plan has no step greets"),
        ("greet", "must be STEP=JSON"),
        ("greet=[1]", "a JSON object, decline or cancel"),
        ("greet={", "not valid JSON"),
    ] {
        let refused = run(folder.path(), &["--answer", answer]);
        assert_eq!(code(&refused), 2);
        assert!(stderr(&refused).contains(says), "{}", stderr(&refused));
    }
}

#[test]
fn tools_are_listed_with_where_they_come_from() {
    let folder = project(".mcp.json", "old", &json!([]));
    let own = "tools: {double: {type: jq, filter: '.n * 2'}, add: {type: mcp, server: scripted, mcp_tool: sum}}";
    std::fs::write(folder.path().join("tools.yaml"), own).unwrap();
    let output = plandeck_in(folder.path(), &["tools", "--json", "--trust"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let tools = json(&output);
    let tool = |name: &str| {
        let mut all = tools.as_array().unwrap().iter();
        all.find(|tool| tool["name"] == name)
            .unwrap_or_else(|| panic!("no {name} in {tools}"))
    };
    assert_eq!(tool("double")["source"], "tools.yaml");
    assert_eq!(tool("add")["input_schema"]["required"], json!(["a", "b"]));
    let say = tool("say");
    assert_eq!(
        (&say["source"], &say["type"]),
        (&json!("mcp:scripted"), &json!("mcp"))
    );
    assert_eq!(
        (&say["read_only"], &say["idempotent"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(tool("sum")["idempotent"], true);
    // It stands on the second page of the server's list.
    assert_eq!(tool("waits")["description"], "The tool waits.");
    assert_eq!(tool("code_exec")["source"], "built-in");
    let pids = started(folder.path());
    wait_until("the end of the server", || {
        !pids.iter().any(|pid| lives(pid))
    });
}

#[test]
fn one_tool_is_called() {
    let folder = project(".mcp.json", "old", &json!([]));
    std::fs::write(
        folder.path().join("tools.yaml"),
        "tools: {double: {type: jq, filter: '.n * 2'}}",
    )
    .unwrap();
    std::fs::write(folder.path().join("in.json"), r#"{"a": 2, "b": 3}"#).unwrap();
    let call = |name: &str, input: &str| {
        plandeck_in(folder.path(), &["tools", "call", name, input, "--trust"])
    };
    let output = call("double", r#"{"n": 21}"#);
    assert_eq!(
        (code(&output), json(&output)),
        (0, json!(42)),
        "{}",
        stderr(&output)
    );
    assert_eq!(json(&call("sum", "@in.json")), json!({"total": 5}));
    // What looks like a reference is text.
    let literal = call("scripted.say", r#"{"text": "{{a}} step:b ${C}"}"#);
    assert_eq!(
        json(&literal),
        json!("{{a}} step:b ${C}"),
        "{}",
        stderr(&literal)
    );
    let mut piped = plandeck();
    let piped = piped
        .current_dir(folder.path())
        .args(["tools", "call", "say", "-", "--trust"])
        .write_stdin(r#"{"text": "piped"}"#);
    assert_eq!(json(&piped.output().unwrap()), json!("piped"));

    let failed = call("fails", r#"{"text": "no such town"}"#);
    assert_eq!(code(&failed), 1);
    assert!(failed.stdout.is_empty() && stderr(&failed).contains("no such town"));
    for (name, input, part) in [
        ("sum", r#"{"a": 1, "b": "2"}"#, "b"),
        ("sum", "[1, 2]", "must be a JSON object"),
        ("sum", "{", "the parameters"),
        ("summ", "{}", "did you mean `sum`?"),
    ] {
        let refused = call(name, input);
        assert_eq!(code(&refused), 2, "{name} {input}: {}", stderr(&refused));
        assert!(
            stderr(&refused).contains(part),
            "{name} {input}: {}",
            stderr(&refused)
        );
    }
}

#[test]
fn servers_are_not_started_without_trust() {
    let untrusted = |arguments: &[&str], folder: &Path| {
        let mut command = plandeck();
        let command = command.env_remove("PLANDECK_TRUST").current_dir(folder);
        command.args(arguments).output().unwrap()
    };
    let steps = json!([call("x", "sum", &json!({"a": 1, "b": 2}))]);
    let folder = project(".mcp.json", "old", &steps);
    let tools = "tools: {double: {type: jq, filter: '.n * 2'}}";
    std::fs::write(folder.path().join("tools.yaml"), tools).unwrap();
    for (arguments, exit) in [
        (
            &["run", "plan.json", "--headless", "--worker", "offline"][..],
            2,
        ),
        (&["tools", "call", "sum", r#"{"a": 1, "b": 2}"#][..], 2),
        (&["tools"][..], 1),
    ] {
        let output = untrusted(arguments, folder.path());
        let said = stderr(&output);
        assert_eq!(code(&output), exit, "{arguments:?}: {said}");
        assert!(
            said.contains("server.py") && said.contains("--trust"),
            "{arguments:?}: {said}"
        );
        let printed = String::from_utf8_lossy(&output.stdout);
        assert_eq!(
            printed.contains("double"),
            exit == 1,
            "{arguments:?}: {printed}"
        );
    }
    let output = untrusted(&["tools", "call", "double", r#"{"n": 4}"#], folder.path());
    assert_eq!(json(&output), json!(8), "{}", stderr(&output));
    assert!(started(folder.path()).is_empty());
}
