//! Reads a response while it arrives: a stream is decoded event by event, anything else is read whole.

use super::arrival::Arrival;
use super::http::{RequestError, transport_error};
use super::off_thread::off_thread;
use super::protocol::{AnswerStream, Delta, Protocol, ServerEvent, SseDecoder};
use super::request::{ChatAnswer, ChatError};
use super::time_limits::{TimeLimits, kept};
use super::usage::Usage;
use reqwest::header::CONTENT_TYPE;
use std::time::Duration;
use tokio_util::bytes::Bytes;

/// The maximum size of a response that is read whole, in bytes.
pub(super) const MAX_BODY_BYTES: usize = 16 << 20;

/// The maximum size of one event of a stream, in bytes.
const MAX_EVENT_BYTES: usize = MAX_BODY_BYTES;

/// The maximum size of a stream, in bytes. Nothing of it is kept; a token takes a few hundred bytes on its way.
const MAX_STREAM_BYTES: usize = 256 << 20;

/// The maximum size of the text in an answer, in bytes: more than any model writes at once.
pub(super) const MAX_TEXT_BYTES: usize = 4 << 20;

/// How long the rest of a stream may take whose answer is whole: its usage, and the end of the connection.
const AFTER_ANSWER: Duration = Duration::from_secs(10);

/// How long the end of the connection may take, which can be used again after it.
const AFTER_DONE: Duration = Duration::from_millis(50);

/// The bytes that show whether a response is a stream.
const BEGINNINGS: [&[u8]; 3] = [b"data:", b"event:", b":"];

/// A response with a status of success.
pub(super) enum Received {
    /// It is no stream: its bytes.
    Whole(Vec<u8>),
    /// The answer that was streamed.
    Answer(ChatAnswer),
}

/// Reads a response with a status of success. What it brings goes to `arrival` at once.
///
/// # Errors
/// Where it stops in the middle, is too large, or is not an answer. It counts as billed.
pub(super) async fn receive(
    response: reqwest::Response,
    protocol: &dyn Protocol,
    arrival: &Arrival,
    limits: TimeLimits,
) -> Result<Received, ChatError> {
    let kind = response.headers().get(CONTENT_TYPE);
    let is_declared = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    let mut pieces = Pieces {
        url: response.url().clone(),
        response,
        arrival,
    };
    let unknown = |error| ChatError::billed(error, Usage::UNKNOWN);
    let mut body: Vec<u8> = Vec::new();
    loop {
        let is_stream = is_declared || begins_stream(&body);
        if is_stream && let Some(stream) = protocol.stream() {
            let mut reader = StreamReader {
                stream: Some(stream),
                decoder: SseDecoder::default(),
                received: 0,
                arrival,
            };
            let answer = reader.read(body, &mut pieces, limits).await?;
            return Ok(Received::Answer(answer));
        }
        let pause = if body.is_empty() {
            limits.before_first_byte()
        } else {
            limits.stall
        };
        match pieces
            .next(pause)
            .await
            .map_err(|fault| unknown(fault.into_error(arrival)))?
        {
            None => return Ok(Received::Whole(body)),
            Some(piece) if body.len() + piece.len() > MAX_BODY_BYTES => {
                let message = format!("the answer is larger than {} MB", MAX_BODY_BYTES >> 20);
                return Err(unknown(RequestError::permanent(message).sent()));
            }
            Some(piece) => body.extend_from_slice(&piece),
        }
    }
}

/// Whether a body begins as server-sent events do; some proxies pass a stream on as plain text.
fn begins_stream(body: &[u8]) -> bool {
    let body = body.trim_ascii_start();
    BEGINNINGS
        .iter()
        .any(|beginning| body.starts_with(beginning))
}

/// The body of a response, a piece at a time.
struct Pieces<'a> {
    response: reqwest::Response,
    url: reqwest::Url,
    arrival: &'a Arrival,
}

/// Why there is no next piece.
enum Fault {
    /// Nothing came for this long.
    Stalled(Duration),
    /// The connection broke.
    Broken(RequestError),
}

impl Pieces<'_> {
    async fn next(&mut self, pause: Duration) -> Result<Option<Bytes>, Fault> {
        let piece = tokio::time::timeout(pause, self.response.chunk()).await;
        let piece = piece.map_err(|_| Fault::Stalled(pause))?;
        let piece =
            piece.map_err(|error| Fault::Broken(transport_error(error, &self.url).sent()))?;
        if let Some(bytes) = &piece {
            self.arrival.raw(bytes);
        }
        Ok(piece)
    }
}

impl Fault {
    fn into_error(self, arrival: &Arrival) -> RequestError {
        match self {
            Self::Stalled(pause) => TimeLimits::stalled(pause, arrival.bytes()),
            Self::Broken(error) => {
                let kept = kept(arrival.bytes());
                RequestError {
                    message: format!(
                        "the connection broke in the middle of the answer: {}{kept}",
                        error.message
                    ),
                    ..error
                }
            }
        }
    }
}

/// Decodes a stream.
struct StreamReader<'a> {
    /// Always there, except while a large event is read on another thread.
    stream: Option<Box<dyn AnswerStream>>,
    decoder: SseDecoder,
    received: usize,
    arrival: &'a Arrival,
}

impl StreamReader<'_> {
    async fn read(
        &mut self,
        begun: Vec<u8>,
        pieces: &mut Pieces<'_>,
        limits: TimeLimits,
    ) -> Result<ChatAnswer, ChatError> {
        let mut has_begun = !begun.is_empty();
        self.take(&begun).await?;
        while !self.is(|stream| stream.is_done()) {
            let has_ended = self.is(|stream| stream.has_ended());
            let pause = match (has_ended, has_begun) {
                (true, _) => AFTER_ANSWER.min(limits.stall),
                (false, true) => limits.stall,
                (false, false) => limits.before_first_byte(),
            };
            match pieces.next(pause).await {
                Ok(None) => break,
                Ok(Some(piece)) => {
                    has_begun = true;
                    self.take(&piece).await?;
                }
                // The answer is whole, and only its usage may be missing.
                Err(_) if has_ended => break,
                Err(fault) => return Err(self.broken_off(fault.into_error(self.arrival))),
            }
        }
        // A connection that is read to its end is used again.
        if self.is(|stream| stream.is_done()) {
            let _ = pieces.next(AFTER_DONE).await;
        }
        let more = if self.is(|stream| stream.has_ended()) {
            String::new()
        } else {
            let kept = kept(self.arrival.bytes());
            format!(
                "{kept}. Where a server always does so, `stream = false` in plandeck.toml asks it for whole answers"
            )
        };
        let answer = match self.stream.take() {
            Some(stream) => stream.finish(),
            None => Ok(ChatAnswer::default()),
        };
        answer.map_err(|ChatError { error, usage }| ChatError {
            error: RequestError {
                message: format!("{}{more}", error.message),
                ..error
            },
            // An answer that came was billed, even if it cannot be used.
            usage: usage.or(Some(Usage::UNKNOWN)),
        })
    }

    fn is(&self, property: impl Fn(&dyn AnswerStream) -> bool) -> bool {
        self.stream.as_deref().is_none_or(property)
    }

    fn broken_off(&self, error: RequestError) -> ChatError {
        match &self.stream {
            Some(stream) => stream.broken_off(error.sent()),
            None => ChatError::billed(error.sent(), Usage::UNKNOWN),
        }
    }

    /// Takes in what arrived.
    async fn take(&mut self, piece: &[u8]) -> Result<(), ChatError> {
        self.received += piece.len();
        if self.received > MAX_STREAM_BYTES {
            let megabytes = MAX_STREAM_BYTES >> 20;
            let message = format!(
                "the stream is larger than {megabytes} MB and has no end{}",
                kept(self.arrival.bytes())
            );
            return Err(self.broken_off(RequestError::permanent(message)));
        }
        for event in self.decoder.push(piece) {
            let delta = self.event(event).await?;
            self.arrival.take(&delta);
            if self.arrival.bytes() > MAX_TEXT_BYTES {
                return Err(self.broken_off(too_large()));
            }
        }
        if self.decoder.pending() > MAX_EVENT_BYTES {
            let megabytes = MAX_EVENT_BYTES >> 20;
            let message = format!("an event of the stream is larger than {megabytes} MB");
            return Err(self.broken_off(RequestError::permanent(message)));
        }
        Ok(())
    }

    /// What one event adds; a large one is read on another thread.
    async fn event(&mut self, event: ServerEvent) -> Result<Delta, ChatError> {
        let Some(mut stream) = self.stream.take() else {
            return Ok(Delta::default());
        };
        let bytes = event.data.len();
        let work = move || {
            let delta = stream.event(&event);
            (stream, delta)
        };
        let (stream, delta) = off_thread(bytes, work).await;
        self.stream = Some(stream);
        delta
    }
}

/// The error of an answer with more text than a model writes at once.
pub(super) fn too_large() -> RequestError {
    RequestError::permanent(format!(
        "the model's text is larger than {} MB; let it write less at once",
        MAX_TEXT_BYTES >> 20
    ))
}
