//! What a model was asked and what it answered, or a request and its response, of the last try that ended.

use crate::run::{AttemptEnd, StepState};
use crate::tui::dashboard::state::model::Model;
use crate::tui::widgets::text_page::TextPage;

/// Writes the page.
pub fn write(_: &Model, row: &StepState, page: &mut TextPage<'_>) {
    let theme = page.theme;
    let Some(end) = last(row) else {
        let words = if row.running_attempt().is_some() {
            "The call is running; its request is shown when it has ended."
        } else if row.attempts.is_empty() {
            "It has not been called."
        } else {
            "This kind of tool has no prompt or request to show."
        };
        page.text(words, theme.dim);
        return;
    };
    if row.attempts.len() > 1 {
        page.text(
            &format!("attempt {} of {}", end.attempt, row.attempts.len()),
            theme.dim,
        );
    }
    if let Some(prompt) = &end.prompt {
        page.heading("Request");
        page.bounded(0, prompt, theme.text, super::LINES / 2);
    }
    if let Some(reasoning) = &end.reasoning {
        page.heading("Reasoning");
        page.bounded(0, reasoning, theme.dim, super::LINES / 4);
    }
    if let Some(answer) = &end.answer {
        page.heading("Response");
        page.text(answer, theme.text);
    }
}

/// The page as text.
pub fn plain(model: &Model) -> String {
    let Some(end) = model.row().and_then(last) else {
        return String::new();
    };
    let segments = [&end.prompt, &end.answer];
    let segments: Vec<&str> = segments.into_iter().flatten().map(AsRef::as_ref).collect();
    segments.join("\n\n")
}

fn last(row: &StepState) -> Option<&AttemptEnd> {
    let mut ends = row
        .attempts
        .iter()
        .rev()
        .filter_map(|attempt| Some(&*attempt.end.as_ref()?.1));
    ends.find(|end| end.prompt.is_some() || end.answer.is_some())
}
