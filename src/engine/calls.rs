//! The calls that are running: each on its own task, with channels for its log, its budget requests and its end.
//!
//! Dropping this cancels every call and aborts its task.

mod code;

use super::attempt::{AttemptDone, Bounds, attempt, panicked, unanswered};
use super::suspension::Suspension;
use super::waiting_time::{OpenWait, WaitingTime};
use crate::plan::StepIx;
use crate::run::{Answer, LogStream};
use crate::text::held_memory::{CallMemory, HeldMemory};
use crate::tools::{
    Asker, Call, CallHandle, CallLog, CallReport, CodeAnswer, CodeRequest, NOBODY, SpendAuthorizer,
    Tool, ToolError,
};
use crate::units::{Micros, Money};
use futures::FutureExt;
use serde_json::Value;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Log entries that may wait for the engine; a tool that logs more in the meantime loses the excess.
const LOG_ENTRIES: usize = 1024;
/// Bytes that are kept of the log of one attempt. Everything kept is in memory while a dashboard is open, and
/// on disk after that.
const LOG_KEPT: u64 = 1 << 20;
/// Budget requests that may wait for the engine; a call that sends one more waits.
const QUESTIONS: usize = 64;

/// Something that a running call brought.
#[allow(
    clippy::large_enum_variant,
    reason = "it is passed on at once and never stored"
)]
pub(super) enum CallEvent {
    /// It logged something.
    Log(LogEntry),
    /// Its code asks for something.
    Code(CodeMessage),
    /// It asks whether it may cost this much in total; the answer is [`Calls::answer`].
    Asked(StepIx, Money),
    /// Its server gave it a handle, which it waits to have on record.
    Handle(GivenHandle),
    /// Its server asks the user something.
    Question(Asked),
    /// It ended.
    Ended(EndedCall),
}

/// One entry of a call's log.
pub(super) struct LogEntry {
    pub row: StepIx,
    pub attempt: u32,
    pub stream: LogStream,
    pub text: Arc<str>,
}

/// The handle that a server gave a call.
pub(super) struct GivenHandle {
    pub row: StepIx,
    pub attempt: u32,
    pub handle: Arc<str>,
    /// Told once it is on record.
    pub recorded: oneshot::Sender<()>,
}

/// What the server of a call asks the user.
pub(super) struct Asked {
    pub row: StepIx,
    pub attempt: u32,
    pub question: crate::run::Question,
    /// Takes the answer, or why there is none.
    pub answer: oneshot::Sender<Result<Answer, String>>,
}

/// How a call ended.
pub(super) struct EndedCall {
    pub row: StepIx,
    pub done: AttemptDone,
    /// Whether it could cost or change something.
    pub has_effect: bool,
    /// When the call began.
    pub started: Micros,
    /// Whether it was to stop, although it may have ended by itself.
    pub stopped: bool,
}

/// What the code of a call asks for.
pub(super) struct CodeMessage {
    pub row: StepIx,
    pub attempt: u32,
    pub request: CodeRequest,
}

/// What a call has beside its bounds.
pub(super) struct CallFrame {
    /// Whether it can cost or change something.
    pub has_effect: bool,
    /// Where its code gets answers.
    pub answers: Option<mpsc::UnboundedSender<CodeAnswer>>,
    /// Its right to build large values.
    pub held: HeldMemory,
}

struct Question {
    row: StepIx,
    total: Money,
    answer: oneshot::Sender<bool>,
}

/// What is known of a call while it runs.
struct RunningCall {
    cancel: CancellationToken,
    has_effect: bool,
    started: Micros,
    /// Where its code gets answers.
    answers: Option<mpsc::UnboundedSender<CodeAnswer>>,
    /// How long its code has waited for its calls.
    suspension: Suspension,
    /// What of its time does not count against its limit.
    waiting_time: WaitingTime,
    /// Held while its code waits for its calls.
    waits: Option<OpenWait>,
    /// Its right to build large values lasts until its end has been taken.
    _memory: CallMemory,
}

/// The calls that are running.
pub(super) struct Calls {
    /// Dropped first, so that calls are cancelled before their tasks are aborted.
    _cancel_on_drop: DropGuard,
    stop: CancellationToken,
    tasks: JoinSet<AttemptDone>,
    rows: HashMap<Id, StepIx>,
    running: HashMap<StepIx, RunningCall>,
    questions: mpsc::Sender<Question>,
    asked: mpsc::Receiver<Question>,
    handles: mpsc::Sender<GivenHandle>,
    given: mpsc::Receiver<GivenHandle>,
    asks: mpsc::Sender<Asked>,
    user_asked: mpsc::Receiver<Asked>,
    /// Calls that wait for a budget decision.
    waiting: HashMap<StepIx, oneshot::Sender<bool>>,
    code: mpsc::Sender<CodeMessage>,
    coded: mpsc::Receiver<CodeMessage>,
    log: mpsc::Sender<LogEntry>,
    logged: mpsc::Receiver<LogEntry>,
    log_dropped: Arc<AtomicU64>,
}

impl Calls {
    /// No calls.
    pub(super) fn new() -> Self {
        let stop = CancellationToken::new();
        let (questions, asked) = mpsc::channel(QUESTIONS);
        let (handles, given) = mpsc::channel(QUESTIONS);
        let (asks, user_asked) = mpsc::channel(QUESTIONS);
        let (code, coded) = mpsc::channel(QUESTIONS);
        let (log, logged) = mpsc::channel(LOG_ENTRIES);
        Self {
            _cancel_on_drop: stop.clone().drop_guard(),
            stop,
            tasks: JoinSet::new(),
            rows: HashMap::new(),
            running: HashMap::new(),
            questions,
            asked,
            handles,
            given,
            asks,
            user_asked,
            waiting: HashMap::new(),
            code,
            coded,
            log,
            logged,
            log_dropped: Arc::default(),
        }
    }

    /// What a new call is cancelled with.
    pub(super) fn cancellation(&self) -> CancellationToken {
        self.stop.child_token()
    }

    /// Makes a call of a row.
    pub(super) fn start(
        &mut self,
        row: StepIx,
        tool: Arc<dyn Tool>,
        call: Call,
        bounds: Bounds,
        frame: CallFrame,
    ) {
        let CallFrame {
            has_effect,
            answers,
            held,
        } = frame;
        let memory = CallMemory::new(held);
        let running = RunningCall {
            cancel: call.cancel.clone(),
            has_effect,
            started: bounds.started,
            answers,
            suspension: bounds.suspension.clone(),
            waiting_time: bounds.waiting_time.clone(),
            waits: None,
            _memory: memory.clone(),
        };
        self.running.insert(row, running);
        let task = self
            .tasks
            .spawn(memory.clone().during(attempt(tool, call, bounds)));
        self.rows.insert(task.id(), row);
    }

    /// Has the call of a row stop; it still ends.
    pub(super) fn cancel(&self, row: StepIx) {
        if let Some(call) = self.running.get(&row) {
            call.cancel.cancel();
        }
    }

    /// Answers the budget request of a row's call.
    pub(super) fn answer(&mut self, row: StepIx, granted: bool) {
        if let Some(answer) = self.waiting.remove(&row) {
            // The call may have been stopped in the meantime.
            let _ = answer.send(granted);
        }
    }

    /// Whether a call of a row is running.
    pub(super) fn is_running(&self, row: StepIx) -> bool {
        self.running.contains_key(&row)
    }

    /// The call of a row has ended, and its log has been taken.
    pub(super) fn forget(&mut self, row: StepIx) {
        self.running.remove(&row);
        self.waiting.remove(&row);
    }

    /// How many log entries are waiting.
    pub(super) fn waiting_entries(&self) -> usize {
        self.logged.len()
    }

    /// The next log entry, if one is waiting.
    pub(super) fn try_entry(&mut self) -> Option<LogEntry> {
        self.logged.try_recv().ok()
    }

    /// How many log entries were lost since the last time this was asked.
    pub(super) fn take_dropped(&self) -> u64 {
        self.log_dropped.swap(0, Ordering::Relaxed)
    }

    /// The next question, if one is waiting.
    pub(super) fn try_question(&mut self) -> Option<(StepIx, Money)> {
        let question = self.asked.try_recv().ok()?;
        Some(self.take_question(question))
    }

    /// The next handle that was given, if there is one.
    pub(super) fn try_handle(&mut self) -> Option<GivenHandle> {
        self.given.try_recv().ok()
    }

    /// The next question to the user, if there is one.
    pub(super) fn try_asked(&mut self) -> Option<Asked> {
        self.user_asked.try_recv().ok()
    }

    /// Whether the call of a row can have an effect.
    pub(super) fn has_effect(&self, row: StepIx) -> bool {
        self.running.get(&row).is_some_and(|call| call.has_effect)
    }

    /// The next call that has ended, if one has.
    pub(super) fn try_ended(&mut self, now: Micros) -> Option<EndedCall> {
        loop {
            let joined = self.tasks.try_join_next_with_id()?;
            if let Some(ended) = self.ended(joined, now) {
                return Some(ended);
            }
        }
    }

    /// Waits for whatever a call brings next; for ever where none is running.
    pub(super) async fn next(&mut self, now: impl Fn() -> Micros) -> CallEvent {
        loop {
            tokio::select! {
                biased;
                Some(entry) = self.logged.recv() => return CallEvent::Log(entry),
                Some(message) = self.coded.recv() => return CallEvent::Code(message),
                Some(question) = self.asked.recv() => {
                    let (row, total) = self.take_question(question);
                    return CallEvent::Asked(row, total);
                }
                Some(given) = self.given.recv() => return CallEvent::Handle(given),
                Some(asked) = self.user_asked.recv() => return CallEvent::Question(asked),
                Some(joined) = self.tasks.join_next_with_id() => {
                    if let Some(ended) = self.ended(joined, now()) {
                        return CallEvent::Ended(ended);
                    }
                }
                else => std::future::pending().await,
            }
        }
    }

    fn take_question(&mut self, question: Question) -> (StepIx, Money) {
        let Question { row, total, answer } = question;
        self.waiting.insert(row, answer);
        (row, total)
    }

    /// A panic of a tool ends its step and not the run.
    fn ended(
        &mut self,
        joined: Result<(Id, AttemptDone), JoinError>,
        now: Micros,
    ) -> Option<EndedCall> {
        let (id, done) = match joined {
            Ok((id, done)) => (id, Some(done)),
            Err(error) => (error.id(), None),
        };
        let row = self.rows.remove(&id)?;
        let call = self.running.get(&row)?;
        let done = done.unwrap_or_else(|| AttemptDone {
            service: now - call.started - call.suspension.total(now),
            report: Box::new(unanswered(panicked())),
            cancelled: call.cancel.is_cancelled(),
        });
        Some(EndedCall {
            row,
            done,
            has_effect: call.has_effect,
            started: call.started,
            stopped: call.cancel.is_cancelled(),
        })
    }

    /// Where the call of a row asks before it spends more than is reserved for it.
    pub(super) fn spend_authorizer(&self, row: StepIx) -> SpendAuthorizer {
        let questions = self.questions.clone();
        SpendAuthorizer::of(move |total| {
            let questions = questions.clone();
            async move {
                let (answer, answered) = oneshot::channel();
                let question = Question { row, total, answer };
                questions.send(question).await.is_ok() && answered.await.unwrap_or(false)
            }
            .boxed()
        })
    }

    /// Asks the user on behalf of an attempt of a row; `wait` is how long the answer may take.
    pub(super) fn asker(
        &self,
        row: StepIx,
        attempt: u32,
        waiting_time: &WaitingTime,
        wait: Option<Duration>,
    ) -> Asker {
        let (asks, waiting_time) = (self.asks.clone(), waiting_time.clone());
        Asker::of(move |question| {
            let (asks, waiting_time) = (asks.clone(), waiting_time.clone());
            async move {
                let _wait = waiting_time.begin();
                let (answer, answered) = oneshot::channel();
                let asked = Asked {
                    row,
                    attempt,
                    question,
                    answer,
                };
                let nobody = || Err(NOBODY.to_owned());
                if asks.send(asked).await.is_err() {
                    return nobody();
                }
                let Some(wait) = wait else {
                    return answered.await.unwrap_or_else(|_| nobody());
                };
                match timeout(wait, answered).await {
                    Ok(answer) => answer.unwrap_or_else(|_| nobody()),
                    Err(_) => Err(format!("nobody has answered within {} s", wait.as_secs())),
                }
            }
            .boxed()
        })
    }

    /// Where the handle of an attempt of a row is put on record.
    pub(super) fn handle(&self, row: StepIx, attempt: u32) -> CallHandle {
        let handles = self.handles.clone();
        CallHandle::recorded_by(move |handle| {
            let handles = handles.clone();
            async move {
                let (recorded, is_recorded) = oneshot::channel();
                let given = GivenHandle {
                    row,
                    attempt,
                    handle,
                    recorded,
                };
                if handles.send(given).await.is_ok() {
                    let _ = is_recorded.await;
                }
            }
            .boxed()
        })
    }

    /// The log of an attempt of a row.
    pub(super) fn log(&self, row: StepIx, attempt: u32) -> CallLog {
        let log = self.log.clone();
        let dropped = Arc::clone(&self.log_dropped);
        let logged = AtomicU64::new(0);
        Arc::new(move |stream, text| {
            let size = text.len() as u64 + 1;
            let before = logged.fetch_add(size, Ordering::Relaxed);
            if before >= LOG_KEPT {
                return;
            }
            let is_last = before + size >= LOG_KEPT;
            let text = if is_last {
                format!("{text} [the log has reached 1 MB; what follows is not kept]").into()
            } else {
                text.into()
            };
            let entry = LogEntry {
                row,
                attempt,
                stream,
                text,
            };
            if log.try_send(entry).is_err() {
                dropped.fetch_add(1, Ordering::Relaxed);
                // Another one will be the last that is kept.
                logged.fetch_sub(size, Ordering::Relaxed);
            }
        })
    }
}

/// The answer of a tool that answers in place; `None` where it must be called. A panic ends the step and not the run.
pub(super) fn in_place(tool: &dyn Tool, input: &Arc<Value>) -> Option<CallReport> {
    let answer = catch_unwind(AssertUnwindSafe(|| tool.call_now(input)));
    answer.unwrap_or_else(|_| Some(CallReport::free(Err(panicked()))))
}

/// The report of a call of a step that the plan, or whose tool the toolbox, does not have.
pub(super) fn nothing_to_call() -> CallReport {
    let message = "there is nothing to call, which is a defect in the engine";
    CallReport::free(Err(ToolError::permanent(message)))
}
