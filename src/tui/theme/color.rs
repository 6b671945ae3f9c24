//! What the terminal can show: colours, and characters beyond ASCII.

use super::Theme;
use super::file;
use ratatui::style::Color;

/// Whether colours are wanted, as `--color` says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColorMode {
    /// As many as the terminal says it has; none with `NO_COLOR`.
    #[default]
    Auto,
    /// At least sixteen, whatever the terminal says.
    Always,
    /// None.
    Never,
}

/// How many colours a terminal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// No colour.
    None,
    /// Sixteen, chosen by the user.
    Sixteen,
    /// The fixed 256.
    Indexed,
    /// 24 bits.
    True,
}

impl ColorMode {
    /// The depth to draw with on standard output.
    pub fn depth(self) -> Depth {
        let level = supports_color::on_cached(supports_color::Stream::Stdout);
        let depth = match level {
            Some(level) if level.has_16m => Depth::True,
            Some(level) if level.has_256 => Depth::Indexed,
            Some(_) => Depth::Sixteen,
            None => Depth::None,
        };
        match self {
            Self::Auto => depth,
            Self::Always => depth.max(Depth::Sixteen),
            Self::Never => Depth::None,
        }
    }
}

/// Whether the terminal's background is light, where the environment says so.
pub(super) fn light_by_environment() -> Option<bool> {
    light_by(std::env::var("COLORFGBG").ok().as_deref())
}

/// `COLORFGBG` is `foreground;background` in the sixteen colours; 7 and 15 are light.
fn light_by(ground: Option<&str>) -> Option<bool> {
    let ground = ground?.rsplit(';').next()?;
    let ground: u8 = ground.parse().ok()?;
    Some(matches!(ground, 7 | 15))
}

/// Whether only ASCII can be shown: the locale names another character set than UTF-8, or the terminal is
/// the kernel's own, whose font lacks most signs. Without a locale UTF-8 is taken for granted.
pub(crate) fn is_ascii_terminal() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let term = std::env::var("TERM").unwrap_or_default();
    ascii_only(locale.as_deref(), &term)
}

fn ascii_only(locale: Option<&str>, term: &str) -> bool {
    let utf8 = locale.is_none_or(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    });
    !utf8 || term == "linux"
}

/// `theme` in the colours that the terminal has. With sixteen the terminal's own are used: their user chose
/// them to be readable, and no mapping of ours could know.
pub(super) fn at_depth(mut theme: Theme, depth: Depth) -> Theme {
    match depth {
        Depth::None => return Theme::plain(),
        Depth::Sixteen => {
            if theme.has_more_than_sixteen() {
                let light = theme.is_light();
                let light = light.then(|| file::named("sixteen-light").ok()).flatten();
                return light.unwrap_or_default();
            }
        }
        Depth::True => {}
        Depth::Indexed => {
            for style in theme.styles_mut() {
                style.fg = style.fg.map(indexed);
                style.bg = style.bg.map(indexed);
            }
        }
    }
    theme
}

/// The colours of a terminal that fits the theme, as `#rrggbb`: the text, the ground, and the first eight by their usual
/// order. `None` where the theme leaves some of them to the terminal.
pub(crate) fn of_terminal(theme: &Theme) -> Option<(String, String, Vec<String>)> {
    let hex = |colour: Option<Color>| match colour {
        Some(Color::Rgb(red, green, blue)) => Some(format!("#{red:02x}{green:02x}{blue:02x}")),
        _ => None,
    };
    let eight = [
        theme.background.bg,
        theme.bad.fg,
        theme.good.fg,
        theme.warning.fg,
        theme.accent.fg,
        theme.badge.bg.or(theme.badge.fg),
        theme.highlight.fg,
        theme.text.fg,
    ];
    let eight: Option<Vec<_>> = eight.into_iter().map(hex).collect();
    Some((hex(theme.text.fg)?, hex(theme.background.bg)?, eight?))
}

/// The levels of the 6×6×6 cube.
const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The nearest of the fixed 240 colours: the 6×6×6 cube, or the ramp of greys.
fn indexed(colour: Color) -> Color {
    let Color::Rgb(r, g, b) = colour else {
        return colour;
    };
    let nearest = |channel: u8| {
        (0..6u8)
            .min_by_key(|step| STEPS[*step as usize].abs_diff(channel))
            .unwrap_or(0)
    };
    let (cr, cg, cb) = (nearest(r), nearest(g), nearest(b));
    let mean = (u32::from(r) + u32::from(g) + u32::from(b)) / 3;
    let grey = (mean.saturating_sub(3) / 10).min(23) as u8;
    let level = 8 + grey * 10;
    let distance = |x: u8, y: u8, z: u8| {
        let square = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
        square(r, x) + square(g, y) + square(b, z)
    };
    let cube = distance(STEPS[cr as usize], STEPS[cg as usize], STEPS[cb as usize]);
    if distance(level, level, level) < cube {
        Color::Indexed(232 + grey)
    } else {
        Color::Indexed(16 + 36 * cr + 6 * cg + cb)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_go_to_the_nearest_index() {
        assert_eq!(indexed(Color::Rgb(255, 0, 0)), Color::Indexed(196));
        assert_eq!(indexed(Color::Rgb(0, 0, 0)), Color::Indexed(16));
        assert_eq!(indexed(Color::Rgb(128, 128, 128)), Color::Indexed(244));
        assert_eq!(indexed(Color::Cyan), Color::Cyan);
    }

    #[test]
    fn fewer_colours_mean_the_terminals_own_or_none() {
        let dark = file::named("dark").unwrap();
        assert_eq!(at_depth(dark.clone(), Depth::Sixteen), Theme::default());
        let mut plain = at_depth(dark, Depth::None);
        assert!(
            plain
                .styles_mut()
                .all(|style| style.fg.is_none() && style.bg.is_none())
        );
    }

    #[test]
    fn no_two_statuses_share_a_shape() {
        for theme in [Theme::default(), Theme::default().in_ascii()] {
            let mut glyphs: Vec<_> = theme.statuses.iter().map(|look| look.glyph).collect();
            glyphs.sort_unstable();
            glyphs.dedup();
            assert_eq!(glyphs.len(), 8);
            assert!(!theme.ascii || glyphs.iter().all(|glyph| glyph.is_ascii()));
        }
    }

    #[test]
    fn the_locale_decides_on_ascii() {
        assert!(!ascii_only(Some("en_US.UTF-8"), "xterm"));
        assert!(!ascii_only(None, "xterm-256color"));
        assert!(ascii_only(Some("C"), "xterm"));
        assert!(ascii_only(Some("de_DE.ISO-8859-1"), "xterm"));
        assert!(ascii_only(Some("C.utf8"), "linux"));
    }

    #[test]
    fn the_ground_decides_on_dark_or_light() {
        assert_eq!(light_by(Some("0;15")), Some(true));
        assert_eq!(light_by(Some("15;default;0")), Some(false));
        assert_eq!(light_by(Some("15;default")), None);
        assert_eq!(light_by(None), None);
    }

    #[test]
    fn sixteen_colours_have_a_light_variant() {
        let light = at_depth(file::named("light").unwrap(), Depth::Sixteen);
        assert_eq!(light, file::named("sixteen-light").unwrap());
        let own = file::named("sixteen").unwrap();
        assert_eq!(at_depth(own.clone(), Depth::Sixteen), own);
    }
}
