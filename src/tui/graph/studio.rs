//! Who works the scenes out: at once where that is quick, else on a thread of its own.

use super::level::Level;
use super::scene::Scene;
use super::topology::Topology;
use crate::layout::{Direction, Ordered, Size};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, TryRecvError};

/// The most steps and edges, together, for which a frame waits for the layout: a few milliseconds.
const AT_ONCE: usize = 450;
/// The most steps that are laid out in layers without being asked for.
const LAYERED: usize = 1_500;

/// The least share of a picture that nodes must take for it to be shown where it does not fit: with less, a pane
/// shows little but edges, and lanes say more.
const SPARSE: f32 = 0.12;
/// Sweeps spent on the order of nodes; the layout itself bounds what large graphs get.
const SWEEPS: u32 = 200;

/// What a scene was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Order {
    /// The level and direction chosen by hand.
    pub(super) level: Option<Level>,
    pub(super) direction: Option<Direction>,
    /// The cells there are.
    pub(super) pane: Size,
    /// The topology's version.
    pub(super) version: u64,
}

/// Keeps the scene that was ordered last, and the one that is being worked on.
#[derive(Debug, Default)]
pub(super) struct Studio {
    ready: Option<(Order, Scene)>,
    under_way: Option<(Order, Receiver<Work>)>,
    /// The order of the nodes in their layers, for this version of the topology.
    layers: Option<(u64, Arc<Ordered>)>,
}

/// A scene, and the order of nodes that it was made from where there is one.
type Work = (Scene, Option<Arc<Ordered>>);

impl Studio {
    /// The scene to show for this order; whether it changed since the last call. The scene of an earlier order
    /// stays where it still shows the same steps, else lanes stand in until the work is done.
    pub(super) fn scene(
        &mut self,
        order: Order,
        topology: &Arc<Topology>,
    ) -> (Option<&Scene>, bool) {
        let mut changed = self.collect();
        let done = self
            .ready
            .as_ref()
            .is_some_and(|(ready, _)| *ready == order);
        let coming = self
            .under_way
            .as_ref()
            .is_some_and(|(coming, _)| *coming == order);
        if !done && !coming {
            changed |= self.take(order, topology);
        }
        (self.ready.as_ref().map(|(_, scene)| scene), changed)
    }

    /// The scene of the last frame.
    pub(super) fn last(&self) -> Option<&Scene> {
        self.ready.as_ref().map(|(_, scene)| scene)
    }

    /// Whether a scene is being worked on.
    pub(super) fn is_busy(&self) -> bool {
        self.under_way.is_some()
    }

    fn take(&mut self, order: Order, topology: &Arc<Topology>) -> bool {
        let count = topology.steps.len();
        let level = match order.level {
            None if count > LAYERED => Some(Level::Overview),
            level => level,
        };
        let quick = count + topology.edges.len() <= AT_ONCE
            || level.is_some_and(|level| level <= Level::Lane);
        if quick {
            self.under_way = None;
            return self.at_once(order, topology, level);
        }
        let known = self.known(order);
        let (sender, receiver) = mpsc::channel();
        let shared = Arc::clone(topology);
        let spawned = std::thread::Builder::new()
            .name("layout".to_owned())
            .spawn(move || {
                // Nobody may be waiting any more: the pane went on to another order.
                let _ = sender.send(best(&shared, known, level, order));
            });
        if spawned.is_err() {
            return self.at_once(order, topology, level);
        }
        self.under_way = Some((order, receiver));
        let usable = self
            .ready
            .as_ref()
            .is_some_and(|(ready, _)| ready.version == order.version);
        if usable {
            return false;
        }
        let stand_in = Scene::lanes(topology, order.pane);
        // Marked as made for no pane at all, so that it never counts as the answer.
        let unanswered = Order {
            pane: Size::default(),
            ..order
        };
        self.ready = Some((unanswered, stand_in));
        true
    }

    fn known(&self, order: Order) -> Option<Arc<Ordered>> {
        let (version, ordered) = self.layers.as_ref()?;
        (*version == order.version).then(|| Arc::clone(ordered))
    }

    fn at_once(&mut self, order: Order, topology: &Topology, level: Option<Level>) -> bool {
        let work = best(topology, self.known(order), level, order);
        self.keep(order, work);
        true
    }

    fn keep(&mut self, order: Order, (scene, ordered): Work) {
        if let Some(ordered) = ordered {
            self.layers = Some((order.version, ordered));
        }
        self.ready = Some((order, scene));
    }

    /// Takes over what became ready.
    fn collect(&mut self) -> bool {
        let Some((order, receiver)) = &self.under_way else {
            return false;
        };
        let order = *order;
        match receiver.try_recv() {
            Ok(work) => {
                self.keep(order, work);
                self.under_way = None;
                true
            }
            Err(TryRecvError::Empty) => false,
            Err(TryRecvError::Disconnected) => {
                self.under_way = None;
                false
            }
        }
    }

    /// Waits for what is being worked on.
    #[cfg(test)]
    pub(super) fn wait(&mut self) {
        if let Some((order, receiver)) = self.under_way.take() {
            let work = receiver.recv().unwrap();
            self.keep(order, work);
        }
    }
}

/// The fullest picture that fits; where none does, the fullest that is not too many panes large.
fn best(
    topology: &Topology,
    known: Option<Arc<Ordered>>,
    level: Option<Level>,
    order: Order,
) -> Work {
    use Direction::{Down, Right};
    let pane = order.pane;
    match level {
        Some(Level::Overview) => return (Scene::overview(topology, pane), None),
        Some(Level::Lane) => return (Scene::lanes(topology, pane), None),
        Some(Level::Chip | Level::Box) | None => {}
    }
    let ordered = known
        .unwrap_or_else(|| Arc::new(Ordered::new(topology.steps.len(), &topology.edges, SWEEPS)));
    let candidates = [
        (Level::Box, Down, 2.5),
        (Level::Box, Right, 2.5),
        (Level::Chip, Down, 2.5),
        (Level::Chip, Right, 4.0),
    ];
    let mut tolerable: Option<(Scene, f32)> = None;
    for (candidate, direction, most) in candidates {
        if level.is_some_and(|level| level != candidate)
            || order.direction.is_some_and(|chosen| chosen != direction)
        {
            continue;
        }
        let scene = Scene::layered(topology, &ordered, candidate, direction, pane);
        let panes = scene.panes(pane);
        if panes <= 1.0 {
            return (scene, Some(ordered));
        }
        let better = match &tolerable {
            None => level.is_some() || (panes <= most && scene.density() >= SPARSE),
            Some((other, least)) => other.level == candidate && panes < *least,
        };
        if better {
            tolerable = Some((scene, panes));
        }
    }
    let scene = tolerable.map_or_else(|| Scene::lanes(topology, pane), |(scene, _)| scene);
    (scene, Some(ordered))
}
