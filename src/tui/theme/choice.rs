//! Choosing a theme: every one that there is, seen on the screen while it is looked at.

use super::Theme;
use super::file::ThemeFile;
use super::look::{AUTO, Look};
use ratatui::layout::{Position, Rect};

/// How often the files are read again while they are chosen from, in seconds.
const READ_EVERY: u64 = 1;

/// The list of themes that is chosen from.
#[derive(Clone, Debug)]
pub struct ThemeChoice {
    /// The themes, once they have been read.
    pub(crate) files: Option<Vec<ThemeFile>>,
    /// The place of what is chosen: 0 goes by the background, the themes follow.
    pub(crate) chosen: usize,
    /// The theme that is wanted, where one was named.
    wanted: Option<String>,
    /// When the files were last asked for, in seconds.
    asked: u64,
    /// As of the last frame: where each choice stands.
    pub(crate) places: Vec<(Rect, usize)>,
}

/// What came of taking in the files.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Taken {
    /// It is chosen from.
    Open,
    /// What was wanted by its name is there.
    Found,
    /// It is not: why.
    Missing(String),
}

impl ThemeChoice {
    /// A choice that begins at a time in seconds; with the theme that is wanted, where one was named.
    pub(crate) fn new(wanted: &str, now: u64) -> Self {
        Self {
            files: None,
            chosen: 0,
            wanted: (!wanted.is_empty()).then(|| wanted.to_owned()),
            asked: now,
            places: Vec::new(),
        }
    }

    /// Takes in the files as they are now. The choice stays with its name.
    pub(crate) fn take(&mut self, files: Vec<ThemeFile>, look: &Look) -> Taken {
        let is_first = self.files.is_none();
        let name = if is_first {
            let current = look.chosen.as_ref().map(|(name, _)| name.clone());
            self.wanted.clone().or(current)
        } else {
            self.name().map(str::to_owned)
        };
        let place = |name: &str| files.iter().position(|one| one.name == name);
        let found = name.as_deref().map(place);
        self.chosen = found.flatten().map_or(0, |at| at + 1);
        self.files = Some(files);
        let Some(wanted) = self.wanted.take() else {
            return Taken::Open;
        };
        match self.file() {
            None if wanted == AUTO => Taken::Found,
            None => Taken::Missing(format!("there is no theme \"{wanted}\": choose one")),
            Some(file) => match &file.theme {
                Ok(_) => Taken::Found,
                Err(error) => Taken::Missing(error.to_string()),
            },
        }
    }

    /// Whether the files are to be read again at a time in seconds; it is then taken as asked.
    pub(crate) fn is_due(&mut self, now: u64) -> bool {
        let due = now >= self.asked + READ_EVERY;
        if due {
            self.asked = now;
        }
        due
    }

    /// How many there are to choose from.
    pub(crate) fn count(&self) -> usize {
        1 + self.files.as_ref().map_or(0, Vec::len)
    }

    /// Chooses the theme `by` places on, going around.
    pub(crate) fn move_by(&mut self, by: isize) {
        let count = self.count() as isize;
        self.chosen = (self.chosen as isize + by).rem_euclid(count) as usize;
    }

    /// Chooses what is shown at a place; whether it was chosen before.
    pub(crate) fn choose_at(&mut self, at: Position) -> Option<bool> {
        let mut places = self.places.iter();
        let (_, place) = places.find(|(area, _)| area.contains(at))?;
        let same = self.chosen == *place;
        self.chosen = *place;
        Some(same)
    }

    /// The file of what is chosen; `None` where that goes by the background.
    pub(crate) fn file(&self) -> Option<&ThemeFile> {
        let at = self.chosen.checked_sub(1)?;
        self.files.as_ref()?.get(at)
    }

    fn name(&self) -> Option<&str> {
        self.file().map(|file| file.name.as_str())
    }

    /// The theme of what is chosen; `None` where its file has a fault.
    pub(crate) fn theme(&self, look: &Look) -> Option<Theme> {
        match self.file() {
            None => Some(look.by_background()),
            Some(file) => file.theme.clone().ok(),
        }
    }

    /// Keeps what is chosen; gives its name and what to say, or what is wrong with its file.
    pub(crate) fn keep(&self, look: &mut Look) -> Result<(Option<String>, String), String> {
        let Some(file) = self.file() else {
            look.chosen = None;
            let words = "the theme goes by the terminal's background".to_owned();
            return Ok((None, words));
        };
        let theme = file.theme.clone().map_err(|error| error.to_string())?;
        look.chosen = Some((file.name.clone(), theme));
        let words = format!(
            "theme {0}; to keep it, write theme = \"{0}\" in the settings",
            file.name
        );
        Ok((Some(file.name.clone()), words))
    }
}
