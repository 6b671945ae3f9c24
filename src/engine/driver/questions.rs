//! Questions that servers ask the user in the middle of calls: one of a step after the other, with the answers that were
//! given before the run, else those of the user.

use super::Driver;
use crate::engine::calls::Asked;
use crate::engine::waiting_time::WaitingTime;
use crate::plan::StepIx;
use crate::run::{Answer, EventKind, Question};
use crate::text::schema::violation;
use crate::tools::{Asker, NOBODY};
use std::collections::VecDeque;

impl Driver {
    /// Asks the user on behalf of an attempt of a row.
    pub(super) fn asker(&self, row: StepIx, attempt: u32, waiting_time: &WaitingTime) -> Asker {
        let wait = self.settings.question_wait;
        let wait = wait.filter(|_| !self.settings.interactive);
        self.calls.asker(row, attempt, waiting_time, wait)
    }

    /// Takes in the handles that servers gave calls, and what they ask the user.
    pub(super) fn take_what_servers_said(&mut self) {
        while let Some(given) = self.calls.try_handle() {
            self.record_handle(given);
        }
        while let Some(asked) = self.calls.try_asked() {
            self.asked(asked);
        }
    }

    /// The server of a call asks something.
    pub(super) fn asked(&mut self, asked: Asked) {
        let row = asked.row;
        if !self.calls.is_running(row) {
            return;
        }
        let queue = self.questions.open.entry(row).or_default();
        queue.push_back(asked);
        if queue.len() == 1 {
            self.pose(row);
        }
    }

    /// Asks the next question of a row, and answers what can be answered without the user.
    fn pose(&mut self, row: StepIx) {
        let step = self.scheduler.key(row);
        let of_plan = self.scheduler.key(self.scheduler.plan_step(row));
        loop {
            let front = self.questions.open.get(&row).and_then(VecDeque::front);
            let Some(asked) = front else {
                self.questions.open.remove(&row);
                return;
            };
            let (attempt, question) = (asked.attempt, asked.question.clone());
            let given = self.questions.given(&step.id, &of_plan.id);
            let given = given.map(|answer| question.completed(answer));
            if given.is_none() && !self.is_somebody_asked() {
                self.reply(row, Err(NOBODY.to_owned()));
                continue;
            }
            let now = self.read_clock();
            self.emitter.emit(
                now,
                EventKind::QuestionAsked {
                    step: step.clone(),
                    attempt,
                    question: Box::new(question.clone()),
                },
            );
            match given {
                None => return,
                Some(answer) => match fault(&question, &answer) {
                    None => self.accept(row, answer),
                    Some(fault) => {
                        let why =
                            format!("the answer of --answer is not what is asked for: {fault}");
                        self.reply(row, Err(why));
                    }
                },
            }
        }
    }

    fn is_somebody_asked(&self) -> bool {
        self.settings.interactive || self.settings.question_wait.is_some()
    }

    /// The user answers the question of a row. An answer that is not what is asked for is not taken, nor one that comes
    /// too late.
    pub(super) fn answer(&mut self, row: StepIx, answer: &Answer) {
        let queue = self.questions.open.get_mut(&row);
        if let Some(queue) =
            queue.filter(|queue| queue.front().is_some_and(|asked| asked.answer.is_closed()))
        {
            queue.pop_front();
            return self.pose(row);
        }
        let front = self.questions.open.get(&row).and_then(VecDeque::front);
        if front.is_some_and(|asked| fault(&asked.question, answer).is_none()) {
            self.accept(row, answer.clone());
            self.pose(row);
        }
    }

    /// Nobody is left who could answer.
    pub(super) fn refuse_questions(&mut self) {
        for queue in std::mem::take(&mut self.questions.open).into_values() {
            for asked in queue {
                let _ = asked.answer.send(Err(NOBODY.to_owned()));
            }
        }
    }

    /// The call of a row has ended.
    pub(super) fn forget_questions(&mut self, row: StepIx) {
        if self.questions.is_waiting() {
            self.questions.open.remove(&row);
        }
    }

    fn accept(&mut self, row: StepIx, answer: Answer) {
        let front = self.questions.open.get(&row).and_then(VecDeque::front);
        let Some(attempt) = front.map(|asked| asked.attempt) else {
            return;
        };
        let (now, step) = (self.read_clock(), self.scheduler.key(row));
        self.emitter.emit(
            now,
            EventKind::QuestionAnswered {
                step,
                attempt,
                answer: Box::new(answer.clone()),
            },
        );
        self.reply(row, Ok(answer));
    }

    fn reply(&mut self, row: StepIx, answer: Result<Answer, String>) {
        let queue = self.questions.open.get_mut(&row);
        if let Some(asked) = queue.and_then(VecDeque::pop_front) {
            // The call may have been stopped in the meantime.
            let _ = asked.answer.send(answer);
        }
    }
}

/// Why an answer is not what is asked for; `None` where it is, or where that takes too long to find out.
fn fault(question: &Question, answer: &Answer) -> Option<String> {
    match (&question.schema, answer) {
        (Some(schema), Answer::Accept(content)) => violation(schema, content),
        _ => None,
    }
}
