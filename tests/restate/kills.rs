//! Kills the run, the worker and the server at random instants, again and again: nothing that had ended is lost or done
//! again, what tells repeated calls by their keys happens once, and nothing of that stays unknown.
//!
//! `PLANDECK_KILLS=200 RESTATE_SERVER=… cargo test --features restate --test restate kills -- --nocapture` plays 200
//! orders and prints the figures of `docs/reliability.md`; `PLANDECK_KILL_SEED` chooses which.

use crate::cluster::{Cluster, Run};
use crate::common::ledger::Ledger;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::thread::sleep;
use std::time::Duration;

/// The chains of the plan, by the tool that their steps call, and whether what became of its calls can be found out.
const CHAINS: [(&str, bool); 3] = [("keyed", true), ("keyed", true), ("plain", false)];
const LENGTH: usize = 3;

#[derive(Debug, Default)]
struct Tally {
    orders: u32,
    kills: u32,
    ended: usize,
    lost: usize,
    repeated: usize,
    double_effects: usize,
    unknown_with_keys: usize,
    unknown_without: usize,
}

fn cluster(ledger: &Ledger) -> Cluster {
    let url = ledger.url();
    let post = |path: &str| {
        format!(
            "type: http, method: POST, url: '{url}/{path}', parameters: [{{name: id}}, {{name: after}}]"
        )
    };
    let tools = format!(
        "tools:\n  keyed: {{{}, recover: {{key: true}}}}\n  plain: {{{}}}\n",
        post("effects"),
        post("blind"),
    );
    let mut steps = String::new();
    for (chain, (tool, _)) in CHAINS.iter().enumerate() {
        for link in 0..LENGTH {
            let id = format!("{tool}-{chain}-{link}");
            let _ = write!(
                steps,
                "  - {{id: {id}, tool: {tool}, parameters: {{id: {id}"
            );
            if link > 0 {
                let _ = write!(steps, ", after: '{{{{{tool}-{chain}-{}.id}}}}'", link - 1);
            }
            steps.push_str("}}\n");
        }
    }
    let mut cluster = Cluster::without_worker(&steps, &tools);
    cluster.start_worker();
    cluster
}

/// The outputs of the steps that have ended well.
fn ended(result: &Value) -> BTreeMap<String, Value> {
    let steps = result["steps"].as_array().into_iter().flatten();
    let steps = steps.filter(|step| step["status"] == "succeeded");
    steps
        .map(|step| {
            (
                step["id"].as_str().unwrap().to_owned(),
                step["output"].clone(),
            )
        })
        .collect()
}

/// One order of kills, to the end of the run.
fn play(seed: u64, tally: &mut Tally) {
    let mut random = fastrand::Rng::with_seed(seed);
    let ledger = Ledger::slow(random.fork());
    let mut cluster = cluster(&ledger);
    let mut run = cluster.run(&[]);
    let mut before = BTreeMap::new();
    for _ in 0..random.u32(1..=3) {
        sleep(Duration::from_millis(random.u64(0..250)));
        tally.kills += 1;
        if cluster.kill_someone(&mut random, &mut run) {
            if has_run(&cluster) {
                before.extend(ended(&cluster.shown()));
            }
            run = go_on(&cluster);
        }
    }
    let result = loop {
        let (_, output, said) = run.ended();
        if let Ok(result) = serde_json::from_str::<Value>(&output) {
            break result;
        }
        // It came while the server was away, or had ended before it was killed.
        if !said.contains("--on restate://") {
            assert!(said.contains("has ended"), "{said}");
            break cluster.shown();
        }
        run = go_on(&cluster);
    };
    let after = ended(&result);
    tally.orders += 1;
    tally.ended += after.len();
    tally.lost += before
        .iter()
        .filter(|(id, output)| after.get(*id) != Some(output))
        .count();
    let mut effects: BTreeMap<String, u32> = BTreeMap::new();
    for body in ledger.bodies() {
        *effects
            .entry(body["id"].as_str().unwrap().to_owned())
            .or_default() += 1;
    }
    tally.double_effects += effects.values().filter(|count| **count > 1).count();
    tally.repeated += before
        .keys()
        .filter(|id| effects.get(*id) != Some(&1))
        .count();
    for step in result["steps"].as_array().unwrap() {
        if step["status"] == "unknown" {
            let id = step["id"].as_str().unwrap();
            let count = if id.starts_with("keyed") {
                &mut tally.unknown_with_keys
            } else {
                &mut tally.unknown_without
            };
            *count += 1;
        }
    }
}

/// The run goes on, or begins where it has no journal yet.
fn go_on(cluster: &Cluster) -> Run {
    if has_run(cluster) {
        cluster.run(&["--resume", "last"])
    } else {
        cluster.run(&[])
    }
}

fn has_run(cluster: &Cluster) -> bool {
    let runs = cluster.plandeck(&["runs", "--json"]).output().unwrap();
    let runs: Value = serde_json::from_slice(&runs.stdout).unwrap_or_default();
    runs.as_array().is_some_and(|runs| !runs.is_empty())
}

#[test]
fn whoever_is_killed_nothing_is_lost_and_nothing_happens_twice() {
    let number = |name: &str, default: u64| {
        let given = std::env::var(name).ok();
        given.map_or(default, |text| text.parse().unwrap())
    };
    let first = number("PLANDECK_KILL_SEED", 1);
    let mut tally = Tally::default();
    for seed in first..first + number("PLANDECK_KILLS", 8) {
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
