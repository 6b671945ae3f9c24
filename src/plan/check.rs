//! Checks a draft against a catalog and a context, and reports every fault at once.

mod arguments;
mod dependencies;
mod expectations;
mod references;

use super::diagnostic::{Collector, Diagnostic, PlanFaults, Severity, shown};
use super::dialects;
use super::draft::Draft;
use super::draft_plan::{DraftStep, first_byte};
use super::ids::{StepIds, StepIx};
use super::model::{ExecutionPlan, Step};
use super::names::closest;
use super::reference::Own;
use super::reference_syntax::own::ReferenceSyntax;
use super::schema::{self, ToolSchemas};
use crate::text::schema::Schema;
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

/// The tool that runs a program which the step brings; it needs no entry in the catalog.
const CODE_EXEC: &str = "code_exec";
/// The maximum of faults that get a "did you mean": each guess compares with every name.
const MAX_GUESSES: usize = 20;

impl Draft {
    /// Checks the draft against a catalog and a context. Returns the plan, or every fault at once.
    ///
    /// Without `tools` the names of tools and their parameters are not checked. Without `context` the values
    /// that the plan needs are only listed, in [`ExecutionPlan::context_names`]; with one, a value that is
    /// referred to and is neither in it nor in the plan is a fault.
    pub fn check(
        self,
        tools: Option<&dyn ToolSchemas>,
        context: Option<&Map<String, Value>>,
    ) -> Result<ExecutionPlan, PlanFaults> {
        let Draft {
            source,
            plan,
            name,
            collector,
        } = self;
        let mut check = Check {
            tools,
            given: context,
            own: &plan.context,
            syntax: dialects::references(plan.dialect),
            ids: StepIds::with_capacity(plan.steps.len()),
            collector,
            context_names: Vec::new(),
            seen_context: HashSet::new(),
            guesses: 0,
            validators: HashMap::new(),
            waits_for: Vec::new(),
            referred: Vec::new(),
        };
        if !plan.unreadable && plan.steps.iter().all(|step| step.synthesis) {
            let place = first_byte(&plan.span);
            check.collector.push(
                Diagnostic::new(Severity::Error, "no_steps", "the plan has no steps")
                    .at(place)
                    .help("a plan needs at least one step with an `id` and a `tool`"),
            );
        }
        check.collect_ids(&plan.steps);
        let mut steps = Vec::with_capacity(plan.steps.len());
        for (at, draft) in plan.steps.into_iter().enumerate() {
            steps.push(check.step(StepIx(at as u32), draft));
        }
        Check::wire_synthesis(&mut steps);
        check.find_cycles(&mut steps);
        if check.collector.has_errors() {
            return Err(check.collector.faults(source));
        }
        Ok(ExecutionPlan {
            name,
            dialect: plan.dialect,
            steps: steps.into_iter().map(|checked| checked.step).collect(),
            context_names: check.context_names,
            context: plan.context.clone(),
            catalog: plan.catalog,
            warnings: check.collector.finish(),
        })
    }
}

/// A step on its way into the plan.
struct Checked {
    step: Step,
    synthesis: bool,
    /// Where a fault about its dependencies is shown.
    place: Range<usize>,
}

/// What the references of one step name.
struct Uses {
    step: StepIx,
    in_for_each: bool,
    in_code: bool,
    /// The values of its own call that are known.
    own: &'static [Own],
    synthesis: bool,
    /// Steps, with the place of their first reference.
    steps: Vec<(StepIx, Range<usize>)>,
}

struct Check<'a> {
    tools: Option<&'a dyn ToolSchemas>,
    given: Option<&'a Map<String, Value>>,
    own: &'a Map<String, Value>,
    syntax: &'static ReferenceSyntax,
    ids: StepIds,
    collector: Collector,
    context_names: Vec<Arc<str>>,
    seen_context: HashSet<Arc<str>>,
    guesses: usize,
    /// The compiled schemas of tools that ask more than the checker reads itself.
    validators: HashMap<Arc<str>, Option<Schema>>,
    /// A buffer for the dependencies of one step.
    waits_for: Vec<StepIx>,
    /// A buffer for the references of one step.
    referred: Vec<(StepIx, Range<usize>)>,
}

impl Check<'_> {
    fn collect_ids(&mut self, steps: &[DraftStep]) {
        self.find_ids_of_elements(steps);
        for (at, step) in steps.iter().enumerate() {
            let Some(id) = &step.id else {
                self.collector.push(
                    Diagnostic::new(
                        Severity::Error,
                        "missing_id",
                        format!("step number {} has no id", at + 1),
                    )
                    .at(step.place())
                    .help("give it an `id` that no other step has"),
                );
                self.ids.add(&format!("(number {})", at + 1).into());
                continue;
            };
            if !self.ids.add(&id.value) {
                let first = self.ids.find(&id.value).map_or(0, StepIx::at);
                self.collector.push(
                    Diagnostic::new(
                        Severity::Error,
                        "duplicate_id",
                        format!(
                            "steps number {} and {} have the same id {}",
                            first + 1,
                            at + 1,
                            shown(&id.value)
                        ),
                    )
                    .at(id.span.clone())
                    .step(Some(&id.value)),
                );
            }
        }
    }

    /// An id that an element of a `for_each` step gets when it runs.
    fn find_ids_of_elements(&mut self, steps: &[DraftStep]) {
        let lists: HashSet<&str> = steps
            .iter()
            .filter(|step| step.for_each.is_some())
            .filter_map(|step| Some(&*step.id.as_ref()?.value))
            .collect();
        self.find_ids_of_calls(steps);
        if lists.is_empty() {
            return;
        }
        for id in steps.iter().filter_map(|step| step.id.as_ref()) {
            let Some(list) = list_of_element(&id.value).filter(|list| lists.contains(list)) else {
                continue;
            };
            self.collector.push(
                Diagnostic::new(
                    Severity::Error,
                    "duplicate_id",
                    format!(
                        "{} is the id of an element of the `for_each` step {}",
                        shown(&id.value),
                        shown(list)
                    ),
                )
                .at(id.span.clone())
                .step(Some(&id.value))
                .help("give the step another `id`"),
            );
        }
    }

    /// An id that a call gets which the code of a step makes: `STEP/TOOL[0]`.
    fn find_ids_of_calls(&mut self, steps: &[DraftStep]) {
        let ids = || steps.iter().filter_map(|step| step.id.as_ref());
        let could_be_one = |id: &str| id.contains('/') && list_of_element(id).is_some();
        if !ids().any(|id| could_be_one(&id.value)) {
            return;
        }
        let all: HashSet<&str> = ids().map(|id| &*id.value).collect();
        for id in ids().filter(|id| could_be_one(&id.value)) {
            let callers = id.value.match_indices('/').map(|(at, _)| &id.value[..at]);
            let is_step = |it: &&str| {
                all.contains(it) || list_of_element(it).is_some_and(|it| all.contains(it))
            };
            let Some(caller) = callers.into_iter().find(is_step) else {
                continue;
            };
            let message = format!(
                "{} is the id of a call that the code of step {} could make",
                shown(&id.value),
                shown(caller)
            );
            self.collector.push(
                Diagnostic::new(Severity::Error, "duplicate_id", message)
                    .at(id.span.clone())
                    .step(Some(&id.value))
                    .help("give the step another `id`"),
            );
        }
    }

    fn step(&mut self, ix: StepIx, mut draft: DraftStep) -> Checked {
        let id = Arc::clone(self.ids.id(ix));
        let place = draft.place();
        let tool = self.tool(&id, &mut draft);
        let mut uses = Uses {
            step: ix,
            in_for_each: false,
            in_code: false,
            own: &[],
            synthesis: draft.synthesis,
            steps: std::mem::take(&mut self.referred),
        };
        let for_each = draft
            .for_each
            .as_ref()
            .and_then(|node| self.for_each(node, &mut uses));
        uses.in_for_each = draft.for_each.is_some();
        let run_if = draft
            .run_if
            .as_ref()
            .and_then(|node| self.run_if(node, &mut uses));
        let expect = draft.expect.as_ref();
        let expect = expect.map_or_else(Box::default, |node| self.expectations(node, &mut uses));
        let approve = draft.approve.as_ref();
        let approve = approve.and_then(|node| self.approve(node, &mut uses));
        let parameters = self.parameters(&tool, &draft.parameters, &mut uses);
        self.check_parameters(&tool, &id, &draft, &parameters);
        let parameters = match self.tools.and_then(|tools| tools.schema(&tool)) {
            Some(schema) => schema::with_defaults(parameters, schema),
            None => parameters,
        };
        let depends_on = self.dependencies(ix, &draft, &uses);
        uses.steps.clear();
        self.referred = uses.steps;
        Checked {
            synthesis: draft.synthesis,
            place,
            step: Step {
                id,
                tool,
                parameters,
                depends_on,
                run_if: run_if.map(Box::new),
                for_each: for_each.map(Box::new),
                expect,
                approve: approve.map(Box::new),
                settings: draft.settings,
                span: Some(draft.span),
            },
        }
    }

    /// The step that was probably meant, for a message.
    fn guess_step(&mut self, wanted: &str) -> Option<String> {
        let ids = std::mem::take(&mut self.ids);
        let near = self.guess(|| {
            closest(wanted, ids.all())
                .or_else(|| same_but_for_the_number(&ids, wanted))
                .map(shown)
        });
        self.ids = ids;
        near
    }

    /// A guess, for the first [`MAX_GUESSES`] faults only.
    fn guess(&mut self, guess: impl FnOnce() -> Option<String>) -> Option<String> {
        if self.guesses >= MAX_GUESSES {
            return None;
        }
        self.guesses += 1;
        guess()
    }
}

/// The step whose element has this id: `m` for `m[0]`.
fn list_of_element(id: &str) -> Option<&str> {
    let (list, index) = id.strip_suffix(']')?.rsplit_once('[')?;
    let is_index = index == "0"
        || (!index.starts_with('0') && index.bytes().all(|byte| byte.is_ascii_digit()));
    (is_index && !index.is_empty()).then_some(list)
}

fn without_number(name: &str) -> Option<&str> {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    (stem.len() < name.len() && !stem.is_empty()).then_some(stem)
}

fn same_but_for_the_number<'n>(ids: &'n StepIds, wanted: &str) -> Option<&'n str> {
    let stem = without_number(wanted)?;
    ids.all()
        .take(20_000)
        .find(|id| without_number(id) == Some(stem))
}

fn is_numbered_alike(ids: &StepIds, wanted: &str) -> bool {
    same_but_for_the_number(ids, wanted).is_some()
}
