//! Why a call is made: how its input differs from an earlier one, and what that comes from.

use super::cache::CacheMiss;
use crate::plan::{ExecutionPlan, Root, Step, StepInput, Template};
use crate::run::{InputChange, MissReason, changes};
use crate::text::json::beginning;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Places of an input that are named.
const PLACES: usize = 8;
/// Bytes of a value that are looked at to find where it differs.
const LOOKED_AT: usize = 64 * 1024;
/// Characters of a value that are shown.
const EXCERPT: usize = 60;
/// Characters that are shown of the common part before the first difference.
const LEAD: usize = 12;

/// Why a look-up found no usable output for a call with the input `now`.
pub(super) fn miss(
    missed: CacheMiss,
    now: &StepInput,
    step: &Step,
    plan: &ExecutionPlan,
) -> MissReason {
    match missed {
        CacheMiss::Off => MissReason::Off,
        CacheMiss::Fresh => MissReason::Fresh,
        CacheMiss::Never => MissReason::Never,
        CacheMiss::Expired { run_id, age, limit } => MissReason::Expired { run_id, age, limit },
        CacheMiss::Differs {
            run_id,
            age,
            input,
            parts,
        } => MissReason::Differs {
            run_id,
            age,
            changes: input_changes(&input, &now.to_value(), step, plan),
            parts: parts.into_iter().map(Arc::from).collect(),
        },
    }
}

/// The first places in which an input differs from an earlier one.
pub(super) fn input_changes(
    before: &Value,
    now: &Value,
    step: &Step,
    plan: &ExecutionPlan,
) -> Arc<[InputChange]> {
    let found = changes(before, now, PLACES);
    let found = found.into_iter().map(|change| {
        let (before, after) = excerpts(change.before.as_ref(), change.after.as_ref());
        let (steps, context) = sources(&change.path, step, plan);
        InputChange {
            path: change.path.into(),
            before,
            after,
            steps,
            context,
        }
    });
    found.collect()
}

type Names = Arc<[Arc<str>]>;

/// The steps and the context values that a place of a step's input is made of.
fn sources(path: &str, step: &Step, plan: &ExecutionPlan) -> (Names, Names) {
    let mut roots: Vec<Root> = Vec::new();
    let place = step.parameters.at(path);
    place.roots(&mut |root| roots.push(root.clone()));
    let of_element = roots
        .iter()
        .any(|root| matches!(root, Root::Item | Root::Index));
    if let Some(list) = step.for_each.as_ref().filter(|_| of_element) {
        list.roots(&mut |root| roots.push(root.clone()));
    }
    let mut steps = BTreeSet::new();
    let mut context: BTreeSet<Arc<str>> = BTreeSet::new();
    for root in roots {
        match root {
            Root::Step(ix) => {
                steps.insert(ix);
            }
            Root::Outputs => steps.extend(step.depends_on.iter().copied()),
            Root::Context(name) => {
                context.insert(name);
            }
            Root::Item | Root::Index | Root::Own(_) => {}
        }
    }
    let steps = steps.into_iter().filter_map(|ix| plan.step(ix));
    (
        steps.map(|step| Arc::clone(&step.id)).collect(),
        context.into_iter().collect(),
    )
}

type Excerpt = Option<Arc<str>>;

/// The two values from a little before the place where they first differ.
fn excerpts(before: Option<&Value>, after: Option<&Value>) -> (Excerpt, Excerpt) {
    let texts = [before, after].map(|value| value.map(|value| beginning(value, LOOKED_AT)));
    let same = match &texts {
        [Some(before), Some(after)] => {
            let pairs = before.chars().zip(after.chars());
            pairs.take_while(|(a, b)| a == b).count()
        }
        _ => 0,
    };
    let skip = if same > LEAD + 1 { same - LEAD } else { 0 };
    let [before, after] = texts.map(|text| text.map(|text| excerpt(&text, skip)));
    (before, after)
}

fn excerpt(text: &str, skip: usize) -> Arc<str> {
    let lead = if skip > 0 { "…" } else { "" };
    let mut rest = text.chars().skip(skip);
    let shown: String = rest.by_ref().take(EXCERPT).collect();
    let tail = if rest.next().is_some() { "…" } else { "" };
    format!("{lead}{shown}{tail}").into()
}

/// The part of a template that a place of the resolved value comes from; the whole where it has no such part.
impl Template {
    fn at(&self, path: &str) -> &Self {
        let rest = path.strip_prefix('.').unwrap_or(path);
        let inside = |after: &str| after.is_empty() || after.starts_with(['.', '[']);
        match self {
            Self::Object(members) => {
                let mut found = members.iter().filter_map(|(name, member)| {
                    let after = rest.strip_prefix(&**name).filter(|after| inside(after))?;
                    Some((name.len(), member, after))
                });
                // A name may hold dots: the longest that fits is meant.
                let first = found.next();
                let longest = found.fold(first, |best, next| match best {
                    Some(best) if best.0 >= next.0 => Some(best),
                    _ => Some(next),
                });
                longest.map_or(self, |(_, member, after)| member.at(after))
            }
            Self::List(items) => {
                let index = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
                let found = index.and_then(|(index, after)| {
                    let item = items.get(index.parse::<usize>().ok()?)?;
                    Some((item, after))
                });
                found.map_or(self, |(item, after)| item.at(after))
            }
            _ => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::parse;
    use crate::tools::Catalog;
    use serde_json::json;

    fn plan() -> ExecutionPlan {
        let plan = json!({
            "steps": [
                {"id": "read", "tool": "same"},
                {"id": "pages", "tool": "same"},
                {"id": "use", "tool": "same", "parameters": {
                    "text": "{{read.text}}",
                    "deep": [{"a.b": "{{who}}", "a": "fixed"}, "{{read}} and {{pages}}"],
                }},
                {"id": "each", "tool": "same", "for_each": "{{pages}}", "parameters": {"of": "{{item}}"}},
            ],
            "tools": {"same": {"type": "jq", "filter": "."}},
        });
        let draft = parse("plan", plan.to_string().as_bytes()).unwrap();
        let catalog = Catalog::from_value(draft.catalog().unwrap(), draft.source(), None).unwrap();
        draft.check(Some(&catalog), None).unwrap()
    }

    fn lines(step: usize, before: &Value, after: &Value) -> Vec<String> {
        let plan = plan();
        let changes = input_changes(before, after, &plan.steps[step], &plan);
        let lines = changes.iter().map(|change| {
            let show = |text: &Excerpt| text.as_deref().unwrap_or("nothing").to_owned();
            let from = [&*change.steps, &*change.context].concat().join(", ");
            let (before, after) = (show(&change.before), show(&change.after));
            format!("{}: {before} → {after} [{from}]", change.path)
        });
        lines.collect()
    }

    #[test]
    fn a_change_is_named_with_what_it_comes_from() {
        assert_eq!(
            lines(
                2,
                &json!({"text": "a", "deep": [{"a.b": 1, "a": "fixed"}, "x"]}),
                &json!({"text": "b", "deep": [{"a.b": 2, "a": "new"}, "y"], "more": true}),
            ),
            [
                r#"text: "a" → "b" [read]"#,
                "deep[0].a.b: 1 → 2 [who]",
                r#"deep[0].a: "fixed" → "new" []"#,
                r#"deep[1]: "x" → "y" [read, pages]"#,
                "more: nothing → true [read, pages, who]",
            ]
        );
        assert_eq!(
            lines(3, &json!({"of": 1}), &json!({"of": 2})),
            ["of: 1 → 2 [pages]"]
        );
    }

    #[test]
    fn a_long_text_is_shown_from_where_it_differs() {
        let text = |end: &str| json!({"text": "lorem ipsum ".repeat(500) + end + &"x".repeat(500)});
        let shown = lines(2, &text("dolor"), &text("color"));
        assert_eq!(shown.len(), 1);
        assert!(
            shown[0].starts_with("text: …lorem ipsum dolorxxx")
                && shown[0].contains(" → …lorem ipsum colorxxx")
                && shown[0].chars().count() < 160,
            "{shown:?}"
        );
        let huge = Value::from(vec![json!({"n": 1}); 100_000]);
        let shown = lines(2, &json!({"text": huge}), &json!({"text": 1}));
        assert!(shown[0].chars().count() < 160, "{shown:?}");
    }
}
