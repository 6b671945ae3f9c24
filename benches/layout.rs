//! Layout: time, crossings and edge length on random layered graphs, beside graphviz `dot` and dagre where they are
//! installed.
//!
//! `benches/layout_peers.sh` prints the table with both; `cargo bench --bench layout` without dagre; `-- --quick`
//! leaves out the large graphs. Crossings and lengths are those of the same layered graph: `dot` is given our layers,
//! long edges cut where they pass one. The length of an edge is how far it goes sideways, in columns; how far down is
//! the same for both. All times are processor time, where the system reports it (Linux), so that other programs do not
//! disturb them: ours that of the thread, the mean of several runs; that of `dot` the whole process; that of dagre the
//! call within Node.

use plandeck::layout::{Direction, Graph, Layout, Options, Size, layout};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The same random numbers everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 20) % bound.max(1) as u64) as usize
    }
}

/// Nodes in about square layers; each has one or two parents in the layer above, and where `skipping` one edge
/// in eight comes from further above.
fn layered(count: usize, skipping: bool, seed: u64) -> Vec<(u32, u32)> {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let width = ((count as f64).sqrt().round() as usize).max(2);
    let mut edges = Vec::new();
    for node in width..count {
        let layer = node / width;
        for _ in 0..=random.below(2) {
            let from = if skipping && random.below(8) == 0 {
                random.below(layer)
            } else {
                layer - 1
            };
            edges.push(((from * width + random.below(width)) as u32, node as u32));
        }
    }
    edges.sort_unstable();
    edges.dedup();
    edges
}

/// The processor time of this thread so far; where the system does not report it, the time since `start`.
fn own_time(start: Instant) -> Duration {
    let counters = std::fs::read_to_string("/proc/thread-self/schedstat");
    let ran = counters
        .ok()
        .and_then(|counters| counters.split(' ').next()?.parse().ok());
    ran.map_or_else(|| start.elapsed(), Duration::from_nanos)
}

/// The processor time of the processes that were waited for so far, in steps of ten milliseconds; else as above.
fn children_time(start: Instant) -> Duration {
    let ticks = || {
        let counters = std::fs::read_to_string("/proc/self/stat").ok()?;
        // After the name in brackets: the fields from the third on; the 16th and 17th are those of the children.
        let mut fields = counters.rsplit(')').next()?.split_whitespace().skip(13);
        let user: u64 = fields.next()?.parse().ok()?;
        let system: u64 = fields.next()?.parse().ok()?;
        Some(user + system)
    };
    ticks().map_or_else(
        || start.elapsed(),
        |ticks| Duration::from_millis(ticks * 10),
    )
}

fn draw(count: usize, edges: &[(u32, u32)]) -> (Layout, Duration) {
    let sizes = vec![
        Size {
            width: 18,
            height: 4
        };
        count
    ];
    let options = Options::new(Direction::Down);
    let graph = Graph {
        sizes: &sizes,
        edges,
    };
    // The system counts in ticks of some milliseconds: many runs make them small.
    let start = Instant::now();
    let before = own_time(start);
    let mut runs = 0;
    loop {
        let drawn = layout(&graph, &options);
        runs += 1;
        let took = own_time(start).saturating_sub(before);
        if took > Duration::from_millis(200) {
            return (drawn, took / runs);
        }
    }
}

/// The edges cut where they pass a layer, as `dot` would cut them, so that crossings can be counted exactly.
struct Cut {
    ranks: Vec<u32>,
    edges: Vec<(u32, u32)>,
}

impl Cut {
    fn new(ranks: &[u32], edges: &[(u32, u32)]) -> Self {
        let mut cut = Self {
            ranks: ranks.to_vec(),
            edges: Vec::new(),
        };
        for &(from, to) in edges {
            let mut upper = from;
            for rank in ranks[from as usize] + 1..ranks[to as usize] {
                let unit = cut.ranks.len() as u32;
                cut.ranks.push(rank);
                cut.edges.push((upper, unit));
                upper = unit;
            }
            cut.edges.push((upper, to));
        }
        cut
    }

    /// Pairs of edges that cross with the nodes in these columns, by comparing all pairs of a layer.
    fn crossings(&self, column: &[f64]) -> u64 {
        let mut by_layer: BTreeMap<u32, Vec<(f64, f64)>> = BTreeMap::new();
        for &(from, to) in &self.edges {
            by_layer
                .entry(self.ranks[from as usize])
                .or_default()
                .push((column[from as usize], column[to as usize]));
        }
        let mut sum = 0;
        for edges in by_layer.values() {
            for (at, a) in edges.iter().enumerate() {
                for b in &edges[at + 1..] {
                    sum += u64::from((a.0 - b.0) * (a.1 - b.1) < 0.0);
                }
            }
        }
        sum
    }

    /// What `dot` makes of it, with every node held in its layer: crossings, the columns that the first `nodes` of
    /// the nodes stand in, and time. An inch is ten columns: nodes as wide as ours, as far apart as ours.
    fn dot(&self, nodes: usize) -> Option<(u64, Vec<f64>, Duration)> {
        let mut text = String::from(
            "digraph {\nnodesep=0.2\nnode [shape=box width=1.8 height=0.4 label=\"\"]\n",
        );
        for passing in nodes..self.ranks.len() {
            let _ = writeln!(text, "{passing} [width=0.1]");
        }
        let mut layers: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (node, &rank) in self.ranks.iter().enumerate() {
            layers.entry(rank).or_default().push(node);
        }
        for nodes in layers.values() {
            text.push_str("{rank=same;");
            for node in nodes {
                let _ = write!(text, "{node};");
            }
            text.push_str("}\n");
        }
        for (from, to) in &self.edges {
            let _ = writeln!(text, "{from}->{to}");
        }
        text.push_str("}\n");
        let start = Instant::now();
        let before = children_time(start);
        let mut child = Command::new("dot")
            .arg("-Tplain")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut stdin = child.stdin.take()?;
        let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
        let output = child.wait_with_output().ok()?;
        writer.join().ok()?.ok()?;
        let time = children_time(start).saturating_sub(before);
        let mut column = vec![0.0; self.ranks.len()];
        for line in String::from_utf8(output.stdout).ok()?.lines() {
            let mut words = line.split_whitespace();
            if words.next() == Some("node") {
                let node: usize = words.next()?.parse().ok()?;
                column[node] = words.next()?.parse().ok()?;
            }
        }
        let crossings = self.crossings(&column);
        column.truncate(nodes);
        for column in &mut column {
            *column *= 10.0;
        }
        Some((crossings, column, time))
    }
}

/// How far the edges go sideways, in all, with the nodes in these columns.
fn sideways(edges: &[(u32, u32)], column: &[f64]) -> f64 {
    let far = |&(from, to): &(u32, u32)| (column[from as usize] - column[to as usize]).abs();
    edges.iter().map(far).sum()
}

/// The time that dagre takes.
fn dagre(folder: &str, nodes: usize, edges: &[(u32, u32)]) -> Option<Duration> {
    let edges: Vec<String> = edges.iter().map(|(a, b)| format!("[{a},{b}]")).collect();
    let text = format!("{{\"nodes\":{nodes},\"edges\":[{}]}}", edges.join(","));
    let mut child = Command::new("node")
        .args([
            concat!(env!("CARGO_MANIFEST_DIR"), "/benches/dagre.mjs"),
            folder,
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut stdin = child.stdin.take()?;
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().ok()?;
    writer.join().ok()?.ok()?;
    let ms: f64 = String::from_utf8(output.stdout).ok()?.trim().parse().ok()?;
    Some(Duration::from_secs_f64(ms / 1e3))
}

/// What was measured over the graphs of one size and kind.
#[derive(Default)]
struct Sums {
    edges: usize,
    time: Duration,
    crossings: u64,
    length: f64,
    /// Crossings, length and time of `dot`, where it is there.
    dot: Option<(u64, f64, Duration)>,
    dagre: Option<Duration>,
}

fn measure(count: usize, skipping: bool, seeds: u64, folder: Option<&str>) -> Sums {
    let peers = count <= 1_000;
    let mut sums = Sums {
        dot: peers.then_some((0, 0.0, Duration::ZERO)),
        dagre: folder.filter(|_| peers).map(|_| Duration::ZERO),
        ..Sums::default()
    };
    for seed in 1..=seeds {
        let edges = layered(count, skipping, seed);
        let (drawn, took) = draw(count, &edges);
        let column: Vec<f64> = drawn
            .nodes
            .iter()
            .map(|node| f64::from(node.centre().x))
            .collect();
        sums.edges += edges.len();
        sums.time += took;
        sums.crossings += drawn.crossings;
        sums.length += sideways(&edges, &column);
        if let Some(sum) = sums.dot {
            let theirs = Cut::new(&drawn.ranks, &edges).dot(count);
            sums.dot = theirs.map(|(crossings, column, time)| {
                (
                    sum.0 + crossings,
                    sum.1 + sideways(&edges, &column),
                    sum.2 + time,
                )
            });
        }
        if let (Some(sum), Some(folder)) = (sums.dagre, folder) {
            sums.dagre = dagre(folder, count, &edges).map(|time| sum + time);
        }
    }
    sums
}

fn mean(ratios: &[f64]) -> f64 {
    (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len() as f64).exp()
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let folder = arguments.iter().position(|argument| argument == "--dagre");
    let folder = folder.and_then(|at| arguments.get(at + 1)).map(|folder| {
        std::path::absolute(folder)
            .map_or_else(|_| folder.clone(), |path| path.display().to_string())
    });
    println!(
        "| steps | edges | kind | ms | dot ms | dagre ms | crossings | dot | ratio | length | dot | ratio |"
    );
    println!("| --: | --: | --- | --: | --: | --: | --: | --: | --: | --: | --: | --: |");
    let (mut fewer, mut shorter) = (Vec::new(), Vec::new());
    for count in [20usize, 50, 100, 200, 500, 1_000, 10_000] {
        if quick && count > 200 {
            continue;
        }
        for skipping in [false, true] {
            let seeds = if count >= 1_000 { 1 } else { 5 };
            let sums = measure(count, skipping, seeds, folder.as_deref());
            let ms = |time: Duration| time.as_secs_f64() * 1e3 / seeds as f64;
            let whole = |sum: f64| format!("{:.0}", sum / seeds as f64);
            let kind = if skipping { "skipping" } else { "proper" };
            let dot = sums.dot.map_or_else(
                || {
                    [
                        "–".to_owned(),
                        "–".to_owned(),
                        "–".to_owned(),
                        "–".to_owned(),
                        "–".to_owned(),
                    ]
                },
                |(crossings, length, time)| {
                    let ratio = (sums.crossings as f64 + 1.0) / (crossings as f64 + 1.0);
                    let longer = sums.length / length;
                    fewer.push(ratio);
                    shorter.push(longer);
                    [
                        format!("{:.0}", ms(time)),
                        whole(crossings as f64),
                        format!("{ratio:.2}"),
                        whole(length),
                        format!("{longer:.2}"),
                    ]
                },
            );
            let dagre = sums
                .dagre
                .map_or_else(|| "–".to_owned(), |time| format!("{:.0}", ms(time)));
            println!(
                "| {count} | {} | {kind} | {:.2} | {} | {dagre} | {} | {} | {} | {} | {} | {} |",
                sums.edges / seeds as usize,
                ms(sums.time),
                dot[0],
                whole(sums.crossings as f64),
                dot[1],
                dot[2],
                whole(sums.length),
                dot[3],
                dot[4],
            );
        }
    }
    if fewer.is_empty() {
        println!("\n`dot` is not on the path: install graphviz to see it beside ours");
    } else {
        println!(
            "\ngeometric means of the ratios: crossings {:.2}, length {:.2}; the most crossings {:.2}",
            mean(&fewer),
            mean(&shorter),
            fewer.iter().copied().fold(0.0, f64::max)
        );
    }
}
