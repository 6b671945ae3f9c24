//! No spelling of a secret comes out, however it is encoded and cut into pieces, and nothing else changes.

use super::*;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;
use reqwest::Url;
use serde_json::json;
use std::fmt::Write;

fn secrets(values: &[&str]) -> Secrets {
    let mut secrets = Secrets::new();
    for value in values {
        secrets.add(value);
    }
    secrets
}

/// Each character that `is_one`, spelled by `spell`.
fn each(text: &str, is_one: impl Fn(char) -> bool, spell: impl Fn(char) -> String) -> String {
    let spelled = |c| if is_one(c) { spell(c) } else { String::from(c) };
    text.chars().map(spelled).collect()
}

fn json_escape(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn utf16_escape(c: char) -> String {
    let units = c.encode_utf16(&mut [0; 2]).to_vec();
    units.iter().fold(String::new(), |mut text, unit| {
        let _ = write!(text, "\\u{unit:04x}");
        text
    })
}

fn percent(c: char) -> String {
    let bytes = c.encode_utf8(&mut [0; 4]).as_bytes().to_vec();
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "%{byte:02x}");
        text
    })
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

const ENCODINGS: usize = 22;

/// The secret in one of the ways in which it may come back; `None` where it cannot be written so.
fn encode(secret: &str, how: usize, seed: u64) -> Option<String> {
    let picks = |c: char| (u64::from(c) ^ seed).count_ones().is_multiple_of(2);
    let is_not_a_word = |c: char| !c.is_ascii_alphanumeric();
    let parsed = |address: String| Url::parse(&address).ok();
    // The parser takes these for the structure of the address.
    let is_plain = !secret.contains(['/', '\\', '?', '#', '@', ':', '.']);
    let filler = "?".repeat((seed % 4) as usize);
    Some(match how {
        0 => secret.to_owned(),
        1 => secret.to_uppercase(),
        2 => secret.to_lowercase(),
        3 => json_escape(secret),
        4 => json_escape(&json_escape(secret)),
        5 => each(secret, |_| true, utf16_escape),
        6 => each(secret, |c| !c.is_ascii(), utf16_escape),
        7 => each(secret, picks, utf16_escape),
        8 => each(secret, |_| true, percent),
        9 => each(secret, is_not_a_word, percent).to_uppercase(),
        10 => each(secret, picks, percent).replace(' ', "+"),
        11 => each(&each(secret, is_not_a_word, percent), |c| c == '%', percent),
        12 => parsed(format!("http://h/k/{secret}/x"))
            .filter(|_| is_plain)?
            .path()
            .to_owned(),
        13 => parsed(format!("http://h/k?t={secret}"))
            .filter(|_| is_plain)?
            .query()?
            .to_owned(),
        14 => {
            let mut url = parsed("http://user@h/".to_owned())?;
            url.set_password(Some(secret)).ok()?;
            url.password()?.to_owned()
        }
        15 => {
            let mut url = parsed("http://h/".to_owned())?;
            url.query_pairs_mut().append_pair("t", secret);
            url.query()?.to_owned()
        }
        16 => {
            let mut url = parsed("http://h/".to_owned())?;
            url.path_segments_mut().ok()?.push(secret);
            url.path().to_owned()
        }
        17 => html(secret),
        18 => each(secret, picks, |c| format!("&#{};", u32::from(c))),
        19 => each(secret, |_| true, |c| format!("&#x{:04X};", u32::from(c))),
        20 => STANDARD.encode(format!("{filler}{secret}{filler}")),
        21 => URL_SAFE_NO_PAD.encode(format!("{filler}{secret}")),
        _ => return None,
    })
}

/// What of an encoded secret must not come out: in base64 the ends belong to what surrounds it too.
fn needle(encoded: &str, how: usize) -> &str {
    let encoded = encoded.trim();
    if how < 20 {
        return encoded;
    }
    let whole = encoded.trim_end_matches('=');
    &whole[whole.len().min(6)..whole.len().saturating_sub(6).max(whole.len().min(6))]
}

fn secret() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[!-~]{4,40}",
        "[a-zA-Z0-9\"\\\\/ \n%+&<>';=?#@:~é漢🎉]{4,30}",
        "([A-Za-z0-9+/]{8,24}\n){2,5}",
        "[0-9]{4,18}",
        "(\\\\|%|&|41|amp;|n|\"){4,12}",
    ]
    .prop_filter("a secret", |value| {
        let value = value.trim();
        // The sign itself would hold it.
        !REDACTED.contains(&*value.to_lowercase()) && secrets(&[value]).has(value)
    })
}

fn surroundings() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[ -~\n]{0,60}", "[\\\\%&#;u0-9a-f+]{0,12}"]
}

fn in_pieces(secrets: Secrets, text: &str, cuts: &[usize]) -> String {
    let mut redactor = Redactor::new(Arc::new(secrets));
    let mut from = 0;
    let mut out = String::new();
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (text.len() + 1)).collect();
    cuts.sort_unstable();
    for cut in cuts {
        out += &redactor.push(&text.as_bytes()[from..cut]);
        from = cut;
    }
    out += &redactor.push(&text.as_bytes()[from..]);
    out + &redactor.finish()
}

proptest! {
    #[test]
    fn no_encoding_of_a_secret_comes_out(
        secret in secret(),
        how in 0..ENCODINGS,
        seed in any::<u64>(),
        (before, after) in (surroundings(), surroundings()),
        cuts in prop::collection::vec(any::<usize>(), 0..6),
    ) {
        let secret = secret.trim();
        let Some(encoded) = encode(secret, how, seed) else {
            return Ok(());
        };
        let needle = needle(&encoded, how);
        let text = format!("{before}{encoded}{after}");
        let secrets = secrets(&[secret]);
        let whole = secrets.redact(&text).into_owned();
        let streamed = in_pieces(secrets.clone(), &text, &cuts);
        for out in [&whole, &streamed] {
            prop_assert!(out.contains(REDACTED), "{out:?} of {text:?}");
            let left = out.matches(needle).count();
            let elsewhere = before.matches(needle).count() + after.matches(needle).count();
            prop_assert!(needle.len() < 4 || left == 0 || elsewhere > 0, "{needle:?} is in {out:?}");
        }
        let quoted = secrets.quote(&text, 40);
        prop_assert!(needle.len() < 4 || !quoted.contains(needle) || needle.contains("redacted"), "{quoted:?}");
    }

    #[test]
    fn text_without_a_secret_is_unchanged(
        text in surroundings(),
        secret in "[A-Z]{3}-[0-9]{5}",
        cuts in prop::collection::vec(any::<usize>(), 0..6),
    ) {
        let secrets = secrets(&[&secret]);
        prop_assert_eq!(&*secrets.redact(&text), &*text);
        prop_assert_eq!(in_pieces(secrets, &text, &cuts), text);
    }

    #[test]
    fn what_surrounds_a_secret_stays(
        (before, after) in ("[ -~\n]{0,40}[ .]", "[ .][ -~\n]{0,40}"),
        secret in "[a-z]{3}-[0-9]{5}",
        cuts in prop::collection::vec(any::<usize>(), 0..6),
    ) {
        let text = format!("{before}{secret}{after}");
        let expected = format!("{before}{REDACTED}{after}");
        let secrets = secrets(&[&secret]);
        prop_assert_eq!(&*secrets.redact(&text), &*expected);
        prop_assert_eq!(in_pieces(secrets, &text, &cuts), expected);
    }

    #[test]
    fn no_number_is_taken_for_another(n in 10_000_000u64..99_999_999, other in any::<u32>()) {
        let secrets = secrets(&[&n.to_string()]);
        let value = json!({"pin": n, "float": n as f64, "n": other});
        let redacted = secrets.redacted(&value).unwrap();
        prop_assert_eq!(&redacted["pin"], REDACTED);
        prop_assert_eq!(&redacted["float"], REDACTED);
        prop_assert!(redacted["n"] == other || other.to_string().contains(&n.to_string()));
    }
}

#[test]
fn a_secret_inside_another_leaves_nothing() {
    let secrets = secrets(&["abcd", "abcd-long", "cdefgh"]);
    assert_eq!(secrets.redact("abcd-long abcd"), "[redacted] [redacted]");
    assert_eq!(secrets.redact("abcdefgh."), "[redacted].", "overlapping");
    let value = secrets.redacted(&json!({"abcd": ["x abcd", 1]}));
    assert_eq!(value, Some(json!({"[redacted]": ["x [redacted]", 1]})));
    assert_eq!(secrets.redacted(&json!({"a": ["x", 1, null]})), None);
}

#[test]
fn short_values_and_words_are_no_secrets() {
    let secrets = secrets(&["1", "abc", "true", "NULL", "a \u{200b} b"]);
    assert!(secrets.is_empty());
}

#[test]
fn what_cleaning_drops_does_not_hide_a_secret() {
    let secrets = secrets(&["sesame-open"]);
    for text in [
        "ses\u{1b}[31mame\u{1b}[0m-open",
        "ses\u{200b}ame-o\u{0}pen",
        "s\\u200besame-\u{1b}]0;title\u{7}open",
    ] {
        assert_eq!(secrets.redact(text), REDACTED, "{text:?}");
        assert_eq!(secrets.quote(text, 100), REDACTED);
    }
    // Cutting comes last.
    let text = format!("{}sesame-open", "x".repeat(35));
    assert_eq!(
        secrets.quote(&text, 40),
        format!("{}[reda…", "x".repeat(35))
    );
    assert!(!secrets.quote_end(&text, 8).contains("open"));
}

#[test]
fn each_line_of_a_key_is_a_secret() {
    let key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END KEY-----\n";
    let secrets = secrets(&[key]);
    assert_eq!(
        secrets.redact("line 2 is hkiG9w0BAQEFAASC"),
        "line 2 is [redacted]"
    );
    assert_eq!(secrets.redact("-----BEGIN KEY-----"), "-----BEGIN KEY-----");
    let wrapped = STANDARD.encode(key);
    let wrapped = format!("{}\n{}", &wrapped[..40], &wrapped[40..]);
    assert!(!secrets.redact(&wrapped).contains(&wrapped[10..38]));
}

#[test]
fn what_a_structured_value_holds_is_secret() {
    let json = r#"{"type": "robot", "key": "-----BEGIN KEY-----\nMIIEvQIBADAN\nhkiG9w0BAQEF\n-----END KEY-----\n"}"#;
    let on_one_line = "-----BEGIN KEY-----\\nMIIEvQIBADAN\\nhkiG9w0BAQEF\\n-----END KEY-----";
    for value in [json, on_one_line] {
        let secrets = secrets(&[value]);
        assert_eq!(
            secrets.redact("line: hkiG9w0BAQEF"),
            "line: [redacted]",
            "{value}"
        );
    }
    let shared = SharedSecrets::default();
    shared.add_header(&format!("Basic {}", STANDARD.encode("bob:sesame-open")));
    shared.add_header("Bearer tok-12345");
    shared.add_header("theme=dark; session=s-0123456789");
    let secrets = shared.now();
    for part in ["sesame-open", "tok-12345", "s-0123456789"] {
        assert_eq!(secrets.redact(part), REDACTED);
    }
    assert_eq!(secrets.redact("dark bob"), "dark bob");
}

#[test]
fn parts_of_an_address_are_secrets() {
    let secrets = secrets(&[
        "https://bob:p%40ss-word@hooks.example.net/services/T0/B0123456789?sig=0123456789",
    ]);
    for part in [
        "p%40ss-word",
        "p@ss-word",
        "hooks.example.net",
        "B0123456789",
        "0123456789",
    ] {
        assert!(
            !secrets.redact(&format!("a {part} b")).contains(part),
            "{part}"
        );
    }
    for word in ["bob", "https", "sig", "/v1/T0"] {
        assert_eq!(secrets.redact(word), word);
    }
    let local = self::secrets(&["http://127.0.0.1:8080/v1"]);
    assert_eq!(local.redact("127.0.0.1 /v1"), "127.0.0.1 /v1");
}

#[test]
fn a_line_is_not_held_back_for_its_last_letter() {
    let mut redactor = Redactor::new(Arc::new(secrets(&["sesame-open"])));
    assert_eq!(redactor.push(b"two words\n"), "two words\n");
    assert_eq!(redactor.push(b"then ses"), "then ");
    assert_eq!(redactor.push(b"ame-open, more"), "[redacted], more");
    assert_eq!(redactor.push("é".as_bytes().get(..1).unwrap()), "");
    assert_eq!(redactor.push("é".as_bytes().get(1..).unwrap()), "é");
    assert_eq!(redactor.finish(), "");
}

#[test]
fn debug_output_shows_no_secret() {
    let secrets = secrets(&["hunter22"]);
    assert!(!format!("{secrets:?}").contains("hunter"));
}

/// What a search from each place on by itself finds: `scan::find` follows them all at once.
fn one_at_a_time(secrets: &Secrets, text: &str) -> Vec<(usize, usize)> {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for (start, _) in text.char_indices() {
        let mut end = None;
        for pattern in &secrets.patterns {
            let mut open = vec![(0, start)];
            while let Some((matched, at)) = open.pop() {
                if pattern.is_whole(matched) {
                    end = end.max(Some(at));
                    continue;
                }
                let Some(c) = text[at..].chars().next() else {
                    continue;
                };
                let mut chars = vec![(c, c.len_utf8())];
                if c.is_ascii() {
                    chars.extend(escapes::read(text, at).chars);
                }
                for (c, length) in chars {
                    if pattern.takes(matched, c) {
                        open.push((matched + 1, at + length));
                    }
                    if pattern.passes_over(matched, c) {
                        open.push((matched, at + length));
                    }
                }
                if c == '\u{1b}' && matched > 0 {
                    open.push((
                        matched,
                        text.len() - message::after_escape(&text[at + 1..]).len(),
                    ));
                }
            }
        }
        let Some(end) = end else { continue };
        match ranges.last_mut() {
            Some((_, before)) if start < *before => *before = end.max(*before),
            _ => ranges.push((start, end)),
        }
    }
    ranges
}

proptest! {
    #[test]
    fn one_pass_finds_what_a_search_from_each_place_finds(
        text in prop::collection::vec(prop::sample::select(vec![
            "a", "B", "ab", "ba", "aba", " ", "\n", "\\n", "\\\\n", "%61", "%2561", "&#97;", "\\u0061", "+", "/",
            "\u{200b}", "\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\", "\u{1b}[1m", "\u{1b}", "YWJh", "Yg", "é", "%C3%A9", "x",
        ]), 0..14).prop_map(|parts| parts.concat()),
    ) {
        let secrets = secrets(&["abab", "ab ab", "baab\naab", "éaba+"]);
        let found: Vec<(usize, usize)> = scan::find(&secrets, &text, true)
            .ranges
            .into_iter()
            .map(|range| (range.start, range.end))
            .collect();
        prop_assert_eq!(found, one_at_a_time(&secrets, &text));
    }
}

/// From each of these letters a secret could begin, and go on behind all line breaks that follow: an effort that grows
/// with the square of the length would not end here.
#[test]
fn a_hundred_thousand_beginnings_are_read_once() {
    let secrets = secrets(&["not-a-key", "n n n n"]);
    for part in [
        "n\n",
        "n\\n",
        "\\n\\\\n",
        "\u{1b}n",
        "n\u{200b}",
        "bm\n",
        "\\",
    ] {
        let text = part.repeat(100_000) + "not-\na-key";
        let redacted = secrets.redact(&text);
        assert!(
            redacted.ends_with(REDACTED) && !redacted.contains("a-key"),
            "{part:?}"
        );
    }
}
