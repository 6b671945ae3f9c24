//! Outputs from which a secret was left out: those of an earlier run's record, and those that the user gave as they
//! were shown.
//!
//! A record has [`REDACTED`] where the secret was. What is decided or computed from such a value may come out
//! differently than it did, so a row is looked at before that: only the values that it names count, not all that
//! stands in the outputs beside them.

use super::Prepared;
use super::prepare::{asked, impossible};
use super::redaction::holds_mark;
use super::resume_state::ResumeState;
use super::step_instance::StepInstance;
use super::step_tools::{StepTools, is_repeatable};
use crate::plan::{ExecutionPlan, Named, Root, Scope, Step, StepIx, Template};
use crate::text::visible;
use crate::tools::REDACTED;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The outputs in use from which a secret was left out.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    /// The rows whose outputs they are, by the step in the plan.
    rows: HashMap<StepIx, HashSet<Arc<str>>>,
}

/// A value that lacks a secret.
pub(super) struct Lacking {
    /// What names it, as the plan has it.
    source: Arc<str>,
    /// The step of whose output it is a part; `None` for the element of a list.
    step: Option<StepIx>,
}

impl LeftOut {
    /// Those of an earlier run.
    pub(super) fn of(resume: &ResumeState, plan: &ExecutionPlan) -> Self {
        let mut found = Self::default();
        for (at, step) in plan.steps.iter().enumerate() {
            for id in rows_of(step, resume) {
                if let Some((output, _)) = resume.output_of(&id)
                    && holds_mark(output)
                {
                    let rows = found.rows.entry(StepIx(at as u32)).or_default();
                    rows.insert(id);
                }
            }
        }
        found
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The output of a row is this now, as the user gave it.
    pub(super) fn given(&mut self, step: StepIx, row: &Arc<str>, output: &Value) {
        if holds_mark(output) {
            let rows = self.rows.entry(step).or_default();
            rows.insert(Arc::clone(row));
        } else {
            self.made(step, row);
        }
    }

    /// The output of a row is made in this run.
    pub(super) fn made(&mut self, step: StepIx, row: &Arc<str>) {
        if let Some(rows) = self.rows.get_mut(&step) {
            rows.remove(row);
            if rows.is_empty() {
                self.rows.remove(&step);
            }
        }
    }

    /// The first value that lacks a secret of those that the condition names which is asked before a row starts.
    pub(super) fn in_condition(&self, instance: &StepInstance<'_>) -> Option<Lacking> {
        let step = instance.step().filter(|_| !self.is_empty())?;
        let condition = asked(step, instance.is_element())?;
        self.first(step, false, |visit| {
            condition.named(&instance.scope(), visit);
        })
    }

    /// The same for the list that a row runs for.
    pub(super) fn in_list(&self, instance: &StepInstance<'_>) -> Option<Lacking> {
        let step = instance.step().filter(|_| !self.is_empty())?;
        let list = step.for_each.as_ref().filter(|_| !instance.is_element())?;
        self.first(step, true, |visit| list.named(&instance.scope(), visit))
    }

    /// The same for what is computed for the parameters of a row. What is put in as it is can be seen there.
    pub(super) fn in_parameters(&self, instance: &StepInstance<'_>) -> Option<Lacking> {
        let step = instance.step().filter(|_| !self.is_empty())?;
        self.first(step, true, |visit| {
            step.parameters.named(&instance.scope(), visit);
        })
    }

    fn first(
        &self,
        step: &Step,
        only_computed: bool,
        name: impl FnOnce(&mut dyn FnMut(&Named<'_>)),
    ) -> Option<Lacking> {
        let mut first = None;
        name(&mut |named| {
            let lacks = || self.may_lack(step, named.step) && holds_mark(named.value);
            if first.is_none() && (named.computed || !only_computed) && lacks() {
                first = Some(Lacking {
                    source: named.source.into(),
                    step: named.step,
                });
            }
        });
        first
    }

    /// Whether a value may lack a secret that a step names of the output of `of`, or of the element of its list.
    fn may_lack(&self, step: &Step, of: Option<StepIx>) -> bool {
        let Some(of) = of else {
            let mut found = false;
            if let Some(list) = &step.for_each {
                list.roots(&mut |root| {
                    found |= match root {
                        Root::Step(of) => self.rows.contains_key(of),
                        Root::Outputs => true,
                        Root::Context(_) | Root::Item | Root::Index | Root::Own(_) => false,
                    };
                });
            }
            return found;
        };
        self.rows.contains_key(&of)
    }

    /// The rows of an earlier run that run again, so that what is yet to be decided or called has the secrets that the
    /// record lacks: where their calls may be repeated, and they have everything for it.
    pub(super) fn to_complete(
        &self,
        resume: &ResumeState,
        plan: &ExecutionPlan,
        tools: &StepTools,
    ) -> HashSet<Arc<str>> {
        if self.is_empty() {
            return HashSet::new();
        }
        let mut search = Search {
            left_out: self,
            resume,
            plan,
            tools,
            outputs: recorded_outputs(resume, plan),
            open: open_steps(resume, plan),
            known: HashMap::new(),
        };
        for at in 0..plan.steps.len() {
            if search.open[at] {
                for needed in search.needs(at, true) {
                    search.can_run_again(needed.at());
                }
            }
        }
        let again = search.known.iter().filter(|(_, again)| **again);
        let rows = again.filter_map(|(at, _)| self.rows.get(&StepIx(*at as u32)));
        rows.flatten().cloned().collect()
    }
}

impl Lacking {
    /// A row that cannot be called, because a part of its step names the value.
    pub(super) fn refusal(&self, part: &str, instance: &StepInstance<'_>) -> Prepared {
        let message = self.message(part, instance.plan);
        match instance.step() {
            Some(step) => impossible(&instance.scope(), step, message),
            None => Prepared::Unwanted,
        }
    }

    /// Why what names it cannot be used, and what to do. `part` is the part of the step where it stands.
    pub(super) fn message(&self, part: &str, plan: &ExecutionPlan) -> String {
        let source = visible(&self.source, 200);
        let from = self.step.and_then(|step| plan.step(step)).map_or_else(
            || {
                (
                    "an element of its list".to_owned(),
                    "the step that gives the list".to_owned(),
                )
            },
            |step| {
                let id = visible(&step.id, 80);
                (format!("the output of step {id}"), format!("step {id}"))
            },
        );
        format!(
            "{part}: {source}: {} has {REDACTED} where a secret was left out of the record, so it may not come out as it \
             would with the secret; run {} again, or set its output",
            from.0, from.1
        )
    }
}

/// Looks for the rows that have to run again.
struct Search<'a> {
    left_out: &'a LeftOut,
    resume: &'a ResumeState,
    plan: &'a ExecutionPlan,
    tools: &'a StepTools,
    /// By step: the recorded output.
    outputs: Vec<Option<Arc<Value>>>,
    /// By step: whether something of it is yet to be decided.
    open: Vec<bool>,
    /// Whether steps whose record lacks a secret can run again, as far as they were asked for.
    known: HashMap<usize, bool>,
}

impl Search<'_> {
    /// The steps of whose recorded outputs this one names a value that lacks a secret.
    fn needs(&self, at: usize, with_condition: bool) -> Vec<StepIx> {
        let mut found = Vec::new();
        let Some(step) = self.plan.steps.get(at) else {
            return found;
        };
        let mut visit = |named: &Named<'_>| {
            if let Some(of) = named.step
                && self.left_out.rows.contains_key(&of)
                && !found.contains(&of)
                && holds_mark(named.value)
            {
                found.push(of);
            }
        };
        if let Some(condition) = step.run_if.as_ref().filter(|_| with_condition) {
            condition.named(self, &mut visit);
        }
        let templates = [step.for_each.as_deref(), Some(&step.parameters)];
        for template in templates.into_iter().flatten() {
            Template::named(template, self, &mut visit);
        }
        found
    }

    /// Plans nest no deeper than their steps are many, and a plan has no cycle; but a long chain would be a deep
    /// recursion.
    fn can_run_again(&mut self, at: usize) {
        let mut path = vec![(at, false)];
        while let Some((at, has_looked)) = path.pop() {
            if self.known.contains_key(&at) {
                continue;
            }
            if !self.may_run_again(at) {
                self.known.insert(at, false);
                continue;
            }
            let needs = self.needs(at, false);
            if !has_looked {
                path.push((at, true));
                path.extend(needs.iter().map(|of| (of.at(), false)));
                continue;
            }
            let has_all = |of: &StepIx| self.known.get(&of.at()).copied().unwrap_or_default();
            let again = needs.iter().all(has_all);
            self.known.insert(at, again);
        }
    }

    /// Whether the calls of a step may be repeated, and the user did not give its output.
    fn may_run_again(&self, at: usize) -> bool {
        let Some((step, tool)) = self.plan.steps.get(at).zip(self.tools.get(at)) else {
            return false;
        };
        let mut rows = self
            .left_out
            .rows
            .get(&StepIx(at as u32))
            .into_iter()
            .flatten();
        let is_supplied = |id: &Arc<str>| {
            let recorded = self.resume.output_of(id);
            recorded.is_none_or(|(_, supplied)| supplied)
        };
        is_repeatable(step, tool) && !rows.any(is_supplied)
    }
}

impl Scope for Search<'_> {
    fn output(&self, step: StepIx) -> Option<&Arc<Value>> {
        self.outputs.get(step.at())?.as_ref()
    }

    fn status(&self, _: StepIx) -> &'static str {
        "succeeded"
    }

    fn id(&self, step: StepIx) -> &str {
        self.plan.step(step).map_or("", |step| &step.id)
    }

    fn steps(&self) -> usize {
        self.plan.steps.len()
    }

    fn context(&self, _: &str) -> Option<&Value> {
        None
    }

    fn item(&self) -> Option<(&Arc<Value>, usize)> {
        None
    }
}

/// The ids under which an earlier run may have outputs of a step.
fn rows_of<'a>(step: &'a Step, resume: &ResumeState) -> impl Iterator<Item = Arc<str>> + use<'a> {
    let elements = (0..resume.elements_of(&step.id)).map(|at| format!("{}[{at}]", step.id).into());
    std::iter::once(Arc::clone(&step.id)).chain(elements)
}

/// The recorded outputs of the plan's steps. An element that has none is left empty.
fn recorded_outputs(resume: &ResumeState, plan: &ExecutionPlan) -> Vec<Option<Arc<Value>>> {
    let output = |id: &str| resume.output_of(id).map(|(output, _)| Arc::clone(output));
    let steps = plan.steps.iter();
    steps
        .map(|step| {
            if resume.elements_of(&step.id) == 0 {
                return output(&step.id);
            }
            let elements = rows_of(step, resume).skip(1);
            let list = elements.map(|id| output(&id).map_or(Value::Null, Arc::unwrap_or_clone));
            Some(Arc::new(list.collect()))
        })
        .collect()
}

/// By step: whether something of it is yet to be decided or called, or of what it depends on.
fn open_steps(resume: &ResumeState, plan: &ExecutionPlan) -> Vec<bool> {
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); plan.steps.len()];
    let (mut open, mut queue) = (vec![false; plan.steps.len()], Vec::new());
    for (at, step) in plan.steps.iter().enumerate() {
        for before in step.depends_on.iter() {
            if let Some(after) = after.get_mut(before.at()) {
                after.push(at);
            }
        }
        let mut elements = rows_of(step, resume).skip(1).peekable();
        let is_decided = if elements.peek().is_some() {
            elements.all(|id| resume.is_decided(&id))
        } else {
            resume.is_decided(&step.id)
        };
        if !is_decided {
            queue.push(at);
        }
    }
    while let Some(at) = queue.pop() {
        if !std::mem::replace(&mut open[at], true) {
            queue.extend(&after[at]);
        }
    }
    open
}
