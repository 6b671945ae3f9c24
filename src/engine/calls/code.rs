//! Calls whose code has tools called: what it asks for, and what it is told.

use super::{Calls, CodeMessage};
use crate::plan::StepIx;
use crate::tools::{CodeAnswer, CodePort};
use crate::units::Micros;
use futures::FutureExt;
use std::sync::Arc;
use tokio::sync::mpsc;

impl Calls {
    /// Tells the code of a row's call what became of a call that it made.
    pub(in crate::engine) fn tell(&self, row: StepIx, answer: CodeAnswer) {
        let call = self.running.get(&row);
        if let Some(answers) = call.and_then(|call| call.answers.as_ref()) {
            // It may have ended in the meantime.
            let _ = answers.send(answer);
        }
    }

    /// The code of a row's call waits for its calls, or continues.
    pub(in crate::engine) fn suspend(&mut self, row: StepIx, at: Micros, is_suspended: bool) {
        if let Some(call) = self.running.get_mut(&row) {
            call.suspension.set(at, is_suspended);
            call.waits = is_suspended.then(|| call.waiting_time.begin());
        }
    }

    /// Where the code of a row's attempt has `tools` called, and where its answers are sent.
    pub(in crate::engine) fn code_port(
        &self,
        row: StepIx,
        attempt: u32,
        tools: Arc<[Arc<str>]>,
    ) -> (CodePort, mpsc::UnboundedSender<CodeAnswer>) {
        let code = self.code.clone();
        CodePort::new(tools, move |request| {
            let (code, message) = (
                code.clone(),
                CodeMessage {
                    row,
                    attempt,
                    request,
                },
            );
            async move { code.send(message).await.is_ok() }.boxed()
        })
    }

    /// What code asks for next, if anything is waiting.
    pub(in crate::engine) fn try_code(&mut self) -> Option<CodeMessage> {
        self.coded.try_recv().ok()
    }
}
