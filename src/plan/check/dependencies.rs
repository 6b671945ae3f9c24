//! What steps wait for, and steps that wait for each other.

use super::{Check, Checked, Uses};
use crate::plan::cycles;
use crate::plan::diagnostic::{Diagnostic, Severity, shown};
use crate::plan::draft_plan::DraftStep;
use crate::plan::ids::StepIx;
use crate::text::visible;
use std::sync::Arc;

impl Check<'_> {
    /// The dependencies of a step: those that it declares and those of its references.
    pub(super) fn dependencies(
        &mut self,
        ix: StepIx,
        draft: &DraftStep,
        uses: &Uses,
    ) -> Arc<[StepIx]> {
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
        let waits_for = Arc::from(all.as_slice());
        all.clear();
        self.waits_for = all;
        waits_for
    }

    /// The final synthesis waits for every step that nothing else waits for.
    pub(super) fn wire_synthesis(steps: &mut [Checked]) {
        let Some((last, others)) = steps.split_last_mut() else {
            return;
        };
        if !last.synthesis {
            return;
        }
        let own = StepIx(others.len() as u32);
        let mut waited_for = vec![false; others.len() + 1];
        for other in others.iter() {
            for dependency in other.step.depends_on.iter() {
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

    pub(super) fn find_cycles(&mut self, steps: &mut [Checked]) {
        let dependencies: Vec<Arc<[StepIx]>> = steps
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
