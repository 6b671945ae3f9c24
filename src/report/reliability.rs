//! How reliable a plan is, in words.

use crate::run::{Reliability, StepRecord};
use crate::text::format::count;

/// The steps that are named.
const NAMED: usize = 3;

/// `about 87 % (71 to 95 %), by 12 runs`, then lines on its weakest steps and on what is not known.
pub(crate) fn reliability_in_words(found: &Reliability) -> Vec<String> {
    let [low, high] = found.interval;
    let mut lines = vec![format!(
        "{} ({} to {}) of runs come to the usual result, by {} on record",
        percent(found.expected),
        percent(low).trim_end_matches(" %"),
        percent(high),
        count(found.runs as usize, "run")
    )];
    let weak = found
        .steps
        .iter()
        .filter(|step| step.expected() < Some(1.0));
    lines.extend(weak.take(NAMED).map(step_in_words));
    if !found.unknown.is_empty() {
        let named = found.unknown.iter().take(NAMED);
        let mut named: Vec<&str> = named.map(|id| &**id).collect();
        let more = found.unknown.len().saturating_sub(NAMED);
        let more = format!("{more} more");
        if found.unknown.len() > NAMED {
            named.push(&more);
        }
        lines.push(format!("nothing on record of {}", named.join(", ")));
    }
    lines
}

/// `total 75 %: succeeded in 9 of 10 runs, 15 of 20 repeated calls agree`.
fn step_in_words(step: &StepRecord) -> String {
    let mut why = Vec::new();
    if step.ended > 0 {
        why.push(format!(
            "succeeded in {} of {}",
            step.succeeded,
            count(step.ended as usize, "run")
        ));
    }
    if step.repeated > 0 {
        why.push(format!(
            "{} of {} agree",
            step.agreeing,
            count(step.repeated as usize, "repeated call")
        ));
    }
    let share = step.expected().unwrap_or_default();
    format!("{} {}: {}", step.step, percent(share), why.join(", "))
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}
