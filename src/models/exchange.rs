//! Requests and responses as they went over the wire, for those who want to account for every byte.

use super::raw_body::RawBody;
use super::split_secrets;
use crate::text::secrets::{Redactor, Secrets};
use std::sync::Arc;

/// One request and its response, without headers and without secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exchange {
    /// The address, without a password.
    pub url: Arc<str>,
    /// The body of the request.
    pub request: RawBody,
    /// The HTTP status of the response; `None` where none came.
    pub status: Option<u16>,
    /// The body of the response, as far as it came.
    pub response: RawBody,
}

/// The exchanges of a task, while they happen.
#[derive(Debug)]
pub(super) struct Recorder {
    /// What the run hides.
    secrets: Arc<Secrets>,
    ended: Vec<Exchange>,
    running: Option<Running>,
}

/// The exchange that is running.
#[derive(Debug)]
struct Running {
    exchange: Exchange,
    /// What the run and the server hide.
    secrets: Arc<Secrets>,
    redactor: Redactor,
    /// What has arrived of the response and is not redacted: many pieces are small.
    pieces: Vec<u8>,
}

/// How much of a response is redacted at once, in bytes.
const AT_ONCE: usize = 2 << 10;

impl Running {
    fn take_pieces(&mut self) {
        let text = self.redactor.push(&self.pieces);
        self.exchange.response.push(&text);
        self.pieces.clear();
    }
}

impl Recorder {
    /// A recorder for a run with these secrets.
    pub(super) fn new(secrets: Arc<Secrets>) -> Self {
        Self {
            secrets,
            ended: Vec::new(),
            running: None,
        }
    }

    /// A request is sent to a server that has secrets of its own.
    pub(super) fn begin(&mut self, server: &Secrets, url: &str, body: &[u8]) {
        let secrets = self.secrets.and(server);
        let mut request = RawBody::default();
        request.push(&secrets.redact(&String::from_utf8_lossy(body)));
        request.count(body.len());
        request.close();
        self.running = Some(Running {
            exchange: Exchange {
                url: secrets.redact(url).into(),
                request,
                ..Exchange::default()
            },
            redactor: Redactor::new(Arc::clone(&secrets)),
            pieces: Vec::new(),
            secrets,
        });
    }

    /// The response has this status.
    pub(super) fn status(&mut self, status: u16) {
        if let Some(running) = &mut self.running {
            running.exchange.status = Some(status);
        }
    }

    /// A piece of the response's body arrived.
    pub(super) fn piece(&mut self, bytes: &[u8]) {
        if let Some(running) = &mut self.running {
            running.exchange.response.count(bytes.len());
            if running.pieces.len() + bytes.len() > AT_ONCE {
                running.take_pieces();
            }
            if bytes.len() < AT_ONCE {
                running.pieces.extend_from_slice(bytes);
            } else {
                let text = running.redactor.push(bytes);
                running.exchange.response.push(&text);
            }
        }
    }

    /// The exchange has ended, in which these texts were streamed.
    pub(super) fn end(&mut self, streamed: [&str; 2]) {
        let Some(mut running) = self.running.take() else {
            return;
        };
        running.take_pieces();
        let response = &mut running.exchange.response;
        response.push(&running.redactor.finish());
        response.close();
        let secrets = &running.secrets;
        if streamed.iter().any(|text| secrets.is_in(text)) {
            let mut masked = RawBody::default();
            masked.push(&split_secrets::mask(&response.text(), secrets));
            masked.close();
            response.replace(masked);
        }
        self.ended.push(running.exchange);
    }

    /// The exchanges so far; later calls have no more of them.
    pub(super) fn take(&mut self) -> Vec<Exchange> {
        std::mem::take(&mut self.ended)
    }
}
