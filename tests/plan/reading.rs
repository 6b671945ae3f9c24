//! Reading loses nothing: a plan that was damaged is the same plan or is refused, never another one.
//!
//! Plans are drawn at random and written in every dialect, then damaged once: cut off, or with a bracket, quote or comma
//! added or removed. What cannot be known to be damage is let through: text inside a string is content, and JSON or YAML
//! that is valid as it stands runs as it is written.

#![allow(clippy::format_push_string)]

use plandeck::plan::{ExecutionPlan, PlanFaults, Severity, ToolSchemas, parse};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Map, Value, json};
use std::ops::Range;

/// How many plans each test draws and damages, unless `PROPTEST_CASES` asks for more.
const CASES: u32 = 2_000;

fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig {
        cases: default.cases.max(CASES),
        failure_persistence: None,
        ..default
    }
}

/// Tools whose parameters are all required, as most are.
struct Tools(Map<String, Value>);

impl ToolSchemas for Tools {
    fn has(&self, tool: &str) -> bool {
        self.0.contains_key(tool)
    }
    fn schema(&self, tool: &str) -> Option<&Value> {
        self.0.get(tool)
    }
    fn names(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }
}

const TOOLS: [(&str, &[&str]); 3] = [
    ("fetch", &["url"]),
    ("merge", &["left", "right"]),
    ("report", &["text", "tags", "limit"]),
];

fn tools() -> Tools {
    let schema = |parameters: &[&str]| {
        let properties: Map<String, Value> = parameters
            .iter()
            .map(|name| ((*name).to_owned(), json!({})))
            .collect();
        json!({"type": "object", "properties": properties, "required": parameters, "additionalProperties": false})
    };
    Tools(
        TOOLS
            .iter()
            .map(|(name, parameters)| ((*name).to_owned(), schema(parameters)))
            .collect(),
    )
}

/// A value that a step is given.
#[derive(Clone, Debug)]
enum Given {
    Text(String),
    Number(i64),
    /// The output of an earlier step, alone or inside a text.
    Output(Index, Option<String>),
    Words(Vec<String>),
}

#[derive(Clone, Debug)]
struct Drawn {
    tool: usize,
    given: Vec<Given>,
    has_guard: bool,
}

fn words() -> impl Strategy<Value = String> {
    "[a-z]{1,6}( [a-z]{1,5}){0,2}"
}

fn drawn() -> impl Strategy<Value = Vec<Drawn>> {
    let given = prop_oneof![
        3 => words().prop_map(Given::Text),
        1 => (0_i64..5000).prop_map(Given::Number),
        2 => (any::<Index>(), prop::option::of(words())).prop_map(|(step, text)| Given::Output(step, text)),
        1 => prop::collection::vec(words(), 1..3).prop_map(Given::Words),
    ];
    let step = (
        0..TOOLS.len(),
        prop::collection::vec(given, 3),
        any::<bool>(),
    );
    let step = step.prop_map(|(tool, given, has_guard)| Drawn {
        tool,
        given,
        has_guard,
    });
    prop::collection::vec(step, 1..5)
}

/// The notation of references in a dialect.
type Refer = fn(usize) -> String;

impl Given {
    /// The value in step `at`, counted from 0.
    fn value(&self, at: usize, refer: Refer) -> Value {
        match self {
            Self::Text(text) => json!(text),
            Self::Number(number) => json!(number),
            Self::Output(..) if at == 0 => json!("none yet"),
            Self::Output(step, None) => json!(refer(step.index(at))),
            Self::Output(step, Some(text)) => json!(format!("{text} {}", refer(step.index(at)))),
            Self::Words(words) => json!(words),
        }
    }

    fn dependency(&self, at: usize) -> Option<usize> {
        match self {
            Self::Output(step, _) if at > 0 => Some(step.index(at)),
            _ => None,
        }
    }
}

impl Drawn {
    fn name(&self) -> &'static str {
        TOOLS[self.tool].0
    }

    fn parameters(&self) -> &'static [&'static str] {
        TOOLS[self.tool].1
    }

    fn given(&self) -> &[Given] {
        &self.given[..self.parameters().len()]
    }

    fn arguments(&self, at: usize, refer: Refer) -> Map<String, Value> {
        let values = self.given().iter().map(|given| given.value(at, refer));
        let names = self.parameters().iter().map(|name| (*name).to_owned());
        names.zip(values).collect()
    }

    fn dependencies(&self, at: usize) -> Vec<usize> {
        let mut steps: Vec<usize> = self
            .given()
            .iter()
            .filter_map(|given| given.dependency(at))
            .collect();
        steps.sort_unstable();
        steps.dedup();
        steps
    }
}

/// A plan as text, and which parts of it are content: a mark inside them is no damage of the form.
#[derive(Clone, Debug)]
struct Written {
    text: String,
    content: Vec<Range<usize>>,
    /// Whether a text may end after any step, since the dialect has no mark of its end.
    ends_anywhere: bool,
}

/// JSON, and its strings without their quotes as content.
fn written(text: String) -> Written {
    let mut content = Vec::new();
    let mut open = None;
    for (at, c) in text.char_indices() {
        if c == '"' {
            match open.take() {
                None => open = Some(at + 1),
                Some(start) => content.push(start..at),
            }
        }
    }
    Written {
        text,
        content,
        ends_anywhere: false,
    }
}

fn json_text(value: &Value, pretty: bool) -> Written {
    let text = if pretty {
        serde_json::to_string_pretty(value)
    } else {
        serde_json::to_string(value)
    };
    written(text.unwrap())
}

fn documented(plan: &[Drawn]) -> Value {
    let refer = |step| format!("{{{{steps[{}].output}}}}", step + 1);
    let steps: Vec<Value> = plan
        .iter()
        .enumerate()
        .map(|(at, step)| {
            let waits: Vec<usize> = step.dependencies(at).iter().map(|at| at + 1).collect();
            let mut value = json!({"id": at + 1, "tool": step.name(), "parameters": step.arguments(at, refer), "depends_on": waits});
            if step.has_guard {
                value["run_if"] = json!("{{allowed}}");
            }
            value
        })
        .collect();
    json!({"name": "drawn", "context": {"allowed": true}, "steps": steps})
}

fn runtime(plan: &[Drawn]) -> Value {
    let refer = |step| format!("${{step-{step}}}");
    let steps: Vec<Value> = plan
        .iter()
        .enumerate()
        .map(|(at, step)| {
            let waits: Vec<String> = step.dependencies(at).iter().map(|at| format!("step-{at}")).collect();
            json!({"id": format!("step-{at}"), "tool": step.name(), "input": step.arguments(at, refer), "depends_on": waits,
                "retry_policy": {"retries": 2, "backoff_s": 1}})
        })
        .collect();
    json!({"request_id": "r", "steps": steps, "final_synthesis": {"prompt_template": "{{steps}}", "meta": {"tone": "plain"}}})
}

fn template(plan: &[Drawn]) -> Value {
    let refer = |step| format!("{{{{s{step}}}}}");
    let steps: Vec<Value> = plan
        .iter()
        .enumerate()
        .map(|(at, step)| {
            let waits: Vec<String> = step.dependencies(at).iter().map(|at| format!("s{at}")).collect();
            let mut value = json!({"step_id": format!("s{at}"), "tool_name": step.name(), "parameters": step.arguments(at, refer),
                "depends_on": waits});
            if step.has_guard {
                value["condition"] = json!("{{allowed}}");
            }
            value
        })
        .collect();
    json!({"context": {"allowed": true}, "steps": steps})
}

fn hugging_gpt(plan: &[Drawn]) -> Value {
    let refer = |step| format!("<GENERATED>-{step}");
    plan.iter()
        .enumerate()
        .map(|(at, step)| {
            let mut waits: Vec<i64> = step.dependencies(at).iter().map(|at| *at as i64).collect();
            if waits.is_empty() {
                waits.push(-1);
            }
            json!({"task": step.name(), "id": at, "dep": waits, "args": step.arguments(at, refer)})
        })
        .collect()
}

/// YAML, with flow mappings for the parameters.
fn yaml(plan: &[Drawn]) -> Written {
    let value = template(plan);
    let mut text = String::from("context: {\"allowed\": true}\nsteps:\n");
    for step in value["steps"].as_array().unwrap() {
        text.push_str(&format!(
            "  - step_id: {}\n",
            step["step_id"].as_str().unwrap()
        ));
        for (key, member) in step.as_object().unwrap().iter().skip(1) {
            text.push_str(&format!("    {key}: {member}\n"));
        }
    }
    let mut written = written(text);
    written.ends_anywhere = true;
    written
}

fn llm_compiler(plan: &[Drawn], one_line: bool) -> Written {
    let refer = |step| format!("${}", step + 1);
    let mut text = String::new();
    for (at, step) in plan.iter().enumerate() {
        let values = step
            .given()
            .iter()
            .map(|given| given.value(at, refer).to_string());
        let arguments: Vec<String> = if step.has_guard {
            let names = step.parameters().iter().zip(values);
            names
                .map(|(name, value)| format!("{name}={value}"))
                .collect()
        } else {
            values.collect()
        };
        if !one_line && step.has_guard {
            text.push_str("Thought: this comes next\n");
        }
        text.push_str(&format!(
            "{}. {}({})",
            at + 1,
            step.name(),
            arguments.join(", ")
        ));
        text.push(if one_line { ' ' } else { '\n' });
    }
    text.push_str(&format!("{}. join()<END_OF_PLAN>", plan.len() + 1));
    written(text)
}

fn rewoo(plan: &[Drawn], with_plans: bool) -> Written {
    let refer = |step| format!("#E{}", step + 1);
    let mut text = String::new();
    let mut content = Vec::new();
    for (at, step) in plan.iter().enumerate() {
        if with_plans {
            text.push_str("Plan: look at this next.\n");
        }
        text.push_str(&format!("#E{} = fetch[", at + 1));
        let start = text.len();
        let argument = match step.given[0].value(at, refer) {
            Value::String(words) if step.has_guard => format!("{words} [of the first list] there"),
            Value::String(words) => words,
            other => format!("{} things", other.to_string().replace(['[', ']', '"'], "")),
        };
        text.push_str(&argument);
        // The brackets inside are part of the form here.
        let parts = argument.split(['[', ']']).scan(start, |at, part| {
            let range = *at..*at + part.len();
            *at = range.end + 1;
            Some(range)
        });
        content.extend(parts);
        text.push_str("]\n");
    }
    Written {
        text,
        content,
        ends_anywhere: true,
    }
}

/// One damage.
#[derive(Clone, Debug)]
enum Damage {
    Cut(Index),
    Add(Index, char),
    Remove(Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let mark = prop::sample::select("{}[]()\"',".chars().collect::<Vec<_>>());
    prop_oneof![
        any::<Index>().prop_map(Damage::Cut),
        (any::<Index>(), mark).prop_map(|(at, mark)| Damage::Add(at, mark)),
        any::<Index>().prop_map(Damage::Remove),
    ]
}

impl Damage {
    /// The damaged text; `None` where the mark would be content.
    fn on(&self, plan: &Written) -> Option<String> {
        let text = &plan.text;
        let mut damaged = text.clone();
        match self {
            Self::Cut(at) => damaged.truncate(1 + at.index(text.len() - 1)),
            Self::Add(at, mark) => {
                let at = at.index(text.len() + 1);
                // A double quote ends a string, wherever it stands in it.
                let is_content = |range: &Range<usize>| range.start <= at && at <= range.end;
                let is_free_text = text.contains("#E1");
                if (*mark != '"' || is_free_text)
                    && plan.content.iter().any(is_content)
                    && !(is_free_text
                        && "[]".contains(*mark)
                        && plan.content.iter().any(|range| range.end == at))
                {
                    return None;
                }
                damaged.insert(at, *mark);
            }
            Self::Remove(at) => {
                let is_content = |at: usize| plan.content.iter().any(|range| range.contains(&at));
                let marks = text.match_indices(|c: char| "{}[]()\"',".contains(c));
                let marks: Vec<usize> = marks
                    .map(|(at, _)| at)
                    .filter(|at| !is_content(*at))
                    .collect();
                if marks.is_empty() {
                    return None;
                }
                damaged.remove(marks[at.index(marks.len())]);
            }
        }
        Some(damaged)
    }
}

/// What a plan does: ids, tools, what each step waits for, guards, parameters.
fn outline(plan: &ExecutionPlan) -> Vec<Value> {
    let steps = plan.steps.iter();
    let line = steps.map(|step| {
        let waits: Vec<&str> = step
            .depends_on
            .iter()
            .map(|ix| &*plan.steps[ix.at()].id)
            .collect();
        let guard = step.run_if.as_ref().map(|guard| guard.source.to_string());
        let retry = step.settings.retry.map(|retry| retry.attempts);
        json!([
            &*step.id,
            &*step.tool,
            waits,
            guard,
            step.parameters.source(),
            retry
        ])
    });
    line.collect()
}

fn check(text: &str) -> Result<ExecutionPlan, PlanFaults> {
    parse("drawn.txt", text.as_bytes())?.check(Some(&tools()), None)
}

/// Damages the plan and compares what is read with the plan as it was.
fn holds(plan: &Written, damage: &Damage) -> Result<(), TestCaseError> {
    let whole = check(&plan.text)
        .unwrap_or_else(|faults| panic!("{}: {:#?}", plan.text, faults.diagnostics));
    let Some(damaged) = damage.on(plan) else {
        return Ok(());
    };
    let read = match check(&damaged) {
        Err(faults) => {
            prop_assert!(
                faults.errors().all(|fault| fault.span.is_some()),
                "{damaged}: {faults:#?}"
            );
            return Ok(());
        }
        Ok(read) => read,
    };
    if serde_json::from_str::<Value>(&damaged).is_ok() {
        return Ok(());
    }
    // An input of free text whose brackets do not match is taken as it is written, and that is said.
    if read.warnings.iter().any(|notice| notice.code == "brackets") {
        return Ok(());
    }
    let (before, after) = (outline(&whole), outline(&read));
    let is_cut = matches!(damage, Damage::Cut(_));
    if plan.ends_anywhere
        && is_cut
        && before.starts_with(&after)
        && plan.text[damaged.trim_end().len()..].starts_with('\n')
    {
        return Ok(());
    }
    prop_assert_eq!(before, after, "{}", damaged);
    Ok(())
}

fn in_fence(plan: &Written, language: &str) -> Written {
    let before = format!("Here is the plan:\n\n```{language}\n");
    let moved = plan
        .content
        .iter()
        .map(|range| range.start + before.len()..range.end + before.len());
    Written {
        content: moved.collect(),
        text: format!("{before}{}\n```\n", plan.text.trim_end()),
        ends_anywhere: false,
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn json_plans(plan in drawn(), dialect in 0..4, pretty in any::<bool>(), fenced in any::<bool>(), damage in damage()) {
        let value = match dialect {
            0 => documented(&plan),
            1 => runtime(&plan),
            2 => template(&plan),
            _ => hugging_gpt(&plan),
        };
        let mut written = json_text(&value, pretty);
        if fenced {
            written = in_fence(&written, "json");
        }
        holds(&written, &damage)?;
    }

    #[test]
    fn llm_compiler_plans(plan in drawn(), one_line in any::<bool>(), fenced in any::<bool>(), damage in damage()) {
        let mut written = llm_compiler(&plan, one_line);
        if fenced {
            written = in_fence(&written, "");
        }
        holds(&written, &damage)?;
    }

    #[test]
    fn rewoo_plans(plan in drawn(), with_plans in any::<bool>(), fenced in any::<bool>(), damage in damage()) {
        let mut written = rewoo(&plan, with_plans);
        if fenced {
            written = in_fence(&written, "");
        }
        holds(&written, &damage)?;
    }

    /// YAML that is cut or damaged is often valid, and nothing shows that it was more. In a fence a cut shows, and a
    /// repair never makes another plan of it.
    #[test]
    fn yaml_plans(plan in drawn(), fenced in any::<bool>(), damage in damage()) {
        let mut written = yaml(&plan);
        if fenced {
            written = in_fence(&written, "yaml");
        }
        let is_cut = matches!(damage, Damage::Cut(_));
        if let Some(damaged) = damage.on(&written)
            && let Ok(read) = check(&damaged)
        {
            let repaired = read.warnings.iter().any(|notice| {
                notice.severity == Severity::Repaired && notice.code != "code_fence"
            });
            if repaired || (fenced && is_cut) {
                holds(&written, &damage)?;
            }
        }
    }
}
