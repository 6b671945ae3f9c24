//! The command line: parses arguments, calls `session`, prints. One file per subcommand.

mod args;
mod attach;
mod batch;
mod batch_news;
mod batch_reader;
mod batch_show;
mod batch_state;
mod batch_view;
mod bisect;
mod bundle;
mod cache;
mod cast;
mod check;
mod columns;
mod completions;
mod confirm;
mod context;
mod control_door;
mod convert;
mod dashboard;
mod demo;
mod detach;
mod diff;
mod executor;
mod explain;
mod export;
mod failure;
mod flaky;
mod followed;
mod fork;
mod headless;
mod history_feed;
mod home;
mod interrupted;
mod keys;
mod known_tools;
mod live;
mod live_run;
mod look_back;
mod man;
mod mcp;
mod models;
mod named;
mod open;
mod open_follow;
mod output;
mod plan;
mod playback;
mod previewed;
mod prices;
mod recorded;
mod remote_batch;
mod remote_feed;
mod remote_questions;
mod repair;
mod repair_feed;
mod repeat_feed;
mod replay;
mod report;
mod restructure;
mod run;
mod runs;
mod samples;
mod sandbox;
mod save;
mod screen;
mod show;
mod show_raw;
mod sinks;
mod stored_feed;
mod structure_feed;
mod tail;
mod terminal;
mod test;
mod themes;
mod tools;
mod tools_call;
mod tools_login;
mod trust;
mod until_end;
mod verbs;
mod worker;

use args::{Cli, Command};
use clap::Parser;
use failure::{Failure, NOTHING_RAN};
use std::process::ExitCode;
use std::sync::Arc;
use verbs::{Typed, verb};

/// Runs the program: parses the command line, runs the command, returns the exit code.
pub fn main() -> ExitCode {
    if let Some(code) = as_child() {
        return code;
    }
    if let Some(code) = missing_command() {
        return code;
    }
    survive_size_limit();
    #[cfg(target_os = "linux")]
    crate::tools::launch::adopt();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(answer) => return no_command(&answer),
    };
    let color = match &cli.command {
        Some(Command::Check(args)) => args.color,
        Some(Command::Plan(args)) => args.color,
        Some(Command::Run(args)) => args.screen.color.unwrap_or_default(),
        Some(Command::Fork(args)) => args.options.screen.color.unwrap_or_default(),
        Some(Command::Attach(args)) => args.screen.color.unwrap_or_default(),
        _ => cli.open.screen.color.unwrap_or_default(),
    };
    if let Some(Err(error)) = cli.log.level().map(crate::session::start_log) {
        let failure = Failure::from(error);
        output::failure(&failure, color);
        return ExitCode::from(failure.code());
    }
    let here = std::env::current_dir().unwrap_or_default();
    if let Some(what) = crate::session::start_telemetry(&here) {
        output::note_line(&format!("note: {}", crate::text::line(&what)));
    }
    let done = match cli.command {
        None if cli.open.plan.is_none() && cli.open.record.resume.is_none() => {
            on_tokio(home::home(cli.open))
        }
        None => on_tokio(run::run(cli.open)),
        Some(Command::Run(args)) => on_tokio(run::run(*args)),
        Some(Command::Batch(args)) => on_tokio(batch::batch(*args)),
        Some(Command::Demo(args)) => on_tokio(demo::demo(args)),
        Some(Command::Check(args)) => on_tokio(check::check(args)),
        Some(Command::Plan(args)) => on_tokio(plan::plan(*args)),
        Some(Command::Runs(args)) => runs::runs(&args),
        Some(Command::Show(args)) => on_tokio(show::show(args)),
        Some(Command::Diff(args)) => diff::diff(&args),
        Some(Command::Explain(args)) => explain::explain(&args),
        Some(Command::Fork(args)) => on_tokio(fork::fork(*args)),
        Some(Command::Save(args)) => on_tokio(save::save(args)),
        Some(Command::Bundle(args)) => on_tokio(bundle::bundle(args)),
        Some(Command::Test(args)) => on_tokio(test::test(args)),
        Some(Command::Repair(args)) => on_tokio(repair::repair(*args)),
        Some(Command::Bisect(args)) => on_tokio(bisect::bisect(*args)),
        Some(Command::Flaky(args)) => on_tokio(flaky::flaky(*args)),
        Some(Command::Attach(args)) => on_tokio(attach::attach(args)),
        Some(Command::Pause(args)) => on_tokio(verb(Typed::of_run("pause", args))),
        Some(Command::Resume(args)) => on_tokio(verb(Typed::resume(*args))),
        Some(Command::Step(args)) => on_tokio(verb(Typed::step(args))),
        Some(Command::Retry(args)) => on_tokio(verb(Typed::retry(*args))),
        Some(Command::Refresh(args)) => on_tokio(verb(Typed::on_step("refresh", *args))),
        Some(Command::Edit(args)) if args.tool_definition.is_some() => {
            on_tokio(restructure::define_tool(*args))
        }
        Some(Command::Edit(args)) => Typed::edit(*args).and_then(|typed| on_tokio(verb(typed))),
        Some(Command::Set(args)) => Typed::set(*args).and_then(|typed| on_tokio(verb(typed))),
        Some(Command::Insert(args)) => on_tokio(restructure::insert(*args)),
        Some(Command::Remove(args)) => on_tokio(restructure::remove(*args)),
        Some(Command::Depend(args)) => on_tokio(restructure::depend(*args)),
        Some(Command::Skip(args)) => on_tokio(verb(Typed::on_step("skip", *args))),
        Some(Command::Undo(args)) => on_tokio(verb(Typed::edits("undo", *args))),
        Some(Command::Redo(args)) => on_tokio(verb(Typed::edits("redo", *args))),
        Some(Command::Break(args)) => on_tokio(verb(Typed::breakpoint(args))),
        Some(Command::Approve(args)) => on_tokio(verb(Typed::approval(args))),
        Some(Command::Answer(args)) => Typed::answer(args).and_then(|typed| on_tokio(verb(typed))),
        Some(Command::Stop(args)) => on_tokio(verb(Typed::of_run("stop", args))),
        Some(Command::Mcp(args)) => on_tokio(mcp::mcp(args)),
        Some(Command::Worker(args)) => on_tokio(worker::worker(*args)),
        Some(Command::Cache(args)) => cache::cache(&args),
        Some(Command::Export(args)) => export::export(&args),
        Some(Command::Report(args)) => report::report(&args),
        Some(Command::Replay(args)) => on_tokio(replay::replay(args)),
        Some(Command::Open(args)) => on_tokio(open::open(args)),
        Some(Command::Convert(args)) => convert::convert(&args),
        Some(Command::Trust(args)) => on_tokio(trust::trust(args)),
        Some(Command::Tools(args)) => on_tokio(tools::tools(args)),
        Some(Command::Models(args)) => on_tokio(models::models(args)),
        Some(Command::Prices(args)) => prices::prices(&args),
        Some(Command::Themes) => themes::themes(),
        Some(Command::Keys) => keys::keys(),
        Some(Command::Completions { shell }) => completions::completions(shell),
        Some(Command::Man { out }) => man::man(out.as_deref()),
    };
    end(done, color)
}

/// Prints why the command failed, if it did, and what a collector did not get; returns the exit code.
fn end(done: Result<u8, Failure>, color: args::run::ColorWhen) -> ExitCode {
    if let Some(lost) = crate::telemetry::finish() {
        output::note_line(&format!("note: {lost}"));
    }
    match done {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            output::failure(&failure, color);
            ExitCode::from(failure.code())
        }
    }
}

/// Prints the help or the version that was asked for, or what is wrong with the arguments.
fn no_command(answer: &clap::Error) -> ExitCode {
    let code = u8::try_from(answer.exit_code()).unwrap_or(NOTHING_RAN);
    let color = args::run::ColorWhen::Auto;
    let colours = if answer.use_stderr() {
        terminal::stderr_colour(color)
    } else {
        terminal::stdout_colour()
    };
    let text = answer.render();
    let text = if colours {
        text.ansi().to_string()
    } else {
        text.to_string()
    };
    if answer.use_stderr() {
        output::note(&text);
        return ExitCode::from(code);
    }
    end(output::out(&text).map(|()| code), color)
}

/// Keeps the program alive where a file reaches the size that the system allows (`ulimit -f`): the write fails, and
/// is reported as any other. By default the signal ends the process. Programs that are started are not affected.
fn survive_size_limit() {
    let noted = Arc::default();
    // Without it the program works, up to that limit.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, noted);
}

/// Runs this process as a child of plandeck, if it was started as one: as the sandbox that runs code, or to start
/// another program and end with it. Returns the exit code; `None` where the process was started for another reason.
///
/// Call this first in the `main` of a program that uses the library; then the program needs no installed `plandeck`:
///
/// ```no_run
/// use std::process::ExitCode;
///
/// fn main() -> ExitCode {
///     if let Some(code) = plandeck::cli::as_child() {
///         return code;
///     }
///     // Your program.
///     ExitCode::SUCCESS
/// }
/// ```
pub fn as_child() -> Option<ExitCode> {
    crate::tools::sandbox::this_program_serves();
    let mut arguments = std::env::args_os().skip(1);
    match arguments.next()?.to_str()? {
        "__sandbox" => Some(sandbox::main(arguments)),
        "__launch" => Some(sandbox::launch(arguments)),
        "__start" => Some(sandbox::start(arguments)),
        _ => None,
    }
}

/// Refuses commands that this version does not have yet, with a clear message: clap would take their names for plan
/// files. A file with such a name is still run as a plan.
fn missing_command() -> Option<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next()?;
    let is_known = matches!(&*command, "agent" | "help");
    if !is_known || std::path::Path::new(&command).exists() {
        return None;
    }
    output::note_line(&format!(
        "this version has no command `{command}`; `plandeck --help` lists the commands"
    ));
    Some(ExitCode::from(NOTHING_RAN))
}

fn on_tokio(work: impl Future<Output = Result<u8, Failure>>) -> Result<u8, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::usage(format!("the async runtime cannot start: {error}")))?;
    let done = runtime.block_on(work);
    // A call that never ends must not keep the program from exiting.
    runtime.shutdown_timeout(std::time::Duration::from_millis(100));
    done
}
