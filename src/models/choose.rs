//! Chooses the worker: the one that the user names, or one that the environment is configured for.

use super::http::HttpClients;
use super::provider::{Environment, PROVIDERS, Provider};
use super::worker::{Mode, SmallModelWorker, split};
use super::worker_error::WorkerError;
use serde_json::Value;
use std::time::Duration;

/// How long `auto` waits for a local Ollama.
const OLLAMA_TIMEOUT: Duration = Duration::from_millis(300);

impl SmallModelWorker {
    /// The worker that `--worker` names: `auto`, `offline`, `simulated` (or `simulated:SEED`), `PROVIDER/MODEL`, `PROVIDER/` for its
    /// default model, or `MODEL`. `auto` takes `base_url` or the first provider that the
    /// environment has a key for, else a local Ollama that answers within 0.3 s, else none.
    ///
    /// # Errors
    /// Where the choice is not valid or its key is missing, with the remedy.
    pub async fn choose(
        choice: &str,
        base_url: Option<&str>,
        environment: Environment,
    ) -> Result<Self, WorkerError> {
        let choice = choice.trim();
        if let Some(url) = base_url {
            let bad = |reason: String| WorkerError::BadBaseUrl {
                url: crate::text::secrets::mask_password(url).into_owned(),
                reason,
            };
            let parsed = url.parse::<reqwest::Url>();
            let parsed = parsed.map_err(|why| bad(why.to_string()))?;
            if !matches!(parsed.scheme(), "http" | "https") {
                return Err(bad("it must begin with http:// or https://".to_owned()));
            }
        }
        let worker = match choice {
            "offline" => return Ok(Self::offline()),
            "simulated" => return Ok(Self::simulated(0)),
            "" | "auto" => Self::automatic(base_url, &environment).await,
            _ => {
                if let Some(seed) = choice.strip_prefix("simulated:") {
                    let seed = seed
                        .parse()
                        .map_err(|_| WorkerError::BadSeed(seed.to_owned()))?;
                    return Ok(Self::simulated(seed));
                }
                let custom_server = base_url.is_some() || environment("OPENAI_BASE_URL").is_some();
                Self::named(choice, custom_server)?
            }
        };
        let worker = worker.environment(environment);
        let worker = match base_url {
            Some(url) => worker.base_url(url),
            None => worker,
        };
        if let Mode::Model { provider, .. } = &worker.mode {
            worker.endpoint(provider)?;
        }
        Ok(worker)
    }

    /// With `custom_server` the user gives the server's address, and its models may have any name.
    fn named(choice: &str, custom_server: bool) -> Result<Self, WorkerError> {
        let Some((provider, model)) = split(choice) else {
            return match choice.split_once('/') {
                Some((provider, _)) if !custom_server => {
                    let known: Vec<&str> = PROVIDERS.iter().map(|one| one.name).collect();
                    Err(WorkerError::UnknownProvider {
                        name: provider.to_owned(),
                        known: known.join(", "),
                    })
                }
                _ => Ok(Self::new(choice)),
            };
        };
        if !model.is_empty() {
            return Ok(Self::new(choice));
        }
        if provider.default_model.is_empty() {
            return Err(WorkerError::NoModel(provider.name));
        }
        Ok(Self::new(&format!(
            "{}/{}",
            provider.name, provider.default_model
        )))
    }

    async fn automatic(base_url: Option<&str>, environment: &Environment) -> Self {
        let open_ai = &PROVIDERS[0];
        if base_url.is_some() || environment("OPENAI_BASE_URL").is_some() {
            return Self::new(open_ai.default_model);
        }
        let configured = PROVIDERS
            .iter()
            .find(|provider| provider.key(environment).is_some());
        if let Some(provider) = configured {
            return Self::new(&format!("{}/{}", provider.name, provider.default_model));
        }
        match ollama_model(environment).await {
            Some(model) => Self::new(&format!("ollama/{model}")),
            None => Self::offline(),
        }
    }
}

/// The first model of a local Ollama; `None` where none answers within [`OLLAMA_TIMEOUT`].
async fn ollama_model(environment: &Environment) -> Option<String> {
    let base = Provider::named("ollama")?.base(environment);
    let url: reqwest::Url = format!("{}/api/tags", base.strip_suffix("/v1")?)
        .parse()
        .ok()?;
    let clients = HttpClients::default();
    let ask = async {
        let response = clients
            .client(&url, false)
            .ok()?
            .get(url.clone())
            .send()
            .await
            .ok()?;
        let bytes = super::http::read_body(response, 4 << 20).await.ok()?;
        let answer: Value = crate::text::json::read(&bytes).ok()?;
        let name = answer.pointer("/models/0/name")?.as_str()?;
        Some(name.to_owned())
    };
    tokio::time::timeout(OLLAMA_TIMEOUT, ask)
        .await
        .ok()
        .flatten()
}
