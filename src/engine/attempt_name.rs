//! The names of attempts, which outlive the process: who is called sees by them that a call is the one that it had before
//! a crash.

use super::step_instance::StepInstance;
use crate::run::StepState;
use std::collections::HashMap;
use std::sync::Arc;

/// The names of the attempts that were interrupted in an earlier run, by row. The same call made again has the same name.
#[derive(Clone, Debug, Default)]
pub(super) struct InterruptedAttempts(HashMap<Arc<str>, InterruptedAttempt>);

#[derive(Clone, Debug)]
struct InterruptedAttempt {
    name: Arc<str>,
    /// The handle that its server gave it.
    handle: Option<Arc<str>>,
}

impl InterruptedAttempts {
    /// Takes in a row of the run `run_id` that was interrupted. `before` is what that run had resumed itself.
    pub(super) fn note(&mut self, row: &StepState, run_id: &str, before: Option<&Self>) {
        let id = &row.info.id;
        let known = before.and_then(|before| before.0.get(id));
        let last = row.attempts.last();
        let name = match (last.map(|_| first_of_call(row)), known) {
            (None | Some(1), Some(known)) => Some(Arc::clone(&known.name)),
            (number, _) => number.map(|number| name_of(run_id, id, number)),
        };
        let handle = match last {
            Some(attempt) => attempt.handle.clone(),
            None => known.and_then(|known| known.handle.clone()),
        };
        let attempt = name.map(|name| InterruptedAttempt { name, handle });
        self.0
            .extend(attempt.map(|attempt| (Arc::clone(id), attempt)));
    }

    /// Takes over what `before` knows of a row.
    pub(super) fn inherit(&mut self, id: &Arc<str>, before: &Self) {
        let known = before.0.get(id).cloned();
        self.0.extend(known.map(|name| (Arc::clone(id), name)));
    }

    /// Whether the interrupted attempt of a row is one of them.
    pub(super) fn has(&self, id: &str) -> bool {
        self.0.contains_key(id)
    }

    /// The handle that its server gave the interrupted attempt of a row.
    pub(super) fn handle(&self, id: &str) -> Option<&Arc<str>> {
        self.0.get(id)?.handle.as_ref()
    }

    /// The server does not know that handle.
    pub(super) fn forget_handle(&mut self, id: &str) {
        if let Some(attempt) = self.0.get_mut(id) {
            attempt.handle = None;
        }
    }

    /// Forgets the one of a row: what is called now is another call.
    pub(super) fn forget(&mut self, id: &str) {
        self.0.remove(id);
    }

    /// Forgets them: the calls of a fork have names of their own.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

/// The name of an attempt.
pub(super) struct AttemptName {
    /// `RUN/STEP/ATTEMPT`.
    pub name: Arc<str>,
    /// What the tool tells the call by.
    pub idempotency_key: Arc<str>,
}

/// What a row's attempt with this `name` is told by: the name, or the plan's own key where it gives one; in a line of runs
/// that began as a fork, with the run that is its `fork`, since the server has seen the key as it is.
pub(super) fn idempotency_key(
    instance: &StepInstance<'_>,
    name: &Arc<str>,
    fork: Option<&Arc<str>>,
) -> Arc<str> {
    let id = instance.key().id;
    let given = instance.step().and_then(|step| {
        let given = step.settings.idempotency_key.as_ref()?;
        let is_element = instance.scheduler.item(instance.row).is_some();
        Some(match id.strip_prefix(&*step.id).filter(|_| is_element) {
            Some(element) => format!("{given}{element}").into(),
            None => Arc::clone(given),
        })
    });
    match (given, fork) {
        (Some(given), Some(fork)) => format!("{given}:{fork}").into(),
        (Some(given), None) => given,
        (None, _) => Arc::clone(name),
    }
}

/// The name of a row's attempt of this number. Where it makes a call again that was `interrupted`, its name is that of the
/// call.
pub(super) fn attempt_name(
    id: &Arc<str>,
    run_id: &str,
    number: u32,
    interrupted: Option<&InterruptedAttempts>,
) -> Arc<str> {
    let interrupted = interrupted.and_then(|interrupted| interrupted.0.get(id));
    let first = interrupted.map(|attempt| Arc::clone(&attempt.name));
    first.unwrap_or_else(|| name_of(run_id, id, number))
}

/// The number of the attempt under whose name the last call of a row was made: it may have been made again, after the
/// process died, by the run itself.
fn first_of_call(row: &StepState) -> u32 {
    let mut number = row.attempts.last().map_or(1, |last| last.number);
    let mut earlier = row.attempts.iter().rev().skip(1);
    while let Some(attempt) = earlier.next().filter(|attempt| attempt.was_cut_off()) {
        number = attempt.number;
    }
    number
}

fn name_of(run_id: &str, id: &str, number: u32) -> Arc<str> {
    format!("{run_id}/{id}/{number}").into()
}
