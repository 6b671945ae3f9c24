//! Sends items of a batch to the engine, and waits for their ends.

use super::address::RestateAddress;
use super::batch::{BatchRecord, BatchStart, BudgetStart};
use super::client::{ClientError, Known};
use super::connection::{Connection, LONGEST_PAUSE, LOST_DATA, Pauses, SendFault};
use super::framed::Framed;
use super::handle::Handle;
use super::{BATCHES, BUDGETS, ITEM};
use crate::session::{BatchElsewhere, EndElsewhere, ItemEngine, ItemReply, ItemRequest};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::watch;
use tokio::time::sleep;

/// Has items of batches run by workers behind a Restate server.
#[derive(Clone)]
pub struct RestateItems {
    connection: Arc<Connection>,
    note: Arc<dyn Fn(&str) + Send + Sync>,
}

impl RestateItems {
    /// Looks whether the engine can be reached and has a worker. `note` is told what keeps items from being run.
    ///
    /// # Errors
    /// What is missing, and what to do.
    pub async fn connect(
        address: RestateAddress,
        note: impl Fn(&str) + Send + Sync + 'static,
    ) -> Result<Self, ClientError> {
        Ok(Self {
            connection: Arc::new(Connection::open(address).await?),
            note: Arc::new(note),
        })
    }
}

impl ItemEngine for RestateItems {
    fn address(&self) -> &str {
        self.connection.client.address.as_str()
    }

    fn begin<'a>(&'a self, batch: &'a BatchElsewhere) -> BoxFuture<'a, Result<(), String>> {
        async move {
            let client = &self.connection.client;
            let id = &batch.batch;
            let definition = &batch.definition;
            let budget = BudgetStart {
                limits: definition.limits.clone(),
                track_cost: definition.track_cost,
                spent: batch.spent,
            };
            let start = BatchStart {
                record: BatchRecord::of(batch),
                digest: definition.digest(),
                definition: definition.clone(),
            };
            let tell = |object, body: Value| async move {
                let told = client.tell(object, (id, "begin"), &body).await;
                told.map_err(|error| match error {
                    ClientError::NotFound(_) => {
                        "the registered worker runs no batches: start one of this version of plandeck, and register it"
                            .to_owned()
                    }
                    error => error.to_string(),
                })
            };
            tell(BUDGETS, json!(budget)).await?;
            tell(BATCHES, json!(start)).await
        }
        .boxed()
    }

    fn handle(&self, name: &str, time: u32) -> Arc<str> {
        let handle = Handle::new(name, time, &self.connection.mark);
        handle.to_text().into()
    }

    fn run(
        &self,
        handle: Arc<str>,
        request: ItemRequest,
        before: Vec<u8>,
        mut stop: watch::Receiver<bool>,
    ) -> BoxFuture<'static, EndElsewhere> {
        let this = self.clone();
        async move {
            let Some(handle) = Handle::read(&handle) else {
                return EndElsewhere::Lost("another engine has the item".to_owned());
            };
            let framed = Framed {
                head: request,
                data: before,
            };
            let body = match framed.to_bytes() {
                Ok(body) => body,
                Err(error) => return EndElsewhere::NotSent(error.to_string()),
            };
            let running = this.ended(&handle, &body);
            tokio::pin!(running);
            tokio::select! {
                ended = &mut running => return ended,
                () = asked(&mut stop) => {}
            }
            tokio::select! {
                ended = &mut running => ended,
                ended = this.stopped(&handle.key) => ended,
            }
        }
        .boxed()
    }

    fn end<'a>(&'a self, batch: &'a str) -> BoxFuture<'a, ()> {
        async move {
            let client = &self.connection.client;
            if let Err(error) = client.tell(BATCHES, (batch, "end"), &Value::Null).await {
                tracing::warn!(batch, %error, "the engine does not know that the batch is over");
            }
        }
        .boxed()
    }
}

/// Waits until a stop is asked for.
async fn asked(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}

impl RestateItems {
    /// Sends an item, unless the engine has it, and waits for its end.
    async fn ended(&self, handle: &Handle, body: &[u8]) -> EndElsewhere {
        let connection = &self.connection;
        // An earlier process recorded the handle, and may have died before it had sent the item.
        let may_be_there = handle.mark != connection.mark;
        let is_there = may_be_there
            && match self.is_there(handle).await {
                Ok(is_there) => is_there,
                Err(end) => return end,
            };
        if !is_there {
            match connection.send(ITEM, handle, body, &*self.note).await {
                Ok(_) => {}
                Err(SendFault::Unreachable(why) | SendFault::Refused(why)) => {
                    return EndElsewhere::NotSent(why);
                }
                Err(SendFault::LostData) => return EndElsewhere::Lost(LOST_DATA.to_owned()),
            }
        }
        let body = match connection.end_of(ITEM, &handle.key, &*self.note).await {
            Ok(body) => body,
            Err(ClientError::NotFound(_)) => return EndElsewhere::Lost(LOST_DATA.to_owned()),
            Err(error) => {
                return EndElsewhere::Lost(format!("the engine has given the item up: {error}"));
            }
        };
        match Framed::<ItemReply>::read(&body) {
            Ok(reply) => EndElsewhere::Replied(reply.head, reply.data),
            Err(error) => EndElsewhere::Lost(format!(
                "the answer of the worker cannot be read ({error}); run the same version of plandeck on both sides"
            )),
        }
    }

    /// Whether the engine has an item that an earlier process may have sent.
    async fn is_there(&self, handle: &Handle) -> Result<bool, EndElsewhere> {
        let client = &self.connection.client;
        let mut pauses = Pauses::new();
        loop {
            let has = match client.look_up(ITEM, &handle.key).await {
                Ok(Known::Ended(_) | Known::Running) => return Ok(true),
                Err(ClientError::NotFound(_)) => client.has_mark(&handle.mark).await,
                // It has ended without a reply; waiting for its end says how.
                Err(ClientError::Failed(_) | ClientError::Refused(_)) => return Ok(true),
                Err(lost) => Err(lost),
            };
            match has {
                Ok(true) => return Ok(false),
                Ok(false) => return Err(EndElsewhere::Lost(LOST_DATA.to_owned())),
                Err(_) => {
                    pauses.wait().await;
                }
            }
        }
    }

    /// Asks for the end of an item until the engine has heard. It never ends itself: the item does.
    async fn stopped(&self, key: &str) -> EndElsewhere {
        while let Err(error) = self.connection.client.cancel(ITEM, key).await {
            tracing::warn!(key, %error, "an item cannot be stopped at the engine");
            sleep(LONGEST_PAUSE).await;
        }
        std::future::pending().await
    }
}
