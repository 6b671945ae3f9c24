//! `plandeck models`, and the worker that is taken where none is named.

use crate::common::program::{code, json, plandeck, stderr};
use crate::common::samples::sample;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;

/// Nothing listens there.
const NOBODY: &str = "http://127.0.0.1:9";
const LOCAL: [&str; 4] = [
    "OLLAMA_HOST",
    "LLAMACPP_BASE_URL",
    "LMSTUDIO_BASE_URL",
    "VLLM_BASE_URL",
];

/// A server that has an answer for some paths, and 404 for the others.
fn server(answers: Vec<(&'static str, Value)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let head = lines.next().unwrap().unwrap();
            while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
            let path = head.split(' ').nth(1).unwrap();
            let answer = answers.iter().find(|(known, _)| *known == path);
            let (status, body) = match answer {
                Some((_, body)) => ("200 OK", body.to_string()),
                None => ("404 Not Found", "{}".to_owned()),
            };
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = stream.read(&mut [0; 1024]);
        }
    });
    address
}

/// A command in an environment with these variables and no model server, unless one is named.
fn command(variables: &[(&str, &str)]) -> assert_cmd::Command {
    let mut command = plandeck();
    // A busy machine may take its time.
    command.env("PLANDECK_PROBE_MS", "20000");
    for name in LOCAL {
        command.env(name, NOBODY);
    }
    command.envs(variables.iter().copied());
    command
}

fn listed(variables: &[(&str, &str)]) -> Vec<Value> {
    let output = command(variables)
        .args(["models", "--json"])
        .output()
        .unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn stdout(output: &std::process::Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What `check` says about the worker of the receipt plan.
fn worker(variables: &[(&str, &str)]) -> (String, String) {
    let output = command(variables)
        .arg("check")
        .arg(sample("receipt"))
        .arg("--json")
        .output()
        .unwrap();
    let report = json(&output);
    let text = |name: &str| report[name].as_str().unwrap_or_default().to_owned();
    (text("worker"), text("worker_reason"))
}

#[test]
fn without_a_key_the_table_is_listed_as_not_reachable() {
    let list = listed(&[]);
    let mini = list
        .iter()
        .find(|row| row["provider"] == "openai" && row["id"] == "gpt-4o-mini")
        .unwrap();
    assert_eq!(mini["reachable"], false);
    assert_eq!(mini["context_window"], 128_000);
    assert_eq!(mini["input_usd_per_million"], 0.15);
    assert_eq!(mini["cached_input_usd_per_million"], 0.075);
    assert_eq!(mini["output_usd_per_million"], 0.6);
    assert!(
        mini["price_source"]
            .as_str()
            .unwrap()
            .starts_with("https://")
    );
    assert!(mini["price_date"].as_str().unwrap() > "2026");
    assert!(list.iter().all(|row| row["reachable"] == false));
}

#[test]
fn a_server_on_this_machine_is_asked_for_its_models() {
    let list = json!({"object": "list", "data": [
        {"id": "nomic-embed-text", "owned_by": "library"},
        {"id": "openai/gpt-oss-20b", "owned_by": "vllm", "max_model_len": 32_768},
    ]});
    let url = server(vec![("/v1/models", list)]) + "/v1";
    let environment = [("VLLM_BASE_URL", url.as_str())];
    let models = listed(&environment);
    let reachable: Vec<&Value> = models
        .iter()
        .filter(|row| row["reachable"] == true)
        .collect();
    assert_eq!(reachable.len(), 2);
    // What the same model costs elsewhere does not count.
    assert_eq!(
        *reachable[1],
        json!({"id": "openai/gpt-oss-20b", "provider": "vllm", "reachable": true, "context_window": 32_768,
            "input_usd_per_million": 0.0, "cached_input_usd_per_million": null, "output_usd_per_million": 0.0,
            "price_source": "local", "price_date": null})
    );
    let (worker, reason) = worker(&environment);
    assert_eq!(worker, "vllm/openai/gpt-oss-20b");
    assert!(reason.contains(&url), "{reason}");
    let output = command(&environment).arg("models").output().unwrap();
    let text = stdout(&output);
    assert!(
        text.starts_with("auto takes vllm/openai/gpt-oss-20b: no key is set, and "),
        "{text}"
    );
    assert!(text.contains("no key: set OPENAI_API_KEY"), "{text}");
}

#[test]
fn a_key_comes_before_a_server_on_this_machine() {
    let tags = json!({"models": [{"name": "qwen3:4b"}]});
    let ollama = server(vec![("/api/tags", tags)]);
    let own = server(vec![(
        "/v1/models",
        json!({"data": [{"id": "gpt-4o-mini-2024-07-18"}, {"id": "house-model"}]}),
    )]) + "/v1";
    assert_eq!(worker(&[("OLLAMA_HOST", &ollama)]).0, "ollama/qwen3:4b");
    let environment = [
        ("OLLAMA_HOST", ollama.as_str()),
        ("OPENAI_BASE_URL", own.as_str()),
        ("OPENAI_API_KEY", "sk-no-such-key"),
    ];
    let (name, reason) = worker(&environment);
    assert_eq!(
        (&*name, &*reason),
        ("openai/gpt-4o-mini", "OPENAI_BASE_URL is set")
    );
    assert_eq!(
        worker(&[("GROQ_API_KEY", "k-0123456789")]).1,
        "GROQ_API_KEY is set"
    );
    let models = listed(&environment);
    let find = |id: &str| models.iter().find(|row| row["id"] == id).unwrap();
    assert_eq!(
        find("gpt-4o-mini-2024-07-18")["input_usd_per_million"],
        0.15
    );
    assert_eq!(find("house-model")["input_usd_per_million"], Value::Null);
    assert_eq!(find("qwen3:4b")["reachable"], true);
}

#[test]
fn a_server_that_passes_requests_on_is_not_taken_for_a_free_one() {
    let list = json!({"data": [{"id": "gpt-4o", "owned_by": "openai"}]});
    let url = server(vec![("/v1/models", list)]) + "/v1";
    let environment = [("VLLM_BASE_URL", url.as_str())];
    assert_eq!(worker(&environment).0, "offline");
    let output = command(&environment).arg("models").output().unwrap();
    assert!(stdout(&output).contains("passes requests on to openai"));
}

#[test]
fn a_run_says_which_worker_it_takes_and_why() {
    let output = command(&[])
        .arg("run")
        .arg(sample("receipt"))
        .arg("--headless")
        .output()
        .unwrap();
    let told = stderr(&output);
    assert!(
        told.contains("offline: no key is set, and no model server on this machine answers"),
        "{told}"
    );
}

/// A server that keeps what it is asked, and lists one model in every form.
fn asked_for_models() -> (String, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, heads) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let head: Vec<String> = lines
                .map(Result::unwrap)
                .take_while(|line| !line.is_empty())
                .collect();
            let _ = sender.send(head.join("\n").to_lowercase());
            let body = json!({"data": [{"id": "some-model"}]}).to_string();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    (address, heads)
}

#[test]
fn each_provider_is_asked_in_its_own_way() {
    for (variables, first, headers) in [
        (
            ["ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"],
            "get /v1/models?limit=1000 http/1.1",
            vec!["x-api-key: k-0123456789", "anthropic-version: 2023-06-01"],
        ),
        (
            ["GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL"],
            "get /v1beta/models?pagesize=1000 http/1.1",
            vec!["x-goog-api-key: k-0123456789"],
        ),
        (
            ["AZURE_OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT"],
            "get /openai/v1/models http/1.1",
            vec!["api-key: k-0123456789"],
        ),
        (
            ["OPENAI_API_KEY", "OPENAI_BASE_URL"],
            "get /models http/1.1",
            vec!["authorization: bearer k-0123456789"],
        ),
    ] {
        let (address, heads) = asked_for_models();
        let models = listed(&[(variables[0], "k-0123456789"), (variables[1], &address)]);
        assert!(
            models
                .iter()
                .any(|row| row["id"] == "some-model" && row["reachable"] == true)
        );
        let head = heads.recv().unwrap();
        let lines: Vec<&str> = head.lines().collect();
        assert_eq!(lines[0], first);
        for header in headers {
            assert!(lines.contains(&header), "{header} is not in {head}");
        }
    }
    let output = command(&[("AZURE_OPENAI_API_KEY", "k-0123456789")])
        .arg("models")
        .output()
        .unwrap();
    assert!(stdout(&output).contains("no address: set AZURE_OPENAI_ENDPOINT"));
}
