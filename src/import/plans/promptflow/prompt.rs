//! Prompt templates: plain ones, whose placeholders Plandeck fills, and those that need Jinja.

use crate::import::plans::template::{Part, dotted, is_identifier, literal_text};
use serde_json::{Map, Value};

/// A template.
pub(super) struct Template {
    /// Pieces of text, each with the placeholder after it.
    pieces: Vec<(String, Option<Placeholder>)>,
}

struct Placeholder {
    name: String,
    /// What follows the name: `.a.b`.
    path: String,
}

/// Reads a template; `None` where it has statements, filters or expressions.
pub(super) fn plain(text: &str) -> Option<Template> {
    let text = without_comments(text);
    if text.contains("{%") {
        return None;
    }
    let mut pieces = Vec::new();
    let mut rest = &*text;
    while let Some(at) = rest.find("{{") {
        let (before, after) = (&rest[..at], &rest[at + 2..]);
        let end = after.find("}}")?;
        let inner = after[..end].trim().trim_matches('-').trim();
        let length = inner.find(['.', '[']).unwrap_or(inner.len());
        let (name, path) = inner.split_at(length);
        dotted(path)?;
        let is_plain = path
            .split(['.', '[', ']'])
            .all(|part| part.is_empty() || is_identifier(part) || part.parse::<u32>().is_ok());
        if !is_identifier(name) || !is_plain {
            return None;
        }
        let placeholder = Placeholder {
            name: name.to_owned(),
            path: path.to_owned(),
        };
        pieces.push((before.to_owned(), Some(placeholder)));
        rest = &after[end + 2..];
    }
    pieces.push((rest.to_owned(), None));
    Some(Template { pieces })
}

fn without_comments(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("{#") {
        kept.push_str(&rest[..at]);
        match rest[at..].find("#}") {
            Some(end) => rest = &rest[at + end + 2..],
            None => rest = "",
        }
    }
    kept + rest
}

impl Template {
    /// As a text of a step, with references in place of the placeholders; what is not given is nothing.
    pub(super) fn filled(
        &self,
        inputs: &Map<String, Value>,
        parts: &dyn Fn(&str) -> Option<Part>,
    ) -> String {
        let mut text = String::new();
        for (before, placeholder) in &self.pieces {
            text.push_str(&literal_text(before));
            let Some(Placeholder { name, path }) = placeholder else {
                continue;
            };
            if inputs.contains_key(name)
                && let Some(part) = parts(name)
                && let Some(path) = dotted(path)
            {
                text.push_str(&part.at(&path).to_text());
            }
        }
        text
    }

    /// As the prompt of a tool, whose placeholders are parameters, and the parameters that it names.
    pub(super) fn prompt(&self, inputs: &Map<String, Value>) -> (String, Vec<String>) {
        let mut text = String::new();
        let mut named = Vec::new();
        for (before, placeholder) in &self.pieces {
            text.push_str(before);
            let Some(Placeholder { name, path }) = placeholder else {
                continue;
            };
            if inputs.contains_key(name) {
                let path = path.replace('[', ".").replace(']', "");
                text.extend(["{{", &**name, &*path, "}}"]);
                named.push(name.clone());
            }
        }
        (text, named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn plain_templates_are_told_from_others() {
        let inputs = json!({"who": 1, "list": 2});
        let inputs = inputs.as_object().unwrap();
        let template = plain("# {# note #}Hi {{ who }}, {{list[0].name}} {{- none }}!").unwrap();
        assert_eq!(template.prompt(inputs).0, "# Hi {{who}}, {{list.0.name}} !");
        let part = |name: &str| Some(Part::Reference(format!("steps[{name}].output")));
        let filled = template.filled(inputs, &part);
        assert_eq!(
            filled,
            "# Hi {{steps[who].output}}, {{steps[list].output[0].name}} !"
        );
        for other in [
            "{% if a %}b{% endif %}",
            "{{ a | upper }}",
            "{{ a + 1 }}",
            "{{ 'x' }}",
            "{{ a",
            "{{ f(a) }}",
        ] {
            assert!(plain(other).is_none(), "{other}");
        }
    }
}
