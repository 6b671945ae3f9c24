//! The feed of a run of another process for the dashboard: its events over the control interface, its commands back.

use super::remote_questions::RemoteQuestions;
use crate::control::{Client, ClientError, CommandRequest};
use crate::engine::{EventReader, EventSender, event_channel};
use crate::plan::StepIx;
use crate::run::{CommandError, EventKind, RunCommand, RunEvent, RunSummary};
use crate::session::each_recorded;
use crate::tui::{Feed, HistoryAnswer, HistoryQuery};
use crate::units::Micros;
use futures::FutureExt;
use futures::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// How often a broken connection is made again, and the pause before it.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(300);

/// The events of a run of another process, and the sender of commands to it.
pub(super) struct RemoteFeed {
    events: EventReader,
    client: Client,
    /// The ids of its rows.
    ids: Vec<Arc<str>>,
    /// When it started, on the clock of this process.
    origin: Instant,
    told: mpsc::UnboundedSender<String>,
    notices: mpsc::UnboundedReceiver<String>,
    /// Notices that wait to be taken.
    waiting: Vec<String>,
    questions: RemoteQuestions,
    follower: JoinHandle<()>,
}

impl RemoteFeed {
    /// Follows the run behind `client` from its first event on. `passed` is the time since its start. Of a run that is
    /// `recorded` on this machine the journal is read first, which is faster than asking for each event.
    pub(super) fn new(client: Client, passed: Duration, recorded: Option<Box<RunSummary>>) -> Self {
        let questions = RemoteQuestions::new(client.clone(), recorded.is_some());
        let (sender, events) = event_channel();
        let (told, notices) = mpsc::unbounded_channel();
        let now = Instant::now();
        Self {
            events,
            follower: tokio::spawn(follow(client.clone(), recorded, sender, told.clone())),
            client,
            ids: Vec::new(),
            origin: now.checked_sub(passed).unwrap_or(now),
            told,
            notices,
            waiting: Vec::new(),
            questions,
        }
    }

    /// The id of a row.
    fn id(&self, row: StepIx) -> Option<String> {
        Some(self.ids.get(row.at())?.to_string())
    }

    /// Edits the plan of the run as the user has seen it priced.
    fn edit_plan(&mut self) {
        let Some(request) = self.questions.accepted_edit() else {
            return;
        };
        let (client, told) = (self.client.clone(), self.told.clone());
        tokio::spawn(async move {
            if let Err(error) = client.edit_plan(&request).await {
                let _ = told.send(format!("{}: {error}", request.verb));
            }
        });
    }

    fn learn(&mut self, events: &[RunEvent]) {
        for event in events {
            let steps = match &event.kind {
                EventKind::RunStarted(header) => {
                    self.ids.clear();
                    &header.steps
                }
                EventKind::StepsAdded { steps } => steps,
                EventKind::StepExpanded { elements, .. } => elements,
                EventKind::StepCalled { row, call, .. } => {
                    // A row that an earlier attempt of the code had may be of another call now.
                    match self.ids.get_mut(row.at()) {
                        Some(id) => *id = Arc::clone(&call.id),
                        None => self.ids.push(Arc::clone(&call.id)),
                    }
                    continue;
                }
                _ => continue,
            };
            self.ids
                .extend(steps.iter().map(|step| Arc::clone(&step.id)));
        }
    }
}

impl Drop for RemoteFeed {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

/// Takes in the events as they come. Says so where the process of the run is gone before the run has ended.
async fn follow(
    client: Client,
    recorded: Option<Box<RunSummary>>,
    into: EventSender,
    told: mpsc::UnboundedSender<String>,
) {
    let mut into = Passed::new(into);
    if let Some(run) = recorded {
        let read = tokio::task::spawn_blocking(move || {
            // What the journal does not have, or cannot say, is asked for.
            let _ = each_recorded(&run, |events| into.pass_on(events));
            into
        });
        match read.await {
            Ok(with_past) => into = with_past,
            Err(_) => return,
        }
    }
    let mut attempts = 0;
    loop {
        match pass_on(&client, &mut into).await {
            Ok(()) if into.ended => return,
            Err(ClientError::Refused { message, .. }) => {
                let _ = told.send(message);
                return;
            }
            _ => {}
        }
        attempts += 1;
        if attempts > ATTEMPTS {
            if !into.ended {
                let gone =
                    "the process of this run is gone: the run was interrupted, and can be resumed";
                let _ = told.send(gone.to_owned());
            }
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn pass_on(client: &Client, into: &mut Passed) -> Result<(), ClientError> {
    let mut events = client.events(into.next).await?;
    while let Some(events) = events.next().await? {
        into.pass_on(events);
    }
    Ok(())
}

/// What was passed on to the dashboard.
struct Passed {
    into: EventSender,
    /// The number of the next event.
    next: u64,
    /// Whether the run has ended.
    ended: bool,
}

impl Passed {
    fn new(into: EventSender) -> Self {
        Self {
            into,
            next: 0,
            ended: false,
        }
    }

    fn pass_on(&mut self, events: Vec<RunEvent>) {
        for event in &events {
            match event.kind {
                EventKind::RunEnded { .. } => self.ended = true,
                EventKind::RunReopened => self.ended = false,
                _ => {}
            }
        }
        if let Some(last) = events.last() {
            self.next = last.seq + 1;
        }
        self.into.append(events);
    }
}

impl Feed for RemoteFeed {
    fn take(&mut self, into: &mut Vec<RunEvent>, most: usize) {
        let from = into.len();
        self.events.take(into, most);
        self.learn(&into[from..]);
    }

    fn changed(&mut self) -> BoxFuture<'_, ()> {
        async move {
            if !self.waiting.is_empty() {
                return;
            }
            tokio::select! {
                () = self.events.changed() => {}
                () = self.questions.answered() => {}
                Some(notice) = self.notices.recv() => self.waiting.push(notice),
            }
        }
        .boxed()
    }

    fn command(&mut self, command: RunCommand) -> Result<(), CommandError> {
        if let RunCommand::HandOver(Some(_)) = &command {
            self.edit_plan();
            return Ok(());
        }
        let Some(request) = CommandRequest::of(&command, |row| self.id(row)) else {
            return Ok(());
        };
        let (client, told) = (self.client.clone(), self.told.clone());
        tokio::spawn(async move {
            if let Err(error) = client.command(&request).await {
                let _ = told.send(format!("{}: {error}", request.verb));
            }
        });
        Ok(())
    }

    fn notices(&mut self) -> Vec<String> {
        while let Ok(notice) = self.notices.try_recv() {
            self.waiting.push(notice);
        }
        std::mem::take(&mut self.waiting)
    }

    fn now(&self) -> Micros {
        self.origin.elapsed().into()
    }

    fn ask(&mut self, query: HistoryQuery) -> Option<HistoryQuery> {
        let ids = &self.ids;
        let id = |row: StepIx| Some(ids.get(row.at())?.to_string());
        self.questions.ask(query, id)
    }

    fn answers(&mut self) -> Vec<HistoryAnswer> {
        self.questions.answers()
    }
}
