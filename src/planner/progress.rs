//! What a planner reports while it works.

use super::arriving::ArrivedStep;
use crate::units::Money;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// One thing that a planner reports while it works.
#[derive(Clone, Debug, PartialEq)]
pub enum PlanningProgress {
    /// The catalog is large, so only some of its tools are shown to the model.
    Narrowed {
        /// How many tools are shown.
        shown: usize,
        /// How many the catalog has.
        of: usize,
    },
    /// A request is sent.
    Asking {
        /// The number of the request, from 1.
        attempt: u32,
        /// `PROVIDER/MODEL`.
        planner: String,
        /// The maximum cost of the request; `None` where the model has no price.
        at_most: Option<Money>,
    },
    /// The answer is arriving; reported for every step that is whole, and at most ten times a second between.
    Arriving(Arriving),
    /// The answer is not a valid plan.
    NotValid {
        /// The number of the request.
        attempt: u32,
        /// How many faults it has.
        faults: usize,
        /// The first of them.
        first: String,
        /// Whether the model is asked to correct it.
        corrected: bool,
    },
    /// The request failed, and is sent again.
    Waiting {
        /// Why it failed.
        error: String,
        /// For how long.
        wait: Duration,
    },
}

/// How far an answer has come.
#[derive(Clone, Debug, PartialEq)]
pub struct Arriving {
    /// The steps of the plan that are whole, or the first thousand of them.
    pub steps: Arc<[ArrivedStep]>,
    /// How many steps are whole.
    pub count: usize,
    /// About how many tokens have arrived, thoughts included: the server counts them only at the end.
    pub tokens: u64,
    /// About how many tokens arrive in a second; `None` before there are several.
    pub tokens_per_second: Option<f64>,
    /// About what the plan has cost so far, earlier requests included; `None` where the model has no price.
    pub cost: Option<Money>,
    /// The time since the planner began.
    pub elapsed: Duration,
}

impl fmt::Display for Arriving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = if self.count == 1 { "step" } else { "steps" };
        write!(
            f,
            "{} {steps} so far, about {} tokens",
            self.count, self.tokens
        )?;
        if let Some(speed) = self.tokens_per_second {
            write!(f, " at {speed:.0}/s")?;
        }
        if let Some(cost) = self.cost {
            write!(f, ", about {cost}")?;
        }
        write!(f, ", {:.1} s", self.elapsed.as_secs_f64())
    }
}

impl fmt::Display for PlanningProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Narrowed { shown, of } => {
                write!(
                    f,
                    "the catalog has {of} tools; the {shown} that fit the task best are offered"
                )
            }
            Self::Asking {
                attempt,
                planner,
                at_most,
            } => {
                write!(f, "request {attempt}: asking {planner}")?;
                match at_most {
                    Some(max) => write!(f, " (at most {max})"),
                    None => Ok(()),
                }
            }
            Self::Arriving(arriving) => arriving.fmt(f),
            Self::NotValid {
                attempt,
                faults,
                first,
                corrected,
            } => {
                write!(f, "answer {attempt} is not a valid plan: {first}")?;
                if *faults > 1 {
                    write!(f, " (and {} more)", faults - 1)?;
                }
                if *corrected {
                    f.write_str("; asking for a correction")?;
                }
                Ok(())
            }
            Self::Waiting { error, wait } => {
                write!(f, "{error}; asking again in {:.1} s", wait.as_secs_f64())
            }
        }
    }
}
