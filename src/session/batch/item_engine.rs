//! Where the items of a batch are run instead of in this process.

use crate::session::item_server::{BatchDefinition, ItemReply, ItemRequest};
use crate::units::Money;
use futures::future::BoxFuture;
use std::sync::Arc;
use tokio::sync::watch;

/// An engine of durable runs, behind which other processes run items ([`ItemServer`](crate::session::ItemServer)).
pub trait ItemEngine: Send + Sync {
    /// Where that is, for users: `restate://127.0.0.1:8080`.
    fn address(&self) -> &str;

    /// Makes a batch known that begins or is resumed. The error says what is wrong, and what to do.
    fn begin<'a>(&'a self, batch: &'a BatchElsewhere) -> BoxFuture<'a, Result<(), String>>;

    /// The handle under which an item, which is called by this name in all batches, is sent the `time`th time, from 1.
    fn handle(&self, name: &str, time: u32) -> Arc<str>;

    /// Has an item run, once for each handle, and waits for its end; `before` are the events of an earlier run that goes on.
    /// Once `stop` says so, the run is stopped, and ends as cancelled.
    fn run(
        &self,
        handle: Arc<str>,
        request: ItemRequest,
        before: Vec<u8>,
        stop: watch::Receiver<bool>,
    ) -> BoxFuture<'static, EndElsewhere>;

    /// Says that nothing more is sent of a batch.
    fn end<'a>(&'a self, batch: &'a str) -> BoxFuture<'a, ()>;
}

/// A batch as the engine is told of it.
#[derive(Clone, Debug)]
pub struct BatchElsewhere {
    /// Its id.
    pub batch: Arc<str>,
    /// The plan's name.
    pub plan: Arc<str>,
    /// When it started, RFC 3339.
    pub started_at: Arc<str>,
    /// How many items it has, where that is known.
    pub items: Option<u64>,
    /// The ids of the plan's steps.
    pub steps: Vec<Arc<str>>,
    /// What its items have in common.
    pub definition: BatchDefinition,
    /// What was spent before.
    pub spent: Money,
}

/// How the run of an item ended at an engine.
#[derive(Debug)]
pub enum EndElsewhere {
    /// A process has run it: how it ended, and its events.
    Replied(ItemReply, Vec<u8>),
    /// The engine has not taken it, so that nothing has happened.
    NotSent(String),
    /// Nobody knows: the engine has lost it.
    Lost(String),
}
