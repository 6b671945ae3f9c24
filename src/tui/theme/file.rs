//! Themes as files: one TOML file in `themes/` for each, embedded in the program.
//!
//! A file names its colours in `[palette]`, then says in `[styles]` and `[statuses]` what each meaning looks
//! like. A colour is a name of the palette, `#rrggbb`, or a name of the terminal's own sixteen.

use super::{GLYPHS, StatusStyle, Theme};
use crate::run::StepStatus;
use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::str::FromStr;

/// The themes that come with the program, by name.
const BUILT_IN: [(&str, &str); 3] = [
    ("dark", include_str!("../../../themes/dark.toml")),
    ("light", include_str!("../../../themes/light.toml")),
    ("sixteen", include_str!("../../../themes/sixteen.toml")),
];

/// How much of a status's colour is in the ground of its steps.
const TINT: f32 = 0.14;

/// Why a theme cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ThemeError {
    /// No theme has this name.
    #[error("there is no theme \"{name}\"; available: {}", names().join(", "))]
    Unknown {
        /// As it was asked for.
        name: String,
    },
    /// The file is not a theme.
    #[error("theme {name}: {message}")]
    Faulty {
        /// The theme's name.
        name: String,
        /// What is wrong, and where.
        message: String,
    },
}

/// The names of the themes, for help and completion.
pub fn names() -> Vec<&'static str> {
    BUILT_IN.iter().map(|(name, _)| *name).collect()
}

/// The theme of this name, in all its colours.
pub fn named(name: &str) -> Result<Theme, ThemeError> {
    let file = BUILT_IN.iter().find(|(known, _)| *known == name);
    let Some((_, text)) = file else {
        return Err(ThemeError::Unknown {
            name: name.to_owned(),
        });
    };
    parse(text).map_err(|message| ThemeError::Faulty {
        name: name.to_owned(),
        message,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "description")]
    _description: String,
    #[serde(default)]
    palette: BTreeMap<String, String>,
    styles: Styles,
    statuses: Statuses,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Styles {
    background: StyleEntry,
    text: StyleEntry,
    dim: StyleEntry,
    strong: StyleEntry,
    accent: StyleEntry,
    border: StyleEntry,
    focus: StyleEntry,
    selection: StyleEntry,
    #[serde(rename = "lit")]
    highlight: StyleEntry,
    upstream: StyleEntry,
    downstream: StyleEntry,
    good: StyleEntry,
    warning: StyleEntry,
    bad: StyleEntry,
    badge: StyleEntry,
    string: StyleEntry,
    number: StyleEntry,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Statuses {
    pending: StyleEntry,
    ready: StyleEntry,
    running: StyleEntry,
    succeeded: StyleEntry,
    failed: StyleEntry,
    skipped: StyleEntry,
    cancelled: StyleEntry,
    unknown: StyleEntry,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct StyleEntry {
    fg: Option<String>,
    bg: Option<String>,
    bold: bool,
    underlined: bool,
    reversed: bool,
}

impl StyleEntry {
    fn style(&self, palette: &BTreeMap<String, String>) -> Result<Style, String> {
        let colour = |name: &Option<String>| -> Result<Option<Color>, String> {
            let Some(name) = name else { return Ok(None) };
            let value = palette.get(name).unwrap_or(name);
            Color::from_str(value)
                .map(Some)
                .map_err(|_| format!("\"{value}\" is neither a colour nor a name in the palette"))
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

fn parse(text: &str) -> Result<Theme, String> {
    let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
    let of = |look: &StyleEntry| look.style(&file.palette);
    let status = |status: StepStatus, look: &StyleEntry| -> Result<StatusStyle, String> {
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
mod tests {
    use super::*;

    #[test]
    fn every_file_is_a_theme() {
        for name in names() {
            named(name).unwrap();
        }
    }

    #[test]
    fn the_default_is_the_file_of_sixteen_colours() {
        assert_eq!(named("sixteen").unwrap(), Theme::default());
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = named("neon").unwrap_err().to_string();
        assert_eq!(
            error,
            "there is no theme \"neon\"; available: dark, light, sixteen"
        );
    }

    #[test]
    fn a_fault_names_the_colour() {
        let text =
            include_str!("../../../themes/dark.toml").replace("fg = \"red\"", "fg = \"rad\"");
        let error = parse(&text).unwrap_err();
        assert!(error.contains("\"rad\" is neither"), "{error}");
    }

    /// WCAG 2's contrast ratio, for what must be read on the theme's own background.
    fn contrast(front: Color, back: Color) -> f64 {
        let luminance = |colour| {
            let Color::Rgb(r, g, b) = colour else {
                panic!("no rgb: {colour}")
            };
            let channel = |c: u8| {
                let c = f64::from(c) / 255.0;
                if c <= 0.04045 {
                    c / 12.92
                } else {
                    ((c + 0.055) / 1.055).powf(2.4)
                }
            };
            0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b)
        };
        let (a, b) = (luminance(front) + 0.05, luminance(back) + 0.05);
        a.max(b) / a.min(b)
    }

    #[test]
    fn text_stands_out_from_its_background() {
        for name in ["dark", "light"] {
            let theme = named(name).unwrap();
            let back = theme.background.bg.unwrap();
            let readable = [
                theme.text,
                theme.dim,
                theme.accent,
                theme.good,
                theme.warning,
                theme.bad,
                theme.string,
                theme.number,
                theme.focus,
                theme.highlight,
                theme.upstream,
                theme.downstream,
            ];
            let statuses = theme.statuses.iter().map(|look| look.style);
            for style in readable.into_iter().chain(statuses) {
                let ratio = contrast(style.fg.unwrap(), back);
                assert!(
                    ratio >= 4.5,
                    "{name}: {style:?} has a contrast of {ratio:.1}"
                );
            }
            let selected = contrast(theme.text.fg.unwrap(), theme.selection.bg.unwrap());
            assert!(selected >= 4.5, "{name}: selection {selected:.1}");
        }
    }
}
