//! Finding by a few typed letters: which texts match, how well, and which of their characters to highlight.
//!
//! The words of a query may be in any order, and each has to be found in one of the fields of a candidate
//! as a subsequence. Runs of letters and beginnings of words count more than scattered ones. One word is aligned
//! with one field by `frizbee`; words, fields and prose are handled here. Only the beginning of a field is looked
//! at, so that a huge text costs no more than a long one.

use frizbee::{CaseMatching, Config, Matcher, Matching, Scoring};
use std::cmp::Reverse;

/// Characters of a field that are looked at.
const LOOKED_AT: usize = 256;
/// Characters from which a field is prose: scattered letters are in any of them, so only a whole run counts.
const PROSE: usize = 48;
/// Characters that cost a field one point: of texts that match alike the shorter one is more likely meant.
const PER_POINT: usize = 16;
/// A gap costs more than the beginning of a word is worth, so that runs are preferred. A letter is worth more than
/// several wide gaps: an alignment that leaves one out for a better place of the others would score higher otherwise.
const SCORING: Scoring = Scoring {
    match_score: 200,
    mismatch_penalty: 60,
    gap_open_penalty: 18,
    gap_extend_penalty: 1,
    prefix_bonus: 14,
    capitalization_bonus: 10,
    matching_case_bonus: 0,
    exact_match_bonus: 1,
    delimiter_bonus: 10,
};

/// What the user typed, ready to be compared with many texts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    words: Vec<Word>,
}

/// One word of a query, with what finds it.
#[derive(Clone, Debug)]
struct Word {
    /// Its characters.
    letters: Vec<char>,
    /// As a subsequence, for short fields.
    scattered: Matcher,
    /// As a whole run, for prose.
    run: Matcher,
}

/// How well a candidate matches, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(unnameable_types, reason = "only the dashboard has it in its state")]
pub struct Found {
    /// The higher the better; comparable among the candidates of one query.
    pub score: i32,
    /// The characters that were found, in order: the field, and the position in it counted in characters.
    pub places: Vec<(usize, usize)>,
}

impl Found {
    /// The positions in one of the fields.
    pub(crate) fn in_field(&self, field: usize) -> impl Iterator<Item = usize> + '_ {
        let places = self.places.iter();
        places
            .filter(move |(of, _)| *of == field)
            .map(|(_, at)| *at)
    }
}

impl Word {
    fn new(word: &str) -> Self {
        let config = Config::default()
            .casing(CaseMatching::Ignore)
            .scoring(SCORING);
        Self {
            letters: word.chars().collect(),
            scattered: Matcher::new(word, &config),
            run: Matcher::new(word, &config.matching(Matching::Substring)),
        }
    }

    /// How well the field matches, and the positions in it, in order.
    fn find(&mut self, field: &Field<'_>) -> Option<(i32, Vec<usize>)> {
        let shorter = (field.length / PER_POINT) as i32;
        if field.by_words {
            return self.find_word(field, shorter);
        }
        let matcher = if field.length < PROSE {
            &mut self.scattered
        } else {
            &mut self.run
        };
        let found = matcher.match_one_indices(field.text, 0)?;
        // Every matched byte is reported, the last first.
        let bytes = found.indices.iter().rev();
        let mut places: Vec<usize> = bytes.map(|at| field.position(*at as usize)).collect();
        places.dedup();
        // On some processors the places of characters of several bytes are missing.
        if places.len() < self.letters.len() {
            places = self.first_places(field.text)?;
        }
        Some((i32::from(found.score) - shorter, places))
    }

    /// The first places in a text where the characters follow one another; `None` where they do not.
    fn first_places(&self, text: &str) -> Option<Vec<usize>> {
        let mut rest = text.chars().enumerate();
        let mut place_of = |wanted: &char| {
            let same = |other: char| other.to_lowercase().eq(wanted.to_lowercase());
            rest.find(|(_, other)| same(*other)).map(|(at, _)| at)
        };
        self.letters.iter().map(&mut place_of).collect()
    }

    /// The same where a word of the field has to begin with what was typed.
    fn find_word(&mut self, field: &Field<'_>, shorter: i32) -> Option<(i32, Vec<usize>)> {
        field.words().find_map(|start| {
            let rest = field.text.get(start..)?;
            let found = self.run.match_one_indices(rest, 0)?;
            let bytes = found.indices.iter().rev();
            let mut places: Vec<usize> = bytes
                .map(|at| field.position(start + *at as usize))
                .collect();
            places.dedup();
            let begins = places.first() == Some(&field.position(start));
            begins.then(|| (i32::from(found.score) - shorter, places))
        })
    }
}

/// What is searched in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Text<'a> {
    /// A name, or prose where it is long.
    Short(&'a str),
    /// A description, however short: what is typed has to begin one of its words.
    Prose(&'a str),
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self::Short(text)
    }
}

/// The part of a field that is looked at.
struct Field<'a> {
    text: &'a str,
    /// In characters.
    length: usize,
    /// Whether it is said to be prose, so that words count from their beginnings.
    by_words: bool,
}

impl<'a> Field<'a> {
    fn new(text: Text<'a>) -> Self {
        let (text, by_words) = match text {
            Text::Short(text) => (text, false),
            Text::Prose(text) => (text, true),
        };
        let end = text.char_indices().nth(LOOKED_AT);
        let text = end.map_or(text, |(end, _)| &text[..end]);
        let length = text.chars().count();
        Self {
            text,
            length,
            by_words,
        }
    }

    /// Where its words begin.
    fn words(&self) -> impl Iterator<Item = usize> + '_ {
        let mut within = false;
        self.text.char_indices().filter_map(move |(at, c)| {
            let begins = !within && c.is_alphanumeric();
            within = c.is_alphanumeric();
            begins.then_some(at)
        })
    }

    /// The position in characters of the one that has this byte.
    fn position(&self, byte: usize) -> usize {
        if self.length == self.text.len() {
            return byte;
        }
        let mut starts = self.text.char_indices().skip(1);
        let after = starts.position(|(start, _)| start > byte);
        after.unwrap_or(self.length.saturating_sub(1))
    }
}

impl Query {
    /// The query in `typed`; upper and lower case are alike.
    pub(crate) fn new(typed: &str) -> Self {
        Self {
            words: typed.split_whitespace().map(Word::new).collect(),
        }
    }

    /// Whether it has no words: it matches everything.
    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Compares the query with the fields of a candidate; of two fields that match a word equally well the
    /// earlier one counts. `None` where a word is in none of them.
    pub(crate) fn find<'a, T>(&mut self, fields: &[T]) -> Option<Found>
    where
        T: Copy + Into<Text<'a>>,
    {
        let mut found = Found::default();
        let fields = fields.iter().map(|text| Field::new((*text).into()));
        let fields: Vec<Field<'_>> = fields.collect();
        for word in &mut self.words {
            let matches = fields.iter().enumerate().filter_map(|(at, field)| {
                let (score, places) = word.find(field)?;
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
    pub(crate) fn rank<'a, T, const FIELDS: usize>(
        &mut self,
        candidates: impl IntoIterator<Item = [T; FIELDS]>,
    ) -> Vec<(usize, Found)>
    where
        T: Copy + Into<Text<'a>>,
    {
        let candidates = candidates.into_iter().enumerate();
        let mut ranked: Vec<(usize, Found)> = candidates
            .filter_map(|(at, fields)| Some((at, self.find(&fields)?)))
            .collect();
        ranked.sort_by_key(|(_, found)| Reverse(found.score));
        ranked
    }
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
        let mut query = Query::new("failed rec");
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
    fn a_description_is_found_by_the_beginnings_of_its_words() {
        let place = |word: &str, text| {
            let found = Query::new(word).find(&[Text::Prose(text)])?;
            Some(found.in_field(0).collect::<Vec<_>>())
        };
        let text = "centre the selected step";
        assert_eq!(place("theme", text), None);
        assert_eq!(place("entre", text), None);
        assert_eq!(place("SEL", text), Some(vec![11, 12, 13]));
        assert_eq!(
            place("step", "a misstep, then a step"),
            Some((18..22).collect())
        );
        assert_eq!(place("é", "la été"), Some(vec![3]));
    }

    #[test]
    fn nothing_typed_keeps_the_order() {
        assert_eq!(order("", &["b", "a"]), ["b", "a"]);
        assert_eq!(order("  ", &["b", "a"]), ["b", "a"]);
    }

    #[test]
    fn what_is_found_spells_the_word() {
        let seed = 7;
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..2_000 {
            let mut letters = |most: usize| -> String {
                let count = random.usize(1..=most);
                (0..count)
                    .map(|_| ['a', 'b', '_', 'A', 'é', '日'][random.usize(..6)])
                    .collect()
            };
            let (text, word) = (letters(PROSE - 1), letters(5));
            let mut rest = text.chars();
            let same = |a: char, b: char| a.to_lowercase().eq(b.to_lowercase());
            let is_in = word.chars().all(|c| rest.any(|other| same(c, other)));
            let found = places(&word, &text);
            assert_eq!(found.is_some(), is_in, "seed {seed}: {word} in {text}");
            let Some(found) = found else { continue };
            assert!(found.is_sorted_by(|a, b| a < b), "{found:?}");
            let letters: Vec<char> = text.chars().collect();
            let spelt: String = found.iter().map(|at| letters[*at]).collect();
            assert_eq!(
                spelt.to_lowercase(),
                word.to_lowercase(),
                "seed {seed}: {word} in {text}"
            );
        }
    }

    #[test]
    fn positions_count_characters() {
        assert_eq!(places("plan", "日本 plan"), Some(vec![3, 4, 5, 6]));
        assert_eq!(places("É", "café"), Some(vec![3]));
        let far = format!("{}é", "-".repeat(LOOKED_AT));
        assert_eq!(places("é", &far), None);
    }
}
