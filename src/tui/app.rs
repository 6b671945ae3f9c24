//! The loop: input first, then the run, then time; a frame only after a change.

use super::colour::{self, ColourMode};
use super::limiter::FrameLimiter;
use super::message::{Effect, Message, Outcome};
use super::model::Model;
use super::signals::Signals;
use super::terminal::{self, Guard};
use super::theme_file::ThemeError;
use super::{Feed, update, view};
use crate::run::{RunEvent, RunState};
use crossterm::clipboard::CopyToClipboard;
use crossterm::event::{Event, EventStream};
use crossterm::terminal::{BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate};
use crossterm::{execute, queue};
use futures::StreamExt;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use std::io::{self, BufWriter, Stdout};
use std::time::{Duration, Instant};

/// Events that are taken in at once; between two batches input is looked at.
const BATCH: usize = 20_000;

/// How the dashboard looks and behaves.
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
}

/// Why the dashboard could not be shown.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The theme cannot be used.
    #[error(transparent)]
    Theme(#[from] ThemeError),
    /// The terminal failed.
    #[error("the terminal: {0}")]
    Terminal(#[from] io::Error),
}

/// What is left when the dashboard is.
#[derive(Debug)]
pub struct Left {
    /// Why it was left.
    pub outcome: Outcome,
    /// The run, as far as its events came.
    pub run: RunState,
}

/// Shows the run behind `feed` until it is left. The terminal is given back before this returns, whatever way
/// it returns. It stays open when the run has ended. Left while the run goes on, it has asked the run to stop
/// and waited for its end, unless it was told to leave at once or by a signal: the caller sees to the rest.
///
/// It is to be driven by the thread that calls `block_on`, not by a task: what that thread draws must not move
/// to another one, or a panic there would be taken for a tool's.
pub async fn run(feed: impl Feed, options: Options) -> Result<Left, Error> {
    let ascii = options.ascii.unwrap_or_else(colour::is_ascii_terminal);
    let theme = colour::choose(options.theme.as_deref(), options.colour.depth(), ascii)?;
    let mut signals = Signals::listen()?;
    let guard = Guard::take()?;
    let size = crossterm::terminal::size()?;
    let model = Model::new(options.title, theme, !options.reduced_motion, size);
    let mut dashboard = Dashboard {
        model: match options.replay {
            Some(speed) => model.replaying(speed),
            None => model,
        },
        feed,
        terminal: screen()?,
        guard: Some(guard),
        outcome: None,
    };
    let mut input = EventStream::new();
    let mut limiter = FrameLimiter::default();
    let mut behind = true;
    loop {
        terminal::draws_here();
        let now = Instant::now();
        let frame = limiter.next(now);
        dashboard.tell(Message::Tick(dashboard.feed.now()))?;
        if behind && now >= frame {
            behind = dashboard.take_events()?;
        }
        if let Some(outcome) = dashboard.outcome {
            return Ok(dashboard.leave(outcome));
        }
        let draws = dashboard.model.dirty && now >= frame;
        if draws {
            dashboard.draw()?;
            limiter.drawn(Instant::now());
        }
        let look = dashboard
            .model
            .wake_in()
            .map(|time| now + Duration::from(time));
        let frame = (behind || dashboard.model.dirty).then(|| limiter.next(now));
        let wake = [look, frame].into_iter().flatten().min();
        tokio::select! {
            biased;
            signal = signals.next() => dashboard.tell(Message::Signal(signal))?,
            // One at a time, always under this task's own waker: the stream keeps the waker of the first
            // look that found nothing, so a look under another one would leave this task asleep.
            event = input.next() => dashboard.hear(event.as_ref())?,
            () = dashboard.feed.changed(), if !behind => behind = true,
            () = sleep_until(wake), if wake.is_some() => {}
        }
    }
}

async fn sleep_until(wake: Option<Instant>) {
    if let Some(wake) = wake {
        tokio::time::sleep_until(wake.into()).await;
    }
}

type Screen = Terminal<CrosstermBackend<BufWriter<Stdout>>>;

/// A screen of which nothing is known, so that every cell is drawn.
fn screen() -> io::Result<Screen> {
    let out = BufWriter::with_capacity(1 << 16, io::stdout());
    Terminal::new(CrosstermBackend::new(out))
}

struct Dashboard<F> {
    model: Model,
    feed: F,
    terminal: Screen,
    guard: Option<Guard>,
    outcome: Option<Outcome>,
}

impl<F: Feed> Dashboard<F> {
    /// Takes in what came; whether there may be more.
    fn take_events(&mut self) -> io::Result<bool> {
        let mut events: Vec<RunEvent> = Vec::new();
        self.feed.take(&mut events, BATCH);
        let more = events.len() >= BATCH;
        self.tell(Message::Events(events))?;
        for answer in self.feed.answers() {
            self.tell(Message::Answer(answer))?;
        }
        Ok(more)
    }

    /// Takes in what the terminal says.
    fn hear(&mut self, event: Option<&io::Result<Event>>) -> io::Result<()> {
        let message = match event {
            Some(Ok(Event::Key(key))) => Message::Key(*key),
            Some(Ok(Event::Mouse(mouse))) => Message::Mouse(*mouse),
            Some(Ok(Event::Resize(columns, rows))) => Message::Resize(*columns, *rows),
            Some(Ok(_)) => return Ok(()),
            Some(Err(_)) | None => {
                self.outcome.get_or_insert(Outcome::TerminalLost);
                return Ok(());
            }
        };
        self.tell(message)
    }

    fn tell(&mut self, message: Message) -> io::Result<()> {
        for effect in update(&mut self.model, message) {
            self.carry_out(effect)?;
        }
        Ok(())
    }

    fn carry_out(&mut self, effect: Effect) -> io::Result<()> {
        match effect {
            Effect::Command(command) => {
                if !self.feed.command(command) {
                    self.tell(Message::Refused)?;
                }
            }
            Effect::Ask(inquiry) => self.feed.ask(inquiry),
            Effect::Copy(text) => {
                execute!(
                    self.terminal.backend_mut(),
                    CopyToClipboard::to_clipboard_from(text)
                )?;
            }
            Effect::Suspend => self.suspend()?,
            Effect::Redraw => self.forget_screen()?,
            Effect::Leave(outcome) => {
                self.outcome.get_or_insert(outcome);
            }
        }
        Ok(())
    }

    fn draw(&mut self) -> io::Result<()> {
        self.model.dirty = false;
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        let model = &mut self.model;
        self.terminal.draw(|frame| view(model, frame))?;
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)
    }

    /// Gives the terminal back and stops the process until it is continued.
    fn suspend(&mut self) -> io::Result<()> {
        drop(self.guard.take());
        signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP)?;
        self.guard = Some(Guard::take()?);
        self.forget_screen()
    }

    /// Clears the screen and draws every cell again. (`Terminal::clear` would ask the terminal where its cursor
    /// is, and wait for an answer that the input stream takes.)
    fn forget_screen(&mut self) -> io::Result<()> {
        execute!(self.terminal.backend_mut(), Clear(ClearType::All))?;
        self.terminal = screen()?;
        self.model.dirty = true;
        Ok(())
    }

    fn leave(self, outcome: Outcome) -> Left {
        drop(self.guard);
        Left {
            outcome,
            run: self.model.into_latest(),
        }
    }
}
