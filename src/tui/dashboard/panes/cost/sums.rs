//! The sums above the accounts: the budget, what is still to come, and what stands apart.

use super::ledger::{Account, Ledger};
use super::lines::{LineWriter, bar};
use crate::report::money;
use crate::run::{Forecast, RunState};
use crate::text::{self, format};
use crate::tui::Theme;
use crate::units::Money;
use ratatui::style::Style;

/// Rows that the sums above the accounts may take of the pane: half of it.
const SUMS: u16 = 2;

/// The lines above the accounts: spent, reserved and free, then failures, retries, the cache and tokens.
pub(super) fn draw(
    writer: &mut LineWriter<'_>,
    run: &RunState,
    ledger: &Ledger,
    rest: Option<Forecast>,
    tracked: bool,
) {
    let theme = writer.theme;
    let most = (writer.area.height / SUMS).max(1);
    if tracked {
        let limit = run.budget();
        writer.line(budget_words(
            run,
            limit,
            usize::from(writer.area.width),
            theme,
        ));
        if writer.y < most {
            budget_bar(writer, run, limit);
        }
    } else {
        writer.line(vec![(
            "cost is not tracked in this run".to_owned(),
            theme.dim,
        )]);
    }
    let rest = rest.filter(|rest| !rest.is_free());
    if let Some(rest) = rest.filter(|_| !run.has_ended() && writer.y < most) {
        writer.line(rest_words(&rest, usize::from(writer.area.width), theme));
    }
    let total = &ledger.total;
    let mut apart = Vec::new();
    let mut part = |name: &str, value: String, calls: u64, noun: &str, style: Style| {
        if calls > 0 {
            if !apart.is_empty() {
                apart.push(("   ".to_owned(), theme.dim));
            }
            apart.push((format!("{name} "), theme.dim));
            let comma = if value.is_empty() { "" } else { ", " };
            let words = format!("{comma}{}", format::count(calls as usize, noun));
            apart.push((value, style));
            apart.push((words, theme.dim));
        }
    };
    // Calls that cost nothing are counted all the same.
    let money = |cost: Money| {
        if cost.is_zero() {
            String::new()
        } else {
            cost.to_string()
        }
    };
    part(
        "failed",
        money(total.failed.cost),
        total.failed.calls,
        "call",
        theme.bad,
    );
    part(
        "retried",
        money(total.again.cost),
        total.again.calls,
        "call",
        theme.warning,
    );
    part(
        "unknown price",
        String::new(),
        total.unknown,
        "call",
        theme.warning,
    );
    part(
        "the cache saved",
        saved_words(total),
        total.cached,
        "step",
        theme.good,
    );
    part(
        "from an earlier run",
        "no cost".to_owned(),
        total.recorded,
        "step",
        theme.good,
    );
    if !apart.is_empty() && writer.y < most {
        writer.wrapped(&apart, most);
    }
    let tokens = &total.tokens;
    if (tokens.input > 0 || tokens.output > 0) && writer.y < most {
        let mut words = vec![
            ("tokens ".to_owned(), theme.dim),
            (format::thousands(tokens.input), theme.text),
            (" in".to_owned(), theme.dim),
        ];
        if tokens.cached_input > 0 {
            words.push((
                format!(" ({} cached)", format::thousands(tokens.cached_input)),
                theme.dim,
            ));
        }
        words.push(("   ".to_owned(), theme.dim));
        words.push((format::thousands(tokens.output), theme.text));
        words.push((" out".to_owned(), theme.dim));
        writer.line(words);
    }
}

/// What the steps that have not ended can still cost.
fn rest_words(rest: &Forecast, width: usize, theme: &Theme) -> Vec<(String, Style)> {
    let known = |amount: Option<Money>| match amount {
        Some(amount) => (amount.to_string(), theme.text),
        None => ("unknown".to_owned(), theme.warning),
    };
    let parts = [
        ("", known(rest.expected)),
        (" expected, least ", known(Some(rest.min))),
        (", most ", known(rest.max)),
    ];
    let mut words = vec![("still to come ".to_owned(), theme.dim)];
    let mut used = 15;
    for (before, (value, style)) in parts {
        let needed = before.len() + value.len();
        if used + needed > width {
            break;
        }
        used += needed;
        words.push((before.to_owned(), theme.dim));
        words.push((value, style));
    }
    words
}

/// What the cache saved: money where the calls had cost some, and time.
fn saved_words(account: &Account) -> String {
    let time = format::duration(account.saved_time);
    if account.saved.is_zero() {
        time
    } else {
        format!("{} and {time}", account.saved)
    }
}

/// What is spent, reserved and free, in as many words as fit.
fn budget_words(
    run: &RunState,
    limit: Option<Money>,
    width: usize,
    theme: &Theme,
) -> Vec<(String, Style)> {
    let spent = money::of_run(run, "≥ ");
    let mut parts = vec![("spent", spent, theme.strong)];
    if !run.reserved.is_zero() {
        parts.push(("reserved", run.reserved.to_string(), theme.text));
    }
    if let Some(limit) = limit {
        let free = (limit - run.spent - run.reserved).max(Money::ZERO);
        parts.push(("free", free.to_string(), theme.text));
        parts.push(("of", format::budget(limit), theme.dim));
    }
    // What matters least is left out first: the limit is in the header as well.
    let needed = |parts: &[(&str, String, Style)]| -> usize {
        let cells = parts
            .iter()
            .map(|(name, value, _)| name.len() + text::width(value) + 4);
        cells.sum::<usize>() + 1
    };
    for name in ["of", "reserved", "free"] {
        if needed(&parts) > width + 3 {
            parts.retain(|(part, ..)| *part != name);
        }
    }
    let mut words = Vec::new();
    for (name, value, style) in parts {
        let gap = if words.is_empty() { "" } else { "   " };
        words.push((format!("{gap}{name} "), theme.dim));
        words.push((value, style));
    }
    words
}

/// What is gone and what is held, as parts of the limit; without one, of both together.
fn budget_bar(writer: &mut LineWriter<'_>, run: &RunState, limit: Option<Money>) {
    let theme = writer.theme;
    let width = usize::from(writer.area.width).saturating_sub(2);
    let whole = limit.unwrap_or(run.spent + run.reserved);
    if whole.pico() <= 0 {
        return;
    }
    let style = if run.spent.usd() > 0.8 * whole.usd() {
        theme.warning
    } else {
        theme.accent
    };
    let parts = [(run.spent, "█", style), (run.reserved, "▒", style)];
    let mut cells = bar(&parts, whole, width);
    let used: usize = cells.iter().map(|(words, _)| words.chars().count()).sum();
    cells.push(("░".repeat(width.saturating_sub(used)), theme.border));
    writer.line(cells);
}
