//! What a step does, as a digest: whether it is defined the same as in an earlier run.

use crate::plan::{ExecutionPlan, Step, Template};
use crate::tools::Toolbox;
use crate::units::ModelOptions;
use serde_json::Value;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

/// The digest of a step's definition: of everything beside its input that determines what it does.
pub(crate) type StepDigest = [u8; 16];

/// The digest of every step's definition, in the plan's order.
pub fn definitions(plan: &ExecutionPlan, toolbox: &dyn Toolbox) -> Vec<StepDigest> {
    let tools = tool_digests(plan, toolbox);
    of_steps(plan, &tools)
}

/// What computes digests, once.
type Compute = Box<dyn FnOnce() -> Vec<StepDigest> + Send>;

/// The digests of a plan's definitions, computed by the first thread that asks for them. A copy shares them.
#[derive(Clone)]
pub struct Definitions(Arc<LazyLock<Vec<StepDigest>, Compute>>);

impl Definitions {
    /// The [`definitions`] of a plan, whose tools are looked at now.
    pub fn of(plan: &Arc<ExecutionPlan>, toolbox: &dyn Toolbox) -> Self {
        let tools = tool_digests(plan, toolbox);
        let plan = Arc::clone(plan);
        Self::later(move || of_steps(&plan, &tools))
    }

    /// The digests, in the plan's order.
    pub fn all(&self) -> &[StepDigest] {
        &self.0
    }

    fn later(compute: impl FnOnce() -> Vec<StepDigest> + Send + 'static) -> Self {
        Self(Arc::new(LazyLock::new(Box::new(compute))))
    }
}

impl Default for Definitions {
    fn default() -> Self {
        Vec::new().into()
    }
}

impl From<Vec<StepDigest>> for Definitions {
    fn from(digests: Vec<StepDigest>) -> Self {
        Self::later(|| digests)
    }
}

impl fmt::Debug for Definitions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Definitions").finish_non_exhaustive()
    }
}

/// The digest of each tool that a plan calls, and for each step which of them is its own.
struct ToolDigests {
    digests: Vec<[u8; 32]>,
    of_steps: Vec<u32>,
}

fn tool_digests(plan: &ExecutionPlan, toolbox: &dyn Toolbox) -> ToolDigests {
    let mut known: HashMap<(&str, Option<&str>), u32> = HashMap::new();
    let mut digests = Vec::new();
    // Steps in a row often call the same tool.
    let mut last: Option<(&Step, u32)> = None;
    let of_steps = plan.steps.iter().map(|step| {
        let model = step.settings.model.as_deref();
        let same = |(other, _): &(&Step, _)| {
            Arc::ptr_eq(&other.tool, &step.tool) && other.settings.model.as_deref() == model
        };
        let at = last.filter(same).map_or_else(
            || {
                *known.entry((&*step.tool, model)).or_insert_with(|| {
                    digests.push(tool_digest(toolbox, &step.tool, model));
                    digests.len() as u32 - 1
                })
            },
            |(_, at)| at,
        );
        last = Some((step, at));
        at
    });
    let of_steps = of_steps.collect();
    ToolDigests { digests, of_steps }
}

fn of_steps(plan: &ExecutionPlan, tools: &ToolDigests) -> Vec<StepDigest> {
    let mut text = Vec::new();
    let steps = plan.steps.iter().zip(&tools.of_steps);
    steps
        .map(|(step, tool)| definition(plan, step, &tools.digests[*tool as usize], &mut text))
        .collect()
}

fn tool_digest(toolbox: &dyn Toolbox, tool: &str, model: Option<&str>) -> [u8; 32] {
    let fingerprint = toolbox.fingerprint(tool, model, ModelOptions::default());
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
        assert_eq!(Definitions::of(&Arc::new(plan), &Nothing).all(), digests);
    }
}
