//! HTTP clients with limits, and the meaning of their errors.

pub use super::request_error::RequestError;
use super::tls_files::TlsFiles;
pub(crate) use super::transport::transport_error;
use super::transport::{describe, is_loopback};
use crate::text::spool::Spool;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, ClientBuilder, StatusCode, redirect};
use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, Once, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

/// The maximum of redirects that are followed.
const MAX_REDIRECTS: usize = 5;

/// The time limit for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// Headers with a wait in milliseconds, which some servers send beside `Retry-After` because it is more precise.
const RETRY_AFTER_MS: [&str; 2] = ["retry-after-ms", "x-ms-retry-after-ms"];

/// The interval of TCP keepalive probes on an idle connection.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// The maximum pause within an answer.
pub(crate) const IDLE: Duration = Duration::from_mins(2);

/// Clients, built when they are first needed. Connections are reused.
#[derive(Debug, Default)]
pub(crate) struct HttpClients {
    /// Whether servers may compress their answers.
    is_compressed: bool,
    open: OnceLock<Result<Client, String>>,
    faithful: OnceLock<Result<Client, String>>,
    local: OnceLock<Result<Client, String>>,
    with_files: Mutex<HashMap<(TlsFiles, bool), Client>>,
}

impl HttpClients {
    /// Clients that let servers compress their answers.
    pub(crate) fn compressed() -> Self {
        Self {
            is_compressed: true,
            ..Self::default()
        }
    }

    /// A client for `url`. With `secrets` it follows redirects only on the same host, because headers are sent again.
    /// A loopback address is never reached through a proxy.
    pub(crate) fn client(
        &self,
        url: &reqwest::Url,
        secrets: bool,
    ) -> Result<&Client, RequestError> {
        let client = if is_loopback(url) {
            self.local
                .get_or_init(|| self.build(|builder| Ok(builder.no_proxy().redirect(same_host()))))
        } else if secrets {
            self.faithful
                .get_or_init(|| self.build(|builder| Ok(builder.redirect(same_host()))))
        } else {
            self.open.get_or_init(|| {
                self.build(|builder| Ok(builder.redirect(redirect::Policy::limited(MAX_REDIRECTS))))
            })
        };
        client.as_ref().map_err(|error| no_client(error))
    }

    /// A client for `url` that uses these files. It follows redirects only on the same host.
    pub(crate) fn client_with(
        &self,
        url: &reqwest::Url,
        files: &TlsFiles,
    ) -> Result<Client, RequestError> {
        let is_local = is_loopback(url);
        let mut known = self
            .with_files
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = known.get(&(files.clone(), is_local)) {
            return Ok(client.clone());
        }
        let client = self.build(|builder| {
            let builder = if is_local {
                builder.no_proxy()
            } else {
                builder
            };
            files.apply(builder.redirect(same_host()))
        });
        let client = client.map_err(|error| no_client(&error))?;
        known.insert((files.clone(), is_local), client.clone());
        Ok(client)
    }

    fn build(
        &self,
        policy: impl Fn(ClientBuilder) -> Result<ClientBuilder, String>,
    ) -> Result<Client, String> {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            // It stays the one that the program installed, where it has installed one already.
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        let builder = Client::builder()
            .user_agent(concat!("plandeck/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_keepalive(KEEPALIVE)
            .gzip(self.is_compressed)
            .deflate(self.is_compressed);
        policy(builder)?.build().map_err(|error| describe(&error))
    }
}

fn no_client(error: &str) -> RequestError {
    RequestError::permanent(format!("no HTTP client could be made: {error}"))
}

fn same_host() -> redirect::Policy {
    redirect::Policy::custom(|attempt| {
        if attempt.previous().len() > MAX_REDIRECTS {
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

/// Whether a retry may succeed after this status: 408, 409, 429 and 5xx.
pub(crate) fn is_transient(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 409 | 429) || status.is_server_error()
}

/// The wait that a server asks for: in milliseconds, in seconds, or as one of the three forms of an HTTP date.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let number = |text: &str, scale: f64| {
        let number = text.parse::<f64>().ok().filter(|number| *number >= 0.0)?;
        // What a duration cannot hold is longer than any wait.
        Some(Duration::try_from_secs_f64(number / scale).unwrap_or(Duration::MAX))
    };
    let mut precise = RETRY_AFTER_MS.iter().copied().filter_map(text);
    let precise = precise.find_map(|text| number(text, 1e3));
    precise.or_else(|| {
        let text = text(RETRY_AFTER.as_str())?;
        number(text, 1.0).or_else(|| until(text))
    })
}

/// The time until a date.
fn until(date: &str) -> Option<Duration> {
    let now = SystemTime::now();
    let at = httpdate::parse_http_date(date).ok().or_else(|| {
        // Some servers write dates as mail does, or as logs do.
        let mail = jiff::fmt::rfc2822::parse(date).map(|at| at.timestamp());
        let at = mail.or_else(|_| date.parse::<jiff::Timestamp>()).ok()?;
        Some(SystemTime::from(at))
    })?;
    Some(at.duration_since(now).unwrap_or(Duration::ZERO))
}

/// The body of an answer, read up to `max_bytes` bytes, with no pause longer than [`IDLE`].
pub(crate) async fn read_body(
    response: reqwest::Response,
    max_bytes: usize,
) -> Result<Vec<u8>, RequestError> {
    read_body_within(response, max_bytes, IDLE).await
}

/// The body of an answer, read up to `max_bytes` bytes, with no pause longer than `idle`.
pub(super) async fn read_body_within(
    response: reqwest::Response,
    max_bytes: usize,
    idle: Duration,
) -> Result<Vec<u8>, RequestError> {
    let body = spool_within(response, max_bytes, idle).await?;
    body.into_bytes().map_err(|error| lost(&error))
}

/// What has arrived cannot be kept, or read again.
pub(crate) fn lost(error: &io::Error) -> RequestError {
    RequestError::permanent(format!("the answer was lost: {error}")).sent()
}

/// The body of an answer as it arrives, up to `max_bytes` bytes, with no pause longer than [`IDLE`].
pub(crate) async fn spool_body(
    response: reqwest::Response,
    max_bytes: usize,
) -> Result<Spool, RequestError> {
    spool_within(response, max_bytes, IDLE).await
}

async fn spool_within(
    mut response: reqwest::Response,
    max_bytes: usize,
    idle: Duration,
) -> Result<Spool, RequestError> {
    let url = response.url().clone();
    let mut body = Spool::default();
    loop {
        let chunk = tokio::time::timeout(idle, response.chunk()).await;
        let chunk = chunk.map_err(|_| {
            RequestError::timeout(format!(
                "the answer stopped in the middle: no data for {} s",
                idle.as_secs_f64()
            ))
        })?;
        let Some(chunk) = chunk.map_err(|error| transport_error(error, &url).sent())? else {
            return Ok(body);
        };
        if body.len() + chunk.len() > max_bytes {
            return Err(RequestError::permanent(format!(
                "the answer is larger than {} MB",
                max_bytes >> 20
            ))
            .sent());
        }
        body.push(&chunk).map_err(|error| lost(&error))?;
    }
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
        assert_eq!(wait("nan"), None);
        assert_eq!(wait("1e300"), Some(Duration::MAX));
    }

    #[test]
    fn every_form_of_a_date_is_read() {
        let later = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(100);
        for form in [
            "%a, %d %b %Y %H:%M:%S GMT",
            "%A, %d-%b-%y %H:%M:%S GMT",
            "%a %b %e %H:%M:%S %Y",
            "%a, %d %b %Y %H:%M:%S +0000",
            "%Y-%m-%dT%H:%M:%SZ",
        ] {
            let date = later.strftime(form).to_string();
            let waited = wait(&date).unwrap_or_else(|| panic!("{date} is not read"));
            assert!((95..=100).contains(&waited.as_secs()), "{date}: {waited:?}");
        }
        assert_eq!(wait("Friday, 31-Dec-99 23:59:59 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("Fri Dec 31 23:59:59 1999"), Some(Duration::ZERO));
    }

    #[test]
    fn milliseconds_are_more_precise() {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_static("2"));
        for (text, wait) in [("1250", 1250), ("0.5", 0), ("soon", 2000), ("-3", 2000)] {
            headers.insert(RETRY_AFTER_MS[0], HeaderValue::from_static(text));
            let read = retry_after(&headers).unwrap();
            assert_eq!(read.as_millis(), wait, "{text}");
        }
    }

    #[test]
    fn an_overlong_wait_is_not_waited_for() {
        let hour = Duration::from_hours(1);
        let refused = |wait| RequestError::refused("busy".to_owned(), true, Some(wait));
        assert_eq!(refused(hour).retry_after, Some(hour));
        assert!(refused(hour).retryable);
        for overlong in [hour + Duration::from_secs(1), Duration::MAX] {
            let error = refused(overlong);
            assert!(!error.retryable);
            assert_eq!(error.retry_after, None);
            assert!(error.message.contains("longer than 1 h"), "{error}");
        }
    }

    #[test]
    fn loopback_is_recognised() {
        for url in ["http://127.0.0.1:1", "http://localhost/x", "http://[::1]:8"] {
            assert!(is_loopback(&url.parse().unwrap()), "{url}");
        }
        assert!(!is_loopback(&"http://example.com".parse().unwrap()));
    }

    #[test]
    fn only_some_statuses_are_transient() {
        let transient: Vec<u16> = (100..600)
            .filter(|code| StatusCode::from_u16(*code).is_ok_and(is_transient))
            .collect();
        let expected: Vec<u16> = [408, 409, 429].into_iter().chain(500..600).collect();
        assert_eq!(transient, expected);
    }

    #[tokio::test]
    async fn an_answer_that_stops_is_a_timeout() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let _ = socket.read(&mut [0; 1024]).await;
            let head = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf";
            let _ = socket.write_all(head).await;
            std::future::pending::<()>().await;
        });
        let url = url.parse().unwrap();
        let clients = HttpClients::default();
        let request = clients.client(&url, false).unwrap().get(url);
        let response = request.send().await.unwrap();
        let error = read_body_within(response, 100, Duration::from_millis(50)).await;
        let error = error.unwrap_err();
        assert!(error.timed_out && error.retryable);
        assert_eq!(
            error.message,
            "the answer stopped in the middle: no data for 0.05 s"
        );
    }
}
