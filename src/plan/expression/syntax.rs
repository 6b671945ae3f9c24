//! The syntax tree of an expression: the names in it, what it calls that the language does not have, and its text
//! with the operators that the language has of its own.

use super::language::{COMPARE, FILTERS, FUNCTIONS, IN, METHOD, METHODS, TESTS};
use crate::plan::names::closest;
use crate::plan::path::Segment;
use minijinja::machinery::ast::{BinOpKind, CallArg, Compare, CompareOpKind, Expr, UnaryOpKind};
use minijinja::machinery::parse_expr;
use minijinja::value::Value;
use std::fmt::Write as _;

/// What an expression is compiled from.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Syntax {
    /// The text in which comparisons and methods are calls of the language's own functions.
    pub text: String,
    /// The variables that it reads, in the order of their first place, each once.
    pub names: Vec<NamedVariable>,
}

/// A variable that an expression reads.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NamedVariable {
    /// As the expression has it.
    pub name: String,
    /// As the text has it: a value that is called like a function of the language must not hide it.
    pub written: String,
    /// The parts of its value that the expression names, each once; an empty path is the whole.
    pub paths: Vec<Box<[Segment]>>,
}

/// Reads an expression.
///
/// # Errors
/// What is wrong with it, in one line: the syntax, or a filter, test, function or method that does not exist.
pub(super) fn read(text: &str) -> Result<Syntax, String> {
    let tree = parse_expr(text).map_err(|error| super::describe(&error))?;
    let mut writer = Writer::default();
    writer.at(&tree, Level::Choice);
    match writer.fault {
        Some(fault) => Err(fault),
        None => Ok(Syntax {
            text: writer.text,
            names: writer.names,
        }),
    }
}

/// How tightly the parts of an expression bind, as in Jinja's grammar. An expression stands without parentheses
/// where at least its own level is expected: written with more of them, a long sum would nest deeper than the parser
/// goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Choice,
    Or,
    And,
    Not,
    Compare,
    Sum,
    Concat,
    Product,
    Power,
    Filter,
    Negative,
    Postfix,
}

#[derive(Default)]
struct Writer {
    text: String,
    names: Vec<NamedVariable>,
    fault: Option<String>,
    /// What is named of the expression that is written next, from the end of the path.
    path: Vec<Segment>,
}

impl Writer {
    /// Writes an expression where `wanted` or what binds tighter is expected.
    fn at(&mut self, expr: &Expr<'_>, wanted: Level) {
        let parentheses = level(expr) < wanted;
        if parentheses {
            self.text.push('(');
        }
        self.expr(expr);
        if parentheses {
            self.text.push(')');
        }
    }

    fn expr(&mut self, expr: &Expr<'_>) {
        let mut path = std::mem::take(&mut self.path);
        match expr {
            Expr::Var(variable) => {
                path.reverse();
                self.name(variable.id, path.into());
            }
            Expr::Const(constant) => self.constant(&constant.value),
            Expr::UnaryOp(operation) => match operation.op {
                UnaryOpKind::Not => {
                    self.text.push_str("not ");
                    self.at(&operation.expr, Level::Not);
                }
                UnaryOpKind::Neg => {
                    // `- -x`: without the blank the two would still be two, but no one could read it.
                    self.text.push_str("- ");
                    self.at(&operation.expr, Level::Negative);
                }
            },
            Expr::BinOp(operation) => {
                self.binary(operation.op, &operation.left, &operation.right);
            }
            Expr::Compare(chain) => self.chain(chain),
            Expr::IfExpr(choice) => {
                self.at(&choice.true_expr, Level::Or);
                self.text.push_str(" if ");
                self.at(&choice.test_expr, Level::Or);
                if let Some(otherwise) = &choice.false_expr {
                    self.text.push_str(" else ");
                    self.at(otherwise, Level::Choice);
                }
            }
            Expr::Filter(filter) => {
                if !FILTERS.contains(&filter.name) {
                    self.unknown("filter", filter.name, FILTERS);
                }
                if let Some(value) = &filter.expr {
                    self.at(value, Level::Filter);
                }
                let _ = write!(self.text, "|{}", filter.name);
                if !filter.args.is_empty() {
                    self.arguments(&filter.args);
                }
            }
            Expr::Test(test) => {
                if !TESTS.contains(&test.name) {
                    self.unknown("test", test.name, TESTS);
                }
                self.at(&test.expr, Level::Filter);
                let _ = write!(self.text, " is {}", test.name);
                self.arguments(&test.args);
            }
            Expr::GetAttr(attribute) => {
                path.push(Segment::Field(attribute.name.into()));
                self.path = path;
                self.at(&attribute.expr, Level::Postfix);
                let _ = write!(self.text, ".{}", attribute.name);
            }
            Expr::GetItem(item) => {
                if let Some(segment) = segment(&item.subscript_expr) {
                    path.push(segment);
                    self.path = path;
                }
                self.at(&item.expr, Level::Postfix);
                self.text.push('[');
                self.at(&item.subscript_expr, Level::Choice);
                self.text.push(']');
            }
            Expr::Slice(slice) => {
                self.at(&slice.expr, Level::Postfix);
                self.text.push('[');
                for (at, bound) in [&slice.start, &slice.stop, &slice.step]
                    .into_iter()
                    .enumerate()
                {
                    if at > 0 && (at < 2 || bound.is_some()) {
                        self.text.push(':');
                    }
                    if let Some(bound) = bound {
                        self.at(bound, Level::Choice);
                    }
                }
                self.text.push(']');
            }
            Expr::Call(call) => self.call(&call.expr, &call.args),
            Expr::List(list) => {
                self.text.push('[');
                self.all(&list.items);
                self.text.push(']');
            }
            Expr::Tuple(tuple) => {
                self.text.push('(');
                self.all(&tuple.items);
                // `(1,)` is a tuple, `(1)` is not.
                if tuple.items.len() == 1 {
                    self.text.push(',');
                }
                self.text.push(')');
            }
            Expr::Map(map) => {
                self.text.push('{');
                for (at, (key, value)) in map.keys.iter().zip(&map.values).enumerate() {
                    if at > 0 {
                        self.text.push_str(", ");
                    }
                    self.at(key, Level::Choice);
                    self.text.push_str(": ");
                    self.at(value, Level::Choice);
                }
                self.text.push('}');
            }
        }
    }

    fn name(&mut self, name: &str, path: Box<[Segment]>) {
        let hides = FUNCTIONS.contains(&name) || matches!(name, COMPARE | IN | METHOD);
        let written = if hides {
            format!("{name}_value")
        } else {
            name.to_owned()
        };
        self.text.push_str(&written);
        match self.names.iter_mut().find(|known| known.name == name) {
            Some(known) if known.paths.contains(&path) => {}
            Some(known) => known.paths.push(path),
            None => self.names.push(NamedVariable {
                name: name.to_owned(),
                written,
                paths: vec![path],
            }),
        }
    }

    fn constant(&mut self, value: &Value) {
        if let Some(text) = value.as_str() {
            // JSON's escapes are some of Jinja's.
            self.text
                .push_str(&serde_json::Value::from(text).to_string());
        } else if value.is_none() {
            self.text.push_str("none");
        } else if f64::try_from(value.clone()).is_ok_and(f64::is_infinite) {
            let fault = "a number in it is out of range";
            self.fault.get_or_insert_with(|| fault.to_owned());
        } else {
            let _ = write!(self.text, "{value}");
        }
    }

    fn binary(&mut self, op: BinOpKind, left: &Expr<'_>, right: &Expr<'_>) {
        let (sign, own, above) = match op {
            BinOpKind::Lt => return self.compare(left, "<", right),
            BinOpKind::Lte => return self.compare(left, "<=", right),
            BinOpKind::Gt => return self.compare(left, ">", right),
            BinOpKind::Gte => return self.compare(left, ">=", right),
            BinOpKind::In => {
                self.text.push_str(IN);
                self.text.push('(');
                self.at(left, Level::Choice);
                self.text.push_str(", ");
                self.at(right, Level::Choice);
                self.text.push(')');
                return;
            }
            // Comparisons do not nest without parentheses.
            BinOpKind::Eq => ("==", Level::Sum, Level::Sum),
            BinOpKind::Ne => ("!=", Level::Sum, Level::Sum),
            BinOpKind::ScOr => ("or", Level::Or, Level::And),
            BinOpKind::ScAnd => ("and", Level::And, Level::Not),
            BinOpKind::Add => ("+", Level::Sum, Level::Concat),
            BinOpKind::Sub => ("-", Level::Sum, Level::Concat),
            BinOpKind::Concat => ("~", Level::Concat, Level::Product),
            BinOpKind::Mul => ("*", Level::Product, Level::Power),
            BinOpKind::Div => ("/", Level::Product, Level::Power),
            BinOpKind::FloorDiv => ("//", Level::Product, Level::Power),
            BinOpKind::Rem => ("%", Level::Product, Level::Power),
            BinOpKind::Pow => ("**", Level::Power, Level::Filter),
        };
        self.at(left, own);
        let _ = write!(self.text, " {sign} ");
        self.at(right, above);
    }

    fn chain(&mut self, chain: &Compare<'_>) {
        let signs = chain.ops.iter().map(|link| match link.op {
            CompareOpKind::Eq => "==",
            CompareOpKind::Ne => "!=",
            CompareOpKind::Lt => "<",
            CompareOpKind::Lte => "<=",
            CompareOpKind::Gt => ">",
            CompareOpKind::Gte => ">=",
            CompareOpKind::In => "in",
            CompareOpKind::NotIn => "not in",
        });
        if needs_no_order(chain) {
            self.at(&chain.expr, Level::Sum);
            for (sign, link) in signs.zip(&chain.ops) {
                let _ = write!(self.text, " {sign} ");
                self.at(&link.expr, Level::Sum);
            }
            return;
        }
        self.text.push_str(COMPARE);
        self.text.push('(');
        self.at(&chain.expr, Level::Choice);
        for (sign, link) in signs.zip(&chain.ops) {
            let _ = write!(self.text, ", \"{sign}\", ");
            self.at(&link.expr, Level::Choice);
        }
        self.text.push(')');
    }

    fn compare(&mut self, left: &Expr<'_>, sign: &str, right: &Expr<'_>) {
        self.text.push_str(COMPARE);
        self.text.push('(');
        self.at(left, Level::Choice);
        let _ = write!(self.text, ", \"{sign}\", ");
        self.at(right, Level::Choice);
        self.text.push(')');
    }

    fn call(&mut self, called: &Expr<'_>, arguments: &[CallArg<'_>]) {
        match called {
            Expr::Var(function) if FUNCTIONS.contains(&function.id) => {
                self.text.push_str(function.id);
                self.arguments(arguments);
            }
            Expr::Var(function) => {
                self.unknown("function", function.id, FUNCTIONS);
            }
            Expr::GetAttr(method) => {
                if !METHODS.contains(&method.name) {
                    self.unknown("method", method.name, METHODS);
                }
                self.text.push_str(METHOD);
                self.text.push('(');
                self.at(&method.expr, Level::Choice);
                let _ = write!(self.text, ", \"{}\"", method.name);
                for argument in arguments {
                    self.text.push_str(", ");
                    self.argument(argument);
                }
                self.text.push(')');
            }
            _ => {
                let fault = "only a function or a method can be called";
                self.fault.get_or_insert_with(|| fault.to_owned());
            }
        }
    }

    fn arguments(&mut self, arguments: &[CallArg<'_>]) {
        self.text.push('(');
        for (at, argument) in arguments.iter().enumerate() {
            if at > 0 {
                self.text.push_str(", ");
            }
            self.argument(argument);
        }
        self.text.push(')');
    }

    fn argument(&mut self, argument: &CallArg<'_>) {
        let value = match argument {
            CallArg::Pos(value) => value,
            CallArg::Kwarg(name, value) => {
                let _ = write!(self.text, "{name}=");
                value
            }
            CallArg::PosSplat(value) => {
                self.text.push('*');
                value
            }
            CallArg::KwargSplat(value) => {
                self.text.push_str("**");
                value
            }
        };
        self.at(value, Level::Choice);
    }

    fn all(&mut self, items: &[Expr<'_>]) {
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                self.text.push_str(", ");
            }
            self.at(item, Level::Choice);
        }
    }

    fn unknown(&mut self, what: &str, name: &str, known: &[&str]) {
        if self.fault.is_some() {
            return;
        }
        let near =
            closest(name, known.iter().copied()).map(|near| format!("; did you mean `{near}`?"));
        let name = crate::text::visible(name, 80);
        self.fault = Some(format!(
            "there is no {what} `{name}`{}",
            near.unwrap_or_default()
        ));
    }
}

/// The member or the element that a constant in brackets names.
fn segment(subscript: &Expr<'_>) -> Option<Segment> {
    let (constant, negative) = match subscript {
        Expr::Const(constant) => (constant, false),
        Expr::UnaryOp(operation) if matches!(operation.op, UnaryOpKind::Neg) => {
            match &operation.expr {
                Expr::Const(constant) => (constant, true),
                _ => return None,
            }
        }
        _ => return None,
    };
    if let Some(name) = constant.value.as_str() {
        return (!negative).then(|| Segment::Field(name.into()));
    }
    let index = i64::try_from(constant.value.clone()).ok()?;
    Some(Segment::Index(if negative { -index } else { index }))
}

/// Whether a chain only asks what is equal.
fn needs_no_order(chain: &Compare<'_>) -> bool {
    let is_equality = |op| matches!(op, CompareOpKind::Eq | CompareOpKind::Ne);
    chain.ops.iter().all(|link| is_equality(link.op))
}

fn level(expr: &Expr<'_>) -> Level {
    match expr {
        Expr::IfExpr(_) => Level::Choice,
        Expr::UnaryOp(operation) => match operation.op {
            UnaryOpKind::Not => Level::Not,
            UnaryOpKind::Neg => Level::Negative,
        },
        Expr::BinOp(operation) => match operation.op {
            BinOpKind::ScOr => Level::Or,
            BinOpKind::ScAnd => Level::And,
            BinOpKind::Eq | BinOpKind::Ne => Level::Compare,
            BinOpKind::Add | BinOpKind::Sub => Level::Sum,
            BinOpKind::Concat => Level::Concat,
            BinOpKind::Mul | BinOpKind::Div | BinOpKind::FloorDiv | BinOpKind::Rem => {
                Level::Product
            }
            BinOpKind::Pow => Level::Power,
            // These are written as calls.
            BinOpKind::Lt | BinOpKind::Lte | BinOpKind::Gt | BinOpKind::Gte | BinOpKind::In => {
                Level::Postfix
            }
        },
        Expr::Compare(chain) if needs_no_order(chain) => Level::Compare,
        Expr::Filter(_) | Expr::Test(_) => Level::Filter,
        // A negative number, a decimal one and a text: all stand before a filter, but `1.5.x` is none.
        Expr::Const(constant) if constant.value.as_str().is_none() => Level::Negative,
        _ => Level::Postfix,
    }
}
