//! Making the call of an attempt, and stopping it.

use super::Driver;
use crate::engine::attempt::{AttemptDone, Bounds};
use crate::engine::calls::{CallFrame, in_place, nothing_to_call};
use crate::engine::expectations::Made;
use crate::engine::suspension::Suspension;
use crate::engine::waiting_time::WaitingTime;
use crate::plan::{StepInput, StepIx};
use crate::tools::{Call, CallReport, Quote, ToolError};
use crate::units::Money;

impl Driver {
    /// Makes a call, in place or on a task of its own. Every way out of it ends the attempt or leaves a task that will.
    pub(super) fn call(&mut self, row: StepIx, number: u32, input: &StepInput, reserved: Money) {
        let input = input.to_value();
        let instance = self.instance(row);
        let (Some(tool), Some(step)) = (instance.tool().cloned(), instance.step()) else {
            return self.ended(row, AttemptDone::free(nothing_to_call()));
        };
        let (own_timeout, model) = (step.settings.timeout, step.settings.model.clone());
        self.note_called(row, &input);
        let started = self.read_clock();
        if let Some(report) = in_place(&*tool, &input) {
            let service = self.read_clock() - started;
            let done = AttemptDone {
                service,
                ..AttemptDone::free(report)
            };
            let made = Made {
                started,
                done,
                may_be_paced: true,
            };
            return self.made(row, made);
        }
        let free = || reserved.is_zero() && tool.quote(&input, model.as_deref()) == Quote::FREE;
        let target = tool.target(&input);
        let executor = target.as_ref().unwrap_or(&tool);
        let policy = executor.policy();
        let has_effect = !policy.repeatable || !free();
        if has_effect {
            self.emitter.require_survival();
        }
        // The event is on record before the call can have an effect.
        self.emitter.flush();
        if let Some(why) = self.emitter.refusal().filter(|_| has_effect) {
            let message = format!("the call was not made, because it cannot be recorded: {why}");
            let report = CallReport::free(Err(ToolError::permanent(message)));
            return self.ended(row, AttemptDone::free(report));
        }
        let (code, answers) = self.code_port(row, number, &**executor);
        let instance = self.instance(row);
        let name = self.reuse.attempt_name(&instance, &self.run_id, number);
        let waiting_time = WaitingTime::default();
        let trace = self.trace.as_ref();
        let trace = trace.map(|trace| trace.of_attempt(&self.run_id, &instance.key().id, number));
        let call = Call {
            step: instance.key().id,
            attempt: number,
            input,
            model,
            name: name.name,
            idempotency_key: name.idempotency_key,
            trace: trace.map(Into::into),
            time_limit: own_timeout.or(policy.timeout),
            max_memory_mb: self.settings.limits.max_memory_mb,
            max_cpu_percent: self.settings.limits.max_cpu_percent,
            cancel: self.calls.cancellation(),
            log: self.calls.log(row, number),
            listener: self.listener(row, number),
            raw: self.emitter.raw(),
            asker: self.asker(row, number, &waiting_time),
            handle: self
                .calls
                .handle(row, number)
                .known(self.attached.remove(&row)),
            code,
            spend_authorizer: self.calls.spend_authorizer(row),
        };
        let bounds = Bounds {
            limit: own_timeout.or(policy.timeout),
            waiting_time,
            deterministic: policy.deterministic,
            origin: self.origin,
            // Recording the start is no part of the call.
            started: self.read_clock(),
            suspension: Suspension::default(),
        };
        let frame = CallFrame {
            has_effect,
            answers,
            held: self.held.memory(),
        };
        self.calls.start(row, tool, call, bounds, frame);
    }

    /// Has the attempt of a row stop; it still ends.
    pub(super) fn cancel(&mut self, row: StepIx) {
        if self.large.cancel(row) {
            let report = CallReport::not_sent(ToolError::permanent("stopped"));
            let done = AttemptDone {
                cancelled: true,
                ..AttemptDone::free(report)
            };
            return self.ended(row, done);
        }
        if let Some(made) = self.release_unjudged(row) {
            return self.ended(row, made.done);
        }
        match self.slow_motion.release(row) {
            Some(done) => self.ended(row, done),
            None => self.calls.cancel(row),
        }
    }
}
