//! Secrets, and their removal from texts and values.
//!
//! A secret comes back in many forms: a server echoes it percent-encoded in an address, JSON escapes it, a page
//! writes it with entities, a header carries it in base64, a program prints it a piece at a time. So texts are not
//! searched for a list of spellings. Each character of a secret is compared with each character of the text as it
//! stands and as every common escape reads it, and both may be mixed within one secret.
//!
//! Redaction comes after cleaning and before cutting: what [`clean`](super::message::clean) would drop is passed over
//! between two characters of a secret, and a cut would leave a part that is no longer recognised.

mod entities;
mod escapes;
mod forms;
mod pattern;
mod scan;
mod shared;
mod stream;
#[cfg(test)]
mod tests;

pub(crate) use forms::mask_password;
pub(crate) use shared::SecretsReader;
pub use shared::SharedSecrets;
pub(crate) use stream::Redactor;

use super::message;
use pattern::{Pattern, fold};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What replaces a secret.
pub const REDACTED: &str = "[redacted]";

/// Shorter values (a port, a flag) are not secrets: replacing them would garble every text.
pub(crate) const MIN_BYTES: usize = 4;

/// Values that nest deeper are replaced as a whole.
const MAX_DEPTH: usize = 512;

/// Values that must not be shown, and what finds them.
#[derive(Clone)]
pub struct Secrets {
    values: HashSet<Arc<str>>,
    patterns: Vec<Pattern>,
    /// Patterns by the case-folded first character.
    by_first: HashMap<char, Vec<usize>>,
    /// The same for ASCII: whether any pattern begins so.
    ascii: [bool; 128],
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({})", self.values.len())
    }
}

impl Default for Secrets {
    fn default() -> Self {
        Self {
            values: HashSet::new(),
            patterns: Vec::new(),
            by_first: HashMap::new(),
            ascii: [false; 128],
        }
    }
}

impl Secrets {
    /// No secrets.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value. Values below 4 bytes and words such as `true` are not secrets.
    pub fn add(&mut self, value: &str) {
        let value = value.trim();
        if !forms::is_secret(value) || self.values.contains(value) {
            return;
        }
        self.values.insert(value.into());
        for pattern in forms::patterns(value) {
            if !self.patterns.contains(&pattern) {
                self.index(pattern);
            }
        }
    }

    /// The patterns that begin with `c`.
    fn beginning_with(&self, c: char) -> impl Iterator<Item = usize> {
        let found = self.by_first.get(&fold(c));
        found.into_iter().flatten().copied()
    }

    fn index(&mut self, pattern: Pattern) {
        let Some(first) = pattern.first() else {
            return;
        };
        let at = self.patterns.len();
        for c in pattern.kind().alike(first) {
            self.by_first.entry(fold(c)).or_default().push(at);
            for c in [c, fold(c), c.to_ascii_uppercase()] {
                if let Some(begins) = self.ascii.get_mut(c as usize) {
                    *begins = true;
                }
            }
        }
        self.patterns.push(pattern);
    }

    /// Whether a value was added.
    fn has(&self, value: &str) -> bool {
        self.values.contains(value.trim())
    }

    /// These secrets and those of `more`.
    pub(crate) fn and(self: &Arc<Self>, more: &Self) -> Arc<Self> {
        if more.values.is_subset(&self.values) {
            return Arc::clone(self);
        }
        let mut both = Self::clone(self);
        for value in &more.values {
            both.add(value);
        }
        Arc::new(both)
    }

    /// Whether `text` has a secret in it.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        matches!(self.redact(text), Cow::Owned(_))
    }

    /// Whether there is nothing to hide.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// `text` with every secret replaced.
    pub(crate) fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.is_empty() {
            return Cow::Borrowed(text);
        }
        let found = scan::find(self, text, true);
        if found.ranges.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut redacted = String::with_capacity(text.len());
        let mut from = 0;
        for range in found.ranges {
            redacted.push_str(&text[from..range.start]);
            redacted.push_str(REDACTED);
            from = range.end;
        }
        redacted.push_str(&text[from..]);
        Cow::Owned(redacted)
    }

    /// `text` on one line of at most `most` characters, without secrets: cleaned, redacted, and only then cut.
    pub fn quote(&self, text: &str, most: usize) -> String {
        let text = message::quote(text, usize::MAX);
        message::quote(&self.redact(&text), most)
    }

    /// The end of `text` on one line of at most `most` characters, without secrets.
    pub(crate) fn quote_end(&self, text: &str, most: usize) -> String {
        let text = message::quote(text, usize::MAX);
        message::quote_end(&self.redact(&text), most)
    }

    /// `value` with every secret replaced: in its texts and names, and numbers that are one; `None` where it has
    /// none.
    pub fn redacted(&self, value: &Value) -> Option<Value> {
        if self.is_empty() {
            return None;
        }
        self.redacted_at(value, 0)
    }

    fn redacted_at(&self, value: &Value, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            return Some(REDACTED.into());
        }
        match value {
            Value::Null | Value::Bool(_) => None,
            Value::Number(number) => {
                let text = number.to_string();
                matches!(self.redact(&text), Cow::Owned(_)).then(|| REDACTED.into())
            }
            Value::String(text) => match self.redact(text) {
                Cow::Owned(text) => Some(Value::String(text)),
                Cow::Borrowed(_) => None,
            },
            Value::Array(items) => {
                let redacted = |item| self.redacted_at(item, depth + 1);
                let (at, first) = items
                    .iter()
                    .enumerate()
                    .find_map(|(at, item)| Some((at, redacted(item)?)))?;
                let mut all = items[..at].to_vec();
                all.push(first);
                let rest = items[at + 1..].iter();
                all.extend(rest.map(|item| redacted(item).unwrap_or_else(|| item.clone())));
                Some(Value::Array(all))
            }
            Value::Object(members) => {
                let has_secret = |(name, value): (&String, &Value)| {
                    matches!(self.redact(name), Cow::Owned(_))
                        || self.redacted_at(value, depth + 1).is_some()
                };
                members.iter().any(has_secret).then(|| {
                    let members = members.iter().map(|(name, value)| {
                        let redacted = self.redacted_at(value, depth + 1);
                        (
                            self.redact(name).into_owned(),
                            redacted.unwrap_or_else(|| value.clone()),
                        )
                    });
                    Value::Object(members.collect::<Map<_, _>>())
                })
            }
        }
    }

    /// The same value where it has no secret, else a redacted one.
    pub(crate) fn redact_shared(&self, value: &Arc<Value>) -> Arc<Value> {
        self.redacted(value)
            .map_or_else(|| Arc::clone(value), Arc::new)
    }

    /// The same text where it has no secret, else a redacted one.
    pub(crate) fn redact_text(&self, text: &Arc<str>) -> Arc<str> {
        match self.redact(text) {
            Cow::Owned(redacted) => redacted.into(),
            Cow::Borrowed(_) => Arc::clone(text),
        }
    }
}
