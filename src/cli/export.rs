//! `plandeck export`: writes a run in a format for other programs.

use super::args::history::{ExportArgs, ExportFormat};
use super::failure::Failure;
use super::output::out_data;
use super::recorded::recording;
use crate::report::{csv, json_lines, result_of, trace};
use crate::run::RunState;
use crate::session::SessionError;
use crate::text::escape_json;

/// Prints the run in the format that was chosen, or writes it to a file.
pub(super) fn export(args: &ExportArgs) -> Result<u8, Failure> {
    let recording = recording(&args.run)?;
    let state = RunState::from_events(&recording.events);
    let status = recording.summary.status.word();
    let json = match args.format {
        ExportFormat::Json => Some(result_of(&state, status).to_string() + "\n"),
        ExportFormat::Jsonl => Some(json_lines(&recording.events)),
        ExportFormat::Csv => None,
        ExportFormat::Trace => Some(trace(&state, status).to_string() + "\n"),
    };
    // Escaped, JSON stands for the same values.
    let text = match json {
        Some(json) => escape_json(&json).into_owned(),
        None => csv(&state, status),
    };
    match &args.output {
        None => out_data(&text)?,
        Some(file) => std::fs::write(file, text)
            .map_err(|error| SessionError::file(file.display().to_string(), error))?,
    }
    Ok(0)
}
