//! Plandeck runs execution plans that large language models wrote, and shows the run live.
//!
//! A plan is a DAG of tool calls. A large model writes it once; small models and ordinary tools carry it out
//! many times. [`execute_plan`] runs one and gives its [`ExecutionResult`]; the program `plandeck` does the same
//! behind a dashboard.
//!
//! # The house
//!
//! A run is its events. The engine decides, does, and says what happened; everybody else folds the events.
//!
//! ```text
//!  file ──▶ plan ──▶ engine ──▶ events ─┬─▶ run::RunState   a fold, pure
//!                     │  ▲              │     ├─▶ tui        draws it, sends commands
//!  catalog ─▶ tools ◀─┘  │              │     └─▶ report     result, progress, summary
//!               └▶ models│              ├─▶ store           journal, kept outputs
//!                        │              └─▶ whoever listens
//!                        └── commands: pause · step · retry · skip · stop
//! ```
//!
//! | room | what lives there |
//! | --- | --- |
//! | [`plan`] | the plan as data: dialects, references, expressions, checks with places |
//! | [`run`] | events, commands, the fold, figures, money, limits, the result |
//! | [`engine`] | the pure scheduler, and its driver on tokio |
//! | [`tools`] | the catalog, and a file for each way to carry out a call |
//! | [`models`] | providers, prices, estimates, the worker |
//! | [`session`] | the application layer: opens a plan with all it needs, starts, records, resumes and forks its runs |
//! | [`store`] | the journal of runs and the cache of outputs, in an embedded database |
//! | [`layout`] | where nodes and edges of a DAG go, in cells |
//! | [`tui`] | the dashboard |
//! | [`report`] | what a run or a plan is turned into for others |
//! | [`text`] | text from outside made safe for a screen, numbers for people |
//! | [`cli`] | arguments to calls |
//!
//! # Examples
//!
//! Basic, limits, a batch, parallel calls, errors, the cost of each step: [`library`].

pub mod cli;
pub mod engine;
pub mod layout;
#[doc = include_str!("../docs/library.md")]
pub mod library {}
pub mod models;
pub mod plan;
pub mod report;
pub mod run;
pub mod session;
pub mod store;
pub mod text;
pub mod tools;
pub mod tui;
pub mod units;

pub use models::SmallModelWorker;
pub use plan::ExecutionPlan;
pub use run::{ExecutionResult, ResourceLimits};
pub use session::{Execution, ExecutionError, execute_plan};
