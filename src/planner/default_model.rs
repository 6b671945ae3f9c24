//! The large model of each provider.

use crate::models::Provider;

/// Providers and the models that write plans.
const PLANNERS: [(&str, &str); 13] = [
    ("openai", "gpt-4o"),
    ("azure", "gpt-4o"),
    ("anthropic", "claude-sonnet-4-5"),
    ("gemini", "gemini-2.5-pro"),
    ("groq", "llama-3.3-70b-versatile"),
    ("mistral", "mistral-large-latest"),
    ("openrouter", "openai/gpt-4o"),
    ("deepseek", "deepseek-chat"),
    ("together", "meta-llama/Llama-3.3-70B-Instruct-Turbo"),
    ("xai", "grok-4.3"),
    ("cerebras", "gpt-oss-120b"),
    ("moonshot", "kimi-k2.5"),
    ("perplexity", "sonar-pro"),
];

/// The model of a provider that writes plans unless the user names another: one of the class of gpt-4o. `None` where
/// it depends on what is installed.
pub(crate) fn planner_model(provider: &str) -> Option<&'static str> {
    let planner = PLANNERS.iter().find(|(name, _)| *name == provider);
    planner.map(|(_, model)| *model).or_else(|| {
        let model = Provider::named(provider)?.default_model;
        (!model.is_empty()).then_some(model)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{PROVIDERS, Prices};

    #[test]
    fn what_is_installed_here_decides_where_no_cloud_does() {
        assert_eq!(planner_model("openai"), Some("gpt-4o"));
        assert_eq!(planner_model("ollama"), None);
    }

    #[test]
    fn every_provider_of_the_cloud_has_a_planner_with_a_price() {
        for provider in PROVIDERS.iter().filter(|one| !one.keys.is_empty()) {
            let model = planner_model(provider.name).unwrap();
            let name = format!("{}/{model}", provider.name);
            assert!(Prices::default().get(&name).is_some(), "{name}");
        }
    }
}
