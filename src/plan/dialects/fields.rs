//! The fields of plans and steps that every JSON and YAML dialect shares, under all their names.

use crate::plan::diagnostic::{Collector, Diagnostic, Severity, shown};
use crate::plan::draft::{DraftPlan, DraftStep, Placed, first_byte};
use crate::plan::names::closest;
use crate::plan::node::{Kind, Member, Node};
use crate::plan::{Dialect, FINAL_SYNTHESIS, Mode, RetryPolicy, Trigger};
use crate::text::find_unsafe;
use serde_json::{Map, Value};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// The longest time that a plan can ask for, in seconds: a hundred years, which no clock arithmetic minds.
const MAX_SECONDS: f64 = 3_155_760_000.0;

/// Reads an object with `steps`, or a bare list of steps.
pub(super) fn read_plan(root: Node, dialect: Dialect, collector: &mut Collector) -> DraftPlan {
    let mut plan = DraftPlan::new(dialect, root.span.clone());
    let members = match root.kind {
        Kind::Object(members) => members,
        kind => {
            read_steps(Node::new(kind, root.span), &mut plan, collector);
            return plan;
        }
    };
    let mut request_id = None;
    let mut synthesis = None;
    let mut catalog = Map::new();
    for member in members {
        let Member {
            key,
            key_span,
            value,
        } = member;
        match key.as_str() {
            "steps" => read_steps(value, &mut plan, collector),
            "name" => plan.name = name(&value, "the plan's name", collector),
            "request_id" => request_id = name(&value, "the request id", collector),
            "final_synthesis" => synthesis = Some((key_span, value)),
            "context" | "variables" => match value.kind {
                Kind::Object(members) => {
                    for member in members {
                        plan.context.insert(member.key, member.value.to_value());
                    }
                }
                Kind::Null => {}
                _ => wrong(&key, "an object", &value, None, collector),
            },
            "tools" | "mcpServers" => {
                if !value.is_null() {
                    catalog.insert(key, value.to_value());
                }
            }
            "description"
            | "version"
            | "metadata"
            | "created_at"
            | "tags"
            | "author"
            | "task"
            | "estimated_cost"
            | "estimated_latency_ms" => {}
            _ => collector.push(
                Diagnostic::new(
                    Severity::Warning,
                    "unknown_field",
                    format!("{} is no field of a plan; it has no effect", shown(&key)),
                )
                .at(key_span),
            ),
        }
    }
    plan.name = plan.name.or(request_id);
    plan.catalog = (!catalog.is_empty()).then_some(Value::Object(catalog));
    if let Some((key_span, value)) = synthesis
        && let Some(step) = final_synthesis(&key_span, value, collector)
    {
        plan.steps.push(step);
    }
    plan
}

fn read_steps(steps: Node, plan: &mut DraftPlan, collector: &mut Collector) {
    let list = match steps.kind {
        Kind::List(list) => list,
        Kind::Null => return,
        _ => {
            plan.unreadable = true;
            wrong("steps", "a list", &steps, None, collector);
            return;
        }
    };
    plan.steps.reserve(list.len() + 1);
    for node in list {
        let span = node.span.clone();
        if let Kind::Object(members) = node.kind {
            let mut step = DraftStep::new(span);
            read_step(members, &mut step, collector);
            plan.steps.push(step);
        } else {
            plan.unreadable = true;
            collector.error(
                "bad_step",
                format!("a step must be an object, not {}", node.type_name()),
                &first_byte(&span),
            );
        }
    }
}

/// What an agent step has beside the fields of every step.
#[derive(Default)]
struct Agent {
    declared: bool,
    id: Option<Placed<Arc<str>>>,
    task: Option<Member>,
    inputs: Option<Member>,
    context: Option<Member>,
}

/// Reads the members of a step into `step`.
pub(super) fn read_step(members: Vec<Member>, step: &mut DraftStep, collector: &mut Collector) {
    // Faults found on the way name the step, so its id is read first.
    if let Some(member) = members
        .iter()
        .find(|member| matches!(member.key.as_str(), "id" | "step_id"))
    {
        step.id = read_id(&member.value, collector);
    }
    let id = step.id.as_ref().map(|id| Arc::clone(&id.value));
    let id = id.as_ref();
    let mut agent = Agent::default();
    let mut has_parameters = false;
    for member in members {
        let value = &member.value;
        match member.key.as_str() {
            "id" | "step_id" => {}
            "tool" | "tool_name" => {
                step.tool = text(value, "tool", id, collector)
                    .map(|tool| clean(tool, "a tool's name", collector));
            }
            "parameters" | "input" if !has_parameters => match value.kind {
                Kind::Object(_) => {
                    has_parameters = true;
                    step.parameters = member.value;
                }
                Kind::Null => {}
                _ => wrong(&member.key, "an object", value, id, collector),
            },
            "depends_on" => step.depends_on = dependencies(value, id, collector),
            "run_if" | "condition" => match value.kind {
                Kind::Null => {}
                Kind::Text(_) | Kind::Bool(_) => step.run_if = Some(member.value),
                _ => wrong(&member.key, "an expression", value, id, collector),
            },
            "for_each" => match value.kind {
                Kind::Null => {}
                Kind::Text(_) | Kind::List(_) => step.for_each = Some(member.value),
                _ => wrong(
                    "for_each",
                    "a list or a reference to one",
                    value,
                    id,
                    collector,
                ),
            },
            "trigger" => {
                let words = ["all_success", "all_done", "one_success", "none_failed"];
                step.trigger = match word(value, "trigger", &words, id, collector) {
                    Some("all_done") => Trigger::AllDone,
                    Some("one_success") => Trigger::OneSuccess,
                    Some("none_failed") => Trigger::NoneFailed,
                    _ => Trigger::AllSuccess,
                };
            }
            "mode" => {
                step.mode = match word(value, "mode", &["parallel", "sequential"], id, collector) {
                    Some("sequential") => Mode::Sequential,
                    _ => Mode::Parallel,
                };
            }
            "timeout_s" | "timeout_seconds" => {
                step.timeout = seconds(value, &member.key, false, id, collector);
            }
            "retry_policy" => step.retry = retry_policy(value, id, collector).or(step.retry),
            "retry_count" => {
                if let Some(count) = count(value, "retry_count", id, collector) {
                    let backoff = step
                        .retry
                        .map_or(Duration::from_secs(1), |retry| retry.backoff);
                    step.retry = Some(RetryPolicy {
                        attempts: count.saturating_add(1),
                        backoff,
                    });
                }
            }
            "cache" => match value.kind {
                Kind::Bool(cache) => step.cache = Some(cache),
                Kind::Null => {}
                _ => wrong("cache", "true or false", value, id, collector),
            },
            "model" => {
                step.model = text(value, "model", id, collector).map(|placed| placed.value);
            }
            "idempotency_key" => {
                step.idempotency_key =
                    text(value, "idempotency_key", id, collector).map(|placed| placed.value);
            }
            "description" => {
                step.description =
                    text(value, "description", id, collector).map(|placed| placed.value);
            }
            "type" if value.as_text() == Some("agent") => agent.declared = true,
            "agent_id" => {
                agent.id = text(value, "agent_id", id, collector)
                    .map(|id| clean(id, "an agent's id", collector));
            }
            "task" => agent.task = Some(member),
            "inputs" => agent.inputs = Some(member),
            "context" => agent.context = Some(member),
            _ => unknown(member, step, collector),
        }
    }
    if agent.declared || (agent.id.is_some() && step.tool.is_none()) {
        become_agent(agent, step, collector);
    } else {
        if let Some(agent_id) = agent.id {
            let key_span = agent_id.span.clone();
            let value = Node::text(&*agent_id.value, agent_id.span);
            unknown(
                Member {
                    key: "agent_id".to_owned(),
                    key_span,
                    value,
                },
                step,
                collector,
            );
        }
        for member in [agent.task, agent.inputs, agent.context]
            .into_iter()
            .flatten()
        {
            unknown(member, step, collector);
        }
    }
}

fn unknown(member: Member, step: &mut DraftStep, collector: &mut Collector) {
    let known = [
        "id",
        "tool",
        "parameters",
        "input",
        "depends_on",
        "run_if",
        "condition",
        "for_each",
        "trigger",
        "timeout_s",
        "retry_policy",
        "idempotency_key",
        "description",
        "model",
        "cache",
        "mode",
    ];
    let mut diagnostic = Diagnostic::new(
        Severity::Warning,
        "unknown_field",
        format!(
            "{} is no field of a step; it is kept and has no effect",
            shown(&member.key)
        ),
    )
    .at(member.key_span)
    .step(step.id.as_ref().map(|id| &id.value));
    if let Some(near) = closest(&member.key, known) {
        diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
    }
    collector.push(diagnostic);
    step.extra.insert(member.key, member.value.to_value());
}

/// An agent step is a call of the tool `agent_<agent_id>` with a task and a context; what `inputs` names goes
/// into the context under the same names.
fn become_agent(agent: Agent, step: &mut DraftStep, collector: &mut Collector) {
    let Some(agent_id) = agent.id else {
        collector.push(
            Diagnostic::new(
                Severity::Error,
                "missing_agent_id",
                "an agent step needs an `agent_id`",
            )
            .at(step.place())
            .step(step.id.as_ref().map(|id| &id.value)),
        );
        return;
    };
    let span = agent_id.span.clone();
    let mut context = Vec::new();
    if let Some(inputs) = agent.inputs {
        match inputs.value.kind {
            Kind::List(names) => {
                for name in names {
                    let Some(key) = id_text(&name) else {
                        wrong("inputs", "a list of step ids", &name, None, collector);
                        continue;
                    };
                    context.push(Member {
                        value: Node::text(format!("step:{key}"), name.span.clone()),
                        key,
                        key_span: name.span,
                    });
                }
            }
            Kind::Object(members) => context.extend(members),
            Kind::Null => {}
            _ => wrong(
                "inputs",
                "a list of step ids",
                &inputs.value,
                None,
                collector,
            ),
        }
    }
    let mut whole = None;
    if let Some(inline) = agent.context {
        match inline.value.kind {
            Kind::Object(members) => {
                for member in members {
                    context.retain(|other: &Member| other.key != member.key);
                    context.push(member);
                }
            }
            Kind::Null => {}
            _ if context.is_empty() => whole = Some(inline.value),
            _ => wrong("context", "an object", &inline.value, None, collector),
        }
    }
    let parameters_span = step.parameters.span.clone();
    let mut members = match std::mem::replace(&mut step.parameters.kind, Kind::Null) {
        Kind::Object(members) => members,
        _ => Vec::new(),
    };
    let mut default = |key: &str, value: Node| {
        if !members.iter().any(|member| member.key == key) {
            members.push(Member {
                key: key.to_owned(),
                key_span: value.span.clone(),
                value,
            });
        }
    };
    default(
        "task",
        agent.task.map_or_else(
            || Node::text(format!("agent:{}", agent_id.value), span.clone()),
            |task| task.value,
        ),
    );
    default(
        "context",
        whole.unwrap_or_else(|| Node::object(context, span.clone())),
    );
    step.parameters = Node::object(members, parameters_span);
    step.tool = Some(Placed::new(
        format!("agent_{}", agent_id.value).into(),
        span,
    ));
}

fn final_synthesis(
    key_span: &Range<usize>,
    value: Node,
    collector: &mut Collector,
) -> Option<DraftStep> {
    let span = value.span.clone();
    let mut step = DraftStep::new(span.clone());
    step.id = Some(Placed::new(FINAL_SYNTHESIS.into(), key_span.clone()));
    step.tool = Some(Placed::new(FINAL_SYNTHESIS.into(), key_span.clone()));
    step.trigger = Trigger::NoneFailed;
    step.synthesis = true;
    let id: Arc<str> = FINAL_SYNTHESIS.into();
    let mut parameters = Vec::new();
    match value.kind {
        Kind::Null => return None,
        Kind::Text(_) => parameters.push(Member {
            key: "prompt_template".to_owned(),
            key_span: key_span.clone(),
            value,
        }),
        Kind::Object(members) => {
            if members.is_empty() {
                return None;
            }
            for member in members {
                match member.key.as_str() {
                    "prompt_template" if member.value.as_text().is_some() => {
                        parameters.push(member);
                    }
                    "prompt_template" => {
                        wrong(
                            "prompt_template",
                            "text",
                            &member.value,
                            Some(&id),
                            collector,
                        );
                    }
                    "meta" => {
                        if !member.value.is_null() {
                            parameters.push(member);
                        }
                    }
                    "model" => {
                        step.model = text(&member.value, "model", Some(&id), collector)
                            .map(|placed| placed.value);
                    }
                    _ => unknown(member, &mut step, collector),
                }
            }
            if !parameters
                .iter()
                .any(|member| member.key == "prompt_template")
            {
                collector.push(
                    Diagnostic::new(
                        Severity::Error,
                        "missing_parameter",
                        "`final_synthesis` needs a `prompt_template`",
                    )
                    .at(key_span.clone())
                    .step(Some(&id)),
                );
            }
        }
        _ => {
            wrong("final_synthesis", "an object", &value, Some(&id), collector);
            return None;
        }
    }
    step.parameters = Node::object(parameters, span);
    Some(step)
}

/// An id: text, or an integer as text.
fn id_text(node: &Node) -> Option<String> {
    match &node.kind {
        Kind::Text(text) => Some(text.clone()),
        Kind::Number(number) if !number.is_f64() => Some(number.to_string()),
        _ => None,
    }
}

fn read_id(node: &Node, collector: &mut Collector) -> Option<Placed<Arc<str>>> {
    match id_text(node) {
        Some(id) if !id.trim().is_empty() => Some(clean(
            Placed::new(id.into(), node.span.clone()),
            "an id",
            collector,
        )),
        Some(_) => None,
        None if node.is_null() => None,
        None => {
            wrong("id", "text or an integer", node, None, collector);
            // It was given, so it is not missing as well; the place says which step is meant.
            Some(Placed::new(
                format!("(at byte {})", node.span.start).into(),
                node.span.clone(),
            ))
        }
    }
}

fn dependencies(
    node: &Node,
    id: Option<&Arc<str>>,
    collector: &mut Collector,
) -> Vec<Placed<Arc<str>>> {
    let alone = std::slice::from_ref(node);
    let list = match &node.kind {
        Kind::Null => return Vec::new(),
        Kind::List(list) => list.as_slice(),
        Kind::Text(_) | Kind::Number(_) => alone,
        _ => {
            wrong("depends_on", "a list of step ids", node, id, collector);
            return Vec::new();
        }
    };
    list.iter()
        .filter_map(|element| {
            let text = id_text(element);
            if text.is_none() {
                wrong("depends_on", "a list of step ids", element, id, collector);
            }
            text.map(|text| Placed::new(text.into(), element.span.clone()))
        })
        .collect()
}

fn retry_policy(
    node: &Node,
    id: Option<&Arc<str>>,
    collector: &mut Collector,
) -> Option<RetryPolicy> {
    let members = match &node.kind {
        Kind::Object(members) => members,
        Kind::Null => return None,
        _ => {
            wrong("retry_policy", "an object", node, id, collector);
            return None;
        }
    };
    let mut policy = RetryPolicy {
        attempts: 1,
        backoff: Duration::from_secs(1),
    };
    for member in members {
        match member.key.as_str() {
            "retries" => {
                if let Some(count) = count(&member.value, "retries", id, collector) {
                    policy.attempts = count.max(1);
                }
            }
            "backoff_s" => {
                if let Some(backoff) = seconds(&member.value, "backoff_s", true, id, collector) {
                    policy.backoff = backoff;
                }
            }
            _ => collector.push(
                Diagnostic::new(
                    Severity::Warning,
                    "unknown_field",
                    format!("{} is no field of a retry policy", shown(&member.key)),
                )
                .at(member.key_span.clone())
                .step(id),
            ),
        }
    }
    Some(policy)
}

fn count(
    node: &Node,
    field: &str,
    id: Option<&Arc<str>>,
    collector: &mut Collector,
) -> Option<u32> {
    match &node.kind {
        Kind::Null => None,
        Kind::Number(number) if number.as_u64().is_some_and(|count| count <= 1_000_000) => {
            number.as_u64().map(|count| count as u32)
        }
        _ => {
            wrong(field, "an integer from 0 to 1000000", node, id, collector);
            None
        }
    }
}

fn seconds(
    node: &Node,
    field: &str,
    may_be_nothing: bool,
    id: Option<&Arc<str>>,
    collector: &mut Collector,
) -> Option<Duration> {
    let number = match &node.kind {
        Kind::Null => return None,
        Kind::Number(number) => number.as_f64().unwrap_or(f64::NAN),
        _ => f64::NAN,
    };
    let sound = number > 0.0 || (may_be_nothing && number == 0.0);
    if sound && number <= MAX_SECONDS {
        return Duration::try_from_secs_f64(number).ok();
    }
    let what = if may_be_nothing {
        "a number of seconds"
    } else {
        "a number of seconds above 0"
    };
    wrong(field, what, node, id, collector);
    None
}

fn word<'a>(
    node: &Node,
    field: &str,
    words: &[&'a str],
    id: Option<&Arc<str>>,
    collector: &mut Collector,
) -> Option<&'a str> {
    if node.is_null() {
        return None;
    }
    let given = node.as_text().unwrap_or_default();
    let found = words.iter().copied().find(|word| *word == given);
    if found.is_none() {
        let near = closest(given, words.iter().copied());
        let mut diagnostic = fault(field, &format!("one of {}", words.join(", ")), node, id);
        if let Some(near) = near {
            diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
        }
        collector.push(diagnostic);
    }
    found
}

/// Text, or an integer as text.
fn text(
    node: &Node,
    field: &str,
    id: Option<&Arc<str>>,
    collector: &mut Collector,
) -> Option<Placed<Arc<str>>> {
    if node.is_null() {
        return None;
    }
    let text = id_text(node);
    if text.is_none() {
        wrong(field, "text", node, id, collector);
    }
    text.map(|text| Placed::new(text.into(), node.span.clone()))
}

/// A name of the whole plan, without what a terminal could misread.
fn name(node: &Node, what: &str, collector: &mut Collector) -> Option<Arc<str>> {
    if node.is_null() {
        return None;
    }
    let Some(text) = id_text(node) else {
        wrong("name", "text", node, None, collector);
        return None;
    };
    let placed = clean(Placed::new(text.into(), node.span.clone()), what, collector);
    Some(placed.value).filter(|name| !name.trim().is_empty())
}

/// A name is shown everywhere, so it holds no unsafe characters.
fn clean(placed: Placed<Arc<str>>, what: &str, collector: &mut Collector) -> Placed<Arc<str>> {
    if find_unsafe(&placed.value).is_some() {
        collector.error(
            "control_character",
            format!("{what} holds a control character: {}", shown(&placed.value)),
            &placed.span,
        );
    }
    placed
}

fn fault(field: &str, wanted: &str, node: &Node, id: Option<&Arc<str>>) -> Diagnostic {
    let given = match &node.kind {
        Kind::Text(text) => shown(text),
        Kind::Number(number) => number.to_string(),
        Kind::Bool(truth) => truth.to_string(),
        _ => node.type_name().to_owned(),
    };
    let span = match node.kind {
        Kind::List(_) | Kind::Object(_) => first_byte(&node.span),
        _ => node.span.clone(),
    };
    Diagnostic::new(
        Severity::Error,
        "bad_field",
        format!("`{field}` must be {wanted}, not {given}"),
    )
    .at(span)
    .step(id)
}

fn wrong(field: &str, wanted: &str, node: &Node, id: Option<&Arc<str>>, collector: &mut Collector) {
    collector.push(fault(field, wanted, node, id));
}
