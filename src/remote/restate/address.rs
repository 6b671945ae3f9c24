//! Where an engine is.

use reqwest::Url;
use std::fmt;
use std::str::FromStr;

/// The port of the admin interface, where an address names none.
const ADMIN_PORT: u16 = 9070;

/// The addresses of a Restate server: `restate://HOST:PORT`, and the admin interface at port 9070 of the same host unless
/// `?admin=HOST:PORT` names another one. `restates://` is the same over TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestateAddress {
    /// Where calls are sent.
    pub(super) ingress: Url,
    /// Where invocations are looked up and stopped.
    pub(super) admin: Url,
    shown: String,
}

/// What is wrong with an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressFault {
    /// It is of another engine.
    #[error(
        "{0:?} is no address of an engine: restate://HOST:PORT[?admin=HOST:PORT] is one (Temporal is not supported yet)"
    )]
    Scheme(String),
    /// It cannot be read.
    #[error("{0:?}: {1}; the form is restate://HOST:PORT[?admin=HOST:PORT]")]
    Form(String, &'static str),
}

impl FromStr for RestateAddress {
    type Err = AddressFault;

    fn from_str(text: &str) -> Result<Self, AddressFault> {
        let (web, rest) = match text.split_once("://") {
            Some(("restate", rest)) => ("http", rest),
            Some(("restates", rest)) => ("https", rest),
            _ => return Err(AddressFault::Scheme(text.to_owned())),
        };
        let fault = |why| AddressFault::Form(text.to_owned(), why);
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let url = |place: &str| {
            let url = Url::parse(&format!("{web}://{place}/")).ok()?;
            let is_plain = url.username().is_empty() && url.path() == "/";
            (is_plain && url.has_host()).then_some(url)
        };
        let place = place.strip_suffix('/').unwrap_or(place);
        let ingress = url(place).filter(|_| has_port(place));
        let ingress = ingress.ok_or_else(|| fault("the host or the port is missing"))?;
        let mut admin = None;
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if name != "admin" {
                return Err(fault("only `admin` may follow the question mark"));
            }
            let mut given = url(&value).ok_or_else(|| fault("`admin` is no HOST:PORT"))?;
            if !has_port(&value) {
                at_port(&mut given);
            }
            admin = Some(given);
        }
        let admin = admin.unwrap_or_else(|| {
            let mut beside = ingress.clone();
            at_port(&mut beside);
            beside
        });
        Ok(Self {
            ingress,
            admin,
            shown: text.to_owned(),
        })
    }
}

/// Whether a host is followed by a port.
fn has_port(place: &str) -> bool {
    let port = place.rsplit_once(':').map(|(_, port)| port);
    port.is_some_and(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
}

fn at_port(url: &mut Url) {
    // An address with a host takes any port.
    let _ = url.set_port(Some(ADMIN_PORT));
}

impl fmt::Display for RestateAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl RestateAddress {
    /// The addresses of a server of which the admin interface alone is known.
    #[cfg(feature = "restate")]
    pub(super) fn of_admin(admin: Url) -> Self {
        Self {
            ingress: admin.clone(),
            shown: admin.to_string(),
            admin,
        }
    }

    /// Reads `restate://HOST:PORT/NAME[?admin=HOST:PORT]`: the address, and the name, which may be missing.
    ///
    /// # Errors
    /// Where the rest is no address.
    pub fn with_name(text: &str) -> Result<(Self, String), AddressFault> {
        let (place, query) = text
            .split_once('?')
            .map_or((text, ""), |(place, _)| (place, &text[place.len()..]));
        let start = place.find("://").map_or(0, |at| at + 3);
        let (place, name) = match place[start..].find('/') {
            Some(at) => place.split_at(start + at),
            None => (place, ""),
        };
        let address = format!("{place}{query}").parse()?;
        Ok((address, name.trim_matches('/').to_owned()))
    }

    /// As it was given.
    pub(super) fn as_str(&self) -> &str {
        &self.shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(String, String), String> {
        let address: RestateAddress = text
            .parse()
            .map_err(|fault: AddressFault| fault.to_string())?;
        assert_eq!(address.to_string(), text);
        Ok((address.ingress.to_string(), address.admin.to_string()))
    }

    #[test]
    fn an_address_names_the_ingress_and_the_admin_interface() {
        let pair = |ingress: &str, admin: &str| Ok((ingress.to_owned(), admin.to_owned()));
        for (text, expected) in [
            ("restate://a:8080", pair("http://a:8080/", "http://a:9070/")),
            (
                "restate://a:8080/",
                pair("http://a:8080/", "http://a:9070/"),
            ),
            (
                "restate://[::1]:8080",
                pair("http://[::1]:8080/", "http://[::1]:9070/"),
            ),
            (
                "restate://a:1?admin=b:2",
                pair("http://a:1/", "http://b:2/"),
            ),
            (
                "restate://a:1?admin=b",
                pair("http://a:1/", "http://b:9070/"),
            ),
            ("restate://a:80", pair("http://a/", "http://a:9070/")),
            ("restates://a:1", pair("https://a:1/", "https://a:9070/")),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn a_name_may_follow_the_place() {
        for (text, address, name) in [
            ("restate://a:1/b1", "restate://a:1", "b1"),
            ("restate://a:1", "restate://a:1", ""),
            ("restate://a:1/", "restate://a:1", ""),
            (
                "restate://a:1/b1?admin=c:2",
                "restate://a:1?admin=c:2",
                "b1",
            ),
        ] {
            let (found, named) = RestateAddress::with_name(text).unwrap();
            assert_eq!((found.as_str(), &*named), (address, name), "{text}");
        }
        assert!(RestateAddress::with_name("a/b").is_err());
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_form() {
        for text in [
            "temporal://a:1",
            "a:8080",
            "restate://",
            "restate://a",
            "restate://a:99999",
            "restate://u@a:1",
            "restate://a:1/path",
            "restate://a:1?other=b:1",
            "restate://a:1?admin=b:1/c",
        ] {
            let fault = read(text).unwrap_err();
            assert!(fault.contains("restate://HOST:PORT"), "{text}: {fault}");
        }
    }
}
