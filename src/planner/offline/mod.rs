//! A planner without a model: chooses the tools that fit the task best, and finds what their parameters need by going
//! backwards from them. The same task, catalog and context give the same plan.
//!
//! ```text
//!  task ─▶ clauses ─▶ goals: the best tool of each (BM25)
//!                       │ required parameters
//!                       ▼
//!         context values · literals in the task · outputs of other tools, whose parameters are found the same way
//! ```

mod candidates;
mod known;
mod literals;
mod search;
mod sources;
mod types;
mod values;

use super::created_plan::PlanningError;
use super::narrow::Ranking;
use super::validate::validate;
use super::words::{stems, words};
use crate::plan::ExecutionPlan;
use crate::text::visible;
use crate::tools::Catalog;
use known::Clause;
use literals::BREAKS;
use search::Search;
use serde_json::{Map, Value, json};

/// A clause's tool counts as one of its goals from this share of the score of the task's best tool.
const MIN_SHARE: f32 = 0.35;
/// Where a clause's best tool is out of reach, others are tried from this share of its score.
const NEXT_BEST: f32 = 0.6;

/// The plan for a task, and what the user should know about it.
///
/// # Errors
/// What is missing.
pub(super) fn plan(
    task: &str,
    catalog: &Catalog,
    context: &Map<String, Value>,
) -> Result<(ExecutionPlan, Vec<String>), PlanningError> {
    let (literals, prose) = literals::find(task);
    let ranking = Ranking::of(catalog);
    let clauses = clauses(&prose);
    let ranked: Vec<(&Clause, Vec<(usize, f32)>)> = clauses
        .iter()
        .map(|clause| (clause, ranking.rank(&clause.text)))
        .collect();
    let best = ranked
        .iter()
        .filter_map(|(_, ranked)| ranked.first())
        .map(|(_, score)| *score);
    let best = best.fold(0.0, f32::max);
    if best <= 0.0 {
        return Err(PlanningError::OutOfReach {
            missing: vec![format!(
                "no tool of the catalog has a word of the task in its name, description or examples; it has {}",
                some_names(catalog)
            )],
        });
    }
    let mut search = Search::new(catalog, context, literals, task);
    let mut notes = Vec::new();
    let mut missing = Vec::new();
    for (clause, ranked) in &ranked {
        let Some((_, top)) = ranked.first() else {
            // "… and body" names a parameter of the tool before it.
            if !search.takes(clause) {
                let clause = visible(&clause.text, 80);
                notes.push(format!("no tool fits \"{clause}\"; the plan leaves it out"));
            }
            continue;
        };
        if *top < best * MIN_SHARE {
            notes.push(format!(
                "no tool fits \"{}\" well enough; the plan leaves it out",
                visible(&clause.text, 80)
            ));
            continue;
        }
        let likely = ranked
            .iter()
            .take_while(|(_, score)| *score >= top * NEXT_BEST);
        let mut reached = false;
        let mut reasons = Vec::new();
        for (at, _) in likely {
            match search.reach(*at, clause) {
                Ok(()) => {
                    reached = true;
                    break;
                }
                Err(reason) => reasons.push(reason),
            }
        }
        if !reached {
            let is_main = (*top - best).abs() < f32::EPSILON;
            let reasons = reasons.into_iter().take(1);
            if is_main {
                missing.extend(reasons);
            } else {
                notes.extend(reasons.map(|reason| {
                    format!(
                        "{reason}; the plan leaves \"{}\" out",
                        visible(&clause.text, 80)
                    )
                }));
            }
        }
    }
    if !missing.is_empty() {
        return Err(PlanningError::OutOfReach { missing });
    }
    notes.extend(
        search
            .unused()
            .map(|value| format!("nothing takes {value} of the task")),
    );
    notes.append(&mut search.notes);
    let plan = json!({"name": name_of(task), "steps": search.into_steps()});
    let text = plan.to_string();
    let plan = validate("the plan", &text, catalog, Some(context));
    plan.map(|plan| (plan, notes))
        .map_err(|faults| PlanningError::NotValid {
            planner: "offline".to_owned(),
            attempts: 1,
            faults,
        })
}

/// The parts of a task that each ask for something.
fn clauses(prose: &str) -> Vec<Clause> {
    let mut clauses = Vec::new();
    let mut start = 0;
    let mut end = |start: &mut usize, at: usize, next: usize| {
        let text = prose[*start..at]
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        let place = *start..next;
        *start = next;
        // Numbers alone ask for nothing.
        let stems = stems(&text);
        if stems.iter().any(|stem| stem.contains(char::is_alphabetic)) {
            let refers_back = words(&text).iter().any(|word| BACK.contains(&&**word));
            clauses.push(Clause {
                text,
                place,
                stems,
                refers_back,
            });
        } else if let Some(last) = clauses.last_mut() {
            // What stands there belongs to the part before.
            last.place.end = next;
        }
    };
    let origin = prose.as_ptr() as usize;
    for word in prose.split_whitespace() {
        let at = word.as_ptr() as usize - origin;
        let bare = word.trim_end_matches(['.', ',', ';', ':', '!', '?']);
        if BREAKS.contains(&&*bare.to_lowercase()) {
            end(&mut start, at, at + word.len());
        } else if bare.len() < word.len() {
            end(&mut start, at + bare.len(), at + word.len());
        }
    }
    end(&mut start, prose.len(), prose.len());
    clauses
}

/// Words that speak of what was there before.
const BACK: [&str; 4] = ["it", "them", "result", "output"];

/// A name for the plan: the first words of the task.
fn name_of(task: &str) -> String {
    let words: Vec<String> = words(task).into_iter().take(6).collect();
    if words.is_empty() {
        "plan".to_owned()
    } else {
        words.join("_")
    }
}

fn some_names(catalog: &Catalog) -> String {
    let shown = catalog.tools().iter().take(12);
    let mut shown: Vec<String> = shown.map(|tool| visible(&tool.name, 40)).collect();
    if catalog.tools().len() > shown.len() {
        shown.push("…".to_owned());
    }
    shown.join(", ")
}

#[cfg(test)]
mod tests;
