//! A sandbox that is ready before it is needed.

use super::pool::Sandbox;
use super::protocol::Language;
use super::shape::{MEMORY_MB, Shape, seconds};
use super::work::Work;
use crate::tools::warm_jail::WarmJail;

impl Sandbox {
    /// Has a sandbox for such work ready as soon as it can be started, until the guard is dropped. It is called within
    /// a runtime.
    pub(crate) fn keep_ready(&self, work: Work<'_>) -> WarmJail {
        let shape = Shape {
            memory_mb: work.memory_mb.unwrap_or(MEMORY_MB),
            cpu_percent: work.cpu_percent,
            cpython_seconds: (work.language == Language::Cpython).then(|| seconds(&work)),
        };
        self.idle.count(true);
        self.refill(shape);
        let itself = self.itself.clone();
        WarmJail::until_dropped(move || {
            if let Some(sandbox) = itself.upgrade() {
                sandbox.idle.count(false);
            }
        })
    }

    /// Starts a sandbox of this shape in the background, where a run wants one ready and none waits.
    pub(super) fn refill(&self, shape: Shape) {
        let Some(sandbox) = self.itself.upgrade().filter(|it| !it.idle.has(&shape)) else {
            return;
        };
        tokio::spawn(async move {
            let language = match shape.cpython_seconds {
                Some(_) => Language::Cpython,
                None => Language::Python,
            };
            // Where it cannot be started, the call that needs it says why.
            if let Ok(process) = sandbox.start(shape, language).await
                && !sandbox.idle.has(&shape)
            {
                sandbox.idle.give_back(process);
            }
        });
    }
}
