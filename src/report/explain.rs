//! Why a step was called, or why it was not: in words, from the run's events.

use super::{decider_in_words, given_in_words, handle_in_words, settlement_in_words, sum_in_words};
use crate::plan::StepIx;
use crate::run::{
    CallReason, InputChange, MissReason, NotReused, RerunReason, Reuse, RunState, Settlement,
    StepSource, StepState, StepStatus,
};
use crate::text::{fit, format, line};
use serde::Serialize;
use std::fmt::Write;
use std::sync::Arc;

/// Cells of a place or of an excerpt.
const SHOWN: usize = 64;
/// Characters of a run's id that are shown: as many as tell runs of one day apart.
const RUN_ID: usize = 13;

/// Why a step was called, or why it was not. What it quotes comes from plans and tools and is made safe to print.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The run.
    pub run_id: Arc<str>,
    /// The step.
    pub step: Arc<str>,
    /// The tool.
    pub tool: Arc<str>,
    /// The status of the step.
    pub status: StepStatus,
    /// Where its output came from.
    pub source: Option<StepSource>,
    /// What happened, in a sentence.
    pub summary: String,
    /// Why, a line for each reason.
    pub reasons: Vec<String>,
    /// What the reasons are compared with, and what was saved.
    pub notes: Vec<String>,
    /// The reasons as the events have them.
    pub why: Option<CallReason>,
    /// What was saved as the events have it.
    pub reused: Option<Box<Reuse>>,
    /// Why outputs of the step are never used again.
    pub not_reused: Option<NotReused>,
    /// What was found out about the call that an earlier run left behind.
    pub settlement: Option<Box<Settlement>>,
}

/// Why the row `ix` was called, or why it was not; `None` where there is no such row.
pub fn explain(run: &RunState, ix: StepIx) -> Option<Explanation> {
    let row = run.steps.get(ix.at())?;
    let of_plan = row.info.parent.and_then(|ix| run.steps.get(ix.at()));
    let not_reused = of_plan.map_or(row.info.not_reused, |row| row.info.not_reused);
    let mut explanation = Explanation {
        run_id: run
            .header
            .as_ref()
            .map_or_else(|| "".into(), |header| Arc::clone(&header.run_id)),
        step: Arc::clone(&row.info.id),
        tool: Arc::clone(&row.info.tool),
        status: row.status,
        source: row.source,
        summary: String::new(),
        reasons: Vec::new(),
        notes: Vec::new(),
        why: row.why().cloned(),
        reused: row.reused.clone(),
        not_reused,
        settlement: row.settlement.clone(),
    };
    explanation.write(run, row);
    Some(explanation)
}

impl Explanation {
    fn write(&mut self, run: &RunState, row: &StepState) {
        if !row.elements().is_empty() {
            self.elements(run, row);
            return;
        }
        if let Some(settlement) = &row.settlement {
            self.notes.push(settlement_in_words(settlement));
        }
        self.notes.extend(handle_in_words(row));
        if let Some(approval) = &row.approval {
            self.notes.push(match approval.decided {
                None => "its call needs an approval".to_owned(),
                Some((granted, by)) => format!(
                    "its call was {} by {}",
                    if granted { "approved" } else { "refused" },
                    decider_in_words(by)
                ),
            });
        }
        if row.given.is_some() {
            self.notes
                .push("the user set its input in place of its parameters".to_owned());
        }
        if let Some(given) = &row.given_call {
            let set = given_in_words(given).map(|(what, value)| match &*value {
                "" => format!("the user set its {what}"),
                value => format!("the user set its {what}: {value}"),
            });
            self.notes.extend(set);
        }
        match (row.status, row.source) {
            (StepStatus::Succeeded, Some(StepSource::Cache)) => {
                "not called: a cached output of the same call was used"
                    .clone_into(&mut self.summary);
                self.saved(row, "made by");
            }
            (StepStatus::Succeeded, Some(StepSource::Recorded)) => {
                "not called: its definition, its input and everything it depends on are as in the earlier run"
                    .clone_into(&mut self.summary);
                self.saved(row, "taken over from");
            }
            (StepStatus::Succeeded, Some(StepSource::Mock)) => {
                "not called: the user supplied its output".clone_into(&mut self.summary);
                self.pinned(row);
            }
            _ if row.attempts.is_empty() => self.summary = not_called(row),
            _ => self.called(row),
        }
        if let Some(caller) = row.caller.and_then(|ix| run.steps.get(ix.at())) {
            let caller = &caller.info.id;
            self.notes
                .push(format!("the code of step {caller} made this call"));
        }
        if !row.calls().is_empty() {
            let calls = format::count(row.calls().len(), "call");
            self.notes.push(format!("its code made {calls} of tools"));
        }
    }

    fn elements(&mut self, run: &RunState, row: &StepState) {
        let rows = row.elements().iter();
        let rows: Vec<&StepState> = rows.filter_map(|ix| run.steps.get(ix.at())).collect();
        let from = |source: StepSource| {
            let of_source = rows.iter().filter(|row| row.source == Some(source));
            of_source.count()
        };
        self.summary = format!(
            "it runs once for each of {}",
            format::count(rows.len(), "element")
        );
        let words = [
            (StepSource::Call, "called"),
            (StepSource::Cache, "from the cache"),
            (StepSource::Recorded, "recorded"),
            (StepSource::Mock, "supplied by the user"),
        ];
        for (source, word) in words {
            let count = from(source);
            if count > 0 {
                self.reasons
                    .push(format!("{} {word}", format::thousands(count as u64)));
            }
        }
        let first = rows.first().map_or("", |row| &row.info.id);
        self.notes.push(format!(
            "each has reasons of its own: {}",
            fit(first, SHOWN)
        ));
    }

    /// What each attempt cost, as a sum.
    fn costs(&mut self, row: &StepState) {
        let ends = row.attempts.iter();
        let ends = ends.filter_map(|attempt| attempt.end.as_ref());
        for (_, end) in ends {
            if let Some(sum) = sum_in_words(end) {
                self.notes
                    .push(format!("cost of attempt {}: {sum}", end.attempt));
            }
        }
    }

    fn called(&mut self, row: &StepState) {
        let attempts = format::count(row.attempts.len(), "attempt");
        self.summary = format!("called, {attempts}");
        if let Some(rerun) = row.why().and_then(|why| why.rerun.as_ref()) {
            self.rerun(rerun);
        }
        match (row.why().and_then(|why| why.miss.as_ref()), self.not_reused) {
            (Some(miss), _) => self.miss(miss),
            (None, Some(why)) => self.reasons.push(format!(
                "its outputs are not used again: {}",
                not_reused_in_words(why)
            )),
            (None, None) if self.reasons.is_empty() => self
                .reasons
                .push("the reason is not on record: the run is of an older version".to_owned()),
            (None, None) => {}
        }
        self.costs(row);
        self.pinned(row);
    }

    fn rerun(&mut self, rerun: &RerunReason) {
        match rerun {
            RerunReason::Asked => self
                .reasons
                .push("the user asked to run it again".to_owned()),
            RerunReason::Absent => self
                .reasons
                .push("the earlier run had no output of it".to_owned()),
            RerunReason::Redefined => self
                .reasons
                .push("its definition differs from the earlier run".to_owned()),
            RerunReason::Interrupted => self
                .reasons
                .push("it was running when the earlier run was interrupted".to_owned()),
            RerunReason::Redacted => self
                .reasons
                .push("its recorded output lacks a secret, which a later step needs".to_owned()),
            RerunReason::Upstream { steps } => {
                for step in steps.iter() {
                    self.reasons.push(format!(
                        "upstream {}: it did not keep its earlier output",
                        fit(step, SHOWN)
                    ));
                }
            }
            RerunReason::Input { changes } => self.changes(changes),
        }
    }

    fn miss(&mut self, miss: &MissReason) {
        match miss {
            MissReason::Off => self.reasons.push("this run caches no outputs".to_owned()),
            MissReason::Fresh => self
                .reasons
                .push("the run was started with --fresh".to_owned()),
            MissReason::Refresh => self
                .reasons
                .push("the user asked to call it again".to_owned()),
            MissReason::Rejected => self
                .reasons
                .push("the cached output is not what the step expects".to_owned()),
            MissReason::Never => self
                .reasons
                .push("this call was never made before".to_owned()),
            MissReason::Expired { run_id, age, limit } => {
                self.reasons
                    .push(format!("older than {}", format::age(*limit)));
                self.notes.push(format!(
                    "the cached output of run {} was {} old",
                    short(run_id),
                    format::age(*age)
                ));
            }
            MissReason::Differs {
                run_id,
                age,
                changes,
                parts,
            } => {
                self.changes(changes);
                for part in parts.iter() {
                    let part = fit(&part.replace('_', " "), SHOWN);
                    self.reasons.push(format!("{part} changed"));
                }
                self.notes.push(format!(
                    "compared with the newest cached output of this step, made by run {} {} earlier",
                    short(run_id),
                    format::age(*age)
                ));
            }
        }
    }

    fn changes(&mut self, changes: &[InputChange]) {
        let mut upstream: Vec<String> = Vec::new();
        for change in changes {
            self.push_new(change_line(change));
            let steps = change.steps.iter();
            upstream.extend(steps.map(|id| format!("upstream {}: output differs", fit(id, SHOWN))));
            let names = change.context.iter();
            upstream
                .extend(names.map(|name| format!("context {}: value differs", fit(name, SHOWN))));
        }
        for reason in upstream {
            self.push_new(reason);
        }
    }

    fn push_new(&mut self, reason: String) {
        if !self.reasons.contains(&reason) {
            self.reasons.push(reason);
        }
    }

    fn saved(&mut self, row: &StepState, word: &str) {
        let Some(reused) = &row.reused else {
            return;
        };
        self.reasons.push(format!(
            "{word} run {}, {} old",
            short(&reused.run_id),
            format::age(reused.age)
        ));
        self.notes.push(format!("saved {}", savings(reused)));
        self.pinned(row);
    }

    fn pinned(&mut self, row: &StepState) {
        if row.pinned {
            self.notes
                .push("pinned: it is used for this call until it is unpinned".to_owned());
        }
    }

    /// As text, each line ended by a line feed.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let name = fit(&self.step, SHOWN);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name}  ({})", fit(&self.tool, SHOWN));
        let _ = writeln!(text, "  {}", line(&self.summary));
        for reason in &self.reasons {
            let _ = writeln!(text, "  · {}", line(reason));
        }
        for note in &self.notes {
            let _ = writeln!(text, "  {}", line(note));
        }
        text
    }
}

/// The money and the time that an output saved.
pub(crate) fn savings(reused: &Reuse) -> String {
    let time = format::duration(reused.service);
    if reused.cost.is_zero() {
        return time;
    }
    format!("{} and {time}", reused.cost)
}

/// The beginning of a run's id.
pub(crate) fn short(run_id: &str) -> String {
    fit(run_id, SHOWN).chars().take(RUN_ID).collect()
}

fn change_line(change: &InputChange) -> String {
    let place = match (&*change.path, change.path.starts_with('[')) {
        ("", _) => "input".to_owned(),
        (path, true) => format!("input{path}"),
        (path, false) => format!("input.{path}"),
    };
    let place = fit(&place, SHOWN);
    let show = |text: &Option<Arc<str>>| text.as_deref().map(|text| fit(text, SHOWN));
    match (show(&change.before), show(&change.after)) {
        (None, Some(after)) => format!("{place} is new: {after}"),
        (Some(before), None) => format!("{place} is gone: {before}"),
        (before, after) => format!(
            "{place} changed: {} → {}",
            before.unwrap_or_default(),
            after.unwrap_or_default()
        ),
    }
}

/// Why outputs are never used again, after "because".
const fn not_reused_in_words(why: NotReused) -> &'static str {
    match why {
        NotReused::Step => "the step says cache: false",
        NotReused::Tool => "the catalog says cache: false for the tool",
        NotReused::Effects => "a call may change something, and is not declared to only read",
        NotReused::Quick => "a call takes no longer than looking its output up",
        NotReused::Temperature => {
            "the model is not asked at temperature 0 and may answer differently each time"
        }
        NotReused::Simulated => "outputs are made up in a simulated run",
        NotReused::Undetermined => "what determines its output is not known",
    }
}

fn not_called(row: &StepState) -> String {
    match row.status {
        StepStatus::Pending | StepStatus::Ready => "not called yet".to_owned(),
        StepStatus::Skipped => "not called: it was skipped".to_owned(),
        StepStatus::Cancelled => "not called: the run was stopped first".to_owned(),
        StepStatus::Unknown => {
            "not called again: it was running when the earlier run was interrupted".to_owned()
        }
        _ => "not called".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::StepInput;
    use crate::units::{Micros, Money};

    fn written(write: impl FnOnce(&mut Explanation)) -> Vec<String> {
        let mut explanation = Explanation {
            run_id: "now".into(),
            step: "s".into(),
            tool: "t".into(),
            status: StepStatus::Succeeded,
            source: None,
            summary: String::new(),
            reasons: Vec::new(),
            notes: Vec::new(),
            why: None,
            settlement: None,
            reused: None,
            not_reused: None,
        };
        write(&mut explanation);
        let lines = explanation.text();
        lines.lines().skip(2).map(str::to_owned).collect()
    }

    #[test]
    fn every_reason_has_its_words() {
        let change = |path: &str, before: Option<&str>, after: Option<&str>| InputChange {
            path: path.into(),
            before: before.map(Arc::from),
            after: after.map(Arc::from),
            steps: Arc::new(["extract".into()]),
            context: Arc::new(["start".into()]),
        };
        let hour = Micros(3_600_000_000);
        let miss = MissReason::Differs {
            run_id: "0193a5d0-0000-7000-8000-000000000000".into(),
            age: hour,
            changes: Arc::new([
                change("text", Some("\"a\u{1b}[31m\""), Some("\"b\"")),
                change("[1]", None, Some("2")),
            ]),
            parts: Arc::new(["prompt".into(), "wanted_model".into()]),
        };
        assert_eq!(
            written(|explanation| explanation.miss(&miss)),
            [
                "  · input.text changed: \"a␛[31m\" → \"b\"",
                "  · input[1] is new: 2",
                "  · upstream extract: output differs",
                "  · context start: value differs",
                "  · prompt changed",
                "  · wanted model changed",
                "  compared with the newest cached output of this step, made by run 0193a5d0-0000 60m earlier",
            ]
        );
        let miss = MissReason::Expired {
            run_id: "before".into(),
            age: Micros(hour.0 * 30),
            limit: Micros(hour.0 * 24),
        };
        assert_eq!(
            written(|explanation| explanation.miss(&miss)),
            [
                "  · older than 24h",
                "  the cached output of run before was 30h old"
            ]
        );
        let reuse = Reuse {
            run_id: "before".into(),
            age: Micros(hour.0 * 72),
            cost: Money::from_usd(0.0002),
            service: Micros(1_240_000),
            pinned: true,
            input: StepInput::default(),
        };
        assert_eq!(savings(&reuse), "$0.0002 and 1.24s");
    }
}
