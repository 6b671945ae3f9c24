//! Reads what is asked about a step's own call: whether it needs an approval, and what its output has to be like.

use super::{Check, Uses};
use crate::plan::diagnostic::{Diagnostic, Severity};
use crate::plan::draft_plan::first_byte;
use crate::plan::expectation::Expectation;
use crate::plan::expression::Expression;
use crate::plan::node::{Kind, Node};
use crate::plan::reference::Own;
use std::ops::Range;

/// What expectations see of the step's own call.
const OWN: &[Own] = &[Own::Output, Own::Input];

impl Check<'_> {
    /// The expectations of a step: one, or a list of them.
    pub(super) fn expectations(&mut self, node: &Node, uses: &mut Uses) -> Box<[Expectation]> {
        let one = std::slice::from_ref(node);
        let nodes = match &node.kind {
            Kind::List(list) => list.as_slice(),
            _ => one,
        };
        uses.own = OWN;
        let read = nodes.iter().filter_map(|node| self.expectation(node, uses));
        let read = read.collect();
        uses.own = &[];
        read
    }

    /// Whether a call needs an approval: by what it is called with.
    pub(super) fn approve(&mut self, node: &Node, uses: &mut Uses) -> Option<Expression> {
        uses.own = &[Own::Input];
        let approve = self.run_if(node, uses);
        uses.own = &[];
        approve
    }

    fn expectation(&mut self, node: &Node, uses: &mut Uses) -> Option<Expectation> {
        match &node.kind {
            Kind::Text(text) if !text.trim().is_empty() => {
                let expression = self.condition(text, &node.span, uses)?;
                Some(Expectation::expression(expression))
            }
            Kind::Object(_) => match Expectation::schema(&node.to_value()) {
                Ok(schema) => Some(schema),
                Err(error) => {
                    let why = format!("`expect` is not a valid JSON Schema: {error}");
                    self.bad_expectation(why, first_byte(&node.span), uses);
                    None
                }
            },
            _ => {
                let why = "`expect` must be an expression, a list of expressions, or a JSON Schema";
                self.bad_expectation(why.to_owned(), node.span.clone(), uses);
                None
            }
        }
    }

    fn bad_expectation(&mut self, why: String, place: Range<usize>, uses: &Uses) {
        let id = self.ids.id(uses.step);
        self.collector.push(
            Diagnostic::new(Severity::Error, "bad_field", why)
                .at(place)
                .step(Some(id)),
        );
    }
}
