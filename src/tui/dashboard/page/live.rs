//! An answer that is arriving, or how one arrived.

use crate::run::{AttemptEnd, AttemptState, LiveAnswer};
use crate::text::format;
use crate::text::thoughts;
use crate::tui::widgets::text_page::TextPage;

/// Lines of the answer on a page that has other things to say.
const LAST_LINES: usize = 4;

/// The text and the thoughts of an answer that is arriving.
pub(super) fn parts(answer: &LiveAnswer) -> (String, String) {
    let (text, thought) = thoughts::split(&answer.text);
    let parts = [answer.reasoning.as_str(), &thought];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    (text, parts.join("\n\n"))
}

/// `about 120 tokens, 35/s, first after 0.4s`.
pub(super) fn figures(attempt: &AttemptState, answer: &LiveAnswer) -> Option<String> {
    let first = format::duration(answer.first? - attempt.started);
    let tokens = format::thousands(answer.tokens());
    let speed = answer.tokens_per_second().map(per_second);
    let speed = speed.map_or(String::new(), |speed| format!(" at {speed}"));
    Some(format!(
        "about {tokens} tokens{speed}, the first after {first}"
    ))
}

/// `first token after 0.4s, 35 tokens/s`.
pub(super) fn arrived(end: &AttemptEnd) -> Option<String> {
    let streamed = end.streamed.as_deref()?;
    let first = format::duration(streamed.first_token);
    let speed = streamed.tokens_per_second.map(per_second);
    let speed = speed.map_or(String::new(), |speed| format!(", {speed}"));
    Some(format!("first token after {first}{speed}"))
}

fn per_second(tokens: f64) -> String {
    if tokens < 10.0 {
        format!("{tokens:.1} tokens/s")
    } else {
        format!("{tokens:.0} tokens/s")
    }
}

/// The end of the answer, for a page that has other things to say.
pub(super) fn write_end(answer: &LiveAnswer, page: &mut TextPage<'_>) {
    let (text, thoughts) = parts(answer);
    let theme = page.theme;
    let (words, style) = if text.trim().is_empty() {
        (thoughts, theme.dim)
    } else {
        (text, theme.text)
    };
    page.space();
    page.last_lines(words.trim_end(), style, LAST_LINES);
}
