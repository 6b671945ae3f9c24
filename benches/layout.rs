//! Layout: time and crossings on random layered graphs, beside graphviz `dot` where it is installed.
//!
//! `cargo bench --bench layout` prints the table; `-- --quick` leaves out the large graphs.

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
    let mut times = Vec::new();
    let mut drawn = Layout::default();
    for _ in 0..if count > 2_000 { 3 } else { 7 } {
        let start = Instant::now();
        drawn = layout(&graph, &options);
        times.push(start.elapsed());
    }
    times.sort_unstable();
    (drawn, times[times.len() / 2])
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

    /// What `dot` makes of it, with every node held in its layer: crossings and time.
    fn dot(&self) -> Option<(u64, Duration)> {
        let mut text =
            String::from("digraph {\nnode [shape=box width=1.8 height=0.4 label=\"\"]\n");
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
        let time = start.elapsed();
        let mut column = vec![0.0; self.ranks.len()];
        for line in String::from_utf8(output.stdout).ok()?.lines() {
            let mut words = line.split_whitespace();
            if words.next() == Some("node") {
                let node: usize = words.next()?.parse().ok()?;
                column[node] = words.next()?.parse().ok()?;
            }
        }
        Some((self.crossings(&column), time))
    }
}

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    println!(
        "| steps | edges | kind | ms | crossings | dot ms | dot crossings | crossings / dot |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    let mut ratios: Vec<f64> = Vec::new();
    for count in [20usize, 50, 100, 200, 500, 1_000, 10_000] {
        if quick && count > 200 {
            continue;
        }
        for skipping in [false, true] {
            let seeds = if count >= 1_000 { 1 } else { 5 };
            let (mut ours, mut dots, mut edge_count) = (0, 0, 0);
            let (mut time, mut dot_time) = (Duration::ZERO, Duration::ZERO);
            let mut compared = count <= 1_000;
            for seed in 1..=seeds {
                let edges = layered(count, skipping, seed);
                let (drawn, took) = draw(count, &edges);
                ours += drawn.crossings;
                time += took;
                edge_count += edges.len();
                if compared {
                    match Cut::new(&drawn.ranks, &edges).dot() {
                        Some((crossings, took)) => {
                            dots += crossings;
                            dot_time += took;
                        }
                        None => compared = false,
                    }
                }
            }
            let seeds = seeds as u32;
            let ms = (time / seeds).as_secs_f64() * 1e3;
            let kind = if skipping { "skipping" } else { "proper" };
            print!(
                "| {count} | {} | {kind} | {ms:.2} | {} |",
                edge_count / seeds as usize,
                ours / u64::from(seeds)
            );
            if compared {
                let ratio = (ours as f64 + 1.0) / (dots as f64 + 1.0);
                ratios.push(ratio);
                println!(
                    " {:.0} | {} | {ratio:.2} |",
                    (dot_time / seeds).as_secs_f64() * 1e3,
                    dots / u64::from(seeds)
                );
            } else {
                println!(" – | – | – |");
            }
        }
    }
    if !ratios.is_empty() {
        let mean = ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len() as f64;
        println!("\ngeometric mean of the ratios: {:.2}", mean.exp());
    }
}
