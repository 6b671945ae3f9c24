//! Answers on their way to a reader in this process, while they arrive.
//!
//! They are progress and no record: what the reader has not taken is merged, so that there is at most one entry for
//! each running attempt, bounded in size. The engine never waits for the reader, and the reader takes at most ten times
//! a second what there is.

use crate::plan::StepIx;
use crate::run::{LiveAnswer, LiveAnswers};
use crate::tools::{AnswerListener, AnswerPart, Redactor, Secrets};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// The shortest time between two times that the reader is given something.
const INTERVAL: Duration = Duration::from_millis(100);

/// Both ends of a channel.
pub(crate) fn answer_channel() -> (AnswerSender, AnswerReader) {
    let shared = Arc::<Shared>::default();
    let sender = AnswerSender(Arc::downgrade(&shared));
    (
        sender,
        AnswerReader {
            shared,
            taken: None,
        },
    )
}

#[derive(Debug, Default)]
struct Shared {
    answers: Mutex<LiveAnswers>,
    grown: Notify,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, LiveAnswers> {
        // A panic in between leaves only whole entries behind.
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, step: StepIx, more: LiveAnswer) {
        let mut answers = self.lock();
        match answers.get_mut(&step) {
            Some(answer) => answer.extend(more),
            None => {
                answers.insert(step, more);
            }
        }
        drop(answers);
        self.grown.notify_waiters();
    }
}

/// The engine's end.
#[derive(Clone, Debug)]
pub(crate) struct AnswerSender(Weak<Shared>);

impl AnswerSender {
    /// The listener of an attempt, in a run that began at `origin`; `None` where the reader is gone. What it passes on
    /// has none of these secrets, not even in pieces.
    pub(super) fn listener(
        &self,
        step: StepIx,
        attempt: u32,
        origin: Instant,
        secrets: &Arc<Secrets>,
    ) -> Option<AnswerListener> {
        self.0.upgrade()?;
        let shared = self.0.clone();
        let secrets = Arc::clone(secrets);
        let redactors = move || [(); 2].map(|()| Redactor::new(Arc::clone(&secrets)));
        let state = Mutex::new((0, redactors()));
        Some(AnswerListener::new(move |part| {
            let Some(shared) = shared.upgrade() else {
                return;
            };
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            let (request, [text, reasoning]) = &mut *state;
            let (text, reasoning) = match part {
                AnswerPart::Asked => {
                    *state = (state.0 + 1, redactors());
                    let begun = LiveAnswer {
                        attempt,
                        request: state.0,
                        ..LiveAnswer::default()
                    };
                    return shared.add(step, begun);
                }
                AnswerPart::Text(part) => (text.push(part.as_bytes()), String::new()),
                AnswerPart::Reasoning(part) => (String::new(), reasoning.push(part.as_bytes())),
            };
            let mut more = LiveAnswer {
                attempt,
                request: *request,
                ..LiveAnswer::default()
            };
            more.push(origin.elapsed().into(), &text, &reasoning);
            shared.add(step, more);
        }))
    }
}

/// The reader's end.
#[derive(Debug)]
pub(crate) struct AnswerReader {
    shared: Arc<Shared>,
    taken: Option<Instant>,
}

impl AnswerReader {
    /// What arrived since the last call, for each row whose answer grew; nothing where that is too short a time ago.
    pub(crate) fn take(&mut self) -> LiveAnswers {
        let now = Instant::now();
        if self.taken.is_some_and(|taken| now < taken + INTERVAL) {
            return LiveAnswers::new();
        }
        let answers = std::mem::take(&mut *self.shared.lock());
        if !answers.is_empty() {
            self.taken = Some(now);
        }
        answers
    }

    /// Ends when there is something to take.
    pub(crate) async fn changed(&mut self) {
        loop {
            let grown = self.shared.grown.notified();
            tokio::pin!(grown);
            // Registered before the look, so that nothing added in between is missed.
            grown.as_mut().enable();
            if !self.shared.lock().is_empty() {
                break;
            }
            grown.await;
        }
        if let Some(taken) = self.taken {
            tokio::time::sleep_until(taken + INTERVAL).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    fn secrets(value: &str) -> Arc<Secrets> {
        let mut secrets = Secrets::new();
        secrets.add(value);
        Arc::new(secrets)
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_reader_does_not_take_is_merged_and_it_is_asked_ten_times_a_second() {
        let (sender, mut reader) = answer_channel();
        let origin = Instant::now();
        let listener = sender.listener(StepIx(3), 2, origin, &secrets("hunter2!"));
        let listener = listener.unwrap();
        assert!(reader.changed().now_or_never().is_none());
        listener.take(AnswerPart::Asked);
        for part in ["pass: hun", "ter2", "! and"] {
            listener.take(AnswerPart::Text(part));
        }
        reader.changed().await;
        let taken = reader.take();
        assert_eq!(taken.len(), 1);
        let answer = &taken[&StepIx(3)];
        assert_eq!(answer.text, "pass: [redacted] and");
        assert_eq!((answer.attempt, answer.request), (2, 1));
        listener.take(AnswerPart::Reasoning("more"));
        // Not yet.
        assert!(reader.changed().now_or_never().is_none() && reader.take().is_empty());
        let before = Instant::now();
        reader.changed().await;
        assert_eq!(before.elapsed(), INTERVAL);
        assert_eq!(reader.take()[&StepIx(3)].reasoning, "more");
        drop(reader);
        assert!(
            sender
                .listener(StepIx(3), 3, origin, &secrets("hunter2!"))
                .is_none()
        );
        listener.take(AnswerPart::Text("into the void"));
    }
}
