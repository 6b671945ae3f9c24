//! The look of the dashboard, from the command line, the settings and the environment.

use super::args::run::{ColorWhen, OpenedFrom, ScreenArgs, ScreenSettings};
use super::failure::Failure;
use super::output::note_line;
use crate::session::{self, KeyScreen, KeySetting, Settings, theme_folders};
use crate::tui::{self, KeyFault, KeySettings, Keymaps, Notify, Surroundings};
use clap::ValueEnum;

/// Fills in what the settings say where the command line says nothing. What is wrong with own keys, or with a theme
/// that the settings name, is left out: a run does not depend on it.
pub(super) fn complete(screen: &mut ScreenArgs, settings: &Settings) -> Result<(), Failure> {
    if screen.settings.is_some() {
        return Ok(());
    }
    let mut faults = Vec::new();
    let folders = theme_folders();
    match (&screen.theme, &settings.theme) {
        // A wrong name is reported before the run starts, not when the screen is first drawn.
        (Some(theme), _) if theme == tui::AUTO_THEME => {}
        (None, Some(theme)) if theme == tui::AUTO_THEME => {}
        (Some(theme), _) => {
            tui::find_theme(theme, &folders).map_err(|error| Failure::usage(error.to_string()))?;
        }
        (None, Some(theme)) => match tui::find_theme(theme, &folders) {
            Ok(_) => screen.theme = Some(theme.clone()),
            Err(error) => faults.push(format!("theme = {theme:?} in the settings: {error}")),
        },
        (None, None) => {}
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
    let notify = match settings.notify.as_deref() {
        None | Some("auto") => Notify::Auto,
        Some("bell") => Notify::Bell,
        Some("message") => Notify::Message,
        Some("off") => Notify::Off,
        Some(other) => {
            return Err(Failure::usage(format!(
                "notify = {other:?} in the settings: must be auto, bell, message or off"
            )));
        }
    };
    let (keymaps, wrong) = keymaps(settings);
    faults.extend(wrong.iter().map(ToString::to_string));
    screen.settings = Some(ScreenSettings {
        keymaps,
        surroundings: Surroundings {
            title: settings.title.unwrap_or(true),
            progress: settings.progress.unwrap_or(true),
            notify,
        },
        faults,
    });
    Ok(())
}

/// The keys of the screens, and what is wrong with the user's own.
pub(super) fn keymaps(settings: &Settings) -> (Keymaps, Vec<KeyFault>) {
    let mut faults = Vec::new();
    let mut of_screens = KeySettings::default();
    for KeySetting {
        screen,
        action,
        keys,
        place,
    } in &settings.key_settings
    {
        match keys {
            Err(message) => faults.push(KeyFault {
                place: place.clone(),
                message: format!("{action} {message}"),
            }),
            Ok(keys) => {
                let setting = tui::KeySetting {
                    action: action.clone(),
                    keys: keys.clone(),
                    place: place.clone(),
                };
                match screen {
                    KeyScreen::Dashboard => of_screens.dashboard.push(setting),
                    KeyScreen::Home => of_screens.home.push(setting),
                    KeyScreen::Batch => of_screens.batch.push(setting),
                }
            }
        }
    }
    let (keymaps, more) = tui::keymaps(&of_screens);
    faults.extend(more);
    (keymaps, faults)
}

/// Prints what is wrong in the settings of the screen, before it is drawn.
pub(super) fn print_faults(screen: &ScreenArgs) {
    for fault in screen.settings.iter().flat_map(|found| &found.faults) {
        note_line(fault);
    }
}

/// The same in one line of the screen.
fn notice(faults: &[String]) -> Option<String> {
    let first = faults.first()?;
    Some(match faults.len() - 1 {
        0 => first.clone(),
        more => format!("{first} (and {more} more: plandeck keys)"),
    })
}

/// Options for the dashboard with this title.
pub(super) fn options(title: String, args: &ScreenArgs) -> tui::Options {
    let settings = args.settings.clone().unwrap_or_default();
    tui::Options {
        title,
        theme: args.theme.clone(),
        theme_folders: theme_folders(),
        keymaps: settings.keymaps,
        surroundings: settings.surroundings,
        notice: notice(&settings.faults),
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
        previews: None,
        watches: Vec::new(),
        forkable: false,
        address: None,
        worker_reason: None,
        attached: false,
        tour: args.tour,
        from_home: args.from == OpenedFrom::Home,
        from_parent: args.from == OpenedFrom::Parent,
        from_batch: args.from == OpenedFrom::Batch,
    }
}

/// The settings of the current folder.
pub(super) fn settings_here() -> Result<Settings, Failure> {
    let here = std::env::current_dir().unwrap_or_default();
    Ok(session::Settings::load(&here)?)
}
