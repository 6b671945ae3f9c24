//! Bad input of every kind: exit 2, a message with a place, and nothing that a terminal would obey.

use crate::common::program::{code, folder, plan_in, plandeck, stderr};
use std::fmt::Write;
use std::path::Path;
use std::process::Output;

const TOOLS: &str = "tools: {echo: {type: jq, description: Gives back, filter: .}, \
    touch: {type: process, description: Leaves a trace, command: [touch, ./was-called]}}";

/// What both `check` and `run` say of this plan. No call is made by either.
fn refused(plan: &Path) -> String {
    let mut said = String::new();
    for arguments in [
        &["check"][..],
        &["run", "--headless", "--worker", "offline", "--json"][..],
    ] {
        let output = plandeck().args(arguments).arg(plan).output().unwrap();
        fits_for_a_terminal(&output);
        assert_eq!(code(&output), 2, "{arguments:?}: {}", stderr(&output));
        said = stderr(&output);
        assert!(!said.trim().is_empty());
    }
    assert!(
        !plan.with_file_name("was-called").exists(),
        "a tool was called"
    );
    said
}

fn fits_for_a_terminal(output: &Output) {
    let said = stderr(output);
    assert!(!said.contains("panicked"), "{said}");
    let raw = said
        .chars()
        .chain(
            String::from_utf8_lossy(&output.stdout)
                .chars()
                .collect::<Vec<_>>(),
        )
        .find(|c| c.is_control() && *c != '\n' && *c != '\t');
    assert_eq!(raw, None, "a control character was printed: {said:?}");
    assert!(said.len() < 200_000, "{} bytes of message", said.len());
}

fn refused_text(name: &str, text: impl AsRef<[u8]>) -> String {
    let folder = folder(name, "", TOOLS);
    let plan = folder.path().join(name);
    std::fs::write(&plan, text).unwrap();
    refused(&plan)
}

/// Whether `line:column` stands somewhere in the message.
fn has_place(said: &str, place: &str) -> bool {
    said.contains(&format!(":{place}"))
}

#[test]
fn a_file_that_is_not_there() {
    let said = refused(Path::new("/nowhere/at/all/plan.json"));
    assert!(said.contains("/nowhere/at/all/plan.json"), "{said}");
}

#[test]
fn a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let said = refused(folder.path());
    assert!(said.contains(folder.path().to_str().unwrap()), "{said}");
}

#[test]
fn nothing_at_all() {
    let said = refused_text("plan.json", "");
    assert!(has_place(&said, "1:1"), "{said}");
    refused_text("plan.yaml", "   \n\n");
    refused_text("plan.txt", "hello");
}

#[test]
fn binary() {
    let bytes: Vec<u8> = (0..20_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let said = refused_text("plan.json", &bytes);
    assert!(said.contains("plan.json"), "{said}");
    refused_text("plan.yaml", [0_u8; 4096]);
    refused_text("plan.json", [0xff_u8; 100]);
}

#[test]
fn depth() {
    for bracket in ["[", "{\"a\":", "{\"steps\":["] {
        refused_text("plan.json", bracket.repeat(200_000));
    }
    refused_text("plan.yaml", "[".repeat(200_000));
    refused_text("plan.yaml", "- ".repeat(200_000));
    let closed = "[".repeat(200_000) + &"]".repeat(200_000);
    refused_text("plan.json", &closed);
    let inside = format!(
        r#"{{"steps": [{{"id": 1, "tool": "echo", "parameters": {{"deep": {closed}}}}}]}}"#
    );
    refused_text("plan.json", inside);
}

#[test]
fn a_bomb_of_aliases() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..30 {
        let below = vec![format!("*a{}", level - 1); 9].join(", ");
        writeln!(bomb, "a{level}: &a{level} [{below}]").unwrap();
    }
    bomb += "steps: *a29\n";
    refused_text("plan.yaml", bomb);
}

#[test]
fn control_characters_in_names() {
    let said = refused_text(
        "plan.json",
        "{\"steps\": [{\"id\": \"a\\u001b[31mred\\u0007\", \"tool\": \"no\\u001b]0;title\\u0007such\", \"parameters\": {}}]}",
    );
    assert!(said.contains("such"), "{said}");
    let folder = tempfile::tempdir().unwrap();
    let plan = folder.path().join("a\u{1b}[31mplan\u{7}.json");
    std::fs::write(&plan, "{").unwrap();
    refused(&plan);
}

/// Escapes in a value or an output do not reach the terminal when the plan itself is sound.
#[test]
fn control_characters_on_the_way() {
    let folder = folder(
        "plan.json",
        "{\"steps\": [{\"id\": \"a\", \"description\": \"\\u001b[31mred\", \"tool\": \"shout\", \"parameters\": {\"x\": \"\\u001b[2J\"}}]}",
        "tools: {shout: {type: process, description: Shouts, command: [sh, -c, 'printf \"\\033[2Jgone\\007\" >&2; exit 1']}}",
    );
    let output = plandeck()
        .args(["run", "--headless", "--worker", "offline", "--json"])
        .arg(plan_in(folder.path()))
        .output()
        .unwrap();
    fits_for_a_terminal(&output);
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    assert!(stderr(&output).contains("gone"), "{}", stderr(&output));
}

#[test]
fn every_fault_at_once_each_with_its_place() {
    let plan = r#"{
  "steps": [
    {"id": "extract", "tool": "ecko", "parameters": {}},
    {"id": "extract", "tool": "echo", "parameters": {"a": "{{steps[extrct].output}}"}},
    {"id": "b", "tool": "echo", "parameters": {}, "depends_on": ["c"]},
    {"id": "c", "tool": "echo", "parameters": {}, "depends_on": ["b"]},
    {"id": "d", "tool": "touch", "parameters": {}}
  ]
}
"#;
    let said = refused_text("plan.json", plan);
    for (what, place) in [("ecko", "3:"), ("extrct", "4:")] {
        assert!(said.contains(what), "{what} in\n{said}");
        assert!(has_place(&said, place), "{place} in\n{said}");
    }
    assert!(
        said.contains("`echo`"),
        "the likely repair of ecko:\n{said}"
    );
    assert!(
        said.contains("`extract`"),
        "the likely repair of extrct:\n{said}"
    );
    assert!(said.to_lowercase().contains("cycle"), "{said}");
}

#[test]
fn bad_yaml_has_a_place() {
    let said = refused_text(
        "plan.yaml",
        "steps:\n  - id: a\n    tool: echo\n    parameters: {x: 1\n  - id: b\n",
    );
    assert!(said.contains("plan.yaml:"), "{said}");
}

#[test]
fn a_plan_without_steps() {
    refused_text("plan.json", r#"{"steps": []}"#);
    refused_text("plan.json", r#"{"name": "nothing"}"#);
    refused_text("plan.json", "[]");
    refused_text("plan.json", "null");
}

#[test]
fn parameters_are_held_against_the_catalog() {
    let folder = folder(
        "plan.json",
        r#"{"steps": [{"id": 1, "tool": "add", "parameters": {"a": "three"}}]}"#,
        "tools: {add: {type: jq, description: Adds, filter: .a + .b, parameters: [\
         {name: a, type: integer, description: one, required: true}, {name: b, type: integer, description: other, required: true}]}}",
    );
    let said = refused(&plan_in(folder.path()));
    assert!(said.contains("`a`") && said.contains("`b`"), "{said}");
}

#[test]
fn a_broken_catalog() {
    for tools in [
        "tools: [",
        "tools: {echo: {type: teleport, description: x}}",
        "tools: {echo: {type: jq, filter: '.a | ['}}",
        "tools: [[1]]",
        "\u{0}\u{1}\u{2}",
        &"[".repeat(200_000),
        &"- ".repeat(200_000),
    ] {
        let folder = folder(
            "plan.json",
            r#"{"steps": [{"id": 1, "tool": "echo", "parameters": {}}]}"#,
            tools,
        );
        let said = refused(&plan_in(folder.path()));
        assert!(said.contains("tools.yaml"), "{said}");
    }
}

#[test]
fn faults_of_a_catalog_do_not_hide_those_of_the_plan() {
    let folder = folder(
        "plan.json",
        r#"{"steps": [{"id": 1, "tool": "echo", "depends_on": [7]}]}"#,
        "tools: {echo: {type: teleport, description: x}}",
    );
    let said = refused(&plan_in(folder.path()));
    assert!(said.contains("teleport") && said.contains("`7`"), "{said}");
    assert!(
        said.contains("tools.yaml:1:9") && said.contains("plan.json:1:53"),
        "{said}"
    );
}

#[test]
fn wrong_usage() {
    for arguments in [
        &["run"][..],
        &["run", "plan.json", "--max-concurrent", "0"],
        &["run", "plan.json", "--max-concurrent", "many"],
        &["run", "plan.json", "--no-such-option"],
        &["run", "plan.json", "-c", "no-equals-sign"],
        &["no-such-plan.json"],
        &["run", "plan.json", "--max-total-cost-usd", "-1"],
        &["plan", "make soup", "--tools", "tools.yaml"],
        &["batch", "plan.json", "--inputs", "in.jsonl"],
    ] {
        let output = plandeck().args(arguments).output().unwrap();
        assert_eq!(code(&output), 2, "{arguments:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty());
        fits_for_a_terminal(&output);
    }
}

#[test]
fn what_is_wrong_with_an_option_is_said() {
    let folder = folder(
        "plan.json",
        r#"{"steps": [{"id": 1, "tool": "echo", "parameters": {}}]}"#,
        TOOLS,
    );
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let no_servers = file("servers.json", "{\"tools\": {}}");
    let no_json = file("context.json", "{\n  \"a\" 1\n}");
    for (arguments, said_of_it) in [
        (["--worker", "nobody/model"], "nobody"),
        (
            ["--mcp-config", "/nowhere/servers.json"],
            "/nowhere/servers.json",
        ),
        (["--mcp-config", &no_servers], "mcpServers"),
        (["--context-file", &no_json], "context.json:2:7"),
        (
            ["--max-total-cost-usd", "-1"],
            "must be a number of at least 0",
        ),
        (["--base-url", "no address"], "--base-url no address"),
        (["--base-url", "ftp://here"], "http:// or https://"),
        (["--theme", "neon"], "there is no theme \"neon\""),
    ] {
        let output = plandeck()
            .arg("run")
            .arg(plan_in(folder.path()))
            .args(arguments)
            .output()
            .unwrap();
        let said = stderr(&output);
        assert_eq!(code(&output), 2, "{arguments:?}: {said}");
        assert!(said.contains(said_of_it), "{arguments:?}: {said}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn who_stops_listening_causes_an_error_and_no_panic() {
    let folder = folder(
        "plan.json",
        r#"{"steps": [{"id": 1, "tool": "echo", "parameters": {}, "odd": 1}]}"#,
        TOOLS,
    );
    let plan = plan_in(folder.path());
    for arguments in [
        vec!["check", plan.to_str().unwrap()],
        vec!["run", plan.to_str().unwrap(), "--json"],
        vec!["tools", plan.to_str().unwrap()],
        vec!["themes"],
        vec!["runs"],
        vec!["no-such-plan.json"],
    ] {
        // Both streams are pipes whose reader is gone.
        let (out, err) = (std::io::pipe().unwrap().1, std::io::pipe().unwrap().1);
        let mut command = crate::common::program::command();
        command
            .args(&arguments)
            .env("PLANDECK_HOME", crate::common::program::home())
            .stdout(out)
            .stderr(err);
        let status = command.status().unwrap();
        assert!(
            matches!(status.code(), Some(1 | 2)),
            "{arguments:?}: {status}"
        );
    }
}

/// A result that could not be printed used to count as a success.
#[test]
#[cfg(target_os = "linux")]
fn output_that_cannot_be_written_is_an_error_and_no_panic() {
    let folder = folder(
        "plan.json",
        r#"{"steps": [{"id": 1, "tool": "one", "parameters": {}}]}"#,
        "tools: {one: {type: jq, filter: '1'}}",
    );
    let plan = plan_in(folder.path());
    let commands: [&[&str]; 5] = [
        &["run", "--json", "PLAN"],
        &["run", "--events", "-", "PLAN"],
        &["check", "PLAN"],
        &["themes"],
        &["completions", "bash"],
    ];
    for arguments in commands {
        let run = |out: std::process::Stdio| {
            let mut command = crate::common::program::command();
            for argument in arguments {
                match *argument {
                    "PLAN" => command.arg(&plan),
                    other => command.arg(other),
                };
            }
            command
                .env("PLANDECK_HOME", folder.path().join("home"))
                .stdin(std::process::Stdio::null())
                .stdout(out)
                .output()
                .unwrap()
        };
        let full = std::fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let full = run(full.into());
        let said = String::from_utf8_lossy(&full.stderr).into_owned();
        assert_eq!(full.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains("No space left"), "{arguments:?}: {said}");
        assert!(!said.contains("panicked"), "{arguments:?}: {said}");

        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let closed = run(writer.into());
        let said = String::from_utf8_lossy(&closed.stderr).into_owned();
        assert_eq!(closed.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(!said.contains("panicked"), "{arguments:?}: {said}");
    }
}

#[test]
fn integers_that_would_be_rounded_are_refused_wherever_they_come_from() {
    let digits = "73786976294838206464";
    let folder = folder(
        "p.yaml",
        "steps: [{id: a, tool: echo, parameters: {n: '{{n}}'}}]",
        TOOLS,
    );
    let plan = folder.path().join("p.yaml");
    let file = folder.path().join("c.json");
    std::fs::write(&file, format!("{{\"n\": {digits}}}")).unwrap();
    for arguments in [
        ["-c".to_owned(), format!("n={digits}")],
        ["-c".to_owned(), format!("n=[{digits}]")],
        ["--context-file".to_owned(), file.display().to_string()],
    ] {
        let mut command = plandeck();
        command.args(["run", "--headless", "--json", "--worker", "offline"]);
        let output = command.args(&arguments).arg(&plan).output().unwrap();
        assert_eq!(code(&output), 2, "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(digits), "{}", stderr(&output));
    }
    let mut command = plandeck();
    command.args(["run", "--headless", "--json", "--worker", "offline", "-c"]);
    let output = command
        .arg(format!("n=\"{digits}\""))
        .arg(&plan)
        .output()
        .unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
}
