//! What paths, literals and patterns of a filter look like.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Term};
use jaq_core::path::Part;

/// The name at the end of a path such as `.items[].price`.
pub(super) fn last_name<'s>(term: &Term<&'s str>) -> Option<&'s str> {
    match term {
        Term::Path(_, path) => match path.0.last() {
            Some((Part::Index(index), _)) => literal(index),
            _ => None,
        },
        _ => None,
    }
}

/// The text of a literal without escapes.
pub(super) fn literal<'s>(term: &Term<&'s str>) -> Option<&'s str> {
    match term {
        Term::Str(None, parts) => match parts.as_slice() {
            [StrPart::Str(text)] => Some(text),
            _ => None,
        },
        _ => None,
    }
}

/// Members by name, elements by small constant index, and all elements: paths that cannot make a list as long as a
/// number in the data says.
pub(super) fn is_plain_path(term: &Term<&str>) -> bool {
    match term {
        Term::Id => true,
        Term::Path(head, path) => {
            is_plain_path(head)
                && path.0.iter().all(|(part, _)| match part {
                    Part::Index(Term::Num(text)) => {
                        text.parse::<f64>().is_ok_and(|index| index < 10_000.0)
                    }
                    Part::Index(index) => is_literal(index),
                    Part::Range(from, to) => from.is_none() && to.is_none(),
                })
        }
        Term::BinOp(left, BinaryOp::Pipe(None) | BinaryOp::Comma, right) => {
            is_plain_path(left) && is_plain_path(right)
        }
        Term::Call("select", _) => true,
        Term::Call("empty", arguments) => arguments.is_empty(),
        _ => false,
    }
}

/// How many parts a path has.
pub(super) fn path_length(term: &Term<&str>) -> f64 {
    match term {
        Term::Path(head, path) => path_length(head) + path.0.len() as f64,
        Term::BinOp(left, _, right) => path_length(left) + path_length(right),
        _ => 1.0,
    }
}

/// A text without anything put in.
pub(super) fn is_literal(term: &Term<&str>) -> bool {
    matches!(term, Term::Str(None, parts) if parts.iter().all(|part| !matches!(part, StrPart::Term(_))))
}

/// Steps a byte of text may take: the matcher is linear in the text times the pattern, and counted repetitions
/// multiply the pattern.
pub(super) fn pattern_cost(term: &Term<&str>) -> f64 {
    let Term::Str(_, parts) = term else {
        return f64::MAX;
    };
    let (mut length, mut repeats) = (1.0, 1.0);
    for part in parts {
        // A brace written as an escape would hide a repetition.
        if matches!(part, StrPart::Char('{')) {
            return f64::MAX;
        }
        if let StrPart::Str(text) = part {
            length += text.len() as f64;
            for piece in text.split('{').skip(1) {
                let most = piece
                    .split('}')
                    .next()
                    .unwrap_or_default()
                    .split(',')
                    .filter_map(|number| number.trim().parse::<f64>().ok())
                    .fold(1.0, f64::max);
                repeats *= most;
            }
        }
    }
    length * repeats / 4.0
}
