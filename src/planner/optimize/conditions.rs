//! Conditions that hold for more than their step: a call whose output only a conditional step takes needs not be made
//! where the condition is false.

use super::purity::has_no_effects;
use super::{RewriteKind, Work};
use crate::plan::{FINAL_SYNTHESIS, Mode, Root, Step, StepIx, Trigger};
use crate::tools::Catalog;

/// Moves one condition up by one step; false where none can move.
pub(super) fn move_one(work: &mut Work, catalog: &Catalog) -> bool {
    let found = work.steps().find_map(|(ix, step)| {
        let of = step
            .depends_on
            .iter()
            .copied()
            .find(|of| can_move(work, catalog, ix, *of));
        of.map(|of| (ix, of))
    });
    let Some((ix, of)) = found else {
        return false;
    };
    let before = work.longest_path();
    let condition = work.steps[ix.at()].run_if.clone();
    let mut depends_on = work.steps[of.at()].depends_on.to_vec();
    for root in condition
        .iter()
        .flat_map(|condition| condition.roots.iter())
    {
        if let Root::Step(root) = root {
            depends_on.push(*root);
        }
    }
    depends_on.sort_unstable();
    depends_on.dedup();
    let (id, source) = (
        work.steps[ix.at()].id.clone(),
        condition
            .as_ref()
            .map(|one| one.source.to_string())
            .unwrap_or_default(),
    );
    let above = &mut work.steps[of.at()];
    above.depends_on = depends_on.into();
    above.run_if = condition;
    let reason = format!("only {id} takes its output, and {id} runs only where {source}");
    work.record(RewriteKind::MoveCondition, of, ix, reason, before);
    true
}

/// Whether the condition of `ix` can hold for `of` too.
fn can_move(work: &Work, catalog: &Catalog, ix: StepIx, of: StepIx) -> bool {
    let (step, above) = (&work.steps[ix.at()], &work.steps[of.at()]);
    let Some(condition) = &step.run_if else {
        return false;
    };
    let is_plain = |step: &Step| {
        step.settings.trigger == Trigger::AllSuccess
            && step.settings.mode == Mode::Parallel
            && step.for_each.is_none()
            && step.settings.extra.is_empty()
            && &*step.id != FINAL_SYNTHESIS
    };
    let ancestors = work.ancestors(of);
    // What the condition needs is there before, so that nothing waits for longer.
    let is_known = condition.roots.iter().all(|root| match root {
        Root::Context(_) => true,
        Root::Step(root) => ancestors.contains(root),
        Root::Item | Root::Index | Root::Outputs | Root::Own(_) => false,
    });
    is_plain(step)
        && is_plain(above)
        && above.run_if.is_none()
        && has_no_effects(above, catalog)
        && work.dependents(of).all(|(other, _)| other == ix)
        && is_known
}
