//! A line of segments; the least important are dropped first when there is no room.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

/// Columns from which there is room to spare.
pub(crate) const ROOMY: u16 = 100;

/// Cells between two parts on a line of `width` cells.
fn gap(width: usize) -> usize {
    if width < ROOMY as usize { 2 } else { 3 }
}

/// A piece of a line.
pub(crate) struct Segment {
    /// What it says; made safe already.
    pub spans: Vec<Span<'static>>,
    /// The part with the lowest rank gives way first.
    pub rank: u8,
    /// Whether it belongs to the part before it, without a gap.
    pub joined: bool,
}

impl Segment {
    /// A part that stands by itself.
    pub(crate) fn new(rank: u8, spans: Vec<Span<'static>>) -> Self {
        Self {
            spans,
            rank,
            joined: false,
        }
    }

    /// A part that continues the one before it.
    pub(crate) fn joined(rank: u8, spans: Vec<Span<'static>>) -> Self {
        Self {
            spans,
            rank,
            joined: true,
        }
    }

    fn width(&self) -> usize {
        self.spans.iter().map(Span::width).sum()
    }
}

fn total(segments: &[Segment], gap: usize) -> usize {
    let gaps = segments
        .iter()
        .skip(1)
        .filter(|segment| !segment.joined)
        .count();
    segments.iter().map(Segment::width).sum::<usize>() + gaps * gap
}

/// Drops parts until `left` and `right` fit beside each other in `width` cells with a margin on both sides;
/// the last one stays whatever its width.
fn thin_out(left: &mut Vec<Segment>, right: &mut Vec<Segment>, width: usize) {
    let gap = gap(width);
    loop {
        let between = if left.is_empty() || right.is_empty() {
            0
        } else {
            gap
        };
        let needed = total(left, gap) + total(right, gap) + between + 2;
        if needed <= width || left.len() + right.len() <= 1 {
            return;
        }
        let lowest = |segments: &[Segment]| {
            let ranks = segments
                .iter()
                .enumerate()
                .map(|(at, segment)| (segment.rank, at));
            ranks.min()
        };
        match (lowest(left), lowest(right)) {
            (Some((a, at)), Some((b, _))) if a <= b => drop(left.remove(at)),
            (Some((_, at)), None) => drop(left.remove(at)),
            (_, Some((_, at))) => drop(right.remove(at)),
            (None, None) => return,
        }
    }
}

/// Draws `left` from the left edge and `right` up to the right edge of one line.
pub(crate) fn draw(buf: &mut Buffer, line: Rect, mut left: Vec<Segment>, mut right: Vec<Segment>) {
    if line.is_empty() {
        return;
    }
    let width = line.width as usize;
    thin_out(&mut left, &mut right, width);
    let margin = u16::from(width > 2);
    put(buf, line, line.x + margin, &left);
    let start = width.saturating_sub(total(&right, gap(width)) + margin as usize) as u16;
    put(buf, line, line.x + start, &right);
}

/// Where the segments of `left` stand that [`draw`] would draw on this line with none on the right, each with its place
/// in the list.
pub(crate) fn places(line: Rect, left: &[(u8, usize)]) -> Vec<(Rect, usize)> {
    let width = line.width as usize;
    let mut kept: Vec<Segment> = left
        .iter()
        .map(|(rank, cells)| Segment::new(*rank, vec![Span::raw(" ".repeat(*cells))]))
        .collect();
    let mut order: Vec<usize> = (0..kept.len()).collect();
    // As `thin_out` does it: the first of the lowest rank gives way.
    while kept.len() > 1 && total(&kept, gap(width)) + 2 > width {
        let ranks = kept.iter().enumerate().map(|(at, one)| (one.rank, at));
        let Some((_, at)) = ranks.min() else { break };
        kept.remove(at);
        order.remove(at);
    }
    let mut x = usize::from(line.x) + usize::from(width > 2);
    let mut places = Vec::new();
    for (segment, at) in kept.iter().zip(order) {
        let cells = segment.width();
        let right = usize::from(line.right());
        if x < right {
            let area = Rect {
                x: x as u16,
                width: cells.min(right - x) as u16,
                ..line
            };
            places.push((area, at));
        }
        x += cells + gap(width);
    }
    places
}

fn put(buf: &mut Buffer, line: Rect, mut x: u16, segments: &[Segment]) {
    for (at, segment) in segments.iter().enumerate() {
        if at > 0 && !segment.joined {
            x = x.saturating_add(gap(line.width as usize) as u16);
        }
        for span in &segment.spans {
            if x >= line.right() {
                return;
            }
            let room = (line.right() - x) as usize;
            x = buf
                .set_stringn(x, line.y, &span.content, room, span.style)
                .0;
        }
    }
}
