//! What of a request is a secret: the values of headers that carry credentials, whatever they come from.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

pub(crate) use crate::text::secrets::Redactor;
pub use crate::text::secrets::{REDACTED, Secrets, SharedSecrets};

/// Whether a header of this name carries a credential, so that its value is always a secret.
pub(crate) fn is_secret_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    // A name of a call, and often of something that the plan is about.
    if name == "idempotency-key" {
        return false;
    }
    [
        "authorization",
        "cookie",
        "token",
        "key",
        "secret",
        "password",
    ]
    .iter()
    .any(|word| name.contains(word))
}

/// Characters that are not percent-encoded.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// `text` with everything but unreserved characters percent-encoded.
pub(super) fn percent_encode(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}
