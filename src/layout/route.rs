//! From orders and columns to boxes and ways: ports, channels, rows.

mod ports;

use super::channel::{self, Net, Tracks};
use super::geometry::{Point, Rect};
use super::layered::{Layered, Trunk};
use super::normalize::Component;
use super::space::anchor;
use super::{Options, Route};
use ports::Ports;

/// A laid-out component. Nodes and edges are numbered as in the component.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) nodes: Vec<Rect>,
    pub(super) routes: Vec<Route>,
    pub(super) width: i32,
    pub(super) height: i32,
    pub(super) ranks: Vec<u32>,
    pub(super) places: Vec<u32>,
    pub(super) crossings: u64,
}

/// Puts everything in its place.
pub(super) fn route(
    component: &Component,
    layered: &Layered,
    columns: &[i32],
    options: &Options,
    crossings: u64,
) -> Part {
    let nets = Nets::new(layered);
    let ports = Ports::new(layered, columns, &nets);
    let channels = nets.channels(layered, &ports);
    let tops = rows(layered, &channels, options);
    let nodes: Vec<Rect> = (0..layered.nodes as usize)
        .map(|node| {
            let unit = layered.units[node];
            Rect {
                x: columns[node] - anchor(unit.width),
                y: tops[unit.layer as usize].first,
                width: unit.width,
                height: unit.height,
            }
        })
        .collect();
    let routes = component
        .edges
        .iter()
        .enumerate()
        .map(|(edge, &(from, to))| {
            let start = nodes[from as usize].bottom() - 1;
            let (mut points, mut stretches) = (Vec::new(), Vec::new());
            for (hop, &link) in layered.ways.of(edge as u32).iter().enumerate() {
                let (out, into) = (ports.out[link as usize], ports.into[link as usize]);
                let upper = layered.units[layered.links[link as usize].upper as usize];
                let rows = tops[upper.layer as usize];
                // A stretch ends in every layer that the edge passes, for the nets of the next channel are others.
                points.push(Point {
                    x: out,
                    y: if hop == 0 { start } else { rows.first },
                });
                let net = nets.of_link[link as usize];
                turn(
                    &mut points,
                    &channels[upper.layer as usize],
                    (rows.track, i32::from(options.pitch.max(1))),
                    net as usize,
                    (out, into),
                );
                stretches.resize(points.len(), nets.first[upper.layer as usize] + net);
            }
            let end = nodes[to as usize];
            let last = points.last().map_or(end.x, |point| point.x);
            points.push(Point { x: last, y: end.y });
            straighten(&mut points, &mut stretches);
            Route {
                from,
                to,
                points,
                nets: stretches,
            }
        })
        .collect();
    let mut part = Part {
        nodes,
        routes,
        width: 0,
        height: 0,
        ranks: layered.units[..layered.nodes as usize]
            .iter()
            .map(|unit| unit.layer)
            .collect(),
        places: layered.place[..layered.nodes as usize].to_vec(),
        crossings,
    };
    part.move_to_origin();
    part
}

/// Adds the corners of one link.
fn turn(
    points: &mut Vec<Point>,
    tracks: &Tracks,
    (first, pitch): (i32, i32),
    net: usize,
    (out, into): (i32, i32),
) {
    let row = |track: i32| first + track * pitch;
    let mut from = out;
    let jog = tracks
        .jogs
        .iter()
        .find(|jog| jog.net == net && jog.from == out);
    if let Some(jog) = jog {
        points.push(Point {
            x: from,
            y: row(jog.track),
        });
        points.push(Point {
            x: jog.to,
            y: row(jog.track),
        });
        from = jog.to;
    }
    if let Some(track) = tracks.of[net]
        && from != into
    {
        points.push(Point {
            x: from,
            y: row(track),
        });
        points.push(Point {
            x: into,
            y: row(track),
        });
    }
}

/// Leaves out points that lie on the way between their neighbours within a channel.
fn straighten(points: &mut Vec<Point>, nets: &mut Vec<u32>) {
    let mut kept = 0;
    for at in 0..points.len() {
        let point = points[at];
        if kept > 1 && nets[kept - 2] == nets[kept - 1] {
            let (a, b) = (points[kept - 2], points[kept - 1]);
            if (a.x == b.x && b.x == point.x) || (a.y == b.y && b.y == point.y) {
                kept -= 1;
            }
        }
        points[kept] = point;
        if let Some(&net) = nets.get(at) {
            nets[kept] = net;
        }
        kept += 1;
    }
    points.truncate(kept);
    nets.truncate(kept.saturating_sub(1));
}

/// The rows of one layer and of the channel below it.
#[derive(Clone, Copy)]
struct Rows {
    /// The first row of its nodes.
    first: i32,
    /// The row of track 0 below it.
    track: i32,
}

fn rows(layered: &Layered, channels: &[Tracks], options: &Options) -> Vec<Rows> {
    let mut rows = Vec::with_capacity(layered.layers.len());
    let mut y = 0;
    for (at, layer) in layered.layers.iter().enumerate() {
        let height = layer
            .iter()
            .map(|&unit| layered.units[unit as usize].height)
            .max()
            .unwrap_or(1);
        let count = channels.get(at).map_or(0, |channel| channel.count);
        let least = i32::from(options.layer_gap.max(1));
        let (leaving, entering) = (i32::from(options.leaving), i32::from(options.entering));
        let tracks = if count > 0 {
            leaving + (count - 1) * i32::from(options.pitch.max(1)) + 1 + entering
        } else {
            entering
        };
        let is_lowest = at + 1 == layered.layers.len();
        let gap = if is_lowest { 0 } else { least.max(tracks) };
        rows.push(Rows {
            first: y,
            track: y + height + leaving + (gap - tracks) / 2,
        });
        y += height + gap;
    }
    rows
}

/// Which links are joined.
#[derive(Debug)]
pub(super) struct Nets {
    /// The net of each link, numbered from 0 in each channel.
    of_link: Vec<u32>,
    /// What each net is, by channel.
    of_channel: Vec<Vec<Trunk>>,
    /// By channel: how many nets there are in those before.
    first: Vec<u32>,
    /// Whether a unit waits for the same nodes as others do.
    bundled: Vec<bool>,
}

impl Nets {
    fn new(layered: &Layered) -> Self {
        let mut leaving = vec![0u32; layered.units.len()];
        let mut entering = vec![0u32; layered.units.len()];
        for link in &layered.links {
            leaving[link.upper as usize] += 1;
            entering[link.lower as usize] += 1;
        }
        let bundled = bundled(layered);
        let depth = layered.layers.len();
        let mut of_channel = vec![Vec::new(); depth.saturating_sub(1)];
        let mut numbers = std::array::from_fn::<_, 2, _>(|_| vec![u32::MAX; layered.units.len()]);
        let trunks = layered.links.iter().map(|link| {
            let shared = bundled[link.lower as usize];
            match link.trunk {
                None if shared => (Trunk::Source, link.upper),
                None if entering[link.lower as usize] > leaving[link.upper as usize] => {
                    (Trunk::Target, link.lower)
                }
                Some(Trunk::Target) => (Trunk::Target, link.lower),
                _ => (Trunk::Source, link.upper),
            }
        });
        let mut trunks: Vec<(Trunk, u32)> = trunks.collect();
        join_at_narrow_units(layered, &mut trunks);
        let of_link = layered
            .links
            .iter()
            .zip(trunks)
            .map(|(link, (trunk, unit))| {
                let number = &mut numbers[trunk as usize][unit as usize];
                if *number == u32::MAX {
                    let channel: &mut Vec<Trunk> =
                        &mut of_channel[layered.units[link.upper as usize].layer as usize];
                    *number = channel.len() as u32;
                    channel.push(trunk);
                }
                *number
            })
            .collect();
        let mut first = Vec::with_capacity(depth);
        let mut count = 0;
        for channel in &of_channel {
            first.push(count);
            count += channel.len() as u32;
        }
        Self {
            of_link,
            of_channel,
            first,
            bundled,
        }
    }

    fn channels(&self, layered: &Layered, ports: &Ports) -> Vec<Tracks> {
        let mut nets: Vec<Vec<Net>> = self
            .of_channel
            .iter()
            .map(|channel| vec![Net::default(); channel.len()])
            .collect();
        for (at, link) in layered.links.iter().enumerate() {
            let layer = layered.units[link.upper as usize].layer as usize;
            let net = &mut nets[layer][self.of_link[at] as usize];
            net.top.push(ports.out[at]);
            net.bottom.push(ports.into[at]);
        }
        nets.iter_mut()
            .map(|channel| {
                for net in channel.iter_mut() {
                    for side in [&mut net.top, &mut net.bottom] {
                        side.sort_unstable();
                        side.dedup();
                    }
                }
                channel::tracks(channel)
            })
            .collect()
    }
}

/// Where more nets leave a unit than it has columns for, all its links become one: lines of several nets that leave in
/// the same column could not be told apart. (Those that enter in the same column can: they end there.)
fn join_at_narrow_units(layered: &Layered, trunks: &mut [(Trunk, u32)]) {
    let mut seen: Vec<Vec<(Trunk, u32)>> = vec![Vec::new(); layered.units.len()];
    for (link, trunk) in layered.links.iter().zip(trunks.iter()) {
        let seen = &mut seen[link.upper as usize];
        if !seen.contains(trunk) {
            seen.push(*trunk);
        }
    }
    for (link, trunk) in layered.links.iter().zip(trunks) {
        let room = (layered.units[link.upper as usize].width - 2).max(1);
        if seen[link.upper as usize].len() > room as usize {
            *trunk = (Trunk::Source, link.upper);
        }
    }
}

/// Which units wait for exactly the same nodes of the layer above as another, at least two for at least two. Their edges
/// are joined at their sources, each of which has a track of its own: so every line of the bundle begins at one node, and
/// what ends in a node enters it at one place.
fn bundled(layered: &Layered) -> Vec<bool> {
    let mut sources: Vec<Vec<u32>> = vec![Vec::new(); layered.nodes as usize];
    for link in layered.links.iter().filter(|link| link.trunk.is_none()) {
        sources[link.lower as usize].push(link.upper);
    }
    let mut bundled = vec![false; layered.units.len()];
    let mut targets: Vec<u32> = (0..layered.nodes)
        .filter(|&node| sources[node as usize].len() > 1)
        .collect();
    for node in &targets {
        sources[*node as usize].sort_unstable();
    }
    targets.sort_by(|&a, &b| sources[a as usize].cmp(&sources[b as usize]));
    for alike in targets.chunk_by(|&a, &b| sources[a as usize] == sources[b as usize]) {
        for &node in alike {
            bundled[node as usize] = alike.len() > 1;
        }
    }
    bundled
}

impl Part {
    /// Moves everything so that it starts in the first column and row, and measures it.
    fn move_to_origin(&mut self) {
        let (mut left, mut top) = (i32::MAX, i32::MAX);
        let (mut right, mut bottom) = (i32::MIN, i32::MIN);
        let corners = self
            .nodes
            .iter()
            .flat_map(|node| [(node.x, node.y), (node.right() - 1, node.bottom() - 1)]);
        let points = self
            .routes
            .iter()
            .flat_map(|route| route.points.iter().map(|point| (point.x, point.y)));
        for (x, y) in corners.chain(points) {
            left = left.min(x);
            right = right.max(x + 1);
            top = top.min(y);
            bottom = bottom.max(y + 1);
        }
        if left > right {
            return;
        }
        self.shift(-left, -top);
        self.width = right - left;
        self.height = bottom - top;
    }

    /// Makes rows of columns and columns of rows.
    pub(super) fn turn(&mut self) {
        std::mem::swap(&mut self.width, &mut self.height);
        for node in &mut self.nodes {
            *node = node.turned();
        }
        for point in self.routes.iter_mut().flat_map(|route| &mut route.points) {
            *point = point.turned();
        }
    }

    /// Moves everything.
    pub(super) fn shift(&mut self, x: i32, y: i32) {
        for node in &mut self.nodes {
            node.x += x;
            node.y += y;
        }
        for point in self.routes.iter_mut().flat_map(|route| &mut route.points) {
            point.x += x;
            point.y += y;
        }
    }
}
