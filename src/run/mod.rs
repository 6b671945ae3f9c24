//! What a run is: its events, the state they fold into, and the figures, money and limits of both.
//!
//! Everything that shows or stores a run reads [`RunEvent`]s. [`RunState`] after events 0..n is the run at n,
//! whether the events come from a running engine, a file or a journal.

mod agreement;
mod answers;
mod attempt_state;
mod attempts;
mod batch;
mod break_fault;
mod changes;
mod clock;
mod command;
mod command_refusal;
mod compare;
mod edit_history;
mod edits;
mod event;
mod exchange;
mod figures;
mod forecast;
mod given_call;
mod hand_over;
mod history;
mod item_figures;
mod limits;
mod live_answer;
mod model_call;
mod needed;
mod output_digest;
mod preview;
mod rates;
mod reliability;
mod repeats;
mod result;
mod row_info;
mod rows;
mod run_phase;
mod run_summary;
mod run_tree;
mod savings;
mod setting_refusal;
mod slot_accounting;
mod slot_time;
mod state;
mod step_state;
mod step_status;
mod trace;
mod waits;

pub(crate) use agreement::wilson;
pub use agreement::{Agreement, EqualAnswers};
pub use answers::Answers;
pub(crate) use attempt_state::CUT_OFF;
pub use attempt_state::{AttemptExtras, AttemptLog, AttemptState, Suspension};
pub use attempts::Attempts;
pub use batch::{
    BatchEntry, BatchHeader, BatchState, BatchStep, FailureGroup, ItemCounts, ItemRecord, Quantiles,
};
pub(crate) use batch::{Distribution, Failures};
pub use changes::Change;
pub(crate) use changes::changes;
pub use command::{Approval, CommandError, RunCommand};
pub(crate) use compare::first_along;
pub use compare::{Comparison, Differences, Verdict};
pub use edit_history::{EditHistory, EditRecord};
pub use event::{
    Answer, AskedQuestion, AttemptDetails, AttemptEnd, BreakWhen, Breakpoint, CallReason,
    DecidedBy, EditWay, ErrorKind, EventKind, HeldAt, InputChange, Limit, LogStream, MissReason,
    NotReused, Question, RerunReason, Reuse, RunError, RunEvent, RunHeader, RunOutcome, RunSetting,
    SettledBy, Settlement, SkipReason, StepChecks, StepGiven, StepInfo, StepKey, StepPrice,
    StepSource, Streamed, VoidReason, WaitReason,
};
pub use exchange::{Body, Exchange};
pub use figures::{Figures, UsualTimes, figures, time_left};
pub use forecast::Forecast;
pub(crate) use forecast::forecast;
pub use given_call::{CallEdit, GivenCall};
pub use hand_over::HandOver;
pub use history::{FoldedRun, History};
pub(crate) use item_figures::ItemFold;
pub use item_figures::{ItemFigures, StepFigures};
pub use limits::ResourceLimits;
pub use live_answer::{LiveAnswer, LiveAnswers};
pub use model_call::ModelCall;
pub use preview::{Preview, PreviewStep, Range, Seconds};
pub(crate) use rates::Demand;
pub use rates::{Rate, Rates};
pub(crate) use reliability::add_run;
pub use reliability::{Reliability, StepRecord};
pub(crate) use repeats::ended_calls;
pub use repeats::{EqualFailures, RepeatPrice, Repeats};
pub use result::{ExecutionResult, StepResult};
pub use row_info::RowInfo;
pub use rows::{Iter as RowIter, Rows};
pub use run_phase::RunPhase;
pub use run_summary::{RunSummary, RunWord};
pub(crate) use run_tree::run_tree;
pub use savings::{Savings, SavingsRow};
pub(crate) use slot_time::{SlotTime, slot_time};
pub use state::{HeldStep, RunState};
pub use step_state::{ApprovalState, Details as StepDetails, RateWait, StepState};
pub use step_status::StepStatus;
pub(crate) use trace::{TraceContext, TraceParent, attempt_span, run_span, span_of, trace_of};
pub use waits::{IdleCause, IdlePeriod, IdlePeriods, Wait, Waits};
