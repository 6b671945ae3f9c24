//! The members that a filter multiplies, found by syntax.

use super::DEEPEST_TERM;
use super::syntax::{last_name, literal};
use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Term};
use jaq_core::ops::Math;
use jaq_core::path::Part;

/// The members that a filter multiplies.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Factors {
    /// Names at the end of a path that is a factor, or that a variable is bound to.
    pub(super) names: Vec<String>,
    /// Names that the filter itself makes members of, or assigns; what those hold the input does not tell.
    pub(super) made: Vec<String>,
}

impl Factors {
    pub(super) fn collect(&mut self, term: &Term<&str>, depth: usize) {
        if depth > DEEPEST_TERM {
            return;
        }
        match term {
            Term::BinOp(left, op, right) => {
                if let BinaryOp::Math(Math::Mul) | BinaryOp::UpdateMath(Math::Mul) = op {
                    self.names.extend(
                        [left, right]
                            .into_iter()
                            .filter_map(|side| last_name(side))
                            .map(str::to_owned),
                    );
                }
                if let BinaryOp::Pipe(Some(_)) = op {
                    self.names.extend(last_name(left).map(str::to_owned));
                }
                if let BinaryOp::Assign
                | BinaryOp::Update
                | BinaryOp::UpdateMath(_)
                | BinaryOp::UpdateAlt = op
                {
                    self.made.extend(last_name(left).map(str::to_owned));
                }
            }
            Term::Obj(members) => {
                for (key, value) in members {
                    match (key, value) {
                        // `{price}` takes the member of that name as it is.
                        (_, None) if !matches!(key, Term::Var(_)) => {}
                        (Term::Var(name), None) => {
                            self.made.push(name.trim_start_matches('$').to_owned());
                        }
                        (key, _) => match literal(key) {
                            Some(name) => self.made.push(name.to_owned()),
                            // A name that is worked out may be any.
                            None => self.made_any(),
                        },
                    }
                }
            }
            Term::Call(
                "from_entries" | "with_entries" | "map_values" | "capture" | "fromjson"
                | "transpose",
                _,
            ) => self.made_any(),
            // What these give has members of its own.
            Term::Call("to_entries" | "match", _) => {
                self.made.extend(
                    ["key", "value", "name", "string", "length", "offset"].map(str::to_owned),
                );
            }
            _ => {}
        }
        for_each_part(term, &mut |part| self.collect(part, depth + 1));
    }

    fn made_any(&mut self) {
        self.made.push("*".to_owned());
    }
}

/// Calls `visit` with every term directly below `term`.
fn for_each_part<'t, 's>(term: &'t Term<&'s str>, visit: &mut dyn FnMut(&'t Term<&'s str>)) {
    match term {
        Term::Str(_, parts) => {
            for part in parts {
                if let StrPart::Term(term) = part {
                    visit(term);
                }
            }
        }
        Term::Arr(Some(inner)) | Term::Neg(inner) | Term::Label(_, inner) => visit(inner),
        Term::Obj(members) => {
            for (key, value) in members {
                visit(key);
                value.iter().for_each(&mut *visit);
            }
        }
        Term::BinOp(left, _, right) => {
            visit(left);
            visit(right);
        }
        Term::Fold(_, source, _, arguments) => {
            visit(source);
            arguments.iter().for_each(visit);
        }
        Term::TryCatch(inner, handler) => {
            visit(inner);
            if let Some(handler) = handler {
                visit(handler);
            }
        }
        Term::IfThenElse(cases, otherwise) => {
            for (condition, then) in cases {
                visit(condition);
                visit(then);
            }
            if let Some(otherwise) = otherwise {
                visit(otherwise);
            }
        }
        Term::Def(_, inner) => visit(inner),
        Term::Call(_, arguments) => arguments.iter().for_each(visit),
        Term::Path(head, path) => {
            visit(head);
            for (part, _) in &path.0 {
                match part {
                    Part::Index(index) => visit(index),
                    Part::Range(from, to) => from.iter().chain(to).for_each(&mut *visit),
                }
            }
        }
        Term::Id
        | Term::Recurse
        | Term::Num(_)
        | Term::Arr(None)
        | Term::Break(_)
        | Term::Var(_) => {}
    }
}
