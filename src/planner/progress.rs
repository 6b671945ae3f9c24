//! What a planner reports while it works.

use crate::units::Money;
use std::fmt;
use std::time::Duration;

/// One thing that a planner reports while it works.
#[derive(Clone, Debug, PartialEq, Eq)]
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
