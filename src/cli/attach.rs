//! `plandeck attach`: the dashboard on a run of another process; without a terminal, its progress.

use super::args::verbs::AttachArgs;
use super::batch_show::attach_batch;
use super::failure::Failure;
use super::history_feed::HistoryFeed;
use super::live_run::{Found, find};
use super::named::batch_named;
use super::output::{note_line, out_line};
use super::remote_batch::{attach_remote, is_at_engine};
use super::remote_feed::RemoteFeed;
use super::repeat_feed::Trusting;
use super::screen;
use super::structure_feed::Restructured;
use super::terminal::{ended_by, exit_code, is_interactive};
use crate::control::{Client, ClientError};
use crate::report::Progress;
use crate::run::RunState;
use crate::tui;
use std::sync::Arc;
use std::time::Duration;

/// How long a run may take to begin that goes on after another one, and how often it is looked for.
const BEGINS_WITHIN: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Shows a run of another process until the user leaves or, without a terminal, until it ends. Returns the exit code:
/// 0 where the user left, else that of the run.
pub(super) async fn attach(mut args: AttachArgs) -> Result<u8, Failure> {
    if is_at_engine(&args.run) {
        return Box::pin(attach_remote(&mut args)).await;
    }
    let is_address = args.run.starts_with("http://") || args.run.starts_with("https://");
    if !is_address && let Some((store, batch)) = batch_named(&args.run)? {
        return Box::pin(attach_batch(
            &store,
            &batch,
            args.shown.headless,
            &mut args.screen,
        ))
        .await;
    }
    loop {
        match attach_to(&mut args).await? {
            Attached::Left(code) => return Ok(code),
            Attached::GoesOn(run_id) => args.run = run_id.to_string(),
        }
    }
}

/// How the dashboard on a run was left.
enum Attached {
    /// By the user, or because the run ended, with this exit code.
    Left(u8),
    /// The run has handed over to the run of this id, which is there.
    GoesOn(Arc<str>),
}

async fn attach_to(args: &mut AttachArgs) -> Result<Attached, Failure> {
    let (client, name, recorded) = match find(&args.run, args.token.as_deref())? {
        Found::Live {
            client,
            name,
            recorded,
        } => (client, name, recorded),
        Found::Stored(run) => {
            return Err(Failure::usage(format!(
                "run {0} is not live ({1}): plandeck replay {0} shows what is on record",
                run.run_id,
                run.status.word()
            )));
        }
    };
    let status = client.status().await;
    let status = status.map_err(|error| unable(&name, &error))?;
    let is_here = recorded.is_some();
    if args.shown.headless || !is_interactive() {
        let run = follow(&client, &name).await?;
        return left(&run, exit_code(&run, None), is_here).await;
    }
    screen::complete(&mut args.screen, &screen::settings_here()?)?;
    screen::print_faults(&args.screen);
    let plan = recorded.as_ref().map(|run| run.plan.to_string());
    let options = tui::Options {
        attached: true,
        previews: Some(tui::Previews::asked()),
        ..screen::options(plan.unwrap_or(name), &args.screen)
    };
    let feed = RemoteFeed::new(client, status.passed(), recorded);
    let feed = HistoryFeed::new(feed, Trusting::unasked(), Restructured::default());
    let shown = tui::run(feed, options).await;
    let shown = shown.map_err(|error| Failure::usage(error.to_string()))?;
    if shown.outcome == tui::Outcome::HandedOver {
        return left(&shown.run, 0, is_here).await;
    }
    Ok(Attached::Left(ended_by(shown.outcome).unwrap_or(0)))
}

/// Where the run has handed over to another one, that follows.
async fn left(run: &RunState, code: u8, is_here: bool) -> Result<Attached, Failure> {
    let Some(to) = &run.hand_over else {
        return Ok(Attached::Left(code));
    };
    let next = &to.run_id;
    let words = if is_here && begins(next).await {
        return Ok(Attached::GoesOn(Arc::clone(next)));
    } else if is_here {
        format!("run {next} goes on with the edited plan: plandeck show {next}")
    } else {
        format!(
            "run {next} goes on with the edited plan, at the same address, with a token of its own"
        )
    };
    note_line(&words);
    Ok(Attached::Left(code))
}

/// Waits until a run is live, for as long as a process takes to start one.
async fn begins(run_id: &str) -> bool {
    let begins = async {
        loop {
            match find(run_id, None) {
                Ok(Found::Live { .. }) => return true,
                Ok(Found::Stored(_)) => return false,
                Err(_) => tokio::time::sleep(LOOK_EVERY).await,
            }
        }
    };
    tokio::time::timeout(BEGINS_WITHIN, begins).await == Ok(true)
}

/// Prints the progress of a run until it ends.
async fn follow(client: &Client, name: &str) -> Result<RunState, Failure> {
    let unable = |error: ClientError| unable(name, &error);
    let mut events = client.events(0).await.map_err(unable)?;
    let mut progress = Progress::default();
    let mut run = RunState::default();
    while let Some(events) = events.next().await.map_err(unable)? {
        for event in &events {
            run.apply(event);
            if let Some(line) = progress.line(event) {
                out_line(&line)?;
            }
        }
    }
    if !run.has_ended() {
        return Err(Failure::usage(format!(
            "the process of run {name} is gone: the run was interrupted"
        )));
    }
    Ok(run)
}

fn unable(name: &str, error: &ClientError) -> Failure {
    Failure::usage(format!("{name}: {error}"))
}
