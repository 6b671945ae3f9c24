//! What events about one attempt change.

use super::RunState;
use crate::run::{Answer, AskedQuestion, AttemptEnd, AttemptState, LogStream, Question, StepKey};
use crate::units::{Micros, Money};
use std::sync::Arc;

impl RunState {
    pub(super) fn raise(&mut self, step: &StepKey, attempt: u32, reserved: Money) {
        let row = self.steps.get_mut(step.ix.at());
        let entry = row.and_then(|row| {
            let mut open = row.attempts.iter_mut();
            open.rfind(|a| a.number == attempt && a.end.is_none())
        });
        if let Some(entry) = entry {
            self.reserved += reserved - entry.reserved;
            entry.extras_mut().reserved = reserved;
        }
    }

    /// Changes an attempt, running or not.
    pub(super) fn with_attempt(
        &mut self,
        step: &StepKey,
        attempt: u32,
        change: impl FnOnce(&mut AttemptState),
    ) {
        self.with(step, |row| {
            let mut attempts = row.attempts.iter_mut();
            if let Some(entry) = attempts.rfind(|a| a.number == attempt) {
                change(entry);
            }
        });
    }

    /// The server gave the call of an attempt a handle.
    pub(super) fn give_handle(&mut self, step: &StepKey, attempt: u32, handle: &Arc<str>) {
        self.with_attempt(step, attempt, |entry| {
            entry.extras_mut().handle = Some(Arc::clone(handle));
        });
    }

    pub(super) fn log(&mut self, step: &StepKey, attempt: u32, stream: LogStream, text: &Arc<str>) {
        self.with_attempt(step, attempt, |entry| {
            entry.extras_mut().log.push(stream, text);
        });
    }

    /// The server of a call asks the user something.
    pub(super) fn ask(&mut self, step: &StepKey, attempt: u32, question: &Question) {
        self.with_attempt(step, attempt, |entry| {
            let question = Box::new(question.clone());
            let answer = None;
            let asked = AskedQuestion { question, answer };
            entry.extras_mut().questions.push(asked);
        });
    }

    /// The question of a call was answered.
    pub(super) fn answer(&mut self, step: &StepKey, attempt: u32, answer: &Answer) {
        self.with_attempt(step, attempt, |entry| {
            if let Some(asked) = entry.extras_mut().questions.last_mut() {
                asked.answer = Some(Box::new(answer.clone()));
            }
        });
    }

    pub(super) fn end_attempt(&mut self, at: Micros, end: &Arc<AttemptEnd>) {
        let tracked = self.header.as_ref().is_none_or(|h| h.track_cost);
        let Some(row) = self.steps.get_mut(end.step.ix.at()) else {
            return;
        };
        let Some(attempt) = row
            .attempts
            .iter_mut()
            .rfind(|a| a.number == end.attempt && a.end.is_none())
        else {
            return;
        };
        let was_suspended = attempt.is_suspended();
        self.running = self.running.saturating_sub(usize::from(!was_suspended));
        attempt.end_suspension(at, None);
        let suspended = attempt.suspended(at);
        let details = row.details.as_deref_mut();
        let paced_since = details.and_then(|details| details.paced_since.take());
        self.paced -= usize::from(paced_since.is_some());
        let called_until = paced_since.unwrap_or(at);
        self.slot_accounting
            .around((called_until - attempt.started) - suspended - end.service);
        self.reserved -= attempt.reserved;
        attempt.end = Some((at, Arc::clone(end)));
        row.service += end.service;
        if let Some(wait) = end.retry_in {
            row.details_mut().retry_at = Some(at + wait);
        }
        self.work += end.service;
        if let Some(tokens) = end.tokens.as_deref().copied() {
            **row.details_mut().tokens.get_or_insert_default() += tokens;
            self.tokens += tokens;
        }
        match end.cost {
            Some(cost) => {
                self.spent += cost;
                row.cost = row.cost.map(|sum| sum + cost);
            }
            None if tracked => {
                self.unpriced = true;
                row.cost = None;
            }
            None => row.cost = None,
        }
    }

    /// The call of an attempt has ended, and slow motion keeps it running.
    pub(super) fn pace(&mut self, at: Micros, step: &StepKey, attempt: u32) {
        let row = self.steps.get_mut(step.ix.at());
        let running = row.filter(|row| row.running_attempt().is_some_and(|a| a.number == attempt));
        if let Some(row) = running.filter(|row| row.paced_since.is_none()) {
            row.details_mut().paced_since = Some(at);
            self.paced += 1;
        }
    }
}
