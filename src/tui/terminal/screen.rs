//! The loop that every screen shares: input first, then what comes from behind, then time; a frame only after
//! a change.

use super::backend::{HeldOutput, SafeBackend};
use super::background::{Filtered, QUESTION};
use super::clipboard::{self, Copied};
use super::frame_limiter::FrameLimiter;
use super::guard::{self, Guard};
use super::input::Input;
use super::options::Options;
use super::outside::{self, Ended};
pub use super::outside::{OutsideEnd, OutsideFile, OutsideProgram};
use super::signals::{Asked, ScreenSignals};
use super::surroundings::{Surroundings, TerminalStatus, WrittenStatus};
use crate::plan::StepIx;
use crate::tui::theme::chooser::ThemeRequest;
use crate::tui::theme::file::ThemeFile;
use crate::tui::theme::look::{Look, ThemeSource, keep_background, keep_theme};
use crossterm::clipboard::CopyToClipboard;
use crossterm::event::{Event, KeyEvent, MouseEvent};
use crossterm::terminal::{BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate};
use crossterm::{execute, queue};
use futures::future::BoxFuture;
use ratatui::{Frame, Terminal};
use std::io::{self, BufWriter, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// An event of the terminal or the system.
#[derive(Debug)]
pub enum TerminalEvent {
    /// A key was pressed.
    Key(KeyEvent),
    /// The mouse did something.
    Mouse(MouseEvent),
    /// Text was pasted.
    Paste(String),
    /// The terminal has another size now: columns, rows.
    Resize(u16, u16),
    /// A signal asked the process to end: its number.
    Signal(i32),
    /// Something that was asked for is done, or was not possible: what to tell the user.
    Told(String),
    /// A program that had the terminal has ended.
    Outside(OutsideEnd),
    /// The terminal has said whether its background is light.
    Background(bool),
    /// The themes that there are.
    Themes(Vec<ThemeFile>),
}

/// What a screen asks of the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TerminalEffect {
    /// Put this text on the clipboard, by the first way that works.
    Copy(String),
    /// Write this text into a new file of the current folder: its name, and the text.
    Save(String, String),
    /// Give the terminal to a program until it ends.
    Open(OutsideProgram, OutsideFile),
    /// Take in what the mouse does, or leave it to the terminal, which selects text with it.
    Mouse(bool),
    /// Read the themes that there are.
    ReadThemes(ThemeSource),
    /// Use this theme on later screens too; without a name the one that fits the background.
    KeepTheme(Option<String>),
    /// Tell the user, who looks elsewhere; what is not the last of it is told only once.
    Notify {
        /// What has happened.
        words: String,
        /// Whether it is the last.
        last: bool,
    },
    /// Give the terminal back and stop, as any program does on ctrl-z.
    Suspend,
    /// Draw every cell again, whatever the terminal is thought to show.
    Redraw,
    /// Leave.
    Leave(Outcome),
}

impl From<ThemeRequest> for TerminalEffect {
    fn from(request: ThemeRequest) -> Self {
        match request {
            ThemeRequest::Read(source) => Self::ReadThemes(source),
            ThemeRequest::Keep(name) => Self::KeepTheme(name),
        }
    }
}

/// How long the first frame waits for something to show.
const FIRST_WITHIN: Duration = Duration::from_millis(30);

/// Why a screen was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The user left it.
    Quit,
    /// The user wants a run of its own that runs again from this row.
    Fork(StepIx),
    /// The user wants a run of its own that runs what changed in the plan.
    RunChanged,
    /// The user wants a run of its own that has the plan whose structure they have edited.
    Restructured,
    /// The run has handed over to another one, which has an edited plan.
    HandedOver,
    /// A signal asked the process to end: its number.
    Signal(i32),
    /// The terminal went away.
    TerminalLost,
}

/// A screen: a state that takes in messages, and is drawn.
pub(crate) trait Screen {
    /// What it takes in.
    type Message: From<TerminalEvent>;

    /// Takes in a message; gives what it asks of the terminal.
    fn update(&mut self, message: Self::Message) -> Vec<TerminalEffect>;
    /// The message that says what time it is; it comes before anything that depends on it. `None` where time
    /// changes nothing.
    fn tick(&mut self) -> Option<Self::Message>;
    /// What came from behind, and whether there may be more at once.
    fn take(&mut self) -> (Vec<Self::Message>, bool);
    /// Ends when there may be something to take.
    fn changed(&mut self) -> BoxFuture<'_, ()>;
    /// Whether the screen is behind.
    fn is_dirty(&self) -> bool;
    /// Says that the screen is behind.
    fn set_dirty(&mut self);
    /// In how long the screen is to be looked at again without anything happening.
    fn wake_in(&self) -> Option<Duration>;
    /// Whether there is nothing to show yet, and there will be soon.
    fn is_empty(&self) -> bool {
        false
    }

    /// Draws a frame; the screen is not behind any more.
    fn draw(&mut self, frame: &mut Frame<'_>);
    /// How it stands, for the title of the window and the task bar.
    fn status(&self) -> TerminalStatus;
    /// Whether another screen is likely to follow once this one was left.
    fn leads_on(&self) -> bool {
        false
    }
}

/// A text that was to be copied, and how that ended.
type CopyEnd = (String, Copied);

type Canvas = Terminal<SafeBackend<BufWriter<HeldOutput>>>;

/// A screen of which nothing is known, so that every cell is drawn.
fn canvas() -> io::Result<Canvas> {
    let out = BufWriter::with_capacity(1 << 16, HeldOutput::stdout());
    Terminal::new(SafeBackend::new(out))
}

/// The terminal, taken over; dropping it gives the terminal back.
pub(crate) struct TerminalSession {
    terminal: Canvas,
    guard: Option<Guard>,
    signals: ScreenSignals,
    outcome: Option<Outcome>,
    /// A program that is to get the terminal.
    outside: Option<(OutsideProgram, OutsideFile)>,
    copied: (
        mpsc::UnboundedSender<CopyEnd>,
        mpsc::UnboundedReceiver<CopyEnd>,
    ),
    surroundings: Surroundings,
    written_status: WrittenStatus,
    /// Whether the theme goes by the terminal's background.
    asks_background: bool,
    /// Whether the user looks here, and was told something while looking elsewhere.
    focused: bool,
    was_told: bool,
    /// Columns and rows.
    pub size: (u16, u16),
}

/// Whether the terminal was asked for its background; once is enough.
static ASKED: AtomicBool = AtomicBool::new(false);

impl TerminalSession {
    /// Takes the terminal over, and listens to signals; `look` says what it is drawn with.
    pub(crate) fn take(options: &Options, look: &Look) -> io::Result<Self> {
        let surroundings = options.surroundings.on_this_terminal();
        guard::leave_mouse(options.no_mouse);
        guard::keep_surroundings(surroundings);
        let signals = ScreenSignals::listen()?;
        let guard = Some(Guard::take()?);
        let size = crossterm::terminal::size()?;
        Ok(Self {
            terminal: canvas()?,
            guard,
            signals,
            outcome: None,
            outside: None,
            copied: mpsc::unbounded_channel(),
            surroundings,
            written_status: WrittenStatus::default(),
            asks_background: look.asks_background(),
            focused: true,
            was_told: false,
            size,
        })
    }

    /// Shows a screen until it is left.
    ///
    /// Drive it on the thread that calls `block_on`, not in a task: a task may move to another thread, where a
    /// panic would be taken for a tool's.
    pub(crate) async fn show(mut self, screen: &mut impl Screen) -> io::Result<Outcome> {
        match Box::pin(self.serve(screen)).await {
            Err(error) if is_gone(&error) => Ok(Outcome::TerminalLost),
            served => served,
        }
    }

    async fn serve(&mut self, screen: &mut impl Screen) -> io::Result<Outcome> {
        let mut input = Input::take()?;
        let mut limiter = FrameLimiter::default();
        let mut behind = true;
        let first_by = Instant::now() + FIRST_WITHIN;
        loop {
            guard::draws_here();
            let now = Instant::now();
            let frame = limiter.next(now);
            if let Some(message) = screen.tick() {
                self.emit(screen, message)?;
            }
            if behind && now >= frame {
                let (messages, more) = screen.take();
                for message in messages {
                    self.emit(screen, message)?;
                }
                behind = more;
            }
            if let Some(outcome) = self.outcome {
                if screen.leads_on() {
                    input.keep();
                } else {
                    input.drain().await;
                }
                return Ok(outcome);
            }
            if let Some((program, file)) = self.outside.take() {
                // What is typed is the program's.
                drop(input);
                let event = Box::pin(self.open(screen, program, &file)).await?;
                input = Input::take()?;
                self.emit(screen, event.into())?;
                continue;
            }
            // A frame of nothing would only keep the one with something waiting.
            let waits = screen.is_empty() && now < first_by;
            if screen.is_dirty() && now >= frame && !waits {
                self.draw(screen)?;
                limiter.drawn(Instant::now());
                self.ask_background(&mut input)?;
            }
            let look = screen.wake_in().map(|time| now + time);
            let frame = (behind || screen.is_dirty()).then(|| limiter.next(now));
            let frame = frame.map(|frame| if waits { first_by.max(frame) } else { frame });
            let wake = [look, frame].into_iter().flatten().min();
            let event = tokio::select! {
                biased;
                asked = self.signals.next() => self.asked(screen, asked)?,
                event = input.next() => self.event_of(event),
                Some((text, end)) = self.copied.1.recv() => Some(self.copied(text, end)?),
                () = screen.changed(), if !behind => {
                    behind = true;
                    None
                }
                () = sleep_until(wake), if wake.is_some() => None,
            };
            if let Some(event) = event {
                self.emit(screen, event.into())?;
            }
        }
    }

    /// Does what a signal asks for; the message where it asks for the end.
    fn asked(
        &mut self,
        screen: &mut impl Screen,
        asked: Asked,
    ) -> io::Result<Option<TerminalEvent>> {
        match asked {
            Asked::End(signal) => return Ok(Some(TerminalEvent::Signal(signal))),
            Asked::Suspend => self.suspend(screen)?,
            Asked::Continued => {
                self.guard = self.guard.take().map(Guard::renew).transpose()?;
                self.forget_screen(screen)?;
            }
        }
        Ok(None)
    }

    /// Gives the terminal back, stops until the process is continued, and takes the terminal over again.
    fn suspend(&mut self, screen: &mut impl Screen) -> io::Result<()> {
        drop(self.guard.take());
        signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP)?;
        self.guard = Some(Guard::take()?);
        self.forget_screen(screen)
    }

    /// Gives the terminal to a program until it ends, and takes it over again.
    async fn open(
        &mut self,
        screen: &mut impl Screen,
        program: OutsideProgram,
        file: &OutsideFile,
    ) -> io::Result<TerminalEvent> {
        drop(self.guard.take());
        let ended = Box::pin(outside::run(program, file, &mut self.signals)).await;
        self.guard = Some(Guard::take()?);
        self.size = crossterm::terminal::size()?;
        self.forget_screen(screen)?;
        Ok(match ended {
            Ended::Program(end) => TerminalEvent::Outside(end),
            Ended::Signal(signal) => TerminalEvent::Signal(signal),
        })
    }

    /// What is said about a text that was copied; the terminal is asked where nothing else took it.
    fn copied(&mut self, text: String, end: Copied) -> io::Result<TerminalEvent> {
        Ok(TerminalEvent::Told(match end {
            Copied::Done(words) => words,
            Copied::AskTerminal(but) => {
                let words = clipboard::asked_terminal(&text, &but);
                let command = CopyToClipboard::to_clipboard_from(text);
                execute!(self.terminal.backend_mut(), command)?;
                words
            }
        }))
    }

    /// The message that an event of the terminal becomes.
    fn event_of(&mut self, event: Option<io::Result<Filtered>>) -> Option<TerminalEvent> {
        Some(match event {
            Some(Ok(Filtered::Light(light))) => {
                keep_background(light);
                TerminalEvent::Background(light)
            }
            Some(Ok(Filtered::Event(event))) => match event {
                Event::Key(key) => TerminalEvent::Key(key),
                Event::Mouse(mouse) => TerminalEvent::Mouse(mouse),
                Event::Paste(text) => TerminalEvent::Paste(text),
                Event::Resize(columns, rows) => TerminalEvent::Resize(columns, rows),
                Event::FocusGained => {
                    (self.focused, self.was_told) = (true, false);
                    return None;
                }
                Event::FocusLost => {
                    self.focused = false;
                    return None;
                }
            },
            Some(Err(_)) | None => {
                self.outcome.get_or_insert(Outcome::TerminalLost);
                return None;
            }
        })
    }

    /// Asks the terminal for its background, once, after a frame was drawn without it.
    fn ask_background(&mut self, input: &mut Input) -> io::Result<()> {
        if !self.asks_background || ASKED.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        let out = self.terminal.backend_mut();
        out.write_all(QUESTION)?;
        Write::flush(out)?;
        input.asked();
        Ok(())
    }

    /// Tells the user what has happened, where the terminal does not have the focus.
    fn notify(&mut self, words: &str, last: bool) -> io::Result<()> {
        if self.focused || self.was_told && !last {
            return Ok(());
        }
        self.was_told = true;
        let bytes = self.surroundings.notice(words);
        let out = self.terminal.backend_mut();
        out.write_all(&bytes)?;
        Write::flush(out)
    }

    /// Hands a message to the screen, and does what the screen asks for.
    fn emit<S: Screen>(&mut self, screen: &mut S, message: S::Message) -> io::Result<()> {
        let mut answers = Vec::new();
        for effect in screen.update(message) {
            match effect {
                TerminalEffect::Copy(text) => {
                    let sender = self.copied.0.clone();
                    tokio::spawn(async move {
                        let end = clipboard::copy(&text).await;
                        let _ = sender.send((text, end));
                    });
                }
                TerminalEffect::Save(name, text) => {
                    answers.push(TerminalEvent::Told(outside::save(&name, &text)));
                }
                TerminalEffect::Open(program, file) => self.outside = Some((program, file)),
                TerminalEffect::Mouse(taken) => {
                    guard::take_mouse(self.terminal.backend_mut(), taken)?;
                }
                TerminalEffect::ReadThemes(source) => {
                    answers.push(TerminalEvent::Themes(source.themes()));
                }
                TerminalEffect::KeepTheme(name) => keep_theme(name),
                TerminalEffect::Notify { words, last } => self.notify(&words, last)?,
                TerminalEffect::Suspend => self.suspend(screen)?,
                TerminalEffect::Redraw => self.forget_screen(screen)?,
                TerminalEffect::Leave(outcome) => {
                    self.outcome.get_or_insert(outcome);
                }
            }
        }
        for answer in answers {
            self.emit(screen, answer.into())?;
        }
        Ok(())
    }

    fn draw(&mut self, screen: &mut impl Screen) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(|frame| screen.draw(frame))?;
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)?;
        let status = screen.status();
        let out = self.terminal.backend_mut();
        self.written_status.write(status, self.surroundings, out)
    }

    /// Clears the screen and draws every cell again. (`Terminal::clear` would ask the terminal where its cursor
    /// is, and wait for an answer that the input stream takes.)
    fn forget_screen(&mut self, screen: &mut impl Screen) -> io::Result<()> {
        execute!(self.terminal.backend_mut(), Clear(ClearType::All))?;
        self.terminal = canvas()?;
        self.written_status.forget();
        screen.set_dirty();
        Ok(())
    }
}

/// Whether a failure of the terminal says that it is there no more: its window was closed, or its connection broke.
fn is_gone(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let number = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(
        number,
        Some(Errno::IO | Errno::NXIO | Errno::BADF | Errno::PIPE | Errno::NODEV | Errno::NOTTY)
    )
}

async fn sleep_until(wake: Option<Instant>) {
    if let Some(wake) = wake {
        tokio::time::sleep_until(wake.into()).await;
    }
}
