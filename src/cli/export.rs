//! `plandeck export`: writes a run in a format for other programs.

use super::args::history::{ExportArgs, ExportFormat};
use super::cast::cast;
use super::failure::Failure;
use super::output::out_data;
use super::recorded::recording;
use crate::report::{Content, csv, dot, html, json_lines, mermaid, otlp, result_of, svg, trace};
use crate::run::RunState;
use crate::session::SessionError;
use crate::text::escape_json;

/// Prints the run in the format that was chosen, or writes it to a file.
pub(super) fn export(args: &ExportArgs) -> Result<u8, Failure> {
    let is_cast = args.format == ExportFormat::Cast;
    if let Some(option) = args.cast.given().filter(|_| !is_cast) {
        return Err(Failure::usage(format!("{option} needs --format cast")));
    }
    let recording = recording(&args.run)?;
    let state = RunState::from_events(&recording.events);
    let status = recording.summary.status.word();
    // Escaped, JSON stands for the same values.
    let escaped = |json: String| escape_json(&json).into_owned();
    let text = match args.format {
        ExportFormat::Json => escaped(result_of(&state, status).to_string() + "\n"),
        ExportFormat::Jsonl => escaped(json_lines(&recording.events)),
        ExportFormat::Csv => csv(&state, status),
        ExportFormat::Trace => escaped(trace(&state, status).to_string() + "\n"),
        ExportFormat::Otlp => {
            let content = if args.content {
                Content::Included
            } else {
                Content::LeftOut
            };
            escaped(otlp(&state, content).to_string() + "\n")
        }
        ExportFormat::Html => {
            html(&state, status).map_err(|error| Failure::usage(error.to_string()))?
        }
        ExportFormat::Svg => svg(&state),
        ExportFormat::Mermaid => mermaid(&state),
        ExportFormat::Dot => dot(&state),
        ExportFormat::Cast => cast(recording, &args.cast)?,
    };
    match &args.output {
        None => out_data(&text)?,
        Some(file) => std::fs::write(file, text)
            .map_err(|error| SessionError::file(file.display().to_string(), error))?,
    }
    Ok(0)
}
