//! The columns: what they are called, what stands in them, and which give way.

use super::facts::Facts;
use crate::report::money;
use crate::run::{RunState, SkipReason, StepSource, StepState, StepStatus, WaitReason};
use crate::text::format;
use crate::units::Micros;
use std::cmp::Ordering;
use std::sync::Arc;

/// A column of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Column {
    /// The step's id.
    Id,
    /// The tool it calls.
    Tool,
    /// Where it stands.
    Status,
    /// Where its output came from.
    Source,
    /// When its first attempt started.
    Start,
    /// How long it waited since it was ready.
    Wait,
    /// How long its attempts took.
    Time,
    /// How many attempts there were.
    Attempts,
    /// What they cost.
    Cost,
    /// Input tokens.
    Input,
    /// Output tokens.
    Output,
    /// The model that answered last.
    Model,
    /// What making it take no time would save of the run.
    Potential,
}

impl Column {
    /// Every column, from left to right.
    pub(super) const ALL: [Self; 13] = [
        Self::Id,
        Self::Tool,
        Self::Status,
        Self::Source,
        Self::Start,
        Self::Wait,
        Self::Time,
        Self::Attempts,
        Self::Cost,
        Self::Input,
        Self::Output,
        Self::Model,
        Self::Potential,
    ];

    /// The columns in the order in which they are given room.
    const BY_WEIGHT: [Self; 13] = [
        Self::Id,
        Self::Time,
        Self::Cost,
        Self::Status,
        Self::Attempts,
        Self::Wait,
        Self::Start,
        Self::Tool,
        Self::Potential,
        Self::Input,
        Self::Output,
        Self::Model,
        Self::Source,
    ];

    /// Its heading.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Tool => "tool",
            Self::Status => "status",
            Self::Source => "source",
            Self::Start => "start",
            Self::Wait => "wait",
            Self::Time => "time",
            Self::Attempts => "attempts",
            Self::Cost => "cost",
            Self::Input => "tok in",
            Self::Output => "tok out",
            Self::Model => "model",
            Self::Potential => "potential",
        }
    }

    /// Whether it stands at the right of its column and is sorted from the greatest down.
    pub(super) const fn is_number(self) -> bool {
        !matches!(
            self,
            Self::Id | Self::Tool | Self::Status | Self::Source | Self::Model
        )
    }

    /// The cells it takes, without the gap; the id and the names take what they need up to a bound.
    const fn width(self, widest: &Widest) -> usize {
        match self {
            Self::Id => widest.id,
            Self::Tool => widest.tool,
            Self::Model => widest.model,
            Self::Status => 9,
            Self::Source => 8,
            Self::Start | Self::Wait | Self::Time => 6,
            Self::Cost => widest.cost,
            Self::Attempts | Self::Input | Self::Output => 8,
            Self::Potential => 10,
        }
    }
}

/// The cells that names and amounts need.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Widest {
    pub(super) id: usize,
    pub(super) tool: usize,
    pub(super) model: usize,
    pub(super) cost: usize,
}

/// Cells between two columns.
pub(super) const GAP: usize = 2;
/// Cells for the fold sign and the status before the id.
pub(super) const LEAD: usize = 4;

/// A column in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) column: Column,
    /// The first cell from the left edge of the table.
    pub(super) x: usize,
    pub(super) width: usize,
}

/// The columns that fit into `width` cells, those that matter most first; the one that is sorted by is among
/// them where there is room for it beside the id.
pub(super) fn lay(
    width: usize,
    available: &[Column],
    sorted: Option<Column>,
    widest: &Widest,
) -> Vec<Placed> {
    let mut room = width.saturating_sub(LEAD);
    let mut taken: Vec<(Column, usize)> = Vec::new();
    let first = [Some(Column::Id), sorted].into_iter().flatten();
    let rest = Column::BY_WEIGHT.into_iter();
    for column in first.chain(rest.filter(|column| available.contains(column))) {
        if taken.iter().any(|(known, _)| *known == column) {
            continue;
        }
        if column == Column::Id {
            let id = widest.id.min(room);
            taken.push((column, id));
            room -= id;
            continue;
        }
        let needed = column.width(widest) + GAP;
        if needed <= room {
            taken.push((column, needed - GAP));
            room -= needed;
        }
    }
    taken.sort_unstable();
    let mut x = LEAD;
    let placed = taken.into_iter().map(|(column, width)| {
        let place = Placed { column, x, width };
        x += width + GAP;
        place
    });
    placed.collect()
}

/// What a row is sorted by in a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// Text, by letter.
    Text(Arc<str>),
    /// A number, or the place in an order.
    Number(i128),
    /// Nothing; it stands at the end whatever the direction.
    Nothing,
}

impl Key {
    /// How two keys stand to each other, upwards or downwards.
    pub(super) fn compare(&self, other: &Self, down: bool) -> Ordering {
        let order = match (self, other) {
            (Self::Nothing, Self::Nothing) => return Ordering::Equal,
            (Self::Nothing, _) => return Ordering::Greater,
            (_, Self::Nothing) => return Ordering::Less,
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Number(a), Self::Number(b)) => a.cmp(b),
            (Self::Text(_), Self::Number(_)) => Ordering::Less,
            (Self::Number(_), Self::Text(_)) => Ordering::Greater,
        };
        if down { order.reverse() } else { order }
    }
}

/// What `row` is sorted by in `column`.
pub(super) fn key(column: Column, row: &StepState, facts: &Facts) -> Key {
    let time = |time: Option<Micros>| time.map_or(Key::Nothing, |at| Key::Number(at.0.into()));
    let count = |count: Option<u64>| count.map_or(Key::Nothing, |some| Key::Number(some.into()));
    match column {
        Column::Id => Key::Text(Arc::clone(&row.info.id)),
        Column::Tool => Key::Text(Arc::clone(&row.info.tool)),
        Column::Status => Key::Number(row.status as i128),
        Column::Source => row
            .source
            .map_or(Key::Nothing, |source| Key::Number(source as i128)),
        Column::Start => time(facts.start),
        Column::Wait => time(facts.wait),
        Column::Time => time(facts.time),
        Column::Attempts => count(Some(facts.attempts as u64).filter(|attempts| *attempts > 0)),
        Column::Cost => facts
            .cost
            .map_or(Key::Nothing, |cost| Key::Number(cost.pico().into())),
        Column::Input => count(facts.tokens.map(|tokens| tokens.input)),
        Column::Output => count(facts.tokens.map(|tokens| tokens.output)),
        Column::Model => facts.model.clone().map_or(Key::Nothing, Key::Text),
        Column::Potential => time(facts.potential),
    }
}

/// What stands in a cell; empty where there is nothing to say.
pub(super) fn cell(column: Column, run: &RunState, row: &StepState, facts: &Facts) -> String {
    let time = |time: Option<Micros>| time.map(format::duration).unwrap_or_default();
    let count = |count: Option<u64>| count.map(format::thousands).unwrap_or_default();
    match column {
        Column::Id => row.info.id.to_string(),
        Column::Tool => row.info.tool.to_string(),
        Column::Status => status(run, row).to_owned(),
        Column::Source => row.source.map(source).unwrap_or_default().to_owned(),
        Column::Start => time(facts.start),
        Column::Wait => time(facts.wait),
        Column::Time => time(facts.time),
        Column::Attempts => count(Some(facts.attempts as u64).filter(|attempts| *attempts > 0)),
        Column::Cost => match (facts.cost, facts.unpriced) {
            (Some(cost), true) if !cost.is_zero() => format!("≥{cost}"),
            (_, true) => "unknown".to_owned(),
            (Some(cost), false) => money::of_row(run, row, cost),
            (None, false) => String::new(),
        },
        Column::Input => count(facts.tokens.map(|tokens| tokens.input)),
        Column::Output => count(facts.tokens.map(|tokens| tokens.output)),
        Column::Model => facts.model.as_deref().unwrap_or_default().to_owned(),
        Column::Potential => time(facts.potential),
    }
}

/// Where the row stands; of a row that is held, by what, of one that was skipped, why.
pub(super) fn status(run: &RunState, row: &StepState) -> &'static str {
    match (row.status, row.waiting, row.reason) {
        (StepStatus::Ready, Some(reason), _) => match reason {
            WaitReason::Budget => "budget",
            WaitReason::Rate => "rate",
            WaitReason::Exclusive => "alone",
            WaitReason::Breakpoint => "breakpt",
            WaitReason::Approval => "approval",
            WaitReason::Target | WaitReason::HandOver => "aside",
        },
        (StepStatus::Ready, None, _) if run.phase == crate::run::RunPhase::Paused => "paused",
        (StepStatus::Pending | StepStatus::Ready, None, _) if row.stale.is_some() => "stale",
        (StepStatus::Running, _, _) if row.retry_at.is_some() => "backoff",
        (StepStatus::Skipped, _, Some(SkipReason::Condition)) => "condition",
        (StepStatus::Skipped, _, Some(SkipReason::Limit)) => "limit",
        (StepStatus::Failed, _, _) if row.is_unexpected() => "unexpected",
        (status, _, _) => status.word(),
    }
}

/// The word of the contract for where an output came from.
pub(super) const fn source(source: StepSource) -> &'static str {
    match source {
        StepSource::Call => "call",
        StepSource::Cache => "cache",
        StepSource::Recorded => "recorded",
        StepSource::Mock => "mock",
    }
}
