//! Carries out calls with the tools of this machine, for a worker.

use super::wire::{CallReply, CallRequest, Outcome, PROTOCOL};
use crate::run::{ErrorKind, LogStream};
use crate::tools::{
    Asker, Call, CallHandle, CallReport, CodePort, CostBasis, Recovery, SpendAuthorizer, Tool,
    ToolError, Toolbox, difference,
};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How much of what a tool logs goes back, in bytes.
const LOG_KEPT: usize = 64 << 10;

/// The most bytes of a report: an engine keeps what it passes on, and takes no more at once.
const LARGEST: usize = 16 << 20;

/// How long a call may take to end after its time limit, before it is dropped.
const GRACE: Duration = Duration::from_millis(1500);

/// The tools that a worker serves.
#[derive(Clone)]
pub struct Served {
    toolbox: Arc<dyn Toolbox>,
    name: Arc<str>,
}

/// What is decided about a call before it is made.
pub enum Verdict {
    /// It can be made; whether a second time does no harm.
    Make {
        /// Whether the tool says that it may be repeated, or tells a repeated call by its key.
        repeatable: bool,
    },
    /// It must not be made: why, and what to do.
    Refuse(String),
}

impl Served {
    /// A worker with these tools, and its name for users.
    pub fn new(toolbox: Arc<dyn Toolbox>, name: &str) -> Self {
        Self {
            toolbox,
            name: name.into(),
        }
    }

    /// Whether a call can be made here: the worker must have the same tool as whoever sends it.
    pub fn judge(&self, request: &CallRequest) -> Verdict {
        let refuse = |why: String| Verdict::Refuse(format!("the worker {}: {why}", self.name));
        if request.protocol != PROTOCOL {
            return refuse(format!(
                "it speaks version {PROTOCOL} of the calls of workers, and this call is of version {}: run the same \
                 version of plandeck on both sides",
                request.protocol
            ));
        }
        if let Some(why) = difference(&*self.toolbox, &request.tool, &request.definition, "run") {
            return refuse(why);
        }
        let tool = self.toolbox.tool(&request.tool);
        Verdict::Make {
            repeatable: tool.is_some_and(|tool| self.is_repeatable(&*tool, request)),
        }
    }

    fn is_repeatable(&self, tool: &dyn Tool, request: &CallRequest) -> bool {
        let target = tool.target(&request.input);
        let policy = target
            .as_ref()
            .map_or_else(|| tool.policy(), |it| it.policy());
        let by_key = matches!(self.toolbox.recovery(&request.tool), Some(Recovery::Key));
        policy.repeatable || by_key
    }

    /// Makes the call. Dropping the future ends whatever it started.
    pub async fn carry_out(&self, request: &CallRequest) -> CallReply {
        let log = Log::default();
        let cancel = CancellationToken::new();
        let report = match self.tool(request) {
            Some(tool) => {
                let call = call(request, &log, cancel.clone());
                bounded(tool.call(call), request.time_limit(), &cancel).await
            }
            None => CallReport::not_sent(ToolError::permanent(
                "the tool takes no other prompt or options",
            )),
        };
        CallReply {
            outcome: Outcome::Ended {
                report: Box::new(fitting(report).into()),
            },
            worker: self.name.to_string(),
            log: log.taken(),
        }
    }

    /// The reply without a call.
    pub fn reply(&self, outcome: Outcome) -> CallReply {
        CallReply {
            outcome,
            worker: self.name.to_string(),
            log: Vec::new(),
        }
    }

    /// The tool as the step has it.
    fn tool(&self, request: &CallRequest) -> Option<Arc<dyn Tool>> {
        let mut tool = self.toolbox.tool(&request.tool)?;
        if let Some(prompt) = &request.prompt {
            tool = tool.with_prompt(prompt)?;
        }
        if !request.options.is_empty() {
            tool = tool.with_options(request.options)?;
        }
        Some(tool)
    }
}

/// The report, without what is too large to be passed on.
fn fitting(report: CallReport) -> CallReport {
    let size = report.footprint();
    if size <= LARGEST {
        return report;
    }
    let message = format!(
        "the output and the texts of the call have {} MB, and at most {} MB come back from a worker: have the tool leave \
         them in a file or a store and answer with the place, or run it with --on local",
        size >> 20,
        LARGEST >> 20
    );
    CallReport {
        output: Err(ToolError::permanent(message)),
        rejected: None,
        prompt: None,
        answer: None,
        reasoning: None,
        ..report
    }
}

/// The call as the tool gets it. Nobody is there whom its server could ask, and it may not cost more than is reserved.
fn call(request: &CallRequest, log: &Log, cancel: CancellationToken) -> Call {
    let log = log.clone();
    let most = request.may_cost;
    Call {
        step: Arc::clone(&request.step),
        attempt: request.attempt,
        input: Arc::clone(&request.input),
        model: request.model.clone(),
        name: Arc::clone(&request.name),
        idempotency_key: Arc::clone(&request.idempotency_key),
        trace: request.trace.clone(),
        time_limit: request.time_limit(),
        max_memory_mb: request.max_memory_mb,
        max_cpu_percent: request.max_cpu_percent,
        cancel,
        log: Arc::new(move |stream, text| log.add(stream, text)),
        listener: None,
        raw: None,
        asker: Asker::default(),
        handle: CallHandle::default(),
        code: CodePort::default(),
        spend_authorizer: SpendAuthorizer::of(move |total| {
            Box::pin(std::future::ready(most.is_none_or(|most| total <= most)))
        }),
    }
}

/// Whoever sent the call has the same limit: what the tool says at its end is of use, and an overlong call ends here too.
async fn bounded(
    work: impl Future<Output = CallReport>,
    limit: Option<Duration>,
    cancel: &CancellationToken,
) -> CallReport {
    let Some(limit) = limit else {
        return work.await;
    };
    tokio::pin!(work);
    if let Ok(report) = tokio::time::timeout(limit, &mut work).await {
        return report;
    }
    cancel.cancel();
    let ended = tokio::time::timeout(GRACE, work).await;
    ended.unwrap_or_else(|_| {
        let seconds = limit.as_secs_f64();
        let error = ToolError {
            kind: ErrorKind::TimeoutError,
            ..ToolError::permanent(format!("no answer within timeout_s = {seconds}"))
        };
        CallReport {
            basis: CostBasis::Reservation,
            ..CallReport::free(Err(error))
        }
    })
}

/// What a tool logs, up to [`LOG_KEPT`].
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    lines: Vec<(LogStream, String)>,
    bytes: usize,
}

impl Log {
    fn add(&self, stream: LogStream, text: &str) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.bytes > LOG_KEPT {
            return;
        }
        kept.bytes += text.len() + 1;
        kept.lines.push((stream, text.to_owned()));
        if kept.bytes > LOG_KEPT {
            let note = "[a worker sends 64 kB of the log of a call; what follows is not kept]";
            kept.lines.push((LogStream::Note, note.to_owned()));
        }
    }

    fn taken(&self) -> Vec<(LogStream, String)> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut kept.lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::SmallModelWorker;
    use crate::tools::{Catalog, CatalogToolbox, Definition, FnTool, ToolOptions, definition};
    use crate::units::Money;
    use serde_json::{Value, json};

    fn served(tools: &Value) -> (Arc<dyn Toolbox>, Served) {
        let source = crate::plan::Source {
            name: "tools.json".into(),
            text: json!({"tools": tools}).to_string().into(),
        };
        let catalog = Catalog::parse(&source, None).unwrap();
        let worker = SmallModelWorker::offline();
        let mut toolbox = CatalogToolbox::new(&catalog, &worker, ToolOptions::default());
        let own = FnTool::new(|input: &Value| {
            if input["fails"] == true {
                return Err(ToolError::transient("busy"));
            }
            Ok(input.clone())
        });
        toolbox.insert("own", Arc::new(own));
        let toolbox: Arc<dyn Toolbox> = Arc::new(toolbox);
        (Arc::clone(&toolbox), Served::new(toolbox, "w1"))
    }

    fn request(toolbox: &dyn Toolbox, tool: &str, input: Value) -> CallRequest {
        CallRequest {
            protocol: PROTOCOL,
            tool: tool.into(),
            definition: definition(toolbox, tool),
            step: "s".into(),
            attempt: 1,
            input: Arc::new(input),
            model: None,
            prompt: None,
            options: crate::units::ModelOptions::default(),
            name: "r/s/1".into(),
            idempotency_key: "r/s/1".into(),
            trace: None,
            time_limit_ms: None,
            max_memory_mb: None,
            max_cpu_percent: None,
            may_cost: None,
        }
    }

    fn tools() -> Value {
        json!({
            "read": {"type": "http", "method": "GET", "url": "http://127.0.0.1:1/"},
            "write": {"type": "http", "method": "POST", "url": "http://127.0.0.1:1/"},
            "keyed": {"type": "http", "method": "POST", "url": "http://127.0.0.1:1/", "recover": {"key": true}},
        })
    }

    #[test]
    fn only_what_may_be_repeated_is_made_again() {
        let (toolbox, served) = served(&tools());
        for (tool, expected) in [("read", true), ("write", false), ("keyed", true)] {
            let request = request(&*toolbox, tool, json!({}));
            let Verdict::Make { repeatable } = served.judge(&request) else {
                panic!("{tool} is refused");
            };
            assert_eq!(repeatable, expected, "{tool}");
        }
    }

    #[test]
    fn a_call_that_means_something_else_here_is_refused_with_the_remedy() {
        let (toolbox, served) = served(&tools());
        let sound = || request(&*toolbox, "read", json!({}));
        let refusals = [
            (
                CallRequest {
                    protocol: PROTOCOL + 1,
                    ..sound()
                },
                "run the same version of plandeck",
            ),
            (
                CallRequest {
                    tool: "other".into(),
                    ..sound()
                },
                "has no tool \"other\"",
            ),
            (
                CallRequest {
                    definition: Definition {
                        digest: "0".into(),
                        ..sound().definition
                    },
                    ..sound()
                },
                "start it with the same catalog",
            ),
            (
                CallRequest {
                    definition: Definition {
                        runs_on: [("model".to_owned(), json!("openai/gpt-4o-mini"))]
                            .into_iter()
                            .collect(),
                        ..sound().definition
                    },
                    ..sound()
                },
                "give both the same --worker",
            ),
        ];
        for (request, remedy) in refusals {
            let Verdict::Refuse(why) = served.judge(&request) else {
                panic!("{remedy}: it is made");
            };
            assert!(
                why.starts_with("the worker w1: ") && why.contains(remedy),
                "{why}"
            );
        }
    }

    #[tokio::test]
    async fn the_report_comes_back_as_it_was_made() {
        let (toolbox, served) = served(&json!({}));
        for input in [json!({"a": [1, null]}), json!({"fails": true})] {
            let request = request(&*toolbox, "own", input.clone());
            // As it goes over the line.
            let request = serde_json::from_value(json!(request)).unwrap();
            let reply = json!(served.carry_out(&request).await);
            let reply: CallReply = serde_json::from_value(reply).unwrap();
            let Outcome::Ended { report } = reply.outcome else {
                panic!("it has not ended");
            };
            let report = CallReport::from(*report);
            match report.output {
                Ok(output) => assert_eq!(*output, input),
                Err(error) => assert_eq!(error, ToolError::transient("busy")),
            }
            assert_eq!(report.cost, Some(Money::ZERO));
        }
    }

    #[test]
    fn no_more_of_a_log_is_kept_than_goes_back() {
        let log = Log::default();
        for _ in 0..3 {
            log.add(LogStream::Stderr, &"x".repeat(LOG_KEPT));
        }
        let kept = log.taken();
        assert_eq!(kept.len(), 2, "a line and that others are not kept");
        assert_eq!(kept[1].0, LogStream::Note);
    }
}
