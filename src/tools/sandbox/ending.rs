//! Why a sandbox ended before it answered.

use super::protocol::Language;
use std::process::ExitStatus;

const SIGKILL: i32 = 9;
const SIGSEGV: i32 = 11;
const SIGXCPU: i32 = 24;

/// The reason, from its exit status and the end of its standard error.
pub(super) fn exit_reason(
    language: Language,
    status: Option<ExitStatus>,
    said: &str,
    memory_mb: u64,
    seconds: u64,
) -> String {
    let what = language.subject();
    if said.contains("memory allocation of") {
        return format!("{what} used more than {memory_mb} MB of memory and was stopped");
    }
    if said.contains("overflowed its stack") {
        return format!("{what} recursed too deep and was stopped");
    }
    match status.map(|status| (signal(status), status)) {
        Some((Some(SIGXCPU), _)) => {
            format!("{what} used more than {seconds} s of processor time and was stopped")
        }
        // The second limit of processor time, where the first was ignored; or the system has no memory left.
        Some((Some(SIGKILL), _)) if language == Language::Cpython => {
            format!(
                "{what} used more than {seconds} s of processor time, or too much memory, and was stopped"
            )
        }
        Some((Some(SIGSEGV), _)) if language == Language::Cpython => {
            format!("{what} crashed its interpreter, or recursed too deep, and was stopped")
        }
        Some((Some(SIGSEGV), _)) => format!("{what} recursed too deep and was stopped"),
        Some((None, _)) if language == Language::Cpython => {
            format!("{what} ended its interpreter without an output {said}")
                .trim_end()
                .to_owned()
        }
        Some((_, status)) => format!("the sandbox ended while {what} ran ({status}) {said}")
            .trim_end()
            .to_owned(),
        None => "the sandbox gave an answer that could not be read, and was stopped".to_owned(),
    }
}

#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn signal(_status: ExitStatus) -> Option<i32> {
    None
}
