//! The application layer: opens a plan with everything it needs, and starts, records, resumes and forks its runs.
//!
//! Command line, dashboard and library all start runs through this module. It does not parse arguments, print or
//! draw: options come in as plain structs, and messages for the user go out as [`Note`]s and [`SessionError`]s.
//!
//! ```text
//!  Settings ─┐
//!  options ──┴▶ load ─▶ Loaded ─▶ Execution ─▶ PreparedRun ─▶ LiveRun ─▶ RunState
//!                                 ▲ PriorRun (resume, fork)      │ events, commands
//!                                 ▲ journal, cache
//! ```

mod batch;
mod bisect;
mod breakpoints;
mod bundle;
mod bundled;
mod changes;
mod collector;
mod consent;
mod continuation;
mod corrected_text;
mod draft;
mod edited_plan;
mod error;
mod event_file;
mod execution;
mod filtered;
mod folders;
mod fork;
mod history;
mod item_server;
mod kept;
mod key_settings;
mod listed;
mod literal_input;
mod load;
mod log_file;
mod note;
mod options;
mod outcome;
mod plan_document;
mod plan_edit;
mod plan_trust;
mod planning;
mod prepare;
mod prepared;
mod previewed;
mod provenance;
mod recorded_plan;
mod recorded_source;
mod recording;
mod redaction;
mod reliability;
mod repair;
mod repeated_call;
mod repetition;
mod rerun;
mod resume;
mod run_log;
mod save;
mod savings;
mod secrets_in_reach;
mod servers;
mod settings;
mod telemetry_settings;
mod trials;
mod trust;
mod values;
mod watches;
mod worker_calls;

pub use crate::engine::{Liveness, Previewer};
pub use batch::{
    Batch, BatchElsewhere, BatchEnd, BatchInputs, BatchItem, BatchLine, BatchUpdate, Counts,
    EndElsewhere, FailureGroup, InputFault, ItemEngine, Items, Quantiles, Tally, execute_batch,
};
pub(crate) use bisect::{Bisect, BisectPrice, Cause, Difference, Question, Set, Tested, TestedAs};
pub(crate) use breakpoints::keep_breakpoints;
pub(crate) use bundle::Bundle;
pub(crate) use bundled::SAMPLE_FILES;
pub use changes::Changes;
pub(crate) use collector::start_telemetry;
pub(crate) use consent::consent_to_catalog;
pub(crate) use consent::reaches_of_catalog;
pub use continuation::Continuation;
pub(crate) use draft::read_draft;
pub(crate) use edited_plan::{PlanChange, place_in_plan, plan_change};
pub use error::SessionError;
pub use event_file::events_from_file;
pub use execution::{Execution, execute_plan};
pub(crate) use filtered::filtered;
pub(crate) use fork::ForkRequest;
pub(crate) use history::{
    InterruptedRun, all_batches, all_runs, each_recorded, exchanges_of, find_run,
    interrupted_run_of, other_runs_of, runs_of_batch, state_of, until_recorded,
};
pub(crate) use item_server::pico;
pub use item_server::{
    BatchDefinition, FundsAnswer, FundsRequest, FundsVerdict, ItemReply, ItemRequest, ItemServer,
    ItemStep, Ledger, ServedItem, Settlement, unpacked,
};
pub use key_settings::{KeyScreen, KeySetting};
#[cfg(feature = "restate")]
pub(crate) use listed::served_tools;
pub(crate) use listed::{listed_tools, not_asked, servers_of};
pub(crate) use load::{CALL, catalog, load_call, load_to_check};
pub use load::{Loaded, load};
pub(crate) use log_file::start_log;
pub use note::{Note, TakeOver};
pub use options::{JournalSettings, SourceOptions};
pub use outcome::ExecutionError;
pub(crate) use plan_document::{PlanDocument, keep_plan};
pub(crate) use plan_edit::{
    DefinedTool, EditedPlan, LiveEdits, PlanEdit, ProposedEdit, tool_of_run,
};
pub use planning::{Optimization, Planning, PlanningOptions, optimize};
pub use prepared::{CommandSender, LiveRun, PreparedRun};
pub(crate) use previewed::Intended;
pub(crate) use recorded_plan::{
    Version, bundle_of, load_of_run, model_call_of, recorded_catalog_of, recorded_plan_of,
};
pub(crate) use reliability::reliability_of;
pub(crate) use repair::{Repair, Repaired, correction, failures_of};
pub(crate) use repetition::{Repetition, repetition};
pub(crate) use rerun::{bundles_in, expected_of};
pub use resume::PriorRun;
pub(crate) use save::{ChangedFile, Saving, saving};
pub use savings::savings;
pub(crate) use savings::savings_so_far;
pub(crate) use servers::all_servers;
pub use settings::{PriceSetting, Settings, theme_folders};
pub(crate) use trials::Trials;
pub(crate) use trust::{
    Consent, ItemMark, Judgement, Remembered, Subject, TrustAnswer, TrustedOnce,
};
pub use trust::{MemoryError, TrustRequest};
pub(crate) use values::{value_from_file, value_from_text, values_from_file};
pub(crate) use watches::{keep_watches, kept_watches};
