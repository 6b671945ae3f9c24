//! The models that a server offers: what it answers when it is asked for them.

use super::http::{self, HttpClients};
use super::protocol::{Server, address};
use super::provider::{Environment, PROVIDERS, Provider};
use serde_json::Value;
use std::time::Duration;

/// How long a server on this machine may take to answer, in milliseconds.
const LOCAL_TIMEOUT_MS: u64 = 150;

/// The variable with another time for [`LOCAL_TIMEOUT_MS`], for machines that are slow or busy.
const LOCAL_TIMEOUT_VARIABLE: &str = "PLANDECK_PROBE_MS";

/// How long another server may take to answer.
const REMOTE_TIMEOUT: Duration = Duration::from_secs(5);

/// The maximum size of a list of models, in bytes.
const MAX_BYTES: usize = 8 << 20;

/// Parts of names of models that answer no questions.
const NOT_FOR_CHAT: [&str; 6] = ["embed", "rerank", "whisper", "tts", "bge-", "moderation"];

/// A model that a server offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServedModel {
    /// Its name, as requests have it.
    pub id: String,
    /// The maximum of tokens that one call may have, where the server says it.
    pub context_window: Option<u64>,
    /// Who offers it, where the server says it.
    owner: Option<String>,
}

impl ServedModel {
    /// Whether it can be asked questions, as far as its name tells.
    pub(super) fn is_for_chat(&self) -> bool {
        let id = self.id.to_lowercase();
        !NOT_FOR_CHAT.iter().any(|part| id.contains(part))
    }
}

/// The models that a provider's server offers.
///
/// # Errors
/// Why it cannot be told, for people.
pub(super) async fn ask(
    provider: &Provider,
    base: &str,
    environment: &Environment,
    clients: &HttpClients,
) -> Result<Vec<ServedModel>, String> {
    let timeout = if provider.is_local() {
        let given = environment(LOCAL_TIMEOUT_VARIABLE).and_then(|text| text.trim().parse().ok());
        Duration::from_millis(given.unwrap_or(LOCAL_TIMEOUT_MS))
    } else {
        REMOTE_TIMEOUT
    };
    if base.is_empty() {
        let variable = provider.base_variable.unwrap_or("--base-url");
        return Err(format!("no address: set {variable}"));
    }
    let key = provider.key(environment);
    let asked = async {
        let mut last = String::new();
        for url in addresses(provider, base)? {
            match fetch(url, provider, key.as_deref(), clients).await {
                Ok(answer) => match read(&answer) {
                    Some(models) => return Ok(models),
                    None => "it answers with something else".clone_into(&mut last),
                },
                Err(why) => last = why,
            }
        }
        Err(last)
    };
    let asked = tokio::time::timeout(timeout, asked).await;
    let models = asked.unwrap_or_else(|_| Err(format!("no answer within {timeout:?}")))?;
    match models.iter().find_map(|model| model.owner.as_deref()) {
        Some(owner) if provider.is_local() && is_hosted(owner) => Err(format!(
            "a server that passes requests on to {owner} answers"
        )),
        _ => Ok(models),
    }
}

/// A server on this machine that offers models of a hosted provider passes requests on: they are not free.
fn is_hosted(owner: &str) -> bool {
    let hosted = PROVIDERS.iter().filter(|provider| !provider.is_local());
    hosted
        .map(|provider| provider.name)
        .any(|name| name == owner)
}

/// Where the list may be, the likeliest first.
fn addresses(provider: &Provider, base: &str) -> Result<Vec<reqwest::Url>, String> {
    let server = Server {
        base: base.trim_end_matches('/'),
        key: None,
        version: None,
    };
    // These have a list of their own besides, with what is installed, and with the length of the context.
    let own = match provider.name {
        "ollama" => Some("/api/tags"),
        "lmstudio" => Some("/api/v0/models"),
        _ => None,
    };
    let own = own.map(|path| address(server.root(&["/v1"]), path));
    let common = provider.protocol.models_address(server);
    let all = own.into_iter().chain([common]).collect::<Result<_, _>>();
    all.map_err(|error| error.message)
}

async fn fetch(
    url: reqwest::Url,
    provider: &Provider,
    key: Option<&str>,
    clients: &HttpClients,
) -> Result<Value, String> {
    let client = clients.client(&url, key.is_some());
    let headers = provider.protocol.headers(key);
    let headers = headers.map_err(|error| error.message)?;
    let request = client.map_err(|error| error.message)?.get(url.clone());
    let request = request.headers(headers);
    let response = request.send().await;
    let response = response.map_err(|error| {
        if error.is_connect() && provider.is_local() {
            "nothing answers there".to_owned()
        } else {
            http::transport_error(error, &url).message
        }
    })?;
    let status = response.status();
    if !status.is_success() {
        return Err(format!("it answers with status {}", status.as_u16()));
    }
    let body = http::read_body(response, MAX_BYTES).await;
    let body = body.map_err(|error| error.message)?;
    crate::text::json::read(&body).map_err(|_| "it answers with something else".to_owned())
}

/// The list in an answer: of `OpenAI`'s kind (`data`), or Ollama's and Gemini's (`models`), or bare.
fn read(answer: &Value) -> Option<Vec<ServedModel>> {
    let lists = [answer.get("data"), answer.get("models"), Some(answer)];
    let list = lists.into_iter().flatten().find_map(Value::as_array)?;
    Some(list.iter().filter_map(model).collect())
}

fn model(entry: &Value) -> Option<ServedModel> {
    let text = |name: &str| entry.get(name).and_then(Value::as_str);
    let id = text("id").or_else(|| text("name"))?;
    let windows = [
        "/context_length",
        "/context_window",
        "/max_model_len",
        "/max_context_length",
        "/inputTokenLimit",
        "/max_input_tokens",
        "/meta/n_ctx",
        "/meta/n_ctx_train",
    ];
    let number = |path: &str| entry.pointer(path).and_then(Value::as_u64);
    Some(ServedModel {
        id: id.strip_prefix("models/").unwrap_or(id).to_owned(),
        context_window: windows.into_iter().find_map(number).filter(|it| *it > 0),
        owner: text("owned_by").map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_lists_of_several_servers_are_read() {
        let read = |answer: Value| -> Vec<(String, Option<u64>)> {
            let models = read(&answer).unwrap().into_iter();
            models
                .map(|model| (model.id, model.context_window))
                .collect()
        };
        let one = |id: &str, window| vec![(id.to_owned(), window)];
        assert_eq!(
            read(json!({"object": "list", "data": [{"id": "gpt-4o", "owned_by": "system"}]})),
            one("gpt-4o", None)
        );
        assert_eq!(
            read(json!({"models": [{"name": "qwen3:4b", "model": "qwen3:4b"}]})),
            one("qwen3:4b", None)
        );
        assert_eq!(
            read(
                json!({"models": [{"name": "models/gemini-2.5-flash", "inputTokenLimit": 1_048_576}]})
            ),
            one("gemini-2.5-flash", Some(1_048_576))
        );
        assert_eq!(
            read(json!({"data": [{"id": "m.gguf", "meta": {"n_ctx_train": 8192}}]})),
            one("m.gguf", Some(8192))
        );
        assert_eq!(
            read(json!([{"id": "llama", "context_length": 131_072}])),
            one("llama", Some(131_072))
        );
        assert!(super::read(&json!({"message": "hello"})).is_none());
    }

    #[test]
    fn models_that_answer_no_questions_are_known_by_name() {
        let is_for_chat = |id: &str| {
            let entry = json!({"id": id});
            model(&entry).unwrap().is_for_chat()
        };
        assert!(is_for_chat("llama3.2:latest"));
        assert!(!is_for_chat("nomic-embed-text:latest"));
        assert!(!is_for_chat("text-embedding-nomic"));
    }
}
