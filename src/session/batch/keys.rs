//! Whether a key stands twice in an input, in little memory.
//!
//! An item without a key of its own has its place as its key. No two places are alike, so only ranges of them are kept. Of
//! any other key eight bytes are kept: the number that it is, or a part of its hash. Where two of those are alike the input
//! is read once more, with an eye on these few.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

/// What is kept of a key.
#[derive(Clone, Copy)]
enum Short {
    Number(u64),
    Hash(u64),
}

impl Short {
    fn of(key: &str) -> Self {
        let number = key.parse::<u64>().ok();
        // `07` and `+7` are other keys than `7`.
        if let Some(number) = number.filter(|number| number.to_string() == key) {
            return Self::Number(number);
        }
        let mut short = [0; 8];
        short.copy_from_slice(&blake3::hash(key.as_bytes()).as_bytes()[..8]);
        Self::Hash(u64::from_le_bytes(short))
    }
}

/// The keys of an input so far.
#[derive(Default)]
pub(super) struct Keys {
    /// Items whose key is their place.
    places: Vec<Range<u64>>,
    numbers: Vec<u64>,
    hashes: Vec<u64>,
}

impl Keys {
    /// Takes in the key of the item at this place; each place is later than the one before.
    pub(super) fn add(&mut self, place: u64, key: &str) {
        match Short::of(key) {
            Short::Number(number) if number == place => push(&mut self.places, place),
            Short::Number(number) => self.numbers.push(number),
            Short::Hash(hash) => self.hashes.push(hash),
        }
    }

    /// The keys that may stand twice; `None` where none does.
    pub(super) fn suspects(self) -> Option<Suspects> {
        let Self {
            places,
            mut numbers,
            mut hashes,
        } = self;
        let mut suspects = Suspects {
            numbers: twice(&mut numbers),
            hashes: twice(&mut hashes),
            first: HashMap::new(),
        };
        let both = numbers.into_iter().filter(|number| is_in(&places, *number));
        suspects.numbers.extend(both);
        let is_clean = suspects.numbers.is_empty() && suspects.hashes.is_empty();
        (!is_clean).then_some(suspects)
    }
}

/// What stands more than once.
fn twice(all: &mut [u64]) -> HashSet<u64> {
    all.sort_unstable();
    let pairs = all.windows(2).filter(|pair| pair[0] == pair[1]);
    pairs.map(|pair| pair[0]).collect()
}

/// The keys of items that come one after another, each of which is judged at once. A key that is not the place of its item
/// takes about 40 bytes.
#[derive(Default)]
pub(super) struct SeenKeys {
    /// Items whose key is their place.
    places: Vec<Range<u64>>,
    /// The others, by half of their hash.
    first: HashMap<[u8; 16], u64>,
}

impl SeenKeys {
    /// The place of the item that has this key already; each place is later than the one before.
    pub(super) fn earlier(&mut self, place: u64, key: &str) -> Option<u64> {
        let number = match Short::of(key) {
            Short::Number(number) => Some(number),
            Short::Hash(_) => None,
        };
        if let Some(number) = number.filter(|number| is_in(&self.places, *number)) {
            return Some(number);
        }
        let mut short = [0; 16];
        short.copy_from_slice(&blake3::hash(key.as_bytes()).as_bytes()[..16]);
        if let Some(first) = self.first.get(&short) {
            return Some(*first);
        }
        if number == Some(place) {
            push(&mut self.places, place);
        } else {
            self.first.insert(short, place);
        }
        None
    }
}

/// Adds a place to ranges of earlier ones.
fn push(places: &mut Vec<Range<u64>>, place: u64) {
    match places.last_mut() {
        Some(last) if last.end == place => last.end += 1,
        _ => places.push(place..place + 1),
    }
}

fn is_in(places: &[Range<u64>], place: u64) -> bool {
    let after = places.partition_point(|range| range.end <= place);
    places
        .get(after)
        .is_some_and(|range| range.contains(&place))
}

/// The keys that may stand twice, and where each stands first.
pub(super) struct Suspects {
    numbers: HashSet<u64>,
    hashes: HashSet<u64>,
    first: HashMap<Arc<str>, u64>,
}

impl Suspects {
    /// The place of the item that has this key already.
    pub(super) fn earlier(&mut self, place: u64, key: &Arc<str>) -> Option<u64> {
        let is_suspect = match Short::of(key) {
            Short::Number(number) => self.numbers.contains(&number),
            Short::Hash(hash) => self.hashes.contains(&hash),
        };
        if !is_suspect {
            return None;
        }
        match self.first.entry(Arc::clone(key)) {
            Entry::Occupied(first) => Some(*first.get()),
            Entry::Vacant(free) => {
                free.insert(place);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key() -> impl Strategy<Value = Option<String>> {
        prop_oneof![
            Just(None),
            (0u64..12).prop_map(|number| Some(number.to_string())),
            (0u64..12).prop_map(|number| Some(format!("0{number}"))),
            "[ab]{0,2}".prop_map(Some),
        ]
    }

    proptest! {
        #[test]
        fn each_key_that_stands_twice_is_found_with_where_it_stood_first(keys in prop::collection::vec(key(), 0..12)) {
            let keys = (0u64..).zip(keys);
            let keys: Vec<(u64, Arc<str>)> = keys
                .map(|(place, key)| (place, key.unwrap_or_else(|| place.to_string()).into()))
                .collect();
            let mut known: HashMap<&str, u64> = HashMap::new();
            let mut all = Keys::default();
            let mut expected = Vec::new();
            for (place, key) in &keys {
                all.add(*place, key);
                match known.get(&**key) {
                    Some(first) => expected.push((*place, *first)),
                    None => drop(known.insert(key, *place)),
                }
            }
            let mut found = Vec::new();
            if let Some(mut suspects) = all.suspects() {
                for (place, key) in &keys {
                    found.extend(suspects.earlier(*place, key).map(|first| (*place, first)));
                }
            }
            prop_assert_eq!(&found, &expected);

            let mut seen = SeenKeys::default();
            let judged = keys.iter();
            let judged = judged.filter_map(|(place, key)| Some((*place, seen.earlier(*place, key)?)));
            prop_assert_eq!(judged.collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn places_as_keys_take_no_memory_and_other_keys_eight_bytes() {
        let mut keys = Keys::default();
        for place in 0..100_000 {
            keys.add(place, &place.to_string());
        }
        assert_eq!(
            (
                keys.places.len(),
                keys.numbers.capacity(),
                keys.hashes.capacity()
            ),
            (1, 0, 0)
        );
        for place in 100_000..200_000 {
            keys.add(place, &format!("receipt-{place}"));
        }
        assert_eq!((keys.places.len(), keys.hashes.len()), (1, 100_000));
        assert!(keys.suspects().is_none());
    }
}
