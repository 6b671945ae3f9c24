//! How far an expression can grow, and what it needs of the values that it names.
//!
//! An expression has no loops and no assignments: each name and each literal enters it once. So most of its
//! operations give no more than the sum of what they are given. Those that multiply (`join`, `replace`, `*`, …) are
//! counted, and n of them over a total size s give at most (s / (n + 1))ⁿ⁺¹. Where that is small the expression is
//! evaluated in place, else in a sandbox.

use super::language::{COMPARE, IN, METHOD};
use super::tokens::{Token, tokens};
use serde_json::Value;
use std::collections::BTreeMap;

/// The maximum size of what is evaluated in place: bytes of text, and one for each other value.
pub(super) const MAX_IN_PLACE: usize = 64 << 10;

/// The binary logarithm of the maximum size of what comes of it.
const MAX_GROWTH: f64 = 20.0;

/// Writing a value as text can make six bytes of one (`\u0027`); the logarithm of that.
const ESCAPE_GROWTH: f64 = 2.6;

/// Words that stand where a value may begin, so that `[` after them begins a list.
const KEYWORDS: [&str; 7] = ["and", "or", "not", "in", "is", "if", "else"];

/// What an expression does, from its text.
#[derive(Clone, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent properties of one expression, not states"
)]
pub(super) struct Operations {
    /// The size of its literals, and one for each sign.
    size: usize,
    /// The sum of its numbers.
    numbers: f64,
    /// How many operations give a product of what they are given.
    multiply: u32,
    /// How many repeat something as often as a number says.
    repeat: u32,
    /// The logarithm of the factor by which the others make things longer.
    growth: f64,
    /// Whether some write values as text.
    writes: bool,
    /// How often texts are joined with `~`.
    concatenate: u32,
    /// Whether a number can become larger than the sum of the numbers in it.
    alters_numbers: bool,
    /// Whether there can be a list or an object that is not in a value.
    has_lists: bool,
    /// Whether there can be a text that is not in a value.
    has_texts: bool,
    /// Whether a text literal has a number with which `format` could widen its output.
    has_widths: bool,
    formats: bool,
    adds: bool,
    /// Whether it has a function or a filter that is not known here.
    is_unknown: bool,
}

/// What the values that an expression names are like, up to [`MAX_IN_PLACE`].
#[derive(Debug, Default)]
pub(super) struct Leaves {
    size: usize,
    numbers: f64,
    has_lists: bool,
    has_texts: bool,
    has_widths: bool,
}

/// What an expression needs of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// All of it.
    Whole,
    /// These members, where it is an object.
    Members(BTreeMap<Box<str>, Needs>),
}

impl Operations {
    /// What `text` does; in it every name is a variable or a word of the language.
    pub(super) fn of(text: &str) -> Self {
        let tokens = tokens(text);
        let mut of = Self {
            size: tokens.len(),
            ..Self::default()
        };
        let (mut applies_named, mut has_methods) = (false, false);
        // The brackets that are open, and whether they are those of a call.
        let mut open: Vec<bool> = Vec::new();
        for (at, token) in tokens.iter().enumerate() {
            let before = at.checked_sub(1).map(|at| tokens[at]);
            let after = tokens.get(at + 1).copied();
            match token {
                Token::Name(name) if before == Some(Token::Sign('|')) => {
                    applies_named |= *name == "map";
                    of.filter(name, literal_arguments(&tokens[at + 1..]));
                }
                Token::Name(METHOD) => has_methods = true,
                Token::Name(COMPARE | IN) => {}
                Token::Name(name) if after == Some(Token::Sign('(')) => of.call(name, before),
                // A comprehension would use a name more than once.
                Token::Name("for") => of.is_unknown = true,
                Token::Name(_) => {}
                Token::Number(number) => match number.replace('_', "").parse::<f64>() {
                    Ok(number) => of.numbers += number.abs(),
                    Err(_) => of.alters_numbers = true,
                },
                Token::Text("<" | "<=" | ">" | ">=" | "==" | "!=" | "in" | "not in")
                    if before == Some(Token::Sign(',')) => {}
                Token::Text(literal) => {
                    of.size += literal.len();
                    of.has_texts = true;
                    of.has_widths |= has_width(literal);
                }
                Token::Sign(',') if open.last() == Some(&true) => {}
                Token::Sign(sign) => {
                    match sign {
                        '(' => open.push(
                            matches!(before, Some(Token::Name(name)) if !KEYWORDS.contains(&name)),
                        ),
                        '[' | '{' => open.push(false),
                        ')' | ']' | '}' => drop(open.pop()),
                        _ => {}
                    }
                    of.sign(*sign, before, after);
                }
            }
        }
        for token in &tokens {
            let Token::Text(name) = token else { continue };
            // `map("tojson")` applies a filter that a text names.
            if applies_named && is_filter(name) {
                of.filter(name, None);
            }
            if has_methods {
                of.method(name);
            }
        }
        of
    }

    fn sign(&mut self, sign: char, before: Option<Token<'_>>, after: Option<Token<'_>>) {
        let follows_value = match before {
            Some(Token::Name(name)) => !KEYWORDS.contains(&name),
            Some(Token::Text(_) | Token::Number(_) | Token::Sign(')' | ']' | '}')) => true,
            _ => false,
        };
        match sign {
            '*' if after == Some(Token::Sign('*')) => self.alters_numbers = true,
            '*' => self.repeat += 1,
            '/' => self.alters_numbers = true,
            '~' => self.concatenate += 1,
            '+' => self.adds = true,
            '[' => self.has_lists |= !follows_value,
            '{' | ',' => self.has_lists = true,
            _ => {}
        }
    }

    fn call(&mut self, name: &str, before: Option<Token<'_>>) {
        match name {
            "range" => {
                self.repeat += 1;
                self.has_lists = true;
            }
            "dict" => self.has_lists = true,
            name if KEYWORDS.contains(&name) => {}
            // `x is divisibleby(3)`: tests give true or false.
            _ if matches!(before, Some(Token::Name("is" | "not"))) => {}
            _ => self.is_unknown = true,
        }
    }

    /// A text that may name a method.
    fn method(&mut self, name: &str) {
        match name {
            "join" | "replace" => self.filter(name, None),
            "format" => {
                self.multiply += 1;
                self.filter(name, None);
            }
            "zfill" => {
                self.has_texts = true;
                self.repeat += 1;
            }
            "split" | "splitlines" | "items" | "keys" | "values" => self.has_lists = true,
            "get" => {}
            _ => self.has_texts = true,
        }
    }

    /// `arguments` is the size of its arguments where they are literals.
    fn filter(&mut self, name: &str, arguments: Option<usize>) {
        match name {
            "abs" | "default" | "d" | "min" | "max" | "bool" => {}
            "int" | "float" | "round" => self.alters_numbers = true,
            "length" | "count" | "first" | "last" | "sum" | "attr" | "lower" | "upper" | "trim"
            | "title" | "capitalize" | "safe" => self.has_texts = true,
            "sort" | "list" | "items" | "dictsort" | "reverse" | "lines" | "split" | "groupby"
            | "unique" | "chain" | "zip" => self.has_lists = true,
            "map" | "select" | "reject" | "selectattr" | "rejectattr" => {
                self.has_lists = true;
                self.multiply += u32::from(arguments.is_none());
            }
            "join" | "replace" => {
                self.has_texts = true;
                self.adds = true;
                match arguments {
                    // Each element, or each character, comes with the argument.
                    Some(size) => self.growth += (size as f64 + 2.0).log2(),
                    None => self.multiply += 1,
                }
                if name == "join" {
                    self.write();
                }
            }
            "string" | "tojson" | "pprint" | "escape" | "e" => {
                self.has_texts = true;
                self.write();
            }
            "indent" | "batch" | "slice" => {
                self.has_lists = true;
                self.has_texts = true;
                self.repeat += 1;
            }
            "format" => {
                self.has_texts = true;
                self.formats = true;
                self.repeat += 1;
            }
            _ => self.is_unknown = true,
        }
    }

    fn write(&mut self) {
        self.writes = true;
        self.growth += ESCAPE_GROWTH;
    }

    /// Whether the compiler could compute something large: what has no variables in it is computed there.
    pub(super) fn may_fold(&self) -> bool {
        self.repeat > 0 && (self.has_lists || self.has_texts || self.concatenate > 0)
    }

    /// Whether it may be evaluated in place: certain to end soon, with a small value.
    pub(super) fn are_small(&self, leaves: &Leaves) -> bool {
        let size = self.size + leaves.size;
        if self.is_unknown || size > MAX_IN_PLACE {
            return false;
        }
        let has_lists = self.has_lists || leaves.has_lists;
        let has_texts = self.has_texts || leaves.has_texts || self.concatenate > 0;
        if !has_lists && !has_texts {
            // Numbers have a fixed size.
            return true;
        }
        let mut size = size as f64;
        let mut factors = self.multiply + 1;
        if self.repeat > 0 {
            let makes_texts = self.writes || self.concatenate > 0 || self.adds;
            let widens = self.formats && (makes_texts || self.has_widths || leaves.has_widths);
            if self.alters_numbers || widens {
                return false;
            }
            size += self.numbers + leaves.numbers;
            factors += self.repeat;
        }
        let factors = f64::from(factors);
        let mut growth = factors * (size / factors + 1.0).log2() + self.growth;
        if has_lists {
            // A list is written as text before it is joined to another.
            growth += ESCAPE_GROWTH * f64::from(self.concatenate);
        }
        growth <= MAX_GROWTH
    }
}

impl Leaves {
    /// Adds what is needed of a value that stands in the expression `times` times.
    pub(super) fn add(&mut self, value: &Value, needs: &Needs, times: usize) {
        let before = self.size;
        self.visit(value, needs);
        let added = self.size - before;
        self.size = before.saturating_add(added.saturating_mul(times));
    }

    fn visit(&mut self, value: &Value, needs: &Needs) {
        if self.size > MAX_IN_PLACE {
            return;
        }
        self.size += 1;
        match value {
            Value::Null | Value::Bool(_) => self.numbers += 1.0,
            Value::Number(number) => {
                self.numbers += number.as_f64().map_or(f64::INFINITY, f64::abs);
            }
            Value::String(text) => {
                self.size += text.len();
                self.has_texts = true;
                self.has_widths |= self.size <= MAX_IN_PLACE && has_width(text);
            }
            Value::Array(items) => {
                self.has_lists = true;
                for item in items {
                    self.visit(item, needs);
                }
            }
            Value::Object(members) => {
                for (name, member) in members {
                    let Some(needs) = needs.of(name) else {
                        continue;
                    };
                    if self.size > MAX_IN_PLACE {
                        return;
                    }
                    self.size += name.len();
                    self.visit(member, needs);
                }
                self.has_lists |= *needs == Needs::Whole;
                self.has_texts |= *needs == Needs::Whole;
            }
        }
    }
}

impl Needs {
    /// What is needed of a member; `None` where it is not needed.
    pub(super) fn of(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Whole => Some(&Self::Whole),
            Self::Members(members) => members.get(name),
        }
    }

    /// What `text` needs of the variable `name`, and how often it stands there.
    pub(super) fn in_text(text: &str, name: &str) -> (Self, usize) {
        let tokens = tokens(text);
        let mut all = Self::Members(BTreeMap::new());
        let mut times = 0;
        for (at, token) in tokens.iter().enumerate() {
            let is_part = matches!(
                at.checked_sub(1).map(|at| tokens[at]),
                Some(Token::Sign('.' | '|'))
            );
            if *token == Token::Name(name) && !is_part {
                times += 1;
                all.add(&path(&tokens[at + 1..]));
            }
        }
        if times == 0 {
            // It is there in a form that is not known here.
            return (Self::Whole, 1);
        }
        (all, times)
    }

    fn add(&mut self, path: &[&str]) {
        let Self::Members(members) = self else {
            return;
        };
        match path.split_first() {
            None => *self = Self::Whole,
            Some((name, rest)) => members
                .entry((*name).into())
                .or_insert_with(|| Self::Members(BTreeMap::new()))
                .add(rest),
        }
    }
}

/// The names of members that follow a variable.
fn path<'t>(mut tokens: &[Token<'t>]) -> Vec<&'t str> {
    let mut path = Vec::new();
    loop {
        let (name, rest) = match tokens {
            [Token::Sign('.'), Token::Name(name), rest @ ..] => (name, rest),
            [
                Token::Sign('['),
                Token::Text(name),
                Token::Sign(']'),
                rest @ ..,
            ] if !name.contains('\\') => (name, rest),
            _ => return path,
        };
        if rest.first() == Some(&Token::Sign('(')) {
            // A method of what comes before.
            return path;
        }
        path.push(*name);
        tokens = rest;
    }
}

/// Whether a text has what `format` takes as a large width or precision.
fn has_width(text: &str) -> bool {
    let bytes = text.as_bytes();
    // An escape may hide anything.
    text.contains(['*', '\\'])
        || bytes
            .windows(4)
            .any(|run| run.iter().all(u8::is_ascii_digit))
}

/// The size of the arguments that follow a filter, where they are literals; 0 where there are none.
fn literal_arguments(tokens: &[Token<'_>]) -> Option<usize> {
    let Some((Token::Sign('('), tokens)) = tokens.split_first() else {
        return Some(0);
    };
    let mut size = 0;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Sign(')') => return Some(size),
            Token::Text(text) => size += text.len(),
            Token::Number(_) | Token::Sign(',' | '=') => {}
            Token::Name(_) if tokens.get(at + 1) == Some(&Token::Sign('=')) => {}
            _ => return None,
        }
    }
    None
}

fn is_filter(name: &str) -> bool {
    let mut of = Operations::default();
    of.filter(name, None);
    !of.is_unknown
}
