//! `plandeck report`: a batch or a run for people, as a page or as Markdown.

use super::args::history::{ReportArgs, ReportFormat};
use super::batch_show::now;
use super::batch_state::batch_state;
use super::failure::Failure;
use super::named::batch_named;
use super::output::out_data;
use super::recorded::recording;
use crate::report::{BatchReport, html, run_markdown};
use crate::run::RunState;
use crate::session::SessionError;

/// Prints the report, or writes it to a file.
pub(super) fn report(args: &ReportArgs) -> Result<u8, Failure> {
    let ending = args.output.as_deref().and_then(|file| file.extension());
    let is_page = ending.is_some_and(|ending| {
        ending.eq_ignore_ascii_case("html") || ending.eq_ignore_ascii_case("htm")
    });
    let format = args.format.unwrap_or(if is_page {
        ReportFormat::Html
    } else {
        ReportFormat::Markdown
    });
    let fault = |error: minijinja::Error| Failure::usage(error.to_string());
    let text = if let Some((store, batch)) = batch_named(&args.of)? {
        let report = BatchReport::of(&batch_state(&store, &batch)?, now());
        match format {
            ReportFormat::Html => report.html().map_err(fault)?,
            ReportFormat::Markdown => report.markdown(),
        }
    } else {
        let recording = recording(&args.of)?;
        let state = RunState::from_events(&recording.events);
        let status = recording.summary.status.word();
        match format {
            ReportFormat::Html => html(&state, status).map_err(fault)?,
            ReportFormat::Markdown => run_markdown(&state, status),
        }
    };
    match &args.output {
        None => out_data(&text)?,
        Some(file) => std::fs::write(file, text)
            .map_err(|error| SessionError::file(file.display().to_string(), error))?,
    }
    Ok(0)
}
