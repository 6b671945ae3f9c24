//! A draft held against a catalog and a context: everything that keeps it from running, all at once.

mod references;

use super::cycles;
use super::diagnostic::{Collector, Diagnostic, PlanFaults, Severity, shown};
use super::dialects;
use super::draft::Draft;
use super::draft_plan::{DraftStep, first_byte};
use super::ids::{StepIds, StepIx};
use super::model::{ExecutionPlan, FINAL_SYNTHESIS, Step};
use super::names::closest;
use super::node::{Kind, Member, Node};
use super::reference_syntax::own::ReferenceSyntax;
use super::schema::{self, Checker, ToolSchemas};
use super::template::Template;
use crate::text::visible;
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

/// The tool that runs a program which the step brings; it needs no entry in the catalog.
const CODE_EXEC: &str = "code_exec";
/// The tool that calls another by name.
const FUNCTION_CALL: &str = "function_call";
/// How many faults get a guess of what was meant: each guess looks at every name.
const MAX_GUESSES: usize = 20;

impl Draft {
    /// Holds the draft against a catalog and a context and gives the plan, or every fault at once.
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
    /// Room for what one step waits for.
    waits_for: Vec<StepIx>,
    /// Room for what one step refers to.
    referred: Vec<(StepIx, Range<usize>)>,
}

impl Check<'_> {
    fn collect_ids(&mut self, steps: &[DraftStep]) {
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

    fn step(&mut self, ix: StepIx, mut draft: DraftStep) -> Checked {
        let id = Arc::clone(self.ids.id(ix));
        let place = draft.place();
        let tool = self.tool(&id, &mut draft);
        let mut uses = Uses {
            step: ix,
            in_for_each: false,
            in_code: false,
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
                settings: draft.settings,
                span: Some(draft.span),
            },
        }
    }

    /// The tool that is really called. Arguments by position get their names.
    fn tool(&mut self, id: &Arc<str>, draft: &mut DraftStep) -> Arc<str> {
        let Some(given) = draft.tool.clone() else {
            // An agent step without an agent has had its fault.
            self.collector.push(
                Diagnostic::new(
                    Severity::Error,
                    "missing_tool",
                    format!("step {} has no tool", shown(id)),
                )
                .at(draft.place())
                .step(Some(id)),
            );
            return "".into();
        };
        let mut tool = given.value;
        let mut place = given.span;
        if &*tool == FUNCTION_CALL {
            if let Some((called, span)) = self.function_call(id, draft, &place) {
                tool = called;
                place = span;
            } else {
                return tool;
            }
        }
        let is_known = matches!(&*tool, CODE_EXEC | FINAL_SYNTHESIS);
        if let Some(tools) = self.tools
            && !is_known
            && !tools.has(&tool)
        {
            self.unknown_tool(id, &tool, &place, tools);
        }
        self.name_arguments(id, &tool, draft);
        tool
    }

    fn unknown_tool(
        &mut self,
        id: &Arc<str>,
        tool: &str,
        place: &Range<usize>,
        tools: &dyn ToolSchemas,
    ) {
        let names = tools.names();
        let mut diagnostic = Diagnostic::new(
            Severity::Error,
            "unknown_tool",
            format!("the catalog has no tool {}", shown(tool)),
        )
        .at(place.clone())
        .step(Some(id));
        let near = self.guess(|| closest(tool, names.iter().copied()).map(shown));
        if let Some(near) = near {
            diagnostic = diagnostic.help(format!("did you mean {near}?"));
        } else if names.is_empty() {
            diagnostic = diagnostic.help(
                "there is no catalog: give one with `--tools FILE`, as `tools` in the plan, or as tools.yaml beside it",
            );
        } else if names.len() <= 12 {
            let list: Vec<String> = names.iter().map(|name| shown(name)).collect();
            diagnostic = diagnostic.help(format!("it has {}", list.join(", ")));
        }
        self.collector.push(diagnostic);
    }

    /// `{"name", "args"}`: a call of the catalog's tool of that name.
    fn function_call(
        &mut self,
        id: &Arc<str>,
        draft: &mut DraftStep,
        place: &Range<usize>,
    ) -> Option<(Arc<str>, Range<usize>)> {
        let Kind::Object(members) = &draft.parameters.kind else {
            return None;
        };
        let find = |keys: &[&str]| members.iter().find(|member| keys.contains(&&*member.key));
        let name = find(&["name"]).and_then(|member| {
            let name = member.value.as_text()?;
            let literal = !name.contains("{{") && !name.starts_with("step:");
            literal.then(|| (Arc::<str>::from(name), member.value.span.clone()))
        });
        let Some(name) = name else {
            let place =
                find(&["name"]).map_or_else(|| place.clone(), |member| member.value.span.clone());
            self.collector.push(
                Diagnostic::new(
                    Severity::Error,
                    "missing_parameter",
                    "`function_call` needs the `name` of a tool, as a text without references",
                )
                .at(place)
                .step(Some(id)),
            );
            return None;
        };
        let arguments =
            find(&["args", "arguments", "parameters"]).map(|member| member.value.clone());
        let span = draft.parameters.span.clone();
        draft.parameters = match arguments {
            None => Node::object(Vec::new(), span),
            Some(arguments) => match arguments.kind {
                Kind::Object(_) | Kind::Text(_) => arguments,
                Kind::Null => Node::object(Vec::new(), span),
                _ => {
                    self.collector.push(
                        Diagnostic::new(
                            Severity::Error,
                            "wrong_type",
                            format!(
                                "the `args` of `function_call` must be an object, not {}",
                                arguments.type_name()
                            ),
                        )
                        .at(first_byte(&arguments.span))
                        .step(Some(id)),
                    );
                    Node::object(Vec::new(), span)
                }
            },
        };
        Some(name)
    }

    /// Arguments by position are named after the catalog's parameters; without a catalog one is `input`, and
    /// more are the list `args`.
    fn name_arguments(&mut self, id: &Arc<str>, tool: &str, draft: &mut DraftStep) {
        if draft.positional.is_empty() {
            return;
        }
        let positional = std::mem::take(&mut draft.positional);
        let names: Vec<&str> = self
            .tools
            .and_then(|tools| tools.schema(tool))
            .map(schema::parameter_names)
            .unwrap_or_default();
        let Kind::Object(members) = &mut draft.parameters.kind else {
            return;
        };
        let mut given: Vec<Member> = Vec::new();
        let member = |key: &str, value: Node| Member {
            key: key.into(),
            key_span: value.span.clone(),
            value,
        };
        if names.is_empty() {
            let mut positional = positional;
            if positional.len() == 1 {
                given.extend(positional.pop().map(|value| member("input", value)));
            } else {
                let span = draft.span.clone();
                given.push(member("args", Node::new(Kind::List(positional), span)));
            }
        } else {
            for (at, value) in positional.into_iter().enumerate() {
                match names.get(at) {
                    Some(name) if !members.iter().any(|member| *member.key == **name) => {
                        given.push(member(name, value));
                    }
                    Some(name) => self.collector.push(
                        Diagnostic::new(
                            Severity::Error,
                            "duplicate_key",
                            format!("the parameter {} is given twice", shown(name)),
                        )
                        .at(value.span)
                        .step(Some(id)),
                    ),
                    None => self.collector.push(
                        Diagnostic::new(
                            Severity::Error,
                            "too_many_arguments",
                            format!("{} takes {} arguments", shown(tool), names.len()),
                        )
                        .at(value.span)
                        .step(Some(id)),
                    ),
                }
            }
        }
        given.append(members);
        *members = given;
    }

    fn check_parameters(
        &mut self,
        tool: &str,
        id: &Arc<str>,
        draft: &DraftStep,
        template: &Template,
    ) {
        if tool == CODE_EXEC && self.tools.is_none_or(|tools| !tools.has(tool)) {
            if draft.parameters.as_object().is_some() && draft.parameters.get("code").is_none() {
                self.collector.push(
                    Diagnostic::new(
                        Severity::Error,
                        "missing_parameter",
                        "`code_exec` needs the parameter `code`",
                    )
                    .at(draft.place())
                    .step(Some(id)),
                );
            }
            return;
        }
        if let Some(schema) = self.tools.and_then(|tools| tools.schema(tool)) {
            let place = draft
                .tool
                .as_ref()
                .map_or_else(|| draft.place(), |tool| tool.span.clone());
            Checker {
                tool,
                step: id,
                place,
                collector: &mut self.collector,
            }
            .check(&draft.parameters, template, schema);
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

    /// Guessing looks at every name there is, so only the first faults get one.
    fn guess(&mut self, guess: impl FnOnce() -> Option<String>) -> Option<String> {
        if self.guesses >= MAX_GUESSES {
            return None;
        }
        self.guesses += 1;
        guess()
    }

    /// What a step waits for: what it names and what its references name.
    fn dependencies(&mut self, ix: StepIx, draft: &DraftStep, uses: &Uses) -> Box<[StepIx]> {
        let id = Arc::clone(self.ids.id(ix));
        let mut all = std::mem::take(&mut self.waits_for);
        for given in &draft.depends_on {
            let found = self.ids.find(&given.value).or_else(|| {
                // As a reference instead of an id: `step:a`, `#E1`, `$1`.
                ["step:", "#", "$"]
                    .into_iter()
                    .find_map(|prefix| self.ids.find(given.value.strip_prefix(prefix)?))
            });
            if let Some(step) = found {
                all.push(step);
                continue;
            }
            let mut diagnostic = Diagnostic::new(
                Severity::Error,
                "unknown_dependency",
                format!(
                    "step {} depends on {}, which the plan does not have",
                    shown(&id),
                    shown(&given.value)
                ),
            )
            .at(given.span.clone())
            .step(Some(&id));
            if let Some(near) = self.guess_step(&given.value) {
                diagnostic = diagnostic.help(format!("did you mean {near}?"));
            }
            self.collector.push(diagnostic);
        }
        let declared = all.len();
        let references_declare = self.syntax.declare || draft.synthesis;
        for (step, place) in &uses.steps {
            if all[..declared].contains(step) {
                continue;
            }
            all.push(*step);
            if !references_declare {
                let other = Arc::clone(self.ids.id(*step));
                self.collector.push(
                    Diagnostic::new(
                        Severity::Warning,
                        "undeclared_dependency",
                        format!(
                            "step {} refers to {} and does not name it in `depends_on`; it waits for it all the same",
                            shown(&id),
                            shown(&other)
                        ),
                    )
                    .at(place.clone())
                    .step(Some(&id)),
                );
            }
        }
        all.sort_unstable();
        all.dedup();
        let boxed = Box::from(all.as_slice());
        all.clear();
        self.waits_for = all;
        boxed
    }

    /// The final synthesis waits for every step that nothing else waits for.
    fn wire_synthesis(steps: &mut [Checked]) {
        let Some((last, others)) = steps.split_last_mut() else {
            return;
        };
        if !last.synthesis {
            return;
        }
        let own = StepIx(others.len() as u32);
        let mut waited_for = vec![false; others.len() + 1];
        for other in others.iter() {
            for dependency in &other.step.depends_on {
                waited_for[dependency.at()] = true;
            }
        }
        let mut all: Vec<StepIx> = (0..own.0)
            .map(StepIx)
            .filter(|ix| !waited_for[ix.at()])
            .chain(last.step.depends_on.iter().copied())
            .collect();
        all.sort_unstable();
        all.dedup();
        last.step.depends_on = all.into();
    }

    fn find_cycles(&mut self, steps: &mut [Checked]) {
        let dependencies: Vec<Box<[StepIx]>> = steps
            .iter_mut()
            .map(|checked| std::mem::take(&mut checked.step.depends_on))
            .collect();
        for cycle in cycles::cycles(&dependencies) {
            let Some(first) = cycle.first().copied() else {
                continue;
            };
            let mut names: Vec<String> = cycle
                .iter()
                .map(|step| visible(self.ids.id(*step), 60))
                .collect();
            if names.len() > 200 {
                let dropped = names.len() - 199;
                names.splice(199.., [format!("… ({dropped} more)")]);
            }
            names.push(visible(self.ids.id(first), 60));
            let id = Arc::clone(self.ids.id(first));
            let path = names.join(" → ");
            let (message, help) = if cycle.len() == 1 {
                (
                    format!("step {} waits for itself: {path}", shown(&id)),
                    "take out the dependency or the reference to itself",
                )
            } else {
                (
                    format!("these steps wait for each other: {path}"),
                    "one of these dependencies or references must go",
                )
            };
            self.collector.push(
                Diagnostic::new(Severity::Error, "cycle", message)
                    .at(steps[first.at()].place.clone())
                    .step(Some(&id))
                    .help(help),
            );
        }
        for (checked, dependencies) in steps.iter_mut().zip(dependencies) {
            checked.step.depends_on = dependencies;
        }
    }
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
