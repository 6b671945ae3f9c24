//! The dashboard of one run: a state, an `update` that takes in every message, and a `view` that draws it.

pub(crate) mod app;
pub(crate) mod feed;
pub(crate) mod film;
pub(crate) mod history;
pub(crate) mod keymap;
pub(crate) mod layout;
pub(crate) mod message;
pub(crate) mod page;
pub(crate) mod panes;
pub(crate) mod state;
mod terminal_status;
pub(crate) mod update;
pub(crate) mod view;
