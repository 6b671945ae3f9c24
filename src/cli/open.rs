//! `plandeck open`: a run that another system recorded, in the dashboard on a terminal and as its result elsewhere.

use super::args::history::OpenArgs;
use super::failure::Failure;
use super::look_back::look_back;
use super::output::{note_line, out, out_json};
use super::screen;
use super::terminal::is_interactive;
use crate::import::{Imported, imported};
use crate::report::{json_lines, result_of, summary};
use crate::run::{RunPhase, RunState, RunWord};
use crate::session::{SessionError, Settings};
use crate::text::line;
use crate::tui;
use serde_json::json;

/// Shows it, read-only. Exits with 0 whatever became of the run there, and with 2 where the file cannot be read.
pub(super) async fn open(mut args: OpenArgs) -> Result<u8, Failure> {
    let here = std::env::current_dir().unwrap_or_default();
    let prices = Settings::load(&here)?.model_prices()?;
    let name = args.file.display().to_string();
    let text = std::fs::read(&args.file).map_err(|error| SessionError::file(&name, error))?;
    let text = String::from_utf8(text)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    let title = args.file.file_stem().unwrap_or_default().to_string_lossy();
    let price = |model: &str, tokens| Some(prices.get(model)?.cost(tokens));
    let read = imported(&title, &text, args.trace.as_deref(), &price);
    let found = read.map_err(|error| Failure::usage(format!("{name}: {error}")))?;
    drop(text);
    let is_shown = !args.json && !args.events && !args.headless && is_interactive();
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

fn notice(found: &Imported) -> Option<String> {
    let more = found.left_out.len();
    let first = found.left_out.first()?;
    Some(match more {
        1 => format!("not carried over: {first}"),
        _ => format!(
            "not carried over: {first}; and {} more (--json lists them)",
            more - 1
        ),
    })
}
