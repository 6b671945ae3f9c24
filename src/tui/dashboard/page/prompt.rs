//! What a model is asked and what it answers, or a request and its response: of the attempt that is running where that
//! is known before its end, else of the last one that had any.

use super::live;
use crate::run::{AttemptState, StepState};
use crate::tui::dashboard::state::model::Model;
use crate::tui::widgets::text_page::TextPage;

/// What there is to show of an attempt.
struct Exchange<'a> {
    attempt: &'a AttemptState,
    prompt: Option<&'a str>,
    reasoning: Option<String>,
    answer: Option<String>,
}

/// Writes the page.
pub(super) fn write(model: &Model, row: &StepState, page: &mut TextPage<'_>) {
    let theme = page.theme;
    let Some(exchange) = exchange(model, row) else {
        let words = if row.running_attempt().is_some() {
            "The call is running. A tool of this kind shows its request when the call has ended."
        } else if row.attempts.is_empty() {
            "It has not been called."
        } else {
            "This kind of tool has no prompt or request to show."
        };
        page.text(words, theme.dim);
        return;
    };
    let attempt = exchange.attempt;
    if row.attempts.len() > 1 {
        let words = format!("attempt {} of {}", attempt.number, row.attempts.len());
        page.text(&words, theme.dim);
    }
    if let Some(words) = status(model, attempt) {
        page.text(&words, theme.dim);
    }
    if let Some(prompt) = exchange.prompt {
        page.heading("Request");
        page.bounded(0, prompt, theme.text, super::LINES / 2);
    }
    if let Some(reasoning) = &exchange.reasoning {
        page.heading("Reasoning");
        page.bounded(0, reasoning, theme.dim, super::LINES / 4);
    }
    if let Some(answer) = &exchange.answer {
        page.heading("Response");
        page.text(answer, theme.text);
    }
}

/// What is known of the attempt besides its texts.
fn status(model: &Model, attempt: &AttemptState) -> Option<String> {
    if let Some((_, end)) = &attempt.end {
        return live::arrived(end);
    }
    let mut words = vec!["running".to_owned()];
    if !attempt.reserved.is_zero() {
        words.push(format!("{} reserved", attempt.reserved));
    }
    let answer = model.selected.and_then(|step| model.live_of(step));
    let arriving = answer.and_then(|answer| live::figures(attempt, answer));
    words.push(arriving.unwrap_or_else(|| "no answer yet".to_owned()));
    Some(words.join(", "))
}

/// The page as text.
pub(super) fn plain(model: &Model) -> String {
    let Some(exchange) = model.row().and_then(|row| exchange(model, row)) else {
        return String::new();
    };
    let texts = [exchange.prompt, exchange.answer.as_deref()];
    let texts: Vec<&str> = texts.into_iter().flatten().collect();
    texts.join("\n\n")
}

/// The attempt that is running where it has a prompt, else the last that had anything to show.
fn exchange<'a>(model: &Model, row: &'a StepState) -> Option<Exchange<'a>> {
    let mut attempts = row.attempts.iter().rev();
    attempts.find_map(|attempt| {
        let asked = attempt.prompt.as_deref();
        let exchange = if let Some((_, end)) = &attempt.end {
            Exchange {
                attempt,
                prompt: end.prompt.as_deref().or(asked),
                reasoning: end.reasoning.as_deref().map(str::to_owned),
                answer: end.answer.as_deref().map(str::to_owned),
            }
        } else {
            let answer = model.selected.and_then(|step| model.live_of(step));
            let (text, thoughts) = answer.map(live::parts).unwrap_or_default();
            Exchange {
                attempt,
                prompt: asked,
                reasoning: (!thoughts.is_empty()).then_some(thoughts),
                answer: (!text.is_empty()).then_some(text),
            }
        };
        let is_empty = exchange.prompt.is_none() && exchange.answer.is_none();
        (!is_empty).then_some(exchange)
    })
}
