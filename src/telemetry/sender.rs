//! The thread that sends: it collects for a moment, posts, and asks again where that may help.

use super::config::{Config, Target};
use super::metrics::Metrics;
use super::queue::{Counts, Waiting};
use crate::models::http::{retry_after, transport_error};
use crate::models::{HttpClients, RequestError};
use crate::report::otlp::{Signal, request};
use crate::text::line;
use reqwest::header::CONTENT_TYPE;
use serde_json::Value;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::bytes::Bytes;

/// The most spans and log records of a request.
const BATCH: usize = 512;
/// How often a request is made that a server has no time for, and the pause before the second time; it doubles.
const ATTEMPTS: u32 = 4;
const PAUSE: Duration = Duration::from_millis(500);
/// The longest pause that a server may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How long the end of the program may wait for what is left.
const LAST: Duration = Duration::from_secs(2);

/// What both threads have.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) config: Config,
    pub(super) counts: Counts,
    pub(super) metrics: Mutex<Metrics>,
    /// The last trouble with the collector, in words.
    pub(super) trouble: Mutex<Option<String>>,
}

impl Shared {
    pub(super) fn metrics(&self) -> MutexGuard<'_, Metrics> {
        self.metrics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what is wrong with the collector.
    pub(super) fn note(&self, trouble: &str) {
        tracing::warn!(trouble, "telemetry");
        let mut noted = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        *noted = Some(trouble.to_owned());
    }

    /// What did not arrive, and why, in words.
    pub(super) fn lost(&self) -> Option<String> {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let why = trouble.as_deref();
        match (self.counts.lost(), why) {
            (Some(lost), Some(why)) => Some(format!("OpenTelemetry: {lost} did not arrive: {why}")),
            (Some(lost), None) => Some(format!(
                "OpenTelemetry: {lost} did not arrive: the queue was full, or there was no time left"
            )),
            (None, _) => None,
        }
    }
}

/// Sends until there is nothing left after the end was announced, or no time.
pub(super) fn serve(
    shared: &Shared,
    waiting: mpsc::Receiver<Waiting>,
    ends: watch::Receiver<bool>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return shared.note(&error.to_string()),
    };
    runtime.block_on(async {
        let mut announced = ends.clone();
        let sender = Sender {
            shared,
            clients: HttpClients::default(),
            ends,
            began: now(),
        };
        tokio::select! {
            () = sender.run(waiting) => {}
            () = async {
                let _ = announced.wait_for(|ending| *ending).await;
                sleep(LAST).await;
            } => {}
        }
    });
    // A host name that is being looked up is not waited for.
    runtime.shutdown_background();
}

struct Sender<'s> {
    shared: &'s Shared,
    clients: HttpClients,
    ends: watch::Receiver<bool>,
    /// When the metrics begin.
    began: u128,
}

impl Sender<'_> {
    async fn run(mut self, mut waiting: mpsc::Receiver<Waiting>) {
        let config = &{ self.shared }.config;
        let mut metrics_at = Instant::now() + config.metrics_every;
        loop {
            let mut batch = Vec::new();
            tokio::select! {
                _ = waiting.recv_many(&mut batch, BATCH) => {}
                _ = self.ends.wait_for(|ending| *ending) => {}
                () = sleep_until(metrics_at) => {}
            }
            self.collect(&mut waiting, &mut batch).await;
            let is_empty = batch.is_empty();
            self.send(batch).await;
            let is_ending = *self.ends.borrow();
            if metrics_at <= Instant::now() && !is_ending {
                self.send_metrics().await;
                metrics_at = Instant::now() + config.metrics_every;
            }
            if is_ending && is_empty {
                return self.send_metrics().await;
            }
        }
    }

    /// Adds what comes in a moment, up to a whole request.
    async fn collect(&mut self, waiting: &mut mpsc::Receiver<Waiting>, batch: &mut Vec<Waiting>) {
        let until = Instant::now() + self.shared.config.delay;
        while batch.len() < BATCH {
            let room = BATCH - batch.len();
            if *self.ends.borrow() || batch.is_empty() {
                while let Some(next) = (batch.len() < BATCH)
                    .then(|| waiting.try_recv().ok())
                    .flatten()
                {
                    batch.push(next);
                }
                return;
            }
            tokio::select! {
                _ = waiting.recv_many(batch, room) => {}
                () = sleep_until(until) => return,
                _ = self.ends.wait_for(|ending| *ending) => {}
            }
        }
    }

    async fn send(&mut self, batch: Vec<Waiting>) {
        let (mut spans, mut records) = (Vec::new(), Vec::new());
        for (signal, value) in batch {
            match signal {
                Signal::Logs => records.push(*value),
                Signal::Traces | Signal::Metrics => spans.push(*value),
            }
        }
        for (signal, all) in [(Signal::Traces, spans), (Signal::Logs, records)] {
            if !all.is_empty() {
                let arrived = self.post(signal, &all).await;
                self.shared.counts.arrived(signal, arrived);
            }
        }
    }

    async fn send_metrics(&mut self) {
        if self.shared.config.metrics.is_some() {
            let all = self.shared.metrics().to_json(self.began, now());
            self.post(Signal::Metrics, &all).await;
        }
    }

    /// Posts `all`, again where that may help. Returns how many of them arrived.
    async fn post(&mut self, signal: Signal, all: &[Value]) -> u64 {
        let Some(target) = self.shared.config.target(signal) else {
            return 0;
        };
        let body = request(signal, &self.shared.config.resource, all);
        let body = match target.protocol.encode(signal, body) {
            Ok(body) => Bytes::from(body),
            Err(error) => {
                self.shared
                    .note(&format!("a request cannot be written: {error}"));
                return 0;
            }
        };
        let count = all.len() as u64;
        let mut pause = PAUSE;
        for attempt in 1..=ATTEMPTS {
            let refused = match self.post_once(signal, target, body.clone()).await {
                Ok(rejected) => return count.saturating_sub(rejected),
                Err(refused) => refused,
            };
            self.shared.note(&refused.message);
            let is_ending = *self.ends.borrow();
            if !refused.retryable || attempt == ATTEMPTS || is_ending {
                break;
            }
            let wait = refused.retry_after.unwrap_or(pause).min(LONGEST_PAUSE);
            // The end of the program is announced: there is one more attempt at once.
            let _ = timeout(wait, self.ends.wait_for(|ending| *ending)).await;
            pause *= 2;
        }
        0
    }

    /// Posts once. Returns how many the collector rejected.
    async fn post_once(
        &self,
        signal: Signal,
        target: &Target,
        body: Bytes,
    ) -> Result<u64, RequestError> {
        let client = self
            .clients
            .client(&target.url, !target.headers.is_empty())?;
        let request = client
            .post(target.url.clone())
            .headers(target.headers.clone())
            .header(CONTENT_TYPE, target.protocol.content_type())
            .timeout(target.timeout)
            .body(body);
        let response = request.send().await;
        let response = response.map_err(|error| transport_error(error, &target.url))?;
        let status = response.status();
        if status.is_success() {
            let answer = response.bytes().await.unwrap_or_default();
            let rejected = target.protocol.rejected(signal, &answer);
            if rejected.count > 0 {
                let why = line(&rejected.why);
                self.shared
                    .note(&format!("the collector rejected them: {why}"));
            }
            return Ok(rejected.count);
        }
        // Those that the protocol says may be asked again.
        let is_transient = matches!(status.as_u16(), 429 | 502 | 503 | 504);
        let host = target.url.host_str().unwrap_or_default();
        let message = format!("{host} answered {status}");
        let wait = retry_after(response.headers());
        Err(RequestError::refused(message, is_transient, wait))
    }
}

/// In nanoseconds since 1970.
pub(super) fn now() -> u128 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_nanos())
}
