//! How a screen looks and behaves, and why none could be shown.

use crate::tui::theme::Theme;
use crate::tui::theme::color::{self, ColorMode};
use crate::tui::theme::file::ThemeError;
use std::io;

/// How a screen looks and behaves.
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The plan's name, shown until the run says its own.
    pub title: String,
    /// The theme by name; after the terminal's ground where none is given.
    pub theme: Option<String>,
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
    /// Whether the run is on record, so that another one can be forked from it.
    pub forkable: bool,
    /// Where requests to models go, if a project and not the user says so; the header names it.
    pub address: Option<String>,
    /// Whether captions name the next key: for a demonstration.
    pub tour: bool,
    /// Why the worker was chosen, where the user did not choose it; the header says it where there is room.
    pub worker_reason: Option<String>,
}

impl Options {
    /// The theme to draw with on this terminal.
    pub(crate) fn theme(&self) -> Result<Theme, ThemeError> {
        let ascii = self.ascii.unwrap_or_else(color::is_ascii_terminal);
        color::choose(self.theme.as_deref(), self.colour.depth(), ascii)
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
