//! Which theme a screen has: one that was chosen, or the one that fits the terminal's background.

use super::Theme;
use super::color::{self, Depth};
use super::file::{self, ThemeError, ThemeFile};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// The name of the choice that goes by the terminal's background.
pub(crate) const AUTO: &str = "auto";

/// What is chosen from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThemeSource {
    /// The folders of the user's own themes.
    pub folders: Vec<PathBuf>,
    pub(crate) depth: Depth,
    pub(crate) ascii: bool,
}

impl Default for ThemeSource {
    fn default() -> Self {
        Self {
            folders: Vec::new(),
            depth: Depth::True,
            ascii: false,
        }
    }
}

impl ThemeSource {
    /// The theme in the colours and shapes that the terminal has.
    pub(crate) fn fitted(&self, theme: Theme) -> Theme {
        let theme = color::at_depth(theme, self.depth);
        if self.ascii { theme.in_ascii() } else { theme }
    }

    /// Every theme as the terminal can show it, those with faults too.
    pub fn themes(&self) -> Vec<ThemeFile> {
        let all = file::all(&self.folders).into_iter();
        all.map(|one| ThemeFile {
            theme: one.theme.map(|theme| self.fitted(theme)),
            ..one
        })
        .collect()
    }
}

/// Which theme a screen has.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// What is chosen from.
    pub source: ThemeSource,
    /// The chosen theme, by its name; after the terminal's background where there is none.
    pub(crate) chosen: Option<(String, Theme)>,
    /// Whether the terminal's background is light, where that is known.
    pub(crate) light: Option<bool>,
}

/// What later screens of this process take over.
static KEPT: Mutex<Kept> = Mutex::new(Kept {
    theme: None,
    light: None,
});

/// What was chosen on a screen, and what the terminal said of its background.
struct Kept {
    /// The name of the theme, or [`AUTO`].
    theme: Option<String>,
    light: Option<bool>,
}

impl Look {
    /// The look with the theme of this name, or with the one that was chosen on an earlier screen.
    pub(crate) fn new(source: ThemeSource, name: Option<&str>) -> Result<Self, ThemeError> {
        let (kept, light) = {
            let kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
            (kept.theme.clone(), kept.light)
        };
        let name = kept.or_else(|| name.map(str::to_owned));
        let chosen = match name {
            Some(name) if name != AUTO => {
                let theme = file::find(&name, &source.folders)?;
                Some((name, source.fitted(theme)))
            }
            _ => None,
        };
        Ok(Self {
            source,
            chosen,
            light: light.or_else(color::light_by_environment),
        })
    }

    /// The theme.
    pub fn theme(&self) -> Theme {
        match &self.chosen {
            Some((_, theme)) => theme.clone(),
            None => self.by_background(),
        }
    }

    /// The theme that fits the terminal's background.
    pub(crate) fn by_background(&self) -> Theme {
        let name = if self.light == Some(true) {
            "light"
        } else {
            "dark"
        };
        self.source.fitted(file::named(name).unwrap_or_default())
    }

    /// Whether it goes by the terminal's background.
    pub(crate) fn is_by_background(&self) -> bool {
        self.chosen.is_none()
    }

    /// The look with this theme and no other.
    pub(crate) fn of(theme: Theme) -> Self {
        Self {
            chosen: Some((String::new(), theme)),
            ..Self::default()
        }
    }

    /// Whether the terminal is to be asked for its background. Those that are known to understand no question are not.
    pub(crate) fn asks_background(&self) -> bool {
        let term = std::env::var("TERM").unwrap_or_default();
        let is_plain = matches!(&*term, "linux" | "dumb");
        self.is_by_background() && self.source.depth != Depth::None && !is_plain
    }
}

/// Lets later screens of this process have this theme, or the one that fits the background.
pub(crate) fn keep_theme(name: Option<String>) {
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    kept.theme = Some(name.unwrap_or_else(|| AUTO.to_owned()));
}

/// Lets later screens of this process know whether the background is light.
pub(crate) fn keep_background(light: bool) {
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    kept.light = Some(light);
}
