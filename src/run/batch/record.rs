//! What is known of a batch, and of the runs of its items.

use crate::run::{ItemFigures, RunWord};
use crate::units::{Micros, Money};
use std::sync::Arc;

/// What is known of a batch as a whole. Times are milliseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchHeader {
    /// Its id.
    pub batch: Arc<str>,
    /// The plan's name.
    pub plan: Arc<str>,
    /// When it started.
    pub started: i64,
    /// When it was started or resumed last.
    pub resumed: i64,
    /// Its items; `None` where that is not on record.
    pub items: Option<u64>,
    /// The ids of the plan's steps; empty until its first run has begun.
    pub steps: Arc<[Arc<str>]>,
    /// Whether a process works on it.
    pub live: bool,
}

/// A run of an item as the store has it.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemRecord {
    /// The run.
    pub run_id: Arc<str>,
    /// Grows from run to run: the item's last run is what it stands for.
    pub row: i64,
    /// The key of the item.
    pub key: Arc<str>,
    /// Its place in the input, from 0.
    pub index: u64,
    /// How the run stands; `Running` where it has not ended.
    pub status: RunWord,
    /// What it cost; `None` where that is not known or not tracked.
    pub cost: Option<Money>,
    /// Wall-clock time less held time.
    pub latency: Micros,
    /// When it started, in milliseconds since 1970.
    pub started: i64,
    /// Its steps.
    pub figures: ItemFigures,
}
