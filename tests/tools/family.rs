//! What a program starts ends with it, however it tries to get away; and its limits hold for all of it together.

use crate::common::process::{assert_stopped_in_time, lives, start, wait_until};
use crate::common::program::{HANG, folder, home, signal};
use crate::common::toolbox::{call, output, refusal, tool};
use plandeck::tools::Tool;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Starts processes that leave their group in several ways, each of which writes its id into a file of its own; waits
/// until all files are there, and then does what its argument says.
const RUNAWAYS: &str = r#"
import os, signal, subprocess, sys, time

def note(name):
    with open(name + ".new", "w") as file:
        file.write(str(os.getpid()))
    os.rename(name + ".new", name + ".pid")

def leave_control_group():
    own = [line for line in open("/proc/self/cgroup").read().split("\n") if line.startswith("0::")]
    for mount in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified"):
        try:
            with open(mount + os.path.dirname(own[0][3:]) + "/cgroup.procs", "w") as file:
                file.write("0")
        except (OSError, IndexError):
            pass

def daemon():
    if "LEAVES" in os.environ:
        leave_control_group()
    os.setsid()
    if os.fork():
        os._exit(0)
    for kind in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(kind, signal.SIG_IGN)
    os.chdir("/")
    os.closerange(0, 256)

def in_a_group():
    os.setpgid(0, 0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)

def stopped():
    os.setsid()

kinds = {"daemon": daemon, "session": os.setsid, "group": in_a_group, "stopped": stopped}
folder = os.getcwd()
for name, leave in kinds.items():
    if os.fork() == 0:
        leave()
        note(os.path.join(folder, name))
        if name == "stopped":
            os.kill(os.getpid(), signal.SIGSTOP)
        while True:
            time.sleep(600)
subprocess.Popen(["sh", "-c", "echo $$ > nohup.new; mv nohup.new nohup.pid; exec nohup sleep 600"],
                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
note("self")
while len([name for name in os.listdir(".") if name.endswith(".pid")]) < 6:
    time.sleep(0.01)
print("all up", flush=True)
"#;

struct Runaways {
    folder: TempDir,
}

impl Runaways {
    fn new(then: &str) -> (Self, Value) {
        let folder = tempfile::tempdir().unwrap();
        let code = format!("{RUNAWAYS}{then}\n");
        let tool =
            json!({"type": "process", "command": ["python3", "-c", code], "cwd": folder.path()});
        (Self { folder }, tool)
    }

    /// The ids of those that are up.
    fn ids(&self) -> Vec<String> {
        ids_in(self.folder.path())
    }

    fn wait_until_up(&self) {
        wait_until("all processes to be up", || self.ids().len() == 6);
    }

    fn wait_until_gone(&self) {
        let ids = self.ids();
        assert_eq!(ids.len(), 6);
        wait_until("all processes to be gone", || {
            !ids.iter().any(|id| lives(id))
        });
    }
}

fn ids_in(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let done = files.filter(|path| path.extension().is_some_and(|kind| kind == "pid"));
    done.map(|path| std::fs::read_to_string(path).unwrap().trim().to_owned())
        .collect()
}

fn process(tool_: &Value) -> Arc<dyn Tool> {
    tool(&json!({"tools": {"t": tool_}}).to_string(), "t")
}

fn python(code: &str) -> Arc<dyn Tool> {
    process(&json!({"type": "process", "command": ["python3", "-c", code]}))
}

#[tokio::test]
async fn nothing_outlives_a_program_that_succeeds() {
    let (runaways, tool) = Runaways::new("");
    let tool = process(&tool);
    let said = tokio::time::timeout(HANG, output(&tool, json!({})));
    assert_eq!(said.await.unwrap(), "all up");
    // The supervisor reports the end only after that of all others.
    assert!(!runaways.ids().iter().any(|id| lives(id)));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_outlives_a_program_that_is_cancelled_or_dropped() {
    for is_dropped in [false, true] {
        let (runaways, tool) = Runaways::new("time.sleep(600)");
        let (call, _) = call(json!({}));
        let cancel = call.cancel.clone();
        let running = tokio::spawn(process(&tool).call(call));
        let deadline = Instant::now() + HANG;
        while runaways.ids().len() < 6 {
            assert!(Instant::now() < deadline);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        if is_dropped {
            running.abort();
        } else {
            let started = Instant::now();
            cancel.cancel();
            assert!(running.await.unwrap().output.is_err());
            assert_stopped_in_time("the call", started.elapsed());
        }
        runaways.wait_until_gone();
    }
}

/// A program that says in its folder that it is up, and then that it was asked to end.
fn polite(folder: &Path) -> Value {
    let script = "trap 'echo > asked; exit 0' TERM; echo > up; sleep 600 & wait";
    json!({"type": "process", "command": ["sh", "-c", script], "cwd": folder})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_dropped_is_asked_to_end() {
    let folder = tempfile::tempdir().unwrap();
    let (call, _) = call(json!({}));
    let running = tokio::spawn(process(&polite(folder.path())).call(call));
    let deadline = Instant::now() + HANG;
    while !folder.path().join("up").exists() {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    running.abort();
    wait_until("the program to be asked", || {
        folder.path().join("asked").exists()
    });
}

#[test]
fn a_program_is_asked_to_end_when_its_time_is_up() {
    // On a busy machine it may not be up in time, or not be done when it is killed.
    let asked = (1..=4).any(|seconds| {
        let there = tempfile::tempdir().unwrap();
        let mut tool = polite(there.path());
        tool["timeout_s"] = json!(seconds);
        let folder = folder(
            "plan.json",
            r#"{"steps": [{"id": "a", "tool": "t", "parameters": {}}]}"#,
            &json!({"tools": {"t": tool}}).to_string(),
        );
        let output = start(folder.path(), home(), &[])
            .wait_with_output()
            .unwrap();
        let result: Value = serde_json::from_slice(&output.stdout).unwrap();
        let error = &result["steps"][0]["error"];
        assert_eq!(error["type"], "TimeoutError", "{error}");
        assert_eq!(result["steps"][0]["status"], "failed");
        there.path().join("asked").exists()
    });
    assert!(asked);
}

/// Runs the program on a plan whose only tool starts runaways and hangs, until all are up.
fn run_with_runaways() -> (std::process::Child, Runaways, TempDir) {
    let (runaways, tool) = Runaways::new("time.sleep(600)");
    let plan = json!({"steps": [{"id": "only", "tool": "t", "parameters": {}}]});
    let tools = json!({"tools": {"t": tool}});
    let folder = folder("plan.json", &plan.to_string(), &tools.to_string());
    let child = start(folder.path(), home(), &[]);
    runaways.wait_until_up();
    (child, runaways, folder)
}

#[test]
fn nothing_outlives_the_program_that_is_killed() {
    for name in ["KILL", "TERM"] {
        let (mut child, runaways, _folder) = run_with_runaways();
        signal(name, child.id());
        child.wait().unwrap();
        runaways.wait_until_gone();
    }
}

#[test]
fn a_supervisor_that_was_stopped_ends_its_program_all_the_same() {
    let (mut child, runaways, _folder) = run_with_runaways();
    let program = std::fs::read_to_string(runaways.folder.path().join("self.pid")).unwrap();
    signal("STOP", parent(&program).parse().unwrap());
    signal("KILL", child.id());
    child.wait().unwrap();
    runaways.wait_until_gone();
}

/// The parent of a process.
fn parent(process: &str) -> String {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields = stat.rsplit(')').next().unwrap();
    fields.split_whitespace().nth(1).unwrap().to_owned()
}

#[test]
fn everything_ends_with_a_supervisor_that_is_killed() {
    let (runaways, mut first) = Runaways::new("time.sleep(600)");
    // Where there is a control group, one has left it too.
    first["env"] = json!({"LEAVES": "1"});
    let other = tempfile::tempdir().unwrap();
    // It goes on: only what belongs to the one that was killed is ended.
    let wait = "echo > up; while ! test -e go; do sleep 0.01; done; echo unharmed";
    let second = json!({"type": "process", "command": ["sh", "-c", wait], "cwd": other.path()});
    let plan = json!({"steps": [
        {"id": "first", "tool": "first", "parameters": {}},
        {"id": "second", "tool": "second", "parameters": {}},
    ]});
    let tools = json!({"tools": {"first": first, "second": second}});
    let folder = folder("plan.json", &plan.to_string(), &tools.to_string());
    let child = start(folder.path(), home(), &[]);
    runaways.wait_until_up();
    wait_until("the other to be up", || other.path().join("up").exists());
    let program = std::fs::read_to_string(runaways.folder.path().join("self.pid")).unwrap();
    let supervisor = parent(&program);
    assert_eq!(parent(&supervisor), child.id().to_string());
    signal("KILL", supervisor.parse().unwrap());
    runaways.wait_until_gone();
    let ids = runaways.ids();
    let is_there = |id: &String| Path::new("/proc").join(id).exists();
    wait_until("all to be reaped", || !ids.iter().any(is_there));
    std::fs::write(other.path().join("go"), "").unwrap();
    let output = child.wait_with_output().unwrap();
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["steps"][0]["status"], "failed");
    assert_eq!(result["steps"][1]["output"], "unharmed");
}

/// A program that dies of a signal takes its whole family with it, and nobody else: the sandbox is a later child of the
/// same process, in a session of its own.
#[test]
fn a_program_that_dies_ends_no_sandbox() {
    let dies = r#"
import os, signal, time

def children(process):
    for task in os.listdir(f"/proc/{process}/task"):
        yield from open(f"/proc/{process}/task/{task}/children").read().split()

def stat(process):
    return open(f"/proc/{process}/stat").read().rsplit(")", 1)[1].split()

def is_working_sandbox(process):
    try:
        if "__sandbox" not in open(f"/proc/{process}/cmdline").read():
            return False
        before = int(stat(process)[11])
        time.sleep(0.2)
        return int(stat(process)[11]) - before > 5
    except OSError:
        return False

launcher = os.getppid()
own = stat(launcher)[1]
while not any(map(is_working_sandbox, children(own))):
    time.sleep(0.01)
os.kill(os.getpid(), signal.SIGSEGV)
"#;
    let plan = json!({"steps": [
        {"id": "dies", "tool": "dies", "parameters": {}},
        {"id": "before", "tool": "before", "parameters": {}},
        {"id": "works", "tool": "works", "parameters": {}, "depends_on": ["before"]},
    ]});
    let tools = json!({"tools": {
        "dies": {"type": "process", "command": ["python3", "-c", dies]},
        // The sandbox starts after the program.
        "before": {"type": "process", "command": ["sleep", "0.5"]},
        "works": {"type": "code_exec", "code": "n = 0\nwhile n < 3000000: n += 1\noutput = n"},
    }});
    let folder = folder("plan.json", &plan.to_string(), &tools.to_string());
    let output = start(folder.path(), home(), &[])
        .wait_with_output()
        .unwrap();
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    let error = result["steps"][0]["error"]["message"].as_str().unwrap();
    assert!(error.contains("signal 11"), "{error}");
    assert_eq!(result["steps"][2]["output"], 3_000_000, "{result}");
}

/// In a container the leader of the session is often outside of the namespace, and its id reads as 0.
#[test]
fn the_leader_of_the_session_may_be_out_of_sight() {
    let plan = json!({"steps": [{"id": "only", "tool": "t", "parameters": {}}]});
    let tools = json!({"tools": {
        "t": {"type": "process", "command": ["sh", "-c", "sleep 600 & kill -SEGV $$"]},
    }});
    let folder = folder("plan.json", &plan.to_string(), &tools.to_string());
    let script = r#"awk '{ print $6 }' /proc/self/stat; "$0" run plan.json --headless --json --worker offline; exit 0"#;
    let output = std::process::Command::new("unshare")
        .args(["-rpf", "--mount-proc", "sh", "-c", script])
        .arg(crate::common::program::program())
        .current_dir(folder.path())
        .env("PLANDECK_HOME", home())
        .env("PLANDECK_TRUST", "1")
        .output();
    let Ok(output) = output else { return };
    let text = String::from_utf8(output.stdout).unwrap();
    // This user may have no namespaces, or the tests run in a new session.
    let Some(json) = text.strip_prefix("0\n") else {
        eprintln!("skipped: {}", String::from_utf8_lossy(&output.stderr));
        return;
    };
    let result: Value = serde_json::from_str(json).unwrap();
    let error = result["steps"][0]["error"]["message"].as_str().unwrap();
    assert!(error.contains("signal 11"), "{error}");
}

/// The folder of the control group of this process, where it may make others in it.
fn own_control_group() -> Option<std::path::PathBuf> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap();
    let own = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let mut mounts = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]
        .iter()
        .map(Path::new);
    let mount = mounts.find(|mount| mount.join("cgroup.controllers").exists())?;
    let folder = mount.join(own);
    let trial = folder.join(format!("trial-{}", std::process::id()));
    std::fs::create_dir(&trial).ok()?;
    let ends = trial.join("cgroup.kill").exists();
    std::fs::remove_dir(&trial).unwrap();
    ends.then_some(folder)
}

#[test]
fn a_program_has_a_control_group_where_the_system_lets_it() {
    let Some(own) = own_control_group() else {
        eprintln!("skipped: no control group can be made here");
        return;
    };
    let (runaways, tool) = Runaways::new("time.sleep(600)");
    let plan = json!({"steps": [{"id": "only", "tool": "t", "parameters": {}}]});
    let tools = json!({"tools": {"t": tool}});
    let folder = folder("plan.json", &plan.to_string(), &tools.to_string());
    for name in ["TERM", "KILL"] {
        for id in runaways.ids() {
            assert!(!lives(&id));
        }
        for file in std::fs::read_dir(runaways.folder.path()).unwrap() {
            std::fs::remove_file(file.unwrap().path()).unwrap();
        }
        let mut child = start(folder.path(), home(), &[]);
        runaways.wait_until_up();
        let program = std::fs::read_to_string(runaways.folder.path().join("self.pid")).unwrap();
        let supervisor = parent(&program);
        let group = own.join(format!("plandeck-{supervisor}"));
        let members = std::fs::read_to_string(group.join("cgroup.procs")).unwrap();
        let members: Vec<&str> = members.lines().collect();
        for id in runaways.ids() {
            assert!(members.contains(&&*id), "{id} is not in {members:?}");
        }
        assert!(!members.contains(&&*supervisor));
        let victim = if name == "KILL" {
            supervisor.parse().unwrap()
        } else {
            child.id()
        };
        signal(name, victim);
        child.wait().unwrap();
        runaways.wait_until_gone();
        wait_until("the group to be removed", || !group.exists());
    }
}

#[tokio::test]
async fn processes_that_start_others_without_end_are_ended() {
    let folder = tempfile::tempdir().unwrap();
    // Never more than some 40 at once: each lives a moment and starts two more.
    let code = r#"
import os, time
os.setsid()
while True:
    if os.fork() == 0:
        for _ in range(2):
            if os.fork() == 0:
                with open("alive", "a") as file:
                    file.write(f"{os.getpid()}\n")
                time.sleep(0.2)
                break
        else:
            time.sleep(0.1)
        os._exit(0)
    time.sleep(0.02)
"#;
    let script = format!(
        "python3 -c '{code}' & while ! test -s alive; do sleep 0.01; done; sleep 0.3; echo enough"
    );
    let bomb = json!({"type": "process", "command": ["sh", "-c", script], "cwd": folder.path()});
    let bomb = process(&bomb);
    let said = tokio::time::timeout(HANG, output(&bomb, json!({})));
    assert_eq!(said.await.unwrap(), "enough");
    let count = || {
        std::fs::metadata(folder.path().join("alive"))
            .unwrap()
            .len()
    };
    let at_the_end = count();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(count(), at_the_end, "some went on");
}

#[tokio::test]
async fn a_script_may_signal_its_own_group() {
    let script = "trap 'echo caught; exit 0' TERM; kill 0; echo not caught";
    let tool = process(&json!({"type": "process", "command": ["sh", "-c", script]}));
    assert_eq!(output(&tool, json!({})).await, "caught");
}

#[tokio::test]
async fn a_program_has_a_session_without_a_terminal() {
    let code = "import os\ntry:\n    open('/dev/tty')\n    t = 'a terminal'\nexcept OSError:\n    t = 'none'\n\
                print(t, os.getsid(0) in (os.getpid(), os.getppid()))";
    assert_eq!(output(&python(code), json!({})).await, "none True");
}

#[tokio::test]
async fn a_launcher_that_is_another_program_is_named() {
    use crate::common::toolbox::{catalog, environment};
    use plandeck::models::SmallModelWorker;
    use plandeck::tools::{CatalogToolbox, Program, ToolOptions, Toolbox};
    for other in ["/bin/true", "/bin/false"] {
        let options = ToolOptions {
            allow_unsandboxed: false,
            program: Program::at(other),
            environment: environment(&[]),
            ..ToolOptions::default()
        };
        let catalog = catalog("tools: {t: {type: process, command: [echo, hi]}}");
        let toolbox = CatalogToolbox::new(&catalog, &SmallModelWorker::offline(), options);
        let message = refusal(&toolbox.tool("t").unwrap(), json!({})).await;
        assert!(
            message.contains(other) && message.contains("PLANDECK_EXE"),
            "{message}"
        );
    }
}

/// Runs Python with a memory limit of 120 MB.
async fn in_120_mb(code: &str) -> Result<Value, String> {
    let (mut limited, _) = call(json!({}));
    limited.max_memory_mb = Some(120);
    let report = python(code).call(limited).await;
    let output = report.output.map_err(|error| error.message)?;
    Ok((*output).clone())
}

#[tokio::test]
async fn memory_that_is_shared_counts() {
    // Each fills 250 MB and then waits to be stopped.
    let wait = "import time\ntime.sleep(600)";
    for (name, fill) in [
        (
            "shared",
            "import mmap\nm = mmap.mmap(-1, 250 << 20)\nfor at in range(0, 250 << 20, 4096): m[at] = 1",
        ),
        (
            "memfd",
            "import os\nf = os.memfd_create('x')\nfor _ in range(250): os.write(f, bytes(1 << 20))",
        ),
        (
            "mapped memfd",
            "import os, mmap\nf = os.memfd_create('x')\nos.ftruncate(f, 250 << 20)\nm = mmap.mmap(f, 250 << 20)\nos.close(f)\nfor at in range(0, 250 << 20, 4096): m[at] = 1",
        ),
        (
            "file in memory",
            "import tempfile\nf = tempfile.TemporaryFile(dir='/dev/shm')\nfor _ in range(250): f.write(bytes(1 << 20)); f.flush()",
        ),
        (
            "children",
            "import os\nfor _ in range(5):\n    if os.fork() == 0:\n        b = bytearray(os.urandom(1 << 20) * 50)\n        break",
        ),
    ] {
        let code = format!("{fill}\n{wait}");
        let ended = tokio::time::timeout(HANG, in_120_mb(&code));
        let message = ended.await.unwrap().unwrap_err();
        assert!(
            message.contains("more than 120 MB of memory"),
            "{name}: {message}"
        );
    }
}

#[tokio::test]
async fn pages_that_processes_share_count_once() {
    let code = "import mmap, os, time\nm = mmap.mmap(-1, 40 << 20)\nb = bytearray(os.urandom(1 << 20) * 30)\n\
        for at in range(0, 40 << 20, 4096): m[at] = 1\n\
        children = []\n\
        for _ in range(5):\n    pid = os.fork()\n    if pid == 0:\n        n = sum(m[at] for at in range(0, 40 << 20, 4096))\n        time.sleep(0.5)\n        os._exit(0)\n    children.append(pid)\n\
        for pid in children: os.waitpid(pid, 0)\nprint('fits')";
    assert_eq!(in_120_mb(code).await.unwrap(), "fits");
}

#[tokio::test]
async fn the_share_holds_for_children_that_hide() {
    // Each child burns 10 ms of processor time, until they have burnt 0.8 s; the share of the time is printed.
    let burn = "import os, signal, time\n\
        def burn():\n    while time.process_time() < 0.01: pass\n    os._exit(0)\n\
        t = time.time()\n";
    let ignored = "signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n\
        for _ in range(80):\n    if os.fork() == 0: burn()\n    try: os.wait()\n    except ChildProcessError: pass\n";
    let in_sessions = "for _ in range(80):\n    if os.fork() == 0:\n        os.setsid()\n        burn()\n    os.wait()\n";
    let orphans = "for _ in range(80):\n    r, w = os.pipe()\n    if os.fork() == 0:\n        os.setsid()\n        \
        if os.fork() == 0: burn()\n        os._exit(0)\n    os.close(w)\n    os.wait()\n    os.read(r, 1)\n    os.close(r)\n";
    let share = "print(0.8 / (time.time() - t))";
    for (name, children) in [
        ("ignored", ignored),
        ("sessions", in_sessions),
        ("orphans", orphans),
    ] {
        let (mut limited, _) = call(json!({}));
        limited.max_cpu_percent = Some(20);
        let tool = python(&format!("{burn}{children}{share}"));
        let output = tool.call(limited).await.output.unwrap();
        // A burst of 0.1 s and the slack of the estimate come on top of a fifth.
        assert!(output.as_f64().unwrap() < 0.4, "{name}: {output}");
    }
}
