//! Styles and glyphs by meaning: the only place that names colours.

use crate::run::StepStatus;
use ratatui::style::{Color, Modifier, Style};

/// How a status is shown: by shape first, then by colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusLook {
    /// One cell wide.
    pub glyph: &'static str,
    /// For the glyph, and for the border of a box.
    pub style: Style,
}

/// Every style of the dashboard.
#[derive(Clone, Debug)]
pub struct Theme {
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
    /// Edges on a way to or from the selected step.
    pub lit: Style,
    /// Something went well.
    pub good: Style,
    /// Something needs a look.
    pub warning: Style,
    /// Something failed.
    pub bad: Style,
    /// Statuses, in the order of [`StepStatus::ALL`].
    pub statuses: [StatusLook; 8],
    /// Only ASCII may be drawn.
    pub ascii: bool,
}

impl Theme {
    /// How `status` is shown.
    pub fn status(&self, status: StepStatus) -> StatusLook {
        self.statuses[status as usize]
    }
}

impl Default for Theme {
    /// The sixteen colours every terminal has, as its user set them.
    fn default() -> Self {
        let plain = Style::new();
        let look = |glyph, color| StatusLook {
            glyph,
            style: Style::new().fg(color),
        };
        Self {
            text: plain,
            dim: plain.fg(Color::DarkGray),
            strong: plain.add_modifier(Modifier::BOLD),
            accent: plain.fg(Color::Cyan),
            border: plain.fg(Color::DarkGray),
            focus: plain.fg(Color::Cyan),
            selection: plain.add_modifier(Modifier::REVERSED),
            lit: plain.fg(Color::Cyan),
            good: plain.fg(Color::Green),
            warning: plain.fg(Color::Yellow),
            bad: plain.fg(Color::Red),
            statuses: [
                look("·", Color::DarkGray),
                look("○", Color::Blue),
                look("●", Color::Yellow),
                look("✔", Color::Green),
                look("✖", Color::Red),
                look("⊘", Color::DarkGray),
                look("■", Color::Magenta),
                look("?", Color::Magenta),
            ],
            ascii: false,
        }
    }
}
