//! `plandeck open`: a run that another system recorded, in the dashboard on a terminal and as its result elsewhere; or the
//! plan of another system, converted and not run.

use super::args::history::OpenArgs;
use super::args::run::RunArgs;
use super::convert::{as_edited, convert_text, left_out, say_left_out, text_of};
use super::failure::Failure;
use super::look_back::look_back;
use super::output::{note_line, out, out_json};
use super::terminal::is_interactive;
use super::{check, open_follow, run, screen, trust};
use crate::import::plans::{LeftOut, recognized};
use crate::import::{ImportError, Imported, imported};
use crate::report::{json_lines, result_of, summary};
use crate::run::{RunPhase, RunState, RunWord};
use crate::session::{Settings, SourceOptions, load_to_check};
use crate::text::line;
use crate::tui;
use serde_json::{Map, json};

/// Shows it, read-only. Exits with 0 whatever became of the run there, and with 2 where the file cannot be read.
pub(super) async fn open(mut args: OpenArgs) -> Result<u8, Failure> {
    if args.follow {
        return open_follow::follow(args).await;
    }
    let here = std::env::current_dir().unwrap_or_default();
    let prices = Settings::load(&here)?.model_prices()?;
    let name = args.file.display().to_string();
    let text = text_of(&args.file)?;
    let title = args.file.file_stem().unwrap_or_default().to_string_lossy();
    let price = |model: &str, tokens| Some(prices.get(model)?.cost(tokens));
    let read = imported(&title, &text, args.trace.as_deref(), &price);
    let found = match read {
        Err(ImportError::Unknown(_)) if recognized(&text).is_some() => {
            return open_plan(args, &text).await;
        }
        Err(error @ ImportError::Unknown(_)) => {
            let plans = "`plandeck convert` lists the plans of other systems that are read";
            return Err(Failure::usage(format!("{name}: {error}; {plans}")));
        }
        read => read.map_err(|error| Failure::usage(format!("{name}: {error}")))?,
    };
    drop(text);
    let is_shown = !args.json && !args.events && !args.shown.headless && is_interactive();
    if is_shown {
        screen::complete(&mut args.screen, &screen::settings_here()?)?;
        screen::print_faults(&args.screen);
        let plan = RunState::from_events(&found.events[..1]);
        let plan = plan
            .header
            .map_or_else(String::new, |header| header.plan.to_string());
        let options = tui::Options {
            replay: Some(0.0),
            notice: notice(&found),
            ..screen::options(plan, &args.screen)
        };
        let (signal, _) = look_back(found.events, options).await?;
        return Ok(signal.unwrap_or(0));
    }
    for words in &found.left_out {
        note_line(&format!("note: {}", line(words)));
    }
    if args.events {
        out(&json_lines(&found.events))?;
        return Ok(0);
    }
    let run = RunState::from_events(&found.events);
    if args.json {
        let status = match run.phase {
            RunPhase::Ended(outcome) => RunWord::from(outcome),
            _ => RunWord::Interrupted,
        };
        let mut result = result_of(&run, status.word());
        result["format"] = json!(found.format);
        result["left_out"] = json!(found.left_out);
        out_json(&result)?;
    } else {
        out(&format!("{}\n{}\n", found.format, summary(&run, false)))?;
    }
    Ok(0)
}

/// Opens the dashboard on the plan of another system, held before its first step; without a terminal prints what it is.
async fn open_plan(args: OpenArgs, text: &str) -> Result<u8, Failure> {
    if args.events {
        return Err(Failure::usage(
            "--events prints the events of a run, and this is a plan",
        ));
    }
    let found = convert_text(&args.file, text, &args.plan)?;
    let is_shown = !args.json && !args.shown.headless && is_interactive();
    if is_shown {
        let words: Vec<String> = found.left_out.iter().map(LeftOut::to_string).collect();
        if let Some(notice) = first_of(&words) {
            note_line(&format!("note: {}", line(&notice)));
        }
        let edited = as_edited(&args.file, found.plan);
        let run = RunArgs {
            plan: Some(edited.file.clone()),
            edited: Some(edited),
            paused: true,
            screen: args.screen,
            ..RunArgs::by_default()
        };
        return Box::pin(run::run(run)).await;
    }
    say_left_out(&found);
    let here = std::env::current_dir().unwrap_or_default();
    let settings = Settings::load(&here)?;
    let mut source = SourceOptions::default();
    settings.complete(&mut source);
    source.trust = trust::is_given(false);
    let mut more = Map::new();
    more.insert("format".to_owned(), found.format.0.into());
    more.insert("left_out".to_owned(), left_out(&found));
    let name = found.format.1;
    source.with_edited(&as_edited(&args.file, found.plan));
    let loaded = load_to_check(&args.file, source, &settings).await?;
    if !args.json {
        out(&format!("{name}\n"))?;
    }
    let color = args.screen.color.unwrap_or_default();
    check::print(&loaded, args.json.then_some(more), color).await
}

fn notice(found: &Imported) -> Option<String> {
    first_of(&found.left_out)
}

fn first_of(left_out: &[String]) -> Option<String> {
    let more = left_out.len();
    let first = left_out.first()?;
    Some(match more {
        1 => format!("not carried over: {first}"),
        _ => format!(
            "not carried over: {first}; and {} more (--json lists them)",
            more - 1
        ),
    })
}
