//! The providers of models: their addresses, keys, default models and protocols.

use super::protocol::{Anthropic, Azure, ChatCompletions, Gemini, OpenAi, Protocol, Responses};
use std::sync::Arc;

/// Where variables are read; a function, so that tests need not change the process's own environment.
pub type Environment = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// The process's environment. A variable that is empty or not UTF-8 counts as not set.
pub(crate) fn process_environment() -> Environment {
    Arc::new(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}

/// A provider.
#[derive(Debug)]
pub(crate) struct Provider {
    /// Its name in `PROVIDER/MODEL`.
    pub name: &'static str,
    /// Its address, to which the protocol adds its path; empty where each account has its own.
    pub base: &'static str,
    /// The environment variables with its key, in order; empty where it needs none.
    pub keys: &'static [&'static str],
    /// The environment variable with another address.
    pub base_variable: Option<&'static str>,
    /// The environment variable with the version of its API, and the default.
    pub version: Option<(&'static str, &'static str)>,
    /// The default model; empty where it depends on what is installed or deployed.
    pub default_model: &'static str,
    /// Its request format.
    pub(crate) protocol: &'static dyn Protocol,
}

/// A provider with a key that speaks chat completions.
const fn hosted(
    name: &'static str,
    base: &'static str,
    keys: &'static [&'static str],
    default_model: &'static str,
) -> Provider {
    Provider {
        name,
        base,
        keys,
        base_variable: None,
        version: None,
        default_model,
        protocol: &ChatCompletions,
    }
}

/// A server on the user's own machine that speaks chat completions.
const fn local(name: &'static str, base: &'static str, base_variable: &'static str) -> Provider {
    Provider {
        base_variable: Some(base_variable),
        ..hosted(name, base, &[], "")
    }
}

/// The providers, in the order in which `auto` looks for them: those with keys, then servers on this machine.
pub(crate) const PROVIDERS: [Provider; 17] = [
    Provider {
        base_variable: Some("OPENAI_BASE_URL"),
        protocol: &OpenAi,
        ..hosted(
            "openai",
            "https://api.openai.com/v1",
            &["OPENAI_API_KEY"],
            "gpt-4o-mini",
        )
    },
    Provider {
        base_variable: Some("ANTHROPIC_BASE_URL"),
        protocol: &Anthropic,
        ..hosted(
            "anthropic",
            "https://api.anthropic.com",
            &["ANTHROPIC_API_KEY"],
            "claude-haiku-4-5",
        )
    },
    Provider {
        base_variable: Some("GOOGLE_GEMINI_BASE_URL"),
        protocol: &Gemini,
        ..hosted(
            "gemini",
            "https://generativelanguage.googleapis.com",
            &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
            "gemini-2.5-flash-lite",
        )
    },
    Provider {
        base_variable: Some("AZURE_OPENAI_ENDPOINT"),
        version: Some(("AZURE_OPENAI_API_VERSION", "2024-10-21")),
        protocol: &Azure,
        ..hosted("azure", "", &["AZURE_OPENAI_API_KEY"], "")
    },
    hosted(
        "groq",
        "https://api.groq.com/openai/v1",
        &["GROQ_API_KEY"],
        "llama-3.1-8b-instant",
    ),
    hosted(
        "mistral",
        "https://api.mistral.ai/v1",
        &["MISTRAL_API_KEY"],
        "mistral-small-latest",
    ),
    hosted(
        "openrouter",
        "https://openrouter.ai/api/v1",
        &["OPENROUTER_API_KEY"],
        "openai/gpt-4o-mini",
    ),
    hosted(
        "deepseek",
        "https://api.deepseek.com/v1",
        &["DEEPSEEK_API_KEY"],
        "deepseek-chat",
    ),
    hosted(
        "together",
        "https://api.together.xyz/v1",
        &["TOGETHER_API_KEY"],
        "meta-llama/Llama-3.2-3B-Instruct-Turbo",
    ),
    hosted(
        "xai",
        "https://api.x.ai/v1",
        &["XAI_API_KEY"],
        "grok-3-mini",
    ),
    hosted(
        "cerebras",
        "https://api.cerebras.ai/v1",
        &["CEREBRAS_API_KEY"],
        "llama3.1-8b",
    ),
    hosted(
        "moonshot",
        "https://api.moonshot.ai/v1",
        &["MOONSHOT_API_KEY"],
        "",
    ),
    hosted(
        "perplexity",
        "https://api.perplexity.ai",
        &["PERPLEXITY_API_KEY"],
        "sonar",
    ),
    local("ollama", "http://127.0.0.1:11434/v1", "OLLAMA_HOST"),
    local("llamacpp", "http://127.0.0.1:8080/v1", "LLAMACPP_BASE_URL"),
    local("lmstudio", "http://127.0.0.1:1234/v1", "LMSTUDIO_BASE_URL"),
    local("vllm", "http://127.0.0.1:8000/v1", "VLLM_BASE_URL"),
];

/// `OpenAI` by the format of its requests, where the name of a model does not say which one it needs.
static BY_FORMAT: [Provider; 2] = [
    Provider {
        base_variable: Some("OPENAI_BASE_URL"),
        protocol: &Responses,
        ..hosted(
            "openai-responses",
            "https://api.openai.com/v1",
            &["OPENAI_API_KEY"],
            "gpt-4o-mini",
        )
    },
    Provider {
        base_variable: Some("OPENAI_BASE_URL"),
        ..hosted(
            "openai-chat",
            "https://api.openai.com/v1",
            &["OPENAI_API_KEY"],
            "gpt-4o-mini",
        )
    },
];

impl Provider {
    /// The provider of this name.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        let mut known = PROVIDERS.iter().chain(&BY_FORMAT);
        known.find(|provider| provider.name == name)
    }

    /// Whether it is a server of the user's own, which needs no key and costs nothing.
    pub(crate) fn is_local(&self) -> bool {
        self.keys.is_empty()
    }

    /// Its address: that of `base_variable` where it is set.
    pub(crate) fn base(&self, environment: &Environment) -> String {
        let other = self.base_variable.and_then(|name| environment(name));
        match other {
            Some(host) if self.name == "ollama" => ollama_base(&host),
            Some(base) => base.trim().trim_end_matches('/').to_owned(),
            None => self.base.to_owned(),
        }
    }

    /// The version of its API, where its address has one.
    pub(crate) fn version(&self, environment: &Environment) -> Option<String> {
        let (variable, default) = self.version?;
        Some(environment(variable).unwrap_or_else(|| default.to_owned()))
    }

    /// Its key, where the environment has one.
    pub(crate) fn key(&self, environment: &Environment) -> Option<String> {
        self.keys.iter().find_map(|name| environment(name))
    }
}

/// `OLLAMA_HOST` is written in many ways: `host`, `host:port`, `http://host:port/`, and `0.0.0.0` for "any".
fn ollama_base(host: &str) -> String {
    let host = host.trim().trim_end_matches('/');
    let (scheme, rest) = host.split_once("://").unwrap_or(("http", host));
    let rest = rest.replace("0.0.0.0", "127.0.0.1");
    let rest = rest.strip_suffix("/v1").unwrap_or(&rest);
    let port = if rest.rsplit(']').next().is_some_and(|end| end.contains(':')) || scheme == "https"
    {
        ""
    } else {
        ":11434"
    };
    format!("{scheme}://{rest}{port}/v1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ollama_host_is_read_in_every_spelling() {
        for (host, base) in [
            ("box", "http://box:11434/v1"),
            ("0.0.0.0", "http://127.0.0.1:11434/v1"),
            ("127.0.0.1:9", "http://127.0.0.1:9/v1"),
            ("http://box:9/", "http://box:9/v1"),
            ("https://box", "https://box/v1"),
            ("[::1]:9", "http://[::1]:9/v1"),
        ] {
            assert_eq!(ollama_base(host), base, "{host}");
        }
    }

    #[test]
    fn addresses_and_keys_come_from_the_environment() {
        let environment: Environment = Arc::new(|name| match name {
            "OPENAI_BASE_URL" => Some("http://here/v1/".to_owned()),
            "GOOGLE_API_KEY" => Some("k".to_owned()),
            _ => None,
        });
        let provider = |name| Provider::named(name).unwrap();
        assert_eq!(provider("openai").base(&environment), "http://here/v1");
        assert_eq!(provider("openai").key(&environment), None);
        assert_eq!(provider("gemini").key(&environment).as_deref(), Some("k"));
        assert!(Provider::named("unknown").is_none());
    }
}
