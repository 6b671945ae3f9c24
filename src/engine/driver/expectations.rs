//! Whether outputs are what their steps expect. One that is not never counts as an output: its attempt failed.

use super::Driver;
use super::preparation::EVALUATION_LIMIT;
use crate::engine::expectations::{Allowed, Known, Made, Open, Unjudged};
use crate::engine::prepare::{OwnCall, RunScope};
use crate::engine::redaction::holds_mark;
use crate::engine::{Input, Prepared};
use crate::plan::{Judged, StepInput, StepIx, invalid};
use crate::run::{ErrorKind, RunError, StepSource};
use crate::tools::ToolError;
use serde_json::Value;
use std::sync::Arc;

impl Driver {
    /// Takes note of what a row is called with, where it expects something.
    pub(super) fn note_called(&mut self, row: StepIx, input: &Arc<Value>) {
        if self.expects(row) {
            self.expectations.forget(row);
            self.expectations.called(row, input);
        }
    }

    fn expects(&self, row: StepIx) -> bool {
        let step = self.instance(row).step();
        step.is_some_and(|step| !step.expect.is_empty())
    }

    /// A call has ended: what it made is looked at, and then the attempt ends.
    pub(super) fn made(&mut self, row: StepIx, mut made: Made) {
        let output = made.done.report.whole_output();
        if let Some(output) = output.filter(|_| self.expects(row)) {
            let input = self.expectations.input(row).cloned();
            match self.judge(row, output, input.as_deref()) {
                Ok(None) => {}
                Ok(Some(message)) => made.done.report.reject(self.unexpected(row, message)),
                Err(open) => return self.look_at(row, Unjudged::Made(made), open),
            }
            self.expectations.forget(row);
        }
        if made.may_be_paced {
            self.ended_in_slow_motion(row, made.started, made.done);
        } else {
            self.ended(row, made.done);
        }
    }

    /// What is done with a row: where its output is there already, that is looked at first.
    pub(super) fn decided(
        &mut self,
        row: StepIx,
        mut prepared: Prepared,
        input: Option<&StepInput>,
    ) {
        if let Prepared::Call { input, breaks, .. } = &mut prepared {
            *breaks = self.breaks_before(row, input);
        }
        if matches!(prepared, Prepared::Known(..)) && self.expects(row) {
            let input = input.map(StepInput::to_value);
            self.known(row, Box::new(Known { prepared, input }));
        } else {
            self.admit(row, prepared);
        }
    }

    fn known(&mut self, row: StepIx, known: Box<Known>) {
        let Prepared::Known(output, source, reused) = &known.prepared else {
            return;
        };
        // What lacks a secret cannot be judged now; it was when it was made.
        let judged = if *source == StepSource::Mock || holds_mark(output) {
            Ok(None)
        } else {
            self.judge(row, output, known.input.as_deref())
        };
        let is_pinned = reused.as_ref().is_some_and(|reused| reused.pinned);
        match judged {
            Err(open) => return self.look_at(row, Unjudged::Known(known), open),
            Ok(None) => self.input(Input::Prepared(row, known.prepared)),
            Ok(Some(_)) if *source == StepSource::Cache && !is_pinned => {
                self.reuse.reject(row);
                return self.prepare(row);
            }
            Ok(Some(message)) => {
                let error = self.unexpected(row, message);
                let instance = self.instance(row);
                let error = RunError {
                    kind: error.kind,
                    step: Some(instance.key().id),
                    tool_name: instance.step().map(|step| Arc::clone(&step.tool)),
                    message: error.message.into(),
                    retryable: error.retryable,
                    attempts: 0,
                };
                let prepared = Prepared::Rejected(Box::new(error), Arc::clone(output));
                self.input(Input::Prepared(row, prepared));
            }
        }
        self.expectations.forget(row);
    }

    /// Something has been found out about the output of a row.
    pub(super) fn judge_again(&mut self, row: StepIx) {
        match self.expectations.take(row) {
            Some(Unjudged::Made(made)) => self.made(row, made),
            Some(Unjudged::Known(known)) if self.scheduler.is_preparing(row) => {
                self.known(row, known);
            }
            // The user decided in the meantime, or the run was stopped.
            Some(Unjudged::Known(_)) | None => self.expectations.forget(row),
        }
    }

    /// The call of a row has ended, and what it made is being looked at: that is given up.
    pub(super) fn release_unjudged(&mut self, row: StepIx) -> Option<Made> {
        let Unjudged::Made(mut made) = self.expectations.take(row)? else {
            return None;
        };
        self.expectations.forget(row);
        made.done.report.reject(ToolError::permanent("stopped"));
        made.done.cancelled = true;
        Some(made)
    }

    fn look_at(&mut self, row: StepIx, output: Unjudged, open: Open) {
        let allowed = Allowed {
            memory_mb: self.settings.limits.max_memory_mb,
            time: EVALUATION_LIMIT,
        };
        let toolbox = &*self.toolbox;
        self.expectations.wait(row, output, open, toolbox, allowed);
    }

    /// What of the expectations of a row its output does not meet; the error is what has to be found out first.
    fn judge(
        &self,
        row: StepIx,
        output: &Value,
        input: Option<&Value>,
    ) -> Result<Option<String>, Open> {
        let instance = self.instance(row);
        let Some(step) = instance.step() else {
            return Ok(None);
        };
        let secrets = self.toolbox.secrets().now();
        let scope = RunScope {
            evaluated: self.expectations.evaluated(row),
            own: OwnCall {
                input,
                output: Some(output),
                ..OwnCall::default()
            },
            ..instance.scope()
        };
        for expectation in &step.expect {
            let judged = expectation.judge(&scope, &secrets);
            if let Some(evaluation) = scope.wanted.take() {
                return Err(Open::Expression(evaluation));
            }
            let violation = match judged {
                Judged::Met => continue,
                Judged::Unmet(message) => return Ok(Some(message)),
                Judged::Validate(validation) => {
                    let known = self.expectations.violation(row, &validation);
                    known.ok_or(Open::Schema(validation))?
                }
            };
            match violation {
                Ok(None) => {}
                Ok(Some(violation)) => return Ok(Some(invalid(&violation, &secrets))),
                Err(why) => {
                    let message = format!("expect: the output was not validated: {why}");
                    return Ok(Some(message));
                }
            }
        }
        Ok(None)
    }

    /// The error of an attempt whose output is not as expected. The same call would mostly give the same, unless the plan
    /// says that it is made again.
    fn unexpected(&self, row: StepIx, message: String) -> ToolError {
        let step = self.instance(row).step();
        let retry = step.and_then(|step| step.settings.retry);
        ToolError {
            kind: ErrorKind::ExpectationError,
            retryable: retry.is_some_and(|retry| retry.attempts > 1),
            ..ToolError::permanent(message)
        }
    }
}
