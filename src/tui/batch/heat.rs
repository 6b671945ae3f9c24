//! What the cells of the grid stand for, and the signs of one item or of many.

use crate::run::{BatchState, StepFigures, StepStatus};
use crate::text::format;
use crate::tui::theme::Theme;
use crate::units::{Micros, Money};
use ratatui::style::Style;

/// What the cells stand for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Heat {
    /// How the steps stand.
    #[default]
    Status,
    /// How long they took.
    Time,
    /// What they cost.
    Cost,
}

impl Heat {
    /// The next one.
    pub(super) const fn next(self) -> Self {
        match self {
            Self::Status => Self::Time,
            Self::Time => Self::Cost,
            Self::Cost => Self::Status,
        }
    }

    /// Its name.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Time => "time",
            Self::Cost => "cost",
        }
    }

    fn amount(self, figures: &StepFigures) -> f64 {
        match self {
            Self::Status => 0.0,
            Self::Time => figures.service.ms(),
            Self::Cost => figures.cost.map_or(0.0, Money::usd),
        }
    }
}

/// A part of items that did not go well from which it is shown as a lot.
const A_LOT: f64 = 0.1;

/// One step of some items.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Bucket {
    counts: [u32; 8],
    all: u32,
    /// Those that made a call.
    called: u32,
    amount: f64,
}

impl Bucket {
    /// Takes in an item; `None` where it has not begun.
    pub(super) fn add(&mut self, heat: Heat, figures: Option<&StepFigures>) {
        self.all += 1;
        let status = figures.map_or(StepStatus::Pending, |figures| figures.status);
        self.counts[status as usize] += 1;
        if let Some(figures) = figures.filter(|figures| figures.attempts > 0) {
            self.called += 1;
            self.amount += heat.amount(figures);
        }
    }

    fn of(&self, status: StepStatus) -> u32 {
        self.counts[status as usize]
    }

    /// Items in which the step failed, or nobody knows.
    pub(super) fn wrong(&self) -> u32 {
        self.of(StepStatus::Failed) + self.of(StepStatus::Unknown)
    }

    /// The sign of some items of which so many went wrong.
    pub(super) fn wrong_sign(wrong: u64, all: u64, theme: &Theme) -> (&'static str, Style) {
        if wrong as f64 >= A_LOT * all as f64 {
            let look = theme.status(StepStatus::Failed);
            return (look.glyph, look.style);
        }
        (if theme.ascii { "+" } else { "×" }, theme.bad)
    }

    /// The sign and its style.
    pub(super) fn sign(&self, scale: &Scale, theme: &Theme) -> (&'static str, Style) {
        match scale.heat {
            Heat::Status => self.status(theme),
            _ => self.heat(scale, theme),
        }
    }

    fn status(&self, theme: &Theme) -> (&'static str, Style) {
        let look = |status: StepStatus| {
            let look = theme.status(status);
            (look.glyph, look.style)
        };
        let waits = self.of(StepStatus::Pending) + self.of(StepStatus::Ready);
        let wrong = self.wrong();
        if wrong > 0 {
            return match self.of(StepStatus::Failed) {
                0 => look(StepStatus::Unknown),
                _ => Self::wrong_sign(wrong.into(), self.all.into(), theme),
            };
        }
        if self.of(StepStatus::Running) > 0 {
            return look(StepStatus::Running);
        }
        if waits == self.all {
            return look(StepStatus::Pending);
        }
        if waits > 0 {
            let style = theme.status(StepStatus::Succeeded).style;
            return (if theme.ascii { "=" } else { "▒" }, style);
        }
        if self.of(StepStatus::Succeeded) > 0 {
            let style = theme.status(StepStatus::Succeeded).style;
            return (if theme.ascii { "#" } else { "▇" }, style);
        }
        if self.of(StepStatus::Cancelled) > 0 {
            return look(StepStatus::Cancelled);
        }
        look(StepStatus::Skipped)
    }

    fn heat(&self, scale: &Scale, theme: &Theme) -> (&'static str, Style) {
        let mean = self.amount / f64::from(self.called.max(1));
        scale.sign(mean, theme)
    }
}

/// The scale of the amounts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Scale {
    heat: Heat,
    full: f64,
}

impl Scale {
    /// The scale of all steps of a batch: its fullest sign stands for what one of a hundred calls of the step with the
    /// highest such figure passes.
    pub(super) fn of(heat: Heat, state: &BatchState) -> Self {
        let steps = state.steps.iter().map(|step| match heat {
            Heat::Status => 0.0,
            Heat::Time => step.time_ms().p99,
            Heat::Cost => step.cost_usd().p99,
        });
        let full = steps.fold(0.0, f64::max);
        Self { heat, full }
    }

    /// The sign of an amount.
    pub(super) fn sign(&self, amount: f64, theme: &Theme) -> (&'static str, Style) {
        let signs = if theme.ascii {
            [".", "-", "+", "%", "#"]
        } else {
            ["·", "░", "▒", "▓", "█"]
        };
        let styles = [
            theme.dim,
            theme.good,
            theme.accent,
            theme.warning,
            theme.bad,
        ];
        if amount <= 0.0 || self.full <= 0.0 {
            return (signs[0], styles[0]);
        }
        // By the root, as in the graph: most are small beside the largest.
        let share = (amount / self.full).sqrt();
        let level = ((share * 4.0).ceil() as usize).clamp(1, 4);
        (signs[level], styles[level])
    }

    /// What the signs stand for, of one item or of several: each with its words.
    pub(super) fn legend(
        &self,
        is_single: bool,
        theme: &Theme,
    ) -> Vec<((&'static str, Style), String)> {
        if self.heat == Heat::Status {
            let of = |status: StepStatus, count: u32| {
                let mut bucket = Bucket {
                    all: 100,
                    ..Bucket::default()
                };
                bucket.counts[status as usize] = count;
                bucket.counts[StepStatus::Succeeded as usize] += 100 - count;
                bucket.status(theme)
            };
            if is_single {
                let of = |status: StepStatus, words: &str| {
                    let look = theme.status(status);
                    ((look.glyph, look.style), words.to_owned())
                };
                return vec![
                    of(StepStatus::Succeeded, "succeeded"),
                    of(StepStatus::Running, "running"),
                    of(StepStatus::Failed, "failed"),
                    of(StepStatus::Skipped, "skipped"),
                    of(StepStatus::Pending, "to come"),
                ];
            }
            return vec![
                (of(StepStatus::Succeeded, 0), "done".to_owned()),
                (of(StepStatus::Running, 1), "running".to_owned()),
                (of(StepStatus::Failed, 1), "some failed".to_owned()),
                (of(StepStatus::Failed, 100), "10% or more".to_owned()),
                (of(StepStatus::Pending, 100), "to come".to_owned()),
            ];
        }
        let levels = [1.0 / 16.0, 0.25, 9.0 / 16.0, 1.0];
        let words = |amount: f64| match self.heat {
            Heat::Cost => format::cost(Money::from_usd(amount)),
            _ => format::duration(Micros((amount * 1e3) as u64)),
        };
        let upto = |level: f64| {
            let sign = self.sign(self.full * level * 0.999, theme);
            (sign, words(self.full * level))
        };
        if self.full <= 0.0 {
            return Vec::new();
        }
        levels.into_iter().map(upto).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(statuses: &[(StepStatus, u32)]) -> Bucket {
        let mut bucket = Bucket::default();
        for (status, count) in statuses {
            let figures = StepFigures {
                status: *status,
                attempts: 1,
                ..StepFigures::default()
            };
            for _ in 0..*count {
                bucket.add(Heat::Status, Some(&figures));
            }
        }
        bucket
    }

    #[test]
    fn every_situation_has_a_sign_of_its_own_without_colour() {
        use StepStatus::{Failed, Pending, Running, Skipped, Succeeded, Unknown};
        let all = [
            bucket(&[(Succeeded, 100)]),
            bucket(&[(Succeeded, 99), (Failed, 1)]),
            bucket(&[(Succeeded, 50), (Failed, 50)]),
            bucket(&[(Succeeded, 99), (Running, 1)]),
            bucket(&[(Succeeded, 50), (Pending, 50)]),
            bucket(&[(Pending, 100)]),
            bucket(&[(Skipped, 100)]),
            bucket(&[(Unknown, 1)]),
        ];
        for theme in [Theme::plain(), Theme::plain().in_ascii()] {
            let signs: Vec<&str> = all
                .iter()
                .map(|bucket| bucket.sign(&Scale::default(), &theme).0)
                .collect();
            for (at, sign) in signs.iter().enumerate() {
                assert!(!signs[..at].contains(sign), "{signs:?}");
                assert!(!theme.ascii || sign.is_ascii(), "{signs:?}");
            }
        }
    }

    #[test]
    fn the_fuller_the_sign_the_larger_the_amount() {
        let scale = Scale {
            heat: Heat::Time,
            full: 1600.0,
        };
        let theme = Theme::plain();
        let signs = [0.0, 50.0, 300.0, 800.0, 1600.0, 9000.0];
        let signs = signs.map(|amount| scale.sign(amount, &theme).0);
        assert_eq!(signs, ["·", "░", "▒", "▓", "█", "█"]);
        let legend = scale.legend(true, &theme);
        let legend: Vec<String> = legend
            .into_iter()
            .map(|((sign, _), words)| format!("{sign} {words}"))
            .collect();
        assert_eq!(legend, ["░ 100ms", "▒ 400ms", "▓ 900ms", "█ 1.60s"]);
    }
}
