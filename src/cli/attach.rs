//! `plandeck attach`: the dashboard on a run of another process; without a terminal, its progress.

use super::args::verbs::AttachArgs;
use super::batch_show::attach_batch;
use super::failure::Failure;
use super::history_feed::HistoryFeed;
use super::live_run::{Found, find};
use super::named::batch_named;
use super::output::out_line;
use super::remote_feed::RemoteFeed;
use super::repeat_feed::Trusting;
use super::screen;
use super::structure_feed::Restructured;
use super::terminal::{ended_by, exit_code, is_interactive};
use crate::control::{Client, ClientError};
use crate::report::Progress;
use crate::run::RunState;
use crate::tui;

/// Shows a run of another process until the user leaves or, without a terminal, until it ends. Returns the exit code:
/// 0 where the user left, else that of the run.
pub(super) async fn attach(mut args: AttachArgs) -> Result<u8, Failure> {
    let is_address = args.run.starts_with("http://") || args.run.starts_with("https://");
    if !is_address && let Some((store, batch)) = batch_named(&args.run)? {
        return Box::pin(attach_batch(
            &store,
            &batch,
            args.headless,
            &mut args.screen,
        ))
        .await;
    }
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
    if args.headless || !is_interactive() {
        return follow(&client, &name).await;
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
    let left = tui::run(feed, options).await;
    let left = left.map_err(|error| Failure::usage(error.to_string()))?;
    Ok(ended_by(left.outcome).unwrap_or(0))
}

/// Prints the progress of a run until it ends.
async fn follow(client: &Client, name: &str) -> Result<u8, Failure> {
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
    Ok(exit_code(&run, None))
}

fn unable(name: &str, error: &ClientError) -> Failure {
    Failure::usage(format!("{name}: {error}"))
}
