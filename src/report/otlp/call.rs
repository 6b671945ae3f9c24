//! What the conventions say of a call, for spans and for metrics.

use crate::run::{AttemptEnd, AttemptState, RunState, StepState};

/// A call of a model or of a tool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'r> {
    /// Whether a model is asked.
    pub(crate) is_model: bool,
    /// The model.
    pub(crate) model: Option<&'r str>,
    /// Who serves the model.
    pub(crate) provider: Option<&'r str>,
    /// The tool.
    pub(crate) tool: &'r str,
    /// How it ended.
    pub(crate) end: Option<&'r AttemptEnd>,
}

impl<'r> Call<'r> {
    /// What an attempt called.
    pub(crate) fn of(run: &'r RunState, row: &'r StepState, attempt: &'r AttemptState) -> Self {
        let is_model = &*row.info.kind == "model";
        let end = attempt.end.as_ref().map(|(_, end)| &**end);
        let worker = run.header.as_deref().map_or("", |header| &header.worker);
        let model = end.and_then(|end| end.details.as_deref()?.model.as_deref());
        let of_worker = worker.split_once('/').map_or(worker, |(name, _)| name);
        Self {
            is_model,
            model: model.or(is_model.then_some(worker)),
            provider: is_model.then_some(of_worker),
            tool: &row.info.tool,
            end,
        }
    }

    /// The operation, by the conventions.
    pub(crate) fn operation(&self) -> &'static str {
        if self.is_model {
            "chat"
        } else {
            "execute_tool"
        }
    }

    /// The name of its span.
    pub(super) fn name(&self) -> String {
        let about = self.model.filter(|_| self.is_model).unwrap_or(self.tool);
        format!("{} {about}", self.operation())
    }
}
