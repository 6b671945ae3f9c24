//! Where a recorded run is being played, and how fast.

use crate::units::Micros;

/// The slowest and the fastest that can be chosen while it plays.
const SPEEDS: (f64, f64) = (1.0 / 16.0, 1024.0);

/// How far apart events stand where they are played evenly, so that steps that took no time are seen.
pub(crate) const APART: Micros = Micros(1_000_000);

/// A place in the time of a recorded run that moves at a speed.
#[derive(Clone, Debug)]
pub(crate) struct Player {
    speed: f64,
    playing: bool,
    /// Microseconds from the start of the run.
    place: f64,
    /// Whether events are played one after the other, each [`APART`] from the one before it, whatever time they took.
    even: bool,
}

impl Player {
    /// At the start, playing; a speed that is not a positive number goes to the end at once.
    pub(crate) fn new(speed: f64) -> Self {
        Self {
            speed: if speed > 0.0 { speed } else { f64::INFINITY },
            playing: true,
            place: 0.0,
            even: false,
        }
    }

    /// At the start, playing so many events evenly, over this time.
    pub(crate) fn evenly(events: usize, over: Micros) -> Self {
        let all = APART.0 as f64 * events as f64;
        Self {
            even: true,
            ..Self::new(all / over.0.max(1) as f64)
        }
    }

    /// Whether events are played evenly.
    pub(crate) fn is_even(&self) -> bool {
        self.even
    }

    /// How many times as fast as it was.
    pub(crate) fn speed(&self) -> f64 {
        self.speed
    }

    /// Whether the place moves, as far as there is something to play.
    pub(crate) fn is_playing(&self) -> bool {
        self.playing
    }

    /// Lets the place stand still.
    pub(crate) fn hold(&mut self) {
        self.playing = false;
    }

    /// Lets the place move.
    pub(crate) fn go(&mut self) {
        self.playing = true;
        if !self.speed.is_finite() {
            self.speed = 1.0;
        }
    }

    /// Goes to another place.
    pub(crate) fn seek(&mut self, place: Micros) {
        self.place = place.0 as f64;
    }

    /// Makes it twice as fast, or half.
    pub(crate) fn change_speed(&mut self, faster: bool) {
        let speed = if self.speed.is_finite() {
            self.speed
        } else {
            SPEEDS.1
        };
        let factor = if faster { 2.0 } else { 0.5 };
        self.speed = (speed * factor).clamp(SPEEDS.0, SPEEDS.1);
    }

    /// Moves the place by the time that has passed on the clock, at most to `end`.
    pub(crate) fn play(&mut self, passed: Micros, end: Micros) -> Micros {
        let end = end.0 as f64;
        let by = if self.speed.is_finite() {
            passed.0 as f64 * self.speed
        } else {
            end
        };
        self.place = (self.place + by).min(end);
        Micros(self.place as u64)
    }

    /// On the clock, the time until the place reaches `to`.
    pub(crate) fn time_to(&self, to: Micros) -> Micros {
        let left = (to.0 as f64 - self.place).max(0.0);
        Micros((left / self.speed).min(1e15).ceil() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_moves_as_fast_as_is_asked_for_and_stops_at_the_end() {
        let end = Micros(1_000_000);
        let mut player = Player::new(2.0);
        assert_eq!(player.play(Micros(100_000), end), Micros(200_000));
        assert_eq!(player.time_to(Micros(400_000)), Micros(100_000));
        player.change_speed(true);
        assert_eq!(player.play(Micros(100_000), end), Micros(600_000));
        player.seek(Micros(50_000));
        assert_eq!(player.play(Micros(1_000_000), end), end);
    }

    #[test]
    fn small_steps_add_up() {
        let mut player = Player::new(1.0 / 16.0);
        for _ in 0..16_000 {
            player.play(Micros(1), Micros(1_000_000));
        }
        assert_eq!(player.play(Micros(0), Micros(1_000_000)), Micros(1000));
    }

    #[test]
    fn no_speed_is_the_end_at_once() {
        for speed in [0.0, -1.0, f64::NAN] {
            let mut player = Player::new(speed);
            assert_eq!(player.play(Micros(1), Micros(5_000_000)), Micros(5_000_000));
            player.seek(Micros(0));
            player.go();
            assert_eq!(
                player.play(Micros(1_000_000), Micros(5_000_000)),
                Micros(1_000_000)
            );
        }
    }

    #[test]
    fn the_speed_has_bounds() {
        let mut player = Player::new(1.0);
        (0..40).for_each(|_| player.change_speed(true));
        assert!((player.speed() - SPEEDS.1).abs() < 1e-9);
        (0..40).for_each(|_| player.change_speed(false));
        assert!((player.speed() - SPEEDS.0).abs() < 1e-9);
    }
}
