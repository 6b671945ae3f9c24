//! What a provider's refusal is about, and what the user can do.
//!
//! Providers agree on few statuses and on no words. What is recognised here is what the common ones say; anything else
//! is shown as it is.

use super::provider::Provider;
use reqwest::StatusCode;

/// What a refusal is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RefusalKind {
    /// The key is missing or not valid, or it may not use the model.
    Key,
    /// There is no such model.
    Model,
    /// The input and the answer are longer than the model's context window.
    Context,
    /// The account has no credit left.
    Credit,
    /// Anything else.
    Other,
}

impl RefusalKind {
    /// What a response with this status and body is about.
    pub(super) fn of(status: StatusCode, body: &str) -> Self {
        let body = body.to_ascii_lowercase();
        let says = |phrases: &[&str]| phrases.iter().any(|phrase| body.contains(phrase));
        let is_request = matches!(status.as_u16(), 400 | 413 | 422);
        if says(&[
            "insufficient_quota",
            "credit balance is too low",
            "insufficient balance",
            "insufficient credits",
        ]) || status == StatusCode::PAYMENT_REQUIRED
        {
            Self::Credit
        } else if matches!(status.as_u16(), 401 | 403)
            || is_request && says(&["api key not valid", "api_key_invalid", "invalid_api_key"])
        {
            Self::Key
        } else if is_request
            && says(&[
                "context_length_exceeded",
                "context length",
                "context window",
                "context size",
                "prompt is too long",
                "input token count",
                "too many tokens",
                "input is too long",
            ])
        {
            Self::Context
        } else if status == StatusCode::NOT_FOUND
            || is_request
                && says(&[
                    "model_not_found",
                    "no such model",
                    "model not found",
                    "unknown model",
                    "not a valid model",
                    "deploymentnotfound",
                ])
        {
            Self::Model
        } else {
            Self::Other
        }
    }

    /// Whether a later request cannot succeed either, whatever the status says.
    pub(super) const fn is_permanent(self) -> bool {
        matches!(self, Self::Credit | Self::Context)
    }

    /// What the user can do, after a semicolon.
    pub(super) fn remedy(self, provider: &Provider) -> String {
        match self {
            Self::Key if provider.keys.is_empty() => {
                "; the server wants a key: give it in the address, or choose another provider"
                    .to_owned()
            }
            Self::Key => format!("; is the key right? It is read from {}", provider.keys.join(" or ")),
            Self::Model if provider.name == "azure" => {
                "; does the server have this model? With Azure it is the name of the deployment"
                    .to_owned()
            }
            Self::Model => {
                "; does the server have this model? Check its name, and the address".to_owned()
            }
            Self::Context => {
                "; shorten the input, lower `max_tokens`, or choose a model with a larger context window"
                    .to_owned()
            }
            Self::Credit => "; the account has no credit left: add some, or choose another provider".to_owned(),
            Self::Other => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_providers_say_is_understood() {
        for (status, body, kind) in [
            (
                401,
                r#"{"error":{"message":"Incorrect API key provided"}}"#,
                RefusalKind::Key,
            ),
            (
                400,
                r#"{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT"}}"#,
                RefusalKind::Key,
            ),
            (
                404,
                r#"{"type":"error","error":{"type":"not_found_error","message":"model: claude-9"}}"#,
                RefusalKind::Model,
            ),
            (
                400,
                r#"{"error":{"message":"llama-9 is not a valid model ID"}}"#,
                RefusalKind::Model,
            ),
            (
                400,
                r#"{"error":{"code":"context_length_exceeded","message":"This model's maximum context length is 128000 tokens."}}"#,
                RefusalKind::Context,
            ),
            (
                400,
                r#"{"error":{"type":"invalid_request_error","message":"prompt is too long: 210042 tokens > 200000 maximum"}}"#,
                RefusalKind::Context,
            ),
            (
                400,
                r#"{"error":{"message":"The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."}}"#,
                RefusalKind::Context,
            ),
            (
                429,
                r#"{"error":{"code":"insufficient_quota","message":"You exceeded your current quota"}}"#,
                RefusalKind::Credit,
            ),
            (402, "{}", RefusalKind::Credit),
            (
                429,
                r#"{"error":{"message":"slow down"}}"#,
                RefusalKind::Other,
            ),
            (
                400,
                r#"{"error":{"message":"bad request"}}"#,
                RefusalKind::Other,
            ),
            (500, "model not found", RefusalKind::Other),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(RefusalKind::of(status, body), kind, "{body}");
        }
    }
}
