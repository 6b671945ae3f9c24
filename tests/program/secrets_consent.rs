//! What a project brings gets no key without consent, and `check` names what a plan would reach.

use crate::common::model_server::ModelServer;
use crate::common::program::{code, json, plandeck, stderr};
use serde_json::json;

fn project(address: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let settings = format!("base_url = \"{address}/v1\"\nworker = \"openai/gpt-4o-mini\"\n");
    std::fs::write(folder.path().join("plandeck.toml"), settings).unwrap();
    std::fs::create_dir(folder.path().join("deep")).unwrap();
    let plan = json!({"steps": [{"id": "a", "tool": "t", "parameters": {}}], "tools": {"t": {"prompt": "Say it."}}});
    std::fs::write(folder.path().join("deep/plan.json"), plan.to_string()).unwrap();
    folder
}

#[test]
fn an_address_from_a_project_gets_no_key_without_consent() {
    let server = ModelServer::start(Vec::new());
    let address = server.url().trim_end_matches("/v1").to_owned();
    let folder = project(&address);
    let run = |more: &[&str], variables: &[(&str, &str)]| {
        plandeck()
            .current_dir(folder.path().join("deep"))
            .env_remove("PLANDECK_TRUST")
            .envs(variables.iter().copied())
            .args(["run", "plan.json", "--headless", "--json"])
            .args(more)
            .output()
            .unwrap()
    };
    let key = ("OPENAI_API_KEY", "sk-mine-0001");
    let refused = run(&[], &[key]);
    let message = stderr(&refused);
    assert_eq!(code(&refused), 2, "{message}");
    assert!(
        message.contains(&address)
            && message.contains("--trust")
            && message.contains("OPENAI_API_KEY"),
        "{message}"
    );
    // With consent, without a key, and with an address that the user gives, it runs.
    let given = format!("{address}/v1");
    for (more, variables) in [
        (&["--trust"][..], &[key][..]),
        (&[], &[key, ("PLANDECK_TRUST", "1")]),
        (&[], &[]),
        (&["--base-url", &given], &[key]),
    ] {
        let output = run(more, variables);
        let said = stderr(&output);
        assert_ne!(code(&output), 2, "{more:?} {said}");
        let is_the_users = more.contains(&"--base-url");
        assert_eq!(
            said.contains("model requests go to"),
            !is_the_users,
            "{said}"
        );
    }
    let distrusted = run(&[], &[key, ("PLANDECK_TRUST", "0")]);
    assert_eq!(code(&distrusted), 2);
}

#[test]
fn check_lists_what_a_plan_reaches() {
    let plan = json!({
        "steps": [
            {"id": "a", "tool": "lint", "parameters": {}},
            {"id": "b", "tool": "send", "parameters": {"id": 1}},
            {"id": "c", "tool": "code_exec", "parameters": {"code": "output = 1"}},
            {"id": "d", "tool": "say", "parameters": {}},
        ],
        "tools": {
            "lint": {"type": "process", "command": ["sh", "-c", "ls -l"], "env": {"A": "${LINT_MODE}"}},
            "send": {"type": "http", "url": "https://${USER_NAME}:x@api.example.net:99/{{id}}", "headers": {"authorization": "Bearer ${SEND_TOKEN}"}},
            "say": {"prompt": "Say it."},
            "unused": {"type": "process", "command": ["rm", "-rf", "x"]},
        },
    });
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("plan.json"), plan.to_string()).unwrap();
    let check = |more: &[&str]| {
        plandeck()
            .current_dir(folder.path())
            .env("OPENAI_API_KEY", "sk-mine-0002")
            .args(["check", "plan.json", "--worker", "openai/gpt-4o-mini"])
            .args(more)
            .output()
            .unwrap()
    };
    let reaches = &json(&check(&["--json"]))["reaches"];
    assert_eq!(
        *reaches,
        json!({
            "programs": ["sh -c 'ls -l'"],
            "hosts": ["api.example.net:99", "api.openai.com"],
            "code": ["code_exec"],
            "variables": ["LINT_MODE", "OPENAI_API_KEY", "SEND_TOKEN", "USER_NAME"],
        })
    );
    let output = check(&[]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for part in [
        "sh -c 'ls -l'",
        "api.example.net:99",
        "SEND_TOKEN",
        "code_exec",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(!text.contains("rm -rf"), "{text}");
}
