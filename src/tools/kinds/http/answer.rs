//! The answer of a server as it arrived.

use crate::models::http::{RequestError, lost};
use crate::text::message::quote;
use crate::text::spool::Spool;
use reqwest::Url;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use serde_json::{Map, Value};

/// An answer of success.
pub(super) struct Answer {
    /// Where it comes from, as the catalog writes it.
    pub place: String,
    pub status: u16,
    /// The address that gave it, after redirects.
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Spool,
}

/// What comes before the body of an answer.
pub(super) struct Head {
    status: u16,
    headers: Map<String, Value>,
}

impl Head {
    /// The answer as a whole.
    pub(super) fn with(self, body: Value) -> Value {
        let mut whole = Map::new();
        whole.insert("status".to_owned(), self.status.into());
        whole.insert("headers".to_owned(), self.headers.into());
        whole.insert("body".to_owned(), body);
        Value::Object(whole)
    }
}

impl Answer {
    /// Its status and its headers, by their names in small letters; what is given several times is joined by commas.
    pub(super) fn head(&self) -> Head {
        let mut headers = Map::new();
        for name in self.headers.keys() {
            let all = self.headers.get_all(name).iter();
            let all: Vec<_> = all
                .map(|value| String::from_utf8_lossy(value.as_bytes()))
                .collect();
            headers.insert(name.as_str().to_owned(), all.join(", ").into());
        }
        Head {
            status: self.status,
            headers,
        }
    }

    /// The number of its bytes.
    pub(super) const fn len(&self) -> usize {
        self.body.len()
    }

    /// What it is: text, or the bytes of something else with their content type.
    pub(super) fn into_received(self) -> Result<Received, RequestError> {
        let content_type = content_type(&self.headers).map(str::to_owned);
        let is_plain = !self.headers.contains_key(CONTENT_ENCODING);
        match content_type.as_deref().map(kind_of) {
            Some(Kind::Binary) if is_plain && self.body.len() > 0 => {}
            Some(Kind::Unknown) | None if is_plain => {
                // Nobody says what it is.
                let bytes = self.body.into_bytes().map_err(|error| lost(&error))?;
                return Ok(match String::from_utf8(bytes) {
                    Ok(text) => Received::Text(text),
                    Err(error) => Received::Bytes(error.into_bytes(), content_type),
                });
            }
            _ => return self.into_text().map(Received::Text),
        }
        let bytes = self.body.into_bytes().map_err(|error| lost(&error))?;
        Ok(Received::Bytes(bytes, content_type))
    }

    /// Its text, in memory, by the character set that the server names; UTF-8 where it names none.
    fn into_text(self) -> Result<String, RequestError> {
        let bytes = self.body.into_bytes().map_err(|error| lost(&error))?;
        let charset = charset(&self.headers);
        if let Some(encoding) = charset.filter(|encoding| *encoding != encoding_rs::UTF_8) {
            let (text, _, is_wrong) = encoding.decode(&bytes);
            if !is_wrong {
                return Ok(text.into_owned());
            }
        }
        let place = &self.place;
        let header = |name| {
            self.headers
                .get(&name)
                .map(|it| it.to_str().unwrap_or("unknown"))
        };
        String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            let message = match header(CONTENT_ENCODING) {
                Some(encoding) => format!(
                    "{place} answered with the content encoding {}, which was not asked for; \
                     have the server send plain text, gzip or deflate",
                    quote(encoding, 60)
                ),
                None => format!("{place} answered with text that is not valid UTF-8 (byte {at})"),
            };
            RequestError::permanent(message).sent()
        })
    }
}

/// The content of an answer.
pub(super) enum Received {
    Text(String),
    /// Bytes, and what the server says they are.
    Bytes(Vec<u8>, Option<String>),
}

/// What a content type says about its bytes.
enum Kind {
    Text,
    Binary,
    Unknown,
}

fn kind_of(content_type: &str) -> Kind {
    let essence = content_type.split(';').next().unwrap_or_default();
    let essence = essence.trim().to_ascii_lowercase();
    let (main, sub) = essence.split_once('/').unwrap_or((&essence, ""));
    let texts = [
        "json",
        "xml",
        "javascript",
        "yaml",
        "x-yaml",
        "toml",
        "x-www-form-urlencoded",
        "x-ndjson",
        "sql",
        "graphql",
    ];
    let binaries = [
        "octet-stream",
        "pdf",
        "zip",
        "gzip",
        "x-gzip",
        "x-tar",
        "x-7z-compressed",
        "wasm",
        "x-protobuf",
        "vnd.ms-excel",
        "msword",
    ];
    match main {
        "text" => Kind::Text,
        "application" | "image"
            if texts.contains(&sub)
                || sub.ends_with("+json")
                || sub.ends_with("+xml")
                || sub.ends_with("+yaml") =>
        {
            Kind::Text
        }
        "image" | "audio" | "video" | "font" => Kind::Binary,
        "application" if binaries.contains(&sub) || sub.starts_with("vnd.openxmlformats") => {
            Kind::Binary
        }
        _ => Kind::Unknown,
    }
}

fn content_type(headers: &HeaderMap) -> Option<&str> {
    headers.get(CONTENT_TYPE)?.to_str().ok()
}

/// The character set that the content type names.
fn charset(headers: &HeaderMap) -> Option<&'static encoding_rs::Encoding> {
    let content_type = content_type(headers)?;
    let mut parameters = content_type.split(';').skip(1);
    let label = parameters.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("charset")
            .then(|| value.trim().trim_matches('"'))
    })?;
    encoding_rs::Encoding::for_label(label.as_bytes())
}
