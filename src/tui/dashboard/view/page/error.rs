//! Why the step failed, and what can be done; for a skipped step the failure above it.

use super::overview::{cause, skipped};
use crate::run::{ErrorKind, RunError, RunState, StepState, StepStatus};
use crate::tui::dashboard::state::model::Model;
use crate::tui::widgets::text_page::Sheet;

/// How far up the reason of a skip is looked for.
const ABOVE: usize = 1_000;

/// Writes the page.
pub fn write(model: &Model, row: &StepState, sheet: &mut Sheet<'_>) {
    let theme = sheet.theme;
    if let Some(error) = &row.error {
        describe(error, sheet);
        sheet.space();
        sheet.text(
            "r runs the step again, with everything that depends on it.",
            theme.dim,
        );
        return;
    }
    if row.status == StepStatus::Skipped {
        sheet.text(&skipped(&model.run, row), theme.text);
        if let Some((above, error)) = above(&model.run, row) {
            sheet.heading(&above.info.id);
            describe(error, sheet);
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
            sheet.text(&format!("{now}Attempt {number} failed:"), theme.dim);
            sheet.space();
            describe(error, sheet);
        }
        None => sheet.text("No error.", theme.dim),
    }
}

fn describe(error: &RunError, sheet: &mut Sheet<'_>) {
    let theme = sheet.theme;
    let kind = match error.kind {
        ErrorKind::PlanError => "PlanError",
        ErrorKind::ToolExecutionError => "ToolExecutionError",
        ErrorKind::ResourceLimitError => "ResourceLimitError",
        ErrorKind::TimeoutError => "TimeoutError",
    };
    sheet.spans("type", vec![(kind.to_owned(), theme.bad)]);
    if let Some(tool) = &error.tool_name {
        sheet.field("tool", tool);
    }
    sheet.field("attempts", &error.attempts.to_string());
    sheet.field(
        "retry",
        if error.retryable {
            "could help"
        } else {
            "the same call would fail again"
        },
    );
    sheet.space();
    sheet.text(&error.message, theme.text);
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
