//! What the engine is trusted for.
//!
//! [`world`] plays everything around the pure scheduler, [`oracle`] checks every event and every moment against
//! rules that are written down a second time, slowly; `properties` sends random plans and scripts through both,
//! `transitions` counts what that visits, `scenarios` has the small stories that went wrong once. `driver` tests the real driver on tokio's paused clock.

mod code_calls;
mod continued;
mod driver;
mod fairness;
mod hand_over;
mod oracle;
mod pace;
mod properties;
mod questions;
mod rates;
mod scenarios;
mod settings;
mod slot_time;
mod transitions;
mod unknown;
mod world;
