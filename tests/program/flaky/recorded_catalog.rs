//! What a run was made from stays on record when its files change.

use crate::common::model_server::ModelServer;
use crate::common::program::{code, json, plandeck, stderr};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::process::Output;
use tempfile::TempDir;

const CATALOG: &str = r#"
tools:
  guess:
    type: model
    prompt: "@guess.txt"
    output_schema: {type: object}
  send:
    type: http
    url: http://127.0.0.1:9/${PLACE}
    headers: {x-key: sesame-open}
"#;

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("tools.yaml", CATALOG);
    write("guess.txt", "Guess what {{of}} is.");
    let plan = json!({"name": "guess", "steps": [{"id": "guess", "tool": "guess", "parameters": {"of": "tea"}}]});
    write("plan.json", &plan.to_string());
    folder
}

fn run(folder: &TempDir, server: &ModelServer, arguments: &[&str]) -> Output {
    plandeck()
        .current_dir(folder.path())
        .env("PLANDECK_HOME", folder.path().join("home"))
        .env("PLANDECK_WORKER", "openai/gpt-4o-mini")
        .env("OPENAI_API_KEY", "k")
        .env("OPENAI_BASE_URL", server.url())
        .args(arguments)
        .output()
        .unwrap()
}

fn answer() -> ModelServer {
    ModelServer::answering(wiremock::ResponseTemplate::new(200).set_body_json(json!({
        "id": "c", "object": "chat.completion", "model": "gpt-4o-mini",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "{\"it\": 1}"}}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 1, "total_tokens": 11},
    })))
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn asked(server: &ModelServer) -> String {
    server.requests().last().unwrap().1["messages"].to_string()
}

fn catalogs(folder: &TempDir) -> i64 {
    let store = Connection::open(folder.path().join("home/plandeck.db")).unwrap();
    let count =
        "SELECT count(DISTINCT catalog) FROM run_details WHERE catalog IN (SELECT hash FROM blobs)";
    store.query_row(count, [], |row| row.get(0)).unwrap()
}

#[test]
fn the_catalog_of_a_run_is_shown_and_called_again_after_it_has_changed() {
    let (folder, server) = (folder(), answer());
    for _ in 0..3 {
        let ran = run(&folder, &server, &["run", "plan.json", "--json", "--fresh"]);
        assert_eq!(code(&ran), 0, "{}", stderr(&ran));
    }
    assert_eq!(catalogs(&folder), 1, "runs with one catalog store it once");
    let runs = json(&run(&folder, &server, &["runs", "--json"]));
    let first = runs[0]["run_id"].as_str().unwrap().to_owned();

    std::fs::write(folder.path().join("guess.txt"), "Say what {{of}} is.").unwrap();
    let shown = run(&folder, &server, &["show", &first, "--tools"]);
    let tools: Value = json(&shown);
    assert_eq!(tools["tools"]["guess"]["prompt"], "Guess what {{of}} is.");
    assert_eq!(tools["tools"]["send"]["headers"]["x-key"], "[redacted]");
    assert!(!stdout(&shown).contains("sesame"));
    let plan = stdout(&run(&folder, &server, &["show", &first, "--plan"]));
    assert_eq!(
        plan,
        std::fs::read_to_string(folder.path().join("plan.json")).unwrap()
    );

    run(&folder, &server, &["flaky", &first, "guess", "-n", "1"]);
    assert!(asked(&server).contains("Say what"));
    // Not even the files are needed for the run as it was.
    for name in ["tools.yaml", "guess.txt", "plan.json"] {
        std::fs::remove_file(folder.path().join(name)).unwrap();
    }
    let again = run(
        &folder,
        &server,
        &["flaky", &first, "guess", "-n", "1", "--recorded"],
    );
    assert_eq!(code(&again), 0, "{}", stderr(&again));
    assert!(
        asked(&server).contains("Guess what tea is."),
        "{}",
        asked(&server)
    );
    let bundle = run(&folder, &server, &["bundle", &first]);
    assert_eq!(code(&bundle), 0, "{}", stderr(&bundle));

    // A run of an older version has no catalog on record.
    let store = Connection::open(folder.path().join("home/plandeck.db")).unwrap();
    store
        .execute("UPDATE run_details SET catalog = NULL", [])
        .unwrap();
    let none = run(&folder, &server, &["show", &first, "--tools"]);
    assert_eq!(code(&none), 2);
    assert!(
        stderr(&none).contains("the catalog of the run is not on record"),
        "{}",
        stderr(&none)
    );
    std::fs::write(
        folder.path().join("tools.yaml"),
        CATALOG.replace("@guess.txt", "Tell {{of}}"),
    )
    .unwrap();
    let now = run(
        &folder,
        &server,
        &["flaky", &first, "guess", "-n", "1", "--recorded"],
    );
    assert!(
        stderr(&now).contains("its tools are taken as they are now"),
        "{}",
        stderr(&now)
    );
    assert!(asked(&server).contains("Tell tea"));
}
