//! OpenAPI documents as a source of tools: an operation is an `http` tool.
//!
//! The document becomes a catalog as somebody would write it, and is read as one.

mod described;
mod operation;
mod parameters;
mod schemas;
mod security;

use crate::plan::{Diagnostic, PlanFaults, Severity, Source};
pub(crate) use described::{DescribedOperation, OperationName, described};
pub(crate) use operation::BodyAs;
use operation::Operation;
use serde_json::{Value, json};
use std::fmt::Write;

/// The methods of operations.
const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];

/// How many references are followed one after the other.
const MAX_HOPS: usize = 16;

/// A catalog, and warnings about what of the document it lacks.
pub(super) struct Converted {
    pub catalog: Value,
    pub warnings: Vec<Diagnostic>,
}

/// A document.
struct Document<'a> {
    root: &'a Value,
    /// The names of the variables with credentials begin with this.
    prefix: String,
}

impl<'a> Document<'a> {
    /// What a value stands for: itself, or what it refers to.
    fn resolve(&self, mut value: &'a Value) -> Result<&'a Value, String> {
        for _ in 0..MAX_HOPS {
            let Some(reference) = value.get("$ref").and_then(Value::as_str) else {
                return Ok(value);
            };
            value = self.at(reference)?;
        }
        Err("a reference leads to itself".to_owned())
    }

    /// The place in this document that a reference names.
    fn at(&self, reference: &str) -> Result<&'a Value, String> {
        let quoted = || crate::text::message::quote(reference, 120);
        let Some(pointer) = reference.strip_prefix('#') else {
            return Err(format!(
                "the reference \"{}\" leads to another document; put everything into one",
                quoted()
            ));
        };
        let found = self.root.pointer(pointer).or_else(|| {
            let plain = percent_encoding::percent_decode_str(pointer)
                .decode_utf8()
                .ok()?;
            self.root.pointer(&plain)
        });
        found.ok_or_else(|| format!("the reference \"{}\" leads nowhere", quoted()))
    }
}

/// Whether a value is an OpenAPI or Swagger document.
pub(super) fn is_document(value: &Value) -> bool {
    let is_other = value.get("tools").is_some() || value.get("mcpServers").is_some();
    !is_other && (value.get("openapi").is_some() || value.get("swagger").is_some())
}

/// The operations of a document as a catalog.
///
/// # Errors
/// Every operation that cannot be called.
pub(super) fn converted(root: &Value, source: &Source) -> Result<Converted, PlanFaults> {
    let mut report = Report(Vec::new());
    let mut tools = Vec::new();
    if let Err(fault) = version(root) {
        report.add(Severity::Error, &fault);
    } else {
        let document = Document {
            root,
            prefix: security::variable_of(root["info"]["title"].as_str().unwrap_or_default()),
        };
        for operation in operations(&document, &mut report) {
            let name = operation.name();
            let mut warnings = Vec::new();
            match operation.tool(&mut warnings) {
                Ok(made) => tools.push(Value::Object(made.tool)),
                Err(fault) => report.add(Severity::Error, &format!("{name}: {fault}")),
            }
            for warning in warnings {
                report.add(Severity::Warning, &format!("{name}: {warning}"));
            }
        }
        if tools.is_empty() && !report.0.iter().any(is_error) {
            report.add(
                Severity::Error,
                "the document has no operations under `paths`",
            );
        }
    }
    if report.0.iter().any(is_error) {
        return Err(PlanFaults {
            source_text: source.clone(),
            diagnostics: report.0,
        });
    }
    Ok(Converted {
        catalog: json!({"tools": tools}),
        warnings: report.0,
    })
}

/// What is wrong with a document.
struct Report(Vec<Diagnostic>);

impl Report {
    fn add(&mut self, severity: Severity, message: &str) {
        self.0.push(Diagnostic {
            severity,
            code: "open_api",
            message: crate::text::message::quote(message, 2_000),
            help: None,
            span: None,
            step: None,
        });
    }
}

/// The operations of a document, in its order.
fn operations<'a>(document: &'a Document<'a>, report: &mut Report) -> Vec<Operation<'a>> {
    let mut operations = Vec::new();
    for (path, item) in document.root["paths"].as_object().into_iter().flatten() {
        match document.resolve(item) {
            Err(fault) => report.add(Severity::Error, &format!("{path}: {fault}")),
            Ok(item) => {
                let described = METHODS
                    .into_iter()
                    .filter(|method| item[method].is_object());
                operations.extend(described.map(|method| Operation {
                    document,
                    method,
                    path,
                    item,
                    raw: &item[method],
                    body: BodyAs::Fields,
                }));
            }
        }
    }
    operations
}

fn is_error(diagnostic: &Diagnostic) -> bool {
    diagnostic.severity == Severity::Error
}

fn version(root: &Value) -> Result<(), String> {
    if let Some(version) = root.get("swagger") {
        return Err(format!(
            "it is a Swagger document (version {}); convert it to OpenAPI 3.1",
            version.as_str().unwrap_or("2.0")
        ));
    }
    match root.get("openapi").and_then(Value::as_str) {
        Some(version) if version.starts_with("3.") => Ok(()),
        Some(version) => {
            let version = crate::text::message::quote(version, 40);
            Err(format!(
                "its version is \"{version}\"; OpenAPI 3.0, 3.1 and 3.2 are read"
            ))
        }
        None => {
            Err("it is not an OpenAPI document: it has no `openapi` with its version".to_owned())
        }
    }
}

/// A name of letters, digits and `_` alone.
fn plain_name(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_ascii_alphanumeric() {
            name.push(letter);
        } else if !name.ends_with('_') && !name.is_empty() {
            name.push('_');
        }
    }
    let kept = name.trim_end_matches('_').len();
    name.truncate(kept);
    if name.starts_with(|letter: char| letter.is_ascii_digit()) {
        name.insert(0, '_');
    }
    name
}

/// A sentence after others.
fn add_sentence(text: &mut String, sentence: &str) {
    let sentence = sentence.trim();
    if sentence.is_empty() {
        return;
    }
    // Writing to a string cannot fail.
    let _ = match (text.is_empty(), text.ends_with(['.', '!', '?'])) {
        (true, _) => write!(text, "{sentence}"),
        (false, true) => write!(text, " {sentence}"),
        (false, false) => write!(text, ". {sentence}"),
    };
}
