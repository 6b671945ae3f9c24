//! Calls of one step of the run shown, repeated for the dashboard: their price, and their answers as they come.

use super::trust;
use crate::engine::EventReader;
use crate::run::{GivenCall, Repeats, RunCommand, RunState};
use crate::session::{LiveRun, Repetition, SessionError, TrustedOnce, repetition};
use crate::tui::{HistoryAnswer, Tried};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How often the answers are looked at while calls end.
const EVERY: Duration = Duration::from_millis(100);
/// Events that are folded at a time.
const BATCH: usize = 20_000;

/// What lets the tools of the run be called without asking.
#[derive(Clone, Debug)]
pub(super) struct Trusting {
    /// Whether the caller vouches for them.
    pub given: bool,
    /// What was answered in this process.
    pub once: TrustedOnce,
}

impl Trusting {
    /// Where nothing was answered.
    pub(super) fn unasked() -> Self {
        Self {
            given: trust::is_given(false),
            once: TrustedOnce::default(),
        }
    }
}

/// A call that is repeated.
pub(super) struct Repeated {
    /// The number of the question.
    pub number: u64,
    /// The run.
    pub shown: Box<RunState>,
    /// The step or the element.
    pub step: Arc<str>,
    /// The prompt and the model, where they are not those of the run.
    pub call: GivenCall,
    /// How often it is called.
    pub times: u32,
}

/// Has calls repeated, one question at a time.
pub(super) struct RepeatFeed {
    sender: mpsc::UnboundedSender<HistoryAnswer>,
    trusting: Trusting,
    stop: CancellationToken,
}

impl RepeatFeed {
    pub(super) fn new(sender: mpsc::UnboundedSender<HistoryAnswer>, trusting: Trusting) -> Self {
        Self {
            sender,
            trusting,
            stop: CancellationToken::new(),
        }
    }

    /// Answers what one such call costs.
    pub(super) fn price(
        &self,
        asked: Repeated,
        told: impl Fn(&SessionError) -> Arc<str> + Send + 'static,
    ) {
        let (sender, trusting) = (self.sender.clone(), self.trusting.clone());
        tokio::spawn(async move {
            let number = asked.number;
            let price = open(&asked, &trusting).await.map(|opened| opened.price);
            let price = price.map_err(|error| told(&error));
            let _ = sender.send(HistoryAnswer::RepeatPrice(number, price));
        });
    }

    /// Has the calls made, and answers what comes of them until they are over.
    pub(super) fn repeat(
        &mut self,
        asked: Repeated,
        told: impl Fn(&SessionError) -> Arc<str> + Send + 'static,
    ) {
        self.stop();
        let stop = CancellationToken::new();
        self.stop = stop.clone();
        let (sender, trusting) = (self.sender.clone(), self.trusting.clone());
        tokio::spawn(async move {
            let number = asked.number;
            let send = |tried: Result<Tried, Arc<str>>| {
                let _ = sender.send(HistoryAnswer::Repeated(number, tried.map(Box::new)));
            };
            let made = make(&asked, &trusting, &stop, &send).await;
            send(made.map_err(|error| told(&error)));
        });
    }

    /// Has no more calls made.
    pub(super) fn stop(&mut self) {
        self.stop.cancel();
    }
}

impl Drop for RepeatFeed {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn open(asked: &Repeated, trusting: &Trusting) -> Result<Repetition, SessionError> {
    let (step, call) = (&asked.step, asked.call.clone());
    let trust = (trusting.given, &trusting.once);
    Box::pin(repetition(&asked.shown, step, call, asked.times, trust)).await
}

async fn make(
    asked: &Repeated,
    trusting: &Trusting,
    stop: &CancellationToken,
    send: &(impl Fn(Result<Tried, Arc<str>>) + Sync),
) -> Result<Tried, SessionError> {
    let opened = open(asked, trusting).await?;
    let (prepared, mut events) = opened.execution.prepare()?.with_reader();
    let mut live = prepared.start();
    let state = follow(&mut live, &mut events, stop, send).await?;
    // The claim on its record is released.
    let _ = live.release();
    Ok(Tried {
        repeats: Repeats::of(&state),
        is_over: true,
    })
}

/// Tells of the calls as they end, until the run has ended.
async fn follow(
    live: &mut LiveRun,
    events: &mut EventReader,
    stop: &CancellationToken,
    send: &(impl Fn(Result<Tried, Arc<str>>) + Sync),
) -> Result<RunState, SessionError> {
    let (mut state, mut ended, mut stopped) = (RunState::default(), 0, false);
    let mut look = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            end = live.ended() => return end,
            () = stop.cancelled(), if !stopped => {
                stopped = true;
                // Fails if the run has ended.
                let _ = live.commands().send(RunCommand::Stop);
            }
            _ = look.tick() => {
                let mut new = Vec::new();
                events.take(&mut new, BATCH);
                for event in &new {
                    state.apply(event);
                }
                let repeats = Repeats::of(&state);
                if repeats.agreement.n > ended {
                    ended = repeats.agreement.n;
                    send(Ok(Tried { repeats, is_over: false }));
                }
            }
        }
    }
}
