//! The form in which the user answers what a server asks: a field for each value of the schema.

use crate::plan::StepIx;
use crate::run::{Answer, Question};
use crate::text;
use crate::text::schema::{Place, Schema, Verdict, validate};
use crate::tui::input::text_field::Field;
use crossterm::event::{KeyCode, KeyEvent};
use serde_json::{Map, Number, Value};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The fields of a schema that are shown.
const MOST: usize = 100;

/// The form.
#[derive(Debug)]
pub struct AnswerForm {
    /// The step whose call asks.
    pub step: StepIx,
    /// What is asked.
    pub question: Question,
    /// The values.
    pub fields: Vec<FormField>,
    /// The field that has the keys.
    pub at: usize,
    /// Why the answer was not taken.
    pub fault: Option<String>,
}

/// A value that is asked for.
#[derive(Debug)]
pub struct FormField {
    /// Its name in the answer.
    pub name: String,
    /// What it is called.
    pub title: String,
    /// What it is.
    pub description: String,
    /// Whether it must be given.
    pub required: bool,
    /// What is given.
    pub input: FormInput,
}

/// What is given for a value.
#[derive(Debug)]
pub enum FormInput {
    /// A text.
    Text(Field),
    /// A number, and whether it is whole.
    Number(Field, bool),
    /// A truth value, where one was chosen.
    Flag(Option<bool>),
    /// One of several.
    One(Vec<Choice>, Option<usize>),
    /// Some of several, and where the cursor is.
    Some(Vec<Choice>, BTreeSet<usize>, usize),
}

/// One of several values.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The value.
    pub value: String,
    /// What it is called.
    pub title: String,
}

impl AnswerForm {
    /// An empty form, with the defaults of the schema.
    pub(crate) fn new(step: StepIx, question: &Question) -> Self {
        let fields = question.schema.as_deref().map_or_else(Vec::new, fields);
        Self {
            step,
            question: question.clone(),
            fields,
            at: 0,
            fault: None,
        }
    }

    /// Takes a key in that edits the field.
    pub(crate) fn edit(&mut self, key: &KeyEvent) {
        if let Some(field) = self.fields.get_mut(self.at) {
            field.input.edit(key);
            self.fault = None;
        }
    }

    /// Puts text in that was pasted.
    pub(crate) fn paste(&mut self, text: &str) {
        if let Some(FormInput::Text(field) | FormInput::Number(field, _)) =
            self.fields.get_mut(self.at).map(|field| &mut field.input)
        {
            field.insert(text);
            self.fault = None;
        }
    }

    /// Goes to another field.
    pub(crate) fn go(&mut self, forward: bool) {
        let count = self.fields.len().max(1);
        self.at = (self.at + if forward { 1 } else { count - 1 }) % count;
    }

    /// The answer; else the field that is at fault, and why.
    pub(crate) fn answer(&self) -> Result<Answer, (usize, String)> {
        let mut content = Map::new();
        for (at, field) in self.fields.iter().enumerate() {
            match field.input.value() {
                Ok(Some(value)) => drop(content.insert(field.name.clone(), value)),
                Ok(None) if field.required => {
                    return Err((at, format!("{} is needed", field.title)));
                }
                Ok(None) => {}
                Err(why) => return Err((at, format!("{} {why}", field.title))),
            }
        }
        let content = Value::Object(content);
        match self.fault_of(&content) {
            None => Ok(Answer::Accept(Arc::new(content))),
            Some(fault) => {
                let named = |field: &FormField| fault.contains(&format!("/{}", field.name));
                let at = self.fields.iter().position(named).unwrap_or(self.at);
                Err((at, fault))
            }
        }
    }

    fn fault_of(&self, content: &Value) -> Option<String> {
        let schema = Schema::new(self.question.schema.as_deref()?).ok()?;
        match schema.place(content) {
            Place::Inline(validator) => match validate(validator, content) {
                Verdict::Invalid(faults) => faults.lines().next().map(str::to_owned),
                Verdict::Valid | Verdict::Undecided => None,
            },
            Place::Thread(_) | Place::Process => None,
        }
    }
}

impl FormInput {
    fn edit(&mut self, key: &KeyEvent) {
        let forward = matches!(key.code, KeyCode::Right | KeyCode::Char(' '));
        let back = key.code == KeyCode::Left;
        match self {
            Self::Text(field) | Self::Number(field, _) => {
                field.edit(key);
            }
            Self::Flag(chosen) => match key.code {
                KeyCode::Char('y' | 't') => *chosen = Some(true),
                KeyCode::Char('n' | 'f') => *chosen = Some(false),
                KeyCode::Backspace | KeyCode::Delete => *chosen = None,
                _ if forward || back => *chosen = Some(!chosen.unwrap_or(back)),
                _ => {}
            },
            Self::One(choices, chosen) => {
                let count = choices.len().max(1);
                if matches!(key.code, KeyCode::Backspace | KeyCode::Delete) {
                    *chosen = None;
                } else if forward {
                    *chosen = Some(chosen.map_or(0, |at| (at + 1) % count));
                } else if back {
                    *chosen = Some(chosen.map_or(count - 1, |at| (at + count - 1) % count));
                }
            }
            Self::Some(choices, chosen, cursor) => {
                let count = choices.len().max(1);
                match key.code {
                    KeyCode::Right => *cursor = (*cursor + 1) % count,
                    KeyCode::Left => *cursor = (*cursor + count - 1) % count,
                    KeyCode::Char(' ') if !chosen.remove(cursor) => drop(chosen.insert(*cursor)),
                    _ => {}
                }
            }
        }
    }

    fn value(&self) -> Result<Option<Value>, &'static str> {
        Ok(match self {
            Self::Text(field) => Some(field.text())
                .filter(|text| !text.is_empty())
                .map(Value::from),
            Self::Number(field, whole) => {
                let text = field.text().trim();
                if text.is_empty() {
                    return Ok(None);
                }
                Some(number(text, *whole)?)
            }
            Self::Flag(chosen) => chosen.map(Value::Bool),
            Self::One(choices, chosen) => {
                let chosen = chosen.and_then(|at| choices.get(at));
                chosen.map(|choice| choice.value.as_str().into())
            }
            Self::Some(choices, chosen, _) => {
                let chosen = chosen.iter().filter_map(|at| choices.get(*at));
                let values: Vec<Value> = chosen.map(|it| it.value.as_str().into()).collect();
                (!values.is_empty()).then_some(Value::Array(values))
            }
        })
    }

    /// What is given, and what keys do, for people.
    pub(crate) fn shown(&self) -> String {
        let one = |choices: &[Choice], at: usize| choices[at].title.clone();
        match self {
            Self::Text(field) | Self::Number(field, _) => field.text().to_owned(),
            Self::Flag(None) => "yes or no?".to_owned(),
            Self::Flag(Some(true)) => "yes".to_owned(),
            Self::Flag(Some(false)) => "no".to_owned(),
            Self::One(choices, Some(at)) => {
                format!("{}  ({} of {})", one(choices, *at), at + 1, choices.len())
            }
            Self::One(choices, None) => format!("one of {}", choices.len()),
            Self::Some(choices, chosen, cursor) => {
                let each = choices.iter().enumerate().map(|(at, choice)| {
                    let mark = if chosen.contains(&at) { "x" } else { " " };
                    let here = if at == *cursor { ">" } else { " " };
                    format!("{here}[{mark}] {}", choice.title)
                });
                each.collect::<Vec<_>>().join(" ")
            }
        }
    }
}

fn number(text: &str, whole: bool) -> Result<Value, &'static str> {
    if let Ok(number) = text.parse::<i64>() {
        return Ok(number.into());
    }
    if whole {
        return Err("must be a whole number");
    }
    let number = text.parse::<f64>().ok().and_then(Number::from_f64);
    number.map(Value::Number).ok_or("must be a number")
}

fn fields(schema: &Value) -> Vec<FormField> {
    let empty = Map::new();
    let properties = schema["properties"].as_object().unwrap_or(&empty);
    let required = |name: &str| {
        let required = schema["required"].as_array();
        required.is_some_and(|names| names.iter().any(|known| known == name))
    };
    let safe = |value: &Value| value.as_str().map(text::line).unwrap_or_default();
    let field = |(name, schema): (&String, &Value)| {
        let title = Some(safe(&schema["title"])).filter(|title| !title.is_empty());
        FormField {
            title: title.unwrap_or_else(|| text::line(name)),
            description: safe(&schema["description"]),
            required: required(name),
            input: input(schema),
            name: name.clone(),
        }
    };
    properties.iter().take(MOST).map(field).collect()
}

fn input(schema: &Value) -> FormInput {
    let default = &schema["default"];
    let filled = |text: &str| {
        let mut field = Field::default();
        field.insert(text);
        field
    };
    let chosen = |choices: &[Choice], value: &Value| {
        let mut choices = choices.iter();
        choices.position(|choice| value == choice.value.as_str())
    };
    match schema["type"].as_str() {
        Some("boolean") => FormInput::Flag(default.as_bool()),
        Some(kind @ ("number" | "integer")) => {
            let text = default.as_number().map(Number::to_string);
            FormInput::Number(filled(&text.unwrap_or_default()), kind == "integer")
        }
        Some("array") => {
            let choices = choices(&schema["items"]);
            let defaults = default.as_array().into_iter().flatten();
            let known = defaults
                .filter_map(|value| chosen(&choices, value))
                .collect();
            FormInput::Some(choices, known, 0)
        }
        _ => {
            let choices = choices(schema);
            if choices.is_empty() {
                return FormInput::Text(filled(default.as_str().unwrap_or_default()));
            }
            let known = chosen(&choices, default);
            FormInput::One(choices, known)
        }
    }
}

/// The values of an enumeration, with their titles where it has some.
fn choices(schema: &Value) -> Vec<Choice> {
    let titled = schema.get("oneOf").or(schema.get("anyOf"));
    if let Some(Value::Array(titled)) = titled {
        let choice = |one: &Value| {
            let value = one["const"].as_str()?;
            Some(Choice {
                value: value.to_owned(),
                title: text::line(one["title"].as_str().unwrap_or(value)),
            })
        };
        return titled.iter().filter_map(choice).collect();
    }
    let values = schema["enum"].as_array().into_iter().flatten();
    let values = values.filter_map(Value::as_str).enumerate();
    let choice = |(at, value): (usize, &str)| Choice {
        value: value.to_owned(),
        title: text::line(schema["enumNames"][at].as_str().unwrap_or(value)),
    };
    values.map(choice).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::KeyModifiers;
    use serde_json::json;

    fn form(schema: Value) -> AnswerForm {
        let question = Question {
            message: "Which?".into(),
            schema: Some(Arc::new(schema)),
            url: None,
        };
        AnswerForm::new(StepIx(0), &question)
    }

    fn press(form: &mut AnswerForm, code: KeyCode) {
        form.edit(&KeyEvent::new(code, KeyModifiers::NONE));
    }

    fn accepted(form: &AnswerForm) -> Value {
        match form.answer() {
            Ok(Answer::Accept(content)) => Value::clone(&content),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_kind_of_value_is_given_with_keys() {
        let mut form = form(
            json!({"type": "object", "required": ["name", "size"], "properties": {
                "name": {"type": "string", "minLength": 2},
                "size": {"type": "integer", "minimum": 1, "default": 3},
                "sure": {"type": "boolean"},
                "colour": {"type": "string", "enum": ["red", "blue"], "enumNames": ["Red", "Blue"]},
                "tags": {"type": "array", "items": {"anyOf": [{"const": "a", "title": "A"}, {"const": "b", "title": "B"}]}},
            }}),
        );
        assert_eq!(form.answer().unwrap_err(), (0, "name is needed".to_owned()));
        press(&mut form, KeyCode::Char('x'));
        let (at, why) = form.answer().unwrap_err();
        assert!(at == 0 && why.contains("/name"), "{why}");
        press(&mut form, KeyCode::Char('y'));
        assert_eq!(accepted(&form), json!({"name": "xy", "size": 3}));
        form.go(true);
        press(&mut form, KeyCode::Backspace);
        press(&mut form, KeyCode::Char('z'));
        let whole = (1, "size must be a whole number".to_owned());
        assert_eq!(form.answer().unwrap_err(), whole);
        press(&mut form, KeyCode::Backspace);
        press(&mut form, KeyCode::Char('0'));
        assert_eq!(form.answer().unwrap_err().0, 1, "below the minimum");
        press(&mut form, KeyCode::Left);
        press(&mut form, KeyCode::Char('4'));
        form.go(true);
        press(&mut form, KeyCode::Char(' '));
        form.go(true);
        press(&mut form, KeyCode::Left);
        form.go(true);
        press(&mut form, KeyCode::Char(' '));
        press(&mut form, KeyCode::Right);
        press(&mut form, KeyCode::Char(' '));
        let all =
            json!({"name": "xy", "size": 40, "sure": true, "colour": "blue", "tags": ["a", "b"]});
        assert_eq!(accepted(&form), all);
        form.go(true);
        assert_eq!(form.at, 0);
    }

    #[test]
    fn any_schema_makes_a_form() {
        for schema in [
            json!(null),
            json!({"properties": 3}),
            json!({"properties": {"a": null, "b": {"type": ["x"], "enum": 3, "oneOf": [1]}}}),
            json!({"properties": {"a": {"type": "array"}}}),
        ] {
            let mut form = form(schema);
            for code in [
                KeyCode::Right,
                KeyCode::Left,
                KeyCode::Char(' '),
                KeyCode::Char('q'),
            ] {
                press(&mut form, code);
                let _ = form.answer();
                for field in &form.fields {
                    drop(field.input.shown());
                }
                form.go(false);
            }
        }
    }
}
