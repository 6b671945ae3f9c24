//! Finds out what became of calls that an earlier run left behind, before anything is decided about them.

use super::Driver;
use crate::engine::attempt::LOOK_UP_LIMIT;
use crate::engine::calls::GivenHandle;
use crate::engine::inquiries::{Answered, Found};
use crate::engine::resume_state::Fate;
use crate::engine::{Input, Prepared};
use crate::plan::StepIx;
use crate::run::{EventKind, RunError, SettledBy, Settlement, StepKey};
use crate::tools::{
    Asker, Call, CallHandle, CallReport, CodePort, InterruptedCall, ProbeReport, Recovery,
    SpendAuthorizer, Standing,
};
use crate::units::Money;
use serde_json::{Map, Value, json};
use std::sync::Arc;

impl Driver {
    /// Looks into the interrupted call of a row that is about to be called. Whether somebody is being asked, so that the
    /// row has to wait.
    pub(super) fn look_into(&mut self, row: StepIx, prepared: &Prepared) -> bool {
        if self.inquiries.is_running(row) {
            return true;
        }
        let instance = self.instance(row);
        let known = self.reuse.interrupted_input(&instance, prepared);
        let Some((input, is_same)) = known else {
            return false;
        };
        let key = instance.key();
        let mut input = input.to_value();
        let (Some(step), Some(tool)) = (instance.step(), instance.tool()) else {
            return false;
        };
        let first = self.reuse.first_attempt(&key.id);
        let name = self.reuse.attempt_name(&instance, &self.run_id, first);
        let attempt = name.idempotency_key;
        if let Some(handle) = self.reuse.interrupted_handle(&key.id) {
            let names = (&name.name, &attempt);
            let call = self.look_up_call(&key, names, &input, &handle);
            if let Some(standing) = tool.look_up(call) {
                let answered = async move {
                    let standing = tokio::time::timeout(LOOK_UP_LIMIT, standing).await;
                    let seconds = LOOK_UP_LIMIT.as_secs();
                    let silent = || {
                        Standing::Unknown(format!("it did not answer within {seconds} s").into())
                    };
                    Found::Handle(handle, standing.unwrap_or_else(|_| silent()))
                };
                self.inquiries.start(row, attempt, answered);
                return true;
            }
        }
        let mut name = Arc::clone(&step.tool);
        if tool.kind().delegates {
            // What was called is the tool that the input names.
            name = input["name"].as_str().unwrap_or_default().into();
            let arguments = input.get("args").cloned();
            input = arguments.unwrap_or_else(|| Map::new().into()).into();
        }
        match self.toolbox.recovery(&name) {
            // With another input the same name would be a fault.
            Some(Recovery::Key) if is_same => {
                let settlement = Settlement {
                    by: SettledBy::Key,
                    ..nothing_known(attempt)
                };
                self.settle(row, settlement, Fate::Again);
                false
            }
            Some(Recovery::Probe(probe)) => {
                let call = InterruptedCall {
                    step: key.id,
                    attempt: Arc::clone(&attempt),
                    input,
                    max_memory_mb: self.settings.limits.max_memory_mb,
                    max_cpu_percent: self.settings.limits.max_cpu_percent,
                };
                let answered = async move { Found::Probe(probe.ask(call).await) };
                self.inquiries.start(row, attempt, answered);
                true
            }
            Some(Recovery::Key) | None => false,
        }
    }

    /// What a tool is given to ask about a call that has a handle.
    fn look_up_call(
        &self,
        key: &StepKey,
        (name, key_of_call): (&Arc<str>, &Arc<str>),
        input: &Arc<Value>,
        handle: &Arc<str>,
    ) -> Call {
        Call {
            step: Arc::clone(&key.id),
            attempt: 1,
            input: Arc::clone(input),
            model: None,
            name: Arc::clone(name),
            idempotency_key: Arc::clone(key_of_call),
            trace: None,
            time_limit: Some(LOOK_UP_LIMIT),
            max_memory_mb: self.settings.limits.max_memory_mb,
            max_cpu_percent: self.settings.limits.max_cpu_percent,
            cancel: self.calls.cancellation(),
            log: Arc::new(|_, _| {}),
            listener: None,
            raw: None,
            asker: Asker::default(),
            handle: CallHandle::default().known(Some(Arc::clone(handle))),
            code: CodePort::default(),
            spend_authorizer: SpendAuthorizer::unlimited(),
        }
    }

    /// An inquiry has been answered: the row is prepared with what is known now.
    pub(super) fn answered(&mut self, answered: Answered) {
        let Answered {
            row,
            attempt,
            found,
        } = answered;
        match found {
            Found::Probe(report) => self.settle_by_probe(row, attempt, report),
            Found::Handle(handle, standing) => {
                self.settle_by_handle(row, attempt, handle, standing);
            }
        }
        self.prepare(row);
    }

    fn settle_by_probe(&mut self, row: StepIx, attempt: Arc<str>, report: ProbeReport) {
        let (happened, error, fate) = match report.found {
            Ok(Some(output)) => (Some(true), None, Fate::Happened(output)),
            Ok(None) => (Some(false), None, Fate::Again),
            Err(why) => {
                let words = format!("{} was asked and failed: {why}", report.tool);
                (None, Some(why), Fate::Unknown(words.into()))
            }
        };
        // The bound that was counted for a call that may have been billed.
        let released = if happened == Some(false) {
            let id = self.scheduler.key(row).id;
            self.reuse.release(&id)
        } else {
            Money::ZERO
        };
        let input = Some(report.input).filter(|input: &Arc<Value>| !input.is_null());
        let settlement = Settlement {
            by: SettledBy::Probe,
            happened,
            tool: Some(report.tool),
            input,
            output: report.output,
            error,
            released,
            ..nothing_known(attempt)
        };
        self.settle(row, settlement, fate);
    }

    fn settle_by_handle(
        &mut self,
        row: StepIx,
        attempt: Arc<str>,
        handle: Arc<str>,
        standing: Standing,
    ) {
        let instance = self.instance(row);
        let (key, tool) = (instance.key(), instance.step().map(|step| &step.tool));
        let mut settlement = Settlement {
            by: SettledBy::Handle,
            tool: tool.cloned(),
            input: Some(Arc::new(json!({"handle": *handle}))),
            ..nothing_known(attempt)
        };
        let fate = match standing {
            Standing::Ended(report) => {
                let CallReport {
                    output, unredacted, ..
                } = *report;
                settlement.happened = Some(true);
                match output {
                    Ok(output) => {
                        settlement.output = Some(Arc::clone(&output));
                        let whole = unredacted.map(crate::tools::Unredacted::into_value);
                        Fate::Happened(whole.unwrap_or(output))
                    }
                    Err(error) => {
                        settlement.error = Some(error.message.as_str().into());
                        Fate::Failed(Box::new(RunError {
                            kind: error.kind,
                            step: Some(key.id),
                            tool_name: tool.cloned(),
                            message: error.message.into(),
                            retryable: false,
                            attempts: 1,
                        }))
                    }
                }
            }
            Standing::Working(evidence) => {
                settlement.output = Some(evidence);
                // Who waits for its end has the bill.
                settlement.released = self.reuse.release(&key.id);
                Fate::Attach(handle)
            }
            Standing::NotBegun(evidence) => {
                settlement.happened = Some(false);
                settlement.output = Some(evidence);
                settlement.released = self.reuse.release(&key.id);
                self.reuse.forget_handle(&key.id);
                Fate::Again
            }
            Standing::Unknown(why) => {
                settlement.error = Some(Arc::clone(&why));
                // The catalog may know another way.
                self.reuse.forget_handle(&key.id);
                Fate::Unknown(why)
            }
        };
        let is_open = matches!(fate, Fate::Unknown(_)) && self.has_other_recovery(row);
        if is_open {
            self.report_settlement(row, settlement);
        } else {
            self.settle(row, settlement, fate);
        }
    }

    /// Whether the catalog says how to find out what became of calls of a row.
    fn has_other_recovery(&self, row: StepIx) -> bool {
        let instance = self.instance(row);
        let step = instance.step();
        step.is_some_and(|step| self.toolbox.recovery(&step.tool).is_some())
    }

    fn settle(&mut self, row: StepIx, settlement: Settlement, fate: Fate) {
        let id = self.scheduler.key(row).id;
        let released = settlement.released;
        self.reuse.settle(&id, fate);
        self.report_settlement(row, settlement);
        if !released.is_zero() {
            if let Some(share) = &self.share {
                share.release(released);
            }
            self.input(Input::Released(released));
        }
    }

    fn report_settlement(&mut self, row: StepIx, settlement: Settlement) {
        let now = self.read_clock();
        let step = self.scheduler.key(row);
        let settlement = Box::new(settlement);
        self.emitter
            .emit(now, EventKind::StepSettled { step, settlement });
    }

    /// Where the attempt that starts only waits for the end of a call that an earlier run made: the event that gives it
    /// that call's handle.
    pub(super) fn attach(&mut self, kind: &EventKind) -> Option<EventKind> {
        let EventKind::AttemptStarted { step, attempt, .. } = kind else {
            return None;
        };
        let handle = self.reuse.take_attached(&step.id)?;
        self.attached.insert(step.ix, Arc::clone(&handle));
        Some(EventKind::AttemptHandle {
            step: step.clone(),
            attempt: *attempt,
            handle,
        })
    }

    /// Puts the handle that a server gave a call on record before the call goes on.
    pub(super) fn record_handle(&mut self, given: GivenHandle) {
        let GivenHandle {
            row,
            attempt,
            handle,
            recorded,
        } = given;
        let now = self.read_clock();
        let step = self.scheduler.key(row);
        self.emitter.emit(
            now,
            EventKind::AttemptHandle {
                step,
                attempt,
                handle,
            },
        );
        if self.calls.has_effect(row) {
            self.emitter.require_survival();
        }
        self.emitter.flush();
        // The call may have been stopped in the meantime.
        let _ = recorded.send(());
    }
}

/// Nothing is known of the call with this name.
fn nothing_known(name: Arc<str>) -> Settlement {
    Settlement {
        name,
        by: SettledBy::Key,
        happened: None,
        tool: None,
        input: None,
        output: None,
        error: None,
        released: Money::ZERO,
    }
}
