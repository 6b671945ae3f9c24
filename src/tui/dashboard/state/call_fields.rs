//! The model of a call, its temperature and how long its answers may be, edited beside its prompt.

use crate::run::{CallEdit, GivenCall, ModelCall};
use crate::tui::input::text_field::Field;
use crate::units::ModelOptions;
use std::sync::Arc;

/// What takes the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The prompt.
    Prompt,
    /// The model.
    Model,
    /// The temperature.
    Temperature,
    /// The maximum of tokens in an answer.
    MaxTokens,
}

/// What a call is made with besides what it is called with.
#[derive(Clone, Debug)]
pub(crate) struct CallFields {
    /// What it is made with where the user gives nothing.
    own: ModelCall,
    /// What the user has given so far.
    given: GivenCall,
    /// The model.
    pub model: Field,
    /// The temperature, as it is typed.
    pub temperature: Field,
    /// The maximum of tokens in an answer, as it is typed.
    pub max_tokens: Field,
    /// What takes the keys.
    pub part: Part,
}

fn field(text: &str) -> Field {
    let mut field = Field::default();
    field.insert(text);
    field
}

fn typed(field: &Field) -> &str {
    field.text().trim()
}

impl CallFields {
    /// The fields of a call with this of its own, of which the user has changed what is `given`.
    pub(super) fn new(own: ModelCall, given: GivenCall) -> Self {
        let named = given.model.as_deref().or(own.model.as_deref());
        let options = given.options.or(own.options);
        let text = |value: Option<String>| field(&value.unwrap_or_default());
        Self {
            model: field(named.unwrap_or_default()),
            temperature: text(options.temperature.map(|it| it.to_string())),
            max_tokens: text(options.max_tokens.map(|it| it.to_string())),
            part: if own.takes_prompt {
                Part::Prompt
            } else {
                Part::Model
            },
            own,
            given,
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

    /// Whether its temperature and the length of its answers can be others.
    pub(crate) fn takes_options(&self) -> bool {
        self.own.takes_options
    }

    /// Has the next field take the keys, or the one before.
    pub(crate) fn turn(&mut self, back: bool) {
        let all = [
            (Part::Prompt, self.own.takes_prompt),
            (Part::Model, true),
            (Part::Temperature, self.own.takes_options),
            (Part::MaxTokens, self.own.takes_options),
        ];
        let parts = all.into_iter().filter(|(_, is_there)| *is_there);
        let parts: Vec<Part> = parts.map(|(part, _)| part).collect();
        let at = parts.iter().position(|part| *part == self.part);
        let step = if back { parts.len() - 1 } else { 1 };
        let next = at.map_or(0, |at| (at + step) % parts.len());
        if let Some(part) = parts.get(next) {
            self.part = *part;
        }
    }

    /// The field that takes the keys; `None` where that is the prompt.
    pub(crate) fn field(&mut self) -> Option<&mut Field> {
        match self.part {
            Part::Prompt => None,
            Part::Model => Some(&mut self.model),
            Part::Temperature => Some(&mut self.temperature),
            Part::MaxTokens => Some(&mut self.max_tokens),
        }
    }

    /// Why what stands in a field cannot be used.
    pub(crate) fn fault(&self) -> Option<String> {
        self.options().err()
    }

    /// Whether a field was changed.
    pub(super) fn is_changed(&self) -> bool {
        let now = self.given.model.as_deref().or(self.own.model.as_deref());
        typed(&self.model) != now.unwrap_or_default()
            || self.given_options() != Ok(self.given.options)
    }

    /// The options as they are typed; an empty field gives nothing.
    fn options(&self) -> Result<ModelOptions, String> {
        let temperature = match typed(&self.temperature) {
            "" => None,
            text => Some(text.parse().map_err(|why| format!("{why}"))?),
        };
        let max_tokens = match typed(&self.max_tokens) {
            "" => None,
            text => {
                let count = text.parse().ok().filter(|count| *count > 0);
                Some(count.ok_or("an answer has a whole number of tokens, at least 1")?)
            }
        };
        Ok(ModelOptions {
            temperature,
            max_tokens,
        })
    }

    /// The options that differ from those of the plan.
    fn given_options(&self) -> Result<ModelOptions, String> {
        let (typed, own) = (self.options()?, self.own.options);
        Ok(ModelOptions {
            temperature: typed.temperature.filter(|it| own.temperature != Some(*it)),
            max_tokens: typed.max_tokens.filter(|it| own.max_tokens != Some(*it)),
        })
    }

    /// What is given where `prompt` and the fields stand: what is empty, or as the plan has it, gives nothing.
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
            model: given(typed(&self.model), self.own.model.as_ref()),
            options: self.given_options().unwrap_or(self.given.options),
        }
    }

    /// How a call is made then, whoever said so.
    pub(crate) fn called(&self, prompt: &str) -> GivenCall {
        self.given(prompt).or(GivenCall {
            prompt: self.own.prompt.clone(),
            model: self.own.model.clone(),
            ..GivenCall::default()
        })
    }

    /// The edit that brings it about; `None` where nothing changes.
    pub(crate) fn edit(&self, prompt: &str) -> Option<CallEdit> {
        let edit = CallEdit::between(&self.given, &self.given(prompt));
        (!edit.is_empty()).then_some(edit)
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
            takes_options: true,
            options: options("0", 1000),
        };
        CallFields::new(own, given)
    }

    fn options(temperature: &str, max_tokens: u32) -> ModelOptions {
        ModelOptions {
            temperature: temperature.parse().ok(),
            max_tokens: Some(max_tokens),
        }
    }

    fn typed(fields: &mut CallFields, model: &str) {
        fields.model = field(model);
    }

    fn typed_in(field: &Field) -> &str {
        field.text()
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
            ..GivenCall::default()
        });
        assert_eq!(given.prompt(), "Count.");
        assert!(!given.is_changed());
        typed(&mut given, "small");
        let edit = given.edit(" ").unwrap();
        assert_eq!((edit.prompt, edit.model), (Some(None), Some(None)));
    }

    #[test]
    fn another_temperature_is_given_and_the_own_one_is_taken_back() {
        let mut fresh = fields(GivenCall::default());
        fresh.temperature = field("0.7");
        fresh.max_tokens = field("");
        let edit = fresh.edit("Add {{lines}}.").unwrap();
        assert_eq!(edit.temperature, Some("0.7".parse().ok()));
        assert_eq!((edit.model, edit.max_tokens), (None, None));
        assert!(fresh.is_changed());

        let mut given = fields(GivenCall {
            options: options("0.7", 50),
            ..GivenCall::default()
        });
        assert!(!given.is_changed());
        assert_eq!(
            (typed_in(&given.temperature), typed_in(&given.max_tokens)),
            ("0.7", "50")
        );
        given.temperature = field("0");
        given.max_tokens = field("60");
        let edit = given.edit("Add {{lines}}.").unwrap();
        assert_eq!(
            (edit.temperature, edit.max_tokens),
            (Some(None), Some(Some(60)))
        );
        for (temperature, max_tokens) in [("hot", "1"), ("3", "1"), ("0", "0"), ("0", "many")] {
            given.temperature = field(temperature);
            given.max_tokens = field(max_tokens);
            assert!(given.fault().is_some(), "{temperature} {max_tokens}");
        }
    }

    #[test]
    fn the_fields_take_the_keys_in_turn() {
        let mut fields = fields(GivenCall::default());
        let mut order = Vec::new();
        for _ in 0..5 {
            order.push(fields.part);
            fields.turn(false);
        }
        fields.turn(true);
        assert_eq!(fields.part, Part::Prompt);
        let all = [
            Part::Prompt,
            Part::Model,
            Part::Temperature,
            Part::MaxTokens,
            Part::Prompt,
        ];
        assert_eq!(order, all);
    }

    #[test]
    fn a_call_without_a_prompt_has_a_model_alone() {
        let own = ModelCall {
            takes_prompt: false,
            ..ModelCall::default()
        };
        let mut fields = CallFields::new(own, GivenCall::default());
        fields.turn(true);
        assert_eq!(fields.part, Part::Model);
        assert_eq!(fields.edit("typed by accident"), None);
    }
}
