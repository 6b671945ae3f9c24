//! Access to servers over HTTP by OAuth: tokens that the user has logged in for, or those of a client of its own.

mod access;
mod login;
mod redirect;
mod store;

pub(super) use access::{Access, authorized};
pub(super) use login::{log_in, log_out};
