//! How references are written: from the text in a plan to what it refers to.

use super::expression::{MAX_LENGTH, MAX_TOKENS, Meaning, Variable};
use super::names::Names;
use super::{Dialect, Expression, Reference, Root, Segment, StepIx};
use serde_json::{Map, Value};
use std::ops::Range;
use std::sync::Arc;

/// What the names in a text can mean.
pub(super) struct Vocabulary<'a> {
    pub names: &'a Names,
    pub dialect: Dialect,
    /// The context values that are known, from the plan and from the caller.
    pub context: &'a dyn Fn(&str) -> bool,
    /// Whether `item` and `index` are known.
    pub in_for_each: bool,
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
    /// Something that was to be a reference or an expression and is none.
    Fault(Range<usize>, Fault),
}

/// Why something is no reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The plan has no step of this id.
    UnknownStep(String),
    /// It cannot be read as an expression.
    BadExpression(String),
    /// It looks like one and stays text.
    Text(String),
}

/// A plain reference, or what there is instead.
#[derive(Debug, PartialEq)]
enum Plain {
    Reference(Root, Vec<Segment>),
    Status(StepIx),
    UnknownStep(String),
    No,
}

impl Vocabulary<'_> {
    /// Cuts a text into pieces; `None` where it is nothing but text.
    pub fn pieces(&self, text: &str) -> Option<Vec<Piece>> {
        if let Some(id) = text.strip_prefix("step:")
            && !id.is_empty()
            && !id.contains(char::is_whitespace)
            && !self.in_code
        {
            return Some(vec![self.step_reference(text, id)]);
        }
        if !text.contains(['{', '$', '#', '<']) {
            return None;
        }
        let mut pieces = Vec::new();
        let mut plain_from = 0;
        let mut at = 0;
        let mut closer = Closer::default();
        let bytes = text.as_bytes();
        while at < bytes.len() {
            let found = match bytes[at] {
                b'{' if bytes.get(at + 1) == Some(&b'{') => self.braces(text, at, &mut closer),
                b'$' => self.dollar(text, at),
                b'#' if self.dialect == Dialect::ReWoo => self.evidence(text, at),
                b'<' if self.dialect == Dialect::HuggingGpt => self.generated(text, at),
                _ => None,
            };
            match found {
                None => at += 1,
                Some((end, piece)) => {
                    if plain_from < at {
                        pieces.push(Piece::Text(plain_from..at));
                    }
                    pieces.push(piece);
                    at = end;
                    plain_from = end;
                }
            }
        }
        if pieces.is_empty() {
            return None;
        }
        if plain_from < text.len() {
            pieces.push(Piece::Text(plain_from..text.len()));
        }
        Some(pieces)
    }

    fn step_reference(&self, text: &str, id: &str) -> Piece {
        let span = 0..text.len();
        match self.names.leading(id) {
            Some((step, length)) => match path(&id[length..]) {
                Some(path) => Piece::Reference(span, reference(Root::Step(step), path, text)),
                None => Piece::Fault(span, Fault::UnknownStep(id.to_owned())),
            },
            None => Piece::Fault(span, Fault::UnknownStep(id.to_owned())),
        }
    }

    /// `{{…}}`.
    fn braces(&self, text: &str, at: usize, closer: &mut Closer) -> Option<(usize, Piece)> {
        let close = closer.find(text, at + 2)?;
        let inner = &text[at + 2..close];
        let span = at..close + 2;
        let source = &text[span.clone()];
        if inner.trim().is_empty() {
            return None;
        }
        let piece = match self.plain(inner.trim()) {
            Plain::Reference(root, path) => {
                if self.in_code
                    && let Root::Context(name) = &root
                    && !(self.context)(name)
                {
                    return None;
                }
                Piece::Reference(span.clone(), reference(root, path, source))
            }
            _ if self.in_code => return None,
            Plain::UnknownStep(id) => Piece::Fault(span.clone(), Fault::UnknownStep(id)),
            Plain::Status(_) | Plain::No => match self.expression(inner, source) {
                Ok(expression) => Piece::Expression(span.clone(), expression),
                Err(fault) => Piece::Fault(span.clone(), fault),
            },
        };
        Some((span.end, piece))
    }

    /// `${ID.field}`, and `$1` or `${1}` where the dialect has them.
    fn dollar(&self, text: &str, at: usize) -> Option<(usize, Piece)> {
        let rest = &text[at + 1..];
        if let Some(inner) = rest.strip_prefix('{') {
            let close = inner.find(['}', '{', '\n'])?;
            if !inner[close..].starts_with('}') {
                return None;
            }
            let inner = &inner[..close];
            let span = at..at + 2 + close + 1;
            let source = &text[span.clone()];
            let piece = match self.plain(inner.trim()) {
                Plain::Reference(root, path) => {
                    // A bare name that nobody knows is a variable of some other language, as in `${HOME}`.
                    if let Root::Context(name) = &root
                        && !(self.context)(name)
                    {
                        if path.is_empty() || self.in_code {
                            return None;
                        }
                        return Some((
                            span.end,
                            Piece::Fault(span, Fault::UnknownStep(name.to_string())),
                        ));
                    }
                    Piece::Reference(span.clone(), reference(root, path, source))
                }
                Plain::UnknownStep(id) if !self.in_code => {
                    Piece::Fault(span.clone(), Fault::UnknownStep(id))
                }
                _ => return None,
            };
            return Some((span.end, piece));
        }
        if self.dialect != Dialect::LlmCompiler {
            return None;
        }
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if digits == 0 {
            return None;
        }
        Some(self.numbered(text, at..at + 1 + digits, &rest[..digits]))
    }

    fn evidence(&self, text: &str, at: usize) -> Option<(usize, Piece)> {
        let rest = text[at..].strip_prefix("#E")?;
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if digits == 0 {
            return None;
        }
        Some(self.numbered(text, at..at + 2 + digits, &text[at + 1..at + 2 + digits]))
    }

    fn generated(&self, text: &str, at: usize) -> Option<(usize, Piece)> {
        let rest = text[at..].strip_prefix("<GENERATED>-")?;
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if digits == 0 {
            return None;
        }
        let start = text.len() - rest.len();
        Some(self.numbered(text, at..start + digits, &text[start..start + digits]))
    }

    /// A reference by number. One that no step has is a fault where it stands alone; inside a longer text it
    /// may well be an amount of money, so it stays text and is mentioned.
    fn numbered(&self, text: &str, span: Range<usize>, id: &str) -> (usize, Piece) {
        let source = &text[span.clone()];
        let end = span.end;
        let piece = match self.names.find(id) {
            Some(step) => Piece::Reference(span, reference(Root::Step(step), Vec::new(), source)),
            None if self.dialect == Dialect::LlmCompiler && span.len() < text.len() => {
                Piece::Fault(span, Fault::Text(id.to_owned()))
            }
            None => Piece::Fault(span, Fault::UnknownStep(id.to_owned())),
        };
        (end, piece)
    }

    /// Reads what stands between the braces, where it is nothing but a name and a path.
    fn plain(&self, inner: &str) -> Plain {
        if inner.len() > MAX_LENGTH {
            return Plain::No;
        }
        if let Some((head, length)) = self.head(inner) {
            let rest = &inner[length..];
            let Some(path) = path(rest) else {
                return Plain::No;
            };
            return match head {
                Head::Known(root) => {
                    if self.is_subtraction(&path) {
                        return Plain::No;
                    }
                    Plain::Reference(root, path)
                }
                Head::OfSteps(step) => match path.first() {
                    Some(Segment::Field(field)) if &**field == "output" => {
                        Plain::Reference(Root::Step(step), path[1..].to_vec())
                    }
                    Some(Segment::Field(field)) if &**field == "status" && path.len() == 1 => {
                        Plain::Status(step)
                    }
                    _ => Plain::Reference(Root::Step(step), path),
                },
                Head::Unknown(id) => Plain::UnknownStep(id),
            };
        }
        let length = identifier(inner);
        let Some(path) = path(&inner[length..]) else {
            return Plain::No;
        };
        let name = &inner[..length];
        if length == 0 || is_word_of_the_language(name) || self.is_subtraction(&path) {
            return Plain::No;
        }
        if name.contains('-') && !(self.context)(name) && self.begins_with_known(name) {
            return Plain::No;
        }
        if name == "context"
            && !(self.context)("context")
            && let Some(Segment::Field(field)) = path.first()
        {
            return Plain::Reference(Root::Context(Arc::clone(field)), path[1..].to_vec());
        }
        Plain::Reference(Root::Context(name.into()), path)
    }

    /// What `text` begins with, where that is no context value; and how long it is.
    fn head(&self, text: &str) -> Option<(Head, usize)> {
        if let Some(rest) = text.strip_prefix("steps") {
            if let Some(bracketed) = rest.strip_prefix('[') {
                let (id, length) = bracketed_id(bracketed)?;
                let length = "steps[".len() + length;
                return Some(match self.names.find(id) {
                    Some(step) => (Head::OfSteps(step), length),
                    None => (Head::Unknown(id.to_owned()), length),
                });
            }
            if let Some(dotted) = rest.strip_prefix('.')
                && self.names.find("steps").is_none()
                && !(self.context)("steps")
            {
                let ends = self.names.leading(name_and_path(dotted));
                return Some(if let Some((step, length)) = ends {
                    (Head::OfSteps(step), "steps.".len() + length)
                } else {
                    let length = identifier(dotted);
                    (
                        Head::Unknown(dotted[..length].to_owned()),
                        "steps.".len() + length,
                    )
                });
            }
            let ends = rest.chars().next().is_none_or(|c| !is_name(c));
            if ends && self.names.find("steps").is_none() && !(self.context)("steps") {
                return Some((Head::Known(Root::Outputs), "steps".len()));
            }
        }
        if self.in_for_each {
            for (word, root) in [("item", Root::Item), ("index", Root::Index)] {
                if let Some(rest) = text.strip_prefix(word)
                    && rest.chars().next().is_none_or(|c| !is_name(c))
                {
                    return Some((Head::Known(root), word.len()));
                }
            }
        }
        let (step, length) = self.names.leading(text)?;
        Some((Head::Known(Root::Step(step)), length))
    }

    /// Whether a dash in a path is a minus: what follows it is a number or something known.
    fn is_subtraction(&self, path: &[Segment]) -> bool {
        path.iter().any(|segment| match segment {
            Segment::Field(field) => field.split_once('-').is_some_and(|(_, after)| {
                after.starts_with(|c: char| c.is_ascii_digit())
                    || self.names.find(after).is_some()
                    || (self.context)(after)
            }),
            Segment::Index(_) => false,
        })
    }

    fn begins_with_known(&self, name: &str) -> bool {
        name.match_indices('-').take(16).any(|(at, _)| {
            let before = &name[..at];
            self.names.find(before).is_some()
                || (self.context)(before)
                || (self.in_for_each && matches!(before, "item" | "index"))
        })
    }

    /// Reads a condition: bare, between braces, or mixed.
    pub fn condition(&self, text: &str) -> Result<Expression, Fault> {
        if let Some(id) = text.trim().strip_prefix("step:") {
            return match self.names.find(id) {
                Some(step) => compile_alone(Meaning::Root(Root::Step(step)), text),
                None => Err(Fault::UnknownStep(id.to_owned())),
            };
        }
        let mut flat = String::with_capacity(text.len());
        let mut at = 0;
        let mut closer = Closer::default();
        while let Some(found) = next_opening(text, at) {
            let (close, length) = if text[found..].starts_with("{{") {
                (closer.find(text, found + 2), 2)
            } else {
                (text[found + 2..].find('}').map(|end| found + 2 + end), 1)
            };
            let Some(close) = close else { break };
            let inner = &text[found + 2..close];
            let end = close + length;
            let before = &text[at..found];
            let inner = self.as_expression(inner);
            // `"{{s1.state}}" == "done"`: the quotes only meant that a text is put in.
            let quote = before
                .chars()
                .next_back()
                .filter(|c| matches!(c, '"' | '\''));
            if let Some(quote) = quote.filter(|quote| text[end..].starts_with(*quote)) {
                flat.push_str(&before[..before.len() - quote.len_utf8()]);
                flat.push_str("((");
                flat.push_str(&inner);
                flat.push_str(")|string)");
                at = end + quote.len_utf8();
            } else {
                flat.push_str(before);
                flat.push('(');
                flat.push_str(&inner);
                flat.push(')');
                at = end;
            }
        }
        flat.push_str(&text[at..]);
        self.expression(&flat, text)
    }

    /// A plain reference in Jinja's words: a number as an id, and dashes in fields, would be arithmetic there.
    /// Anything else stays as it is.
    fn as_expression(&self, inner: &str) -> String {
        let Plain::Reference(root, path) = self.plain(inner.trim()) else {
            return inner.to_owned();
        };
        let first_is_output =
            matches!(path.first(), Some(Segment::Field(field)) if &**field == "output");
        let mut text = match &root {
            Root::Step(step) if !first_is_output => {
                let id = self.names.id(*step);
                if id.contains('"') {
                    return inner.to_owned();
                }
                format!("steps[\"{id}\"]")
            }
            Root::Context(name) if identifier_without_dash(name) == name.len() => name.to_string(),
            _ => return inner.to_owned(),
        };
        for segment in &path {
            match segment {
                Segment::Field(field) if field.contains(['"', '\\']) => return inner.to_owned(),
                Segment::Field(field) => match field.parse::<i64>() {
                    Ok(index) => push_index(&mut text, index),
                    Err(_) => text.extend(["[\"", &**field, "\"]"]),
                },
                Segment::Index(index) => push_index(&mut text, *index),
            }
        }
        text
    }

    /// Compiles an expression; `source` is how the plan has it.
    pub fn expression(&self, text: &str, source: &str) -> Result<Expression, Fault> {
        if text.len() > MAX_LENGTH {
            return Err(Fault::BadExpression(format!(
                "it is longer than {MAX_LENGTH} bytes"
            )));
        }
        if tokens(text) > MAX_TOKENS {
            return Err(Fault::BadExpression(format!(
                "it has more than {MAX_TOKENS} words and signs"
            )));
        }
        let mut variables = Vec::new();
        let flat = self.rewrite(text, &mut variables)?;
        Expression::compile(source.into(), flat, variables).map_err(Fault::BadExpression)
    }

    /// Replaces each name of a step, an item or all outputs by a variable, and what other languages write by
    /// what Jinja does.
    fn rewrite(&self, text: &str, variables: &mut Vec<Variable>) -> Result<String, Fault> {
        let mut flat = String::with_capacity(text.len() + 16);
        let mut at = 0;
        let mut previous = ' ';
        while let Some(character) = text[at..].chars().next() {
            let rest = &text[at..];
            if matches!(character, '"' | '\'') {
                let length = quoted(rest, character);
                flat.push_str(&rest[..length]);
                at += length;
                previous = character;
                continue;
            }
            let begins_name =
                (character.is_alphanumeric() || character == '_') && !is_name_before(previous);
            if begins_name {
                let (length, replacement) = self.rewrite_name(rest, variables)?;
                flat.push_str(&replacement);
                previous = rest[..length].chars().next_back().unwrap_or(' ');
                at += length;
                continue;
            }
            if let Some((length, test)) = compared_with_nothing(rest) {
                flat.push_str(test);
                at += length;
                previous = ' ';
                continue;
            }
            let operator = [
                ("&&", " and "),
                ("||", " or "),
                ("===", "=="),
                ("!==", "!="),
                ("!=", "!="),
                ("!", " not "),
            ]
            .into_iter()
            .find(|(written, _)| rest.starts_with(written));
            if let Some((written, meant)) = operator {
                flat.push_str(meant);
                at += written.len();
                previous = ' ';
                continue;
            }
            flat.push(character);
            // `| length` and `. field`: the blank between changes nothing.
            if !(character.is_whitespace() && matches!(previous, '.' | '|')) {
                previous = character;
            }
            at += character.len_utf8();
        }
        Ok(flat)
    }

    fn rewrite_name(
        &self,
        rest: &str,
        variables: &mut Vec<Variable>,
    ) -> Result<(usize, String), Fault> {
        // Where the name itself ends; what follows it is the language's.
        let candidate = name_and_path(rest);
        let Some((head, length)) = self.longest_head(rest, candidate).filter(|(_, length)| {
            let after = rest[*length..].trim_start();
            let is_argument_name = after.starts_with('=') && !after.starts_with("==");
            !is_argument_name && !is_keyword(&rest[..*length])
        }) else {
            let length = identifier_without_dash(rest).max(1);
            let length = rest
                .char_indices()
                .nth(1)
                .map_or(rest.len(), |(at, _)| at.max(length));
            let name = &rest[..length];
            return Ok((
                length,
                if name == "null" {
                    "none".to_owned()
                } else {
                    name.to_owned()
                },
            ));
        };
        let after = &rest[length..];
        let (meaning, length) = match head {
            Head::Unknown(id) => return Err(Fault::UnknownStep(id)),
            Head::OfSteps(step) => {
                if ends_after(after, ".output") {
                    (Meaning::Root(Root::Step(step)), length + ".output".len())
                } else if ends_after(after, ".status") {
                    (Meaning::Status(step), length + ".status".len())
                } else {
                    (Meaning::Root(Root::Step(step)), length)
                }
            }
            Head::Known(Root::Step(step)) if ends_after(after, ".output") => {
                (Meaning::Output(step), length + ".output".len())
            }
            Head::Known(root) => (Meaning::Root(root), length),
        };
        let name = if let Some(variable) = variables
            .iter()
            .find(|variable| variable.meaning == meaning)
        {
            Arc::clone(&variable.name)
        } else {
            let name: Arc<str> = format!("__ref_{}", variables.len()).into();
            variables.push(Variable {
                name: Arc::clone(&name),
                meaning,
            });
            name
        };
        Ok((length, name.to_string()))
    }

    fn longest_head(&self, rest: &str, candidate: &str) -> Option<(Head, usize)> {
        if rest.starts_with("steps[") || rest.starts_with("steps.") {
            return self.head(rest);
        }
        // A number is a number here, even where a step has it as its id.
        if candidate.starts_with(|c: char| c.is_ascii_digit())
            && candidate[..identifier(candidate)]
                .chars()
                .all(|c| c.is_ascii_digit())
        {
            return None;
        }
        // `s1-s2` may be one id or a difference: the longest id that the plan has decides.
        let mut end = identifier(candidate);
        loop {
            let name = &candidate[..end];
            if let Some(found) = self.head(name).filter(|(_, length)| *length == end) {
                return Some(found);
            }
            if name.contains('-') && (self.context)(name) {
                return Some((Head::Known(Root::Context(name.into())), end));
            }
            if name == "context" && !(self.context)(name) {
                let field = candidate[end..].strip_prefix('.')?;
                let length = identifier_without_dash(field);
                if length > 0 {
                    let root = Root::Context(field[..length].into());
                    return Some((Head::Known(root), end + 1 + length));
                }
            }
            end = name.rfind('-')?;
        }
    }
}

fn push_index(text: &mut String, index: i64) {
    text.push('[');
    text.push_str(&index.to_string());
    text.push(']');
}

/// `== null` and `!= null`, which hold for what is undefined too: as a test, and the length in the text.
fn compared_with_nothing(text: &str) -> Option<(usize, &'static str)> {
    let (sign, meant) = [("==", " is nothing "), ("!=", " is not nothing ")]
        .into_iter()
        .find(|(sign, _)| text.starts_with(sign))?;
    let after = text[sign.len()..].trim_start_matches('=').trim_start();
    let length = identifier_without_dash(after);
    matches!(&after[..length], "null" | "none" | "None")
        .then(|| (text.len() - after.len() + length, meant))
}

enum Head {
    Known(Root),
    /// `steps[ID]`, after which `.output` and `.status` have a meaning of their own.
    OfSteps(StepIx),
    Unknown(String),
}

fn compile_alone(meaning: Meaning, source: &str) -> Result<Expression, Fault> {
    let name: Arc<str> = "__ref_0".into();
    let variable = Variable {
        name: Arc::clone(&name),
        meaning,
    };
    Expression::compile(source.into(), name.to_string(), vec![variable])
        .map_err(Fault::BadExpression)
}

fn reference(root: Root, path: Vec<Segment>, source: &str) -> Reference {
    Reference {
        root,
        path: path.into(),
        source: source.into(),
    }
}

fn next_opening(text: &str, from: usize) -> Option<usize> {
    let braces = text[from..].find("{{");
    let dollar = text[from..].find("${");
    braces.into_iter().chain(dollar).min().map(|at| at + from)
}

/// The id between `[` and `]`, quoted or not, and the length up to and with the bracket.
fn bracketed_id(text: &str) -> Option<(&str, usize)> {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote) {
            let close = inner.find(quote)?;
            return inner[close + 1..]
                .starts_with(']')
                .then_some((&inner[..close], close + 3));
        }
    }
    let close = text.find(']')?;
    let id = text[..close].trim();
    (!id.is_empty()).then_some((id, close + 1))
}

/// The way after a name: `.field`, `[0]`, `["key"]`, in any number; `None` where there is anything else.
fn path(text: &str) -> Option<Vec<Segment>> {
    let mut segments = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let length = identifier(after);
            if length == 0 {
                return None;
            }
            segments.push(Segment::Field(after[..length].into()));
            rest = &after[length..];
        } else if let Some(after) = rest.strip_prefix('[') {
            if let Some(quote) = after.chars().next().filter(|c| matches!(c, '"' | '\'')) {
                let close = after[1..].find(quote)? + 1;
                segments.push(Segment::Field(after[1..close].into()));
                rest = after[close + 1..].strip_prefix(']')?;
            } else {
                let close = after.find(']')?;
                segments.push(Segment::Index(after[..close].trim().parse().ok()?));
                rest = &after[close + 1..];
            }
        } else {
            return None;
        }
    }
    Some(segments)
}

/// The beginning of `text` up to the first character that neither a name nor a path can have.
fn name_and_path(text: &str) -> &str {
    let end = text
        .find(|c: char| !(is_name(c) || matches!(c, '.' | '[' | ']' | '"' | '\'')))
        .unwrap_or(text.len());
    &text[..end]
}

/// The length of the name that `text` begins with; a dash may stand inside it, not at its end.
fn identifier(text: &str) -> usize {
    let length = text.find(|c: char| !is_name(c)).unwrap_or(text.len());
    text[..length].trim_end_matches('-').len()
}

fn identifier_without_dash(text: &str) -> usize {
    text.find(|c: char| !(c.is_alphanumeric() || c == '_'))
        .unwrap_or(text.len())
}

fn is_name(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '-' | '@')
}

/// Whether a name after this character is a member, a filter or the rest of a longer name.
fn is_name_before(character: char) -> bool {
    character == '.' || character == '|' || character.is_alphanumeric() || character == '_'
}

fn ends_after(text: &str, field: &str) -> bool {
    text.strip_prefix(field).is_some_and(|rest| {
        rest.chars()
            .next()
            .is_none_or(|c| !(c.is_alphanumeric() || c == '_'))
    })
}

fn is_keyword(name: &str) -> bool {
    matches!(name, "and" | "or" | "in" | "is" | "if" | "else") || is_word_of_the_language(name)
}

fn is_word_of_the_language(name: &str) -> bool {
    matches!(
        name,
        "true" | "false" | "none" | "null" | "True" | "False" | "None" | "not"
    ) || name.starts_with(|c: char| c.is_ascii_digit())
}

/// Names, numbers, quoted texts and signs.
fn tokens(text: &str) -> usize {
    let mut count = 0;
    let mut at = 0;
    while let Some(character) = text[at..].chars().next() {
        let rest = &text[at..];
        at += if matches!(character, '"' | '\'') {
            quoted(rest, character)
        } else {
            identifier_without_dash(rest).max(character.len_utf8())
        };
        count += usize::from(!character.is_whitespace());
    }
    count
}

/// The length of the quoted text that `text` begins with.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return at + character.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// Looks for the `}}` that closes a `{{`, past quoted text and inner braces. After the first one that has no
/// proper end it takes the next `}}` whatever stands before it, so that no text costs more than one walk.
#[derive(Default)]
struct Closer {
    plain: bool,
    none_after: Option<usize>,
}

impl Closer {
    fn find(&mut self, text: &str, from: usize) -> Option<usize> {
        if self.none_after.is_some_and(|at| from >= at) {
            return None;
        }
        if !self.plain {
            if let Some(close) = proper_close(text, from) {
                return Some(close);
            }
            self.plain = true;
        }
        let close = text[from..].find("}}").map(|at| at + from);
        if close.is_none() {
            self.none_after = Some(from);
        }
        close
    }
}

fn proper_close(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut depth = 0_usize;
    let mut quote = None;
    let mut at = from;
    while at < bytes.len() {
        match (quote, bytes[at]) {
            (Some(mark), byte) if mark == byte => quote = None,
            (Some(_), b'\\') => at += 1,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(bytes[at]),
            (None, b'{') => depth += 1,
            (None, b'}') if depth > 0 => depth -= 1,
            (None, b'}') if bytes.get(at + 1) == Some(&b'}') => return Some(at),
            (None, _) => {}
        }
        at += 1;
    }
    None
}

/// The context values that a caller gave or the plan brings.
pub(super) fn knows(
    own: &Map<String, Value>,
    given: Option<&Map<String, Value>>,
    name: &str,
) -> bool {
    own.contains_key(name) || given.is_some_and(|given| given.contains_key(name))
}
