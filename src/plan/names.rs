//! The ids of a plan, and what somebody probably meant.

use super::StepIx;
use std::collections::HashMap;
use std::sync::Arc;

/// Step ids and their positions.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    positions: HashMap<Arc<str>, StepIx>,
    ids: Vec<Arc<str>>,
    /// Whether an id holds a character that ends a name in a reference.
    compound: bool,
}

impl Names {
    /// Takes an id at the next position; false where the plan has it already.
    pub fn add(&mut self, id: &Arc<str>) -> bool {
        let ix = StepIx(self.ids.len() as u32);
        self.ids.push(Arc::clone(id));
        self.compound |= id.contains(['.', '[']);
        match self.positions.entry(Arc::clone(id)) {
            std::collections::hash_map::Entry::Occupied(_) => false,
            std::collections::hash_map::Entry::Vacant(slot) => {
                slot.insert(ix);
                true
            }
        }
    }

    pub fn find(&self, id: &str) -> Option<StepIx> {
        self.positions.get(id).copied()
    }

    pub fn id(&self, ix: StepIx) -> &Arc<str> {
        &self.ids[ix.at()]
    }

    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.ids.iter().map(|id| &**id)
    }

    /// The longest id that `text` begins with and that ends where a name can end; and its length.
    pub fn leading(&self, text: &str) -> Option<(StepIx, usize)> {
        let mut found = None;
        // An id with hundreds of dots is nobody's; without a bound a long path costs its square.
        for (at, _) in text.match_indices(['.', '[']).take(32) {
            if let Some(ix) = self.find(&text[..at]) {
                found = Some((ix, at));
            }
            if !self.compound {
                return found;
            }
        }
        match self.find(text) {
            Some(ix) => Some((ix, text.len())),
            None => found,
        }
    }
}

/// The candidate that `given` was probably meant to be.
pub(super) fn closest<'a>(
    given: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let length = given.chars().count();
    if length == 0 || length > 100 {
        return None;
    }
    let lowered = given.to_lowercase();
    candidates
        .into_iter()
        .take(20_000)
        .filter(|candidate| candidate.len().abs_diff(given.len()) <= 12)
        .map(|candidate| (likeness(&lowered, &candidate.to_lowercase()), candidate))
        .filter(|(likeness, _)| *likeness >= 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

fn likeness(given: &str, candidate: &str) -> f64 {
    let edits = strsim::normalized_damerau_levenshtein(given, candidate);
    // `extract` for `extract_text`: a part of the name is a likely slip too.
    let contained = given.len() >= 4
        && candidate.len() >= 4
        && (candidate.contains(given) || given.contains(candidate));
    if contained { edits.max(0.75) } else { edits }
}

/// How much the likeliest id looks like `given`, from 0 to 1.
pub(super) fn likeness_to(names: &Names, given: &str) -> f64 {
    closest(given, names.ids()).map_or(0.0, |near| {
        strsim::normalized_damerau_levenshtein(&given.to_lowercase(), &near.to_lowercase())
    })
}
