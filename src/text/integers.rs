//! Integers in JSON that a value cannot hold.
//!
//! A JSON value here holds integers from -2⁶³ to 2⁶⁴ - 1. A larger one would be read as floating point, and its last
//! digits would change without a word.

/// The first integer in a JSON text that 64 bits cannot hold, as it is written. Decimal numbers have no such bound:
/// `1e30` and `0.1` are floating point wherever they stand.
pub(crate) fn beyond_64_bits(json: &str) -> Option<&str> {
    let bytes = json.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = end_of_string(bytes, at + 1),
            b'-' | b'0'..=b'9' => {
                let length = bytes[at..]
                    .iter()
                    .take_while(|byte| {
                        matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')
                    })
                    .count();
                let number = &json[at..at + length];
                if is_beyond_64_bits(number) {
                    return Some(number);
                }
                at += length;
            }
            _ => at += 1,
        }
    }
    None
}

/// Whether a number is an integer that 64 bits cannot hold.
pub(crate) fn is_beyond_64_bits(number: &str) -> bool {
    // As many digits as the smallest integer that does not fit.
    if number.len() < 19 {
        return false;
    }
    let digits = number.strip_prefix(['-', '+']).unwrap_or(number);
    !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && number.parse::<i64>().is_err()
        && number.parse::<u64>().is_err()
}

/// Where a string that begins before `at` ends.
fn end_of_string(bytes: &[u8], mut at: usize) -> usize {
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    #[test]
    fn the_first_one_is_named() {
        let text = r#"{"99999999999999999999": "88888888888888888888 \" 7", "n": [1.0e30, -9223372036854775809, 2]}"#;
        assert_eq!(beyond_64_bits(text), Some("-9223372036854775809"));
        for text in [
            "18446744073709551615",
            "-9223372036854775808",
            "1e400",
            "123456789012345678901234567890.0",
            "0.12345678901234567890123",
            "\"18446744073709551616",
            "",
        ] {
            assert_eq!(beyond_64_bits(text), None, "{text}");
        }
        assert_eq!(
            beyond_64_bits("18446744073709551616"),
            Some("18446744073709551616")
        );
    }

    proptest! {
        #[test]
        fn it_is_there_where_reading_changes_the_text(
            integers in prop::collection::vec(any::<i128>(), 0..4), words in prop::collection::vec(any::<String>(), 4)
        ) {
            let list: Vec<String> = integers
                .iter()
                .zip(words)
                .flat_map(|(integer, word)| [json!(word).to_string(), integer.to_string()])
                .collect();
            let text = format!("[{}]", list.join(","));
            let read: Value = serde_json::from_str(&text).unwrap();
            let written = read.to_string();
            prop_assert_eq!(beyond_64_bits(&text).is_some(), written != text);
        }
    }
}
