//! The view of a batch: its items and steps as a grid, the figures of each step, and like failures.
//!
//! ```text
//!  plandeck   receipts   batch 0199c0de      ● running   3m12s   6.2/s, 4m50s left   $0.42 of about $1.20
//!  ━━━━━━━━━━━━━━━━━━━━━━━━━═╍──────────────────────────────   1,204/3,000 ✔   8 ●   12 ✖   1,776 ·
//! ╭ items   colour: status ────────────────────────────────────────────────────────────────╮
//! │                 extract      categorize   total        failed    mean     cost         │
//! │ 0–332           ▇▇▇▇▇▇▇▇▇▇   ▇▇▇×▇▇▇▇▇▇   ▇▇▇▇▇▇▇▇▇▇        1    1.2s   $0.0421        │
//! │ …                                                                                      │
//! │ half below      0.1s         1.1s         2ms                    1.2s                  │
//! ╰────────────────────────────────────────────────────────────────────────────────────────╯
//!  enter open   c colour   s sort   f filter   ? help   q quit
//! ```
//!
//! Like the home screen it has a model, an `update` and a `view` of its own, all pure. What it shows is folded by
//! [`BatchState`](crate::run::BatchState) from the records that a [`BatchSource`] brings; it decides nothing about the
//! batch.

mod act;
mod actions;
mod app;
mod heat;
mod message;
mod model;
mod order;
mod update;
mod view;
mod window;

pub(super) use actions::{GROUPS, registry, rules};
pub use app::{BatchLeft, BatchSource, show};
pub use heat::Heat;
pub use message::{BatchNews, Effect, Message};
pub use model::{Focus, Model, Question};
pub use order::{Filter, Sort};
pub use update::update;
pub use view::view;
pub use window::Window;
