//! What the program says outside of its screen: the title of the window, progress in the task bar, and a sign for a user
//! who looks elsewhere.

use crate::text;
use std::io::{self, Write};

/// The most characters of a title or a notice.
const MOST: usize = 120;

/// Saves the title that the terminal has, and brings it back.
pub(super) const SAVE_TITLE: &[u8] = b"\x1b[22;0t";
pub(super) const RESTORE_TITLE: &[u8] = b"\x1b[23;0t";
/// Takes the progress off the task bar.
pub(super) const NO_PROGRESS: &[u8] = b"\x1b]9;4;0\x1b\\";

/// How the user is told what happened while looking elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Notify {
    /// By OSC 9 where the terminal is known to show it, by the bell elsewhere.
    #[default]
    Auto,
    /// By the bell.
    Bell,
    /// By OSC 9, as a message of the desktop.
    Message,
    /// Not at all.
    Off,
}

/// What of it is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Surroundings {
    /// Whether the title of the window says how the run stands.
    pub title: bool,
    /// Whether the task bar shows the progress, where the terminal is known to do so.
    pub progress: bool,
    /// How the user is told of the end and of failures.
    pub notify: Notify,
}

impl Default for Surroundings {
    fn default() -> Self {
        Self {
            title: true,
            progress: true,
            notify: Notify::Auto,
        }
    }
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many percent.
    Running(u8),
    /// The same, and something failed.
    Failing(u8),
    /// The same, and it is held.
    Paused(u8),
}

/// What the terminal shows of a screen outside of its cells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TerminalStatus {
    /// The title.
    pub title: String,
    /// The progress, while there is one.
    pub progress: Option<Progress>,
}

/// What was written last, so that only changes are written.
#[derive(Debug, Default)]
pub(super) struct WrittenStatus(Option<TerminalStatus>);

impl Surroundings {
    /// What is wanted and this terminal can do.
    pub(crate) fn on_this_terminal(self) -> Self {
        let terminal = Terminal::of(|name| std::env::var(name).ok());
        Self {
            title: self.title && !terminal.is_plain,
            progress: self.progress && terminal.shows_progress,
            notify: match self.notify {
                Notify::Auto if terminal.shows_messages => Notify::Message,
                Notify::Auto => Notify::Bell,
                chosen => chosen,
            },
        }
    }

    /// What tells the user.
    pub(super) fn notice(self, words: &str) -> Vec<u8> {
        match self.notify {
            Notify::Off => Vec::new(),
            Notify::Bell | Notify::Auto => b"\x07".to_vec(),
            Notify::Message => format!("\x1b]9;{}\x1b\\", clean(words)).into_bytes(),
        }
    }
}

impl WrittenStatus {
    /// Writes what has changed.
    pub(super) fn write(
        &mut self,
        status: TerminalStatus,
        wanted: Surroundings,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let before = self.0.take().unwrap_or_default();
        let mut bytes = Vec::new();
        if wanted.title && before.title != status.title {
            let title = clean(&status.title);
            bytes.extend(format!("\x1b]2;{title}\x1b\\").into_bytes());
        }
        if wanted.progress && before.progress != status.progress {
            bytes.extend(match status.progress {
                None => NO_PROGRESS.to_vec(),
                Some(progress) => progress.bytes(),
            });
        }
        self.0 = Some(status);
        if bytes.is_empty() {
            return Ok(());
        }
        out.write_all(&bytes)?;
        out.flush()
    }

    /// Forgets what was written: the terminal was somebody else's.
    pub(super) fn forget(&mut self) {
        self.0 = None;
    }
}

impl Progress {
    fn bytes(self) -> Vec<u8> {
        let (state, percent) = match self {
            Self::Running(percent) => (1, percent),
            Self::Failing(percent) => (2, percent),
            Self::Paused(percent) => (4, percent),
        };
        format!("\x1b]9;4;{state};{percent}\x1b\\").into_bytes()
    }
}

/// A text that cannot end the sequence it stands in, nor begin another: no control characters, whatever ids say.
fn clean(words: &str) -> String {
    let line = text::line(words);
    let safe: String = line.chars().filter(|c| !c.is_control()).collect();
    text::fit(&safe, MOST)
}

/// What is known of a terminal by its environment.
struct Terminal {
    is_plain: bool,
    shows_progress: bool,
    shows_messages: bool,
}

impl Terminal {
    fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
        let term = variable("TERM").unwrap_or_default();
        let program = variable("TERM_PROGRAM").unwrap_or_default();
        // Their variables are those of the terminal around them, which they do not pass everything on to.
        let is_inside =
            set("TMUX") || set("STY") || term.starts_with("screen") || term.starts_with("tmux");
        let windows = set("WT_SESSION") || set("ConEmuPID");
        let by_name = |names: &[&str]| names.iter().any(|name| program.eq_ignore_ascii_case(name));
        Self {
            is_plain: matches!(&*term, "linux" | "dumb"),
            shows_progress: !is_inside && (windows || by_name(&["ghostty", "WezTerm"])),
            shows_messages: !is_inside
                && (by_name(&["iTerm.app", "WezTerm", "ghostty", "kitty"])
                    || term == "xterm-kitty"
                    || term.starts_with("foot")
                    || set("ConEmuPID")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(title: &str) -> String {
        let mut out = Vec::new();
        let status = TerminalStatus {
            title: title.to_owned(),
            progress: Some(Progress::Failing(40)),
        };
        let mut written = WrittenStatus::default();
        let wanted = Surroundings::default();
        written.write(status.clone(), wanted, &mut out).unwrap();
        let length = out.len();
        written.write(status, wanted, &mut out).unwrap();
        assert_eq!(out.len(), length, "nothing has changed");
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_title_is_one_sequence_whatever_the_id_says() {
        assert_eq!(said("40 % tea"), "\x1b]2;40 % tea\x1b\\\x1b]9;4;2;40\x1b\\");
        for hostile in [
            "a\x07\x1b]52;c;aGk=\x07",
            "a\x1b\\b",
            "a\u{9c}b\u{9d}52;x",
            "a\r\nb",
            "a\u{202e}b",
        ] {
            let out = said(hostile);
            assert_eq!(out.matches('\x07').count(), 0, "{out:?}");
            assert_eq!(out.matches('\x1b').count(), 4, "{out:?}");
            assert!(
                !out.contains(['\u{9c}', '\u{9d}', '\r', '\n', '\u{202e}']),
                "{out:?}"
            );
        }
        assert!(said(&"x".repeat(5_000)).len() < 400);
    }

    #[test]
    fn what_is_off_is_not_written() {
        let off = Surroundings {
            title: false,
            progress: false,
            notify: Notify::Off,
        };
        let mut out = Vec::new();
        let status = TerminalStatus {
            title: "x".to_owned(),
            progress: Some(Progress::Running(1)),
        };
        WrittenStatus::default()
            .write(status, off, &mut out)
            .unwrap();
        assert!(out.is_empty() && off.notice("x").is_empty());
        let message = Surroundings {
            notify: Notify::Message,
            ..off
        };
        assert_eq!(
            message.notice("tea\x1b failed"),
            "\u{1b}]9;tea␛ failed\u{1b}\\".as_bytes()
        );
    }

    #[test]
    fn terminals_get_what_they_are_known_to_show() {
        let of = |pairs: &[(&str, &str)]| {
            let pairs: Vec<(String, String)> = pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect();
            let found = Terminal::of(|name| {
                let mut pairs = pairs.iter();
                pairs
                    .find(|(own, _)| own == name)
                    .map(|(_, value)| value.clone())
            });
            (found.shows_progress, found.shows_messages)
        };
        assert_eq!(of(&[("TERM", "xterm-256color")]), (false, false));
        assert_eq!(of(&[("WT_SESSION", "1")]), (true, false));
        assert_eq!(of(&[("TERM_PROGRAM", "ghostty")]), (true, true));
        assert_eq!(of(&[("TERM", "xterm-kitty")]), (false, true));
        assert_eq!(
            of(&[("TERM_PROGRAM", "ghostty"), ("TMUX", "/tmp/x")]),
            (false, false)
        );
    }
}
