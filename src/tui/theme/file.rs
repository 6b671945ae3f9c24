//! Themes as files: TOML, one for each. Those of `themes/` are embedded in the program; the user's own are in a folder.
//!
//! A file names its colours in `[palette]`, then says in `[styles]` and `[statuses]` what each meaning looks
//! like. A colour is a name of the palette, `#rrggbb`, or a name of the terminal's own sixteen. What an own file leaves
//! out, palette included, is as in the theme that it names as its `base`.

use super::{GLYPHS, StatusStyle, Theme};
use crate::run::StepStatus;
use crate::text;
use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use toml::Spanned;

/// The themes that come with the program, by name.
const BUILT_IN: [(&str, &str); 4] = [
    ("dark", include_str!("../../../themes/dark.toml")),
    ("light", include_str!("../../../themes/light.toml")),
    ("sixteen", include_str!("../../../themes/sixteen.toml")),
    (
        "sixteen-light",
        include_str!("../../../themes/sixteen-light.toml"),
    ),
];

/// The base of a theme that names none.
const BASE: &str = "dark";

/// The largest file that is read, in bytes, and the most files of a folder.
const BYTES: u64 = 256 * 1024;
const FILES: usize = 200;

/// How much of a status's colour is in the ground of its steps.
const TINT: f32 = 0.14;

/// Why a theme cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ThemeError {
    /// No theme has this name.
    #[error("there is no theme \"{name}\"; available: {}", available.join(", "))]
    Unknown {
        /// As it was asked for.
        name: String,
        /// The themes that there are.
        available: Vec<String>,
    },
    /// The file is not a theme.
    #[error("theme {place}: {message}")]
    Faulty {
        /// The file, with line and column where they are known.
        place: String,
        /// What is wrong, and what to do.
        message: String,
    },
}

/// A theme of the program or of the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThemeFile {
    /// Its name.
    pub name: String,
    /// What it says of itself.
    pub description: String,
    /// The file, where it is the user's own.
    pub file: Option<PathBuf>,
    /// The theme in all its colours, or what is wrong with it.
    pub theme: Result<Theme, ThemeError>,
}

/// The names of the themes that come with the program.
pub fn names() -> Vec<&'static str> {
    BUILT_IN.iter().map(|(name, _)| *name).collect()
}

/// The theme of the program that has this name, in all its colours.
pub fn named(name: &str) -> Result<Theme, ThemeError> {
    find(name, &[])
}

/// The theme of this name, in all its colours: of the program, or in one of the folders.
pub fn find(name: &str, folders: &[PathBuf]) -> Result<Theme, ThemeError> {
    let mut all = all(folders);
    match all.iter().position(|one| one.name == name) {
        Some(at) => all.swap_remove(at).theme,
        None => Err(ThemeError::Unknown {
            name: text::fit(&text::line(name), 60),
            available: all.into_iter().map(|one| one.name).collect(),
        }),
    }
}

/// Every theme: those of the program, then those in the folders, by their names. A name in two folders is the theme in
/// the first of them. A folder that is not there has none.
pub fn all(folders: &[PathBuf]) -> Vec<ThemeFile> {
    let mut all: Vec<ThemeFile> = BUILT_IN
        .iter()
        .map(|(name, text)| {
            let place = format!("themes/{name}.toml");
            ThemeFile {
                name: (*name).to_owned(),
                description: description(text),
                file: None,
                theme: parse(text, &place),
            }
        })
        .collect();
    let mut own: Vec<ThemeFile> = Vec::new();
    for folder in folders {
        for file in files(folder) {
            let theme = own_theme(file);
            if !own.iter().any(|one| one.name == theme.name) {
                own.push(theme);
            }
        }
    }
    own.sort_by(|a, b| a.name.cmp(&b.name));
    all.extend(own);
    all
}

/// The theme files of a folder, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.flatten().map(|entry| entry.path());
    let is_theme = |path: &PathBuf| path.extension().is_some_and(|end| end == "toml");
    let mut paths: Vec<PathBuf> = paths.filter(is_theme).collect();
    paths.sort();
    paths.truncate(FILES);
    paths
}

fn own_theme(file: PathBuf) -> ThemeFile {
    let name = file.file_stem().map(|name| name.to_string_lossy());
    let name = text::line(&name.unwrap_or_default());
    let place = text::line(&file.display().to_string());
    let faulty = |message: String| ThemeError::Faulty {
        place: place.clone(),
        message,
    };
    let read = if names().contains(&&*name) {
        Err(faulty(format!(
            "\"{name}\" is the name of a theme that comes with the program: rename the file"
        )))
    } else {
        read(&file).map_err(faulty)
    };
    ThemeFile {
        description: read.as_deref().map(description).unwrap_or_default(),
        theme: read.and_then(|text| parse(&text, &place)),
        file: Some(file),
        name,
    }
}

fn read(file: &Path) -> Result<String, String> {
    let found = std::fs::metadata(file).map_err(|error| format!("cannot be read: {error}"))?;
    if !found.is_file() {
        return Err("is not a file".to_owned());
    }
    if found.len() > BYTES {
        return Err(format!(
            "has {}, and a theme has at most {}",
            text::format::bytes(found.len() as usize),
            text::format::bytes(BYTES as usize)
        ));
    }
    std::fs::read_to_string(file).map_err(|error| format!("cannot be read: {error}"))
}

/// What a file says of itself, as far as it can be read.
fn description(text: &str) -> String {
    #[derive(Default, Deserialize)]
    struct About {
        #[serde(default)]
        description: String,
    }
    let about = toml::from_str::<About>(text).unwrap_or_default();
    text::fit(&text::line(&about.description), 120)
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    #[serde(rename = "description")]
    _description: String,
    base: Option<Spanned<String>>,
    palette: BTreeMap<String, Spanned<String>>,
    styles: Styles,
    statuses: Statuses,
}

macro_rules! entries {
    ($name:ident { $($(#[$attribute:meta])* $field:ident,)* }) => {
        #[derive(Default, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        struct $name {
            $($(#[$attribute])* $field: Option<StyleEntry>,)*
        }

        impl $name {
            /// These entries, completed with those of `base`.
            fn over(self, base: Self) -> Self {
                Self {
                    $($field: self.$field.or(base.$field),)*
                }
            }

            /// Those that are missing.
            #[cfg(test)]
            fn missing(&self) -> Vec<&'static str> {
                let mut missing = Vec::new();
                $(if self.$field.is_none() {
                    missing.push(stringify!($field));
                })*
                missing
            }
        }
    };
}

entries!(Styles {
    background,
    text,
    dim,
    strong,
    accent,
    border,
    focus,
    selection,
    #[serde(rename = "lit")]
    highlight,
    upstream,
    downstream,
    good,
    warning,
    bad,
    badge,
    string,
    number,
});

entries!(Statuses {
    pending,
    ready,
    running,
    succeeded,
    failed,
    skipped,
    cancelled,
    unknown,
});

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct StyleEntry {
    fg: Option<Spanned<String>>,
    bg: Option<Spanned<String>>,
    bold: bool,
    underlined: bool,
    reversed: bool,
}

/// What is wrong, and where it begins in the text.
type Fault = (Option<usize>, String);

impl StyleEntry {
    fn style(&self, palette: &BTreeMap<String, Spanned<String>>) -> Result<Style, Fault> {
        let colour = |name: &Option<Spanned<String>>| -> Result<Option<Color>, Fault> {
            let Some(name) = name else { return Ok(None) };
            let value = palette.get(name.get_ref()).unwrap_or(name);
            colour(value.get_ref()).map(Some).ok_or_else(|| {
                let names = palette.keys().map(String::as_str);
                (Some(name.span().start), no_colour(name.get_ref(), names))
            })
        };
        let mut modifiers = Modifier::empty();
        modifiers.set(Modifier::BOLD, self.bold);
        modifiers.set(Modifier::UNDERLINED, self.underlined);
        modifiers.set(Modifier::REVERSED, self.reversed);
        let mut style = Style::new().add_modifier(modifiers);
        style.fg = colour(&self.fg)?;
        style.bg = colour(&self.bg)?;
        Ok(style)
    }
}

fn colour(value: &str) -> Option<Color> {
    Color::from_str(value).ok()
}

/// The names of the terminal's own colours.
const SIXTEEN: [&str; 16] = [
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "gray",
    "darkgray",
    "lightred",
    "lightgreen",
    "lightyellow",
    "lightblue",
    "lightmagenta",
    "lightcyan",
    "white",
];

/// Says that a value is not a colour, and what could be meant.
fn no_colour<'a>(value: &str, palette: impl Iterator<Item = &'a str>) -> String {
    let known = palette.chain(SIXTEEN);
    let alike = |name: &&str| strsim::jaro_winkler(value, name);
    let nearest = known.max_by(|a, b| alike(a).total_cmp(&alike(b)));
    let meant = match nearest.filter(|name| alike(name) > 0.75) {
        Some(name) => format!("did you mean \"{name}\"? Else write"),
        None => "write".to_owned(),
    };
    let value = text::fit(&text::line(value), 40);
    format!(
        "\"{value}\" is neither a colour nor a name in the palette: {meant} #rrggbb, a name in [palette], or one of the \
         terminal's own, such as red or lightblue"
    )
}

/// The theme in a file's text; `place` is the file, for messages.
fn parse(text: &str, place: &str) -> Result<Theme, ThemeError> {
    let faulty = |(at, message): Fault| ThemeError::Faulty {
        place: match at {
            Some(at) => format!("{place}:{}", line_and_column(text, at)),
            None => place.to_owned(),
        },
        message,
    };
    let mut file: File = toml::from_str(text).map_err(|error| {
        let message = text::line(error.message());
        faulty((error.span().map(|span| span.start), message))
    })?;
    for value in file.palette.values() {
        if colour(value.get_ref()).is_none() {
            let none = std::iter::empty();
            let message = no_colour(value.get_ref(), none);
            return Err(faulty((Some(value.span().start), message)));
        }
    }
    let is_built_in = BUILT_IN.iter().any(|(_, known)| std::ptr::eq(*known, text));
    if !is_built_in {
        let base = base(&file).map_err(faulty)?;
        let mut palette = base.palette;
        palette.append(&mut file.palette);
        file = File {
            palette,
            styles: file.styles.over(base.styles),
            statuses: file.statuses.over(base.statuses),
            ..file
        };
    }
    theme(&file).map_err(faulty)
}

/// The theme of the program that has what a file leaves out.
fn base(file: &File) -> Result<File, Fault> {
    let name = file.base.as_ref().map_or(BASE, |name| name.get_ref());
    let found = BUILT_IN.iter().find(|(known, _)| *known == name);
    let read = found.and_then(|(_, text)| toml::from_str(text).ok());
    read.ok_or_else(|| {
        let message = format!(
            "\"{}\" cannot be a base: write one of {}",
            text::fit(&text::line(name), 40),
            names().join(", ")
        );
        (file.base.as_ref().map(|name| name.span().start), message)
    })
}

/// Line and column of a place in a text, both from 1.
fn line_and_column(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    format!("{line}:{column}")
}

fn theme(file: &File) -> Result<Theme, Fault> {
    let of = |look: &Option<StyleEntry>| {
        let look = look.as_ref();
        look.map_or(Ok(Style::new()), |look| look.style(&file.palette))
    };
    let status = |status: StepStatus, look: &Option<StyleEntry>| -> Result<StatusStyle, Fault> {
        Ok(StatusStyle {
            glyph: GLYPHS[status as usize],
            style: of(look)?,
        })
    };
    let (styles, statuses) = (&file.styles, &file.statuses);
    let mut theme = Theme {
        background: of(&styles.background)?,
        text: of(&styles.text)?,
        dim: of(&styles.dim)?,
        strong: of(&styles.strong)?,
        accent: of(&styles.accent)?,
        border: of(&styles.border)?,
        focus: of(&styles.focus)?,
        selection: of(&styles.selection)?,
        highlight: of(&styles.highlight)?,
        upstream: of(&styles.upstream)?,
        downstream: of(&styles.downstream)?,
        good: of(&styles.good)?,
        warning: of(&styles.warning)?,
        bad: of(&styles.bad)?,
        badge: of(&styles.badge)?,
        string: of(&styles.string)?,
        number: of(&styles.number)?,
        statuses: [
            status(StepStatus::Pending, &statuses.pending)?,
            status(StepStatus::Ready, &statuses.ready)?,
            status(StepStatus::Running, &statuses.running)?,
            status(StepStatus::Succeeded, &statuses.succeeded)?,
            status(StepStatus::Failed, &statuses.failed)?,
            status(StepStatus::Skipped, &statuses.skipped)?,
            status(StepStatus::Cancelled, &statuses.cancelled)?,
            status(StepStatus::Unknown, &statuses.unknown)?,
        ],
        tints: [Style::new(); 8],
        ascii: false,
    };
    let ground = theme.background.bg;
    for (tint, look) in theme.tints.iter_mut().zip(&theme.statuses) {
        tint.bg = ground.and_then(|ground| blend(ground, look.style.fg?, TINT));
    }
    Ok(theme)
}

/// The colour `share` of the way from one to the other, where both have one.
pub(crate) fn blend(from: Color, to: Color, share: f32) -> Option<Color> {
    let (Color::Rgb(r, g, b), Color::Rgb(tr, tg, tb)) = (from, to) else {
        return None;
    };
    let mix = |a: u8, b: u8| (f32::from(a) + (f32::from(b) - f32::from(a)) * share).round() as u8;
    Some(Color::Rgb(mix(r, tr), mix(g, tg), mix(b, tb)))
}

#[cfg(test)]
mod tests;
