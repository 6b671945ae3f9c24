//! Expressions: the value of `run_if`, and of `{{ }}` where it is not a plain reference.
//!
//! The language is Jinja's. What an expression refers to is found before it is compiled: each name of a step,
//! an item or a context value becomes a variable of its own, so ids that are not identifiers (`step-1`) work,
//! and only what is needed of the values is passed when it is evaluated.
//!
//! Fuel bounds the steps of an evaluation, and not what one step makes: `join` and `*` multiply. So an expression is
//! evaluated in place where [`cost`] shows that little can come of it, and otherwise handed to the
//! [`Scope`](super::Scope), which has a sandbox for it.

mod cost;
#[cfg(test)]
mod cost_tests;
mod json;
mod language;
mod order;
mod syntax;
#[cfg(test)]
mod tests;
mod tokens;
mod values;
mod view;

use super::evaluation::Evaluation;
use super::ids::StepIx;
use super::named::Named;
use super::path::Segment;
use super::reference::{ReferenceError, Root, Scope, named_outputs, output_path};
use crate::text::visible;
use cost::{Leaves, Needs, Operations};
use language::LANGUAGE;
use minijinja::value::Value as Jinja;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use view::View;

/// The maximum length of an expression, in bytes.
pub(super) const MAX_LENGTH: usize = 10_000;
/// The maximum of tokens in an expression: each may nest one level deeper (`a[0][0][0]…`), and the compiler recurses
/// without a limit of its own.
pub(super) const MAX_TOKENS: usize = 500;
/// The maximum memory of the values that are handed to a sandbox, in bytes.
const MAX_HANDED_OVER: usize = 64 << 20;

/// A parsed expression; its language is Jinja's.
#[derive(Clone)]
pub struct Expression {
    /// As the plan has it.
    pub source: Arc<str>,
    /// What it refers to.
    pub roots: Box<[Root]>,
    compiled: Arc<minijinja::Expression<'static, 'static>>,
    /// As it was compiled.
    text: Arc<str>,
    variables: Box<[Passed]>,
    /// Numbers that stand in the text as variables.
    numbers: Box<[(String, Value)]>,
    operations: Operations,
}

/// A variable, and how it is used.
#[derive(Clone, Debug)]
struct Passed {
    variable: Variable,
    needs: Needs,
    /// How often it stands in the text.
    times: usize,
    /// The parts of it that the text names.
    paths: Box<[Box<[Segment]>]>,
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expression")
            .field("source", &self.source)
            .field("roots", &self.roots)
            .finish_non_exhaustive()
    }
}

/// A name in the compiled text and what it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Variable {
    pub name: Arc<str>,
    pub meaning: Meaning,
}

/// What a variable stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Root(Root),
    /// `ID.output`: the output's field of that name where it has one, else the output.
    Output(StepIx),
    /// `steps[ID].status`: the status word.
    Status(StepIx),
}

impl Meaning {
    fn root(&self) -> Root {
        match self {
            Self::Root(root) => root.clone(),
            Self::Output(step) | Self::Status(step) => Root::Step(*step),
        }
    }
}

impl Expression {
    /// Compiles `text`, in which every name is one of `variables` or a context value.
    ///
    /// # Errors
    /// What is wrong with the text, in one line.
    pub(super) fn compile(
        source: Arc<str>,
        text: &str,
        mut variables: Vec<Variable>,
    ) -> Result<Self, String> {
        let syntax = syntax::read(text)?;
        let operations = Operations::of(&syntax.text);
        let (text, numbers) = if operations.may_fold() {
            numbers_as_variables(syntax.text)
        } else {
            (syntax.text, Vec::new())
        };
        let compiled = LANGUAGE
            .compile_expression_owned(text.clone())
            .map_err(|error| describe(&error))?;
        let mut paths: HashMap<Arc<str>, Vec<Box<[Segment]>>> = HashMap::new();
        for name in syntax.names {
            let known = variables.iter().find(|known| *known.name == *name.name);
            let written = if let Some(known) = known {
                Arc::clone(&known.name)
            } else {
                let written: Arc<str> = name.written.into();
                variables.push(Variable {
                    meaning: Meaning::Root(Root::Context(name.name.into())),
                    name: Arc::clone(&written),
                });
                written
            };
            paths.insert(written, name.paths);
        }
        let mut roots = Vec::new();
        for variable in &variables {
            let root = variable.meaning.root();
            if !roots.contains(&root) {
                roots.push(root);
            }
        }
        let mut pass = |variable: Variable| {
            let (needs, times) = Needs::in_text(&text, &variable.name);
            // A name that the syntax tree does not have is taken as the whole value.
            let paths = paths.remove(&variable.name);
            Passed {
                paths: paths.unwrap_or_else(|| vec![Box::default()]).into(),
                variable,
                needs,
                times,
            }
        };
        Ok(Self {
            source,
            roots: roots.into(),
            compiled: Arc::new(compiled),
            variables: variables.into_iter().map(&mut pass).collect(),
            text: text.into(),
            numbers: numbers.into(),
            operations,
        })
    }

    /// Whether it holds in `scope`: by Jinja's rule, so that `0`, empty text, an empty list or object, `null`
    /// and what is undefined do not.
    pub fn is_true(&self, scope: &dyn Scope) -> Result<bool, ReferenceError> {
        let views = self.views(scope);
        if self.is_small(&views) {
            return self.run(&views, |value| Ok(value.is_true()));
        }
        let holds = self.hand_over(&views, scope, true)?;
        Ok(holds == Value::Bool(true))
    }

    /// Its value in `scope`, as a parameter: what is undefined is an error.
    pub fn value(&self, scope: &dyn Scope) -> Result<Value, ReferenceError> {
        let views = self.views(scope);
        let value = if self.is_small(&views) {
            self.run(&views, |value| {
                let value = (!value.is_undefined()).then(|| json::write(value));
                value.transpose()
            })?
        } else {
            match self.hand_over(&views, scope, false)? {
                Value::Array(mut value) => value.pop(),
                _ => None,
            }
        };
        value.ok_or_else(|| self.error("it has no value: something in it is undefined"))
    }

    /// Calls `visit` with every value that it names of outputs and of the element, as far as `scope` has them.
    pub fn named(&self, scope: &dyn Scope, visit: &mut dyn FnMut(&Named<'_>)) {
        for passed in &self.variables {
            let of = |step, value| Named {
                step,
                value,
                source: &self.source,
                computed: true,
            };
            let meaning = &passed.variable.meaning;
            let root = match meaning {
                Meaning::Root(Root::Outputs) => {
                    for path in &passed.paths {
                        named_outputs(scope, path, &of, visit);
                    }
                    continue;
                }
                Meaning::Root(Root::Step(step)) | Meaning::Output(step) => Some(*step),
                Meaning::Root(Root::Item) => None,
                Meaning::Root(Root::Context(_) | Root::Index | Root::Own(_))
                | Meaning::Status(_) => continue,
            };
            if let View::Value(value) = meaning.view(scope) {
                for path in &passed.paths {
                    of(root, value).follow(path, visit);
                }
            }
        }
    }

    fn views<'s>(&self, scope: &'s dyn Scope) -> Vec<View<'s>> {
        let variables = self.variables.iter();
        variables
            .map(|passed| passed.variable.meaning.view(scope))
            .collect()
    }

    /// Whether it may be evaluated in place.
    fn is_small(&self, views: &[View<'_>]) -> bool {
        let mut leaves = Leaves::default();
        for (passed, view) in self.variables.iter().zip(views) {
            view.measure(&passed.needs, passed.times, &mut leaves);
        }
        self.operations.are_small(&leaves)
    }

    /// What `read` makes of its value.
    fn run<T>(
        &self,
        views: &[View<'_>],
        read: impl FnOnce(&Jinja) -> Result<T, String>,
    ) -> Result<T, ReferenceError> {
        let variables = self.variables.iter().zip(views);
        let variables = variables
            .map(|(passed, view)| (&*passed.variable.name, view.to_jinja(&passed.needs)))
            .chain(
                self.numbers
                    .iter()
                    .map(|(name, number)| (&**name, json::read(number))),
            );
        guarded(|| {
            let value = self.compiled.eval(Jinja::from_pairs(variables));
            read(&value.map_err(|error| describe(&error))?)
        })
        .map_err(|what| self.error(&what))
    }

    fn hand_over(
        &self,
        views: &[View<'_>],
        scope: &dyn Scope,
        is_condition: bool,
    ) -> Result<Value, ReferenceError> {
        let variables = self.variables.iter().zip(views);
        let size: usize = variables
            .clone()
            .map(|(passed, view)| view.footprint(&passed.needs))
            .sum();
        if size > MAX_HANDED_OVER {
            return Err(self.error(&format!(
                "the values that it needs take {} MB of memory, and the maximum for an expression is {} MB; \
                 use a jq or a code tool",
                size >> 20,
                MAX_HANDED_OVER >> 20
            )));
        }
        let variables = variables
            .filter_map(|(passed, view)| {
                let name = passed.variable.name.to_string();
                Some((name, view.to_json(&passed.needs)?))
            })
            .chain(self.numbers.iter().cloned())
            .collect();
        let evaluation = Evaluation {
            source: Arc::clone(&self.source),
            text: Arc::clone(&self.text),
            variables,
            is_condition,
        };
        scope.evaluate(evaluation).map_err(|what| self.error(&what))
    }

    fn error(&self, what: &str) -> ReferenceError {
        ReferenceError {
            message: format!("{}: {what}", visible(&self.source, 200)),
        }
    }
}

impl Meaning {
    fn view<'s>(&self, scope: &'s dyn Scope) -> View<'s> {
        let shared = |value: Option<&'s Arc<Value>>| {
            value.map_or(View::Undefined, |value| View::Value(value))
        };
        match self {
            Self::Root(Root::Step(step)) => shared(scope.output(*step)),
            Self::Root(Root::Context(name)) => {
                scope.context(name).map_or(View::Undefined, View::Value)
            }
            Self::Root(Root::Item) => shared(scope.item().map(|(item, _)| item)),
            Self::Root(Root::Index) => scope
                .item()
                .map_or(View::Undefined, |(_, index)| View::Made(index.into())),
            Self::Root(Root::Own(own)) => scope.own(*own).map_or(View::Undefined, View::Value),
            Self::Root(Root::Outputs) => View::Outputs(
                (0..scope.steps() as u32)
                    .map(StepIx)
                    .filter_map(|step| Some((scope.id(step), &**scope.output(step)?)))
                    .collect(),
            ),
            Self::Output(step) => scope.output(*step).map_or(View::Undefined, |output| {
                let whole = output_path(output, &[Segment::Field("output".into())]).is_empty();
                View::Value(if whole { output } else { &output["output"] })
            }),
            Self::Status(step) => View::Made(scope.status(*step).into()),
        }
    }
}

/// The value of `text` with these variables: for a condition whether it holds, else a list of the value, which is
/// empty where it is undefined. For a sandbox: it may take any memory.
///
/// # Errors
/// What went wrong, in one line.
pub(crate) fn evaluate(
    text: &str,
    variables: &Map<String, Value>,
    is_condition: bool,
) -> Result<Value, String> {
    let compiled = LANGUAGE
        .compile_expression(text)
        .map_err(|error| describe(&error))?;
    let variables = variables
        .iter()
        .map(|(name, value)| (name.as_str(), json::read(value)));
    guarded(|| {
        let value = compiled
            .eval(Jinja::from_pairs(variables))
            .map_err(|error| describe(&error))?;
        Ok(if is_condition {
            Value::Bool(value.is_true())
        } else if value.is_undefined() {
            Value::Array(Vec::new())
        } else {
            Value::Array(vec![json::write(&value)?])
        })
    })
}

/// A panic of the language ends the expression and nothing else. A list may be computed only when it is read, so that
/// is part of the work.
fn guarded<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err("it cannot be evaluated".to_owned()))
}

/// The text with its whole numbers as variables, and these. The compiler computes what has no variables in it, however
/// large it is: `"x" * 100000000`.
fn numbers_as_variables(mut text: String) -> (String, Vec<(String, Value)>) {
    let mut numbers = Vec::new();
    for place in tokens::numbers(&text) {
        let number = LANGUAGE
            .compile_expression(&text[place.clone()])
            .and_then(|number| number.eval(()));
        if let Ok(number) = number
            && let Ok(value) = json::write(&number)
            && (value.is_i64() || value.is_u64())
        {
            let name = format!("__number_{}", numbers.len());
            text.replace_range(place, &name);
            numbers.push((name, value));
        }
    }
    (text, numbers)
}

fn describe(error: &minijinja::Error) -> String {
    let what = error
        .detail()
        .map_or_else(|| error.kind().to_string(), str::to_owned);
    visible(&what, 200)
}
