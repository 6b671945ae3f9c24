//! Items of a batch that are run elsewhere: behind an engine that keeps one run for each handle.
//!
//! The handle is on record here before an item is sent. Whoever resumes the batch asks the engine for the same handle, so
//! that nothing is run twice. What comes back is recorded as the runs of this machine are.

use super::account::{Account, Sent};
use super::item::{BatchItem, BatchLine};
use super::item_engine::{BatchElsewhere, EndElsewhere, ItemEngine};
use super::template::{Elsewhere, ItemEnd, Template, impossible};
use crate::engine::UnknownSteps;
use crate::run::{ErrorKind, ExecutionResult, RunError, RunEvent, RunOutcome, RunState};
use crate::session::item_server::{BatchDefinition, ItemReply, ItemRequest, hex};
use crate::session::recording::meta;
use crate::session::{Note, SessionError};
use crate::store::{
    BatchMark, EventPacker, EventUnpacker, Journal, JournalOptions, REMOTE, RunMeta, SendingRun,
    SentTo, record_sent,
};
use crate::tools::Toolbox;
use crate::units::Money;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;

/// The largest item that is sent, with what goes on of an earlier run, in bytes: the engine keeps what it is given.
const LARGEST: usize = 8 << 20;

impl Template {
    /// What its items have in common that are run elsewhere.
    pub(super) fn elsewhere(
        &self,
        engine: Arc<dyn ItemEngine>,
        definition: BatchDefinition,
        (started_at, items, spent): (Arc<str>, Option<u64>, Money),
    ) -> Elsewhere {
        let plan = &self.plan;
        Elsewhere {
            engine,
            digest: definition.digest(),
            batch: BatchElsewhere {
                batch: Arc::clone(&self.batch),
                plan: Arc::clone(&plan.name),
                started_at,
                items,
                steps: plan.steps.iter().map(|step| step.id.clone()).collect(),
                definition,
                spent,
            },
            meta: RunMeta {
                was_sent: true,
                ..meta(plan, &*self.toolbox, self.provenance.clone())
            },
        }
    }

    /// Runs an item elsewhere, again where it fails and retries are left.
    pub(super) async fn run_elsewhere(
        self: Arc<Self>,
        item: BatchItem,
        index: u64,
        mut sent: Option<Box<Sent>>,
        mut stop: watch::Receiver<bool>,
    ) -> ItemEnd {
        let mut left = self.retries;
        let mut again = false;
        loop {
            let end = self.once_elsewhere(&item, index, sent.take(), again, &mut stop);
            let end = match end.await {
                Ok(end) => end,
                Err(error) => ItemEnd::of(impossible(&item, index, &error)),
            };
            let fails = end.line.status == RunOutcome::Failed && end.line.run_id.is_some();
            if fails
                && left > 0
                && !end.stopped
                && let Some(home) = &self.home
                && let Ok(Some(known)) = Account::sent_in(home, &self.batch, &item)
            {
                left -= 1;
                again = true;
                sent = Some(Box::new(known));
                continue;
            }
            return end;
        }
    }

    async fn once_elsewhere(
        &self,
        item: &BatchItem,
        index: u64,
        sent: Option<Box<Sent>>,
        retry_failed: bool,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<ItemEnd, SessionError> {
        let (Some(elsewhere), Some(home)) = (&self.elsewhere, &self.home) else {
            return Err(SessionError::Elsewhere(
                "the batch is not recorded".to_owned(),
            ));
        };
        let mark = BatchMark {
            batch: Arc::clone(&self.batch),
            key: Arc::clone(&item.key),
            index,
        };
        let name = format!("{}/{index}/{}", mark.batch, mark.key);
        let retry_failed = retry_failed || sent.as_ref().is_some_and(|sent| sent.retry_failed);
        let mut before = sent.map_or_else(Before::default, |sent| Before::of(*sent));
        loop {
            let to = match &before.awaits {
                Some(to) => to.clone(),
                None => SentTo {
                    engine: elsewhere.engine.address().into(),
                    handle: elsewhere.engine.handle(&name, before.time + 1),
                    time: before.time + 1,
                    returned: false,
                },
            };
            let request = self.request(elsewhere, (item, &mark), &before, retry_failed)?;
            let bytes = EventPacker::after(&[]).pack(&before.events);
            refuse_unsendable(&request, bytes.len())?;
            if before.awaits.is_none() {
                let run = SendingRun {
                    run_id: &before.run_id,
                    plan: &self.plan.name,
                    mark: &mark,
                    to: &to,
                };
                record_sent(home, self.connections.as_ref(), run)?;
            }
            let handle = Arc::clone(&to.handle);
            let ended = elsewhere.engine.run(handle, request, bytes, stop.clone());
            match ended.await {
                EndElsewhere::Replied(reply, bytes) => {
                    return self.record(elsewhere, home, (item, mark), (before, to), reply, &bytes);
                }
                EndElsewhere::NotSent(why) => return Err(SessionError::Elsewhere(why)),
                // The user knows of it, and wants it to be sent again.
                EndElsewhere::Lost(_)
                    if before.awaits.is_some() && self.unknown == UnknownSteps::Rerun =>
                {
                    before.time = to.time;
                    before.awaits = None;
                }
                EndElsewhere::Lost(why) => {
                    return Err(SessionError::Elsewhere(format!(
                        "{why}, so the item may or may not have run, and it was not sent again; find out, then resume the \
                         batch, with --unknown rerun to send it again"
                    )));
                }
            }
        }
    }

    fn request(
        &self,
        elsewhere: &Elsewhere,
        (item, mark): (&BatchItem, &BatchMark),
        before: &Before,
        retry_failed: bool,
    ) -> Result<ItemRequest, SessionError> {
        if self
            .toolbox
            .secrets()
            .now()
            .redacted(&Value::Object(item.context.clone()))
            .is_some()
        {
            return Err(SessionError::Elsewhere(
                "the item holds a secret, which the engine would keep: let the tools read it from the environment of the \
                 worker (${VAR} in the catalog)"
                    .to_owned(),
            ));
        }
        Ok(ItemRequest {
            batch: Arc::clone(&self.batch),
            definition: Arc::clone(&elsewhere.digest),
            key: Arc::clone(&item.key),
            index: mark.index,
            run_id: Arc::clone(&before.run_id),
            context: item.context.clone(),
            timeout_seconds: self.time_left(),
            retry_failed,
            unknown: self.unknown,
            steps_before: before.steps.clone(),
        })
    }

    /// Records what came back, and gives the line of the item.
    fn record(
        &self,
        elsewhere: &Elsewhere,
        home: &Path,
        (item, mark): (&BatchItem, BatchMark),
        (before, to): (Before, SentTo),
        reply: ItemReply,
        bytes: &[u8],
    ) -> Result<ItemEnd, SessionError> {
        let index = mark.index;
        // Where this process died while it recorded, what is on record is what comes back, in part.
        let first = EventUnpacker::first(bytes).unwrap_or(before.recorded);
        let mut known = before.events;
        known.truncate(usize::try_from(first).unwrap_or(usize::MAX));
        let new = EventUnpacker::after(&known).unpack(bytes).map_err(|error| {
            SessionError::Elsewhere(format!(
                "what came back cannot be read ({error}): run the same version of plandeck on both sides"
            ))
        })?;
        let mut state = RunState::from_events(&known);
        for event in &new {
            state.apply(event);
        }
        let mut note = None;
        if !new.is_empty() {
            let mut meta = elsewhere.meta.clone();
            if !meta.settings.is_object() {
                meta.settings = json!({});
            }
            meta.settings[REMOTE] = json!(to);
            meta.batch = Some(Box::new(mark.clone()));
            let run = (&*before.run_id, before.recorded);
            note = self.import(home, run, meta, new)?;
        }
        let (limit, refused) = match reply {
            ItemReply::Ended { limit } => (limit, None),
            ItemReply::Refused { why } => (None, Some(why)),
        };
        let has_ended = state.has_ended();
        let mut line = BatchLine::of(&item.key, index, ExecutionResult::of(&state));
        if !has_ended {
            let back = SentTo {
                returned: true,
                ..to
            };
            let run = SendingRun {
                run_id: &before.run_id,
                plan: &self.plan.name,
                mark: &mark,
                to: &back,
            };
            record_sent(home, self.connections.as_ref(), run)?;
            let why = refused.unwrap_or_else(|| {
                "the worker failed in the middle of the item; its log says how".to_owned()
            });
            line.run_id = Some(Arc::clone(&before.run_id)).filter(|_| state.header.is_some());
            line.status = RunOutcome::Failed;
            line.error = Some(Box::new(RunError::of_run(ErrorKind::PlanError, why)));
        }
        Ok(ItemEnd {
            stopped: line.status == RunOutcome::Cancelled,
            line,
            note,
            limit,
        })
    }

    /// Writes the events of a run as it would have written them itself. `recorded` of them are there already.
    fn import(
        &self,
        home: &Path,
        (run_id, recorded): (&str, u64),
        meta: RunMeta,
        mut events: Vec<RunEvent>,
    ) -> Result<Option<Note>, SessionError> {
        events.retain(|event| event.seq >= recorded);
        let options = JournalOptions {
            connections: self.connections.clone(),
            ..JournalOptions::default()
        };
        let open = match recorded {
            0 => Journal::begin,
            _ => Journal::go_on,
        };
        let mut journal = open(home, run_id, meta, options)?;
        let health = journal.health();
        crate::engine::EventSink::accept_shared(&mut journal, &Arc::new(events));
        drop(journal);
        let failure = health.failure();
        Ok(failure.map(|why| Note::JournalBroke(why.to_string())))
    }
}

/// Refuses what is too large to be kept by an engine.
fn refuse_unsendable(request: &ItemRequest, before: usize) -> Result<(), SessionError> {
    let size = serde_json::to_vec(request).map_or(0, |bytes| bytes.len()) + before;
    if size <= LARGEST {
        return Ok(());
    }
    Err(SessionError::Elsewhere(format!(
        "the item has {} MB, and the engine keeps what is sent to it: at most {} MB are sent; pass the place of the data \
         instead, or run the batch with --on local",
        size >> 20,
        LARGEST >> 20
    )))
}

/// What is known of an item before it is sent, or sent again.
struct Before {
    run_id: Arc<str>,
    /// Where it was sent, and has not come back from.
    awaits: Option<SentTo>,
    /// How many times it was sent.
    time: u32,
    /// The events with which its run goes on.
    events: Vec<RunEvent>,
    /// What its steps were then.
    steps: Vec<String>,
    /// How many events of it are on record.
    recorded: u64,
}

impl Default for Before {
    fn default() -> Self {
        Self {
            run_id: uuid::Uuid::now_v7().to_string().into(),
            awaits: None,
            time: 0,
            events: Vec::new(),
            steps: Vec::new(),
            recorded: 0,
        }
    }
}

impl Before {
    fn of(sent: Sent) -> Self {
        let awaits = sent.to.clone().filter(|_| sent.is_awaited);
        Self {
            run_id: sent.run_id,
            time: sent.to.map_or(0, |to| to.time),
            awaits,
            recorded: sent.events.len() as u64,
            steps: sent.steps.iter().map(hex).collect(),
            events: sent.events,
        }
    }
}
