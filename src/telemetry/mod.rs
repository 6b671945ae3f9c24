//! What runs do, sent to a collector of OpenTelemetry while they are running: traces, metrics and logs over OTLP.
//!
//! It is off unless the environment names a collector. A thread of its own sends; the engine puts what it has into a bounded
//! queue and never waits. What does not fit, or does not arrive, is counted and said once at the end.

mod config;
mod exporter;
mod metrics;
mod protocol;
mod queue;
mod sender;
mod sink;

pub(crate) use crate::report::otlp::PlanSpan;
pub use config::{Config, ConfigFault};

use crate::engine::EventSink;
use crate::models::Environment;
use crate::report::otlp::{Content, Signal};
use crate::run::{RunState, TraceContext};
use exporter::Exporter;
use sink::TelemetrySink;
use std::sync::{Arc, OnceLock};

/// Where the runs of this process are sent.
static CONFIG: OnceLock<Config> = OnceLock::new();
/// The exporter of this process, from its first run on.
static EXPORTER: OnceLock<Arc<Exporter>> = OnceLock::new();

/// Has the runs of this process be sent to the collector that the environment names; a second call has no effect. Returns
/// what is wrong with the configuration, which switches it off.
pub(crate) fn start(environment: &Environment) -> Option<ConfigFault> {
    match Config::read(environment) {
        Ok(config) => {
            if let Some(config) = config {
                CONFIG.get_or_init(|| config);
            }
            None
        }
        Err(fault) => Some(fault),
    }
}

/// A sink for a run that begins, or that goes on after `so_far`, or that resumes the run `resumed_from`; `None` where nothing
/// is sent.
pub(crate) fn sink(
    so_far: Option<&RunState>,
    resumed_from: Option<Arc<str>>,
) -> Option<Box<dyn EventSink>> {
    let sink = TelemetrySink::new(exporter()?, so_far, resumed_from);
    Some(Box::new(sink))
}

/// The exporter of this process; `None` where nothing is sent.
fn exporter() -> Option<Arc<Exporter>> {
    let config = CONFIG.get()?;
    let exporter = EXPORTER.get_or_init(|| Arc::new(Exporter::new(config.clone())));
    Some(Arc::clone(exporter))
}

/// Sends what planning took, which has just ended. It is told without secrets, as runs are.
pub(crate) fn planned(plan: &PlanSpan<'_>) {
    let Some(exporter) = exporter() else {
        return;
    };
    exporter.measure(|metrics| metrics.plan(plan));
    if exporter.takes(Signal::Traces) {
        let config = exporter.config();
        let id = uuid::Uuid::now_v7().to_string();
        let has_content = config.content == Content::Included;
        let span = plan.to_json(&id, config.parent.as_ref(), sender::now(), has_content);
        exporter.put(Signal::Traces, span);
    }
}

/// What the tools of a run are told of its trace; `None` where no traces are sent.
pub(crate) fn trace_context() -> Option<TraceContext> {
    let config = CONFIG.get()?;
    config.traces.as_ref()?;
    Some(TraceContext {
        parent: config.parent.clone(),
    })
}

/// Sends what is left, for a short time. Returns in words what did not arrive.
pub(crate) fn finish() -> Option<String> {
    EXPORTER.get()?.finish()
}
