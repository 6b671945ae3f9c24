//! The columns of the accounts: which of them fit, their headings, and a row for each account.

use super::ledger::{Account, By, Entry, Ledger};
use super::lines::{LineWriter, bar};
use crate::report::money;
use crate::run::{RunState, StepStatus};
use crate::text::{self, format};
use crate::tui::Theme;
use crate::units::Money;
use ratatui::layout::Rect;
use ratatui::style::Style;
use std::fmt::Write;

/// Most cells of a name.
const NAME: usize = 28;
/// Fewest and most cells of a bar.
const BAR: (usize, usize) = (6, 60);
/// Cells of the columns of numbers, with the gap before each.
const COST: usize = 11;
const SHARE: usize = 6;
const CALLS: usize = 7;
const TOKENS: usize = 22;

/// The columns beside the name, and the room of the bar.
#[allow(clippy::struct_excessive_bools, reason = "each is a column")]
pub(super) struct Columns {
    name: usize,
    bar: usize,
    /// What the longest bar stands for.
    whole: Measure,
    cost: bool,
    share: bool,
    calls: bool,
    tokens: bool,
}

/// What bars measure.
#[derive(Clone, Copy)]
enum Measure {
    /// Money, relative to the most expensive account.
    Money(Money),
    /// Tokens, where nothing cost anything.
    Tokens(u64),
    /// Neither.
    Nothing,
}

impl Columns {
    pub(super) fn fit(width: usize, ledger: &Ledger, tracked: bool, by: By) -> Self {
        let names = ledger.entries.iter().take(2_000);
        let widest = names
            .map(|entry| text::width(&entry.name))
            .max()
            .unwrap_or(0);
        let held = |entry: &Entry| entry.account.spent() + entry.account.reserved;
        let highest = ledger.entries.iter().map(held).max().unwrap_or_default();
        let most = ledger
            .entries
            .iter()
            .map(|entry| entry.account.all_tokens())
            .max();
        let whole = match most {
            _ if highest.pico() > 0 => Measure::Money(highest),
            Some(tokens) if tokens > 0 => Measure::Tokens(tokens),
            _ => Measure::Nothing,
        };
        let mut columns = Self {
            name: widest.clamp(by.word().len() + 3, NAME).min(width),
            bar: 0,
            whole,
            cost: false,
            share: false,
            calls: false,
            tokens: false,
        };
        let mut left = width.saturating_sub(columns.name + 2);
        let mut take = |wanted: bool, cells: usize| {
            let fits = wanted && cells <= left;
            if fits {
                left -= cells;
            }
            fits
        };
        columns.cost = take(tracked, COST);
        columns.calls = take(true, CALLS);
        let bar = take(!matches!(whole, Measure::Nothing), BAR.0 + 2);
        columns.share = take(!matches!(whole, Measure::Nothing), SHARE);
        columns.tokens = take(ledger.total.all_tokens() > 0, TOKENS);
        if bar {
            columns.bar = (BAR.0 + left).min(BAR.1);
        }
        columns
    }

    /// The cells before the columns of numbers.
    fn before(&self) -> usize {
        let bar = if self.bar > 0 { self.bar + 2 } else { 0 };
        self.name + bar
    }

    pub(super) fn headings(&self, writer: &mut LineWriter<'_>, by: By) {
        let theme = writer.theme;
        let mut words = format!("by {}", by.word());
        words = text::pad(&words, self.before());
        for (there, cells, name) in [
            (self.cost, COST, "cost"),
            (self.share, SHARE, "share"),
            (self.calls, CALLS, "calls"),
            (self.tokens, TOKENS / 2, "tok in"),
            (self.tokens, TOKENS / 2, "tok out"),
        ] {
            if there {
                let _ = write!(words, "{name:>cells$}");
            }
        }
        writer.line(vec![(words, theme.dim)]);
    }

    pub(super) fn row(
        &self,
        writer: &mut LineWriter<'_>,
        entry: &Entry,
        run: &RunState,
        selected: bool,
    ) {
        let theme = writer.theme;
        let account = &entry.account;
        let y = writer.area.y + writer.y;
        let quiet = account.calls() == 0;
        let plain = if quiet { theme.dim } else { theme.text };
        let mut words = vec![(text::pad(&entry.name, self.name), plain)];
        if self.bar > 0 {
            let cells = self.cells(account, theme);
            let used: usize = cells.iter().map(|(words, _)| words.chars().count()).sum();
            words.push(("  ".to_owned(), plain));
            words.extend(cells);
            words.push((" ".repeat(self.bar.saturating_sub(used)), plain));
        }
        if self.cost {
            let (cost, style) = match (account.unknown > 0, account.spent()) {
                (true, spent) if spent.is_zero() => ("unknown".to_owned(), theme.warning),
                (true, spent) => (format!("≥{spent}"), theme.warning),
                (false, _) if quiet => (String::new(), theme.dim),
                (false, spent) if spent.is_zero() => {
                    (money::of_calls(entry.can_cost, spent), theme.dim)
                }
                (false, spent) => (spent.to_string(), plain),
            };
            words.push((format!("{cost:>COST$}"), style));
        }
        if self.share {
            words.push((
                format!("{:>SHARE$}", self.share_of(account, run)),
                theme.dim,
            ));
        }
        if self.calls {
            let calls = if quiet {
                match (account.cached, account.recorded) {
                    (0, 0) => "–".to_owned(),
                    (0, _) => "earlier".to_owned(),
                    _ => "cache".to_owned(),
                }
            } else {
                format::thousands(account.calls())
            };
            words.push((format!("{calls:>CALLS$}"), plain));
        }
        if self.tokens {
            let half = TOKENS / 2;
            for tokens in [account.tokens.input, account.tokens.output] {
                let tokens = if tokens == 0 {
                    String::new()
                } else {
                    format::thousands(tokens)
                };
                words.push((format!("{tokens:>half$}"), plain));
            }
        }
        writer.line(words);
        if selected {
            let line = Rect::new(writer.area.x, y, writer.area.width, 1);
            writer.buf.set_style(line, theme.selection);
        }
    }

    /// The share of all that was spent; of the tokens where nothing cost anything.
    fn share_of(&self, account: &Account, run: &RunState) -> String {
        let share = match self.whole {
            Measure::Money(_) => account.spent().usd() / run.spent.usd(),
            Measure::Tokens(_) => {
                let all = run.tokens.input.saturating_add(run.tokens.output);
                account.all_tokens() as f64 / all as f64
            }
            Measure::Nothing => return String::new(),
        };
        if !share.is_finite() || share <= 0.0 {
            return String::new();
        }
        if share < 0.005 {
            "<1%".to_owned()
        } else {
            format::percent(share)
        }
    }

    /// First attempts, retries, failures and reservations, as parts of the longest bar.
    fn cells(&self, account: &Account, theme: &Theme) -> Vec<(String, Style)> {
        let good = theme.status(StepStatus::Succeeded).style;
        let (again, failed) = (theme.warning, theme.bad);
        match self.whole {
            Measure::Money(whole) => {
                let parts = [
                    (account.first.cost, "█", good),
                    (account.again.cost, "▓", again),
                    (account.failed.cost, "▒", failed),
                    (account.reserved, "░", theme.accent),
                ];
                bar(&parts, whole, self.bar)
            }
            // Any amount will do as the measure of a bar.
            Measure::Tokens(whole) => {
                let tokens = |count: u64| Money::from_pico(count.min(1 << 50) as i64);
                let parts = [
                    (tokens(account.first.tokens), "█", good),
                    (tokens(account.again.tokens), "▓", again),
                    (tokens(account.failed.tokens), "▒", failed),
                ];
                bar(&parts, tokens(whole), self.bar)
            }
            Measure::Nothing => Vec::new(),
        }
    }
}
