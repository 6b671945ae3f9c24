//! How many tokens a model takes at once: what is longer is refused by the provider, and costs nothing.

/// What is taken for a model that is not known here; none takes more.
const LARGEST: u64 = 2_097_152;

/// Beginnings of names, without the provider, and the tokens that such models take; the first that fits counts.
const WINDOWS: [(&str, u64); 22] = [
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

/// The most input tokens of one call of `model`.
pub fn window(model: &str) -> u64 {
    let name = model.rsplit('/').next().unwrap_or(model);
    let known = WINDOWS.iter().find(|(start, _)| name.starts_with(start));
    known.map_or(LARGEST, |(_, tokens)| *tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_by_their_beginning_whoever_serves_them() {
        assert_eq!(window("openai/gpt-4o-mini-2024-07-18"), 128_000);
        assert_eq!(window("gpt-4.1-nano"), 1_047_576);
        assert_eq!(
            window("openrouter/meta-llama/Llama-3.3-70B-Instruct"),
            131_072
        );
        assert_eq!(window("a-model-of-ones-own"), LARGEST);
    }

    #[test]
    fn a_longer_beginning_stands_before_a_shorter_one() {
        for (at, (start, _)) in WINDOWS.iter().enumerate() {
            let hidden = WINDOWS[..at]
                .iter()
                .any(|(other, _)| start.starts_with(other));
            assert!(!hidden, "{start}");
        }
    }
}
