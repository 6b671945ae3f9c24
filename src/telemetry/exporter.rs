//! What the engine gives to the thread that sends.

use super::config::Config;
use super::metrics::Metrics;
use super::queue::{Counts, Queue};
use super::sender::{self, Shared};
use crate::report::otlp::Signal;
use serde_json::Value;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::watch;

/// Sends what it is given to a collector, on a thread of its own.
#[derive(Debug)]
pub(super) struct Exporter {
    shared: Arc<Shared>,
    queue: Queue,
    /// Says that nothing more comes.
    ending: watch::Sender<bool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Exporter {
    /// An exporter to where the configuration says.
    pub(super) fn new(config: Config) -> Self {
        let (queue, waiting) = Queue::new(config.queue);
        let (ending, ends) = watch::channel(false);
        let shared = Arc::new(Shared {
            config,
            counts: Counts::default(),
            metrics: Mutex::default(),
            trouble: Mutex::default(),
        });
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("telemetry".to_owned());
        let thread = thread.spawn(move || sender::serve(&theirs, waiting, ends));
        if let Err(error) = &thread {
            shared.note(&error.to_string());
        }
        Self {
            shared,
            queue,
            ending,
            thread: Mutex::new(thread.ok()),
        }
    }

    pub(super) fn config(&self) -> &Config {
        &self.shared.config
    }

    /// Whether this kind of signal is sent.
    pub(super) fn takes(&self, signal: Signal) -> bool {
        let parent = self.config().parent.as_ref();
        // A program that does not record its trace does not want parts of it recorded.
        let is_sampled = signal != Signal::Traces || parent.is_none_or(|parent| parent.is_sampled);
        is_sampled && self.config().target(signal).is_some()
    }

    /// Sends a span or a log record.
    pub(super) fn put(&self, signal: Signal, value: Value) {
        self.queue.put(&self.shared.counts, signal, value);
    }

    /// Takes something into the metrics.
    pub(super) fn measure(&self, measure: impl FnOnce(&mut Metrics)) {
        if self.takes(Signal::Metrics) {
            measure(&mut self.shared.metrics());
        }
    }

    /// Sends what is left, for a short time. Returns in words what did not arrive.
    pub(super) fn finish(&self) -> Option<String> {
        self.ending.send_replace(true);
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        // The thread ends by itself within that time; what it did not send is counted as lost.
        if thread.is_some_and(|thread| thread.join().is_err()) {
            self.shared.note("its thread has panicked");
        }
        self.shared.lost()
    }
}
