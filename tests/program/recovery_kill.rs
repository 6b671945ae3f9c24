//! Kills the program at random instants while it has effects on a server with a ledger, and resumes it: what became of
//! interrupted calls is found out without a user, and no effect happens twice.
//!
//! `cargo test --release --test program recovery_kill -- --ignored --nocapture` kills a thousand times and prints the
//! figures of `docs/reliability.md`; `PLANDECK_KILLS` and `PLANDECK_KILL_SEED` choose how often and where.

use crate::common::ledger::Ledger;
use crate::common::program::program;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// The chains of the plan, by the tool that their steps call, and whether what became of its calls can be found out.
const CHAINS: [(&str, bool); 4] = [
    ("keyed", true),
    ("probed", true),
    ("probed", true),
    ("plain", false),
];
const LENGTH: usize = 3;

#[derive(Debug, Default)]
struct Tally {
    kills: u32,
    ended: usize,
    lost: usize,
    double_effects: usize,
    interrupted: usize,
    settled: usize,
    unknown_with_recover: usize,
    unknown_without: usize,
}

struct Trial {
    folder: TempDir,
    ledger: Ledger,
}

impl Trial {
    fn new(random: &mut fastrand::Rng) -> Self {
        let ledger = Ledger::slow(random.fork());
        let url = ledger.url();
        let post = |path: &str| {
            format!(
                "type: http, method: POST, url: '{url}/{path}', parameters: [{{name: id}}, {{name: after}}]"
            )
        };
        let tools = format!(
            "tools:
  keyed: {{{}, recover: {{key: true}}}}
  probed: {{{}, recover: {{probe: look_up, with: {{key: '{{{{attempt}}}}'}}, found: .effect}}}}
  plain: {{{}}}
  look_up: {{type: http, method: GET, url: '{url}/effects', parameters: [{{name: key}}]}}
",
            post("effects"),
            post("blind"),
            post("blind"),
        );
        let mut plan = String::from("steps:\n");
        for (chain, (tool, _)) in CHAINS.iter().enumerate() {
            for link in 0..LENGTH {
                let id = format!("{tool}-{chain}-{link}");
                let _ = write!(plan, "  - {{id: {id}, tool: {tool}, parameters: {{id: {id}");
                if link > 0 {
                    let _ = write!(plan, ", after: '{{{{{tool}-{chain}-{}.id}}}}'", link - 1);
                }
                plan.push_str("}}\n");
            }
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("plan.yaml"), plan).unwrap();
        std::fs::write(folder.path().join("tools.yaml"), tools).unwrap();
        Self { folder, ledger }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn plandeck(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command
            .args(arguments)
            .current_dir(self.path())
            .env("PLANDECK_HOME", self.path().join("home"))
            .env("PLANDECK_TRUST", "1")
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    fn run(&self, resume: bool) -> Command {
        // Each run writes its own file of events.
        let _ = std::fs::remove_file(self.path().join("events"));
        let mut command = self.plandeck(&["run", "plan.yaml", "--headless", "--worker", "offline"]);
        command.args(["--events", "events"]).stdout(Stdio::null());
        if resume {
            command.args(["--resume", "last"]);
        }
        command
    }

    fn answer(&self, arguments: &[&str]) -> Value {
        let output = self.plandeck(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The events of the last run that it reported.
    fn events(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path().join("events")).unwrap_or_default();
        let lines = text.lines();
        lines
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    fn statuses(&self) -> BTreeMap<String, String> {
        let shown = self.answer(&["show", "last", "--json"]);
        let steps = shown["steps"].as_array().unwrap().iter();
        let text = |step: &Value, name: &str| step[name].as_str().unwrap().to_owned();
        steps
            .map(|step| (text(step, "id"), text(step, "status")))
            .collect()
    }
}

/// Whether what became of a call of this step can be found out.
fn has_recover(id: &str) -> bool {
    let tool = id.split('-').next();
    CHAINS
        .iter()
        .any(|(name, known)| Some(*name) == tool && *known)
}

fn settled(events: &[Value]) -> usize {
    let settled = events.iter().filter(|it| it["type"] == "step_settled");
    settled.filter(|it| it["error"].is_null()).count()
}

/// Runs a plan to its end although it is killed again and again, at most `most` times.
fn torment(random: &mut fastrand::Rng, most: u32, tally: &mut Tally) {
    let trial = Trial::new(random);
    let (mut runs, mut killed, mut has_ended) = (0, 0, false);
    let mut reported: BTreeSet<String> = BTreeSet::new();
    while killed < most {
        let mut child = trial.run(runs > 0).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(random.u64(1_000..200_000)));
        // SIGKILL.
        child.kill().unwrap();
        // It may have been quicker.
        has_ended = child.wait().unwrap().code().is_some();
        let events = trial.events();
        tally.settled += settled(&events);
        let ended = events.iter().filter(|it| it["type"] == "step_succeeded");
        reported.extend(ended.map(|it| it["step"].as_str().unwrap().to_owned()));
        if has_ended {
            break;
        }
        killed += 1;
        runs = trial.answer(&["runs", "--json"]).as_array().unwrap().len();
        if runs == 0 {
            continue;
        }
        let statuses = trial.statuses();
        let interrupted = statuses.iter().filter(|(_, status)| *status == "unknown");
        tally.interrupted += interrupted.filter(|(id, _)| has_recover(id)).count();
    }
    tally.kills += killed;
    if !has_ended {
        let ended = trial.run(runs > 0).status().unwrap();
        assert!(matches!(ended.code(), Some(0 | 1)), "{ended:?}");
        tally.settled += settled(&trial.events());
    }

    let statuses = trial.statuses();
    let unknown = statuses.iter().filter(|(_, status)| *status == "unknown");
    let (known, open): (Vec<_>, Vec<_>) = unknown.partition(|(id, _)| has_recover(id));
    tally.unknown_with_recover += known.len();
    tally.unknown_without += open.len();
    tally.ended += reported.len();
    let succeeded = |id: &String| statuses[id] == "succeeded";
    tally.lost += reported.iter().filter(|id| !succeeded(id)).count();
    let mut effects: BTreeMap<String, usize> = BTreeMap::new();
    for body in trial.ledger.bodies() {
        *effects.entry(body["id"].to_string()).or_default() += 1;
    }
    tally.double_effects += effects.values().filter(|count| **count > 1).count();
    let all = CHAINS.iter().filter(|(_, known)| *known).count() * LENGTH;
    let done = statuses.iter().filter(|(id, _)| has_recover(id));
    assert_eq!(
        done.filter(|(_, status)| *status == "succeeded").count(),
        all,
        "without a user, what can be found out goes on: {statuses:?}"
    );
}

fn run(kills: u32, seed: u64) -> Tally {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut tally = Tally::default();
    while tally.kills < kills {
        let most = random.u32(1..=4).min(kills - tally.kills);
        torment(&mut random, most, &mut tally);
    }
    println!("{kills} kills, seed {seed}: {tally:?}");
    let wrong = (tally.lost, tally.double_effects, tally.unknown_with_recover);
    assert_eq!(wrong, (0, 0, 0), "lost, double, unknown");
    tally
}

#[test]
fn interrupted_calls_are_settled_and_no_effect_happens_twice() {
    run(10, 3);
}

#[test]
#[ignore = "takes minutes; the figures of docs/reliability.md"]
fn a_thousand_interrupted_runs_are_settled() {
    let number = |name: &str, default: u64| {
        let given = std::env::var(name).ok();
        given.and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let seed = number("PLANDECK_KILL_SEED", 1);
    let tally = run(number("PLANDECK_KILLS", 1000) as u32, seed);
    assert!(tally.interrupted > 0 && tally.settled > 0 && tally.unknown_without > 0);
}
