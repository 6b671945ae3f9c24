//! Programs that get the terminal for a while: the user's editor and pager.
//!
//! They are children in the session and the process group of this process, as of a shell: what ctrl-z stops, it stops
//! with this process, and they are never taken for what a tool left behind.

use super::signals::{Asked, ScreenSignals};
use crate::text;
use signal_hook::consts::{SIGINT, SIGQUIT, SIGTSTP};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::process::Command;

/// A program that gets the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutsideProgram {
    /// The one that `VISUAL` or `EDITOR` names.
    Editor,
    /// The one that `PAGER` names.
    Pager,
}

/// What it is started with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutsideFile {
    /// A text, in a file of this name that goes when the program ends.
    Text {
        /// The name of the file: its ending tells the program what it is.
        name: String,
        /// The text.
        text: String,
    },
    /// A file that stays, at a line from 1.
    Path(PathBuf, usize),
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutsideEnd {
    /// What the file has now, where that is not what it had.
    Changed(String),
    /// The file is as it was.
    Unchanged,
    /// It could not be started, or failed: why, and what to do.
    Failed(String),
}

/// How it ended, or the signal that asked this process to end meanwhile.
pub(super) enum Ended {
    Program(OutsideEnd),
    Signal(i32),
}

impl OutsideProgram {
    const fn what(self) -> &'static str {
        match self {
            Self::Editor => "editor",
            Self::Pager => "pager",
        }
    }

    const fn variables(self) -> &'static [&'static str] {
        match self {
            Self::Editor => &["VISUAL", "EDITOR"],
            Self::Pager => &["PAGER"],
        }
    }

    /// Those that are tried where no variable names one.
    const fn usual(self) -> &'static [&'static str] {
        match self {
            Self::Editor => &["nano", "vim", "vi"],
            Self::Pager => &["less", "more"],
        }
    }

    /// The commands to try, each with the variable that names it.
    fn commands(self) -> Result<Vec<Vec<String>>, String> {
        let named = self.variables().iter().find_map(|name| {
            let value = std::env::var(name).ok()?;
            (!value.trim().is_empty()).then_some((*name, value))
        });
        let Some((name, value)) = named else {
            let usual = self.usual().iter();
            return Ok(usual.map(|name| vec![(*name).to_owned()]).collect());
        };
        match shlex::split(&value) {
            Some(words) if !words.is_empty() => Ok(vec![words]),
            _ => Err(format!(
                "{name} is not a command line: {}; give it closed quotes, as in {name}=\"vim -n\"",
                text::fit(&value, 60)
            )),
        }
    }
}

/// Runs the program on the file until it ends. The terminal has been given back before.
pub(super) async fn run(
    program: OutsideProgram,
    file: &OutsideFile,
    signals: &mut ScreenSignals,
) -> Ended {
    let what = program.what();
    let failed = |why: String| Ended::Program(OutsideEnd::Failed(why));
    let (path, line, folder) = match file {
        OutsideFile::Path(path, line) => (path.clone(), Some(*line), None),
        OutsideFile::Text { name, text } => match write(name, text) {
            Ok((path, folder)) => (path, None, Some(folder)),
            Err(error) => return failed(format!("no file for the {what}: {error}")),
        },
    };
    let before = std::fs::read(&path).ok();
    let status = match start_and_wait(program, &path, line, signals).await {
        Ok(Waited::Status(status)) => Ok(status),
        Ok(Waited::Signal(signal)) => return Ended::Signal(signal),
        Err(why) => Err(why),
    };
    let now = std::fs::read(&path).ok();
    let changed = now.filter(|now| Some(now) != before.as_ref());
    let failure = match status {
        Err(why) => Some(why),
        Ok(status) if status.success() => None,
        Ok(status) => Some(format!("the {what} ended with {status}")),
    };
    if let Some(why) = failure {
        let kept = if changed.is_some() && folder.is_some() {
            format!("; what it saved is in {}", path.display())
        } else {
            remove(folder.as_deref());
            String::new()
        };
        return failed(format!("{why}{kept}"));
    }
    remove(folder.as_deref());
    Ended::Program(match changed.map(String::from_utf8) {
        None => OutsideEnd::Unchanged,
        Some(Ok(text)) => OutsideEnd::Changed(text),
        Some(Err(_)) => OutsideEnd::Failed(format!("the {what} saved text that is not UTF-8")),
    })
}

enum Waited {
    Status(ExitStatus),
    Signal(i32),
}

async fn start_and_wait(
    program: OutsideProgram,
    path: &Path,
    line: Option<usize>,
    signals: &mut ScreenSignals,
) -> Result<Waited, String> {
    let what = program.what();
    let variable = program.variables().last().copied().unwrap_or_default();
    let commands = program.commands()?;
    let mut missing = Vec::new();
    for words in &commands {
        let Some((name, rest)) = words.split_first() else {
            continue;
        };
        let mut command = Command::new(name);
        command.args(rest).args(place(name, path, line));
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                missing.push(name.as_str());
                continue;
            }
            Err(error) => {
                return Err(format!(
                    "the {what} {name} does not start: {error}; set {variable} to another"
                ));
            }
        };
        loop {
            tokio::select! {
                status = child.wait() => {
                    return status.map(Waited::Status).map_err(|error| format!("the {what} {name} was lost: {error}"));
                }
                asked = signals.next() => match asked {
                    // The terminal sends these to both: they are the program's.
                    Asked::End(SIGINT | SIGQUIT) | Asked::Continued => {}
                    Asked::Suspend => {
                        let _ = signal_hook::low_level::emulate_default_handler(SIGTSTP);
                    }
                    Asked::End(signal) => {
                        let _ = child.start_kill();
                        let _ = child.wait().await;
                        return Ok(Waited::Signal(signal));
                    }
                }
            }
        }
    }
    Err(format!(
        "there is no {what} {}: set {variable} to one that is installed",
        missing.join(", ")
    ))
}

/// The arguments for a file at a line.
fn place(program: &str, path: &Path, line: Option<usize>) -> Vec<String> {
    let path = path.display().to_string();
    let name = Path::new(program)
        .file_name()
        .map(|name| name.to_string_lossy());
    match (line, name.as_deref()) {
        (None, _) => vec![path],
        (Some(line), Some("code" | "codium" | "cursor")) => {
            vec![
                "--wait".to_owned(),
                "--goto".to_owned(),
                format!("{path}:{line}"),
            ]
        }
        (Some(line), Some("hx" | "helix" | "subl" | "zed")) => vec![format!("{path}:{line}")],
        (Some(line), _) => vec![format!("+{line}"), path],
    }
}

fn write(name: &str, text: &str) -> io::Result<(PathBuf, PathBuf)> {
    let folder = temporary_folder()?;
    let path = folder.join(name);
    std::fs::write(&path, text)?;
    Ok((path, folder))
}

fn remove(folder: Option<&Path>) {
    if let Some(folder) = folder {
        let _ = std::fs::remove_dir_all(folder);
    }
}

/// A new folder that only this user can look into.
pub(super) fn temporary_folder() -> io::Result<PathBuf> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    loop {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("plandeck-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        match builder.create(&folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
            Ok(()) => return Ok(folder),
        }
    }
}

/// Writes a text into a new file of the current folder; gives what to say.
pub(super) fn save(name: &str, text: &str) -> String {
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, "txt"));
    for count in 1..1_000 {
        let name = if count == 1 {
            format!("{stem}.{ending}")
        } else {
            format!("{stem}-{count}.{ending}")
        };
        let file = std::fs::File::create_new(&name);
        let written = file.and_then(|mut file| io::Write::write_all(&mut file, text.as_bytes()));
        match written {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return format!("not saved: {name}: {error}"),
            Ok(()) => return format!("saved {} to {name}", text::format::bytes(text.len())),
        }
    }
    format!("not saved: {stem}.{ending} and 999 others exist already")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_editor_is_told_the_line_in_its_own_way() {
        let path = Path::new("plans/tea.yaml");
        let told = |program| place(program, path, Some(7)).join(" ");
        assert_eq!(told("vim"), "+7 plans/tea.yaml");
        assert_eq!(told("/usr/bin/hx"), "plans/tea.yaml:7");
        assert_eq!(told("code"), "--wait --goto plans/tea.yaml:7");
        assert_eq!(place("vim", path, None), ["plans/tea.yaml"]);
    }
}
