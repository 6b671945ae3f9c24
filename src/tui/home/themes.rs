//! Choosing a theme while it is seen, on the home screen.

use super::message::Effect;
use super::model::Model;
use crate::tui::terminal::screen::TerminalEffect;
use crate::tui::theme::choice::{Taken, ThemeChoice};
use crate::tui::theme::file::ThemeFile;

fn read(model: &Model) -> Vec<Effect> {
    let source = model.look.source.clone();
    vec![Effect::Terminal(TerminalEffect::ReadThemes(source))]
}

fn seconds(model: &Model) -> u64 {
    model.now.max(0) as u64
}

/// Opens the list of themes, or takes the theme of this name.
pub(super) fn open(model: &mut Model, name: &str) -> Vec<Effect> {
    model.themes = Some(ThemeChoice::new(name, seconds(model)));
    read(model)
}

/// Reads the files again, where they are chosen from and it is time to.
pub(super) fn read_again(model: &mut Model) -> Vec<Effect> {
    let now = seconds(model);
    let due = model
        .themes
        .as_mut()
        .is_some_and(|choice| choice.is_due(now));
    if due { read(model) } else { Vec::new() }
}

/// Takes in the themes that there are.
pub(super) fn take(model: &mut Model, files: Vec<ThemeFile>) -> Vec<Effect> {
    let Some(choice) = &mut model.themes else {
        return Vec::new();
    };
    match choice.take(files, &model.look) {
        Taken::Open => {}
        Taken::Found => return keep(model),
        Taken::Missing(why) => model.notice = Some(why),
    }
    show(model);
    Vec::new()
}

/// Shows what is chosen.
fn show(model: &mut Model) {
    model.dirty = true;
    if let Some(choice) = &model.themes
        && let Some(theme) = choice.theme(&model.look)
    {
        model.theme = theme;
    }
}

/// Chooses another theme.
pub(super) fn move_by(model: &mut Model, by: isize) {
    if let Some(choice) = &mut model.themes {
        choice.move_by(by);
    }
    show(model);
}

/// Chooses the theme under the pointer; another click keeps it.
pub(super) fn click(model: &mut Model, at: ratatui::layout::Position) -> Vec<Effect> {
    let Some(choice) = &mut model.themes else {
        return Vec::new();
    };
    if choice.choose_at(at) == Some(true) {
        return keep(model);
    }
    show(model);
    Vec::new()
}

/// Keeps the theme that is chosen, also for the screens that follow.
pub(super) fn keep(model: &mut Model) -> Vec<Effect> {
    let Some(choice) = &model.themes else {
        return Vec::new();
    };
    match choice.keep(&mut model.look) {
        Err(why) => {
            model.notice = Some(why);
            Vec::new()
        }
        Ok((name, words)) => {
            model.notice = Some(words);
            model.themes = None;
            model.theme = model.look.theme();
            vec![Effect::Terminal(TerminalEffect::KeepTheme(name))]
        }
    }
}

/// Goes back to the theme as it was.
pub(super) fn cancel(model: &mut Model) {
    model.themes = None;
    model.theme = model.look.theme();
}

/// Takes in whether the terminal's background is light.
pub(super) fn take_background(model: &mut Model, light: bool) {
    model.look.light = Some(light);
    if model.look.is_by_background() && model.themes.is_none() {
        model.theme = model.look.theme();
        model.dirty = true;
    }
}
