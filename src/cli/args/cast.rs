//! The options of a recording for terminals.

use clap::Args;

/// What `plandeck export --format cast` is played with.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "With --format cast")]
pub(crate) struct CastArgs {
    /// The terminal's columns [default: 120]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(20..=400))]
    pub columns: Option<u16>,
    /// The terminal's rows [default: 36]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(6..=150))]
    pub rows: Option<u16>,
    /// Playback speed, as a multiple of the original; without it slow motion for a run that was over at once
    #[arg(long, value_name = "X", value_parser = speed)]
    pub speed: Option<f64>,
    /// The longest time in which nothing happens; players cut longer ones short [default: 2]
    #[arg(long, value_name = "SECONDS", value_parser = pause)]
    pub longest_pause: Option<f64>,
    /// The theme, as plandeck themes lists them [default: dark]
    #[arg(long, value_name = "NAME")]
    pub theme: Option<String>,
}

impl CastArgs {
    /// The first option that was given, if any.
    pub(crate) fn given(&self) -> Option<&'static str> {
        let given = [
            (self.columns.is_some(), "--columns"),
            (self.rows.is_some(), "--rows"),
            (self.speed.is_some(), "--speed"),
            (self.longest_pause.is_some(), "--longest-pause"),
            (self.theme.is_some(), "--theme"),
        ];
        given.into_iter().find(|(is, _)| *is).map(|(_, name)| name)
    }
}

fn within(text: &str, least: f64, most: f64) -> Option<f64> {
    let number = text.parse::<f64>().ok()?;
    (least..=most).contains(&number).then_some(number)
}

fn speed(text: &str) -> Result<f64, String> {
    within(text, 0.001, 1_000_000.0)
        .ok_or_else(|| "must be a number from 0.001 to 1000000".to_owned())
}

fn pause(text: &str) -> Result<f64, String> {
    within(text, 0.1, 86_400.0).ok_or_else(|| "must be seconds from 0.1 to 86400".to_owned())
}
