//! The embedded engine at work on one item, step by step: what it has done is told in pieces, and it waits until each is on
//! record elsewhere.

use super::funds::ItemFunds;
use super::outbox::{Outbox, OutboxSink};
use super::wire::{FundsAnswer, ItemStep, Settlement};
use crate::run::{Limit, RunCommand, RunEvent, RunState};
use crate::session::prepared::{CommandSender, PreparedRun};
use crate::store::EventPacker;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// The bytes of one step, more or less.
const PIECE: usize = 4 << 20;
/// Events that are packed in one piece.
const PACKED: usize = 1024;

/// The first and the longest pause between two requests for money that others hold.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How long a step takes at most: whoever drives the run learns only between two steps that it is to be stopped. The longer
/// nothing has happened, the longer it takes.
const FIRST_LOOK: Duration = Duration::from_secs(1);
const LAST_LOOK: Duration = Duration::from_secs(15);

/// A run of an item. Dropping it ends whatever it has started.
pub(super) struct ItemRun {
    outbox: Arc<Outbox>,
    funds: Option<Arc<ItemFunds>>,
    commands: CommandSender,
    engine: JoinSet<RunState>,
    packer: EventPacker,
    /// What was told and is not known to be on record: the bytes, and the number after the last event.
    told: Option<(Vec<u8>, u64)>,
    /// When money is asked for again.
    ask_at: Option<Instant>,
    pause: Duration,
    /// When something has happened last.
    changed_at: Instant,
}

impl Drop for ItemRun {
    fn drop(&mut self) {
        // The engine may wait for this on a thread of its own.
        self.outbox.close();
    }
}

impl ItemRun {
    /// Starts a run that goes on after `before`, of which `recorded` bytes are on record.
    pub(super) fn start(
        prepared: PreparedRun,
        before: &[RunEvent],
        recorded: usize,
        funds: Option<Arc<ItemFunds>>,
    ) -> Self {
        let outbox = Outbox::after(recorded);
        let prepared = prepared.with_sink(OutboxSink(Arc::clone(&outbox)));
        let (commands, running) = prepared.run_with_commands();
        let mut engine = JoinSet::new();
        engine.spawn(running);
        Self {
            outbox,
            funds,
            commands,
            engine,
            packer: EventPacker::after(before),
            told: None,
            ask_at: None,
            pause: FIRST_PAUSE,
            changed_at: Instant::now(),
        }
    }

    /// Stops the run, which then ends as cancelled.
    pub(super) fn stop(&self) {
        // Fails if the run has ended already.
        let _ = self.commands.send(RunCommand::Stop);
    }

    /// What comes next, with events as bytes. Cancel-safe: a step that was not [recorded](Self::recorded) is told again.
    pub(super) async fn next(&mut self) -> (ItemStep, Vec<u8>) {
        if let Some((bytes, _)) = &self.told {
            return (ItemStep::Events, bytes.clone());
        }
        let quiet = self.changed_at.elapsed() / 4;
        let look = Instant::now() + quiet.clamp(FIRST_LOOK, LAST_LOOK);
        loop {
            let is_over = self.engine.is_empty();
            if is_over || self.outbox.is_due() {
                let bytes = self.pack();
                let ends = is_over && self.outbox.is_empty();
                let step = if ends { self.end() } else { ItemStep::Events };
                return (step, bytes);
            }
            let request = self.funds.as_ref().and_then(|funds| funds.request());
            let is_time = self.ask_at.is_none_or(|at| at <= Instant::now());
            if let Some(request) = request.filter(|_| is_time) {
                return (ItemStep::Funds(request), self.pack());
            }
            tokio::select! {
                biased;
                _ = self.engine.join_next() => {}
                () = self.outbox.due.notified() => {}
                () = asked(self.funds.as_deref()) => {}
                () = until(self.ask_at), if self.ask_at.is_some() => self.ask_at = None,
                () = sleep_until(look) => return (ItemStep::Events, self.pack()),
            }
        }
    }

    /// Packs events up to about a piece.
    fn pack(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut end = None;
        while bytes.len() < PIECE {
            let events = self.outbox.take(PACKED);
            let Some(last) = events.last() else {
                break;
            };
            end = Some(last.seq + 1);
            bytes.extend(self.packer.pack(&events));
        }
        if let Some(end) = end {
            self.changed_at = Instant::now();
            self.told = Some((bytes.clone(), end));
        }
        bytes
    }

    fn end(&self) -> ItemStep {
        ItemStep::Ended {
            settlement: self.settlement(),
            limit: self.refusal(),
        }
    }

    /// The step that was told last is on record.
    pub(super) fn recorded(&mut self) {
        if let Some((bytes, end)) = self.told.take() {
            self.outbox.recorded(end, bytes.len());
        }
    }

    /// The answer to a request for money and calls.
    pub(super) fn answer(&mut self, answer: FundsAnswer) {
        let Some(funds) = &self.funds else {
            return;
        };
        let waits = answer.verdict == super::wire::FundsVerdict::Wait;
        funds.answered(answer);
        if waits {
            self.ask_at = Some(Instant::now() + self.pause);
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        } else {
            (self.ask_at, self.pause) = (None, FIRST_PAUSE);
        }
    }

    /// What the run has used of what it shares with others.
    pub(super) fn settlement(&self) -> Option<Settlement> {
        self.funds.as_ref().map(|funds| funds.settlement())
    }

    fn refusal(&self) -> Option<(Limit, Arc<str>)> {
        self.funds.as_ref().and_then(|funds| funds.refusal())
    }
}

async fn asked(funds: Option<&ItemFunds>) {
    match funds {
        Some(funds) => funds.asks.notified().await,
        None => std::future::pending().await,
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
