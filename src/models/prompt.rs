//! The messages that ask a model to perform a tool.

use super::answer_listener::AnswerListener;
use super::prices::Price;
use super::request::Role;
use crate::text::json::footprint;
use crate::text::secrets::Secrets;
use crate::text::{BoundedText, visible};
use crate::units::ModelOptions;
use minijinja::{Environment, context};
use serde_json::Value;
use std::fmt::Write;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// A call of a tool that a model performs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Task<'a> {
    /// The tool's name.
    pub name: &'a str,
    /// What it does.
    pub description: &'a str,
    /// The schema of its parameters.
    pub input_schema: Option<&'a Value>,
    /// The schema of its output; plain text where there is none.
    pub output_schema: Option<&'a Value>,
    /// Examples of calls.
    pub examples: &'a [Value],
    /// A rendered prompt that replaces the default one.
    pub prompt: Option<&'a str>,
    /// The model, instead of the worker's.
    pub model: Option<&'a str>,
    /// The temperature and the maximum of tokens in an answer, instead of those of the worker.
    pub options: ModelOptions,
    /// The price of the model, instead of the one that is known for it.
    pub price: Option<Price>,
    /// The time limit of the task, its repair included; by default 300 s.
    pub timeout: Option<Duration>,
    /// The longest time without a byte of an answer; by default that of the worker.
    pub stall_timeout: Option<Duration>,
    /// The output by rules, which a simulated answer takes instead of a fake value.
    pub known_output: Option<&'a Value>,
    /// Follows the answers while they arrive.
    pub listener: Option<&'a AnswerListener>,
    /// The name of the attempt, which a call has again that is repeated after a crash, and no other: providers that take one
    /// see by it that a request is one that they had before.
    pub key: Option<&'a str>,
    /// Keeps the bodies of requests and responses, without these secrets and those of the server.
    pub raw: Option<&'a Arc<Secrets>>,
}

/// The maximum size of what a model is asked, in bytes: more than the largest context windows hold.
pub(crate) const MAX_PROMPT_BYTES: usize = 16 << 20;

/// The template of the instructions, compiled once.
static TEMPLATE: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    // A syntax error would leave the prompt empty, which a test would show.
    let _ = environment.add_template(NAME, include_str!("prompt.jinja"));
    environment
});

/// The name of the template.
const NAME: &str = "prompt.jinja";

/// The messages for one call with `input`.
pub(super) fn messages(task: &Task, input: &Value) -> Vec<(Role, String)> {
    let text = |value: Option<&Value>| value.map(Value::to_string);
    let examples: Vec<String> = task.examples.iter().map(Value::to_string).collect();
    let values = context! {
        name => task.name,
        description => task.description.trim(),
        input_schema => text(task.input_schema),
        output_schema => text(task.output_schema),
        examples => examples,
        own_prompt => task.prompt.is_some(),
    };
    let template = TEMPLATE.get_template(NAME);
    let system = template.and_then(|template| template.render(values));
    let system = system.unwrap_or_default().trim().to_owned();
    // One that is too large is not sent, and costs nothing.
    let user = match task.prompt {
        Some(prompt) if prompt.len() > MAX_PROMPT_BYTES => String::new(),
        Some(prompt) => prompt.to_owned(),
        None => as_json(input).unwrap_or_default(),
    };
    if system.is_empty() {
        vec![(Role::User, user)]
    } else {
        vec![(Role::System, system), (Role::User, user)]
    }
}

/// The input as JSON; `None` where it is larger than [`MAX_PROMPT_BYTES`].
fn as_json(input: &Value) -> Option<String> {
    let mut text = BoundedText::new(MAX_PROMPT_BYTES);
    let fits = write!(text, "{input}").is_ok();
    fits.then(|| text.into_string())
}

/// What is wrong with a call whose prompt is larger than any model reads.
pub(super) fn fault(task: &Task<'_>, input: &Value) -> Option<String> {
    let fits = match task.prompt {
        Some(prompt) => prompt.len() <= MAX_PROMPT_BYTES,
        // Large inputs are rare, so the text is written twice only for those.
        None => footprint(input) <= MAX_PROMPT_BYTES || as_json(input).is_some(),
    };
    (!fits).then(|| too_large(task.name))
}

/// The message about such a prompt of a tool.
pub(crate) fn too_large(tool: &str) -> String {
    format!(
        "the prompt of \"{}\" is larger than {} MB, which no model reads; give it less, or a part at a time",
        visible(tool, 80),
        MAX_PROMPT_BYTES >> 20
    )
}

/// The message after an answer that is not valid.
pub(super) fn repair(violation: &str) -> String {
    format!(
        "That answer does not do: {violation}\nAnswer again, with the corrected JSON value and nothing else."
    )
}

/// The messages as one text, for the record.
pub(super) fn transcript(messages: &[(Role, String)]) -> String {
    let mut text = String::new();
    for (role, message) in messages {
        let _ = write!(text, "[{}]\n{message}\n\n", role.as_str());
    }
    text.truncate(text.trim_end().len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_messages_contain_what_the_catalog_says() {
        let (input_schema, output_schema) = (json!({"type": "object"}), json!({"type": "array"}));
        let examples = [json!({"scenario": "a bill"})];
        let task = Task {
            name: "parse",
            description: "Reads a bill.",
            input_schema: Some(&input_schema),
            output_schema: Some(&output_schema),
            examples: &examples,
            ..Task::default()
        };
        let text = transcript(&messages(&task, &json!({"text": "Milk 2.50"})));
        for part in [
            "\"parse\"",
            "Reads a bill.",
            "{\"type\":\"object\"}",
            "{\"type\":\"array\"}",
            "a bill",
            "Milk 2.50",
            "[user]",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }

    #[test]
    fn the_template_reads_as_a_person_would_write_it() {
        let (input_schema, output_schema) = (json!({"type": "object"}), json!({"type": "array"}));
        let examples = [json!({"input": 1}), json!({"input": "<b>{{x}}</b>"})];
        let whole = Task {
            name: "parse",
            description: " Reads a bill.\n",
            input_schema: Some(&input_schema),
            output_schema: Some(&output_schema),
            examples: &examples,
            ..Task::default()
        };
        let instructions = |task: &Task| messages(task, &json!({})).remove(0).1;
        assert_eq!(
            instructions(&whole),
            "You carry out the tool \"parse\". What it does: Reads a bill.\n\
             Work only from the input. Do not invent what it does not say.\n\n\
             Its parameters, as a JSON Schema:\n{\"type\":\"object\"}\n\n\
             Examples:\n{\"input\":1}\n{\"input\":\"<b>{{x}}</b>\"}\n\n\
             Answer with one JSON value and nothing else. It must be valid against this JSON Schema:\n\
             {\"type\":\"array\"}"
        );
        let bare = Task {
            name: "parse",
            ..Task::default()
        };
        assert_eq!(
            instructions(&bare),
            "You carry out the tool \"parse\". Work only from the input. Do not invent what it does not say.\n\n\
             Answer with the tool's output and nothing else, as JSON where it has structure."
        );
        let own = Task {
            prompt: Some("Say hello."),
            output_schema: Some(&output_schema),
            ..Task::default()
        };
        assert!(instructions(&own).starts_with("Answer with one JSON value"));
    }

    #[test]
    fn a_prompt_that_no_model_reads_is_not_built() {
        let own = "w ".repeat(MAX_PROMPT_BYTES / 2);
        let longer = format!("{own}w");
        let with_prompt = |prompt| Task {
            name: "sum",
            prompt,
            ..Task::default()
        };
        for (task, input, fits) in [
            (with_prompt(Some(&*own)), json!({}), true),
            (with_prompt(Some(&*longer)), json!({}), false),
            (with_prompt(None), json!([own]), false),
            // It takes more memory than text.
            (with_prompt(None), json!(vec![0; 1_000_000]), true),
        ] {
            let fault = fault(&task, &input);
            assert_eq!(fault.is_none(), fits);
            let asked = &messages(&task, &input).pop().unwrap().1;
            assert_eq!(!asked.is_empty(), fits);
            if let Some(fault) = fault {
                assert!(
                    fault.contains("\"sum\"") && fault.contains("16 MB"),
                    "{fault}"
                );
            }
        }
    }

    #[test]
    fn a_custom_prompt_is_the_only_message() {
        let task = Task {
            prompt: Some("Say hello."),
            ..Task::default()
        };
        assert_eq!(
            messages(&task, &json!({})),
            [(Role::User, "Say hello.".to_owned())]
        );
    }
}
