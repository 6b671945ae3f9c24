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
    /// The slot it takes or took.
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
}

/// The extras of an attempt that has none.
static NO_EXTRAS: AttemptExtras = AttemptExtras {
    reserved: Money::ZERO,
    why: None,
    prompt: None,
    handle: None,
    questions: Vec::new(),
    log: AttemptLog(None),
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
