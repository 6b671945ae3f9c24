//! `jail` of a `process` tool: what a program may read, write and reach, by each means that this system has.

use crate::common::process::{assert_stopped_in_time, wait_until};
use crate::common::program::{code, command, json, plandeck, signal, stderr, step};
use serde_json::{Value, json};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;
use tempfile::TempDir;

/// What is said where there is no jail.
const NO_MEANS: &str = "this system has neither Bubblewrap nor Landlock with seccomp";

/// A project, with a folder outside of it, and a search path without Bubblewrap.
struct Ground {
    root: TempDir,
}

impl Ground {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        for folder in ["project/data", "outside", "results", "bin", "only"] {
            std::fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        let ground = Self { root };
        std::fs::write(ground.path("project/note"), "a note").unwrap();
        std::fs::write(ground.path("project/data/one"), "one").unwrap();
        std::fs::write(ground.path("only/two"), "two").unwrap();
        std::fs::write(ground.path("outside/secret"), "hidden").unwrap();
        for program in [
            "sh", "bash", "cat", "ls", "true", "sleep", "rm", "mkdir", "grep", "setsid",
        ] {
            let found = ["/usr/bin", "/bin"]
                .iter()
                .map(|folder| Path::new(folder).join(program));
            let found = found.into_iter().find(|path| path.exists()).unwrap();
            symlink(found, ground.path("bin").join(program)).unwrap();
        }
        ground
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Runs a step for each tool, with Bubblewrap where it is there, or without it.
    fn run(&self, tools: &Value, with_bubblewrap: bool) -> Value {
        let steps: Vec<Value> = tools
            .as_object()
            .unwrap()
            .keys()
            .map(|name| json!({"id": name, "tool": name}))
            .collect();
        let plan = json!({"steps": steps, "tools": tools});
        std::fs::write(self.path("project/plan.json"), plan.to_string()).unwrap();
        let mut command = plandeck();
        command
            .current_dir(self.path("project"))
            .env("SECRET_OF_MINE", "hidden")
            .args([
                "run",
                "plan.json",
                "--worker",
                "offline",
                "--headless",
                "--json",
            ]);
        if !with_bubblewrap {
            command.env("PATH", self.path("bin"));
        }
        let output = command.output().unwrap();
        assert!([0, 1].contains(&code(&output)), "{}", stderr(&output));
        json(&output)
    }

    /// The same by each means that this system has; gives the result to `check`. How often that was.
    fn by_each(&self, tools: &Value, check: impl Fn(&Value)) -> usize {
        let mut tried = 0;
        for with_bubblewrap in [true, false] {
            let result = self.run(tools, with_bubblewrap);
            if result.to_string().contains(NO_MEANS) {
                eprintln!("this system has no jail (Bubblewrap on the path: {with_bubblewrap})");
            } else {
                check(&result);
                tried += 1;
            }
        }
        tried
    }
}

fn tool(script: &str, jail: &Value) -> Value {
    json!({"type": "process", "command": ["bash", "-c", script], "jail": jail, "timeout_s": 30})
}

fn output<'a>(result: &'a Value, id: &str) -> &'a Value {
    let one = step(result, id);
    assert_eq!(one["status"], "succeeded", "{id}: {}", one["error"]);
    &one["output"]
}

/// Asserts that a step failed, with a word of the system in its message.
fn refused(result: &Value, id: &str) {
    let one = step(result, id);
    assert_eq!(one["status"], "failed", "{id}: {}", one["output"]);
    let message = one["error"]["message"].as_str().unwrap();
    let words = [
        "denied",
        "not permitted",
        "No such file",
        "Read-only",
        "unreachable",
        "refused",
        "cannot",
        "No such process",
    ];
    assert!(
        words.iter().any(|word| message.contains(word)),
        "{id}: {message}"
    );
}

#[test]
fn a_program_in_a_jail_reads_and_writes_what_it_may() {
    let ground = Ground::new();
    let at = |name: &str| ground.path(name).display().to_string();
    let (secret, outside, results, only) = (
        at("outside/secret"),
        at("outside/new"),
        at("results"),
        at("only"),
    );
    let tools = json!({
        "reads_its_folder": tool("cat note data/one", &json!(true)),
        "reads_outside": tool(&format!("cat {secret}"), &json!(true)),
        "reads_by_a_link": tool("cat link", &json!(true)),
        "lists_outside": tool(&format!("ls {}", at("outside")), &json!(true)),
        "writes_its_folder": tool("echo x > note2 && echo written", &json!(true)),
        "removes_its_note": tool("rm -f note && echo gone", &json!(true)),
        "writes_outside": tool(&format!("echo x > {outside}"), &json!(true)),
        "writes_temporary": tool("echo tea > $TMPDIR/cup && cat $TMPDIR/cup", &json!(true)),
        "writes_results": tool(&format!("mkdir {results}/$$ && echo ok"), &json!({"writes": [results]})),
        "reads_only": tool(&format!("cat {only}/two"), &json!({"reads": ["../only"]})),
        "reads_not_its_folder": tool(&format!("cat {}", at("project/note")), &json!({"reads": ["../only"]})),
        "sees_no_variable": tool("echo ${SECRET_OF_MINE:-none}", &json!(true)),
        "reads_other_processes": tool("grep -a SECRET_OF_MINE /proc/[0-9]*/environ", &json!(true)),
        "signals_its_parent": tool("kill -TERM $PPID && sleep 1 && echo sent", &json!(true)),
        "free": json!({"type": "process", "command": ["cat", secret]}),
    });
    symlink(ground.path("outside/secret"), ground.path("project/link")).unwrap();
    let tried = ground.by_each(&tools, |result| {
        assert_eq!(*output(result, "reads_its_folder"), "a noteone");
        assert_eq!(*output(result, "writes_temporary"), "tea");
        assert_eq!(*output(result, "writes_results"), "ok");
        assert_eq!(*output(result, "reads_only"), "two");
        assert_eq!(*output(result, "sees_no_variable"), "none");
        assert_eq!(*output(result, "free"), "hidden");
        for id in [
            "reads_outside",
            "reads_by_a_link",
            "lists_outside",
            "writes_its_folder",
            "removes_its_note",
            "writes_outside",
            "reads_not_its_folder",
        ] {
            refused(result, id);
        }
        let read = step(result, "reads_other_processes");
        assert!(
            read["status"] == "failed" && !read.to_string().contains("=hidden"),
            "{read}"
        );
        assert_ne!(step(result, "signals_its_parent")["status"], "cancelled");
        assert!(ground.path("project/note").exists());
        assert!(!ground.path("project/note2").exists() && !ground.path("outside/new").exists());
    });
    assert_eq!(
        std::fs::read_dir(ground.path("results")).unwrap().count(),
        tried
    );
}

#[test]
fn a_network_is_refused_unless_it_is_given() {
    let ground = Ground::new();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    udp.set_nonblocking(true).unwrap();
    let (tcp_port, udp_port) = (
        tcp.local_addr().unwrap().port(),
        udp.local_addr().unwrap().port(),
    );
    let connects = format!("exec 3<>/dev/tcp/127.0.0.1/{tcp_port} && echo connected");
    let sends = format!("exec 3<>/dev/udp/127.0.0.1/{udp_port} && echo hello >&3 && echo sent");
    let tools = json!({
        "tcp": tool(&connects, &json!(true)),
        "udp": tool(&sends, &json!({"network": false})),
        "tcp_with_network": tool(&connects, &json!({"network": true})),
    });
    ground.by_each(&tools, |result| {
        refused(result, "tcp");
        // Without a network a datagram may be sent into nothing.
        assert_eq!(
            udp.recv(&mut [0; 16]).unwrap_err().kind(),
            std::io::ErrorKind::WouldBlock
        );
        assert_eq!(*output(result, "tcp_with_network"), "connected");
    });
}

#[test]
fn a_jail_that_cannot_be_made_is_named_and_nothing_runs() {
    let ground = Ground::new();
    let made = ground.path("made").display().to_string();
    let script = format!("echo x > {made}");
    let tools = json!({
        "no_such_folder": tool(&script, &json!({"reads": ["nowhere"], "writes": [ground.path("")]})),
        "no_such_target": tool(&script, &json!({"writes": ["nowhere/else"]})),
        "sound": tool("echo fine", &json!(true)),
    });
    ground.by_each(&tools, |result| {
        for id in ["no_such_folder", "no_such_target"] {
            let message = step(result, id)["error"]["message"]
                .as_str()
                .unwrap()
                .to_owned();
            assert!(
                message.contains("jail cannot be made") && message.contains("nowhere"),
                "{message}"
            );
        }
        assert_eq!(*output(result, "sound"), "fine");
        assert!(!ground.path("made").exists());
    });
    for bad in [
        json!("yes"),
        json!({"read": ["x"]}),
        json!({"network": "no"}),
        json!({"reads": [1]}),
    ] {
        let plan = json!({"steps": [{"id": 1, "tool": "t"}], "tools": {"t": tool("true", &bad)}});
        std::fs::write(ground.path("project/plan.json"), plan.to_string()).unwrap();
        let checked = plandeck()
            .current_dir(ground.path("project"))
            .args(["check", "plan.json"])
            .output()
            .unwrap();
        assert_eq!(code(&checked), 2, "{bad}");
        assert!(
            stderr(&checked).contains("`jail` is"),
            "{bad} {}",
            stderr(&checked)
        );
    }
}

#[test]
fn the_jail_is_listed_and_recorded() {
    let ground = Ground::new();
    let tools = json!({"t": tool("echo x", &json!(true))});
    let plan = json!({"steps": [{"id": "a", "tool": "t"}], "tools": tools});
    std::fs::write(ground.path("project/plan.json"), plan.to_string()).unwrap();
    for (path, by) in [
        (ground.path("bin"), "Landlock"),
        (PathBuf::from("/usr/bin:/bin"), "a jail by"),
    ] {
        let run = plandeck()
            .current_dir(ground.path("project"))
            .env("PATH", path)
            .args(["run", "plan.json", "--worker", "offline", "--events", "-"])
            .output()
            .unwrap();
        let events = String::from_utf8(run.stdout).unwrap();
        if events.contains(NO_MEANS) {
            continue;
        }
        assert!(
            events.contains(by) && events.contains("no network"),
            "{events}"
        );
    }
    let checked = plandeck()
        .current_dir(ground.path("project"))
        .args(["check", "plan.json"])
        .output()
        .unwrap();
    let text = String::from_utf8(checked.stdout).unwrap();
    assert!(text.contains("(in a jail)"), "{text}");
}

/// Does work on a thread without Landlock, and so do the programs that it starts.
fn without_landlock<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    use nix::libc;
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};
    let calls = [
        libc::SYS_landlock_create_ruleset,
        libc::SYS_landlock_add_rule,
        libc::SYS_landlock_restrict_self,
    ];
    let filter = SeccompFilter::new(
        calls.iter().map(|call| (*call, Vec::new())).collect(),
        SeccompAction::Allow,
        SeccompAction::Errno(libc::ENOSYS as u32),
        TargetArch::try_from(std::env::consts::ARCH).unwrap(),
    );
    let filter: BpfProgram = filter.unwrap().try_into().unwrap();
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            seccompiler::apply_filter(&filter).unwrap();
            work()
        });
        thread.join().unwrap()
    })
}

#[test]
fn without_a_jail_nothing_runs_unless_that_is_allowed() {
    let ground = Ground::new();
    let made = ground.path("made");
    let script = format!("echo x > {}", made.display());
    let tools =
        json!({"t": tool(&script, &json!(true)), "plain": tool("echo fine", &json!(false))});
    let result = without_landlock(|| ground.run(&tools, false));
    let message = step(&result, "t")["error"]["message"].as_str().unwrap();
    assert!(
        message.contains(NO_MEANS) && message.contains("--allow-unsandboxed"),
        "{message}"
    );
    assert!(!made.exists());
    assert_eq!(*output(&result, "plain"), "fine");
    let allowed = without_landlock(|| {
        plandeck()
            .current_dir(ground.path("project"))
            .env("PATH", ground.path("bin"))
            .args([
                "run",
                "plan.json",
                "--worker",
                "offline",
                "--headless",
                "--json",
                "--allow-unsandboxed",
            ])
            .output()
            .unwrap()
    });
    assert_eq!(code(&allowed), 0, "{}", stderr(&allowed));
    assert!(made.exists());
}

#[test]
fn code_is_confined_by_what_the_system_has() {
    let ground = Ground::new();
    let tools = json!({
        "embedded": {"type": "code_exec", "code": "output = 1"},
        "cpython": {"type": "code_exec", "python": "cpython", "code": "output = 1"},
    });
    let result = without_landlock(|| ground.run(&tools, true));
    assert_eq!(*output(&result, "embedded"), 1);
    let other = step(&result, "cpython");
    let message = other["error"]["message"].as_str().unwrap();
    let says = ["CPython cannot be confined", "install it"];
    assert!(
        says.iter().any(|words| message.contains(words)),
        "{message}"
    );
}

/// How many processes have this in their command line, in whatever namespace they are.
fn with_mark(mark: &str) -> usize {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines
        .filter(|line| String::from_utf8_lossy(line).contains(mark))
        .count()
}

/// Processes in a jail that begin a session of their own, fork twice, and ignore what asks them to end.
#[test]
fn nothing_in_a_jail_outlives_a_stop() {
    let mut tried = 0;
    for with_bubblewrap in [true, false] {
        let ground = Ground::new();
        let mark = ground.root.path().file_name().unwrap().to_string_lossy();
        let mark = format!("escape-{mark}");
        let endless = "trap \"\" TERM HUP INT; while :; do sleep 1; done";
        let script = format!(
            "setsid sh -c ': {mark}; echo up > session; {endless}' & \
             (setsid sh -c ': {mark}; (echo up > daemon; {endless}) & exit' &); \
             while :; do sleep 1; done"
        );
        let tool = json!({"type": "process", "command": ["sh", "-c", script], "cwd": "data", "jail": {"writes": ["data"]}});
        let plan = json!({"steps": [{"id": "t", "tool": "t"}], "tools": {"t": tool}});
        std::fs::write(ground.path("project/plan.json"), plan.to_string()).unwrap();
        let mut command = command();
        command
            .current_dir(ground.path("project"))
            .env("PLANDECK_HOME", ground.path("home"))
            .args([
                "run",
                "plan.json",
                "--worker",
                "offline",
                "--headless",
                "--json",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        if !with_bubblewrap {
            command.env("PATH", ground.path("bin"));
        }
        let mut running = command.spawn().unwrap();
        let are_up = || {
            let files = ["session", "daemon"].map(|name| ground.path("project/data").join(name));
            files.iter().all(|file| file.exists())
        };
        let id = running.id();
        let has_ended = || {
            let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
            stat.is_empty() || stat.contains(") Z")
        };
        wait_until("the processes to be up", || are_up() || has_ended());
        if !are_up() {
            let output = running.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(said.contains(NO_MEANS), "{said}");
            continue;
        }
        tried += 1;
        assert!(with_mark(&mark) >= 2);
        let stopped = Instant::now();
        signal("TERM", id);
        running.wait().unwrap();
        wait_until("nothing to be left", || with_mark(&mark) == 0);
        assert_stopped_in_time("what ran in a jail", stopped.elapsed());
    }
    if tried == 0 {
        eprintln!("{NO_MEANS}: it is not tried");
    }
}
