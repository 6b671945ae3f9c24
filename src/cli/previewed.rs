//! What a verb would do, on standard output.

use super::failure::Failure;
use super::output::{out_json, out_line};
use crate::report::{cost_in_words, time_in_words};
use crate::run::{Range, Seconds};
use crate::units::{Micros, Money};
use serde_json::Value;

/// Prints it, as JSON or as lines.
pub(super) fn out_preview(preview: &Value, json: bool) -> Result<(), Failure> {
    if json {
        return out_json(preview);
    }
    for (label, list) in [("runs", "reruns"), ("stays", "stays"), ("cannot", "cannot")] {
        for entry in preview[list].as_array().into_iter().flatten() {
            let word = |name: &str| crate::text::line(entry[name].as_str().unwrap_or_default());
            out_line(&format!("{label:<8}{}: {}", word("step"), word("why")))?;
        }
    }
    let cost = range(&preview["cost_usd"], Money::from_usd);
    let seconds = range(&preview["seconds"], |seconds| {
        Seconds(Micros((seconds * 1e6) as u64))
    });
    out_line(&format!("costs   {}", cost_in_words(&cost)))?;
    out_line(&format!("takes   {}", time_in_words(&seconds)))
}

fn range<T>(bounds: &Value, of: impl Fn(f64) -> T) -> Range<T> {
    let bound = |which: &str| bounds[which].as_f64().map(&of);
    Range {
        min: bound("min").unwrap_or_else(|| of(0.0)),
        expected: bound("expected"),
        max: bound("max"),
    }
}
