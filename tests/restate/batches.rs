//! Items of a batch that workers run: each in one durable invocation, with the embedded engine in it.

use crate::cluster::{Cluster, Run};
use crate::common::process::wait_until;
use crate::common::program::HANG;
use plandeck::remote::restate::RestateBatch;
use plandeck::run::{RunState, RunWord, StepStatus};
use serde_json::{Value, json};
use std::fs;
use std::time::{Duration, Instant};

const CHARGE: &str = "  - {id: pay, tool: charge, parameters: {id: '{{id}}'}}";
const LOOK: &str = "  - {id: see, tool: look, parameters: {id: '{{id}}'}}";

/// Writes items with these ids, which are their keys too.
fn items(cluster: &Cluster, ids: &[&str]) {
    let lines = ids
        .iter()
        .map(|id| json!({"key": id, "context": {"id": id}}).to_string() + "\n");
    fs::write(cluster.file("items.jsonl"), lines.collect::<String>()).unwrap();
}

impl Cluster {
    /// Starts a batch whose items the worker runs.
    fn batch(&self, more: &[&str]) -> Run {
        let mut command = self.plandeck(&["batch", "plan.yaml", "--inputs", "items.jsonl"]);
        command.args(["--worker", "offline", "--headless", "--in-order"]);
        command.args(["--on", &self.address()]).args(more);
        Run::start(command)
    }

    /// Resumes the batch.
    fn resumed(&self, more: &[&str]) -> Run {
        let mut command = self.plandeck(&["batch", "--resume", "last", "--headless"]);
        command.args(more);
        Run::start(command)
    }

    /// What `attach` prints of a batch at the engine, with its exit code.
    fn attached(&self, batch: &str) -> (i32, String) {
        let address = self.address();
        let (place, query) = address.split_once('?').unwrap();
        let name = format!("{place}/{batch}?{query}");
        let mut command = self.plandeck(&["attach", &name, "--headless"]);
        // Another machine has another store.
        command.env("PLANDECK_HOME", self.file("elsewhere"));
        let (code, printed, said) = Run::start(command).ended();
        (code, printed + &said)
    }
}

fn lines(output: &str) -> Vec<Value> {
    let lines = output.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().unwrap()
}

fn message(line: &Value) -> &str {
    line["error"]["message"].as_str().unwrap_or_default()
}

/// What is spent and how items ended, as both reports of a batch say it.
fn figures(report: &str) -> Vec<&str> {
    let is_figure = |line: &&str| !line.contains("/s") && !line.trim().is_empty();
    report.lines().filter(is_figure).collect()
}

#[test]
fn items_run_in_workers_and_every_terminal_sees_the_same() {
    let steps =
        format!("{LOOK}\n  - {{id: pay, tool: charge, parameters: {{id: '{{{{see.by}}}}-paid'}}}}");
    let cluster = Cluster::start(&steps);
    items(&cluster, &["a", "b", "c", "d", "e"]);
    cluster.go();
    let (code, output, said) = cluster.batch(&["--max-runs", "2"]).ended();
    assert_eq!(code, 0, "{output}\n{said}");
    let lines = lines(&output);
    let keys: Vec<&str> = lines
        .iter()
        .map(|line| line["key"].as_str().unwrap())
        .collect();
    assert_eq!(keys, ["a", "b", "c", "d", "e"]);
    for line in &lines {
        let key = line["key"].as_str().unwrap();
        assert_eq!(
            line["result"],
            json!({"by": format!("{key}-paid")}),
            "{line:#}"
        );
        assert_eq!(line["cost"], 0.01);
        assert_eq!(line["attempts"], 2);
        assert_eq!(cluster.times(&format!("done {key}-paid")), 1);
    }
    // The runs are on record here as if they had run here.
    let run = lines[2]["run_id"].as_str().unwrap();
    let shown = cluster.plandeck(&["show", run, "--json"]).output().unwrap();
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(shown["result"], json!({"by": "c-paid"}), "{shown:#}");
    let batch = said
        .lines()
        .find_map(|line| line.strip_prefix("batch "))
        .unwrap();
    let here = cluster.plandeck(&["show", batch]).output().unwrap();
    let here = String::from_utf8(here.stdout).unwrap();
    let (code, there) = cluster.attached("last");
    assert_eq!(code, 0, "{there}");
    assert_eq!(figures(&here), figures(&there), "{here}\n{there}");
    assert!(here.contains("5 of 5 items"), "{here}");
    let (_, by_id) = cluster.attached(batch);
    assert_eq!(figures(&by_id), figures(&there));
}

#[test]
fn a_worker_that_dies_in_the_middle_of_an_item_never_repeats_what_must_not_be_repeated() {
    let mut cluster = Cluster::start(CHARGE);
    items(&cluster, &["a"]);
    let batch = cluster.batch(&[]);
    cluster.wait_for("begun a");
    cluster.kill_worker();
    cluster.go();
    cluster.start_worker();
    let (code, output, said) = batch.ended();
    assert_eq!(code, 1, "{output}\n{said}");
    let line = &lines(&output)[0];
    assert!(
        message(line).contains("may or may not have happened"),
        "{line:#}"
    );
    assert_eq!(line["cost"], 0.01, "it may have been billed");
    assert_eq!(cluster.times("begun a"), 1);
    // Only the user has it done again.
    let (code, output, said) = cluster
        .resumed(&["--retry-failed", "--unknown", "rerun"])
        .ended();
    assert_eq!(code, 0, "{output}\n{said}");
    assert_eq!(cluster.times("begun a"), 2);
}

#[test]
fn a_worker_that_dies_in_the_middle_of_an_item_repeats_what_only_reads() {
    let mut cluster = Cluster::start(LOOK);
    items(&cluster, &["a"]);
    let batch = cluster.batch(&[]);
    cluster.wait_for("begun a");
    cluster.kill_worker();
    cluster.go();
    cluster.start_worker();
    let (code, output, said) = batch.ended();
    assert_eq!(code, 0, "{output}\n{said}");
    assert_eq!(lines(&output)[0]["result"], json!({"by": "a"}));
}

#[test]
fn what_had_ended_before_a_worker_died_is_not_done_again() {
    let then = "  - {id: then, tool: look, parameters: {id: '{{pay.by}}-then'}}";
    let mut cluster = Cluster::start(&format!("{CHARGE}\n{then}"));
    items(&cluster, &["a"]);
    cluster.go();
    let batch = cluster.batch(&[]);
    // The second call is made only once the end of the first is on record.
    cluster.wait_for("begun a-then");
    cluster.kill_worker();
    cluster.start_worker();
    let (code, output, said) = batch.ended();
    assert_eq!(code, 0, "{output}\n{said}");
    assert_eq!(cluster.times("begun a"), 1);
}

/// An item makes a call, and the process that started the batch is killed.
fn with_a_caller_that_died() -> Cluster {
    let cluster = Cluster::start(CHARGE);
    items(&cluster, &["a", "b"]);
    let mut batch = cluster.batch(&["--max-runs", "1"]);
    cluster.wait_for("begun a");
    batch.kill();
    cluster
}

#[test]
fn a_caller_that_dies_finds_its_items_again_and_each_is_run_once() {
    let cluster = with_a_caller_that_died();
    // The item goes on without it.
    cluster.go();
    cluster.wait_for("done a");
    let (code, output, said) = cluster.resumed(&[]).ended();
    assert_eq!(code, 0, "{output}\n{said}");
    assert_eq!(lines(&output).len(), 2);
    assert_eq!(cluster.times("begun a"), 1);
    assert_eq!(cluster.times("begun b"), 1);
}

#[test]
fn an_engine_that_dies_goes_on_where_it_was() {
    let mut cluster = Cluster::start(LOOK);
    items(&cluster, &["a", "b", "c"]);
    let batch = cluster.batch(&[]);
    cluster.wait_for("begun a");
    cluster.kill_server();
    cluster.go();
    cluster.start_server();
    let (code, output, said) = batch.ended();
    assert_eq!(code, 0, "{output}\n{said}");
    assert_eq!(lines(&output).len(), 3);
}

#[test]
fn an_engine_that_loses_its_data_makes_no_item_run_twice() {
    let mut cluster = with_a_caller_that_died();
    cluster.go();
    cluster.wait_for("done a");
    cluster.kill_server();
    fs::remove_dir_all(cluster.file("data")).unwrap();
    cluster.start_server();
    cluster.kill_worker();
    cluster.start_worker();
    let (code, output, said) = cluster.resumed(&[]).ended();
    assert_eq!(code, 1, "{output}\n{said}");
    let both = lines(&output);
    let of = |key: &str| both.iter().find(|line| line["key"] == key).unwrap();
    assert!(
        message(of("a")).contains("may or may not have run"),
        "{both:#?}"
    );
    assert!(message(of("a")).contains("--unknown rerun"), "{both:#?}");
    assert_eq!(of("b")["status"], "succeeded", "{both:#?}");
    assert_eq!(cluster.times("begun a"), 1);
    let (code, output, said) = cluster.resumed(&["--unknown", "rerun"]).ended();
    assert_eq!(code, 0, "{output}\n{said}");
    assert_eq!(cluster.times("begun a"), 2);
    assert_eq!(cluster.times("begun b"), 1);
}

#[test]
fn all_items_share_one_budget_in_the_engine() {
    let cluster = Cluster::start(CHARGE);
    items(&cluster, &["a", "b", "c", "d"]);
    cluster.go();
    let (code, output, said) = cluster.batch(&["--max-total-cost-usd", "0.02"]).ended();
    assert_eq!(code, 3, "{output}\n{said}");
    let first = lines(&output);
    let count = |lines: &[Value], status: &str| {
        lines.iter().filter(|line| line["status"] == status).count()
    };
    assert_eq!(count(&first, "succeeded"), 2, "{first:#?}");
    assert_eq!(count(&first, "limit_exceeded"), 2, "{first:#?}");
    let paid = |cluster: &Cluster| {
        let effects = cluster.effects();
        effects
            .iter()
            .filter(|line| line.starts_with("done"))
            .count()
    };
    assert_eq!(paid(&cluster), 2);
    let (code, output, said) = cluster.resumed(&["--max-total-cost-usd", "0.04"]).ended();
    assert_eq!(code, 0, "{output}\n{said}");
    assert_eq!(paid(&cluster), 4);
}

#[test]
fn a_stopped_batch_leaves_its_items_to_be_resumed() {
    let cluster = Cluster::start(LOOK);
    items(&cluster, &["a", "b"]);
    let batch = cluster.batch(&["--max-runs", "1"]);
    cluster.wait_for("begun a");
    let pid = rustix::process::Pid::from_raw(batch.id().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let (code, output, said) = batch.ended();
    assert_eq!(code, 130, "{output}\n{said}");
    assert!(said.contains("--resume"), "{said}");
    cluster.go();
    let (code, output, said) = cluster.resumed(&[]).ended();
    assert_eq!(code, 0, "{output}\n{said}");
    assert_eq!(lines(&output).len(), 2, "{output}");
}

#[test]
fn a_worker_with_another_catalog_refuses_items_with_the_remedy() {
    let mut cluster = Cluster::start(CHARGE);
    items(&cluster, &["a"]);
    cluster.go();
    cluster.kill_worker();
    let tools = fs::read_to_string(cluster.file("tools.yaml")).unwrap();
    fs::write(
        cluster.file("other.yaml"),
        tools.replace("begun", "started"),
    )
    .unwrap();
    cluster.start_worker_with("other.yaml");
    let (code, output, said) = cluster.batch(&[]).ended();
    assert_eq!(code, 1, "{output}\n{said}");
    let line = &lines(&output)[0];
    assert!(
        message(line).contains("start it with the same catalog"),
        "{line:#}"
    );
    assert!(cluster.effects().is_empty());
    cluster.kill_worker();
    cluster.start_worker();
    let (code, output, said) = cluster.resumed(&["--retry-failed"]).ended();
    assert_eq!(code, 0, "{output}\n{said}");
    assert_eq!(cluster.times("begun a"), 1);
}

#[test]
fn an_item_that_is_too_large_or_holds_a_secret_is_reported_and_not_sent() {
    let cluster = Cluster::start(LOOK);
    let large = "x".repeat(9 << 20);
    let texts = [large.as_str(), "the s3cret-value-of-a-key", "small"];
    let all = ["large", "secret", "small"].iter().zip(texts);
    let all = all.map(|(key, text)| {
        json!({"key": key, "context": {"id": key, "note": text}}).to_string() + "\n"
    });
    fs::write(cluster.file("items.jsonl"), all.collect::<String>()).unwrap();
    cluster.go();
    let mut command = cluster.plandeck(&["batch", "plan.yaml", "--inputs", "items.jsonl"]);
    command.args(["--worker", "offline", "--headless", "--in-order"]);
    command.args(["--on", &cluster.address()]);
    command.env("OPENAI_API_KEY", "s3cret-value-of-a-key");
    let (code, output, said) = Run::start(command).ended();
    assert_eq!(code, 1, "{said}");
    let lines = lines(&output);
    assert!(
        message(&lines[0]).contains("9 MB"),
        "{:?}",
        message(&lines[0])
    );
    assert!(
        message(&lines[1]).contains("holds a secret"),
        "{:?}",
        message(&lines[1])
    );
    assert_eq!(lines[2]["status"], "succeeded");
    assert_eq!(
        cluster.times("begun large") + cluster.times("begun secret"),
        0
    );
}

#[test]
fn a_batch_is_followed_while_its_items_are_running() {
    let cluster = Cluster::start(LOOK);
    items(&cluster, &["a", "b", "c"]);
    let batch = cluster.batch(&[]);
    cluster.wait_for("begun a");
    let (name, query) = {
        let address = cluster.address();
        let (place, query) = address.split_once('?').unwrap();
        (format!("{place}/last"), query.to_owned())
    };
    let mut command = cluster.plandeck(&["attach", &format!("{name}?{query}"), "--headless"]);
    command.env("PLANDECK_HOME", cluster.file("elsewhere"));
    let attached = Run::start(command);
    wait_until("a line of progress", || cluster.effects().len() >= 3);
    cluster.go();
    let (code, output, said) = batch.ended();
    assert_eq!(code, 0, "{output}\n{said}");
    let (code, report, said) = attached.ended();
    assert_eq!(code, 0, "{report}\n{said}");
    assert!(report.contains("3 of 3 items"), "{report}");
    let (_, afterwards) = cluster.attached("last");
    let tail: Vec<&str> = figures(&afterwards);
    assert!(figures(&report).ends_with(&tail), "{report}\n{afterwards}");
}

#[tokio::test]
async fn whoever_follows_a_batch_sees_how_far_an_item_that_is_running_has_come() {
    let steps = "  - {id: early, tool: charge, parameters: {id: 'early-{{id}}'}}\n  \
                 - {id: late, tool: charge, parameters: {id: '{{early.by}}-late'}}";
    let cluster = Cluster::start(steps);
    items(&cluster, &["a"]);
    let batch = cluster.batch(&[]);
    cluster.wait_for("begun early-a");
    let address = cluster.address().parse().unwrap();
    let mut followed = RestateBatch::find(address, "last").await.unwrap();
    let is_reached = async |followed: &mut RestateBatch, wanted: [StepStatus; 2]| {
        let began = Instant::now();
        loop {
            for record in followed.changes().await.unwrap() {
                let steps = record.figures.steps.iter().map(|step| step.status);
                if steps.eq(wanted) {
                    return record;
                }
            }
            assert!(began.elapsed() < HANG, "{wanted:?} is not told");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let wanted = [StepStatus::Running, StepStatus::Pending];
    let record = is_reached(&mut followed, wanted).await;
    assert_eq!(record.status, RunWord::Running);
    let events = followed.events(&record.run_id).await.unwrap();
    let run = RunState::from_events(&events);
    assert!(!run.has_ended());
    assert_eq!(run.steps[0].status, StepStatus::Running);
    cluster.go();
    let wanted = [StepStatus::Succeeded, StepStatus::Succeeded];
    let record = is_reached(&mut followed, wanted).await;
    assert_eq!(record.run_id, run.header.unwrap().run_id);
    let (code, output, said) = batch.ended();
    assert_eq!(code, 0, "{output}\n{said}");
}

#[test]
fn a_worker_may_have_the_catalog_in_another_folder() {
    let steps = "  - {id: say, tool: say, parameters: {id: '{{id}}'}}";
    let tools =
        "tools:\n  say: {type: process, command: [cat], cwd: ., parameters: [{name: id}]}\n";
    let mut cluster = Cluster::without_worker(steps, tools);
    let there = cluster.file("there");
    fs::create_dir(&there).unwrap();
    fs::copy(cluster.file("tools.yaml"), there.join("tools.yaml")).unwrap();
    cluster.start_worker_with("there/tools.yaml");
    items(&cluster, &["a"]);
    let (code, output, said) = cluster.batch(&[]).ended();
    assert_eq!(code, 0, "{output}\n{said}");
    assert_eq!(lines(&output)[0]["result"], json!({"id": "a"}));
    let (code, result, said) = cluster.run(&["-c", "id=b"]).end();
    assert_eq!(code, 0, "{result}\n{said}");
    assert_eq!(result["result"], json!({"id": "b"}));
}
