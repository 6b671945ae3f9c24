//! `plandeck` without a plan: the home screen on a terminal, usage elsewhere.

mod plan_detail;
mod planner;
mod plans;
mod reader;

use super::args::Cli;
use super::args::history::{ForkArgs, ReplayArgs};
use super::args::policy::HeadlessArgs;
use super::args::run::{OpenedFrom, RunArgs};
use super::batch_view::view;
use super::failure::{Failure, NOTHING_RAN};
use super::output::note;
use super::terminal::{SIGNALLED, ended_by, is_interactive};
use super::{fork, replay, run, samples, screen};
use crate::report::{DiagnosticStyle, render_faults};
use crate::session::{SessionError, Settings};
use crate::store::Store;
use crate::tui::home::{Choice, Chosen, PlanPlace, choose};
use clap::CommandFactory;
use reader::Reader;
use std::sync::Arc;

/// Shows the home screen, and opens what the user chooses.
pub(super) async fn home(args: RunArgs) -> Result<u8, Failure> {
    if args.shown.headless || args.json || args.events.is_some() || !is_interactive() {
        let usage = Cli::command().render_help();
        note(&usage.to_string());
        return Ok(NOTHING_RAN);
    }
    let here = std::env::current_dir().unwrap_or_default();
    let mut args = args;
    screen::complete(&mut args.screen, &Settings::load(&here)?)?;
    screen::print_faults(&args.screen);
    args.screen.from = OpenedFrom::Home;
    let mut problem = None;
    loop {
        let options = screen::options(String::new(), &args.screen);
        let chosen = choose(
            Reader::start(here.clone(), args.clone()),
            problem.take(),
            options,
        )
        .await;
        let choice = match chosen.map_err(|error| Failure::usage(error.to_string()))? {
            Chosen::This(choice) => choice,
            Chosen::Nothing(outcome) => return Ok(ended_by(outcome).unwrap_or(0)),
        };
        match Box::pin(open(choice, &args)).await {
            // A signal ends the program; whoever quits a run is back where they came from.
            Ok(code) if code >= SIGNALLED => return Ok(code),
            Ok(_) => {}
            // Nothing ran: the home screen opens again and shows why.
            Err(failure) => problem = Some(message(&failure)),
        }
    }
}

async fn open(choice: Choice, args: &RunArgs) -> Result<u8, Failure> {
    let mut args = args.clone();
    let replay_args = |run: &Arc<str>, speed: f64| ReplayArgs {
        run: run.to_string(),
        speed,
        shown: HeadlessArgs::default(),
        screen: args.screen.clone(),
    };
    match choice {
        Choice::Look(run) => Box::pin(replay::replay(replay_args(&run, 0.0))).await,
        Choice::Batch(batch) => {
            let store = Store::open()?;
            let record = store.find_batch(&batch)?;
            let signalled = view(store.home(), &record, &args.screen, None).await?;
            Ok(signalled.unwrap_or(0))
        }
        Choice::Play(run) => Box::pin(replay::replay(replay_args(&run, 1.0))).await,
        Choice::Open(PlanPlace::File(file)) => {
            args.plan = Some(file);
            run::run(args).await
        }
        Choice::Open(PlanPlace::Sample(name)) => {
            args.plan = Some(samples::unpack(&name, false)?);
            run::run(args).await
        }
        Choice::RunMade { plan, tools } => {
            args.plan = Some(plan);
            args.source.tools = tools;
            args.is_planned = true;
            run::run(args).await
        }
        Choice::Restore(name) => {
            args.plan = Some(samples::unpack(&name, true)?);
            run::run(args).await
        }
        Choice::Fork(run) => {
            let fork = ForkArgs {
                run: run.to_string(),
                from: Vec::new(),
                input: Vec::new(),
                output: Vec::new(),
                options: args,
            };
            fork::fork(fork).await
        }
        Choice::Resume(run) => {
            args.record.resume = Some(run.to_string());
            run::run(args).await
        }
    }
}

/// The message of a failure, as the home screen shows it.
fn message(failure: &Failure) -> String {
    match failure {
        Failure::Session(SessionError::Faults(all)) => {
            let style = DiagnosticStyle {
                width: 90,
                ..DiagnosticStyle::default()
            };
            let texts = all.iter().map(|faults| render_faults(faults, style));
            texts.collect::<Vec<_>>().join("\n")
        }
        failure => failure.message(),
    }
}
