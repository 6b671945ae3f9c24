//! The events of a run as server-sent events, one JSON event each.

use super::error::ControlError;
use super::event_log::EventLog;
use super::reader::{Piece, Reader};
use crate::run::RunEvent;
use crate::text::escape_json;
use axum::body::{Body, Bytes};
use futures::Stream;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

/// Without an event for so long, a comment is sent, so that a reader that is gone is noticed.
const ALIVE_EVERY: Duration = Duration::from_secs(15);

/// The body: the events from number `from` on. It ends after the run's last event.
pub(super) fn events_from(log: &Arc<EventLog>, from: u64) -> Body {
    Body::from_stream(pieces(Reader::new(log, from)))
}

fn pieces(reader: Reader) -> impl Stream<Item = Result<Bytes, Infallible>> {
    futures::stream::unfold(Some(reader), |reader| async {
        let mut reader = reader?;
        let from = reader.position();
        let next = tokio::time::timeout(ALIVE_EVERY, reader.next()).await;
        Some(match next {
            Err(_) => (Ok(Bytes::from_static(b": \n\n")), Some(reader)),
            Ok(Ok(None)) => return None,
            Ok(Ok(Some(piece))) => (Ok(piece_text(piece, from)), Some(reader)),
            Ok(Err(error)) => (Ok(error_text(&error)), None),
        })
    })
}

fn piece_text(piece: Piece, from: u64) -> Bytes {
    let batches = match piece {
        Piece::Recorded(events) => return text(&events),
        Piece::Live(batches) => batches,
    };
    let mut parts: Vec<Bytes> = Vec::with_capacity(batches.len());
    for batch in batches {
        let passed = batch.events.partition_point(|event| event.seq < from);
        parts.push(match passed {
            0 => batch.text(text),
            _ => text(&batch.events[passed..]),
        });
    }
    match parts.len() {
        1 => parts.swap_remove(0),
        _ => parts.concat().into(),
    }
}

fn text(events: &[RunEvent]) -> Bytes {
    let mut out = String::with_capacity(events.len() * 256);
    for event in events {
        if let Ok(line) = serde_json::to_string(event) {
            let _ = write!(out, "id: {}\ndata: {}\n\n", event.seq, escape_json(&line));
        }
    }
    out.into()
}

fn error_text(error: &ControlError) -> Bytes {
    format!("event: error\ndata: {}\n\n", error.body()).into()
}
