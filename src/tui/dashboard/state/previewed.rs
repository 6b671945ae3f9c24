//! A command whose price and effects are shown before it is given.

use super::editor::Editor;
use super::trying::Trying;
use crate::plan::StepIx;
use crate::run::{ModelCall, Preview, RunCommand, RunState};
use std::fmt;
use std::sync::Arc;

/// Works out what a command would do to a run, and knows what the run's plan has models asked with.
#[derive(Clone)]
pub struct Previews {
    work: Arc<Work>,
    calls: Option<Arc<Calls>>,
}

type Work = dyn Fn(&RunState, &str, Option<StepIx>, &RunCommand) -> Preview + Send + Sync;
type Calls = dyn Fn(&RunState, StepIx) -> Option<ModelCall> + Send + Sync;

impl Previews {
    /// By this function of the run, the verb, its step and the command.
    pub fn new(
        work: impl Fn(&RunState, &str, Option<StepIx>, &RunCommand) -> Preview + Send + Sync + 'static,
    ) -> Self {
        Self {
            work: Arc::new(work),
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
}

impl fmt::Debug for Previews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Previews")
    }
}

/// A command that waits for the user's yes.
#[derive(Debug)]
pub struct Previewed {
    pub(crate) command: RunCommand,
    pub(crate) preview: Preview,
    pub(crate) scroll: usize,
    /// What is not lost when the user says no.
    pub(crate) editor: Option<Box<Editor>>,
    /// The table from which it comes.
    pub(crate) trying: Option<Box<Trying>>,
}

impl Previewed {
    /// What this command would do to the run as it is; `None` for a command that makes nothing run.
    pub(crate) fn of(previews: &Previews, run: &RunState, command: RunCommand) -> Option<Self> {
        let (verb, step) = match &command {
            RunCommand::Retry(step) => ("retry", Some(*step)),
            RunCommand::Refresh(step) => ("refresh", Some(*step)),
            RunCommand::RunTo(to) => {
                let mut rows = run.steps.iter().zip(0..);
                let row = rows.find(|(row, _)| row.info.id == *to);
                ("resume", row.map(|(_, at)| StepIx(at)))
            }
            RunCommand::RetryFailed => ("retry", None),
            RunCommand::SetInput(step, _) | RunCommand::SetCall(step, _) => ("edit", Some(*step)),
            RunCommand::Undo => ("undo", None),
            RunCommand::Redo => ("redo", None),
            RunCommand::SetOutput(step, _) => ("set", Some(*step)),
            _ => return None,
        };
        Some(Self {
            preview: (previews.work)(run, verb, step, &command),
            command,
            scroll: 0,
            editor: None,
            trying: None,
        })
    }

    /// What it is called, with the step.
    pub(crate) fn title(&self, fit: impl Fn(&str) -> String) -> String {
        match (&self.command, &self.preview.step) {
            (RunCommand::RunTo(to), _) => format!("run to {}", fit(to)),
            (_, Some(step)) => format!("{} {}", self.preview.verb, fit(step)),
            (_, None) => format!("{} what failed", self.preview.verb),
        }
    }

    /// Works it out again where the run has moved on since; whether something else came out.
    pub(crate) fn renew(&mut self, previews: &Previews, run: &RunState) -> bool {
        if self.preview.events == run.events {
            return false;
        }
        let Some(now) = Self::of(previews, run, self.command.clone()) else {
            return false;
        };
        let same =
            now.preview.reruns == self.preview.reruns && now.preview.cannot == self.preview.cannot;
        self.preview = now.preview;
        !same
    }
}
