//! Kills a batch at random instants while its items have effects on a server with a ledger, and resumes it: nothing that
//! ended is lost or done again, and no effect happens twice.
//!
//! `cargo test --release --test program batch_kill -- --ignored --nocapture` kills two hundred times and prints the figures
//! of `docs/reliability.md`; `PLANDECK_KILLS` and `PLANDECK_KILL_SEED` choose how often and where.

use crate::common::ledger::Ledger;
use crate::common::program::program;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const ITEMS: usize = 10;
const STEPS: [&str; 3] = ["keyed", "probed", "again"];

#[derive(Debug, Default)]
struct Tally {
    kills: u32,
    /// Items that had ended before a kill.
    ended: usize,
    lost: usize,
    double_effects: usize,
    calls_after_the_end: usize,
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
  look_up: {{type: http, method: GET, url: '{url}/effects', parameters: [{{name: key}}]}}
",
            post("effects"),
            post("blind"),
        );
        let plan = "steps:
  - {id: keyed, tool: keyed, parameters: {id: 'keyed {{item}}'}}
  - {id: probed, tool: probed, parameters: {id: 'probed {{item}}', after: '{{keyed.id}}'}}
  - {id: again, tool: keyed, parameters: {id: 'again {{item}}', after: '{{probed.id}}'}}
";
        let folder = tempfile::tempdir().unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("plan.yaml", plan);
        write("tools.yaml", &tools);
        let item = |at: usize| json!({"key": format!("item {at}"), "context": {"item": at}});
        let lines: String = (0..ITEMS).map(|at| item(at).to_string() + "\n").collect();
        write("in.jsonl", &lines);
        Self { folder, ledger }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn batch(&self, resumes: bool) -> Command {
        let mut command = Command::new(program());
        command.arg("batch");
        if resumes {
            command.args(["--resume", "last"]);
        } else {
            command.args(["plan.yaml", "--inputs", "in.jsonl", "--worker", "offline"]);
        }
        command
            .args(["--max-runs", "4", "-o", "out.jsonl"])
            .current_dir(self.path())
            .env("PLANDECK_HOME", self.path().join("home"))
            .env("PLANDECK_TRUST", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// Whether a batch is on record.
    fn has_begun(&self) -> bool {
        let mut command = Command::new(program());
        command
            .args(["runs", "--batch", "last", "--json"])
            .env("PLANDECK_HOME", self.path().join("home"))
            .stderr(Stdio::null());
        command.output().unwrap().status.success()
    }

    /// The lines that are whole, by their keys.
    fn lines(&self) -> BTreeMap<String, Value> {
        let text = std::fs::read_to_string(self.path().join("out.jsonl")).unwrap_or_default();
        let whole = text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'));
        let lines = whole.map(|line| serde_json::from_str::<Value>(line).unwrap());
        let ended = lines.filter(|line| line["status"] == "succeeded");
        ended
            .map(|line| (line["key"].as_str().unwrap().to_owned(), line))
            .collect()
    }
}

/// Runs a batch to its end although it is killed again and again, at most `most` times.
fn torment(random: &mut fastrand::Rng, most: u32, tally: &mut Tally) {
    let trial = Trial::new(random);
    let (mut killed, mut begun) = (0, false);
    let mut known: BTreeMap<String, Value> = BTreeMap::new();
    while killed < most {
        let mut child = trial.batch(begun).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(random.u64(5_000..400_000)));
        // SIGKILL.
        child.kill().unwrap();
        // It may have been quicker.
        let was_quicker = child.wait().unwrap().code().is_some();
        begun = begun || trial.has_begun();
        let lines = trial.lines();
        tally.lost += known
            .iter()
            .filter(|(key, line)| lines.get(*key) != Some(line))
            .count();
        known = lines;
        if was_quicker {
            break;
        }
        killed += 1;
    }
    tally.kills += killed;
    tally.ended += known.len();
    let status = trial.batch(begun).status().unwrap();
    assert_eq!(status.code(), Some(0), "{killed} kills");
    let lines = trial.lines();
    assert_eq!(lines.len(), ITEMS);
    tally.lost += known
        .iter()
        .filter(|(key, line)| lines.get(*key) != Some(line))
        .count();
    let mut effects: BTreeMap<String, usize> = BTreeMap::new();
    for body in trial.ledger.bodies() {
        *effects
            .entry(body["id"].as_str().unwrap().to_owned())
            .or_default() += 1;
    }
    assert_eq!(effects.len(), ITEMS * STEPS.len(), "{effects:?}");
    tally.double_effects += effects.values().filter(|count| **count > 1).count();
    // Once more: everything has ended, so that nothing is called.
    let requests = trial.ledger.requests().len();
    assert_eq!(trial.batch(true).status().unwrap().code(), Some(0));
    tally.calls_after_the_end += trial.ledger.requests().len() - requests;
    assert_eq!(trial.lines(), lines);
}

fn run(kills: u32, seed: u64) -> Tally {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut tally = Tally::default();
    while tally.kills < kills {
        let most = random.u32(1..=4).min(kills - tally.kills);
        torment(&mut random, most, &mut tally);
    }
    println!("{kills} kills of batches, seed {seed}: {tally:?}");
    let wrong = (tally.lost, tally.double_effects, tally.calls_after_the_end);
    assert_eq!(wrong, (0, 0, 0), "lost, double, called after the end");
    tally
}

#[test]
fn a_batch_that_is_killed_loses_nothing_and_repeats_nothing() {
    run(6, 11);
}

#[test]
#[ignore = "takes minutes; the figures of docs/reliability.md"]
fn two_hundred_kills_of_batches() {
    let number = |name: &str, default: u64| {
        let given = std::env::var(name).ok();
        given.and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let tally = run(
        number("PLANDECK_KILLS", 200) as u32,
        number("PLANDECK_KILL_SEED", 1),
    );
    assert!(tally.ended > 0);
}
