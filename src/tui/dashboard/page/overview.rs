//! The overview page: the step's state and why, its time and cost, and its neighbours.

use crate::plan::StepIx;
use crate::report::money;
use crate::report::{given_in_words, savings, settlement_in_words, short};
use crate::run::{
    RateWait, RunPhase, RunState, SkipReason, StepSource, StepState, StepStatus, Verdict,
    WaitReason,
};
use crate::text;
use crate::text::format;
use crate::tui::dashboard::state::break_marks;
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::step_look::StepLook;
use crate::tui::input::key::Key;
use crate::tui::widgets::text_page::TextPage;
use crate::units::{Micros, Tokens};

/// Most neighbours that are named.
const NAMED: usize = 8;

/// Writes the page.
pub(super) fn write(model: &Model, row: &StepState, page: &mut TextPage<'_>) {
    let theme = page.theme;
    // Where the border has no room for all of the id, the page has.
    if text::width(&row.info.id) + 4 > page.width() {
        page.field("id", &row.info.id);
    }
    page.pair("tool", &row.info.tool, "kind", &row.info.kind);
    if let Some(name) = row.model() {
        page.field("model", name);
    }
    let is_broken = (model.selected).is_some_and(|step| model.breakpoints.contains(&step));
    let look = StepLook::of(row, is_broken).style(theme);
    page.spans(
        "state",
        vec![
            (format!("{} ", look.glyph), look.style),
            (state(model, row), theme.text),
        ],
    );
    let breaks = break_marks::of_step(model.latest(), &row.info.id);
    for when in breaks.into_iter().take(NAMED) {
        page.spans("held", vec![(format!("{when} (b, ctrl-b)"), theme.bad)]);
    }
    super::now::write_first(model, row, page);
    write_difference(model, page);
    let answer = model.selected.and_then(|step| model.live_of(step));
    if let Some((attempt, answer)) = row.running_attempt().zip(answer)
        && let Some(figures) = super::live::figures(attempt, answer)
    {
        page.field("answer", &figures);
    }
    write_time(model, row, page);
    write_cost(model, row, page);
    write_reuse(row, page);
    if let Some(settlement) = &row.settlement {
        page.field("settled", &settlement_in_words(settlement));
    }
    super::approval::write(row, page);
    // What went wrong is read before anything else.
    if row.error.is_some() {
        super::now::write_last(row, page);
        page.space();
    }
    write_critical(model, page);
    write_neighbours(model, "waits for", &row.info.depends_on, page);
    if let Some(step) = model.selected {
        write_neighbours(model, "needed by", model.run_index.dependents(step), page);
    }
    if let Some(answer) = answer.filter(|_| row.running_attempt().is_some()) {
        super::live::write_end(answer, page);
    }
    if let Some(description) = &row.info.description {
        page.space();
        page.text(description, theme.text);
    }
    if row.error.is_none() {
        super::now::write_last(row, page);
    }
}

/// The step's state in words, with the reason.
pub(super) fn state(model: &Model, row: &StepState) -> String {
    let run = &model.run;
    match row.status {
        StepStatus::Pending => {
            let open = |ix: &&StepIx| {
                run.steps
                    .get(ix.at())
                    .is_some_and(|row| !row.status.has_ended())
            };
            let open = row.info.depends_on.iter().filter(open).count();
            if open == 0 {
                "pending".to_owned()
            } else {
                format!("pending, waits for {}", format::count(open, "step"))
            }
        }
        StepStatus::Ready => format!("ready, {}", held_by(model, row)),
        StepStatus::Running if !row.elements().is_empty() => {
            format!("running, {}", elements(model, row))
        }
        StepStatus::Running => match (row.running_attempt(), row.retry_at) {
            (Some(attempt), _) => format!(
                "running, attempt {}, {}",
                attempt.number,
                format::elapsed(row.running_time(model.now).unwrap_or_default())
            ),
            (None, Some(due)) if row.waiting.is_none() => format!(
                "attempt {} failed; retry in {}",
                row.attempts.len(),
                format::elapsed(due - model.now)
            ),
            (None, _) if row.waiting.is_some() => {
                format!("between attempts, {}", held_by(model, row))
            }
            (None, _) => "running".to_owned(),
        },
        StepStatus::Succeeded => match row.source {
            Some(StepSource::Cache) => "succeeded, from the cache".to_owned(),
            Some(StepSource::Recorded) => "succeeded in an earlier run".to_owned(),
            Some(StepSource::Mock) => "succeeded, output set by the user".to_owned(),
            Some(StepSource::Call) | None => "succeeded".to_owned(),
        },
        StepStatus::Failed if row.is_expanded() => "failed in its elements".to_owned(),
        StepStatus::Failed => match row.attempts.len() {
            0 => "failed before it was called".to_owned(),
            many => format!("failed after {}", format::count(many, "attempt")),
        },
        StepStatus::Skipped => skipped(run, row),
        StepStatus::Cancelled => "cancelled while running".to_owned(),
        StepStatus::Unknown if row.was_lost_elsewhere() => {
            "unknown: the worker that made the call died".to_owned()
        }
        StepStatus::Unknown => "unknown: running when the process died".to_owned(),
    }
}

fn held_by(model: &Model, row: &StepState) -> String {
    let words = match row.waiting {
        Some(WaitReason::Budget) => "held until running calls leave enough budget",
        Some(WaitReason::Rate) => match row.rate.as_deref() {
            Some(rate) => return held_by_rate(rate, model.now),
            None => "held by a rate limit",
        },
        Some(WaitReason::Exclusive) => "runs alone and waits for the others",
        Some(WaitReason::Breakpoint) => "held by a breakpoint",
        Some(WaitReason::Approval) => {
            let key = model.keymap.shown("approve", Key::char('A'));
            return format!("its call needs an approval ({key})");
        }
        Some(WaitReason::HandOver) => "the run that goes on with the edited plan decides about it",
        Some(WaitReason::Target) if model.run.target.is_some() => {
            "the run goes to a step that does not need it"
        }
        None | Some(WaitReason::Target) if model.run.phase == RunPhase::Paused => {
            "held by the pause"
        }
        None | Some(WaitReason::Target) => "waits for a slot",
    };
    words.to_owned()
}

fn held_by_rate(rate: &RateWait, now: Micros) -> String {
    let name = text::fit(&rate.name, 60);
    match rate.until.filter(|at| *at > now) {
        Some(at) => format!(
            "held by rate limit {name} for at least {}",
            format::elapsed(at - now)
        ),
        None => format!("held by rate limit {name}"),
    }
}

/// Why a step was skipped.
pub(super) fn skipped(run: &RunState, row: &StepState) -> String {
    match row.reason {
        Some(SkipReason::Condition) => "skipped: its condition is not true".to_owned(),
        Some(SkipReason::Upstream) => {
            let Some(because) = &row.because else {
                return "skipped: what it needs did not succeed".to_owned();
            };
            let what = match cause(run, row).map(|row| row.status) {
                Some(StepStatus::Skipped) => "was skipped",
                Some(StepStatus::Cancelled) => "was cancelled",
                _ => "failed",
            };
            format!("skipped: {because} {what}")
        }
        Some(SkipReason::Limit) => "skipped: a limit stopped the run".to_owned(),
        Some(SkipReason::User) => "skipped by the user".to_owned(),
        None => "skipped".to_owned(),
    }
}

/// The row because of which this one was skipped.
pub(super) fn cause<'a>(run: &'a RunState, row: &StepState) -> Option<&'a StepState> {
    let because = row.because.as_ref()?;
    let rows = row
        .info
        .depends_on
        .iter()
        .filter_map(|ix| run.steps.get(ix.at()));
    let near = rows.into_iter().find(|row| row.info.id == *because);
    near.or_else(|| run.steps.iter().find(|row| row.info.id == *because))
}

fn elements(model: &Model, row: &StepState) -> String {
    let mut counts = [0usize; 8];
    for element in row
        .elements()
        .iter()
        .filter_map(|ix| model.run.steps.get(ix.at()))
    {
        counts[element.status as usize] += 1;
    }
    let shown = StepStatus::ALL
        .into_iter()
        .filter(|status| counts[*status as usize] > 0);
    let words: Vec<String> = shown
        .map(|status| {
            format!(
                "{}{}",
                model.theme.status(status).glyph,
                counts[status as usize]
            )
        })
        .collect();
    format!("{} in total: {}", row.elements().len(), words.join(" "))
}

/// How the step differs from the same step of the other run, if one is compared.
fn write_difference(model: &Model, page: &mut TextPage<'_>) {
    let Some(verdict) = model.selected.and_then(|step| model.verdict(step)) else {
        return;
    };
    let theme = page.theme;
    let (words, style) = match verdict {
        Verdict::Open => ("not known yet: it has not ended".to_owned(), theme.dim),
        Verdict::Alike => ("only in time".to_owned(), theme.good),
        Verdict::Differs(how) => (format!("in {} (d)", how.words().join(", ")), theme.warning),
        Verdict::Alone => ("the other run has no such step".to_owned(), theme.warning),
    };
    page.spans("differs", vec![(words, style)]);
}

fn write_time(model: &Model, row: &StepState, page: &mut TextPage<'_>) {
    let Some(started) = row.started_at() else {
        return;
    };
    let service = if row.is_expanded() {
        // Its calls are those of its elements.
        let ended = row.ended_at().unwrap_or(model.now);
        model.run.run_time(ended) - model.run.run_time(started)
    } else {
        row.service + row.running_time(model.now).unwrap_or_default()
    };
    let took = if row.status == StepStatus::Running {
        format::elapsed(service)
    } else {
        format::duration(service)
    };
    page.field("took", &took);
    // By the clock of the run, as the axis of the timeline and the header have it.
    let moment = |moment| format::duration(model.run.run_time(moment));
    let when = match row.called_until() {
        Some(ended) => format!("{} to {}", moment(started), moment(ended)),
        None => format!("from {}", moment(started)),
    };
    page.field("when", &when);
    if let Some(ready) = row.ready_at() {
        let waited = model.run.run_time(started) - model.run.run_time(ready);
        if waited > Micros(20_000) {
            page.field("queued", &format::duration(waited));
        }
    }
}

fn write_cost(model: &Model, row: &StepState, page: &mut TextPage<'_>) {
    let tracked = model
        .run
        .header
        .as_deref()
        .is_none_or(|header| header.track_cost);
    let costs = model.run_index.can_cost() || !model.run.spent.is_zero();
    if tracked && costs && !row.attempts.is_empty() {
        let reserved = row
            .running_attempt()
            .map(|attempt| attempt.reserved)
            .filter(|held| !held.is_zero());
        let cost = row.cost.map_or_else(
            || "unknown: no price".to_owned(),
            |cost| money::of_row(&model.run, row, cost),
        );
        let spent = row.cost.is_none_or(|cost| !cost.is_zero());
        let words = match reserved {
            Some(held) if spent => format!("{cost}, {held} reserved"),
            Some(held) => format!("{held} reserved"),
            None => cost,
        };
        page.field("cost", &words);
    }
    if let Some(tokens) = row.tokens.as_deref() {
        let words = tokens_in_words(*tokens);
        page.field("tokens", &words);
    }
}

/// The tokens in words, with the parts that are known.
fn tokens_in_words(tokens: Tokens) -> String {
    let side = |count: u64, word: &str, parts: &[(u64, &str)]| {
        let parts: Vec<String> = parts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, name)| format!("{} {name}", format::thousands(*count)))
            .collect();
        let parts = match parts.as_slice() {
            [] => String::new(),
            parts => format!(" ({})", parts.join(", ")),
        };
        format!("{} {word}{parts}", format::thousands(count))
    };
    let input = [
        (tokens.cached_input, "cached"),
        (tokens.cache_write.unwrap_or(0), "written to the cache"),
    ];
    let output = [(tokens.reasoning.unwrap_or(0), "reasoning")];
    format!(
        "{}, {}",
        side(tokens.input, "in", &input),
        side(tokens.output, "out", &output)
    )
}

/// What a reused output saved, and what the user set by hand.
fn write_reuse(row: &StepState, page: &mut TextPage<'_>) {
    let theme = page.theme;
    if let Some(reused) = &row.reused {
        page.field("saved", &savings(reused));
        let (age, run) = (format::age(reused.age), short(&reused.run_id));
        page.field("made", &format!("{age} before, by run {run}"));
    }
    let mut note = |words: &str| page.spans("", vec![(words.to_owned(), theme.accent)]);
    if row.pinned {
        note("pinned: used for this call until it is unpinned (p)");
    }
    if row.given.is_some() {
        note("its input was set by the user (I)");
    }
    if let Some(given) = &row.given_call {
        for (what, value) in given_in_words(given) {
            match &*value {
                "" => note(&format!("its {what} was set by the user")),
                value => note(&format!("its {what} was set by the user: {value}")),
            }
        }
    }
}

fn write_critical(model: &Model, page: &mut TextPage<'_>) {
    let figures = &model.figures;
    let Some(at) = figures
        .critical_path
        .iter()
        .position(|ix| Some(*ix) == model.selected)
    else {
        return;
    };
    let words = match figures.potential.get(at) {
        Some(saved) if saved.0 > 0 => {
            format!("could save up to {}", format::duration(*saved))
        }
        _ => "one of several paths of this length".to_owned(),
    };
    page.field("critical", &words);
}

fn write_neighbours(model: &Model, label: &'static str, steps: &[StepIx], page: &mut TextPage<'_>) {
    let theme = page.theme;
    for (at, ix) in steps.iter().take(NAMED).enumerate() {
        let Some(row) = model.run.steps.get(ix.at()) else {
            continue;
        };
        let look = theme.status(row.status);
        let label = if at == 0 { label } else { "" };
        let mut spans = vec![(format!("{} ", look.glyph), look.style)];
        spans.push((row.info.id.to_string(), theme.text));
        // A name that is broken over lines has no time behind it.
        if let Some(time) = super::now::running_for(row, model.now)
            && page.has_room_for(&row.info.id, &time)
        {
            if let Some((name, _)) = spans.last_mut() {
                name.push_str("  ");
            }
            spans.push((time, theme.dim));
        }
        page.naming(ix.0, label, spans);
    }
    if steps.len() > NAMED {
        page.spans(
            "",
            vec![(format!("and {} more", steps.len() - NAMED), theme.dim)],
        );
    }
}
