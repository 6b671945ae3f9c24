//! The providers of models: their addresses, keys, default models and protocols.

use super::protocol::{ChatCompletions, Protocol};
use std::sync::Arc;

/// Where variables are read; a function, so that tests need not change the process's own environment.
pub type Environment = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// The process's environment. A variable that is empty or not UTF-8 counts as not set.
pub fn process_environment() -> Environment {
    Arc::new(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}

/// A provider.
#[derive(Debug)]
pub struct Provider {
    /// Its name in `PROVIDER/MODEL`.
    pub name: &'static str,
    /// Its address, to which the protocol adds its path.
    pub base: &'static str,
    /// The environment variables with its key, in order; empty where it needs none.
    pub keys: &'static [&'static str],
    /// The environment variable with another address.
    pub base_variable: Option<&'static str>,
    /// The default model; empty where it depends on what is installed.
    pub default_model: &'static str,
    /// Its request format.
    pub(crate) protocol: &'static dyn Protocol,
}

/// The providers, in the order in which `auto` looks for them: those with keys, then servers on this machine.
pub const PROVIDERS: [Provider; 12] = [
    Provider {
        name: "openai",
        base: "https://api.openai.com/v1",
        keys: &["OPENAI_API_KEY"],
        base_variable: Some("OPENAI_BASE_URL"),
        default_model: "gpt-4o-mini",
        protocol: &ChatCompletions,
    },
    Provider {
        name: "anthropic",
        base: "https://api.anthropic.com/v1",
        keys: &["ANTHROPIC_API_KEY"],
        base_variable: None,
        default_model: "claude-haiku-4-5",
        protocol: &ChatCompletions,
    },
    Provider {
        name: "gemini",
        base: "https://generativelanguage.googleapis.com/v1beta/openai",
        keys: &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
        base_variable: None,
        default_model: "gemini-2.5-flash-lite",
        protocol: &ChatCompletions,
    },
    Provider {
        name: "groq",
        base: "https://api.groq.com/openai/v1",
        keys: &["GROQ_API_KEY"],
        base_variable: None,
        default_model: "llama-3.1-8b-instant",
        protocol: &ChatCompletions,
    },
    Provider {
        name: "mistral",
        base: "https://api.mistral.ai/v1",
        keys: &["MISTRAL_API_KEY"],
        base_variable: None,
        default_model: "mistral-small-latest",
        protocol: &ChatCompletions,
    },
    Provider {
        name: "openrouter",
        base: "https://openrouter.ai/api/v1",
        keys: &["OPENROUTER_API_KEY"],
        base_variable: None,
        default_model: "openai/gpt-4o-mini",
        protocol: &ChatCompletions,
    },
    Provider {
        name: "deepseek",
        base: "https://api.deepseek.com/v1",
        keys: &["DEEPSEEK_API_KEY"],
        base_variable: None,
        default_model: "deepseek-chat",
        protocol: &ChatCompletions,
    },
    Provider {
        name: "together",
        base: "https://api.together.xyz/v1",
        keys: &["TOGETHER_API_KEY"],
        base_variable: None,
        default_model: "meta-llama/Llama-3.2-3B-Instruct-Turbo",
        protocol: &ChatCompletions,
    },
    Provider {
        name: "ollama",
        base: "http://127.0.0.1:11434/v1",
        keys: &[],
        base_variable: Some("OLLAMA_HOST"),
        default_model: "",
        protocol: &ChatCompletions,
    },
    Provider {
        name: "llamacpp",
        base: "http://127.0.0.1:8080/v1",
        keys: &[],
        base_variable: Some("LLAMACPP_BASE_URL"),
        default_model: "",
        protocol: &ChatCompletions,
    },
    Provider {
        name: "lmstudio",
        base: "http://127.0.0.1:1234/v1",
        keys: &[],
        base_variable: Some("LMSTUDIO_BASE_URL"),
        default_model: "",
        protocol: &ChatCompletions,
    },
    Provider {
        name: "vllm",
        base: "http://127.0.0.1:8000/v1",
        keys: &[],
        base_variable: Some("VLLM_BASE_URL"),
        default_model: "",
        protocol: &ChatCompletions,
    },
];

impl Provider {
    /// The provider of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        PROVIDERS.iter().find(|provider| provider.name == name)
    }

    /// Whether it is a server of the user's own, which needs no key and costs nothing.
    pub fn is_local(&self) -> bool {
        self.keys.is_empty()
    }

    /// Its address: that of `base_variable` where it is set.
    pub fn base(&self, environment: &Environment) -> String {
        let other = self.base_variable.and_then(|name| environment(name));
        match other {
            Some(host) if self.name == "ollama" => ollama_base(&host),
            Some(base) => base.trim().trim_end_matches('/').to_owned(),
            None => self.base.to_owned(),
        }
    }

    /// Its key, where the environment has one.
    pub fn key(&self, environment: &Environment) -> Option<String> {
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
