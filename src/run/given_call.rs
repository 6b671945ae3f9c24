//! What the user gives a step's calls instead of what plan and catalog have.

use crate::units::{ModelOptions, Temperature};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

/// What the user gave a step's calls instead of what plan and catalog have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct GivenCall {
    /// The prompt instead of the tool's own, with `{{name}}` for parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<Arc<str>>,
    /// The model instead of the plan's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Arc<str>>,
    /// The temperature, and the maximum of tokens in an answer.
    #[serde(flatten)]
    pub options: ModelOptions,
}

impl GivenCall {
    /// Whether nothing is given.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// This, and what it does not give of `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            prompt: self.prompt.or(other.prompt),
            model: self.model.or(other.model),
            options: self.options.or(other.options),
        }
    }
}

/// What the user changes of a step's calls: `None` leaves it as it is, `Some(None)` takes a change back.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(clippy::option_option, reason = "each of the three has its meaning")]
pub struct CallEdit {
    /// The input instead of its parameters.
    pub input: Option<Option<Arc<Value>>>,
    /// The prompt instead of its tool's own, with `{{name}}` for parameters.
    pub prompt: Option<Option<Arc<str>>>,
    /// The model instead of the plan's.
    pub model: Option<Option<Arc<str>>>,
    /// The temperature instead of its tool's.
    pub temperature: Option<Option<Temperature>>,
    /// The maximum of tokens in an answer instead of its tool's.
    pub max_tokens: Option<Option<u32>>,
}

/// What `edit` leaves of `now`.
fn change<T: Clone>(now: &mut Option<T>, edit: Option<&Option<T>>) {
    if let Some(edit) = edit {
        now.clone_from(edit);
    }
}

impl CallEdit {
    /// The edit that gives what `call` gives, and leaves the rest as it is.
    pub fn giving(call: &GivenCall) -> Self {
        Self {
            input: None,
            prompt: call.prompt.clone().map(Some),
            model: call.model.clone().map(Some),
            temperature: call.options.temperature.map(Some),
            max_tokens: call.options.max_tokens.map(Some),
        }
    }

    /// The edit after which exactly `call` is given.
    pub fn to(call: &GivenCall) -> Self {
        Self {
            input: None,
            prompt: Some(call.prompt.clone()),
            model: Some(call.model.clone()),
            temperature: Some(call.options.temperature),
            max_tokens: Some(call.options.max_tokens),
        }
    }

    /// The same with what `other` says beside it.
    #[must_use]
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            input: self.input.or(other.input),
            prompt: self.prompt.or(other.prompt),
            model: self.model.or(other.model),
            temperature: self.temperature.or(other.temperature),
            max_tokens: self.max_tokens.or(other.max_tokens),
        }
    }

    /// The edit after which `after` is given where `before` was; it leaves alone what is the same.
    pub fn between(before: &GivenCall, after: &GivenCall) -> Self {
        let (of, to) = (before.options, after.options);
        Self {
            input: None,
            prompt: (before.prompt != after.prompt).then(|| after.prompt.clone()),
            model: (before.model != after.model).then(|| after.model.clone()),
            temperature: (of.temperature != to.temperature).then_some(to.temperature),
            max_tokens: (of.max_tokens != to.max_tokens).then_some(to.max_tokens),
        }
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it changes how a model is asked, and not the input alone.
    pub fn is_of_model(&self) -> bool {
        let Self {
            input: _,
            prompt,
            model,
            temperature,
            max_tokens,
        } = self;
        prompt.is_some() || model.is_some() || temperature.is_some() || max_tokens.is_some()
    }

    /// What `other` changes too, and as that has it where both do.
    pub fn take(&mut self, other: &Self) {
        let Self {
            input,
            prompt,
            model,
            temperature,
            max_tokens,
        } = other;
        change(&mut self.input, input.is_some().then_some(input));
        change(&mut self.prompt, prompt.is_some().then_some(prompt));
        change(&mut self.model, model.is_some().then_some(model));
        change(
            &mut self.temperature,
            temperature.is_some().then_some(temperature),
        );
        change(
            &mut self.max_tokens,
            max_tokens.is_some().then_some(max_tokens),
        );
    }

    /// Changes what is given so far.
    pub fn apply(&self, call: &mut GivenCall) {
        change(&mut call.prompt, self.prompt.as_ref());
        change(&mut call.model, self.model.as_ref());
        change(&mut call.options.temperature, self.temperature.as_ref());
        change(&mut call.options.max_tokens, self.max_tokens.as_ref());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_changes_what_it_names_and_leaves_the_rest() {
        let before = GivenCall {
            prompt: Some("p".into()),
            options: ModelOptions {
                temperature: "0.5".parse().ok(),
                max_tokens: Some(9),
            },
            ..GivenCall::default()
        };
        let after = GivenCall {
            model: Some("m".into()),
            options: ModelOptions {
                max_tokens: Some(9),
                ..ModelOptions::default()
            },
            ..GivenCall::default()
        };
        let edit = CallEdit::between(&before, &after);
        assert_eq!(edit.max_tokens, None);
        for edit in [&edit, &CallEdit::to(&after)] {
            let mut call = before.clone();
            edit.apply(&mut call);
            assert_eq!(call, after);
        }
        let mut call = before.clone();
        CallEdit::giving(&after).apply(&mut call);
        assert_eq!(call, after.or(before.clone()));
        assert!(CallEdit::between(&before, &before).is_empty());
        assert!(edit.is_of_model() && !CallEdit::giving(&GivenCall::default()).is_of_model());
    }

    #[test]
    fn what_is_given_is_flat_json() {
        let json = r#"{"model":"m","temperature":0.7,"max_tokens":9}"#;
        let call: GivenCall = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&call).unwrap(), json);
        assert!(serde_json::from_str::<GivenCall>("{}").unwrap().is_empty());
    }
}
