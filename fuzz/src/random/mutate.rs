//! New inputs from those there are.

use fastrand::Rng;

/// Longest input.
const LONGEST: usize = 64 * 1024;

/// An input of the corpus with some changes.
pub fn mutated(corpus: &[Vec<u8>], words: &[&str], rng: &mut Rng) -> Vec<u8> {
    let mut input = corpus[rng.usize(..corpus.len())].clone();
    for _ in 0..rng.usize(1..=6) {
        change(&mut input, corpus, words, rng);
    }
    input.truncate(LONGEST);
    input
}

fn change(input: &mut Vec<u8>, corpus: &[Vec<u8>], words: &[&str], rng: &mut Rng) {
    let at = rng.usize(..=input.len());
    let end = (at + rng.usize(..=input.len().min(64))).min(input.len());
    match rng.u8(..10) {
        0 if at < input.len() => input[at] ^= 1 << rng.u8(..8),
        1 if at < input.len() => input[at] = rng.u8(..),
        2 => drop(input.drain(at..end)),
        3 => input.truncate(at),
        // Some part again, seldom many times.
        4 => {
            let times = if rng.u8(..16) == 0 {
                400
            } else {
                rng.usize(1..4)
            };
            let part = input[at..end].repeat(times);
            insert(input, at, &part);
        }
        // The end of another input.
        5 => {
            let other = &corpus[rng.usize(..corpus.len())];
            input.truncate(at);
            input.extend_from_slice(&other[rng.usize(..=other.len())..]);
        }
        // A part of another input.
        6 => {
            let other = &corpus[rng.usize(..corpus.len())];
            let from = rng.usize(..=other.len());
            let to = (from + rng.usize(..64)).min(other.len());
            insert(input, at, &other[from..to]);
        }
        // A word of the language in place of something, or nested.
        7 => {
            let word = words[rng.usize(..words.len())].as_bytes();
            let end = if rng.bool() { at } else { end };
            input.splice(at..end, word.iter().copied());
        }
        8 => {
            let word = words[rng.usize(..words.len())].as_bytes();
            let times = if rng.u8(..8) == 0 {
                3000
            } else {
                rng.usize(1..20)
            };
            insert(input, at, &word.repeat(times));
        }
        _ => {
            let bytes: Vec<u8> = (0..rng.usize(1..9)).map(|_| rng.u8(..)).collect();
            insert(input, at, &bytes);
        }
    }
}

fn insert(input: &mut Vec<u8>, at: usize, part: &[u8]) {
    let room = LONGEST.saturating_sub(input.len());
    let part = &part[..part.len().min(room)];
    input.splice(at..at, part.iter().copied());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_inputs_again_and_they_differ() {
        let corpus = [b"steps: [1, 2]".to_vec(), b"{}".to_vec()];
        let inputs = |seed| {
            let mut rng = Rng::with_seed(seed);
            let inputs: Vec<_> = (0..200)
                .map(|_| mutated(&corpus, &["{{", "null"], &mut rng))
                .collect();
            inputs
        };
        assert_eq!(inputs(3), inputs(3));
        assert_ne!(inputs(3), inputs(4));
        assert!(inputs(3).iter().all(|input| input.len() <= LONGEST));
    }
}
