//! What matters of a step in its state, on the overview: the last words of what runs, the reason and the log of what
//! failed, the output of what succeeded, and how long what waits has waited.

use super::command::command_line;
use crate::report::question_in_words;
use crate::run::{AttemptState, LogStream, StepState, StepStatus};
use crate::text;
use crate::text::format;
use crate::text::message::clean;
use crate::tui::dashboard::state::model::Model;
use crate::tui::theme::Theme;
use crate::tui::widgets::text_page::TextPage;
use crate::tui::widgets::{ansi, json};
use crate::units::Micros;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use serde_json::Value;

/// Lines of the log.
const LOG_LINES: usize = 10;
/// Lines of an output.
const OUTPUT_LINES: usize = 14;
/// Bytes of an output that are looked at.
const OUTPUT_BYTES: usize = 4_000;
/// Lines of an error.
const ERROR_LINES: usize = 10;
/// Lines of a command.
const COMMAND_LINES: usize = 4;

/// What is told before everything else: why it failed, or since when it waits.
pub(super) fn write_first(model: &Model, row: &StepState, page: &mut TextPage<'_>) {
    let theme = page.theme;
    if let Some(error) = &row.error {
        let headline = clean(text::headline(&error.message), OUTPUT_BYTES);
        page.spans("error", vec![(headline, theme.bad)]);
    }
    if let Some(id) = model.run.stale_because(row) {
        let words = if *id == row.info.id {
            "it was edited, and has not run again".to_owned()
        } else {
            format!("{} was edited, and this has not run again", text::line(id))
        };
        page.spans("stale", vec![(words, theme.warning)]);
    }
    if let Some(question) = row.open_question() {
        let style = theme.status(StepStatus::Unknown).style;
        let words = clean(&question_in_words(question), OUTPUT_BYTES);
        page.spans("asks you", vec![(words, style)]);
        page.field("", "u answers");
    }
    if row.status == StepStatus::Ready
        && let Some(ready) = row.ready_at()
        && model.now > ready
    {
        page.field("waiting", &format::elapsed(model.now - ready));
    }
}

/// What is shown below the facts.
pub(super) fn write_last(row: &StepState, page: &mut TextPage<'_>) {
    let last = row.attempts.last();
    match row.status {
        StepStatus::Running => {
            if let Some(attempt) = last {
                write_log(attempt, LOG_LINES, page);
            }
        }
        StepStatus::Succeeded => {
            if let Some(output) = row.made() {
                write_output(output, page);
            }
        }
        _ => {
            if let Some(output) = &row.rejected {
                write_output(output, page);
            }
            let logged = last.filter(|attempt| !attempt.log.is_empty());
            if let Some(attempt) = logged {
                write_log(attempt, LOG_LINES, page);
            } else if let Some(error) = &row.error
                && error.message.trim() != text::headline(&error.message)
            {
                page.heading("Error");
                page.bounded(0, &error.message, page.theme.bad, ERROR_LINES);
            }
            if let Some(attempt) = last {
                write_command(row, attempt, page);
            }
        }
    }
}

/// The last lines of a log, at most `most` of them.
pub(super) fn write_log(attempt: &AttemptState, most: usize, page: &mut TextPage<'_>) {
    let theme = page.theme;
    let width = page.width();
    let mut lines: Vec<Line<'static>> = Vec::new();
    for (stream, entry) in attempt.log.iter().rev() {
        if lines.len() >= most {
            break;
        }
        let style = match stream {
            LogStream::Stderr | LogStream::Stdout => theme.text,
            LogStream::Note => theme.dim,
        };
        let end = entry.trim_end_matches('\r');
        let spans = ansi::spans(end, style, theme);
        let wrapped = ansi::wrap(&spans, width, most);
        lines.extend(wrapped.into_iter().rev());
    }
    if lines.is_empty() {
        return;
    }
    let more = attempt.log.dropped() > 0 || attempt.log.len() > lines.len();
    page.heading(if more { "Log, its end (5)" } else { "Log" });
    for line in lines.into_iter().take(most).rev() {
        page.push(line);
    }
}

pub(super) fn write_output(output: &Value, page: &mut TextPage<'_>) {
    page.heading("Output");
    let theme = page.theme;
    match output {
        Value::String(words) => {
            let end = words.floor_char_boundary(OUTPUT_BYTES);
            page.bounded(0, &words[..end], theme.string, OUTPUT_LINES);
        }
        Value::Object(members) if !members.is_empty() => {
            let names = members.keys().take(OUTPUT_LINES);
            let column = names.map(|key| text::width(key)).max().unwrap_or(0);
            let column = column.min(page.width() / 3).max(1);
            let room = page.width().saturating_sub(column + 2);
            for (key, value) in members.iter().take(OUTPUT_LINES) {
                let preview = text::fit(&json::preview(value, room), room);
                page.push(Line::from(vec![
                    Span::styled(format!("{}  ", text::pad(key, column)), theme.accent),
                    Span::styled(preview, style_of(value, theme)),
                ]));
            }
            write_more(members.len(), "member", page);
        }
        Value::Array(list) if !list.is_empty() => {
            for value in list.iter().take(OUTPUT_LINES) {
                let preview = text::fit(&json::preview(value, page.width()), page.width());
                page.push(Line::styled(preview, style_of(value, theme)));
            }
            write_more(list.len(), "element", page);
        }
        plain => page.text(&plain.to_string(), style_of(plain, theme)),
    }
}

fn write_more(count: usize, word: &str, page: &mut TextPage<'_>) {
    if count > OUTPUT_LINES {
        let words = format!("… {} in total (3)", format::count(count, word));
        page.text(&words, page.theme.dim);
    }
}

fn style_of(value: &Value, theme: &Theme) -> Style {
    match value {
        Value::String(_) => theme.string,
        Value::Array(_) | Value::Object(_) => theme.text,
        _ => theme.number,
    }
}

/// The command of a program.
fn write_command(row: &StepState, attempt: &AttemptState, page: &mut TextPage<'_>) {
    if let Some(line) = command_line(row, attempt) {
        page.heading("Command");
        page.bounded(0, line.command, page.theme.text, COMMAND_LINES);
    }
}

/// How long the attempt that is running has taken, for a name that something waits for.
pub(super) fn running_for(row: &StepState, now: Micros) -> Option<String> {
    row.running_time(now).map(format::elapsed)
}
