//! Plandeck runs execution plans that large language models wrote, and shows the run live.
//!
//! A plan is a DAG of tool calls. A large model writes it once; small models and ordinary tools run it many times.
//! [`execute_plan`] runs a plan and returns its [`ExecutionResult`]; [`Execution`] is the same with everything that you
//! can choose. The program `plandeck` does the same behind a dashboard.
//!
//! ```
//! use plandeck::{ExecutionPlan, ResourceLimits, SmallModelWorker, execute_plan};
//! use serde_json::json;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let plan = ExecutionPlan::from_value(json!({
//!     "tools": {"double": {"type": "jq", "filter": ".n * 2"}},
//!     "steps": [{"id": "answer", "tool": "double", "parameters": {"n": "{{half}}"}}]
//! }))?;
//! let worker = SmallModelWorker::offline();
//! let result = execute_plan(&plan, &worker, json!({"half": 21}), ResourceLimits::default(), true).await?;
//! assert_eq!(*result.result, json!(42));
//! # Ok(())
//! # }
//! ```
//!
//! More examples: limits, a batch, parallel calls, errors, the cost of each step, recording and resuming: [`library`].
//!
//! # Architecture
//!
//! A run is its events. The engine decides, acts, and reports what happened; everything else folds the events.
//!
//! ```text
//!  file ──▶ plan ─▶ session ─▶ engine ──▶ events ─┬─▶ run::RunState   a fold, pure
//!                     │          │ ▲               │     ├─▶ tui        draws it, sends commands
//!  catalog ─▶ tools ◀─┴──────────┘ │               │     └─▶ report     sentences, exports
//!               └▶ models          │               ├─▶ store            journal, cached outputs
//!                                  │               ├─▶ control          other processes
//!                                  │               └─▶ your listener
//!                                  └── commands: pause · step · retry · skip · stop
//! ```
//!
//! | module | what lives there |
//! | --- | --- |
//! | [`plan`] | the plan as data: dialects, references, expressions, checks with places |
//! | [`run`] | events, commands, the fold, figures, limits, the result |
//! | [`engine`] | the pure scheduler, and its driver on tokio |
//! | [`tools`] | the catalog, and a file for each kind of tool |
//! | [`models`] | protocols, providers, prices, estimates, the worker |
//! | [`planner`] | from a task to a plan, with a large model or by search |
//! | [`session`] | the application layer: opens a plan with everything it needs; starts, records, resumes and forks runs |
//! | [`store`] | the journal of runs and the cache of outputs, in an embedded database |
//! | [`units`] | money, durations, tokens |
//! | [`control`] | a live run for other processes: HTTP over a socket |
//! | [`telemetry`] | runs sent to a collector of OpenTelemetry while they are running |
//! | [`import`] | runs that other systems recorded, as events |
//! | [`layout`] | where nodes and edges of a DAG go, in cells |
//! | [`tui`] | the dashboard |
//! | [`report`] | sentences, exports and tables of a run or a plan |
//! | [`text`] | text from outside made safe for a screen, numbers in readable form |
//! | [`cli`] | the command line |

pub mod cli;
pub mod control;
pub mod engine;
pub mod import;
pub mod layout;
#[doc = include_str!("../docs/library.md")]
pub mod library {}
pub mod models;
pub mod plan;
pub mod planner;
pub mod remote;
pub mod report;
pub mod run;
pub mod session;
pub mod store;
pub mod telemetry;
pub mod text;
pub mod tools;
pub mod tui;
pub mod units;

pub use models::SmallModelWorker;
pub use plan::ExecutionPlan;
pub use planner::LargePlanner;
pub use run::{ExecutionResult, ResourceLimits};
pub use session::{Execution, ExecutionError, execute_batch, execute_plan};
