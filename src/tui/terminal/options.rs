//! How a screen looks and behaves, and why none could be shown.

use super::surroundings::Surroundings;
use crate::tui::dashboard::state::previewed::Previews;
use crate::tui::input::keymap::Keymaps;
use crate::tui::theme::color::{self, ColorMode};
use crate::tui::theme::file::ThemeError;
use crate::tui::theme::look::{Look, ThemeSource};
use std::io;
use std::path::PathBuf;

/// How a screen looks and behaves.
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The plan's name, shown until the run says its own.
    pub title: String,
    /// The theme by name; after the terminal's background where none is given.
    pub theme: Option<String>,
    /// The folders of the user's own themes.
    pub theme_folders: Vec<PathBuf>,
    /// The keys of the actions.
    pub keymaps: Keymaps,
    /// What is told of the run outside of the screen.
    pub surroundings: Surroundings,
    /// What the user is told at the beginning.
    pub notice: Option<String>,
    /// Whether colours are wanted.
    pub colour: ColorMode,
    /// Whether only ASCII is drawn; after the locale where nothing is said.
    pub ascii: Option<bool>,
    /// Whether shapes stand still and times move seldom.
    pub reduced_motion: bool,
    /// Whether the mouse is left to the terminal.
    pub no_mouse: bool,
    /// For a replay: the speed, as a multiple of the original.
    pub replay: Option<f64>,
    /// Whether the run waits for the user to resolve steps whose result is unknown.
    pub asks: bool,
    /// Who tells what a command would do, before it is given: the dashboard then shows that and waits for enter.
    pub previews: Option<Previews>,
    /// The watch expressions that it begins with.
    pub watches: Vec<String>,
    /// Whether the run is on record, so that another one can be forked from it.
    pub forkable: bool,
    /// Where requests to models go, if a project and not the user says so; the header names it.
    pub address: Option<String>,
    /// Whether it is opened from the home screen, and leads back there.
    pub from_home: bool,
    /// Whether it is a fork made in the dashboard of another run, and leads back to that.
    pub from_parent: bool,
    /// Whether it is opened from the view of its batch, and leads back there.
    pub from_batch: bool,
    /// Whether the run is of another process, which goes on when the dashboard is left.
    pub attached: bool,
    /// Whether captions name the next key: for a demonstration.
    pub tour: bool,
    /// Why the worker was chosen, where the user did not choose it; the header says it where there is room.
    pub worker_reason: Option<String>,
}

impl Options {
    /// What to draw with on this terminal.
    pub(crate) fn look(&self) -> Result<Look, ThemeError> {
        let source = ThemeSource {
            folders: self.theme_folders.clone(),
            depth: self.colour.depth(),
            ascii: self.ascii.unwrap_or_else(color::is_ascii_terminal),
        };
        Look::new(source, self.theme.as_deref())
    }
}

/// Why nothing could be shown.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The theme cannot be used.
    #[error(transparent)]
    Theme(#[from] ThemeError),
    /// The terminal failed.
    #[error("the terminal: {0}")]
    Terminal(#[from] io::Error),
}
