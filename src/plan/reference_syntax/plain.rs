//! References that are only a name and a path.

use super::Vocabulary;
use super::words::{identifier, is_name, is_word_of_the_language, name_and_path};
use crate::plan::expression::MAX_LENGTH;
use crate::plan::ids::StepIx;
use crate::plan::path::Segment;
use crate::plan::reference::Root;
use std::sync::Arc;

/// A plain reference, or what there is instead.
#[derive(Debug, PartialEq)]
pub(super) enum Plain {
    Reference(Root, Vec<Segment>),
    Status(StepIx),
    UnknownStep(String),
    No,
}

/// What a text begins with.
pub(super) enum Head {
    Known(Root),
    /// `steps[ID]`, after which `.output` and `.status` have a meaning of their own.
    OfSteps(StepIx),
    Unknown(String),
}

impl Vocabulary<'_> {
    /// Reads what stands between the braces, where it is nothing but a name and a path.
    pub(super) fn plain(&self, inner: &str) -> Plain {
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

    /// The name at the beginning of `text`, where it is not a context value, and its length.
    pub(super) fn head(&self, text: &str) -> Option<(Head, usize)> {
        if let Some(rest) = text.strip_prefix("steps") {
            if let Some(bracketed) = rest.strip_prefix('[') {
                let (id, length) = bracketed_id(bracketed)?;
                let length = "steps[".len() + length;
                return Some(match self.ids.find(id) {
                    Some(step) => (Head::OfSteps(step), length),
                    None => (Head::Unknown(id.to_owned()), length),
                });
            }
            if let Some(dotted) = rest.strip_prefix('.')
                && self.ids.find("steps").is_none()
                && !(self.context)("steps")
            {
                let ends = self.ids.leading(name_and_path(dotted));
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
            if ends && self.ids.find("steps").is_none() && !(self.context)("steps") {
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
        for own in self.own {
            let ends = |rest: &str| rest.chars().next().is_none_or(|c| !is_name(c));
            if text.strip_prefix(own.name()).is_some_and(ends) {
                return Some((Head::Known(Root::Own(*own)), own.name().len()));
            }
        }
        let (step, length) = self.ids.leading(text)?;
        Some((Head::Known(Root::Step(step)), length))
    }

    /// Whether a dash in a path is a minus: what follows it is a number or something known.
    fn is_subtraction(&self, path: &[Segment]) -> bool {
        path.iter().any(|segment| match segment {
            Segment::Field(field) => field.split_once('-').is_some_and(|(_, after)| {
                after.starts_with(|c: char| c.is_ascii_digit())
                    || self.ids.find(after).is_some()
                    || (self.context)(after)
            }),
            Segment::Index(_) => false,
        })
    }

    fn begins_with_known(&self, name: &str) -> bool {
        name.match_indices('-').take(16).any(|(at, _)| {
            let before = &name[..at];
            self.ids.find(before).is_some()
                || (self.context)(before)
                || (self.in_for_each && matches!(before, "item" | "index"))
        })
    }
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
pub(super) fn path(text: &str) -> Option<Vec<Segment>> {
    // As many as there can be: a path is kept in a box, which takes no more room than it needs.
    let most = text
        .bytes()
        .filter(|byte| matches!(byte, b'.' | b'['))
        .count();
    let mut segments = Vec::with_capacity(most);
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
