//! Where the run stands, in three lines; in one or two where there are few rows.

use super::caption;
use super::waits::waiting;
use crate::report::short;
use crate::run::{RunOutcome, RunPhase, RunState, StepStatus};
use crate::text::{self, format};
use crate::tui::dashboard::layout::caption_rows;
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::step_look::StepLook;
use crate::tui::theme::Theme;
use crate::tui::widgets::header_segments::{self, Segment};
use crate::tui::widgets::progress;
use crate::units::{Micros, Money};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

/// Cells of the bar that shows how much of the budget is gone.
const BAR: usize = 6;
/// Cells that a name may take in the header.
const NAME: usize = 40;

/// The maximum width of why the worker was chosen.
const REASON: usize = 60;

/// Draws the header.
pub(super) fn draw(model: &Model, buf: &mut Buffer, area: Rect) {
    let line = |at: u16| Rect {
        y: area.y + at,
        height: 1,
        ..area
    };
    if area.height == 0 {
        return;
    }
    let caption = caption_rows(model);
    let rows = area.height.saturating_sub(caption);
    let mut standing = standing(model);
    if rows < 3 {
        standing.extend(ended_steps(model));
    }
    header_segments::draw(buf, line(0), identity(model), standing);
    if rows > 1 {
        header_segments::draw(buf, line(1), figures(model), waiting(model));
    }
    if rows > 2 {
        progress::draw(model.run_index.calls(), &model.theme, buf, line(2));
    }
    if caption > 0 {
        caption::draw(model, buf, line(rows));
    }
}

/// How a time of the run is written: to three digits where it stands still, in tenths of a second while it counts.
fn written(model: &Model) -> fn(Micros) -> String {
    if model.run.has_ended() || !model.moves() {
        format::duration
    } else {
        format::elapsed
    }
}

fn identity(model: &Model) -> Vec<Segment> {
    let theme = &model.theme;
    let header = model.run.header.as_deref();
    let name = header.map_or(model.title.as_str(), |header| &header.plan);
    let room = (model.size.0 as usize / 3).clamp(6, NAME);
    let mut segments = vec![
        Segment::new(1, vec![Span::styled("plandeck", theme.dim)]),
        Segment::new(9, vec![Span::styled(text::fit(name, room), theme.strong)]),
    ];
    if let Some(parent) = header.and_then(|header| header.forked_from.as_deref()) {
        let words = format!("fork of {}", short(parent));
        segments.push(Segment::new(5, vec![Span::styled(words, theme.dim)]));
        let at = model.run_index.forked_at();
        if let Some(row) = at.and_then(|step| model.run.steps.get(step.at())) {
            let id = model.names.fit(&row.info.id, room);
            let words = Span::styled(format!(" at {id}"), theme.dim);
            segments.push(Segment::joined(4, vec![words]));
        }
    }
    segments.extend(position(model));
    segments.extend(against(model));
    if header.is_some_and(|header| header.simulated) {
        let badge = Span::styled(" SIMULATED ", theme.badge);
        segments.push(Segment::new(11, vec![badge]));
    }
    if header.is_some_and(|header| header.pace.is_some()) {
        let words = Span::styled("slow motion", theme.warning);
        segments.push(Segment::new(7, vec![words]));
    }
    if let Some(header) =
        header.filter(|header| !header.simulated || &*header.worker != "simulated")
    {
        let worker = text::fit(&header.worker, room);
        segments.push(Segment::new(3, vec![Span::styled(worker, theme.dim)]));
        if let Some(reason) = &model.worker_reason {
            let reason = format!("({})", text::fit(reason, REASON));
            segments.push(Segment::new(0, vec![Span::styled(reason, theme.dim)]));
        }
    }
    if let Some(address) = &model.address {
        let address = format!("→ {}", text::fit(address, NAME));
        segments.push(Segment::new(10, vec![Span::styled(address, theme.warning)]));
    }
    segments
}

/// Which event is shown, if it is not the latest, and whether a replay plays.
fn position(model: &Model) -> Vec<Segment> {
    let theme = &model.theme;
    if !model.is_past() {
        return Vec::new();
    }
    let mut segments = Vec::new();
    let mut glyph = "◀ ";
    if let Some(player) = model.time_travel.player() {
        segments.push(Segment::new(
            14,
            vec![Span::styled(" REPLAY ", theme.badge)],
        ));
        let speed = if player.is_even() {
            " slow motion".to_owned()
        } else if player.speed().is_finite() {
            format!(" {}×", player.speed())
        } else {
            String::new()
        };
        segments.push(Segment::joined(6, vec![Span::styled(speed, theme.text)]));
        glyph = if model.goes_on() { "▶ " } else { "‖ " };
    }
    let event = format!(
        "{glyph}event {} of {}",
        format::thousands(model.position() as u64),
        format::thousands(model.time_travel.history().len() as u64)
    );
    let style = theme.warning.patch(ratatui::style::Modifier::BOLD);
    segments.push(Segment::new(13, vec![Span::styled(event, style)]));
    let time = format!(" · {}", written(model)(model.run.wall(model.now)));
    segments.push(Segment::joined(3, vec![Span::styled(time, theme.warning)]));
    if model.goes_on_behind() {
        let words = Span::styled(" · still running", theme.warning);
        segments.push(Segment::joined(10, vec![words]));
    }
    segments
}

/// How many steps differ from the run that this one is compared with.
fn against(model: &Model) -> Option<Segment> {
    let against = model.against.as_ref()?;
    let count = against.comparison.differing().count();
    let count = format::count(count, "step");
    let words = format!("≠ {count} · run of {}", against.run.started);
    Some(Segment::new(
        8,
        vec![Span::styled(words, model.theme.warning)],
    ))
}

fn standing(model: &Model) -> Vec<Segment> {
    let (theme, run) = (&model.theme, &model.run);
    let (word, style) = state(model);
    let glyph = match run.phase {
        RunPhase::Running => theme.status(StepStatus::Running).glyph,
        RunPhase::Ended(RunOutcome::Succeeded) => theme.status(StepStatus::Succeeded).glyph,
        RunPhase::Ended(RunOutcome::Cancelled) => theme.status(StepStatus::Cancelled).glyph,
        RunPhase::Ended(RunOutcome::Waiting) => StepLook::Approval.style(theme).glyph,
        RunPhase::Ended(_) => theme.status(StepStatus::Failed).glyph,
        RunPhase::Paused if !run.held_steps.is_empty() => StepLook::Breakpoint.style(theme).glyph,
        RunPhase::Paused => "‖",
        RunPhase::Stopping => theme.status(StepStatus::Cancelled).glyph,
        RunPhase::Empty => theme.status(StepStatus::Pending).glyph,
    };
    let time = written(model)(run.wall(model.now));
    let mut segments = vec![
        Segment::new(12, vec![Span::styled(format!("{glyph} {word}"), style)]),
        Segment::joined(10, vec![Span::styled(format!(" {time}"), theme.text)]),
    ];
    if model.read_percent.is_some() {
        segments.extend(cost(model));
        return segments;
    }
    segments.extend(time_left(model));
    segments.extend(cost(model));
    segments.extend(expected(model));
    segments
}

/// How many steps have succeeded and failed, where there is no line for the progress.
fn ended_steps(model: &Model) -> Vec<Segment> {
    let (theme, run) = (&model.theme, &model.run);
    let mut segments = Vec::new();
    let done = run.count(StepStatus::Succeeded);
    let good = theme.status(StepStatus::Succeeded);
    segments.push(Segment::new(
        8,
        vec![
            Span::styled(format!("{done}/{} ", header_steps(run)), theme.text),
            Span::styled(good.glyph, good.style),
        ],
    ));
    // An element that failed counts before its `for_each` step has.
    let failed = match run.count(StepStatus::Failed) {
        0 => model.run_index.failures(),
        steps => steps,
    };
    if failed > 0 {
        let bad = theme.status(StepStatus::Failed);
        segments.push(Segment::new(
            9,
            vec![Span::styled(format!("{failed} {}", bad.glyph), bad.style)],
        ));
    }
    segments
}

/// How long the run is likely to take from now on.
fn time_left(model: &Model) -> Option<Segment> {
    let left = model.time_left?;
    let words = if left < Micros(1_000_000) {
        " · <1s left".to_owned()
    } else {
        format!(" · ~{} left", format::whole_seconds(left))
    };
    Some(Segment::joined(
        5,
        vec![Span::styled(words, model.theme.dim)],
    ))
}

/// The state in words, and how it looks.
fn state(model: &Model) -> (String, Style) {
    let (theme, run) = (&model.theme, &model.run);
    let strong = |style: Style| style.patch(ratatui::style::Modifier::BOLD);
    if let Some(percent) = model.read_percent {
        return (format!("READING {percent}%"), strong(theme.accent));
    }
    match run.phase {
        RunPhase::Empty => ("STARTING".to_owned(), theme.dim),
        RunPhase::Running => (
            "RUNNING".to_owned(),
            strong(theme.status(StepStatus::Running).style),
        ),
        RunPhase::Paused if run.running > 0 => (
            format!("PAUSING ({} running)", run.running),
            strong(theme.warning),
        ),
        RunPhase::Paused if !run.held_steps.is_empty() => ("HELD".to_owned(), strong(theme.bad)),
        RunPhase::Paused => ("PAUSED".to_owned(), strong(theme.warning)),
        RunPhase::Stopping => ("STOPPING".to_owned(), strong(theme.warning)),
        RunPhase::Ended(RunOutcome::Succeeded) => ("SUCCEEDED".to_owned(), strong(theme.good)),
        RunPhase::Ended(RunOutcome::Failed) => ("FAILED".to_owned(), strong(theme.bad)),
        RunPhase::Ended(RunOutcome::LimitExceeded) => ("LIMIT".to_owned(), strong(theme.bad)),
        RunPhase::Ended(RunOutcome::Cancelled) => ("CANCELLED".to_owned(), strong(theme.warning)),
        RunPhase::Ended(RunOutcome::Waiting) => ("WAITING".to_owned(), strong(theme.warning)),
    }
}

fn cost(model: &Model) -> Vec<Segment> {
    let (run, theme) = (&model.run, &model.theme);
    if !run
        .header
        .as_deref()
        .is_some_and(|header| header.track_cost)
    {
        return Vec::new();
    }
    if !model.run_index.can_cost() && run.spent.is_zero() {
        return vec![Segment::new(2, vec![Span::styled("free", theme.dim)])];
    }
    let least = if run.unpriced { "≥ " } else { "" };
    let spent = Span::styled(format!("{least}{}", run.spent), theme.text);
    let mut segments = vec![Segment::new(7, vec![spent])];
    if let Some(most) = run.budget() {
        segments.push(Segment::joined(
            4,
            vec![Span::styled(
                format!(" of {}", format::budget(most)),
                theme.dim,
            )],
        ));
        segments.push(Segment::joined(
            2,
            bar(run.spent, run.reserved, most, theme),
        ));
    }
    segments
}

/// What the run is expected to cost in all, while there is something to come.
fn expected(model: &Model) -> Option<Segment> {
    let rest = model.forecast.filter(|_| !model.run.has_ended())?;
    let words = match rest.expected {
        _ if rest.is_free() => return None,
        Some(expected) => format!(" ~{}", model.run.spent + expected),
        None => " ~?".to_owned(),
    };
    Some(Segment::joined(
        1,
        vec![Span::styled(words, model.theme.dim)],
    ))
}

/// Spent, reserved and free, as shares of the budget.
fn bar(spent: Money, reserved: Money, most: Money, theme: &Theme) -> Vec<Span<'static>> {
    let cells = |amount: Money| {
        let share = amount.usd() / most.usd();
        if amount.pico() <= 0 || share.is_nan() {
            0
        } else {
            ((share * BAR as f64).round() as usize).clamp(1, BAR)
        }
    };
    let gone = cells(spent);
    let held = cells(reserved).min(BAR - gone);
    let style = if gone * 5 >= BAR * 4 {
        theme.warning
    } else {
        theme.accent
    };
    vec![
        Span::raw(" "),
        Span::styled("▇".repeat(gone), style),
        Span::styled("▒".repeat(held), style),
        Span::styled("░".repeat(BAR - gone - held), theme.border),
    ]
}

/// The shortest work of which speed says anything.
const WORTH_A_FIGURE: Micros = Micros(100_000);

/// How fast the run is: beside one step after the other, in its slots, and beside the best order of its steps.
fn figures(model: &Model) -> Vec<Segment> {
    let theme = &model.theme;
    let figures = &model.figures;
    let mut segments = Vec::new();
    let mut put = |rank, spans: Vec<Span<'static>>| {
        if segments.is_empty() {
            segments.push(Segment::new(rank, spans));
        } else {
            let dot = Span::styled(" · ", theme.dim);
            let spans = [dot].into_iter().chain(spans).collect();
            segments.push(Segment::joined(rank, spans));
        }
    };
    let text = |words: String| Span::styled(words, theme.text);
    let dim = |words: &'static str| Span::styled(words, theme.dim);
    let measured = figures.work >= WORTH_A_FIGURE;
    if let Some(speedup) = figures.speedup.filter(|_| measured) {
        let words = if speedup < 1.0 { " as fast" } else { " faster" };
        put(9, vec![text(format::times(speedup)), dim(words)]);
    }
    let share = figures.slot_utilisation.filter(|_| measured);
    put(8, slots(&model.run, share, theme));
    if let Some(share) = figures.parallel_efficiency.filter(|_| measured) {
        put(5, vec![dim("schedule "), text(in_percent(share))]);
    }
    if figures.span > Micros(0) {
        let span = text(written(model)(figures.span));
        put(3, vec![dim("critical path "), span]);
    }
    segments
}

/// A share of one, set apart from the words around it.
fn in_percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// The slots: those taken of all while the run is in progress, how many there were once it has ended; and the share of
/// their time that was used.
fn slots(run: &RunState, share: Option<f64>, theme: &Theme) -> Vec<Span<'static>> {
    let slots = format::thousands(run.slots() as u64);
    let share = share.map(in_percent);
    let words = match (run.has_ended(), share) {
        (true, Some(share)) => format!("{share} of {slots}"),
        (true, None) => slots,
        (false, Some(share)) => format!("{}/{slots} {share}", run.running),
        (false, None) => format!("{}/{slots}", run.running),
    };
    vec![
        Span::styled("slots ", theme.dim),
        Span::styled(words, theme.text),
    ]
}

/// The plan's own steps; elements of `for_each` steps count with their step.
fn header_steps(run: &RunState) -> usize {
    run.header.as_deref().map_or(0, |header| header.steps.len())
}
