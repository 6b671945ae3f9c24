//! Choosing a theme while it is seen.

use crate::tui::dashboard::message::Effect;
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::overlay::Overlay;
use crate::tui::terminal::screen::TerminalEffect;
use crate::tui::theme::choice::{Taken, ThemeChoice};
use crate::tui::theme::file::ThemeFile;

fn read(model: &Model) -> Vec<Effect> {
    let source = model.look.source.clone();
    vec![Effect::Terminal(TerminalEffect::ReadThemes(source))]
}

fn seconds(model: &Model) -> u64 {
    model.clock.0 / 1_000_000
}

/// Opens the list of themes, or takes the theme of this name.
pub(crate) fn open(model: &mut Model, name: &str) -> Vec<Effect> {
    let choice = ThemeChoice::new(name, seconds(model));
    model.overlay = Some(Overlay::Themes(Box::new(choice)));
    read(model)
}

/// Reads the files again, where they are chosen from and it is time to.
pub(super) fn read_again(model: &mut Model) -> Vec<Effect> {
    let now = seconds(model);
    let due = match &mut model.overlay {
        Some(Overlay::Themes(choice)) => choice.is_due(now),
        _ => false,
    };
    if due { read(model) } else { Vec::new() }
}

/// Takes in the themes that there are.
pub(super) fn take(model: &mut Model, files: Vec<ThemeFile>) -> Vec<Effect> {
    let Some(Overlay::Themes(choice)) = &mut model.overlay else {
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
    if let Some(Overlay::Themes(choice)) = &model.overlay
        && let Some(theme) = choice.theme(&model.look)
    {
        model.theme = theme;
    }
}

/// Chooses another theme.
pub(crate) fn move_by(model: &mut Model, by: isize) {
    if let Some(Overlay::Themes(choice)) = &mut model.overlay {
        choice.move_by(by);
    }
    show(model);
}

/// Chooses the theme under the pointer; another click keeps it.
pub(super) fn click(model: &mut Model, at: ratatui::layout::Position) -> Vec<Effect> {
    let Some(Overlay::Themes(choice)) = &mut model.overlay else {
        return Vec::new();
    };
    if choice.choose_at(at) == Some(true) {
        return keep(model);
    }
    show(model);
    Vec::new()
}

/// Keeps the theme that is chosen, also for the screens that follow.
pub(crate) fn keep(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::Themes(choice)) = &model.overlay else {
        return Vec::new();
    };
    match choice.keep(&mut model.look) {
        Err(why) => {
            model.notice = Some(why);
            Vec::new()
        }
        Ok((name, words)) => {
            model.notice = Some(words);
            model.overlay = None;
            model.theme = model.look.theme();
            vec![Effect::Terminal(TerminalEffect::KeepTheme(name))]
        }
    }
}

/// Goes back to the theme as it was.
pub(crate) fn cancel(model: &mut Model) {
    model.overlay = None;
    model.theme = model.look.theme();
}

/// Takes in whether the terminal's background is light.
pub(super) fn take_background(model: &mut Model, light: bool) {
    model.look.light = Some(light);
    let choosing = matches!(model.overlay, Some(Overlay::Themes(_)));
    if model.look.is_by_background() && !choosing {
        model.theme = model.look.theme();
        model.dirty = true;
    }
}
