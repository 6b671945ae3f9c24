//! Choosing a theme on any screen: what is chosen is seen at once, and kept or not.

use super::Theme;
use super::choice::{Taken, ThemeChoice};
use super::file::ThemeFile;
use super::look::{Look, ThemeSource};
use ratatui::layout::Position;

/// What the screen is to have done.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ThemeRequest {
    /// Read the files of themes.
    Read(ThemeSource),
    /// Remember the theme of this name for the screens that follow; without one, that of the background.
    Keep(Option<String>),
}

/// A screen on which a theme can be chosen.
pub(crate) trait ThemedScreen {
    /// The look, the theme in use, and the list that is chosen from while it is open.
    fn parts(&mut self) -> (&mut Look, &mut Theme, Option<&mut ThemeChoice>);
    /// Opens the list, or closes it.
    fn set_choice(&mut self, choice: Option<ThemeChoice>);
    /// Tells the user.
    fn tell(&mut self, words: String);
    /// Asks for a new frame.
    fn redraw(&mut self);
    /// The time in seconds.
    fn seconds(&self) -> u64;
}

fn read(screen: &mut impl ThemedScreen) -> ThemeRequest {
    ThemeRequest::Read(screen.parts().0.source.clone())
}

/// Opens the list of themes, or takes the theme of this name.
pub(crate) fn open(screen: &mut impl ThemedScreen, name: &str) -> ThemeRequest {
    let choice = ThemeChoice::new(name, screen.seconds());
    screen.set_choice(Some(choice));
    read(screen)
}

/// Reads the files again, where they are chosen from and it is time to.
pub(crate) fn read_again(screen: &mut impl ThemedScreen) -> Option<ThemeRequest> {
    let now = screen.seconds();
    let due = screen.parts().2.is_some_and(|choice| choice.is_due(now));
    due.then(|| read(screen))
}

/// Takes in the themes that there are.
pub(crate) fn take(screen: &mut impl ThemedScreen, files: Vec<ThemeFile>) -> Option<ThemeRequest> {
    let (look, _, choice) = screen.parts();
    match choice?.take(files, look) {
        Taken::Open => {}
        Taken::Found => return keep(screen),
        Taken::Missing(why) => screen.tell(why),
    }
    show(screen);
    None
}

/// Shows what is chosen.
fn show(screen: &mut impl ThemedScreen) {
    screen.redraw();
    let (look, theme, choice) = screen.parts();
    if let Some(chosen) = choice.and_then(|choice| choice.theme(look)) {
        *theme = chosen;
    }
}

/// Chooses another theme.
pub(crate) fn move_by(screen: &mut impl ThemedScreen, by: isize) {
    if let (_, _, Some(choice)) = screen.parts() {
        choice.move_by(by);
    }
    show(screen);
}

/// Chooses the theme under the pointer; another click keeps it.
pub(crate) fn click(screen: &mut impl ThemedScreen, at: Position) -> Option<ThemeRequest> {
    if screen.parts().2?.choose_at(at) == Some(true) {
        return keep(screen);
    }
    show(screen);
    None
}

/// Keeps the theme that is chosen, also for the screens that follow.
pub(crate) fn keep(screen: &mut impl ThemedScreen) -> Option<ThemeRequest> {
    let (look, _, choice) = screen.parts();
    match choice?.keep(look) {
        Err(why) => {
            screen.tell(why);
            None
        }
        Ok((name, words)) => {
            screen.tell(words);
            cancel(screen);
            Some(ThemeRequest::Keep(name))
        }
    }
}

/// Closes the list; the theme is what it was, or what was kept.
pub(crate) fn cancel(screen: &mut impl ThemedScreen) {
    screen.set_choice(None);
    by_look(screen);
}

fn by_look(screen: &mut impl ThemedScreen) {
    let (look, theme, _) = screen.parts();
    *theme = look.theme();
}

/// Takes in whether the terminal's background is light.
pub(crate) fn take_background(screen: &mut impl ThemedScreen, light: bool) {
    let (look, _, choice) = screen.parts();
    look.light = Some(light);
    if look.is_by_background() && choice.is_none() {
        by_look(screen);
        screen.redraw();
    }
}
