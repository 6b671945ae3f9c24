//! Why the step failed, and what can be done; for a skipped step the failure above it.

use super::overview::{cause, skipped};
use crate::run::{ErrorKind, RunError, RunState, StepState, StepStatus};
use crate::tui::dashboard::state::model::Model;
use crate::tui::widgets::text_page::TextPage;

/// How far up the reason of a skip is looked for.
const ABOVE: usize = 1_000;

/// Writes the page.
pub(super) fn write(model: &Model, row: &StepState, page: &mut TextPage<'_>) {
    let theme = page.theme;
    if let Some(error) = &row.error {
        describe(error, page);
        page.space();
        page.text("r reruns the step and its dependents.", theme.dim);
        return;
    }
    if row.status == StepStatus::Skipped {
        page.text(&skipped(&model.run, row), theme.text);
        if let Some((above, error)) = above(&model.run, row) {
            page.space();
            page.text(&above.info.id, theme.strong);
            describe(error, page);
        }
        return;
    }
    let failed = row.attempts.iter().rev().find_map(|attempt| {
        let error = attempt.end.as_ref()?.1.error.as_ref()?;
        Some((attempt.number, error))
    });
    match failed {
        Some((number, error)) => {
            let now = match row.status {
                StepStatus::Succeeded => "It has succeeded since. ",
                _ => "",
            };
            page.text(&format!("{now}Attempt {number} failed:"), theme.dim);
            page.space();
            describe(error, page);
        }
        None => page.text("No error.", theme.dim),
    }
}

fn describe(error: &RunError, page: &mut TextPage<'_>) {
    let theme = page.theme;
    let kind = match error.kind {
        ErrorKind::PlanError => "PlanError",
        ErrorKind::ToolExecutionError => "ToolExecutionError",
        ErrorKind::ResourceLimitError => "ResourceLimitError",
        ErrorKind::TimeoutError => "TimeoutError",
    };
    page.spans("type", vec![(kind.to_owned(), theme.bad)]);
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
    page.space();
    page.text(&error.message, theme.text);
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
