//! The library in a program of its own, which is not plandeck and does not serve as its sandbox.

use plandeck::run::RunCommand;
use plandeck::session::{JournalSettings, PriorRun};
use plandeck::store::CacheOptions;
use plandeck::{Execution, ExecutionError, ExecutionPlan, ExecutionResult, ResourceLimits};
use plandeck::{SmallModelWorker, execute_plan};
use serde_json::{Value, json};

fn plan(tool: &Value) -> ExecutionPlan {
    let plan = json!({"tools": {"t": tool}, "steps": [{"id": 1, "tool": "t"}]});
    ExecutionPlan::from_value(plan).unwrap()
}

fn python(code: &str) -> Value {
    json!({"type": "process", "command": ["python3", "-c", code]})
}

async fn run(tool: &Value, limits: ResourceLimits) -> Result<Value, String> {
    let worker = SmallModelWorker::offline();
    match execute_plan(&plan(tool), &worker, json!({}), limits, true).await {
        Ok(result) => Ok(Value::clone(&result.result)),
        Err(ExecutionError::ToolExecution { error, .. }) => Err(error.to_string()),
        Err(other) => panic!("{other}"),
    }
}

/// The program used to start itself as its own launcher, again and again.
#[tokio::test]
async fn a_program_is_started_and_nothing_else() {
    let limits = ResourceLimits {
        timeout_seconds: Some(60.0),
        ..ResourceLimits::default()
    };
    assert!(limits.max_memory_mb.is_some() && limits.max_cpu_percent.is_some());
    let echo = json!({"type": "process", "command": ["sh", "-c", "echo \"$1\"", "sh", "a b"]});
    assert_eq!(run(&echo, limits).await, Ok(json!("a b")));
}

#[tokio::test]
async fn memory_is_limited() {
    let limits = |memory| ResourceLimits {
        max_memory_mb: Some(memory),
        ..ResourceLimits::none()
    };
    let hungry = python("print(len(bytearray(300 << 20)))");
    let error = run(&hungry, limits(100)).await.unwrap_err();
    assert!(error.contains("MemoryError"), "{error}");
    assert_eq!(run(&hungry, limits(900)).await, Ok(json!(300 << 20)));
}

#[tokio::test]
async fn the_processor_share_is_limited() {
    let limits = ResourceLimits {
        max_cpu_percent: Some(25),
        ..ResourceLimits::none()
    };
    let busy = "import time\nt = time.time()\nwhile time.process_time() < 0.5: pass\nprint(time.process_time() / (time.time() - t))";
    let share = run(&python(busy), limits).await.unwrap();
    // A burst of 0.1 s comes on top.
    assert!(share.as_f64().unwrap() < 0.4, "{share}");
}

#[tokio::test]
async fn code_runs_in_the_program_that_is_named() {
    let code = json!({"type": "code_exec", "code": "output = 6 * 7"});
    let limits = ResourceLimits {
        timeout_seconds: Some(60.0),
        ..ResourceLimits::none()
    };
    let run = Execution::new(&plan(&code))
        .program(env!("CARGO_BIN_EXE_plandeck"))
        .limits(limits);
    assert_eq!(*run.run().await.unwrap().result, json!(42));
}

/// The test runs itself again without `plandeck` on the search path.
#[tokio::test]
async fn without_plandeck_an_unbounded_filter_fails_with_cause_and_remedy() {
    if std::env::var_os("WITHOUT_PLANDECK").is_none() {
        let name = "library::without_plandeck_an_unbounded_filter_fails_with_cause_and_remedy";
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args([name, "--exact"])
            .env("WITHOUT_PLANDECK", "1")
            .env("PATH", "")
            .env_remove("PLANDECK_EXE")
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && printed.contains("1 passed"),
            "{printed}"
        );
        return;
    }
    let limits = ResourceLimits::none;
    let in_place = json!({"type": "jq", "filter": "{n: (1 + 1)}"});
    assert_eq!(run(&in_place, limits()).await, Ok(json!({"n": 2})));
    let unbounded = json!({"type": "jq", "filter": "[range(3)] | map(. * 2)"});
    let code = json!({"type": "code_exec", "code": "output = 1"});
    for (tool, cause) in [
        (unbounded, "a jq filter that could run long"),
        (code, "Python code"),
    ] {
        let error = run(&tool, limits()).await.unwrap_err();
        assert!(error.contains(cause), "{error}");
        for remedy in ["Execution::program", "PLANDECK_EXE", "as_child", "PATH"] {
            assert!(error.contains(remedy), "{error}");
        }
    }
}

/// A stopped run was an error of a tool called "the run" once.
#[tokio::test]
async fn a_run_that_is_stopped_is_cancelled_and_no_tool_is_to_blame() {
    let wait = json!({"type": "process", "command": ["sleep", "60"]});
    let live = Execution::new(&plan(&wait)).prepare().unwrap().start();
    live.commands().send(RunCommand::Stop).unwrap();
    let stopped = live.result().await.unwrap_err();
    assert!(
        matches!(stopped, ExecutionError::Cancelled { .. }),
        "{stopped}"
    );
    assert_eq!(stopped.result().unwrap().steps_completed, 0);
}

#[tokio::test]
async fn a_recorded_run_is_resumed_with_a_note_and_a_cache_needs_a_journal() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(&json!({"type": "jq", "filter": "42"}));
    let recorded = || Execution::new(&plan).journal(JournalSettings::at(folder.path()));
    let first = recorded().run().await.unwrap();
    let prior = PriorRun::resume_at(folder.path(), &first.run_id).unwrap();
    let prepared = recorded().resume(prior).prepare().unwrap();
    let [note] = prepared.notes() else {
        panic!("{:?}", prepared.notes())
    };
    let says = format!("resuming run {}: 1 recorded outputs", first.run_id);
    assert_eq!(note.to_string(), says);
    let (state, note) = prepared.run().await;
    assert!(note.is_none(), "{note:?}");
    assert_eq!(ExecutionResult::of(&state).steps_completed, 1);

    let refused = Execution::new(&plan).cache(CacheOptions::default()).run();
    let refused = refused.await.unwrap_err();
    assert!(refused.to_string().contains("needs a journal"), "{refused}");
}
