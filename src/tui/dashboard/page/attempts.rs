//! Every try, the last one first, with what the tool said on the way.

use crate::report::{answer_in_words, question_in_words, settlement_in_words, sum_in_words};
use crate::run::{AttemptState, LogStream, Settlement, StepState, StepStatus};
use crate::text::format;
use crate::text::message::clean;
use crate::tui::dashboard::state::model::Model;
use crate::tui::theme::Theme;
use crate::tui::widgets::text_page::TextPage;
use ratatui::text::{Line, Span};

/// Lines of one log entry that are shown.
const ENTRY_LINES: usize = 50;

/// Writes the page.
pub(super) fn write(model: &Model, row: &StepState, page: &mut TextPage<'_>) {
    if let Some(settlement) = &row.settlement {
        write_settlement(settlement, page);
        page.space();
    }
    if row.attempts.is_empty() {
        page.text("It has not been called.", page.theme.dim);
        return;
    }
    for (at, attempt) in row.attempts.iter().rev().enumerate() {
        if at > 0 {
            page.space();
        }
        write_attempt(model, attempt, page);
    }
}

fn write_attempt(model: &Model, attempt: &AttemptState, page: &mut TextPage<'_>) {
    let theme = page.theme;
    page.push(headline(model, attempt));
    page.indented(2, &details(model, attempt), theme.dim);
    if let Some(handle) = &attempt.handle {
        let words = format!("the task {} of its server", clean(handle, 500));
        page.indented(2, &words, theme.dim);
    }
    for asked in &attempt.questions {
        let question = format!("asked: {}", question_in_words(&asked.question));
        page.bounded(2, &question, theme.text, ENTRY_LINES);
        let answer = match &asked.answer {
            Some(answer) => format!("answered: {}", answer_in_words(answer)),
            None if attempt.end.is_none() => "waits for your answer".to_owned(),
            None => "not answered".to_owned(),
        };
        page.bounded(2, &answer, theme.dim, ENTRY_LINES);
    }
    if let Some((_, end)) = &attempt.end {
        if let Some(words) = super::live::arrived(end) {
            page.indented(2, &words, theme.dim);
        }
        if let Some(sum) = sum_in_words(end) {
            page.indented(2, &sum, theme.dim);
        }
        if let Some(error) = &end.error {
            page.bounded(2, &error.message, theme.bad, ENTRY_LINES);
        }
        if let Some(wait) = end.retry_in {
            page.indented(
                2,
                &format!("retried after {}", format::duration(wait)),
                theme.dim,
            );
        }
    }
    write_log(attempt, theme, page);
}

/// What was found out about the call that an earlier run left behind, and the evidence.
fn write_settlement(settlement: &Settlement, page: &mut TextPage<'_>) {
    let theme = page.theme;
    page.text(&settlement_in_words(settlement), theme.text);
    let parts = [
        ("asked", &settlement.input),
        ("answered", &settlement.output),
    ];
    for (word, value) in parts {
        if let Some(value) = value {
            let text = format!("{word} {value}");
            page.bounded(2, &clean(&text, text.len()), theme.dim, ENTRY_LINES);
        }
    }
}

/// `✖ attempt 2  failed, 0.3s`.
pub(super) fn headline(model: &Model, attempt: &AttemptState) -> Line<'static> {
    let theme = &model.theme;
    let (status, word, took) = outcome(model, attempt);
    let look = theme.status(status);
    Line::from(vec![
        Span::styled(format!("{} ", look.glyph), look.style),
        Span::styled(format!("attempt {}", attempt.number), theme.strong),
        Span::styled(format!("  {word}, {took}"), theme.text),
    ])
}

fn outcome(model: &Model, attempt: &AttemptState) -> (StepStatus, &'static str, String) {
    match &attempt.end {
        None => (
            StepStatus::Running,
            "running",
            format::elapsed(model.now - attempt.started),
        ),
        Some((_, end)) => {
            let took = format::duration(end.service);
            if end.cancelled {
                (StepStatus::Cancelled, "cancelled", took)
            } else if end.error.is_some() {
                (StepStatus::Failed, "failed", took)
            } else {
                (StepStatus::Succeeded, "succeeded", took)
            }
        }
    }
}

fn details(model: &Model, attempt: &AttemptState) -> String {
    let mut words = vec![
        format!(
            "from {}",
            format::duration(model.run.run_time(attempt.started))
        ),
        format!("slot {}", attempt.slot + 1),
    ];
    if let Some((_, end)) = &attempt.end {
        words.extend(
            end.cost
                .filter(|cost| !cost.is_zero())
                .map(|cost| cost.to_string()),
        );
        words.extend(end.model.as_ref().map(ToString::to_string));
        words.extend(end.tokens.as_deref().map(|tokens| {
            format!(
                "{} + {} tokens",
                format::thousands(tokens.input),
                format::thousands(tokens.output)
            )
        }));
    }
    words.join(", ")
}

fn write_log(attempt: &AttemptState, theme: &Theme, page: &mut TextPage<'_>) {
    if attempt.log.dropped() > 0 {
        let words = format!(
            "{} earlier lines are not shown",
            format::thousands(attempt.log.dropped())
        );
        page.indented(2, &words, theme.warning);
    }
    for (stream, text) in attempt.log.iter() {
        let style = match stream {
            LogStream::Stderr | LogStream::Stdout => theme.text,
            LogStream::Note => theme.dim,
        };
        page.bounded(2, &clean(text, text.len()), style, ENTRY_LINES);
    }
}
