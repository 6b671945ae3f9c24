//! What a sandbox and its parent say to each other while one piece of work is done.

use super::process::{SandboxProcess, read_reply};
use super::protocol::{Answer, Language, Reply};
use super::tool_calls::{ToolCalls, answer_to};
use serde_json::Value;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;

/// A sandbox that uses more memory than this is replaced, in mebibytes.
const MAX_HELD_MB: u64 = 192;

/// How a conversation ended.
pub(super) enum Ended {
    /// There is an output, or the reason why there is none; and whether the sandbox is fit for other work.
    Answered {
        reply: Result<Value, String>,
        is_fit: bool,
    },
    /// The sandbox ended, or said what cannot be read.
    Died,
}

impl SandboxProcess {
    /// Has the work of the request `line` done. What is printed goes to `print`, with whether a line ends there. `seconds`
    /// limits how long CPython runs; the time in which its code waits for its calls does not count.
    pub(super) async fn converse(
        &mut self,
        line: &[u8],
        calls: &mut ToolCalls<'_>,
        language: Language,
        seconds: u64,
        mut print: impl FnMut(String, bool),
    ) -> Ended {
        // A sandbox reads a whole line before it writes anything, so this cannot deadlock. The reason of a broken
        // pipe is reported when the answer is read.
        let _ = self.input.write_all(line).await;
        let _ = self.input.flush().await;
        let mut until = Instant::now() + Duration::from_secs(seconds);
        let mut waits_since: Option<Instant> = None;
        // What the code is told, and how much of it is written: neither side waits for the other to read.
        let (mut told, mut written) = (Vec::new(), 0);
        loop {
            let reply = {
                // A message that has begun is read to its end, whatever is answered meanwhile.
                let reply = read_reply(&mut self.output);
                tokio::pin!(reply);
                loop {
                    let is_timed = language == Language::Cpython && waits_since.is_none();
                    let stopped =
                        format!("the code did not end within {seconds} s and was stopped");
                    tokio::select! {
                        reply = &mut reply => break reply,
                        answer = calls.answer() => {
                            calls.ended(answer.number);
                            if let Some(since) = waits_since.take() {
                                until += since.elapsed();
                            }
                            tell(&answer_to(&answer), &mut told);
                        }
                        count = self.input.write(&told[written..]), if written < told.len() => {
                            // A sandbox that has ended is noticed when it is read from.
                            written += count.unwrap_or(told.len() - written);
                            if written == told.len() {
                                (told, written) = (Vec::new(), 0);
                            }
                        }
                        () = tokio::time::sleep_until(until.into()), if is_timed => {
                            return Ended::Answered { reply: Err(stopped), is_fit: false };
                        }
                    }
                }
            };
            let reply = match reply {
                Some(Err(error)) if error.is_refusal() => {
                    let reply = Err(format!("the output is {error}"));
                    return Ended::Answered {
                        reply,
                        is_fit: true,
                    };
                }
                Some(Ok(reply)) => reply,
                Some(Err(_)) | None => return Ended::Died,
            };
            match reply {
                Reply::Ready | Reply::About { .. } => {}
                Reply::Log(line) => print(line, true),
                Reply::LogPart(part) => print(part, false),
                Reply::Call {
                    number,
                    name,
                    is_tool,
                    input,
                } => {
                    if let Some(refused) = calls.call(number, &name, is_tool, input).await {
                        tell(&refused, &mut told);
                    }
                }
                Reply::Waits { answered, seen } => {
                    waits_since.get_or_insert_with(Instant::now);
                    calls.waits(answered, seen).await;
                }
                Reply::Output { value, memory_mb } => {
                    let is_fit = memory_mb < MAX_HELD_MB;
                    return Ended::Answered {
                        reply: Ok(value),
                        is_fit,
                    };
                }
                Reply::Error(message) => {
                    return Ended::Answered {
                        reply: Err(message),
                        is_fit: true,
                    };
                }
            }
        }
    }
}

/// Adds what became of a call to what the code is told.
fn tell(answer: &Answer<'_>, told: &mut Vec<u8>) {
    let before = told.len();
    if serde_json::to_writer(&mut *told, answer).is_err() {
        told.truncate(before);
        return;
    }
    told.push(b'\n');
}
