//! Values that are never shown: what `${VAR}` reads from the environment, and the values of headers that carry
//! credentials.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::borrow::Cow;

/// What replaces a secret.
pub const REDACTED: &str = "[redacted]";

/// Shorter values (a port, a flag) are not secrets, and replacing them would garble every text.
const MIN_BYTES: usize = 4;

/// The secrets of one call, which it removes from texts of programs and servers.
#[derive(Clone, Default)]
pub struct Secrets {
    /// Longest first, so that a secret inside another does not leave the rest of the longer one.
    values: Vec<String>,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({})", self.values.len())
    }
}

impl Secrets {
    /// No secrets.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value in each form in which it may come back: as it is, JSON-escaped, and percent-encoded. Values
    /// below four bytes are ignored.
    pub fn add(&mut self, value: &str) {
        let value = value.trim();
        if value.len() < MIN_BYTES {
            return;
        }
        let json = Value::from(value).to_string();
        let json = json[1..json.len() - 1].to_owned();
        for form in [value.to_owned(), json, percent_encode(value)] {
            if !self.values.contains(&form) {
                self.values.push(form);
            }
        }
        self.values
            .sort_by_key(|value| std::cmp::Reverse(value.len()));
    }

    /// Whether there is nothing to hide.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// `text` with every secret replaced.
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut text = Cow::Borrowed(text);
        for value in &self.values {
            if text.contains(value.as_str()) {
                text = Cow::Owned(text.replace(value.as_str(), REDACTED));
            }
        }
        text
    }

    /// `value` with every secret in its strings and names replaced.
    pub fn redact_value(&self, value: Value) -> Value {
        if self.is_empty() {
            return value;
        }
        match value {
            Value::String(text) => Value::String(self.redact(&text).into_owned()),
            Value::Array(items) => items
                .into_iter()
                .map(|item| self.redact_value(item))
                .collect(),
            Value::Object(members) => members
                .into_iter()
                .map(|(name, value)| (self.redact(&name).into_owned(), self.redact_value(value)))
                .collect(),
            other => other,
        }
    }
}

/// Whether a header of this name carries a credential, so that its value is always a secret.
pub fn is_secret_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [
        "authorization",
        "cookie",
        "token",
        "key",
        "secret",
        "password",
    ]
    .iter()
    .any(|word| name.contains(word))
}

/// Characters that are not percent-encoded.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// `text` with everything but unreserved characters percent-encoded.
pub fn percent_encode(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_secret_is_found_in_every_form() {
        let mut secrets = Secrets::new();
        secrets.add("to\"ken/1");
        for text in [
            "x to\"ken/1 y",
            "{\"k\":\"to\\\"ken/1\"}",
            "?k=to%22ken%2F1",
        ] {
            let redacted = secrets.redact(text);
            assert!(redacted.contains(REDACTED), "{redacted}");
            assert!(!redacted.contains("ken"), "{redacted}");
        }
    }

    #[test]
    fn a_secret_inside_another_leaves_nothing() {
        let mut secrets = Secrets::new();
        secrets.add("abcd");
        secrets.add("abcd-long");
        assert_eq!(secrets.redact("abcd-long abcd"), "[redacted] [redacted]");
        let value = secrets.redact_value(json!({"abcd": ["x abcd", 1]}));
        assert_eq!(value, json!({"[redacted]": ["x [redacted]", 1]}));
    }

    #[test]
    fn debug_output_shows_no_secret() {
        let mut secrets = Secrets::new();
        secrets.add("hunter22");
        assert!(!format!("{secrets:?}").contains("hunter"));
    }
}
