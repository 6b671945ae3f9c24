//! What of the answers to one task has arrived: it outlives a request that is dropped in the middle, so that what came
//! is not lost.

use super::answer_listener::{AnswerListener, AnswerPart};
use super::exchange::{Exchange, Recorder};
use super::protocol::{Delta, HttpRequest};
use crate::text::secrets::{Redactor, Secrets};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// What has arrived of a task's answers, for the request that is running and in all.
#[derive(Debug)]
pub(super) struct Arrival {
    listener: Option<AnswerListener>,
    began: Instant,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// What of the running request's answer has arrived.
    partial: Delta,
    /// Keeps the bodies of the requests and their responses, where somebody wants them.
    recorder: Option<Recorder>,
    /// Hides what its server must not have said, in each of its two texts.
    redactors: Option<[Redactor; 2]>,
    /// When the first part of any answer arrived, and the first and the last part of the running request's.
    first: Option<Instant>,
    current: Option<(Instant, Instant)>,
    /// The time between first and last parts of the requests before.
    generating: Duration,
}

/// When the parts of the answers arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ArrivalTimes {
    /// From the beginning of the task to the first part.
    pub(super) first: Duration,
    /// From the first part to the last, of all requests together.
    pub(super) generating: Duration,
}

impl Arrival {
    /// Nothing has arrived for a task that begins now.
    ///
    /// With the secrets of a run, the bodies of requests and responses are kept without them.
    pub(super) fn new(listener: Option<&AnswerListener>, raw: Option<&Arc<Secrets>>) -> Self {
        let recorder = raw.map(|secrets| Recorder::new(Arc::clone(secrets)));
        Self {
            listener: listener.cloned(),
            began: Instant::now(),
            state: Mutex::new(State {
                recorder,
                ..State::default()
            }),
        }
    }

    /// This request is sent to a server with these secrets.
    pub(super) fn begin(&self, secrets: &Arc<Secrets>, request: &HttpRequest) {
        let mut state = self.lock();
        state.end_exchange();
        state.begin(secrets);
        if let Some(recorder) = &mut state.recorder {
            recorder.begin(secrets, request.url.as_str(), &request.body);
        }
        drop(state);
        self.report(AnswerPart::Asked);
    }

    /// The response to the running request has this status.
    pub(super) fn status(&self, status: u16) {
        if let Some(recorder) = &mut self.lock().recorder {
            recorder.status(status);
        }
    }

    /// A piece of the response's body arrived.
    pub(super) fn raw(&self, bytes: &[u8]) {
        if let Some(recorder) = &mut self.lock().recorder {
            recorder.piece(bytes);
        }
    }

    /// The requests and responses, the last one as far as it got. Later calls have no more of them.
    pub(super) fn take_exchanges(&self) -> Vec<Exchange> {
        let mut state = self.lock();
        state.end_exchange();
        let recorder = state.recorder.as_mut();
        recorder.map(Recorder::take).unwrap_or_default()
    }

    /// A part arrived.
    pub(super) fn take(&self, part: &Delta) {
        if part.text.is_empty() && part.reasoning.is_empty() {
            return;
        }
        let now = Instant::now();
        let mut state = self.lock();
        state.first.get_or_insert(now);
        state.current.get_or_insert((now, now)).1 = now;
        state.partial.text.push_str(&part.text);
        state.partial.reasoning.push_str(&part.reasoning);
        if self.listener.is_none() {
            return;
        }
        let Some([text, reasoning]) = &mut state.redactors else {
            return;
        };
        let (text, reasoning) = (
            text.push(part.text.as_bytes()),
            reasoning.push(part.reasoning.as_bytes()),
        );
        drop(state);
        for part in [AnswerPart::Reasoning(&reasoning), AnswerPart::Text(&text)] {
            if !matches!(part, AnswerPart::Text("") | AnswerPart::Reasoning("")) {
                self.report(part);
            }
        }
    }

    /// How many bytes of text and thoughts have arrived of the running request's answer.
    pub(super) fn bytes(&self) -> usize {
        let state = self.lock();
        state.partial.text.len() + state.partial.reasoning.len()
    }

    /// What has arrived of the answer to the running request, with its server's secrets. Later calls have no more of it.
    pub(super) fn take_partial(&self) -> Delta {
        let mut state = self.lock();
        state.end_exchange();
        std::mem::take(&mut state.partial)
    }

    /// When parts arrived; `None` where none did, or not in parts.
    pub(super) fn times(&self) -> Option<ArrivalTimes> {
        let state = self.lock();
        Some(ArrivalTimes {
            first: state.first? - self.began,
            generating: state.generating + state.of_current(),
        })
    }

    fn report(&self, part: AnswerPart<'_>) {
        if let Some(listener) = &self.listener {
            listener.take(part);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn begin(&mut self, secrets: &Arc<Secrets>) {
        self.generating += self.of_current();
        self.current = None;
        self.partial = Delta::default();
        self.redactors = Some([(); 2].map(|()| Redactor::new(Arc::clone(secrets))));
    }

    /// The running request has ended, or is given up.
    fn end_exchange(&mut self) {
        if let Some(recorder) = &mut self.recorder {
            recorder.end([&self.partial.text, &self.partial.reasoning]);
        }
    }

    fn of_current(&self) -> Duration {
        self.current
            .map_or(Duration::ZERO, |(first, last)| last - first)
    }
}
