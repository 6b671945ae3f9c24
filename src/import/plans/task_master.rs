//! Task Master's `tasks.json`: tasks that wait for each other, for a model or an agent to do.

use super::Fault;
use super::builder::PlanBuilder;
use super::place::Place;
use super::source::{Document, Source};
use super::template::literal_text;
use crate::text::message::quote;
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};

/// What the tool of tasks is asked.
const PROMPT: &str = "You carry out one task of a project.\n\nTask {{id}}: {{title}}\n\n{{description}}\n\n{{details}}\n\n\
How it is tested: {{test_strategy}}\n\nWhat the tasks before it gave: {{results}}\n\n\
Do the task. Answer with the result itself if it is text; otherwise say what was done and how it was tested.";

/// The tag that is taken where there are several.
const MAIN: &str = "master";

/// Statuses of tasks that nobody has to do.
const ENDED: [&str; 2] = ["done", "completed"];
const GIVEN_UP: [&str; 2] = ["cancelled", "deferred"];

/// Whether a document is one.
pub(super) fn is(value: &Value) -> bool {
    let is_list = |tasks: &Value| {
        let tasks = tasks.as_array();
        tasks.is_some_and(|tasks| !tasks.is_empty() && tasks.iter().all(is_task))
    };
    let is_tag = |value: &Value| {
        value["tasks"]
            .as_array()
            .is_some_and(|list| list.iter().all(is_task))
    };
    is_list(&value["tasks"])
        || value.as_object().is_some_and(|tags| {
            tags.values().all(is_tag) && tags.values().any(|tag| is_list(&tag["tasks"]))
        })
}

fn is_task(task: &Value) -> bool {
    let has_id = task["id"].is_number() || task["id"].is_string();
    has_id && task["title"].is_string() && task.get("task").is_none() && task.get("tool").is_none()
}

/// A task or a subtask.
struct Task<'t> {
    /// `3`, or `3.1`.
    number: String,
    value: &'t Value,
    place: Place,
    /// The numbers of the tasks that have to be done before.
    before: Vec<String>,
}

/// Converts the tasks of a tag that are not done.
pub(super) fn convert(source: &Source<'_>, builder: &mut PlanBuilder) -> Result<(), Fault> {
    let document = &source.documents[0];
    let (tasks, place) = chosen(source, document, builder)?;
    let mut all = Vec::new();
    for (at, task) in tasks.iter().enumerate() {
        let place = place.item(at);
        let number = number(&task["id"]);
        let own = dependencies(task, None);
        let is_open = status(task).is_none();
        let mut inner = Vec::new();
        for (at, subtask) in task["subtasks"]
            .as_array()
            .into_iter()
            .flatten()
            .enumerate()
        {
            let place = place.field("subtasks").item(at);
            let mut before = dependencies(subtask, Some(&number));
            before.extend(own.iter().cloned());
            let id = subtask["id"]
                .as_str()
                .filter(|id| id.contains('.'))
                .map(str::to_owned);
            let id = id.unwrap_or_else(|| format!("{number}.{}", self::number(&subtask["id"])));
            inner.push(Task {
                number: id,
                value: subtask,
                place,
                before,
            });
        }
        let mut before = own;
        if is_open {
            before.extend(inner.iter().map(|task| task.number.clone()));
            all.append(&mut inner);
        }
        all.push(Task {
            number,
            value: task,
            place,
            before,
        });
    }
    add(document, &all, builder)?;
    Ok(())
}

/// The tasks of the tag that is asked for, and where they stand.
fn chosen<'t>(
    source: &Source<'_>,
    document: &'t Document,
    builder: &mut PlanBuilder,
) -> Result<(&'t [Value], Place), Fault> {
    let root = &document.value;
    let whole = Place::default();
    let list = |value: &'t Value| value["tasks"].as_array().map_or(&[][..], Vec::as_slice);
    if root["tasks"].is_array() {
        return match source.options.workflow {
            None => Ok((list(root), whole.field("tasks"))),
            Some(tag) => {
                let tag = quote(tag, 80);
                Err(document.fault(
                    &whole,
                    format!("it has no tag {tag}: its tasks have no tags"),
                ))
            }
        };
    }
    let tags: Vec<&String> = root
        .as_object()
        .into_iter()
        .flatten()
        .map(|(tag, _)| tag)
        .collect();
    let names = || {
        tags.iter()
            .map(|tag| quote(tag, 80))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let tag = if let Some(tag) = source.options.workflow {
        tags.iter().find(|known| **known == tag).ok_or_else(|| {
            let tag = quote(tag, 80);
            document.fault(&whole, format!("it has no tag {tag}; it has: {}", names()))
        })?
    } else {
        let main = tags.iter().find(|tag| **tag == MAIN);
        main.or(tags.first())
            .ok_or_else(|| document.fault(&whole, "it has no tasks"))?
    };
    if source.options.workflow.is_none() && tags.len() > 1 {
        let words = format!(
            "these are the tasks of the tag {} of several; --workflow TAG takes another one: {}",
            quote(tag, 80),
            names()
        );
        builder.leave_out(document.line(&whole.field(tag)), words);
    }
    builder.name.clone_from(tag);
    let about = root[&**tag]["metadata"]["description"]
        .as_str()
        .unwrap_or_default();
    about.clone_into(&mut builder.description);
    Ok((list(&root[&**tag]), whole.field(tag).field("tasks")))
}

fn add(document: &Document, all: &[Task<'_>], builder: &mut PlanBuilder) -> Result<(), Fault> {
    // The first task of a number is the one that others depend on.
    let mut ids: HashMap<&str, String> = HashMap::new();
    let mut known: HashSet<&str> = HashSet::new();
    let mut own: Vec<Option<String>> = Vec::with_capacity(all.len());
    for task in all {
        let is_first = known.insert(&task.number);
        let Some(word) = status(task.value) else {
            let id = builder.exact_id(&task.number);
            if is_first {
                ids.insert(&task.number, id.clone());
            } else {
                let what = format!(
                    "another task has the id {} too: this one is the step {id}, and nothing waits for it",
                    quote(&task.number, 40)
                );
                builder.leave_out(line(document, task, "id"), what);
            }
            own.push(Some(id));
            continue;
        };
        let remedy = if GIVEN_UP.contains(&word) {
            ", and tasks after it do not wait for it; set its status to pending to have it done"
        } else {
            ""
        };
        let what = format!("it is {word}, so it is no step{remedy}");
        builder.leave_out(line(document, task, "status"), what);
        own.push(None);
    }
    if own.iter().all(Option::is_none) {
        let words = "every task is done, cancelled or deferred: there is nothing to run";
        return Err(document.fault(&Place::default(), words));
    }
    let tool = json!({
        "type": "model",
        "description": "Carries out a task; put an agent or a program in its place where tasks change files",
        "prompt": PROMPT,
        "max_tokens": 4000,
    });
    let tool = builder.tool("do_task", tool.as_object().unwrap_or(&Map::new()));
    let open = all
        .iter()
        .zip(&own)
        .filter_map(|(task, id)| Some((task, id.as_ref()?)));
    for (task, id) in open {
        let mut depends_on = Vec::new();
        let mut results = Map::new();
        let mut seen = HashSet::new();
        for before in task
            .before
            .iter()
            .filter(|before| seen.insert(before.as_str()))
        {
            match (ids.get(&**before), known.contains(&**before)) {
                (Some(other), _) if other == id => {
                    let words = "it depends on itself, which is left out";
                    builder.leave_out(line(document, task, "dependencies"), words);
                }
                (Some(id), _) => {
                    depends_on.push(id.clone());
                    results.insert(before.clone(), format!("{{{{steps[{id}].output}}}}").into());
                }
                // It is done, or given up, which is said already.
                (None, true) => {}
                (None, false) => {
                    let words = format!(
                        "the task {} that it depends on is not there",
                        quote(before, 40)
                    );
                    builder.leave_out(line(document, task, "dependencies"), words);
                }
            }
        }
        if task.value["status"] == "blocked" {
            let words = "it is blocked; as a step it runs when what it depends on has ended";
            builder.leave_out(line(document, task, "status"), words);
        }
        let text =
            |field: &str| literal_text(task.value[field].as_str().unwrap_or_default().trim());
        let title = task.value["title"].as_str().unwrap_or_default().trim();
        let details = match task.value["acceptanceCriteria"].as_str() {
            Some(criteria) => format!(
                "{}\n\nAccepted when: {}",
                text("details"),
                literal_text(criteria)
            ),
            None => text("details"),
        };
        let priority = task.value["priority"]
            .as_str()
            .map_or_else(String::new, |word| format!(" (priority {word})"));
        builder.step(json!({
            "id": id,
            "description": format!("{title}{priority}"),
            "tool": tool,
            "parameters": {
                "id": task.number,
                "title": literal_text(title),
                "description": text("description"),
                "details": details,
                "test_strategy": text("testStrategy"),
                "results": results,
            },
            "depends_on": depends_on,
        }));
    }
    Ok(())
}

fn line(document: &Document, task: &Task<'_>, field: &str) -> String {
    let place = document.line(&task.place.field(field));
    format!("{place}, task {}", quote(&task.number, 40))
}

/// Why a task is no step; `None` where it is one.
fn status(task: &Value) -> Option<&str> {
    let word = task["status"].as_str()?;
    (ENDED.contains(&word) || GIVEN_UP.contains(&word)).then_some(word)
}

fn number(id: &Value) -> String {
    match id {
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    }
}

/// What a task depends on; a number in a subtask is that of a sibling.
fn dependencies(task: &Value, parent: Option<&str>) -> Vec<String> {
    let list = task["dependencies"].as_array().into_iter().flatten();
    list.map(|one| {
        let own = number(one);
        match parent {
            Some(parent) if one.is_number() || !own.contains('.') => format!("{parent}.{own}"),
            _ => own,
        }
    })
    .collect()
}
