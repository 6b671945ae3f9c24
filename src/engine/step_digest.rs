//! What a step does, as a digest: whether it is defined the same as in an earlier run.

use crate::plan::{ExecutionPlan, Step, Template};
use crate::tools::Toolbox;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// The digest of a step's definition: of everything beside its input that determines what it does.
pub type StepDigest = [u8; 16];

/// The digest of every step's definition, in the plan's order.
pub fn definitions(plan: &ExecutionPlan, toolbox: &dyn Toolbox) -> Vec<StepDigest> {
    let mut tools: HashMap<(&str, Option<&str>), [u8; 32]> = HashMap::new();
    let mut text = Vec::new();
    // Steps in a row often call the same tool.
    let mut last: Option<(&Step, [u8; 32])> = None;
    let steps = plan.steps.iter();
    steps
        .map(|step| {
            let model = step.settings.model.as_deref();
            let same = |(other, _): &(&Step, _)| {
                Arc::ptr_eq(&other.tool, &step.tool) && other.settings.model.as_deref() == model
            };
            let tool = last.filter(same).map_or_else(
                || {
                    let known = tools.entry((&*step.tool, model));
                    *known.or_insert_with(|| tool_digest(toolbox, &step.tool, model))
                },
                |(_, digest)| digest,
            );
            last = Some((step, tool));
            definition(plan, step, &tool, &mut text)
        })
        .collect()
}

fn tool_digest(toolbox: &dyn Toolbox, tool: &str, model: Option<&str>) -> [u8; 32] {
    let fingerprint = toolbox.fingerprint(tool, model);
    let parts = fingerprint.map_or(Value::Null, |fingerprint| Value::Object(fingerprint.parts));
    *blake3::hash(parts.to_string().as_bytes()).as_bytes()
}

/// `text` is room to write to.
fn definition(
    plan: &ExecutionPlan,
    step: &Step,
    tool: &[u8; 32],
    text: &mut Vec<u8>,
) -> StepDigest {
    text.clear();
    // Each part with its length, so that no two definitions run together to the same bytes.
    let part = |text: &mut Vec<u8>, bytes: &[u8]| {
        text.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        text.extend_from_slice(bytes);
    };
    let template = |text: &mut Vec<u8>, template: Option<&Template>| {
        let start = text.len();
        text.extend_from_slice(&[0; 8]);
        // Writing to memory cannot fail.
        let _ = serde_json::to_writer(&mut *text, &template);
        let length = (text.len() - start - 8) as u64;
        text[start..start + 8].copy_from_slice(&length.to_le_bytes());
    };
    part(text, step.id.as_bytes());
    part(text, step.tool.as_bytes());
    part(text, tool);
    template(text, Some(&step.parameters));
    let condition = step.run_if.as_ref().map(|condition| &*condition.source);
    part(text, condition.unwrap_or_default().as_bytes());
    template(text, step.for_each.as_deref());
    part(text, &[step.settings.trigger as u8]);
    let model = step.settings.model.as_deref();
    part(text, model.unwrap_or_default().as_bytes());
    for before in step.depends_on.iter() {
        let id = plan.step(*before).map_or("", |before| &before.id);
        part(text, id.as_bytes());
    }
    let mut digest = [0; 16];
    digest.copy_from_slice(&blake3::hash(text).as_bytes()[..16]);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::parse;
    use crate::tools::Tool;

    struct Nothing;

    impl Toolbox for Nothing {
        fn tool(&self, _name: &str) -> Option<Arc<dyn Tool>> {
            None
        }
    }

    /// What journals hold: another digest for the same definition would run every step of a resumed run again.
    #[test]
    fn a_definition_keeps_its_digest() {
        let plan = r#"{"steps": [
            {"id": "list", "tool": "t", "parameters": {"b": [1.5, "\u00e9\n"], "a": null}},
            {"id": "each", "tool": "u", "for_each": "{{list.items}}", "run_if": "{{list.ok}}", "depends_on": ["list"],
             "model": "m", "trigger": "all_done",
             "parameters": {"of": "{{item}}", "text": "see {{list.name}}, {{1 + 1}}", "deep": ["{{index}}", {"x": "{{who}}"}]}}
        ]}"#;
        let plan = parse("p", plan.as_bytes())
            .unwrap()
            .check(None, None)
            .unwrap();
        let tool = blake3::hash(b"null");
        let digests = plan.steps.iter().map(|step| {
            let list = step.for_each.as_ref().map(|list| list.source());
            let before = step
                .depends_on
                .iter()
                .map(|before| plan.steps[before.at()].id.to_string());
            let parts = [
                step.id.to_string(),
                step.tool.to_string(),
                String::new(),
                step.parameters.source().to_string(),
                step.run_if
                    .as_ref()
                    .map_or_else(String::new, |condition| condition.source.to_string()),
                list.unwrap_or_default().to_string(),
                char::from(step.settings.trigger as u8).to_string(),
                step.settings
                    .model
                    .as_deref()
                    .unwrap_or_default()
                    .to_owned(),
            ];
            let mut hasher = blake3::Hasher::new();
            for (at, part) in parts.into_iter().chain(before).enumerate() {
                let part = if at == 2 {
                    tool.as_bytes()
                } else {
                    part.as_bytes()
                };
                hasher.update(&(part.len() as u64).to_le_bytes());
                hasher.update(part);
            }
            let mut digest = [0; 16];
            digest.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
            digest
        });
        let digests: Vec<StepDigest> = digests.collect();
        assert_eq!(definitions(&plan, &Nothing), digests);
    }
}
