//! Errors below HTTP: connections, proxies and certificates, with what the user can do about them.

use super::request_error::RequestError;
use crate::text::secrets::mask_password;
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Url;
use rustls::{AlertDescription, CertificateError};
use std::error::Error;

/// The variables that name a proxy, for an address that begins with `https` and for one that does not; the first that is set
/// counts.
const PROXIES: [(&str, [&str; 4]); 2] = [
    (
        "https",
        ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"],
    ),
    (
        "http",
        ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"],
    ),
];

/// An error below HTTP of a request to `url`: worth a retry unless the request itself is at fault, or the server's
/// certificate.
pub(crate) fn transport_error(error: reqwest::Error, url: &Url) -> RequestError {
    // A redirect may lead to a server that cannot be reached; the one before it has had the request.
    let is_first = error.url().is_none_or(|failed| failed == url);
    let sent = !(error.is_builder() || error.is_connect() && is_first);
    // The address may carry a secret.
    let error = error.without_url();
    let certificate = tls_error(&error).and_then(what_is_wrong);
    let permanent = error.is_builder() || error.is_redirect() || certificate.is_some();
    let mut message = describe(&error);
    if let Some(fault) = certificate {
        message = format!("{fault}: {message}");
    } else if error.is_connect()
        && let Some(proxy) = proxy_of(url)
    {
        message.push_str(&proxy);
    }
    RequestError {
        message,
        retryable: !permanent,
        retry_after: None,
        timed_out: error.is_timeout(),
        sent,
    }
}

/// The error and its causes, in one line.
pub(super) fn describe(error: &dyn Error) -> String {
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

/// Whether an address is of this machine: it is never reached through a proxy.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host_str() {
        Some("localhost") => true,
        Some(host) => host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback()),
        None => false,
    }
}

/// The fault of TLS that is the cause of an error.
fn tls_error<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e rustls::Error> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(fault) = error.downcast_ref() {
            return Some(fault);
        }
        // An I/O error does not give the one that it wraps as its source.
        let wrapped = error.downcast_ref::<std::io::Error>();
        let wrapped: Option<&'e (dyn Error + 'static)> = wrapped
            .and_then(std::io::Error::get_ref)
            .map(|inner| inner as &(dyn Error + 'static));
        cause = wrapped.or_else(|| error.source());
    }
    None
}

/// What is wrong with a certificate, and what to do; `None` where it is something else.
fn what_is_wrong(fault: &rustls::Error) -> Option<&'static str> {
    match fault {
        rustls::Error::InvalidCertificate(fault) => Some(of_the_server(fault)),
        rustls::Error::AlertReceived(AlertDescription::CertificateRequired) => Some(
            "the server asks for a certificate of the client: give the tool `tls` with `cert` and `key`",
        ),
        rustls::Error::AlertReceived(
            AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateUnknown,
        ) => Some("the server refuses the certificate of the client: check `tls.cert`"),
        _ => None,
    }
}

/// What is wrong with a server's certificate, and what to do.
fn of_the_server(fault: &CertificateError) -> &'static str {
    match fault {
        CertificateError::UnknownIssuer => {
            "the server's certificate is from an issuer that this machine does not trust (it is self-signed, or a proxy \
             opens the connection): put the issuer's certificate into a file and name that in SSL_CERT_FILE"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the server's certificate has expired: ask its operator to renew it, and check the clock of this machine"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the server's certificate is not valid yet: check the clock of this machine"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the server's certificate is for another name: check the address"
        }
        CertificateError::Revoked => {
            "the server's certificate was revoked: check the address, and ask the server's operator"
        }
        _ => "the server's certificate is not valid",
    }
}

/// The proxy that a request to `url` goes through, and what to do where that fails; `None` where it goes through none.
fn proxy_of(url: &Url) -> Option<String> {
    if is_loopback(url) {
        return None;
    }
    let proxy = Matcher::from_env().intercept(&url.as_str().parse().ok()?)?;
    let names = PROXIES
        .iter()
        .find(|(scheme, _)| *scheme == url.scheme())
        .map(|(_, names)| names)?;
    let name = names
        .iter()
        .find(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))?;
    let address = proxy.uri().to_string();
    Some(format!(
        "; the request goes through the proxy {} of {name}: check that variable, or list {} in NO_PROXY",
        mask_password(address.trim_end_matches('/')),
        url.host_str().unwrap_or("the host")
    ))
}
