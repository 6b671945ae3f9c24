//! The program under test: how it is started, the plans that it runs, and its results.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// A guard against tests that hang: far longer than anything in a test takes, even on a busy machine.
pub(crate) const HANG: Duration = Duration::from_mins(1);

/// Variables that would give the program a model, a setting or a colour of the machine that runs the tests.
pub(crate) const FOREIGN: [&str; 28] = [
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "ANTHROPIC_API_KEY",
    "GEMINI_API_KEY",
    "GOOGLE_API_KEY",
    "GROQ_API_KEY",
    "MISTRAL_API_KEY",
    "OPENROUTER_API_KEY",
    "TOGETHER_API_KEY",
    "DEEPSEEK_API_KEY",
    "OLLAMA_HOST",
    "LLAMACPP_BASE_URL",
    "LMSTUDIO_BASE_URL",
    "VLLM_BASE_URL",
    "ANTHROPIC_BASE_URL",
    "GOOGLE_GEMINI_BASE_URL",
    "AZURE_OPENAI_API_KEY",
    "AZURE_OPENAI_ENDPOINT",
    "AZURE_OPENAI_API_VERSION",
    "XAI_API_KEY",
    "CEREBRAS_API_KEY",
    "FIREWORKS_API_KEY",
    "MOONSHOT_API_KEY",
    "PERPLEXITY_API_KEY",
    "PLANDECK_CONFIG",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "TRACEPARENT",
    "NO_COLOR",
];

/// The program under test.
pub(crate) fn program() -> &'static Path {
    assert_cmd::cargo::cargo_bin!("plandeck")
}

/// The program under test, with a home of its own, so that commands do not find each other's runs.
pub(crate) fn plandeck() -> assert_cmd::Command {
    static COMMANDS: AtomicUsize = AtomicUsize::new(0);
    let mut command = assert_cmd::Command::new(program());
    for name in FOREIGN {
        command.env_remove(name);
    }
    let number = COMMANDS.fetch_add(1, Ordering::Relaxed);
    command
        .env("PLANDECK_HOME", home().join(number.to_string()))
        .env(TRUST.0, TRUST.1)
        .timeout(HANG);
    command
}

/// What lets the plans of the tests run: trust has tests of its own.
pub(crate) const TRUST: (&str, &str) = ("PLANDECK_TRUST", "1");

/// The program under test as a plain command, which may be started and left; it has no home of its own.
pub(crate) fn command() -> std::process::Command {
    let mut command = std::process::Command::new(program());
    for name in FOREIGN {
        command.env_remove(name);
    }
    command.env(TRUST.0, TRUST.1);
    command
}

/// The folder for the stores of the program, one for each test program.
pub(crate) fn home() -> &'static Path {
    static HOME: std::sync::OnceLock<TempDir> = std::sync::OnceLock::new();
    HOME.get_or_init(|| tempfile::tempdir().unwrap()).path()
}

/// The plan in a folder.
pub(crate) fn plan_in(folder: &Path) -> PathBuf {
    ["plan.yaml", "plan.json", "plan.txt"]
        .iter()
        .map(|name| folder.join(name))
        .find(|path| path.exists())
        .unwrap_or_else(|| panic!("no plan in {}", folder.display()))
}

/// A folder with a plan and a catalog of its own; `tools` is YAML.
pub(crate) fn folder(plan_file: &str, plan: &str, tools: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(plan_file), plan).unwrap();
    std::fs::write(folder.path().join("tools.yaml"), tools).unwrap();
    folder
}

/// Runs a plan without a screen and without a model, and reads the result it prints.
pub(crate) fn run_json(plan: &Path, more: &[&str]) -> (i32, Value) {
    let output = plandeck()
        .arg("run")
        .arg(plan)
        .args(["--worker", "offline", "--headless", "--json"])
        .args(more)
        .output()
        .unwrap();
    (code(&output), json(&output))
}

/// The status a program exited with.
pub(crate) fn code(output: &Output) -> i32 {
    output
        .status
        .code()
        .unwrap_or_else(|| panic!("ended by a signal: {:?}\n{}", output.status, stderr(output)))
}

/// Standard error as text.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Standard output, which must be one JSON value and nothing else.
pub(crate) fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!(
            "standard output is not one JSON value: {error}\nstdout: {}\nstderr: {}",
            String::from_utf8_lossy(&output.stdout),
            stderr(output)
        )
    })
}

/// The step of a result with this id.
pub(crate) fn step<'a>(result: &'a Value, id: &str) -> &'a Value {
    result["steps"]
        .as_array()
        .and_then(|steps| steps.iter().find(|step| step["id"] == id))
        .unwrap_or_else(|| panic!("no step {id} in {result:#}"))
}

/// Sends a signal to a process, by its name (`TERM`, `INT`).
pub(crate) fn signal(name: &str, process: u32) {
    let status = std::process::Command::new("sh")
        .args(["-c", &format!("kill -{name} {process}")])
        .status()
        .unwrap();
    assert!(status.success(), "no process {process} to send {name} to");
}
