//! The dashboard in a real terminal: it is drawn, resized, left, killed and made to panic, and the terminal is
//! as before every time.
//!
//! The dashboard runs in a child: this very program, asked for its ignored test [`child`], in a pseudo
//! terminal. What the child prints is parsed as a terminal would.

use crate::common::recording::{Recording, receipt_running};
use futures::FutureExt;
use futures::future::BoxFuture;
use plandeck::run::{CommandError, EventKind, RunCommand, RunEvent, RunOutcome};
use plandeck::tui::{Feed, Options, run};
use plandeck::units::Micros;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// How long something that should appear may take on a busy machine.
const HANG: Duration = Duration::from_secs(30);
const MODE: &str = "PLANDECK_TEST_CHILD";

/// A run in full swing that follows commands, or panics on one.
struct Scripted {
    events: Vec<RunEvent>,
    given: usize,
    start: Instant,
    changed: Arc<Notify>,
    mode: String,
}

impl Scripted {
    fn new(run: Recording, mode: String) -> Self {
        let at: Duration = run.at().into();
        Self {
            events: run.events(),
            given: 0,
            start: Instant::now().checked_sub(at).unwrap_or_else(Instant::now),
            changed: Arc::new(Notify::new()),
            mode,
        }
    }

    fn emit(&mut self, kind: EventKind) {
        self.events.push(RunEvent {
            seq: self.events.len() as u64,
            at: self.now(),
            kind,
        });
        self.changed.notify_one();
    }
}

impl Feed for Scripted {
    fn take(&mut self, into: &mut Vec<RunEvent>, most: usize) {
        let until = (self.given + most).min(self.events.len());
        into.extend_from_slice(&self.events[self.given..until]);
        self.given = until;
    }

    fn changed(&mut self) -> BoxFuture<'_, ()> {
        let changed = Arc::clone(&self.changed);
        async move { changed.notified().await }.boxed()
    }

    fn command(&mut self, command: RunCommand) -> Result<(), CommandError> {
        match command {
            RunCommand::Pause => {
                assert_ne!(self.mode, "panic", "the key gave way");
                if self.mode == "panic-elsewhere" {
                    let tool = std::thread::spawn(|| panic!("a tool gave way"));
                    assert!(tool.join().is_err());
                }
                self.emit(EventKind::RunPaused);
            }
            RunCommand::Resume => self.emit(EventKind::RunResumed),
            RunCommand::Stop => self.emit(EventKind::RunEnded {
                status: RunOutcome::Cancelled,
                result: Arc::default(),
                error: None,
            }),
            _ => return Err(CommandError::RunOver),
        }
        Ok(())
    }

    fn now(&self) -> Micros {
        self.start.elapsed().into()
    }
}

#[test]
#[ignore = "the child of the other tests"]
fn child() {
    let Ok(mode) = std::env::var(MODE) else {
        return;
    };
    let feed = Scripted::new(receipt_running(), mode);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let left = runtime.block_on(run(feed, Options::default())).unwrap();
    println!("left by {:?}", left.outcome);
}

fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).unwrap()
}

/// A child in a pseudo terminal.
struct Terminal {
    master: Box<dyn MasterPty + Send>,
    writer: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    before: String,
}

impl Terminal {
    fn start(mode: &str, columns: u16, rows: u16) -> Self {
        let size = PtySize {
            rows,
            cols: columns,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).unwrap();
        let before = format!("{:?}", pair.master.get_termios());
        let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
        command.args([
            "real_terminal::child",
            "--exact",
            "--ignored",
            "--nocapture",
        ]);
        command.env(MODE, mode);
        command.env("TERM", "xterm-256color");
        command.env("LC_ALL", "C.UTF-8");
        command.env("RUST_BACKTRACE", "0");
        command.env_remove("NO_COLOR");
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 8192];
            while let Ok(count) = reader.read(&mut bytes) {
                if count == 0 || sender.send(bytes[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self {
            writer: pair.master.take_writer().unwrap(),
            master: pair.master,
            child,
            output,
            screen: vt100::Parser::new(cells(rows), cells(columns), 0),
            before,
        }
    }

    fn text(&self) -> String {
        self.screen.screen().contents()
    }

    /// Waits until the screen shows this.
    fn shows(&mut self, what: &str) {
        self.until(what, |screen| screen.contents().contains(what));
    }

    fn until(&mut self, what: &str, met: impl Fn(&vt100::Screen) -> bool) {
        let end = Instant::now() + HANG;
        while !met(self.screen.screen()) {
            let left = end.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.screen.process(&bytes),
                Err(error) => panic!("{what:?} did not appear ({error}):\n{}", self.text()),
            }
        }
    }

    fn press(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).unwrap();
        self.writer.flush().unwrap();
    }

    fn resize(&mut self, columns: u16, rows: u16) {
        self.screen
            .screen_mut()
            .set_size(cells(rows), cells(columns));
        let size = PtySize {
            rows,
            cols: columns,
            pixel_width: 0,
            pixel_height: 0,
        };
        self.master.resize(size).unwrap();
    }

    fn kill(&mut self, signal: &str) {
        let pid = self.child.process_id().unwrap().to_string();
        let sent = std::process::Command::new("kill")
            .args([signal, &pid])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Waits for the end, and looks whether the terminal is as before; gives what is on it.
    fn ends(mut self) -> String {
        self.until("the ordinary screen", |screen| {
            !screen.alternate_screen() && !screen.hide_cursor()
        });
        self.child.wait().unwrap();
        while let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(200)) {
            self.screen.process(&bytes);
        }
        let screen = self.screen.screen();
        assert!(!screen.bracketed_paste());
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        assert_eq!(format!("{:?}", self.master.get_termios()), self.before);
        self.text()
    }
}

#[test]
fn drawn_paused_resumed_resized_and_left() {
    let mut terminal = Terminal::start("plain", 80, 24);
    terminal.shows("RUNNING");
    terminal.shows("waiting on");
    assert!(terminal.screen.screen().alternate_screen());
    terminal.press(" ");
    terminal.shows("PAUSING (3 running)");
    terminal.resize(40, 10);
    terminal.until("one line of header", |screen| {
        let lines = screen.contents();
        lines
            .lines()
            .nth(1)
            .is_some_and(|line| line.contains("graph"))
    });
    terminal.resize(120, 36);
    terminal.shows("schedule");
    terminal.press(" ");
    terminal.shows("RUNNING");
    terminal.press("?");
    terminal.shows("keys");
    terminal.press("\u{1b}");
    terminal.until("the help to be gone", |screen| {
        !screen.contents().contains(" keys ")
    });
    terminal.press("q");
    terminal.shows("quit?");
    terminal.press("q");
    assert!(terminal.ends().contains("left by Quit"));
}

#[test]
fn a_signal_gives_the_terminal_back() {
    for (signal, number) in [("-TERM", 15), ("-HUP", 1), ("-INT", 2)] {
        let mut terminal = Terminal::start("plain", 80, 24);
        terminal.shows("RUNNING");
        terminal.kill(signal);
        let text = terminal.ends();
        assert!(
            text.contains(&format!("left by Signal({number})")),
            "{text}"
        );
    }
}

#[test]
fn a_panic_gives_the_terminal_back_and_is_told() {
    let mut terminal = Terminal::start("panic", 80, 24);
    terminal.shows("RUNNING");
    terminal.press(" ");
    let text = terminal.ends();
    assert!(text.contains("the key gave way"), "{text}");
}

#[test]
fn a_panic_in_another_thread_stays_off_the_screen_until_the_end() {
    let mut terminal = Terminal::start("panic-elsewhere", 80, 24);
    terminal.shows("RUNNING");
    terminal.press(" ");
    terminal.shows("PAUSING");
    assert!(terminal.screen.screen().alternate_screen());
    assert!(!terminal.text().contains("gave way"));
    terminal.press("qy");
    let text = terminal.ends();
    assert!(text.contains("a tool gave way"), "{text}");
    assert!(text.contains("left by Quit"), "{text}");
}

#[test]
fn suspended_and_continued() {
    // By the key, and by another process.
    let ways: [fn(&mut Terminal); 2] = [
        |terminal| terminal.press("\u{1a}"),
        |terminal| terminal.kill("-TSTP"),
    ];
    for suspend in ways {
        let mut terminal = Terminal::start("plain", 80, 24);
        terminal.shows("RUNNING");
        let raw = format!("{:?}", terminal.master.get_termios());
        suspend(&mut terminal);
        terminal.until("the ordinary screen", |screen| {
            !screen.alternate_screen() && !screen.hide_cursor()
        });
        let mode = || format!("{:?}", terminal.master.get_termios());
        let end = Instant::now() + HANG;
        while mode() != terminal.before {
            assert!(Instant::now() < end, "the mode is not given back");
            std::thread::sleep(Duration::from_millis(5));
        }
        terminal.kill("-CONT");
        terminal.until("the dashboard", vt100::Screen::alternate_screen);
        terminal.shows("RUNNING");
        assert_eq!(format!("{:?}", terminal.master.get_termios()), raw);
        terminal.press("qq");
        assert!(terminal.ends().contains("left by Quit"));
    }
}

/// SIGSTOP cannot be caught: what the shell did to the terminal in the meantime is undone.
#[test]
fn stopped_without_notice_and_continued_it_takes_the_terminal_over_again() {
    let mut terminal = Terminal::start("plain", 80, 24);
    terminal.shows("RUNNING");
    terminal.kill("-STOP");
    terminal.screen.process(b"\x1b[?1049l\x1b[2Jthe shell");
    terminal.kill("-CONT");
    terminal.until("the dashboard", vt100::Screen::alternate_screen);
    terminal.shows("RUNNING");
    terminal.press("qq");
    assert!(terminal.ends().contains("left by Quit"));
}
