//! Kills whoever sent a batch, the worker and the server at random instants: no item is lost, none that had ended is run
//! again, and nothing happens twice.
//!
//! `PLANDECK_KILLS=200 RESTATE_SERVER=… cargo test --features restate --test restate batch_kills -- --nocapture` plays 200
//! orders and prints the figures of `docs/reliability.md`; `PLANDECK_KILL_SEED` chooses which.

use crate::cluster::{Cluster, Run};
use crate::common::ledger::Ledger;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::thread::sleep;
use std::time::Duration;

const ITEMS: usize = 6;

#[derive(Debug, Default)]
struct Tally {
    orders: u32,
    kills: u32,
    items: usize,
    lost: usize,
    repeated: usize,
    double_effects: usize,
    unknown_with_keys: usize,
    unknown_without: usize,
}

/// A worker with a tool that takes keys and one that takes none. Each item calls both, one after the other.
fn cluster(ledger: &Ledger) -> Cluster {
    let url = ledger.url();
    let post = |path: &str| {
        format!("type: http, method: POST, url: '{url}/{path}', parameters: [{{name: id}}]")
    };
    let tools = format!(
        "tools:\n  keyed: {{{}, recover: {{key: true}}}}\n  plain: {{{}}}\n",
        post("effects"),
        post("blind"),
    );
    let steps = "  - {id: first, tool: keyed, parameters: {id: 'keyed-{{id}}'}}\n  \
                   - {id: then, tool: keyed, parameters: {id: 'then-{{id}}'}, depends_on: [first]}\n  \
                   - {id: plain, tool: plain, parameters: {id: 'plain-{{id}}'}}\n";
    let mut cluster = Cluster::without_worker(steps, &tools);
    cluster.start_worker();
    let lines =
        (0..ITEMS).map(|n| json!({"key": format!("k{n}"), "context": {"id": n.to_string()}}));
    let lines: String = lines.map(|line| line.to_string() + "\n").collect();
    fs::write(cluster.file("items.jsonl"), lines).unwrap();
    cluster
}

/// The batch begins, or goes on where it is on record.
fn go_on(cluster: &Cluster) -> Run {
    let mut command = if cluster.file("home").join("plandeck.db").exists() && has_batch(cluster) {
        cluster.plandeck(&["batch", "--resume", "last"])
    } else {
        let mut command = cluster.plandeck(&["batch", "plan.yaml", "--inputs", "items.jsonl"]);
        command.args([
            "--worker",
            "offline",
            "--max-runs",
            "3",
            "--on",
            &cluster.address(),
        ]);
        command
    };
    command.args(["--headless", "-o", "lines.jsonl"]);
    Run::start(command)
}

fn has_batch(cluster: &Cluster) -> bool {
    let shown = cluster
        .plandeck(&["show", "last", "--json"])
        .output()
        .unwrap();
    let runs = cluster.plandeck(&["runs", "--json"]).output().unwrap();
    let text = [shown.stdout, runs.stdout].concat();
    String::from_utf8_lossy(&text).contains("\"batch\"")
}

/// The lines so far, by key.
fn lines(cluster: &Cluster) -> BTreeMap<String, Value> {
    let text = fs::read_to_string(cluster.file("lines.jsonl")).unwrap_or_default();
    let lines = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines
        .filter(|line| matches!(line["status"].as_str(), Some("succeeded" | "failed")))
        .map(|line| (line["key"].as_str().unwrap().to_owned(), line))
        .collect()
}

/// One order of kills, to the end of the batch.
fn play(seed: u64, tally: &mut Tally) {
    let mut random = fastrand::Rng::with_seed(seed);
    let ledger = Ledger::slow(random.fork());
    let mut cluster = cluster(&ledger);
    let mut batch = go_on(&cluster);
    let mut before = BTreeMap::new();
    for _ in 0..random.u32(1..=3) {
        sleep(Duration::from_millis(random.u64(0..400)));
        tally.kills += 1;
        if cluster.kill_someone(&mut random, &mut batch) {
            before.extend(lines(&cluster));
            batch = go_on(&cluster);
        }
    }
    let mut said = batch.ended().2;
    // It came while the server was away.
    for _ in 0..5 {
        if lines(&cluster).len() == ITEMS {
            break;
        }
        said += &go_on(&cluster).ended().2;
    }
    let after = lines(&cluster);
    tally.orders += 1;
    tally.items += after.len();
    tally.lost += ITEMS - after.len();
    tally.lost += before
        .iter()
        .filter(|(key, line)| after.get(*key) != Some(line))
        .count();
    let mut effects: BTreeMap<String, u32> = BTreeMap::new();
    for body in ledger.bodies() {
        let id = body["id"].as_str().unwrap().to_owned();
        *effects.entry(id).or_default() += 1;
    }
    tally.double_effects += effects.values().filter(|count| **count > 1).count();
    for (key, line) in &after {
        let number = &key[1..];
        let count = |tool: &str| effects.get(&format!("{tool}-{number}")).copied();
        if line["status"] == "succeeded" {
            let once = ["keyed", "then", "plain"]
                .iter()
                .all(|tool| count(tool) == Some(1));
            tally.repeated += usize::from(!once);
            continue;
        }
        if line["error"]["step"] == "plain" {
            tally.unknown_without += 1;
        } else {
            tally.unknown_with_keys += 1;
            println!("seed {seed}: {line:#}\n{said}");
        }
    }
}

#[test]
fn whoever_of_a_batch_is_killed_no_item_is_lost_and_nothing_happens_twice() {
    let number = |name: &str, default: u64| {
        let given = std::env::var(name).ok();
        given.map_or(default, |text| text.parse().unwrap())
    };
    let first = number("PLANDECK_KILL_SEED", 1);
    let mut tally = Tally::default();
    for seed in first..first + number("PLANDECK_KILLS", 6) {
        println!("seed {seed}");
        play(seed, &mut tally);
        let faults = (
            tally.lost,
            tally.repeated,
            tally.double_effects,
            tally.unknown_with_keys,
        );
        assert_eq!(faults, (0, 0, 0, 0), "seed {seed}: {tally:?}");
    }
    println!("{tally:?}");
}
