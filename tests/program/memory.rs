//! How much memory and disk a run takes when many steps refer to the same large value.

use crate::common::program::{FOREIGN, json, program, step};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// Steps that use the large value.
const FEW: usize = 10;
const MANY: usize = 240;
/// Its size in bytes.
const LARGE: usize = 400_000;
/// How many copies more many steps may take than few: of calls that happen to run at the same time, and in what the
/// threads that made them keep of the memory that they have freed. It is less than half of what a copy for each step
/// would take.
const COPIES: usize = 100;

/// Runs a program and prints the highest memory use of it or a child, in kilobytes, on standard error.
const MEASURED: &str = "
import resource, subprocess, sys
ended = subprocess.run(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(ended.returncode)";

/// Runs the program with a store in `home`; gives what it printed and its highest memory use in bytes.
fn measured(home: &Path, arguments: &[&str]) -> (Value, usize) {
    let mut command = Command::new("python3");
    command.args(["-c", MEASURED]).arg(program());
    command.args(arguments).env("PLANDECK_HOME", home);
    command.env("PLANDECK_TRUST", "1");
    for name in FOREIGN {
        command.env_remove(name);
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let kilobytes: usize = said.lines().last().unwrap().parse().unwrap();
    (json(&output), kilobytes * 1024)
}

/// A large text that no compression makes small.
fn note() -> String {
    let mut random = fastrand::Rng::with_seed(3);
    (0..LARGE).map(|_| random.alphanumeric()).collect()
}

/// A plan whose steps take `parameter` as one of several, where `page` is a text, and `book` an object with a text. The
/// outputs of steps that take an object are cached, with their inputs.
fn plan(parameter: &Value, steps: usize) -> Value {
    let write = "import json, random, sys\nn = json.load(sys.stdin)['n']\nprint(json.dumps({'title': 't', 'text': random.Random(n).randbytes(n // 2).hex()}))";
    let use_it = (0..steps).map(|at| {
        json!({"id": format!("use{at}"), "tool": "weigh", "parameters": {"at": at, "of": parameter}, "cache": parameter.is_object()})
    });
    let made = [
        json!({"id": "book", "tool": "write", "parameters": {"n": "{{size}}"}}),
        json!({"id": "page", "tool": "text", "parameters": {"of": "{{book}}"}}),
    ];
    json!({
        "tools": {
            "write": {"type": "process", "command": ["python3", "-c", write], "read_only": true},
            "text": {"type": "jq", "filter": ".of.text"},
            "weigh": {"type": "jq", "filter": "{at: .at, weight: (.of | length)}"},
        },
        "steps": made.into_iter().chain(use_it).collect::<Vec<_>>(),
    })
}

/// What a run with this parameter takes, and what showing it from its journal takes, in bytes; and what is stored.
fn taken(parameter: &Value, steps: usize) -> [usize; 3] {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json");
    std::fs::write(&file, plan(parameter, steps).to_string()).unwrap();
    std::fs::write(folder.path().join("note.txt"), note()).unwrap();
    let home = folder.path().join("home");
    let note = format!("note=@{}", folder.path().join("note.txt").display());
    let size = format!("size={LARGE}");
    let (result, run) = measured(
        &home,
        &[
            "run",
            &file.to_string_lossy(),
            "--worker",
            "offline",
            "--headless",
            "--json",
            "--context",
            &size,
            "--context",
            &note,
        ],
    );
    let weight = |at: usize| step(&result, &format!("use{at}"))["output"]["weight"].as_u64();
    assert!((0..steps).all(|at| weight(at) >= Some(1) && weight(at) == weight(0)));
    let (shown, show) = measured(&home, &["show", "last", "--json"]);
    assert_eq!(shown["steps"], result["steps"]);
    let files = std::fs::read_dir(&home).unwrap();
    let stored = files.map(|file| file.unwrap().metadata().unwrap().len() as usize);
    [run, show, stored.sum()]
}

#[test]
fn what_many_steps_refer_to_is_in_memory_and_on_disk_once() {
    let parameters = [
        json!("{{book.text}}"),
        json!({"deep": ["{{book}}"]}),
        json!("{{note}}"),
    ];
    for parameter in parameters {
        let (few, many) = (taken(&parameter, FEW), taken(&parameter, MANY));
        let whats = ["run", "show", "stored"].iter();
        for (what, (few, many)) in whats.zip(few.iter().zip(many)) {
            let more = many.saturating_sub(*few);
            assert!(
                more < COPIES * LARGE,
                "{parameter}: {what} takes {more} bytes more"
            );
        }
    }
}
