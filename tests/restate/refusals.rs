//! Engines and workers that cannot be used: nothing is called, and the message has the remedy.

use crate::cluster::{Cluster, Run};
use crate::common::program::step;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

const CHARGE: &str = "  - {id: pay, tool: charge, parameters: {id: a}}";

fn refused(cluster: &Cluster, on: &str) -> String {
    let mut command = cluster.plandeck(&["run", "plan.yaml", "--worker", "offline", "--json"]);
    command.args(["--on", on]);
    let (code, output, said) = Run::start(command).ended();
    assert_eq!((code, &*output), (2, ""), "{said}");
    assert!(cluster.effects().is_empty());
    said
}

#[test]
fn an_engine_that_cannot_be_used_is_refused_before_anything_runs() {
    let cluster = Cluster::without_worker(
        CHARGE,
        "tools:\n  charge: {type: process, command: ['true']}\n",
    );
    let said = refused(&cluster, "temporal://127.0.0.1:7233");
    assert!(
        said.contains("restate://HOST:PORT[?admin=HOST:PORT]"),
        "{said}"
    );
    let said = refused(&cluster, "restate://127.0.0.1:1?admin=127.0.0.1:1");
    assert!(
        said.contains("cannot be asked") && said.contains("?admin=HOST:PORT"),
        "{said}"
    );
    let said = refused(&cluster, &cluster.address());
    assert!(
        said.contains("no worker is registered") && said.contains("plandeck worker --restate"),
        "{said}"
    );
    // A server of another version.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let body = r#"{"version":"0.9.1"}"#;
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    let said = refused(&cluster, &format!("restate://127.0.0.1:1?admin={place}"));
    assert!(said.contains("is Restate \"0.9.1\""), "{said}");
}

#[test]
fn a_worker_with_another_catalog_makes_no_call() {
    let tools =
        "tools:\n  charge: {type: process, cwd: FOLDER, command: [sh, -c, 'echo x >> effects']}\n";
    let mut cluster = Cluster::without_worker(CHARGE, tools);
    let other = fs::read_to_string(cluster.file("tools.yaml")).unwrap();
    fs::write(
        cluster.file("other.yaml"),
        other.replace("echo x", "echo y"),
    )
    .unwrap();
    fs::write(
        cluster.file("none.yaml"),
        "tools: {other: {type: jq, filter: '.'}}",
    )
    .unwrap();
    for (catalog, why) in [
        (
            "other.yaml",
            "defines \"charge\" otherwise than the catalog of this run",
        ),
        ("none.yaml", "has no tool \"charge\""),
    ] {
        cluster.start_worker_with(catalog);
        let (code, result, _) = cluster.run(&["--fresh"]).end();
        assert_eq!(code, 1, "{result:#}");
        let pay = step(&result, "pay");
        let message = pay["error"]["message"].as_str().unwrap();
        assert!(message.contains(why), "{message}");
        assert_eq!(
            (&pay["status"], &pay["cost"]),
            (&"failed".into(), &0.0.into())
        );
        assert!(cluster.effects().is_empty());
        cluster.kill_worker();
    }
    cluster.start_worker();
    let (code, result, _) = cluster.run(&[]).end();
    assert_eq!(code, 0, "{result:#}");
    assert_eq!(cluster.effects(), ["x"]);
}

#[test]
fn a_secret_does_not_go_to_the_engine() {
    let tools = "tools:\n  \
        token: {type: process, read_only: true, command: [sh, -c, 'printf %s \"$TOKEN\"'], env: {TOKEN: '${TOKEN}'}}\n  \
        charge: {type: process, cwd: FOLDER, command: [sh, -c, 'echo x >> effects']}\n";
    let mut cluster = Cluster::without_worker(CHARGE, tools);
    cluster.start_worker();
    fs::write(
        cluster.file("plan.yaml"),
        "steps:\n  - {id: pay, tool: charge, parameters: {id: 'hunter2secret'}}\n  \
         - {id: own, tool: token, parameters: {}}\n",
    )
    .unwrap();
    let mut command = cluster.plandeck(&["run", "plan.yaml", "--worker", "offline", "--json"]);
    command
        .args(["--on", &cluster.address()])
        .env("TOKEN", "hunter2secret");
    let (_, result, _) = Run::start(command).end();
    let message = step(&result, "pay")["error"]["message"].as_str().unwrap();
    assert!(message.contains("the input holds a secret"), "{message}");
    assert!(cluster.effects().is_empty());
    let mut kept = String::new();
    for entry in fs::read_dir(cluster.file("data")).unwrap().flatten() {
        let bytes = fs::read(entry.path()).unwrap_or_default();
        kept.push_str(&String::from_utf8_lossy(&bytes));
    }
    assert!(!kept.contains("hunter2secret"));
}
