//! What an attempt sent to a model and received, as it went over the wire. It is no event: nothing that a run is depends
//! on it, and it is read where it is asked for.

use serde::Serialize;
use std::sync::Arc;

/// A request and its response, without headers and without secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exchange {
    /// The id of the step or of the element.
    pub step: Arc<str>,
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// The number of the exchange within the attempt, from 1: a bad answer is repaired by another.
    pub exchange: u32,
    /// The address, without a password. The request is a POST.
    pub url: String,
    /// The body of the request.
    pub request: Body,
    /// The HTTP status of the response; `None` where none came.
    pub status: Option<u16>,
    /// The body of the response, as far as it came; of a streamed answer the server-sent events.
    pub response: Body,
}

/// A body.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Body {
    /// The bytes that went over the wire.
    pub bytes: u64,
    /// The bytes of the text that are left out in its middle, where it is very long.
    pub left_out: u64,
    /// The text. What is not UTF-8 is U+FFFD, and `[redacted]` stands for a secret.
    pub body: String,
}
