//! The parts of what a model was asked: its roles, and a schema in the instructions.

use serde_json::Value;

/// Bytes of a token, about: as answers that are arriving are counted.
const BYTES_PER_TOKEN: u64 = 4;
/// Bytes below which a line is no schema worth a section of its own.
const SCHEMA_BYTES: usize = 24;

/// A part.
#[derive(Debug, PartialEq)]
pub(super) struct Section {
    /// `System`, `User`, `Schema`, ….
    pub name: &'static str,
    /// The text, or the value that it is.
    pub content: Content,
    /// About how many tokens it has.
    pub tokens: u64,
}

/// What a part is.
#[derive(Debug, PartialEq)]
pub(super) enum Content {
    /// A text as it is.
    Text(String),
    /// A JSON value, which is read more easily in lines.
    Value(Value),
}

/// The parts of a prompt, in order; none where it is not written in roles.
pub(super) fn sections(prompt: &str) -> Vec<Section> {
    let mut sections = Vec::new();
    let mut role: Option<&'static str> = None;
    let mut text = String::new();
    for line in prompt.split_inclusive('\n') {
        match role_of(line.trim_end()) {
            Some(next) => {
                if let Some(role) = role {
                    push(&mut sections, role, &text);
                }
                role = Some(next);
                text.clear();
            }
            None => text.push_str(line),
        }
    }
    if let Some(role) = role {
        push(&mut sections, role, &text);
    }
    sections
}

fn role_of(line: &str) -> Option<&'static str> {
    Some(match line {
        "[system]" => "System",
        "[user]" => "User",
        "[assistant]" => "Assistant",
        _ => return None,
    })
}

fn push(sections: &mut Vec<Section>, role: &'static str, text: &str) {
    if role != "System" {
        sections.push(section(role, text.trim()));
        return;
    }
    // A schema stands on a line of its own.
    let mut plain = String::new();
    let mut schemas = Vec::new();
    for line in text.lines() {
        if let Some(schema) = schema(line) {
            schemas.push(Section {
                name: "Schema",
                content: Content::Value(schema),
                tokens: tokens(line),
            });
            plain.push_str("(the schema below)\n");
        } else {
            plain.push_str(line);
            plain.push('\n');
        }
    }
    sections.push(Section {
        name: role,
        content: Content::Text(plain.trim().to_owned()),
        tokens: tokens(plain.trim()),
    });
    sections.append(&mut schemas);
}

fn schema(line: &str) -> Option<Value> {
    let line = line.trim();
    if line.len() < SCHEMA_BYTES || !line.starts_with('{') {
        return None;
    }
    let value: Value = serde_json::from_str(line).ok()?;
    let is_schema = ["type", "properties", "$ref", "anyOf", "oneOf", "enum"]
        .iter()
        .any(|key| value.get(key).is_some());
    is_schema.then_some(value)
}

/// A section of a text that may be JSON.
pub(super) fn section(name: &'static str, text: &str) -> Section {
    let value = text
        .starts_with(['{', '['])
        .then(|| serde_json::from_str(text).ok());
    Section {
        name,
        content: match value.flatten() {
            Some(value) => Content::Value(value),
            None => Content::Text(text.to_owned()),
        },
        tokens: tokens(text),
    }
}

fn tokens(text: &str) -> u64 {
    (text.len() as u64).div_ceil(BYTES_PER_TOKEN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_prompt_is_read_in_its_parts() {
        let prompt = "[system]\nYou weigh fish.\nAnswer with JSON of this schema:\n\
            {\"type\":\"object\",\"properties\":{\"kg\":{}}}\n\n[user]\n{\"fish\":\"two\\nlines\"}\n\n";
        let sections = sections(prompt);
        let names: Vec<&str> = sections.iter().map(|section| section.name).collect();
        assert_eq!(names, ["System", "Schema", "User"]);
        assert!(
            matches!(&sections[0].content, Content::Text(text) if text.starts_with("You weigh fish."))
        );
        assert_eq!(
            sections[2].content,
            Content::Value(json!({"fish": "two\nlines"}))
        );
        assert!(sections.iter().all(|section| section.tokens > 0));
    }

    #[test]
    fn other_text_has_no_parts() {
        assert!(sections("GET http://127.0.0.1/\n").is_empty());
        assert!(sections("").is_empty());
        assert_eq!(sections("[user]\nhello").len(), 1);
    }
}
