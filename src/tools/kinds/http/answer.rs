//! The answer of a server as it arrived.

use crate::models::http::{RequestError, lost};
use crate::text::message::quote;
use crate::text::spool::Spool;
use reqwest::Url;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};

/// An answer of success.
pub(super) struct Answer {
    /// Where it comes from, as the catalog writes it.
    pub place: String,
    /// The address that gave it, after redirects.
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Spool,
}

impl Answer {
    /// The number of its bytes.
    pub(super) const fn len(&self) -> usize {
        self.body.len()
    }

    /// Its text, in memory, by the character set that the server names; UTF-8 where it names none.
    pub(super) fn into_text(self) -> Result<String, RequestError> {
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

/// The character set that the content type names.
fn charset(headers: &HeaderMap) -> Option<&'static encoding_rs::Encoding> {
    let content_type = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let mut parameters = content_type.split(';').skip(1);
    let label = parameters.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("charset")
            .then(|| value.trim().trim_matches('"'))
    })?;
    encoding_rs::Encoding::for_label(label.as_bytes())
}
