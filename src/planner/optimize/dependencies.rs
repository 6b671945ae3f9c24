//! Dependencies that nothing needs: no reference names the other step, and neither has side effects.

use super::purity::has_no_effects;
use super::{RewriteKind, Work};
use crate::plan::{Expectation, FINAL_SYNTHESIS, Mode, Root, Step, StepIx, Trigger};
use crate::tools::Catalog;

/// Drops one such dependency; false where there is none.
pub(super) fn drop_one(work: &mut Work, catalog: &Catalog) -> bool {
    let found = work.steps().find_map(|(ix, step)| {
        let of = step
            .depends_on
            .iter()
            .copied()
            .find(|of| is_false(work, catalog, ix, *of));
        of.map(|of| (ix, of))
    });
    let Some((ix, of)) = found else {
        return false;
    };
    let before = work.longest_path();
    let step = &mut work.steps[ix.at()];
    step.depends_on = step
        .depends_on
        .iter()
        .copied()
        .filter(|one| *one != of)
        .collect();
    let other = work.steps[of.at()].id.clone();
    let reason = format!(
        "it refers to nothing of {other}, and neither of them changes anything that the other could see"
    );
    work.record(RewriteKind::DropDependency, ix, of, reason, before);
    true
}

/// Whether `ix` waits for `of` without a need.
fn is_false(work: &Work, catalog: &Catalog, ix: StepIx, of: StepIx) -> bool {
    let (step, other) = (&work.steps[ix.at()], &work.steps[of.at()]);
    let is_plain = |step: &Step| {
        step.settings.mode == Mode::Parallel
            && step.settings.trigger == Trigger::AllSuccess
            && &*step.id != FINAL_SYNTHESIS
    };
    // What ends without a dependent is a part of the result.
    let stays_inside = work.dependents(of).any(|(other, _)| other != ix);
    // A step that is skipped skips what waits for it.
    let may_be_skipped = |one: &Step| one.run_if.is_some() || !is_plain(one);
    let ancestors = work.ancestors(of);
    is_plain(step)
        && is_plain(other)
        && has_no_effects(step, catalog)
        && has_no_effects(other, catalog)
        && stays_inside
        && !may_be_skipped(other)
        // Whoever waits for a step that is checked may rely on what it was checked for.
        && other.expect.is_empty()
        && other.approve.is_none()
        && !ancestors
            .iter()
            .any(|one| may_be_skipped(&work.steps[one.at()]))
        && !refers_to(step, of)
}

/// Whether anything in a step names another.
fn refers_to(step: &Step, of: StepIx) -> bool {
    let mut found = false;
    let mut visit = |root: &Root| found |= *root == Root::Step(of) || *root == Root::Outputs;
    step.parameters.roots(&mut visit);
    if let Some(list) = &step.for_each {
        list.roots(&mut visit);
    }
    let expected = step.expect.iter().filter_map(Expectation::as_expression);
    let asked = [&step.run_if, &step.approve].into_iter().flatten();
    for expression in asked.map(|one| &**one).chain(expected) {
        expression.roots.iter().for_each(&mut visit);
    }
    // Fields that are not known may hold anything.
    let id = &*step.id;
    found || !step.settings.extra.is_empty() || id == FINAL_SYNTHESIS
}
