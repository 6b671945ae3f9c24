//! One request: rendered, sent, and its answer read.

use super::answer::Answer;
use super::content::{Content, Folders};
use super::query::add_query;
use super::{HttpSettings, Statuses, address, body, content};
use crate::models::TlsFiles;
use crate::models::http::{
    RequestError, is_transient, lost, retry_after, spool_body, transport_error,
};
use crate::text::secrets::mask_password;
use crate::text::spool::Spool;
use crate::tools::Call;
use crate::tools::secrets::{REDACTED, is_secret_header};
use crate::tools::services::Services;
use crate::tools::template::{Missing, TemplateRenderer, is_whole_reference};
use crate::tools::trace_header::add_trace;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Method, Url};
use serde_json::{Map, Value};
use std::fmt::Write;
use std::path::Path;

/// Says which attempt this is, so that a server does not do twice what is asked again.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// How much of an answer an error quotes, in bytes.
const MAX_QUOTED_BYTES: usize = 600;

/// A request that is rendered and ready to be sent.
#[derive(Clone)]
pub(super) struct Prepared {
    method: Method,
    pub url: Url,
    headers: HeaderMap,
    body: Option<Content>,
    tls: Option<TlsFiles>,
    status: Option<Statuses>,
    /// Whether its `Idempotency-Key` is the name of the attempt.
    has_own_key: bool,
    /// Where it goes, as the catalog writes it: what came from the environment is a `${VAR}` in it.
    place: String,
    /// The whole request, in the same way.
    pub shown: String,
    /// Whether it carries what must not go to another host.
    has_secrets: bool,
}

impl Prepared {
    pub(super) fn new(
        http: &HttpSettings,
        folder: Option<&Path>,
        services: &Services,
        call: &Call,
    ) -> Result<Self, String> {
        let empty = Map::new();
        let input = call.input.as_object().unwrap_or(&empty);
        let mut renderer =
            TemplateRenderer::new(input, Missing::Error).with_environment(&services.environment);
        // Without an environment a variable stays as it is written.
        let mut template = TemplateRenderer::new(input, Missing::Empty);
        let address = address::render(&http.url, &mut renderer)?;
        let written = address::render(&http.url, &mut template).unwrap_or_default();
        let written = mask_password(&written);
        services.secrets.add_credentials_of(&address);
        let mut has_secrets = address.contains('@') || http.url.contains("${");
        let mut headers = HeaderMap::new();
        let mut shown = String::new();
        for (name, value) in &http.headers {
            let as_written = value;
            if is_whole_reference(value) && renderer.lacks(value) {
                // It is optional.
                continue;
            }
            let value = renderer
                .text(value, str::to_owned)
                .map_err(|error| format!("in the header {name}: {error}"))?;
            let is_secret = is_secret_header(name);
            has_secrets |= is_secret || as_written.contains("${");
            if is_secret {
                services.secrets.add_header(&value);
            }
            let written = if is_secret && !as_written.contains("${") {
                REDACTED.to_owned()
            } else {
                template.text(as_written, str::to_owned).unwrap_or_default()
            };
            // Writing to a string cannot fail.
            let _ = writeln!(shown, "{}: {written}", name.to_ascii_lowercase());
            let header = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| format!("\"{name}\" is not a valid header name"))?;
            let value = HeaderValue::from_str(&value).map_err(|_| {
                format!("the value of the header {name} has characters that a header cannot carry")
            })?;
            headers.append(header, value);
        }
        let has_key = headers.contains_key(IDEMPOTENCY_KEY);
        // A name with other characters cannot be sent; the call is made without it.
        let key = HeaderValue::from_bytes(call.idempotency_key.as_bytes()).ok();
        if let Some(key) = key.filter(|_| !has_key) {
            headers.insert(IDEMPOTENCY_KEY, key);
        }
        add_trace(&mut headers, call);
        let mut url = Url::parse(&address).map_err(|error| {
            let address = services.secrets.now().quote(&written, 200);
            format!("the address {address} is not valid: {error}")
        })?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!(
                "the address must begin with http:// or https://, not {}:",
                url.scheme()
            ));
        }
        let mut query: Vec<(String, String)> = Vec::new();
        let mut shown_query: Vec<(String, String)> = Vec::new();
        for (name, value) in &http.query {
            has_secrets |= value.to_string().contains("${");
            let (value, written) = match value {
                Value::String(text) if text.contains("${") => (
                    Value::String(
                        renderer
                            .text(text, str::to_owned)
                            .map_err(|error| error.to_string())?,
                    ),
                    template
                        .text(text, str::to_owned)
                        .unwrap_or_default()
                        .into(),
                ),
                value => (
                    renderer
                        .value(value)
                        .map_err(|error| format!("in `query`: {error}"))?,
                    template.value(value).unwrap_or_default(),
                ),
            };
            add_query(&mut query, name, &value);
            add_query(&mut shown_query, name, &written);
        }
        let is_form = body::is_form(&headers);
        // The body takes parameters only, never environment variables.
        let environment = renderer.environment.take();
        let given = http
            .body
            .as_ref()
            .map(|template| body::render(template, is_form, &mut renderer))
            .transpose();
        let given = given.map_err(|error| format!("in `body`: {error}"))?;
        renderer.environment = environment;
        let method = Method::from_bytes(http.method.as_bytes())
            .map_err(|_| format!("\"{}\" is not a valid method", http.method))?;
        let in_query = matches!(
            method,
            Method::GET | Method::DELETE | Method::HEAD | Method::OPTIONS
        );
        let content = given.or_else(|| {
            let rest = renderer
                .rest()
                .map(|(name, value)| (name.clone(), value.clone()));
            (!in_query).then(|| Value::Object(rest.collect()))
        });
        let folders = Folders {
            catalog: folder,
            kept: &services.files,
        };
        let body = match content {
            None => None,
            Some(content) if content::is_multipart(&headers) => {
                Some(Content::Parts(content::parts(&content, &folders)?))
            }
            Some(Value::String(text)) => Some(Content::Text(text)),
            Some(content) if is_form => Some(Content::Text(body::form(&content)?)),
            Some(content) => {
                // Without a type of its own an object is JSON.
                let is_json = body::is_json(&headers);
                let file = (!is_json).then(|| content::file(&content, &folders));
                Some(match file.transpose()?.flatten() {
                    Some(file) => Content::File(file),
                    None => Content::Text(body::json(&mut headers, &content)),
                })
            }
        };
        if body.as_ref().is_some_and(Content::has_own_type) {
            headers.remove(CONTENT_TYPE);
        }
        if in_query && http.body.is_none() {
            for (name, value) in renderer.rest() {
                add_query(&mut query, name, value);
                add_query(&mut shown_query, name, value);
            }
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let (path, own_query) = written.split_once('?').unwrap_or((&written, ""));
        let pairs = shown_query.iter();
        let pairs = pairs.map(|(name, value)| format!("{name}={value}"));
        let own_query = Some(own_query.to_owned()).filter(|query| !query.is_empty());
        let all: Vec<String> = own_query.into_iter().chain(pairs).collect();
        let question = if all.is_empty() { "" } else { "?" };
        let mut shown = format!("{method} {path}{question}{}\n{shown}", all.join("&"));
        if let Some(body) = &body {
            if !http
                .headers
                .iter()
                .any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
                && headers.contains_key(CONTENT_TYPE)
            {
                shown.push_str("content-type: application/json\n");
            }
            let _ = write!(shown, "\n{}", body.shown());
        }
        let host_and_path = path.split_once("://").map_or(path, |(_, rest)| rest);
        Ok(Self {
            place: format!("{method} {host_and_path}"),
            method,
            url,
            headers,
            body,
            shown,
            has_secrets,
            tls: http.tls.clone(),
            status: http.status.clone(),
            has_own_key: !has_key,
        })
    }

    /// The same request, for another address of the same host.
    #[must_use]
    pub(super) fn at(&self, url: Url) -> Self {
        let mut next = self.clone();
        // It is another request, which a server must not take for the one before.
        let key = next
            .headers
            .get(IDEMPOTENCY_KEY)
            .filter(|_| next.has_own_key);
        let key = key.and_then(|key| {
            let digest = blake3::hash(url.as_str().as_bytes()).to_hex();
            HeaderValue::from_bytes(&[key.as_bytes(), b"/", &digest.as_bytes()[..16]].concat()).ok()
        });
        if let Some(key) = key {
            next.headers.insert(IDEMPOTENCY_KEY, key);
        }
        next.url = url;
        next
    }

    /// Sends it; the answer may have up to `max` bytes.
    pub(super) async fn send(
        &self,
        services: &Services,
        max: usize,
    ) -> Result<Answer, RequestError> {
        let client = match &self.tls {
            Some(files) => services.http.client_with(&self.url, files)?,
            None => services.http.client(&self.url, self.has_secrets)?.clone(),
        };
        let place = &self.place;
        let request = client.request(self.method.clone(), self.url.clone());
        let mut request = request.headers(self.headers.clone());
        if let Some(body) = &self.body {
            request = body.add_to(request).map_err(RequestError::permanent)?;
        }
        tracing::debug!(place = ?place, "request sent");
        let response = request
            .send()
            .await
            .map_err(|error| transport_error(error, &self.url).at(place))?;
        let status = response.status();
        tracing::debug!(place = ?place, status = status.as_u16(), "request answered");
        let url = response.url().clone();
        let headers = response.headers().clone();
        let answer = if status.is_informational() {
            // The connection belongs to another protocol now.
            Ok(Spool::default())
        } else {
            let body = spool_body(response, max).await;
            body.map_err(|error| error.at(place))
        };
        let is_success = match &self.status {
            Some(statuses) => statuses.has(status.as_u16()),
            None => status.is_success(),
        };
        if !is_success {
            let answer = answer.and_then(|body| body.into_bytes().map_err(|error| lost(&error)));
            let answer = answer.unwrap_or_default();
            let location = headers.get(LOCATION).filter(|_| status.is_redirection());
            let answer = match location {
                Some(location) => format!(
                    "a redirect to \"{}\" that cannot be followed",
                    String::from_utf8_lossy(location.as_bytes())
                ),
                None => String::from_utf8_lossy(&answer).into_owned(),
            };
            let said = services.secrets.now().quote(&answer, MAX_QUOTED_BYTES);
            let message = format!("{place} answered {status}: {said}");
            let message = message.trim_end_matches([':', ' ']).to_owned();
            let wait = retry_after(&headers);
            return Err(RequestError::refused(message, is_transient(status), wait));
        }
        Ok(Answer {
            place: place.clone(),
            status: status.as_u16(),
            url,
            headers,
            body: answer?,
        })
    }
}
