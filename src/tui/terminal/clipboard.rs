//! The clipboard: by the first way there is that works. A program that hangs is given up after a short time.
//!
//! The programs are children in the session of this process, so that they are never taken for what a tool left behind.

use crate::text::format;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// How long a program may take.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// Most bytes of a text for the terminal itself: many take in no more than 100,000 bytes, and it is encoded.
const TERMINAL_BYTES: usize = 74_000;

/// A program that puts its standard input on a clipboard.
struct Helper {
    /// The variable that says that there is such a clipboard.
    variable: &'static str,
    command: &'static [&'static str],
}

const HELPERS: [Helper; 5] = [
    // It passes the text on to the terminal around it, too.
    Helper {
        variable: "TMUX",
        command: &["tmux", "load-buffer", "-w", "-"],
    },
    Helper {
        variable: "WAYLAND_DISPLAY",
        command: &["wl-copy"],
    },
    Helper {
        variable: "DISPLAY",
        command: &["xclip", "-selection", "clipboard", "-in"],
    },
    Helper {
        variable: "DISPLAY",
        command: &["xsel", "--clipboard", "--input"],
    },
    Helper {
        variable: "",
        command: &["pbcopy"],
    },
];

/// How a text was copied, or is to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Copied {
    /// It was: what to say.
    Done(String),
    /// The terminal is to be asked, which does not answer; and what to say of the programs that did not work.
    AskTerminal(String),
}

/// Copies a text, by a program or into a file.
pub(super) async fn copy(text: &str) -> Copied {
    let mut failed = Vec::new();
    let size = format::bytes(text.len());
    for helper in HELPERS.iter().filter(|helper| helper.may_work()) {
        let name = helper.command[0];
        match run(helper.command, text).await {
            Ok(()) => return Copied::Done(format!("copied {size} with {name}{}", but(&failed))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => failed.push(format!("{name}: {error}")),
        }
    }
    if text.len() <= TERMINAL_BYTES {
        return Copied::AskTerminal(but(&failed));
    }
    Copied::Done(match write_file(text) {
        Ok(path) => format!(
            "no clipboard takes {size}: written to {}{}",
            path.display(),
            but(&failed)
        ),
        Err(error) => format!("nothing was copied: {error}{}", but(&failed)),
    })
}

/// What is said when the terminal was asked.
pub(super) fn asked_terminal(text: &str, but: &str) -> String {
    let size = format::bytes(text.len());
    format!("copied {size} through the terminal (OSC 52), if it allows that{but}")
}

fn but(failed: &[String]) -> String {
    if failed.is_empty() {
        String::new()
    } else {
        format!(" ({})", failed.join("; "))
    }
}

impl Helper {
    fn may_work(&self) -> bool {
        if self.variable.is_empty() {
            cfg!(target_os = "macos")
        } else {
            std::env::var_os(self.variable).is_some_and(|value| !value.is_empty())
        }
    }
}

async fn run(command: &[&str], text: &str) -> io::Result<()> {
    let (program, arguments) = command.split_first().ok_or(io::ErrorKind::NotFound)?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let work = async {
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(text.as_bytes()).await?;
            stdin.shutdown().await?;
        }
        child.wait().await
    };
    match tokio::time::timeout(PATIENCE, work).await {
        Err(_) => Err(io::Error::other("does not answer")),
        Ok(status) => {
            let status = status?;
            if status.success() {
                Ok(())
            } else {
                Err(io::Error::other(status.to_string()))
            }
        }
    }
}

/// Writes a file that only this user can read.
fn write_file(text: &str) -> io::Result<PathBuf> {
    let folder = super::outside::temporary_folder()?;
    let path = folder.join("copied.txt");
    std::fs::write(&path, text)?;
    Ok(path)
}
