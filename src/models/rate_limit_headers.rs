//! When a rate limit allows the next request, from the headers of providers that send no `Retry-After`.

use reqwest::header::HeaderMap;
use std::time::Duration;

/// Headers with the time of a limit's reset, and those that say how much of the limit is left. `OpenAI` and those who
/// follow it give a span (`6m0s`, `120ms`), Anthropic a moment.
const LIMITS: [(&str, &str); 6] = [
    (
        "x-ratelimit-reset-requests",
        "x-ratelimit-remaining-requests",
    ),
    ("x-ratelimit-reset-tokens", "x-ratelimit-remaining-tokens"),
    (
        "anthropic-ratelimit-requests-reset",
        "anthropic-ratelimit-requests-remaining",
    ),
    (
        "anthropic-ratelimit-tokens-reset",
        "anthropic-ratelimit-tokens-remaining",
    ),
    (
        "anthropic-ratelimit-input-tokens-reset",
        "anthropic-ratelimit-input-tokens-remaining",
    ),
    (
        "anthropic-ratelimit-output-tokens-reset",
        "anthropic-ratelimit-output-tokens-remaining",
    ),
];

/// The longest wait of the limits that are used up.
pub(super) fn wait(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let used_up = LIMITS.iter().filter(|(_, left)| text(left) == Some("0"));
    used_up.filter_map(|(reset, _)| span(text(reset)?)).max()
}

/// A span as `1h2m3.5s` or `120ms`, a number of seconds, or the time until a moment.
fn span(text: &str) -> Option<Duration> {
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        let left = at.duration_since(jiff::Timestamp::now());
        return Some(left.try_into().unwrap_or(Duration::ZERO));
    }
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'));
        let (number, unit) = rest.split_at(digits.unwrap_or(rest.len()));
        let letters = unit
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(unit.len());
        let (unit, next) = unit.split_at(letters);
        let scale = match unit {
            "" | "s" => 1.0,
            "ms" => 1e-3,
            "m" => 60.0,
            "h" => 3_600.0,
            "d" => 86_400.0,
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * scale;
        rest = next;
    }
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    #[test]
    fn the_limit_that_is_used_up_counts() {
        let mut headers = HeaderMap::new();
        let mut set = |name: &'static str, value: &str| {
            headers.insert(name, HeaderValue::from_str(value).unwrap());
        };
        set("x-ratelimit-reset-requests", "6m0s");
        set("x-ratelimit-remaining-requests", "12");
        set("x-ratelimit-reset-tokens", "1m1.5s");
        set("x-ratelimit-remaining-tokens", "0");
        assert_eq!(wait(&headers), Some(Duration::from_millis(61_500)));
        headers.insert(
            "x-ratelimit-remaining-tokens",
            HeaderValue::from_static("9"),
        );
        assert_eq!(wait(&headers), None);
        let later = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(50);
        let later = HeaderValue::from_str(&later.to_string()).unwrap();
        headers.insert("anthropic-ratelimit-tokens-reset", later);
        headers.insert(
            "anthropic-ratelimit-tokens-remaining",
            HeaderValue::from_static("0"),
        );
        let waited = wait(&headers).unwrap();
        assert!((45..=50).contains(&waited.as_secs()), "{waited:?}");
    }

    #[test]
    fn spans_are_read_as_servers_write_them() {
        for (text, span_ms) in [
            ("120ms", 120),
            ("2s", 2_000),
            ("1h0m1s", 3_601_000),
            ("7", 7_000),
            ("", 0),
        ] {
            assert_eq!(span(text), Some(Duration::from_millis(span_ms)), "{text}");
        }
        for text in ["soon", "-2s", "1.2.3s", "3weeks", "s"] {
            assert_eq!(span(text), None, "{text}");
        }
    }
}
