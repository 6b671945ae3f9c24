//! Calls with large inputs: few are made at a time.
//!
//! What a step refers to is shared, but a call has a copy of its input, and many tools make another: the text of a
//! request. Together they take no more memory than one large call.

use super::Action;
use crate::plan::StepIx;
use std::collections::{HashMap, VecDeque};

/// Inputs that take less are not counted, in bytes.
const LARGE: usize = 1 << 20;

/// What the inputs of all running calls may take together, in bytes. One alone may take more.
const MAX_RUNNING: usize = 32 << 20;

/// The large inputs of running calls, and the calls that wait for them.
#[derive(Debug, Default)]
pub(super) struct LargeInputs {
    running: HashMap<StepIx, usize>,
    total: usize,
    waiting: VecDeque<LargeCall>,
}

/// A call that waits.
#[derive(Debug)]
struct LargeCall {
    row: StepIx,
    size: usize,
    /// Makes it.
    action: Action,
}

impl LargeInputs {
    /// What the driver is to do now: all but a call that has to wait, which comes later with [`ended`](Self::ended).
    pub(super) fn admit(&mut self, action: Action) -> Option<Action> {
        let Action::Call { step, input, .. } = &action else {
            return Some(action);
        };
        let row = *step;
        let Some(size) = input.footprint_from(LARGE) else {
            return Some(action);
        };
        if self.running.contains_key(&row) {
            // It has waited.
            return Some(action);
        }
        if self.total > 0 && (self.total + size > MAX_RUNNING || !self.waiting.is_empty()) {
            self.waiting.push_back(LargeCall { row, size, action });
            return None;
        }
        self.begin(row, size);
        Some(action)
    }

    fn begin(&mut self, row: StepIx, size: usize) {
        self.total += size;
        self.running.insert(row, size);
    }

    /// The call of a row has ended: those that are made now, in the order in which they came.
    pub(super) fn ended(&mut self, row: StepIx) -> Vec<Action> {
        let mut next = Vec::new();
        let Some(size) = self.running.remove(&row) else {
            return next;
        };
        self.total -= size;
        while let Some(first) = self.waiting.front()
            && (self.total == 0 || self.total + first.size <= MAX_RUNNING)
            && let Some(first) = self.waiting.pop_front()
        {
            self.begin(first.row, first.size);
            next.push(first.action);
        }
        next
    }

    /// Whether the call of a row waited; it does not any more.
    pub(super) fn cancel(&mut self, row: StepIx) -> bool {
        let before = self.waiting.len();
        self.waiting.retain(|call| call.row != row);
        self.waiting.len() < before
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Money;
    use serde_json::json;

    fn call(row: u32, megabytes: usize) -> Action {
        Action::Call {
            step: StepIx(row),
            attempt: 1,
            input: json!("x".repeat(megabytes << 20)).into(),
            reserved: Money::ZERO,
        }
    }

    #[test]
    fn large_calls_wait_for_each_other_in_their_order() {
        let mut large = LargeInputs::default();
        let rows = |actions: Vec<Action>| -> Vec<u32> {
            let row = |action: &Action| match action {
                Action::Call { step, .. } => step.0,
                other => panic!("{other:?}"),
            };
            actions.iter().map(row).collect()
        };
        let admits = |large: &mut LargeInputs, row, size| large.admit(call(row, size)).is_some();
        assert!(admits(&mut large, 0, 50));
        for (row, size) in [(1, 20), (2, 10), (3, 10)] {
            assert!(!admits(&mut large, row, size));
        }
        // What is small waits for nobody.
        assert!(admits(&mut large, 4, 0));
        assert!(large.ended(StepIx(4)).is_empty());
        assert!(large.cancel(StepIx(1)) && !large.cancel(StepIx(1)));
        assert_eq!(rows(large.ended(StepIx(0))), [2, 3]);
        // They come back to be made.
        assert!(admits(&mut large, 2, 10));
        // One that would fit does not overtake.
        assert!(!admits(&mut large, 5, 31));
        assert!(!admits(&mut large, 6, 2));
        assert!(large.ended(StepIx(2)).is_empty());
        assert_eq!(rows(large.ended(StepIx(3))), [5]);
        assert_eq!(rows(large.ended(StepIx(5))), [6]);
        assert!(large.ended(StepIx(6)).is_empty());
        assert_eq!((large.total, large.running.len()), (0, 0));
    }
}
