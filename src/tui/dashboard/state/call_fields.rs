//! The model of a call, edited beside its prompt.

use crate::run::{CallEdit, GivenCall, ModelCall};
use crate::tui::input::text_field::Field;
use std::sync::Arc;

/// What a call is made with besides what it is called with.
#[derive(Clone, Debug)]
pub(crate) struct CallFields {
    /// What it is made with where the user gives nothing.
    own: ModelCall,
    /// What the user has given so far.
    given: GivenCall,
    /// The model.
    pub model: Field,
    /// Whether keys go into the model and not into the prompt.
    pub on_model: bool,
}

impl CallFields {
    /// The fields of a call with this of its own, of which the user has changed what is `given`.
    pub(super) fn new(own: ModelCall, given: GivenCall) -> Self {
        let mut model = Field::default();
        let named = given.model.as_deref().or(own.model.as_deref());
        model.insert(named.unwrap_or_default());
        Self {
            on_model: !own.takes_prompt,
            own,
            given,
            model,
        }
    }

    /// The prompt as it is now.
    pub(super) fn prompt(&self) -> &str {
        let prompt = self.given.prompt.as_ref().or(self.own.prompt.as_ref());
        prompt.map_or("", |prompt| prompt)
    }

    /// Whether its prompt can be another one.
    pub(crate) fn takes_prompt(&self) -> bool {
        self.own.takes_prompt
    }

    /// Has the other field take the keys.
    pub(crate) fn turn(&mut self) {
        self.on_model = !self.on_model || !self.own.takes_prompt;
    }

    /// Whether another model was typed.
    pub(super) fn is_changed(&self) -> bool {
        let now = self.given.model.as_deref().or(self.own.model.as_deref());
        self.model.text().trim() != now.unwrap_or_default()
    }

    /// What is given where `prompt` and the model stand: a text that is empty, or that of the plan, gives nothing.
    pub(crate) fn given(&self, prompt: &str) -> GivenCall {
        let given = |text: &str, own: Option<&Arc<str>>| {
            let is_own = text.trim().is_empty() || own.is_some_and(|own| is_same(own, text));
            (!is_own).then(|| Arc::from(text))
        };
        let is_as_before = !self.own.takes_prompt || is_same(self.prompt(), prompt);
        GivenCall {
            prompt: if is_as_before {
                self.given.prompt.clone()
            } else {
                given(prompt, self.own.prompt.as_ref())
            },
            model: given(self.model.text().trim(), self.own.model.as_ref()),
        }
    }

    /// The prompt and the model that a call is made with then, whoever gave them.
    pub(crate) fn called(&self, prompt: &str) -> GivenCall {
        let given = self.given(prompt);
        GivenCall {
            prompt: given.prompt.or_else(|| self.own.prompt.clone()),
            model: given.model.or_else(|| self.own.model.clone()),
        }
    }

    /// The edit that brings it about; `None` where nothing changes.
    pub(crate) fn edit(&self, prompt: &str) -> Option<CallEdit> {
        let given = self.given(prompt);
        let edit = CallEdit {
            input: None,
            prompt: (given.prompt != self.given.prompt).then_some(given.prompt),
            model: (given.model != self.given.model).then_some(given.model),
        };
        (edit != CallEdit::default()).then_some(edit)
    }
}

/// Whether two texts have the same lines: an editor may end the last one, or not.
fn is_same(one: &str, other: &str) -> bool {
    one.lines().eq(other.lines())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(given: GivenCall) -> CallFields {
        let own = ModelCall {
            takes_prompt: true,
            prompt: Some("Add {{lines}}.\n".into()),
            model: Some("small".into()),
        };
        CallFields::new(own, given)
    }

    fn typed(fields: &mut CallFields, model: &str) {
        fields.model.clear();
        fields.model.insert(model);
    }

    #[test]
    fn what_differs_is_given_and_what_is_the_plan_s_own_is_taken_back() {
        let mut fresh = fields(GivenCall::default());
        assert_eq!(fresh.edit("Add {{lines}}."), None);
        let edit = fresh.edit("Count.").unwrap();
        assert_eq!(
            (edit.prompt, edit.model),
            (Some(Some("Count.".into())), None)
        );
        typed(&mut fresh, " large ");
        let edit = fresh.edit("").unwrap();
        assert_eq!(
            (edit.prompt, edit.model),
            (None, Some(Some("large".into())))
        );

        let mut given = fields(GivenCall {
            prompt: Some("Count.".into()),
            model: Some("large".into()),
        });
        assert_eq!(given.prompt(), "Count.");
        assert!(!given.is_changed());
        typed(&mut given, "small");
        let edit = given.edit(" ").unwrap();
        assert_eq!((edit.prompt, edit.model), (Some(None), Some(None)));
    }

    #[test]
    fn a_call_without_a_prompt_has_a_model_alone() {
        let own = ModelCall {
            takes_prompt: false,
            ..ModelCall::default()
        };
        let mut fields = CallFields::new(own, GivenCall::default());
        fields.turn();
        assert!(fields.on_model);
        assert_eq!(fields.edit("typed by accident"), None);
    }
}
