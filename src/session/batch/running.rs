//! Runs the items of a batch: some at once, the rest as places become free.

use super::account::{Account, Begin};
use super::inputs::not_unique;
use super::item::{BatchItem, BatchLine};
use super::keys::SeenKeys;
use super::tally::Tally;
use super::template::{ItemEnd, Template, impossible};
use super::{Batch, BatchEnd, BatchUpdate};
use crate::engine::SharedLimits;
use crate::run::{ErrorKind, Limit, RunOutcome};
use crate::session::item_server::definition_of;
use crate::session::{Note, SessionError};
use crate::store::Connections;
use crate::units::Money;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

/// How often progress is told.
const PROGRESS_EVERY: Duration = Duration::from_millis(500);
/// How far items may run ahead of the first that has not ended, where lines come in order: that many lines wait.
const AHEAD: u64 = 1024;

/// A batch that is running.
pub(super) struct Running<F> {
    template: Arc<Template>,
    account: Option<Account>,
    max_runs: usize,
    in_order: bool,
    from_outside: watch::Receiver<bool>,
    /// Keeps a channel open on which nothing comes, where nobody stops the batch.
    _silent: Option<watch::Sender<bool>>,
    stop_items: watch::Sender<bool>,
    each: F,
    /// The keys so far, where it is not known that each stands once.
    keys: Option<SeenKeys>,
    tally: Tally,
    /// Lines that wait for earlier ones.
    early: BTreeMap<u64, BatchLine>,
    /// The item whose line comes next.
    next_line: u64,
    limit: Option<(Limit, Arc<str>)>,
    stopped: bool,
    note: Option<Note>,
}

impl<F: FnMut(BatchUpdate<'_>) -> ControlFlow<()>> Running<F> {
    pub(super) fn new(batch: Batch, each: F) -> Result<Self, SessionError> {
        let mut execution = batch.execution;
        let toolbox = execution.toolbox()?;
        execution.ask_consent(&toolbox)?;
        if execution.cache.is_some() && execution.journal.is_none() {
            return Err(SessionError::CacheWithoutJournal);
        }
        let names = execution.plan.context_names.iter();
        let all: Map<String, Value> = names.map(|name| (name.to_string(), Value::Null)).collect();
        execution.check(&*toolbox, &all)?;
        execution.note_worker();
        let mut id = batch.id;
        let account = match &execution.journal {
            Some(journal) if batch.resumes => {
                let account = Account::resume(journal, &id, batch.retry_failed, batch.items)?;
                id = account.batch();
                Some(account)
            }
            Some(journal) => {
                let plan = &execution.plan.name;
                Some(Account::begin(
                    journal,
                    &id,
                    plan,
                    batch.settings,
                    batch.items,
                )?)
            }
            None if batch.engine.is_some() => {
                let message = "items that are run elsewhere are recorded here: it needs a journal";
                return Err(SessionError::Inputs(message.to_owned()));
            }
            None if batch.resumes || batch.retries > 0 => {
                let message =
                    "a batch is resumed and its items are retried from its journal: it needs one";
                return Err(SessionError::Inputs(message.to_owned()));
            }
            None => None,
        };
        let account = account.map(|account| account.elsewhere(batch.engine.is_some()));
        let spent = account.as_ref().map(Account::spent).transpose()?;
        let definition = match &batch.engine {
            Some(_) => Some(
                definition_of(&execution, &*toolbox, batch.answers)
                    .map_err(|why| SessionError::Elsewhere(why.to_owned()))?,
            ),
            None => None,
        };
        let settings = execution.settings;
        let shared = SharedLimits::new(
            &settings.limits,
            &settings.rates,
            settings.track_cost,
            spent.unwrap_or(Money::ZERO),
        );
        let deadline = settings.limits.timeout_seconds;
        let deadline = deadline.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let mut template = Template {
            plan: execution.plan,
            worker: execution.worker,
            toolbox,
            executor: execution.executor,
            provenance: execution.provenance,
            journal: execution.journal,
            cache: execution.cache,
            unknown: execution.unknown,
            shared,
            batch: id,
            home: account.as_ref().map(|account| account.home().clone()),
            connections: account
                .as_ref()
                .map(|account| Connections::to(account.home())),
            retries: batch.retries,
            deadline: deadline.and_then(|time| Instant::now().checked_add(time)),
            settings,
            elsewhere: None,
        };
        if let (Some(engine), Some(definition)) = (batch.engine, definition) {
            let started = account.as_ref().map(Account::started_at);
            let spent = spent.unwrap_or(Money::ZERO);
            let known = (started.unwrap_or_default(), batch.items, spent);
            template.elsewhere = Some(template.elsewhere(engine, definition, known));
        }
        let (silent, from_outside) = if let Some(stop) = batch.stop {
            (None, stop)
        } else {
            let (sender, receiver) = watch::channel(false);
            (Some(sender), receiver)
        };
        Ok(Self {
            template: Arc::new(template),
            account,
            max_runs: batch.max_runs,
            in_order: batch.in_order,
            from_outside,
            _silent: silent,
            stop_items: watch::Sender::new(false),
            each,
            keys: batch.keys,
            tally: Tally::default(),
            early: BTreeMap::new(),
            next_line: 0,
            limit: None,
            stopped: false,
            note: None,
        })
    }

    pub(super) async fn run(
        mut self,
        items: impl Iterator<Item = BatchItem>,
    ) -> Result<BatchEnd, SessionError> {
        let template = Arc::clone(&self.template);
        if let Some(elsewhere) = &template.elsewhere {
            let begun = elsewhere.engine.begin(&elsewhere.batch).await;
            begun.map_err(SessionError::Elsewhere)?;
        }
        let mut items = (0..).zip(items).peekable();
        let mut running: JoinSet<ItemEnd> = JoinSet::new();
        let mut progress = interval(PROGRESS_EVERY);
        progress.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let far = Instant::now() + Duration::from_hours(24 * 365);
        let deadline = self.template.deadline.unwrap_or(far);
        loop {
            self.look_at_limits();
            let is_open = !self.stopped && items.peek().is_some();
            let is_ahead = |index: u64| self.in_order && index >= self.next_line + AHEAD;
            let is_held = items.peek().is_some_and(|(index, _)| is_ahead(*index));
            if is_open && self.limit.is_none() && running.len() < self.max_runs && !is_held {
                if let Some((index, item)) = self.next(&mut items) {
                    self.begin(item, index, &mut running);
                }
                // What has ended in the meantime comes first.
                tokio::task::yield_now().await;
                while let Some(ended) = running.try_join_next() {
                    self.ended(ended?);
                }
                continue;
            }
            if running.is_empty() {
                if is_open && self.limit.is_some() {
                    if let Some((index, item)) = self.next(&mut items) {
                        self.leave_out(&item, index);
                    }
                    continue;
                }
                break;
            }
            tokio::select! {
                Some(ended) = running.join_next() => self.ended(ended?),
                true = asked_to_stop(&mut self.from_outside), if !self.stopped => self.stop(),
                () = sleep_until(deadline), if self.limit.is_none() && deadline < far => self.out_of_time(),
                _ = progress.tick() => {
                    let count = running.len();
                    let flow = (self.each)(BatchUpdate::Progress(&self.tally, count));
                    self.heed(flow);
                    if let Some(syncing) = self.sync() {
                        tokio::task::spawn_blocking(syncing);
                    }
                }
            }
        }
        if let Some(syncing) = self.sync() {
            let _ = tokio::task::spawn_blocking(syncing).await;
        }
        if let Some(elsewhere) = &template.elsewhere {
            elsewhere.engine.end(&elsewhere.batch.batch).await;
        }
        Ok(BatchEnd {
            batch: Arc::clone(&self.template.batch),
            tally: self.tally,
            limit: self.limit,
            stopped: self.stopped,
            note: self.note,
        })
    }

    /// Waits for the disk, where runs that have ended have left that to others.
    fn sync(&self) -> Option<impl FnOnce() + Send + 'static> {
        let connections = self.template.connections.clone();
        let connections = connections.filter(Connections::is_behind)?;
        Some(move || {
            if let Err(error) = connections.sync() {
                tracing::error!(%error, "the end of runs is not on the disk yet");
            }
        })
    }

    /// Does as whoever is told wants.
    fn heed(&mut self, flow: ControlFlow<()>) {
        if flow.is_break() {
            self.stop();
        }
    }

    fn stop(&mut self) {
        self.stopped = true;
        self.stop_items.send_replace(true);
    }

    fn look_at_limits(&mut self) {
        if self.limit.is_none() {
            self.limit = self.template.shared.exhausted();
        }
        if *self.from_outside.borrow() && !self.stopped {
            self.stop();
        }
    }

    fn out_of_time(&mut self) {
        let seconds = self
            .template
            .settings
            .limits
            .timeout_seconds
            .unwrap_or_default();
        let message = format!("the batch took longer than timeout_seconds = {seconds}");
        self.limit = Some((Limit::TimeoutSeconds, message.into()));
    }

    /// The next item. One with the key of an earlier one is a line that says so, and none comes.
    fn next(
        &mut self,
        items: &mut impl Iterator<Item = (u64, BatchItem)>,
    ) -> Option<(u64, BatchItem)> {
        let (index, item) = items.next()?;
        let earlier = self
            .keys
            .as_mut()
            .and_then(|keys| keys.earlier(index, &item.key));
        let Some(first) = earlier else {
            return Some((index, item));
        };
        let error = SessionError::Inputs(not_unique(&item.key, first));
        self.line(impossible(&item, index, &error));
        None
    }

    /// Starts an item, unless it has ended before.
    fn begin(&mut self, item: BatchItem, index: u64, running: &mut JoinSet<ItemEnd>) {
        let found = match &self.account {
            Some(account) => account.find(&item, index),
            None => Ok(Begin::Fresh),
        };
        let (prior, sent) = match found {
            Ok(Begin::Fresh) => (None, None),
            Ok(Begin::GoOn(prior)) => (Some(*prior), None),
            Ok(Begin::Sent(sent)) => (None, Some(sent)),
            Ok(Begin::Ended(line)) => return self.line(*line),
            Err(error) => return self.line(impossible(&item, index, &error)),
        };
        let stop = self.stop_items.subscribe();
        let template = Arc::clone(&self.template);
        if template.elsewhere.is_some() {
            running.spawn(template.run_elsewhere(item, index, sent, stop));
        } else {
            running.spawn(template.run(item, index, prior, stop));
        }
    }

    /// An item that a limit keeps from starting.
    fn leave_out(&mut self, item: &BatchItem, index: u64) {
        let ended = match self
            .account
            .as_ref()
            .map(|account| account.find(item, index))
        {
            Some(Ok(Begin::Ended(line))) => Some(line),
            _ => None,
        };
        let line = ended.map_or_else(
            || {
                let (limit, message) = match &self.limit {
                    Some((limit, message)) => (Some(*limit), &**message),
                    None => (None, ""),
                };
                let kind = match limit {
                    Some(Limit::TimeoutSeconds) => ErrorKind::TimeoutError,
                    _ => ErrorKind::ResourceLimitError,
                };
                let status = RunOutcome::LimitExceeded;
                BatchLine::not_run(&item.key, index, status, kind, message)
            },
            |line| *line,
        );
        self.line(line);
    }

    fn ended(&mut self, end: ItemEnd) {
        if self.note.is_none() {
            self.note = end.note;
        }
        if self.limit.is_none() {
            self.limit = end.limit;
        }
        if !end.stopped || !self.stopped {
            self.line(end.line);
        }
    }

    /// Tells a line, once the earlier ones are told where they come in order.
    fn line(&mut self, line: BatchLine) {
        if !self.in_order {
            self.tell_line(&line);
            return;
        }
        self.early.insert(line.index, line);
        while let Some(line) = self.early.remove(&self.next_line) {
            self.next_line += 1;
            self.tell_line(&line);
        }
    }

    fn tell_line(&mut self, line: &BatchLine) {
        self.tally.add(line);
        let flow = (self.each)(BatchUpdate::Line(line));
        self.heed(flow);
    }
}

/// Whether a stop is asked for; never ends where nobody can.
async fn asked_to_stop(from: &mut watch::Receiver<bool>) -> bool {
    match from.wait_for(|stop| *stop).await {
        Ok(stop) => *stop,
        Err(_) => std::future::pending().await,
    }
}
