//! Lines and their indentation.

use serde_json::Value;

/// Spaces of one level, where a file does not show another number.
const LEVEL: usize = 2;

/// Where the line begins in which a place is.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    text.get(..at)
        .and_then(|before| before.rfind('\n'))
        .map_or(0, |newline| newline + 1)
}

/// Where the line ends in which a place is, without what ends it.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let end = rest.find('\n').unwrap_or(rest.len());
    let line = rest.get(..end).unwrap_or_default();
    at + line.trim_end_matches('\r').len()
}

/// The blanks that begin a line.
pub(super) fn indent_at(text: &str, at: usize) -> &str {
    let line = text.get(line_start(text, at)..).unwrap_or_default();
    let end = line.len() - line.trim_start_matches([' ', '\t']).len();
    line.get(..end).unwrap_or_default()
}

/// The characters before a place in its line.
pub(super) fn column(text: &str, at: usize) -> usize {
    let before = text.get(line_start(text, at)..at).unwrap_or_default();
    before.chars().count()
}

/// The text with the line ends that a file has.
pub(super) fn with_line_ends_of(file: &str, text: &str) -> String {
    if file.contains("\r\n") {
        text.replace('\n', "\r\n")
    } else {
        text.to_owned()
    }
}

/// A value as JSON on one line, with a blank after each comma and colon.
pub(super) fn on_one_line(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(on_one_line).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) => {
            let members = members.iter().map(|(key, value)| {
                format!("{}: {}", Value::from(key.as_str()), on_one_line(value))
            });
            let members: Vec<String> = members.collect();
            format!("{{{}}}", members.join(", "))
        }
        other => other.to_string(),
    }
}

/// A value as JSON on many lines, all but the first indented by `indent` more.
pub(super) fn on_many_lines(value: &Value, indent: &str) -> String {
    let pretty = serde_json::to_string_pretty(value).unwrap_or_default();
    indented(&pretty, indent)
}

/// The lines of a text, all but the first with `indent` before them where they are not empty.
pub(super) fn indented(text: &str, indent: &str) -> String {
    let mut lines = text.split('\n');
    let mut whole = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        whole.push('\n');
        if !line.is_empty() {
            whole.push_str(indent);
        }
        whole.push_str(line);
    }
    whole
}

/// The indentation of one level more.
pub(super) fn deeper(indent: usize) -> String {
    " ".repeat(indent + LEVEL)
}
