//! The parameters that servers of one format accept and refuse.
//!
//! The first request has the parameters that are best for the model. A parameter that the server refuses is left out or
//! replaced, and that is remembered.

/// The parameters that a request has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ApiQuirks {
    /// How the format of the answer is requested.
    pub(crate) format: OutputFormat,
    /// `max_completion_tokens` instead of `max_tokens`.
    pub(crate) max_completion_tokens: bool,
    /// Whether a temperature is sent.
    pub(crate) temperature: bool,
    /// The Responses format instead of chat completions, of servers that have both.
    pub(crate) responses: bool,
    /// Whether the answer is requested as a stream.
    pub(crate) stream: Stream,
}

impl Default for ApiQuirks {
    /// What most servers accept.
    fn default() -> Self {
        Self {
            format: OutputFormat::StrictSchema,
            max_completion_tokens: false,
            temperature: true,
            responses: false,
            stream: Stream::WithUsage,
        }
    }
}

/// Whether an answer is requested as a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    /// It is, and so is the number of tokens used, in formats that report it in a stream only on request.
    WithUsage,
    /// It is, in its plain form.
    Plain,
    /// The whole answer is requested.
    Off,
}

impl Stream {
    /// Whether it is.
    pub(crate) fn is_on(self) -> bool {
        self != Self::Off
    }
}

/// How the format of an answer is requested, from the strictest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OutputFormat {
    /// A JSON Schema that the server enforces.
    StrictSchema,
    /// A JSON Schema.
    Schema,
    /// Any JSON object.
    JsonObject,
    /// Only the prompt describes it.
    Text,
}

impl ApiQuirks {
    /// What to try after a refusal with this `body`; `None` where nothing is left to change.
    pub(crate) fn after_refusal(self, body: &str, with_schema: bool) -> Option<Self> {
        let body = body.to_ascii_lowercase();
        if body.contains("max_completion_tokens") {
            return Some(Self {
                max_completion_tokens: !self.max_completion_tokens,
                ..self
            });
        }
        self.without_temperature(&body)
            .or_else(|| self.without_stream(&body))
            .or_else(|| self.in_looser_format(&body, with_schema))
    }

    /// Without the usage in the stream, or without a stream, where this body in lower case is about it.
    pub(crate) fn without_stream(self, body: &str) -> Option<Self> {
        let is_about_usage = ["stream_options", "include_usage"]
            .iter()
            .any(|word| body.contains(word));
        let stream = match self.stream {
            Stream::WithUsage if is_about_usage => Stream::Plain,
            Stream::WithUsage | Stream::Plain if body.contains("stream") => Stream::Off,
            _ => return None,
        };
        Some(Self { stream, ..self })
    }

    /// Without a temperature, where this body in lower case is about it.
    pub(crate) fn without_temperature(self, body: &str) -> Option<Self> {
        (body.contains("temperature") && self.temperature).then_some(Self {
            temperature: false,
            ..self
        })
    }

    /// With the next looser format of the answer, where this body in lower case is about it.
    pub(crate) fn in_looser_format(self, body: &str, with_schema: bool) -> Option<Self> {
        if !with_schema || !is_about_format(body) {
            return None;
        }
        let format = match self.format {
            OutputFormat::StrictSchema => OutputFormat::Schema,
            OutputFormat::Schema => OutputFormat::JsonObject,
            OutputFormat::JsonObject => OutputFormat::Text,
            OutputFormat::Text => return None,
        };
        Some(Self { format, ..self })
    }
}

/// Whether a refusal can be about the format of the answer. Anything else (a prompt that is too long, an unknown
/// model) is refused in every format, so it is reported at once.
fn is_about_format(body: &str) -> bool {
    [
        "format",
        "schema",
        "json",
        "strict",
        "grammar",
        "support",
        "unknown",
        "unrecogni",
        "unexpected",
        "extra",
        "not permitted",
        "not allowed",
    ]
    .iter()
    .any(|word| body.contains(word))
}

#[cfg(test)]
mod tests {
    use crate::models::protocol::{ChatCompletions, Protocol};

    #[test]
    fn refusals_change_one_thing_at_a_time_and_end() {
        let mut quirks = ChatCompletions.quirks("gpt-4o-mini");
        let mut seen = vec![quirks];
        for body in [
            "use max_completion_tokens",
            "temperature is not supported",
            "Unrecognized request argument supplied: stream_options",
            "streaming is not supported for this model",
            "bad schema",
            "this model does not support response format `json_schema`",
            "json mode is not enabled",
        ] {
            quirks = quirks.after_refusal(body, true).unwrap();
            assert!(!seen.contains(&quirks));
            seen.push(quirks);
        }
        assert_eq!(quirks.after_refusal("bad schema", true), None);
        assert_eq!(
            ChatCompletions
                .quirks("gpt-4o")
                .after_refusal("bad schema", false),
            None
        );
    }

    #[test]
    fn a_refusal_of_the_request_itself_is_not_asked_again_in_another_form() {
        for body in [
            "the prompt is too long",
            "bad request",
            "model not found",
            "",
        ] {
            assert_eq!(
                ChatCompletions.quirks("gpt-4o").after_refusal(body, true),
                None,
                "{body}"
            );
        }
    }
}
