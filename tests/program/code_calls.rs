//! Code that calls tools: each call is a step of its own, with limits, a record and a place under its caller.

use crate::common::program::{HANG, code, folder, json, plandeck, program, run_json, stderr, step};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Tools that compute, and one that fails.
const TOOLS: &str = "tools:
  double: {type: jq, filter: '{n: (.n * 2)}'}
  add-one: {type: jq, filter: '.n + 1'}
  broken: {type: jq, filter: 'error(\"it is broken\")'}
  slow: {type: process, command: [sh, -c, 'sleep 1.5; echo 7']}
";

/// A plan of one step that runs `code`.
fn plan(code: &str, more: &Value) -> String {
    let mut step = json!({"id": "c", "tool": "code_exec", "parameters": {"code": code}});
    step.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    json!({"steps": [step]}).to_string()
}

fn run(code: &str, more: &[&str]) -> (i32, Value) {
    let folder = folder("plan.json", &plan(code, &json!({})), TOOLS);
    run_json(&folder.path().join("plan.json"), more)
}

fn ids(result: &Value) -> Vec<&str> {
    let steps = result["steps"].as_array().unwrap().iter();
    steps.map(|step| step["id"].as_str().unwrap()).collect()
}

/// The code as CPython runs it.
fn by_cpython(code: &str) -> String {
    let parameters = json!({"code": code, "python": "cpython"});
    json!({"steps": [{"id": "c", "tool": "code_exec", "parameters": parameters}]}).to_string()
}

const SEVERAL: &str = "import asyncio
first = await double(n=2)
pair = await asyncio.gather(double({'n': first['n']}), call_tool('add-one', n=4))
output = [first, pair, await add_one(n=9)]
print('done')
";

#[test]
fn each_call_is_a_step_of_its_own() {
    let expected = json!([{"n": 4}, [{"n": 8}, 5], 10]);
    for plan in [plan(SEVERAL, &json!({})), by_cpython(SEVERAL)] {
        let folder = folder("plan.json", &plan, TOOLS);
        // One slot is enough: code that waits has none.
        let (status, result) =
            run_json(&folder.path().join("plan.json"), &["--max-concurrent", "1"]);
        assert_eq!((status, &result["result"]), (0, &expected), "{result:#}");
        let known = [
            "c",
            "c/double[0]",
            "c/double[1]",
            "c/add-one[0]",
            "c/add-one[1]",
        ];
        assert_eq!(ids(&result), known);
        assert_eq!(step(&result, "c/double[1]")["output"], json!({"n": 8}));
        assert_eq!(result["steps_completed"], 1);
    }
}

#[test]
fn a_failed_call_raises_and_an_unknown_tool_names_what_there_is() {
    let code = "said = []
for name in ['broken', 'nothing']:
    try:
        await call_tool(name)
    except RuntimeError as error:
        said.append(str(error))
output = said
";
    for plan in [plan(code, &json!({})), by_cpython(code)] {
        let folder = folder("plan.json", &plan, TOOLS);
        let (status, result) = run_json(&folder.path().join("plan.json"), &[]);
        assert_eq!(
            (status, &result["status"]),
            (0, &json!("succeeded")),
            "{result:#}"
        );
        let said = result["result"].as_array().unwrap();
        assert!(
            said[0].as_str().unwrap().contains("it is broken"),
            "{said:?}"
        );
        let unknown = said[1].as_str().unwrap();
        assert!(
            unknown.contains("nothing") && unknown.contains("add-one, broken"),
            "{unknown}"
        );
        assert_eq!(step(&result, "c/broken[0]")["status"], "failed");
    }
    // A refusal on its way is no reason to wait: the code has its slot, and its time limit.
    let code = "import asyncio
try:
    await asyncio.gather(slow(), call_tool('nothing'))
except RuntimeError:
    while True: pass
";
    let busy = folder("plan.json", &plan(code, &json!({"timeout_s": 0.5})), TOOLS);
    let (_, result) = run_json(&busy.path().join("plan.json"), &[]);
    assert_eq!(result["error"]["type"], "TimeoutError", "{result:#}");
    // Nobody catches it.
    let (status, result) = run("output = await broken()", &["--fail-fast"]);
    assert_eq!((status, &result["status"]), (1, &json!("failed")));
    let message = result["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("it is broken") && message.contains("line 1"),
        "{message}"
    );
}

#[test]
fn limits_hold_for_calls() {
    let code = "total = 0
for n in range(50):
    total += await add_one(n=n)
output = total
";
    let (status, result) = run(code, &["--max-tool-calls", "6"]);
    assert_eq!(
        (status, &result["exceeded_limits"]),
        (3, &json!(["max_tool_calls"]))
    );
    let ended = ids(&result)
        .iter()
        .filter(|id| id.starts_with("c/"))
        .count();
    assert_eq!(ended, 6, "five were made, and one was too many");
    let (status, result) = run(code, &[]);
    assert_eq!((status, &result["result"]), (0, &json!(1275)));
}

#[test]
fn what_a_call_costs_is_counted_once() {
    let tools = format!("{TOOLS}  paid: {{type: jq, filter: '1', cost_usd: 0.25}}\n");
    let code = "output = [await paid(n=n) for n in range(3)]";
    let folder = folder("plan.json", &plan(code, &json!({})), &tools);
    let (status, result) = run_json(&folder.path().join("plan.json"), &[]);
    assert_eq!((status, &result["cost"]), (0, &json!(0.75)), "{result:#}");
    assert_eq!(step(&result, "c")["cost"], json!(0.0));
    let (status, result) = run_json(
        &folder.path().join("plan.json"),
        &["--max-total-cost-usd", "0.6", "--fresh"],
    );
    assert_eq!(
        (status, &result["exceeded_limits"]),
        (3, &json!(["max_total_cost_usd"]))
    );
    assert_eq!(result["cost"], json!(0.5));
}

#[test]
fn the_time_of_calls_is_not_the_codes_own() {
    let code = "output = await slower()";
    let steps = ["embedded", "cpython"].map(|python| {
        let parameters = json!({"code": code, "python": python});
        json!({"id": python, "tool": "code_exec", "parameters": parameters, "timeout_s": 7})
    });
    let tools = "tools: {slower: {type: process, command: [sh, -c, 'sleep 8; echo 7']}}\n";
    let slow = folder("plan.json", &json!({"steps": steps}).to_string(), tools);
    let (status, result) = run_json(&slow.path().join("plan.json"), &[]);
    let expected = json!({"embedded": 7, "cpython": 7});
    assert_eq!((status, &result["result"]), (0, &expected), "{result:#}");
    let time = |id: &str| step(&result, id)["latency_ms"].as_f64().unwrap();
    for python in ["embedded", "cpython"] {
        let (own, call) = (time(python), time(&format!("{python}/slower[0]")));
        assert!(own < 7_000.0 && call >= 8_000.0, "{own} {call}");
    }
    let looping = plan("await slow()\nwhile True: pass", &json!({"timeout_s": 0.5}));
    let folder = folder("plan.json", &looping, TOOLS);
    let (status, result) = run_json(&folder.path().join("plan.json"), &[]);
    assert_eq!(
        (status, &result["error"]["type"]),
        (1, &json!("TimeoutError")),
        "{result:#}"
    );
}

#[test]
fn code_that_calls_code_nests_so_deep_and_no_deeper() {
    let tools = "tools:
  deeper:
    type: code_exec
    code: |
      n = input_data['n']
      output = n if n <= 0 else await deeper(n=n - 1)
";
    let depth = |n: u32| {
        let code = format!("output = await deeper(n={n})");
        let folder = folder("plan.json", &plan(&code, &json!({})), tools);
        run_json(&folder.path().join("plan.json"), &["--max-concurrent", "1"])
    };
    let (status, result) = depth(3);
    assert_eq!((status, &result["result"]), (0, &json!(0)), "{result:#}");
    assert_eq!(
        ids(&result).last(),
        Some(&"c/deeper[0]/deeper[0]/deeper[0]/deeper[0]")
    );
    let (status, result) = depth(4);
    let message = result["error"]["message"].as_str().unwrap();
    assert!(
        status == 1 && message.contains("nest at most 4 deep"),
        "{message}"
    );
}

#[test]
fn calls_that_nobody_waits_for_end_with_the_code() {
    let code = "import asyncio
async def main():
    task = asyncio.create_task(slow())
    await double(n=1)
asyncio.run(main())
output = 1
";
    let began = Instant::now();
    let folder = folder("plan.json", &by_cpython(code), TOOLS);
    let (status, result) = run_json(&folder.path().join("plan.json"), &[]);
    assert_eq!((status, &result["result"]), (0, &json!(1)), "{result:#}");
    let status = step(&result, "c/slow[0]")["status"].clone();
    // On a busy machine the code ends before the call has begun.
    assert!(status == "cancelled" || status == "skipped", "{status}");
    assert!(began.elapsed() < HANG);
}

#[test]
fn check_lists_what_code_could_call() {
    let reaches = |code: &str| {
        let folder = folder("plan.json", &plan(code, &json!({})), TOOLS);
        let checked = plandeck()
            .args(["check", "--json"])
            .arg(folder.path().join("plan.json"))
            .output()
            .unwrap();
        assert_eq!(code_of(&checked), 0, "{}", stderr(&checked));
        json(&checked)["reaches"]["programs"].to_string()
    };
    assert!(!reaches("output = await double(n=1)").contains("sh"));
    assert!(reaches("output = await slow()").contains("sh"));
    assert!(reaches("output = await call_tool('double', n=1)").contains("sh"));
}

fn code_of(output: &std::process::Output) -> i32 {
    code(output)
}

fn lines(file: &Path) -> usize {
    std::fs::read_to_string(file).map_or(0, |text| text.lines().count())
}

/// A call that had ended is not made again, whatever becomes of the program.
#[test]
fn after_a_crash_ended_calls_are_taken_from_the_record() {
    let tools = "tools:
  mark: {type: process, command: [sh, -c, 'cat >> marks; echo >> marks; echo 1'], cwd: '.'}
  hang: {type: process, command: [sh, -c, 'echo begun >> hangs; if [ -e go ]; then echo 2; else sleep 60; fi'], cwd: '.', idempotent: true}
";
    // What is called next depends on which of two ends first, and the record is found all the same.
    let code = "import asyncio
async def both(n):
    await mark(n=n)
    return await mark(n=n + 10)
sums = await asyncio.gather(both(1), both(2))
output = [sums, await hang()]
";
    let folder = folder("plan.json", &plan(code, &json!({})), tools);
    let path = folder.path();
    let command = |arguments: &[&str]| {
        let mut command = Command::new(program());
        command
            .args(arguments)
            .args(["--headless", "--json", "--worker", "offline"])
            .current_dir(path)
            .env("PLANDECK_HOME", path.join("home"))
            .env("PLANDECK_TRUST", "1")
            .stdin(Stdio::null());
        command
    };
    let mut first = command(&["run", "plan.json"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while lines(&path.join("hangs")) == 0 {
        assert!(began.elapsed() < HANG, "the code does not get there");
        std::thread::sleep(Duration::from_millis(20));
    }
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(lines(&path.join("marks")), 4);
    std::fs::write(path.join("go"), "").unwrap();
    let resumed = command(&["run", "plan.json", "--resume", "last"])
        .output()
        .unwrap();
    let result = json(&resumed);
    assert_eq!(
        (code_of(&resumed), &result["result"]),
        (0, &json!([[1, 1], 2])),
        "{result:#}"
    );
    assert_eq!(lines(&path.join("marks")), 4, "no mark is made twice");
    let recorded = result["steps"].as_array().unwrap().iter();
    let recorded = recorded.filter(|step| step["source"] == "recorded").count();
    assert_eq!(recorded, 4, "{result:#}");
}

/// Code that called tools is run again although its text and input are as before: what it read may be another.
#[test]
fn what_code_made_of_calls_is_not_cached_and_its_calls_are() {
    let folder = folder(
        "plan.json",
        &plan("output = await read(n=4)", &json!({})),
        "tools:\n  read: {type: process, command: [echo, '8'], read_only: true}\n",
    );
    let home = folder.path().join("home");
    let run = || {
        let ran = plandeck()
            .arg("run")
            .arg(folder.path().join("plan.json"))
            .args(["--headless", "--json", "--worker", "offline"])
            .env("PLANDECK_HOME", &home)
            .output()
            .unwrap();
        json(&ran)
    };
    run();
    let result = run();
    assert_eq!(step(&result, "c")["source"], "call", "{result:#}");
    assert_eq!(step(&result, "c/read[0]")["source"], "cache", "{result:#}");
}

#[test]
fn no_step_has_the_name_of_a_call() {
    let step = |id: &str| json!({"id": id, "tool": "double", "parameters": {"n": 1}});
    let plan = json!({"steps": [step("c"), step("c/double[0]"), step("d/double[0]")]});
    let folder = folder("plan.json", &plan.to_string(), TOOLS);
    let checked = plandeck()
        .arg("check")
        .arg(folder.path().join("plan.json"))
        .output()
        .unwrap();
    let said = stderr(&checked) + &String::from_utf8_lossy(&checked.stdout);
    assert_eq!(code_of(&checked), 2, "{said}");
    assert_eq!(said.matches("is the id of a call").count(), 1, "{said}");
}
