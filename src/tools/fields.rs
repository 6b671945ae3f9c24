//! Reads the fields of a tool's object, with a fault for each value that is not valid.

use super::template::unknown_form;
use crate::units::{Money, Temperature};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The maximum size of an `@file`, in bytes.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// A tool's object. Each field that is read is removed; what is left at the end is unknown.
pub(super) struct Fields<'a> {
    left: Map<String, Value>,
    folder: Option<&'a Path>,
    /// The names and contents of the files that fields named.
    pub files: Vec<(Arc<str>, Arc<str>)>,
    /// The field and what is wrong with it.
    pub faults: Vec<(&'static str, String)>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(object: Map<String, Value>, folder: Option<&'a Path>) -> Self {
        Self {
            left: object,
            folder,
            files: Vec::new(),
            faults: Vec::new(),
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.left.get(name).is_some_and(|value| !value.is_null())
    }

    /// The fields that were not read, and the faults. A field that is `null` counts as not given.
    pub(super) fn into_rest(mut self) -> (Map<String, Value>, Vec<(&'static str, String)>) {
        self.left.retain(|_, value| !value.is_null());
        (self.left, self.faults)
    }

    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.left
            .shift_remove(name)
            .filter(|value| !value.is_null())
    }

    pub(super) fn fault(&mut self, field: &'static str, message: impl Into<String>) {
        self.faults.push((field, message.into()));
    }

    fn wrong(&mut self, field: &'static str, wanted: &str, got: &Value) {
        let got = type_name(got);
        self.fault(field, format!("`{field}` must be {wanted}, not {got}"));
    }

    pub(super) fn text(&mut self, field: &'static str) -> Option<Arc<str>> {
        match self.take(field)? {
            Value::String(text) => Some(text.into()),
            other => {
                self.wrong(field, "text", &other);
                None
            }
        }
    }

    /// Text, or the contents of the file that `@name` names.
    pub(super) fn text_or_file(&mut self, field: &'static str) -> Option<Arc<str>> {
        let text = self.text(field)?;
        self.resolve_file(field, text)
    }

    pub(super) fn resolve_file(&mut self, field: &'static str, text: Arc<str>) -> Option<Arc<str>> {
        let Some(name) = text.strip_prefix('@').map(str::trim) else {
            return Some(text);
        };
        // A jq format (`@csv "…"`) also begins with an at sign; a file name has no spaces or quotes.
        if name.is_empty()
            || name.contains(|c: char| c.is_whitespace() || c == '"')
            || !name.contains('.')
        {
            return Some(text);
        }
        match read_file(&self.path(name)) {
            Ok(contents) => {
                let contents: Arc<str> = contents.into();
                self.files.push((name.into(), Arc::clone(&contents)));
                Some(contents)
            }
            Err(error) => {
                self.fault(
                    field,
                    format!("`{field}` names the file {name}, which cannot be read: {error}"),
                );
                None
            }
        }
    }

    /// A path relative to the catalog's folder.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder
            .map_or_else(|| PathBuf::from(name), |folder| folder.join(name))
    }

    pub(super) fn flag(&mut self, field: &'static str) -> Option<bool> {
        match self.take(field)? {
            Value::Bool(flag) => Some(flag),
            other => {
                self.wrong(field, "true or false", &other);
                None
            }
        }
    }

    pub(super) fn count(&mut self, field: &'static str) -> Option<u32> {
        let value = self.take(field)?;
        let count = value
            .as_u64()
            .and_then(|n| u32::try_from(n).ok())
            .filter(|n| *n > 0);
        if count.is_none() {
            self.wrong(field, "a whole number above 0", &value);
        }
        count
    }

    pub(super) fn temperature(&mut self, field: &'static str) -> Option<Temperature> {
        let value = self.take(field)?;
        let number = value.as_f64();
        let temperature = number.and_then(|number| Temperature::from_number(number).ok());
        if temperature.is_none() {
            self.wrong(field, "a number from 0 to 2", &value);
        }
        temperature
    }

    pub(super) fn seconds(&mut self, field: &'static str) -> Option<Duration> {
        let value = self.take(field)?;
        let span = value
            .as_f64()
            .filter(|seconds| *seconds > 0.0)
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        if span.is_none() {
            self.wrong(field, "a number of seconds above 0", &value);
        }
        span
    }

    /// A price in dollars, read exactly.
    pub(super) fn money(&mut self, field: &'static str) -> Option<Money> {
        let value = self.take(field)?;
        let money = money(&value);
        if money.is_none() {
            self.wrong(
                field,
                "a price in dollars, 0 or more, with at most 12 decimals",
                &value,
            );
        }
        money
    }

    pub(super) fn object(&mut self, field: &'static str) -> Option<Map<String, Value>> {
        match self.take(field)? {
            Value::Object(object) => Some(object),
            other => {
                self.wrong(field, "an object", &other);
                None
            }
        }
    }

    pub(super) fn list(&mut self, field: &'static str) -> Option<Vec<Value>> {
        match self.take(field)? {
            Value::Array(items) => Some(items),
            other => {
                self.wrong(field, "a list", &other);
                None
            }
        }
    }

    /// Refuses the forms of variables that a shell has and a catalog has not.
    pub(super) fn check_variables(&mut self, field: &'static str, text: &str) {
        if let Some(form) = unknown_form(text) {
            let form = crate::text::message::quote(form, 80);
            self.fault(
                field,
                format!(
                    "`{field}` holds {form}; a variable is read as ${{NAME}} or ${{NAME:-default}}"
                ),
            );
        }
    }

    /// An object of texts; numbers and flags become text.
    pub(super) fn texts(&mut self, field: &'static str) -> Vec<(Arc<str>, Arc<str>)> {
        let Some(object) = self.object(field) else {
            return Vec::new();
        };
        let mut texts = Vec::with_capacity(object.len());
        for (name, value) in object {
            match value {
                Value::String(text) => {
                    self.check_variables(field, &text);
                    texts.push((name.into(), text.into()));
                }
                Value::Number(_) | Value::Bool(_) => {
                    texts.push((name.into(), value.to_string().into()));
                }
                other => {
                    let got = type_name(&other);
                    self.fault(field, format!("`{field}.{name}` must be text, not {got}"));
                }
            }
        }
        texts
    }

    /// A valid JSON Schema object. Boolean schemas are refused.
    pub(super) fn schema(&mut self, field: &'static str) -> Option<Value> {
        let value = self.take(field)?;
        if !value.is_object() {
            self.wrong(field, "a JSON Schema, which is an object", &value);
            return None;
        }
        if let Some(error) = crate::text::schema::fault(&value) {
            self.fault(
                field,
                format!("`{field}` is not a valid JSON Schema: {error}"),
            );
            return None;
        }
        Some(value)
    }

    /// A program and its arguments, as a list or as a line to be split.
    pub(super) fn command(&mut self, field: &'static str) -> Option<Vec<Arc<str>>> {
        let words = match self.take(field)? {
            Value::String(line) => match split_command(&line) {
                Ok(words) => words,
                Err(error) => {
                    self.fault(field, format!("`{field}`: {error}"));
                    return None;
                }
            },
            Value::Array(items) => {
                let mut words = Vec::with_capacity(items.len());
                for item in items {
                    match item {
                        Value::String(word) => words.push(word),
                        Value::Number(_) | Value::Bool(_) => words.push(item.to_string()),
                        other => {
                            self.wrong(field, "a list of texts", &other);
                            return None;
                        }
                    }
                }
                words
            }
            other => {
                self.wrong(field, "a list of texts or a line", &other);
                return None;
            }
        };
        if words.first().is_none_or(String::is_empty) {
            self.fault(field, format!("`{field}` names no program"));
            return None;
        }
        Some(words.into_iter().map(Into::into).collect())
    }
}

/// A price in dollars as exact money.
pub(super) fn money(value: &Value) -> Option<Money> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().trim_start_matches('$').to_owned(),
        _ => return None,
    };
    crate::models::prices::dollars(&text)
}

/// The words of a command line, split as a POSIX shell does. Nothing is expanded or run.
fn split_command(line: &str) -> Result<Vec<String>, &'static str> {
    shlex::split(line).ok_or_else(|| {
        let closed_by = |quote: char| shlex::split(&format!("{line}{quote}")).is_some();
        if closed_by('\'') {
            "a ' is not closed"
        } else if closed_by('"') {
            "a \" is not closed"
        } else {
            "it ends with a backslash"
        }
    })
}

pub(super) fn type_name(value: &Value) -> &'static str {
    crate::plan::type_name(value)
}

fn read_file(path: &Path) -> Result<String, String> {
    let length = std::fs::metadata(path)
        .map_err(|error| error.to_string())?
        .len();
    if length > MAX_FILE_BYTES {
        return Err(format!(
            "it has {length} bytes; the maximum is {MAX_FILE_BYTES}"
        ));
    }
    std::fs::read_to_string(path).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn a_line_is_split_as_a_shell_does() {
        let words = split_command(r#"python3 -c 'print("a b")' "x \"y\" \n" a\ b '' "#).unwrap();
        assert_eq!(
            words,
            ["python3", "-c", "print(\"a b\")", "x \"y\" \\n", "a b", ""]
        );
        assert!(split_command("a 'b").is_err());
    }

    #[test]
    fn prices_are_exact() {
        assert_eq!(money(&json!(0.1)), Some(Money::from_pico(100_000_000_000)));
        assert_eq!(money(&json!(1e-6)), Some(Money::from_pico(1_000_000)));
        assert_eq!(money(&json!("$0.000000000001")), Some(Money::from_pico(1)));
        assert_eq!(money(&json!(-1)), None);
        assert_eq!(money(&json!("0.0000000000001")), None);
        assert_eq!(money(&json!(1e300)), None);
    }

    proptest! {
        #[test]
        fn splitting_undoes_quoting(words in prop::collection::vec("[ -~]{0,12}", 1..6)) {
            let line: Vec<String> = words.iter().map(|w| format!("'{}'", w.replace('\'', r"'\''"))).collect();
            prop_assert_eq!(split_command(&line.join(" ")).unwrap(), words);
        }
    }
}
