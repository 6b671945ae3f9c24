//! Where edges leave and enter: a column for each end of each link.

use super::Nets;
use crate::layout::layered::{Layered, Trunk};
use crate::layout::space::anchor;

/// How far an edge of a trunk may leave the middle of a node in order to go straight on.
const SNAP: i32 = 3;
/// The widest spacing of two ports of one side.
const SPACING: i32 = 4;
/// The most lines of a bundle that enter a node each for itself.
const APART: usize = 3;

/// The columns of all links' ends.
#[derive(Debug)]
pub(super) struct Ports {
    /// Where each link leaves its upper unit.
    pub(super) out: Vec<i32>,
    /// Where each link enters its lower unit.
    pub(super) into: Vec<i32>,
}

impl Ports {
    pub(super) fn new(layered: &Layered, columns: &[i32], nets: &Nets) -> Self {
        let links = layered.links.len();
        let mut ports = Self {
            out: vec![0; links],
            into: vec![0; links],
        };
        // How many links each net has, by link.
        let mut sizes: Vec<Vec<u32>> = nets
            .of_channel
            .iter()
            .map(|channel| vec![0; channel.len()])
            .collect();
        for (at, link) in layered.links.iter().enumerate() {
            let layer = layered.units[link.upper as usize].layer as usize;
            sizes[layer][nets.of_link[at] as usize] += 1;
        }
        let mut touching: Vec<(u32, u32)> = Vec::with_capacity(links);
        for below in [false, true] {
            touching.clear();
            touching.extend(
                layered
                    .links
                    .iter()
                    .enumerate()
                    .map(|(at, link)| (if below { link.upper } else { link.lower }, at as u32)),
            );
            touching.sort_unstable();
            for side in touching.chunk_by(|a, b| a.0 == b.0) {
                let unit = side[0].0;
                let layer = layered.units[unit as usize].layer as usize - usize::from(!below);
                let mut ends: Vec<End> = Vec::new();
                for &(_, at) in side {
                    let link = layered.links[at as usize];
                    let net = nets.of_link[at as usize];
                    let trunk = nets.of_channel[layer][net as usize];
                    ends.push(End {
                        link: at,
                        net,
                        other: if below { link.lower } else { link.upper },
                        // Whether this side is the trunk's single end, from which it forks or where it ends.
                        stem: trunk == if below { Trunk::Source } else { Trunk::Target },
                        alone: sizes[layer][net as usize] == 1,
                    });
                }
                if !below && nets.bundled[unit as usize] {
                    enter_together(layered, columns, unit, &mut ends);
                }
                let found = spread(layered, columns, unit, &ends);
                for (end, column) in ends.iter().zip(found) {
                    if below {
                        ports.out[end.link as usize] = column;
                    } else {
                        ports.into[end.link as usize] = column;
                    }
                }
            }
        }
        ports
    }
}

/// One link at one side of a unit.
struct End {
    link: u32,
    net: u32,
    other: u32,
    stem: bool,
    alone: bool,
}

/// Lets the lines of a bundle enter a unit in one column where they are many or would have to stand close.
fn enter_together(layered: &Layered, columns: &[i32], unit: u32, ends: &mut [End]) {
    let (lo, hi) = reach(layered, columns, unit);
    let is_short = |end: &End| layered.links[end.link as usize].trunk.is_none();
    let mut nets: Vec<u32> = ends.iter().map(|end| end.net).collect();
    nets.sort_unstable();
    nets.dedup();
    let is_roomy = nets.len() <= APART && 2 * nets.len() as i32 - 1 <= hi - lo + 1;
    let first = ends.iter().find(|end| is_short(end)).map(|end| end.net);
    if let (false, Some(first)) = (is_roomy, first) {
        for end in ends.iter_mut().filter(|end| is_short(end)) {
            end.net = first;
            end.alone = false;
        }
    }
}

/// The columns in which an edge may touch a unit.
fn reach(layered: &Layered, columns: &[i32], unit: u32) -> (i32, i32) {
    let width = layered.units[unit as usize].width;
    let middle = columns[unit as usize];
    if width < 3 {
        return (middle, middle);
    }
    let left = middle - anchor(width);
    (left + 1, left + width - 2)
}

/// A column for each end at one side of `unit`; ends of one net share theirs.
fn spread(layered: &Layered, columns: &[i32], unit: u32, ends: &[End]) -> Vec<i32> {
    let (lo, hi) = reach(layered, columns, unit);
    let middle = columns[unit as usize];
    // Nets from left to right by the mean column of their other ends.
    let mut nets: Vec<(u32, i64, i64)> = Vec::new();
    for end in ends {
        let column = i64::from(columns[end.other as usize]);
        match nets.iter_mut().find(|(net, _, _)| *net == end.net) {
            Some((_, sum, count)) => {
                *sum += column;
                *count += 1;
            }
            None => nets.push((end.net, column, 1)),
        }
    }
    nets.sort_by(|a, b| (a.1 * b.2).cmp(&(b.1 * a.2)).then(a.0.cmp(&b.0)));
    let count = nets.len() as i32;
    let room = hi - lo + 1;
    let mut spacing = (room / count).clamp(1, SPACING);
    if count % 2 == 0 && spacing > 1 {
        spacing -= spacing % 2;
    }
    let mut wanted: Vec<i32> = (0..count)
        .map(|at| middle + (2 * at - (count - 1)) * spacing / 2)
        .collect();
    for (at, &(net, _, _)) in nets.iter().enumerate() {
        let mut of_net = ends.iter().filter(|end| end.net == net);
        let (Some(end), None) = (of_net.next(), of_net.next()) else {
            continue;
        };
        if let Some(column) = straight(layered, columns, unit, end) {
            wanted[at] = column;
        }
    }
    let step = if 2 * count - 1 <= room {
        2
    } else {
        i32::from(count <= room)
    };
    if step == 0 {
        for (at, column) in wanted.iter_mut().enumerate() {
            *column = lo + at as i32 * room / count;
        }
    } else {
        let mut least = lo;
        for column in &mut wanted {
            *column = (*column).max(least);
            least = *column + step;
        }
        let mut most = hi;
        for column in wanted.iter_mut().rev() {
            *column = (*column).min(most);
            most = *column - step;
        }
    }
    ends.iter()
        .map(|end| {
            nets.iter()
                .position(|&(net, _, _)| net == end.net)
                .map_or(middle, |at| wanted[at])
        })
        .collect()
}

/// The column in which this end would need no turn, where that is worth leaving the middle for.
fn straight(layered: &Layered, columns: &[i32], unit: u32, end: &End) -> Option<i32> {
    let own = reach(layered, columns, unit);
    let other = reach(layered, columns, end.other);
    let (lo, hi) = (own.0.max(other.0), own.1.min(other.1));
    let (here, there) = (columns[unit as usize], columns[end.other as usize]);
    if end.alone {
        (lo <= hi).then(|| (here + there).div_euclid(2).clamp(lo, hi))
    } else if !end.stem && (here - there).abs() <= SNAP && own.0 <= there && there <= own.1 {
        Some(there)
    } else {
        None
    }
}
