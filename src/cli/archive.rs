//! The runs on record, for a dashboard that asks for them: read beside it, on threads that may wait.

use super::failure::Failure;
use super::record::fault;
use crate::report::local_time;
use crate::run::{Comparison, RunCommand, RunEvent, RunState};
use crate::store::{Store, StoreError};
use crate::tui::{Answer, Feed, Inquiry, PastRun};
use crate::units::Micros;
use futures::FutureExt;
use futures::future::BoxFuture;
use std::sync::Arc;
use tokio::sync::mpsc;

/// A feed that also answers what is asked of the runs on record.
pub struct WithArchive<F> {
    feed: F,
    answered: Vec<Answer>,
    sender: mpsc::UnboundedSender<Answer>,
    answers: mpsc::UnboundedReceiver<Answer>,
}

impl<F> WithArchive<F> {
    /// The same feed, and the record beside it.
    pub fn new(feed: F) -> Self {
        let (sender, answers) = mpsc::unbounded_channel();
        Self {
            feed,
            answered: Vec::new(),
            sender,
            answers,
        }
    }
}

impl<F: Feed> Feed for WithArchive<F> {
    fn take(&mut self, into: &mut Vec<RunEvent>, most: usize) {
        self.feed.take(into, most);
    }

    fn changed(&mut self) -> BoxFuture<'_, ()> {
        async move {
            tokio::select! {
                () = self.feed.changed() => {}
                Some(answer) = self.answers.recv() => self.answered.push(answer),
            }
        }
        .boxed()
    }

    fn command(&mut self, command: RunCommand) -> bool {
        self.feed.command(command)
    }

    fn now(&self) -> Micros {
        self.feed.now()
    }

    fn ask(&mut self, inquiry: Inquiry) {
        let sender = self.sender.clone();
        tokio::task::spawn_blocking(move || {
            // Nobody listens any more where the dashboard was left in the meantime.
            let _ = sender.send(answer(inquiry));
        });
    }

    fn answers(&mut self) -> Vec<Answer> {
        while let Ok(answer) = self.answers.try_recv() {
            self.answered.push(answer);
        }
        std::mem::take(&mut self.answered)
    }
}

fn answer(inquiry: Inquiry) -> Answer {
    match inquiry {
        Inquiry::Runs { run_id, plan } => Answer::Runs(runs(&run_id, &plan).map_err(said)),
        Inquiry::Compare { with, shown } => {
            let compared = load(&with.run_id).map(|run| Box::new(Comparison::new(run, &shown)));
            Answer::Compared(with, compared.map_err(said))
        }
    }
}

fn said(error: StoreError) -> Arc<str> {
    match fault(error) {
        Failure::Usage(message) => message.into(),
        Failure::Faults(_) => "the record cannot be read".into(),
    }
}

/// The other runs of the plan, the newest first.
fn runs(run_id: &str, plan: &str) -> Result<Vec<PastRun>, StoreError> {
    let store = match Store::open() {
        Err(StoreError::Empty(_)) => return Ok(Vec::new()),
        store => store?,
    };
    let runs = store.runs()?.into_iter();
    let others = runs.filter(|run| &*run.plan == plan && &*run.run_id != run_id);
    Ok(others
        .map(|run| PastRun {
            started: local_time(&run.started_at),
            status: run.status.word(),
            took: run.latency,
            cost: run.cost,
            steps: (run.steps_completed, run.steps),
            run_id: run.run_id,
        })
        .collect())
}

fn load(run_id: &Arc<str>) -> Result<RunState, StoreError> {
    let store = Store::open()?;
    let recording = store.load(&store.find(run_id)?);
    match recording.damage {
        Some(damage) if recording.events.is_empty() => Err(damage),
        _ => Ok(RunState::from_events(&recording.events)),
    }
}
