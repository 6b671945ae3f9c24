//! Choosing a theme on the home screen.

use super::message::Effect;
use super::model::Model;
use crate::tui::terminal::screen::TerminalEffect;
use crate::tui::theme::Theme;
use crate::tui::theme::choice::ThemeChoice;
use crate::tui::theme::chooser::{self, ThemeRequest, ThemedScreen};
pub(super) use crate::tui::theme::chooser::{cancel, move_by, take_background};
use crate::tui::theme::file::ThemeFile;
use crate::tui::theme::look::Look;
use ratatui::layout::Position;

impl ThemedScreen for Model {
    fn parts(&mut self) -> (&mut Look, &mut Theme, Option<&mut ThemeChoice>) {
        (&mut self.look, &mut self.theme, self.themes.as_mut())
    }

    fn set_choice(&mut self, choice: Option<ThemeChoice>) {
        self.themes = choice;
    }

    fn tell(&mut self, words: String) {
        self.notice = Some(words);
    }

    fn redraw(&mut self) {
        self.dirty = true;
    }

    fn seconds(&self) -> u64 {
        self.now.max(0) as u64
    }
}

fn effects(request: Option<ThemeRequest>) -> Vec<Effect> {
    let request = request.map(TerminalEffect::from);
    request.map(Effect::Terminal).into_iter().collect()
}

/// Opens the list of themes, or takes the theme of this name.
pub(super) fn open(model: &mut Model, name: &str) -> Vec<Effect> {
    effects(Some(chooser::open(model, name)))
}

/// Reads the files again, where they are chosen from and it is time to.
pub(super) fn read_again(model: &mut Model) -> Vec<Effect> {
    effects(chooser::read_again(model))
}

/// Takes in the themes that there are.
pub(super) fn take(model: &mut Model, files: Vec<ThemeFile>) -> Vec<Effect> {
    effects(chooser::take(model, files))
}

/// Chooses the theme under the pointer; another click keeps it.
pub(super) fn click(model: &mut Model, at: Position) -> Vec<Effect> {
    effects(chooser::click(model, at))
}

/// Keeps the theme that is chosen, also for the screens that follow.
pub(super) fn keep(model: &mut Model) -> Vec<Effect> {
    effects(chooser::keep(model))
}
