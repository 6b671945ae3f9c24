//! What a model is asked and what it answers, or a request and its response: of the attempt that is running where that
//! is known before its end, else of the last one that had any.

use super::live;
use super::sections::{self, Content, Section};
use crate::run::{AttemptState, StepState};
use crate::text;
use crate::text::format;
use crate::tui::dashboard::state::model::Model;
use crate::tui::widgets::json;
use crate::tui::widgets::text_page::TextPage;
use ratatui::text::{Line, Span};
use serde_json::Value;

/// Bytes of a value that are laid out.
const VALUE_BYTES: usize = 32 * 1024;

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
        let sections = sections::sections(prompt);
        if sections.is_empty() {
            page.heading("Request");
            page.bounded(0, prompt, theme.text, super::LINES / 2);
        }
        for section in &sections {
            write_section(section, page);
        }
    }
    if let Some(reasoning) = &exchange.reasoning {
        page.heading("Reasoning");
        page.bounded(0, reasoning, theme.dim, super::LINES / 4);
    }
    if let Some(answer) = &exchange.answer {
        let is_of_model = exchange
            .prompt
            .is_some_and(|prompt| !sections::sections(prompt).is_empty());
        if is_of_model {
            page.heading(&titled("Answer", answer_tokens(attempt)));
        } else {
            page.heading("Response");
        }
        page.text(answer, theme.text);
        if is_of_model && let Some(output) = parsed(row, attempt, answer) {
            page.heading("Parsed");
            write_value(output, page);
        }
    }
}

/// The output that was read from the answer, where it reads otherwise than the answer.
fn parsed<'a>(row: &'a StepState, attempt: &AttemptState, answer: &str) -> Option<&'a Value> {
    let is_last = row
        .attempts
        .last()
        .is_some_and(|last| last.number == attempt.number);
    let output = row.made().map(|output| &**output).filter(|_| is_last)?;
    let is_same = match output {
        Value::String(text) => text.trim() == answer.trim(),
        Value::Array(_) | Value::Object(_) => false,
        plain => serde_json::from_str::<Value>(answer).is_ok_and(|answer| answer == *plain),
    };
    (!is_same).then_some(output)
}

/// The tokens of the answer as the server counts them.
fn answer_tokens(attempt: &AttemptState) -> Option<String> {
    let (_, end) = attempt.end.as_ref()?;
    let tokens = end.tokens.as_deref()?;
    Some(format!("{} tokens", format::thousands(tokens.output)))
}

fn titled(name: &str, tokens: Option<String>) -> String {
    match tokens {
        Some(tokens) => format!("{name} · {tokens}"),
        None => name.to_owned(),
    }
}

fn write_section(section: &Section, page: &mut TextPage<'_>) {
    let tokens = format!("about {} tokens", format::thousands(section.tokens));
    page.heading(&titled(section.name, Some(tokens)));
    match &section.content {
        Content::Text(text) => page.bounded(0, text, page.theme.text, super::LINES / 2),
        Content::Value(value) => write_value(value, page),
    }
}

/// A value in lines; the members of an object with their texts as they are, not as JSON writes them.
fn write_value(value: &Value, page: &mut TextPage<'_>) {
    let theme = page.theme;
    let Value::Object(members) = value else {
        let (text, _) = json::pretty(value, VALUE_BYTES);
        page.bounded(0, &text, theme.text, super::LINES / 4);
        return;
    };
    for (key, member) in members {
        match member {
            Value::String(text) if text.contains('\n') || text.len() > page.width() => {
                page.text(key, theme.accent);
                page.bounded(2, text, theme.string, super::LINES / 4);
            }
            Value::Array(_) | Value::Object(_) => {
                page.text(key, theme.accent);
                let (text, _) = json::pretty(member, VALUE_BYTES);
                page.bounded(2, &text, theme.text, super::LINES / 4);
            }
            plain => {
                let (text, style) = match plain {
                    Value::String(text) => (text.clone(), theme.string),
                    other => (other.to_string(), theme.number),
                };
                let key = text::line(key);
                page.push(Line::from(vec![
                    Span::styled(format!("{key}  "), theme.accent),
                    Span::styled(
                        text::fit(&text, page.width().saturating_sub(text::width(&key) + 2)),
                        style,
                    ),
                ]));
            }
        }
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
