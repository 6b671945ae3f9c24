//! The widget.

use super::ledger::{Account, By, Entry, Ledger};
use crate::plan::StepIx;
use crate::run::{Forecast, RunState, StepStatus, forecast};
use crate::text::{self, format};
use crate::tui::Theme;
use crate::tui::dashboard::panes::pane_context::PaneContext;
use crate::tui::widgets::refresh_throttle::RefreshThrottle;
use crate::units::Money;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use std::fmt::Write;
use std::sync::Arc;

/// Cells that a name takes at the most.
const NAME: usize = 28;
/// Cells from which an account has a bar, and that the bar takes at the most.
const BAR: (usize, usize) = (6, 60);
/// Rows that the sums above the accounts may take of the pane: half of it.
const SUMS: u16 = 2;

/// Where the money and the tokens of a run went.
#[derive(Debug, Default)]
pub struct CostPane {
    by: By,
    throttle: RefreshThrottle,
    made_by: Option<By>,
    ledger: Ledger,
    /// What the run can still cost.
    rest: Option<Forecast>,
    /// The first account that is shown.
    top: usize,
    /// What to bring into view in the next frame.
    pending_scroll: bool,
    /// The account that was chosen, and the step that was selected for it.
    chosen: Option<(Arc<str>, StepIx)>,
    /// Where the accounts went in the last frame.
    area: Rect,
}

impl CostPane {
    /// Keeps the accounts by something else: step, tool, model.
    pub fn turn(&mut self) {
        self.by = self.by.next();
        self.top = 0;
        self.chosen = None;
        self.pending_scroll = true;
    }

    /// Brings the selection into view in the next frame.
    pub fn keep_visible(&mut self) {
        self.pending_scroll = true;
    }

    /// Moves the view by accounts.
    pub fn scroll(&mut self, rows: isize) {
        self.top = self.top.saturating_add_signed(rows);
    }

    /// Whether a later frame shows more although nothing more happens.
    pub fn is_behind(&self) -> bool {
        self.throttle.is_behind()
    }

    /// The accounts that one page has.
    pub fn page(&self) -> isize {
        isize::from(self.area.height.saturating_sub(1).max(1) as i16)
    }

    /// The step of the account `by` accounts away: the one on it that cost most.
    pub fn go(&mut self, run: &RunState, selected: Option<StepIx>, by: isize) -> Option<StepIx> {
        let last = self.ledger.entries.len().checked_sub(1)?;
        let next = match self.place(run, selected) {
            Some(place) => place.saturating_add_signed(by).min(last),
            None => self.top.min(last),
        };
        self.choose(next)
    }

    /// The step of the first account.
    pub fn first(&mut self) -> Option<StepIx> {
        self.choose(0)
    }

    /// The step of the last account.
    pub fn last(&mut self) -> Option<StepIx> {
        self.choose(self.ledger.entries.len().checked_sub(1)?)
    }

    /// The step of the account at a cell of the screen, as of the last frame.
    pub fn click(&mut self, at: Position) -> Option<StepIx> {
        if !self.area.contains(at) {
            return None;
        }
        self.choose(self.top + usize::from(at.y - self.area.y))
    }

    fn choose(&mut self, place: usize) -> Option<StepIx> {
        let entry = self.ledger.entries.get(place)?;
        self.chosen = Some((Arc::clone(&entry.name), entry.step));
        self.pending_scroll = true;
        Some(entry.step)
    }

    /// The account that is marked: the chosen one, else the one that the selected step is on.
    fn place(&self, run: &RunState, selected: Option<StepIx>) -> Option<usize> {
        let selected = selected?;
        if let Some((name, step)) = &self.chosen
            && *step == selected
            && self.by != By::Step
        {
            let mut entries = self.ledger.entries.iter();
            return entries.position(|entry| entry.name == *name);
        }
        self.ledger.place(run, selected)
    }

    /// Draws the frame. Everything outside `area` stays as it is. Gives a few words about what is shown.
    pub fn draw(&mut self, buf: &mut Buffer, area: Rect, context: &PaneContext<'_>) -> String {
        let run = context.run;
        if self.throttle.due(run) || self.made_by != Some(self.by) {
            self.ledger = Ledger::of(run, self.by);
            self.rest = forecast(run);
            self.made_by = Some(self.by);
        }
        let tracked = run.header.as_ref().is_none_or(|header| header.track_cost);
        let mut writer = LineWriter {
            buf,
            area,
            y: 0,
            theme: context.theme,
        };
        self.sums(&mut writer, run, tracked);
        if area.height > writer.y + 3 {
            writer.y += 1;
        }
        let columns = Columns::fit(usize::from(area.width), &self.ledger, tracked, self.by);
        columns.headings(&mut writer, self.by);
        self.area = Rect {
            y: area.y + writer.y.min(area.height),
            height: area.height.saturating_sub(writer.y),
            ..area
        };
        let shown = usize::from(self.area.height);
        let place = self.place(run, context.selected);
        if std::mem::take(&mut self.pending_scroll)
            && let Some(place) = place
        {
            self.top = self.top.min(place).max((place + 1).saturating_sub(shown));
        }
        let all = self.ledger.entries.len();
        self.top = self.top.min(all.saturating_sub(shown));
        let entries = self.ledger.entries.iter().enumerate();
        for (at, entry) in entries.skip(self.top).take(shown) {
            columns.row(&mut writer, entry, run, place == Some(at));
        }
        if all > shown && shown > 0 {
            return format!(
                "{} to {} of {}",
                format::thousands(self.top as u64 + 1),
                format::thousands((self.top + shown).min(all) as u64),
                format::thousands(all as u64)
            );
        }
        String::new()
    }

    /// Spent, reserved and free, and what is to be told apart.
    fn sums(&self, writer: &mut LineWriter<'_>, run: &RunState, tracked: bool) {
        let theme = writer.theme;
        let most = (writer.area.height / SUMS).max(1);
        if tracked {
            let limit = run
                .header
                .as_ref()
                .and_then(|header| header.limits.max_total_cost_usd);
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
        let rest = self.rest.filter(|rest| !rest.is_free());
        if let Some(rest) = rest.filter(|_| !run.has_ended() && writer.y < most) {
            writer.line(rest_words(&rest, usize::from(writer.area.width), theme));
        }
        let total = &self.ledger.total;
        let mut apart = Vec::new();
        let mut part = |name: &str, value: String, calls: u64, noun: &str, style: Style| {
            if calls > 0 {
                if !apart.is_empty() {
                    apart.push(("   ".to_owned(), theme.dim));
                }
                apart.push((format!("{name} "), theme.dim));
                apart.push((value, style));
                let comma = if name.is_empty() { "" } else { ", " };
                let words = format!("{comma}{}", format::count(calls as usize, noun));
                apart.push((words, theme.dim));
            }
        };
        let money = |cost: Money| cost.to_string();
        part(
            "failed",
            money(total.failed.cost),
            total.failed.calls,
            "call",
            theme.bad,
        );
        part(
            "tried again",
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
    let least = if run.unpriced { "≥ " } else { "" };
    let spent = format!("{least}{}", run.spent);
    let mut parts = vec![("spent", spent, theme.strong)];
    if !run.reserved.is_zero() {
        parts.push(("reserved", run.reserved.to_string(), theme.text));
    }
    if let Some(limit) = limit {
        let free = limit - run.spent - run.reserved;
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

/// Parts of a whole as cells, each that is not nothing at least one.
fn bar(parts: &[(Money, &'static str, Style)], whole: Money, width: usize) -> Vec<(String, Style)> {
    let mut left = width;
    let mut sum = Money::ZERO;
    let mut taken = 0;
    let mut cells = Vec::new();
    for (amount, glyph, style) in parts {
        if amount.pico() <= 0 {
            continue;
        }
        // Rounded where each part ends, so that the length of all together is that of their sum.
        sum += *amount;
        let end = (sum.usd() / whole.usd() * width as f64).round() as usize;
        let count = end.saturating_sub(taken).clamp(1, left.max(1)).min(left);
        cells.push((glyph.repeat(count), *style));
        taken += count;
        left -= count;
    }
    cells
}

/// Lines from the top of the pane.
struct LineWriter<'a> {
    buf: &'a mut Buffer,
    area: Rect,
    y: u16,
    theme: &'a Theme,
}

impl LineWriter<'_> {
    fn line(&mut self, words: Vec<(String, Style)>) {
        if self.y < self.area.height {
            let mut x = self.area.x + u16::from(self.area.width > 2);
            for (words, style) in words {
                let room = self.area.right().saturating_sub(x) as usize;
                let words = text::fit(&words, room);
                x = self
                    .buf
                    .set_stringn(x, self.area.y + self.y, words, room, style)
                    .0;
            }
        }
        self.y += 1;
    }

    /// Words in as many lines as they need, at most up to `most` lines of the pane; they break at gaps, and
    /// what does not fit is left out.
    fn wrapped(&mut self, words: &[(String, Style)], most: u16) {
        let room = usize::from(self.area.width).saturating_sub(2);
        let mut line: Vec<(String, Style)> = Vec::new();
        let mut used = 0;
        for group in words.split_inclusive(|(words, _)| words == "   ") {
            let width: usize = group.iter().map(|(words, _)| text::width(words)).sum();
            if used > 0 && used + width > room + 3 {
                if self.y + 1 >= most {
                    break;
                }
                self.line(std::mem::take(&mut line));
                used = 0;
            }
            line.extend_from_slice(group);
            used += width;
        }
        self.line(line);
    }
}

/// The columns beside the name, and the room of the bar.
#[allow(clippy::struct_excessive_bools, reason = "each is a column")]
struct Columns {
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
    /// Money, against the dearest account.
    Money(Money),
    /// Tokens, where nothing cost anything.
    Tokens(u64),
    /// Neither.
    Nothing,
}

/// Cells of the columns of numbers, with the gap before each.
const COST: usize = 11;
const SHARE: usize = 6;
const CALLS: usize = 7;
const TOKENS: usize = 22;

impl Columns {
    fn fit(width: usize, ledger: &Ledger, tracked: bool, by: By) -> Self {
        let names = ledger.entries.iter().take(2_000);
        let widest = names
            .map(|entry| text::width(&entry.name))
            .max()
            .unwrap_or(0);
        let held = |entry: &Entry| entry.account.spent() + entry.account.reserved;
        let dearest = ledger.entries.iter().map(held).max().unwrap_or_default();
        let most = ledger
            .entries
            .iter()
            .map(|entry| entry.account.all_tokens())
            .max();
        let whole = match most {
            _ if dearest.pico() > 0 => Measure::Money(dearest),
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

    fn headings(&self, writer: &mut LineWriter<'_>, by: By) {
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

    fn row(&self, writer: &mut LineWriter<'_>, entry: &Entry, run: &RunState, selected: bool) {
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
                (false, spent) if spent.is_zero() => (spent.to_string(), theme.dim),
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

    /// First tries, later tries, failures and what is held, as parts of the longest bar.
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
