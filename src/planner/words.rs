//! The words of names and sentences, in the form in which they are compared.

use bm25::Tokenizer;
use rust_stemmers::{Algorithm, Stemmer};

/// Words that say nothing about what a tool does.
const STOP_WORDS: [&str; 58] = [
    "a", "all", "an", "and", "any", "are", "as", "at", "be", "been", "by", "can", "do", "does",
    "each", "every", "for", "from", "has", "have", "how", "i", "in", "into", "is", "it", "its",
    "me", "my", "of", "on", "one", "or", "our", "out", "please", "so", "than", "that", "the",
    "their", "them", "then", "there", "these", "they", "this", "those", "to", "us", "was", "were",
    "what", "which", "will", "with", "you", "your",
];

/// Words that name the same thing in parameters; the first of each list stands for all.
const ALIKE: [&[&str]; 7] = [
    &["text", "content", "body", "string"],
    &["url", "uri", "link", "href"],
    &["path", "file", "filename", "filepath"],
    &["query", "question", "search", "q"],
    &["count", "limit", "n", "amount_of"],
    &["list", "items", "rows", "entries", "elements"],
    &["category", "label", "class"],
];

/// The words of a text in lower case: of `receiptText`, `receipt_text` and `Receipt text` alike, `receipt` and `text`.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut last_is_lower = false;
    for c in text.chars() {
        if !c.is_alphanumeric() || (last_is_lower && c.is_uppercase()) {
            words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        last_is_lower = c.is_lowercase();
    }
    words.extend((!word.is_empty()).then_some(word));
    words
}

/// Whether a word says something about what a tool does.
pub(super) fn is_telling(word: &str) -> bool {
    !STOP_WORDS.contains(&word)
}

/// The stems of the words of a text that say something.
pub(super) fn stems(text: &str) -> Vec<String> {
    let stemmer = Stemmer::create(Algorithm::English);
    let words = words(text).into_iter().filter(|word| is_telling(word));
    words
        .map(|word| {
            let stem = stemmer.stem(&word);
            // `category` and `categorize`, `summary` and `summarise` have stems that differ in these letters.
            let stem = stem.strip_suffix('i').unwrap_or(&stem);
            match stem.strip_suffix("is").filter(|rest| rest.len() > 4) {
                Some(rest) => rest.to_owned(),
                None => stem.to_owned(),
            }
        })
        .collect()
}

/// The stems of the words of a name, with one word for those that name the same thing.
pub(super) fn name_stems(name: &str) -> Vec<String> {
    let same = |word: String| {
        let alike = ALIKE.iter().find(|alike| alike.contains(&&*word));
        alike.map_or(word, |alike| alike[0].to_owned())
    };
    let words = words(name).into_iter().map(same).collect::<Vec<_>>();
    stems(&words.join(" "))
}

/// Splits texts into stems for BM25.
#[derive(Debug, Default)]
pub(super) struct Stems;

impl Tokenizer for Stems {
    fn tokenize(&self, text: &str) -> Vec<String> {
        stems(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_at_every_kind_of_seam() {
        for name in [
            "receiptText",
            "receipt_text",
            "Receipt text",
            "receipt-text",
        ] {
            assert_eq!(words(name), ["receipt", "text"], "{name}");
        }
        assert_eq!(words("HTTPGet2"), ["httpget2"]);
    }

    #[test]
    fn forms_of_a_word_have_one_stem() {
        for (one, other) in [
            ("categorize", "category"),
            ("summarise the notes", "summaries of a note"),
            ("totals", "total"),
        ] {
            assert_eq!(stems(one), stems(other), "{one}, {other}");
        }
        assert_eq!(name_stems("file_url"), name_stems("path-link"));
    }
}
