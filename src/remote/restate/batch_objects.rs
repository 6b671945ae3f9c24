//! What the engine keeps of a batch beside its items: what it is, and its money. Each is an object with one writer.

use super::batch::{BatchRecord, BatchStart, BudgetStart};
use super::{DEFINITION, RECORD};
use crate::session::{BatchDefinition, FundsAnswer, FundsRequest, Ledger, Settlement};
use restate_sdk::context::{
    ContextReadState, ContextWriteState, ObjectContext, SharedObjectContext,
};
use restate_sdk::errors::{HandlerError, TerminalError};
use restate_sdk::serde::Json;

/// Where the account of a batch is kept.
const LEDGER: &str = "ledger";

/// What each batch is.
pub(super) struct Batches;

#[restate_sdk::object(name = "PlandeckBatch", client_visibility = "pub(crate)")]
impl Batches {
    /// A batch begins or is resumed.
    #[handler]
    async fn begin(
        &self,
        context: ObjectContext<'_>,
        start: Json<BatchStart>,
    ) -> Result<(), HandlerError> {
        let Json(start) = start;
        let before = context.get::<Json<BatchRecord>>(RECORD).await?;
        let mut record = start.record;
        if let Some(Json(before)) = before {
            record.started = before.started;
        }
        context.set(RECORD, Json(record));
        context.set(
            &format!("{DEFINITION}{}", start.digest),
            Json(start.definition),
        );
        Ok(())
    }

    /// Nothing more is sent of it.
    #[handler]
    async fn end(&self, context: ObjectContext<'_>) -> Result<(), HandlerError> {
        if let Some(Json(mut record)) = context.get::<Json<BatchRecord>>(RECORD).await? {
            record.open = false;
            context.set(RECORD, Json(record));
        }
        Ok(())
    }

    /// One of its definitions.
    #[handler]
    async fn definition(
        &self,
        context: SharedObjectContext<'_>,
        digest: String,
    ) -> Result<Json<BatchDefinition>, HandlerError> {
        let key = format!("{DEFINITION}{digest}");
        let known = context.get::<Json<BatchDefinition>>(&key).await?;
        let gone = || {
            TerminalError::new(
                "the engine does not know the batch any more: resume it, so that it is sent again",
            )
        };
        Ok(known.ok_or_else(gone)?)
    }
}

/// The money and the calls of each batch.
pub(super) struct Budgets;

#[restate_sdk::object(name = "PlandeckBudget", client_visibility = "pub(crate)")]
impl Budgets {
    /// A batch begins or is resumed with these limits.
    #[handler]
    async fn begin(
        &self,
        context: ObjectContext<'_>,
        start: Json<BudgetStart>,
    ) -> Result<(), HandlerError> {
        let Json(start) = start;
        let mut ledger = ledger(&context).await?;
        ledger.begin(&start.limits, start.track_cost, start.spent);
        context.set(LEDGER, Json(ledger));
        Ok(())
    }

    /// A run needs money or calls.
    #[handler]
    async fn reserve(
        &self,
        context: ObjectContext<'_>,
        request: Json<FundsRequest>,
    ) -> Result<Json<FundsAnswer>, HandlerError> {
        let Json(request) = request;
        let mut ledger = ledger(&context).await?;
        let answer = ledger.reserve(&request);
        context.set(LEDGER, Json(ledger));
        Ok(Json(answer))
    }

    /// A run is over.
    #[handler]
    async fn settle(
        &self,
        context: ObjectContext<'_>,
        settlement: Json<Settlement>,
    ) -> Result<(), HandlerError> {
        let Json(settlement) = settlement;
        let mut ledger = ledger(&context).await?;
        ledger.settle(&settlement);
        context.set(LEDGER, Json(ledger));
        Ok(())
    }
}

async fn ledger(context: &ObjectContext<'_>) -> Result<Ledger, HandlerError> {
    let known = context.get::<Json<Ledger>>(LEDGER).await?;
    Ok(known.map(Json::into_inner).unwrap_or_default())
}
