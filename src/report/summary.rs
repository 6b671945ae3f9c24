//! A run in a few lines, for the scrollback of a terminal after the dashboard was left.

use crate::run::{
    Figures, Micros, RunOutcome, RunPhase, RunState, SkipReason, StepState, StepStatus, figures,
};
use crate::text::{clean, fit, format};
use std::fmt::Write;

/// Failures that are named.
const FAILURES: usize = 5;
/// Steps of the critical path that are named.
const PATH: usize = 8;
/// Cells that a line takes at the most.
const WIDTH: usize = 100;

/// How the parts of a summary stand out.
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
    }
    lines.failures(run);
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
            let least = if run.unpriced { "at least " } else { "" };
            facts.push(format!("{least}{}", run.spent));
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

    fn failures(&mut self, run: &RunState) {
        let failed = |row: &&StepState| row.status == StepStatus::Failed;
        for row in run.steps.iter().filter(failed).take(FAILURES) {
            let message = row.error.as_ref().map_or("", |error| &error.message);
            let first: &str = message.lines().next().unwrap_or_default();
            let id: String = clean(&row.info.id).take(40).collect();
            self.line(Tone::Bad, &format!("✖ {id}: {first}"));
        }
        let more = run.count(StepStatus::Failed).saturating_sub(FAILURES);
        if more > 0 {
            self.line(
                Tone::Bad,
                &format!("and {} more", format::count(more, "failure")),
            );
        }
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
