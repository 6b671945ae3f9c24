//! Chooses the worker: the one that the user names, or one that the environment is configured for.

use super::http::HttpClients;
use super::model_list;
use super::provider::{Environment, PROVIDERS, Provider};
use super::worker::{Mode, SmallModelWorker, split};
use super::worker_error::WorkerError;
use crate::text::secrets::mask_password;
use futures::future::join_all;

impl SmallModelWorker {
    /// The worker that `--worker` names: `auto`, `offline`, `simulated` (or `simulated:SEED`), `PROVIDER/MODEL`, `PROVIDER/` for its
    /// default model, or `MODEL`. `auto` takes `base_url` or the first provider that the
    /// environment has a key for, else the first server on this machine that answers within 150 ms (Ollama, llama.cpp,
    /// LM Studio, vLLM) with its first model, else none; [`reason`](Self::reason) says which and why.
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
                url: mask_password(url).into_owned(),
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
                if let Some(given) = choice.strip_prefix("simulated:") {
                    let (seed, slowness) = given.split_once(':').unwrap_or((given, "1"));
                    let numbers = seed.parse().ok().zip(slowness.parse().ok());
                    let (seed, slowness) =
                        numbers.ok_or_else(|| WorkerError::BadSeed(given.to_owned()))?;
                    return Ok(Self::simulated_slowly(seed, slowness));
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
        let default_of = |provider: &Provider| {
            Self::new(&format!("{}/{}", provider.name, provider.default_model))
        };
        if base_url.is_some() {
            return default_of(open_ai).because("--base-url is given");
        }
        if environment("OPENAI_BASE_URL").is_some() {
            return default_of(open_ai).because("OPENAI_BASE_URL is set");
        }
        // A provider without a default model needs one to be named.
        let with_default = PROVIDERS
            .iter()
            .filter(|provider| !provider.default_model.is_empty());
        for provider in with_default {
            let mut keys = provider.keys.iter();
            if let Some(key) = keys.find(|name| environment(name).is_some()) {
                return default_of(provider).because(&format!("{key} is set"));
            }
        }
        let clients = HttpClients::default();
        let local = PROVIDERS.iter().filter(|provider| provider.is_local());
        let asked = local.map(|provider| {
            let (base, clients) = (provider.base(environment), &clients);
            async move {
                let models = model_list::ask(provider, &base, environment, clients).await;
                let mut models = models.ok()?.into_iter();
                let model = models.find(model_list::ServedModel::is_for_chat)?;
                let reason = format!("no key is set, and {} answers", mask_password(&base));
                Some(Self::of_provider(provider, &model.id).because(&reason))
            }
        });
        let answered = join_all(asked).await.into_iter().flatten().next();
        answered.unwrap_or_else(|| {
            Self::offline().because("no key is set, and no model server on this machine answers")
        })
    }
}
