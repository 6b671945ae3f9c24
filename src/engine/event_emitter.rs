//! Events on their way out: they are redacted, numbered, folded into the run's state, and given to the sinks in batches.

use super::blocking::blocking;
use super::redaction::redact;
use super::{AttemptExchanges, EventSink};
use crate::plan::StepIx;
use crate::run::{EventKind, RunEvent, RunState};
use crate::text::secrets::SecretsReader;
use crate::tools::{Exchange, Secrets, SharedSecrets};
use crate::units::Micros;
use std::sync::Arc;

/// Numbers events and gives them to the sinks.
pub(super) struct EventEmitter {
    sinks: Vec<Box<dyn EventSink>>,
    next_seq: u64,
    state: RunState,
    /// Given to no sink yet.
    batch: Vec<RunEvent>,
    /// Whether a sink keeps what models are sent and answer.
    keeps_exchanges: bool,
    /// Given to no sink yet.
    exchanges: Vec<Arc<AttemptExchanges>>,
    /// Whether the next batch has to survive this process before anyone acts on it.
    must_survive: bool,
    /// Why nothing can be recorded any more, where calls that have an effect are not to be made then.
    refusal: Option<Arc<str>>,
    /// What no event may hold.
    secrets: SecretsReader,
}

impl EventEmitter {
    /// An emitter to these sinks, which receive every event in this order, without `secrets`.
    pub(super) fn new(sinks: Vec<Box<dyn EventSink>>, secrets: SharedSecrets) -> Self {
        Self {
            keeps_exchanges: sinks.iter().any(EventSink::keeps_exchanges),
            exchanges: Vec::new(),
            sinks,
            next_seq: 0,
            state: RunState::default(),
            batch: Vec::new(),
            must_survive: false,
            refusal: None,
            secrets: SecretsReader::new(secrets),
        }
    }

    /// Goes on after the events of a run that was recorded.
    pub(super) fn after(mut self, run: RunState) -> Self {
        self.next_seq = run.events;
        self.state = run;
        self
    }

    /// The state of the run after everything that was emitted.
    pub(super) fn state(&self) -> &RunState {
        &self.state
    }

    /// Numbers an event that happened at `at`, and applies it to the run's state.
    pub(super) fn emit(&mut self, at: Micros, mut kind: EventKind) {
        redact(&mut kind, self.secrets.now());
        let event = RunEvent {
            seq: self.next_seq,
            at,
            kind,
        };
        self.next_seq += 1;
        self.state.apply(&event);
        if !self.sinks.is_empty() {
            self.batch.push(event);
        }
    }

    /// What is hidden in the bodies that are kept of a call's requests; `None` where no sink keeps them.
    pub(super) fn raw(&self) -> Option<Arc<Secrets>> {
        self.keeps_exchanges.then(|| self.secrets.snapshot())
    }

    /// Gives what the running attempt of a row sent and received to the sinks that keep it, with the next batch.
    pub(super) fn keep_exchanges(&mut self, row: StepIx, exchanges: Vec<Exchange>) {
        let Some(step) = self.state.steps.get(row.at()) else {
            return;
        };
        let Some(attempt) = step.running_attempt().filter(|_| !exchanges.is_empty()) else {
            return;
        };
        self.exchanges.push(Arc::new(AttemptExchanges {
            step: Arc::clone(&step.info.id),
            attempt: attempt.number,
            exchanges,
        }));
    }

    /// Has the next batch survive the death of this process before anyone acts on it.
    pub(super) fn require_survival(&mut self) {
        self.must_survive = true;
    }

    /// Why nothing can be recorded any more, where calls that have an effect are not to be made then.
    pub(super) fn refusal(&self) -> Option<&Arc<str>> {
        self.refusal.as_ref()
    }

    /// Gives what was emitted to the sinks.
    pub(super) fn flush(&mut self) {
        let survive = std::mem::take(&mut self.must_survive);
        if self.sinks.is_empty() || self.batch.is_empty() && !survive {
            return;
        }
        let batch = Arc::new(std::mem::take(&mut self.batch));
        if self.sinks.iter().any(|sink| EventSink::may_block(&**sink)) {
            blocking(|| self.give(&batch, survive));
        } else {
            self.give(&batch, survive);
        }
        // Where no sink holds it, its room is used again.
        let length = batch.len();
        self.batch = Arc::try_unwrap(batch).map_or_else(
            |_| Vec::with_capacity(length),
            |mut batch| {
                batch.clear();
                batch
            },
        );
    }

    fn give(&mut self, batch: &Arc<Vec<RunEvent>>, survive: bool) {
        let exchanges = std::mem::take(&mut self.exchanges);
        for sink in &mut self.sinks {
            if sink.keeps_exchanges() {
                for attempt in &exchanges {
                    sink.keep(attempt);
                }
            }
            sink.accept_shared(batch);
            if survive && let Err(why) = sink.sync() {
                self.refusal.get_or_insert(why);
            }
        }
    }

    /// Closes the sinks and gives the run's last state.
    pub(super) fn finish(mut self) -> RunState {
        self.flush();
        if !self.sinks.is_empty() {
            // A journal waits for its last transaction.
            blocking(|| self.sinks.clear());
        }
        self.state
    }
}
