//! JSON Schemas, and where values are validated against them.
//!
//! A schema of a few lines can ask for more steps than there are atoms: `$ref`s that double forty times, a pattern with
//! nested repetitions. So the steps are computed before anything is compiled or validated. Few are made in place; more
//! need a thread, and what has no bound a process that can be ended.

mod cost;
mod pattern;

use cost::Measured;
use jsonschema::error::ValidationErrorKind;
use jsonschema::{PatternOptions, Validator};
use serde_json::Value;
use std::sync::Arc;

/// The maximum of steps that are made in place.
pub(crate) const MAX_STEPS_IN_PLACE: u64 = 20_000;

/// The maximum of steps that are made on a thread, where they cannot be stopped.
pub(crate) const MAX_STEPS_ON_THREAD: u64 = 4_000_000;

/// The maximum of violations in one message.
const MAX_VIOLATIONS: usize = 5;

/// The maximum length of one violation that is shown, in characters, and of one that still has secrets in it: where that
/// is cut, a part of one could be left, which the other cut takes away.
const MAX_SHOWN: usize = 300;
const MAX_VIOLATION: usize = 16 << 10;

/// The maximum of steps back in one match of a pattern that looks around or refers back: in this process, and in one
/// of its own.
const BACKTRACKS_HERE: usize = 10_000;
const BACKTRACKS: usize = 1_000_000;

/// The maximum size of a compiled pattern, and of what matching it remembers, in bytes.
const PATTERN_BYTES: usize = 10 << 20;
const PATTERN_CACHE: usize = 1 << 20;

/// What is wrong with a JSON Schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SchemaError(String);

/// Where a value is validated.
#[derive(Clone, Debug)]
pub(crate) enum Place<'a> {
    /// Here.
    Inline(&'a Validator),
    /// On a thread, and only whether it is valid: describing violations can take far more memory.
    Thread(Arc<Validator>),
    /// In a process of its own.
    Process,
}

/// What validation gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The value is valid.
    Valid,
    /// It is not; one violation a line.
    Invalid(String),
    /// A pattern needs too many steps.
    Undecided,
}

/// A JSON Schema.
#[derive(Debug)]
pub(crate) struct Schema {
    value: Arc<Value>,
    measured: Measured,
    /// `None` where only a process of its own compiles it.
    validator: Option<Arc<Validator>>,
}

impl Schema {
    /// Measures a schema, and compiles it where it is small.
    ///
    /// # Errors
    /// What is wrong with the schema. One that is too large to be compiled here is not looked at.
    pub(crate) fn new(schema: &Value) -> Result<Self, SchemaError> {
        let measured = Measured::of(schema);
        let validator = if measured.is_small() {
            Some(Arc::new(compile(schema, BACKTRACKS_HERE)?))
        } else {
            None
        };
        Ok(Self {
            value: Arc::new(schema.clone()),
            measured,
            validator,
        })
    }

    /// The schema itself.
    pub(crate) fn value(&self) -> &Arc<Value> {
        &self.value
    }

    /// Where `value` is validated.
    pub(crate) fn place(&self, value: &Value) -> Place<'_> {
        let Some(validator) = &self.validator else {
            return Place::Process;
        };
        match self.measured.steps(&self.value, value, MAX_STEPS_ON_THREAD) {
            Some(..=MAX_STEPS_IN_PLACE) => Place::Inline(validator),
            Some(_) => Place::Thread(Arc::clone(validator)),
            None => Place::Process,
        }
    }
}

/// What is wrong with a schema; `None` where nothing is, or where it is too large to be compiled here.
pub(crate) fn fault(schema: &Value) -> Option<SchemaError> {
    Schema::new(schema).err()
}

/// Compiles a schema of any size, in a process that can be ended.
///
/// # Errors
/// What is wrong with the schema.
pub(crate) fn compile_here(schema: &Value) -> Result<Validator, SchemaError> {
    compile(schema, BACKTRACKS)
}

fn compile(schema: &Value, backtracks: usize) -> Result<Validator, SchemaError> {
    let patterns = PatternOptions::fancy_regex()
        .size_limit(PATTERN_BYTES)
        .dfa_size_limit(PATTERN_CACHE)
        .backtrack_limit(backtracks);
    // Other files and addresses are never fetched: without a resolver they do not compile.
    jsonschema::options()
        .should_validate_formats(true)
        .with_pattern_options(patterns)
        .build(schema)
        .map_err(|error| SchemaError(shortened(&error.to_string())))
}

/// Validates a value. The caller knows that it ends, or can end it.
pub(crate) fn validate(validator: &Validator, value: &Value) -> Verdict {
    if validator.is_valid(value) {
        return Verdict::Valid;
    }
    describe(validator, value)
}

/// What is wrong with a value that is not valid. It is shown [`shortened`], when secrets are out of it.
pub(crate) fn describe(validator: &Validator, value: &Value) -> Verdict {
    let mut faults = Vec::new();
    for error in validator.iter_errors(value) {
        if is_unfinished(error.kind()) {
            return Verdict::Undecided;
        }
        if faults.len() < MAX_VIOLATIONS {
            let path = error.instance_path().as_str();
            let place = if path.is_empty() { "the value" } else { path };
            let mut message = error.to_string();
            if message.len() > MAX_VIOLATION {
                // Without the value, which begins it.
                message = error.masked().to_string();
            }
            let message: String = message.chars().take(MAX_VIOLATION).collect();
            // One violation is one line.
            faults.push(format!("{place}: {}", message.replace('\n', " ")));
        }
    }
    Verdict::Invalid(faults.join("\n"))
}

/// Whether a match was given up.
pub(crate) fn is_unfinished(kind: &ValidationErrorKind) -> bool {
    matches!(
        kind,
        ValidationErrorKind::BacktrackLimitExceeded { .. }
            | ValidationErrorKind::RegexEngineFailure { .. }
    )
}

/// In what a value breaks a schema; `None` where it does not, or where that is not found out here in few steps.
pub(crate) fn violation(schema: &Value, value: &Value) -> Option<String> {
    let schema = Schema::new(schema).ok()?;
    let verdict = match schema.place(value) {
        Place::Inline(validator) => validate(validator, value),
        Place::Thread(_) | Place::Process => return None,
    };
    match verdict {
        Verdict::Invalid(violations) => Some(shortened(&violations)),
        Verdict::Valid | Verdict::Undecided => None,
    }
}

/// Violations, each as long as it is shown.
pub(crate) fn shortened(violations: &str) -> String {
    let short = violations.lines().map(|line| {
        let length = line.chars().count();
        if length <= MAX_SHOWN {
            return line.to_owned();
        }
        // The value comes first, and at the end what is wrong with it.
        let (head, tail) = (MAX_SHOWN * 2 / 3, MAX_SHOWN / 3);
        let head = line.chars().take(head);
        let tail = line.chars().skip(length - tail);
        head.chain(['…']).chain(tail).collect()
    });
    short.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn violations_are_as_long_as_they_can_be_read() {
        let schema = json!({"items": {"type": "integer"}});
        let validator = compile_here(&schema).unwrap();
        let value = json!([
            "x".repeat(1000),
            "y\n".repeat(40_000),
            3,
            null,
            null,
            null,
            null
        ]);
        let Verdict::Invalid(violations) = validate(&validator, &value) else {
            panic!("it is valid");
        };
        let shown = shortened(&violations);
        assert_eq!(shown.lines().count(), MAX_VIOLATIONS);
        for line in shown.lines() {
            assert!(line.chars().count() <= MAX_SHOWN + 1, "{line}");
            assert!(line.contains("\"integer\""), "{line}");
        }
        assert!(shown.starts_with("/0: \"xxx") && shown.contains('…'));
    }

    #[test]
    fn few_steps_are_made_in_place_and_more_are_not() {
        let schema = Schema::new(&json!({"items": {"type": "integer"}})).unwrap();
        let list = |length: usize| json!((0..length).collect::<Vec<_>>());
        assert!(matches!(schema.place(&list(1_000)), Place::Inline(_)));
        assert!(matches!(schema.place(&list(100_000)), Place::Thread(_)));
        assert!(matches!(schema.place(&list(3_000_000)), Place::Process));
        let back = Schema::new(&json!({"pattern": "^(?=(a+)+b)"})).unwrap();
        let Place::Inline(validator) = back.place(&json!("aab")) else {
            panic!("it is short");
        };
        assert_eq!(validate(validator, &json!("aab")), Verdict::Valid);
        let endless = compile(&json!({"pattern": "^(a|a)+(?=b)\\1c"}), 100).unwrap();
        let undecided = validate(&endless, &json!("a".repeat(40)));
        assert_eq!(undecided, Verdict::Undecided);
        let wrong = Schema::new(&json!({"type": "nothing"})).unwrap_err();
        assert!(wrong.to_string().contains("nothing"), "{wrong}");
    }
}
