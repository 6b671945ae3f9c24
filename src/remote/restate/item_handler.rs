//! Runs one item of a batch in one invocation.
//!
//! The embedded engine decides what happens; the invocation keeps the record. Each piece of it is a durable step of the
//! invocation, and the run waits until the piece is on record before it makes a call. Whoever runs the handler again gets
//! the same pieces back, in the same order, and goes on from there: a call that had begun and has no end on record is
//! unknown, or made again where that does no harm.

use super::batch_objects::{BatchesClient, BudgetsClient};
use super::framed::Framed;
use crate::session::{FundsRequest, ItemReply, ItemRequest, ItemServer, ItemStep, ServedItem};
use restate_sdk::context::{Context, ContextClient, ContextSideEffects, RunFuture};
use restate_sdk::errors::{HandlerError, TerminalError};
use restate_sdk::serde::Json;

/// The code of the error with which a handler is told that it is cancelled.
const CANCELLED: u16 = 409;

/// Runs an item to its end.
pub(super) async fn run_item(
    server: &ItemServer,
    context: &Context<'_>,
    request: Framed<ItemRequest>,
) -> Result<Framed<ItemReply>, HandlerError> {
    let name = context.idempotency_key().unwrap_or(context.invocation_id());
    let mut item = ServedItem::new(server, name, request.head, request.data);
    loop {
        let next = &mut item;
        let step = context.run(move || async move {
            let (head, data) = next.next().await;
            Ok(Framed { head, data })
        });
        let step = match step.name("events").await {
            Ok(step) => step,
            Err(error) if error.code() == CANCELLED => {
                item.stop();
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        item.recorded(&step.head, &step.data);
        let answered = match step.head {
            ItemStep::Events => Ok(()),
            ItemStep::Definition => define(context, &mut item).await,
            ItemStep::Funds(request) => ask(context, &mut item, request).await,
            ItemStep::Ended { settlement, .. } | ItemStep::Refused { settlement, .. } => {
                if let Some(settlement) = settlement {
                    let budget = context.object_client::<BudgetsClient>(&**item.batch());
                    budget.settle(Json(settlement)).send();
                }
                Ok(())
            }
        };
        match answered {
            Ok(()) => {}
            Err(error) if error.code() == CANCELLED => item.stop(),
            Err(error) => return Err(error.into()),
        }
        if let Some((head, data)) = item.take_reply() {
            return Ok(Framed { head, data });
        }
    }
}

/// Gets the definition of the batch, which no item of it has needed here yet.
async fn define(context: &Context<'_>, item: &mut ServedItem) -> Result<(), TerminalError> {
    let batch = context.object_client::<BatchesClient>(&**item.batch());
    let digest = item.definition().to_string();
    let Json(definition) = batch.definition(digest).call().await?;
    item.define(definition);
    Ok(())
}

/// Asks for money and calls.
async fn ask(
    context: &Context<'_>,
    item: &mut ServedItem,
    request: FundsRequest,
) -> Result<(), TerminalError> {
    let budget = context.object_client::<BudgetsClient>(&**item.batch());
    let Json(answer) = budget.reserve(Json(request)).call().await?;
    item.answer(answer);
    Ok(())
}
