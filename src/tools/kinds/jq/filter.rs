//! A compiled jq filter.
//!
//! The language is jq's ([`dialect`] is what jaq has otherwise), without what reaches outside: there is no `env`, `$ENV`, `input`,
//! `inputs`, `halt` or `halt_error`, and `debug` and `stderr` pass their input on and write nothing.

use super::bound::{Bound, Place};
use super::dialect;
use super::value;
use crate::text::message::quote;
use jaq_core::data::JustLut;
use jaq_core::load::parse::Def;
use jaq_core::load::{self, Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Vars, native, unwrap_valr};
use jaq_json::Val;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The maximum size of a filter, in bytes.
const MAX_FILTER_BYTES: usize = 64 << 10;

/// The parser recurses as deep as the text nests; this stack is enough for [`MAX_FILTER_BYTES`].
const STACK: usize = 256 << 20;

/// A text of this many tokens cannot nest deeper than any thread's stack allows.
const SHALLOW: usize = 120;

/// The approximate maximum size of an output as JSON, in bytes.
const MAX_OUTPUT_BYTES: usize = 64 << 20;

/// The maximum of compiled filters that are kept: checking a catalog and building its tools both need them.
const MAX_KNOWN: usize = 1_024;

/// Filters that reach outside.
const REMOVED: [&str; 6] = [
    "env",
    "halt",
    "halt_error",
    "input",
    "inputs",
    "input_line_number",
];

/// The name of the definition that a filter becomes.
const MAIN: &str = "_main";

/// What is wrong with a filter, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct FilterError(String);

impl FilterError {
    fn too_long(source: &str) -> Self {
        Self(format!(
            "it has {} bytes; the maximum is {MAX_FILTER_BYTES}",
            source.len()
        ))
    }
}

/// A jq filter, ready to run.
pub(crate) struct Filter {
    compiled: jaq_core::Filter<JustLut<Val>>,
    bound: Bound,
}

impl std::fmt::Debug for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Filter").finish_non_exhaustive()
    }
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub(crate) fn compile(source: &str) -> Result<Self, FilterError> {
        if source.len() > MAX_FILTER_BYTES {
            return Err(FilterError::too_long(source));
        }
        if is_shallow(source) {
            return compile(source);
        }
        let source: Arc<str> = source.into();
        std::thread::Builder::new()
            .name("jq compiler".to_owned())
            .stack_size(STACK)
            .spawn(move || compile(&source))
            .map_err(|error| FilterError(format!("it could not be read: {error}")))?
            .join()
            .unwrap_or_else(|_| Err(FilterError("it could not be read".to_owned())))
    }

    /// The filter of this text, compiled once and shared.
    pub(crate) fn shared(source: &str) -> Result<Arc<Self>, FilterError> {
        static KNOWN: Mutex<BTreeMap<String, Arc<Filter>>> = Mutex::new(BTreeMap::new());
        let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(filter) = known().get(source) {
            return Ok(filter.clone());
        }
        let filter = Arc::new(Self::compile(source)?);
        let mut known = known();
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(source.to_owned(), filter.clone());
        Ok(filter)
    }

    /// Compiles on the caller's stack, which must be large: for the sandbox, which may overflow it.
    pub(crate) fn compile_here(source: &str) -> Result<Self, FilterError> {
        if source.len() > MAX_FILTER_BYTES {
            return Err(FilterError::too_long(source));
        }
        compile(source)
    }

    /// Where it may run on `input`.
    pub(crate) fn place(&self, input: &Value) -> Place {
        self.bound.place(input)
    }

    /// Runs it: one output is the value itself, several are a list, none is `null`. Where its
    /// [`place`](Filter::place) is the sandbox it may run forever or use any amount of memory.
    pub(crate) fn run(&self, input: &Value) -> Result<Value, String> {
        // A panic of the interpreter must not end the run.
        let outcome =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.outputs(input)));
        let mut outputs = outcome.unwrap_or_else(|_| Err("the interpreter failed".to_owned()))?;
        Ok(match outputs.len() {
            0 => Value::Null,
            1 => outputs.pop().unwrap_or_default(),
            _ => Value::Array(outputs),
        })
    }

    fn outputs(&self, input: &Value) -> Result<Vec<Value>, String> {
        let context = Ctx::<JustLut<Val>>::new(&self.compiled.lut, Vars::new([]));
        let mut outputs = Vec::new();
        let mut size = 0;
        let results = self.compiled.id.run((context, value::read(input)));
        for output in results.map(unwrap_valr) {
            let output = output.map_err(|error| raised(error, &mut size))?;
            outputs.push(value::write(&output, &mut size, MAX_OUTPUT_BYTES)?);
        }
        Ok(outputs)
    }
}

/// Whether a filter has so few tokens that parsing it needs no stack of its own.
fn is_shallow(source: &str) -> bool {
    let mut in_word = false;
    let tokens = source.bytes().filter(|byte| {
        let was_in_word = std::mem::replace(&mut in_word, is_part_of_word(*byte));
        !(byte.is_ascii_whitespace() || in_word && was_in_word)
    });
    tokens.take(SHALLOW + 1).count() <= SHALLOW
}

fn is_part_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

/// The message of an error that a filter raised: a string as it is, any other value as JSON.
fn raised(error: jaq_core::Error<Val>, size: &mut usize) -> String {
    let written = error.to_string();
    let message = match value::write(&error.into_val(), size, MAX_OUTPUT_BYTES) {
        Ok(Value::String(text)) => text,
        _ => written,
    };
    quote(&message, 500)
}

fn compile(source: &str) -> Result<Filter, FilterError> {
    let defs = jaq_core::defs()
        .chain(jaq_std::defs())
        .chain(jaq_json::defs())
        .filter(|def| !REMOVED.contains(&def.name))
        .chain(dialect::defs())
        .map(as_short_as_any);
    // The filter itself is the last definition, its operators rewritten. One that is not a single term (it imports
    // modules, or is not valid) is loaded as it is, which says what is wrong.
    let main = load::parse(source, |parser| parser.term()).map(|term| Def {
        name: MAIN,
        args: Vec::new(),
        body: dialect::rewrite(term),
    });
    let code = if main.is_some() { MAIN } else { source };
    let defs = defs.chain(main);
    let silent = ["debug_empty", "stderr_empty"];
    let funs = jaq_core::funs()
        .chain(jaq_std::funs())
        .chain(jaq_json::funs())
        .filter(|(name, ..)| {
            !REMOVED.contains(name) && !silent.contains(name) && !dialect::REPLACED.contains(name)
        })
        .chain(dialect::funs())
        .chain(
            silent.map(|name| native::run((name, native::v(0), |_| Box::new(std::iter::empty())))),
        );
    let arena = Arena::default();
    let file = File { code, path: () };
    let modules = Loader::new(defs).load(&arena, file).map_err(|errors| {
        describe(
            source,
            errors.into_iter().map(|(_, error)| load_error(error)),
        )
    })?;
    let compiled = Compiler::default()
        .with_funs(funs)
        .compile(modules)
        .map_err(|errors| {
            let undefined = errors.into_iter().map(|(_, undefined)| {
                undefined
                    .into_iter()
                    .map(|(name, kind)| {
                        let removed = REMOVED.contains(&name) || name == "$ENV";
                        let why = if removed {
                            "is not available here"
                        } else {
                            "is not defined"
                        };
                        (name, format!("the {} {name} {why}", kind.as_str()))
                    })
                    .collect()
            });
            describe(source, undefined)
        })?;
    Ok(Filter {
        compiled,
        bound: Bound::of(source),
    })
}

/// A definition among those of a filter that lives shorter.
fn as_short_as_any<'s>(def: Def<&'static str>) -> Def<&'s str> {
    def
}

fn load_error(error: load::Error<&str>) -> Vec<(&str, String)> {
    match error {
        load::Error::Io(paths) => paths
            .into_iter()
            .map(|(path, _)| {
                (
                    path,
                    format!("the module {path} cannot be loaded; modules are not available"),
                )
            })
            .collect(),
        load::Error::Lex(errors) => errors
            .into_iter()
            .map(|(expected, found)| (found, format!("{} is expected", expected.as_str())))
            .collect(),
        load::Error::Parse(errors) => errors
            .into_iter()
            .map(|(expected, found)| (found, format!("{} is expected", expected.as_str())))
            .collect(),
    }
}

/// The faults, each with its line and column and what stands there.
fn describe<'s>(
    source: &'s str,
    files: impl Iterator<Item = Vec<(&'s str, String)>>,
) -> FilterError {
    let faults: Vec<String> = files
        .flatten()
        .take(5)
        .map(|(part, message)| {
            // `part` is a piece of `source`, empty at its end; anything else is not part of the user's text.
            let at = load::span(source, part).start;
            let Some(before) = source.get(..at) else {
                return message;
            };
            let line = before.matches('\n').count() + 1;
            let column = before
                .rsplit('\n')
                .next()
                .map_or(0, |line| line.chars().count())
                + 1;
            let found = part.lines().next().unwrap_or_default();
            let found = if found.is_empty() {
                "the end".to_owned()
            } else {
                format!("\"{}\"", quote(found, 40))
            };
            format!("line {line}, column {column}: {message}, at {found}")
        })
        .collect();
    FilterError(if faults.is_empty() {
        "it is not a valid jq filter".to_owned()
    } else {
        faults.join("; ")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn run(filter: &str, input: &Value) -> Value {
        Filter::compile(filter).unwrap().run(input).unwrap()
    }

    #[test]
    fn outputs_become_one_value() {
        assert_eq!(run(".a", &json!({"a": 1})), json!(1));
        assert_eq!(run(".[]", &json!([1, 2])), json!([1, 2]));
        assert_eq!(run("empty", &json!(0)), json!(null));
        assert_eq!(run("[.[] * 2] | add", &json!([1, 2.5])), json!(7));
        assert_eq!(run("debug | stderr", &json!("x")), json!("x"));
        assert_eq!(
            run("{b: 1, a: 2}", &json!(0)).to_string(),
            r#"{"b":1,"a":2}"#
        );
    }

    #[test]
    fn nothing_reaches_outside() {
        for filter in [
            "env",
            "$ENV",
            "$ENV.PATH",
            "input",
            "[inputs]",
            "halt",
            "halt_error",
            "include \"x\"; .",
        ] {
            let error = Filter::compile(filter).unwrap_err().to_string();
            assert!(
                error.contains("available") || error.contains("not defined"),
                "{filter}: {error}"
            );
        }
    }

    #[test]
    fn faults_have_a_place() {
        let error = Filter::compile(".a |\n  foo(1)").unwrap_err().to_string();
        assert_eq!(
            error,
            "line 2, column 3: the filter foo is not defined, at \"foo\""
        );
        let error = Filter::compile(".a | (").unwrap_err().to_string();
        assert!(error.starts_with("line 1, column 7"), "{error}");
    }

    #[test]
    fn a_filter_that_fails_says_why() {
        let error = Filter::compile(".a + 1")
            .unwrap()
            .run(&json!({"a": []}))
            .unwrap_err();
        assert!(error.contains("[]"), "{error}");
    }

    #[test]
    fn nesting_does_not_overflow_a_stack() {
        let deep = "(".repeat(MAX_FILTER_BYTES / 2);
        assert!(Filter::compile(&deep).is_err());
        let deep = format!(
            "{}1{}",
            "[".repeat(MAX_FILTER_BYTES / 3),
            "]".repeat(MAX_FILTER_BYTES / 3)
        );
        let _ = Filter::compile(&deep);
        assert!(Filter::compile(&"(".repeat(MAX_FILTER_BYTES)).is_err());
        // The deepest filters that are compiled on the caller's stack.
        for (open, close) in [
            ("[", "]"),
            ("-", ""),
            ("try ", ""),
            ("{a:", "}"),
            ("if ", " then 1 end"),
        ] {
            let levels = (SHALLOW - 1) / (open.len() + close.len()).clamp(1, 4);
            let deep = format!("{}1{}", open.repeat(levels), close.repeat(levels));
            assert!(is_shallow(&deep) || deep.len() > SHALLOW, "{deep}");
            let _ = Filter::compile(&deep);
        }
        assert!(Filter::compile(&" ".repeat(MAX_FILTER_BYTES + 1)).is_err());
    }
}
