//! One attempt on its own task: the call, its time limit and its cancellation.

use super::suspension::Suspension;
use super::waiting_time::WaitingTime;
use crate::run::ErrorKind;
use crate::tools::{Call, CallReport, CostBasis, Tool, ToolError};
use crate::units::Micros;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// How long a cancelled call may take to end by itself before it is dropped. Stopping a run has to end within
/// 2 s, the rest of which is for the last events.
const GRACE: Duration = Duration::from_millis(1500);

/// How long a server may take that is asked about a call by its handle.
pub(super) const LOOK_UP_LIMIT: Duration = Duration::from_mins(1);

/// How an attempt ended.
pub(super) struct AttemptDone {
    /// The time the call took.
    pub service: Micros,
    /// The call's result, cost and usage.
    pub report: Box<CallReport>,
    /// Whether it was stopped rather than ended.
    pub cancelled: bool,
}

impl AttemptDone {
    /// An attempt that took no time, because nothing was called.
    pub(super) fn free(report: CallReport) -> Self {
        Self {
            service: Micros(0),
            report: Box::new(report),
            cancelled: false,
        }
    }
}

/// The frame of one attempt.
pub(super) struct Bounds {
    /// The most time it may take.
    pub limit: Option<Duration>,
    /// How long it waits for others, which does not count against it.
    pub waiting_time: WaitingTime,
    /// Whether the call would run into that limit again.
    pub deterministic: bool,
    /// The start of the run. Service time is counted on the same clock as the events, so that it never
    /// exceeds what they show.
    pub origin: Instant,
    /// The moment of the attempt's first event.
    pub started: Micros,
    /// How long its code waits for calls that it makes: that time is not its own.
    pub suspension: Suspension,
}

impl Bounds {
    /// The time that the attempt has taken itself.
    fn taken(&self) -> Micros {
        let now = Micros::from(self.origin.elapsed());
        now - self.started - self.suspension.total(now)
    }
}

/// Makes the call.
pub(super) async fn attempt(tool: Arc<dyn Tool>, call: Call, bounds: Bounds) -> AttemptDone {
    let cancel = call.cancel.clone();
    let work = bounded(tool, call, &bounds);
    tokio::pin!(work);
    let (ended, cancelled) = tokio::select! {
        ended = &mut work => (Some(ended), false),
        () = cancel.cancelled() => {
            let ended = tokio::select! {
                ended = &mut work => Some(ended),
                () = sleep(GRACE) => None,
            };
            (ended, true)
        }
    };
    let report = ended.unwrap_or_else(|| unanswered(ToolError::permanent("stopped")));
    AttemptDone {
        service: bounds.taken(),
        report: Box::new(report),
        cancelled,
    }
}

async fn bounded(tool: Arc<dyn Tool>, mut call: Call, bounds: &Bounds) -> CallReport {
    let Some(limit) = bounds.limit else {
        return tool.call(call).await;
    };
    // Cancelled alone, the call is not taken for one that the user stopped.
    let cancel = call.cancel.child_token();
    call.cancel = cancel.clone();
    let work = tool.call(call);
    tokio::pin!(work);
    if let Some(report) = bounds.waiting_time.limited(limit, &mut work).await {
        report
    } else {
        // It ends what it started, as when a run is stopped.
        cancel.cancel();
        let ended = timeout(GRACE, work).await.ok();
        let seconds = limit.as_secs_f64();
        let mut message = format!("no answer within timeout_s = {seconds}");
        // The error of a model or a server says which one was asked, and how far it had come.
        if let Some(CallReport {
            output: Err(error),
            model,
            ..
        }) = &ended
            && (model.is_some() || error.kind == ErrorKind::TimeoutError)
        {
            message = format!("{message}: {}", error.message);
        }
        let error = ToolError {
            kind: ErrorKind::TimeoutError,
            message,
            retryable: !bounds.deterministic,
            retry_after: None,
        };
        let report = unanswered(error);
        match ended {
            Some(ended) => CallReport {
                model: ended.model,
                prompt: ended.prompt,
                answer: ended.answer,
                reasoning: ended.reasoning,
                first_token: ended.first_token,
                exchanges: ended.exchanges,
                ..report
            },
            None => report,
        }
    }
}

/// The error of a step whose tool panicked.
pub(super) fn panicked() -> ToolError {
    ToolError::permanent("the tool panicked, which is a defect in it")
}

/// The report of a call that was given up. It may have been billed: all that is reserved for it counts.
pub(super) fn unanswered(error: ToolError) -> CallReport {
    CallReport {
        basis: CostBasis::Reservation,
        ..CallReport::free(Err(error))
    }
}
