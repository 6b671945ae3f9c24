//! Upper bounds of values, of outputs, and of work.

use super::{DEEPEST_VALUE, MOST_SIZE, MOST_WORK};
use jaq_core::ops::Math;

/// Upper bounds of a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// Nodes plus bytes of text.
    pub(super) size: f64,
    /// The largest number in it.
    pub(super) magnitude: f64,
    /// Whether there may be text in it.
    pub(super) text: bool,
    pub(super) depth: f64,
}

impl Shape {
    pub(super) const SMALL: Self = Self {
        size: 1.0,
        magnitude: 1.0,
        text: false,
        depth: 0.0,
    };

    pub(super) fn number(magnitude: f64) -> Self {
        Self {
            magnitude,
            ..Self::SMALL
        }
    }

    pub(super) fn text(size: f64) -> Self {
        Self {
            size,
            text: true,
            ..Self::SMALL
        }
    }

    /// Either of two.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            size: self.size.max(other.size),
            magnitude: self.magnitude.max(other.magnitude),
            text: self.text || other.text,
            depth: self.depth.max(other.depth),
        }
    }

    /// Both in one.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            size: self.size + other.size,
            ..self.or(other)
        }
    }
}

/// Outputs that are alike: how many at most, and what each is at most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group {
    pub(super) count: f64,
    pub(super) shape: Shape,
}

/// Upper bounds of what a term gives: the outputs of all groups together, and the work.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub(super) groups: Vec<Group>,
    pub(super) work: f64,
}

/// More groups than this are taken together.
pub(super) const MOST_GROUPS: usize = 8;

impl Outcome {
    pub(super) fn new(count: f64, shape: Shape, work: f64) -> Self {
        Self {
            groups: vec![Group { count, shape }],
            work,
        }
    }

    pub(super) fn one(shape: Shape, work: f64) -> Self {
        Self::new(1.0, shape, work)
    }

    pub(super) fn none(work: f64) -> Self {
        Self {
            groups: Vec::new(),
            work,
        }
    }

    /// The elements of a value.
    pub(super) fn elements(of: Shape) -> Vec<Group> {
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
    pub(super) fn merged(&self) -> Group {
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

    pub(super) fn count(&self) -> f64 {
        self.groups.iter().map(|group| group.count).sum()
    }

    pub(super) fn shape(&self) -> Shape {
        self.merged().shape
    }

    /// The size of all outputs together.
    pub(super) fn total(&self) -> f64 {
        self.groups
            .iter()
            .map(|group| group.count * group.shape.size)
            .sum()
    }

    /// The same outputs `count` times over.
    pub(super) fn times(mut self, count: f64) -> Self {
        for group in &mut self.groups {
            group.count *= count;
        }
        self.work *= count;
        self
    }

    pub(super) fn also(mut self, other: Self) -> Self {
        self.groups.extend(other.groups);
        self.work += other.work;
        self
    }

    pub(super) fn within(mut self) -> Option<Self> {
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
    pub(super) fn collected(self) -> Self {
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

/// A value after `places` in it were given values of `total` size.
pub(super) fn updated(input: Shape, path: f64, places: f64, total: f64, value: Shape) -> Shape {
    Shape {
        size: input.size + total + places.min(input.size + 1.0) * 4.0 * path,
        depth: input.depth.max(value.depth + path),
        ..input.or(value)
    }
}

pub(super) fn arithmetic(op: Math, l: Shape, r: Shape) -> Shape {
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
pub(super) fn extrapolate(start: Shape, first: Shape, second: Shape, rounds: f64) -> Option<Shape> {
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
