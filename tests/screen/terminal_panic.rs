//! A panic while the dashboard is open: the terminal comes back first, then the message is said.

use crate::common::terminal::Terminal;
use futures::FutureExt;
use futures::future::BoxFuture;
use plandeck::run::{CommandError, RunCommand, RunEvent};
use plandeck::tui::{self, Feed, Options};
use plandeck::units::Micros;

/// A feed that breaks once the first frame has been drawn.
struct Broken {
    taken: u32,
}

impl Feed for Broken {
    fn take(&mut self, _into: &mut Vec<RunEvent>, _most: usize) {
        self.taken += 1;
        assert!(self.taken < 3, "forced on purpose");
    }

    fn changed(&mut self) -> BoxFuture<'_, ()> {
        std::future::ready(()).boxed()
    }

    fn command(&mut self, _command: RunCommand) -> Result<(), CommandError> {
        Err(CommandError::RunOver)
    }

    fn now(&self) -> Micros {
        Micros(0)
    }
}

/// Not a test by itself: what the test below starts in a terminal.
#[test]
#[ignore = "panics on purpose"]
fn a_dashboard_that_panics() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let _ = runtime.block_on(tui::run(Broken { taken: 0 }, Options::default()));
}

#[test]
fn a_panic_gives_the_terminal_back() {
    let folder = tempfile::tempdir().unwrap();
    let script = format!(
        "'{}' --exact terminal_panic::a_dashboard_that_panics --ignored --nocapture; echo status=$?; stty -a; echo back in the shell",
        std::env::current_exe().unwrap().display(),
    );
    let terminal = Terminal::start_program(
        folder.path(),
        "sh",
        &["-c", &script],
        120,
        60,
        &[("RUST_BACKTRACE", "0")],
    );
    let text = terminal.wait_for("back in the shell");
    assert!(!text.contains("status=0"), "{text}");
    for mode in ["icanon", "echo", "isig", "icrnl", "opost"] {
        assert!(
            text.contains(mode) && !text.contains(&format!("-{mode} ")),
            "{mode}:\n{text}"
        );
    }
    let screen = terminal.screen();
    assert!(!screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste());
    assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
    let bytes = terminal.bytes();
    let first = |what: &str| {
        bytes
            .windows(what.len())
            .position(|window| window == what.as_bytes())
    };
    let (entered, left, said) = (
        first("\u{1b}[?1049h"),
        first("\u{1b}[?1049l"),
        first("forced on purpose"),
    );
    assert!(
        entered.is_some() && entered < left && left < said,
        "{entered:?} {left:?} {said:?}"
    );
}
