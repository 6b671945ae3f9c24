//! Shares the allocations of short texts that are repeated in a plan (keys, names of tools, ids).

use std::sync::Arc;

/// Longer texts are rarely repeated.
const LONGEST: usize = 40;
/// A power of two.
const SLOTS: usize = 256;

/// The short texts that were read last.
pub(super) struct SharedText {
    slots: Box<[Option<Arc<str>>]>,
}

impl Default for SharedText {
    fn default() -> Self {
        Self {
            slots: vec![None; SLOTS].into(),
        }
    }
}

impl SharedText {
    /// The text, in the same allocation as before where it was read recently.
    pub(super) fn get(&mut self, text: &str) -> Arc<str> {
        if text.len() > LONGEST {
            return text.into();
        }
        // FNV-1a distributes a few hundred short names well enough.
        let hash = text.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        });
        let at = (hash ^ (hash >> 16)) as usize % SLOTS;
        let Some(slot) = self.slots.get_mut(at) else {
            return text.into();
        };
        match slot {
            Some(known) if **known == *text => Arc::clone(known),
            _ => Arc::clone(slot.insert(text.into())),
        }
    }
}
