//! The home screen: earlier runs, the plans of this folder and the samples, to choose from.
//!
//! ```text
//!  plandeck   home                                        12 runs   3 plans here   10 samples
//!  find ▏type to filter
//! ╭ plans and runs ─────────────────────────╮╭ receipt ──────────────────────────────────────╮
//! │ plans here                              ││ ✔ succeeded                                   │
//! │   ▸ invoice       invoice/plan.yaml     ││                                               │
//! │ earlier runs                            ││ started   26 Nov 13:05:11, 2 minutes ago      │
//! │   ✔ receipt         2m ago  1.24s  8/8  ││ took      1.24s                               │
//! │   ? payroll         1h ago  interrupted ││ …                                             │
//! ╰─────────────────────────────────────────╯╰───────────────────────────────────────────────╯
//!  enter open   ctrl-p replay   tab next part   esc quit   f1 help
//! ```
//!
//! It has a model, an `update` and a `view` of its own, all pure, and knows the disk only by what a [`Source`]
//! says. [`choose`] shows it until something is chosen.

mod act;
mod actions;
mod app;
mod item;
mod list;
mod message;
mod model;
mod plan_act;
mod planning;
mod preview;
mod row;
mod runs_tree;
mod themes;
mod update;
mod view;

pub(super) use actions::{GROUPS, registry, rules};
pub use app::{Chosen, Source, choose};
pub use item::{
    Answer, Detail, MadePlan, MadeStep, PlanDetail, PlanItem, PlanPlace, PlanRequest,
    PlanningAnswer, Request, RunItem, Standing, ToolOfPlan,
};
pub use message::{Effect, Message};
pub use model::{Choice, Model};
pub use planning::Planning;
pub use update::update;
pub use view::view;
