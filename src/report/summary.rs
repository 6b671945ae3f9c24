//! A run in a few lines, for the scrollback of a terminal after the dashboard was left.

use super::{money, short};
use crate::run::{
    Figures, RunOutcome, RunPhase, RunState, SkipReason, SlotTime, StepSource, StepState,
    StepStatus, figures, slot_time,
};
use crate::text::{clean, fit, format, headline};
use crate::units::Micros;
use std::fmt::Write;

/// Failures that are named.
const FAILURES: usize = 5;
/// Steps of the critical path that are named.
const PATH: usize = 8;
/// The most cells that a line takes.
const WIDTH: usize = 76;

/// How the parts of a summary are styled.
#[derive(Clone, Copy)]
enum Tone {
    Strong,
    Dim,
    Good,
    Warning,
    Bad,
}

/// The run in a few lines, each ended by a line feed, with ANSI colours or plain.
///
/// What it names comes from plans and tools and is made safe to print.
pub fn summary(run: &RunState, colour: bool) -> String {
    let mut lines = Summary {
        text: String::new(),
        colour,
    };
    lines.head(run);
    if run.work > Micros(0) {
        lines.figures(run, &figures(run, run.at));
        lines.slots(&slot_time(run, run.at));
    }
    lines.saved(run);
    lines.failures(run);
    lines.waits(run);
    lines.rest(run);
    lines.text
}

struct Summary {
    text: String,
    colour: bool,
}

impl Summary {
    fn head(&mut self, run: &RunState) {
        let header = run.header.as_deref();
        let plan = header.map_or("the run", |header| &header.plan);
        let (glyph, word, tone) = match run.phase {
            RunPhase::Ended(RunOutcome::Succeeded) => ("✔", "succeeded", Tone::Good),
            RunPhase::Ended(RunOutcome::Failed) => ("✖", "failed", Tone::Bad),
            RunPhase::Ended(RunOutcome::LimitExceeded) => ("✖", "stopped by a limit", Tone::Bad),
            RunPhase::Ended(RunOutcome::Cancelled) => ("■", "cancelled", Tone::Warning),
            RunPhase::Ended(RunOutcome::Waiting) => ("◇", "waits", Tone::Warning),
            _ => ("■", "left before it ended", Tone::Warning),
        };
        self.put(Tone::Strong, &fit(plan, 40));
        self.text.push_str("  ");
        self.put(tone, &format!("{glyph} {word}"));
        let done = run.count(StepStatus::Succeeded);
        let mut facts = vec![
            format!("in {}", format::duration(run.wall(run.at))),
            format!(
                "{done} of {}",
                format::count(header.map_or(0, |header| header.steps.len()), "step")
            ),
        ];
        if header.is_some_and(|header| header.track_cost) {
            facts.push(money::of_run(run, "at least "));
        }
        let _ = write!(self.text, "  {}", facts.join(", "));
        if header.is_some_and(|header| header.simulated) {
            self.text.push_str("  ");
            self.put(Tone::Warning, "SIMULATED");
        }
        self.text.push('\n');
    }

    fn figures(&mut self, run: &RunState, figures: &Figures) {
        let mut facts = Vec::new();
        facts.extend(
            figures
                .speedup
                .map(|x| format!("speedup {}", format::times(x))),
        );
        facts.extend(
            figures
                .parallel_efficiency
                .map(|x| format!("efficiency {}", format::percent(x))),
        );
        let ids = figures.critical_path.iter();
        let ids: Vec<String> = ids
            .filter_map(|ix| run.steps.get(ix.at()))
            .take(PATH)
            .map(|row| fit(&row.info.id, 24))
            .collect();
        if ids.len() > 1 {
            let more = if figures.critical_path.len() > PATH {
                " → …"
            } else {
                ""
            };
            facts.push(format!("critical path {}{more}", ids.join(" → ")));
        }
        self.line(Tone::Dim, &facts.join(", "));
    }

    fn saved(&mut self, run: &RunState) {
        let from_cache = |row: &&StepState| row.source == Some(StepSource::Cache);
        let served = run.steps.iter().filter(from_cache).count();
        if served == 0 {
            return;
        }
        let cost = if run.saved_cost.is_zero() {
            String::new()
        } else {
            format!("{} and ", run.saved_cost)
        };
        let words = format!(
            "{} from the cache, saved {cost}{}",
            format::count(served, "output"),
            format::duration(run.saved_time)
        );
        self.line(Tone::Good, &words);
    }

    /// Where the time of the slots went, in the order of size.
    fn slots(&mut self, account: &SlotTime) {
        let total = account.total();
        let mut parts: Vec<_> = account
            .parts()
            .into_iter()
            .map(|(name, part)| (name, part.0 as f64 / total.0.max(1) as f64))
            .filter(|(_, share)| *share >= 0.005)
            .collect();
        parts.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        let words: Vec<String> = parts
            .iter()
            .map(|(name, share)| format!("{name} {}", format::percent(*share)))
            .collect();
        let slots = format::count(account.slots, "slot");
        self.line(Tone::Dim, &format!("{slots}: {}", words.join(", ")));
    }

    fn failures(&mut self, run: &RunState) {
        let failed = |row: &&StepState| row.status == StepStatus::Failed;
        for row in run.steps.iter().filter(failed).take(FAILURES) {
            let message = row.error.as_ref().map_or("", |error| &error.message);
            let first = headline(message);
            let id: String = clean(&row.info.id).take(40).collect();
            self.line(Tone::Bad, &format!("✖ {id}: {first}"));
        }
        let unexpected = run.steps.iter().filter(|row| row.is_unexpected()).count();
        if unexpected > 0 {
            let outputs = format::count(unexpected, "output");
            self.line(Tone::Bad, &format!("{outputs} not as expected"));
        }
        let more = run.count(StepStatus::Failed).saturating_sub(FAILURES);
        if more > 0 {
            self.line(
                Tone::Bad,
                &format!("and {} more", format::count(more, "failure")),
            );
        }
    }

    /// What the run waits for, once it has ended.
    fn waits(&mut self, run: &RunState) {
        if run.phase != RunPhase::Ended(RunOutcome::Waiting) {
            return;
        }
        let asked = run
            .steps
            .iter()
            .filter(|row| row.asked_approval().is_some());
        for row in asked.take(FAILURES) {
            let id: String = clean(&row.info.id).take(40).collect();
            self.line(Tone::Warning, &format!("◇ {id} waits for an approval"));
        }
        for held in run.held_steps.iter().take(FAILURES) {
            let row = run.steps.get(held.step.at());
            let id: String = clean(row.map_or("", |row| &row.info.id)).take(40).collect();
            let why = held.why(run).map_or_else(String::new, |why| {
                let why: String = clean(&why).take(60).collect();
                format!(": {why}")
            });
            self.line(
                Tone::Warning,
                &format!("◉ held {} {id}{why}", held.at.words()),
            );
        }
        let run_id = run.header.as_deref().map_or("RUN", |header| &header.run_id);
        let asked = run.steps.iter().any(|row| row.asked_approval().is_some());
        let answer = if asked { " --approve STEP=yes" } else { "" };
        let resume = format!("plandeck run --resume {}{answer}", short(run_id));
        self.line(Tone::Dim, &resume);
    }

    fn rest(&mut self, run: &RunState) {
        for limit in &run.exceeded {
            self.line(Tone::Warning, &format!("reached {}", limit.name()));
        }
        let skipped = run.count(StepStatus::Skipped);
        let conditions = run
            .steps
            .iter()
            .filter(|row| row.reason == Some(SkipReason::Condition))
            .count();
        if skipped > conditions {
            let words = format!(
                "{} did not run",
                format::count(skipped - conditions, "step")
            );
            self.line(Tone::Dim, &words);
        }
    }

    fn line(&mut self, tone: Tone, words: &str) {
        self.text.push_str("  ");
        self.put(tone, &fit(words, WIDTH));
        self.text.push('\n');
    }

    fn put(&mut self, tone: Tone, words: &str) {
        let code = match tone {
            Tone::Strong => "1",
            Tone::Dim => "2",
            Tone::Good => "32",
            Tone::Warning => "33",
            Tone::Bad => "31",
        };
        if self.colour {
            let _ = write!(self.text, "\x1b[{code}m{words}\x1b[0m");
        } else {
            self.text.push_str(words);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Dialect, StepInput, StepIx};
    use crate::run::{
        AttemptDetails, AttemptEnd, ErrorKind, EventKind, ResourceLimits, RunError, RunEvent,
        RunHeader, StepInfo, StepKey, StepSource,
    };
    use crate::units::Money;
    use std::sync::Arc;

    fn run(simulated: bool) -> RunState {
        let step = |id: &str, needs: &[u32]| StepInfo {
            id: id.into(),
            tool: "tool".into(),
            kind: "jq".into(),
            depends_on: needs.iter().copied().map(StepIx).collect(),
            description: None,
            parent: None,
            parameters: None,
            not_reused: None,
            sequential: false,
            price: None,
            checks: None,
        };
        let steps = [
            step("read", &[]),
            step("su\u{1b}m", &[0]),
            step("tell", &[1]),
        ];
        let key = |at: u32| StepKey {
            ix: StepIx(at),
            id: steps[at as usize].id.clone(),
        };
        let error = RunError {
            kind: ErrorKind::ToolExecutionError,
            step: Some("sum".into()),
            tool_name: Some("tool".into()),
            message: "no number\u{1b}[2J\nsecond line".into(),
            retryable: false,
            attempts: 1,
        };
        let started = |at: u32| EventKind::AttemptStarted {
            step: key(at),
            attempt: 1,
            slot: 0,
            input: StepInput::default(),
            reserved: Money::ZERO,
            why: None,
            prompt: None,
        };
        let ended = |at: u32, error: Option<RunError>| {
            EventKind::AttemptEnded(Arc::new(AttemptEnd {
                step: key(at),
                attempt: 1,
                service: Micros(100_000),
                cost: Some(Money::from_usd(0.001)),
                details: AttemptDetails {
                    error: error.map(Box::new),
                    ..AttemptDetails::default()
                }
                .boxed(),
                cancelled: false,
            }))
        };
        let header = RunHeader {
            run_id: "1".into(),
            plan: "receipt".into(),
            dialect: Dialect::Documented,
            started_at: "".into(),
            worker: "offline".into(),
            simulated,
            track_cost: true,
            limits: ResourceLimits::none(),
            rates: crate::run::Rates::default(),
            priced: false,
            context: Arc::default(),
            steps: steps.clone().into(),
            forked_from: None,
            spent_before: Money::ZERO,
            pace: None,
        };
        let facts = [
            (0, EventKind::RunStarted(Arc::new(header))),
            (0, started(0)),
            (100, ended(0, None)),
            (
                100,
                EventKind::StepSucceeded {
                    step: key(0),
                    source: StepSource::Call,
                    output: Arc::default(),
                    reused: None,
                },
            ),
            (100, started(1)),
            (200, ended(1, Some(error.clone()))),
            (
                200,
                EventKind::StepFailed {
                    step: key(1),
                    error: Box::new(error),
                    output: None,
                },
            ),
            (
                200,
                EventKind::StepSkipped {
                    step: key(2),
                    reason: SkipReason::Upstream,
                    because: None,
                },
            ),
            (
                200,
                EventKind::RunEnded {
                    status: RunOutcome::Failed,
                    result: Arc::default(),
                    error: None,
                },
            ),
        ];
        let events = facts
            .into_iter()
            .enumerate()
            .map(|(seq, (ms, kind))| RunEvent {
                seq: seq as u64,
                at: Micros(ms * 1000),
                kind,
            });
        let events: Vec<_> = events.collect();
        RunState::from_events(&events)
    }

    #[test]
    fn it_says_what_matters_and_nothing_reaches_the_terminal() {
        let text = summary(&run(false), false);
        assert_eq!(
            text,
            "receipt  ✖ failed  in 200ms, 1 of 3 steps, $0.0020\n\
             \x20 speedup 1.0×, efficiency 100%, critical path read → su␛m\n\
             \x20 3 slots: dependency 67%, work 33%\n\
             \x20 ✖ su␛m: no number␛[2J\n\
             \x20 1 step did not run\n"
        );
    }

    #[test]
    fn colours_only_add_colours() {
        let coloured = summary(&run(true), true);
        assert!(coloured.contains("SIMULATED"));
        let mut plain = String::new();
        let mut rest = coloured.as_str();
        while let Some((before, after)) = rest.split_once('\x1b') {
            plain.push_str(before);
            rest = after.split_once('m').map_or("", |(_, after)| after);
        }
        plain.push_str(rest);
        assert_eq!(plain, summary(&run(true), false));
    }

    #[test]
    fn a_run_that_never_started_has_a_summary_too() {
        let text = summary(&RunState::default(), false);
        assert_eq!(
            text,
            "the run  ■ left before it ended  in 0, 0 of 0 steps\n"
        );
    }
}
