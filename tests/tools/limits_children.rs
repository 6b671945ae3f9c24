//! The limits on children, on time and on calls, through the program: what exceeds them is stopped, and the partial
//! result is returned.

use crate::common::process::start;
use crate::common::program::{HANG, code, folder, json, plan_in, run_json, stderr, step};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Runs tools, each in a step of its own name, next to one that succeeds.
fn run(tools: &[(&str, Value)], more: &[&str]) -> (i32, Value) {
    let mut catalog = json!({"good": {"type": "process", "command": ["echo", "fine"]}});
    let mut steps = vec![json!({"id": "good", "tool": "good", "parameters": {}})];
    for (name, tool) in tools {
        catalog[name] = tool.clone();
        steps.push(json!({"id": name, "tool": name, "parameters": {}}));
    }
    let folder = folder(
        "plan.json",
        &json!({"steps": steps}).to_string(),
        &json!({"tools": catalog}).to_string(),
    );
    run_json(&plan_in(folder.path()), more)
}

fn python(code: &str) -> Value {
    json!({"type": "process", "command": ["python3", "-c", code]})
}

fn sandboxed(code: &str) -> Value {
    json!({"type": "code_exec", "code": code})
}

#[test]
fn memory_cannot_be_passed() {
    let tools = [
        ("at_once", python("print(len(bytearray(300 << 20)))")),
        (
            "bit_by_bit",
            python("a = []\nwhile True: a.append(bytearray(1 << 20))"),
        ),
        // The limit holds for what a program starts as well.
        (
            "in_a_child",
            json!({"type": "process", "command": ["sh", "-c",
                "python3 -c 'print(len(bytearray(300 << 20)))' || exit 9"]}),
        ),
        (
            "sandboxed",
            sandboxed("a = []\nwhile True: a.append('x' * 100000)"),
        ),
    ];
    let (code, result) = run(&tools, &["--max-memory-mb", "100"]);
    assert_eq!(code, 1, "{result:#}");
    for (name, _) in &tools {
        let row = step(&result, name);
        assert_eq!(row["status"], "failed", "{row}");
        let message = row["error"]["message"].as_str().unwrap();
        let told = ["MemoryError", "memory", "code 9"];
        assert!(
            told.iter().any(|word| message.contains(word)),
            "{name}: {message}"
        );
    }
    assert_eq!(step(&result, "good")["output"], "fine");
    let (code, result) = run(&tools[..1], &["--max-memory-mb", "900"]);
    assert_eq!(
        (code, &step(&result, "at_once")["output"]),
        (0, &json!(300 << 20))
    );
}

#[test]
fn the_share_of_a_processor_cannot_be_passed() {
    // Each works until it has used 0.5 s of processor time and gives its share of the wall-clock time.
    let busy = "import time\nt = time.time()\nwhile time.process_time() < 0.5: pass\nprint(time.process_time() / (time.time() - t))";
    // A child that works as hard as its parent counts with it.
    let with_a_child =
        format!("import os\nchild = os.fork()\n{busy}\nif child:\n    os.waitpid(child, 0)");
    let quiet = with_a_child.replace("print(", "share = (") + "\n    print(share)";
    let tools = [("busy", python(busy)), ("family", python(&quiet))];
    let (code, result) = run(&tools, &["--max-cpu-percent", "25"]);
    assert_eq!(code, 0, "{result:#}");
    // A burst of 0.1 s comes on top of a quarter.
    let share = |name: &str| step(&result, name)["output"].as_f64().unwrap();
    assert!(share("busy") < 0.4, "{}", share("busy"));
    assert!(share("family") < 0.25, "{}", share("family"));
}

/// The processor time that a sandbox has used, and how long it has existed, in seconds.
#[derive(Clone, Copy, Debug, Default)]
struct Use {
    processor: f64,
    wall: f64,
}

/// The fields of a process in `/proc` after its name: its state, its parent, ….
fn stat(process: &str) -> Option<Vec<String>> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let fields = stat.rsplit(')').next()?.split_whitespace();
    Some(fields.map(str::to_owned).collect())
}

/// The use of the sandbox at work that the process `program` has started through the launcher, beside which another one
/// may be ready; `None` while it has none.
fn sandbox_of(program: u32) -> Option<Use> {
    // `/proc` counts in hundredths of a second.
    let clock = |ticks: &str| ticks.parse::<f64>().ok().map(|ticks| ticks / 100.0);
    let sandboxes = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let process = entry.ok()?.file_name().into_string().ok()?;
        let command = std::fs::read_to_string(format!("/proc/{process}/cmdline")).ok()?;
        // The launcher has this among its arguments, the sandbox as its first.
        if command.split('\0').nth(1)? != "__sandbox" {
            return None;
        }
        let fields = stat(&process)?;
        if stat(&fields[1])?[1] != program.to_string() {
            return None;
        }
        let uptime = std::fs::read_to_string("/proc/uptime").ok()?;
        let uptime: f64 = uptime.split_whitespace().next()?.parse().ok()?;
        // Processor time is in the fields 14 and 15 of the whole line, the start in field 22.
        Some(Use {
            processor: clock(&fields[11])? + clock(&fields[12])?,
            wall: uptime - clock(&fields[19])?,
        })
    });
    sandboxes.max_by(|one, other| one.processor.total_cmp(&other.processor))
}

/// The share is compared within one run, so a busy machine cannot break it: it adds wall-clock time only.
#[test]
fn a_sandbox_cannot_pass_its_share_either() {
    let work = sandboxed("n = 0\nwhile n < 1500000: n += 1\noutput = n");
    let folder = folder(
        "plan.json",
        &json!({"steps": [{"id": "work", "tool": "work", "parameters": {}}]}).to_string(),
        &json!({"tools": {"work": work}}).to_string(),
    );
    let home = tempfile::tempdir().unwrap();
    let mut child = start(folder.path(), home.path(), &["--max-cpu-percent", "10"]);
    let mut last = Use::default();
    let deadline = Instant::now() + 2 * HANG;
    while child.try_wait().unwrap().is_none() {
        // When the one at work has ended, another one that is ready may still be there.
        last = sandbox_of(child.id())
            .filter(|now| now.processor >= last.processor)
            .unwrap_or(last);
        assert!(Instant::now() < deadline, "the work does not end: {last:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(step(&json(&output), "work")["output"], 1_500_000);
    // A tenth of the time, a burst of 0.1 s on top, and what it may use before the next look at it.
    let allowed = 0.1 * last.wall + 0.1 + 0.2;
    assert!(last.processor > 0.3, "the work is too small: {last:?}");
    assert!(last.processor < allowed, "{last:?}, {allowed} s allowed");
}

#[test]
fn time_is_up_for_all() {
    let hang = json!({"type": "process", "command": ["sleep", "600"]});
    let tools = [("hangs", hang), ("loops", sandboxed("while True: pass"))];
    let (code, result) = run(&tools, &["--timeout-seconds", "1.5"]);
    assert_eq!(code, 3, "{result:#}");
    assert_eq!(result["status"], "limit_exceeded");
    assert_eq!(result["exceeded_limits"], json!(["timeout_seconds"]));
    assert_eq!(result["error"]["type"], "TimeoutError");
    assert_eq!(step(&result, "good")["output"], "fine");
    for (name, _) in &tools {
        assert_eq!(step(&result, name)["status"], "cancelled");
    }
}

/// Each attempt is a call.
#[test]
fn calls_are_counted_with_their_retries() {
    let steps: Vec<Value> = (0..3)
        .map(|at| {
            json!({"id": format!("s{at}"), "tool": "flaky", "parameters": {},
                "depends_on": if at == 0 { json!([]) } else { json!([format!("s{}", at - 1)]) },
                "retry_policy": {"retries": 2, "backoff_s": 0.01}})
        })
        .collect();
    // Fails every other time, after something that is worth another try.
    let flaky = json!({"type": "process", "timeout_s": 2, "command": ["sh", "-c",
        "if [ -e \"$0\" ]; then rm \"$0\"; echo ok; else touch \"$0\"; sleep 60; fi", "mark"]});
    let folder = folder(
        "plan.json",
        &json!({"steps": steps}).to_string(),
        &json!({"tools": {"flaky": flaky}}).to_string(),
    );
    let (code, result) = run_json(&plan_in(folder.path()), &["--max-tool-calls", "3"]);
    assert_eq!(code, 3, "{result:#}");
    assert_eq!(result["exceeded_limits"], json!(["max_tool_calls"]));
    assert_eq!(step(&result, "s0")["output"], "ok");
    assert_eq!(step(&result, "s0")["attempts"], 2);
    assert_eq!(step(&result, "s1")["attempts"], 1);
    assert_eq!(result["steps_completed"], 1);
}
