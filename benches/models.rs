//! What a streamed model call costs over the bare HTTP exchange with the same server, in time and in memory, and what a
//! thousand of them at once take with the dashboard open.
//!
//! `cargo bench --bench models` prints the figures. The server is in this program: it speaks chat completions and streams
//! as many tokens as fast as it is told. Memory is measured in processes of their own.

// A bench ends by panicking when something is wrong.
#![allow(clippy::unwrap_used, clippy::panic)]

use plandeck::models::{Environment, SmallModelWorker, SpendAuthorizer, Task};
use plandeck::tools::Secrets;
use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use serde_json::{Value, json};
use std::future::pending;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Each figure is the best of this many: what disturbs a measurement only ever adds to it.
const TIMES: usize = 5;
const KEY: &str = "sk-of-the-bench";

/// What the bench does, less of it as a test.
struct Size {
    /// Calls in a row.
    calls: usize,
    /// Tokens of an answer.
    tokens: usize,
    /// Calls at once.
    at_once: usize,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--hold") {
        let [kind, url, count] = &arguments[at + 1..at + 4] else {
            panic!("--hold KIND URL COUNT");
        };
        return hold(kind, url, count.parse().unwrap());
    }
    let size = if arguments.iter().any(|argument| argument == "--bench") {
        Size {
            calls: 200,
            tokens: 200,
            at_once: 1_000,
        }
    } else {
        Size {
            calls: 2,
            tokens: 3,
            at_once: 3,
        }
    };
    let server = Server::start();
    time(&server, &size);
    memory(&server, &size);
    dashboard(&server, &size);
}

fn worker(url: &str) -> SmallModelWorker {
    let environment: Environment =
        Arc::new(|name| (name == "OPENAI_API_KEY").then(|| KEY.to_owned()));
    SmallModelWorker::new("gpt-4o-mini")
        .environment(environment)
        .base_url(url)
}

/// The body of a request as the worker sends it.
fn body() -> Value {
    json!({"model": "gpt-4o-mini", "temperature": 0, "max_tokens": 1000, "stream": true,
        "stream_options": {"include_usage": true}, "messages": [
            {"role": "system", "content": "You carry out the tool \"read\". Work only from the input."},
            {"role": "user", "content": "{\"note\":\"Tea 4.50\"}"}]})
}

/// The exchange without anything around it: the request is sent, and what comes is read to its end.
async fn bare(client: &reqwest::Client, url: &str) {
    let post = client
        .post(format!("{url}/chat/completions"))
        .bearer_auth(KEY)
        .json(&body());
    let mut response = post.send().await.unwrap();
    let mut bytes = 0;
    while let Some(piece) = response.chunk().await.unwrap() {
        bytes += piece.len();
    }
    assert!(bytes > 0);
}

/// A call of the worker as a recorded run makes it: secrets are looked for, and what goes over the wire is kept.
async fn call(worker: &SmallModelWorker, secrets: &Arc<Secrets>) {
    let task = Task {
        name: "read",
        raw: Some(secrets),
        ..Task::default()
    };
    let authorizer = SpendAuthorizer::unlimited();
    let input = json!({"note": "Tea 4.50"});
    let report = worker
        .perform(&task, &input, None, 1, &authorizer, pending())
        .await;
    report.output.unwrap();
    assert!(report.first_token.is_some() && report.exchanges.len() == 1);
}

fn secrets() -> Arc<Secrets> {
    let mut secrets = Secrets::new();
    secrets.add(KEY);
    secrets.add("another secret of the run");
    Arc::new(secrets)
}

fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn time(server: &Server, size: &Size) {
    server.stream(size.tokens, Duration::ZERO);
    let url = server.url();
    let (client, worker, secrets) = (client(), worker(&url), secrets());
    let runtime = runtime();
    let best = |work: &dyn Fn()| {
        let mean = |()| {
            let begin = Instant::now();
            (0..size.calls).for_each(|_| work());
            begin.elapsed().as_secs_f64() * 1e3 / size.calls as f64
        };
        // The first makes the connection.
        work();
        [(); TIMES].map(mean).into_iter().fold(f64::MAX, f64::min)
    };
    let exchange = best(&|| runtime.block_on(bare(&client, &url)));
    let whole = best(&|| runtime.block_on(call(&worker, &secrets)));
    println!(
        "a call whose answer of {} tokens is streamed, best of {TIMES} times {} in a row; milliseconds a call",
        size.tokens, size.calls
    );
    println!("bare HTTP exchange  {exchange:8.3}");
    println!("call of the worker  {whole:8.3}");
    println!("overhead            {:8.3}", whole - exchange);
}

/// In a process of its own: as many calls as stand still in the middle, and the memory that they take.
fn hold(kind: &str, url: &str, count: usize) {
    let (client, worker, secrets) = (client(), worker(url), secrets());
    runtime().block_on(async {
        // Whatever is made once is there before the measurement.
        match kind {
            "bare" => bare(&client, url).await,
            _ => call(&worker, &secrets).await,
        }
        let before = status("self", "VmRSS");
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..count {
            let (client, url) = (client.clone(), url.to_owned());
            let (worker, secrets) = (worker.clone(), Arc::clone(&secrets));
            match kind {
                "bare" => calls.spawn(async move { bare(&client, &url).await }),
                _ => calls.spawn(async move { call(&worker, &secrets).await }),
            };
        }
        // The server says when all of them stand still.
        println!("ready");
        let asked = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()));
        tokio::select! {
            asked = asked => assert!(asked.unwrap().is_ok()),
            _ = calls.join_all() => panic!("the calls ended"),
        }
        println!("{}", status("self", "VmRSS") - before);
    });
}

/// A figure of a process in kB; 0 where the system does not say.
fn status(process: &str, name: &str) -> i64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.trim_matches([':', '\t', ' ', 'k', 'B']).parse().ok());
    number.unwrap_or(0)
}

fn memory(server: &Server, size: &Size) {
    let mut figures = Vec::new();
    for kind in ["bare", "call"] {
        // As fast as a model writes: where all tokens are there at once, the HTTP client's buffers are what is measured.
        server.stream(size.tokens, Duration::from_millis(20));
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--hold", kind, &server.url(), &size.at_once.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = std::io::BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        // The call before the measurement runs to its end, and the others stop in the middle.
        server.wait_for(|server| server.ended.load(Ordering::SeqCst) == 1);
        server.stand_still(size.tokens);
        std::io::BufRead::read_line(&mut said, &mut line).unwrap();
        assert_eq!(line, "ready\n");
        server.wait_for(|server| server.still.load(Ordering::SeqCst) == size.at_once);
        // The last bytes are read within this time, or the figure is too small by a few of them.
        std::thread::sleep(Duration::from_millis(500));
        writeln!(child.stdin.take().unwrap(), "now").unwrap();
        line.clear();
        std::io::BufRead::read_line(&mut said, &mut line).unwrap();
        let kilobytes: i64 = line.trim().parse().unwrap();
        figures.push(kilobytes as f64 / size.at_once as f64);
        child.wait().unwrap();
    }
    println!(
        "\n{} such calls at once, in the middle of their answers; kB a call",
        size.at_once
    );
    println!("bare HTTP exchange  {:8.1}", figures[0]);
    println!("call of the worker  {:8.1}", figures[1]);
    println!("overhead            {:8.1}", figures[1] - figures[0]);
}

/// The whole program in a terminal, with a plan of calls that all run at once.
fn dashboard(server: &Server, size: &Size) {
    let pause = Duration::from_millis(50);
    server.stream(size.tokens, pause);
    let folder = tempfile::tempdir().unwrap();
    let steps: Vec<Value> = (0..size.at_once)
        .map(|at| json!({"id": format!("s{at}"), "tool": "read", "parameters": {"note": format!("Tea {at}")}}))
        .collect();
    let plan = json!({"tools": {"read": {"type": "model"}}, "steps": steps});
    std::fs::write(folder.path().join("plan.json"), plan.to_string()).unwrap();
    let pty = native_pty_system()
        .openpty(PtySize {
            rows: 40,
            cols: 120,
            pixel_width: 0,
            pixel_height: 0,
        })
        .unwrap();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_plandeck"));
    let at_once = size.at_once.to_string();
    command.args([
        "run",
        "plan.json",
        "--trust",
        "--worker",
        "openai/gpt-4o-mini",
    ]);
    command.args(["--base-url", &server.url(), "--max-concurrent", &at_once]);
    command.cwd(folder.path());
    command.env("TERM", "xterm-256color");
    command.env("OPENAI_API_KEY", KEY);
    command.env("PLANDECK_HOME", folder.path().join("home"));
    let begin = Instant::now();
    let mut child = pty.slave.spawn_command(command).unwrap();
    let process = child.process_id().unwrap().to_string();
    let drawn = Arc::<Mutex<Vec<u8>>>::default();
    let into = Arc::clone(&drawn);
    let mut reader = pty.master.try_clone_reader().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 1 << 12];
        while let Ok(count @ 1..) = reader.read(&mut buffer) {
            let mut drawn = into.lock().unwrap();
            drawn.extend_from_slice(&buffer[..count]);
            // Only the end is looked at.
            let cut = drawn.len().saturating_sub(1 << 20);
            drawn.drain(..cut);
        }
    });
    let has = |word: &str| {
        let drawn = drawn.lock().unwrap();
        String::from_utf8_lossy(&drawn).contains(word)
    };
    let mut most_at_once = 0;
    while !has("SUCCEEDED") {
        assert!(child.try_wait().unwrap().is_none(), "the program ended");
        assert!(!has("FAILED"), "the run failed");
        assert!(begin.elapsed() < Duration::from_mins(10), "the run hangs");
        most_at_once = most_at_once.max(server.open.load(Ordering::SeqCst));
        std::thread::sleep(Duration::from_millis(20));
    }
    let took = begin.elapsed().as_secs_f64();
    let (peak, used) = (status(&process, "VmHWM"), processor_seconds(&process));
    pty.master.take_writer().unwrap().write_all(b"q").unwrap();
    child.wait().unwrap();
    let alone = pause.as_secs_f64() * size.tokens as f64;
    println!(
        "\na plan of {} calls, {most_at_once} of them streaming at once, with the dashboard and the journal",
        size.at_once
    );
    println!("peak memory      {:8.1} MB", peak as f64 / 1e3);
    println!("wall clock       {took:8.1} s, of which an answer takes {alone:.1} s");
    println!("processor        {used:8.1} s");
}

/// The processor time of a process so far; 0 where the system does not say.
fn processor_seconds(process: &str) -> f64 {
    let path = Path::new("/proc").join(process).join("stat");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let after = text.rsplit(')').next().unwrap_or_default();
    let ticks: f64 = after
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum();
    ticks / 100.0
}

/// How the server answers, and what it is doing.
#[derive(Default)]
struct Answers {
    tokens: AtomicUsize,
    pause_ms: AtomicUsize,
    /// After so many tokens it says nothing more; 0 where it goes on to the end.
    stands_still_at: AtomicUsize,
    open: AtomicUsize,
    still: AtomicUsize,
    ended: AtomicUsize,
}

struct Server {
    port: u16,
    answers: Arc<Answers>,
}

impl std::ops::Deref for Server {
    type Target = Answers;

    fn deref(&self) -> &Answers {
        &self.answers
    }
}

impl Server {
    /// A server on a thread of its own.
    fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let answers = Arc::<Answers>::default();
        let shared = Arc::clone(&answers);
        std::thread::spawn(move || {
            runtime().block_on(async {
                let listener = TcpListener::from_std(listener).unwrap();
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    let answers = Arc::clone(&shared);
                    tokio::spawn(async move {
                        // A client that has gone is no fault.
                        let _ = serve(stream, &answers).await;
                    });
                }
            });
        });
        Self { port, answers }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    /// From now on an answer has so many tokens, with a pause after each.
    fn stream(&self, tokens: usize, pause: Duration) {
        self.tokens.store(tokens, Ordering::SeqCst);
        self.pause_ms
            .store(pause.as_millis() as usize, Ordering::SeqCst);
        for count in [&self.stands_still_at, &self.still, &self.ended, &self.open] {
            count.store(0, Ordering::SeqCst);
        }
    }

    /// From now on answers stop after so many tokens.
    fn stand_still(&self, tokens: usize) {
        self.stands_still_at.store(tokens, Ordering::SeqCst);
    }

    fn wait_for(&self, there: impl Fn(&Self) -> bool) {
        let begin = Instant::now();
        while !there(self) {
            assert!(begin.elapsed() < Duration::from_mins(2), "waited in vain");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

async fn serve(stream: TcpStream, answers: &Answers) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let line = line.trim().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            if line.is_empty() {
                break;
            }
        }
        reader.read_exact(&mut vec![0; length]).await?;
        answers.open.fetch_add(1, Ordering::SeqCst);
        let done = answer(&mut writer, answers).await;
        answers.open.fetch_sub(1, Ordering::SeqCst);
        answers.ended.fetch_add(1, Ordering::SeqCst);
        done?;
    }
}

async fn answer(
    writer: &mut (impl AsyncWriteExt + Unpin),
    answers: &Answers,
) -> std::io::Result<()> {
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    writer.write_all(head.as_bytes()).await?;
    let tokens = answers.tokens.load(Ordering::SeqCst);
    let pause = Duration::from_millis(answers.pause_ms.load(Ordering::SeqCst) as u64);
    for at in 1..=tokens {
        let content = format!(" word{at}");
        say(writer, &json!({"id": "chatcmpl-of-the-bench", "object": "chat.completion.chunk", "created": 1_764_000_000,
            "model": "gpt-4o-mini-2024-07-18", "service_tier": "default", "system_fingerprint": "fp_0123456789",
            "choices": [{"index": 0, "delta": {"content": content}, "logprobs": null, "finish_reason": null}]}))
        .await?;
        if answers.stands_still_at.load(Ordering::SeqCst) == at {
            answers.still.fetch_add(1, Ordering::SeqCst);
            pending::<()>().await;
        }
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
    }
    say(
        writer,
        &json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}),
    )
    .await?;
    say(
        writer,
        &json!({"choices": [], "usage": {"prompt_tokens": 60, "completion_tokens": tokens}}),
    )
    .await?;
    chunk(writer, "data: [DONE]\n\n").await?;
    writer.write_all(b"0\r\n\r\n").await
}

async fn say(writer: &mut (impl AsyncWriteExt + Unpin), event: &Value) -> std::io::Result<()> {
    chunk(writer, &format!("data: {event}\n\n")).await
}

async fn chunk(writer: &mut (impl AsyncWriteExt + Unpin), text: &str) -> std::io::Result<()> {
    let chunk = format!("{:x}\r\n{text}\r\n", text.len());
    writer.write_all(chunk.as_bytes()).await
}
