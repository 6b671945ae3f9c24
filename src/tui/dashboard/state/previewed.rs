//! A command whose price and effects are shown before it is given.

use super::editor::Editor;
use super::setting_line::words;
use super::trying::Trying;
use crate::plan::StepIx;
use crate::run::{ModelCall, Preview, RunCommand, RunSetting, RunState};
use std::fmt;
use std::sync::Arc;

/// Works out what a command would do to a run, and knows what the run's plan has models asked with.
#[derive(Clone)]
pub struct Previews {
    how: How,
    calls: Option<Arc<Calls>>,
}

#[derive(Clone)]
enum How {
    Here(Arc<Work>),
    /// By the process of the run, which is asked.
    Asked,
}

type Work = dyn Fn(&RunState, &str, Option<StepIx>, &RunCommand) -> Preview + Send + Sync;
type Calls = dyn Fn(&RunState, StepIx) -> Option<ModelCall> + Send + Sync;

impl Previews {
    /// By this function of the run, the verb, its step and the command.
    pub fn new(
        work: impl Fn(&RunState, &str, Option<StepIx>, &RunCommand) -> Preview + Send + Sync + 'static,
    ) -> Self {
        Self {
            how: How::Here(Arc::new(work)),
            calls: None,
        }
    }

    /// By the feed of the run: [`HistoryQuery::Preview`](crate::tui::HistoryQuery::Preview).
    pub fn asked() -> Self {
        Self {
            how: How::Asked,
            calls: None,
        }
    }

    /// The same, with this function of the run and a step: what its calls ask a model with.
    #[must_use]
    pub fn with_calls(
        mut self,
        calls: impl Fn(&RunState, StepIx) -> Option<ModelCall> + Send + Sync + 'static,
    ) -> Self {
        self.calls = Some(Arc::new(calls));
        self
    }

    /// What the calls of a step ask a model with by the plan; `None` where that is not known here.
    pub(crate) fn model_call(&self, run: &RunState, step: StepIx) -> Option<ModelCall> {
        self.calls.as_ref()?(run, step)
    }

    /// What a command would do; `None` where the feed has to be asked.
    fn work(&self, run: &RunState, of: &Verb, command: &RunCommand) -> Option<Preview> {
        match &self.how {
            How::Here(work) => Some(work(run, of.name, of.step, command)),
            How::Asked => None,
        }
    }
}

impl fmt::Debug for Previews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Previews")
    }
}

/// What a command is called that makes something run.
#[derive(Debug)]
struct Verb {
    name: &'static str,
    step: Option<StepIx>,
}

impl Verb {
    /// `None` for a command that makes nothing run.
    fn of(run: &RunState, command: &RunCommand) -> Option<Self> {
        let (name, step) = match command {
            RunCommand::Retry(step) => ("retry", Some(*step)),
            RunCommand::Refresh(step) => ("refresh", Some(*step)),
            RunCommand::RunTo(to) => {
                let mut rows = run.steps.iter().zip(0..);
                let row = rows.find(|(row, _)| row.info.id == *to);
                ("resume", row.map(|(_, at)| StepIx(at)))
            }
            RunCommand::RetryFailed => ("retry", None),
            RunCommand::ContinueAfterLimit(_) => ("resume", None),
            RunCommand::SetInput(step, _) | RunCommand::SetCall(step, _) => ("edit", Some(*step)),
            RunCommand::Undo => ("undo", None),
            RunCommand::Redo => ("redo", None),
            RunCommand::SetOutput(step, _) => ("set", Some(*step)),
            RunCommand::Set(
                RunSetting::MaxTotalCostUsd { .. } | RunSetting::MaxToolCalls { .. },
            ) => ("set", None),
            _ => return None,
        };
        Some(Self { name, step })
    }
}

/// A command that waits for the user's yes.
#[derive(Debug)]
pub struct Previewed {
    pub(crate) command: RunCommand,
    verb: Verb,
    /// `None` until it is known.
    pub(crate) preview: Option<Preview>,
    /// The question that the feed has not answered yet.
    pub(crate) asked: Option<Asked>,
    pub(crate) scroll: usize,
    /// What is not lost when the user says no.
    pub(crate) editor: Option<Box<Editor>>,
    /// The table from which it comes.
    pub(crate) trying: Option<Box<Trying>>,
}

/// A question of the feed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) number: u64,
    /// How many events the run had.
    events: u64,
    /// The user has said yes to what is shown.
    confirmed: bool,
}

/// What is to be done with a command once its preview is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// It is what the user has said yes to, or nothing runs again.
    Give,
    /// The user has said yes to something else.
    IsOther,
    Shown,
}

impl Previewed {
    /// What this command would do to the run as it is; `None` for a command that makes nothing run.
    pub(crate) fn of(previews: &Previews, run: &RunState, command: RunCommand) -> Option<Self> {
        let verb = Verb::of(run, &command)?;
        Some(Self {
            preview: previews.work(run, &verb, &command),
            command,
            verb,
            asked: None,
            scroll: 0,
            editor: None,
            trying: None,
        })
    }

    /// What it is called, with the step.
    pub(crate) fn title(&self, run: &RunState, fit: impl Fn(&str) -> String) -> String {
        let known = self.preview.as_ref();
        let step = known.and_then(|preview| preview.step.as_deref());
        let row = self.verb.step.and_then(|step| run.steps.get(step.at()));
        match (&self.command, step.or_else(|| Some(&*row?.info.id))) {
            (RunCommand::RunTo(to), _) => format!("run to {}", fit(to)),
            (_, Some(step)) => format!("{} {}", self.verb.name, fit(step)),
            (RunCommand::Undo | RunCommand::Redo, None) => self.verb.name.to_owned(),
            (RunCommand::Set(setting), None) => words(setting),
            (RunCommand::ContinueAfterLimit(_), None) => "continue after the limit".to_owned(),
            (_, None) => format!("{} what failed", self.verb.name),
        }
    }

    /// Whether something runs again, or cannot; else there is nothing to decide.
    pub(crate) fn says_something(&self) -> bool {
        let says = |shown: &Preview| !shown.reruns.is_empty() || !shown.cannot.is_empty();
        self.preview.as_ref().is_none_or(says)
    }

    /// Whether the run has moved on since it was worked out.
    pub(crate) fn is_stale(&self, run: &RunState) -> bool {
        let known = self.preview.as_ref();
        known.is_some_and(|preview| preview.events != run.events)
    }

    /// Works it out again where the run has moved on since, and this is known here; whether something else came out.
    pub(crate) fn renew(&mut self, previews: &Previews, run: &RunState) -> bool {
        if !self.is_stale(run) {
            return false;
        }
        let now = previews.work(run, &self.verb, &self.command);
        now.is_some_and(|now| self.replace(now))
    }

    /// The feed is asked with this number; `confirmed` where the user has said yes to what is shown.
    pub(crate) fn ask(&mut self, number: u64, run: &RunState, confirmed: bool) {
        self.asked = Some(Asked {
            number,
            events: run.events,
            confirmed,
        });
    }

    /// The feed has answered the question that was open.
    pub(crate) fn take(&mut self, asked: Asked, mut preview: Preview) -> Known {
        self.asked = None;
        // It counts from what was seen here.
        preview.events = asked.events;
        let is_first = self.preview.is_none();
        let is_other = self.replace(preview);
        if is_first && !self.says_something() || asked.confirmed && !is_other {
            return Known::Give;
        }
        if asked.confirmed {
            Known::IsOther
        } else {
            Known::Shown
        }
    }

    fn replace(&mut self, now: Preview) -> bool {
        let before = self.preview.as_ref();
        let same = before.is_some_and(|was| was.reruns == now.reruns && was.cannot == now.cannot);
        self.preview = Some(now);
        !same
    }
}
