//! How far apart the units of a rank have to be, for those who place them and those who straighten what was placed.

use super::Options;
use super::layered::Layered;

/// How far into a unit its anchor is.
pub(super) fn anchor(width: i32) -> i32 {
    (width - 1) / 2
}

/// The units and how far apart they have to be.
pub(super) struct Space<'a> {
    pub(super) layered: &'a Layered,
    pub(super) options: &'a Options,
}

impl Space<'_> {
    /// The least distance between the anchors of two neighbours.
    pub(super) fn between(&self, left: u32, right: u32) -> i32 {
        let (a, b) = (
            self.layered.units[left as usize].width,
            self.layered.units[right as usize].width,
        );
        let gap = if self.layered.passes(left) || self.layered.passes(right) {
            self.options.edge_gap
        } else {
            self.options.node_gap
        };
        (a - anchor(a)) + i32::from(gap) + anchor(b)
    }
}
