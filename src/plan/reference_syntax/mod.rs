//! The syntax of references: from the text in a plan to what it refers to.
//!
//! ```text
//!  pieces ─▶ plain (a name and a path) ─▶ words
//!     │  └─▶ own (the dialect's)
//!     └────▶ expression ◀─ condition
//! ```

mod closer;
mod condition;
mod expression;
pub(super) mod own;
mod pieces;
mod plain;
mod words;

use super::expression::Expression;
use super::ids::StepIds;
use super::reference::{Own, Reference};
use own::ReferenceSyntax;
use serde_json::{Map, Value};
use std::ops::Range;

/// What the names in a text can mean.
pub(super) struct Vocabulary<'a> {
    pub ids: &'a StepIds,
    /// What the dialect has of its own.
    pub syntax: &'static ReferenceSyntax,
    /// The context values that are known, from the plan and from the caller.
    pub context: &'a dyn Fn(&str) -> bool,
    /// Whether `item` and `index` are known.
    pub in_for_each: bool,
    /// The values of the step's own call that are known.
    pub own: &'a [Own],
    /// Whether the text is a program, whose braces mean something else.
    pub in_code: bool,
}

/// A piece of a text.
#[derive(Debug)]
pub(super) enum Piece {
    /// Text as it stands.
    Text(Range<usize>),
    /// A reference.
    Reference(Range<usize>, Reference),
    /// An expression.
    Expression(Range<usize>, Expression),
    /// A text that looks like a reference or an expression but is not valid.
    Fault(Range<usize>, Fault),
}

/// Why a text is not a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The plan has no step of this id.
    UnknownStep(String),
    /// It cannot be read as an expression.
    BadExpression(String),
    /// It looks like one, but no step has this id, so it stays text.
    Text(String),
    /// It looks like one of this step, but it is an amount of money, so it stays text.
    Amount(String),
    /// An index after a reference inside a longer text, which stays text.
    Index,
    /// It stands for an output without naming a step, so it stays text.
    Placeholder,
}

/// The context values that a caller gave or the plan brings.
pub(super) fn knows(
    own: &Map<String, Value>,
    given: Option<&Map<String, Value>>,
    name: &str,
) -> bool {
    own.contains_key(name) || given.is_some_and(|given| given.contains_key(name))
}
