//! The run as a whole, in the place of a step: its money, where the time of its slots went, what it hangs on.

use crate::report::{money, reliability_in_words};
use crate::run::{Forecast, RunState, slot_time};
use crate::text;
use crate::text::format;
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::setting_line;
use crate::tui::widgets::text_page::TextPage;
use crate::units::{Micros, Money};

/// Cells of a bar.
const BAR: usize = 16;
/// Cells of the names beside the bars.
const NAME: usize = 16;
/// Changes of settings that are named.
const CHANGES: usize = 10;
/// Steps of the critical path that are named.
const PATH: usize = 30;
/// Widths below which bars are left out.
const ROOMY: usize = 44;

/// Writes the page.
pub(super) fn write(model: &Model, width: usize, page: &mut TextPage<'_>) {
    let run = &model.run;
    let Some(header) = run.header.as_deref() else {
        return;
    };
    page.field("plan", &text::fit(&header.plan, 60));
    page.field("run", &header.run_id);
    page.field("worker", &text::fit(&header.worker, 60));
    if header.track_cost {
        write_money(model, page);
        write_savings(model, page);
    }
    write_reliability(model, page);
    write_settings(model, page);
    write_slots(run, model.now, width, page);
    write_path(model, page);
}

fn write_money(model: &Model, page: &mut TextPage<'_>) {
    let run = &model.run;
    page.heading("money");
    page.field("spent", &money::of_run(run, "at least "));
    if !run.reserved.is_zero() {
        page.field("reserved", &run.reserved.to_string());
    }
    if let Some(limit) = run.budget() {
        let free = (limit - run.spent - run.reserved).max(Money::ZERO);
        let words = format!("{free} of {}", format::budget(limit));
        page.field("free", &words);
    }
    if let Some(rest) = model.forecast.filter(|_| !run.has_ended()) {
        page.field("to come", &to_come(&rest));
    }
    if !run.saved_cost.is_zero() || run.saved_time > Micros(0) {
        let words = format!(
            "{} and {} by cached outputs",
            run.saved_cost,
            format::duration(run.saved_time)
        );
        page.field("saved", &words);
    }
}

/// How often the plan comes to its usual result.
fn write_reliability(model: &Model, page: &mut TextPage<'_>) {
    let theme = page.theme;
    match &model.reliability {
        Some(Ok(Some(found))) => {
            page.heading("reliability");
            for (at, words) in reliability_in_words(found).iter().enumerate() {
                page.text(words, if at == 0 { theme.text } else { theme.dim });
            }
        }
        Some(Err(why)) => {
            page.heading("reliability");
            page.text(&format!("not known: {why}"), theme.warning);
        }
        Some(Ok(None)) | None => {}
    }
}

/// Planning once and executing often, beside the same work by the large model alone.
fn write_savings(model: &Model, page: &mut TextPage<'_>) {
    let known = model
        .savings
        .as_ref()
        .filter(|saved| saved.at == model.run.at);
    let Some(known) = known.and_then(|saved| saved.known.as_ref()) else {
        return;
    };
    page.heading("what the plan saves");
    let theme = page.theme;
    let saved = match known {
        Ok(saved) => saved,
        Err(why) => {
            page.text(&format!("not known: {why}"), theme.warning);
            return;
        }
    };
    let large = text::fit(&saved.large, 40);
    let source = if saved.planning_is_recorded {
        "recorded"
    } else {
        "estimated"
    };
    page.field(
        "planning",
        &format!("{} once, {source}, {large}", or_unknown(saved.planning)),
    );
    let calls = format::count(
        usize::try_from(saved.calls).unwrap_or(usize::MAX),
        "model call",
    );
    page.field(
        "execution",
        &format!("{} in {calls}", or_unknown(saved.small)),
    );
    page.field(
        "all large",
        &format!("{} each time, {large}", or_unknown(saved.all_large)),
    );
    for row in saved.rows(None) {
        let words = format!(
            "{:>5} × {:>9} planned, {:>9} all large",
            format::thousands(row.executions),
            row.planned.to_string(),
            row.all_large.to_string()
        );
        page.text(&words, theme.text);
    }
    let words = match saved.break_even() {
        Some(count) => format!(
            "the plan is cheaper from execution {} on",
            format::thousands(count)
        ),
        None => "the plan is not cheaper, or a price is not known".to_owned(),
    };
    page.text(&words, theme.text);
    for assumption in &saved.assumptions {
        page.text(&format!("- {assumption}"), theme.dim);
    }
}

/// What the rest of a run can cost.
fn to_come(rest: &Forecast) -> String {
    if rest.is_free() {
        return "nothing".to_owned();
    }
    if rest.expected == Some(rest.min) && rest.max == Some(rest.min) {
        return rest.min.to_string();
    }
    format!(
        "{} expected, from {} to {}",
        or_unknown(rest.expected),
        rest.min,
        match rest.max {
            Some(max) => max.to_string(),
            None => "no known bound".to_owned(),
        }
    )
}

fn or_unknown(amount: Option<Money>) -> String {
    amount.map_or_else(|| "unknown".to_owned(), |amount| amount.to_string())
}

/// The settings in force, and what was changed in the run.
fn write_settings(model: &Model, page: &mut TextPage<'_>) {
    let run = &model.run;
    if run.setting_changes.is_empty() {
        return;
    }
    page.heading("settings changed in the run");
    let changes = run.setting_changes.iter();
    for (at, setting) in changes.skip(run.setting_changes.len().saturating_sub(CHANGES)) {
        let words = format!(
            "{:>7}  {}",
            format::duration(*at),
            setting_line::words(setting)
        );
        page.text(&words, page.theme.text);
    }
}

fn write_slots(run: &RunState, now: Micros, width: usize, page: &mut TextPage<'_>) {
    let account = slot_time(run, now);
    let total = account.total();
    if total == Micros(0) {
        return;
    }
    page.heading("slot time");
    let slots = format::count(account.slots, "slot");
    let words = format!(
        "{slots} over {}: {}",
        format::duration(account.wall),
        format::duration(total)
    );
    page.text(&words, page.theme.dim);
    let theme = page.theme;
    for (at, (name, segment)) in account.parts().into_iter().enumerate() {
        if segment == Micros(0) && at > 0 {
            continue;
        }
        let share = segment.0 as f64 / total.0 as f64;
        let style = if at == 0 { theme.good } else { theme.warning };
        let mut spans = vec![ratatui::text::Span::styled(
            format!("{name:<NAME$}"),
            theme.dim,
        )];
        if width >= ROOMY {
            let full = (share * BAR as f64).round() as usize;
            let full = full.clamp(usize::from(segment > Micros(0)), BAR);
            spans.push(ratatui::text::Span::styled("▇".repeat(full), style));
            spans.push(ratatui::text::Span::raw(" ".repeat(BAR - full + 1)));
        }
        let words = format!(
            "{:>4}  {}",
            format::percent(share),
            format::duration(segment)
        );
        spans.push(ratatui::text::Span::styled(words, theme.text));
        page.push(spans.into());
    }
}

fn write_path(model: &Model, page: &mut TextPage<'_>) {
    let (run, figures) = (&model.run, &model.figures);
    if figures.critical_path.is_empty() {
        return;
    }
    page.heading("critical path");
    let words = format!(
        "{} long; what each step would save if it took no time",
        format::duration(figures.span)
    );
    page.text(&words, page.theme.dim);
    let theme = page.theme;
    let rows = figures.critical_path.iter().zip(&figures.potential);
    for (ix, potential) in rows.take(PATH) {
        let Some(row) = run.steps.get(ix.at()) else {
            continue;
        };
        let look = theme.status(row.status);
        let words = format!(
            "{:>7}  {}",
            format::duration(*potential),
            model
                .names
                .fit(&row.info.id, page.width().saturating_sub(11))
        );
        page.push(
            vec![
                ratatui::text::Span::styled(format!("{} ", look.glyph), look.style),
                ratatui::text::Span::styled(words, theme.text),
            ]
            .into(),
        );
    }
    let more = figures.critical_path.len().saturating_sub(PATH);
    if more > 0 {
        page.text(&format!("and {}", format::count(more, "step")), theme.dim);
    }
}
