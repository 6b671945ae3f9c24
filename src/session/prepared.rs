//! A run that is ready to start, and one that is running.

use super::error::SessionError;
use super::note::Note;
use super::outcome::{ExecutionError, judge};
use super::recording::RecordGuard;
use crate::engine::{
    AnswerReader, Engine, EventReader, EventSink, Previewer, answer_channel, event_channel,
};
use crate::plan::ExecutionPlan;
use crate::run::{CommandError, ExecutionResult, RunCommand, RunState};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Commands that may wait in the engine's queue.
const COMMANDS: usize = 64;

/// A run that is ready to start: the caller reads its notes, adds listeners and starts it.
pub struct PreparedRun {
    pub(super) engine: Engine,
    pub(super) plan: Arc<ExecutionPlan>,
    pub(super) guard: RecordGuard,
    pub(super) notes: Vec<Note>,
}

impl PreparedRun {
    /// The run's id.
    pub fn run_id(&self) -> &Arc<str> {
        self.engine.run_id()
    }

    /// The plan that will run.
    pub fn plan(&self) -> &Arc<ExecutionPlan> {
        &self.plan
    }

    /// Notes for the user before the run starts: what it takes over, whether it is recorded.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Who tells what commands would do to this run, before they are given.
    pub fn previewer(&self) -> Previewer {
        self.engine.previewer()
    }

    /// Adds a sink, which receives every event after the journal.
    #[must_use]
    pub fn with_sink(mut self, sink: impl EventSink + 'static) -> Self {
        self.engine = self.engine.with_sink(sink);
        self
    }

    /// Adds a reader, which takes the events when it is ready for them.
    #[must_use]
    pub fn with_reader(self) -> (Self, EventReader) {
        let (sender, reader) = event_channel();
        (self.with_sink(sender), reader)
    }

    /// Adds a reader of the answers of models, which follows them while they arrive.
    #[must_use]
    pub(crate) fn with_answers(mut self) -> (Self, AnswerReader) {
        let (sender, reader) = answer_channel();
        self.engine = self.engine.with_answers(sender);
        (self, reader)
    }

    /// Runs to the end in the caller's task, without commands; dropping the future ends the run. Returns the state
    /// after the last event, and a note if the journal failed.
    pub async fn run(self) -> (RunState, Option<Note>) {
        let (_commands, none) = mpsc::channel(1);
        let origin = origin_of(&self.engine);
        // Whoever awaits this does not carry the room for the whole engine.
        let state = Box::pin(self.engine.run(origin, none)).await;
        (state, self.guard.release())
    }

    /// The run as a future of the caller's, which takes commands; dropping it ends the run.
    pub(super) fn run_with_commands(
        self,
    ) -> (CommandSender, impl Future<Output = RunState> + Send + use<>) {
        let (commands, received) = mpsc::channel(COMMANDS);
        let origin = origin_of(&self.engine);
        let running = self.engine.run(origin, received);
        (CommandSender(commands), running)
    }

    /// Starts the run on a task of its own.
    pub fn start(self) -> LiveRun {
        let (commands, received) = mpsc::channel(COMMANDS);
        let started = origin_of(&self.engine);
        LiveRun {
            running: tokio::spawn(self.engine.run(started, received)),
            commands: CommandSender(commands),
            started,
            guard: self.guard,
        }
    }
}

/// The moment that the events of a run count from: now, or as long ago as a run that goes on has taken.
fn origin_of(engine: &Engine) -> Instant {
    let now = Instant::now();
    now.checked_sub(engine.passed().into()).unwrap_or(now)
}

/// Sends commands to the engine of a live run; cheap to clone.
#[derive(Clone, Debug)]
pub struct CommandSender(mpsc::Sender<RunCommand>);

impl CommandSender {
    /// Sends a command without waiting; `Busy` where the queue is full.
    pub fn send(&self, command: RunCommand) -> Result<(), CommandError> {
        tracing::debug!(?command, "command");
        self.0.try_send(command).map_err(|error| match error {
            TrySendError::Full(_) => CommandError::Busy,
            TrySendError::Closed(_) => CommandError::RunOver,
        })
    }

    /// Sends a command, waiting until the engine has room for it.
    pub(crate) async fn send_waiting(&self, command: RunCommand) -> Result<(), CommandError> {
        let sent = self.0.send(command).await;
        sent.map_err(|_| CommandError::RunOver)
    }
}

/// A running run, on a task of its own, which takes commands.
pub struct LiveRun {
    running: JoinHandle<RunState>,
    commands: CommandSender,
    started: Instant,
    guard: RecordGuard,
}

impl LiveRun {
    /// When the run started.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// Sends commands to the engine.
    pub fn commands(&self) -> &CommandSender {
        &self.commands
    }

    /// Waits for the end of the run. Cancel-safe: a dropped call may be repeated.
    ///
    /// # Errors
    /// When the engine itself fails.
    pub async fn ended(&mut self) -> Result<RunState, SessionError> {
        Ok((&mut self.running).await?)
    }

    /// Waits for the end of the run and returns its result.
    ///
    /// # Errors
    /// When the run does not succeed; the error holds the partial result.
    pub async fn result(mut self) -> Result<ExecutionResult, ExecutionError> {
        let state = self.ended().await?;
        judge(ExecutionResult::of(&state))
    }

    /// Releases the claim on the earlier run. Returns a note if the journal failed and that was not reported at once.
    pub fn release(self) -> Option<Note> {
        self.guard.release()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_run_is_not_one_that_is_over() {
        let (sender, received) = mpsc::channel(1);
        let commands = CommandSender(sender);
        assert_eq!(commands.send(RunCommand::Pause), Ok(()));
        assert_eq!(commands.send(RunCommand::Pause), Err(CommandError::Busy));
        drop(received);
        assert_eq!(commands.send(RunCommand::Pause), Err(CommandError::RunOver));
    }
}
