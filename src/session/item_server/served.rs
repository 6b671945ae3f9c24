//! One item that is run for a process elsewhere: what is on record of it, and its run where that is going on here.

use super::definition::{ItemServer, ServedBatch, from_hex};
use super::funds::ItemFunds;
use super::item_run::ItemRun;
use super::wire::{BatchDefinition, FundsAnswer, ItemReply, ItemRequest, ItemStep, Settlement};
use crate::engine::StepDigest;
use crate::run::{RunEvent, RunState};
use crate::session::continuation::Continuation;
use crate::session::execution::{Execution, OfBatch};
use crate::session::resume::PriorRun;
use crate::store::{BatchMark, EventUnpacker};
use crate::units::Money;
use serde_json::Value;
use std::sync::Arc;

/// The run of an item, driven from outside: [`next`](Self::next) says what comes next, [`recorded`](Self::recorded) that it
/// is on record. After a crash a new one is told what had been recorded, in the same order.
pub struct ServedItem {
    server: ItemServer,
    /// Its name, by which it is known to the account of the batch.
    item: Arc<str>,
    request: ItemRequest,
    /// The events of an earlier run that goes on.
    before: Vec<u8>,
    /// Those on record since then.
    recorded: Vec<u8>,
    /// What was granted.
    granted: Option<(Money, u64)>,
    stops: bool,
    run: Option<ItemRun>,
    end: Option<ItemReply>,
}

impl ServedItem {
    /// The item that `request` describes, which goes on after the events `before`. `item` is its name in all processes.
    pub fn new(server: &ItemServer, item: &str, request: ItemRequest, before: Vec<u8>) -> Self {
        Self {
            server: server.clone(),
            item: item.into(),
            request,
            before,
            recorded: Vec::new(),
            granted: None,
            stops: false,
            run: None,
            end: None,
        }
    }

    /// The digest of the definition that it needs.
    pub fn definition(&self) -> &Arc<str> {
        &self.request.definition
    }

    /// The batch that it belongs to.
    pub fn batch(&self) -> &Arc<str> {
        &self.request.batch
    }

    /// What comes next, with events of the run. It has to be put on record; until then it is told again.
    pub async fn next(&mut self) -> (ItemStep, Vec<u8>) {
        if self.run.is_none() {
            let started = match self.server.batch(&self.request.definition) {
                None => return (ItemStep::Definition, Vec::new()),
                Some(Ok(batch)) => self.start(&batch),
                Some(Err(why)) => Err(why.to_string()),
            };
            match started {
                Ok(run) => self.run = Some(run),
                Err(why) => {
                    let settlement = self.settlement_of_record();
                    return (ItemStep::Refused { why, settlement }, Vec::new());
                }
            }
        }
        match &mut self.run {
            Some(run) => run.next().await,
            None => std::future::pending().await,
        }
    }

    /// This step is on record with these events.
    pub fn recorded(&mut self, step: &ItemStep, events: &[u8]) {
        self.recorded.extend_from_slice(events);
        if let Some(run) = &mut self.run {
            run.recorded();
        }
        self.end = match step {
            ItemStep::Ended { limit, .. } => Some(ItemReply::Ended {
                limit: limit.clone(),
            }),
            ItemStep::Refused { why, .. } => Some(ItemReply::Refused { why: why.clone() }),
            _ => None,
        };
    }

    /// How it ended, with the events of its run, once it has.
    pub fn take_reply(&mut self) -> Option<(ItemReply, Vec<u8>)> {
        let end = self.end.take()?;
        self.run = None;
        Some((end, std::mem::take(&mut self.recorded)))
    }

    /// Takes in the definition of the batch.
    pub fn define(&mut self, definition: BatchDefinition) {
        self.server.define(&self.request.definition, definition);
    }

    /// Takes in the answer to a request for money and calls.
    pub fn answer(&mut self, answer: FundsAnswer) {
        self.granted = Some((answer.total, answer.calls));
        if let Some(run) = &mut self.run {
            run.answer(answer);
        }
    }

    /// Stops the run, which then ends as cancelled.
    pub fn stop(&mut self) {
        self.stops = true;
        if let Some(run) = &self.run {
            run.stop();
        }
    }

    /// The events on record, and how many of them are of an earlier run.
    fn events(&self) -> Result<(Vec<RunEvent>, usize), String> {
        let mut unpacker = EventUnpacker::default();
        let unreadable = |error| {
            format!(
                "the record of the item cannot be read here ({error}): run the same version of plandeck on both sides"
            )
        };
        let mut events = unpacker.unpack(&self.before).map_err(unreadable)?;
        let before = events.len();
        events.extend(unpacker.unpack(&self.recorded).map_err(unreadable)?);
        Ok((events, before))
    }

    fn start(&self, batch: &ServedBatch) -> Result<ItemRun, String> {
        let request = &self.request;
        let (events, before) = self.events()?;
        let mut execution = Execution::of(Arc::clone(&batch.plan), batch.worker.clone());
        execution.context = Value::Object(request.context.clone());
        execution.settings = batch.settings(request.index, request.timeout_seconds);
        execution.run_id = Some(Arc::clone(&request.run_id));
        let definition = &batch.definition;
        let calls_before = usage(&events[..before]).1;
        let funds = definition.is_limited().then(|| {
            let of_batch = usage(&events[..before]);
            let now = usage(&events);
            let used = (now.0 - of_batch.0, now.1 - calls_before);
            let calls = definition.limits.max_tool_calls.map_or(u64::MAX, |_| 0);
            let granted = self.granted.unwrap_or((Money::ZERO, calls));
            let steps = batch.plan.steps.len() as u64;
            Arc::new(ItemFunds::new(&self.item, granted, used, steps))
        });
        let mut shared = batch.shared.clone();
        if let Some(funds) = &funds {
            shared = shared.with_funds(Arc::clone(funds) as _);
        }
        execution.of_batch = Some(Box::new(OfBatch {
            shared,
            mark: BatchMark {
                batch: Arc::clone(&request.batch),
                key: Arc::clone(&request.key),
                index: request.index,
            },
            toolbox: Arc::clone(&batch.toolbox),
            connections: None,
        }));
        if !events.is_empty() {
            let is_first = self.recorded.is_empty();
            // What this process left is to be found out as after any crash; what is asked for is of the earlier run.
            if is_first {
                execution.unknown = request.unknown;
            }
            let continuation = Continuation {
                retry_failed: request.retry_failed && is_first,
                ..Continuation::default()
            };
            let steps = is_first.then(|| self.steps_before()).flatten();
            let steps = steps.unwrap_or_else(|| batch.steps.clone());
            let prior = PriorRun::of_events(&request.run_id, &events, steps, continuation);
            execution.prior = Some(prior);
        }
        let prepared = execution.prepare().map_err(|error| error.to_string())?;
        let run = ItemRun::start(prepared, &events, self.recorded.len(), funds);
        if self.stops {
            run.stop();
        }
        Ok(run)
    }

    fn steps_before(&self) -> Option<Vec<StepDigest>> {
        let steps = &self.request.steps_before;
        let known: Option<Vec<_>> = steps.iter().map(|text| from_hex(text)).collect();
        known.filter(|steps| !steps.is_empty())
    }

    /// What the run had used when it went no further.
    fn settlement_of_record(&self) -> Option<Settlement> {
        self.granted?;
        let (events, before) = self.events().ok()?;
        let (of_batch, now) = (usage(&events[..before]), usage(&events));
        Some(Settlement {
            item: Arc::clone(&self.item),
            spent: now.0 - of_batch.0,
            calls: now.1 - of_batch.1,
        })
    }
}

/// The events of a run from the replies to all its requests, in their order; what cannot be read is left out, with what
/// follows.
pub fn unpacked<'a>(replies: impl IntoIterator<Item = &'a [u8]>) -> Vec<RunEvent> {
    let mut unpacker = EventUnpacker::default();
    let mut events = Vec::new();
    for reply in replies {
        match unpacker.unpack(reply) {
            Ok(more) => events.extend(more),
            Err(_) => break,
        }
    }
    events
}

/// The money and the calls that a run has used, with the most that calls can have cost which were cut off.
fn usage(events: &[RunEvent]) -> (Money, u64) {
    let state = RunState::from_events(events);
    let calls = state
        .steps
        .iter()
        .map(|row| row.attempts.len() as u64)
        .sum();
    (state.ledger(), calls)
}
