//! The look of the dashboard, from the command line, the settings and the environment.

use super::args::run::{ColorWhen, ScreenArgs};
use super::failure::Failure;
use crate::session::Settings;
use crate::tui;
use clap::ValueEnum;

/// Fills in theme and colour from the settings where the command line gives none.
pub(super) fn complete(screen: &mut ScreenArgs, settings: &Settings) -> Result<(), Failure> {
    if screen.theme.is_none() {
        screen.theme.clone_from(&settings.theme);
    }
    // A wrong name is reported before the run starts, not when the screen is first drawn.
    if let Some(theme) = &screen.theme {
        tui::theme_named(theme).map_err(|error| Failure::usage(error.to_string()))?;
    }
    screen.no_mouse = settings.mouse == Some(false);
    if let (None, Some(color)) = (screen.color, &settings.color) {
        let color = ColorWhen::from_str(color, true).map_err(|_| {
            Failure::usage(format!(
                "color = {color:?} in the settings: must be auto, always or never"
            ))
        })?;
        screen.color = Some(color);
    }
    Ok(())
}

/// Options for the dashboard with this title.
pub(super) fn options(title: String, args: &ScreenArgs) -> tui::Options {
    tui::Options {
        title,
        theme: args.theme.clone(),
        colour: match args.color.unwrap_or_default() {
            ColorWhen::Auto => tui::ColorMode::Auto,
            ColorWhen::Always => tui::ColorMode::Always,
            ColorWhen::Never => tui::ColorMode::Never,
        },
        ascii: None,
        reduced_motion: std::env::var_os("PLANDECK_REDUCED_MOTION").is_some(),
        no_mouse: args.no_mouse,
        replay: None,
        asks: false,
        forkable: false,
        address: None,
        worker_reason: None,
        tour: args.tour,
    }
}
