//! What a step does, as a digest: whether it is defined the same as in an earlier run.

use crate::plan::{ExecutionPlan, Step};
use crate::tools::Toolbox;
use serde_json::Value;
use std::collections::HashMap;

/// The digest of a step's definition: of everything beside its input that determines what it does.
pub type StepDigest = [u8; 16];

/// The digest of every step's definition, in the plan's order.
pub fn definitions(plan: &ExecutionPlan, toolbox: &dyn Toolbox) -> Vec<StepDigest> {
    let mut tools: HashMap<(&str, Option<&str>), [u8; 32]> = HashMap::new();
    let steps = plan.steps.iter();
    steps
        .map(|step| {
            let model = step.settings.model.as_deref();
            let tool = tools
                .entry((&*step.tool, model))
                .or_insert_with(|| tool_digest(toolbox, &step.tool, model));
            definition(plan, step, tool)
        })
        .collect()
}

fn tool_digest(toolbox: &dyn Toolbox, tool: &str, model: Option<&str>) -> [u8; 32] {
    let fingerprint = toolbox.fingerprint(tool, model);
    let parts = fingerprint.map_or(Value::Null, |fingerprint| Value::Object(fingerprint.parts));
    *blake3::hash(parts.to_string().as_bytes()).as_bytes()
}

fn definition(plan: &ExecutionPlan, step: &Step, tool: &[u8; 32]) -> StepDigest {
    let mut hasher = blake3::Hasher::new();
    // Each part with its length, so that no two definitions run together to the same bytes.
    let mut part = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    part(step.id.as_bytes());
    part(step.tool.as_bytes());
    part(tool);
    part(step.parameters.source().to_string().as_bytes());
    let condition = step.run_if.as_ref().map(|condition| &*condition.source);
    part(condition.unwrap_or_default().as_bytes());
    let list = step.for_each.as_ref().map(|list| list.source());
    part(list.unwrap_or_default().to_string().as_bytes());
    part(&[step.settings.trigger as u8]);
    part(
        step.settings
            .model
            .as_deref()
            .unwrap_or_default()
            .as_bytes(),
    );
    for before in step.depends_on.iter() {
        let id = plan.step(*before).map_or("", |before| &before.id);
        part(id.as_bytes());
    }
    let mut digest = [0; 16];
    digest.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    digest
}
