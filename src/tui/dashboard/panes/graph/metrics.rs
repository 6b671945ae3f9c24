//! Columns that several parts of the graph agree on.

/// Columns for `320ms  $0.000401`.
pub(super) const TIME_AND_COST: usize = 16;
/// Columns for `×2` beside a name, which may come while the run is running.
pub(super) const MARK: usize = 3;
/// Columns for the time alone.
pub(super) const TIME: usize = 6;
/// The fewest columns for time beside the rows.
pub(super) const WATERFALL: u16 = 10;
/// The columns of the overview beside rows of which the pane shows some, the gap included.
pub(super) const BESIDE: u16 = 15;
/// Columns of the list beside the overview.
const SIDEBAR: u16 = 34;
/// Empty columns beside it.
pub(super) const SIDEBAR_GAP: u16 = 2;
/// The narrowest pane in which there is a list.
const NARROWEST: u16 = 80;

/// The columns that the list takes of a pane, the gap beside it included.
pub(super) fn sidebar_columns(pane: u16) -> u16 {
    if pane < NARROWEST {
        0
    } else {
        SIDEBAR + SIDEBAR_GAP
    }
}
