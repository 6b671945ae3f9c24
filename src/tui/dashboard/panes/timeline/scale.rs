//! Which stretch of time a line of cells shows, and its ticks.

/// Fewest microseconds in a cell.
pub(super) const FINEST: f64 = 1.0;
/// The steps that ticks and round ends are taken from, in microseconds below a minute.
const ROUND: [f64; 3] = [1.0, 2.0, 5.0];
/// From a second up people count in other steps; in seconds.
const SEXAGESIMAL: [f64; 16] = [
    1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0, 7_200.0,
    21_600.0, 43_200.0,
];

/// A stretch of time on a line of cells; times are microseconds since the start of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Scale {
    /// The time at the left edge.
    pub(super) from: f64,
    /// The time that one cell shows.
    pub(super) per: f64,
    /// Cells.
    pub(super) width: u16,
}

impl Scale {
    /// Everything from the start to `until`.
    pub(super) fn fit(until: f64, width: u16) -> Self {
        Self {
            from: 0.0,
            per: (until / f64::from(width.max(1))).max(FINEST),
            width,
        }
    }

    /// The time at the right edge.
    pub(super) fn end(&self) -> f64 {
        self.from + self.per * f64::from(self.width)
    }

    /// The times at both edges of a cell.
    pub(super) fn cell(&self, x: u16) -> (f64, f64) {
        let left = self.from + self.per * f64::from(x);
        (left, left + self.per)
    }

    /// Where a time is, in cells from the left edge.
    pub(super) fn place(&self, at: u64) -> f64 {
        (at as f64 - self.from) / self.per
    }

    /// The cell that shows a time, where one does.
    pub(super) fn x(&self, at: u64) -> Option<u16> {
        let place = self.place(at);
        (place >= 0.0 && place < f64::from(self.width)).then_some(place as u16)
    }

    /// The ticks from left to right: the cell, and what it says.
    pub(super) fn ticks(&self) -> Vec<(u16, String)> {
        self.ticks_apart(3)
    }

    /// The same with so many cells between what they say.
    pub(super) fn ticks_apart(&self, cells: u16) -> Vec<(u16, String)> {
        let step = steps()
            .find(|step| {
                let widest = label(self.end(), *step)
                    .len()
                    .max(label(self.from, *step).len());
                step / self.per >= widest as f64 + f64::from(cells)
            })
            .unwrap_or(f64::INFINITY);
        if !step.is_finite() {
            return Vec::new();
        }
        let first = (self.from / step).ceil();
        let mut ticks = Vec::new();
        for at in 0..u32::from(self.width) {
            let time = (first + f64::from(at)) * step;
            let place = (time - self.from) / self.per;
            if place >= f64::from(self.width) {
                break;
            }
            ticks.push((place as u16, label(time, step)));
        }
        ticks
    }
}

/// Whether what a tick says would stand over one of these cells.
pub(super) fn is_over((x, label): &(u16, String), cells: &[u16]) -> bool {
    let end = x + label.chars().count() as u16;
    cells.iter().any(|cell| (*x + 1..=end).contains(cell))
}

/// Steps between ticks, the finest first.
fn steps() -> impl Iterator<Item = f64> {
    let below = (0..6).flat_map(|power| ROUND.map(|round| round * 10f64.powi(power)));
    let above = SEXAGESIMAL.into_iter().map(|seconds| seconds * 1e6);
    let days = (0..20).flat_map(|power| ROUND.map(|round| round * 86_400e6 * 10f64.powi(power)));
    below.chain(above).chain(days)
}

/// The next round time from `until` on, so that the picture of a running run seldom moves.
pub(super) fn rounded_up(until: f64) -> f64 {
    let until = until.max(100_000.0);
    let power = 10f64.powf(until.log10().floor());
    [1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0]
        .into_iter()
        .map(|round| round * power)
        .find(|round| *round >= until)
        .unwrap_or(until)
}

/// A time of an axis whose ticks are `step` apart, with no more digits than that needs.
pub(super) fn label(at: f64, step: f64) -> String {
    let whole = at.max(0.0).round();
    if whole == 0.0 {
        return "0".to_owned();
    }
    let decimals = |unit: f64| -> usize {
        let mut digits = 0;
        while digits < 6 && (step * 10f64.powi(digits as i32) / unit) < 0.999 {
            digits += 1;
        }
        digits
    };
    if whole < 1e6 {
        let unit = if step < 1e3 && whole < 1e3 { 1.0 } else { 1e3 };
        let word = if unit < 1e3 { "µs" } else { "ms" };
        return format!("{:.*}{word}", decimals(unit), whole / unit);
    }
    let digits = decimals(1e6);
    let seconds = whole / 1e6;
    if seconds < 60.0 {
        return format!("{seconds:.digits$}s");
    }
    let minutes = (seconds / 60.0).floor();
    let rest = seconds - minutes * 60.0;
    if step < 60e6 && minutes < 60.0 {
        let width = if digits == 0 { 2 } else { digits + 3 };
        return format!("{minutes}m{rest:0width$.digits$}s");
    }
    if minutes < 60.0 {
        return format!("{minutes}m");
    }
    let hours = (minutes / 60.0).floor();
    let minutes = minutes - hours * 60.0;
    if step < 60e6 {
        let width = if digits == 0 { 2 } else { digits + 3 };
        return format!("{hours}h{minutes:02}m{rest:0width$.digits$}s");
    }
    if step < 3_600e6 {
        return format!("{hours}h{minutes:02}m");
    }
    format!("{hours}h")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_stand_at_round_times_and_do_not_touch() {
        for per in [1.0, 3.7, 40.0, 999.0, 12_345.0, 3e6, 7e8] {
            for from in [0.0, 1234.5, 8e6, 4_000e6] {
                let scale = Scale {
                    from,
                    per,
                    width: 120,
                };
                let ticks = scale.ticks();
                assert!(!ticks.is_empty(), "{scale:?}");
                for pair in ticks.windows(2) {
                    let end = pair[0].0 + pair[0].1.chars().count() as u16;
                    assert!(end < pair[1].0, "{scale:?} {ticks:?}");
                    assert_ne!(pair[0].1, pair[1].1, "{scale:?} {ticks:?}");
                }
            }
        }
    }

    #[test]
    fn labels_have_the_digits_they_need() {
        assert_eq!(label(0.0, 1e6), "0");
        assert_eq!(label(50.0, 10.0), "50µs");
        assert_eq!(label(1_200.0, 100.0), "1.2ms");
        assert_eq!(label(250_000.0, 50_000.0), "250ms");
        assert_eq!(label(1_250_000.0, 50_000.0), "1.25s");
        assert_eq!(label(12_000_000.0, 2e6), "12s");
        assert_eq!(label(65e6, 5e6), "1m05s");
        assert_eq!(label(62.5e6, 0.5e6), "1m02.5s");
        assert_eq!(label(180e6, 60e6), "3m");
        assert_eq!(label(3_900e6, 300e6), "1h05m");
        assert_eq!(label(7_200e6, 3_600e6), "2h");
    }

    #[test]
    fn a_round_end_is_near() {
        for until in [1.0, 99_999.0, 123_456.0, 7_000_001.0, 9.9e9] {
            let end = rounded_up(until);
            assert!(
                end >= until && end <= until.max(100_000.0) * 1.34,
                "{until} {end}"
            );
        }
    }
}
