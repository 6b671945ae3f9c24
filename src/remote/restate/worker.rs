//! The worker: an HTTP/2 server that the engine calls.
//!
//! The engine calls a handler again whose worker died. So a call that must not be made twice is announced first: the
//! handler has the engine record who begins it, and waits until that is durable. A handler that is run again finds that
//! record with another one's name: the call may have happened, and is not made again.
//!
//! Items of batches have that in their own records, see [`item_handler`](super::item_handler).

use super::batch_objects::{Batches, Budgets};
use super::framed::Framed;
use super::item_handler::run_item;
use super::{CALL, ITEM, MARK};
use crate::remote::serve::{Served, Verdict};
use crate::remote::wire::{CallReply, CallRequest, Outcome};
use crate::session::{ItemReply, ItemRequest, ItemServer};
use futures::FutureExt;
use restate_sdk::context::{Context, ContextSideEffects, RunFuture};
use restate_sdk::endpoint::{Endpoint, HandlerOptions, ServiceOptions};
use restate_sdk::errors::HandlerError;
use restate_sdk::http_server::HttpServer;
use restate_sdk::serde::Json;
use restate_sdk::service::IntoServiceDefinition;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::net::TcpListener;

/// How long the engine keeps the result of a call: a run can be resumed that long.
pub const RETENTION: Duration = Duration::from_hours(24 * 30);

/// How long a call may take without a word to the engine. It has its own time limit.
const LONGEST_CALL: Duration = Duration::from_hours(24 * 7);

/// How often the engine looks for a worker, and the first and the longest pause between: about a minute together. After
/// that the call is given up; one that nobody has begun can be made again.
const ATTEMPTS: u64 = 40;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How often the engine looks for a worker for an item, and the longest pause between: what an item has done is on record,
/// so it is not given up while no worker is there.
const ITEM_ATTEMPTS: u64 = 1_000_000;
const LONGEST_ITEM_PAUSE: Duration = Duration::from_secs(5);

struct Worker {
    calls: Served,
    items: ItemServer,
}

/// What the engine records before a call is made.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Begun {
    /// It is about to be made.
    By {
        /// By whom: one run of one handler.
        who: String,
        /// Whether it may be made again.
        repeatable: bool,
    },
    /// It is not made.
    Refused(String),
}

#[restate_sdk::service(name = "Plandeck", client_visibility = "pub(crate)")]
impl Worker {
    /// Makes one call of a tool.
    #[handler]
    async fn call(
        &self,
        context: Context<'_>,
        request: Json<CallRequest>,
    ) -> Result<Json<CallReply>, HandlerError> {
        let Json(request) = request;
        let me = uuid::Uuid::now_v7().to_string();
        let begun = context.run(|| async {
            Ok(Json(match self.calls.judge(&request) {
                Verdict::Make { repeatable } => Begun::By {
                    who: me.clone(),
                    repeatable,
                },
                Verdict::Refuse(why) => Begun::Refused(why),
            }))
        });
        let Json(begun) = begun.name("begin").await?;
        Ok(Json(match begun {
            Begun::Refused(why) => self.calls.reply(Outcome::Refused { why }),
            Begun::By { who, repeatable } => {
                // Whoever runs the handler again has to come here too, as the journal of the engine says.
                let made = context.run(|| async {
                    Ok(Json(if who == me || repeatable {
                        self.calls.carry_out(&request).await
                    } else {
                        self.calls.reply(Outcome::Unknown)
                    }))
                });
                let Json(reply) = made.name(&*request.tool).await?;
                reply
            }
        }))
    }

    /// Runs one item of a batch.
    #[handler]
    async fn item(
        &self,
        context: Context<'_>,
        request: Framed<ItemRequest>,
    ) -> Result<Framed<ItemReply>, HandlerError> {
        run_item(&self.items, &context, request).await
    }

    #[allow(clippy::unused_async, reason = "handlers are asynchronous")]
    /// Does nothing: whoever finds it in the engine later knows that the engine has its data still.
    #[handler]
    async fn mark(&self, _context: Context<'_>) -> Result<(), HandlerError> {
        Ok(())
    }
}

/// Serves calls and items until `stop` is done; calls that are being made then have 10 s to end.
pub async fn serve(
    calls: Served,
    items: ItemServer,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send,
) {
    let call = HandlerOptions::new()
        .inactivity_timeout(LONGEST_CALL)
        .abort_timeout(LONGEST_CALL)
        .retry_policy_initial_interval(FIRST_PAUSE)
        .retry_policy_exponentiation_factor(2.0)
        .retry_policy_max_interval(LONGEST_PAUSE)
        .retry_policy_max_attempts(ATTEMPTS)
        .retry_policy_kill_on_max_attempts();
    let item = HandlerOptions::new()
        .inactivity_timeout(LONGEST_CALL)
        .abort_timeout(LONGEST_CALL)
        .journal_retention(Duration::ZERO)
        .retry_policy_initial_interval(FIRST_PAUSE)
        .retry_policy_exponentiation_factor(2.0)
        .retry_policy_max_interval(LONGEST_ITEM_PAUSE)
        .retry_policy_max_attempts(ITEM_ATTEMPTS)
        .retry_policy_pause_on_max_attempts();
    let options = ServiceOptions::new()
        .idempotency_retention(RETENTION)
        .handler(CALL, call)
        .handler(ITEM, item)
        .handler(MARK, HandlerOptions::new());
    let worker = Worker { calls, items };
    let service = worker.into_service_definition().options(options);
    let endpoint = Endpoint::builder()
        .bind(service)
        .bind(Batches)
        .bind(Budgets);
    let endpoint = endpoint.build();
    HttpServer::new(endpoint)
        .serve_with_cancel(listener, stop.boxed())
        .await;
}
