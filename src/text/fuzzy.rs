//! Finding by a few typed letters: which texts match, how well, and which of their characters to light.
//!
//! The words of a query may stand in any order, and each has to be found in one of the fields of a candidate
//! as a subsequence. Runs of letters and beginnings of words count more than scattered ones. Only the
//! beginning of a field is looked at, so that a huge text costs no more than a long one.

use std::cmp::Reverse;

/// Characters of a field that are looked at.
const LOOKED_AT: usize = 256;
/// Characters from which a field is prose: scattered letters are in any of them, so only a whole run counts.
const PROSE: usize = 48;
/// For each letter that is found.
const FOUND: i32 = 16;
/// For a letter that follows the one before it.
const ADJACENT: i32 = 14;
/// For the beginning of a word, and for the beginning of the field.
const WORD: i32 = 10;
const FIRST: i32 = 14;
/// For the first letter of a gap, and for each further one.
const GAP: i32 = 4;
const WIDER: i32 = 1;
/// Less than any real score.
const NONE: i32 = i32::MIN / 2;

/// What somebody typed, ready to be held against many texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    words: Vec<Vec<char>>,
}

/// How well a candidate matches, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The higher the better; comparable among the candidates of one query.
    pub score: i32,
    /// The characters that were found, in order: the field, and the position in it counted in characters.
    pub places: Vec<(usize, usize)>,
}

impl Found {
    /// The positions in one of the fields.
    pub fn in_field(&self, field: usize) -> impl Iterator<Item = usize> + '_ {
        let places = self.places.iter();
        places
            .filter(move |(of, _)| *of == field)
            .map(|(_, at)| *at)
    }
}

impl Query {
    /// The query in `typed`; upper and lower case are alike.
    pub fn new(typed: &str) -> Self {
        let words = typed.split_whitespace();
        Self {
            words: words
                .map(|word| word.chars().map(lower).collect())
                .collect(),
        }
    }

    /// Whether it has no words: it matches everything.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Holds the query against the fields of a candidate; of two fields that match a word equally well the
    /// earlier one counts. `None` where a word is in none of them.
    pub fn find(&self, fields: &[&str]) -> Option<Found> {
        let mut found = Found::default();
        if self.words.is_empty() {
            return Some(found);
        }
        let fields: Vec<Vec<char>> = fields
            .iter()
            .map(|field| field.chars().take(LOOKED_AT).collect())
            .collect();
        for word in &self.words {
            let matches = fields.iter().enumerate().filter_map(|(at, field)| {
                let (score, places) = align(word, field)?;
                Some((score, Reverse(at), places))
            });
            let (score, Reverse(field), places) =
                matches.max_by_key(|(score, at, _)| (*score, *at))?;
            found.score += score;
            found
                .places
                .extend(places.into_iter().map(|at| (field, at)));
        }
        found.places.sort_unstable();
        found.places.dedup();
        Some(found)
    }

    /// The positions of the candidates that match, the best first; those that match equally well, and all of
    /// them where nothing was typed, stay in their order.
    pub fn rank<'a, const FIELDS: usize>(
        &self,
        candidates: impl IntoIterator<Item = [&'a str; FIELDS]>,
    ) -> Vec<(usize, Found)> {
        let candidates = candidates.into_iter().enumerate();
        let mut ranked: Vec<(usize, Found)> = candidates
            .filter_map(|(at, fields)| Some((at, self.find(&fields)?)))
            .collect();
        ranked.sort_by_key(|(_, found)| Reverse(found.score));
        ranked
    }
}

fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

/// The best way to find the letters of `word` in `text` in their order: its score and the positions.
fn align(word: &[char], text: &[char]) -> Option<(i32, Vec<usize>)> {
    let folded: Vec<char> = text.iter().copied().map(lower).collect();
    if text.len() >= PROSE {
        return run_in(word, text, &folded);
    }
    let mut rest = folded.iter();
    if !word.iter().all(|letter| rest.any(|c| c == letter)) {
        return None;
    }
    let width = folded.len();
    // best[i][j]: the letters up to i found, the last of them at j; from[i][j]: where the one before it is.
    let mut best = vec![NONE; word.len() * width];
    let mut from = vec![0; word.len() * width];
    for (i, letter) in word.iter().enumerate() {
        // The best place of the letter before, with what the gap from there has cost.
        let mut far: (i32, usize) = (NONE, 0);
        for j in 0..width {
            if folded[j] == *letter {
                let worth = FOUND + place_worth(text, j);
                let before = (i > 0 && j > 0).then(|| best[(i - 1) * width + j - 1]);
                let (score, back) = match before {
                    None if i > 0 => (NONE, 0),
                    None => (0, 0),
                    Some(near) if near + ADJACENT >= far.0 => (near + ADJACENT, j - 1),
                    Some(_) => far,
                };
                if score > NONE / 2 {
                    best[i * width + j] = score + worth;
                    from[i * width + j] = back;
                }
            }
            if i > 0 && j > 0 {
                let near = best[(i - 1) * width + j - 1] - GAP;
                far = (far.0 - WIDER, far.1).max((near, j - 1));
            }
        }
    }
    let last = &best[(word.len() - 1) * width..];
    let (mut at, score) = last
        .iter()
        .copied()
        .enumerate()
        .max_by_key(|(at, score)| (*score, Reverse(*at)))?;
    let mut places = vec![at];
    for i in (1..word.len()).rev() {
        at = from[i * width + at];
        places.push(at);
    }
    places.reverse();
    // Among texts that match alike the shorter one is more likely meant.
    Some((score - (width as i32 / 16), places))
}

/// The best place of the whole of `word` in prose.
fn run_in(word: &[char], text: &[char], folded: &[char]) -> Option<(i32, Vec<usize>)> {
    let starts = folded.windows(word.len()).enumerate();
    let starts = starts.filter(|(_, letters)| *letters == word);
    let worth = |at: usize| {
        let letters = (at..at + word.len()).map(|at| FOUND + place_worth(text, at));
        letters.sum::<i32>() + ADJACENT * (word.len() as i32 - 1) - text.len() as i32 / 16
    };
    let best = starts
        .map(|(at, _)| (worth(at), Reverse(at)))
        .max_by_key(|best| *best);
    let (score, Reverse(at)) = best?;
    Some((score, (at..at + word.len()).collect()))
}

/// What a place is worth by itself.
fn place_worth(text: &[char], at: usize) -> i32 {
    let Some(before) = at.checked_sub(1).map(|before| text[before]) else {
        return FIRST;
    };
    let here = text[at];
    let begins = !before.is_alphanumeric() && here.is_alphanumeric();
    let hump = before.is_lowercase() && here.is_uppercase();
    let number = !before.is_numeric() && here.is_numeric();
    if begins || hump || number { WORD } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(query: &str, text: &str) -> Option<Vec<usize>> {
        let found = Query::new(query).find(&[text])?;
        Some(found.in_field(0).collect())
    }

    fn order<'a>(query: &str, texts: &[&'a str]) -> Vec<&'a str> {
        let ranked = Query::new(query).rank(texts.iter().map(|text| [*text]));
        ranked.into_iter().map(|(at, _)| texts[at]).collect()
    }

    #[test]
    fn letters_are_found_in_order_whatever_their_case() {
        assert_eq!(places("rcp", "Receipt"), Some(vec![0, 2, 5]));
        assert_eq!(places("RECEIPT", "receipt"), Some((0..7).collect()));
        assert_eq!(places("pcr", "receipt"), None);
        assert_eq!(places("", "receipt"), Some(vec![]));
        assert_eq!(places("x", ""), None);
    }

    #[test]
    fn runs_and_beginnings_of_words_are_preferred() {
        assert_eq!(places("cat", "c_a_t cat"), Some(vec![6, 7, 8]));
        assert_eq!(places("fs", "fetch_used_stats"), Some(vec![0, 11]));
        assert_eq!(
            order("stat", &["restate", "s_t_a_t", "fetch_stats", "stats"]),
            ["stats", "fetch_stats", "restate", "s_t_a_t"]
        );
        assert_eq!(
            order("plan", &["plan of a very long name indeed", "plan"]),
            ["plan", "plan of a very long name indeed"]
        );
    }

    #[test]
    fn words_stand_in_any_order_and_any_field() {
        let query = Query::new("failed rec");
        let found = query.find(&["receipt", "failed yesterday"]).unwrap();
        assert_eq!(found.in_field(0).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(
            found.in_field(1).collect::<Vec<_>>(),
            (0..6).collect::<Vec<_>>()
        );
        assert_eq!(query.find(&["receipt", "succeeded"]), None);
    }

    #[test]
    fn in_prose_only_whole_runs_count() {
        let prose = "support mail is split, classified, rated and put into an order";
        assert_eq!(places("peaks", prose), None);
        assert_eq!(places("rat", prose), Some(vec![35, 36, 37]));
        assert_eq!(
            order("mail", &[prose, "mail"]),
            ["mail", prose],
            "a name before prose"
        );
        assert_eq!(places(&"x".repeat(300), prose), None);
    }

    #[test]
    fn nothing_typed_keeps_the_order() {
        assert_eq!(order("", &["b", "a"]), ["b", "a"]);
        assert_eq!(order("  ", &["b", "a"]), ["b", "a"]);
    }

    #[test]
    fn the_best_alignment_is_found() {
        // Against every alignment there is, on short random texts.
        let seed = 7;
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..2_000 {
            let mut letters = |most: usize| -> Vec<char> {
                let count = random.usize(1..=most);
                (0..count)
                    .map(|_| ['a', 'b', '_', 'A'][random.usize(..4)])
                    .collect()
            };
            let text = letters(9);
            let word: Vec<char> = letters(3).into_iter().map(lower).collect();
            let all = every_alignment(&word, &text, 0, None);
            let best = all.iter().max().map(|score| score - text.len() as i32 / 16);
            let found = align(&word, &text).map(|(score, _)| score);
            assert_eq!(found, best, "seed {seed}: {word:?} in {text:?}");
        }
    }

    fn every_alignment(
        word: &[char],
        text: &[char],
        from: usize,
        before: Option<usize>,
    ) -> Vec<i32> {
        let Some((letter, rest)) = word.split_first() else {
            return vec![0];
        };
        let mut scores = Vec::new();
        for at in (from..text.len()).filter(|at| lower(text[*at]) == *letter) {
            let step = match before {
                None => 0,
                Some(before) if before + 1 == at => ADJACENT,
                Some(before) => -GAP - WIDER * (at - before - 2) as i32,
            };
            let here = FOUND + place_worth(text, at) + step;
            let after = every_alignment(rest, text, at + 1, Some(at));
            scores.extend(after.into_iter().map(|score| score + here));
        }
        scores
    }
}
