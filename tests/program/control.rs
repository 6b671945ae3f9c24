//! The control interface of a live run: raw requests over its socket.

use crate::common::control::{
    answer, command, events, request, run_so_far, send, socket_in, taken,
};
use crate::common::process::{start, wait_until};
use crate::common::program::{json, plandeck, step};
use plandeck::report::result_of;
use plandeck::run::{RunEvent, RunState};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Output};
use tempfile::TempDir;

/// `a` → `b`, and `c` beside them; each gives its input back.
fn plan() -> Value {
    json!({
        "name": "controlled",
        "tools": {"same": {"type": "jq", "filter": "."}},
        "steps": [
            {"id": "a", "tool": "same", "parameters": {"n": 1}},
            {"id": "b", "tool": "same", "parameters": {"of": "{{a.n}}"}},
            {"id": "c", "tool": "same", "parameters": {"n": 3}},
        ],
    })
}

/// A live run and the folder in which it is.
pub(crate) struct Live {
    folder: TempDir,
    child: Option<Child>,
}

impl Drop for Live {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Live {
    pub(crate) fn start(plan: &Value, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("plan.json"), plan.to_string()).unwrap();
        let child = start(folder.path(), &folder.path().join("home"), more);
        let child = Some(child);
        Self { folder, child }
    }

    fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    pub(crate) fn socket(&self) -> PathBuf {
        socket_in(&self.home())
    }

    /// Waits for the end. Returns the folder and what was printed.
    pub(crate) fn end(mut self) -> (TempDir, Output) {
        let output = self.child.take().unwrap().wait_with_output().unwrap();
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        (folder, output)
    }
}

fn plandeck_at(home: &Path, arguments: &[&str]) -> Value {
    let mut command = plandeck();
    json(
        &command
            .env("PLANDECK_HOME", home)
            .args(arguments)
            .output()
            .unwrap(),
    )
}

fn message((status, answer): (u16, Value)) -> (u16, String) {
    (
        status,
        answer["error"]["message"].as_str().unwrap().to_owned(),
    )
}

#[test]
fn a_run_is_steered_and_followed_over_its_socket_alone() {
    let live = Live::start(&plan(), &["--paused"]);
    let socket = live.socket();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(
        (mode(&socket), mode(socket.parent().unwrap())),
        (0o600, 0o700)
    );
    wait_until("the run to be paused", || {
        run_so_far(&socket)["paused"] == true
    });
    let before = run_so_far(&socket);
    assert_eq!(before["status"], "running");
    assert_eq!(step(&before, "b")["status"], "pending");

    let asked = json!({"verb": "set", "step": "c", "output": 1}).to_string();
    let (status, preview) = answer(send(&socket, "POST", "/v1/preview", &asked));
    assert_eq!(status, 200, "{preview}");
    assert_eq!(
        (&preview["verb"], &preview["step"], &preview["reruns"]),
        (&json!("set"), &json!("c"), &json!([]))
    );
    assert_eq!(
        preview["stays"].as_array().map(Vec::len),
        Some(3),
        "{preview}"
    );
    let asked = json!({"verb": "set", "step": "x", "output": 1}).to_string();
    assert_eq!(answer(send(&socket, "POST", "/v1/preview", &asked)).0, 404);
    taken(
        &socket,
        &json!({"verb": "set", "step": "c", "output": "by hand"}),
    );
    taken(
        &socket,
        &json!({"verb": "edit", "step": "a", "input": {"n": 7}}),
    );
    taken(&socket, &json!({"verb": "step", "step": "a"}));
    wait_until("a to end", || {
        step(&run_so_far(&socket), "a")["status"] == "succeeded"
    });
    assert_eq!(step(&run_so_far(&socket), "b")["status"], "ready");
    let (status, reached) = answer(send(&socket, "GET", "/v1/status", ""));
    assert_eq!((status, &reached["ended"]), (200, &json!(false)));
    let so_far = run_so_far(&socket);
    assert_eq!(
        (&reached["run_id"], &reached["events"]),
        (&so_far["run_id"], &so_far["events"])
    );
    assert!(reached["now_ms"].as_f64() <= so_far["now_ms"].as_f64());
    let follower = events(&socket, 0);
    let (status, sent) = command(&socket, &json!({"verb": "resume"}));
    assert_eq!(status, 202);
    let seq = sent["seq"].as_u64().unwrap();
    let seen: Vec<Value> = follower.collect();
    let (folder, output) = live.end();
    let home = folder.path().join("home");

    // The stream was complete and ended with the run.
    let numbers: Vec<u64> = seen
        .iter()
        .map(|event| event["seq"].as_u64().unwrap())
        .collect();
    assert!(
        numbers
            .iter()
            .enumerate()
            .all(|(at, seq)| at as u64 == *seq)
    );
    assert_eq!(seen.last().unwrap()["type"], "run_ended");
    assert_eq!(seen[seq as usize + 1]["type"], "run_resumed");
    let result = json(&output);
    assert_eq!(result["result"], json!({"b": {"of": 7}, "c": "by hand"}));
    assert!(!socket.exists());
    let shown = plandeck_at(&home, &["show", "last", "--json"]);
    let events: Vec<RunEvent> = seen
        .into_iter()
        .map(|event| serde_json::from_value(event).unwrap())
        .collect();
    assert_eq!(
        result_of(&RunState::from_events(&events), "succeeded"),
        shown
    );
}

#[test]
fn what_makes_no_sense_now_is_refused_with_the_reason() {
    let live = Live::start(&plan(), &["--paused"]);
    let socket = live.socket();
    wait_until("the run to be paused", || {
        run_so_far(&socket)["paused"] == true
    });
    for (request, expected, says) in [
        (json!({"verb": "pause"}), 409, "paused already"),
        (
            json!({"verb": "retry", "step": "b"}),
            409,
            "only a step that has ended",
        ),
        (
            json!({"verb": "step", "step": "b"}),
            409,
            "only a ready step",
        ),
        (
            json!({"verb": "skip", "step": "d"}),
            404,
            "near to it: a, b, c",
        ),
        (
            json!({"verb": "break", "step": "b:attempt >"}),
            400,
            "is no expression",
        ),
        (json!({"verb": "fly"}), 400, "there are: pause"),
        (json!({"verb": "skip"}), 400, "needs a step"),
        (
            json!({"verb": "skip", "step": "a", "what": 1}),
            400,
            "unknown field",
        ),
    ] {
        let (status, why) = message(command(&socket, &request));
        assert!(
            status == expected && why.contains(says),
            "{request}: {status} {why}"
        );
    }
    let refused = |method, path, body| message(answer(send(&socket, method, path, body)));
    assert_eq!(refused("POST", "/v1/commands", "{").0, 400);
    assert_eq!(refused("GET", "/v1/what", "").0, 404);
    assert_eq!(refused("GET", "/v1/commands", "").0, 405);
    assert_eq!(refused("GET", "/v1/events?from=x", "").0, 400);
    // The run is as it was, and a client that leaves in the middle of a request changes nothing either.
    drop(send(&socket, "POST", "/v1/comm", ""));
    taken(&socket, &json!({"verb": "stop"}));
    let (_folder, output) = live.end();
    assert_eq!(json(&output)["status"], "cancelled");
}

#[test]
fn on_the_network_a_token_is_needed() {
    let mut live = Live::start(&plan(), &["--paused", "--listen", "127.0.0.1:0"]);
    let mut errors = BufReader::new(live.child.as_mut().unwrap().stderr.take().unwrap()).lines();
    let said = errors
        .find_map(|line| {
            Some(
                line.unwrap()
                    .strip_prefix("plandeck: listening on http://")?
                    .to_owned(),
            )
        })
        .unwrap();
    let (address, token) = said.split_once(", token ").unwrap();
    let ask = |headers: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        let request = request("GET", "/v1/run", headers, "");
        stream.write_all(request.as_bytes()).unwrap();
        answer(stream)
    };
    for wrong in [
        "",
        "authorization: Bearer wrong\r\n",
        &format!("authorization: {token}\r\n"),
    ] {
        let (status, why) = message(ask(wrong));
        assert!(status == 401 && why.contains("token"), "{status} {why}");
    }
    let (status, run) = ask(&format!("authorization: Bearer {token}\r\n"));
    assert_eq!((status, &run["plan"]), (200, &json!("controlled")));
    // The socket needs none.
    taken(&live.socket(), &json!({"verb": "resume"}));
    live.child.as_mut().unwrap().wait().unwrap();
    assert!(errors.all(|line| !line.unwrap().contains(token)));
}

#[test]
fn a_viewer_that_stops_reading_holds_nothing_up() {
    let steps = (0..400)
        .map(|at| json!({"id": format!("s{at}"), "tool": "large", "parameters": {"n": at}}));
    let plan = json!({
        "tools": {"large": {"type": "jq", "filter": "[range(2000)] + [.n]"}},
        "steps": steps.collect::<Vec<_>>(),
    });
    let live = Live::start(&plan, &["--paused"]);
    let socket = live.socket();
    let mut stalled = send(&socket, "GET", "/v1/events", "");
    stalled.read_exact(&mut [0; 16]).unwrap();
    let reads = events(&socket, 0);
    taken(&socket, &json!({"verb": "resume"}));
    let last = reads.last().unwrap();
    assert_eq!(last["type"], "run_ended");
    let (_folder, output) = live.end();
    assert_eq!(json(&output)["status"], "succeeded");
    drop(stalled);
}

#[test]
fn a_viewer_connects_again_where_it_was() {
    let live = Live::start(&plan(), &["--paused"]);
    let socket = live.socket();
    wait_until("the run to be paused", || {
        run_so_far(&socket)["paused"] == true
    });
    let first: Vec<Value> = events(&socket, 0).take(2).collect();
    let mut again = events(&socket, 2);
    assert_eq!(again.next().unwrap()["seq"], 2);
    let mut stream = std::os::unix::net::UnixStream::connect(&socket).unwrap();
    let request = request("GET", "/v1/events", "last-event-id: 1\r\n", "");
    stream.write_all(request.as_bytes()).unwrap();
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    let id = lines.find(|line| line.starts_with("id: ")).unwrap();
    assert_eq!((first.len(), &*id), (2, "id: 2"));
    taken(&socket, &json!({"verb": "stop"}));
    live.end();
}

#[test]
fn where_the_home_has_a_long_path_the_file_says_where_the_socket_is() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("plan.json"), plan().to_string()).unwrap();
    let home = folder.path().join("x".repeat(100));
    let child = start(folder.path(), &home, &["--paused"]);
    let socket = socket_in(&home);
    assert!(std::fs::metadata(&socket).unwrap().is_file());
    taken(&socket, &json!({"verb": "resume"}));
    assert_eq!(
        json(&child.wait_with_output().unwrap())["status"],
        "succeeded"
    );
    assert!(!socket.exists());
}

/// Steps that take no time, steps that wait, one that fails, and a list.
fn busy_plan() -> Value {
    let mut steps: Vec<Value> = Vec::new();
    for at in 0..8 {
        steps.push(json!({"id": format!("a{at}"), "tool": "same", "parameters": {"n": at}}));
        steps.push(json!({"id": format!("w{at}"), "tool": "wait", "parameters": {"of": format!("{{{{a{at}.n}}}}")}}));
        steps.push(json!({"id": format!("z{at}"), "tool": "same", "parameters": {"of": format!("step:w{at}")}, "trigger": "all_done"}));
    }
    // The run lasts until it is stopped.
    steps.push(json!({"id": "long", "tool": "sleep", "parameters": {}}));
    steps.push(json!({"id": "bad", "tool": "fail", "parameters": {}}));
    steps.push(json!({"id": "each", "tool": "same", "for_each": "{{[1, 2, 3]}}", "parameters": {"item": "{{item}}"}}));
    json!({
        "tools": {
            "same": {"type": "jq", "filter": "."},
            "fail": {"type": "jq", "filter": "error(\"no\")"},
            "sleep": {"type": "process", "command": ["sleep", "1000"], "read_only": true},
            "wait": {"type": "process", "command": ["sh", "-c", "sleep 0.02; cat"], "read_only": true},
        },
        "steps": steps,
    })
}

#[test]
fn whatever_several_clients_ask_the_events_fold_to_what_the_run_shows() {
    let live = Live::start(&busy_plan(), &["--paused"]);
    let socket = live.socket();
    let follower = events(&socket, 0);
    let shown: Vec<Value> = std::thread::scope(|scope| {
        let clients = (0..3).map(|client| {
            let socket = &socket;
            scope.spawn(move || {
                let mut random = fastrand::Rng::with_seed(7 + client);
                let mut shown = Vec::new();
                for _ in 0..60 {
                    let (status, body) = command(socket, &any_command(&mut random));
                    assert!((200..500).contains(&status), "{body}");
                    shown.push(run_so_far(socket));
                }
                shown
            })
        });
        let clients: Vec<_> = clients.collect();
        let shown = clients
            .into_iter()
            .flat_map(|client| client.join().unwrap());
        shown.collect()
    });
    let _ = command(&socket, &json!({"verb": "stop"}));
    let seen: Vec<RunEvent> = follower
        .map(|event| serde_json::from_value(event).unwrap())
        .collect();
    let (folder, output) = live.end();
    let home = folder.path().join("home");
    for run in shown {
        let events = run["events"].as_u64().unwrap() as usize;
        let state = RunState::from_events(&seen[..events]);
        let status = run["status"].as_str().unwrap();
        let mut expected = result_of(&state, status);
        expected["paused"] = run["paused"].clone();
        expected["events"] = run["events"].clone();
        expected["now_ms"] = run["now_ms"].clone();
        assert_eq!(expected, run);
    }
    let result = json(&output);
    let status = result["status"].as_str().unwrap();
    assert_eq!(result_of(&RunState::from_events(&seen), status), result);
    assert_eq!(plandeck_at(&home, &["show", "last", "--json"]), result);
}

/// A command that may or may not make sense. None ends the run.
fn any_command(random: &mut fastrand::Rng) -> Value {
    let family = random.choice(["a", "w", "z"]).unwrap();
    let named = format!("{family}{}", random.u8(..8));
    let step = match random.u8(..10) {
        0 => "bad",
        1 => "each",
        2 => "each[1]",
        _ => &*named,
    };
    match random.u8(..12) {
        0 => json!({"verb": "pause"}),
        1 | 2 => json!({"verb": "resume"}),
        3 => json!({"verb": "step"}),
        4 => json!({"verb": "step", "step": step}),
        5 => json!({"verb": "retry", "step": step}),
        6 => json!({"verb": "refresh", "step": step}),
        7 => json!({"verb": "edit", "step": step, "input": {"edited": random.u8(..3)}}),
        8 => json!({"verb": "set", "step": step, "output": random.u8(..3)}),
        9 => json!({"verb": "skip", "step": step}),
        10 => json!({"verb": "break", "step": step, "off": random.bool()}),
        _ => {
            json!({"verb": "set", "settings": [{"setting": "max_concurrent", "value": random.u8(1..5)}]})
        }
    }
}

/// A paused run starts the code of a step alone, and each call of the code when it is stepped into.
#[test]
fn the_calls_of_code_are_stepped_into_one_by_one() {
    let code = "first = await double(n=2)\noutput = await double(n=first['n'])\n";
    let plan = json!({
        "name": "stepped",
        "tools": {"double": {"type": "jq", "filter": "{n: (.n * 2)}"}},
        "steps": [
            {"id": "c", "tool": "code_exec", "parameters": {"code": code}},
            {"id": "other", "tool": "double", "parameters": {"n": 1}},
        ],
    });
    let live = Live::start(&plan, &["--paused"]);
    let socket = live.socket();
    let status = |id: &str| {
        let run = run_so_far(&socket);
        let steps = run["steps"].as_array().unwrap();
        let row = steps.iter().find(|step| step["id"] == id);
        row.map(|row| row["status"].as_str().unwrap().to_owned())
    };
    wait_until("the run to be paused", || {
        run_so_far(&socket)["paused"] == true
    });
    taken(&socket, &json!({"verb": "step", "step": "c"}));
    for (call, next) in [
        ("c/double[0]", "c/double[1]"),
        ("c/double[1]", "c/double[2]"),
    ] {
        wait_until("the code to make its call", || {
            status(call).as_deref() == Some("ready")
        });
        assert_eq!(status("c").as_deref(), Some("running"));
        assert_eq!(status(next), None, "it waits for the answer of this one");
        taken(&socket, &json!({"verb": "step", "step": call}));
        wait_until("the call to end", || {
            status(call).as_deref() == Some("succeeded")
        });
    }
    wait_until("the code to end", || {
        status("c").as_deref() == Some("succeeded")
    });
    assert_eq!(
        status("other").as_deref(),
        Some("ready"),
        "nothing else was started"
    );
    taken(&socket, &json!({"verb": "resume"}));
    let (_folder, output) = live.end();
    assert_eq!(step(&json(&output), "c")["output"], json!({"n": 8}));
}
