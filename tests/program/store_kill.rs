//! Kills the program at random instants and holds what is left against what really happened.
//!
//! `cargo test --release --test program store_kill -- --ignored --nocapture` kills hundreds of times and prints the
//! figures of `docs/reliability.md`; `PLANDECK_KILLS` and `PLANDECK_KILL_SEED` choose how often and where.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Steps of the plan: a few chains beside each other, and one that waits for all.
const CHAINS: usize = 3;
const LENGTH: usize = 4;

/// A step that gets its parameters notes outside that it began, works for some milliseconds, and notes that it has ended.
const TOOLS: &str = r#"
tools:
  effect:
    type: process
    command: ["sh", "-c", "read -r line; [ -n \"$line\" ] || exit 1; id=${line#*:\\\"}; id=${id%%\\\"*}; echo \"begin $id\" >> effects; sleep 0.0$((${#id} * 7 % 4 + 1)); echo \"end $id\" >> effects; echo \"{\\\"id\\\": \\\"$id\\\"}\""]
    parameters:
      - {name: id, type: string, required: true}
      - {name: after, required: false}
"#;

struct Trial {
    folder: tempfile::TempDir,
}

#[derive(Debug, Default)]
struct Tally {
    kills: u32,
    before_the_first_event: u32,
    ended: usize,
    lost: usize,
    unrecorded_effects: usize,
    silent_repetitions: usize,
    unknown: usize,
    unopened: usize,
}

impl Trial {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut plan = String::from("steps:\n");
        let mut last = Vec::new();
        for chain in 0..CHAINS {
            for link in 0..LENGTH {
                let id = format!("c{chain}{}", "x".repeat(link + 1));
                let _ = write!(plan, "  - {{id: {id}, tool: effect, parameters: {{id: {id}");
                if link > 0 {
                    let before = format!("c{chain}{}", "x".repeat(link));
                    let _ = write!(plan, ", after: '{{{{{before}.id}}}}'");
                }
                plan.push_str("}}\n");
            }
            last.push(format!("c{chain}{}", "x".repeat(LENGTH)));
        }
        let _ = writeln!(
            plan,
            "  - {{id: all, tool: effect, parameters: {{id: all}}, depends_on: [{}]}}",
            last.join(", ")
        );
        std::fs::write(folder.path().join("plan.yaml"), plan).unwrap();
        std::fs::write(folder.path().join("tools.yaml"), TOOLS).unwrap();
        Self { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn plandeck(&self, arguments: &[&str]) -> Command {
        let mut command = crate::common::program::command();
        command
            .args(arguments)
            .current_dir(self.path())
            .env("PLANDECK_HOME", self.path().join("home"))
            .stdin(Stdio::null());
        command
    }

    fn start(&self, resume: bool) -> Child {
        let mut command = self.plandeck(&[
            "run",
            "plan.yaml",
            "--headless",
            "--json",
            "--worker",
            "offline",
        ]);
        command.args(["--events", "events"]);
        if resume {
            command.args(["--resume", "last"]);
        }
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    fn finish(&self, resume: &[&str]) -> Output {
        let mut command = self.plandeck(&["run", "plan.yaml", "--json", "--worker", "offline"]);
        command.args(resume).output().unwrap()
    }

    fn answer(&self, arguments: &[&str]) -> Option<Value> {
        let output = self.plandeck(arguments).output().unwrap();
        output
            .status
            .success()
            .then(|| serde_json::from_slice(&output.stdout).unwrap())
    }

    /// How often each step began, once nothing that the killed program started is running.
    fn effects(&self) -> BTreeMap<String, usize> {
        let patience = Instant::now() + Duration::from_secs(20);
        while self.is_busy() {
            assert!(Instant::now() < patience, "a child never ended");
            std::thread::yield_now();
        }
        self.lines("begin ")
    }

    /// Whether a process works in the folder of the plan, as the steps do.
    #[cfg(target_os = "linux")]
    fn is_busy(&self) -> bool {
        let folder = self.path().canonicalize().unwrap();
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let mut places = processes.map(|process| process.path().join("cwd").read_link());
        places.any(|place| place.is_ok_and(|place| place == folder))
    }

    /// Whether a step that began has not ended: here a child outlives the program that is killed.
    #[cfg(not(target_os = "linux"))]
    fn is_busy(&self) -> bool {
        self.lines("begin ") != self.lines("end ")
    }

    /// How often each step stands in a line of the file of effects that begins with `word`.
    fn lines(&self, word: &str) -> BTreeMap<String, usize> {
        let text = std::fs::read_to_string(self.path().join("effects")).unwrap_or_default();
        let lines = text.lines().filter_map(|line| line.strip_prefix(word));
        lines.fold(BTreeMap::new(), |mut all, id| {
            *all.entry(id.to_owned()).or_default() += 1;
            all
        })
    }

    /// The steps whose success had been reported when the program was killed.
    fn reported(&self) -> BTreeSet<String> {
        let text = std::fs::read_to_string(self.path().join("events")).unwrap_or_default();
        let events = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        events
            .filter(|event| event["type"] == "step_succeeded")
            .map(|event| event["step"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// Runs a plan to its end although it is killed again and again, at most `most` times.
fn torment(random: &mut fastrand::Rng, most: u32, tally: &mut Tally) {
    let trial = Trial::new();
    let mut runs = 0;
    let mut killed = 0;
    while killed < most {
        // Each run writes its own file of events.
        let _ = std::fs::remove_file(trial.path().join("events"));
        let mut child = trial.start(runs > 0);
        std::thread::sleep(Duration::from_micros(random.u64(1_000..250_000)));
        // SIGKILL.
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        if output.status.code().is_some() {
            break;
        }
        killed += 1;
        let effects = trial.effects();
        let Some(list) = trial.answer(&["runs", "--json"]) else {
            tally.unopened += 1;
            continue;
        };
        let list = list.as_array().unwrap();
        if list.len() == runs {
            // It died before its first event; nothing can have happened.
            tally.before_the_first_event += 1;
            assert!(trial.reported().is_empty());
            continue;
        }
        runs = list.len();
        let Some(shown) = trial.answer(&["show", "last", "--json"]) else {
            tally.unopened += 1;
            continue;
        };
        assert!(matches!(
            shown["status"].as_str(),
            Some("interrupted" | "succeeded" | "failed")
        ));
        let status: BTreeMap<&str, &str> = shown["steps"]
            .as_array()
            .unwrap()
            .iter()
            .map(|step| {
                (
                    step["id"].as_str().unwrap(),
                    step["status"].as_str().unwrap(),
                )
            })
            .collect();
        let reported = trial.reported();
        tally.ended += reported.len();
        tally.lost += reported
            .iter()
            .filter(|id| status[id.as_str()] != "succeeded")
            .count();
        let known = |id: &str| matches!(status[id], "succeeded" | "unknown");
        tally.unrecorded_effects += effects.keys().filter(|id| !known(id)).count();
    }
    tally.kills += killed;

    if runs > 0
        && trial
            .answer(&["show", "last", "--json"])
            .is_some_and(|shown| shown["status"] == "interrupted")
    {
        let output = trial.finish(&["--resume", "last"]);
        let result: Value = serde_json::from_slice(&output.stdout).unwrap();
        let steps = result["steps"].as_array().unwrap();
        let unknown = steps
            .iter()
            .filter(|step| step["status"] == "unknown")
            .count();
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            output.status.code(),
            Some(i32::from(unknown > 0)),
            "{error}"
        );
        for step in steps.iter().filter(|step| step["source"] == "recorded") {
            assert_eq!((&step["cost"], &step["attempts"]), (&0.0.into(), &0.into()));
        }
        if unknown == 0 {
            assert_eq!(result["result"]["id"], "all");
        }
    }
    // Nothing was asked to run again.
    tally.silent_repetitions += trial.effects().values().filter(|count| **count > 1).count();

    // The last run may also have ended by itself, with what an earlier kill had left unknown.
    let shown = (runs > 0).then(|| trial.answer(&["show", "last", "--json"]));
    let unknown = shown.flatten().map_or(0, |shown| {
        let steps = shown["steps"].as_array().unwrap().iter();
        steps.filter(|step| step["status"] == "unknown").count()
    });
    tally.unknown += unknown;
    if unknown > 0 {
        let before = trial.effects();
        let output = trial.finish(&["--resume", "last", "--unknown", "rerun"]);
        if output.status.code() == Some(0) {
            let after = trial.effects();
            let again = after
                .iter()
                .filter(|(id, count)| before.get(*id).is_some_and(|before| *count > before));
            assert!(again.count() <= unknown, "only what was unknown runs again");
            assert_eq!(after.len(), CHAINS * LENGTH + 1);
        }
    }
}

fn run(kills: u32, seed: u64) -> Tally {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut tally = Tally::default();
    while tally.kills < kills {
        let most = random.u32(1..=4).min(kills - tally.kills);
        torment(&mut random, most, &mut tally);
    }
    println!("{kills} kills, seed {seed}: {tally:?}");
    assert_eq!(
        (
            tally.lost,
            tally.unrecorded_effects,
            tally.silent_repetitions,
            tally.unopened
        ),
        (0, 0, 0, 0)
    );
    tally
}

#[test]
fn a_run_survives_being_killed() {
    run(8, 4);
}

#[test]
#[ignore = "takes minutes; the figures of docs/reliability.md"]
fn a_run_survives_being_killed_hundreds_of_times() {
    let number = |name: &str, default: u64| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(default)
    };
    let seed = number("PLANDECK_KILL_SEED", 1);
    let tally = run(number("PLANDECK_KILLS", 300) as u32, seed);
    assert!(
        tally.ended > 0 && tally.unknown > 0,
        "kills at telling moments"
    );
}
