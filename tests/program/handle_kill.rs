//! Kills the program while servers are at work on tasks that it has begun, and resumes it: the servers are asked about the
//! tasks, so that nothing happens twice and nothing stays unknown.

use crate::common::program::{HANG, program};
use serde_json::Value;
use std::fmt::Write as _;
use std::io::BufRead;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const SERVER: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/fixtures/tasks/server.py"
);

/// A folder with a plan, and the server that its tools reach.
struct Trial {
    folder: TempDir,
    server: Child,
}

impl Drop for Trial {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// A step of the plan: its id, its tool, and what it is called with besides its id.
type Step = (String, &'static str, String);

impl Trial {
    fn new(steps: &[Step]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut server = Command::new("python3")
            .arg(SERVER)
            .arg(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        let mut printed = std::io::BufReader::new(server.stdout.take().unwrap());
        printed.read_line(&mut port).unwrap();
        let place = format!("http://127.0.0.1:{}", port.trim());
        let tools = format!(
            "mcpServers: {{jobs: {{url: '{place}/mcp'}}}}\n\
             tools:\n  job: {{type: mcp, server: jobs, retries: 0}}\n  doer: {{type: agent, url: '{place}/agent', retries: 0}}\n"
        );
        let mut plan = String::from("steps:\n");
        for (id, tool, more) in steps {
            let parameters = format!("{{id: {id}{more}}}");
            let _ = writeln!(
                plan,
                "  - {{id: {id}, tool: {tool}, parameters: {parameters}}}"
            );
        }
        std::fs::write(folder.path().join("plan.yaml"), plan).unwrap();
        std::fs::write(folder.path().join("tools.yaml"), tools).unwrap();
        Self { folder, server }
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

    fn run(&self, more: &[&str]) -> Command {
        // Each run writes its own file of events.
        let _ = std::fs::remove_file(self.path().join("events"));
        let mut command = self.plandeck(&["run", "plan.yaml", "--headless", "--worker", "offline"]);
        command.args(["--events", "events"]).args(more);
        command.stdout(Stdio::null());
        command
    }

    /// The events of the last run that it reported.
    fn events(&self, kind: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path().join("events")).unwrap_or_default();
        let events = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        events
            .filter(|event: &Value| event["type"] == kind)
            .collect()
    }

    /// Starts a run and kills it once `count` of its calls have handles.
    fn killed_with_handles(&self, count: usize) {
        let mut child = self.run(&[]).spawn().unwrap();
        let began = Instant::now();
        while self.events("attempt_handle").len() < count {
            assert!(began.elapsed() < HANG, "no handles");
            std::thread::sleep(Duration::from_millis(2));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }

    fn text(&self, arguments: &[&str]) -> String {
        let output = self.plandeck(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    fn shown(&self) -> Value {
        serde_json::from_str(&self.text(&["show", "last", "--json"])).unwrap()
    }

    fn status(&self, id: &str) -> String {
        let shown = self.shown();
        let mut steps = shown["steps"].as_array().unwrap().iter();
        let step = steps.find(|step| step["id"] == id).unwrap();
        step["status"].as_str().unwrap().to_owned()
    }

    /// The ids of the calls that the server has seen, sorted.
    fn effects(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.path().join("effects")).unwrap_or_default();
        let mut effects: Vec<String> = text.lines().map(str::to_owned).collect();
        effects.sort();
        effects
    }

    fn all_tasks_end(&self) {
        std::fs::write(self.path().join("all-ended"), "").unwrap();
    }
}

fn step(id: &str, tool: &'static str, more: &str) -> Step {
    (id.to_owned(), tool, more.to_owned())
}

#[test]
fn what_a_server_was_at_work_on_is_waited_for_after_any_number_of_kills() {
    let mut random = fastrand::Rng::with_seed(11);
    for _ in 0..4 {
        let steps: Vec<Step> = (0..8)
            .map(|n| {
                let tool = if n % 2 == 0 { "job" } else { "doer" };
                let more = format!(", ms: {}", random.u32(100..900));
                (format!("s{n}"), tool, more)
            })
            .collect();
        let trial = Trial::new(&steps);
        trial.killed_with_handles(steps.len());
        loop {
            // Whenever it is killed now, the handles are on record.
            let mut child = trial.run(&["--resume", "last"]).spawn().unwrap();
            std::thread::sleep(Duration::from_millis(random.u64(1..400)));
            child.kill().unwrap();
            if child.wait().unwrap().code().is_some() {
                break;
            }
        }
        let shown = trial.shown();
        for step in shown["steps"].as_array().unwrap() {
            assert_eq!(step["status"], "succeeded", "{shown:#}");
            assert_eq!(step["output"]["did"], step["id"]);
        }
        let once: Vec<String> = steps.iter().map(|(id, ..)| id.clone()).collect();
        assert_eq!(trial.effects(), once, "each effect once");
    }
}

#[test]
fn a_task_that_ended_meanwhile_is_settled_and_one_that_goes_on_is_attached_to() {
    let steps = [
        step("quick", "job", ", ms: 300000"),
        step("helped", "doer", ", ms: 300000"),
        step("broken", "job", ", ms: 300000, fails: true"),
    ];
    let trial = Trial::new(&steps);
    trial.killed_with_handles(3);
    let shown = trial.text(&["show", "last"]);
    assert!(
        shown.contains("attempt 1 is the task task-"),
        "the handle is shown: {shown}"
    );
    // Still at work: the resumed run waits for the end.
    let mut child = trial.run(&["--resume", "last"]).spawn().unwrap();
    let began = Instant::now();
    while trial.events("step_settled").len() < 3 || trial.events("attempt_handle").len() < 3 {
        assert!(began.elapsed() < HANG, "nothing was settled");
        std::thread::sleep(Duration::from_millis(2));
    }
    for event in trial.events("step_settled") {
        assert_eq!(
            (&event["by"], &event["happened"], &event["output"]["status"]),
            (&"handle".into(), &Value::Null, &"working".into())
        );
    }
    child.kill().unwrap();
    child.wait().unwrap();
    trial.all_tasks_end();
    let ended = trial.run(&["--resume", "last"]).status().unwrap();
    assert_eq!(ended.code(), Some(1), "one of the tasks failed");
    assert_eq!(
        (trial.status("quick"), trial.status("helped")),
        ("succeeded".to_owned(), "succeeded".to_owned())
    );
    assert_eq!(trial.status("broken"), "failed");
    let settled = trial.events("step_settled");
    assert_eq!(settled.len(), 3);
    let of = |id: &str| settled.iter().find(|event| event["step"] == id).unwrap();
    assert_eq!(of("quick")["output"], serde_json::json!({"did": "quick"}));
    assert!(
        of("broken")["error"].as_str().unwrap().contains("no paper"),
        "{settled:#?}"
    );
    assert!(
        trial.events("attempt_started").is_empty(),
        "nothing is called"
    );
    let explained = trial.text(&["explain", "last", "quick"]);
    assert!(
        explained.contains("the server of job says that attempt"),
        "{explained}"
    );
    assert_eq!(trial.effects(), ["broken", "helped", "quick"]);
}

#[test]
fn what_the_server_has_forgotten_stays_unknown() {
    let mut trial = Trial::new(&[step("lost", "job", ", ms: 300000")]);
    trial.killed_with_handles(1);
    // Another server, which knows no tasks.
    let other = Trial::new(&[step("lost", "job", ", ms: 300000")]);
    let tools = std::fs::read_to_string(other.path().join("tools.yaml")).unwrap();
    let plan_tools = trial.path().join("tools.yaml");
    std::fs::write(plan_tools, tools).unwrap();
    let _ = trial.server.kill();
    let ended = trial.run(&["--resume", "last"]).status().unwrap();
    assert_eq!(ended.code(), Some(1));
    assert_eq!(trial.status("lost"), "unknown");
    let settled = trial.events("step_settled");
    assert!(
        settled[0]["error"].as_str().unwrap().contains("no task"),
        "{settled:?}"
    );
    assert!(other.effects().is_empty());
    // The user decides, and then it is called.
    let ended = trial
        .run(&["--resume", "last", "--unknown", "skip"])
        .status();
    assert!(matches!(ended.unwrap().code(), Some(0 | 1)));
    assert!(other.effects().is_empty());
}
