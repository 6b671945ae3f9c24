//! A terminal of any size with the program in it: what it drew, and keys to press.

use super::program::{FOREIGN, HANG, TRUST, home, program};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::ffi::OsStr;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What came out of the program so far.
struct Drawn {
    screen: vt100::Parser,
    bytes: Vec<u8>,
    /// When the bytes from each of these places on arrived.
    times: Vec<(Duration, usize)>,
    closed: bool,
    /// Whether nobody looks at the terminal any more.
    unwatched: bool,
}

impl Drawn {
    /// Whether no frame of the dashboard is half drawn: each stands between the marks of a synchronized update.
    fn is_whole(&self) -> bool {
        let last = |mark: &[u8]| {
            self.bytes
                .windows(mark.len())
                .rposition(|part| part == mark)
        };
        !self.screen.screen().alternate_screen()
            || self.closed
            || last(b"\x1b[?2026h") <= last(b"\x1b[?2026l")
    }
}

/// A running program in a terminal.
pub(crate) struct Terminal {
    drawn: Arc<(Mutex<Drawn>, Condvar)>,
    /// `None` once the window was closed; so is `master`.
    keys: Option<Box<dyn Write + Send>>,
    master: Option<Box<dyn MasterPty + Send>>,
    child: Box<dyn Child + Send + Sync>,
}

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).unwrap()
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize {
        rows,
        cols: columns,
        pixel_width: 0,
        pixel_height: 0,
    }
}

impl Terminal {
    /// Starts the program with these arguments in a folder, in a terminal of true colour.
    pub(crate) fn start(folder: &Path, arguments: &[&str], columns: u16, rows: u16) -> Self {
        Self::start_as(folder, arguments, columns, rows, &[])
    }

    /// The same with variables set for the program.
    pub(crate) fn start_as(
        folder: &Path,
        arguments: &[&str],
        columns: u16,
        rows: u16,
        variables: &[(&str, &str)],
    ) -> Self {
        Self::start_program(folder, program(), arguments, columns, rows, variables)
    }

    /// The same with another program.
    pub(crate) fn start_program(
        folder: &Path,
        program: impl AsRef<OsStr>,
        arguments: &[&str],
        columns: u16,
        rows: u16,
        variables: &[(&str, &str)],
    ) -> Self {
        let pair = native_pty_system().openpty(size(columns, rows)).unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.cwd(folder);
        for name in FOREIGN {
            command.env_remove(name);
        }
        command.env("TERM", "xterm-256color");
        command.env("COLORTERM", "truecolor");
        command.env("PLANDECK_HOME", home());
        command.env(TRUST.0, TRUST.1);
        // The tests are no audience: samples run at full speed.
        command.env("PLANDECK_PACE", "0");
        command.env_remove("CI");
        for (name, value) in variables {
            match *value {
                "" => command.env_remove(name),
                value => command.env(name, value),
            }
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let drawn = Arc::new((
            Mutex::new(Drawn {
                screen: vt100::Parser::new(cells(rows), cells(columns), 200),
                bytes: Vec::new(),
                times: Vec::new(),
                closed: false,
                unwatched: false,
            }),
            Condvar::new(),
        ));
        let mut reader = pair.master.try_clone_reader().unwrap();
        let into = Arc::clone(&drawn);
        let began = Instant::now();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                let count = reader.read(&mut buffer).unwrap_or(0);
                let mut drawn = into.0.lock().unwrap_or_else(PoisonError::into_inner);
                let place = (began.elapsed(), drawn.bytes.len());
                drawn.times.push(place);
                drawn.screen.process(&buffer[..count]);
                drawn.bytes.extend_from_slice(&buffer[..count]);
                drawn.closed = count == 0;
                into.1.notify_all();
                if drawn.closed || drawn.unwatched {
                    return;
                }
            }
        });
        Self {
            drawn,
            keys: Some(pair.master.take_writer().unwrap()),
            master: Some(pair.master),
            child,
        }
    }

    /// The program's process id.
    pub(crate) fn process(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// Presses keys, given as the bytes a terminal sends.
    pub(crate) fn press(&mut self, keys: &str) {
        let to = self.keys.as_mut().expect("the window is open");
        to.write_all(keys.as_bytes()).unwrap();
        to.flush().unwrap();
    }

    /// Makes the terminal another size; the screen first, so that it is ready for what the program draws then.
    pub(crate) fn resize(&mut self, columns: u16, rows: u16) {
        self.locked().screen.set_size(cells(rows), cells(columns));
        let master = self.master.as_ref().expect("the window is open");
        master.resize(size(columns, rows)).unwrap();
    }

    /// The text on the screen.
    pub(crate) fn text(&self) -> String {
        self.locked().screen.screen().contents()
    }

    /// A copy of the screen with its colours.
    pub(crate) fn screen(&self) -> vt100::Screen {
        self.locked().screen.screen().clone()
    }

    /// Everything the program wrote so far.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.locked().bytes.clone()
    }

    /// Everything the program wrote so far, with its times: an asciicast of version 2.
    #[allow(dead_code, reason = "one test program records casts")]
    pub(crate) fn cast(&self, title: &str) -> String {
        let drawn = self.locked();
        let (rows, columns) = drawn.screen.screen().size();
        let header = serde_json::json!({
            "version": 2,
            "width": columns,
            "height": rows,
            "title": title,
            "env": {"TERM": "xterm-256color"},
        });
        let mut lines = vec![header.to_string()];
        let ends = drawn.times.iter().skip(1).map(|(_, at)| *at);
        let ends = ends.chain([drawn.bytes.len()]);
        let mut from = 0;
        for ((time, _), end) in drawn.times.iter().zip(ends) {
            // A character that arrives in two parts is written with the second.
            let part = &drawn.bytes[from..end];
            let text = match std::str::from_utf8(part) {
                Ok(text) => text,
                Err(fault) => std::str::from_utf8(&part[..fault.valid_up_to()]).unwrap(),
            };
            if !text.is_empty() {
                let event = serde_json::json!([time.as_secs_f64(), "o", text]);
                lines.push(event.to_string());
            }
            from += text.len();
        }
        lines.join("\n") + "\n"
    }

    /// Waits until this stands on the screen.
    pub(crate) fn wait_for(&self, text: &str) -> String {
        self.wait_until(text, |screen| screen.contents().contains(text))
    }

    /// Waits until the screen is as asked for; panics with what stands there if that does not come.
    pub(crate) fn wait_until(&self, what: &str, there: impl Fn(&vt100::Screen) -> bool) -> String {
        let deadline = Instant::now() + HANG;
        let mut drawn = self.locked();
        loop {
            if drawn.is_whole() && there(drawn.screen.screen()) {
                return drawn.screen.screen().contents();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero() && !drawn.closed,
                "waited in vain for: {what}\n{}",
                drawn.screen.screen().contents()
            );
            drawn = self
                .drawn
                .1
                .wait_timeout(drawn, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Leaves a run that was opened from the home screen, and then that; its exit status.
    pub(crate) fn leave_by_home(&mut self) -> u32 {
        self.press("q");
        self.wait_for("sample plans");
        self.press("\u{3}");
        self.wait_for_end()
    }

    /// Waits until the program has ended and everything it wrote was read; its exit status.
    pub(crate) fn wait_for_end(&mut self) -> u32 {
        let deadline = Instant::now() + HANG;
        let mut drawn = self.drawn.0.lock().unwrap_or_else(PoisonError::into_inner);
        while !drawn.closed {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "the program did not end:\n{}",
                drawn.screen.screen().contents()
            );
            drawn = self
                .drawn
                .1
                .wait_timeout(drawn, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        drop(drawn);
        self.child.wait().unwrap().exit_code()
    }

    /// Closes the window: the program has no terminal any more. Its exit status.
    pub(crate) fn close_window(mut self) -> u32 {
        self.locked().unwatched = true;
        // What is drawn for the new size ends the thread that reads, the last to hold the terminal open.
        self.resize(91, 31);
        (self.keys, self.master) = (None, None);
        let deadline = Instant::now() + HANG;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.exit_code();
            }
            assert!(
                Instant::now() < deadline,
                "the program did not end when its window was closed"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn locked(&self) -> MutexGuard<'_, Drawn> {
        self.drawn.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A test that failed leaves no program behind; one that ended is not hurt.
        let _ = self.child.kill();
    }
}
