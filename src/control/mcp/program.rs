//! Runs commands of the program itself.

use super::answer::Answer;
use crate::control::error::ControlError;
use serde_json::Value;
use std::path::Path;
use std::process::Stdio;
use tokio::process::{Child, Command};

/// Starts a command, without a terminal.
pub(super) fn start(program: &Path, arguments: &[String]) -> Result<Child, ControlError> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.spawn();
    child.map_err(|error| ControlError::Unreadable(format!("{}: {error}", program.display())))
}

/// Runs a command to its end and reads the JSON that it prints. Where it prints none, what it said is the error.
pub(super) async fn run(program: &Path, arguments: &[String]) -> Answer {
    answer(start(program, arguments)?).await
}

/// The JSON that a command prints.
pub(super) async fn answer(child: Child) -> Answer {
    let output = child.wait_with_output().await;
    let output = output.map_err(|error| ControlError::Unreadable(error.to_string()))?;
    if let Ok(value) = serde_json::from_slice::<Value>(&output.stdout) {
        let message = value["error"]["message"].as_str();
        // A command that refuses prints its error; a run that failed prints its result.
        return match message.filter(|_| value.get("run_id").is_none()) {
            Some(message) => Err(ControlError::NotNow(message.to_owned())),
            None => Ok(value),
        };
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim();
    let said = said.strip_prefix("plandeck: ").unwrap_or(said);
    Err(ControlError::NotNow(said.to_owned()))
}
