//! Dagu workflow files.

use super::{command, converted, folder, left_out, run, step};
use crate::common::program::{code, stderr};
use serde_json::{Value, json};

/// Commands that build on each other, with most of what a workflow can say.
const REPORT: &str = r#"
name: nightly report
description: Counts and reports.
type: graph
schedule: "0 2 * * *"
max_active_steps: 2
env:
  - PLACE: Bergen
  - GREETING: "hello ${PLACE}"
params:
  - WHO: Ada
  - LIMIT: 3
preconditions:
  - condition: "`echo ready`"
    expected: "re:^re.dy$"
steps:
  - name: count
    description: Counts.
    command: printf '{"n":%d,"who":"%s"}' "$LIMIT" "$WHO"
    output: COUNT
  - name: greet
    depends: count
    env:
      MARK: "!"
    command:
      - test "$WHO" = Ada
      - echo "$GREETING, ${WHO}${MARK} ${COUNT.n}"
    output: GREETED
    retry_policy: {limit: 2, interval_sec: 0}
  - id: python
    depends: [count]
    command: python3
    script: |
      import os
      print(int(os.environ["LIMIT"]) * 2)
    output: {DOUBLE: {from: stdout}, FIXED: {value: 7}}
  - name: flaky
    depends: [count]
    command: exit 3
    continue_on: {failure: true}
    output: NEVER
    stdout: /tmp/never.log
  - name: picky
    depends: [count]
    command: [echo picky, sh -c 'exit 4', echo never]
    continue_on: {exit_code: [4, 5], mark_success: true}
    output: PICKED
  - name: rarely
    depends: [count]
    command: echo rarely
    preconditions:
      - condition: "${WHO}"
        expected: Grace
    continue_on: skipped
  - name: direct
    depends: [greet]
    exec: {command: printf, args: ["%s|%s", "${GREETED}", "a 'b' \"c\""]}
    output: DIRECT
  - name: report
    depends: [greet, python, flaky, picky, rarely, direct]
    script: |
      #!/bin/sh
      echo "$GREETED; ${python.output.DOUBLE} ${python.output.FIXED}; never '$NEVER'; $PICKED; $DIRECT"
    timeout_sec: 30
"#;

#[test]
fn a_graph_of_commands_runs() {
    let folder = folder(&[("report.yaml", REPORT)]);
    let (status, result) = run(&folder, "report.yaml", &[]);
    let says = |result: &Value, id: &str| {
        let steps = result["steps"].as_array().unwrap();
        let step = steps.iter().find(|step| step["id"] == id).unwrap();
        (
            step["status"].as_str().unwrap().to_owned(),
            step["output"].clone(),
        )
    };
    assert_eq!(
        says(&result, "count"),
        ("succeeded".into(), json!({"n": 3, "who": "Ada"})),
        "{result:#}"
    );
    assert_eq!(says(&result, "greet").1, "hello Bergen, Ada! 3");
    assert_eq!(says(&result, "python").1, 6);
    assert_eq!(says(&result, "flaky").0, "failed");
    assert_eq!(says(&result, "picky").1, "picky");
    assert_eq!(says(&result, "rarely").0, "skipped");
    assert_eq!(says(&result, "workflow-when").1, true);
    let line = "hello Bergen, Ada! 3; 6 7; never ''; picky; hello Bergen, Ada! 3|a 'b' \"c\"";
    assert_eq!(
        says(&result, "report"),
        ("succeeded".into(), json!(line)),
        "{result:#}"
    );
    // A step that failed and does not hold the others up still failed.
    assert_eq!(status, 1);
    let (_, other) = run_again(&folder, &["-c", "WHO=Grace", "--fresh"]);
    assert_eq!(says(&other, "greet").0, "failed");
    assert_eq!(
        says(&other, "rarely"),
        ("succeeded".into(), json!("rarely"))
    );
    assert_eq!(says(&other, "report").0, "skipped");
}

fn run_again(folder: &tempfile::TempDir, more: &[&str]) -> (i32, Value) {
    let arguments = [
        "run",
        "plan.yaml",
        "--worker",
        "offline",
        "--headless",
        "--json",
    ];
    let output = command(folder, &[&arguments[..], more].concat());
    (code(&output), crate::common::program::json(&output))
}

#[test]
fn what_has_no_counterpart_is_listed() {
    let folder = folder(&[("report.yaml", REPORT)]);
    let found = converted(&folder, &["report.yaml"]);
    assert_eq!(found["format"], "dagu");
    assert_eq!(found["plan"]["name"], "nightly report");
    assert_eq!(found["plan"]["context"], json!({"WHO": "Ada", "LIMIT": 3}));
    let greet = step(&found, "greet");
    assert_eq!(
        greet["retry_policy"],
        json!({"retries": 3, "backoff_s": 0.0})
    );
    assert_eq!(
        step(&found, "rarely")["run_if"],
        "(WHO | string) == \"Grace\""
    );
    assert_eq!(step(&found, "report")["trigger"], "all_done");
    assert_eq!(step(&found, "report")["timeout_s"], 30.0);
    let listed = left_out(&found);
    for words in [
        "line 5: `schedule` has no counterpart: nothing starts runs by itself; let cron or a timer start `plandeck run`",
        "line 6: `max_active_steps` has no counterpart: give it as --max-concurrent",
        "step flaky: `stdout` has no counterpart",
    ] {
        assert!(listed.contains(words), "{words}\n{listed}");
    }
    assert_eq!(listed.lines().count(), 3, "{listed}");
}

#[test]
fn steps_without_a_graph_follow_each_other() {
    let text = "params: \"one two\"\nsteps:\n  - echo \"first $1\"\n  - - echo a\n    - name: b\n      script: |\n        #!/usr/bin/env python3\n        print('b')\n  - name: last\n    command: echo \"last $2\"\n";
    let folder = folder(&[("chain.yaml", text)]);
    let found = converted(&folder, &["chain.yaml"]);
    assert_eq!(step(&found, "last")["depends_on"], json!(["step-2", "b"]));
    assert_eq!(step(&found, "b")["depends_on"], json!(["step-1"]));
    let (status, result) = run(&folder, "chain.yaml", &["-c", "ARG_2=zwei"]);
    assert_eq!(
        (status, &result["result"]),
        (0, &json!("last zwei")),
        "{result:#}"
    );
    assert_eq!(result["steps"][0]["output"], "first one");
    assert_eq!(result["steps"][2]["output"], "b");
}

#[test]
fn a_workflow_that_is_called_is_put_in_its_place() {
    let text = "\
name: outer
steps:
  - name: inner
    call: pack
    params: \"TASK=7 FROM=${HOME}\"
    output: PACKED
  - name: lost
    run: elsewhere
    continue_on: {failure: true}
  - name: end
    command: echo \"got ${PACKED.outputs.BOX}\"
---
name: pack
params:
  - TASK: \"0\"
  - SIZE: small
steps:
  - name: fill
    command: echo \"box $TASK $SIZE\"
    output: BOX
";
    let folder = folder(&[("outer.yaml", text)]);
    let found = converted(&folder, &["outer.yaml"]);
    let listed = left_out(&found);
    assert!(listed.contains("line 7, step lost: the workflow elsewhere is not in this file or beside it; put its steps here"), "{listed}");
    std::fs::write(
        folder.path().join("elsewhere.yaml"),
        "steps: [{name: there, command: echo there}]",
    )
    .unwrap();
    let (status, result) = run(&folder, "outer.yaml", &[]);
    assert_eq!(
        (status, &result["result"]),
        (0, &json!("got box 7 small")),
        "{result:#}"
    );
    let ids: Vec<&str> = result["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["inner-fill", "lost-there", "end"]);
    let inner = converted(&folder, &["outer.yaml", "--workflow", "pack"]);
    assert_eq!(inner["plan"]["name"], "pack");
}

#[test]
fn other_kinds_of_steps_become_tools_or_fail_with_the_reason() {
    let text = r#"
type: graph
params: {ID: "7"}
steps:
  - {name: ask, type: http, command: "POST https://api.example/v1/${ID}", with: {headers: {X-Id: "${ID}"}, body: '{"id": "${ID}"}', timeout: 9}}
  - {name: pick, type: jq, command: .a, script: '{"a": [1]}'}
  - {name: talk, type: chat, llm: {model: gpt-4o-mini, max_tokens: 50}, messages: [{role: user, content: "Say ${ID}"}], depends: pick}
  - {name: box, container: {image: alpine}, command: ls}
  - {name: far, executor: {type: ssh, config: {host: h}}, command: ls}
"#;
    let folder = folder(&[("kinds.yaml", text)]);
    let found = converted(&folder, &["kinds.yaml"]);
    let tools = &found["plan"]["tools"];
    let ask = json!({"type": "http", "method": "POST", "url": "https://api.example/v1/{{ID}}", "headers": {"X-Id": "{{ID}}"},
        "body": "{\"id\": \"{{ID}}\"}", "timeout_s": 9});
    assert_eq!(tools["ask"], ask);
    assert_eq!(
        tools["talk"],
        json!({"type": "model", "prompt": "Say {{ID}}", "model": "gpt-4o-mini", "max_tokens": 50})
    );
    let listed = left_out(&found);
    assert!(
        listed.contains(
            "line 8, step box: it runs in a container; run it with a command such as `docker run"
        ),
        "{listed}"
    );
    assert!(
        listed.contains("line 9, step far: it runs on another machine"),
        "{listed}"
    );
    let (_, result) = run(&folder, "kinds.yaml", &[]);
    let output = |id: &str| {
        result["steps"]
            .as_array()
            .unwrap()
            .iter()
            .find(|step| step["id"] == id)
            .unwrap()
            .clone()
    };
    assert_eq!(output("pick")["output"], json!([1]));
    let error = output("box")["error"]["message"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        error.contains("this step was not carried over: it runs in a container"),
        "{error}"
    );
}

#[test]
fn what_cannot_run_is_refused() {
    let folder = folder(&[
        (
            "circle.yaml",
            "type: graph\nsteps:\n- {name: a, command: ls, depends: b}\n- {name: b, command: ls, depends: a}\n",
        ),
        ("self.yaml", "name: me\nsteps:\n- {name: a, call: me}\n"),
    ]);
    for (file, words) in [
        ("circle.yaml", "the plan that it becomes is not sound"),
        ("self.yaml", "the workflow me calls itself"),
    ] {
        let output = command(&folder, &["convert", file]);
        assert_eq!(code(&output), 2);
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
    }
}

#[test]
fn commands_of_a_container_do_not_run_on_this_machine() {
    let text = "container: {image: alpine}\nsteps:\n  - touch made\n";
    let folder = folder(&[("boxed.yaml", text)]);
    let (status, result) = run(&folder, "boxed.yaml", &[]);
    assert_eq!(status, 1, "{result:#}");
    assert!(!folder.path().join("made").exists());
    let listed = left_out(&converted(&folder, &["boxed.yaml"]));
    assert!(
        listed.starts_with("line 3, step step-1: it runs in a container"),
        "{listed}"
    );
}
