//! Finds out what became of calls that an earlier run left behind, before anything is decided about them.

use super::Driver;
use crate::engine::Prepared;
use crate::engine::inquiries::Answered;
use crate::engine::resume_state::Fate;
use crate::plan::StepIx;
use crate::run::{EventKind, SettledBy, Settlement};
use crate::tools::{InterruptedCall, Recovery};
use serde_json::{Map, Value};
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
        let mut name = Arc::clone(&step.tool);
        if tool.kind().delegates {
            // What was called is the tool that the input names.
            name = input["name"].as_str().unwrap_or_default().into();
            let arguments = input.get("args").cloned();
            input = arguments.unwrap_or_else(|| Map::new().into()).into();
        }
        let attempt = self.reuse.idempotency_key(&instance, &self.run_id, 1);
        match self.toolbox.recovery(&name) {
            // With another input the same name would be a fault.
            Some(Recovery::Key) if is_same => {
                let settlement = Settlement {
                    name: attempt,
                    by: SettledBy::Key,
                    happened: None,
                    tool: None,
                    input: None,
                    output: None,
                    error: None,
                };
                self.settle(row, settlement, Fate::Again);
                false
            }
            Some(Recovery::Probe(probe)) => {
                let call = InterruptedCall {
                    step: key.id,
                    attempt,
                    input,
                    max_memory_mb: self.settings.limits.max_memory_mb,
                    max_cpu_percent: self.settings.limits.max_cpu_percent,
                };
                self.inquiries.start(row, probe, call);
                true
            }
            Some(Recovery::Key) | None => false,
        }
    }

    /// An inquiry has been answered: the row is prepared with what is known now.
    pub(super) fn answered(&mut self, answered: Answered) {
        let Answered {
            row,
            attempt,
            report,
        } = answered;
        let (happened, error, fate) = match report.found {
            Ok(Some(output)) => (Some(true), None, Fate::Happened(output)),
            Ok(None) => (Some(false), None, Fate::Again),
            Err(why) => {
                let words = format!("{} was asked and failed: {why}", report.tool);
                (None, Some(why), Fate::Unknown(words.into()))
            }
        };
        let input = Some(report.input).filter(|input: &Arc<Value>| !input.is_null());
        let settlement = Settlement {
            name: attempt,
            by: SettledBy::Probe,
            happened,
            tool: Some(report.tool),
            input,
            output: report.output,
            error,
        };
        self.settle(row, settlement, fate);
        self.prepare(row);
    }

    fn settle(&mut self, row: StepIx, settlement: Settlement, fate: Fate) {
        let now = self.read_clock();
        let step = self.scheduler.key(row);
        self.reuse.settle(&step.id, fate);
        let settlement = Box::new(settlement);
        self.emitter
            .emit(now, EventKind::StepSettled { step, settlement });
    }
}
