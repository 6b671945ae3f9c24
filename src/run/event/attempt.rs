//! What events record of one attempt: its end, and its log.

use super::{RunError, StepKey};
use crate::units::{Charge, Micros, Money, Tokens};
use serde::{Deserialize, Serialize};
use std::ops::Deref;
use std::sync::Arc;

/// Which stream of a tool a line came from. A text that ends with a carriage return is overwritten by the next one of
/// its stream; an empty one keeps it. Colours and weights may be in it as escape sequences, no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogStream {
    /// A program's standard error, a sandbox's prints.
    Stderr,
    /// Remarks of the executor itself.
    Note,
    /// A program's standard output, where it is not a JSON value.
    Stdout,
}

/// How one attempt ended.
///
/// What only some attempts have stands in [`AttemptDetails`], and is read as if it were here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttemptEnd {
    /// The step.
    #[serde(flatten)]
    pub step: StepKey,
    /// The attempt's number, from 1.
    pub attempt: u32,
    /// The time the call itself took.
    #[serde(rename = "service_ms")]
    pub service: Micros,
    /// What it cost; `None` where the model has no price or cost is not tracked.
    pub cost: Option<Money>,
    /// What only some attempts have: a million calls that answer at once do not carry the room for it.
    #[serde(flatten, with = "details")]
    pub details: Option<Box<AttemptDetails>>,
    /// Whether it was stopped rather than ended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cancelled: bool,
}

/// What only some attempts end with: the account of a model, an error.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AttemptDetails {
    /// The parts of the cost: together they make it. Runs of older versions have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub charges: Vec<Charge>,
    /// Tokens, for a model call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Box<Tokens>>,
    /// The model that answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Arc<str>>,
    /// What the model was asked, or the request that was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<Arc<str>>,
    /// What came back, before it was read as an output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Arc<str>>,
    /// What the model thought before it answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<Arc<str>>,
    /// How its answer arrived, where that was streamed.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub streamed: Option<Box<Streamed>>,
    /// Why it failed; `None` where it succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Box<RunError>>,
    /// The wait before the next attempt; `None` where there is none.
    #[serde(
        rename = "retry_in_ms",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub retry_in: Option<Micros>,
}

/// The details of an attempt that has none.
static NO_DETAILS: AttemptDetails = AttemptDetails {
    charges: Vec::new(),
    tokens: None,
    model: None,
    prompt: None,
    answer: None,
    reasoning: None,
    streamed: None,
    error: None,
    retry_in: None,
};

impl AttemptDetails {
    /// As [`AttemptEnd::details`] has them: `None` where there are none.
    pub fn boxed(self) -> Option<Box<Self>> {
        (self != NO_DETAILS).then(|| Box::new(self))
    }
}

impl Deref for AttemptEnd {
    type Target = AttemptDetails;

    fn deref(&self) -> &AttemptDetails {
        self.details.as_deref().unwrap_or(&NO_DETAILS)
    }
}

/// The details as fields of the attempt's end.
mod details {
    use super::AttemptDetails;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[allow(clippy::ref_option, reason = "serde passes a field by reference")]
    pub(super) fn serialize<S: Serializer>(
        details: &Option<Box<AttemptDetails>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match details {
            Some(details) => details.serialize(serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Box<AttemptDetails>>, D::Error> {
        AttemptDetails::deserialize(deserializer).map(AttemptDetails::boxed)
    }
}

/// How a streamed answer arrived.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Streamed {
    /// When it began, from the start of the attempt.
    #[serde(rename = "first_token_ms")]
    pub first_token: Micros,
    /// The output tokens per second from its first part to its last, where the server counts tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_per_second: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::StepIx;
    use serde_json::json;

    fn end(details: AttemptDetails) -> AttemptEnd {
        AttemptEnd {
            step: StepKey {
                ix: StepIx(4),
                id: "load".into(),
            },
            attempt: 2,
            service: Micros(1_500),
            cost: None,
            details: details.boxed(),
            cancelled: true,
        }
    }

    #[test]
    fn in_json_the_details_are_fields_of_the_end() {
        let plain = end(AttemptDetails::default());
        let text = serde_json::to_string(&plain).unwrap();
        let known = r#"{"index":4,"step":"load","attempt":2,"service_ms":1.5,"cost":null,"cancelled":true}"#;
        assert_eq!(text, known);
        let read: AttemptEnd = serde_json::from_str(&text).unwrap();
        assert_eq!(read, plain);
        assert!(read.details.is_none());
        let detailed = end(AttemptDetails {
            model: Some("small".into()),
            streamed: Some(Box::new(Streamed {
                first_token: Micros(250),
                tokens_per_second: Some(40.0),
            })),
            retry_in: Some(Micros(2_000)),
            ..AttemptDetails::default()
        });
        let value = serde_json::to_value(&detailed).unwrap();
        let names: Vec<&str> = value.as_object().unwrap().keys().map(|n| &**n).collect();
        let known = "index step attempt service_ms cost model first_token_ms tokens_per_second retry_in_ms cancelled";
        assert_eq!(names.join(" "), known);
        assert_eq!(value["retry_in_ms"], json!(2.0));
        assert_eq!(
            serde_json::from_value::<AttemptEnd>(value).unwrap(),
            detailed
        );
    }
}
