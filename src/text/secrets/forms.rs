//! The spellings of a value that escapes do not account for: base64, hexadecimal digits, other cases, numbers, the
//! lines of a key, the parts of an address.

use super::pattern::{Kind, Pattern};
use super::{MIN_BYTES, REDACTED};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use std::borrow::Cow;
use std::fmt::Write;

/// A part of a path or a query is a secret from this length on: shorter ones are words such as `v1` or `users`.
const MIN_PART: usize = 8;

/// Words that a variable may hold and that stand in every JSON text.
const WORDS: [&str; 4] = ["true", "false", "null", "none"];

/// Whether a value is long enough to be a secret, and not a word that stands everywhere.
pub(super) fn is_secret(value: &str) -> bool {
    Pattern::new(value, Kind::Text).bytes() >= MIN_BYTES
        && !WORDS.iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// Everything to look for where `value` is a secret.
pub(super) fn patterns(value: &str) -> Vec<Pattern> {
    let mut found = Vec::new();
    whole(value, &mut found);
    for line in lines(value) {
        whole(line, &mut found);
    }
    if let Some(decoded) = decoded(value) {
        whole(&decoded, &mut found);
    }
    for part in address_parts(value).into_iter().chain(json_parts(value)) {
        whole(&part, &mut found);
    }
    for number in numbers(value) {
        text(&number, &mut found);
    }
    found
}

fn whole(value: &str, found: &mut Vec<Pattern>) {
    let value = value.trim();
    if !is_secret(value) {
        return;
    }
    text(value, found);
    // Some characters have another number of characters in the other case.
    text(&value.to_uppercase(), found);
    text(&value.to_lowercase(), found);
    let digits = value.bytes().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    });
    text(&digits, found);
    base64(value.as_bytes(), found);
}

fn text(value: &str, found: &mut Vec<Pattern>) {
    let pattern = Pattern::new(value, Kind::Text);
    if pattern.bytes() >= MIN_BYTES && !found.contains(&pattern) {
        found.push(pattern);
    }
}

/// In base64 a value looks different by where it begins in a group of three bytes. What is the same whatever stands
/// around it is looked for.
fn base64(value: &[u8], found: &mut Vec<Pattern>) {
    for before in 0..3 {
        let mut bytes = vec![0; before];
        bytes.extend_from_slice(value);
        let encoded = STANDARD.encode(&bytes);
        let core = encoded.get((8 * before).div_ceil(6)..8 * bytes.len() / 6);
        let pattern = Pattern::new(core.unwrap_or_default(), Kind::Base64);
        if pattern.bytes() >= MIN_BYTES && !found.contains(&pattern) {
            found.push(pattern);
        }
    }
}

/// The lines of a value that has several, without the frame of a key, which is the same for all keys.
fn lines(value: &str) -> impl Iterator<Item = &str> {
    let has_several = value.lines().nth(1).is_some();
    let lines = value.lines().map(str::trim).filter(move |_| has_several);
    lines.filter(|line| !line.starts_with("-----"))
}

/// The texts in a value that is JSON, such as a file of credentials in a variable, and the lines of a key that is
/// written on one line with `\n` in it.
fn json_parts(value: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let json: Option<Value> = serde_json::from_str(value).ok();
    let mut open: Vec<&Value> = json
        .iter()
        .filter(|it| it.is_object() || it.is_array())
        .collect();
    while let Some(value) = open.pop() {
        match value {
            Value::String(text) if text.len() >= MIN_PART => {
                parts.push(text.clone());
                parts.extend(lines(text).map(str::to_owned));
            }
            Value::Array(items) => open.extend(items),
            Value::Object(members) => open.extend(members.values()),
            _ => {}
        }
    }
    if value.contains("\\n") {
        let written_out = value.replace("\\r", "").replace("\\n", "\n");
        parts.extend(lines(&written_out).map(str::to_owned));
    }
    parts
}

/// A value that is a number, as JSON may write it.
fn numbers(value: &str) -> Vec<String> {
    let Ok(number) = value.parse::<f64>() else {
        return Vec::new();
    };
    if !number.is_finite() {
        return Vec::new();
    }
    let mut texts = vec![Value::from(number).to_string()];
    // Every whole number below has a form without a point.
    if number.fract() == 0.0 && number.abs() < 1e15 {
        texts.push(format!("{number:.0}"));
    }
    texts.retain(|text| text.trim_start_matches('-').len() >= MIN_BYTES);
    texts
}

/// What is a secret in an address that is one as a whole: the user's name or password, the host unless it is an
/// address or local, the path, the query and the fragment, and their longer parts.
fn address_parts(value: &str) -> Vec<String> {
    let Some((scheme, rest)) = value.split_once("://") else {
        return Vec::new();
    };
    let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    if scheme.is_empty() || !scheme.bytes().all(is_scheme) {
        return Vec::new();
    }
    let mut parts = Vec::new();
    if let Some(password) = password(value) {
        parts.push(password.to_owned());
        parts.extend(decoded(password));
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    let host = authority.rsplit('@').next().unwrap_or_default();
    let name = host.split(':').next().unwrap_or_default();
    let is_name = name.contains('.') && name.bytes().any(|byte| byte.is_ascii_alphabetic());
    if is_name {
        parts.push(name.to_owned());
    }
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let pairs = query.split('&');
    let values = pairs.map(|pair| pair.split_once('=').map_or(pair, |(_, value)| value));
    let long = [path, query, fragment].into_iter();
    let long = long.chain(path.split('/')).chain(values);
    for part in long.filter(|part| part.len() >= MIN_PART) {
        parts.push(part.to_owned());
        parts.extend(decoded(part));
    }
    parts
}

/// `text` without percent-encoding, where that is another text.
fn decoded(text: &str) -> Option<String> {
    let decoded = percent_decode_str(text).decode_utf8().ok()?;
    (decoded != text).then(|| decoded.into_owned())
}

/// The password in an address, or the user's name where there is none.
pub(super) fn password(address: &str) -> Option<&str> {
    let (_, rest) = address.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (user, _) = rest[..end].rsplit_once('@')?;
    Some(user.split_once(':').map_or(user, |(_, password)| password))
}

/// `address` with the user's name and password replaced, unless they come from a variable that it names.
pub(crate) fn mask_password(address: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = address.split_once("://") else {
        return Cow::Borrowed(address);
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rsplit_once('@') {
        Some((user, _)) if !user.contains("${") => {
            Cow::Owned(format!("{scheme}://{REDACTED}{}", &rest[user.len()..]))
        }
        _ => Cow::Borrowed(address),
    }
}
