//! Glyphs and styles of the timeline.

use super::index::Fate;
use super::pieces::Cause;
use crate::run::StepStatus;
use crate::tui::Theme;
use ratatui::style::{Modifier, Style};

/// Blocks that fill an eighth to seven eighths of a cell from the left.
const FROM_LEFT: [&str; 7] = ["▏", "▎", "▍", "▌", "▋", "▊", "▉"];
/// Blocks that fill one to eight eighths of a cell from below.
const FROM_BELOW: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
/// The same without such blocks: tenths.
const TENTHS: [&str; 10] = ["1", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/// How the timeline looks in a theme.
#[derive(Clone, Copy)]
pub(super) struct Styles<'a> {
    pub(super) theme: &'a Theme,
}

impl Styles<'_> {
    /// The glyph and the style of a wait.
    pub(super) fn wait(self, cause: Cause) -> (&'static str, Style) {
        let theme = self.theme;
        let (glyph, ascii, style) = match cause {
            Cause::Dependency => ("·", ".", theme.border),
            Cause::Slot => ("─", "-", theme.status(StepStatus::Ready).style),
            Cause::Rate => ("≈", "~", theme.warning),
            Cause::Budget => ("$", "$", theme.warning),
            Cause::Alone => ("═", "=", theme.status(StepStatus::Ready).style),
            Cause::Breakpoint => ("!", "!", theme.bad),
            Cause::Approval => ("◇", "Y", theme.warning),
            Cause::Backoff => ("›", ">", theme.warning),
            Cause::Pause => ("░", ":", theme.border),
            Cause::Person => ("░", ":", theme.border),
        };
        (if theme.ascii { ascii } else { glyph }, style)
    }

    /// The style of an attempt by its end.
    pub(super) fn fate(self, fate: Fate) -> Style {
        self.theme.status(fate.status()).style
    }

    /// A whole cell of an attempt.
    pub(super) fn full(self, fate: Fate) -> &'static str {
        match (self.theme.ascii, fate) {
            (false, _) => "█",
            (true, Fate::Running) => "=",
            (true, Fate::Succeeded) => "#",
            (true, Fate::Failed) => "x",
            (true, Fate::Cancelled) => "%",
            (true, Fate::Unknown) => "?",
        }
    }

    /// A cell of which the left part is filled; at least an eighth is seen.
    pub(super) fn left(self, part: f64, fate: Fate) -> &'static str {
        let eighths = (part * 8.0).round().clamp(1.0, 8.0) as usize;
        if self.theme.ascii {
            if part < 0.5 { "|" } else { self.full(fate) }
        } else {
            FROM_LEFT.get(eighths - 1).copied().unwrap_or("█")
        }
    }

    /// A cell that is filled from `part` of it to its right edge, and its style.
    pub(super) fn right(self, part: f64, fate: Fate, style: Style) -> (&'static str, Style) {
        let eighths = (part * 8.0).round() as usize;
        if eighths == 0 {
            return (self.full(fate), style);
        }
        if self.theme.ascii {
            let glyph = if part > 0.5 { "|" } else { self.full(fate) };
            return (glyph, style);
        }
        // There are no blocks from the right: the ground is drawn over the bar from the left.
        let glyph = FROM_LEFT[eighths.min(7) - 1];
        (glyph, reversed(style))
    }

    /// A cell with several attempts: the share of its time in which one was running.
    pub(super) fn share(self, share: f64) -> &'static str {
        if self.theme.ascii {
            TENTHS[((share * 10.0).ceil() as usize).clamp(1, 10) - 1]
        } else {
            FROM_BELOW[((share * 8.0).ceil() as usize).clamp(1, 8) - 1]
        }
    }

    /// The mark of an attempt that went wrong and is smaller than a cell, or is among several in a cell.
    pub(super) fn failure(self) -> &'static str {
        self.theme.status(StepStatus::Failed).glyph
    }

    /// The line of the critical path.
    pub(super) fn critical(self) -> (&'static str, Style) {
        let glyph = if self.theme.ascii { "=" } else { "━" };
        (glyph, self.theme.highlight)
    }

    /// What stands below an attempt on the critical path.
    pub(super) fn underline(self) -> (&'static str, Style) {
        let glyph = if self.theme.ascii { "^" } else { "▔" };
        (glyph, self.theme.highlight)
    }

    /// The mark of a step on the critical path.
    pub(super) fn mark(self) -> (&'static str, Style) {
        let glyph = if self.theme.ascii { "+" } else { "◆" };
        (glyph, self.theme.highlight)
    }

    /// The line at the time shown.
    pub(super) fn now(self) -> (&'static str, Style) {
        let glyph = if self.theme.ascii { "|" } else { "│" };
        (glyph, self.theme.status(StepStatus::Running).style)
    }

    /// The selected attempt: as strong as text can be.
    pub(super) fn selected(self) -> Style {
        self.theme.text.patch(self.theme.strong)
    }
}

/// Ground and ink exchanged.
pub(super) fn reversed(style: Style) -> Style {
    style.add_modifier(Modifier::REVERSED)
}
