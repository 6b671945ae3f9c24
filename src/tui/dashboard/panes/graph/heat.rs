//! Time or cost as heat: instead of its state a node shows how much of it there is.

use super::topology::Topology;

use crate::run::{RunState, StepState};
use crate::text::format;
use crate::units::{Micros, Money};

/// What the signs of nodes stand for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Heat {
    /// The states of their steps.
    #[default]
    Status,
    /// How long they took, or have been running for.
    Time,
    /// What they cost.
    Cost,
}

impl Heat {
    /// The next one.
    pub(super) const fn next(self) -> Self {
        match self {
            Self::Status => Self::Time,
            Self::Time => Self::Cost,
            Self::Cost => Self::Status,
        }
    }

    /// What is shown, in words.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Status => "signs show the status",
            Self::Time => "signs show the time, the fuller the longer",
            Self::Cost => "signs show the cost, the fuller the dearer",
        }
    }

    fn amount(self, step: &StepState, now: Micros) -> u64 {
        match self {
            Self::Status => 0,
            Self::Time => {
                let running = step.running_attempt();
                step.service.0 + running.map_or(0, |attempt| (now - attempt.started).0)
            }
            Self::Cost => step.cost.map_or(0, |cost| (cost.usd() * 1e9) as u64),
        }
    }
}

/// The heat of every node of a picture.
#[derive(Debug)]
pub(super) struct HeatScale {
    heat: Heat,
    amounts: Vec<u64>,
    most: u64,
}

impl HeatScale {
    /// `None` where signs show the status.
    pub(super) fn new(
        heat: Heat,
        topology: &Topology,
        state: &RunState,
        now: Micros,
    ) -> Option<Self> {
        if heat == Heat::Status {
            return None;
        }
        let amount = |row: &StepState| heat.amount(row, now);
        let amounts: Vec<u64> = (0u32..)
            .zip(&topology.steps)
            .map(|(node, step)| match topology.members.get(&node) {
                Some(members) => {
                    let rows = members.iter().filter_map(|ix| state.steps.get(ix.at()));
                    rows.map(amount).sum()
                }
                None => state.steps.get(step.at()).map_or(0, amount),
            })
            .collect();
        let most = amounts.iter().copied().max().unwrap_or(0);
        Some(Self {
            heat,
            amounts,
            most,
        })
    }

    /// The sign of a node.
    pub(super) fn sign(&self, node: u32, ascii: bool) -> &'static str {
        let signs = if ascii {
            [".", "-", "+", "%", "#"]
        } else {
            ["·", "░", "▒", "▓", "█"]
        };
        let amount = self.amounts.get(node as usize).copied().unwrap_or(0);
        if amount == 0 || self.most == 0 {
            return signs[0];
        }
        // Most steps are small beside the largest: by the root, so that they are told apart too.
        let share = (amount as f64 / self.most as f64).sqrt();
        signs[((share * 4.0).ceil() as usize).clamp(1, 4)]
    }

    /// What the fullest sign stands for.
    pub(super) fn legend(&self, ascii: bool) -> String {
        let most = match self.heat {
            Heat::Cost => format::cost(Money::from_usd(self.most as f64 / 1e9)),
            _ => format::duration(Micros(self.most)),
        };
        let full = if ascii { "#" } else { "█" };
        match self.heat {
            Heat::Cost => format!("cost: {full} {most}"),
            _ => format!("time: {full} {most}"),
        }
    }
}
