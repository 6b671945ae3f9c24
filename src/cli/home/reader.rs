//! Reads what the home screen lists from disk, on a thread of its own.

use super::plans::plans;
use super::{plan_detail, planner};
use crate::cli::args::run::RunArgs;
use crate::cli::samples;
use crate::report::local_time;
use crate::run::{RunState, RunSummary, RunWord, StepStatus};
use crate::store::{BatchSummary, Details, Store, StoreError};
use crate::tui::home::{
    Answer, Detail, PlanPlace, PlanRequest, Request, RunItem, Source, Standing,
};
use crate::units::Micros;
use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

/// The longest run, in events, that is read for its details; longer ones show fewer details.
const EVENTS: u64 = 100_000;
/// The most errors that are listed for one run.
const FAILURES: usize = 50;

/// Answers the home screen's requests from a thread that reads the disk.
pub(super) struct Reader {
    requests: Sender<Request>,
    answers: UnboundedReceiver<Answer>,
    next: Option<Answer>,
    planner: PlannerTask,
}

/// The planner, as a task on the runtime: what it asks takes longer than anything that is read.
struct PlannerTask {
    here: PathBuf,
    args: RunArgs,
    answers: UnboundedSender<Answer>,
    working: Option<JoinHandle<()>>,
    /// The plan that is read.
    reading: Option<JoinHandle<()>>,
}

impl PlannerTask {
    fn stop(&mut self) {
        if let Some(working) = self.working.take() {
            working.abort();
        }
    }

    fn start(&mut self, request: PlanRequest) {
        self.stop();
        let (args, here, answers) = (self.args.clone(), self.here.clone(), self.answers.clone());
        self.working = Some(tokio::spawn(planner::make(request, args, here, answers)));
    }
}

impl PlannerTask {
    /// Reads a plan; one that is being read is not wanted any more.
    fn read(&mut self, place: PlanPlace) {
        let (args, here, answers) = (self.args.clone(), self.here.clone(), self.answers.clone());
        let task = plan_detail::tell(place, args, here, answers);
        if let Some(before) = self.reading.replace(tokio::spawn(task)) {
            before.abort();
        }
    }
}

impl Drop for PlannerTask {
    fn drop(&mut self) {
        self.stop();
        if let Some(reading) = self.reading.take() {
            reading.abort();
        }
    }
}

impl Reader {
    /// Starts the thread; `here` is the current folder, and `args` say with what plans are made.
    pub(super) fn start(here: PathBuf, args: RunArgs) -> Self {
        let (requests, received) = channel();
        let (send, answers) = unbounded_channel();
        let planner = PlannerTask {
            here: here.clone(),
            args,
            answers: send.clone(),
            working: None,
            reading: None,
        };
        std::thread::spawn(move || read(&here, &received, &send));
        Self {
            requests,
            answers,
            next: None,
            planner,
        }
    }
}

impl Source for Reader {
    fn ask(&mut self, request: Request) {
        match request {
            Request::Plan(request) => return self.planner.start(request),
            Request::StopPlanning => return self.planner.stop(),
            Request::PlanDetail(place) => return self.planner.read(place),
            Request::Everything | Request::Runs | Request::Detail(_) => {}
        }
        // Cannot fail: the thread ends only after `self` is dropped.
        let _ = self.requests.send(request);
    }

    fn take(&mut self) -> Option<Answer> {
        self.next.take().or_else(|| self.answers.try_recv().ok())
    }

    fn changed(&mut self) -> BoxFuture<'_, ()> {
        async {
            if self.next.is_none() {
                match self.answers.recv().await {
                    Some(answer) => self.next = Some(answer),
                    None => std::future::pending().await,
                }
            }
        }
        .boxed()
    }
}

fn read(here: &Path, requests: &Receiver<Request>, answers: &UnboundedSender<Answer>) {
    let mut store = None;
    while let Ok(first) = requests.recv() {
        // Of several requests for details only the last matters: the selection has moved on.
        let mut waiting: Vec<Request> = vec![first];
        waiting.extend(requests.try_iter());
        let last = waiting
            .iter()
            .rposition(|request| matches!(request, Request::Detail(_)));
        for (at, request) in waiting.into_iter().enumerate() {
            let sent = match request {
                Request::Detail(_) if Some(at) != last => Ok(()),
                Request::Plan(_) | Request::StopPlanning | Request::PlanDetail(_) => Ok(()),
                Request::Detail(run) => {
                    let detail = detail(&mut store, &run);
                    answers.send(Answer::Detail(run, detail))
                }
                Request::Runs => answers.send(Answer::Runs(runs(&mut store))),
                Request::Everything => answers
                    .send(Answer::Samples(samples::samples(here)))
                    .and_then(|()| answers.send(Answer::Runs(runs(&mut store))))
                    .and_then(|()| answers.send(Answer::Plans(plans(here)))),
            };
            if sent.is_err() {
                return;
            }
        }
    }
}

/// The store, opened when it is first needed; `None` where there is no store yet.
fn opened(store: &mut Option<Store>) -> Result<Option<&Store>, StoreError> {
    if store.is_none() {
        match Store::open() {
            Ok(open) => *store = Some(open),
            Err(StoreError::Empty(_)) => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    Ok(store.as_ref())
}

fn runs(store: &mut Option<Store>) -> Result<Vec<RunItem>, String> {
    let mut read = || match opened(store)? {
        Some(store) => Ok((store.single_runs()?, store.batches()?)),
        None => Ok((Vec::new(), Vec::new())),
    };
    let (runs, batches) = read().map_err(|error: StoreError| error.to_string())?;
    let resumed: HashSet<Arc<str>> = runs
        .iter()
        .filter_map(|run| run.resumed_from.clone())
        .collect();
    let mut items: Vec<RunItem> = runs.into_iter().map(|run| item(run, &resumed)).collect();
    items.extend(batches.into_iter().map(batch_item));
    items.sort_by_key(|item| std::cmp::Reverse(item.started));
    Ok(items)
}

/// A batch as a run whose steps are its items.
fn batch_item(batch: BatchSummary) -> RunItem {
    let count = |word: &str| -> u64 {
        let of_word = batch.counts.iter().filter(|(status, _)| **status == *word);
        of_word.map(|(_, count)| count).sum()
    };
    let known: u64 = batch.counts.iter().map(|(_, count)| count).sum();
    let all = batch.record.items.unwrap_or(known).max(known);
    let (done, failed) = (count("succeeded"), count("failed"));
    let started = batch.record.started_at.parse::<Timestamp>();
    RunItem {
        standing: if batch.is_live {
            Standing::Running
        } else if count("limit_exceeded") > 0 {
            Standing::LimitExceeded
        } else if done + failed < all {
            Standing::Interrupted
        } else if failed > 0 {
            Standing::Failed
        } else {
            Standing::Succeeded
        },
        started: started.map_or(0, Timestamp::as_second),
        started_at: local_time(&batch.record.started_at).into(),
        took: Micros(0),
        cost: batch.cost,
        done,
        failed,
        steps: all,
        worker: Arc::default(),
        resumed_from: None,
        forked_from: None,
        is_batch: true,
        plan: batch.record.plan,
        run_id: batch.record.batch,
    }
}

fn item(run: RunSummary, resumed: &HashSet<Arc<str>>) -> RunItem {
    let started = run.started_at.parse::<Timestamp>();
    RunItem {
        standing: match run.status {
            RunWord::Running => Standing::Running,
            RunWord::Interrupted | RunWord::Waiting if resumed.contains(&run.run_id) => {
                Standing::Continued
            }
            RunWord::Interrupted | RunWord::Waiting => Standing::Interrupted,
            RunWord::Succeeded => Standing::Succeeded,
            RunWord::Failed => Standing::Failed,
            RunWord::LimitExceeded => Standing::LimitExceeded,
            RunWord::Cancelled => Standing::Cancelled,
        },
        started: started.map_or(0, Timestamp::as_second),
        started_at: local_time(&run.started_at).into(),
        took: run.latency,
        cost: run.cost,
        done: run.steps_completed,
        failed: run.steps_failed,
        steps: run.steps,
        worker: run.worker.unwrap_or_default(),
        resumed_from: run.resumed_from,
        forked_from: run.forked_from,
        is_batch: false,
        plan: run.plan,
        run_id: run.run_id,
    }
}

fn detail(store: &mut Option<Store>, id: &str) -> Detail {
    let mut read = || -> Result<Detail, StoreError> {
        let Some(store) = opened(store)? else {
            return Ok(Detail::default());
        };
        let run = store.find(id)?;
        let Details { plan_path, .. } = store.details(&run)?;
        if run.events > EVENTS {
            return Ok(Detail {
                plan_path,
                ..Detail::default()
            });
        }
        let recording = store.load(&run);
        let state = RunState::from_events(&recording.events);
        let damage = recording.damage.map(|damage| damage.to_string().into());
        let unrecorded = "the journal failed during this run: its record is incomplete";
        let rows = || state.steps.iter();
        let failed = rows().filter(|row| row.status.went_wrong()).take(FAILURES);
        let interrupted = matches!(run.status, RunWord::Interrupted | RunWord::Waiting);
        let running = rows().filter(|row| {
            row.status == StepStatus::Unknown || interrupted && row.running_attempt().is_some()
        });
        Ok(Detail {
            plan_path,
            failed: failed
                .filter(|row| row.status == StepStatus::Failed)
                .map(|row| {
                    let why = row.error.as_ref().map_or("", |error| &error.message);
                    (row.info.id.clone(), crate::text::headline(why).into())
                })
                .collect(),
            running: running
                .take(FAILURES)
                .map(|row| row.info.id.clone())
                .collect(),
            simulated: state.header.as_ref().is_some_and(|header| header.simulated),
            fault: damage.or_else(|| recording.unrecorded.then(|| unrecorded.into())),
        })
    };
    read().unwrap_or_else(|error| Detail {
        fault: Some(error.to_string().into()),
        ..Detail::default()
    })
}
