//! The three pipes of a program, and its exit status.

use super::command::not_started;
use super::log::{MAX_TAIL_BYTES, OutputLog};
use crate::text::json::footprint;
use crate::text::message::quote_end;
use crate::text::spool::Spool;
use crate::tools::ToolError;
use crate::tools::launch::{NOT_STARTED, NOT_STARTED_MARK, OVER_MEMORY, OVER_MEMORY_MARK};
use serde_json::Value;
use std::io::{self, BufWriter, Write};
use std::process::ExitStatus;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::ChildStdin;
use tokio_util::io::SyncIoBridge;

/// The maximum size of standard output, in bytes.
const MAX_OUTPUT_BYTES: usize = 64 << 20;

/// How much of a value is logged of a program that fails, in bytes.
const MAX_HEAD_BYTES: usize = 16 << 10;

/// A larger input is written as JSON piece by piece, in bytes.
const MAX_WHOLE_INPUT: usize = 64 << 10;

/// Writes the input as JSON. A program need not read it, so a broken pipe is no error.
pub(super) async fn feed(mut stdin: ChildStdin, input: Arc<Value>) {
    if footprint(&input) <= MAX_WHOLE_INPUT {
        let _ = stdin.write_all(input.to_string().as_bytes()).await;
        let _ = stdin.shutdown().await;
        return;
    }
    // The thread ends with the program, which closes the pipe.
    let written = tokio::task::spawn_blocking(move || {
        let mut pipe = BufWriter::with_capacity(MAX_WHOLE_INPUT, SyncIoBridge::new(stdin));
        let _ = serde_json::to_writer(&mut pipe, &*input);
        let _ = pipe.flush();
        if let Ok(mut pipe) = pipe.into_inner() {
            let _ = pipe.shutdown();
        }
    });
    let _ = written.await;
}

/// What came on standard output.
pub(super) struct Printed {
    /// All of it.
    pub output: Spool,
    /// The beginning of a value that was not logged; empty where there is none.
    pub value: Vec<u8>,
}

/// Reads standard output to its end.
pub(super) async fn collect(
    mut stdout: impl AsyncRead + Unpin,
    mut log: OutputLog<'_>,
) -> Result<Printed, ToolError> {
    let mut output = Spool::default();
    let mut head = Vec::new();
    let mut chunk = vec![0; 64 << 10];
    loop {
        let read = stdout
            .read(&mut chunk)
            .await
            .map_err(|error| unreadable(&error))?;
        if read == 0 {
            let value = if log.finish() { head } else { Vec::new() };
            return Ok(Printed { output, value });
        }
        if output.len() + read > MAX_OUTPUT_BYTES {
            return Err(ToolError::permanent(format!(
                "the program printed more than {} MB and was stopped; let it print less, or print the path of a file",
                MAX_OUTPUT_BYTES >> 20
            )));
        }
        log.push(&chunk[..read]);
        let room = MAX_HEAD_BYTES.saturating_sub(head.len());
        head.extend_from_slice(&chunk[..read.min(room)]);
        output
            .push(&chunk[..read])
            .map_err(|error| unreadable(&error))?;
    }
}

fn unreadable(error: &io::Error) -> ToolError {
    ToolError::permanent(format!("its output could not be read: {error}"))
}

/// What a launcher says where it could not start the program; `None` where the program was started.
pub(super) fn launch_failure(name: &str, status: ExitStatus, tail: &str) -> Option<ToolError> {
    if status.code() != Some(i32::from(NOT_STARTED)) {
        return None;
    }
    let (_, error) = tail.split_once(NOT_STARTED_MARK)?;
    let error = error.trim();
    let kind = if error.contains("No such file") {
        io::ErrorKind::NotFound
    } else if error.contains("Permission denied") {
        io::ErrorKind::PermissionDenied
    } else {
        io::ErrorKind::Other
    };
    let why = error.split_once(": ").map_or(error, |(_, why)| why);
    Some(not_started(name, why, kind))
}

pub(super) fn failure(name: &str, status: ExitStatus, tail: &str) -> ToolError {
    if status.code() == Some(i32::from(OVER_MEMORY))
        && let Some((_, limit)) = tail.rsplit_once(OVER_MEMORY_MARK)
    {
        let limit = limit.trim();
        return ToolError::permanent(format!(
            "the program {name} and what it started used more than {limit} of memory together and were stopped; \
             raise --max-memory-mb, or let it use less"
        ));
    }
    let how = match (status.code(), signal(status)) {
        (Some(code), _) => format!("exited with code {code}"),
        (None, Some(number)) => format!("was ended by signal {number} ({})", signal_name(number)),
        (None, None) => "ended".to_owned(),
    };
    let tail = quote_end(tail, MAX_TAIL_BYTES);
    // Only the program knows what a status means. Whether it may run again is decided by the policy, or by the
    // catalog with `read_only` and `idempotent`.
    ToolError::transient(if tail.is_empty() {
        format!("the program {name} {how} without a message on standard error")
    } else {
        format!("the program {name} {how}: {tail}")
    })
}

/// The output as JSON, else as text without its last line feed; `null` where it is empty.
pub(super) fn read_output(name: &str, output: Spool) -> Result<Value, ToolError> {
    let output = output.into_bytes().map_err(|error| unreadable(&error))?;
    let text = String::from_utf8(output).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        ToolError::permanent(format!(
            "the program {name} printed text that is not valid UTF-8 (byte {at} of {}); let it print JSON or text",
            error.as_bytes().len()
        ))
    })?;
    crate::tools::read_json_or_text(text)
        .map_err(|error| ToolError::permanent(format!("the program {name} printed {error}")))
}

#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn signal(_status: ExitStatus) -> Option<i32> {
    None
}

fn signal_name(number: i32) -> &'static str {
    match number {
        1 => "hang-up",
        2 => "interrupt",
        4 => "illegal instruction",
        6 => "abort, often for lack of memory",
        7 => "bus error",
        8 => "arithmetic error",
        9 => "kill",
        11 => "invalid memory access",
        13 => "broken pipe",
        15 => "termination",
        24 => "processor time limit",
        31 => "refused system call",
        _ => "unnamed",
    }
}
