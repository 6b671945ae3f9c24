//! What makes the interpreter's language jq's.
//!
//! jaq differs from jq where a value is divided by zero, where a path leads through null, in how a number without a
//! fraction is written, and in filters that it does not have. The filters are defined in `builtins.jq`; operators are
//! rewritten into calls of them.

use super::paths::{delete_all, get, set, steps};
use super::value::{self, MAX_TEXT_BYTES, float, shown, text_value};
use jaq_core::data::JustLut;
use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::native::{self, bome, v};
use jaq_core::ops::Math;
use jaq_core::path::{Part, Path};
use jaq_core::{Bind, Error, Exn, load};
use jaq_json::{Num, Val};
use std::sync::LazyLock;

/// The variable in which the right side of `+=` and the like is kept.
const RIGHT: &str = "$__right";

type Fun = native::Fun<JustLut<Val>>;

/// The definitions of `builtins.jq`.
pub(super) fn defs() -> impl Iterator<Item = Def<&'static str>> {
    static DEFS: LazyLock<Vec<Def<&'static str>>> = LazyLock::new(|| {
        let defs = load::parse(include_str!("builtins.jq"), |parser| parser.defs());
        defs.unwrap_or_default()
            .into_iter()
            .map(definition)
            .collect()
    });
    DEFS.iter().cloned()
}

/// How deep a filter may nest.
const MAX_DEPTH: usize = 4_000;

/// A filter's term with jq's operators.
pub(super) fn rewrite(term: Term<&str>) -> Term<&str> {
    rewrite_at(term, 0)
}

fn rewrite_at<'s>(term: Term<&'s str>, depth: usize) -> Term<&'s str> {
    if depth > MAX_DEPTH {
        return Term::Call("_too_deep", Vec::new());
    }
    let depth = depth + 1;
    let rewrite = |term: Term<&'s str>| rewrite_at(term, depth);
    let definition = |def: Def<&'s str>| definition_at(def, depth);
    let boxed = |term: Box<Term<&'s str>>| Box::new(rewrite(*term));
    match term {
        Term::Str(format, parts) => Term::Str(
            format,
            parts
                .into_iter()
                .map(|part| match part {
                    StrPart::Term(inner) if format.is_none() => {
                        let text = Box::new(Term::Call("tostring", Vec::new()));
                        let inner = Box::new(rewrite(inner));
                        StrPart::Term(Term::BinOp(inner, BinaryOp::Pipe(None), text))
                    }
                    StrPart::Term(inner) => StrPart::Term(rewrite(inner)),
                    other => other,
                })
                .collect(),
        ),
        Term::Arr(inner) => Term::Arr(inner.map(boxed)),
        Term::Obj(members) => Term::Obj(
            members
                .into_iter()
                .map(|(key, value)| (rewrite(key), value.map(rewrite)))
                .collect(),
        ),
        Term::Neg(inner) => Term::Neg(boxed(inner)),
        Term::BinOp(left, op, right) => {
            let op = match op {
                BinaryOp::Pipe(bound) => BinaryOp::Pipe(bound.map(|bound| pattern(bound, depth))),
                op => op,
            };
            operator(rewrite(*left), op, rewrite(*right))
        }
        Term::Label(name, inner) => Term::Label(name, boxed(inner)),
        Term::Fold(name, inner, bound, parts) => Term::Fold(
            name,
            boxed(inner),
            pattern(bound, depth),
            parts.into_iter().map(rewrite).collect(),
        ),
        Term::TryCatch(inner, handler) => Term::TryCatch(boxed(inner), handler.map(boxed)),
        Term::IfThenElse(cases, otherwise) => Term::IfThenElse(
            cases
                .into_iter()
                .map(|(condition, then)| (rewrite(condition), rewrite(then)))
                .collect(),
            otherwise.map(boxed),
        ),
        Term::Def(defs, inner) => {
            Term::Def(defs.into_iter().map(definition).collect(), boxed(inner))
        }
        Term::Call(name, arguments) => {
            Term::Call(name, arguments.into_iter().map(rewrite).collect())
        }
        Term::Path(head, path) => Term::Path(
            boxed(head),
            Path(
                path.0
                    .into_iter()
                    .map(|(part, opt)| {
                        let part = match part {
                            Part::Index(index) => Part::Index(rewrite(index)),
                            Part::Range(from, to) => {
                                Part::Range(from.map(rewrite), to.map(rewrite))
                            }
                        };
                        (part, opt)
                    })
                    .collect(),
            ),
        ),
        other @ (Term::Id | Term::Recurse | Term::Num(_) | Term::Break(_) | Term::Var(_)) => other,
    }
}

fn definition(def: Def<&str>) -> Def<&str> {
    definition_at(def, 0)
}

fn definition_at(def: Def<&str>, depth: usize) -> Def<&str> {
    Def {
        body: rewrite_at(def.body, depth),
        ..def
    }
}

fn pattern(bound: Pattern<&str>, depth: usize) -> Pattern<&str> {
    if depth > MAX_DEPTH {
        return bound;
    }
    let depth = depth + 1;
    match bound {
        Pattern::Var(name) => Pattern::Var(name),
        Pattern::Arr(parts) => {
            Pattern::Arr(parts.into_iter().map(|part| pattern(part, depth)).collect())
        }
        Pattern::Obj(members) => Pattern::Obj(
            members
                .into_iter()
                .map(|(key, bound)| (rewrite_at(key, depth), pattern(bound, depth)))
                .collect(),
        ),
    }
}

fn operator<'s>(left: Term<&'s str>, op: BinaryOp<&'s str>, right: Term<&'s str>) -> Term<&'s str> {
    let call = |name, left, right| Term::Call(name, vec![left, right]);
    // `l += r` is `r as $x | l |= . + $x`.
    let update = |left, changed: Term<&'s str>, right| {
        let modify = Term::Call("_modify", vec![left, changed]);
        let pipe = BinaryOp::Pipe(Some(Pattern::Var(RIGHT)));
        Term::BinOp(Box::new(right), pipe, Box::new(modify))
    };
    match op {
        BinaryOp::Math(Math::Div) if !is_number_but_zero(&right) => call("_divide", left, right),
        BinaryOp::Math(Math::Rem) => call("_modulo", left, right),
        BinaryOp::Assign => call("_assign", left, right),
        BinaryOp::Update => call("_modify", left, right),
        BinaryOp::UpdateMath(math) => {
            let changed = operator(Term::Id, BinaryOp::Math(math), Term::Var(RIGHT));
            update(left, changed, right)
        }
        BinaryOp::UpdateAlt => {
            let changed = Term::BinOp(
                Box::new(Term::Id),
                BinaryOp::Alt,
                Box::new(Term::Var(RIGHT)),
            );
            update(left, changed, right)
        }
        op => Term::BinOp(Box::new(left), op, Box::new(right)),
    }
}

fn is_number_but_zero(term: &Term<&str>) -> bool {
    match term {
        Term::Num(digits) => digits.parse::<f64>().is_ok_and(|number| number != 0.0),
        _ => false,
    }
}

/// The names of the interpreter's own functions that are replaced.
pub(super) const REPLACED: [&str; 1] = ["tojson"];

/// The functions that `builtins.jq` and the rewritten operators call.
pub(super) fn funs() -> Vec<Fun> {
    let funs = || [Bind::Fun(()), Bind::Fun(())].into();
    vec![
        native::run(("tojson", v(0), |cv| {
            // An integer keeps its digits as text, however many it has.
            if let Val::Num(number @ Num::BigInt(_)) = &cv.1 {
                return bome(Ok(text_value(number.to_string())));
            }
            let text = value::write(&cv.1, &mut 0, MAX_TEXT_BYTES);
            bome(
                text.map_err(Error::str)
                    .map(|json| text_value(json.to_string())),
            )
        })),
        native::run(("_div", v(1), |mut cv| {
            let divisor = cv.0.pop_var();
            bome(check_divisor(&cv.1, &divisor).and_then(|()| cv.1 / divisor))
        })),
        native::run(("_mod", v(1), |mut cv| {
            let divisor = cv.0.pop_var();
            bome(modulo(cv.1, divisor))
        })),
        native::run(("_setpath", v(2), |mut cv| {
            let new = cv.0.pop_var();
            let path = cv.0.pop_var();
            bome(steps(&path).and_then(|path| set(cv.1, path, new)))
        })),
        native::run(("_delpaths", v(1), |mut cv| {
            let paths = cv.0.pop_var();
            let paths = steps(&paths).and_then(|paths| {
                let paths = paths.iter().map(|path| Ok(steps(path)?.to_vec()));
                paths.collect::<Result<Vec<_>, _>>()
            });
            bome(paths.and_then(|paths| delete_all(cv.1, paths)))
        })),
        native::run(("_modify", funs(), |mut cv| {
            let (update, update_context) = cv.0.pop_fun();
            let (paths, paths_context) = cv.0.pop_fun();
            // The empty path; its type has no public name.
            #[allow(clippy::default_trait_access)]
            let found: Result<Vec<Vec<Val>>, Exn<Val>> = paths
                .paths((paths_context, (cv.1.clone(), Default::default())))
                .map(|found| {
                    let (_, path) = found?;
                    let mut path: Vec<Val> = path.iter().cloned().collect();
                    path.reverse();
                    Ok(path)
                })
                .collect();
            let mut root = cv.1;
            let modified = found.and_then(|found| {
                let mut gone = Vec::new();
                for path in found {
                    let old = get(&root, &path).map_err(Exn::from)?;
                    match update.run((update_context.clone(), old)).next() {
                        Some(new) => {
                            let new = new?;
                            root = set(std::mem::take(&mut root), &path, new).map_err(Exn::from)?;
                        }
                        None => gone.push(path),
                    }
                }
                delete_all(root, gone).map_err(Exn::from)
            });
            Box::new(std::iter::once(modified))
        })),
        native::run(("encode_base32", v(0), |cv| {
            bome(bytes(&cv.1).map(|bytes| text_value(encode_base32(bytes))))
        })),
        native::run(("decode_base32", v(0), |cv| {
            bome(bytes(&cv.1).and_then(|text| {
                let decoded = decode_base32(text);
                let decoded = decoded.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
                decoded
                    .map(text_value)
                    .ok_or_else(|| Error::str(format!("{} is not valid base32 data", shown(&cv.1))))
            }))
        })),
    ]
}

fn check_divisor(value: &Val, divisor: &Val) -> Result<(), Error<Val>> {
    match (value, divisor) {
        (Val::Num(_), Val::Num(number)) if float(number) == 0.0 => {
            Err(by_zero(value, divisor, "divided"))
        }
        _ => Ok(()),
    }
}

fn by_zero(value: &Val, divisor: &Val, what: &str) -> Error<Val> {
    Error::str(format!(
        "{} and {} cannot be {what} because the divisor is zero",
        shown(value),
        shown(divisor)
    ))
}

/// The remainder of the whole parts, with the sign of the first.
fn modulo(value: Val, divisor: Val) -> Result<Val, Error<Val>> {
    let (Val::Num(left), Val::Num(right)) = (&value, &divisor) else {
        return value % divisor;
    };
    let (left_float, right_float) = (float(left), float(right));
    if left_float.is_nan() || right_float.is_nan() {
        return Ok(Val::Num(Num::Float(f64::NAN)));
    }
    let whole = |number: &Num, float: f64| number.as_isize().map_or(float as i64, |n| n as i64);
    let (left, right) = (whole(left, left_float), whole(right, right_float));
    if right == 0 {
        return Err(by_zero(&value, &divisor, "divided (remainder)"));
    }
    let remainder = left.wrapping_rem(right) as isize;
    Ok(Val::Num(Num::Int(remainder)))
}

fn bytes(value: &Val) -> Result<&[u8], Error<Val>> {
    match value {
        Val::TStr(text) | Val::BStr(text) => Ok(text),
        other => Err(Error::str(format!("{} is not a string", shown(other)))),
    }
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn encode_base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    for chunk in bytes.chunks(5) {
        let mut group = [0; 5];
        group[..chunk.len()].copy_from_slice(chunk);
        let bits = group
            .iter()
            .fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        let digits = (chunk.len() * 8).div_ceil(5);
        for at in 0..8 {
            let digit = usize::try_from(bits >> (35 - 5 * at) & 31).unwrap_or_default();
            text.push(if at < digits {
                char::from(BASE32[digit])
            } else {
                '='
            });
        }
    }
    text
}

fn decode_base32(text: &[u8]) -> Option<Vec<u8>> {
    let end = text
        .iter()
        .rposition(|byte| *byte != b'=')
        .map_or(0, |at| at + 1);
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for byte in &text[..end] {
        let digit = BASE32.iter().position(|digit| digit == byte)?;
        bits = bits << 5 | u32::try_from(digit).ok()?;
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 255) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
