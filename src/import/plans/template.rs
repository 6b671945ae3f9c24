//! References and literal values, as plans write them.

use crate::plan::Segment;
use serde_json::Value;

/// A value of another system in a plan.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Part {
    /// What a reference names, without braces: `steps[pay].output.id`.
    Reference(String),
    /// A value that is taken as it is.
    Constant(Value),
    /// A template: a value whose texts have references in them.
    Template(Value),
}

impl Part {
    pub(super) const NULL: Self = Self::Constant(Value::Null);

    /// As a parameter of a step.
    pub(super) fn to_value(&self) -> Value {
        match self {
            Self::Reference(reference) => format!("{{{{{reference}}}}}").into(),
            Self::Constant(value) => literal(value),
            Self::Template(value) => value.clone(),
        }
    }

    /// Inside a longer text.
    pub(super) fn to_text(&self) -> String {
        match self {
            Self::Constant(Value::String(text)) | Self::Template(Value::String(text)) => {
                let is_template = matches!(self, Self::Template(_));
                if is_template {
                    text.clone()
                } else {
                    literal_text(text)
                }
            }
            Self::Constant(Value::Null) => String::new(),
            Self::Reference(reference) => format!("{{{{{reference}}}}}"),
            Self::Constant(value) => literal_text(&value.to_string()),
            Self::Template(value) => value.to_string(),
        }
    }

    /// In an expression; `None` where it cannot stand there.
    pub(super) fn to_expression(&self) -> Option<String> {
        match self {
            Self::Reference(reference) => Some(reference.clone()),
            Self::Constant(Value::String(text)) => Some(quoted(text)),
            Self::Constant(value) if !value.is_object() && !value.is_array() => {
                Some(value.to_string())
            }
            _ => None,
        }
    }

    /// What a path leads to in it.
    pub(super) fn at(&self, path: &[Segment]) -> Self {
        match self {
            Self::Reference(reference) => {
                let mut text = reference.clone();
                push_path(&mut text, path);
                Self::Reference(text)
            }
            Self::Constant(value) => Self::Constant(found(value, path)),
            Self::Template(value) => match found(value, path) {
                Value::Null => Self::NULL,
                value => Self::Template(value),
            },
        }
    }
}

fn found(value: &Value, path: &[Segment]) -> Value {
    let end = path.iter().try_fold(value, |value, segment| match segment {
        Segment::Field(name) => value.get(&**name),
        Segment::Index(at) => match value {
            Value::Array(list) => list.get(usize::try_from(*at).ok()?),
            other => other.get(at.to_string()),
        },
    });
    end.cloned().unwrap_or_default()
}

/// Writes a path at the end of a reference.
pub(super) fn push_path(text: &mut String, path: &[Segment]) {
    for segment in path {
        match segment {
            Segment::Field(name) if is_identifier(name) => text.extend([".", &**name]),
            Segment::Field(name) => text.extend(["[", &quoted(name), "]"]),
            Segment::Index(at) => text.extend(["[", &at.to_string(), "]"]),
        }
    }
}

/// The path of a JSON Pointer, with or without the slash at its beginning.
pub(super) fn pointer(pointer: &str) -> Vec<Segment> {
    let inner = pointer.strip_prefix('/').unwrap_or(pointer);
    if inner.is_empty() {
        return Vec::new();
    }
    let segment = |part: &str| {
        let index = part
            .parse()
            .ok()
            .filter(|_| part == "0" || !part.starts_with(['0', '+', '-']));
        match index {
            Some(index) => Segment::Index(index),
            None => Segment::Field(part.replace("~1", "/").replace("~0", "~").into()),
        }
    };
    inner.split('/').map(segment).collect()
}

/// The path in dots and brackets: `.a.b[0]`, `[0].id`, `a["b c"]`; `None` where it is none.
pub(super) fn dotted(path: &str) -> Option<Vec<Segment>> {
    let mut segments = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let (part, after) = inner.split_once(']')?;
            let part = part.trim();
            let unquoted = ['"', '\'']
                .iter()
                .find_map(|quote| part.strip_prefix(*quote)?.strip_suffix(*quote));
            segments.push(match unquoted {
                Some(name) => Segment::Field(name.into()),
                None => Segment::Index(part.parse().ok()?),
            });
            rest = after;
            continue;
        }
        let inner = rest.strip_prefix('.').unwrap_or(rest);
        let end = inner.find(['.', '[']).unwrap_or(inner.len());
        let name = &inner[..end];
        if name.is_empty() || (inner.len() == rest.len() && !segments.is_empty()) {
            return None;
        }
        segments.push(match name.parse() {
            Ok(index) => Segment::Index(index),
            Err(_) => Segment::Field(name.into()),
        });
        rest = &inner[end..];
    }
    Some(segments)
}

/// A value that is taken as it is: what a plan would read as a reference is written as an expression.
pub(super) fn literal(value: &Value) -> Value {
    match value {
        Value::String(text) => literal_text(text).into(),
        Value::Array(list) => list.iter().map(literal).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), literal(value)))
            .collect(),
        other => other.clone(),
    }
}

/// A text that is taken as it is, also where a reference follows it.
pub(super) fn literal_text(text: &str) -> String {
    const MARKS: [&str; 4] = ["{{", "}}", "${", "<GENERATED>"];
    const OPENING: [char; 2] = ['{', '$'];
    let mut safe = String::with_capacity(text.len());
    let mut rest = text;
    if let Some(after) = text.trim_start().strip_prefix("step:") {
        safe.push_str(&text[..text.len() - after.len() - "step:".len()]);
        safe.push_str("{{\"step:\"}}");
        rest = after;
    }
    loop {
        let found = MARKS
            .iter()
            .filter_map(|mark| Some((rest.find(mark)?, *mark)))
            .min();
        let Some((at, mark)) = found else { break };
        // What stands right before braces would belong to them.
        let before = rest[..at].trim_end_matches(OPENING);
        safe.push_str(before);
        let end = at + mark.len();
        safe.extend(["{{", &quoted(&rest[before.len()..end]), "}}"]);
        rest = &rest[end..];
    }
    let before = rest.trim_end_matches(OPENING);
    safe.push_str(before);
    if before.len() < rest.len() {
        safe.extend(["{{", &quoted(&rest[before.len()..]), "}}"]);
    }
    safe
}

/// A text as a literal of an expression.
pub(super) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// Whether a name can stand after a dot, or alone.
pub(super) fn is_identifier(name: &str) -> bool {
    let mut letters = name.chars();
    letters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

/// A name of letters, digits, `_` and, where `dashes` is set, `-`; what else there is becomes `_`.
pub(super) fn plain_name(text: &str, dashes: bool) -> String {
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || *c == '_' || (dashes && *c == '-');
    let name = text.trim().chars().take(80);
    let name: String = name.map(|c| if is_plain(&c) { c } else { '_' }).collect();
    match name.chars().next() {
        None => "_".to_owned(),
        Some(first) if !dashes && first.is_ascii_digit() => format!("_{name}"),
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::ExecutionPlan;
    use proptest::prelude::*;
    use serde_json::json;

    /// What the text refers to in a plan: context values and steps.
    fn referred(text: &str) -> Result<(usize, usize), String> {
        let steps = json!([
            {"id": "a", "tool": "t", "parameters": {}},
            {"id": "b", "tool": "t", "parameters": {"text": text}},
        ]);
        let plan = ExecutionPlan::from_value(json!({"steps": steps}));
        let plan = plan.map_err(|faults| faults.to_string())?;
        Ok((plan.context_names.len(), plan.steps[1].depends_on.len()))
    }

    proptest! {
        #[test]
        fn a_literal_refers_to_nothing(
            text in "(\\{\\{|\\}\\}|\\$\\{|step:|a|b|\\.output|\\$1|#E1|<GENERATED>-0|\\[|\\]|\"|'|\\\\|\\{%|%\\}| |\n|\\{|\\}|\\$|é){0,12}"
        ) {
            let literal = literal_text(&text);
            prop_assert_eq!(referred(&literal), Ok((0, 0)), "{:?} {:?}", text, literal);
            let around = format!("{literal}{{{{steps[a].output}}}}{literal}");
            prop_assert_eq!(referred(&around), Ok((0, 1)), "{:?} {:?}", text, around);
        }
    }

    #[test]
    fn paths_are_read_in_dots_and_as_pointers() {
        let text = |path: Option<Vec<Segment>>| {
            path.map(|path| {
                let mut text = String::new();
                push_path(&mut text, &path);
                text
            })
        };
        for (written, read) in [
            (".a.b[0]", Some(".a.b[0]")),
            ("[0].id", Some("[0].id")),
            ("a['b c']", Some(".a[\"b c\"]")),
            (".0.x-y", Some("[0][\"x-y\"]")),
            ("", Some("")),
            (".", None),
            ("[x", None),
            ("a[b]", None),
        ] {
            assert_eq!(text(dotted(written)).as_deref(), read, "{written}");
        }
        for (written, read) in [
            ("/a/0/b~1c", ".a[0][\"b/c\"]"),
            ("", ""),
            ("/01", "[\"01\"]"),
            ("/-1", "[\"-1\"]"),
        ] {
            assert_eq!(
                text(Some(pointer(written))).as_deref(),
                Some(read),
                "{written}"
            );
        }
    }
}
