//! The values of variables as an expression needs them.

use super::cost::{Leaves, Needs};
use super::json;
use crate::text::json::footprint;
use minijinja::value::Value as Jinja;
use serde_json::Value;

/// The value of a variable, not copied.
pub(super) enum View<'s> {
    Undefined,
    Value(&'s Value),
    Made(Value),
    /// All outputs by step id.
    Outputs(Vec<(&'s str, &'s Value)>),
}

impl View<'_> {
    pub(super) fn measure(&self, needs: &Needs, times: usize, leaves: &mut Leaves) {
        match self {
            Self::Undefined => {}
            Self::Value(value) => leaves.add(value, needs, times),
            Self::Made(value) => leaves.add(value, needs, times),
            Self::Outputs(outputs) => {
                for (id, output) in outputs {
                    if let Some(needs) = needs.of(id) {
                        leaves.add(output, needs, times);
                    }
                }
                if *needs == Needs::Whole {
                    leaves.add(&Value::Array(Vec::new()), &Needs::Whole, 1);
                }
            }
        }
    }

    pub(super) fn footprint(&self, needs: &Needs) -> usize {
        match self {
            Self::Undefined => 0,
            Self::Value(value) => needed_footprint(value, needs),
            Self::Made(value) => needed_footprint(value, needs),
            Self::Outputs(outputs) => outputs
                .iter()
                .filter_map(|(id, output)| Some(needed_footprint(output, needs.of(id)?)))
                .sum(),
        }
    }

    pub(super) fn to_jinja(&self, needs: &Needs) -> Jinja {
        match self {
            Self::Undefined => Jinja::UNDEFINED,
            Self::Value(value) => read(value, needs),
            Self::Made(value) => read(value, needs),
            Self::Outputs(outputs) => Jinja::from_pairs(
                outputs
                    .iter()
                    .filter_map(|(id, output)| Some((*id, read(output, needs.of(id)?)))),
            ),
        }
    }

    pub(super) fn to_json(&self, needs: &Needs) -> Option<Value> {
        match self {
            Self::Undefined => None,
            Self::Value(value) => Some(needed(value, needs)),
            Self::Made(value) => Some(needed(value, needs)),
            Self::Outputs(outputs) => Some(
                outputs
                    .iter()
                    .filter_map(|(id, output)| {
                        Some(((*id).to_owned(), needed(output, needs.of(id)?)))
                    })
                    .collect(),
            ),
        }
    }
}

/// What is needed of a value, copied.
fn needed(value: &Value, needs: &Needs) -> Value {
    match (value, needs) {
        (Value::Object(members), Needs::Members(_)) => members
            .iter()
            .filter_map(|(name, member)| Some((name.clone(), needed(member, needs.of(name)?))))
            .collect(),
        _ => value.clone(),
    }
}

fn needed_footprint(value: &Value, needs: &Needs) -> usize {
    match (value, needs) {
        (Value::Object(members), Needs::Members(_)) => members
            .iter()
            .filter_map(|(name, member)| Some(needed_footprint(member, needs.of(name)?)))
            .sum(),
        _ => footprint(value),
    }
}

/// What is needed of a value, for the language.
fn read(value: &Value, needs: &Needs) -> Jinja {
    match (value, needs) {
        (Value::Object(members), Needs::Members(_)) => Jinja::from_pairs(
            members
                .iter()
                .filter_map(|(name, member)| Some((name.as_str(), read(member, needs.of(name)?)))),
        ),
        _ => json::read(value),
    }
}
