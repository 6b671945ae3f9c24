//! What a program is given and what it says: its three pipes, and its status.

use super::command::not_started;
use crate::run::LogStream;
use crate::text::message::{clean, quote_end};
use crate::tools::launch::{NOT_STARTED, NOT_STARTED_MARK};
use crate::tools::secrets::Secrets;
use crate::tools::{Call, ToolError};
use serde_json::Value;
use std::io;
use std::process::ExitStatus;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::ChildStdin;

/// What a program may print on standard output, in bytes.
const LARGEST_OUTPUT: usize = 64 << 20;

/// What is kept of its standard error for an error message.
const LONGEST_TAIL: usize = 4 << 10;

/// A longer line on standard error is logged in pieces.
const LONGEST_LINE: usize = 8 << 10;

/// Writes the input. A program that does not read it breaks the pipe, and that is its right.
pub(super) async fn feed(mut stdin: ChildStdin, input: Vec<u8>) {
    let _ = stdin.write_all(&input).await;
    let _ = stdin.shutdown().await;
}

pub(super) async fn collect(mut stdout: impl AsyncRead + Unpin) -> Result<Vec<u8>, ToolError> {
    let mut output = Vec::new();
    let mut chunk = vec![0; 64 << 10];
    loop {
        let read = stdout.read(&mut chunk).await.map_err(|error| {
            ToolError::permanent(format!("its output could not be read: {error}"))
        })?;
        if read == 0 {
            return Ok(output);
        }
        if output.len() + read > LARGEST_OUTPUT {
            return Err(ToolError::permanent(format!(
                "the program printed more than {} MB and was stopped; let it print less, or a path to its output",
                LARGEST_OUTPUT >> 20
            )));
        }
        output.extend_from_slice(&chunk[..read]);
    }
}

/// Standard error: each line to the log, the end kept.
pub(super) struct Log<'a> {
    call: &'a Call,
    secrets: &'a Secrets,
    line: Vec<u8>,
    tail: String,
}

impl<'a> Log<'a> {
    pub fn new(call: &'a Call, secrets: &'a Secrets) -> Self {
        Self {
            call,
            secrets,
            line: Vec::new(),
            tail: String::new(),
        }
    }

    /// Until its end; what is kept of it.
    pub async fn follow(mut self, mut stderr: impl AsyncRead + Unpin) -> String {
        let mut chunk = vec![0; 8 << 10];
        while let Ok(read @ 1..) = stderr.read(&mut chunk).await {
            for piece in chunk[..read].split_inclusive(|byte| *byte == b'\n') {
                self.line.extend_from_slice(piece);
                if piece.ends_with(b"\n") || self.line.len() >= LONGEST_LINE {
                    self.say();
                }
            }
        }
        self.say();
        self.tail
    }

    fn say(&mut self) {
        let line = String::from_utf8_lossy(&self.line).into_owned();
        self.line.clear();
        let line = self.secrets.redact(line.trim_end_matches(['\n', '\r']));
        if line.is_empty() {
            return;
        }
        (self.call.log)(LogStream::Stderr, &clean(&line, LONGEST_LINE));
        self.tail.push_str(&line);
        self.tail.push('\n');
        if self.tail.len() > 2 * LONGEST_TAIL {
            let mut from = self.tail.len() - LONGEST_TAIL;
            while !self.tail.is_char_boundary(from) {
                from += 1;
            }
            self.tail.drain(..from);
        }
    }
}

pub(super) fn failure(name: &str, status: ExitStatus, tail: &str) -> ToolError {
    if status.code() == Some(i32::from(NOT_STARTED))
        && let Some((_, error)) = tail.split_once(NOT_STARTED_MARK)
    {
        let error = error.trim();
        let kind = if error.contains("No such file") {
            io::ErrorKind::NotFound
        } else {
            io::ErrorKind::Other
        };
        return not_started(
            name,
            error.split_once(": ").map_or(error, |(_, why)| why),
            kind,
        );
    }
    let how = match (status.code(), signal(status)) {
        (Some(code), _) => format!("exited with code {code}"),
        (None, Some(number)) => format!("was ended by signal {number} ({})", signal_name(number)),
        (None, None) => "ended".to_owned(),
    };
    let tail = quote_end(tail, LONGEST_TAIL);
    // What a status means only the program knows. Whether it may be run again at all is the policy's to say,
    // or the catalog's with `read_only` and `idempotent`.
    ToolError::transient(if tail.is_empty() {
        format!("the program {name} {how} and said nothing")
    } else {
        format!("the program {name} {how}: {tail}")
    })
}

/// JSON, else text without one line feed at its end. Nothing at all is `null`.
pub(super) fn read_output(name: &str, output: Vec<u8>) -> Result<Value, ToolError> {
    let text = String::from_utf8(output).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        ToolError::permanent(format!(
            "the program {name} printed what is no UTF-8 text (byte {at} of {}); let it print JSON or text",
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
