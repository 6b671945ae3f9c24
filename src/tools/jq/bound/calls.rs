//! What the filters of the language give at the most. A filter that is not here counts as unbounded.

use super::shape::{Group, Outcome, Shape};
use super::syntax::{is_literal, is_plain_path, pattern_cost};
use super::walk::Walk;
use jaq_core::load::parse::Term;

impl<'s> Walk<'s, '_> {
    pub(super) fn call(
        &mut self,
        name: &str,
        arguments: &[Term<&'s str>],
        input: Shape,
    ) -> Option<Outcome> {
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
        _ => None,
    }
}

fn range(magnitude: f64, count: f64, work: f64) -> Outcome {
    let outputs = count * (magnitude + 1.0);
    Outcome::new(outputs, Shape::number(magnitude), work + outputs)
}
