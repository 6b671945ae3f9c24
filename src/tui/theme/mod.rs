//! Styles and glyphs by meaning: with `themes/`, the only place that names colours.

pub(crate) mod ascii;
pub(crate) mod choice;
pub(crate) mod chooser;
pub(crate) mod color;
pub(crate) mod file;
pub(crate) mod look;

use crate::run::StepStatus;
use ratatui::style::{Color, Modifier, Style};

/// How a status is shown: by shape first, then by colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusStyle {
    /// One cell wide.
    pub glyph: &'static str,
    /// For the glyph, and for the border of a box.
    pub style: Style,
}

/// Every style of the dashboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Theme {
    /// What everything is drawn on.
    pub background: Style,
    /// Ordinary text.
    pub text: Style,
    /// What matters less.
    pub dim: Style,
    /// Names and headings.
    pub strong: Style,
    /// Keys, and what can be acted on.
    pub accent: Style,
    /// Borders of panes, and edges.
    pub border: Style,
    /// The border of the pane that has the focus.
    pub focus: Style,
    /// What is selected.
    pub selection: Style,
    /// The critical path, and what is found.
    pub highlight: Style,
    /// Edges on a way to the selected step.
    pub upstream: Style,
    /// Edges on a way from the selected step.
    pub downstream: Style,
    /// Something went well.
    pub good: Style,
    /// Something needs a look.
    pub warning: Style,
    /// Something failed.
    pub bad: Style,
    /// A mark that must not be overlooked: simulated outputs.
    pub badge: Style,
    /// Strings of a JSON value.
    pub string: Style,
    /// Numbers, `true`, `false` and `null` of a JSON value.
    pub number: Style,
    /// Statuses, in the order of [`StepStatus::ALL`].
    pub statuses: [StatusStyle; 8],
    /// The ground of a step in a line of its own, by status; without colours the terminal's own.
    pub tints: [Style; 8],
    /// Only ASCII may be drawn.
    pub ascii: bool,
}

/// The shapes of the statuses, in the order of [`StepStatus::ALL`]: no two alike, so that colour is never
/// needed to distinguish them.
pub(crate) const GLYPHS: [&str; 8] = ["·", "○", "●", "✔", "✖", "⊘", "■", "?"];

/// The same in ASCII.
pub(crate) const ASCII_GLYPHS: [&str; 8] = [".", "o", "*", "v", "x", "-", "#", "?"];

/// What the shape of `running` goes through where motion is wanted.
const TURNS: [&str; 4] = ["◐", "◓", "◑", "◒"];

impl Theme {
    /// How `status` is shown.
    pub fn status(&self, status: StepStatus) -> StatusStyle {
        self.statuses[status as usize]
    }

    /// The ground of a step with this status.
    pub(crate) fn tint(&self, status: StepStatus) -> Style {
        self.tints[status as usize]
    }

    /// Whether it is drawn on a light ground of its own.
    pub(crate) fn is_light(&self) -> bool {
        let Some(Color::Rgb(red, green, blue)) = self.background.bg else {
            return false;
        };
        let light = 2126 * u32::from(red) + 7152 * u32::from(green) + 722 * u32::from(blue);
        light > 10_000 * 255 / 2
    }

    /// Whether it has colours beyond the terminal's own sixteen.
    fn has_more_than_sixteen(&mut self) -> bool {
        let beyond =
            |colour: Option<Color>| matches!(colour, Some(Color::Rgb(..) | Color::Indexed(16..)));
        self.styles_mut()
            .any(|style| beyond(style.fg) || beyond(style.bg))
    }

    /// Gives `running` the shape of this turn.
    pub(crate) fn turn(&mut self, turn: u64) {
        if !self.ascii {
            self.statuses[StepStatus::Running as usize].glyph = TURNS[(turn % 4) as usize];
        }
    }

    /// Gives `running` its shape at rest.
    pub(crate) fn rest(&mut self) {
        let glyphs = if self.ascii { &ASCII_GLYPHS } else { &GLYPHS };
        let running = StepStatus::Running as usize;
        self.statuses[running].glyph = glyphs[running];
    }

    /// The same theme in ASCII shapes.
    #[must_use]
    pub fn in_ascii(mut self) -> Self {
        self.ascii = true;
        for (look, glyph) in self.statuses.iter_mut().zip(ASCII_GLYPHS) {
            look.glyph = glyph;
        }
        self
    }

    /// Every style, to change all of them alike.
    pub(crate) fn styles_mut(&mut self) -> impl Iterator<Item = &mut Style> {
        [
            &mut self.background,
            &mut self.text,
            &mut self.dim,
            &mut self.strong,
            &mut self.accent,
            &mut self.border,
            &mut self.focus,
            &mut self.selection,
            &mut self.highlight,
            &mut self.upstream,
            &mut self.downstream,
            &mut self.good,
            &mut self.warning,
            &mut self.bad,
            &mut self.badge,
            &mut self.string,
            &mut self.number,
        ]
        .into_iter()
        .chain(self.statuses.iter_mut().map(|look| &mut look.style))
        .chain(&mut self.tints)
    }

    /// No colours at all: weight, reversal and shapes carry the meaning.
    pub fn plain() -> Self {
        let mut theme = Self::default();
        for style in theme.styles_mut() {
            style.fg = None;
            style.bg = None;
        }
        theme.dim = theme.dim.add_modifier(Modifier::DIM);
        theme.border = theme.border.add_modifier(Modifier::DIM);
        theme.focus = theme.focus.add_modifier(Modifier::BOLD);
        theme.highlight = theme.highlight.add_modifier(Modifier::BOLD);
        theme.upstream = theme.upstream.add_modifier(Modifier::BOLD);
        theme.downstream = theme.downstream.add_modifier(Modifier::BOLD);
        theme.accent = theme.accent.add_modifier(Modifier::BOLD);
        theme.bad = theme.bad.add_modifier(Modifier::BOLD);
        theme.warning = theme.warning.add_modifier(Modifier::BOLD);
        theme
    }
}

impl Default for Theme {
    /// The sixteen colours every terminal has, as its user set them.
    fn default() -> Self {
        let plain = Style::new();
        let look = |status: StepStatus, color| StatusStyle {
            glyph: GLYPHS[status as usize],
            style: Style::new().fg(color),
        };
        Self {
            background: plain,
            text: plain,
            dim: plain.fg(Color::DarkGray),
            strong: plain.add_modifier(Modifier::BOLD),
            accent: plain.fg(Color::Cyan),
            border: plain.fg(Color::DarkGray),
            focus: plain.fg(Color::Cyan),
            selection: plain.add_modifier(Modifier::REVERSED),
            highlight: plain.fg(Color::Cyan),
            upstream: plain.fg(Color::Magenta),
            downstream: plain.fg(Color::Cyan),
            good: plain.fg(Color::Green),
            warning: plain.fg(Color::Yellow),
            bad: plain.fg(Color::Red),
            badge: plain
                .fg(Color::Magenta)
                .add_modifier(Modifier::REVERSED.union(Modifier::BOLD)),
            string: plain.fg(Color::Green),
            number: plain.fg(Color::Cyan),
            statuses: [
                look(StepStatus::Pending, Color::DarkGray),
                look(StepStatus::Ready, Color::Blue),
                look(StepStatus::Running, Color::Yellow),
                look(StepStatus::Succeeded, Color::Green),
                look(StepStatus::Failed, Color::Red),
                look(StepStatus::Skipped, Color::DarkGray),
                look(StepStatus::Cancelled, Color::Magenta),
                look(StepStatus::Unknown, Color::Magenta),
            ],
            tints: [plain; 8],
            ascii: false,
        }
    }
}
