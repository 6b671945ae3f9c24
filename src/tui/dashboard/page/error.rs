//! Why the step failed, and what can be done; for a skipped step the failure above it.

use super::command::command_line;
use super::overview::{cause, skipped};
use crate::run::{AttemptState, RunError, RunState, StepState, StepStatus};
use crate::text;
use crate::text::message::clean;
use crate::tui::dashboard::state::model::Model;
use crate::tui::input::key::Key;
use crate::tui::widgets::text_page::TextPage;
use ratatui::style::Modifier;

/// Lines of the log.
const LOG_LINES: usize = 200;
/// How far up the reason of a skip is looked for.
const ABOVE: usize = 1_000;

/// Writes the page.
pub(super) fn write(model: &Model, row: &StepState, page: &mut TextPage<'_>) {
    let theme = page.theme;
    if let Some(error) = &row.error {
        describe(row, row.attempts.last(), error, page);
        page.space();
        let key = |name, usual| model.keymap.shown(name, Key::char(usual));
        let copies = super::shell_command(row).map_or_else(String::new, |_| {
            let key = key("copy-command", 'C');
            format!(" {key} copies the call as a command.")
        });
        let key = key("retry", 'r');
        let words = format!("{key} reruns the step and its dependents.{copies}");
        page.text(&words, theme.dim);
        return;
    }
    if row.status == StepStatus::Skipped {
        page.text(&skipped(&model.run, row), theme.text);
        if let Some((above, error)) = above(&model.run, row) {
            page.space();
            page.text(&above.info.id, theme.strong);
            describe(above, above.attempts.last(), error, page);
        }
        return;
    }
    let failed = row.attempts.iter().rev().find_map(|attempt| {
        let error = attempt.end.as_ref()?.1.error.as_ref()?;
        Some((attempt, error))
    });
    match failed {
        Some((attempt, error)) => {
            let number = attempt.number;
            let now = match row.status {
                StepStatus::Succeeded => "It has succeeded since. ",
                _ => "",
            };
            page.text(&format!("{now}Attempt {number} failed:"), theme.dim);
            page.space();
            describe(row, Some(attempt), error, page);
        }
        None => page.text("No error.", theme.dim),
    }
}

fn describe(
    row: &StepState,
    attempt: Option<&AttemptState>,
    error: &RunError,
    page: &mut TextPage<'_>,
) {
    let theme = page.theme;
    let headline = clean(text::headline(&error.message), error.message.len());
    page.text(&headline, theme.bad.add_modifier(Modifier::BOLD));
    page.space();
    if let Some(exit) = exit(&error.message) {
        page.field("exit", exit);
    }
    let line = attempt.and_then(|attempt| command_line(row, attempt));
    if let Some(line) = &line {
        page.field("command", line.command);
        page.field(
            "folder",
            line.folder.unwrap_or("where plandeck was started"),
        );
    }
    page.field("type", error.kind.word());
    if let Some(tool) = &error.tool_name {
        page.field("tool", tool);
    }
    page.field("attempts", &error.attempts.to_string());
    page.field(
        "retry",
        if error.retryable {
            "could help"
        } else {
            "the same call would fail again"
        },
    );
    let expected = row.info.checks.as_deref();
    for expectation in expected.iter().flat_map(|checks| checks.expect.iter()) {
        page.field("expects", expectation);
    }
    if let Some(output) = &row.rejected {
        super::now::write_output(output, page);
    }
    let logged = attempt.filter(|attempt| line.is_some() && !attempt.log.is_empty());
    if let Some(attempt) = logged {
        super::now::write_log(attempt, LOG_LINES, page);
    } else if error.message.trim() != headline {
        page.heading("Message");
        page.text(&error.message, theme.text);
    }
}

/// How a program ended, as the message says it: `code 3`, `signal 9 (kill)`.
fn exit(message: &str) -> Option<&str> {
    let (_, rest) = message
        .split_once(" exited with ")
        .or_else(|| message.split_once(" was ended by "))?;
    let end = rest.find([':', '\n']).unwrap_or(rest.len());
    let words = rest[..end].trim();
    let words = words.split(" without a message").next().unwrap_or(words);
    words.starts_with(['c', 's']).then_some(words)
}

/// The failed step above a skipped one, through steps that were skipped for the same reason.
fn above<'a>(run: &'a RunState, row: &'a StepState) -> Option<(&'a StepState, &'a RunError)> {
    let mut at = row;
    for _ in 0..ABOVE {
        at = cause(run, at)?;
        if let Some(error) = &at.error {
            return Some((at, error));
        }
    }
    None
}
