//! A plan that was changed, compared with the one before.

use super::created_plan::{CreatedPlan, PlanningRecord};
use crate::plan::ExecutionPlan;
use crate::text::diff::{Pair, Piece, pairs};

/// A plan that a planner changed.
#[derive(Clone, Debug)]
pub struct ChangedPlan {
    /// The changed plan.
    pub plan: ExecutionPlan,
    /// What it took.
    pub record: PlanningRecord,
    /// The lines that differ, as `- ` and `+ `, with a few lines around them; empty where nothing differs.
    pub diff: String,
}

impl ChangedPlan {
    pub(super) fn new(before: &ExecutionPlan, created: CreatedPlan) -> Self {
        Self {
            diff: plan_diff(before, &created.plan),
            plan: created.plan,
            record: created.record,
        }
    }
}

/// The lines in which two plans differ, as `- ` and `+ `, with a few lines around them; empty where nothing differs.
pub(crate) fn plan_diff(before: &ExecutionPlan, after: &ExecutionPlan) -> String {
    let (mut removed, mut added) = (Vec::new(), Vec::new());
    let mut lines = Vec::new();
    let mut differ = false;
    for pair in pairs(&text(before), &text(after)) {
        if let Pair::Apart(old, new) = pair {
            differ = true;
            removed.extend(old.map(|pieces| format!("- {}", joined(&pieces))));
            added.extend(new.map(|pieces| format!("+ {}", joined(&pieces))));
            continue;
        }
        lines.append(&mut removed);
        lines.append(&mut added);
        lines.push(match pair {
            Pair::Alike(line) => format!("  {line}"),
            Pair::Skipped(count) => format!("  … {count} lines are alike"),
            _ => "  … the rest is too long to be compared".to_owned(),
        });
    }
    lines.append(&mut removed);
    lines.append(&mut added);
    if differ {
        lines.join("\n") + "\n"
    } else {
        String::new()
    }
}

fn joined(pieces: &[Piece]) -> String {
    pieces.iter().map(|piece| &*piece.text).collect()
}

/// A plan as indented JSON, one line for each parameter, without what reading adds.
fn text(plan: &ExecutionPlan) -> String {
    serde_json::to_string_pretty(&plan.to_value()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_differs_is_marked() {
        let plan = |n: u32| {
            let steps = json!([{"id": "a", "tool": "t", "parameters": {"n": n, "m": 1}}]);
            ExecutionPlan::from_value(json!({"name": "p", "steps": steps})).unwrap()
        };
        assert_eq!(plan_diff(&plan(2), &plan(2)), "");
        let diff = plan_diff(&plan(2), &plan(3));
        let marked: Vec<&str> = diff
            .lines()
            .filter(|line| !line.starts_with("  "))
            .map(str::trim_end)
            .collect();
        assert_eq!(marked.len(), 2, "{diff}");
        assert!(
            marked[0].contains("\"n\": 2") && marked[1].contains("\"n\": 3"),
            "{diff}"
        );
    }
}
