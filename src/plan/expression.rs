//! Expressions: the value of `run_if`, and of `{{ }}` where it is not a plain reference.
//!
//! The language is Jinja's. What an expression refers to is found before it is compiled: each name of a step,
//! an item or a context value becomes a variable of its own, so ids that are not identifiers (`step-1`) work,
//! and only the values that are referred to are passed when it is evaluated.

mod json;
mod language;
mod order;
mod syntax;
#[cfg(test)]
mod tests;

use super::ids::StepIx;
use super::path::Segment;
use super::reference::{ReferenceError, Root, Scope, output_path};
use crate::text::visible;
use language::LANGUAGE;
use minijinja::value::Value as Jinja;
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

/// The maximum length of an expression, in bytes.
pub(super) const MAX_LENGTH: usize = 10_000;
/// The maximum of tokens in an expression: each may nest one level deeper (`a[0][0][0]…`), and the compiler recurses
/// without a limit of its own.
pub(super) const MAX_TOKENS: usize = 500;

/// A parsed expression; its language is Jinja's.
#[derive(Clone)]
pub struct Expression {
    /// As the plan has it.
    pub source: Arc<str>,
    /// What it refers to.
    pub roots: Box<[Root]>,
    compiled: Arc<minijinja::Expression<'static, 'static>>,
    variables: Box<[Variable]>,
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
        let compiled = LANGUAGE
            .compile_expression_owned(syntax.text)
            .map_err(|error| describe(&error))?;
        for name in syntax.names {
            if !variables
                .iter()
                .any(|variable| *variable.name == *name.name)
            {
                variables.push(Variable {
                    meaning: Meaning::Root(Root::Context(name.name.into())),
                    name: name.written.into(),
                });
            }
        }
        let mut roots = Vec::new();
        for variable in &variables {
            let root = variable.meaning.root();
            if !roots.contains(&root) {
                roots.push(root);
            }
        }
        Ok(Self {
            source,
            roots: roots.into(),
            compiled: Arc::new(compiled),
            variables: variables.into(),
        })
    }

    /// Whether it holds in `scope`: by Jinja's rule, so that `0`, empty text, an empty list or object, `null`
    /// and what is undefined do not.
    pub fn is_true(&self, scope: &dyn Scope) -> Result<bool, ReferenceError> {
        self.run(scope).map(|value| value.is_true())
    }

    /// Its value in `scope`, as a parameter: what is undefined is an error.
    pub fn value(&self, scope: &dyn Scope) -> Result<Value, ReferenceError> {
        let value = self.run(scope)?;
        if value.is_undefined() {
            return Err(self.error("it has no value: something in it is undefined"));
        }
        json::write(&value).map_err(|what| self.error(&what))
    }

    fn run(&self, scope: &dyn Scope) -> Result<Jinja, ReferenceError> {
        let context = Jinja::from_pairs(
            self.variables
                .iter()
                .map(|variable| (&*variable.name, variable.meaning.value(scope))),
        );
        self.compiled
            .eval(context)
            .map_err(|error| self.error(&describe(&error)))
    }

    fn error(&self, what: &str) -> ReferenceError {
        ReferenceError {
            message: format!("{}: {what}", visible(&self.source, 200)),
        }
    }
}

impl Meaning {
    fn value(&self, scope: &dyn Scope) -> Jinja {
        let json = |value: Option<&Value>| value.map_or(Jinja::UNDEFINED, json::read);
        let shared = |value: Option<&Arc<Value>>| json(value.map(|value| &**value));
        match self {
            Self::Root(Root::Step(step)) => shared(scope.output(*step)),
            Self::Root(Root::Context(name)) => json(scope.context(name)),
            Self::Root(Root::Item) => shared(scope.item().map(|(item, _)| item)),
            Self::Root(Root::Index) => scope
                .item()
                .map_or(Jinja::UNDEFINED, |(_, index)| Jinja::from(index)),
            Self::Root(Root::Outputs) => Jinja::from_pairs(
                (0..scope.steps() as u32)
                    .map(StepIx)
                    .filter_map(|step| Some((scope.id(step), json::read(scope.output(step)?)))),
            ),
            Self::Output(step) => json(scope.output(*step).map(|output| {
                let whole = output_path(output, &[Segment::Field("output".into())]).is_empty();
                if whole { &**output } else { &output["output"] }
            })),
            Self::Status(step) => Jinja::from(scope.status(*step)),
        }
    }
}

fn describe(error: &minijinja::Error) -> String {
    let what = error
        .detail()
        .map_or_else(|| error.kind().to_string(), str::to_owned);
    visible(&what, 200)
}
