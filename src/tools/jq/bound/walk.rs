//! The walk over a filter's syntax: what each term gives at the most.

use super::DEEPEST_TERM;
use super::shape::{Group, Outcome, Shape, arithmetic, extrapolate, updated};
use super::syntax::{is_plain_path, last_name, path_length};
use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Pattern, Term};
use jaq_core::path::Part;

/// A walk over a filter's syntax.
pub(super) struct Walk<'s, 'f> {
    /// What variables hold, innermost last.
    pub(super) variables: Vec<(&'s str, Shape)>,
    /// How deep the walk is.
    pub(super) depth: usize,
    /// Members that hold numbers, or nothing.
    pub(super) factors: &'f [String],
}

impl<'s> Walk<'s, '_> {
    pub(super) fn term(&mut self, term: &Term<&'s str>, input: Shape) -> Option<Outcome> {
        if self.depth > DEEPEST_TERM {
            return None;
        }
        self.depth += 1;
        let outcome = self.bound(term, input);
        self.depth -= 1;
        outcome?.within()
    }

    /// What `term` gives for every output in `groups`.
    pub(super) fn each(&mut self, term: &Term<&'s str>, groups: &[Group]) -> Option<Outcome> {
        let mut all = Outcome::none(0.0);
        for group in groups {
            all = all.also(self.term(term, group.shape)?.times(group.count));
        }
        all.within()
    }

    fn bound(&mut self, term: &Term<&'s str>, input: Shape) -> Option<Outcome> {
        Some(match term {
            Term::Id => Outcome::one(input, 1.0),
            // Every node is an output; with all levels together they are as large as the input times its depth.
            Term::Recurse => Outcome {
                groups: vec![
                    Group {
                        count: input.size,
                        shape: Shape { size: 1.0, ..input },
                    },
                    Group {
                        count: input.depth.max(1.0),
                        shape: input,
                    },
                ],
                work: input.size * 2.0,
            },
            Term::Num(text) => Outcome::one(Shape::number(text.parse::<f64>().ok()?.abs()), 1.0),
            Term::Str(format, parts) => return self.text(format.is_some(), parts, input),
            Term::Arr(None) => Outcome::one(Shape::SMALL, 1.0),
            Term::Arr(Some(inner)) => self.term(inner, input)?.collected(),
            Term::Obj(members) => return self.object(members, input),
            Term::Neg(inner) | Term::Label(_, inner) => return self.term(inner, input),
            Term::BinOp(left, op, right) => return self.operation(left, op, right, input),
            Term::Break(_) => Outcome::none(1.0),
            Term::Fold(kind, source, pattern, arguments) => {
                return self.fold(kind, source, pattern, arguments, input);
            }
            Term::TryCatch(inner, handler) => {
                let inner = self.term(inner, input)?;
                let shape = inner.shape().or(input);
                let error = Shape {
                    size: shape.size + 200.0,
                    text: true,
                    ..shape
                };
                match handler {
                    Some(handler) => inner.also(self.term(handler, error)?),
                    None => inner,
                }
            }
            Term::IfThenElse(cases, otherwise) => {
                let mut all = match otherwise {
                    Some(otherwise) => self.term(otherwise, input)?,
                    None => Outcome::one(input, 1.0),
                };
                // Any of the branches, as often as the conditions have outputs.
                for (condition, then) in cases {
                    let condition = self.term(condition, input)?;
                    let times = condition.count().max(1.0);
                    all = all.also(self.term(then, input)?).times(times);
                    all.work += condition.work;
                }
                all
            }
            // A definition may call itself.
            Term::Def(..) => return None,
            Term::Call(name, arguments) => return self.call(name, arguments, input),
            Term::Var(name) => Outcome::one(self.variable(name)?, 1.0),
            Term::Path(head, path) => {
                let mut all = self.term(head, input)?;
                for (part, _) in &path.0 {
                    match part {
                        Part::Index(index) => {
                            let index = self.term(index, input)?;
                            let work = all.work + all.count() * (1.0 + index.work);
                            all = all.times(index.count());
                            all.work = work;
                        }
                        Part::Range(None, None) => {
                            let mut elements = Outcome::none(all.work + all.count());
                            for group in &all.groups {
                                elements.work += group.count * group.shape.size;
                                elements.groups.extend(
                                    Outcome::elements(group.shape)
                                        .into_iter()
                                        .map(|inner| Group {
                                            count: inner.count * group.count,
                                            ..inner
                                        }),
                                );
                            }
                            all = elements;
                        }
                        Part::Range(from, to) => {
                            let mut work = all.work + all.total() + all.count();
                            for end in [from, to].into_iter().flatten() {
                                let end = self.term(end, input)?;
                                work += all.count() * end.work;
                                all = all.times(end.count());
                            }
                            all.work = work;
                        }
                    }
                    all = all.within()?;
                }
                if last_name(term)
                    .is_some_and(|name| self.factors.iter().any(|factor| factor == name))
                {
                    for group in &mut all.groups {
                        group.shape = Shape::number(group.shape.magnitude);
                    }
                }
                all
            }
        })
    }

    fn text(
        &mut self,
        formatted: bool,
        parts: &[StrPart<&'s str, Term<&'s str>>],
        input: Shape,
    ) -> Option<Outcome> {
        let (mut count, mut size, mut work) = (1.0, 1.0, 1.0);
        for part in parts {
            match part {
                StrPart::Str(text) => size += text.len() as f64,
                StrPart::Char(_) => size += 4.0,
                StrPart::Term(term) => {
                    let part = self.term(term, input)?;
                    // As JSON: escapes, quotes, digits of numbers; and what a format does to that.
                    size += part.shape().size * if formatted { 180.0 } else { 30.0 };
                    work += count * (part.work + part.total());
                    count *= part.count();
                }
            }
        }
        Some(Outcome::new(
            count,
            Shape::text(size),
            work + count * size / 16.0,
        ))
    }

    fn object(
        &mut self,
        members: &[(Term<&'s str>, Option<Term<&'s str>>)],
        input: Shape,
    ) -> Option<Outcome> {
        let mut all = Group {
            count: 1.0,
            shape: Shape::SMALL,
        };
        let mut work = 1.0;
        for (key, value) in members {
            let name = match key {
                Term::Var(name) if value.is_none() => {
                    Outcome::one(Shape::text(name.len() as f64), 1.0)
                }
                key => self.term(key, input)?,
            };
            let value = match (value, key) {
                (Some(value), _) => self.term(value, input)?,
                (None, Term::Var(name)) => Outcome::one(self.variable(name)?, 1.0),
                (None, _) => Outcome::one(input, 1.0),
            };
            let held = Shape {
                depth: value.shape().depth + 1.0,
                ..value.shape()
            };
            work += all.count * (name.work + name.count() * (value.work + 2.0));
            all = Group {
                count: all.count * name.count() * value.count(),
                shape: all.shape.and(name.shape()).and(held),
            };
        }
        Some(Outcome {
            groups: vec![all],
            work,
        })
    }

    fn variable(&self, name: &str) -> Option<Shape> {
        self.variables
            .iter()
            .rev()
            .find(|(known, _)| *known == name)
            .map(|(_, shape)| *shape)
    }

    fn operation(
        &mut self,
        left: &Term<&'s str>,
        op: &BinaryOp<&'s str>,
        right: &Term<&'s str>,
        input: Shape,
    ) -> Option<Outcome> {
        let l = self.term(left, input)?;
        if let BinaryOp::Pipe(pattern) = op {
            let mut all = Outcome::none(l.work);
            for group in &l.groups {
                let r = match pattern {
                    None => self.term(right, group.shape)?,
                    Some(pattern) => {
                        let known = self.variables.len();
                        let bound = self.bind(pattern, group.shape, input);
                        let r = bound.and_then(|()| self.term(right, input));
                        self.variables.truncate(known);
                        r?
                    }
                };
                all = all.also(r.times(group.count));
            }
            return Some(all);
        }
        let r = self.term(right, input)?;
        let pairs = l.count() * r.count();
        let work = l.work + l.count() * r.work + pairs;
        let (ls, rs) = (l.shape(), r.shape());
        Some(match op {
            BinaryOp::Comma | BinaryOp::Alt => l.also(r),
            BinaryOp::And | BinaryOp::Or => Outcome::new(pairs, Shape::SMALL, work),
            BinaryOp::Cmp(_) => {
                Outcome::new(pairs, Shape::SMALL, work + pairs * ls.size.min(rs.size))
            }
            BinaryOp::Math(op) => Outcome::new(
                pairs,
                arithmetic(*op, ls, rs),
                work + pairs * (ls.size + rs.size) / 8.0,
            ),
            // Filling a list up to an index can make it as long as the index is large.
            _ if !is_plain_path(left) => return None,
            BinaryOp::Update => {
                // The right side sees what stands at each place.
                let r = self.each(right, &l.groups)?;
                let shape = updated(
                    input,
                    path_length(left),
                    l.count(),
                    r.total() + l.count(),
                    r.shape(),
                );
                Outcome::one(shape, l.work + r.work + shape.size)
            }
            _ => {
                // The right side sees the whole input, and each of its outputs gives an output.
                let value = match op {
                    BinaryOp::UpdateMath(op) => arithmetic(*op, input, rs),
                    _ => rs,
                };
                let shape = updated(
                    input,
                    path_length(left),
                    l.count(),
                    l.count() * value.size,
                    value,
                );
                let each = l.work + l.count() * (1.0 + value.size / 8.0) + shape.size;
                Outcome::new(r.count(), shape, r.work + r.count() * each)
            }
        })
    }

    fn bind(&mut self, pattern: &Pattern<&'s str>, value: Shape, input: Shape) -> Option<()> {
        match pattern {
            Pattern::Var(name) => self.variables.push((name, value)),
            Pattern::Arr(parts) => {
                for part in parts {
                    self.bind(part, value, input)?;
                }
            }
            Pattern::Obj(parts) => {
                for (key, part) in parts {
                    match key {
                        Term::Var(name) => self.variables.push((name, value)),
                        // A key that gives several outputs binds several times.
                        key if self.term(key, input)?.count() > 1.0 => return None,
                        _ => {}
                    }
                    self.bind(part, value, input)?;
                }
            }
        }
        Some(())
    }

    /// `reduce` and `foreach`: what a round adds is taken from two rounds, and taken again for every further round,
    /// where it does not grow.
    fn fold(
        &mut self,
        kind: &str,
        source: &Term<&'s str>,
        pattern: &Pattern<&'s str>,
        arguments: &[Term<&'s str>],
        input: Shape,
    ) -> Option<Outcome> {
        let source = self.term(source, input)?;
        let (start, update, project) = match arguments {
            [start, update] => (start, update, None),
            [start, update, project] => (start, update, Some(project)),
            _ => return None,
        };
        let start = self.term(start, input)?;
        let mut accumulator = start.shape();
        let (mut outputs, mut work) = (Outcome::none(0.0), source.work + start.work);
        // Group by group; where the elements come in another order the sum is the same, since growth is even.
        for group in &source.groups {
            let known = self.variables.len();
            let folded = self
                .bind(pattern, group.shape, input)
                .and_then(|()| self.rounds(update, accumulator, group.count));
            let projected = match (&folded, project) {
                (Some((last, _)), Some(project)) => self.term(project, *last),
                (Some((last, _)), None) => Some(Outcome::one(*last, 1.0)),
                (None, _) => None,
            };
            self.variables.truncate(known);
            let (last, rounds_work) = folded?;
            accumulator = last;
            work += rounds_work;
            outputs = outputs.also(projected?.times(group.count));
        }
        let mut all = if kind == "reduce" {
            Outcome::one(accumulator, 0.0)
        } else {
            outputs
        };
        all.work += work;
        Some(all.times(start.count()))
    }

    /// The accumulator after so many rounds, and the work.
    fn rounds(
        &mut self,
        update: &Term<&'s str>,
        start: Shape,
        rounds: f64,
    ) -> Option<(Shape, f64)> {
        let mut step = |shape: Shape| {
            let outcome = self.term(update, shape)?;
            (outcome.count() <= 1.0).then(|| (outcome.shape(), outcome.work))
        };
        let (first, _) = step(start)?;
        let (second, work) = step(first.or(start))?;
        if rounds <= 1.0 {
            return Some((first.or(start), work));
        }
        let last = extrapolate(start, first, second, rounds)?;
        // One more round from there makes sure that growth was even.
        let (end, work) = step(last)?;
        let grown = (second.size - first.size).max(0.0);
        let deeper = (second.depth - first.depth).max(0.0);
        let steady = end.size - last.size <= grown * 1.5 + 16.0 && end.depth - last.depth <= deeper;
        steady.then_some((last.or(end), rounds * work))
    }
}
