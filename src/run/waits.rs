//! What kept a row, or the whole run, from continuing, as spans that can be drawn.

use super::WaitReason;
use crate::units::Micros;
use std::sync::Arc;

/// A span in which something other than the slots and the pause held a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// What held it.
    pub reason: WaitReason,
    /// The name of the rate or pool, where one held it.
    pub on: Option<Arc<str>>,
    /// Since when.
    pub from: Micros,
    /// Until when; `None` while it does.
    pub until: Option<Micros>,
}

/// The spans in which a row was held, oldest first; the last [`Waits::KEPT`] of them.
///
/// Most rows are never held, and take a pointer for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waits(Option<Box<Spans>>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Spans(Vec<Wait>);

impl Waits {
    /// How many spans one row keeps.
    pub const KEPT: usize = 64;
    /// Of a row that was never held.
    pub(super) const NONE: Self = Self(None);

    /// The spans, oldest first.
    pub fn spans(&self) -> &[Wait] {
        self.0.as_ref().map_or(&[], |spans| &spans.0)
    }

    /// Something holds the row from now on; the same thing still is no new span.
    pub(super) fn begin(&mut self, reason: WaitReason, on: Option<&Arc<str>>, at: Micros) {
        let open = self.spans().last().filter(|wait| wait.until.is_none());
        if open.is_some_and(|wait| wait.reason == reason && wait.on.as_ref() == on) {
            return;
        }
        self.end(at);
        let spans = &mut self.0.get_or_insert_default().0;
        if spans.len() >= Self::KEPT {
            spans.remove(0);
        }
        spans.push(Wait {
            reason,
            on: on.cloned(),
            from: at,
            until: None,
        });
    }

    /// Nothing holds the row any more.
    pub(super) fn end(&mut self, at: Micros) {
        if let Some(wait) = self.0.as_mut().and_then(|spans| spans.0.last_mut()) {
            wait.until.get_or_insert(at);
        }
    }
}

/// Why nothing started in the whole run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdleCause {
    /// It was paused.
    Pause,
    /// It had ended, until the user had something run again.
    Ended,
}

/// A span in which nothing started; running attempts continued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdlePeriod {
    /// Why.
    pub cause: IdleCause,
    /// Since when.
    pub from: Micros,
    /// Until when; `None` while it lasts.
    pub until: Option<Micros>,
}

/// The spans in which nothing started, oldest first; the last [`IdlePeriods::KEPT`] of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdlePeriods(Vec<IdlePeriod>);

impl IdlePeriods {
    /// How many spans a run keeps.
    pub const KEPT: usize = 1_000;

    /// The spans, oldest first.
    pub fn spans(&self) -> &[IdlePeriod] {
        &self.0
    }

    /// How much of the time between two moments lies in them.
    pub(crate) fn within(&self, from: Micros, until: Micros) -> Micros {
        let first = (self.0).partition_point(|span| span.until.is_some_and(|end| end <= from));
        let spans = self.0[first..].iter().take_while(|span| span.from < until);
        let parts = spans.map(|span| {
            let end = span.until.unwrap_or(until).min(until);
            end - span.from.max(from)
        });
        parts.fold(Micros(0), |sum, part| sum + part)
    }

    /// Nothing starts from now on for this cause, or (`None`) steps start again.
    pub(super) fn turn(&mut self, cause: Option<IdleCause>, at: Micros) {
        if let Some(open) = self.0.last_mut().filter(|span| span.until.is_none()) {
            if Some(open.cause) == cause {
                return;
            }
            open.until = Some(at);
        }
        let Some(cause) = cause else { return };
        if self.0.len() >= Self::KEPT {
            self.0.remove(0);
        }
        self.0.push(IdlePeriod {
            cause,
            from: at,
            until: None,
        });
    }
}
