//! What the plan asks about the calls of a step, and what was decided.

use crate::report::decider_in_words;
use crate::run::StepState;
use crate::text;
use crate::tui::widgets::json;
use crate::tui::widgets::text_page::TextPage;

/// Bytes and lines of a call that are shown.
const BYTES: usize = 4 << 10;
const LINES: usize = 12;

/// Writes the fields: what is expected, whether an approval is needed, who decided, and the call that is asked about.
pub(super) fn write(row: &StepState, page: &mut TextPage<'_>) {
    let theme = page.theme;
    if let Some(checks) = &row.info.checks {
        for expectation in checks.expect.iter() {
            page.field("expects", expectation);
        }
        match checks.approve.as_deref() {
            Some("true") => page.field("approve", "each call"),
            Some(condition) => page.field("approve", &format!("where {condition}")),
            None => {}
        }
    }
    let Some(approval) = &row.approval else {
        return;
    };
    if let Some((granted, by)) = approval.decided {
        let word = if granted { "approved" } else { "refused" };
        page.field("decided", &format!("{word} by {}", decider_in_words(by)));
    } else {
        page.heading("Call to approve");
        let (call, _) = json::pretty(&approval.input.to_value(), BYTES);
        for line in call.lines().take(LINES) {
            page.text(&text::line(line), theme.text);
        }
    }
}
