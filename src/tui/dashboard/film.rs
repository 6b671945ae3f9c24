//! A recorded run played in a terminal that is not there: what the dashboard writes, frame by frame, by a clock of its
//! own. The same run gives the same bytes.

use super::message::Message;
use super::state::model::Model;
use super::update::update;
use super::view;
use crate::run::RunEvent;
use crate::tui::terminal::backend::SafeBackend;
use crate::tui::theme::Theme;
use crate::tui::theme::look::Look;
use crate::units::Micros;
use ratatui::backend::Backend;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::io;

/// The shortest time between two frames.
const SHORTEST: Micros = Micros(33_000);
/// About as many frames a film has at most: the longer it takes, the more seldom they come.
const FRAMES: u64 = 1_500;
/// No film has more.
const MOST: usize = 5_000;
/// How long the screen moves on before a pause is cut short: the figures have settled by then.
const SETTLED: Micros = Micros(300_000);

/// How a recorded run is filmed.
#[derive(Debug)]
pub(crate) struct Film {
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// What it is drawn with.
    pub theme: Theme,
    /// How many times as fast as it was, a positive number. Without one as it was; a run that the eye could not have
    /// followed is played in slow motion.
    pub speed: Option<f64>,
    /// The longest time on the clock of the film in which nothing happens that is drawn all the same. The screen stands
    /// still for the rest of a longer pause.
    pub longest_pause: Micros,
}

/// What was written at a time of the film.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FilmFrame {
    /// The time since the beginning of the film.
    pub at: Micros,
    /// What changes the screen, for a terminal that understands the sequences of `xterm`.
    pub text: String,
}

impl Film {
    /// The frames of this run; `title` is shown where its events do not say the plan's name.
    pub(crate) fn frames(&self, title: &str, events: Vec<RunEvent>) -> io::Result<Vec<FilmFrame>> {
        // What is written is for another terminal than this process has.
        crossterm::style::force_color_output(true);
        let shortest = self.shortest(&events);
        let mut model = Model::new(title, self.theme.clone(), true, self.size)
            .replaying(self.speed.unwrap_or(1.0));
        model.look = Look::of(self.theme.clone());
        model.panes.graph.arrange_at_once();
        update(&mut model, Message::Events(events));
        if self.speed.is_none() && model.was_over_at_once() {
            model.replay_slowly();
        }
        let mut screen = Unseen::new(self.size);
        let mut frames = Vec::new();
        let (mut clock, mut shown, mut moved) = (Micros(0), 0, Micros(0));
        while frames.len() < MOST {
            update(&mut model, Message::Tick(clock));
            if let Some(text) = screen.draw(&mut model)? {
                frames.push(FilmFrame { at: clock, text });
            }
            if model.position() != shown {
                (shown, moved) = (model.position(), clock);
            }
            let Some(wake) = model.wake_in() else { break };
            let has_settled = clock >= moved + SETTLED;
            let pause = model
                .next_played()
                .filter(|next| has_settled && *next > self.longest_pause);
            clock += pause.unwrap_or(wake).max(shortest);
        }
        Ok(frames)
    }

    /// The time between frames with which there are about as many as there may be.
    fn shortest(&self, events: &[RunEvent]) -> Micros {
        let speed = self.speed.unwrap_or(1.0);
        let distances = events.windows(2).map(|pair| pair[1].at - pair[0].at);
        let played = distances.map(|time| (time.0 as f64 / speed) as u64);
        let all: u64 = played
            .map(|time| time.min(self.longest_pause.0))
            .fold(0, u64::saturating_add);
        SHORTEST.max(Micros(all / FRAMES))
    }
}

/// A terminal of which only the differences between frames are kept.
struct Unseen {
    shown: Buffer,
    is_fresh: bool,
}

impl Unseen {
    fn new((width, height): (u16, u16)) -> Self {
        Self {
            shown: Buffer::empty(Rect::new(0, 0, width, height)),
            is_fresh: true,
        }
    }

    /// What the next frame writes; `None` where it changes nothing.
    fn draw(&mut self, model: &mut Model) -> io::Result<Option<String>> {
        let area = self.shown.area;
        let mut frame = Buffer::empty(area);
        model.dirty = false;
        view::draw(model, &mut frame, area);
        let changed = self.shown.diff(&frame);
        if changed.is_empty() && !self.is_fresh {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        let mut backend = SafeBackend::new(&mut bytes);
        if self.is_fresh {
            backend.hide_cursor()?;
            backend.clear()?;
        }
        backend.draw(changed.into_iter())?;
        self.is_fresh = false;
        self.shown = frame;
        String::from_utf8(bytes)
            .map(Some)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }
}
