//! Runs a plan: the scheduler decides, the driver acts.
//!
//! The scheduler is a pure state machine without clock, randomness or I/O; what happened, when, and a
//! random number come in, and actions go out. The driver acts: it resolves parameters, calls tools, keeps
//! timers, numbers the events, and hands them to the [`EventSink`]s, all on tokio. The rest of the program only
//! sends [`RunCommand`](crate::run::RunCommand)s and reads [`RunEvent`](crate::run::RunEvent)s.

mod answer_channel;
mod attempt;
mod attempt_name;
mod blocking;
mod break_conditions;
mod builder;
mod cache;
mod calls;
mod continued;
mod dated;
mod driver;
mod edit;
mod edited_steps;
mod evaluations;
mod event_channel;
mod event_emitter;
mod event_sink;
mod expectations;
mod funds;
mod held_outputs;
mod inquiries;
mod kept;
mod large_inputs;
mod left_out;
mod prepare;
mod preview;
mod prices;
mod prior_steps;
mod questions;
mod redaction;
mod refreshed;
mod resume_state;
mod reuse;
mod scheduler;
mod setup;
mod shared_limits;
mod slow_motion;
mod step_digest;
mod step_instance;
mod step_tools;
mod suspension;
mod tape;
#[cfg(test)]
mod tests;
mod timers;
mod unknown_steps;
mod waiting_time;
mod why;

pub(crate) use answer_channel::{AnswerReader, AnswerSender, answer_channel};
pub use builder::Engine;
pub use cache::{CacheKey, CacheMiss, CachedOutput, NewOutput, OutputCache};
pub(crate) use continued::{left, states_left};
pub use edit::Edit;
pub use event_channel::{EventReader, EventSender, event_channel};
pub use event_sink::{AttemptExchanges, EventSink};
pub use funds::{Funds, Refusal};
pub(crate) use kept::Kept;
pub use preview::{Forked, Liveness, Previewer};
pub(crate) use prices::step_prices;
pub use prior_steps::{EarlierRun, PriorSteps};
pub use resume_state::ResumeState;
pub(crate) use scheduler::{Action, CodeCall, Input, Prepared, Rules, Scheduler, Timer};
pub use setup::Settings;
pub use shared_limits::SharedLimits;
pub(crate) use step_digest::StepDigest;
pub use step_digest::{Definitions, definitions};
pub use tape::Tape;
pub(crate) use tape::step_behind;
pub use unknown_steps::UnknownSteps;
