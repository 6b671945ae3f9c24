//! Tables on standard output.

use crate::text::{pad, width};
use std::ops::Range;

/// The rows in columns with two blanks between them; the columns in `numbers` stand to the right.
pub(super) fn aligned<const N: usize>(rows: &[[String; N]], numbers: Range<usize>) -> String {
    let widest = |at: usize| rows.iter().map(|cells| width(&cells[at])).max();
    let columns: [usize; N] = std::array::from_fn(|at| widest(at).unwrap_or(0));
    let mut text = String::new();
    for cells in rows {
        let cells = cells
            .iter()
            .zip(columns)
            .enumerate()
            .map(|(at, (cell, column))| {
                if numbers.contains(&at) {
                    format!("{}{cell}", " ".repeat(column - width(cell)))
                } else {
                    pad(cell, column)
                }
            });
        text += cells.collect::<Vec<_>>().join("  ").trim_end();
        text.push('\n');
    }
    text
}
