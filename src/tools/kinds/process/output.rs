//! The three pipes of a program, and its exit status.

use super::command::not_started;
use crate::run::LogStream;
use crate::text::json::footprint;
use crate::text::message::{clean, quote_end};
use crate::text::spool::Spool;
use crate::tools::launch::{NOT_STARTED, NOT_STARTED_MARK, OVER_MEMORY, OVER_MEMORY_MARK, STARTED};
use crate::tools::secrets::{Redactor, Secrets};
use crate::tools::{Call, ToolError};
use serde_json::Value;
use std::io::{self, BufWriter, Write};
use std::process::ExitStatus;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::ChildStdin;
use tokio_util::io::SyncIoBridge;

/// The maximum size of standard output, in bytes.
const MAX_OUTPUT_BYTES: usize = 64 << 20;

/// How much of standard error an error message quotes, in bytes.
const MAX_TAIL_BYTES: usize = 4 << 10;

/// A longer line on standard error is logged in pieces.
const MAX_LINE_BYTES: usize = 8 << 10;

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

pub(super) async fn collect(mut stdout: impl AsyncRead + Unpin) -> Result<Spool, ToolError> {
    let mut output = Spool::default();
    let mut chunk = vec![0; 64 << 10];
    loop {
        let read = stdout
            .read(&mut chunk)
            .await
            .map_err(|error| unreadable(&error))?;
        if read == 0 {
            return Ok(output);
        }
        if output.len() + read > MAX_OUTPUT_BYTES {
            return Err(ToolError::permanent(format!(
                "the program printed more than {} MB and was stopped; let it print less, or print the path of a file",
                MAX_OUTPUT_BYTES >> 20
            )));
        }
        output
            .push(&chunk[..read])
            .map_err(|error| unreadable(&error))?;
    }
}

fn unreadable(error: &io::Error) -> ToolError {
    ToolError::permanent(format!("its output could not be read: {error}"))
}

/// Logs each line of standard error, without secrets, and keeps the end.
pub(super) struct Log<'a> {
    call: &'a Call,
    redactor: Redactor,
    line: String,
    said: Said,
    /// Whether the next line is a launcher's.
    is_first: bool,
}

/// What came on standard error.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// The end of the text.
    pub tail: String,
    /// Whether the first line was a launcher's.
    pub by_launcher: bool,
}

impl<'a> Log<'a> {
    /// `launched` says whether a launcher is expected to write the first line.
    pub(super) fn new(call: &'a Call, secrets: Arc<Secrets>, launched: bool) -> Self {
        Self {
            call,
            redactor: Redactor::new(secrets),
            line: String::new(),
            said: Said::default(),
            is_first: launched,
        }
    }

    /// Reads to the end.
    pub(super) async fn follow(mut self, mut stderr: impl AsyncRead + Unpin) -> Said {
        let mut chunk = vec![0; 8 << 10];
        while let Ok(read @ 1..) = stderr.read(&mut chunk).await {
            let text = self.redactor.push(&chunk[..read]);
            self.take(&text);
        }
        let text = self.redactor.finish();
        self.take(&text);
        self.log_line();
        self.said
    }

    fn take(&mut self, text: &str) {
        for piece in text.split_inclusive('\n') {
            self.line.push_str(piece);
            while self.line.len() > MAX_LINE_BYTES {
                let mut end = MAX_LINE_BYTES;
                while !self.line.is_char_boundary(end) {
                    end -= 1;
                }
                let rest = self.line.split_off(end);
                self.log_line();
                self.line = rest;
            }
            if piece.ends_with('\n') {
                self.log_line();
            }
        }
    }

    fn log_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.is_first) && line.trim_ascii_end() == STARTED {
            self.said.by_launcher = true;
            return;
        }
        let line = line.trim_end_matches(['\n', '\r']);
        if line.is_empty() {
            return;
        }
        (self.call.log)(LogStream::Stderr, &clean(line, MAX_LINE_BYTES));
        let tail = &mut self.said.tail;
        tail.push_str(line);
        tail.push('\n');
        if tail.len() > 2 * MAX_TAIL_BYTES {
            let mut from = tail.len() - MAX_TAIL_BYTES;
            while !tail.is_char_boundary(from) {
                from += 1;
            }
            tail.drain(..from);
        }
    }
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
