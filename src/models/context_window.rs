//! The context windows of models. A provider refuses a longer prompt without a charge.

/// The default for an unknown model; no model accepts more.
const MAX_CONTEXT_WINDOW: u64 = 2_097_152;

/// Prefixes of names, without the provider, and the tokens that such models accept; the first match counts.
const CONTEXT_WINDOWS: [(&str, u64); 22] = [
    ("gpt-3.5", 16_385),
    ("gpt-4.1", 1_047_576),
    ("gpt-4o", 128_000),
    ("gpt-4-turbo", 128_000),
    ("gpt-4", 128_000),
    ("gpt-5", 400_000),
    ("o1", 200_000),
    ("o3", 200_000),
    ("o4", 200_000),
    ("claude-3", 200_000),
    ("claude", 1_000_000),
    ("gemini-1.5-pro", 2_097_152),
    ("gemini", 1_048_576),
    ("deepseek", 131_072),
    ("mistral", 262_144),
    ("ministral", 262_144),
    ("llama-3", 131_072),
    ("Llama-3", 131_072),
    ("llama3", 131_072),
    ("codestral", 262_144),
    ("mixtral", 65_536),
    ("open-mistral", 131_072),
];

/// The maximum of input tokens of one call of `model`.
pub(super) fn context_window(model: &str) -> u64 {
    let name = model.rsplit('/').next().unwrap_or(model);
    let known = CONTEXT_WINDOWS
        .iter()
        .find(|(start, _)| name.starts_with(start));
    let by_name = known.map(|(_, tokens)| *tokens);
    // A window that is too small would make an upper bound too low: the larger one counts.
    let listed = super::prices::context_window(model);
    by_name.max(listed).unwrap_or(MAX_CONTEXT_WINDOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_by_their_beginning_whoever_serves_them() {
        assert_eq!(context_window("openai/gpt-4o-mini-2024-07-18"), 128_000);
        assert_eq!(context_window("gpt-4.1-nano"), 1_047_576);
        assert_eq!(
            context_window("openrouter/meta-llama/Llama-3.3-70B-Instruct"),
            131_072
        );
        assert_eq!(context_window("a-custom-model"), MAX_CONTEXT_WINDOW);
    }

    #[test]
    fn a_longer_beginning_stands_before_a_shorter_one() {
        for (at, (start, _)) in CONTEXT_WINDOWS.iter().enumerate() {
            let hidden = CONTEXT_WINDOWS[..at]
                .iter()
                .any(|(other, _)| start.starts_with(other));
            assert!(!hidden, "{start}");
        }
    }
}
