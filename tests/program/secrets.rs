//! No secret leaves the program, through whatever it prints, records or exports, and in whatever spelling.

use crate::common::program::{code, json, plandeck, stderr, step};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Output;

/// A server that answers every request with its address and its headers; `status` for each.
fn mirror(status: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut head = Vec::new();
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                head.push(std::mem::take(&mut line).trim().to_owned());
            }
            let length = head.iter().find_map(|line| {
                let line = line.to_ascii_lowercase();
                line.strip_prefix("content-length: ")?.parse().ok()
            });
            let mut body = vec![0; length.unwrap_or(0)];
            let _ = reader.read_exact(&mut body);
            // A chat completion too, so that it can stand in for a model.
            let said = head.join(" | ");
            let answer = json!({"said": said, "choices": [{"message": {"content": said}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 9, "completion_tokens": 9}})
            .to_string();
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{answer}",
                answer.len()
            );
        }
    });
    address
}

/// Runs a plan and gives everything that could be read of it, by where it stands.
fn everything(
    folder: &Path,
    plan: &Value,
    variables: &[(&str, &str)],
    more: &[&str],
) -> (Output, Vec<(String, String)>) {
    std::fs::write(folder.join("plan.json"), plan.to_string()).unwrap();
    let command = || {
        let mut command = plandeck();
        command
            .current_dir(folder)
            .env("PLANDECK_HOME", folder.join("home"))
            .envs(variables.iter().copied());
        command
    };
    let output = command()
        .args([
            "run",
            "plan.json",
            "--headless",
            "--json",
            "--events",
            "events",
        ])
        .args(["--log", "trace"])
        .args(more)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut seen = vec![
        ("standard output".to_owned(), text(&output.stdout)),
        ("standard error".to_owned(), text(&output.stderr)),
    ];
    for arguments in [
        &["show", "last"][..],
        &["explain", "last", "a"],
        &["export", "last", "--format", "jsonl"],
        &["export", "last", "--format", "csv"],
        &["check", "plan.json"],
    ] {
        let output = command().args(arguments).output().unwrap();
        seen.push((
            arguments.join(" "),
            text(&output.stdout) + &text(&output.stderr),
        ));
    }
    let files = [
        "events",
        "home/plandeck.db",
        "home/plandeck.db-wal",
        "home/log/plandeck.log",
    ];
    for file in files {
        let bytes = std::fs::read(folder.join(file)).unwrap_or_default();
        seen.push((file.to_owned(), text(&bytes)));
    }
    (output, seen)
}

fn assert_hidden(seen: &[(String, String)], needles: &[&str]) {
    for (place, text) in seen {
        for needle in needles {
            let at = text.find(needle);
            let around = |at: usize| {
                text.chars()
                    .skip(at.saturating_sub(80))
                    .take(200)
                    .collect::<String>()
            };
            assert!(
                at.is_none(),
                "{needle} is in {place}: {}",
                around(at.unwrap())
            );
        }
    }
}

#[test]
fn an_address_that_the_parser_encodes_shows_nothing() {
    const TOKEN: &str = "w é+b=c$d{Hidden42Value}";
    for status in ["200 OK", "418 I'm a teapot"] {
        let server = mirror(status);
        let host = server.trim_start_matches("http://");
        let tools = [
            json!({"url": format!("{server}/in/${{T}}/path")}),
            json!({"url": format!("{server}/?in=${{T}}&more=1")}),
            json!({"url": format!("{server}/"), "query": {"in": "${T}"}}),
            json!({"url": format!("{server}/"), "headers": {"x-api-key": "${PLAIN}"}}),
            json!({"url": format!("http://me:${{T}}@{host}/")}),
            json!({"url": "${ADDRESS}"}),
        ];
        let address = format!("{server}/hooks/Hidden42Path?sig=Hidden42Signature");
        let variables = [
            ("T", TOKEN),
            ("PLAIN", "plain-Hidden42Value"),
            ("ADDRESS", &*address),
        ];
        for tool in tools {
            let mut tool = tool;
            tool["type"] = "http".into();
            let folder = tempfile::tempdir().unwrap();
            let plan = json!({"steps": [{"id": "a", "tool": "t", "parameters": {}}], "tools": {"t": tool}});
            let (output, seen) =
                everything(folder.path(), &plan, &variables, &["--worker", "offline"]);
            assert_eq!(
                code(&output),
                i32::from(status.starts_with('4')),
                "{}",
                stderr(&output)
            );
            assert_hidden(&seen, &["Hidden42", "hidden42"]);
        }
    }
}

#[test]
fn a_model_that_repeats_the_key_is_not_quoted() {
    for (status, expected) in [("200 OK", 0), ("401 Unauthorized", 1)] {
        let server = mirror(status);
        let folder = tempfile::tempdir().unwrap();
        let plan = json!({"steps": [{"id": "a", "tool": "t", "parameters": {}}], "tools": {"t": {"prompt": "x"}}});
        let with_password = server.replace("http://", "http://me:Hidden42Password@");
        let variables = [
            ("OPENAI_API_KEY", "sk-Hidden42Key"),
            ("OPENAI_BASE_URL", &*with_password),
            ("ANTHROPIC_API_KEY", "sk-ant-Hidden42"),
        ];
        let (output, seen) = everything(
            folder.path(),
            &plan,
            &variables,
            &["--worker", "openai/gpt-4o-mini"],
        );
        assert_eq!(code(&output), expected, "{}", stderr(&output));
        assert_hidden(&seen, &["Hidden42"]);
    }
}

/// Standard error arrives in pieces, a number is no text, and the value is needed by the next step.
#[test]
fn a_later_step_gets_what_is_not_shown() {
    let script = r#"printf "pin ${PIN%?????}" >&2; sleep 0.2; printf "${PIN#?????} and a word\n" >&2; printf '{"pin": %s, "text": "<%s>"}' "$PIN" "$PIN""#;
    let check = r#"import json, sys; d = json.load(sys.stdin); n = 8675309 * 1000 + 123; print(json.dumps([d["pin"] == n, d["text"] == f"<{n}>"]))"#;
    let plan = json!({
        "steps": [
            {"id": "a", "tool": "give", "parameters": {}},
            {"id": "b", "tool": "take", "parameters": {"pin": "{{a.pin}}", "text": "{{a.text}}"}},
        ],
        "tools": {
            "give": {"type": "process", "command": ["sh", "-c", script], "env": {"PIN": "${MY_PIN}"}, "cache": true},
            "take": {"type": "process", "command": ["python3", "-c", check], "cache": true},
        },
    });
    let folder = tempfile::tempdir().unwrap();
    let variables = [("MY_PIN", "8675309123")];
    let (output, seen) = everything(folder.path(), &plan, &variables, &["--worker", "offline"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let result = json(&output);
    assert_eq!(result["result"], json!([true, true]));
    let shown = json!({"pin": "[redacted]", "text": "<[redacted]>"});
    assert_eq!(step(&result, "a")["output"], shown);
    assert!(
        stderr(&output).contains("pin [redacted] and a word"),
        "{}",
        stderr(&output)
    );
    assert_hidden(&seen, &["8675309123", "pin 86753"]);
    // What was recorded lacks it, and a call must not be made with the sign in its place.
    let fork = plandeck()
        .current_dir(folder.path())
        .env("PLANDECK_HOME", folder.path().join("home"))
        .env("MY_PIN", "8675309123")
        .args([
            "fork",
            "last",
            "--from",
            "b",
            "--worker",
            "offline",
            "--headless",
            "--json",
        ])
        .output()
        .unwrap();
    let forked = json(&fork);
    assert_eq!(step(&forked, "a")["source"], "recorded");
    let message = step(&forked, "b")["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("[redacted]") && message.contains("again"),
        "{message}"
    );
}

#[test]
fn a_program_gets_no_variable_that_the_catalog_does_not_name() {
    let plan = json!({
        "steps": [{"id": "a", "tool": "list", "parameters": {}}],
        "tools": {"list": {"type": "process", "command": ["env"], "env": {"MINE": "${ASKED_FOR}"}}},
    });
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("plan.json"), plan.to_string()).unwrap();
    for limit in [
        &[][..],
        &["--max-memory-mb", "500", "--max-cpu-percent", "90"],
    ] {
        let output = plandeck()
            .args(["run", "--worker", "offline", "--headless", "--json"])
            .arg(folder.path().join("plan.json"))
            .args(limit)
            .env("ASKED_FOR", "1")
            .env("OPENAI_API_KEY", "sk-none-of-its-business")
            .env("SSH_AUTH_SOCK", "/tmp/none")
            .env("LANG", "C.UTF-8")
            .env("TZ", "UTC")
            .output()
            .unwrap();
        let result = json(&output);
        let names: Vec<&str> = result["result"].as_str().unwrap().lines().collect();
        let names = names
            .iter()
            .filter_map(|line| line.split_once('='))
            .map(|(name, _)| name);
        let allowed = ["PATH", "HOME", "LANG", "TZ", "PLANDECK_ATTEMPT", "MINE"];
        let mut names: Vec<&str> = names.collect();
        names.sort_unstable();
        assert!(names.iter().all(|name| allowed.contains(name)), "{names:?}");
        assert!(
            ["LANG", "MINE", "PATH", "TZ"]
                .iter()
                .all(|name| names.contains(name)),
            "{names:?}"
        );
    }
}

/// What a schema does not allow is quoted up to some length: a secret that stands across the cut shows no part of itself.
#[test]
fn a_violation_quotes_no_secret() {
    let pass = "never-quoted-5f0c-77aa-e812-99d4";
    let mut steps = vec![json!({"id": "give", "tool": "give", "parameters": {}})];
    let places = (0..300).step_by(11).chain((880..1060).step_by(17));
    let places: Vec<usize> = places.chain((3920..4040).step_by(17)).collect();
    for at in &places {
        let text = format!("{}{{{{give.pass}}}} and more", "-".repeat(*at));
        for tool in ["number", "object"] {
            steps.push(
                json!({"id": format!("{tool}_{at}"), "tool": tool, "parameters": {"text": text}}),
            );
        }
    }
    let checked = |schema: &Value, filter: &str| json!({"type": "model", "prompt": "x", "output_schema": schema, "offline": {"jq": filter}});
    let object = json!({"type": "object", "properties": {"short": {"maxLength": 2}}, "additionalProperties": false});
    let plan = json!({
        "steps": steps,
        "tools": {
            "give": {"type": "process", "command": ["sh", "-c", r#"printf '{"pass": "%s"}' "$PASS""#],
                "env": {"PASS": "${MY_PASS}"}},
            "number": checked(&json!({"type": "integer"}), ".text"),
            "object": checked(&object, "{short: .text, (.text): 1}"),
        },
    });
    let folder = tempfile::tempdir().unwrap();
    let (output, seen) = everything(
        folder.path(),
        &plan,
        &[("MY_PASS", pass)],
        &["--worker", "offline"],
    );
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    let result = json(&output);
    for tool in ["number", "object"] {
        let row = step(&result, &format!("{tool}_{}", places[0]));
        let message = row["error"]["message"].as_str().unwrap();
        assert!(
            message.contains("does not allow") && message.contains("[redacted]"),
            "{message}"
        );
    }
    for part in [&pass[..8], &pass[pass.len() - 8..], pass] {
        assert_hidden(&seen, &[part]);
    }
}
