//! Rows whose input, list or parameters lack a secret that was left out of a record.

use super::{Reuse, would_use};
use crate::engine::Prepared;
use crate::engine::redaction::any_value;
use crate::engine::redaction::holds_mark;
use crate::engine::resume_state::ResumeState;
use crate::engine::step_instance::StepInstance;
use crate::plan::Template;
use crate::run::{ErrorKind, RunError};
use crate::tools::REDACTED;

impl Reuse {
    /// The same, unless its input lacks a secret that was left out of what it comes from: the record of an earlier
    /// run, or what the user saw and edited.
    pub(super) fn unless_redacted(
        &self,
        instance: &StepInstance<'_>,
        prepared: Prepared,
    ) -> Prepared {
        let Prepared::Call { input, .. } = &prepared else {
            return prepared;
        };
        let is_edited = instance.scheduler.given(instance.row).is_some();
        let Some(step) = instance
            .step()
            .filter(|_| is_edited || self.resume.is_some())
        else {
            return prepared;
        };
        let in_plan = || any_value(&step.parameters.source().into(), &holds_mark);
        if !any_value(input, &holds_mark) || in_plan() {
            return prepared;
        }
        Prepared::Impossible(Box::new(RunError {
            kind: ErrorKind::ToolExecutionError,
            step: Some(instance.key().id),
            tool_name: Some(step.tool.clone()),
            message: format!(
                "its input has {REDACTED} where a secret was left out of the record; run the step that gives this \
                 value again, or set the input"
            )
            .into(),
            retryable: false,
            attempts: 0,
        }))
    }

    /// For a row whose list or parameters are computed from a value that lacks a secret: what is on record of it, or else
    /// why it cannot start.
    pub(super) fn computed_from_what_lacks(
        &self,
        instance: &StepInstance<'_>,
        prepared: &Prepared,
    ) -> (Option<Prepared>, Option<Prepared>) {
        let is_concerned = !self.left_out.is_empty() && would_use(prepared);
        let Some(step) = instance.step().filter(|_| is_concerned) else {
            return (None, None);
        };
        let id = instance.key().id;
        let resume = self.resume.as_ref();
        if let Some(list) = step.for_each.as_deref().filter(|_| !instance.is_element()) {
            let lacking = self.left_out.in_list(instance);
            let refused = lacking.filter(|_| {
                !resume.is_some_and(|resume| {
                    let count = resume.elements_of(&id);
                    matches!(prepared, Prepared::Each(items) if items.len() == count)
                        && resume.upstream_is_as_before(step)
                        && self.names_as_before(resume, list, instance)
                })
            });
            return (None, refused.map(|it| it.refusal("for_each", instance)));
        }
        if instance.scheduler.given(instance.row).is_some() {
            return (None, None);
        }
        let Some(lacking) = self.left_out.in_parameters(instance) else {
            return (None, None);
        };
        let recorded = resume.and_then(|resume| {
            let taken_over = resume.taken_over(&id, step)?;
            self.names_as_before(resume, &step.parameters, instance)
                .then_some(taken_over)
        });
        match recorded {
            Some(recorded) => (Some(recorded), None),
            None => (None, Some(lacking.refusal("parameters", instance))),
        }
    }

    fn names_as_before(
        &self,
        resume: &ResumeState,
        template: &Template,
        instance: &StepInstance<'_>,
    ) -> bool {
        let mut is_as_before = true;
        template.roots(&mut |root| is_as_before &= self.is_as_before(resume, root, instance));
        is_as_before
    }
}
