//! Who works the scenes out: at once where that is quick, else on a thread of its own.

use super::geometry::GraphGeometry;
use super::level::Level;
use super::shape::{self, Gaps, Shape};
use super::topology::Topology;
use crate::layout::{Direction, Ordered, Size};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, TryRecvError};

/// The most steps and edges, together, for which a frame waits for the layout: a few milliseconds.
const AT_ONCE: usize = 450;
/// The most nodes that are laid out in layers without being asked for.
const LAYERED: usize = 1_500;

/// The cells of the smallest pill with a gap beside it.
const SMALLEST: u16 = 12;
/// Sweeps spent on the order of nodes; the layout itself bounds what large graphs get.
const SWEEPS: u32 = 220;

/// Panes up to which a picture that does not fit has as many lines in its nodes as there are.
const MOST_PANES: f32 = 2.0;

/// Orders of nodes that are kept for the next time.
const KEPT: usize = 6;

/// What a scene was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LayoutRequest {
    /// The level and direction chosen by hand.
    pub(super) level: Option<Level>,
    pub(super) direction: Option<Direction>,
    /// The cells there are.
    pub(super) pane: Size,
    /// Grows with every change of the nodes or edges.
    pub(super) version: u64,
    /// Fewest and most rows to be left below the picture.
    pub(super) below: (u16, u16),
}

/// The steps of a run as nodes: all of them, and with groups of alike steps folded where there are some.
#[derive(Clone, Debug, Default)]
pub(super) struct Variants {
    pub(super) full: Arc<Topology>,
    pub(super) lean: Option<Arc<Topology>>,
}

impl Variants {
    /// What is shown where not everything fits.
    fn least(&self) -> &Arc<Topology> {
        self.lean.as_ref().unwrap_or(&self.full)
    }
}

/// Nodes in the order of their layers, for one topology.
type Sorted = (Arc<Topology>, Arc<Ordered>);

/// Keeps the scene that was ordered last, and the one that is being worked on.
#[derive(Debug, Default)]
pub(super) struct LayoutWorker {
    ready: Option<(LayoutRequest, GraphGeometry)>,
    in_flight: Option<(LayoutRequest, Receiver<Finished>)>,
    /// The orders of nodes in their layers that are known, the latest last.
    sorted: Vec<Sorted>,
    /// How many scenes were made.
    made: u64,
    /// Whether a scene is waited for, however long it takes.
    pub(super) at_once: bool,
}

/// A scene, and the orders of nodes that were worked out for it.
type Finished = (GraphGeometry, Vec<Sorted>);

impl LayoutWorker {
    /// The scene to show for this order; whether it changed since the last call. The scene of an earlier order
    /// stays as long as it shows the same run, else lanes stand in until the work is done.
    pub(super) fn geometry(
        &mut self,
        request: LayoutRequest,
        variants: &Variants,
    ) -> (Option<&GraphGeometry>, bool) {
        let mut changed = self.collect();
        let done = self
            .ready
            .as_ref()
            .is_some_and(|(ready, _)| *ready == request);
        let coming = self
            .in_flight
            .as_ref()
            .is_some_and(|(coming, _)| *coming == request);
        if !done && !coming {
            changed |= self.take(request, variants);
        }
        (self.ready.as_ref().map(|(_, geometry)| geometry), changed)
    }

    /// The scene of the last frame.
    pub(super) fn last(&self) -> Option<&GraphGeometry> {
        self.ready.as_ref().map(|(_, geometry)| geometry)
    }

    /// A number that no other scene has.
    pub(super) fn serial(&self) -> u64 {
        self.made
    }

    /// Whether a scene is being worked on.
    pub(super) fn is_busy(&self) -> bool {
        self.in_flight.is_some()
    }

    fn take(&mut self, request: LayoutRequest, variants: &Variants) -> bool {
        let level = match request.level {
            None if variants.least().steps.len() > LAYERED => Some(Level::Overview),
            level => level,
        };
        let work = LayoutJob {
            request,
            level,
            variants: variants.clone(),
            sorted: self.sorted.clone(),
        };
        let size = |topology: &Topology| topology.steps.len() + topology.edges.len();
        let quick = self.at_once
            || size(&variants.full) <= AT_ONCE
            || level.is_some_and(|level| level <= Level::Row);
        if quick {
            self.in_flight = None;
            self.keep(request, work.best());
            return true;
        }
        let (sender, receiver) = mpsc::channel();
        let copy = work.clone();
        let spawned = std::thread::Builder::new()
            .name("layout".to_owned())
            .spawn(move || {
                // The receiver may be gone: the pane may have moved on to another request.
                let _ = sender.send(copy.best());
            });
        if spawned.is_err() {
            self.keep(request, work.best());
            return true;
        }
        self.in_flight = Some((request, receiver));
        let usable = self
            .ready
            .as_ref()
            .is_some_and(|(_, geometry)| geometry.topology.same_run(&variants.full));
        if usable {
            return false;
        }
        let stand_in = GraphGeometry::lanes(variants.least(), request.pane);
        // Marked as made for no pane at all, so that it never counts as the answer.
        let unanswered = LayoutRequest {
            pane: Size::default(),
            ..request
        };
        self.made += 1;
        self.ready = Some((unanswered, stand_in));
        true
    }

    fn keep(&mut self, request: LayoutRequest, (geometry, sorted): Finished) {
        self.sorted = sorted;
        self.made += 1;
        self.ready = Some((request, geometry));
    }

    /// Takes over what became ready.
    fn collect(&mut self) -> bool {
        let Some((request, receiver)) = &self.in_flight else {
            return false;
        };
        let request = *request;
        match receiver.try_recv() {
            Ok(work) => {
                self.keep(request, work);
                self.in_flight = None;
                true
            }
            Err(TryRecvError::Empty) => false,
            Err(TryRecvError::Disconnected) => {
                self.in_flight = None;
                false
            }
        }
    }

    /// Waits for what is being worked on.
    #[cfg(test)]
    pub(super) fn wait(&mut self) {
        if let Some((request, receiver)) = self.in_flight.take() {
            let work = receiver.recv().unwrap();
            self.keep(request, work);
        }
    }
}

/// One order being worked on.
#[derive(Clone)]
struct LayoutJob {
    request: LayoutRequest,
    /// The level that is asked for, by hand or for the number of steps.
    level: Option<Level>,
    variants: Variants,
    sorted: Vec<Sorted>,
}

impl LayoutJob {
    /// The fullest picture that fits: of all steps, else with alike ones folded. Where none does, rows, of which the
    /// pane shows some; where they have no room either, an overview.
    fn best(mut self) -> Finished {
        let pane = self.request.pane;
        let (full, least) = (
            Arc::clone(&self.variants.full),
            Arc::clone(self.variants.least()),
        );
        let geometry = match self.level {
            Some(Level::Overview) => GraphGeometry::overview(&full, pane),
            Some(Level::Row) => {
                let fits = full.steps.len() <= usize::from(pane.height);
                GraphGeometry::lanes(if fits { &full } else { &least }, pane)
            }
            Some(level) => {
                let fitting = self.layered(&full, level);
                fitting.unwrap_or_else(|| self.cropped(&least, level))
            }
            None => self.fitting(&full).unwrap_or_else(|| {
                let lean = self.variants.lean.is_some();
                let fitting = lean.then(|| self.fitting(&least)).flatten();
                fitting.unwrap_or_else(|| {
                    let rows = GraphGeometry::lanes(&least, pane);
                    if rows.is_wide_enough(pane) && pane.height > 2 {
                        rows
                    } else {
                        GraphGeometry::overview(&least, pane)
                    }
                })
            }),
        };
        (self.leaving_room(geometry), self.sorted)
    }

    /// The picture so that it leaves the rows that are asked for, if it can: whole, of the same level and with names no
    /// shorter. Else the one that leaves the most of them.
    fn leaving_room(&mut self, picture: GraphGeometry) -> GraphGeometry {
        let pane = self.request.pane;
        let (fewest, most) = self.request.below;
        let has_times = picture.level == Level::Row && picture.has_times(pane.width);
        if has_times {
            return picture.with_two_lines(pane);
        }
        if most == 0 || picture.level == Level::Overview || picture.panes(pane) > 1.0 {
            return picture.with_two_lines(pane);
        }
        let topology = Arc::clone(&picture.topology);
        let mut best = picture;
        if let Some(shape) = best.shape
            && best.free_rows(pane) < most
        {
            let first = best.clone();
            let wanted = |other: &Shape| other.shows_as_much_as(shape);
            for other in self.all(&topology, wanted) {
                if other.free_rows(pane) > best.free_rows(pane) {
                    best = other;
                }
                if best.free_rows(pane) >= most {
                    break;
                }
            }
            if best.free_rows(pane) < fewest {
                best = first;
            }
        }
        let free = best.free_rows(pane).min(most);
        best.below = if free < fewest { 0 } else { free };
        if best.below == 0 {
            return best.with_two_lines(pane);
        }
        best
    }

    /// The fullest picture of which nothing is outside the pane.
    fn fitting(&mut self, topology: &Arc<Topology>) -> Option<GraphGeometry> {
        let pane = self.request.pane;
        let layered = self.first(topology, |_| true);
        layered.or_else(|| {
            let few = topology.steps.len() <= usize::from(pane.height);
            let rows = few.then(|| GraphGeometry::lanes(topology, pane));
            rows.filter(|rows| rows.rows_fit(pane))
        })
    }

    /// A picture of this level that fits.
    fn layered(&mut self, topology: &Arc<Topology>, level: Level) -> Option<GraphGeometry> {
        self.first(topology, |shape| shape.level == level)
    }

    fn first(
        &mut self,
        topology: &Arc<Topology>,
        wanted: impl Fn(&Shape) -> bool,
    ) -> Option<GraphGeometry> {
        self.all(topology, wanted).next()
    }

    /// The pictures in layers of these shapes of which nothing is outside the pane.
    fn all(
        &mut self,
        topology: &Arc<Topology>,
        wanted: impl Fn(&Shape) -> bool,
    ) -> impl Iterator<Item = GraphGeometry> {
        let pane = self.request.pane;
        let smallest = topology.steps.len().saturating_mul(usize::from(SMALLEST));
        let could = smallest <= usize::from(pane.width) * usize::from(pane.height);
        let sorted = could.then(|| self.sort(topology));
        let chosen = self.request.direction;
        let ways = sorted.into_iter().flat_map(|ordered| {
            let layers = ordered.layers();
            shape::ladder().map(move |way| (Arc::clone(&ordered), layers.clone(), way))
        });
        let topology = Arc::clone(topology);
        ways.filter(move |(.., (shape, direction, _))| {
            wanted(shape) && chosen.is_none_or(|chosen| chosen == *direction)
        })
        .filter_map(move |(ordered, layers, way)| {
            GraphGeometry::layered(&topology, &ordered, &layers, way, pane, true)
        })
    }

    /// A picture of this level that does not fit: the one that is fewest panes large. What would be many panes large has
    /// fewer lines.
    fn cropped(&mut self, topology: &Arc<Topology>, level: Level) -> GraphGeometry {
        let pane = self.request.pane;
        let ordered = self.sort(topology);
        let layers = ordered.layers();
        let directions = match self.request.direction {
            Some(direction) => vec![direction],
            None => vec![Direction::Down, Direction::Right],
        };
        let mut smallest: Option<GraphGeometry> = None;
        for shape in Shape::of(level) {
            let pictures = directions.iter().filter_map(|direction| {
                let way = (shape, *direction, Gaps::Wide);
                GraphGeometry::layered(topology, &ordered, &layers, way, pane, false)
            });
            smallest = pictures.min_by(|a, b| a.panes(pane).total_cmp(&b.panes(pane)));
            if smallest
                .as_ref()
                .is_some_and(|picture| picture.panes(pane) <= MOST_PANES)
            {
                break;
            }
        }
        smallest.unwrap_or_else(|| GraphGeometry::lanes(topology, pane))
    }

    /// The order of the nodes in their layers. What was shown of the run before keeps its order in it.
    fn sort(&mut self, topology: &Arc<Topology>) -> Arc<Ordered> {
        self.sorted.retain(|(of, _)| of.same_run(topology));
        // What was folded and is unfolded again looks as it did before.
        let known = self
            .sorted
            .iter()
            .position(|(of, _)| Arc::ptr_eq(of, topology) || of.is_like(topology));
        if let Some(at) = known {
            let found = self.sorted.remove(at);
            let ordered = Arc::clone(&found.1);
            self.sorted.push(found);
            return ordered;
        }
        let before = self.sorted.last();
        let kept = before.map_or_else(Vec::new, |(of, ordered)| {
            let sequence = ordered.sequence();
            let number = |&step| {
                let node = of.node(step).filter(|&node| of.step(node) == Some(step))?;
                sequence.get(node as usize).copied()
            };
            topology.steps.iter().map(number).collect()
        });
        let (count, edges) = (topology.steps.len(), &topology.edges);
        let ordered = Arc::new(Ordered::after(count, edges, SWEEPS, &kept));
        if self.sorted.len() == KEPT {
            self.sorted.remove(0);
        }
        self.sorted
            .push((Arc::clone(topology), Arc::clone(&ordered)));
        ordered
    }
}
