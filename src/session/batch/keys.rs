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
            Short::Number(number) if number == place => match self.places.last_mut() {
                Some(last) if last.end == place => last.end += 1,
                _ => self.places.push(place..place + 1),
            },
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
        let is_place = |number: &u64| {
            let after = places.partition_point(|range| range.end <= *number);
            places
                .get(after)
                .is_some_and(|range| range.contains(number))
        };
        let places = numbers.into_iter().filter(is_place);
        suspects.numbers.extend(places);
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
            prop_assert_eq!(found, expected);
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
