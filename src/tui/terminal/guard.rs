//! The terminal, and the guard that gives it back: on return, on error, while unwinding and from the panic hook.

use super::surroundings::{NO_PROGRESS, Notify, RESTORE_TITLE, SAVE_TITLE, Surroundings};
use crossterm::cursor::{Hide, Show};
use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste,
    EnableFocusChange, EnableMouseCapture,
};
use crossterm::queue;
use crossterm::style::ResetColor;
use crossterm::terminal::{
    EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode,
};
use std::io::{self, Write};
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::thread::ThreadId;

/// Leaves the mouse to the terminal, from the next time on that the terminal is taken over.
pub(crate) fn leave_mouse(left: bool) {
    NO_MOUSE.store(left, Ordering::SeqCst);
}

/// Says what is to be given back besides the screen, from the next time on that the terminal is taken over.
pub(crate) fn keep_surroundings(wanted: Surroundings) {
    TITLE.store(wanted.title, Ordering::SeqCst);
    PROGRESS.store(wanted.progress, Ordering::SeqCst);
    FOCUS.store(wanted.notify != Notify::Off, Ordering::SeqCst);
}

/// Takes in what the mouse does, unless it is left to the terminal, or no longer.
pub(super) fn take_mouse(out: &mut impl Write, taken: bool) -> io::Result<()> {
    if taken && !NO_MOUSE.load(Ordering::SeqCst) {
        queue!(out, EnableMouseCapture)?;
    } else {
        queue!(out, DisableMouseCapture)?;
    }
    out.flush()
}

/// Whether the terminal is ours now. Whoever takes it back to `false` gives the terminal back.
static HELD: AtomicBool = AtomicBool::new(false);
/// The thread that draws.
static DRAWS: Mutex<Option<ThreadId>> = Mutex::new(None);
/// Panics of other threads (a tool's, for instance) that were not to be printed across the screen.
static LATER: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// Panics of other threads that are kept.
const KEPT: usize = 20;
/// Whether the mouse is left to the terminal.
static NO_MOUSE: AtomicBool = AtomicBool::new(false);
/// Whether the title is changed, the task bar shows progress, and the terminal says whether it has the focus.
static TITLE: AtomicBool = AtomicBool::new(false);
static PROGRESS: AtomicBool = AtomicBool::new(false);
static FOCUS: AtomicBool = AtomicBool::new(false);
/// CAN, which ends an unfinished escape sequence.
const CANCEL: u8 = 0x18;

/// Holds the terminal in raw mode on the alternate screen; dropping it gives the terminal back.
pub(super) struct Guard(());

impl Guard {
    /// Takes the terminal over.
    pub(super) fn take() -> io::Result<Self> {
        install_hook();
        enable_raw_mode()?;
        HELD.store(true, Ordering::SeqCst);
        let guard = Self(());
        enter()?;
        Ok(guard)
    }

    /// Takes over again what the guard already holds: while the process was stopped, a shell may have changed the
    /// terminal.
    pub(super) fn renew(self) -> io::Result<Self> {
        // Raw mode that is thought to be on would not be set again.
        disable_raw_mode()?;
        enable_raw_mode()?;
        enter()?;
        Ok(self)
    }
}

/// Whether the terminal is ours now.
pub(super) fn is_held() -> bool {
    HELD.load(Ordering::SeqCst)
}

fn enter() -> io::Result<()> {
    let mut out = io::stdout();
    take_over(&mut out)?;
    out.flush()
}

impl Drop for Guard {
    fn drop(&mut self) {
        release();
    }
}

/// Says that the calling thread is the one that draws: its panics end the dashboard.
pub(super) fn draws_here() {
    let here = std::thread::current().id();
    *DRAWS.lock().unwrap_or_else(PoisonError::into_inner) = Some(here);
}

/// Gives the terminal back, once. Errors cannot be reported anywhere by now.
fn release() {
    if !HELD.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    let _ = give_back(&mut out);
    let _ = out.flush();
    let _ = disable_raw_mode();
    let later = std::mem::take(&mut *LATER.lock().unwrap_or_else(PoisonError::into_inner));
    for message in later {
        let _ = writeln!(io::stderr(), "{message}");
    }
}

fn take_over(out: &mut impl Write) -> io::Result<()> {
    if TITLE.load(Ordering::SeqCst) {
        out.write_all(SAVE_TITLE)?;
    }
    queue!(out, EnterAlternateScreen, Hide, EnableBracketedPaste)?;
    if FOCUS.load(Ordering::SeqCst) {
        queue!(out, EnableFocusChange)?;
    }
    take_mouse(out, true)
}

fn give_back(out: &mut impl Write) -> io::Result<()> {
    // A frame that broke off may have left an escape sequence open, which would swallow what follows.
    out.write_all(&[CANCEL])?;
    queue!(
        out,
        EndSynchronizedUpdate,
        DisableBracketedPaste,
        DisableMouseCapture,
        ResetColor,
        LeaveAlternateScreen,
        Show
    )?;
    if FOCUS.load(Ordering::SeqCst) {
        queue!(out, DisableFocusChange)?;
    }
    if PROGRESS.load(Ordering::SeqCst) {
        out.write_all(NO_PROGRESS)?;
    }
    if TITLE.load(Ordering::SeqCst) {
        out.write_all(RESTORE_TITLE)?;
    }
    Ok(())
}

fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| on_panic(info, &before)));
    });
}

fn on_panic(info: &PanicHookInfo<'_>, before: &(dyn Fn(&PanicHookInfo<'_>) + Sync + Send)) {
    if is_held() {
        let here = Some(std::thread::current().id());
        let draws = *DRAWS.lock().unwrap_or_else(PoisonError::into_inner);
        if draws != here {
            let mut later = LATER.lock().unwrap_or_else(PoisonError::into_inner);
            if later.len() < KEPT {
                later.push(info.to_string());
            }
            return;
        }
        release();
    }
    before(info);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_over_is_given_back() {
        let mut terminal = {
            let cells = |count| std::num::NonZero::new(count).unwrap();
            vt100::Parser::new(cells(5), cells(20), 0)
        };
        let mut bytes = Vec::new();
        bytes.extend(b"before");
        take_over(&mut bytes).unwrap();
        bytes.extend(b"\x1b[31mdashboard");
        terminal.process(&bytes);
        assert!(terminal.screen().alternate_screen());
        assert!(terminal.screen().hide_cursor());
        assert!(terminal.screen().bracketed_paste());
        // The panic of a frame that was half written: an operating system command that never ends.
        terminal.process(b"\x1b[?2026h\x1b]52;c;aGFsZi");
        bytes.clear();
        give_back(&mut bytes).unwrap();
        assert!(bytes.starts_with(&[CANCEL]));
        assert!(bytes.windows(8).any(|part| part == b"\x1b[?2026l"));
        terminal.process(&bytes);
        let screen = terminal.screen();
        assert!(!screen.alternate_screen());
        assert!(!screen.hide_cursor());
        assert!(!screen.bracketed_paste());
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        assert_eq!(screen.fgcolor(), vt100::Color::Default);
        assert_eq!(screen.contents(), "before");
    }
}
