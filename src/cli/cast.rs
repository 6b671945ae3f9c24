//! A recorded run as an asciicast of version 2, which `asciinema play` and asciinema-player show.

use super::args::cast::CastArgs;
use super::failure::Failure;
use crate::session::theme_folders;
use crate::store::Recording;
use crate::text::escape_json;
use crate::tui::{self, Film};
use crate::units::Micros;
use serde_json::json;

/// Columns and rows where none are given.
const SIZE: (u16, u16) = (120, 36);
/// Seconds after which a pause is cut short, and for which the end is shown before a player starts again.
const PAUSE: f64 = 2.0;

/// The lines of the cast.
pub(super) fn cast(recording: Recording, args: &CastArgs) -> Result<String, Failure> {
    let wrong = |error: &dyn std::fmt::Display| Failure::usage(error.to_string());
    let theme = args.theme.as_deref().unwrap_or("dark");
    let theme = tui::find_theme(theme, &theme_folders()).map_err(|error| wrong(&error))?;
    let (columns, rows) = (args.columns.unwrap_or(SIZE.0), args.rows.unwrap_or(SIZE.1));
    let pause = args.longest_pause.unwrap_or(PAUSE);
    let title = crate::text::line(&recording.summary.plan);
    let mut header = json!({
        "version": 2,
        "width": columns,
        "height": rows,
        "idle_time_limit": pause,
        "title": title,
        "env": {"TERM": "xterm-256color"},
    });
    if let Some((text, ground, palette)) = tui::colours_of_terminal(&theme) {
        header["theme"] = json!({"fg": text, "bg": ground, "palette": palette.join(":")});
    }
    let film = Film {
        size: (columns, rows),
        theme,
        speed: args.speed,
        longest_pause: Micros((pause * 1e6) as u64),
    };
    let frames = film.frames(&title, recording.events);
    let frames = frames.map_err(|error| wrong(&error))?;
    let end = frames.last().map_or(Micros(0), |frame| frame.at);
    let mut text = format!("{}\n", escape_json(&header.to_string()));
    let mut line = |at: Micros, written: &str| {
        let line = json!([at.seconds(), "o", written]).to_string();
        text.push_str(&escape_json(&line));
        text.push('\n');
    };
    for frame in &frames {
        line(frame.at, &frame.text);
    }
    // The terminal of the player is given back below the last frame.
    let last = format!("\u{1b}[0m\u{1b}[?25h\u{1b}[{rows};1H");
    line(end + Micros((PAUSE * 1e6) as u64), &last);
    Ok(text)
}
