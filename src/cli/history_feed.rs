//! Answers the dashboard's queries about recorded runs, on threads that may block.

use super::repair_feed::{Failed, RepairFeed};
use super::repeat_feed::{RepeatFeed, Repeated, Trusting};
use super::structure_feed::Restructured;
use crate::report::{DiagnosticStyle, local_time, render_faults, watched};
use crate::run::{
    CommandError, Comparison, Exchange, FoldedRun, LiveAnswers, RunCommand, RunEvent, RunWord,
    UsualTimes,
};
use crate::session::{
    DefinedTool, Saving, SessionError, bundle_of, exchanges_of, filtered, model_call_of,
    other_runs_of, place_in_plan, plan_change, reliability_of, saving, savings_so_far, state_of,
    tool_of_run,
};
use crate::store::StoreError;
use crate::tui::{
    EditsDiff, Feed, HistoryAnswer, HistoryQuery, PastRun, PlanChange, RepairQuestion,
    ToolDefinition,
};
use crate::units::Micros;
use futures::FutureExt;
use futures::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// How often the journal is looked at for what a running run has just written, and the pause between two looks.
const JOURNAL_ATTEMPTS: u32 = 10;
const JOURNAL_PAUSE: Duration = Duration::from_millis(50);
/// The most steps of an earlier run that is read for an estimate.
const KNOWN: u64 = 20_000;

/// A feed that also answers queries about recorded runs.
pub(super) struct HistoryFeed<F> {
    feed: F,
    repeats: RepeatFeed,
    repairs: RepairFeed,
    restructured: Restructured,
    answered: Vec<HistoryAnswer>,
    sender: mpsc::UnboundedSender<HistoryAnswer>,
    answers: mpsc::UnboundedReceiver<HistoryAnswer>,
}

impl<F> HistoryFeed<F> {
    /// Wraps `feed`. Calls that are repeated are trusted like those of the run; the plan of the last edit of its structure
    /// is left in `restructured`.
    pub(super) fn new(feed: F, trusting: Trusting, restructured: Restructured) -> Self {
        let (sender, answers) = mpsc::unbounded_channel();
        Self {
            feed,
            repairs: RepairFeed::new(sender.clone(), trusting.given, restructured.edits()),
            restructured,
            repeats: RepeatFeed::new(sender.clone(), trusting),
            answered: Vec::new(),
            sender,
            answers,
        }
    }
}

impl<F> HistoryFeed<F> {
    /// Has this answered on a thread that may block.
    fn look_up(&self, answer: impl FnOnce() -> HistoryAnswer + Send + 'static) {
        let sender = self.sender.clone();
        tokio::task::spawn_blocking(move || {
            // Fails if the user has left the dashboard in the meantime.
            let _ = sender.send(answer());
        });
    }
}

impl<F: Feed> Feed for HistoryFeed<F> {
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

    fn command(&mut self, command: RunCommand) -> Result<(), CommandError> {
        if let RunCommand::HandOver(Some(to)) = &command {
            self.restructured.accept(&to.run_id);
        }
        self.feed.command(command)
    }

    fn live_answers(&mut self) -> LiveAnswers {
        self.feed.live_answers()
    }

    fn notices(&mut self) -> Vec<String> {
        self.feed.notices()
    }

    fn read_percent(&self) -> Option<u8> {
        self.feed.read_percent()
    }

    fn whole(&mut self) -> Option<Box<FoldedRun>> {
        self.feed.whole()
    }

    fn now(&self) -> Micros {
        self.feed.now()
    }

    fn ask(&mut self, query: HistoryQuery) -> Option<HistoryQuery> {
        let sender = self.sender.clone();
        match self.feed.ask(query)? {
            HistoryQuery::Runs { run_id, plan } => {
                self.look_up(move || HistoryAnswer::Runs(runs(&run_id, &plan).map_err(message)));
            }
            HistoryQuery::Compare { with, shown } => self.look_up(move || {
                let compared = state_of(&with.run_id);
                let compared = compared.map(|run| Box::new(Comparison::new(run, &shown)));
                HistoryAnswer::Compared(with, compared.map_err(message))
            }),
            HistoryQuery::Bodies {
                run_id,
                step,
                attempt,
            } => self.look_up(move || {
                let read = bodies(&run_id, &step, attempt).map_err(message);
                HistoryAnswer::Bodies(step, read)
            }),
            HistoryQuery::Usual { run_id, plan } => self.look_up(move || {
                HistoryAnswer::Usual(usual_times(&run_id, &plan).unwrap_or_default())
            }),
            HistoryQuery::PlanPlace { run_id, step } => self.look_up(move || {
                let place = place_in_plan(&run_id, &step);
                HistoryAnswer::PlanPlace(place.map_err(|error| faults(&error)))
            }),
            HistoryQuery::Reliability { shown } => {
                tokio::spawn(async move {
                    let known = reliability_of(&shown).await;
                    let known = known.map(|found| found.map(Box::new));
                    let known = known.map_err(|error| faults(&error));
                    let _ = sender.send(HistoryAnswer::Reliability(known));
                });
            }
            HistoryQuery::Savings { shown } => self.look_up(move || {
                let saved = savings_so_far(&shown).map(Box::new);
                HistoryAnswer::Saved(saved.map_err(|error| error.to_string().into()))
            }),
            HistoryQuery::Filter {
                number,
                filter,
                value,
            } => {
                tokio::spawn(async move {
                    let output = filtered(&value, &filter).await;
                    let output = output.map(Arc::new).map_err(Arc::from);
                    let _ = sender.send(HistoryAnswer::Filtered(number, output));
                });
            }
            HistoryQuery::Watch {
                number,
                filters,
                shown,
            } => {
                tokio::spawn(async move {
                    let root = tokio::task::spawn_blocking(move || watched(&shown)).await;
                    let root = root.unwrap_or_default();
                    let mut values = Vec::new();
                    for filter in &filters {
                        let value = filtered(&root, filter).await;
                        values.push(value.map(Arc::new).map_err(Arc::from));
                    }
                    let _ = sender.send(HistoryAnswer::Watched(number, values));
                });
            }
            HistoryQuery::Structure {
                run_id,
                live,
                edit,
                text,
            } => {
                let restructured = self.restructured.clone();
                tokio::spawn(async move {
                    let known = if let Some(run) = live {
                        let known = Box::pin(restructured.work_out_live(&run, edit, &text)).await;
                        known.map(|(preview, to)| (Box::new(preview), Some(Box::new(to))))
                    } else {
                        let known = Box::pin(restructured.work_out(&run_id, edit, &text)).await;
                        known.map(|preview| (Box::new(preview), None))
                    };
                    let known = known.map_err(|error| faults(&error));
                    let _ = sender.send(HistoryAnswer::Structure(known));
                });
            }
            HistoryQuery::ToolDefinition { run_id, live, step } => {
                let restructured = self.restructured.clone();
                tokio::spawn(async move {
                    let known = match live {
                        Some(run) => restructured.tool_of_live(&run, &step),
                        None => tool_of_run(&run_id, &step),
                    };
                    let known = known.map(
                        |DefinedTool {
                             name: tool,
                             entry: definition,
                         }| {
                            Box::new(ToolDefinition { tool, definition })
                        },
                    );
                    let known = known.map_err(|error| faults(&error));
                    let _ = sender.send(HistoryAnswer::ToolDefinition(step, known));
                });
            }
            HistoryQuery::PlanChange { run_id } => {
                tokio::spawn(async move {
                    let change = plan_change(&run_id).await;
                    let change = change.map(|change| Box::new(shown_change(change)));
                    let change = change.map_err(|error| faults(&error));
                    let _ = sender.send(HistoryAnswer::PlanChange(change));
                });
            }
            HistoryQuery::EditsDiff { run_id } => {
                tokio::spawn(async move {
                    let _ = sender.send(edits_diff(&run_id).await);
                });
            }
            HistoryQuery::WriteEdits { run_id, diff } => {
                tokio::spawn(async move {
                    let _ = sender.send(write_edits(&run_id, &diff).await);
                });
            }
            HistoryQuery::RepeatPrice {
                number,
                shown,
                step,
                call,
            } => {
                let asked = Repeated {
                    number,
                    shown,
                    step,
                    call,
                    times: 1,
                };
                self.repeats.price(asked, faults);
            }
            HistoryQuery::Repeat {
                number,
                shown,
                step,
                call,
                times,
            } => {
                let asked = Repeated {
                    number,
                    shown,
                    step,
                    call,
                    times,
                };
                self.repeats.repeat(asked, faults);
            }
            HistoryQuery::StopRepeating => {
                self.repeats.stop();
            }
            HistoryQuery::Repair {
                number,
                run_id,
                step,
                on_top_of,
                about,
            } => {
                let asked = Failed {
                    number,
                    run_id,
                    step,
                    on_top_of,
                };
                match about {
                    RepairQuestion::Price => self.repairs.price(asked, faults),
                    RepairQuestion::Correction => self.repairs.ask(asked, faults, shown_change),
                }
            }
            HistoryQuery::StopRepair => {
                self.repairs.stop();
            }
            HistoryQuery::WriteRepair { diff } => {
                self.repairs.write(&diff, faults);
            }
            HistoryQuery::ModelCall { shown, step } => {
                tokio::spawn(async move {
                    let known = model_call_of(&shown, step).await;
                    let known = known.map_err(|error| faults(&error));
                    let known =
                        known.and_then(|call| call.ok_or_else(|| "the step asks no model".into()));
                    let _ = sender.send(HistoryAnswer::ModelCall(step, known));
                });
            }
            HistoryQuery::Bundle { shown, step } => {
                tokio::spawn(async move {
                    let made = bundle_of(&shown, Some(&step)).await;
                    let made = made.map(|bundle| (bundle.file_name(), bundle.text()));
                    let _ =
                        sender.send(HistoryAnswer::Bundle(made.map_err(|error| faults(&error))));
                });
            }
            // Its run is live elsewhere, and that feed answers it.
            query @ HistoryQuery::Preview { .. } => return Some(query),
        }
        None
    }

    fn answers(&mut self) -> Vec<HistoryAnswer> {
        while let Ok(answer) = self.answers.try_recv() {
            self.answered.push(answer);
        }
        let mut answers = self.feed.answers();
        answers.append(&mut self.answered);
        answers
    }
}

async fn edits_diff(run_id: &str) -> HistoryAnswer {
    let known = saving(run_id).await;
    let known = known.map(|saving| Box::new(shown_edits(&saving)));
    HistoryAnswer::EditsDiff(known.map_err(|error| faults(&error)))
}

/// Writes the edits, or shows the difference again where it is another one by now.
async fn write_edits(run_id: &str, seen: &str) -> HistoryAnswer {
    match saving(run_id).await {
        Ok(saving) if saving.diff() == seen => {
            let written = saving.write().map_err(|error| faults(&error));
            HistoryAnswer::EditsWritten(written)
        }
        Ok(saving) => HistoryAnswer::EditsDiff(Ok(Box::new(shown_edits(&saving)))),
        Err(error) => HistoryAnswer::EditsWritten(Err(faults(&error))),
    }
}

fn shown_edits(saving: &Saving) -> EditsDiff {
    let files = saving.files.iter();
    let saved = files.flat_map(|file| {
        let place = file.path.display();
        let edits = file.edits.iter();
        edits.map(move |edit| format!("{} of {}: {} in {place}", edit.what, edit.step, edit.place))
    });
    let left_out = saving.left_out.iter();
    EditsDiff {
        diff: saving.diff(),
        saved: saved.collect(),
        left_out: left_out
            .map(|edit| format!("{} of {}: {}", edit.what, edit.step, edit.why))
            .collect(),
    }
}

fn shown_change(change: crate::session::PlanChange) -> PlanChange {
    let words = |ids: Vec<Arc<str>>| ids.iter().map(ToString::to_string).collect();
    PlanChange {
        changed: words(change.changed),
        reruns: words(change.reruns),
        stays: change.stays,
        min: change.price.min,
        expected: change.price.expected,
        max: change.price.max,
    }
}

/// What is wrong, with the places and excerpts of faults of a plan.
fn faults(error: &SessionError) -> Arc<str> {
    let SessionError::Faults(all) = error else {
        return error.to_string().into();
    };
    let style = DiagnosticStyle {
        width: 78,
        ..DiagnosticStyle::default()
    };
    let all: Vec<String> = all.iter().map(|one| render_faults(one, style)).collect();
    all.join("\n").into()
}

/// What the steps took in the latest run of the plan that succeeded, or else in the latest that ended.
fn usual_times(run_id: &str, plan: &str) -> Option<UsualTimes> {
    let mut runs = other_runs_of(plan, run_id).ok()?;
    let is_over = |word| !matches!(word, RunWord::Interrupted | RunWord::Running);
    runs.retain(|run| is_over(run.status) && run.steps <= KNOWN);
    let succeeded = runs.iter().find(|run| run.status == RunWord::Succeeded);
    let run = succeeded.or_else(|| runs.first())?;
    let state = state_of(&run.run_id).ok()?;
    Some(UsualTimes::of(&state))
}

/// The other runs of the plan, newest first.
fn runs(run_id: &str, plan: &str) -> Result<Vec<PastRun>, StoreError> {
    let runs = other_runs_of(plan, run_id)?.into_iter();
    Ok(runs
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

/// What the attempts of a step sent and received. The journal may be a moment behind the events of a run in progress.
fn bodies(run_id: &str, step: &str, attempt: Option<u32>) -> Result<Vec<Exchange>, StoreError> {
    let mut attempts = JOURNAL_ATTEMPTS;
    loop {
        let exchanges = exchanges_of(run_id, Some(step))?;
        let has_it = |wanted| exchanges.iter().any(|one| one.attempt == wanted);
        attempts -= 1;
        if attempt.is_none_or(has_it) || attempts == 0 {
            return Ok(exchanges);
        }
        std::thread::sleep(JOURNAL_PAUSE);
    }
}

#[allow(clippy::needless_pass_by_value, reason = "passed to `map_err`")]
fn message(error: StoreError) -> Arc<str> {
    error.to_string().into()
}
