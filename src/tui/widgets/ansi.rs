//! Text with the colours of a terminal, in those of the theme. `ansi-to-tui` reads the escape sequences; what they may
//! do is decided here: colours, weight, slant and underlining, and nothing that hides text.

use crate::run::StepStatus;
use crate::text;
use crate::tui::theme::Theme;
use ansi_to_tui::IntoText as _;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// The weights that a program may ask for. Text that blinks or is hidden is shown as any other.
const WEIGHTS: Modifier = Modifier::BOLD
    .union(Modifier::ITALIC)
    .union(Modifier::UNDERLINED)
    .union(Modifier::REVERSED)
    .union(Modifier::CROSSED_OUT);

/// The text as spans that are safe to draw, with `base` where it asks for nothing.
pub(crate) fn spans(words: &str, base: Style, theme: &Theme) -> Vec<Span<'static>> {
    let plain = || vec![Span::styled(text::line(words), base)];
    if !words.contains('\u{1b}') {
        return plain();
    }
    let Ok(parsed) = words.into_text() else {
        return plain();
    };
    let spans = parsed.lines.into_iter().flat_map(|line| line.spans);
    spans
        .map(|span| Span::styled(text::line(&span.content), in_theme(span.style, base, theme)))
        .collect()
}

/// The spans in lines of at most `width` cells, cut anywhere: a log has columns that words would move out of place.
pub(crate) fn wrap(spans: &[Span<'static>], width: usize, most: usize) -> Vec<Line<'static>> {
    let width = width.max(1);
    let mut lines: Vec<Vec<Span<'static>>> = vec![Vec::new()];
    let mut used = 0;
    for span in spans {
        let mut piece = String::new();
        for grapheme in span.content.graphemes(true) {
            let cells = grapheme.width();
            if used + cells > width && used > 0 {
                put(&mut lines, &mut piece, span.style);
                if lines.len() >= most {
                    put_mark(&mut lines, width);
                    return finish(lines);
                }
                lines.push(Vec::new());
                used = 0;
            }
            used += cells;
            piece.push_str(grapheme);
        }
        put(&mut lines, &mut piece, span.style);
    }
    finish(lines)
}

fn put(lines: &mut [Vec<Span<'static>>], piece: &mut String, style: Style) {
    if let Some(line) = lines.last_mut().filter(|_| !piece.is_empty()) {
        line.push(Span::styled(std::mem::take(piece), style));
    }
}

/// Marks that a line goes on.
fn put_mark(lines: &mut [Vec<Span<'static>>], width: usize) {
    let Some(last) = lines.last_mut().and_then(|line| line.last_mut()) else {
        return;
    };
    let mut kept = last.content.to_string();
    let room = kept.width().min(width).saturating_sub(1);
    while kept.width() > room
        && let Some(end) = kept.graphemes(true).next_back()
    {
        kept.truncate(kept.len() - end.len());
    }
    kept.push('…');
    last.content = kept.into();
}

fn finish(lines: Vec<Vec<Span<'static>>>) -> Vec<Line<'static>> {
    lines.into_iter().map(Line::from).collect()
}

/// The hues that a theme tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hue {
    Text,
    Dim,
    Red,
    Yellow,
    Green,
    Cyan,
    Blue,
    Magenta,
}

fn in_theme(asked: Style, base: Style, theme: &Theme) -> Style {
    let mut style = base;
    let mut weights = asked.add_modifier & WEIGHTS;
    let of = |colour: Option<Color>| colour.and_then(hue);
    let back = of(asked.bg).filter(|hue| !matches!(hue, Hue::Text | Hue::Dim));
    if let Some(hue) = back {
        // A ground of ours under a colour of theirs could not be read: the ground is what was to stand out.
        weights |= Modifier::REVERSED;
        style = style.patch(look(hue, theme));
    } else if let Some(hue) = of(asked.fg) {
        style = match hue {
            Hue::Text => base,
            hue => style.patch(look(hue, theme)),
        };
    } else if asked.add_modifier.contains(Modifier::DIM) {
        style = style.patch(theme.dim);
    }
    style.add_modifier(weights)
}

fn look(hue: Hue, theme: &Theme) -> Style {
    let style = match hue {
        Hue::Text => theme.text,
        Hue::Dim => theme.dim,
        Hue::Red => theme.bad,
        Hue::Yellow => theme.warning,
        Hue::Green => theme.good,
        Hue::Cyan => theme.accent,
        Hue::Blue => theme.status(StepStatus::Ready).style,
        Hue::Magenta => theme.status(StepStatus::Cancelled).style,
    };
    // Of a theme without colours their weights stay: red text is told by them.
    style
}

fn hue(colour: Color) -> Option<Hue> {
    Some(match colour {
        Color::Reset => return None,
        Color::Black | Color::DarkGray => Hue::Dim,
        Color::Gray | Color::White => Hue::Text,
        Color::Red | Color::LightRed => Hue::Red,
        Color::Green | Color::LightGreen => Hue::Green,
        Color::Yellow | Color::LightYellow => Hue::Yellow,
        Color::Blue | Color::LightBlue => Hue::Blue,
        Color::Magenta | Color::LightMagenta => Hue::Magenta,
        Color::Cyan | Color::LightCyan => Hue::Cyan,
        Color::Rgb(r, g, b) => hue_of(r, g, b),
        Color::Indexed(at) => of_table(at),
    })
}

/// The hue of one of the 256 colours: sixteen names, a cube of 6×6×6, a ramp of greys.
fn of_table(at: u8) -> Hue {
    match at {
        0 | 8 => Hue::Dim,
        7 | 15 => Hue::Text,
        1 | 9 => Hue::Red,
        2 | 10 => Hue::Green,
        3 | 11 => Hue::Yellow,
        4 | 12 => Hue::Blue,
        5 | 13 => Hue::Magenta,
        6 | 14 => Hue::Cyan,
        16..=231 => {
            let level = |part: u8| if part == 0 { 0 } else { 55 + part * 40 };
            let cube = at - 16;
            hue_of(level(cube / 36), level(cube / 6 % 6), level(cube % 6))
        }
        232..=243 => Hue::Dim,
        244..=255 => Hue::Text,
    }
}

fn hue_of(r: u8, g: u8, b: u8) -> Hue {
    let (r, g, b) = (i32::from(r), i32::from(g), i32::from(b));
    let (most, least) = (r.max(g).max(b), r.min(g).min(b));
    let span = most - least;
    if span * 4 < most || most < 40 {
        return if most < 130 { Hue::Dim } else { Hue::Text };
    }
    let turn = if most == r {
        (60 * (g - b) / span + 360) % 360
    } else if most == g {
        60 * (b - r) / span + 120
    } else {
        60 * (r - g) / span + 240
    };
    match turn {
        25..=75 => Hue::Yellow,
        76..=160 => Hue::Green,
        161..=205 => Hue::Cyan,
        206..=264 => Hue::Blue,
        265..=334 => Hue::Magenta,
        _ => Hue::Red,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: &[Line<'_>]) -> Vec<String> {
        lines.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn colours_are_those_of_the_theme() {
        let theme = Theme::default();
        let spans = spans(
            "\u{1b}[1;31mbad\u{1b}[0m and \u{1b}[38;2;0;200;30mgood",
            theme.text,
            &theme,
        );
        let looks: Vec<(&str, Style)> = spans
            .iter()
            .map(|span| (&*span.content, span.style))
            .collect();
        let bold = theme.bad.add_modifier(Modifier::BOLD);
        assert_eq!(
            looks,
            [("bad", bold), (" and ", theme.text), ("good", theme.good)]
        );
    }

    #[test]
    fn nothing_hides_or_steers() {
        let theme = Theme::default();
        for hostile in [
            "\u{1b}[8mhidden",
            "\u{1b}[30;40mblack",
            "\u{1b}[2J\u{1b}[Hhome",
            "\u{1b}]0;title\u{7}words",
            "\u{1b}[999999999999999mhuge",
            "a\u{202e}b\u{9b}31mc",
        ] {
            for span in spans(hostile, theme.text, &theme) {
                assert!(
                    !span.style.add_modifier.contains(Modifier::HIDDEN),
                    "{hostile:?}"
                );
                assert!(
                    text::find_unsafe(&span.content).is_none(),
                    "{hostile:?}: {span:?}"
                );
                assert_eq!(span.style.bg, theme.text.bg, "{hostile:?}");
            }
        }
    }

    #[test]
    fn lines_are_cut_at_cells() {
        let spans = [Span::raw("ab漢字"), Span::raw("cdef")];
        assert_eq!(texts(&wrap(&spans, 5, 9)), ["ab漢", "字cde", "f"]);
        assert_eq!(texts(&wrap(&spans, 5, 2)), ["ab漢", "字cd…"]);
        assert_eq!(texts(&wrap(&[], 5, 2)), [""]);
    }
}
