//! Which filters surely end soon.
//!
//! jq can loop for ever, repeat a string a billion times, and nest values until a stack overflows, and jaq has no
//! fuel to stop it. So a filter is judged before it runs: its syntax is walked with an upper bound of its input (how
//! large, how deep, the largest number in it) in place of the input, giving upper bounds of each term's outputs and
//! of the work. Recursion, definitions and whatever this walk does not know count as unbounded. The judgement is made once,
//! when the filter is compiled, for inputs up to a few sizes; a call then only measures its input.
//!
//! Iterating over a value of size s gives at most s outputs, and together they are no larger than s. What is done to each
//! grows at least evenly with its size, so the sum over them is at most that of s outputs of size 1 and one of
//! size s: these two groups stand for them.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Pattern, Term};
use jaq_core::ops::Math;
use jaq_core::path::Part;
use serde_json::Value;

/// Sizes of inputs for which a filter is judged: nodes plus bytes of text.
const SIZES: [f64; 10] = [
    100.0,
    300.0,
    1_000.0,
    2_000.0,
    4_000.0,
    10_000.0,
    30_000.0,
    100_000.0,
    1_000_000.0,
    4_000_000.0,
];

/// Magnitudes of the numbers in them.
const MAGNITUDES: [f64; 3] = [10_000.0, 4e9, f64::MAX];

/// Work (about one step of the interpreter, some 50 ns each) that may be done in place, and the size of what may be
/// built on the way.
const MOST_WORK: f64 = 1e6;
const MOST_SIZE: f64 = 1e7;

/// Nesting of syntax and of values that is safe on any thread's stack.
const DEEPEST_TERM: usize = 60;
const DEEPEST_VALUE: f64 = 300.0;

/// What an input says about text, since a text times a number repeats the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// There is no text in it.
    Numbers,
    /// The members that the filter multiplies hold numbers.
    NumberFactors,
    /// Anything may be text.
    Anything,
}

const MODES: [Mode; 3] = [Mode::Numbers, Mode::NumberFactors, Mode::Anything];

/// For each mode and magnitude the largest size for which the filter is bounded.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    table: [[f64; MAGNITUDES.len()]; MODES.len()],
    most: f64,
    /// The members that the filter multiplies.
    factors: Factors,
}

impl Bound {
    /// Judges a filter, which must be valid.
    pub fn of(source: &str) -> Self {
        let mut factors = Factors::default();
        let term = jaq_core::load::parse(source, |parser| parser.term());
        if let Some(term) = &term {
            factors.collect(term, 0);
        }
        let Factors { names, made } = &mut factors;
        let any = made.iter().any(|name| name == "*");
        names.retain(|name| !any && !made.contains(name));
        let table = MODES.map(|mode| {
            MAGNITUDES.map(|magnitude| {
                let holds = |size: &&f64| {
                    let input = Shape {
                        size: **size,
                        magnitude,
                        text: mode != Mode::Numbers,
                        depth: 128.0,
                    };
                    let mut walk = Walk {
                        variables: Vec::new(),
                        depth: 0,
                        factors: if mode == Mode::Anything {
                            &[]
                        } else {
                            &factors.names
                        },
                    };
                    let term = term.as_ref();
                    term.and_then(|term| walk.term(term, input))
                        .is_some_and(|outcome| outcome.work <= MOST_WORK)
                };
                SIZES
                    .iter()
                    .take_while(holds)
                    .last()
                    .copied()
                    .unwrap_or(0.0)
            })
        });
        let most = table.iter().flatten().copied().fold(0.0, f64::max);
        Self {
            table,
            most,
            factors,
        }
    }

    /// Whether running the filter on `input` is bounded.
    pub fn holds(&self, input: &Value) -> bool {
        if self.most == 0.0 {
            return false;
        }
        let mut measure = Measure {
            left: self.most as i64,
            magnitude: 0.0,
            mode: Mode::Numbers,
            factors: &self.factors.names,
        };
        if !measure.take(input, 0) {
            return false;
        }
        let size = self.most - measure.left as f64;
        let magnitude = MAGNITUDES
            .iter()
            .position(|magnitude| measure.magnitude <= *magnitude);
        let mode = MODES.iter().position(|mode| *mode == measure.mode);
        mode.zip(magnitude)
            .is_some_and(|(mode, magnitude)| size <= self.table[mode][magnitude])
    }
}

/// The members that a filter multiplies, found by syntax.
#[derive(Clone, Debug, Default, PartialEq)]
struct Factors {
    /// Names at the end of a path that is a factor, or that a variable is bound to.
    names: Vec<String>,
    /// Names that the filter itself makes members of, or assigns; what those hold the input does not tell.
    made: Vec<String>,
}

impl Factors {
    fn collect(&mut self, term: &Term<&str>, depth: usize) {
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

/// The name at the end of a path such as `.items[].price`.
fn last_name<'s>(term: &Term<&'s str>) -> Option<&'s str> {
    match term {
        Term::Path(_, path) => match path.0.last() {
            Some((Part::Index(index), _)) => literal(index),
            _ => None,
        },
        _ => None,
    }
}

/// The text of a literal without escapes.
fn literal<'s>(term: &Term<&'s str>) -> Option<&'s str> {
    match term {
        Term::Str(None, parts) => match parts.as_slice() {
            [StrPart::Str(text)] => Some(text),
            _ => None,
        },
        _ => None,
    }
}

/// Measures an input and gives up as soon as it is too large.
struct Measure<'a> {
    left: i64,
    magnitude: f64,
    mode: Mode,
    factors: &'a [String],
}

impl Measure<'_> {
    fn take(&mut self, value: &Value, depth: usize) -> bool {
        self.left -= 1;
        if self.left < 0 || depth > 128 {
            return false;
        }
        match value {
            Value::String(text) => {
                self.left -= text.len() as i64;
                if self.mode == Mode::Numbers {
                    self.mode = Mode::NumberFactors;
                }
                self.left >= 0
            }
            Value::Number(number) => {
                self.magnitude = self
                    .magnitude
                    .max(number.as_f64().unwrap_or(f64::MAX).abs());
                true
            }
            Value::Array(items) => items.iter().all(|item| self.take(item, depth + 1)),
            Value::Object(members) => members.iter().all(|(name, value)| {
                self.left -= name.len() as i64;
                let plain = matches!(value, Value::Number(_) | Value::Null | Value::Bool(_));
                if !plain && self.factors.contains(name) {
                    self.mode = Mode::Anything;
                }
                self.take(value, depth + 1)
            }),
            Value::Null | Value::Bool(_) => true,
        }
    }
}

/// Upper bounds of a value.
#[derive(Clone, Copy, Debug)]
struct Shape {
    /// Nodes plus bytes of text.
    size: f64,
    /// The largest number in it.
    magnitude: f64,
    /// Whether there may be text in it.
    text: bool,
    depth: f64,
}

impl Shape {
    const SMALL: Self = Self {
        size: 1.0,
        magnitude: 1.0,
        text: false,
        depth: 0.0,
    };

    fn number(magnitude: f64) -> Self {
        Self {
            magnitude,
            ..Self::SMALL
        }
    }

    fn text(size: f64) -> Self {
        Self {
            size,
            text: true,
            ..Self::SMALL
        }
    }

    /// Either of two.
    fn or(self, other: Self) -> Self {
        Self {
            size: self.size.max(other.size),
            magnitude: self.magnitude.max(other.magnitude),
            text: self.text || other.text,
            depth: self.depth.max(other.depth),
        }
    }

    /// Both in one.
    fn and(self, other: Self) -> Self {
        Self {
            size: self.size + other.size,
            ..self.or(other)
        }
    }
}

/// Outputs that are alike: how many at most, and what each is at most.
#[derive(Clone, Copy, Debug)]
struct Group {
    count: f64,
    shape: Shape,
}

/// Upper bounds of what a term gives: the outputs of all groups together, and the work.
#[derive(Clone, Debug)]
struct Outcome {
    groups: Vec<Group>,
    work: f64,
}

/// More groups than this are taken together.
const MOST_GROUPS: usize = 8;

impl Outcome {
    fn new(count: f64, shape: Shape, work: f64) -> Self {
        Self {
            groups: vec![Group { count, shape }],
            work,
        }
    }

    fn one(shape: Shape, work: f64) -> Self {
        Self::new(1.0, shape, work)
    }

    fn none(work: f64) -> Self {
        Self {
            groups: Vec::new(),
            work,
        }
    }

    /// The elements of a value.
    fn elements(of: Shape) -> Vec<Group> {
        let small = Shape { size: 1.0, ..of };
        vec![
            Group {
                count: of.size,
                shape: small,
            },
            Group {
                count: 1.0,
                shape: of,
            },
        ]
    }

    /// All groups as one.
    fn merged(&self) -> Group {
        self.groups
            .iter()
            .copied()
            .reduce(|a, b| Group {
                count: a.count + b.count,
                shape: a.shape.or(b.shape),
            })
            .unwrap_or(Group {
                count: 0.0,
                shape: Shape::SMALL,
            })
    }

    fn count(&self) -> f64 {
        self.groups.iter().map(|group| group.count).sum()
    }

    fn shape(&self) -> Shape {
        self.merged().shape
    }

    /// The size of all outputs together.
    fn total(&self) -> f64 {
        self.groups
            .iter()
            .map(|group| group.count * group.shape.size)
            .sum()
    }

    /// The same outputs `count` times over.
    fn times(mut self, count: f64) -> Self {
        for group in &mut self.groups {
            group.count *= count;
        }
        self.work *= count;
        self
    }

    fn also(mut self, other: Self) -> Self {
        self.groups.extend(other.groups);
        self.work += other.work;
        self
    }

    fn within(mut self) -> Option<Self> {
        let fits = self.work <= MOST_WORK
            && self.total() <= MOST_SIZE
            && self.count() <= MOST_SIZE
            && self
                .groups
                .iter()
                .all(|group| group.shape.size <= MOST_SIZE && group.shape.depth <= DEEPEST_VALUE);
        if self.groups.len() > MOST_GROUPS {
            self.groups = vec![self.merged()];
            return self.within();
        }
        fits.then_some(self)
    }

    /// Its outputs in one list.
    fn collected(self) -> Self {
        let shape = self.shape();
        let count = self.count();
        Self::one(
            Shape {
                size: 1.0 + self.total(),
                depth: shape.depth + 1.0,
                ..shape
            },
            self.work + count,
        )
    }
}

struct Walk<'s, 'f> {
    variables: Vec<(&'s str, Shape)>,
    depth: usize,
    /// Members that hold numbers, or nothing.
    factors: &'f [String],
}

impl<'s> Walk<'s, '_> {
    fn term(&mut self, term: &Term<&'s str>, input: Shape) -> Option<Outcome> {
        if self.depth > DEEPEST_TERM {
            return None;
        }
        self.depth += 1;
        let outcome = self.bound(term, input);
        self.depth -= 1;
        outcome?.within()
    }

    /// What `term` gives for every output in `groups`.
    fn each(&mut self, term: &Term<&'s str>, groups: &[Group]) -> Option<Outcome> {
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

    fn call(&mut self, name: &str, arguments: &[Term<&'s str>], input: Shape) -> Option<Outcome> {
        match arguments {
            [] => plain_call(name, input),
            [f] => self.call_with(name, f, input),
            [a, b] => self.call_with_two(name, a, b, input),
            _ => None,
        }
    }

    fn call_with(&mut self, name: &str, f: &Term<&'s str>, input: Shape) -> Option<Outcome> {
        let size = input.size;
        let elements = Outcome::elements(input);
        // What takes its argument's outputs one after the other.
        let mut for_each = |shape: Shape, work: &dyn Fn(Shape) -> f64| {
            let f = self.term(f, input)?;
            let work = f.work + f.count() * work(f.shape());
            Some(Outcome::new(f.count(), shape, work))
        };
        match name {
            "has" | "in" | "startswith" | "endswith" => {
                for_each(Shape::SMALL, &|a| a.size / 8.0 + 2.0)
            }
            "contains" | "inside" => for_each(Shape::SMALL, &|a| size * a.size.min(64.0) + 2.0),
            "index" | "rindex" => for_each(Shape::number(size), &|a| size * a.size.min(64.0) + 2.0),
            "indices" => for_each(
                Shape {
                    size: size + 1.0,
                    magnitude: size,
                    depth: 1.0,
                    ..Shape::SMALL
                },
                &|a| size * a.size.min(64.0) + 2.0,
            ),
            "ltrimstr" | "rtrimstr" => for_each(input, &|a| a.size / 8.0 + 2.0),
            "split" => for_each(
                Shape {
                    size: size * 2.0 + 2.0,
                    depth: 1.0,
                    ..input
                },
                &|_| size * 2.0 + 2.0,
            ),
            "join" => {
                let separator = self.term(f, input)?;
                let shape = Shape::text(size * (30.0 + separator.shape().size));
                let work = separator.work
                    + separator.count() * size * (8.0 + separator.shape().size / 16.0);
                Some(Outcome::new(separator.count(), shape, work))
            }
            "strftime" | "strptime" => {
                let format = self.term(f, input)?.shape();
                let shape = Shape {
                    magnitude: f64::MAX,
                    ..Shape::text((size + format.size) * 20.0)
                };
                is_literal(f).then(|| Outcome::one(shape, size + format.size))
            }
            "error" => Some(Outcome::none(self.term(f, input)?.work)),
            "select" => {
                let condition = self.term(f, input)?;
                Some(Outcome::new(condition.count(), input, condition.work + 2.0))
            }
            "map" => Some(self.each(f, &elements)?.collected()),
            "map_values" => {
                let f = self.each(f, &elements)?;
                let shape = Shape {
                    size: 1.0 + size + f.total(),
                    depth: f.shape().depth + 1.0,
                    ..input.or(f.shape())
                };
                Some(Outcome::one(shape, f.work + size * 2.0))
            }
            "with_entries" => {
                let entry = |group: &Group| Group {
                    shape: Shape {
                        size: group.shape.size + 10.0,
                        text: true,
                        depth: input.depth + 1.0,
                        ..group.shape
                    },
                    ..*group
                };
                let entries: Vec<Group> = elements.iter().map(entry).collect();
                let f = self.each(f, &entries)?;
                Some(Outcome::one(
                    Shape {
                        size: 1.0 + f.total(),
                        text: true,
                        ..f.shape()
                    },
                    f.work + size * 12.0,
                ))
            }
            "add" => {
                let f = self.term(f, input)?;
                let sum = Shape {
                    size: 1.0 + f.total(),
                    magnitude: f.shape().magnitude * f.count().max(1.0),
                    ..f.shape()
                };
                Some(Outcome::one(sum, f.work + f.total() + f.count()))
            }
            "any" | "all" => {
                let f = self.each(f, &elements)?;
                Some(Outcome::one(Shape::SMALL, f.work + f.count() + 2.0))
            }
            "sort_by" | "group_by" | "unique_by" | "min_by" | "max_by" => {
                let f = self.each(f, &elements)?;
                let shape = Shape {
                    size: size * 2.0 + 1.0,
                    depth: input.depth + 1.0,
                    ..input
                };
                let sorting = (size + f.total()) * size.max(2.0).log2();
                Some(Outcome::one(shape, f.work + sorting + 4.0))
            }
            "first" | "last" => {
                let f = self.term(f, input)?;
                Some(Outcome::one(f.shape(), f.work + 1.0))
            }
            "isempty" => Some(Outcome::one(Shape::SMALL, self.term(f, input)?.work + 1.0)),
            "range" => {
                let to = self.term(f, input)?;
                Some(range(to.shape().magnitude, to.count(), to.work))
            }
            "del" if is_plain_path(f) => {
                let path = self.term(f, input)?;
                Some(Outcome::one(input, path.work * 2.0 + path.count() + size))
            }
            "test" | "capture" | "match" | "scan" | "splits" if is_literal(f) => {
                let matching = 400.0 + size * pattern_cost(f);
                Some(match name {
                    "test" => Outcome::one(Shape::SMALL, matching),
                    "capture" => Outcome::one(
                        Shape {
                            depth: 1.0,
                            ..Shape::text(size * 8.0 + 100.0)
                        },
                        matching,
                    ),
                    // A match may be empty, so there may be one at every byte.
                    "splits" => Outcome::new(size + 1.0, input, matching),
                    _ => Outcome::new(
                        size + 1.0,
                        Shape {
                            magnitude: size,
                            depth: 4.0,
                            ..Shape::text(size + 200.0)
                        },
                        matching + size * 40.0,
                    ),
                })
            }
            _ => None,
        }
    }

    fn call_with_two(
        &mut self,
        name: &str,
        a: &Term<&'s str>,
        b: &Term<&'s str>,
        input: Shape,
    ) -> Option<Outcome> {
        let size = input.size;
        match name {
            "any" | "all" => {
                let generator = self.term(a, input)?;
                let condition = self.each(b, &generator.groups)?;
                Some(Outcome::one(
                    Shape::SMALL,
                    generator.work + condition.work + 2.0,
                ))
            }
            "limit" | "skip" | "nth" => {
                let (n, f) = (self.term(a, input)?, self.term(b, input)?);
                Some(f.times(n.count()).also(Outcome::none(n.work)))
            }
            "range" => {
                let (from, to) = (self.term(a, input)?, self.term(b, input)?);
                let reach = from.shape().magnitude + to.shape().magnitude;
                Some(range(
                    reach,
                    from.count() * to.count(),
                    from.work + from.count() * to.work,
                ))
            }
            "test" if is_literal(a) && is_literal(b) => {
                Some(Outcome::one(Shape::SMALL, 400.0 + size * pattern_cost(a)))
            }
            "sub" | "gsub" if is_literal(a) => {
                let f = self.term(
                    b,
                    Shape {
                        depth: 1.0,
                        ..Shape::text(size * 8.0 + 100.0)
                    },
                )?;
                if f.count() > 1.0 {
                    return None;
                }
                let matching = 400.0 + size * (pattern_cost(a) + 10.0);
                Some(Outcome::one(
                    Shape::text(size + (size + 1.0) * f.shape().size),
                    matching + size * f.work,
                ))
            }
            _ => None,
        }
    }
}

/// Filters without arguments.
fn plain_call(name: &str, input: Shape) -> Option<Outcome> {
    let size = input.size;
    let one = |shape: Shape, work: f64| Some(Outcome::one(shape, work));
    match name {
        "empty" | "error" => Some(Outcome::none(1.0)),
        "null" | "true" | "false" | "not" => one(Shape::SMALL, 1.0),
        "type" | "isboolean" | "isnumber" | "isstring" | "isarray" | "isobject" => {
            one(Shape::text(10.0), 8.0)
        }
        "now" | "nan" => one(Shape::number(1e11), 1.0),
        "length" | "utf8bytelength" => {
            one(Shape::number(input.magnitude.max(size)), size / 16.0 + 1.0)
        }
        "floor" | "round" | "ceil" | "sqrt" | "abs" | "fabs" | "trunc" | "log" | "log2"
        | "log10" => one(Shape::number(input.magnitude.max(1000.0)), 2.0),
        "tonumber" => one(Shape::number(f64::MAX), size / 8.0 + 2.0),
        "toboolean" => one(Shape::SMALL, 4.0),
        "debug" | "stderr" | "values" | "nulls" | "booleans" | "numbers" | "strings" | "arrays"
        | "objects" | "iterables" | "scalars" => one(input, 8.0),
        "first" | "last" => one(input, 1.0),
        "keys" | "keys_unsorted" | "sort" | "unique" | "reverse" | "min" | "max" => one(
            Shape {
                size: size + 1.0,
                magnitude: input.magnitude.max(size),
                ..input
            },
            size * size.max(2.0).log2() + 2.0,
        ),
        "flatten" => one(input, size * 8.0 + 2.0),
        "add" => one(
            Shape {
                magnitude: input.magnitude * size,
                ..input
            },
            size * 2.0 + 4.0,
        ),
        "any" | "all" => one(Shape::SMALL, size * 2.0 + 2.0),
        "tostring" | "tojson" | "@json" | "@text" => {
            one(Shape::text(size * 30.0), size * 2.0 + 2.0)
        }
        "ascii_downcase" | "ascii_upcase" | "trim" | "ltrim" | "rtrim" => {
            one(input, size / 8.0 + 2.0)
        }
        "explode" => one(
            Shape {
                magnitude: 2e6,
                depth: 1.0,
                ..input
            },
            size + 2.0,
        ),
        "implode" => one(Shape::text(size * 4.0), size + 2.0),
        "to_entries" => one(
            Shape {
                size: size * 12.0 + 2.0,
                depth: input.depth + 2.0,
                text: true,
                ..input
            },
            size * 8.0 + 4.0,
        ),
        "from_entries" => one(
            Shape {
                text: true,
                ..input
            },
            size * 8.0 + 4.0,
        ),
        "todate" | "todateiso8601" | "fromdate" | "fromdateiso8601" | "mktime" | "gmtime" => one(
            Shape {
                magnitude: f64::MAX,
                ..Shape::text(size + 100.0)
            },
            size + 20.0,
        ),
        _ => None,
    }
}

fn range(magnitude: f64, count: f64, work: f64) -> Outcome {
    let outputs = count * (magnitude + 1.0);
    Outcome::new(outputs, Shape::number(magnitude), work + outputs)
}

/// A value after `places` in it were given values of `total` size.
fn updated(input: Shape, path: f64, places: f64, total: f64, value: Shape) -> Shape {
    Shape {
        size: input.size + total + places.min(input.size + 1.0) * 4.0 * path,
        depth: input.depth.max(value.depth + path),
        ..input.or(value)
    }
}

fn arithmetic(op: Math, l: Shape, r: Shape) -> Shape {
    let both = l.and(r);
    match op {
        Math::Add | Math::Sub => Shape {
            magnitude: l.magnitude + r.magnitude,
            ..both
        },
        // A text times a number repeats the text; objects are merged to any depth.
        Math::Mul => {
            let repeated = if l.text { l.size * r.magnitude } else { 0.0 }.max(if r.text {
                r.size * l.magnitude
            } else {
                0.0
            });
            Shape {
                size: both.size.max(repeated),
                magnitude: l.magnitude * r.magnitude,
                ..both
            }
        }
        // A quotient may be any number; a text divided by a text is split.
        Math::Div => Shape {
            size: both.size * 2.0,
            magnitude: f64::MAX,
            depth: both.depth + 1.0,
            ..both
        },
        Math::Rem => both,
    }
}

/// The accumulator after `rounds` rounds, if each grew it as the second did. The first may make a leap, from nothing to
/// something.
fn extrapolate(start: Shape, first: Shape, second: Shape, rounds: f64) -> Option<Shape> {
    let line = |a: f64, b: f64, c: f64| a.max(b).max(c) + (c - b).max(0.0) * rounds;
    let shape = Shape {
        size: line(start.size, first.size, second.size),
        depth: line(start.depth, first.depth, second.depth),
        magnitude: line(start.magnitude, first.magnitude, second.magnitude).min(f64::MAX),
        text: start.text || first.text || second.text,
    };
    let grows_evenly =
        second.magnitude - first.magnitude <= (first.magnitude - start.magnitude).max(0.0) * 1.01;
    let shape = Shape {
        magnitude: if grows_evenly {
            shape.magnitude
        } else {
            f64::MAX
        },
        ..shape
    };
    Outcome::one(shape, 0.0)
        .within()
        .map(|outcome| outcome.shape())
}

/// Members by name, elements by small constant index, and all elements: paths that cannot make a list as long as a
/// number in the data says.
fn is_plain_path(term: &Term<&str>) -> bool {
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
fn path_length(term: &Term<&str>) -> f64 {
    match term {
        Term::Path(head, path) => path_length(head) + path.0.len() as f64,
        Term::BinOp(left, _, right) => path_length(left) + path_length(right),
        _ => 1.0,
    }
}

/// A text without anything put in.
fn is_literal(term: &Term<&str>) -> bool {
    matches!(term, Term::Str(None, parts) if parts.iter().all(|part| !matches!(part, StrPart::Term(_))))
}

/// Steps a byte of text may take: the matcher is linear in the text times the pattern, and counted repetitions
/// multiply the pattern.
fn pattern_cost(term: &Term<&str>) -> f64 {
    let Term::Str(_, parts) = term else {
        return f64::MAX;
    };
    let (mut length, mut repeats) = (1.0, 1.0);
    for part in parts {
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

#[cfg(test)]
mod tests {
    use super::super::Filter;
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn bounded(filter: &str, input: &Value) -> bool {
        Filter::compile(filter).unwrap().is_bounded_on(input)
    }

    #[test]
    fn everyday_filters_run_in_place() {
        let receipt = json!({"merchant": "Corner Grocery", "date": "2026-01-02", "limit": 100,
            "items": (0..30).map(|n| json!({"description": format!("item {n}"), "quantity": 2, "price": 3.25})).collect::<Vec<_>>()});
        for filter in [
            ".merchant",
            ".items | length",
            "{total: (.items | map(.price * .quantity) | add), n: (.items | length)}",
            "[.items[] | select(.price > 1) | {name: .description, cents: (.price * 100 | round)}]",
            ".items | group_by(.quantity) | map({quantity: .[0].quantity, n: length})",
            "reduce .items[] as $i (0; . + $i.price)",
            "if .limit > 50 then \"large\" else \"small\" end",
            "\"\\(.merchant) on \\(.date)\"",
            ".merchant | ascii_downcase | test(\"groc|market\")",
            ".date | capture(\"(?<y>[0-9]+)-(?<m>[0-9]+)\")",
            ".items |= map(.price += 1)",
            ".total = ([.items[].price] | add)",
            "to_entries | map(.key)",
            "with_entries(select(.key != \"items\"))",
            "del(.items)",
            "[.items[].description] | join(\", \")",
            ".merchant | split(\" \") | map(select(length > 3))",
            "[range(10)] | map(. * .)",
            ".items | sort_by(.price) | reverse | first",
            "try error(\"x\") catch .",
            ".items[0].price // 0",
        ] {
            assert!(bounded(filter, &receipt), "{filter}");
        }
    }

    #[test]
    fn what_may_not_end_or_may_grow_does_not() {
        let input = json!({"n": 1_000_000_000, "text": "abc", "list": [1, 2, 3]});
        for filter in [
            "def f: f; f",
            "repeat(.)",
            "[range(1e12)]",
            "range(.n)",
            "while(true; .)",
            "until(false; .)",
            "[limit(10; repeat(1))]",
            ".text * .n",
            "\"x\" * 1e9",
            ".list[.n] = 1",
            ".list[100000000] = 1",
            "reduce range(100000) as $i (null; [.])",
            "reduce range(100) as $i (\"x\"; . + .)",
            "reduce range(100) as $i ([1]; [.[], .[]])",
            "[.list[] as $a | .list[] as $b | .list[] as $c | .list[] as $d | .list[] as $e | .list[] as $f | .list[] as $g | .list[] as $h | 1]",
            "[combinations]",
            "fromjson",
            "[., .] | [., .] | [., .] | [., .] | [., .] | [., .] | [., .] | [., .] | [., .] | [., .] | [., .] | [., .] | \
             [., .] | [., .] | [., .] | [., .] | [., .] | [., .] | [., .] | [., .] | [., .] | [., .] | [., .] | [., .]",
            "{factor: .text} | .factor * 1000000000",
            "with_entries(.) | .n * .text",
            ".n as $x | .text * $x",
            "setpath([.n]; 1)",
            ".text | test(\"(a{1000}){1000}\")",
        ] {
            assert!(!bounded(filter, &input), "{filter}");
        }
    }

    #[test]
    fn large_inputs_count() {
        let pairs = "[.[] as $a | .[] as $b | [$a, $b]]";
        assert!(bounded(pairs, &json!([1, 2, 3])));
        let many: Vec<u32> = (0..50_000).collect();
        assert!(!bounded(pairs, &json!(many)));
        assert!(bounded("length", &json!(many)));
    }

    proptest! {
        /// Whatever is judged bounded ends soon, with what the interpreter makes of it.
        #[test]
        fn the_judgement_holds(
            parts in prop::collection::vec(prop::sample::select(vec![
                ".[]", ".[]?", "map(.)", "[.]", "[., .]", "[.[]?, .]", ". + .", "\"\\(.)\"", "tojson", "add", "to_entries", "keys",
                "[range(5)]", "reduce .[]? as $x (.; [$x])", "reduce range(9) as $i (.; . + .)", ".a", "{a: .}", "(., .)", "sort",
                "tostring", "[paths]", "[..]", ". * 3", "foreach range(5) as $i (.; [.])", "\"ab\" * 9", "group_by(.)", "length", "explode",
            ]), 1..9),
            n in 0i64..5,
        ) {
            let source = parts.join(" | ");
            let filter = Filter::compile(&source).unwrap();
            let input = json!([n, "ab", [1, {"a": n}]]);
            if filter.is_bounded_on(&input) {
                let started = std::time::Instant::now();
                let _ = filter.run(&input);
                prop_assert!(started.elapsed() < std::time::Duration::from_secs(5), "{source}");
            }
        }
    }
}
