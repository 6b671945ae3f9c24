//! The planner asked for a correction of the plan, for the dashboard.

use crate::session::{
    ChangedFile, EditedPlan, LiveEdits, PlanningOptions, Repair, SessionError, Settings,
};
use crate::tui::{Correction, HistoryAnswer, PlanChange, RepairPrice};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// What is asked about: a run and the step of it that failed.
pub(super) struct Failed {
    /// The number of the question.
    pub number: u64,
    /// The run.
    pub run_id: Arc<str>,
    /// The step.
    pub step: Arc<str>,
    /// The run that is to go on with an edit of the plan that was accepted before.
    pub on_top_of: Option<Arc<str>>,
}

/// In which words an error is told.
type Told = fn(&SessionError) -> Arc<str>;

/// Asks the planner, and keeps its correction until it is written.
pub(super) struct RepairFeed {
    sender: mpsc::UnboundedSender<HistoryAnswer>,
    is_trusted: bool,
    /// The edits of the plan of the run, where this process runs it.
    edits: LiveEdits,
    corrected: Arc<Mutex<Option<ChangedFile>>>,
    stop: CancellationToken,
}

impl RepairFeed {
    pub(super) fn new(
        sender: mpsc::UnboundedSender<HistoryAnswer>,
        is_trusted: bool,
        edits: LiveEdits,
    ) -> Self {
        Self {
            sender,
            is_trusted,
            edits,
            corrected: Arc::default(),
            stop: CancellationToken::new(),
        }
    }

    /// Answers whom it would ask, and what that can cost.
    pub(super) fn price(&self, asked: Failed, told: Told) {
        let (sender, is_trusted) = (self.sender.clone(), self.is_trusted);
        let edited = self.edited(&asked);
        tokio::spawn(async move {
            let number = asked.number;
            let answer = match price(asked, edited, is_trusted, sender.clone()).await {
                Ok(price) => HistoryAnswer::RepairPrice(number, price),
                Err(error) => HistoryAnswer::Repaired(number, Err(told(&error))),
            };
            let _ = sender.send(answer);
        });
    }

    /// Asks the planner, and answers with its correction.
    pub(super) fn ask(
        &mut self,
        asked: Failed,
        told: Told,
        shown: fn(crate::session::PlanChange) -> PlanChange,
    ) {
        self.stop();
        let stop = CancellationToken::new();
        self.stop = stop.clone();
        let (sender, is_trusted) = (self.sender.clone(), self.is_trusted);
        let corrected = Arc::clone(&self.corrected);
        let edited = self.edited(&asked);
        tokio::spawn(async move {
            let number = asked.number;
            let answers = sender.clone();
            let asking = async move {
                let repair = Box::pin(open(asked, edited, is_trusted, answers)).await?;
                let repaired = Box::pin(repair.ask(None)).await?;
                let change = if repair.is_of_file() {
                    Some(shown(Box::pin(repair.change(&repaired)).await?))
                } else {
                    None
                };
                let correction = Correction {
                    planner: repair.planning.planner.name(),
                    cost: repaired.changed.record.cost,
                    diff: repaired.diff(),
                    text: Arc::clone(&repaired.text),
                    of: repair.digest().into(),
                    change,
                };
                let mut kept = corrected.lock().unwrap_or_else(PoisonError::into_inner);
                *kept = Some(repaired.file());
                Ok(Box::new(correction))
            };
            let known = tokio::select! {
                known = asking => known.map_err(|error| told(&error)),
                () = stop.cancelled() => return,
            };
            let _ = sender.send(HistoryAnswer::Repaired(number, known));
        });
    }

    /// The edit of the plan on top of which a correction is made.
    fn edited(&self, asked: &Failed) -> Option<EditedPlan> {
        let id = asked.on_top_of.as_ref()?;
        self.edits.of(id)
    }

    /// Asks it no longer.
    pub(super) fn stop(&mut self) {
        self.stop.cancel();
    }

    /// Writes the correction, where it is this one.
    pub(super) fn write(&self, seen: &str, told: Told) {
        let kept = self.corrected.lock();
        let mut kept = kept.unwrap_or_else(PoisonError::into_inner);
        let file = kept.take().filter(|file| file.diff() == seen);
        let written = file.map_or_else(
            || Err("the correction is another one by now: ask again".into()),
            |file| file.write_if_as_read().map_err(|error| told(&error)),
        );
        let _ = self.sender.send(HistoryAnswer::RepairWritten(written));
    }
}

impl Drop for RepairFeed {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn open(
    asked: Failed,
    edited: Option<EditedPlan>,
    is_trusted: bool,
    sender: mpsc::UnboundedSender<HistoryAnswer>,
) -> Result<Repair, SessionError> {
    let settings = Settings::load(&std::env::current_dir().unwrap_or_default())?;
    let mut options = PlanningOptions {
        planner: settings.planner.clone(),
        ..PlanningOptions::default()
    };
    options.source.trust = is_trusted;
    let number = asked.number;
    let report = move |progress: &crate::planner::PlanningProgress| {
        let _ = sender.send(HistoryAnswer::RepairProgress(number, progress.to_string()));
    };
    let failed = (&*asked.run_id, Some(&*asked.step));
    Repair::open(failed, edited.as_ref(), options, &settings, report).await
}

async fn price(
    asked: Failed,
    edited: Option<EditedPlan>,
    is_trusted: bool,
    sender: mpsc::UnboundedSender<HistoryAnswer>,
) -> Result<RepairPrice, SessionError> {
    let repair = Box::pin(open(asked, edited, is_trusted, sender)).await?;
    if repair.planning.planner.is_offline() {
        return Err(SessionError::NothingToRepair(
            "no model is there to ask: set OPENAI_API_KEY or the key of another provider, or write \
             `planner = \"PROVIDER/MODEL\"` into the settings"
                .to_owned(),
        ));
    }
    Ok(RepairPrice {
        max_of_one: repair.max_cost()?,
        planner: repair.planning.planner.name(),
    })
}
