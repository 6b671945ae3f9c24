//! The loop that every screen shares: input first, then what comes from behind, then time; a frame only after
//! a change.

use super::frame_limiter::FrameLimiter;
use super::guard::{self, Guard};
use super::signals::Signals;
use crate::tui::dashboard::message::Outcome;
use crate::tui::theme::Theme;
use crate::tui::theme::color::{self, ColourMode};
use crate::tui::theme::file::ThemeError;
use crossterm::clipboard::CopyToClipboard;
use crossterm::event::{Event, EventStream, KeyEvent, MouseEvent};
use crossterm::terminal::{BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate};
use crossterm::{execute, queue};
use futures::StreamExt;
use futures::future::BoxFuture;
use ratatui::backend::CrosstermBackend;
use ratatui::{Frame, Terminal};
use std::io::{self, BufWriter, Stdout};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How a screen looks and behaves.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The plan's name, shown until the run says its own.
    pub title: String,
    /// The theme by name; after the terminal's ground where none is given.
    pub theme: Option<String>,
    /// Whether colours are wanted.
    pub colour: ColourMode,
    /// Whether only ASCII is drawn; after the locale where nothing is said.
    pub ascii: Option<bool>,
    /// Whether shapes stand still and times move seldom.
    pub reduced_motion: bool,
    /// Where a recorded run is to be played: how many times as fast as it was.
    pub replay: Option<f64>,
    /// Whether the run waits for a person to say what became of steps that nobody knows the end of.
    pub asks: bool,
    /// Whether the run is on record, so that another one can be forked from it.
    pub forkable: bool,
}

impl Options {
    /// The theme to draw with on this terminal.
    pub(crate) fn theme(&self) -> Result<Theme, ThemeError> {
        let ascii = self.ascii.unwrap_or_else(color::is_ascii_terminal);
        color::choose(self.theme.as_deref(), self.colour.depth(), ascii)
    }
}

/// Why nothing could be shown.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The theme cannot be used.
    #[error(transparent)]
    Theme(#[from] ThemeError),
    /// The terminal failed.
    #[error("the terminal: {0}")]
    Terminal(#[from] io::Error),
}

/// What the terminal or the system says.
#[derive(Debug)]
pub(crate) enum Heard {
    Key(KeyEvent),
    Mouse(MouseEvent),
    Paste(String),
    /// The terminal has another size now: columns, rows.
    Resize(u16, u16),
    /// The process was asked to end.
    Signal(i32),
}

/// What a scene asks of the terminal.
#[derive(Debug)]
pub(crate) enum Wish {
    /// Put this text on the clipboard of the terminal.
    Copy(String),
    /// Give the terminal back and stop, as any program does on ctrl-z.
    Suspend,
    /// Draw every cell again, whatever the terminal is thought to show.
    Redraw,
    /// Leave.
    Leave(Outcome),
}

/// A screen: a state that is told what happens, and is drawn.
pub(crate) trait Scene {
    /// Takes note of the time; comes before anything that depends on it.
    fn tick(&mut self) -> Vec<Wish>;
    /// Takes in what the terminal or the system said.
    fn hear(&mut self, heard: Heard) -> Vec<Wish>;
    /// Takes in what came from behind, and says whether there may be more at once.
    fn take(&mut self) -> (Vec<Wish>, bool);
    /// Ends when there may be something to take.
    fn changed(&mut self) -> BoxFuture<'_, ()>;
    /// Whether the screen is behind.
    fn is_dirty(&self) -> bool;
    /// Says that the screen is behind.
    fn set_dirty(&mut self);
    /// In how long the screen is to be looked at again without anything happening.
    fn wake_in(&self) -> Option<Duration>;
    /// Draws a frame; the screen is not behind any more.
    fn draw(&mut self, frame: &mut Frame<'_>);
    /// Whether another screen is likely to follow once this one was left.
    fn leads_on(&self) -> bool {
        false
    }
}

/// The input, from one screen to the next. A stream that is dropped wakes whoever polls the terminal; a key
/// that comes with this waking, before the next stream has looked for the first time, would not be noticed
/// until another one is pressed.
static INPUT: Mutex<Option<EventStream>> = Mutex::new(None);

type Screen = Terminal<CrosstermBackend<BufWriter<Stdout>>>;

/// A screen of which nothing is known, so that every cell is drawn.
fn screen() -> io::Result<Screen> {
    let out = BufWriter::with_capacity(1 << 16, io::stdout());
    Terminal::new(CrosstermBackend::new(out))
}

/// The terminal, taken over; dropping it gives the terminal back.
pub(crate) struct Stage {
    terminal: Screen,
    guard: Option<Guard>,
    signals: Signals,
    outcome: Option<Outcome>,
    /// Columns and rows.
    pub size: (u16, u16),
}

impl Stage {
    /// Takes the terminal over, and listens to signals.
    pub fn take() -> io::Result<Self> {
        let signals = Signals::listen()?;
        let guard = Some(Guard::take()?);
        let size = crossterm::terminal::size()?;
        Ok(Self {
            terminal: screen()?,
            guard,
            signals,
            outcome: None,
            size,
        })
    }

    /// Shows a scene until it is left.
    ///
    /// It is to be driven by the thread that calls `block_on`, not by a task: what that thread draws must not
    /// move to another one, or a panic there would be taken for a tool's.
    pub async fn play(mut self, scene: &mut impl Scene) -> io::Result<Outcome> {
        let kept = INPUT.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut input = kept.unwrap_or_default();
        let mut limiter = FrameLimiter::default();
        let mut behind = true;
        loop {
            guard::draws_here();
            let now = Instant::now();
            let frame = limiter.next(now);
            let wishes = scene.tick();
            self.grant(scene, wishes)?;
            if behind && now >= frame {
                let (wishes, more) = scene.take();
                self.grant(scene, wishes)?;
                behind = more;
            }
            if let Some(outcome) = self.outcome {
                if scene.leads_on() {
                    *INPUT.lock().unwrap_or_else(PoisonError::into_inner) = Some(input);
                }
                return Ok(outcome);
            }
            if scene.is_dirty() && now >= frame {
                self.draw(scene)?;
                limiter.drawn(Instant::now());
            }
            let look = scene.wake_in().map(|time| now + time);
            let frame = (behind || scene.is_dirty()).then(|| limiter.next(now));
            let wake = [look, frame].into_iter().flatten().min();
            let heard = tokio::select! {
                biased;
                signal = self.signals.next() => Some(Heard::Signal(signal)),
                // One at a time, always under this task's own waker: the stream keeps the waker of the first
                // look that found nothing, so a look under another one would leave this task asleep.
                event = input.next() => self.heard(event),
                () = scene.changed(), if !behind => {
                    behind = true;
                    None
                }
                () = sleep_until(wake), if wake.is_some() => None,
            };
            if let Some(heard) = heard {
                let wishes = scene.hear(heard);
                self.grant(scene, wishes)?;
            }
        }
    }

    /// What an event of the terminal says to a scene.
    fn heard(&mut self, event: Option<io::Result<Event>>) -> Option<Heard> {
        Some(match event {
            Some(Ok(Event::Key(key))) => Heard::Key(key),
            Some(Ok(Event::Mouse(mouse))) => Heard::Mouse(mouse),
            Some(Ok(Event::Paste(text))) => Heard::Paste(text),
            Some(Ok(Event::Resize(columns, rows))) => Heard::Resize(columns, rows),
            Some(Ok(_)) => return None,
            Some(Err(_)) | None => {
                self.outcome.get_or_insert(Outcome::TerminalLost);
                return None;
            }
        })
    }

    fn grant(&mut self, scene: &mut impl Scene, wishes: Vec<Wish>) -> io::Result<()> {
        for wish in wishes {
            match wish {
                Wish::Copy(text) => execute!(
                    self.terminal.backend_mut(),
                    CopyToClipboard::to_clipboard_from(text)
                )?,
                Wish::Suspend => {
                    // Given back until the process is continued.
                    drop(self.guard.take());
                    signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP)?;
                    self.guard = Some(Guard::take()?);
                    self.forget_screen(scene)?;
                }
                Wish::Redraw => self.forget_screen(scene)?,
                Wish::Leave(outcome) => {
                    self.outcome.get_or_insert(outcome);
                }
            }
        }
        Ok(())
    }

    fn draw(&mut self, scene: &mut impl Scene) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(|frame| scene.draw(frame))?;
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)
    }

    /// Clears the screen and draws every cell again. (`Terminal::clear` would ask the terminal where its cursor
    /// is, and wait for an answer that the input stream takes.)
    fn forget_screen(&mut self, scene: &mut impl Scene) -> io::Result<()> {
        execute!(self.terminal.backend_mut(), Clear(ClearType::All))?;
        self.terminal = screen()?;
        scene.set_dirty();
        Ok(())
    }
}

async fn sleep_until(wake: Option<Instant>) {
    if let Some(wake) = wake {
        tokio::time::sleep_until(wake.into()).await;
    }
}
