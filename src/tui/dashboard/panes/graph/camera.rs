//! Which part of a picture the pane shows.

use crate::layout::{Point, Rect};

/// The first visible cell of the picture, and what is to be shown next time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Camera {
    x: i32,
    y: i32,
    /// Nothing was shown yet: begin at the beginning.
    begun: bool,
}

impl Camera {
    /// Forgets where it was.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// Moves the view by cells of the picture.
    pub(super) fn pan(&mut self, dx: i32, dy: i32) {
        self.x = self.x.saturating_add(dx);
        self.y = self.y.saturating_add(dy);
        self.begun = true;
    }

    /// Shows the picture from this cell on.
    pub(super) fn place(&mut self, x: i32, y: i32) {
        (self.x, self.y, self.begun) = (x, y, true);
    }

    /// Brings the middle of `target` to the middle of a pane of this size.
    pub(super) fn centre_on(&mut self, target: Rect, width: i32, height: i32) {
        let Point { x, y } = target.centre();
        self.x = x - width / 2;
        self.y = y - height / 2;
        self.begun = true;
    }

    /// Moves as little as possible for `target` to be visible with some space around it.
    pub(super) fn keep_visible(&mut self, target: Rect, width: i32, height: i32) {
        self.x = least_move(self.x, width, target.x, target.right(), 3);
        self.y = least_move(self.y, height, target.y, target.bottom(), 1);
        self.begun = true;
    }

    /// The first visible cell: within the picture. Where that is smaller than the pane it is `centred`, or begins in the
    /// upper left corner.
    pub(super) fn settle(
        &mut self,
        picture: (i32, i32),
        pane: (i32, i32),
        first: Option<Rect>,
        centred: bool,
    ) -> Point {
        if !self.begun {
            self.begun = true;
            if let Some(first) = first {
                self.x = first.centre().x - pane.0 / 2;
                self.y = first.centre().y - pane.1 / 2;
            }
        }
        self.x = within(self.x, picture.0, pane.0, centred);
        self.y = within(self.y, picture.1, pane.1, centred);
        Point {
            x: self.x,
            y: self.y,
        }
    }
}

fn within(at: i32, picture: i32, pane: i32, centred: bool) -> i32 {
    if picture <= pane {
        -((pane - picture) / 2) * i32::from(centred)
    } else {
        at.clamp(0, picture - pane)
    }
}

fn least_move(at: i32, pane: i32, from: i32, to: i32, around: i32) -> i32 {
    let around = around.min((pane - (to - from)) / 2).max(0);
    if from - around < at || to - from > pane {
        from - around
    } else if to + around > at + pane {
        to + around - pane
    } else {
        at
    }
}
