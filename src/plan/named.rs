//! The values that references and expressions name: what stands at the ends of their paths.

use super::ids::StepIx;
use super::path::{Segment, step_into};
use serde_json::Value;

/// A value that a template or an expression names.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    /// The step of whose output it is a part; `None` for the element of a `for_each` step.
    pub step: Option<StepIx>,
    /// The value. Where an object does not have the member that is named: the names of those that it has, as texts.
    pub value: &'a Value,
    /// What names it, as the plan has it.
    pub source: &'a str,
    /// Whether something is computed from it, so that it may not be seen in what comes of it.
    pub computed: bool,
}

impl Named<'_> {
    /// Calls `visit` with it as the part of its value at the end of `path`; not at all where there is none.
    pub(super) fn follow(mut self, path: &[Segment], visit: &mut dyn FnMut(&Named<'_>)) {
        for segment in path {
            let Some(part) = step_into(self.value, segment) else {
                match self.value {
                    Value::Object(members) => {
                        let names = members.keys().map(String::as_str).collect();
                        visit(&Named {
                            value: &names,
                            ..self
                        });
                    }
                    // A part of the text.
                    Value::String(_) => visit(&self),
                    _ => {}
                }
                return;
            };
            self.value = part;
        }
        visit(&self);
    }
}
