//! HTTP clients with sane limits, and what their failures mean.

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, StatusCode, redirect};
use std::sync::{Once, OnceLock};
use std::time::Duration;

/// Redirects that are followed.
const MOST_REDIRECTS: usize = 5;

/// A connection is up within this time or not at all.
const CONNECT: Duration = Duration::from_secs(15);

/// A server asks for no longer wait than this; a longer one is cut to it.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// Why a request has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestError {
    /// What went wrong.
    pub message: String,
    /// Whether it may be gone the next time.
    pub retryable: bool,
    /// When the server asks to be called again.
    pub retry_after: Option<Duration>,
}

/// Clients, made when they are first needed. Connections are kept and used again.
#[derive(Debug, Default)]
pub struct HttpClients {
    open: OnceLock<Result<Client, String>>,
    faithful: OnceLock<Result<Client, String>>,
    local: OnceLock<Result<Client, String>>,
}

impl HttpClients {
    /// A client for `url`. With `secrets` it follows redirects only on the same host, because headers go along.
    /// A loopback address is never reached through a proxy.
    pub fn client(&self, url: &reqwest::Url, secrets: bool) -> Result<&Client, RequestError> {
        let client = if is_loopback(url) {
            self.local
                .get_or_init(|| build(|builder| builder.no_proxy().redirect(same_host())))
        } else if secrets {
            self.faithful
                .get_or_init(|| build(|builder| builder.redirect(same_host())))
        } else {
            self.open.get_or_init(|| {
                build(|builder| builder.redirect(redirect::Policy::limited(MOST_REDIRECTS)))
            })
        };
        client.as_ref().map_err(|error| RequestError {
            message: format!("no HTTP client could be made: {error}"),
            retryable: false,
            retry_after: None,
        })
    }
}

fn build(
    policy: impl Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
) -> Result<Client, String> {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // Where the program that uses this library has installed one already, that one serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    let builder = Client::builder()
        .user_agent(concat!("plandeck/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT);
    policy(builder).build().map_err(|error| describe(&error))
}

fn same_host() -> redirect::Policy {
    redirect::Policy::custom(|attempt| {
        if attempt.previous().len() > MOST_REDIRECTS {
            return attempt.error("too many redirects");
        }
        let origin = attempt.previous().first().map(reqwest::Url::origin);
        if origin.is_none_or(|origin| origin == attempt.url().origin()) {
            attempt.follow()
        } else {
            attempt.error("it redirects to another host, where the request's headers must not go")
        }
    })
}

fn is_loopback(url: &reqwest::Url) -> bool {
    match url.host_str() {
        Some("localhost") => true,
        Some(host) => host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback()),
        None => false,
    }
}

/// A failure below HTTP: worth trying again unless the request itself is at fault.
pub fn failed(error: reqwest::Error) -> RequestError {
    // The address may carry a secret.
    let error = error.without_url();
    let permanent = error.is_builder() || error.is_redirect();
    RequestError {
        message: describe(&error),
        retryable: !permanent,
        retry_after: None,
    }
}

/// The error and what caused it, in one line.
fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

/// Whether a status may be another the next time: 408, 409, 429 and 5xx.
pub fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 409 | 429) || status.is_server_error()
}

/// The wait that `Retry-After` asks for, given in seconds or as a date.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if let Ok(seconds) = text.parse::<f64>() {
        Duration::try_from_secs_f64(seconds).ok()?
    } else {
        // HTTP writes GMT where mail writes +0000.
        let date = text.replace("GMT", "+0000");
        let at = jiff::fmt::rfc2822::parse(&date).ok()?.timestamp();
        let wait = at.duration_since(jiff::Timestamp::now());
        Duration::try_from(wait).unwrap_or(Duration::ZERO)
    };
    Some(wait.min(LONGEST_WAIT))
}

/// The body of an answer, read up to `most` bytes.
pub async fn body(mut response: reqwest::Response, most: usize) -> Result<Vec<u8>, RequestError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if bytes.len() + chunk.len() > most {
            return Err(RequestError {
                message: format!("the answer is larger than {} MB", most >> 20),
                retryable: false,
                retry_after: None,
            });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    fn wait(text: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_str(text).unwrap());
        retry_after(&headers)
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("0.5"), Some(Duration::from_millis(500)));
        assert_eq!(wait("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        let later = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(100);
        let later = later.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let waited = wait(&later).unwrap();
        assert!((98..=100).contains(&waited.as_secs()), "{waited:?}");
        assert_eq!(wait("soon"), None);
        assert_eq!(wait("-1"), None);
        assert_eq!(wait("1e300"), None);
    }

    #[test]
    fn loopback_is_recognised() {
        for url in ["http://127.0.0.1:1", "http://localhost/x", "http://[::1]:8"] {
            assert!(is_loopback(&url.parse().unwrap()), "{url}");
        }
        assert!(!is_loopback(&"http://example.com".parse().unwrap()));
    }

    #[test]
    fn only_some_statuses_pass() {
        let passing: Vec<u16> = (100..600)
            .filter(|code| StatusCode::from_u16(*code).is_ok_and(is_passing))
            .collect();
        let expected: Vec<u16> = [408, 409, 429].into_iter().chain(500..600).collect();
        assert_eq!(passing, expected);
    }
}
