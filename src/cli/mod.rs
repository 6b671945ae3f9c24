//! Arguments to calls, a file for each subcommand.

/// A line on standard output.
macro_rules! say_line {
    ($($part:tt)*) => { $crate::cli::say(&(format!($($part)*) + "\n")) };
}

/// A line on standard error.
macro_rules! note_line {
    ($($part:tt)*) => { $crate::cli::note_lines(&format!($($part)*)) };
}

mod archive;
mod args;
mod cache;
mod check;
mod completions;
mod context;
mod cut_short;
mod dashboard;
mod failure;
mod fork;
mod headless;
mod home;
mod live;
mod load;
mod record;
mod replayed;
mod run;
mod runs;
mod samples;
pub mod sandbox;
mod settings;
mod show;
mod signals;
mod themes;
mod tools;

use crate::report::{DiagnosticStyle, render_faults};
use args::{Cli, ColorWhen, Command};
use clap::Parser;
use failure::Failure;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

/// The exit code where nothing ran: bad usage, plan, catalog or configuration.
const NOTHING_RAN: u8 = 2;

/// The whole program: reads the command line, does what it says, gives the exit code.
pub fn main() -> ExitCode {
    if let Some(code) = as_child() {
        return code;
    }
    if let Some(code) = missing_command() {
        return code;
    }
    let cli = Cli::parse();
    let color = match &cli.command {
        Some(Command::Check(args)) => args.color,
        Some(Command::Run(args)) => args.screen.color.unwrap_or_default(),
        Some(Command::Fork(args)) => args.options.screen.color.unwrap_or_default(),
        _ => cli.open.screen.color.unwrap_or_default(),
    };
    let done = match cli.command {
        None if cli.open.plan.is_none() && cli.open.record.resume.is_none() => {
            on_tokio(home::home(cli.open))
        }
        None => on_tokio(run::run(cli.open)),
        Some(Command::Run(args)) => on_tokio(run::run(*args)),
        Some(Command::Check(args)) => on_tokio(check::check(args)),
        Some(Command::Runs(args)) => runs::runs(&args),
        Some(Command::Show(args)) => show::show(&args),
        Some(Command::Diff(args)) => show::diff(&args),
        Some(Command::Explain(args)) => show::why(&args),
        Some(Command::Fork(args)) => on_tokio(fork::fork(*args)),
        Some(Command::Cache(args)) => cache::cache(&args),
        Some(Command::Export(args)) => show::export(&args),
        Some(Command::Replay(args)) => on_tokio(show::replay(args)),
        Some(Command::Tools(args)) => tools::tools(&args),
        Some(Command::Themes) => {
            themes::themes();
            Ok(0)
        }
        Some(Command::Completions { shell }) => {
            completions::completions(shell);
            Ok(0)
        }
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            tell(&failure, color);
            ExitCode::from(NOTHING_RAN)
        }
    }
}

/// Prints what was asked for, on a terminal without characters that it could obey. Whoever closed standard output does
/// not want to hear of it.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let text = if out.is_terminal() {
        crate::text::escape_json(text)
    } else {
        text.into()
    };
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Says something on standard error, to whoever still listens.
fn note(text: &str) {
    let mut err = std::io::stderr().lock();
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}

/// Says plain sentences on standard error, made safe line by line.
fn note_lines(text: &str) {
    let lines = text.lines().map(crate::text::line);
    note(&(lines.collect::<Vec<_>>().join("\n") + "\n"));
}

/// This program also starts itself: as the sandbox that runs code, and to limit another program. Where it was, it
/// does that work and gives the exit code.
///
/// The `main` of a program that uses the library begins with this, before anything else; then it needs no `plandeck`
/// beside it:
///
/// ```no_run
/// use std::process::ExitCode;
///
/// fn main() -> ExitCode {
///     if let Some(code) = plandeck::cli::as_child() {
///         return code;
///     }
///     // The program itself.
///     ExitCode::SUCCESS
/// }
/// ```
pub fn as_child() -> Option<ExitCode> {
    crate::tools::sandbox::this_program_serves();
    let mut arguments = std::env::args_os().skip(1);
    match arguments.next()?.to_str()? {
        "__sandbox" => Some(sandbox::main(arguments)),
        "__launch" => Some(sandbox::launch(arguments)),
        _ => None,
    }
}

/// Commands that are spoken of and not in this version. They would be read as the name of a plan otherwise,
/// with a message that leads nowhere; a file of that name still is one.
fn missing_command() -> Option<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next()?;
    let is_known = matches!(&*command, "plan" | "batch" | "mcp" | "agent" | "help");
    if !is_known || std::path::Path::new(&command).exists() {
        return None;
    }
    note_line!(
        "plandeck: this version has no command `{command}`; `plandeck --help` lists what it has"
    );
    Some(ExitCode::from(NOTHING_RAN))
}

fn on_tokio(work: impl Future<Output = Result<u8, Failure>>) -> Result<u8, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::usage(format!("no runtime: {error}")))?;
    let done = runtime.block_on(work);
    // A call that does not end by itself must not keep the program from ending.
    runtime.shutdown_timeout(std::time::Duration::from_millis(100));
    done
}

/// Whether standard error gets colour.
fn coloured(when: ColorWhen) -> bool {
    match when {
        ColorWhen::Always => true,
        ColorWhen::Never => false,
        ColorWhen::Auto => {
            std::io::stderr().is_terminal()
                && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
        }
    }
}

fn tell(failure: &Failure, color: ColorWhen) {
    match failure {
        Failure::Usage(message) => {
            note_line!("plandeck: {message}");
        }
        Failure::Faults(faults) => {
            let style = DiagnosticStyle::for_stderr(coloured(color));
            let all = faults.iter().map(|one| render_faults(one, style));
            note(&all.collect::<Vec<_>>().join("\n"));
        }
    }
}
