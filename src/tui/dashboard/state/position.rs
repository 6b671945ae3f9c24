//! Showing earlier events of a run, and playing a recorded one.
//!
//! The model's `run` is the state shown. While an earlier event is shown, the latest state is kept here and updated
//! as events arrive. In a replay all events are known from the start, and the event shown advances with the clock.

use super::model::{Focus, Model};
use super::player::{APART, Player};
use crate::plan::StepIx;
use crate::run::{FoldedRun, RunEvent, RunPhase, RunState};
use crate::tui::dashboard::panes::pane::Pane;
use crate::units::Micros;

/// Most rows for which figures are computed at every event shown.
const SMALL: usize = 5_000;
/// A run that took less cannot be followed with the eye.
const AT_ONCE: Micros = Micros(1_500_000);
/// How long it takes when it is played slowly.
const SLOWLY: Micros = Micros(8_000_000);
/// How long a larger run must stay at an event before its figures are computed.
const SETTLED: Micros = Micros(150_000);

impl Model {
    /// Makes this a replay at `speed`: events are played instead of being shown at once. A speed that is not a
    /// positive number shows the end at once.
    #[must_use]
    pub fn replaying(mut self, speed: f64) -> Self {
        self.time_travel.player = Some(Player::new(speed));
        self.time_travel.latest = Some(Box::default());
        self
    }

    /// Whether a recorded run is played.
    pub fn is_replay(&self) -> bool {
        self.time_travel.player.is_some()
    }

    /// Whether an earlier event is shown. Always true in a replay.
    pub fn is_past(&self) -> bool {
        self.time_travel.latest.is_some()
    }

    /// The latest state of the run, whatever event is shown.
    pub fn latest(&self) -> &RunState {
        self.time_travel.latest.as_deref().unwrap_or(&self.run)
    }

    /// The latest state of the run, to keep after the dashboard.
    pub(crate) fn into_latest(self) -> RunState {
        self.time_travel.latest.map_or(self.run, |latest| *latest)
    }

    /// How many events the state shown is folded from.
    pub fn position(&self) -> usize {
        if self.is_past() {
            self.time_travel.position
        } else {
            self.time_travel.history.len()
        }
    }

    /// Whether time advances by itself at the event shown.
    pub(crate) fn goes_on(&self) -> bool {
        match &self.time_travel.player {
            Some(player) => player.is_playing() && self.position() < self.time_travel.history.len(),
            None => !self.is_past(),
        }
    }

    /// Plays on, from the start where everything has been played, or stops playing.
    pub(crate) fn play_or_hold(&mut self) {
        let goes_on = self.goes_on();
        if self.position() == self.time_travel.history.len() {
            self.show_position(1);
        }
        if let Some(player) = &mut self.time_travel.player {
            if goes_on { player.hold() } else { player.go() }
        }
    }

    /// Takes in what happened; whether the shape of what is shown changed.
    pub(crate) fn take_in(&mut self, events: Vec<RunEvent>) -> bool {
        let mut reshaped = false;
        for event in events {
            if let Some(latest) = &mut self.time_travel.latest {
                latest.apply(&event);
                self.time_travel.history.push(event, latest);
            } else {
                self.run.apply(&event);
                reshaped |= self.run_index.after(&event, &self.run);
                self.time_travel.history.push(event, &self.run);
            }
        }
        reshaped
    }

    /// Puts the whole run in the place of what was shown of it, at its latest event.
    pub(crate) fn replace(&mut self, whole: FoldedRun) {
        self.time_travel.history = whole.history;
        self.time_travel.latest = None;
        let reshaped = self.put(whole.state);
        self.clock = self.clock.max(self.run.at);
        self.now = self.clock;
        self.shown_changed(reshaped);
    }

    /// Moves by `by` events.
    pub(crate) fn step_position(&mut self, by: isize) {
        let to = self.position().saturating_add_signed(by);
        if let Some(player) = &mut self.time_travel.player {
            player.hold();
        }
        self.show_position(to);
    }

    /// Makes what is played faster, or slower.
    pub(crate) fn change_speed(&mut self, faster: bool) {
        if let Some(player) = &mut self.time_travel.player {
            player.change_speed(faster);
        }
    }

    /// Goes to the next or previous end of a step; past the last, to the last event.
    pub(crate) fn step_end(&mut self, forward: bool) {
        let (history, at) = (&self.time_travel.history, self.position());
        let end = if forward {
            history.next_end(at).unwrap_or(history.len())
        } else {
            history.previous_end(at).unwrap_or(1)
        };
        self.show_position(end);
    }

    /// Goes back to now; in a replay, to its end.
    pub(crate) fn show_now(&mut self) {
        self.show_position(usize::MAX);
    }

    /// Shows the state after `to` events, at least one; after the last, the present again.
    pub(crate) fn show_position(&mut self, to: usize) {
        let goes_on = self.goes_on();
        self.go_to(to);
        let time = self.run.at;
        let place = self.place_of(self.position(), time);
        if let Some(player) = &mut self.time_travel.player {
            player.seek(place);
            // A replay that reached its end stands still: going back from there looks at one event.
            if !goes_on {
                player.hold();
            }
        }
    }

    fn go_to(&mut self, to: usize) {
        let (from, last) = (self.position(), self.time_travel.history.len());
        let to = to.clamp(1.min(last), last);
        if from == to {
            return;
        }
        let back_to_now = to == last && !self.is_replay();
        let reshaped = if back_to_now {
            let latest = self.time_travel.latest.take().unwrap_or_default();
            self.put(*latest)
        } else if self.is_past() && self.time_travel.history.is_near(from, to) {
            let mut reshaped = false;
            for event in &self.time_travel.history.events()[from..to] {
                self.run.apply(event);
                reshaped |= self.run_index.after(event, &self.run);
            }
            reshaped
        } else {
            let past = self.time_travel.history.state_at(to);
            if self.time_travel.latest.is_none() {
                self.time_travel.latest = Some(Box::new(self.run.clone()));
            }
            self.put(past)
        };
        self.time_travel.position = to;
        self.time_travel.moved = self.clock;
        self.now = if back_to_now {
            self.clock.max(self.run.at)
        } else {
            self.run.at
        };
        if self.run.steps.len() > SMALL && !back_to_now {
            // Figures of another event would be worse than none.
            self.figures = crate::run::Figures::default();
        }
        self.shown_changed(reshaped);
    }

    /// Puts another state in the place of the one shown; whether its shape is another.
    fn put(&mut self, state: RunState) -> bool {
        let before = std::mem::replace(&mut self.run, state);
        self.run_index.moved(&before, &self.run)
    }

    /// Brings everything that hangs on the state shown up to date with it.
    pub(crate) fn shown_changed(&mut self, reshaped: bool) {
        if reshaped {
            self.sync_panes();
            if self.selected.is_none() && !self.run.steps.is_empty() {
                self.selected = self.panes.graph.first().or(Some(StepIx(0)));
            }
        }
        self.keep_comparison();
        self.blocker = self.run_index.blocker(&self.run);
        self.follow_run();
        self.outdate_figures();
        self.keep_figures();
        self.dirty = true;
    }

    /// Tells the views which steps there are. They are given all there are by now, whatever event is shown: going
    /// back moves none.
    pub(crate) fn sync_panes(&mut self) {
        let latest = self.time_travel.latest.as_deref();
        let run = latest.unwrap_or(&self.run);
        self.names.keep(run);
        for pane in self.panes.each_mut() {
            pane.sync(run);
        }
    }

    /// Advances the clock, and with it the replay.
    pub(crate) fn tick(&mut self, clock: Micros) {
        let passed = clock - self.clock;
        self.clock = clock;
        let Some(player) = &mut self.time_travel.player else {
            if !self.is_past() {
                self.now = clock;
            }
            return;
        };
        let (history, last) = (&self.time_travel.history, self.time_travel.history.len());
        if self.time_travel.position == last || !player.is_playing() {
            return;
        }
        if player.is_even() {
            let place = player.play(passed, Micros(APART.0 * last as u64));
            self.go_to((place.0 / APART.0) as usize);
            self.now = self.run.at;
        } else {
            let place = player.play(passed, history.time_at(last));
            let to = history.position_at(place);
            self.go_to(to);
            self.now = place.max(self.run.at);
        }
        self.banner |= self.position() == last && self.run.has_ended();
    }

    /// Where on the line of the player a position is; `time` is when its event happened.
    fn place_of(&self, position: usize, time: Micros) -> Micros {
        match &self.time_travel.player {
            Some(player) if player.is_even() => Micros(APART.0 * position as u64),
            _ => time,
        }
    }

    /// Whether the run was over before the eye could follow it.
    pub(crate) fn was_over_at_once(&self) -> bool {
        let history = &self.time_travel.history;
        history.time_at(history.len()) < AT_ONCE
    }

    /// Whether this is a run of this dashboard that is played once more.
    pub(crate) fn replays_itself(&self) -> bool {
        let player = self.time_travel.player.as_ref();
        player.is_some_and(Player::is_even)
    }

    /// Plays the run that has ended once more, slowly enough to follow it.
    pub(crate) fn replay_slowly(&mut self) {
        let events = self.time_travel.history.len();
        self.show_position(1);
        self.time_travel.player = Some(Player::evenly(events, SLOWLY));
        self.follow = true;
        self.failure_shown = false;
        self.focus = Focus::Graph;
        self.dirty = true;
    }

    /// Goes back from playing the run once more to the run as it is.
    pub(crate) fn leave_replay(&mut self) {
        self.time_travel.player = None;
        // Where everything has been played there is no way to go, but back to the present.
        self.time_travel.position = 0;
        self.show_now();
    }

    /// The time until the next event of a playing replay; `None` if nothing plays.
    pub(crate) fn next_played(&self) -> Option<Micros> {
        let player = self
            .time_travel
            .player
            .as_ref()
            .filter(|_| self.goes_on())?;
        let next = self.position() + 1;
        let time = self.time_travel.history.time_at(next);
        Some(player.time_to(self.place_of(next, time)))
    }

    /// When to compute the figures of an earlier event, by the feed's clock.
    pub(crate) fn settles_at(&self) -> Micros {
        if self.run.steps.len() <= SMALL {
            Micros(0)
        } else {
            self.time_travel.moved + SETTLED
        }
    }

    /// Whether the run continues behind the event shown.
    pub(crate) fn goes_on_behind(&self) -> bool {
        let ended = matches!(self.latest().phase, RunPhase::Empty | RunPhase::Ended(_));
        self.is_past() && !self.is_replay() && !ended
    }
}
