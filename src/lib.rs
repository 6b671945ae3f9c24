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
//!               └▶ models│              └─▶ whoever listens
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
//! | [`layout`] | where nodes and edges of a DAG go, in cells |
//! | [`tui`] | the dashboard |
//! | [`report`] | what a run or a plan is turned into for others |
//! | [`text`] | text from outside made safe for a screen, numbers for people |
//! | [`cli`] | arguments to calls |
//!
//! # Examples
//!
//! One plan, many contexts: what a step cost, and how well the slots were used.
//!
//! ```
//! use plandeck::{ExecutionPlan, ResourceLimits, SmallModelWorker, execute_plan};
//! use serde_json::json;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let plan = ExecutionPlan::from_value(json!({
//!     "tools": {
//!         "extract": {
//!             "type": "model",
//!             "description": "Reads the prices off a receipt.",
//!             "output_schema": {"type": "array", "items": {"type": "number"}},
//!             "offline": {"jq": "[.text | scan(\"[0-9]+\\\\.[0-9]{2}\") | tonumber]"}
//!         },
//!         "sum": {"type": "jq", "filter": ".prices | add", "cost_usd": 0.001},
//!         "largest": {"type": "jq", "filter": ".prices | max"}
//!     },
//!     "steps": [
//!         {"id": "prices", "tool": "extract", "parameters": {"text": "{{receipt}}"}},
//!         {"id": "total", "tool": "sum", "parameters": {"prices": "{{prices}}"}},
//!         {"id": "largest", "tool": "largest", "parameters": {"prices": "{{prices}}"}}
//!     ]
//! }))?;
//! let worker = SmallModelWorker::offline();
//! let limits = ResourceLimits { max_tool_calls: Some(20), ..ResourceLimits::default() };
//! for (receipt, total) in [("milk 1.50 bread 2.25", 3.75), ("tea 3.25", 3.25)] {
//!     let context = json!({"receipt": receipt});
//!     let result = execute_plan(&plan, &worker, context, limits.clone(), true).await?;
//!     assert_eq!(result.result["total"], json!(total));
//!     for step in &result.steps {
//!         println!("{:<8} {:>10} {:>8.1} ms", step.id, step.cost.unwrap_or_default(), step.latency_ms);
//!     }
//!     assert_eq!(result.cost.map(|cost| cost.usd()), Some(0.001));
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A limit stops a run and leaves what was reached:
//!
//! ```
//! use plandeck::{ExecutionError, ExecutionPlan, ResourceLimits, SmallModelWorker, execute_plan};
//! use serde_json::json;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let plan = ExecutionPlan::from_value(json!({
//!     "tools": {"same": {"type": "jq", "filter": "."}},
//!     "steps": [{"id": 1, "tool": "same"}, {"id": 2, "tool": "same", "depends_on": [1]}]
//! }))?;
//! let limits = ResourceLimits { max_tool_calls: Some(1), ..ResourceLimits::default() };
//! let worker = SmallModelWorker::offline();
//! let stopped = execute_plan(&plan, &worker, json!(null), limits, true).await.unwrap_err();
//! let ExecutionError::ResourceLimit { result, .. } = stopped else { panic!("{stopped}") };
//! assert_eq!(result.steps_completed, 1);
//! # Ok(())
//! # }
//! ```

pub mod cli;
pub mod engine;
mod execute;
pub mod layout;
pub mod models;
pub mod plan;
pub mod report;
pub mod run;
pub mod store;
pub mod text;
pub mod tools;
pub mod tui;

pub use execute::{Execution, ExecutionError, execute_plan};
pub use models::SmallModelWorker;
pub use plan::ExecutionPlan;
pub use run::{ExecutionResult, ResourceLimits};
