//! The faults of an answer, as the model is told them.

use crate::plan::PlanFaults;
use crate::text::message::quote;
use std::fmt::Write;

/// The maximum of faults in one message, and its maximum length in bytes.
const MAX_FAULTS: usize = 25;
const MAX_BYTES: usize = 6_000;

/// The maximum length of a bad answer that is sent back, in bytes.
const MAX_ANSWER: usize = 24_000;

/// The message after an answer that is not a valid plan.
pub(super) fn feedback(faults: &PlanFaults) -> String {
    let mut text = "This is not a valid plan:\n".to_owned();
    let mut errors = faults.errors();
    for fault in errors.by_ref().take(MAX_FAULTS) {
        text.push_str("- ");
        if let Some(step) = &fault.step {
            let _ = write!(text, "step {step}: ");
        }
        text.push_str(&fault.message);
        if let Some(help) = &fault.help {
            let _ = write!(text, " ({help})");
        }
        text.push('\n');
    }
    let more = errors.count();
    if more > 0 {
        let _ = writeln!(text, "- and {more} more");
    }
    let text = quote(&text, MAX_BYTES);
    format!("{text}\nAnswer again with the whole corrected plan, one JSON object and nothing else.")
}

/// The bad answer as it is sent back: a very long one only with its beginning.
pub(super) fn sent_back(answer: &str) -> String {
    let answer = answer.trim();
    if answer.is_empty() {
        return "(no answer)".to_owned();
    }
    quote(answer, MAX_ANSWER)
}
