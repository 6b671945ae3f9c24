//! Runs items of batches for processes elsewhere, with the embedded engine and the tools of this machine.
//!
//! Whoever drives a [`ServedItem`] (a worker behind an engine of durable calls) asks it for one step after another and puts
//! each on record before it asks for the next. A driver that dies is replaced by another one, which tells a new
//! `ServedItem` what is on record: the run goes on from there, and a call that was being made is then as after any crash.

mod definition;
mod funds;
mod item_run;
mod ledger;
mod outbox;
mod served;
mod wire;

pub use definition::ItemServer;
pub(in crate::session) use definition::{definition_of, hex};
pub use ledger::Ledger;
pub use served::{ServedItem, unpacked};
pub(crate) use wire::pico;
pub use wire::{
    BatchDefinition, FundsAnswer, FundsRequest, FundsVerdict, ItemReply, ItemRequest, ItemStep,
    Settlement,
};

#[cfg(test)]
mod tests;
