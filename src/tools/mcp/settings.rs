//! An entry of `mcpServers`: how a server is started or reached.

use crate::models::Environment;
use crate::tools::template::{Missing, TemplateError, TemplateRenderer};
use serde_json::{Map, Value};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How long a server may take to start and to answer the first request. Programs that fetch themselves take long.
const START: Duration = Duration::from_mins(1);

/// How a server is started or reached, as the catalog writes it.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::tools) struct ServerSettings {
    /// Its name in `mcpServers`.
    pub name: Arc<str>,
    /// Where it is.
    pub place: Place,
    /// How long it may take until it can be asked.
    pub start: Duration,
}

/// The client that asks for access to a server by OAuth.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::tools) struct OAuthSettings {
    /// Its id at the authorization server; where it is not given, a client is registered.
    pub client_id: Option<Arc<str>>,
    /// Its secret: with it, access is the client's own, and no user logs in.
    pub client_secret: Option<Arc<str>>,
    /// What is asked for; where it is not given, what the server says.
    pub scopes: Vec<Arc<str>>,
}

/// Texts by name.
type Named = Vec<(Arc<str>, Arc<str>)>;

/// Where a server is.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::tools) enum Place {
    /// A program that is started.
    Program {
        /// The program and its arguments.
        command: Vec<Arc<str>>,
        /// Variables beside those that every program gets.
        env: Named,
        /// Where it runs; the folder where it is not given.
        cwd: Option<Arc<str>>,
        /// The folder of the file that names the server.
        folder: Option<Arc<PathBuf>>,
    },
    /// A server that is reached over HTTP.
    Address {
        /// Its address.
        url: Arc<str>,
        /// Headers of every request.
        headers: Named,
        /// How access to it is got by OAuth, where the catalog says so.
        oauth: Option<OAuthSettings>,
    },
}

impl ServerSettings {
    /// Reads an entry of `mcpServers`. `folder` is that of its file. Fields that only other programs know are passed over.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(in crate::tools) fn read(
        name: &str,
        entry: &Value,
        folder: Option<Arc<PathBuf>>,
    ) -> Result<Self, String> {
        let Value::Object(fields) = entry else {
            return Err("it must be an object with `command` or `url`".to_owned());
        };
        let word = text(fields, "type")?.or(text(fields, "transport")?);
        let url = text(fields, "url")?;
        let program = text(fields, "command")?;
        if word.as_deref() == Some("sse") {
            return Err(
                "the transport \"sse\" of 2024 is not supported; use the server's streamable HTTP address"
                    .to_owned(),
            );
        }
        let place = match (program, url) {
            (Some(_), Some(_)) => {
                return Err("it has both `command` and `url`; give one".to_owned());
            }
            (Some(program), None) => {
                let mut command = vec![program];
                command.extend(texts(fields, "args")?);
                Place::Program {
                    command,
                    env: named(fields, "env")?,
                    cwd: text(fields, "cwd")?,
                    folder,
                }
            }
            (None, Some(url)) => Place::Address {
                url,
                headers: named(fields, "headers")?,
                oauth: oauth(fields)?,
            },
            (None, None) => return Err("it has neither `command` nor `url`".to_owned()),
        };
        let start = match fields.get("start_timeout_s") {
            None | Some(Value::Null) => START,
            Some(given) => given
                .as_f64()
                .filter(|seconds| *seconds > 0.0)
                .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
                .ok_or("`start_timeout_s` must be a number of seconds above 0")?,
        };
        Ok(Self {
            name: name.into(),
            place,
            start,
        })
    }

    /// Whether an entry is switched off, as other programs write it.
    pub(in crate::tools) fn is_off(entry: &Value) -> bool {
        entry["disabled"] == true || entry["enabled"] == false
    }

    /// The texts in which `${VAR}` is read.
    pub(in crate::tools) fn texts(&self) -> Vec<&str> {
        match &self.place {
            Place::Program {
                command, env, cwd, ..
            } => {
                let values = env.iter().map(|(_, value)| value);
                let all = command.iter().chain(values).chain(cwd);
                all.map(|text| &**text).collect()
            }
            Place::Address {
                url,
                headers,
                oauth,
            } => {
                let values = headers.iter().map(|(_, value)| value);
                let client = oauth
                    .iter()
                    .flat_map(|it| [&it.client_id, &it.client_secret]);
                std::iter::once(url)
                    .chain(values)
                    .chain(client.flatten())
                    .map(|text| &**text)
                    .collect()
            }
        }
    }
}

/// A text of the catalog with the values of its variables.
pub(super) fn with_variables(
    text: &str,
    environment: &Environment,
) -> Result<String, TemplateError> {
    let nothing = Map::new();
    let renderer = TemplateRenderer::new(&nothing, Missing::Keep);
    renderer
        .with_environment(environment)
        .text(text, str::to_owned)
}

fn oauth(fields: &Map<String, Value>) -> Result<Option<OAuthSettings>, String> {
    let fields = match fields.get("oauth") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(fields)) => fields,
        Some(_) => return Err("`oauth` must be an object".to_owned()),
    };
    let in_oauth = |fault: String| format!("in `oauth`: {fault}");
    let settings = OAuthSettings {
        client_id: text(fields, "client_id").map_err(in_oauth)?,
        client_secret: text(fields, "client_secret").map_err(in_oauth)?,
        scopes: texts(fields, "scopes").map_err(in_oauth)?,
    };
    if settings.client_secret.is_some() && settings.client_id.is_none() {
        return Err("in `oauth`: a `client_secret` needs its `client_id`".to_owned());
    }
    Ok(Some(settings))
}

fn text(fields: &Map<String, Value>, name: &str) -> Result<Option<Arc<str>>, String> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(Some(text.as_str().into())),
        Some(_) => Err(format!("`{name}` must be a text")),
    }
}

fn texts(fields: &Map<String, Value>, name: &str) -> Result<Vec<Arc<str>>, String> {
    let fault = || format!("`{name}` must be a list of texts");
    match fields.get(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) => {
            let all = list.iter().map(plain);
            all.collect::<Option<_>>().ok_or_else(fault)
        }
        Some(_) => Err(fault()),
    }
}

fn named(fields: &Map<String, Value>, name: &str) -> Result<Named, String> {
    let fault = || format!("`{name}` must be an object of texts");
    match fields.get(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Object(all)) => {
            let all = all.iter();
            let all = all.map(|(name, value)| Some((name.as_str().into(), plain(value)?)));
            all.collect::<Option<_>>().ok_or_else(fault)
        }
        Some(_) => Err(fault()),
    }
}

/// A text; numbers and truth values are often written without quotes.
fn plain(value: &Value) -> Option<Arc<str>> {
    match value {
        Value::String(text) => Some(text.as_str().into()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string().into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(entry: &Value) -> Result<ServerSettings, String> {
        ServerSettings::read("clock", entry, None)
    }

    #[test]
    fn a_program_or_an_address_is_read() {
        let started = read(
            &json!({"command": "uvx", "args": ["clock", 3], "env": {"A": "${A}"}, "autoApprove": []}),
        );
        let started = started.unwrap();
        assert_eq!(started.texts(), ["uvx", "clock", "3", "${A}"]);
        let reached = json!({"type": "http", "url": "http://h/mcp", "headers": {"x-k": "${K}"}, "start_timeout_s": 0.5});
        let reached = read(&reached).unwrap();
        assert_eq!(reached.texts(), ["http://h/mcp", "${K}"]);
        assert_eq!(reached.start, Duration::from_millis(500));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (entry, fault) in [
            (json!("uvx clock"), "must be an object"),
            (json!({}), "neither `command` nor `url`"),
            (json!({"command": "a", "url": "http://h"}), "both"),
            (json!({"command": ["a"]}), "`command` must be a text"),
            (
                json!({"command": "a", "args": "b"}),
                "`args` must be a list",
            ),
            (json!({"command": "a", "env": {"A": null}}), "`env` must be"),
            (json!({"type": "sse", "url": "http://h"}), "streamable HTTP"),
            (json!({"url": "http://h", "start_timeout_s": 0}), "above 0"),
            (json!({"url": "http://h", "oauth": true}), "`oauth` must be"),
            (
                json!({"url": "http://h", "oauth": {"client_secret": "${S}"}}),
                "needs its `client_id`",
            ),
        ] {
            let error = read(&entry).unwrap_err();
            assert!(error.contains(fault), "{entry}: {error}");
        }
    }
}
