//! How many tokens a text has at the most, without a tokenizer.
//!
//! Money is reserved by this figure, so it must not be too low. Tokenizers of byte pairs give a token at least
//! one byte, common words one token, and split numbers in pieces of one to three digits. Counted here: one for
//! every two letters of a run of ASCII letters (two to four times what prose has, and still above what random
//! letters have), one for each digit and each mark of punctuation, one for each line break and for each run of other blanks beyond
//! the single one that words carry, one for each byte of anything else. Text made of rare pairs of letters on
//! purpose could pass it; prose, JSON and program code in any language do not.

/// What a chat's wrapping adds for each message, and once for the reply.
const PER_MESSAGE: u64 = 8;

/// An upper bound of the tokens in `text`.
pub fn tokens(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let mut count = 0;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let run = |of: fn(&u8) -> bool| bytes[at..].iter().take_while(|byte| of(byte)).count();
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {
                let letters = run(u8::is_ascii_alphabetic);
                count += letters.div_ceil(2) as u64;
                at += letters;
            }
            b' ' | b'\t' => {
                let blanks = run(|byte| matches!(byte, b' ' | b'\t'));
                // A single blank goes with the word after it.
                count += u64::from(blanks > 1);
                // Long runs are cut at lengths the tokenizer knows; 16 is safe.
                count += (blanks / 16) as u64;
                at += blanks;
            }
            _ => {
                count += 1;
                at += 1;
            }
        }
    }
    count
}

/// How many tokens a text is likely to have: one for every four bytes, as prose and JSON in English have.
pub fn likely_tokens(text: &str) -> u64 {
    (text.len() as u64).div_ceil(4)
}

/// A lower bound of the tokens in `text`: no token reaches over a blank into the next word.
pub fn least_tokens(text: &str) -> u64 {
    text.split_whitespace().count() as u64
}

/// An upper bound of the input tokens of a chat with these messages.
pub fn chat<'a>(messages: impl IntoIterator<Item = &'a str>) -> u64 {
    messages
        .into_iter()
        .map(|message| tokens(message) + PER_MESSAGE)
        .sum::<u64>()
        + PER_MESSAGE
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_counts_are_below_the_bound() {
        // Counts of the o200k and cl100k encodings, the larger of the two.
        for (text, real) in [
            ("The quick brown fox jumps over the lazy dog.", 10),
            ("{\"merchant\": \"Whole Foods\", \"total\": 42.17}", 18),
            ("antidisestablishmentarianism", 6),
            ("3.14159265358979", 8),
            ("    return sum(x for x in items)\n", 10),
            ("日本語のテキスト", 10),
            ("", 0),
        ] {
            assert!(tokens(text) >= real, "{text}: {} < {real}", tokens(text));
            assert!(
                least_tokens(text) <= real,
                "{text}: {} > {real}",
                least_tokens(text)
            );
        }
    }

    #[test]
    fn it_is_not_wasteful_on_prose() {
        let text =
            "Reservations hold back money for calls that are under way so that a limit is kept.";
        assert!(tokens(text) <= text.len() as u64 * 6 / 10);
    }

    proptest! {
        #[test]
        fn never_more_than_bytes_and_adding_text_never_lowers_it(a in any::<String>(), b in any::<String>()) {
            prop_assert!(tokens(&a) <= a.len() as u64);
            let both = a.clone() + &b;
            prop_assert!(tokens(&both) + 1 >= tokens(&a).max(tokens(&b)));
        }
    }
}
