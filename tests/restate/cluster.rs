//! A Restate server, a worker and runs, each a process of its own that a test can kill and start again.

use crate::common::process::wait_until;
use crate::common::program::{HANG, command, json};
use serde_json::Value;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The most memory that the server takes, as its settings say.
const SERVER_MEMORY: &str = "128MB";

/// Tools that say what they do in the file `effects`, and end once the file `go` is there: `charge` must not be made twice,
/// `look` may be.
const TOOLS: &str = r#"tools:
  charge: &charge
    type: process
    command: [sh, -c, 'echo "begun $ID" >> effects; while [ ! -e go ]; do sleep 0.02; done; echo "done $ID" >> effects; echo "{\"by\": \"$ID\"}"']
    env: {ID: "{{id}}"}
    cwd: FOLDER
    cost_usd: 0.01
  look:
    <<: *charge
    read_only: true
    cost_usd: 0
"#;

/// A server with a worker, a catalog and a plan.
pub(crate) struct Cluster {
    folder: TempDir,
    ports: [u16; 4],
    server: Option<Child>,
    worker: Option<Child>,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in [&mut self.worker, &mut self.server].into_iter().flatten() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Cluster {
    /// A server with a worker that serves [`TOOLS`], and a plan with these steps.
    pub(crate) fn start(steps: &str) -> Self {
        let mut cluster = Self::without_worker(steps, TOOLS);
        cluster.start_worker();
        cluster
    }

    /// A server alone, beside a catalog and a plan; `FOLDER` in the catalog is the folder of both.
    pub(crate) fn without_worker(steps: &str, tools: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tools = tools.replace("FOLDER", folder.path().to_str().unwrap());
        fs::write(folder.path().join("tools.yaml"), tools).unwrap();
        fs::write(
            folder.path().join("plan.yaml"),
            format!("steps:\n{steps}\n"),
        )
        .unwrap();
        // All are taken at the same time, so that they are different.
        let free = [(); 4].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let ports = free.map(|listener| listener.local_addr().unwrap().port());
        let mut cluster = Self {
            folder,
            ports,
            server: None,
            worker: None,
        };
        cluster.start_server();
        cluster
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Where the server takes calls.
    pub(crate) fn address(&self) -> String {
        let [_, ingress, admin, _] = self.ports;
        format!("restate://127.0.0.1:{ingress}?admin=127.0.0.1:{admin}")
    }

    pub(crate) fn start_server(&mut self) {
        let [node, ingress, admin, _] = self.ports;
        let data = self.file("data");
        let data = data.display();
        let config = format!(
            "bind-ip = \"127.0.0.1\"\nbind-port = {node}\nlisten-mode = \"tcp\"\nadvertised-host = \"127.0.0.1\"\n\
             base-dir = \"{data}\"\ndisable-telemetry = true\ndefault-num-partitions = 2\n\
             rocksdb-total-memory-size = \"{SERVER_MEMORY}\"\n[ingress]\nbind-port = {ingress}\n[admin]\nbind-port = {admin}\n"
        );
        fs::write(self.file("restate.toml"), config).unwrap();
        let program = std::env::var_os("RESTATE_SERVER").expect(
            "RESTATE_SERVER names the program of the server; .ci/restate installs it and runs these tests",
        );
        let log = fs::File::create(self.file("server.log")).unwrap();
        let server = Command::new(program)
            .arg("--no-logo")
            .env("RESTATE_CONFIG", self.file("restate.toml"))
            .current_dir(self.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.server = Some(server);
        let is_ready = |port, path| get(port, path).is_some_and(|answer| answer.contains(" 200 "));
        wait_until("the server", || {
            is_ready(admin, "/health") && is_ready(ingress, "/restate/health")
        });
    }

    pub(crate) fn kill_server(&mut self) {
        kill(&mut self.server);
    }

    /// Starts a worker, which registers itself.
    pub(crate) fn start_worker(&mut self) {
        self.start_worker_with("tools.yaml");
    }

    /// Starts a worker with another catalog.
    pub(crate) fn start_worker_with(&mut self, tools: &str) {
        let [.., admin, own] = self.ports;
        let log = self.file("worker.log");
        let worker = self
            .plandeck(&["worker", "--restate", &format!("127.0.0.1:{own}")])
            .args(["--tools", tools, "--worker", "offline"])
            .args(["--register", &format!("http://127.0.0.1:{admin}")])
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        self.worker = Some(worker);
        wait_until("the worker", || {
            let said = fs::read_to_string(&log).unwrap_or_default();
            assert!(!said.contains("error"), "{said}");
            said.contains("registered at")
        });
    }

    pub(crate) fn kill_worker(&mut self) {
        kill(&mut self.worker);
    }

    /// Kills someone at random: the worker, the server, the process that sends, or that and the worker. All but that process
    /// are started again. Whether it was killed.
    pub(crate) fn kill_someone(&mut self, random: &mut fastrand::Rng, sender: &mut Run) -> bool {
        let who = random.u32(0..4);
        if who == 1 {
            self.kill_server();
            self.start_server();
        }
        if who >= 2 {
            sender.kill();
        }
        if who == 0 || who == 2 {
            self.kill_worker();
            sleep(Duration::from_millis(random.u64(0..100)));
            self.start_worker();
        }
        who >= 2
    }

    /// The program in the folder of the plan.
    pub(crate) fn plandeck(&self, arguments: &[&str]) -> Command {
        let mut command = command();
        command
            .args(arguments)
            .current_dir(self.path())
            .env("PLANDECK_HOME", self.file("home"))
            .stdin(Stdio::null());
        command
    }

    /// Starts a run whose calls the worker carries out.
    pub(crate) fn run(&self, more: &[&str]) -> Run {
        let mut command = self.plandeck(&["run", "plan.yaml", "--worker", "offline", "--json"]);
        command.args(["--on", &self.address()]).args(more);
        Run::start(command)
    }

    /// Starts a run that begins paused, and waits until it can be resumed; its events go to the file `events`.
    pub(crate) fn run_paused(&self) -> Run {
        let run = self.run(&["--paused", "--events", "events"]);
        wait_until("the run", || {
            let runs = self.plandeck(&["runs", "--json"]).output().unwrap();
            String::from_utf8_lossy(&runs.stdout).contains("running")
        });
        run
    }

    /// The events of a run that writes them to the file `events`.
    pub(crate) fn events(&self) -> String {
        fs::read_to_string(self.file("events")).unwrap_or_default()
    }

    /// The recorded run, as it is now.
    pub(crate) fn shown(&self) -> Value {
        let mut command = self.plandeck(&["show", "last", "--json"]);
        json(&command.output().unwrap())
    }

    /// What the tools have done, a line each.
    pub(crate) fn effects(&self) -> Vec<String> {
        let text = fs::read_to_string(self.file("effects")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// How often a tool has done this.
    pub(crate) fn times(&self, effect: &str) -> usize {
        self.effects().iter().filter(|line| *line == effect).count()
    }

    /// Waits until a tool has begun.
    pub(crate) fn wait_for(&self, effect: &str) {
        wait_until(effect, || self.effects().iter().any(|line| line == effect));
    }

    /// Lets tools end.
    pub(crate) fn go(&self) {
        fs::write(self.file("go"), "").unwrap();
    }
}

fn kill(child: &mut Option<Child>) {
    let mut child = child.take().expect("it is running");
    child.kill().unwrap();
    child.wait().unwrap();
}

/// A run that has been started.
pub(crate) struct Run(Child);

impl Run {
    pub(crate) fn start(mut command: Command) -> Self {
        let pipes = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(pipes.spawn().unwrap())
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    pub(crate) fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Waits for its end: its exit code, its result, and what it has said.
    pub(crate) fn end(self) -> (i32, Value, String) {
        let (code, output, said) = self.ended();
        let result = serde_json::from_str(&output);
        let result = result.unwrap_or_else(|error| panic!("{error}: {output:?}\n{said}"));
        (code, result, said)
    }

    /// The same of a run that may not begin.
    pub(crate) fn ended(mut self) -> (i32, String, String) {
        let began = Instant::now();
        while self.0.try_wait().unwrap().is_none() {
            if began.elapsed() > HANG {
                let _ = self.0.kill();
                panic!("the run does not end: {:?}", self.0.wait_with_output());
            }
            sleep(Duration::from_millis(5));
        }
        let output = self.0.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let code = output.status.code().unwrap_or(-1);
        (code, text(output.stdout), text(output.stderr))
    }
}

/// The answer of a server on this machine; `None` where there is none.
fn get(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}
