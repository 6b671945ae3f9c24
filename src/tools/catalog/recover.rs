//! `recover`: how to find out what became of an interrupted call.

use crate::plan::Severity;
use crate::tools::definition::ToolDefinition;
use crate::tools::fields::{Fields, type_name};
use crate::tools::kinds::jq::check_filter;
use crate::tools::{ProbeSettings, Recover};
use serde_json::{Map, Value};
use std::sync::Arc;

const FIELD: &str = "recover";

/// What is needed of a `recover` field.
const FORMS: &str = "`recover` is {key: true}, or {probe: TOOL, with: {…}, found: JQ}";

/// Reads the field.
pub(super) fn recover(fields: &mut Fields<'_>) -> Option<Recover> {
    let mut members = fields.object(FIELD)?;
    let key = members.shift_remove("key");
    let probe = members.shift_remove("probe");
    let with = members.shift_remove("with");
    let found = members.shift_remove("found");
    if let Some(other) = members.keys().next() {
        let other = crate::text::message::quote(other, 60);
        fields.fault(FIELD, format!("`{FIELD}` has no \"{other}\": {FORMS}"));
        return None;
    }
    match (key, probe) {
        (Some(Value::Bool(true)), None) if with.is_none() && found.is_none() => Some(Recover::Key),
        (None, Some(Value::String(tool))) => {
            let with = match with {
                None => Map::new(),
                Some(Value::Object(with)) => with,
                Some(other) => {
                    let got = type_name(&other);
                    fields.fault(
                        FIELD,
                        format!("`recover.with` must be an object, not {got}"),
                    );
                    return None;
                }
            };
            let Some(Value::String(found)) = found else {
                let message = "`recover` with a `probe` needs `found`: a jq filter over its output that gives null or \
                               false where the call did not happen, else the output of the call";
                fields.fault(FIELD, message);
                return None;
            };
            check_filter(fields, "recover.found", &found);
            Some(Recover::Probe(Arc::new(ProbeSettings {
                tool: tool.into(),
                with,
                found: found.into(),
            })))
        }
        _ => {
            fields.fault(FIELD, FORMS);
            None
        }
    }
}

/// What is wrong with the `recover` fields of these tools: the tool, how severe it is, and why.
pub(super) fn faults(tools: &[Arc<ToolDefinition>]) -> Vec<(Arc<str>, Severity, String)> {
    let mut faults = Vec::new();
    for tool in tools {
        let fault = match &tool.recover {
            Some(Recover::Key) if !tool.kind().takes_key => Some((
                Severity::Warning,
                format!(
                    "`recover: {{key: true}}` has no effect: a {} tool is not given the name of its attempt",
                    tool.kind().name
                ),
            )),
            Some(Recover::Probe(probe)) => {
                let fault = fault_of_probe(tool, &probe.tool, tools);
                fault.map(|fault| (Severity::Error, fault))
            }
            Some(Recover::Key) | None => None,
        };
        faults.extend(fault.map(|(severity, fault)| (Arc::clone(&tool.name), severity, fault)));
    }
    faults
}

fn fault_of_probe(
    tool: &ToolDefinition,
    name: &str,
    tools: &[Arc<ToolDefinition>],
) -> Option<String> {
    let quoted = crate::text::message::quote(name, 80);
    if *name == *tool.name {
        return Some("`recover.probe` names the tool itself; name one that only asks".into());
    }
    let Some(probe) = tools.iter().find(|tool| *tool.name == *name) else {
        return Some(format!(
            "`recover.probe` names \"{quoted}\", which is not a tool of this catalog"
        ));
    };
    if !probe.cost.is_zero() || !probe.kind().free {
        return Some(format!(
            "`recover.probe` names \"{quoted}\", which costs; it must be free, since it is asked before the run spends \
             anything"
        ));
    }
    None
}
