//! The dashboard: whole screens from events and typed keys, and the program in a real terminal.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common"]
mod common {
    #[cfg(unix)]
    pub(crate) mod misread;
    #[allow(dead_code, reason = "not every platform reads the requests")]
    pub(crate) mod model_server;
    pub(crate) mod picture;
    #[allow(dead_code, reason = "only some of it is needed here")]
    pub(crate) mod process;
    pub(crate) mod program;
    #[cfg(unix)]
    #[allow(dead_code, reason = "not every kind of connection is needed here")]
    pub(crate) mod raw_server;
    pub(crate) mod recording;
    pub(crate) mod samples;
    pub(crate) mod screen;
    pub(crate) mod terminal;
}

mod alive;
mod answers;
mod batch;
mod bundle;
mod clock;
mod code_calls;
mod compare;
mod edges;
mod edit;
mod gallery_screens;
mod groups;
mod holds;
mod home;
mod inspect;
mod layout_gallery;
mod logs;
mod motion;
mod palette;
mod plan_edit;
mod previewed;
mod prompt_edit;
#[cfg(unix)]
mod raw_bodies;
mod reading;
#[cfg(unix)]
mod real_terminal;
mod repairing;
mod robust;
mod room;
mod save_edits;
mod savings;
mod screens;
mod settings;
mod streaming;
#[cfg(target_os = "linux")]
mod terminal_attach;
#[cfg(unix)]
mod terminal_batch;
#[cfg(unix)]
mod terminal_correct;
mod terminal_dashboard;
#[cfg(unix)]
mod terminal_end;
mod terminal_follow;
#[cfg(unix)]
mod terminal_groups;
mod terminal_history;
#[cfg(unix)]
mod terminal_home;
#[cfg(unix)]
mod terminal_logs;
#[cfg(unix)]
mod terminal_outside;
mod terminal_panic;
mod terminal_picture;
#[cfg(unix)]
mod terminal_plan_edit;
#[cfg(unix)]
mod terminal_planner;
#[cfg(unix)]
mod terminal_plans_in;
#[cfg(unix)]
mod terminal_repair;
#[cfg(unix)]
mod terminal_room;
#[cfg(unix)]
mod terminal_settings;
#[cfg(unix)]
mod terminal_structure;
mod terminal_telemetry;
#[cfg(unix)]
mod terminal_tool_definition;
mod terminal_tools;
#[cfg(unix)]
#[cfg(unix)]
mod terminal_trust;
mod terminal_values;
#[cfg(unix)]
mod terminal_yours;
mod tool_definition;
mod travel;
mod trying;
mod unknown;
mod values;
mod views;
mod watches;
mod yours;
