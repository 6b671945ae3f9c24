//! What the server of a running call asks the user, and the answer.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

/// Something that the server of a running call wants to know.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// What is asked, for people.
    pub message: Arc<str>,
    /// The JSON Schema of the answer, an object of plain values; `None` where none is wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Arc<Value>>,
    /// The address at which the user gives the answer to somebody else than Plandeck.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<Arc<str>>,
}

impl Question {
    /// The answer with the schema's defaults of what it leaves out.
    pub(crate) fn completed(&self, answer: Answer) -> Answer {
        let properties = self
            .schema
            .as_ref()
            .and_then(|it| it["properties"].as_object());
        let (Answer::Accept(content), Some(properties)) = (&answer, properties) else {
            return answer;
        };
        let mut content = Value::clone(content);
        if let Some(content) = content.as_object_mut() {
            for (name, property) in properties {
                if let Some(default) = property.get("default") {
                    content.entry(name).or_insert_with(|| default.clone());
                }
            }
        }
        Answer::Accept(Arc::new(content))
    }
}

/// The answer to a question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", content = "content", rename_all = "snake_case")]
pub enum Answer {
    /// The user gives this, an object as the question's schema has it.
    Accept(Arc<Value>),
    /// The user says no.
    Decline,
    /// The user does not want to answer now.
    Cancel,
}

impl Answer {
    /// The answer that a value stands for: an object is given, `"decline"` and `"cancel"` are what they say.
    ///
    /// # Errors
    /// What an answer has to be, where the value is none.
    pub fn from_value(value: Value) -> Result<Self, String> {
        match value {
            Value::Object(_) => Ok(Self::Accept(Arc::new(value))),
            Value::String(word) if word == "decline" => Ok(Self::Decline),
            Value::String(word) if word == "cancel" => Ok(Self::Cancel),
            _ => Err("an answer is a JSON object, decline or cancel".to_owned()),
        }
    }

    /// The value that stands for this answer: the reverse of [`Answer::from_value`].
    pub fn to_value(&self) -> Value {
        match self {
            Self::Accept(content) => Value::clone(content),
            Self::Decline => Value::from("decline"),
            Self::Cancel => Value::from("cancel"),
        }
    }
}

/// A question of an attempt, as the fold knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct AskedQuestion {
    /// The question.
    pub question: Box<Question>,
    /// The answer; `None` before there is one.
    pub answer: Option<Box<Answer>>,
}
