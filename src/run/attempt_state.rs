//! One attempt at a step, as the fold knows it.

use super::{AskedQuestion, AttemptEnd, CallReason, LogStream, Question};
use crate::plan::StepInput;
use crate::units::{Micros, Money};
use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::Arc;

/// One attempt at a step.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptState {
    /// Which attempt, from 1.
    pub number: u32,
    /// The slot it takes or took; where its code waited for calls, the first one.
    pub slot: u32,
    /// Since when a slot was all it needed, or whatever else held it: its dependencies had ended, or the backoff
    /// was over.
    pub ready: Micros,
    /// When it started.
    pub started: Micros,
    /// The resolved parameters.
    pub input: StepInput,
    /// What only some attempts have; read as if it were here.
    pub(super) extras: Option<Box<AttemptExtras>>,
    /// When and how it ended; `None` while it runs.
    pub end: Option<(Micros, Arc<AttemptEnd>)>,
}

/// What only some attempts have: a million that cost nothing and log nothing do not carry the room for it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AttemptExtras {
    /// What was reserved for it.
    pub reserved: Money,
    /// Why it was made, where the output could have been there already.
    pub why: Option<Box<CallReason>>,
    /// What a model was going to be asked, known before the call.
    pub prompt: Option<Arc<str>>,
    /// The handle that the server gave its call.
    pub handle: Option<Arc<str>>,
    /// What its server asked the user, oldest first.
    pub questions: Vec<AskedQuestion>,
    /// The tool's log.
    pub log: AttemptLog,
    /// When its code waited for calls that it had made, in order.
    pub suspensions: Vec<Suspension>,
}

/// A time in which the code of an attempt waited for calls that it had made, without a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suspension {
    /// When it began.
    pub from: Micros,
    /// When the attempt continued or ended; `None` while it waits.
    pub until: Option<Micros>,
    /// The slot in which it continued; `None` where it has not.
    pub slot: Option<u32>,
}

/// The extras of an attempt that has none.
static NO_EXTRAS: AttemptExtras = AttemptExtras {
    reserved: Money::ZERO,
    why: None,
    prompt: None,
    handle: None,
    questions: Vec::new(),
    log: AttemptLog(None),
    suspensions: Vec::new(),
};

impl AttemptExtras {
    /// As an attempt has them: `None` where there are none.
    pub(super) fn boxed(self) -> Option<Box<Self>> {
        (self != NO_EXTRAS).then(|| Box::new(self))
    }
}

/// How the error of an attempt reads whose process died during its call, once its run goes on.
pub(crate) const CUT_OFF: &str = "the run was interrupted during this call";

impl AttemptState {
    /// Whether its process died during its call, and the run has gone on since.
    pub(crate) fn was_cut_off(&self) -> bool {
        let end = self.end.as_ref().map(|(_, end)| end);
        end.is_some_and(|end| {
            let error = end.error.as_deref();
            end.cancelled && error.is_some_and(|error| &*error.message == CUT_OFF)
        })
    }

    /// The question that it waits for an answer to.
    pub fn open_question(&self) -> Option<&Question> {
        let last = self.questions.last().filter(|_| self.end.is_none())?;
        last.answer.is_none().then_some(&*last.question)
    }

    /// Its extras, with the room for them made.
    pub(super) fn extras_mut(&mut self) -> &mut AttemptExtras {
        self.extras.get_or_insert_default()
    }

    /// Whether its code waits for its calls.
    pub(crate) fn is_suspended(&self) -> bool {
        let last = self.suspensions.last();
        self.end.is_none() && last.is_some_and(|last| last.until.is_none())
    }

    /// How long its code has waited for its calls by `now`.
    pub(crate) fn suspended(&self, now: Micros) -> Micros {
        let times = self.suspensions.iter();
        let lengths = times.map(|time| time.until.unwrap_or(now) - time.from);
        lengths.fold(Micros(0), |sum, length| sum + length)
    }

    /// The slot that it has; `None` while its code waits, and once it has ended.
    #[cfg(test)]
    pub(crate) fn present_slot(&self) -> Option<u32> {
        let running = self.end.is_none() && !self.is_suspended();
        let slot = self
            .suspensions
            .last()
            .map_or(Some(self.slot), |last| last.slot);
        slot.filter(|_| running)
    }

    /// The waiting is over, because the attempt continues or ends.
    pub(super) fn end_suspension(&mut self, at: Micros, slot: Option<u32>) {
        let times = self.extras.as_deref_mut();
        let last = times.and_then(|extras| extras.suspensions.last_mut());
        if let Some(last) = last.filter(|last| last.until.is_none()) {
            (last.until, last.slot) = (Some(at), slot);
        }
    }

    /// The times in which it had a slot, with that slot; the last one ends at `end`.
    pub(crate) fn stretches(&self, end: Micros) -> Vec<(u32, Micros, Micros)> {
        let mut stretches = Vec::with_capacity(self.suspensions.len() + 1);
        let mut open = Some((self.slot, self.started));
        for time in &self.suspensions {
            stretches.extend(open.map(|(slot, from)| (slot, from, time.from)));
            open = time.slot.zip(time.until);
        }
        stretches.extend(open.map(|(slot, from)| (slot, from, end.max(from))));
        stretches
    }
}

impl Deref for AttemptState {
    type Target = AttemptExtras;

    fn deref(&self) -> &AttemptExtras {
        self.extras.as_deref().unwrap_or(&NO_EXTRAS)
    }
}

/// The log of one attempt, oldest first: the last [`AttemptLog::KEPT`] entries, without lines that were overwritten. Most attempts have none,
/// and take a pointer for it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AttemptLog(Option<Box<Entries>>);

#[derive(Clone, Debug, Default, PartialEq)]
struct Entries {
    kept: VecDeque<(LogStream, Arc<str>)>,
    dropped: u64,
}

impl AttemptLog {
    /// How many entries one attempt keeps in view.
    pub const KEPT: usize = 500;

    /// Whether nothing was logged.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// How many entries are kept.
    pub fn len(&self) -> usize {
        self.iter().len()
    }

    /// How many entries were dropped from this view.
    pub fn dropped(&self) -> u64 {
        self.0.as_ref().map_or(0, |entries| entries.dropped)
    }

    /// The entries that are kept, oldest first.
    pub fn iter(
        &self,
    ) -> impl DoubleEndedIterator<Item = &(LogStream, Arc<str>)> + ExactSizeIterator + use<'_> {
        static NONE: VecDeque<(LogStream, Arc<str>)> = VecDeque::new();
        self.0
            .as_ref()
            .map_or(&NONE, |entries| &entries.kept)
            .iter()
    }

    pub(super) fn push(&mut self, stream: LogStream, text: &Arc<str>) {
        let entries = self.0.get_or_insert_default();
        let last = entries.kept.iter().rposition(|(of, _)| *of == stream);
        let open = last.filter(|&at| entries.kept[at].1.ends_with('\r'));
        if let Some(at) = open {
            if text.is_empty() {
                let entry = &mut entries.kept[at];
                entry.1 = entry.1.trim_end_matches('\r').into();
                return;
            }
            // What overwrites it is the last line, whatever came on the other stream in between.
            entries.kept.remove(at);
        }
        if entries.kept.len() >= Self::KEPT {
            entries.kept.pop_front();
            entries.dropped += 1;
        }
        entries.kept.push_back((stream, Arc::clone(text)));
    }
}
