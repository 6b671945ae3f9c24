//! The run's own clock and its deadline: both stop while a pause or the user holds everything.

use crate::units::Micros;

/// Wall-clock time less held time. The same rule as in the fold, kept here because the deadline needs it.
#[derive(Debug, Default)]
pub(super) struct RunClock {
    held: Micros,
    held_since: Option<Micros>,
    /// The run's `timeout_seconds`.
    timeout: Option<Micros>,
    /// What the clock showed when the present allowance of time began.
    allowance_from: Micros,
    /// The deadline's timer fired while the clock stood still or nothing was to be stopped.
    deadline_missed: bool,
}

impl RunClock {
    /// A clock for a run that may take so many seconds.
    pub(super) fn new(timeout_seconds: Option<f64>) -> Self {
        Self {
            timeout: timeout_seconds.map(micros),
            ..Self::default()
        }
    }

    /// Goes on at `now` in a run that was recorded until then: that time is over and counts no more.
    pub(super) fn go_on(&mut self, now: Micros) {
        self.held = now;
    }

    /// Takes note of whether everything is held from `now` on.
    pub(super) fn hold(&mut self, now: Micros, holds: bool) {
        match (holds, self.held_since) {
            (true, None) => self.held_since = Some(now),
            (false, Some(since)) => {
                self.held += now - since;
                self.held_since = None;
            }
            _ => {}
        }
    }

    /// What it shows at `now`.
    pub(super) fn wall(&self, now: Micros) -> Micros {
        now - self.held - self.held_since.map_or(Micros(0), |since| now - since)
    }

    /// What the run may take in all.
    pub(super) fn timeout(&self) -> Option<Micros> {
        self.timeout
    }

    /// Whether a run that may take so many seconds could go on at `now`.
    pub(super) fn lasts(&self, now: Micros, seconds: f64) -> bool {
        micros(seconds) > self.wall(now) - self.allowance_from
    }

    /// The run may take so many seconds in all; the deadline is to be set again.
    pub(super) fn set_timeout(&mut self, seconds: Option<f64>) {
        self.timeout = seconds.map(micros);
        self.deadline_missed = seconds.is_some();
    }

    /// Sets the deadline: the moment at which its timer is to fire, where the run has one.
    pub(super) fn arm(&mut self, now: Micros) -> Option<Micros> {
        self.deadline_missed = false;
        Some(now + self.left(now)?)
    }

    /// Whether the deadline has to be set once more, because its timer fired in vain.
    pub(super) fn is_to_be_armed(&self) -> bool {
        self.deadline_missed && self.held_since.is_none()
    }

    /// The deadline's timer has fired in a run that is going or not. Returns whether the time is over; if not,
    /// the deadline is set again as soon as the clock resumes.
    pub(super) fn is_over(&mut self, now: Micros, going: bool) -> bool {
        self.deadline_missed = true;
        going && self.held_since.is_none() && self.left(now) == Some(Micros(0))
    }

    /// Gives the run as much time again, unless it has some left.
    pub(super) fn renew(&mut self, now: Micros) {
        if self.left(now) == Some(Micros(0)) {
            self.allowance_from = self.wall(now);
        }
    }

    fn left(&self, now: Micros) -> Option<Micros> {
        let used = self.wall(now) - self.allowance_from;
        Some(self.timeout? - used)
    }
}

fn micros(seconds: f64) -> Micros {
    Micros((seconds.max(0.0) * 1e6) as u64)
}
