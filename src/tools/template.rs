//! `{{name}}` for a parameter and `${VAR}` for the environment, in the texts of a catalog.
//!
//! A text is read once, from left to right, and inserted values are not read again: a parameter whose value
//! contains `${HOME}` is inserted as it is.

use crate::models::Environment;
use crate::text::BoundedText;
use crate::text::json::footprint;
use serde_json::{Map, Value};
use std::collections::HashSet;

/// Renders texts with the parameters of one call.
pub(super) struct TemplateRenderer<'a> {
    /// The parameters.
    pub input: &'a Map<String, Value>,
    /// The environment; without one `${VAR}` is plain text.
    pub environment: Option<&'a Environment>,
    /// What happens to a parameter that was not given.
    pub missing: Missing,
    /// The names of the parameters that were inserted.
    pub used: HashSet<String>,
    /// How many bytes of parameters may still be inserted.
    left: usize,
}

/// What a text cannot be rendered without.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum TemplateError {
    /// A parameter.
    #[error("the parameter \"{0}\" was not given")]
    Parameter(String),
    /// A variable of the environment.
    #[error("the environment variable {0} is not set; the catalog reads ${{{0}}}")]
    Variable(String),
    /// A default in too many others.
    #[error(
        "the default of the environment variable {0} stands in more than {MAX_DEFAULTS} others"
    )]
    Nested(String),
    /// Values that are too large, or inserted too often.
    #[error("what is put together of the parameters takes more than {} MB; insert less", MAX_RENDERED >> 20)]
    TooLarge,
}

/// The most that is put together of the parameters of a call, in bytes.
const MAX_RENDERED: usize = 32 << 20;

/// How deep a default may stand in another.
const MAX_DEFAULTS: usize = 8;

/// What happens to a parameter that was not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// It is an error.
    Error,
    /// Nothing is inserted.
    Empty,
    /// Its reference stays as it is.
    Keep,
}

impl<'a> TemplateRenderer<'a> {
    /// A renderer of parameters only.
    pub(super) fn new(input: &'a Map<String, Value>, missing: Missing) -> Self {
        Self {
            input,
            environment: None,
            missing,
            used: HashSet::new(),
            left: MAX_RENDERED,
        }
    }

    /// The same renderer, for texts of at most so many bytes.
    #[must_use]
    pub(super) fn up_to(mut self, max: usize) -> Self {
        self.left = max;
        self
    }

    /// A value as a text, encoded.
    fn insert(
        &mut self,
        value: &Value,
        encode: &dyn Fn(&str) -> String,
    ) -> Result<String, TemplateError> {
        let mut text = BoundedText::new(self.left);
        if !text.push_value(value) {
            return Err(TemplateError::TooLarge);
        }
        let encoded = encode(&text.into_string());
        self.take(encoded.len())?;
        Ok(encoded)
    }

    fn take(&mut self, bytes: usize) -> Result<(), TemplateError> {
        self.left = self
            .left
            .checked_sub(bytes)
            .ok_or(TemplateError::TooLarge)?;
        Ok(())
    }

    /// The same renderer with an environment.
    #[must_use]
    pub(super) fn with_environment(mut self, environment: &'a Environment) -> Self {
        self.environment = Some(environment);
        self
    }

    /// The rendered `text`; `encode` is applied to the value of each parameter.
    ///
    /// # Errors
    /// Names what is missing, or says that it would be too large.
    pub(super) fn text(
        &mut self,
        text: &str,
        encode: impl Fn(&str) -> String,
    ) -> Result<String, TemplateError> {
        self.render(text, &encode, 0)
    }

    /// `depth` is how many defaults this text stands in.
    fn render(
        &mut self,
        text: &str,
        encode: &dyn Fn(&str) -> String,
        depth: usize,
    ) -> Result<String, TemplateError> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        loop {
            let next = match (rest.find("{{"), rest.find("${")) {
                (Some(a), Some(b)) => a.min(b),
                (Some(at), None) | (None, Some(at)) => at,
                (None, None) => break,
            };
            out.push_str(&rest[..next]);
            let (opener, tail) = rest[next..].split_at(2);
            let closer = if opener == "{{" { "}}" } else { "}" };
            if opener == "${"
                && self.environment.is_some()
                && let Some((name, default, after)) = with_default(tail)
            {
                match self.variable(name) {
                    Ok(value) if !value.is_empty() => out.push_str(&value),
                    _ if depth == MAX_DEFAULTS => {
                        return Err(TemplateError::Nested(name.to_owned()));
                    }
                    _ => out.push_str(&self.render(default, encode, depth + 1)?),
                }
                rest = after;
                continue;
            }
            let piece = tail
                .find(closer)
                .map(|end| (tail[..end].trim(), &tail[end + closer.len()..]))
                .filter(|(name, _)| is_path(name));
            let Some((name, after)) = piece else {
                out.push_str(opener);
                rest = tail;
                continue;
            };
            if opener == "{{" {
                if let Some(value) = self.parameter(name) {
                    out.push_str(&self.insert(value, encode)?);
                } else {
                    match self.missing {
                        Missing::Error => return Err(TemplateError::Parameter(name.to_owned())),
                        Missing::Empty => {}
                        Missing::Keep => out.push_str(&rest[next..rest.len() - after.len()]),
                    }
                }
            } else if self.environment.is_some() && is_name(name) {
                out.push_str(&self.variable(name)?);
            } else {
                out.push_str(&rest[next..rest.len() - after.len()]);
            }
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }

    /// Whether a text that is exactly one `{{name}}` names a parameter that was not given, or is null.
    pub(super) fn lacks(&mut self, text: &str) -> bool {
        let value = whole_reference(text).map(|name| self.parameter(name));
        matches!(value, Some(None | Some(Value::Null)))
    }

    /// `value` with its strings rendered. A string that is exactly one `{{name}}` becomes the parameter's value
    /// with its type, `null` where it was not given.
    pub(super) fn value(&mut self, value: &Value) -> Result<Value, TemplateError> {
        Ok(match value {
            Value::String(text) => match whole_reference(text) {
                Some(name) => match self.parameter(name) {
                    Some(value) => {
                        self.take(footprint(value))?;
                        value.clone()
                    }
                    None => Value::Null,
                },
                None => Value::String(self.text(text, str::to_owned)?),
            },
            Value::Array(items) => items
                .iter()
                .map(|item| self.value(item))
                .collect::<Result<_, _>>()?,
            Value::Object(members) => Value::Object(
                members
                    .iter()
                    .map(|(name, value)| Ok((name.clone(), self.value(value)?)))
                    .collect::<Result<_, TemplateError>>()?,
            ),
            other => other.clone(),
        })
    }

    /// The parameters that were not inserted anywhere.
    pub(super) fn rest(&self) -> impl Iterator<Item = (&'a String, &'a Value)> {
        self.input
            .iter()
            .filter(|(name, _)| !self.used.contains(*name))
    }

    fn parameter(&mut self, path: &str) -> Option<&'a Value> {
        // A parameter may have a dot in its name, so the whole name is looked up first.
        if let Some(value) = self.input.get(path) {
            self.used.insert(path.to_owned());
            return Some(value);
        }
        let mut parts = path.split('.');
        let root = parts.next()?;
        let mut value = self.input.get(root)?;
        self.used.insert(root.to_owned());
        for part in parts {
            value = match value {
                Value::Array(items) => items.get(part.parse::<usize>().ok()?)?,
                other => other.get(part)?,
            };
        }
        Some(value)
    }

    fn variable(&mut self, name: &str) -> Result<String, TemplateError> {
        let value = self
            .environment
            .and_then(|environment| environment(name))
            .ok_or_else(|| TemplateError::Variable(name.to_owned()))?;
        Ok(value)
    }
}

/// The names of the variables that a text of a catalog reads.
pub(crate) fn variables(text: &str) -> impl Iterator<Item = &str> {
    text.split("${").skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))?;
        let (name, after) = rest.split_at(end);
        let closed = after.starts_with('}') || after.starts_with(':') && after.contains('}');
        (closed && is_name(name)).then_some(name)
    })
}

/// Whether a text is exactly one `{{name}}`, which stands for the parameter's value with its type.
pub(super) fn is_whole_reference(text: &str) -> bool {
    whole_reference(text).is_some()
}

fn whole_reference(text: &str) -> Option<&str> {
    text.trim()
        .strip_prefix("{{")
        .and_then(|text| text.strip_suffix("}}"))
        .map(str::trim)
        .filter(|name| is_path(name))
}

/// A value inside a longer text: a string as it is, `null` as nothing, anything else as compact JSON.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// What follows `${` where it is a name with a default, `NAME:-default}`: the name, the default, and what stands after
/// it. The default is used where the variable is not set or empty, as in a shell.
fn with_default(tail: &str) -> Option<(&str, &str, &str)> {
    let (name, text) = tail.split_once(":-").filter(|(name, _)| is_name(name))?;
    let mut open = 0_usize;
    let mut at = 0;
    while let Some(byte) = text.as_bytes().get(at) {
        let two = text.as_bytes().get(at..at + 2);
        match byte {
            _ if two == Some(b"${") => {
                open += 1;
                at += 1;
            }
            _ if two == Some(b"{{") => {
                open += 2;
                at += 1;
            }
            b'}' if open == 0 => return Some((name, &text[..at], &text[at + 1..])),
            b'}' => open -= 1,
            _ => {}
        }
        at += 1;
    }
    None
}

/// The first variable in a text that is written in a form of a shell which is not read here, as it is written.
pub(super) fn unknown_form(text: &str) -> Option<&str> {
    text.match_indices("${").find_map(|(at, _)| {
        let inner = &text[at + 2..];
        let length = inner.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))?;
        let (name, form) = inner.split_at(length);
        let is_form = [":?", ":+", ":=", "-", "?", "+", "=", "#", "%", "^", ","]
            .iter()
            .any(|sign| form.starts_with(sign));
        let end = form.find('}')?;
        (is_name(name) && is_form).then(|| &text[at..=at + 2 + length + end])
    })
}

fn is_name(name: &str) -> bool {
    name.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name
            .bytes()
            .next()
            .is_some_and(|byte| !byte.is_ascii_digit())
}

fn is_path(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::sync::Arc;

    fn input(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn inserted_values_are_not_read_again() {
        let environment: Environment =
            Arc::new(|name| (name == "TOKEN").then(|| "sesame".to_owned()));
        let input = input(&json!({"q": "${TOKEN} {{q}}", "n": {"a": [1, 2]}}));
        let mut renderer =
            TemplateRenderer::new(&input, Missing::Error).with_environment(&environment);
        let text = renderer.text("${TOKEN}|{{q}}|{{ n.a.1 }}|${no good}|{{", str::to_owned);
        assert_eq!(text.unwrap(), "sesame|${TOKEN} {{q}}|2|${no good}|{{");
    }

    #[test]
    fn a_variable_may_have_a_default() {
        let environment: Environment = Arc::new(|name| match name {
            "TOKEN" => Some("sesame".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        });
        let input = input(&json!({"city": "Ulm"}));
        for (text, rendered) in [
            ("${TOKEN:-x}", "sesame"),
            ("<${NONE:-a:-b c}>", "<a:-b c>"),
            ("${EMPTY:-x}${NONE:-}|", "x|"),
            ("${NONE:-${ALSO:-${TOKEN}}}!", "sesame!"),
            ("${NONE:-in {{city}}}/{{city}}", "in Ulm/Ulm"),
            ("${TOKEN:-never {{no}}}", "sesame"),
            ("${NONE:-open", "${NONE:-open"),
        ] {
            let mut renderer =
                TemplateRenderer::new(&input, Missing::Error).with_environment(&environment);
            assert_eq!(
                renderer.text(text, str::to_owned).as_deref(),
                Ok(rendered),
                "{text}"
            );
        }
        let mut renderer =
            TemplateRenderer::new(&input, Missing::Error).with_environment(&environment);
        let deep = "${A:-".repeat(5_000) + &"}".repeat(5_000);
        assert!(matches!(
            renderer.text(&deep, str::to_owned),
            Err(TemplateError::Nested(_))
        ));
        assert!(renderer.text("${NONE:-${ALSO}}", str::to_owned).is_err());
    }

    #[test]
    fn forms_that_are_not_read_are_named() {
        for (text, form) in [
            ("x ${HOME:?set it} y", Some("${HOME:?set it}")),
            ("${A:-b} ${C-d}", Some("${C-d}")),
            ("${A} ${B:-c} ${not one} ${1:?}", None),
        ] {
            assert_eq!(unknown_form(text), form, "{text}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let environment: Environment = Arc::new(|_| None);
        let input = Map::new();
        let mut renderer =
            TemplateRenderer::new(&input, Missing::Error).with_environment(&environment);
        let error = renderer
            .text("{{city}}", str::to_owned)
            .unwrap_err()
            .to_string();
        assert!(error.contains("\"city\""), "{error}");
        let error = renderer
            .text("${API_KEY}", str::to_owned)
            .unwrap_err()
            .to_string();
        assert!(error.contains("API_KEY"), "{error}");
    }

    #[test]
    fn a_value_is_not_multiplied_without_end() {
        let input = input(&json!({"t": "y".repeat(3 << 20), "l": vec!["item"; 100_000]}));
        let renderer = || TemplateRenderer::new(&input, Missing::Error);
        let too_large = |often: usize| {
            let text = renderer().text(&"{{t}}".repeat(often), str::to_owned);
            text == Err(TemplateError::TooLarge)
        };
        assert!(!too_large(10) && too_large(11) && too_large(2_000_000));
        let lists = json!(vec!["{{l}}"; 1000]);
        assert_eq!(renderer().value(&lists), Err(TemplateError::TooLarge));
        // Several texts of a call count together, as they are inserted.
        let mut one = renderer();
        let encoded = |text: &str| text.replace('y', "%79");
        for expected in [true, true, true, false] {
            assert_eq!(one.text("{{t}}", encoded).is_ok(), expected);
        }
        assert!(renderer().up_to(100).text("{{t}}", str::to_owned).is_err());
    }

    #[test]
    fn a_whole_reference_keeps_the_type() {
        let input = input(&json!({"n": 3, "list": [1]}));
        let mut renderer = TemplateRenderer::new(&input, Missing::Error);
        let body =
            renderer.value(&json!({"a": "{{n}}", "b": ["n={{n}}", "{{list}}"], "c": "{{no}}"}));
        assert_eq!(body.unwrap(), json!({"a": 3, "b": ["n=3", [1]], "c": null}));
        assert_eq!(renderer.rest().count(), 0);
    }
}
