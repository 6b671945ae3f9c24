//! The waterfall of steps below the graph.

use crate::tui::dashboard::panes::timeline::Timeline;
use ratatui::layout::Rect;

/// Fewest rows of a pane in which it stands below the graph.
const LOWEST: u16 = 15;
/// Fewest columns of it.
const NARROWEST: u16 = 36;
/// Fewest rows of the waterfall with the border above it, where it comes by itself and where it was made smaller.
const FEWEST: u16 = 5;
const SMALLEST: u16 = 3;
/// Fewest steps of which a waterfall says anything.
const STEPS_COMPARED: usize = 2;
/// The most steps of a run that has one without being asked for.
const STEPS: usize = 1_000;

/// The waterfall of steps below the graph.
#[derive(Debug)]
pub struct Strip {
    /// Its lines.
    pub pane: Timeline,
    /// Its rows with the border above it, where the user chose them; 0 hides it.
    pub(crate) chosen: Option<u16>,
    /// Where it was in the last frame, the border above it included; empty where it was not shown.
    pub(crate) area: Rect,
}

impl Default for Strip {
    fn default() -> Self {
        Self {
            pane: Timeline::of_steps(),
            chosen: None,
            area: Rect::default(),
        }
    }
}

/// The rows of a waterfall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rows {
    /// As many as the graph leaves of these.
    Left {
        /// With fewer there is none.
        fewest: u16,
        /// With these it shows every step, or has its share of the pane.
        most: u16,
    },
    /// These.
    Chosen(u16),
}

impl Strip {
    /// Its rows in a pane of this size, for a plan of so many steps. Where that is presented, the graph shows what is left:
    /// it follows what runs.
    pub(crate) fn rows(&self, pane: Rect, steps: usize, presented: bool) -> Rows {
        if pane.height < LOWEST || pane.width < NARROWEST || steps < STEPS_COMPARED {
            return Rows::Chosen(0);
        }
        match self.chosen {
            Some(0) => Rows::Chosen(0),
            Some(rows) => Rows::Chosen(rows.clamp(SMALLEST, pane.height - FEWEST)),
            None if steps > STEPS => Rows::Chosen(0),
            None if presented => Rows::Chosen(Self::suitable(pane.height, steps)),
            None => {
                let most = Self::suitable(pane.height, steps);
                Rows::Left {
                    fewest: most.min(FEWEST),
                    most,
                }
            }
        }
    }

    /// The border, and a row for each step as far as that is two fifths of the pane.
    fn suitable(height: u16, steps: usize) -> u16 {
        let all = u16::try_from(steps).unwrap_or(u16::MAX).saturating_add(1);
        all.min((height * 2 / 5).max(FEWEST))
    }

    /// Shows it where it is hidden, in a pane of this height; hides it where it is shown.
    pub(crate) fn toggle(&mut self, height: u16, steps: usize) {
        let is_shown = self.area.height > 0;
        self.chosen = Some(if is_shown {
            0
        } else {
            Self::suitable(height, steps)
        });
    }

    /// Lets it have what the graph leaves again, unless it is hidden.
    pub(crate) fn fit(&mut self) {
        self.chosen = self.chosen.filter(|rows| *rows == 0);
    }

    /// Moves the border above it up by so many rows, or down; at the smallest it stays.
    pub(crate) fn grow(&mut self, by: i16) {
        if self.area.height > 0 {
            let rows = self.area.height.saturating_add_signed(by);
            self.chosen = Some(rows.max(SMALLEST));
        }
    }
}
